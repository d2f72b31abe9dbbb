//! What an attack is, and how it is judged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{
    AuthnRequest, Error, ErrorKind, Expectations, IdpMetadata, LogoutRequest, LogoutResponse, Timestamp,
    VerifiedAssertion, VerifyingKey,
};

use crate::fixtures::{IDP, expectations, now, outcome};

/// A valid message, and what an attacker made of it.
#[derive(Clone)]
pub(crate) struct Attack {
    pub(crate) name: String,
    /// What the attacker would gain if it succeeded, in a sentence.
    pub(crate) gain: &'static str,
    pub(crate) original: String,
    pub(crate) message: String,
    pub(crate) outcome: Outcome,
    receiver: Receiver,
}

/// What becomes of it.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    /// It is refused, for this reason.
    Refused(ErrorKind),
    /// It is accepted, and says what the valid message says.
    AsSigned,
}

pub(crate) use Outcome::{AsSigned, Refused};

/// Who reads the message.
#[derive(Clone)]
pub(crate) enum Receiver {
    Response(Box<Expectations>, Timestamp),
    RequestQuery,
    RequestForm,
    LogoutQuery,
    LogoutForm,
    LogoutBody,
    LogoutAnswer,
    Metadata,
}

impl Attack {
    /// An attack on the assertion consumer service.
    pub(crate) fn new(
        name: impl Into<String>,
        gain: &'static str,
        original: &str,
        message: impl Into<String>,
        outcome: Outcome,
    ) -> Self {
        Self {
            name: name.into(),
            gain,
            original: original.to_owned(),
            message: message.into(),
            outcome,
            receiver: Receiver::Response(Box::new(expectations()), now()),
        }
    }

    /// With other settings of the service provider.
    pub(crate) fn expecting(mut self, expectations: Expectations) -> Self {
        self.receiver = Receiver::Response(Box::new(expectations), now());
        self
    }

    pub(crate) fn on(mut self, receiver: Receiver) -> Self {
        self.receiver = receiver;
        self
    }

    pub(crate) fn in_chapter(mut self, chapter: &str) -> Self {
        self.name = format!("{chapter}: {}", self.name);
        self
    }

    pub(crate) fn judge(&self) -> Result<String, ErrorKind> {
        self.receiver.judge(&self.message)
    }

    /// What the valid message says, at the moment that the messages are made for.
    pub(crate) fn judge_original(&self) -> Result<String, ErrorKind> {
        match &self.receiver {
            Receiver::Response(expectations, _) => {
                Receiver::Response(expectations.clone(), now()).judge(&self.original)
            }
            other => other.judge(&self.original),
        }
    }

    /// The same as an input of the fuzzer: target and input.
    pub(crate) fn seed(&self) -> (&'static str, Vec<u8>) {
        let bytes = self.message.clone().into_bytes();
        match self.receiver {
            Receiver::Response(..) => ("response", bytes),
            Receiver::RequestQuery => ("authn_request_redirect", bytes),
            Receiver::RequestForm => ("authn_request_post", bytes),
            Receiver::LogoutQuery => ("logout_redirect", bytes),
            Receiver::LogoutForm | Receiver::LogoutBody | Receiver::LogoutAnswer => ("logout_post", bytes),
            Receiver::Metadata => ("idp_metadata", bytes),
        }
    }
}

impl Receiver {
    /// What the message says once it is verified.
    fn judge(&self, message: &str) -> Result<String, ErrorKind> {
        let keys = [IDP.certificate.verifying_key().clone()];
        match self {
            Self::Response(expectations, now) => {
                outcome(message, expectations, *now).map(|assertion| identity(&assertion))
            }
            Self::RequestQuery => {
                AuthnRequest::from_redirect_query(message).and_then(|it| request(&it, &keys))
            }
            Self::RequestForm => {
                AuthnRequest::from_post(&STANDARD.encode(message), None).and_then(|it| request(&it, &keys))
            }
            Self::LogoutQuery => {
                LogoutRequest::from_redirect_query(message).and_then(|it| logout(&it, &keys))
            }
            Self::LogoutForm => {
                LogoutRequest::from_post(&STANDARD.encode(message), None).and_then(|it| logout(&it, &keys))
            }
            Self::LogoutBody => {
                LogoutRequest::from_soap(message.as_bytes()).and_then(|it| logout(&it, &keys))
            }
            Self::LogoutAnswer => LogoutResponse::from_post(&STANDARD.encode(message), None).and_then(|it| {
                it.verify_signature(&keys, false)?;
                Ok(format!("{:?}", (&it.id, &it.issuer, &it.in_response_to, &it.status)))
            }),
            Self::Metadata => {
                IdpMetadata::parse_signed(message.as_bytes(), &keys).map(|it| format!("{it:?}"))
            }
        }
        .map_err(|error| error.kind())
    }
}

/// All that the service provider takes from an assertion, the ID included by which it knows one that was used before.
fn identity(it: &VerifiedAssertion) -> String {
    let sessions = (it.session_index(), it.session_not_on_or_after(), it.not_on_or_after());
    format!("{:?}", (it.id(), it.issuer(), it.in_response_to(), it.name_id(), it.attributes(), sessions))
}

fn request(it: &AuthnRequest, keys: &[VerifyingKey]) -> Result<String, Error> {
    it.verify_signature(keys, false)?;
    let sent = (&it.id, &it.issuer, &it.destination, &it.relay_state);
    Ok(format!("{:?}", (sent, &it.assertion_consumer_service, it.force_authn, it.is_passive)))
}

fn logout(it: &LogoutRequest, keys: &[VerifyingKey]) -> Result<String, Error> {
    it.verify_signature(keys, false)?;
    let sent = (&it.id, &it.issuer, &it.destination, &it.relay_state);
    Ok(format!("{:?}", (sent, it.name_id()?, &it.session_indexes)))
}
