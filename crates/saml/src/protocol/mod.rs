//! What all protocol messages have in common (SAML Core 3.2.1 and 3.2.2): how they are received, their head, and
//! their signature.

use roxmltree::{Document, Node};

use crate::bindings::{
    Message, RedirectSignature, read_post, read_redirect_query, read_soap, within_envelope,
};
use crate::error::{Error, ErrorKind};
use crate::keys::VerifyingKey;
use crate::signature::verify_enveloped;
use crate::timestamp::Timestamp;
use crate::xml::{DS, Tolerance, attribute, elements, id, is, parse, text, timestamp};

/// A message as it came, before anything in it is read.
pub(crate) struct Received {
    pub(crate) xml: String,
    pub(crate) relay_state: Option<String>,
    query: Option<Option<RedirectSignature>>,
}

impl Received {
    /// From the query of a redirect (Bindings 3.4), exactly as it stands in the address.
    pub(crate) fn from_query(raw_query: &str, message: Message) -> Result<Self, Error> {
        let found = read_redirect_query(raw_query, message)?;
        Ok(Self { xml: found.xml, relay_state: found.relay_state, query: Some(found.signature) })
    }

    /// From the decoded fields of a form (Bindings 3.5).
    pub(crate) fn from_post(value: &str, relay_state: Option<&str>) -> Result<Self, Error> {
        Ok(Self { xml: read_post(value)?, relay_state: relay_state.map(str::to_owned), query: None })
    }

    /// From the body of a SOAP call or of its answer (Bindings 3.2).
    pub(crate) fn from_soap(body: &[u8]) -> Result<Self, Error> {
        Ok(Self { xml: read_soap(body)?, relay_state: None, query: None })
    }

    /// The document; its message is found by [`message`].
    pub(crate) fn document(&self) -> Result<Document<'_>, Error> {
        parse(&self.xml, Tolerance::Strict)
    }

    /// The signature: that of the query, or the one `within` the message. In a redirect one inside the message
    /// must not be there (Bindings 3.4.4.1), and counts for nothing.
    pub(crate) fn into_signature(self, within: bool) -> MessageSignature {
        match self.query {
            Some(beside) => beside.map_or(MessageSignature::None, MessageSignature::Query),
            None if within => MessageSignature::Enveloped(self.xml),
            None => MessageSignature::None,
        }
    }
}

/// The element of the message in a document: its root, or what a SOAP envelope carries.
pub(crate) fn message<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>, Error> {
    within_envelope(document.root_element())
}

/// The signature of a message, not verified yet.
#[derive(Clone, Debug)]
pub(crate) enum MessageSignature {
    None,
    /// Beside the message, over the query.
    Query(RedirectSignature),
    /// Inside the message, which is kept as it came.
    Enveloped(String),
}

impl MessageSignature {
    /// Whether there is one, good or bad.
    pub(crate) fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Succeeds if one of these keys signed the whole message.
    pub(crate) fn verify(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        match self {
            Self::None => Err(ErrorKind::SignatureMissing.into()),
            Self::Query(signature) => signature.verify(keys, allow_sha1),
            Self::Enveloped(xml) => {
                // The same parser on the same bytes: the fields were read from this very tree.
                let document = parse(xml, Tolerance::Strict)?;
                let signature = elements(message(&document)?).find(|child| is(*child, DS, "Signature"));
                verify_enveloped(signature.ok_or(ErrorKind::SignatureMissing)?, keys, allow_sha1)
            }
        }
    }
}

/// The attributes that every message begins with.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) issue_instant: Timestamp,
    pub(crate) destination: Option<String>,
}

impl Head {
    /// Reads them from a message that must be the element `name` of `namespace`.
    pub(crate) fn read(message: Node<'_, '_>, namespace: &str, name: &'static str) -> Result<Self, Error> {
        if !is(message, namespace, name) {
            return Err(Error::new(ErrorKind::WrongMessage(name)).received(message.tag_name().name()));
        }
        if attribute(message, "Version") != Some("2.0") {
            let received = attribute(message, "Version").unwrap_or("no Version");
            return Err(Error::new(ErrorKind::VersionUnsupported).expected("2.0").received(received));
        }
        Ok(Self {
            id: id(message)?.to_owned(),
            issue_instant: timestamp(message, "IssueInstant")?.ok_or(ErrorKind::Missing("IssueInstant"))?,
            destination: attribute(message, "Destination").map(str::to_owned),
        })
    }
}

/// Who claims to have written a message, if it says so.
pub(crate) fn issuer(found: &[Node<'_, '_>]) -> Result<Option<String>, Error> {
    let issuer = found.first().map(|issuer| text(*issuer, "Issuer")).transpose()?;
    Ok(issuer.map(|issuer| issuer.trim().to_owned()))
}
