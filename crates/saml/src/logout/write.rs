//! Requests and answers to be sent.

use super::Status;
use crate::assertion::NameId;
use crate::error::Error;
use crate::signature::Signer;
use crate::timestamp::Timestamp;
use crate::vocabulary::LogoutReason;
use crate::xml::{SAML, SAMLP, Writer};

/// A LogoutRequest to be sent (SAML Core 3.7.1). It travels by [`crate::redirect_url`], [`crate::post_value`] or
/// [`crate::soap_envelope`].
#[derive(Clone, Debug)]
pub struct LogoutRequestBuilder<'a> {
    /// Its ID, see [`crate::message_id`].
    pub id: &'a str,
    /// Now.
    pub issue_instant: Timestamp,
    /// Our entity ID.
    pub issuer: &'a str,
    /// The single logout service that it goes to.
    pub destination: &'a str,
    /// From then on it is no longer valid.
    pub not_on_or_after: Option<Timestamp>,
    /// Why.
    pub reason: Option<LogoutReason>,
    /// The person, exactly as the assertion named them.
    pub name_id: &'a NameId,
    /// The sessions that are to end; empty for all of the person.
    pub session_indexes: &'a [String],
}

impl LogoutRequestBuilder<'_> {
    /// The message, with a signature inside if there is a signer: for a form or a call. In a redirect the query
    /// is signed instead.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`] or [`crate::ErrorKind::SigningFailed`].
    pub fn to_xml(&self, signer: Option<&Signer>) -> Result<String, Error> {
        let mut writer = Writer::new();
        let mut after_issuer = 0;
        let instant = self.issue_instant.to_string();
        let end = self.not_on_or_after.map(|end| end.to_string());
        let attributes = [
            ("xmlns:samlp", Some(SAMLP)),
            ("Destination", Some(self.destination)),
            ("ID", Some(self.id)),
            ("IssueInstant", Some(&instant)),
            ("NotOnOrAfter", end.as_deref()),
            ("Reason", self.reason.as_ref().map(LogoutReason::as_str)),
            ("Version", Some("2.0")),
        ];
        writer.element("samlp:LogoutRequest", &attributes, |request| {
            request.text("saml:Issuer", &[("xmlns:saml", Some(SAML))], self.issuer);
            after_issuer = request.len();
            self.name_id.write(request, Some(SAML));
            for index in self.session_indexes {
                request.text("samlp:SessionIndex", &[], index);
            }
        });
        finish(writer, self.id, after_issuer, signer)
    }
}

/// A LogoutResponse to be sent (SAML Core 3.7.2). It travels by [`crate::redirect_url`], [`crate::post_value`] or
/// [`crate::soap_envelope`].
#[derive(Clone, Debug)]
pub struct LogoutResponseBuilder<'a> {
    /// Its ID, see [`crate::message_id`].
    pub id: &'a str,
    /// Now.
    pub issue_instant: Timestamp,
    /// Our entity ID.
    pub issuer: &'a str,
    /// Where it goes; `None` in the answer to a SOAP call.
    pub destination: Option<&'a str>,
    /// The ID of the request.
    pub in_response_to: &'a str,
    /// What was done.
    pub status: &'a Status,
}

impl LogoutResponseBuilder<'_> {
    /// The message, with a signature inside if there is a signer: for a form or a call. In a redirect the query
    /// is signed instead.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`] or [`crate::ErrorKind::SigningFailed`].
    pub fn to_xml(&self, signer: Option<&Signer>) -> Result<String, Error> {
        let mut writer = Writer::new();
        let mut after_issuer = 0;
        let instant = self.issue_instant.to_string();
        let attributes = [
            ("xmlns:samlp", Some(SAMLP)),
            ("Destination", self.destination),
            ("ID", Some(self.id)),
            ("InResponseTo", Some(self.in_response_to)),
            ("IssueInstant", Some(&instant)),
            ("Version", Some("2.0")),
        ];
        writer.element("samlp:LogoutResponse", &attributes, |response| {
            response.text("saml:Issuer", &[("xmlns:saml", Some(SAML))], self.issuer);
            after_issuer = response.len();
            response.element("samlp:Status", &[], |status| {
                let code = [("Value", Some(self.status.code.as_str()))];
                status.element("samlp:StatusCode", &code, |code| {
                    if let Some(sub_code) = &self.status.sub_code {
                        code.empty("samlp:StatusCode", &[("Value", Some(sub_code.as_str()))]);
                    }
                });
                if let Some(message) = &self.status.message {
                    status.text("samlp:StatusMessage", &[], message);
                }
            });
        });
        finish(writer, self.id, after_issuer, signer)
    }
}

fn finish(writer: Writer, id: &str, after_issuer: usize, signer: Option<&Signer>) -> Result<String, Error> {
    let xml = writer.finish()?;
    match signer {
        Some(signer) => signer.envelop(&xml, id, after_issuer),
        None => Ok(xml),
    }
}
