//! The table.

use std::fmt::Write as _;

use crate::machine;

/// Figures in the order in which they were measured.
pub(crate) struct Report {
    load: String,
    rows: Vec<Row>,
}

struct Row {
    what: String,
    measured: String,
    /// A row without one explains the figure above it.
    goal: Option<Goal>,
}

/// What a figure is to be.
pub(crate) struct Goal {
    words: &'static str,
    met: bool,
}

impl Goal {
    pub(crate) fn new(words: &'static str, met: bool) -> Self {
        Self { words, met }
    }
}

impl Report {
    /// An empty one. Begin it before anything is measured.
    pub(crate) fn begin() -> Self {
        Self { load: machine::load(), rows: Vec::new() }
    }

    /// Adds a figure that has a goal.
    pub(crate) fn figure(&mut self, what: &str, measured: &str, goal: Goal) {
        self.rows.push(Row { what: what.to_owned(), measured: measured.to_owned(), goal: Some(goal) });
    }

    /// Adds a figure that explains another.
    pub(crate) fn note(&mut self, what: &str, measured: &str) {
        self.rows.push(Row { what: what.to_owned(), measured: measured.to_owned(), goal: None });
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let rows = self.rows();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (what, measured) = (width(0), width(1));
        let mut text = format!("\n{}\n\n", self.heading());
        for row in &rows {
            let line = format!("{:what$}  {:>measured$}  {}", row[0], row[1], row[2]);
            // Writing to a String does not fail.
            _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    /// For docs/performance.md.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("{}, `make bench`:\n\n| | measured | goal |\n|---|---|---|\n", self.heading());
        for [what, measured, goal] in self.rows() {
            _ = writeln!(text, "| {what} | {measured} | {goal} |");
        }
        text
    }

    fn heading(&self) -> String {
        format!("{}, load {} before", machine::description(), self.load)
    }

    fn rows(&self) -> Vec<[String; 3]> {
        let row = |row: &Row| {
            let what = if row.goal.is_some() { row.what.clone() } else { format!("– {}", row.what) };
            let goal = row.goal.as_ref().map_or_else(String::new, |goal| {
                format!("{}: {}", goal.words, if goal.met { "met" } else { "MISSED" })
            });
            [what, row.measured.clone(), goal]
        };
        self.rows.iter().map(row).collect()
    }
}

pub(crate) fn microseconds(seconds: f64) -> String {
    format!("{:.0} µs", seconds * 1e6)
}

pub(crate) fn milliseconds(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1e3)
}

pub(crate) fn multiple(value: f64) -> String {
    format!("{value:.2} ×")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_goal_can_not_be_overlooked() {
        let mut report = Report::begin();
        report.figure("speed", &multiple(1.5), Goal::new("at most 1.25 ×", false));
        report.note("one", &microseconds(0.000_5));
        report.figure("start", &milliseconds(0.1), Goal::new("1 s", true));
        assert!(
            report
                .text()
                .ends_with("speed  1.50 ×  at most 1.25 ×: MISSED\n– one  500 µs\nstart  100 ms  1 s: met\n")
        );
        assert!(
            report
                .markdown()
                .contains("| speed | 1.50 × | at most 1.25 ×: MISSED |\n| – one | 500 µs |  |\n")
        );
    }
}
