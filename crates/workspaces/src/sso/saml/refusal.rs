//! Why somebody is not let in whose message was in order: in the form in which `saml` says what is wrong with one.

/// The longest piece of a peer's text that is repeated, in characters.
const SHOWN: usize = 300;

/// What is wrong, what was expected, what was received, and which setting would mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    what: String,
    expected: String,
    received: String,
    remedy: &'static str,
}

impl Refusal {
    /// What is wrong, as a sentence that names the field.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// What should be there.
    #[must_use]
    pub(super) fn expected(self, expected: impl AsRef<str>) -> Self {
        Self { expected: printable(expected.as_ref()), ..self }
    }

    /// What is there. It may be what the peer wrote: it is shortened and made printable.
    #[must_use]
    pub(super) fn received(self, received: impl AsRef<str>) -> Self {
        Self { received: printable(received.as_ref()), ..self }
    }

    /// What to do about it, as a sentence that names the setting.
    #[must_use]
    pub(super) fn remedy(self, remedy: &'static str) -> Self {
        Self { remedy, ..self }
    }

    /// All of it. It may hold what the peer wrote: escape it for HTML.
    pub(super) fn sentence(&self) -> String {
        let Self { what, expected, received, remedy } = self;
        let mut text = what.clone();
        for (name, value) in [("Expected", expected), ("Received", received)] {
            if !value.is_empty() {
                text.push_str(&format!(" {name}: {value}."));
            }
        }
        if !remedy.is_empty() {
            text.push(' ');
            text.push_str(remedy);
        }
        text
    }
}

fn printable(text: &str) -> String {
    let shown = text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut shown: String = shown.collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
