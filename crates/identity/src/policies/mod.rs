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
