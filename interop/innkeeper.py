"""Starts the real binary on an empty data directory, as a person would."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("INNKEEPER", os.path.join(ROOT, "target", "debug", "innkeeper"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Innkeeper:
    def __init__(self, *flags):
        self.port = free_port()
        self.identity = f"http://auth.localhost:{self.port}"
        self.workspaces = f"http://workspaces.localhost:{self.port}"
        self.directory = tempfile.TemporaryDirectory(prefix="innkeeper-interop-")
        data = os.path.join(self.directory.name, "data")
        environment = dict(
            os.environ,
            INNKEEPER__HTTP__LISTEN=f"127.0.0.1:{self.port}",
            INNKEEPER__IDENTITY__URL=self.identity,
            INNKEEPER__WORKSPACES__URL=self.workspaces,
            INNKEEPER__DATA__DIR=data,
            INNKEEPER__DATABASE__URL=f"sqlite:{data}/innkeeper.db",
        )
        self.log = open(os.path.join(self.directory.name, "log"), "w+")
        self.process = subprocess.Popen(
            [BINARY, "up", *flags],
            cwd=self.directory.name,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.greeting = ""
        threading.Thread(target=self._listen, daemon=True).start()
        deadline = time.monotonic() + 30
        while "Ctrl-C" not in self.greeting or not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise AssertionError(f"innkeeper did not start:\n{self.greeting}\n{self.log.read()}")
            time.sleep(0.05)

    def _listen(self):
        for line in self.process.stdout:
            self.greeting += line

    def _answers(self):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/-/health/ready/", headers={"Host": f"auth.localhost:{self.port}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def link(self, pattern):
        for url in re.findall(r"https?://\S+", self.greeting):
            if re.search(pattern, url):
                return url
        raise AssertionError(f"no link like {pattern} in:\n{self.greeting}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.log.close()
        self.directory.cleanup()
