//! What is wrong with a configuration, and what to write instead.

use std::fmt;

use super::Origin;

/// One thing that is wrong or doubtful. Its text has two lines: what is wrong and where, then what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    error: bool,
    origin: Option<Origin>,
    key: Option<String>,
    what: String,
    instead: String,
}

impl Problem {
    /// The service can't start with this.
    pub(crate) fn error(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { error: true, origin: None, key: None, what: what.into(), instead: instead.into() }
    }

    /// The service starts with this, but somebody should know.
    pub(crate) fn warning(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { error: false, ..Self::error(what, instead) }
    }

    /// Says where it was written.
    pub(crate) fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Says which setting it is about.
    pub(crate) fn of(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Whether the service can't start with this.
    pub(crate) fn is_error(&self) -> bool {
        self.error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.error { "error: " } else { "warning: " })?;
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}\n    {}", self.what, self.instead)
    }
}
