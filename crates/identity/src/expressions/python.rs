//! The interpreter: [monty](https://docs.rs/monty), a Python in Rust that has no way to the world but what
//! its host hands it, and here that is nothing but the time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use monty::{MontyRun, RunProgress};
use monty_types::{
    CompileOptions, ExcType, ExtFunctionResult, MontyDate, MontyDateTime, MontyException, MontyObject,
    NameLookupResult, OsFunctionCall, PrintWriter, ResourceLimits, ResourceTracker,
};
use serde_json::Value;
use store::Timestamp;

use super::rewrite::{Rewritten, rewrite};
use super::{
    Context, Facts, Failure, FailureKind, MAX_RETURNED, MAX_TEXT, MAX_VALUES, Outcome, Returned, TIME_LIMIT,
};

/// What authentik's expressions find around them, in Python.
const PRELUDE: &str = include_str!("prelude.py");

/// Compiled expressions that are kept.
const KEPT: usize = 200;

/// Questions to the host that an evaluation may ask; each is worth little, but they don't count as its time.
const MAX_QUESTIONS: usize = 1000;

/// The interpreter with the expressions it has compiled.
#[derive(Default)]
pub(super) struct Python {
    programs: HashMap<String, Program>,
}

impl Python {
    /// Compiles an expression, or finds it compiled.
    ///
    /// # Errors
    /// It is no Python, or Python that the interpreter doesn't have.
    pub(super) fn compile(&mut self, expression: &str) -> Result<&Program, Failure> {
        if self.programs.len() >= KEPT && !self.programs.contains_key(expression) {
            self.programs.clear();
        }
        match self.programs.entry(expression.to_owned()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Program::compile(expression)?)),
        }
    }
}

/// A compiled expression.
pub(super) struct Program {
    run: MontyRun,
    rewritten: Rewritten,
}

impl Program {
    fn compile(expression: &str) -> Result<Self, Failure> {
        if expression.len() > MAX_TEXT {
            let message = format!("An expression may have {} KiB", MAX_TEXT / 1024);
            return Err(Failure::new(FailureKind::Syntax, None, message));
        }
        let rewritten = rewrite(expression)?;
        let options = CompileOptions { assert_message_annotations: false.into() };
        let text = format!("{PRELUDE}{}", rewritten.text);
        match MontyRun::new(text, "expression", vec!["_ak_facts".to_owned()], options) {
            Ok(run) => Ok(Self { run, rewritten }),
            Err(error) => {
                let line = own_line(&error).map(|line| rewritten.source_line(line));
                let message = match error.exc_type() {
                    // "The monty syntax parser does not yet support …"
                    ExcType::NotImplementedError => error
                        .message()
                        .unwrap_or_default()
                        .replace("The monty syntax parser does not yet support", "Expressions can't have"),
                    _ => error.message().unwrap_or_default().to_owned(),
                };
                Err(Failure::new(FailureKind::Syntax, line, message))
            }
        }
    }

    /// Evaluates the expression, with fresh state.
    ///
    /// # Errors
    /// It failed, or took too long, or returned too much.
    pub(super) fn evaluate(&self, context: &Context, now: Timestamp) -> Outcome {
        let limits = ResourceLimits::default().max_duration(TIME_LIMIT);
        let mut progress =
            self.run.clone().start(vec![facts(context)], ResourceTracker::new(limits), PrintWriter::Disabled);
        for _ in 0..MAX_QUESTIONS {
            progress = match progress.map_err(|error| self.failure(&error))? {
                RunProgress::Complete(told) => return returned(told),
                RunProgress::NameLookup(name) => {
                    name.resume(NameLookupResult::Undefined, PrintWriter::Disabled)
                }
                RunProgress::FunctionCall(call) => {
                    let missing = ExtFunctionResult::NotFound(call.function_name.clone());
                    call.resume(missing, PrintWriter::Disabled)
                }
                RunProgress::OsCall(call) => {
                    call.resume_with(PrintWriter::Disabled, |call| answer(&call, now))
                }
                RunProgress::ResolveFutures(futures) => futures.abort(
                    MontyException::new(ExcType::RuntimeError, Some("there is nothing to await".to_owned())),
                    PrintWriter::Disabled,
                ),
            };
        }
        Err(too_long())
    }

    fn failure(&self, error: &MontyException) -> Failure {
        if error.exc_type() == ExcType::TimeoutError {
            return too_long();
        }
        let line = own_line(error).map(|line| self.rewritten.source_line(line));
        let kind = FailureKind::Raised(error.exc_type().to_string());
        Failure::new(kind, line, error.message().unwrap_or_default())
    }
}

fn too_long() -> Failure {
    let message = format!("The expression took longer than {} milliseconds", TIME_LIMIT.as_millis());
    Failure::new(FailureKind::Time, None, message)
}

/// The innermost line of the traceback that isn't the prelude's, counted from the expression's first.
fn own_line(error: &MontyException) -> Option<u32> {
    let prelude = u32::try_from(PRELUDE.matches('\n').count()).ok()?;
    error
        .traceback()
        .iter()
        .rev()
        .find_map(|frame| frame.start.line.checked_sub(prelude).filter(|line| *line > 0))
}

/// The only questions that the world answers.
fn answer(call: &OsFunctionCall, now: Timestamp) -> ExtFunctionResult {
    let seconds = now.micros().div_euclid(1_000_000);
    let (year, month, day) = site::moments::civil(seconds.div_euclid(86_400));
    let date = (i32::try_from(year), u8::try_from(month), u8::try_from(day));
    let (Ok(year), Ok(month), Ok(day)) = date else {
        return MontyException::new(ExcType::OSError, Some("the clock is wrong".to_owned())).into();
    };
    let of_day = |divisor: i64, modulus: i64| u8::try_from(seconds.rem_euclid(86_400) / divisor % modulus);
    match call {
        OsFunctionCall::DateToday => MontyObject::Date(MontyDate { year, month, day }).into(),
        OsFunctionCall::DateTimeNow(zone) if zone.as_ref().is_none_or(|zone| zone.offset_seconds == 0) => {
            MontyObject::DateTime(MontyDateTime {
                year,
                month,
                day,
                hour: of_day(3600, 24).unwrap_or(0),
                minute: of_day(60, 60).unwrap_or(0),
                second: of_day(1, 60).unwrap_or(0),
                microsecond: u32::try_from(now.micros().rem_euclid(1_000_000)).unwrap_or(0),
                offset_seconds: zone.as_ref().map(|zone| zone.offset_seconds),
                timezone_name: zone.as_ref().and_then(|zone| zone.name.clone()),
            })
            .into()
        }
        OsFunctionCall::DateTimeNow(_) => {
            MontyException::new(ExcType::NotImplementedError, Some("the time is told in UTC only".to_owned()))
                .into()
        }
        other => {
            let message = format!("{} is not available to expressions", other.name());
            MontyException::new(ExcType::PermissionError, Some(message)).into()
        }
    }
}

fn facts(context: &Context) -> MontyObject {
    let groups = context.groups.iter().map(dict).collect();
    MontyObject::dict(vec![
        (text("user"), dict(&context.user)),
        (text("groups"), MontyObject::List(groups)),
        (text("request"), dict(&context.request)),
        (text("provider"), dict(&context.provider)),
    ])
}

fn text(text: &str) -> MontyObject {
    MontyObject::String(text.to_owned())
}

fn dict(facts: &Facts) -> MontyObject {
    MontyObject::dict(facts.iter().map(|(name, value)| (text(name), object(value))).collect::<Vec<_>>())
}

/// A value of JSON in Python. How deep it can be, the reader of JSON has bounded.
fn object(value: &Value) -> MontyObject {
    match value {
        Value::Null => MontyObject::None,
        Value::Bool(value) => MontyObject::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => MontyObject::Int(whole),
            None => MontyObject::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(value) => text(value),
        Value::Array(values) => MontyObject::List(values.iter().map(object).collect()),
        Value::Object(facts) => dict(facts),
    }
}

/// Reads what `_ak_told` of the prelude hands over.
fn returned(told: MontyObject) -> Outcome {
    let odd = || {
        Failure::new(FailureKind::Raised("TypeError".into()), None, "the expression returned something odd")
    };
    let MontyObject::Tuple(parts) = told else { return Err(odd()) };
    let Ok([MontyObject::Bool(truthy), values]) = <[MontyObject; 2]>::try_from(parts) else {
        return Err(odd());
    };
    let values = match values {
        MontyObject::None => return Ok(Returned { truthy, values: None }),
        MontyObject::List(values) => values,
        _ => return Err(odd()),
    };
    let mut texts = Vec::with_capacity(values.len());
    let mut bytes = 0;
    for value in values {
        let MontyObject::String(value) = value else { return Err(odd()) };
        bytes += value.len();
        texts.push(value);
    }
    if texts.len() > MAX_VALUES || bytes > MAX_RETURNED {
        let message =
            format!("An expression may return {MAX_VALUES} values and {} KiB in all", MAX_RETURNED / 1024);
        return Err(Failure::new(FailureKind::TooMuch, None, message));
    }
    Ok(Returned { truthy, values: Some(texts) })
}
