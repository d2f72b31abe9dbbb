//! From the click on Launch to the first picture, in real Chromium.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::report::{Goal, Report, milliseconds};
use crate::service::Service;
use crate::sign_in::PASSWORD;
use crate::verification::output_of;
use crate::{Outcome, cpu};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/first-frame.mjs");

/// Launches of each workspace.
const LAUNCHES: u32 = 7;

const GOAL: f64 = 0.5;

/// Seconds of each launch, by workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct FirstFrames(Vec<(String, Vec<f64>)>);

pub(crate) fn measure(service: &Service, username: &str, node: &Path) -> Outcome<FirstFrames> {
    let task = json!({
        "workspaces": service.workspaces("/")?,
        "username": username,
        "password": PASSWORD,
        "names": ["Terminal", "Desktop"],
        "launches": LAUNCHES,
    });
    let child = Command::new(node).arg(SCRIPT).arg(task.to_string()).stdout(Stdio::piped()).spawn()?;
    Ok(serde_json::from_slice(&output_of(child, "the browser")?)?)
}

impl FirstFrames {
    pub(crate) fn tell(&self, report: &mut Report) {
        for (name, seconds) in &self.0 {
            let median = cpu::median(seconds.iter().copied());
            let most = seconds.iter().copied().fold(0.0, f64::max);
            report.figure(
                &format!("{name}: click on Launch to the first frame in the browser"),
                &format!("{} (slowest {})", milliseconds(median), milliseconds(most)),
                Goal::new("0.5 s", median <= GOAL),
            );
        }
    }
}
