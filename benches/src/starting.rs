//! How long a start takes, and what the service holds when nobody uses it.

use std::path::Path;
use std::time::Duration;

use crate::report::{Goal, Report, milliseconds};
use crate::service::{Memory, Place, Service};
use crate::{Outcome, cpu};

/// Starts on data that is there already.
const STARTS: usize = 7;

/// Until everything that a start leaves behind is done.
const SETTLE: Duration = Duration::from_secs(5);

/// Nobody notices less.
const GOAL_FIRST_PAGE: f64 = 1.0;

/// Tens of megabytes.
const GOAL_MEMORY: u64 = 100 << 20;

pub(crate) struct Starts {
    first: Duration,
    later: f64,
    idle: Memory,
}

/// Starts on an empty directory, then again and again on the same one. The last is left running.
pub(crate) fn measure(binary: &Path) -> Outcome<(Service, Starts)> {
    let mut service = Place::new(binary)?.start()?;
    let first = service.first_page_after;
    let mut later = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        service = service.stop()?.start()?;
        later.push(service.first_page_after.as_secs_f64());
    }
    std::thread::sleep(SETTLE);
    let idle = service.memory()?;
    Ok((service, Starts { first, later: cpu::median(later), idle }))
}

impl Starts {
    pub(crate) fn tell(&self, report: &mut Report) {
        let first = self.first.as_secs_f64();
        let goal = Goal::new("1 s", first <= GOAL_FIRST_PAGE);
        report.figure(
            "process start to the first sign-in page, on an empty machine",
            &milliseconds(first),
            goal,
        );
        let goal = Goal::new("1 s", self.later <= GOAL_FIRST_PAGE);
        report.figure("the same, every later start", &milliseconds(self.later), goal);
        let goal = Goal::new("tens of MiB", self.idle.resident < GOAL_MEMORY);
        report.figure("memory of the whole service, idle", &self.idle.to_string(), goal);
    }
}
