//! What workspaces need of this machine.

use runtime::sandbox::Requirement;

use super::Finding;

/// Everything that the sandbox needs, as found here.
pub(super) fn look() -> Vec<Finding> {
    runtime::sandbox::requirements().into_iter().map(finding).collect()
}

fn finding(requirement: Requirement) -> Finding {
    let Requirement { name, needed, problem, mend } = requirement;
    match problem {
        None => Finding::good(name, "ready"),
        Some(problem) if needed => Finding::missing(name, format!("{problem}; no workspace can start"), mend),
        Some(problem) => Finding::advice(name, problem, mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn only_what_is_needed_counts_as_missing() {
        let requirement = |needed, problem: Option<&str>| Requirement {
            name: "Xvnc",
            needed,
            problem: problem.map(str::to_owned),
            mend: "apt-get install x".to_owned(),
        };
        assert_eq!(finding(requirement(true, None)).state, State::Good);
        assert_eq!(finding(requirement(false, Some("absent"))).state, State::Advice);
        let missing = finding(requirement(true, Some("absent")));
        assert_eq!((missing.state, missing.mend.as_deref()), (State::Missing, Some("apt-get install x")));
    }
}
