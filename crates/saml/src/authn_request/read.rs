//! The request as the identity provider reads it.

use roxmltree::Node;

use super::NameIdPolicy;
use crate::bindings::{Message, RedirectSignature, read_post, read_redirect_query};
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::verify_enveloped;
use crate::timestamp::Timestamp;
use crate::vocabulary::{AuthnContextClass, NameIdFormat};
use crate::xml::{
    DS, SAML, SAMLP, Slot, Tolerance, attribute, boolean, elements, id, is, parse, sequence, text, timestamp,
};

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
    pub acs_url: Option<String>,
    /// Or the number of a registered assertion consumer service.
    pub acs_index: Option<u16>,
    /// How the answer is to travel: the URI of a binding.
    pub protocol_binding: Option<String>,
    /// The person is to be asked again, session or not.
    pub force_authn: bool,
    /// The person must not be asked anything.
    pub is_passive: bool,
    /// Which kind of name is wanted.
    pub name_id_policy: Option<NameIdPolicy>,
    /// Which ways of authentication are wanted, in order of preference; empty for any.
    pub requested_authn_contexts: Vec<AuthnContextClass>,
    /// To be handed back with the answer, unchanged.
    pub relay_state: Option<String>,
    signature: Signature,
}

/// The signature of a request, not verified yet.
#[derive(Clone, Debug)]
enum Signature {
    None,
    /// Beside the message, over the query.
    Query(RedirectSignature),
    /// Inside the message, which is kept as it came.
    Enveloped(String),
}

impl AuthnRequest {
    /// Reads a request from the query of a redirect (SAML Bindings 3.4), exactly as it stands in the address,
    /// still percent-encoded.
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_redirect_query(raw_query: &str) -> Result<Self, Error> {
        let message = read_redirect_query(raw_query, Message::Request)?;
        let mut request = Self::read(&message.xml)?;
        request.relay_state = message.relay_state;
        // In this binding a signature inside the message must not be there (3.4.4.1), and counts for nothing.
        request.signature = message.signature.map_or(Signature::None, Signature::Query);
        Ok(request)
    }

    /// Reads a request from the decoded form fields `SAMLRequest` and `RelayState` (SAML Bindings 3.5).
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_post(saml_request: &str, relay_state: Option<&str>) -> Result<Self, Error> {
        let mut request = Self::read(&read_post(saml_request)?)?;
        request.relay_state = relay_state.map(str::to_owned);
        Ok(request)
    }

    fn read(xml: &str) -> Result<Self, Error> {
        let document = parse(xml, Tolerance::Strict)?;
        let root = document.root_element();
        if !is(root, SAMLP, "AuthnRequest") {
            return Err(Error::new(ErrorKind::WrongMessage("AuthnRequest")).received(root.tag_name().name()));
        }
        if attribute(root, "Version") != Some("2.0") {
            let received = attribute(root, "Version").unwrap_or("no Version");
            return Err(Error::new(ErrorKind::VersionUnsupported).expected("2.0").received(received));
        }
        let [issuer, signature, _, _, policy, _, contexts, _] =
            sequence(root, "AuthnRequest", &AUTHN_REQUEST)?;
        let acs_index = attribute(root, "AssertionConsumerServiceIndex")
            .map(|index| {
                let malformed =
                    Error::new(ErrorKind::Malformed("AssertionConsumerServiceIndex")).received(index);
                index.trim().parse().map_err(|_| malformed)
            })
            .transpose()?;
        let issuer = issuer.first().map(|issuer| text(*issuer, "Issuer")).transpose()?;
        let owned = |name| attribute(root, name).map(str::to_owned);
        Ok(Self {
            id: id(root)?.to_owned(),
            issue_instant: timestamp(root, "IssueInstant")?.ok_or(ErrorKind::Missing("IssueInstant"))?,
            issuer: issuer.map(|issuer| issuer.trim().to_owned()),
            destination: owned("Destination"),
            acs_url: owned("AssertionConsumerServiceURL"),
            acs_index,
            protocol_binding: owned("ProtocolBinding"),
            force_authn: boolean(root, "ForceAuthn")?,
            is_passive: boolean(root, "IsPassive")?,
            name_id_policy: policy.first().map(|policy| name_id_policy(*policy)).transpose()?,
            requested_authn_contexts: contexts
                .first()
                .map_or(Ok(Vec::new()), |contexts| context_classes(*contexts))?,
            relay_state: None,
            signature: if signature.is_empty() {
                Signature::None
            } else {
                Signature::Enveloped(xml.to_owned())
            },
        })
    }

    /// Whether it has a signature, good or bad.
    pub fn is_signed(&self) -> bool {
        !matches!(self.signature, Signature::None)
    }

    /// Succeeds if one of these keys signed the request, and all of it: message, RelayState and algorithm of a
    /// redirect, the whole message of a form. SHA-1 counts only if it is allowed by name.
    ///
    /// # Errors
    /// [`ErrorKind::SignatureMissing`] if it is unsigned, else what is wrong with the signature.
    pub fn verify_signature(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        match &self.signature {
            Signature::None => Err(ErrorKind::SignatureMissing.into()),
            Signature::Query(signature) => signature.verify(keys, allow_sha1),
            Signature::Enveloped(xml) => {
                // The same parser on the same bytes: the fields were read from this very tree.
                let document = parse(xml, Tolerance::Strict)?;
                let root = document.root_element();
                let signature = elements(root).find(|child| is(*child, DS, "Signature"));
                verify_enveloped(signature.ok_or(ErrorKind::SignatureMissing)?, keys, allow_sha1)
            }
        }
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

fn name_id_policy(policy: Node<'_, '_>) -> Result<NameIdPolicy, Error> {
    Ok(NameIdPolicy {
        format: attribute(policy, "Format").map(NameIdFormat::from_uri),
        sp_name_qualifier: attribute(policy, "SPNameQualifier").map(str::to_owned),
        allow_create: boolean(policy, "AllowCreate")?,
    })
}

fn context_classes(requested: Node<'_, '_>) -> Result<Vec<AuthnContextClass>, Error> {
    elements(requested)
        .filter(|child| is(*child, SAML, "AuthnContextClassRef"))
        .map(|class| Ok(AuthnContextClass::from_uri(text(class, "AuthnContextClassRef")?.trim())))
        .collect()
}
