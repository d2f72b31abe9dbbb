//! Expressions in real workers: what authentik's administrators write gives what it gives there, and what an
//! attacker writes gives a sentence.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod authentik;
mod hostile;

use identity::expressions::{Context, Expressions, Facts, Failure, FailureKind, Returned};
use serde_json::{Value, json};
use store::Timestamp;

/// 2026-11-24 12:00 UTC.
const NOW: Timestamp = Timestamp::from_micros(1_795_521_600_000_000);

fn expressions() -> Expressions {
    Expressions::in_workers(env!("CARGO_BIN_EXE_identity-test-service"))
}

fn facts(value: &Value) -> Facts {
    value.as_object().expect("a JSON object").clone()
}

/// Ann, a nurse on the night shift.
fn ann() -> Context {
    Context {
        user: facts(&json!({
            "pk": "5f0c", "uid": "ab12", "uuid": "5f0c", "username": "ann", "name": "Ann Example",
            "email": "ann@example.com", "is_active": true,
            "attributes": { "department": "Care", "phones": ["1", "2"], "level": 3, "nested": { "a": { "b": "deep" } } },
        })),
        groups: vec![
            facts(
                &json!({ "pk": "g1", "name": "Night shift", "is_superuser": false, "attributes": { "floor": 2 } }),
            ),
            facts(&json!({ "pk": "g2", "name": "Staff", "is_superuser": false, "attributes": {} })),
        ],
        request: Facts::new(),
        provider: facts(&json!({ "name": "Payroll" })),
    }
}

async fn outcome(expressions: &Expressions, text: &str) -> Result<Returned, Failure> {
    let mut outcomes = expressions.evaluate(vec![text.to_owned()], ann(), NOW).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// The values that an expression returns about Ann.
async fn values(expressions: &Expressions, text: &str) -> Option<Vec<String>> {
    let outcome = outcome(expressions, text).await;
    outcome.map_err(|failure| format!("{text}\n{}", failure.sentence())).unwrap().values
}

async fn failure(expressions: &Expressions, text: &str) -> Failure {
    outcome(expressions, text).await.expect_err(text)
}

#[tokio::test]
async fn all_expressions_of_a_job_are_answered_in_order() {
    let expressions = expressions();
    let texts = ["return 1", "return nobody", "return [", "while True: pass", "return None", "return [2, 3]"];
    let texts = texts.map(str::to_owned).to_vec();
    let outcomes = expressions.evaluate(texts, ann(), NOW).await;
    let values: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(returned) => returned.values.unwrap_or_default().join(" "),
            Err(failure) => failure.sentence(),
        })
        .collect();
    assert_eq!(
        values,
        [
            "1",
            "Line 1: NameError: name 'nobody' is not defined.",
            "Line 1: unexpected EOF while parsing.",
            "The expression took longer than 200 milliseconds.",
            "",
            "2 3",
        ]
    );
    assert_eq!(expressions.idle_workers().len(), 1, "one round trip, and the worker is still good");
}

#[tokio::test]
async fn a_check_finds_mistakes_and_evaluates_nothing() {
    let expressions = expressions();
    assert_eq!(expressions.check("return nobody".into(), NOW).await, Ok(()));
    let failure = expressions.check("x = 1\nif x\n  return 2".into(), NOW).await.unwrap_err();
    assert_eq!(
        (failure.kind.clone(), failure.line),
        (FailureKind::Syntax, Some(2)),
        "{}",
        failure.sentence()
    );
    let failure = expressions.check("x = 1\n\nmatch x:\n  case 1: return 2".into(), NOW).await.unwrap_err();
    assert_eq!(failure.sentence(), "Line 3: Expressions can't have pattern matching (match statements).");
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_a_sentence() {
    for program in ["/nowhere", "/bin/true", "/bin/cat"] {
        let expressions = Expressions::in_workers(program);
        let failure = failure(&expressions, "return 1").await;
        assert_eq!(failure.kind, FailureKind::Unavailable, "{program}");
        assert!(failure.sentence().starts_with("No process could be had to evaluate the expression: it "));
    }
}
