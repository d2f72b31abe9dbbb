//! Writing answers: signed ones for people who were admitted, and errors.

use super::{BEARER, SignedParts};
use crate::assertion::{Attribute, NameId};
use crate::encryption::Encryption;
use crate::error::Error;
use crate::signature::Signer;
use crate::timestamp::Timestamp;
use crate::vocabulary::{AuthnContextClass, StatusCode};
use crate::xml::{SAML, SAMLP, Writer};

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
    /// The assertion is encrypted, after it is signed and before the response is; `None` leaves it in the clear.
    pub encryption: Option<Encryption<'a>>,
}

impl Response<'_> {
    /// The signed message.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CharacterForbidden`], [`crate::ErrorKind::SigningFailed`] or
    /// [`crate::ErrorKind::EncryptionFailed`].
    pub fn sign(&self, signer: &Signer, parts: SignedParts) -> Result<String, Error> {
        let assertion = self.assertion(signer, parts)?;
        let assertion = match &self.encryption {
            Some(encryption) => encryption.encrypt_assertion(&assertion)?,
            None => assertion,
        };
        let mut writer = Writer::new();
        let mut after_issuer = 0;
        let instant = self.issue_instant.to_string();
        let envelope = Envelope {
            id: self.id,
            issue_instant: &instant,
            destination: self.destination,
            in_response_to: self.in_response_to,
            issuer: self.issuer,
        };
        envelope.write(&mut writer, |response| {
            after_issuer = response.len();
            response.element("samlp:Status", &[], |status| {
                status.empty("samlp:StatusCode", &[("Value", Some(StatusCode::Success.as_str()))]);
            });
            response.raw(&assertion);
        });
        let response = writer.finish()?;
        if parts.response() { signer.envelop(&response, self.id, after_issuer) } else { Ok(response) }
    }

    fn assertion(&self, signer: &Signer, parts: SignedParts) -> Result<String, Error> {
        let mut writer = Writer::new();
        let mut after_issuer = 0;
        let instant = self.issue_instant.to_string();
        let attributes = [
            ("xmlns:saml", Some(SAML)),
            ("ID", Some(self.assertion_id)),
            ("IssueInstant", Some(&instant)),
            ("Version", Some("2.0")),
        ];
        writer.element("saml:Assertion", &attributes, |assertion| {
            assertion.text("saml:Issuer", &[], self.issuer);
            after_issuer = assertion.len();
            self.subject(assertion);
            self.conditions(assertion);
            self.authn_statement(assertion);
            self.attribute_statement(assertion);
        });
        let assertion = writer.finish()?;
        if parts.assertion() {
            signer.envelop(&assertion, self.assertion_id, after_issuer)
        } else {
            Ok(assertion)
        }
    }

    fn subject(&self, writer: &mut Writer) {
        let name_id = [
            ("Format", Some(self.name_id.format.as_str())),
            ("NameQualifier", self.name_id.name_qualifier.as_deref()),
            ("SPNameQualifier", self.name_id.sp_name_qualifier.as_deref()),
        ];
        let not_on_or_after = self.not_on_or_after.to_string();
        let confirmation = [
            ("InResponseTo", self.in_response_to),
            ("NotOnOrAfter", Some(&*not_on_or_after)),
            ("Recipient", Some(self.destination)),
        ];
        writer.element("saml:Subject", &[], |subject| {
            subject.text("saml:NameID", &name_id, &self.name_id.value);
            subject.element("saml:SubjectConfirmation", &[("Method", Some(BEARER))], |bearer| {
                bearer.empty("saml:SubjectConfirmationData", &confirmation);
            });
        });
    }

    fn conditions(&self, writer: &mut Writer) {
        let (not_before, not_on_or_after) = (self.not_before.to_string(), self.not_on_or_after.to_string());
        let validity = [("NotBefore", Some(&*not_before)), ("NotOnOrAfter", Some(&*not_on_or_after))];
        writer.element("saml:Conditions", &validity, |conditions| {
            if let Some(audience) = self.audience {
                conditions.element("saml:AudienceRestriction", &[], |restriction| {
                    restriction.text("saml:Audience", &[], audience);
                });
            }
        });
    }

    fn authn_statement(&self, writer: &mut Writer) {
        let instant = self.authn_instant.to_string();
        let end = self.session_not_on_or_after.map(|end| end.to_string());
        let attributes = [
            ("AuthnInstant", Some(&*instant)),
            ("SessionIndex", self.session_index),
            ("SessionNotOnOrAfter", end.as_deref()),
        ];
        writer.element("saml:AuthnStatement", &attributes, |statement| {
            statement.element("saml:AuthnContext", &[], |context| {
                context.text("saml:AuthnContextClassRef", &[], self.authn_context.as_str());
            });
        });
    }

    fn attribute_statement(&self, writer: &mut Writer) {
        if self.attributes.is_empty() {
            return;
        }
        writer.element("saml:AttributeStatement", &[], |statement| {
            for attribute in self.attributes {
                let names = [
                    ("FriendlyName", attribute.friendly_name.as_deref()),
                    ("Name", Some(&*attribute.name)),
                    ("NameFormat", attribute.name_format.as_deref()),
                ];
                statement.element("saml:Attribute", &names, |written| {
                    for value in &attribute.values {
                        written.text("saml:AttributeValue", &[], value);
                    }
                });
            }
        });
    }
}

/// The response around what it says (SAML Core 3.2.2).
struct Envelope<'a> {
    id: &'a str,
    issue_instant: &'a str,
    destination: &'a str,
    in_response_to: Option<&'a str>,
    issuer: &'a str,
}

impl Envelope<'_> {
    fn write(&self, writer: &mut Writer, content: impl FnOnce(&mut Writer)) {
        let attributes = [
            ("xmlns:samlp", Some(SAMLP)),
            ("Destination", Some(self.destination)),
            ("ID", Some(self.id)),
            ("InResponseTo", self.in_response_to),
            ("IssueInstant", Some(self.issue_instant)),
            ("Version", Some("2.0")),
        ];
        writer.element("samlp:Response", &attributes, |response| {
            response.text("saml:Issuer", &[("xmlns:saml", Some(SAML))], self.issuer);
            content(response);
        });
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
    /// [`crate::ErrorKind::CharacterForbidden`] or [`crate::ErrorKind::SigningFailed`].
    pub fn to_xml(&self, signer: Option<&Signer>) -> Result<String, Error> {
        let mut writer = Writer::new();
        let mut after_issuer = 0;
        let instant = self.issue_instant.to_string();
        let envelope = Envelope {
            id: self.id,
            issue_instant: &instant,
            destination: self.destination,
            in_response_to: self.in_response_to,
            issuer: self.issuer,
        };
        envelope.write(&mut writer, |response| {
            after_issuer = response.len();
            response.element("samlp:Status", &[], |status| {
                status.element("samlp:StatusCode", &[("Value", Some(self.status.as_str()))], |code| {
                    if let Some(sub_status) = &self.sub_status {
                        code.empty("samlp:StatusCode", &[("Value", Some(sub_status.as_str()))]);
                    }
                });
                if let Some(message) = self.message {
                    status.text("samlp:StatusMessage", &[], message);
                }
            });
        });
        let response = writer.finish()?;
        match signer {
            Some(signer) => signer.envelop(&response, self.id, after_issuer),
            None => Ok(response),
        }
    }
}
