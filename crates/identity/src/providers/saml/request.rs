//! What a service provider asks for, checked against what it was registered with.

use saml::{
    AuthnContextClass, AuthnContextComparison, AuthnRequest, Binding, NameId, NameIdFormat, RequestedAcs,
    RequestedAuthnContext, StatusCode,
};
use serde::{Deserialize, Serialize};
use site::Problem;
use site::origin::parse_web_url;
use url::Url;

use super::fit::EVERY_CLASS;
use super::refused::{Denial, Refused};
use super::settings::{Acs, Settings, parse_sp_binding, sp_binding_key};
use super::snapshot::Snapshot;
use super::{name_id, trust};
use crate::flows::Demands;

/// The longest RelayState that is kept, in bytes. The specification allows 80 (SAML bindings 3.4.3); others
/// send whole addresses.
const LONGEST_RELAY_STATE: usize = 8 * 1024;

/// What an answer needs to know of the request that it answers. Of the address it holds the number only: answers
/// go to what is registered under it when they go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// ID of the request; none if the sign-in began here.
    pub(super) in_response_to: Option<String>,
    /// The index of the registered address that the answer goes to.
    pub(super) acs: u16,
    /// How it is to travel, if the request says so.
    binding: Option<String>,
    /// The format of name that is asked for, as a URI.
    name_id_format: Option<String>,
    /// A lasting name may not be made for a person who has none yet.
    pub(super) known_names_only: bool,
    context: Option<KeptContext>,
    subject: Option<KeptName>,
    /// Goes back with the answer, unread.
    pub(super) relay_state: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptContext {
    comparison: String,
    classes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptName {
    format: String,
    value: String,
}

impl Asked {
    /// The format of name that the request asks for; naming a person, it asks for the name that it knows.
    pub(super) fn name_id_format(&self) -> Option<NameIdFormat> {
        let asked = self.name_id_format.as_deref().map(NameIdFormat::from_uri);
        let asked = asked.filter(|format| *format != NameIdFormat::Unspecified);
        asked.or_else(|| self.subject().map(|subject| subject.format))
    }

    /// The person whom the answer must be about.
    pub(super) fn subject(&self) -> Option<NameId> {
        let kept = self.subject.as_ref()?;
        Some(NameId::new(NameIdFormat::from_uri(&kept.format), kept.value.as_str()))
    }

    /// The ways of authentication that are asked for.
    pub(super) fn context(&self) -> Option<RequestedAuthnContext> {
        let kept = self.context.as_ref()?;
        Some(RequestedAuthnContext {
            comparison: AuthnContextComparison::from_name(&kept.comparison).unwrap_or_default(),
            classes: kept.classes.iter().map(|uri| AuthnContextClass::from_uri(uri)).collect(),
        })
    }

    /// Where the answer goes and how it travels; `None` if that address is not registered any more.
    pub(super) fn target<'s>(&self, settings: &'s Settings) -> Option<(&'s Url, Binding)> {
        let acs = settings.acs(self.acs)?;
        let asked = self.binding.as_deref().and_then(parse_sp_binding);
        Some((acs.url, asked.unwrap_or(acs.binding)))
    }
}

/// A request that may be answered, once the person is known.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) asked: Asked,
    pub(super) demands: Demands,
}

impl Checked {
    /// What a sign-in asks for that begins here, with a RelayState of the link or the provider's own. It goes to
    /// the registered address only, and means nothing here.
    ///
    /// # Errors
    /// A page, if the RelayState is too long.
    pub(super) fn begun_here(snapshot: &Snapshot, relay_state: Option<String>) -> Result<Self, Denial> {
        let settings = &snapshot.provider.settings;
        let given = relay_state.unwrap_or_else(|| settings.default_relay_state.clone());
        let relay_state = relay_state_of(Some(given).filter(|text| !text.is_empty()))?;
        let asked = Asked { relay_state, acs: settings.default_acs().index, ..Asked::default() };
        Ok(Self { asked, demands: Demands::default() })
    }
}

/// Checks a request. First whether it comes from whom it should, which nothing is sent to before; then what
/// it asks for.
///
/// # Errors
/// A page that says what to mend, or a status for the application.
pub(super) fn check(request: &AuthnRequest, snapshot: &Snapshot) -> Result<Checked, Denial> {
    trust::check(request, snapshot)?;
    let acs = acs(request, snapshot)?;
    let context = request.requested_authn_context.as_ref();
    let policy = request.name_id_policy.as_ref();
    let asked = Asked {
        in_response_to: Some(request.id.clone()),
        acs: acs.index,
        binding: wants_post(request).then(|| sp_binding_key(Binding::HttpPost).to_owned()),
        name_id_format: policy.and_then(|policy| policy.format.as_ref()).map(|uri| uri.as_str().to_owned()),
        known_names_only: policy.is_some_and(|policy| !policy.allow_create),
        context: context.map(|context| KeptContext {
            comparison: context.comparison.as_str().to_owned(),
            classes: context.classes.iter().map(|class| class.as_str().to_owned()).collect(),
        }),
        subject: request.subject.as_ref().map(|subject| KeptName {
            format: subject.format.as_str().to_owned(),
            value: subject.value.clone(),
        }),
        relay_state: relay_state_of(request.relay_state.clone())?,
    };
    match demand(request, &asked, &acs, snapshot) {
        Some(refused) => Err(Denial::Answer(Box::new(asked), refused)),
        None => Ok(Checked {
            asked,
            demands: Demands { force_authn: request.force_authn, passive: request.is_passive },
        }),
    }
}

fn relay_state_of(given: Option<String>) -> Result<Option<String>, Problem> {
    match given {
        Some(text) if text.len() > LONGEST_RELAY_STATE => Err(Problem::bad_request(format!(
            "The RelayState has {} bytes, and at most {LONGEST_RELAY_STATE} are taken. The application has to send \
             a shorter one.",
            text.len()
        ))),
        other => Ok(other),
    }
}

/// Which registered address the answer goes to.
fn acs<'s>(request: &AuthnRequest, snapshot: &'s Snapshot) -> Result<Acs<'s>, Problem> {
    let settings = &snapshot.provider.settings;
    match &request.assertion_consumer_service {
        RequestedAcs::Default => Ok(settings.default_acs()),
        RequestedAcs::Index(index) => settings.acs(*index).ok_or_else(|| other_index(*index, settings)),
        RequestedAcs::Address { url, binding } => {
            let binding = binding.as_deref().and_then(Binding::from_uri);
            let wanted = match url {
                Some(url) => Some(parse_web_url(url).map_err(|_| other_address(url, settings))?),
                None => None,
            };
            let mut fitting = settings.every_acs();
            fitting.retain(|acs| wanted.as_ref().is_none_or(|url| url == acs.url));
            let best = fitting.iter().find(|acs| Some(acs.binding) == binding).or(fitting.first());
            best.copied().ok_or_else(|| other_address(url.as_deref().unwrap_or_default(), settings))
        }
    }
}

/// An answer in a form can be asked for at every registered address; one in an address only where it is
/// registered, since what stands in addresses ends up in logs.
fn wants_post(request: &AuthnRequest) -> bool {
    protocol_binding(request) == Some(Binding::HttpPost.as_str())
}

fn protocol_binding(request: &AuthnRequest) -> Option<&str> {
    match &request.assertion_consumer_service {
        RequestedAcs::Address { binding, .. } => binding.as_deref(),
        _ => None,
    }
}

/// What of the request can't be met, whoever the person is.
fn demand(request: &AuthnRequest, asked: &Asked, acs: &Acs<'_>, snapshot: &Snapshot) -> Option<Refused> {
    let settings = &snapshot.provider.settings;
    binding(request, acs)
        .or_else(|| subject(request, settings))
        .or_else(|| name_id_policy(request, asked, settings))
        .or_else(|| authn_context(asked, settings))
        .or_else(|| scoping(request, snapshot))
}

fn binding(request: &AuthnRequest, acs: &Acs<'_>) -> Option<Refused> {
    let asked = protocol_binding(request)?;
    if asked == Binding::HttpPost.as_str() || asked == acs.binding.as_str() {
        return None;
    }
    Some(Refused::responder(
        StatusCode::UnsupportedBinding,
        format!(
            "The request wants its answer by {}, and {} is registered for {}. Compare Service Provider Binding.",
            shown(asked),
            acs.url,
            acs.binding
        ),
    ))
}

fn name_id_policy(request: &AuthnRequest, asked: &Asked, settings: &Settings) -> Option<Refused> {
    let invalid = |sentence| Some(Refused::requester(StatusCode::InvalidNameIdPolicy, sentence));
    if let Err(sentence) = name_id::format(settings, asked.name_id_format().as_ref()) {
        return invalid(sentence);
    }
    let qualifier = request.name_id_policy.as_ref()?.sp_name_qualifier.as_deref()?;
    let own = entity_id(request, settings);
    if own == Some(qualifier) {
        return None;
    }
    invalid(format!(
        "The request wants names of {}, and names can be given for {} only. Leave SPNameQualifier out, or make it \
         the Audience of the provider.",
        shown(qualifier),
        own.unwrap_or("the application itself")
    ))
}

/// What the application calls itself: as registered, or else as the request says.
fn entity_id<'r>(request: &'r AuthnRequest, settings: &'r Settings) -> Option<&'r str> {
    match settings.audience.as_str() {
        "" => request.issuer.as_deref(),
        audience => Some(audience),
    }
}

/// A person can only be named as they are named here.
fn subject(request: &AuthnRequest, settings: &Settings) -> Option<Refused> {
    let subject = request.subject.as_ref()?;
    let foreign = subject.sp_name_qualifier.as_deref();
    let foreign = foreign.filter(|qualifier| entity_id(request, settings) != Some(qualifier));
    let sentence = match (name_id::format(settings, Some(&subject.format)), foreign) {
        (Err(sentence), _) => sentence,
        (Ok(_), Some(qualifier)) => format!("The request names somebody as {} knows them.", shown(qualifier)),
        (Ok(_), None) => return None,
    };
    Some(Refused::responder(StatusCode::UnknownPrincipal, sentence))
}

/// With a mapping it depends on the person what is told.
fn authn_context(asked: &Asked, settings: &Settings) -> Option<Refused> {
    let context = asked.context()?;
    let any = EVERY_CLASS.iter().any(|class| context.admits(class));
    if any || settings.authn_context_class_ref_mapping.is_some() {
        return None;
    }
    Some(no_authn_context(&context))
}

/// The ways of authentication that are asked for can't be met.
pub(super) fn no_authn_context(context: &RequestedAuthnContext) -> Refused {
    let classes: Vec<&str> = context.classes.iter().map(AuthnContextClass::as_str).collect();
    Refused::responder(
        StatusCode::NoAuthnContext,
        format!(
            "The request wants a sign-in of the class {} ({}), and people sign in with a password here. Ask for \
             less in the settings of the application.",
            shown(&classes.join(" or ")),
            context.comparison
        ),
    )
}

/// ProxyCount says how far a request may be passed on, and none is.
fn scoping(request: &AuthnRequest, snapshot: &Snapshot) -> Option<Refused> {
    let list = &request.scoping.as_ref()?.idp_list;
    if list.is_empty() || list.contains(&snapshot.issuer) {
        return None;
    }
    Some(Refused::responder(
        StatusCode::NoSupportedIdp,
        format!(
            "The request allows {} to sign people in, and this identity provider is {}.",
            shown(&list.join(" or ")),
            snapshot.issuer
        ),
    ))
}

fn other_address(asked: &str, settings: &Settings) -> Problem {
    let registered: Vec<&str> = settings.every_acs().iter().map(|acs| acs.url.as_str()).collect();
    Problem::bad_request(format!(
        "The application wants its answer at {}, which is not an ACS URL of the provider {}. Nobody was signed in. \
         If that address is right, an administrator has to enter it there as ACS URL.",
        shown(asked),
        settings.name
    ))
    .because(format!("the registered ACS URLs are {}", registered.join(", ")))
}

fn other_index(asked: u16, settings: &Settings) -> Problem {
    let registered: Vec<String> =
        settings.every_acs().iter().map(|acs| format!("{} ({})", acs.index, acs.url)).collect();
    Problem::bad_request(format!(
        "The application wants its answer at its ACS URL with the index {asked}, and the provider {} has none with \
         that index. Nobody was signed in. An administrator has to enter it there under Further ACS URLs.",
        settings.name
    ))
    .because(format!("the registered indexes are {}", registered.join(", ")))
}

/// What somebody sent, short enough to be shown.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(500).collect()
}
