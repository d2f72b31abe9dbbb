//! `[log]`: what is written to standard error.

use tracing_subscriber::EnvFilter;

use super::Reader;
use super::setting::Setting;

/// The log.
#[derive(Debug)]
pub(crate) struct Log {
    /// Its form.
    pub(crate) format: LogFormat,
    /// How much is written.
    pub(crate) level: Level,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Setting for LogFormat {
    const WRITE: &'static str = "\"text\" or \"json\".";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("\"{text}\" is not a form of the log.")),
        }
    }

    fn written(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

/// How much is written: a level, or levels by part of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Level(String);

impl Level {
    /// The filter of the log.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Setting for Level {
    const WRITE: &'static str =
        "one of error, warn, info, debug, trace, or levels by part, for example \"info,identity=debug\".";

    fn parse(text: &str) -> Result<Self, String> {
        let known = |level: &str| matches!(level, "off" | "error" | "warn" | "info" | "debug" | "trace");
        let mut directives =
            text.split(',').map(|directive| directive.rsplit('=').next().unwrap_or_default());
        if directives.all(known) && EnvFilter::try_new(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("\"{text}\" is not a level of the log."))
        }
    }

    fn written(&self) -> String {
        self.0.clone()
    }
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            format: reader.value("log.format", LogFormat::Text),
            level: reader.value("log.level", Level("info".to_owned())),
        }
    }
}
