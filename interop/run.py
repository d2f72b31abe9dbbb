"""Runs the tests, a few modules at once, and writes or compares docs/interop.md.

    interop/run                  every peer; fails if docs/interop.md says something else than the run found
    interop/run --write-table    every peer; writes docs/interop.md
    interop/run mellon xmlsec1   only these; the table is left alone
"""

import concurrent.futures
import io
import json
import os
import subprocess
import sys
import time
import unittest

import versions
from table import markdown

HERE = os.path.dirname(os.path.abspath(__file__))
DOCUMENT = os.path.join(os.path.dirname(HERE), "docs", "interop.md")
AT_ONCE = 2

HEAD = """# Other people's SAML software

Made by `interop/run --write-table`, which runs every combination below over HTTP against the real binary. A cell says
**works** only if a test of that run saw it: the far side knew the person by name and attributes at the end, or had
ended the session. **Can't** was tried as well, and is what the peer lacks; the number leads to what, in words.
Continuous integration runs the same, and fails if it finds something else than this page says.
"""


def run_module(name):
    """One test module in a process of its own; the answer is what it found."""
    begun = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-W", "ignore", os.path.join(HERE, "run.py"), "--module", name],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HERE,
    )
    try:
        found = json.loads(process.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        found = {"ran": 0, "failed": 1, "tables": [], "report": process.stdout + process.stderr}
    found["seconds"] = time.monotonic() - begun
    return found


def module_itself(name):
    """In the process of one module: prints what it found as one line of JSON."""
    import table

    report = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    result = unittest.TextTestRunner(stream=report, verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    found = {
        "ran": result.testsRun, "failed": failed, "skipped": len(result.skipped),
        "tables": [each.as_data() for each in table.TABLES], "report": report.getvalue(),
    }
    print("\n" + json.dumps(found))


def document(tables):
    """The page, from the tables of all modules."""
    lines = [HEAD]
    peer = None
    for table in tables:
        if table["peer"] != peer:
            peer = table["peer"]
            lines.append(f"## {peer}\n\n{versions.INTRODUCTIONS[peer]}\n\nVersions: {versions.of(peer)}\n")
        lines.append(markdown(table))
    return "\n".join(lines)


def without_versions(text):
    return [line for line in text.splitlines() if not line.startswith("Versions: ")]


def check_document(text):
    """Whether the page in the repository says what the run found; tells the first difference."""
    try:
        with open(DOCUMENT) as file:
            written = file.read()
    except FileNotFoundError:
        written = ""
    expected, found = without_versions(written), without_versions(text)
    if expected == found:
        return True
    for number, (before, now) in enumerate(zip(expected + [""], found + [""]), 1):
        if before != now:
            print(f"docs/interop.md does not say what this run found. Line {number} without the lines of versions:")
            print(f"  there: {before}\n  found: {now}")
            break
    print("If that is as it should be: interop/run --write-table")
    return False


def main(arguments):
    wanted = [f"test_{name}" for name in arguments if not name.startswith("-")]
    everything = sorted(name[:-3] for name in os.listdir(HERE) if name.startswith("test_") and name.endswith(".py"))
    unknown = set(wanted) - set(everything)
    if unknown or any(name not in ("--write-table",) for name in arguments if name.startswith("-")):
        print(__doc__)
        print("Peers:", " ".join(name.removeprefix("test_") for name in everything))
        return 2
    modules = wanted or everything
    ran = failed = 0
    tables = []
    # xmlsec1 and lasso would read the machine's authorities anew for every message; no test asks those.
    os.environ["SSL_CERT_FILE"] = os.devnull
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, found in zip(modules, pool.map(run_module, modules)):
            ran, failed = ran + found["ran"], failed + found["failed"]
            tables += found["tables"]
            print(f"{name}: {found['ran']} tests in {found['seconds']:.0f} s, {found['failed']} failed", flush=True)
            if found["failed"]:
                print(found["report"], flush=True)
    print(f"{ran - failed} passed, {failed} failed")
    if failed or not ran:
        return 1
    if wanted:
        return 0
    tables.sort(key=lambda table: list(versions.INTRODUCTIONS).index(table["peer"]))
    text = document(tables)
    if "--write-table" in arguments:
        with open(DOCUMENT, "w") as file:
            file.write(text)
        return 0
    return 0 if check_document(text) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--module"]:
        module_itself(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
