//! Why a change was not made.

use axum::http::StatusCode;
use site::{FieldErrors, Problem};

/// Why a change was not made; nothing was changed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// What was filled in can't be used; each sentence belongs beside its field.
    Fields(FieldErrors),
    /// It would break something; a sentence that says what, and what to do first.
    Conflict(String),
    /// What was to be changed is not there any more.
    Gone,
    /// The database failed, or the machine.
    Failed(Problem),
}

impl Refusal {
    /// One mistake in one field.
    pub(crate) fn field(field: &'static str, sentence: impl Into<String>) -> Self {
        Self::Fields(FieldErrors::of(field, sentence))
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<FieldErrors> for Refusal {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

/// For a button without fields around it.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let conflict = |sentence| Problem::new(StatusCode::CONFLICT, "Nothing was changed", sentence);
        match refusal {
            Refusal::Fields(errors) => {
                let sentences: Vec<&str> = errors.iter().map(|(_, sentence)| sentence).collect();
                conflict(sentences.join(" "))
            }
            Refusal::Conflict(sentence) => conflict(sentence),
            Refusal::Gone => Problem::not_found("This is not here any more; somebody may have deleted it."),
            Refusal::Failed(problem) => problem,
        }
    }
}

/// Names as a sentence has them: `a`, `a and b`, `a, b and c`; `None` of none.
pub(crate) fn listed(names: &[String]) -> Option<String> {
    let (last, rest) = names.split_last()?;
    Some(if rest.is_empty() { last.clone() } else { format!("{} and {last}", rest.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn names_are_joined_as_people_do() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&names[..0]), None);
        assert_eq!(listed(&names[..1]).as_deref(), Some("a"));
        assert_eq!(listed(&names[..2]).as_deref(), Some("a and b"));
        assert_eq!(listed(&names).as_deref(), Some("a, b and c"));
    }
}
