//! Single logout (SAML V2.0 Profiles 4.4): who signs out here is signed out at the identity provider, and the
//! other way round.
//!
//! Begun here, our own session is over before anything is sent, so no identity provider can keep anybody signed
//! in here. Begun there, a request counts only if the identity provider signed it: it names the person, and ends
//! their sign-ins without any cookie, since a browser sends none from within a frame. Workspaces that they left
//! running run on, as they do after signing out here; their screens close with the sign-in.

mod incoming;
mod journal;
mod outgoing;
mod sending;
mod store;

use axum::Router;
use saml::{NameId, NameIdFormat, VerifiedAssertion};
use serde::{Deserialize, Serialize};

use crate::app::App;

pub(crate) use self::outgoing::{leaving, pending, remember};
pub(super) use self::store::{keep, sweep, waiting};

pub(super) fn routes() -> Router<App> {
    incoming::routes().merge(outgoing::routes())
}

/// How the identity provider knows a signed-in person, exactly as its assertion said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Principal {
    name: String,
    format: String,
    name_qualifier: String,
    sp_name_qualifier: String,
    /// Its session; empty if it named none.
    session_index: String,
}

impl Principal {
    /// Whom an assertion is about; `None` if it holds no NameID, and then nobody can ask for their logout.
    pub(super) fn of(assertion: &VerifiedAssertion) -> Option<Self> {
        let name_id = assertion.name_id()?;
        Some(Self {
            name: name_id.value.clone(),
            format: name_id.format.as_str().to_owned(),
            name_qualifier: name_id.name_qualifier.clone().unwrap_or_default(),
            sp_name_qualifier: name_id.sp_name_qualifier.clone().unwrap_or_default(),
            session_index: assertion.session_index().unwrap_or_default().to_owned(),
        })
    }

    fn name_id(&self) -> NameId {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        NameId {
            format: NameIdFormat::from_uri(&self.format),
            value: self.name.clone(),
            name_qualifier: given(&self.name_qualifier),
            sp_name_qualifier: given(&self.sp_name_qualifier),
        }
    }

    /// Whether a request means this person. Peers leave out format and qualifiers when they repeat a name; what
    /// both sides say must agree.
    fn is_named(&self, name_id: &NameId) -> bool {
        let agree = |ours: &str, theirs: &str| ours.is_empty() || theirs.is_empty() || ours == theirs;
        let unspecified = NameIdFormat::Unspecified;
        let format = NameIdFormat::from_uri(&self.format);
        self.name.trim() == name_id.value.trim()
            && (format == name_id.format || format == unspecified || name_id.format == unspecified)
            && agree(&self.name_qualifier, name_id.name_qualifier.as_deref().unwrap_or_default())
            && agree(&self.sp_name_qualifier, name_id.sp_name_qualifier.as_deref().unwrap_or_default())
    }

    /// Whether a request for these sessions means this one. None at all are all of them, and a session of
    /// which the identity provider never told its index can't be left out.
    fn is_among(&self, session_indexes: &[String]) -> bool {
        session_indexes.is_empty()
            || self.session_index.is_empty()
            || session_indexes.contains(&self.session_index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal() -> Principal {
        Principal {
            name: "ada".into(),
            format: NameIdFormat::Persistent.as_str().into(),
            name_qualifier: "idp".into(),
            sp_name_qualifier: String::new(),
            session_index: "_1".into(),
        }
    }

    #[test]
    fn a_name_means_a_person_only_if_everything_that_both_say_agrees() {
        let same = principal().name_id();
        assert!(principal().is_named(&same));
        assert!(
            principal().is_named(&NameId { value: " ada\n".into(), ..same.clone() }),
            "SOAP stacks indent"
        );
        assert!(principal().is_named(&NameId::new(NameIdFormat::Unspecified, "ada")));
        assert!(principal().is_named(&NameId { sp_name_qualifier: Some("sp".into()), ..same.clone() }));
        for other in [
            NameId { value: "Ada".into(), ..same.clone() },
            NameId { format: NameIdFormat::EmailAddress, ..same.clone() },
            NameId { name_qualifier: Some("else".into()), ..same },
        ] {
            assert!(!principal().is_named(&other), "{other:?}");
        }
    }

    #[test]
    fn a_request_means_the_sessions_it_lists_or_all() {
        let list = |indexes: &[&str]| indexes.iter().map(|index| (*index).to_owned()).collect::<Vec<_>>();
        assert!(principal().is_among(&[]));
        assert!(principal().is_among(&list(&["_0", "_1"])));
        assert!(!principal().is_among(&list(&["_0"])));
        assert!(Principal { session_index: String::new(), ..principal() }.is_among(&list(&["_0"])));
    }
}
