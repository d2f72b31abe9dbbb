use std::time::Duration;

use serde::Deserialize;
use site::FieldErrors;
use site::form::{checked, optional, required};

use super::{Details, Program, Thumbnail};

/// The form of a workspace, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DefinitionForm {
    pub(super) friendly_name: String,
    pub(super) description: String,
    pub(super) thumbnail: String,
    pub(super) category: String,
    pub(super) program: String,
    pub(super) command: String,
    pub(super) cores: String,
    pub(super) memory_mb: String,
    pub(super) session_time_limit_minutes: String,
    pub(super) idle_limit_minutes: String,
    pub(super) enabled: Option<String>,
    pub(super) groups: Vec<String>,
}

impl DefinitionForm {
    /// The form of a new workspace.
    pub(super) fn fresh() -> Self {
        Self {
            thumbnail: "workspace-desktop.svg".into(),
            program: "desktop".into(),
            cores: "1".into(),
            memory_mb: "1024".into(),
            session_time_limit_minutes: "480".into(),
            idle_limit_minutes: "60".into(),
            enabled: Some("on".into()),
            groups: vec![crate::groups::ALL_USERS.into()],
            ..Self::default()
        }
    }

    /// The form of a workspace as it is.
    pub(super) fn of(details: &Details, groups: Vec<String>) -> Self {
        let command = match &details.program {
            Program::Command(argv) => argv.join(" "),
            Program::Desktop | Program::Terminal => String::new(),
        };
        Self {
            friendly_name: details.friendly_name.clone(),
            description: details.description.clone(),
            thumbnail: details.thumbnail.text().to_owned(),
            category: details.category.clone(),
            program: details.program.key().to_owned(),
            command,
            cores: (f64::from(details.centicores) / 100.0).to_string(),
            memory_mb: (details.memory_bytes >> 20).to_string(),
            session_time_limit_minutes: (details.session_time_limit.as_secs() / 60).to_string(),
            idle_limit_minutes: (details.idle_limit.as_secs() / 60).to_string(),
            enabled: details.enabled.then(|| "on".into()),
            groups,
        }
    }

    /// The workspace that the form describes.
    ///
    /// # Errors
    /// What is wrong with each field.
    pub(super) fn parse(&self) -> Result<Details, FieldErrors> {
        let mut errors = FieldErrors::none();
        let friendly_name = errors.check("friendly_name", required(&self.friendly_name, 80));
        let description = errors.check("description", optional(&self.description, 500));
        let thumbnail = errors.check("thumbnail", Thumbnail::parse(self.thumbnail.trim()));
        let category = errors.check("category", optional(&self.category, 80));
        let program = self.program(&mut errors);
        let centicores = errors.check("cores", centicores(&self.cores));
        let memory_mb = errors.check("memory_mb", whole(&self.memory_mb, 64, 1 << 20));
        let most = 60 * 24 * 30;
        let time_limit =
            errors.check("session_time_limit_minutes", whole(&self.session_time_limit_minutes, 1, most));
        let idle_limit = errors.check("idle_limit_minutes", whole(&self.idle_limit_minutes, 1, most));
        let details = || {
            Some(Details {
                friendly_name: friendly_name?,
                description: description?.unwrap_or_default(),
                thumbnail: thumbnail?,
                category: category?.unwrap_or_default(),
                program: program?,
                centicores: centicores?,
                memory_bytes: memory_mb? << 20,
                session_time_limit: Duration::from_mins(time_limit?),
                idle_limit: Duration::from_mins(idle_limit?),
                enabled: checked(&self.enabled),
            })
        };
        let details = details();
        errors.finish(details)
    }

    fn program(&self, errors: &mut FieldErrors) -> Option<Program> {
        match self.program.as_str() {
            "desktop" => Some(Program::Desktop),
            "terminal" => Some(Program::Terminal),
            "command" => errors.check("command", command_line(&self.command)).map(Program::Command),
            _ => {
                errors.add("program", "Choose what runs.");
                None
            }
        }
    }
}

fn command_line(text: &str) -> Result<Vec<String>, String> {
    let line = required(text, 500)?;
    if line.contains(['"', '\'']) {
        return Err("Quotation marks have no meaning here: the line is split at its spaces.".into());
    }
    Ok(line.split_whitespace().map(str::to_owned).collect())
}

fn whole(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.trim().parse::<u64>().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("Enter a whole number from {least} to {most}."))
}

/// Hundredths of a core from a decimal number, read digit by digit so that nothing is rounded.
fn centicores(text: &str) -> Result<u32, String> {
    let parse = || {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let hundredths = match part.len() {
            1 => part.parse::<u32>().ok()? * 10,
            2 => part.parse::<u32>().ok()?,
            _ => return None,
        };
        whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths)
    };
    let number = parse().filter(|number| (10..=25_600).contains(number));
    number.ok_or_else(|| "Enter the cores as a number from 0.1 to 256, for example 1 or 0.5.".into())
}
