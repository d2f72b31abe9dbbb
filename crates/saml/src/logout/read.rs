//! Requests and answers as they are received.

use std::time::Duration;

use roxmltree::Node;

use super::Status;
use crate::assertion::NameId;
use crate::bindings::Message;
use crate::encryption::{Covered, Decryption, DecryptionKey, Plaintext, decrypt};
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::protocol::{Head, MessageSignature, Received, issuer, message};
use crate::timestamp::Timestamp;
use crate::vocabulary::{LogoutReason, StatusCode};
use crate::xml::{
    DS, SAML, SAMLP, Slot, Tolerance, attribute, elements, is, parse, required, sequence, text, timestamp,
};

/// A LogoutRequest as received (SAML Core 3.7.1). Nothing in it is to be trusted before
/// [`LogoutRequest::verify_signature`].
#[derive(Clone, Debug)]
pub struct LogoutRequest {
    /// Its ID, which the answer repeats.
    pub id: String,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// The entity ID of whoever claims to ask.
    pub issuer: String,
    /// Where the request says it was sent.
    pub destination: Option<String>,
    /// From then on it is no longer valid: see [`LogoutRequest::check_time`].
    pub not_on_or_after: Option<Timestamp>,
    /// Why, if it is said.
    pub reason: Option<LogoutReason>,
    /// The sessions that are to end, by the SessionIndex of the assertions that began them; empty for all the
    /// sessions of the person with the issuer.
    pub session_indexes: Vec<String>,
    /// To be handed back with the answer, unchanged.
    pub relay_state: Option<String>,
    name: Name,
    signature: MessageSignature,
}

/// The name in a request.
#[derive(Clone, Debug)]
enum Name {
    Plain(NameId),
    /// The whole message, in which it is.
    Encrypted(String),
}

impl LogoutRequest {
    /// Reads a request from the query of a redirect (SAML Bindings 3.4), exactly as it stands in the address.
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

    /// Reads a request from the body of a SOAP call (SAML Bindings 3.2).
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_soap(body: &[u8]) -> Result<Self, Error> {
        Self::read(Received::from_soap(body)?)
    }

    fn read(received: Received) -> Result<Self, Error> {
        let document = received.document()?;
        let root = message(&document)?;
        let head = Head::read(root, SAMLP, "LogoutRequest")?;
        let [claimed, signature, _, names, indexes] = sequence(root, "LogoutRequest", &LOGOUT_REQUEST)?;
        let session_indexes = indexes.iter().map(|index| Ok(text(*index, "SessionIndex")?.trim().to_owned()));
        let mut request = Self {
            id: head.id,
            issue_instant: head.issue_instant,
            issuer: named(&claimed)?,
            destination: head.destination,
            not_on_or_after: timestamp(root, "NotOnOrAfter")?,
            reason: attribute(root, "Reason").map(LogoutReason::from_uri),
            session_indexes: session_indexes.collect::<Result<_, Error>>()?,
            relay_state: None,
            name: name(&names, &received.xml)?,
            signature: MessageSignature::None,
        };
        let signed = !signature.is_empty();
        drop(document);
        request.relay_state.clone_from(&received.relay_state);
        request.signature = received.into_signature(signed);
        Ok(request)
    }

    /// The person whose sessions are to end.
    ///
    /// # Errors
    /// [`ErrorKind::SubjectEncrypted`]; then there is [`LogoutRequest::decrypted_name_id`].
    pub fn name_id(&self) -> Result<&NameId, Error> {
        match &self.name {
            Name::Plain(name_id) => Ok(name_id),
            Name::Encrypted(_) => Err(ErrorKind::SubjectEncrypted.into()),
        }
    }

    /// The person whose sessions are to end, decrypted if need be. Verify the signature before: what can be
    /// decrypted is nobody's word. AES-CBC is not read.
    ///
    /// # Errors
    /// [`ErrorKind::SubjectEncrypted`] if there is no key; why it can't be decrypted.
    pub fn decrypted_name_id(&self, keys: &[DecryptionKey]) -> Result<NameId, Error> {
        let xml = match &self.name {
            Name::Plain(name_id) => return Ok(name_id.clone()),
            Name::Encrypted(_) if keys.is_empty() => return Err(ErrorKind::SubjectEncrypted.into()),
            Name::Encrypted(xml) => xml,
        };
        // The same parser on the same bytes: the other fields were read from this very tree.
        let document = parse(xml, Tolerance::Strict)?;
        let [_, _, _, names, _] = sequence(message(&document)?, "LogoutRequest", &LOGOUT_REQUEST)?;
        let encrypted = names.first().copied().ok_or(ErrorKind::Missing("EncryptedID"))?;
        let plaintext = decrypt(encrypted, Decryption { keys, allow_cbc: false }, Covered::ByNothing)?;
        let document = plaintext.parse()?;
        NameId::read(Plaintext::only(&document, "NameID")?)
    }

    /// Whether it has a signature, good or bad.
    pub fn is_signed(&self) -> bool {
        self.signature.is_there()
    }

    /// Succeeds if one of these keys signed the request, and all of it: message, RelayState and algorithm of a
    /// redirect, the whole message of a form or a call. SHA-1 counts only if it is allowed by name.
    ///
    /// # Errors
    /// [`ErrorKind::SignatureMissing`] if it is unsigned, else what is wrong with the signature.
    pub fn verify_signature(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        self.signature.verify(keys, allow_sha1)
    }

    /// Succeeds if the request is still valid `now`, and was not made later, give or take `skew`.
    ///
    /// # Errors
    /// [`ErrorKind::RequestExpired`] or [`ErrorKind::RequestFromTheFuture`].
    pub fn check_time(&self, now: Timestamp, skew: Duration) -> Result<(), Error> {
        let clock = || format!("{now} (give or take {} s)", skew.as_secs());
        if let Some(end) = self.not_on_or_after.filter(|end| now >= end.plus(skew)) {
            let expected = format!("NotOnOrAfter later than {}", clock());
            return Err(Error::new(ErrorKind::RequestExpired).expected(expected).received(&end.to_string()));
        }
        if self.issue_instant > now.plus(skew) {
            let expected = format!("IssueInstant not later than {}", clock());
            let received = self.issue_instant.to_string();
            return Err(Error::new(ErrorKind::RequestFromTheFuture).expected(expected).received(&received));
        }
        Ok(())
    }
}

/// A LogoutResponse as received (SAML Core 3.7.2). Nothing in it is to be trusted before
/// [`LogoutResponse::verify_signature`].
#[derive(Clone, Debug)]
pub struct LogoutResponse {
    /// Its ID.
    pub id: String,
    /// When it was made.
    pub issue_instant: Timestamp,
    /// The entity ID of whoever claims to answer.
    pub issuer: String,
    /// Where the answer says it was sent.
    pub destination: Option<String>,
    /// The ID of the request that it answers.
    pub in_response_to: Option<String>,
    /// What it says.
    pub status: Status,
    /// What the request had with it, if the other side is in order.
    pub relay_state: Option<String>,
    signature: MessageSignature,
}

impl LogoutResponse {
    /// Reads an answer from the query of a redirect (SAML Bindings 3.4), exactly as it stands in the address.
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_redirect_query(raw_query: &str) -> Result<Self, Error> {
        Self::read(Received::from_query(raw_query, Message::Response)?)
    }

    /// Reads an answer from the decoded form fields `SAMLResponse` and `RelayState` (SAML Bindings 3.5).
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`].
    pub fn from_post(saml_response: &str, relay_state: Option<&str>) -> Result<Self, Error> {
        Self::read(Received::from_post(saml_response, relay_state)?)
    }

    /// Reads the answer to a SOAP call (SAML Bindings 3.2).
    ///
    /// # Errors
    /// What is wrong with it, each fault with its own [`ErrorKind`]; [`ErrorKind::SoapFault`] if it is none.
    pub fn from_soap(body: &[u8]) -> Result<Self, Error> {
        Self::read(Received::from_soap(body)?)
    }

    fn read(received: Received) -> Result<Self, Error> {
        let document = received.document()?;
        let root = message(&document)?;
        let head = Head::read(root, SAMLP, "LogoutResponse")?;
        let [claimed, signature, _, statuses] = sequence(root, "LogoutResponse", &LOGOUT_RESPONSE)?;
        let mut response = Self {
            id: head.id,
            issue_instant: head.issue_instant,
            issuer: named(&claimed)?,
            destination: head.destination,
            in_response_to: attribute(root, "InResponseTo").map(str::to_owned),
            status: status(statuses.first().copied().ok_or(ErrorKind::Missing("Status"))?)?,
            relay_state: None,
            signature: MessageSignature::None,
        };
        let signed = !signature.is_empty();
        drop(document);
        response.relay_state.clone_from(&received.relay_state);
        response.signature = received.into_signature(signed);
        Ok(response)
    }

    /// Whether it has a signature, good or bad.
    pub fn is_signed(&self) -> bool {
        self.signature.is_there()
    }

    /// As [`LogoutRequest::verify_signature`].
    ///
    /// # Errors
    /// As [`LogoutRequest::verify_signature`].
    pub fn verify_signature(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        self.signature.verify(keys, allow_sha1)
    }
}

static LOGOUT_REQUEST: [Slot; 5] = [
    Slot::optional(SAML, &["Issuer"]),
    Slot::optional(DS, &["Signature"]),
    Slot::optional(SAMLP, &["Extensions"]),
    Slot::one(SAML, &["NameID", "BaseID", "EncryptedID"]),
    Slot::any(SAMLP, &["SessionIndex"]),
];
static LOGOUT_RESPONSE: [Slot; 4] = [
    Slot::optional(SAML, &["Issuer"]),
    Slot::optional(DS, &["Signature"]),
    Slot::optional(SAMLP, &["Extensions"]),
    Slot::one(SAMLP, &["Status"]),
];
static STATUS: [Slot; 3] = [
    Slot::one(SAMLP, &["StatusCode"]),
    Slot::optional(SAMLP, &["StatusMessage"]),
    Slot::optional(SAMLP, &["StatusDetail"]),
];

/// The Issuer, which these messages must have (Profiles 4.4.4).
fn named(found: &[Node<'_, '_>]) -> Result<String, Error> {
    issuer(found)?.filter(|issuer| !issuer.is_empty()).ok_or_else(|| ErrorKind::Missing("Issuer").into())
}

fn name(names: &[Node<'_, '_>], xml: &str) -> Result<Name, Error> {
    match names.first() {
        Some(name) if is(*name, SAML, "NameID") => Ok(Name::Plain(NameId::read(*name)?)),
        Some(name) if is(*name, SAML, "EncryptedID") => Ok(Name::Encrypted(xml.to_owned())),
        _ => Err(ErrorKind::Missing("NameID").into()),
    }
}

/// A status with its first two codes: what is nested deeper says nothing that could be acted upon.
fn status(status: Node<'_, '_>) -> Result<Status, Error> {
    let [codes, messages, _] = sequence(status, "Status", &STATUS)?;
    let code = codes.first().copied().ok_or(ErrorKind::Missing("StatusCode"))?;
    let value = |code| Ok::<_, Error>(StatusCode::from_uri(required(code, "Value")?.trim()));
    let nested = elements(code).find(|child| is(*child, SAMLP, "StatusCode"));
    let message = messages.first().map(|message| text(*message, "StatusMessage")).transpose()?;
    Ok(Status {
        code: value(code)?,
        sub_code: nested.map(value).transpose()?,
        message: message.map(|message| message.trim().to_owned()).filter(|message| !message.is_empty()),
    })
}
