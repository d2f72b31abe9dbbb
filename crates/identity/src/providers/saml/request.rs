//! What a service provider asks for, checked against what it was registered with.

use saml::{AuthnRequest, NameIdFormat, RequestedAcs};
use serde::{Deserialize, Serialize};
use site::Problem;
use site::origin::parse_web_url;

use super::name_id;
use super::snapshot::Snapshot;
use crate::flows::Demands;

/// The longest RelayState that is kept, in bytes. The specification allows 80 (SAML bindings 3.4.3); others
/// send whole addresses.
const LONGEST_RELAY_STATE: usize = 8 * 1024;

/// What an answer needs to know of the request that it answers; the address is not among it: answers go
/// to the registered one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// ID of the request; none if the sign-in began here.
    pub(super) in_response_to: Option<String>,
    /// The format of name that is asked for, as a URI.
    pub(super) name_id_format: Option<String>,
    /// Goes back with the answer, unread.
    pub(super) relay_state: Option<String>,
}

impl Asked {
    pub(super) fn name_id_format(&self) -> Option<NameIdFormat> {
        self.name_id_format.as_deref().map(NameIdFormat::from_uri)
    }
}

/// A request that may be answered, once the person is known.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) asked: Asked,
    pub(super) demands: Demands,
}

impl Checked {
    /// What a sign-in asks for that begins here.
    pub(super) fn begun_here(snapshot: &Snapshot) -> Self {
        let relay_state = snapshot.provider.settings.default_relay_state.clone();
        let relay_state = Some(relay_state).filter(|text| !text.is_empty());
        Self { asked: Asked { relay_state, ..Asked::default() }, demands: Demands::default() }
    }
}

/// Checks a request: it wants its answer at the registered address, it is signed if it has to be, and
/// its kind of name can be given.
///
/// # Errors
/// A page that says what to mend.
pub(super) fn check(request: &AuthnRequest, snapshot: &Snapshot) -> Result<Checked, Problem> {
    let settings = &snapshot.provider.settings;
    if let RequestedAcs::Address { url: Some(asked), .. } = &request.assertion_consumer_service
        && parse_web_url(asked).ok().as_ref() != Some(&settings.acs_url)
    {
        return Err(other_address(asked, snapshot));
    }
    if !snapshot.verification.is_empty() {
        request
            .verify_signature(&snapshot.verification, false)
            .map_err(|error| unsigned(&error, snapshot))?;
    }
    let format = request.name_id_policy.as_ref().and_then(|policy| policy.format.as_ref());
    name_id::format(settings, format).map_err(Problem::bad_request)?;
    if request.relay_state.as_ref().is_some_and(|text| text.len() > LONGEST_RELAY_STATE) {
        return Err(Problem::bad_request("The RelayState of this request is too long."));
    }
    Ok(Checked {
        asked: Asked {
            in_response_to: Some(request.id.clone()),
            name_id_format: format.map(|format| format.as_str().to_owned()),
            relay_state: request.relay_state.clone(),
        },
        demands: Demands { force_authn: request.force_authn, passive: request.is_passive },
    })
}

fn other_address(asked: &str, snapshot: &Snapshot) -> Problem {
    let (provider, registered) = (&snapshot.provider.settings.name, &snapshot.provider.settings.acs_url);
    let shown: String = asked.chars().take(500).collect();
    Problem::bad_request(format!(
        "The application wants its answer at {shown}, which is not the ACS URL of the provider {provider}. Nobody \
         was signed in. If that address is right, an administrator has to enter it there."
    ))
    .because(format!("the registered ACS URL is {registered}"))
}

fn unsigned(error: &saml::Error, snapshot: &Snapshot) -> Problem {
    Problem::bad_request(error.sentence())
        .because(format!("request for the provider {}: {error:?}", snapshot.provider.settings.name))
}
