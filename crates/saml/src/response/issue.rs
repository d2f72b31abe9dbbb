//! Writing answers: signed ones for people who were admitted, and errors.

use super::SignedParts;
use crate::assertion::{Attribute, NameId};
use crate::error::{Error, ErrorKind};
use crate::signature::Signer;
use crate::timestamp::Timestamp;
use crate::vocabulary::{AuthnContextClass, StatusCode};

/// A Response with one assertion: somebody signed in.
#[derive(Clone, Debug)]
pub struct Response<'a> {
    /// The ID of the response, see [`crate::message_id`].
    pub id: &'a str,
    /// The ID of the assertion, another one.
    pub assertion_id: &'a str,
    /// Now.
    pub issue_instant: Timestamp,
    /// The entity ID of the identity provider.
    pub issuer: &'a str,
    /// The registered assertion consumer service; also the Recipient.
    pub destination: &'a str,
    /// The ID of the request; `None` if the sign-in began at the identity provider.
    pub in_response_to: Option<&'a str>,
    /// The entity ID of the service provider; `None` leaves the assertion without AudienceRestriction.
    pub audience: Option<&'a str>,
    /// The person.
    pub name_id: &'a NameId,
    /// What else is said of the person. Without any there is no AttributeStatement.
    pub attributes: &'a [Attribute],
    /// The assertion is valid from then.
    pub not_before: Timestamp,
    /// The assertion, and its delivery by a browser, are valid until just before then.
    pub not_on_or_after: Timestamp,
    /// When the person signed in.
    pub authn_instant: Timestamp,
    /// The session at the identity provider, for single logout.
    pub session_index: Option<&'a str>,
    /// When the service provider's session is to end.
    pub session_not_on_or_after: Option<Timestamp>,
    /// How the person signed in.
    pub authn_context: AuthnContextClass,
}

impl Response<'_> {
    /// The signed message.
    ///
    /// # Errors
    /// [`ErrorKind::CharacterForbidden`] or [`ErrorKind::SigningFailed`].
    pub fn sign(&self, signer: &Signer, parts: SignedParts) -> Result<String, Error> {
        let _ = (signer, parts);
        Err(ErrorKind::SigningFailed.into())
    }
}

/// A Response without an assertion: nobody was signed in, and why (SAML Core 3.2.2).
#[derive(Clone, Debug)]
pub struct ErrorResponse<'a> {
    /// The ID of the response, see [`crate::message_id`].
    pub id: &'a str,
    /// Now.
    pub issue_instant: Timestamp,
    /// The entity ID of the identity provider.
    pub issuer: &'a str,
    /// The registered assertion consumer service.
    pub destination: &'a str,
    /// The ID of the request.
    pub in_response_to: Option<&'a str>,
    /// Who is at fault: [`StatusCode::Requester`] or [`StatusCode::Responder`].
    pub status: StatusCode,
    /// What is wrong, such as [`StatusCode::NoPassive`].
    pub sub_status: Option<StatusCode>,
    /// The same for people.
    pub message: Option<&'a str>,
}

impl ErrorResponse<'_> {
    /// The message, signed if there is a signer.
    ///
    /// # Errors
    /// [`ErrorKind::CharacterForbidden`] or [`ErrorKind::SigningFailed`].
    pub fn to_xml(&self, signer: Option<&Signer>) -> Result<String, Error> {
        let _ = signer;
        Err(ErrorKind::SigningFailed.into())
    }
}
