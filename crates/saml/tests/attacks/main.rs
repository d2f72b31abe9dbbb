//! The attacks on SAML that are known, each made of a valid message by a transformation, with what an attacker would
//! gain by it and what becomes of it here: refused for one reason, or believed to say exactly what was signed.
//!
//! `fuzz/run attacks` has the messages written out, as seeds for the fuzzer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::too_many_lines, reason = "tables with a row for each attack")]

mod attack;
mod clock;
mod documents;
mod encryption;
#[path = "../suite/fixtures.rs"]
#[expect(dead_code, reason = "the suite uses the rest")]
mod fixtures;
mod identifiers;
mod logout;
mod metadata;
mod namespaces;
mod redirect;
mod semantics;
mod signatures;
mod splitting;
mod transforms;
mod uris;
mod wrapping;

use std::collections::HashSet;
use std::path::Path;

use attack::{Attack, Outcome};

fn corpus() -> Vec<Attack> {
    let chapters = [
        ("wrapping", wrapping::attacks()),
        ("encryption", encryption::attacks()),
        ("splitting", splitting::attacks()),
        ("identifiers", identifiers::attacks()),
        ("signatures", signatures::attacks()),
        ("transforms", transforms::attacks()),
        ("documents", documents::attacks()),
        ("namespaces", namespaces::attacks()),
        ("uris", uris::attacks()),
        ("semantics", semantics::attacks()),
        ("clock", clock::attacks()),
        ("redirect", redirect::attacks()),
        ("logout", logout::attacks()),
        ("metadata", metadata::attacks()),
    ];
    let named = |(chapter, attacks): (&'static str, Vec<Attack>)| {
        attacks.into_iter().map(move |attack| attack.in_chapter(chapter))
    };
    chapters.into_iter().flat_map(named).collect()
}

/// An entry says what it is for, and is what it says: something else than the valid message, which is accepted.
#[test]
fn every_attack_is_one() {
    let mut names = HashSet::new();
    for attack in corpus() {
        let Attack { name, gain, original, message, .. } = &attack;
        assert!(names.insert(name.clone()), "{name} is there twice");
        assert!(gain.len() > 20 && gain.ends_with('.'), "{name} does not say what an attacker would gain");
        assert_ne!(original, message, "{name} changes nothing");
        attack.judge_original().unwrap_or_else(|kind| panic!("{name} begins with what is refused: {kind:?}"));
    }
    assert!(names.len() > 250, "only {} attacks", names.len());
}

#[test]
fn no_attack_succeeds() {
    let mut surprises = Vec::new();
    for attack in corpus() {
        let expected = match attack.outcome {
            Outcome::Refused(kind) => Err(kind),
            Outcome::AsSigned => attack.judge_original(),
        };
        let judged = attack.judge();
        if judged != expected {
            surprises.push(format!("{}: {judged:?} instead of {expected:?}", attack.name));
        }
    }
    assert!(surprises.is_empty(), "\n{}", surprises.join("\n"));
}

/// `fuzz/run attacks` takes them from there.
#[test]
fn the_messages_are_written_out_for_the_fuzzer() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attacks");
    let mut written = HashSet::new();
    for attack in corpus() {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = attack.name.chars().map(plain).collect();
        let (target, input) = attack.seed();
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(&name), input).unwrap();
        written.insert(target);
    }
    assert_eq!(written.len(), 6, "{written:?}");
}
