//! Who may open an application.

use crate::applications::{Binding, Target};
use crate::groups::Group;

/// Whether one binding that fits is enough, or all must fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EngineMode {
    #[default]
    Any,
    All,
}

impl EngineMode {
    /// The word in the database and in forms.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
        }
    }

    /// Reads the word; what is no word of ours is the stricter mode.
    pub(crate) fn from_key(key: &str) -> Self {
        if key == "any" { Self::Any } else { Self::All }
    }
}

/// Whether a user may open an application with these bindings. Bindings that are not enabled don't
/// count; without any that counts everybody may. Whether the account may sign in at all is asked earlier.
pub(crate) fn allows(mode: EngineMode, bindings: &[Binding], user_id: &str, groups: &[Group]) -> bool {
    let mut enabled = bindings.iter().filter(|binding| binding.enabled).peekable();
    if enabled.peek().is_none() {
        return true;
    }
    let fits = |binding: &Binding| {
        let named = match &binding.target {
            Target::User(id) => id == user_id,
            Target::Group(id) => groups.iter().any(|group| group.id == *id),
        };
        named != binding.negate
    };
    match mode {
        EngineMode::Any => enabled.any(fits),
        EngineMode::All => enabled.all(fits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(target: Target) -> Binding {
        Binding { id: String::new(), target, order: 0, negate: false, enabled: true }
    }

    fn user(id: &str) -> Binding {
        binding(Target::User(id.into()))
    }

    fn group(id: &str) -> Binding {
        binding(Target::Group(id.into()))
    }

    fn not(binding: Binding) -> Binding {
        Binding { negate: true, ..binding }
    }

    fn off(binding: Binding) -> Binding {
        Binding { enabled: false, ..binding }
    }

    /// Ann is in the groups staff and night.
    fn ann(mode: EngineMode, bindings: &[Binding]) -> bool {
        let groups = ["staff", "night"].map(|id| Group {
            id: id.into(),
            name: id.to_uppercase(),
            is_superuser: false,
        });
        allows(mode, bindings, "ann", &groups)
    }

    const BOTH: [EngineMode; 2] = [EngineMode::Any, EngineMode::All];

    #[test]
    fn without_an_enabled_binding_everybody_may() {
        for mode in BOTH {
            assert!(ann(mode, &[]));
            assert!(ann(mode, &[off(user("bob"))]));
        }
    }

    #[test]
    fn a_binding_is_about_a_user_or_the_members_of_a_group() {
        for mode in BOTH {
            assert!(ann(mode, &[user("ann")]));
            assert!(!ann(mode, &[user("bob")]));
            assert!(ann(mode, &[group("staff")]));
            assert!(!ann(mode, &[group("kitchen")]));
            // A user's id never passes for a group's, nor a group's name for its id.
            assert!(!ann(mode, &[group("ann")]));
            assert!(!ann(mode, &[user("staff")]));
            assert!(!ann(mode, &[group("STAFF")]));
        }
    }

    #[test]
    fn negate_turns_a_binding_round() {
        for mode in BOTH {
            assert!(!ann(mode, &[not(user("ann"))]));
            assert!(ann(mode, &[not(user("bob"))]));
            assert!(!ann(mode, &[not(group("night"))]));
        }
    }

    #[test]
    fn any_needs_one_and_all_needs_every_enabled_one() {
        let mixed = [user("bob"), group("staff"), off(group("kitchen"))];
        assert!(ann(EngineMode::Any, &mixed));
        assert!(!ann(EngineMode::All, &mixed));
        assert!(ann(EngineMode::All, &[group("staff"), group("night"), off(user("bob"))]));
        assert!(!ann(EngineMode::Any, &[off(group("staff")), user("bob")]));
    }

    #[test]
    fn modes_are_read_as_they_are_written_and_else_as_the_stricter() {
        for mode in BOTH {
            assert_eq!(EngineMode::from_key(mode.key()), mode);
        }
        assert_eq!(EngineMode::from_key("some"), EngineMode::All);
    }
}
