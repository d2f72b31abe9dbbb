//! The plan of the house, as docs/architecture.md tells it, held against what cargo knows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

/// Every arrow that is allowed: a crate and those it may use. docs/architecture.md says why.
const ARROWS: &[(&str, &[&str])] = &[
    ("innkeeper", &["identity", "workspaces", "runtime", "site", "store"]),
    ("identity", &["saml", "site", "store"]),
    ("workspaces", &["saml", "runtime", "stream", "site", "store"]),
    ("site", &["store"]),
    ("saml", &[]),
    ("store", &[]),
    ("runtime", &[]),
    ("stream", &[]),
    ("testkit", &["site", "store"]),
    ("benches", &["saml"]),
];

/// Crates that would bring a second cryptography, or one with known weaknesses, into the house.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "cryptography is aws-lc-rs"),
    ("openssl-sys", "cryptography is aws-lc-rs"),
    ("native-tls", "TLS is rustls on aws-lc-rs"),
    ("rsa", "its private-key operations leak timing (RUSTSEC-2023-0071)"),
];

/// Licences that what we ship may have.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What cargo knows about the workspace and all that it uses on the platform we ship for.
fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(String::from))
        .exec()
        .unwrap()
}

fn ours(metadata: &Metadata) -> BTreeMap<String, Package> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| (package.name.to_string(), package.clone()))
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let ours = ours(&metadata());
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, package) in &ours {
        let Some(allowed) = allowed.get(name.as_str()) else {
            wrong.push(format!(
                "{name} has no place in the plan: add it to ARROWS and to docs/architecture.md"
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| ours.contains_key(&dependency.name))
        {
            let to = dependency.name.as_str();
            // A crate may name itself, with its feature for tests, and use testkit in its tests.
            let in_tests = dependency.kind == DependencyKind::Development
                && (to == "testkit" || to == name || to == "store");
            if !allowed.contains(&to) && !in_tests {
                wrong.push(format!("{name} -> {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the plan does not allow: {wrong:#?}");
}

#[test]
fn the_architecture_document_draws_the_same_arrows() {
    let text = read("docs/architecture.md");
    let section = text.split("\n## The arrows\n").nth(1).expect("the section of the arrows");
    let block = section.split("```").nth(1).expect("the arrows");
    let mut drawn = BTreeMap::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        let (from, to) = line.split_once('→').unwrap_or_else(|| panic!("no arrow in {line:?}"));
        // A remark may follow in parentheses.
        let to = to.split('(').next().unwrap_or_default().trim();
        let to = if to == "nothing of ours" { BTreeSet::new() } else { names(to) };
        for from in names(from) {
            assert!(drawn.insert(from.clone(), to.clone()).is_none(), "{from} is drawn twice");
        }
    }
    let allowed: BTreeMap<String, BTreeSet<String>> =
        ARROWS.iter().map(|(from, to)| ((*from).to_owned(), names(&to.join(",")))).collect();
    assert_eq!(drawn, allowed, "left: docs/architecture.md; right: ARROWS");
}

/// Names between commas.
fn names(list: &str) -> BTreeSet<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn what_is_for_tests_stays_in_tests() {
    for (name, package) in ours(&metadata()) {
        for dependency in &package.dependencies {
            let for_tests =
                dependency.name == "testkit" || dependency.features.iter().any(|name| name == "testing");
            let is_testkit = name == "testkit";
            assert!(
                !for_tests || is_testkit || dependency.kind == DependencyKind::Development,
                "{name} ships {}, which is for tests",
                dependency.name
            );
        }
    }
}

#[test]
fn the_architecture_document_names_every_crate_and_no_other() {
    let text = read("docs/architecture.md");
    let block = text.split("```").find(|block| block.contains("crates/\n")).expect("the plan of the folders");
    let named: BTreeSet<String> = block
        .lines()
        .skip_while(|line| line.trim() != "crates/")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| Some(line.trim().split_once('/')?.0.to_owned()))
        .collect();
    let crates =
        |package: &Package| package.manifest_path.ancestors().nth(2).is_some_and(|at| at.ends_with("crates"));
    let there = ours(&metadata()).into_iter().filter(|(_, package)| crates(package)).map(|(name, _)| name);
    let there: BTreeSet<String> = there.collect();
    assert_eq!(named, there, "left: docs/architecture.md; right: the workspace");
    for path in mentioned_paths(&text) {
        assert!(root().join(&path).exists(), "docs/architecture.md names {path}, which is not there");
    }
}

/// Paths of the sources in backquotes, such as `crates/site/src/layer.rs`.
fn mentioned_paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| word.starts_with("crates/") && !word.contains(['\n', ' ', '<', '*']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_dependency_is_declared_once_with_its_reason() {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[workspace.dependencies]").nth(1).expect("[workspace.dependencies]");
    let section = section.split("\n[").next().unwrap_or_default();
    for group in section.split("\n\n") {
        let declares =
            |line: &&str| line.contains('=') && !line.starts_with('#') && !line.contains("path = ");
        if let Some(first) = group.lines().find(declares) {
            let above = group.lines().take_while(|line| *line != first);
            let reason = above.filter(|line| line.starts_with("# ")).count();
            assert!(reason > 0, "no comment says why {first:?} is needed");
        }
    }
    for (name, package) in ours(&metadata()) {
        let text = std::fs::read_to_string(&package.manifest_path).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(declared) = manifest.get(kind).and_then(toml::Value::as_table) else { continue };
            for (dependency, value) in declared {
                let inherits = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                let is_ours = value.get("path").is_some();
                assert!(inherits || is_ours, "{name}: {dependency} must be declared in the root Cargo.toml");
            }
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_house() {
    for (name, package) in ours(&metadata()) {
        let text = std::fs::read_to_string(&package.manifest_path).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        let inherits = manifest["lints"].get("workspace").and_then(toml::Value::as_bool);
        assert_eq!(inherits, Some(true), "{name} goes its own way with lints");
    }
}

#[test]
fn only_crates_io_and_no_banned_crate() {
    for package in metadata().packages {
        let name = package.name.as_str();
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            panic!("{name} came in: {reason}. `cargo tree -i {name}` shows how");
        }
        if let Some(source) = &package.source {
            assert!(source.is_crates_io(), "{name} comes from {source}");
        }
    }
}

#[test]
fn every_licence_is_one_that_we_may_ship() {
    for package in metadata().packages {
        let licence = package.license.as_deref().unwrap_or("none");
        assert!(is_allowed(licence), "{} is under {licence}", package.name);
    }
}

/// Judges a licence expression: every part that is joined by AND must offer one that is allowed.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    parts(&expression, " AND ").iter().all(|part| match unwrapped(part) {
        Some(inner) => is_allowed(inner),
        None => parts(part, " OR ").iter().any(|choice| match unwrapped(choice) {
            Some(inner) => is_allowed(inner),
            None => LICENCES.contains(&choice.trim()),
        }),
    })
}

/// Splits outside of parentheses.
fn parts<'e>(expression: &'e str, by: &str) -> Vec<&'e str> {
    let (mut depth, mut begin, mut found) = (0_u32, 0, Vec::new());
    for (at, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= begin && expression[at..].starts_with(by) => {
                found.push(&expression[begin..at]);
                begin = at + by.len();
            }
            _ => {}
        }
    }
    found.push(&expression[begin..]);
    found
}

fn unwrapped(expression: &str) -> Option<&str> {
    expression.trim().strip_prefix('(')?.strip_suffix(')')
}

#[test]
fn licences_are_judged_by_what_they_leave_us() {
    assert!(is_allowed("MIT"));
    assert!(is_allowed("MIT/Apache-2.0"));
    assert!(is_allowed("GPL-3.0 OR MIT"));
    assert!(is_allowed("ISC AND (GPL-2.0 OR Apache-2.0)"));
    assert!(!is_allowed("GPL-3.0"));
    assert!(!is_allowed("MIT AND GPL-3.0"));
    assert!(!is_allowed("ISC AND (GPL-2.0 OR AGPL-3.0)"));
    assert!(!is_allowed("none"));
}

#[test]
fn deny_toml_says_the_same() {
    let deny: toml::Table = toml::from_str(&read("deny.toml")).unwrap();
    let words = |list: &toml::Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    // cargo-deny writes exceptions of the LLVM kind as we do, so the lists compare as they are.
    let licences: BTreeSet<String> = LICENCES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(words(&deny["licenses"]["allow"]), licences);
    let banned: BTreeSet<String> = BANNED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let denied = deny["bans"]["deny"].as_array().unwrap();
    assert_eq!(
        denied.iter().map(|entry| entry["crate"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(),
        banned
    );
}

#[test]
fn what_the_sandbox_needs_is_installed_by_make_up() {
    let output =
        std::process::Command::new(root().join("scripts/install-packages")).args(["--list", "run"]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    let installed: BTreeSet<&str> = list.lines().collect();
    for package in runtime::sandbox::PACKAGES {
        assert!(installed.contains(package), "scripts/install-packages does not install {package}");
    }
}
