//! What the person who started the service is told.

use std::fmt::Write as _;

use crate::config::Config;
use crate::wiring::FirstStep;

/// The addresses, the first steps if there are any left, and how to stop.
pub(super) fn text(config: &Config, first_steps: &[FirstStep]) -> String {
    let mut text = format!(
        "\n  Innkeeper {}\n\n  Identity    {}\n  Workspaces  {}\n",
        env!("CARGO_PKG_VERSION"),
        config.addresses.identity,
        config.addresses.workspaces,
    );
    if !first_steps.is_empty() {
        text.push_str("\n  The first time:\n");
        let width = first_steps.iter().map(|step| step.what.chars().count()).max().unwrap_or(0);
        for step in first_steps {
            _ = writeln!(text, "  {:width$}  {}", step.what, step.link);
        }
    }
    _ = writeln!(text, "\n  Everything is kept in {}. Stop with Ctrl-C.\n", config.data.dir.display());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, read};

    #[test]
    fn it_names_both_addresses_the_first_steps_and_the_end() {
        let config = read(&Sources::default()).config;
        let step = |what: &'static str, link: &str| FirstStep { what, link: link.to_owned() };
        let steps =
            [step("Identity", "http://auth.localhost:9000/setup?token=1"), step("Workspaces", "http://w")];
        let told = text(&config, &steps);
        for part in
            ["http://auth.localhost:9000\n", "http://workspaces.localhost:9000\n", "token=1", "Ctrl-C"]
        {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        assert!(!text(&config, &[]).contains("The first time"), "nothing is left to do");
    }
}
