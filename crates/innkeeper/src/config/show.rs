//! `innkeeper config show`: every setting, as a file that could be read again, with its origin.

use std::fmt::Write as _;

use super::{Shown, ShownValue};

/// All settings as TOML, each with a comment that says where its value came from. Secrets are hidden.
pub(crate) fn show(settings: &[Shown]) -> String {
    let lines: Vec<(&str, String, String)> = settings.iter().map(line).collect();
    let width = lines.iter().map(|(_, assignment, _)| assignment.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut open_section = "";
    for (section, assignment, origin) in &lines {
        if *section != open_section {
            let gap = if open_section.is_empty() { "" } else { "\n" };
            _ = writeln!(text, "{gap}[{section}]");
            open_section = section;
        }
        _ = writeln!(text, "{assignment:width$}  # {origin}");
    }
    text
}

fn line(setting: &Shown) -> (&str, String, String) {
    let (section, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
    let quoted = |text: &String| toml::Value::String(text.clone()).to_string();
    let assignment = match &setting.value {
        ShownValue::One(text) if text.parse::<u32>().is_ok() => format!("{name} = {text}"),
        ShownValue::One(text) => format!("{name} = {}", quoted(text)),
        ShownValue::Many(list) => {
            format!("{name} = [{}]", list.iter().map(quoted).collect::<Vec<_>>().join(", "))
        }
        ShownValue::Hidden => format!("# {name} = (hidden)"),
        ShownValue::Unset => format!("# {name} ="),
    };
    let origin = match setting.value {
        ShownValue::Unset => "not set".to_owned(),
        _ => setting.origin.to_string(),
    };
    (section, assignment, origin)
}
