//! `innkeeper doctor`: what is missing on this machine, and the command that mends it.

mod data;
mod machine;
mod sandbox;

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::config::Reading;
use crate::tell;

/// How one thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// The service runs, and something would be better otherwise.
    Advice,
    /// The service, or something that people expect of it, does not work.
    Missing,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) name: String,
    /// How it was found.
    pub(crate) state: State,
    /// What was found, as a sentence or a phrase.
    pub(crate) sentence: String,
    /// The command or the setting that mends it.
    pub(crate) mend: Option<String>,
}

impl Finding {
    fn good(name: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Good, sentence: sentence.into(), mend: None }
    }

    fn advice(name: impl Into<String>, sentence: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state: State::Advice, mend: Some(mend.into()), ..Self::good(name, sentence) }
    }

    fn missing(name: impl Into<String>, sentence: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state: State::Missing, ..Self::advice(name, sentence, mend) }
    }
}

/// Looks at everything and tells it. Changes nothing on this machine.
pub(crate) fn run(reading: &Reading) -> ExitCode {
    let findings = look(reading);
    tell(&report(&findings));
    if findings.iter().any(|finding| finding.state == State::Missing) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn look(reading: &Reading) -> Vec<Finding> {
    let mut findings = configuration(reading);
    if reading.is_usable() {
        let config = &reading.config;
        findings.extend(data::directory(&config.data.dir));
        findings.push(data::master_key(&config.secrets.key));
        findings.push(data::database(&config.database));
        findings.push(machine::port(config.http.listen, &config.data.dir));
        findings.extend(machine::host_names(&config.addresses));
    }
    findings.push(machine::clock());
    findings.push(machine::open_files());
    findings.extend(sandbox::look());
    findings
}

fn configuration(reading: &Reading) -> Vec<Finding> {
    let source = match &reading.file {
        Some(file) => file.display().to_string(),
        None => "no file; built-in values".to_owned(),
    };
    if reading.problems.is_empty() {
        return vec![Finding::good("configuration", source)];
    }
    let finding = if reading.is_usable() { Finding::advice } else { Finding::missing };
    let text = format!("{} problem(s) ({source})", reading.problems.len());
    vec![finding("configuration", text, "innkeeper config check")]
}

/// The findings as lines, those that need somebody with the command under them, and a last line that sums up.
fn report(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let word = match finding.state {
            State::Good => "good   ",
            State::Advice => "advice ",
            State::Missing => "missing",
        };
        _ = writeln!(text, "{word}  {:width$}  {}", finding.name, finding.sentence);
        if let Some(mend) = &finding.mend {
            _ = writeln!(text, "{:9}{:width$}  -> {mend}", "", "");
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    let (missing, advice) = (count(State::Missing), count(State::Advice));
    let last = match (missing, advice) {
        (0, 0) => "Nothing is missing.".to_owned(),
        (0, advice) => format!("Nothing is missing; {advice} thing(s) could be better."),
        (missing, _) => format!("{missing} thing(s) are missing. The lines with -> say what mends them."),
    };
    _ = writeln!(text, "\n{last}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, read};

    #[test]
    fn what_is_missing_is_told_with_the_command_that_mends_it() {
        let findings = [
            Finding::good("clock", "it is right"),
            Finding::advice("Landlock", "the kernel has none", "boot with lsm=landlock"),
            Finding::missing("Xvnc", "it is not installed", "apt-get install xvnc"),
        ];
        let text = report(&findings);
        assert!(text.contains("missing  Xvnc      it is not installed\n"), "{text}");
        assert!(text.contains("-> apt-get install xvnc"), "{text}");
        assert!(text.ends_with("1 thing(s) are missing. The lines with -> say what mends them.\n"), "{text}");
        assert!(report(&findings[..2]).ends_with("Nothing is missing; 1 thing(s) could be better.\n"));
        assert!(report(&findings[..1]).ends_with("Nothing is missing.\n"));
    }

    #[test]
    fn a_broken_configuration_is_the_first_thing_missing() {
        let environment = vec![("INNKEEPER__HTTP__LISTEN".to_owned(), "nowhere".to_owned())];
        let findings = look(&read(&Sources { environment, ..Sources::default() }));
        assert_eq!((findings[0].name.as_str(), findings[0].state), ("configuration", State::Missing));
        assert!(findings.iter().all(|finding| finding.name != "database"), "its settings can't be trusted");
    }
}
