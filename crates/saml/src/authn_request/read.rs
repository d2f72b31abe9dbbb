//! The request as the identity provider reads it.

use roxmltree::Node;

use super::{AuthnContextComparison, NameIdPolicy, RequestedAcs, RequestedAuthnContext, Scoping};
use crate::assertion::NameId;
use crate::bindings::Message;
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::protocol::{Head, MessageSignature, Received, issuer, message};
use crate::timestamp::Timestamp;
use crate::vocabulary::{AuthnContextClass, NameIdFormat};
use crate::xml::{DS, SAML, SAMLP, Slot, attribute, boolean, is, required, sequence, text};

/// An AuthnRequest as received. Nothing in it is to be trusted before [`AuthnRequest::verify_signature`]; an
/// unsigned request is safe to answer only at an address that was registered before.
#[derive(Clone, Debug)]
pub struct AuthnRequest {
    /// Its ID, which the answer repeats.
    pub id: String,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// The entity ID of the service provider that claims to ask.
    pub issuer: Option<String>,
    /// Where the request says it was sent.
    pub destination: Option<String>,
    /// Where the answer is to go. Compare it with what is registered.
    pub assertion_consumer_service: RequestedAcs,
    /// The person is to be asked again, session or not.
    pub force_authn: bool,
    /// The person must not be asked anything.
    pub is_passive: bool,
    /// The person whom the answer must be about, and nobody else.
    pub subject: Option<NameId>,
    /// Which kind of name is wanted.
    pub name_id_policy: Option<NameIdPolicy>,
    /// Which ways of authentication are wanted; `None` for any.
    pub requested_authn_context: Option<RequestedAuthnContext>,
    /// Who else may authenticate the person.
    pub scoping: Option<Scoping>,
    /// To be handed back with the answer, unchanged.
    pub relay_state: Option<String>,
    signature: MessageSignature,
}

impl AuthnRequest {
    /// Reads a request from the query of a redirect (SAML Bindings 3.4), exactly as it stands in the address,
    /// still percent-encoded.
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_redirect_query(raw_query: &str) -> Result<Self, Error> {
        Self::read(Received::from_query(raw_query, Message::Request)?)
    }

    /// Reads a request from the decoded form fields `SAMLRequest` and `RelayState` (SAML Bindings 3.5).
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_post(saml_request: &str, relay_state: Option<&str>) -> Result<Self, Error> {
        Self::read(Received::from_post(saml_request, relay_state)?)
    }

    fn read(received: Received) -> Result<Self, Error> {
        let document = received.document()?;
        let root = message(&document)?;
        let head = Head::read(root, SAMLP, "AuthnRequest")?;
        let [claimed, signature, _, subjects, policies, _, contexts, scopings] =
            sequence(root, "AuthnRequest", &AUTHN_REQUEST)?;
        let mut request = Self {
            id: head.id,
            issue_instant: head.issue_instant,
            issuer: issuer(&claimed)?,
            destination: head.destination,
            assertion_consumer_service: requested_acs(root)?,
            force_authn: boolean(root, "ForceAuthn")?,
            is_passive: boolean(root, "IsPassive")?,
            subject: subjects.first().map(|subject| name_of(*subject)).transpose()?,
            name_id_policy: policies.first().map(|policy| name_id_policy(*policy)).transpose()?,
            requested_authn_context: contexts.first().map(|asked| authn_context(*asked)).transpose()?,
            scoping: scopings.first().map(|asked| scoping(*asked)).transpose()?,
            relay_state: None,
            signature: MessageSignature::None,
        };
        let signed = !signature.is_empty();
        drop(document);
        request.relay_state.clone_from(&received.relay_state);
        request.signature = received.into_signature(signed);
        Ok(request)
    }

    /// Whether it has a signature, good or bad.
    pub fn is_signed(&self) -> bool {
        self.signature.is_there()
    }

    /// Succeeds if one of these keys signed the request, and all of it: message, RelayState and algorithm of a
    /// redirect, the whole message of a form. SHA-1 counts only if it is allowed by name.
    ///
    /// # Errors
    /// [`ErrorKind::SignatureMissing`] if it is unsigned, else what is wrong with the signature.
    pub fn verify_signature(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        self.signature.verify(keys, allow_sha1)
    }
}

static AUTHN_REQUEST: [Slot; 8] = [
    Slot::optional(SAML, &["Issuer"]),
    Slot::optional(DS, &["Signature"]),
    Slot::optional(SAMLP, &["Extensions"]),
    Slot::optional(SAML, &["Subject"]),
    Slot::optional(SAMLP, &["NameIDPolicy"]),
    Slot::optional(SAML, &["Conditions"]),
    Slot::optional(SAMLP, &["RequestedAuthnContext"]),
    Slot::optional(SAMLP, &["Scoping"]),
];
/// Confirmations must not be there (Profiles 4.1.4.1).
static SUBJECT: [Slot; 1] = [Slot::one(SAML, &["NameID", "BaseID", "EncryptedID"])];
static CONTEXTS: [Slot; 1] = [Slot::any(SAML, &["AuthnContextClassRef", "AuthnContextDeclRef"])];
static SCOPING: [Slot; 2] = [Slot::optional(SAMLP, &["IDPList"]), Slot::any(SAMLP, &["RequesterID"])];
static IDP_LIST: [Slot; 2] = [Slot::any(SAMLP, &["IDPEntry"]), Slot::optional(SAMLP, &["GetComplete"])];

fn requested_acs(root: Node<'_, '_>) -> Result<RequestedAcs, Error> {
    let index = number(root, "AssertionConsumerServiceIndex")?;
    let owned = |name| attribute(root, name).map(str::to_owned);
    match (index, owned("AssertionConsumerServiceURL"), owned("ProtocolBinding")) {
        (None, None, None) => Ok(RequestedAcs::Default),
        (Some(index), None, None) => Ok(RequestedAcs::Index(index)),
        (None, url, binding) => Ok(RequestedAcs::Address { url, binding }),
        (Some(index), url, binding) => {
            let beside = url.or(binding).unwrap_or_default();
            Err(Error::new(ErrorKind::AcsNamedTwice).received(&format!("{index} and {beside}")))
        }
    }
}

fn number<N: std::str::FromStr>(node: Node<'_, '_>, name: &'static str) -> Result<Option<N>, Error> {
    attribute(node, name)
        .map(|value| {
            value.trim().parse().map_err(|_| {
                Error::new(ErrorKind::Malformed(name)).expected("a number from 0 on").received(value)
            })
        })
        .transpose()
}

fn name_of(subject: Node<'_, '_>) -> Result<NameId, Error> {
    let [names] = sequence(subject, "Subject", &SUBJECT)?;
    match names.first() {
        Some(name) if is(*name, SAML, "NameID") => NameId::read(*name),
        Some(name) if is(*name, SAML, "EncryptedID") => Err(ErrorKind::SubjectEncrypted.into()),
        _ => Err(ErrorKind::Missing("NameID").into()),
    }
}

fn name_id_policy(policy: Node<'_, '_>) -> Result<NameIdPolicy, Error> {
    Ok(NameIdPolicy {
        format: attribute(policy, "Format").map(|format| NameIdFormat::from_uri(format.trim())),
        sp_name_qualifier: attribute(policy, "SPNameQualifier").map(str::to_owned),
        allow_create: boolean(policy, "AllowCreate")?,
    })
}

fn authn_context(requested: Node<'_, '_>) -> Result<RequestedAuthnContext, Error> {
    let comparison = match attribute(requested, "Comparison").map(str::trim) {
        None => AuthnContextComparison::Exact,
        Some(name) => AuthnContextComparison::from_name(name).ok_or_else(|| {
            let known = AuthnContextComparison::ALL.map(AuthnContextComparison::as_str).join(", ");
            Error::new(ErrorKind::Malformed("Comparison")).expected(format!("one of {known}")).received(name)
        })?,
    };
    let [listed] = sequence(requested, "RequestedAuthnContext", &CONTEXTS)?;
    if listed.is_empty() {
        return Err(ErrorKind::Missing("AuthnContextClassRef").into());
    }
    let classes = listed
        .iter()
        .filter(|child| is(**child, SAML, "AuthnContextClassRef"))
        .map(|class| Ok(AuthnContextClass::from_uri(text(*class, "AuthnContextClassRef")?.trim())))
        .collect::<Result<_, Error>>()?;
    Ok(RequestedAuthnContext { comparison, classes })
}

fn scoping(asked: Node<'_, '_>) -> Result<Scoping, Error> {
    let proxy_count = number(asked, "ProxyCount")?;
    let [lists, _] = sequence(asked, "Scoping", &SCOPING)?;
    let mut idp_list = Vec::new();
    if let Some(list) = lists.first() {
        let [entries, _] = sequence(*list, "IDPList", &IDP_LIST)?;
        for entry in entries {
            idp_list.push(required(entry, "ProviderID")?.trim().to_owned());
        }
    }
    Ok(Scoping { proxy_count, idp_list })
}
