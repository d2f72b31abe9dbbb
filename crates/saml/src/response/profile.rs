//! What a signed assertion must say for somebody to be let in (SAML Profiles 4.1.4.3, Core 2), and reading it.

use std::time::Duration;

use roxmltree::Node;

use super::encrypted::note_decryption;
use super::verify::{Journal, check_in_response_to, version};
use super::{BEARER, CheckName, Expectations, SignedParts, VerifiedAssertion};
use crate::assertion::{Attribute, NameId};
use crate::encryption::{self, Covered, Plaintext};
use crate::error::{Error, ErrorKind};
use crate::timestamp::Timestamp;
use crate::vocabulary::NameIdFormat;
use crate::xml::{DS, SAML, Slot, attribute, elements, id, is, required, sequence, text, timestamp};

static ASSERTION: [Slot; 6] = [
    Slot::one(SAML, &["Issuer"]),
    Slot::optional(DS, &["Signature"]),
    Slot::optional(SAML, &["Subject"]),
    Slot::optional(SAML, &["Conditions"]),
    Slot::optional(SAML, &["Advice"]),
    Slot::any(SAML, &["AttributeStatement", "AuthnStatement", "AuthzDecisionStatement", "Statement"]),
];

/// The signature of an assertion, in its place.
pub(super) fn signature_of<'a, 'i>(assertion: Node<'a, 'i>) -> Result<Option<Node<'a, 'i>>, Error> {
    let [_, signature, ..] = sequence(assertion, "Assertion", &ASSERTION)?;
    Ok(signature.first().copied())
}

/// What is known of an assertion before it is read.
#[derive(Clone, Copy)]
pub(super) struct Evidence {
    /// What a verified signature covered.
    pub(super) covered: SignedParts,
    /// Whether it came encrypted.
    pub(super) encrypted: bool,
}

/// Checks and reads an assertion whose signature, or whose response's, is verified.
pub(super) fn read<J: Journal>(
    assertion: Node<'_, '_>,
    evidence: Evidence,
    expectations: &Expectations,
    now: Timestamp,
    journal: &mut J,
) -> Result<VerifiedAssertion, Error> {
    let [issuer, _, subject, conditions, _, statements] = sequence(assertion, "Assertion", &ASSERTION)?;
    version(assertion)?;
    timestamp(assertion, "IssueInstant")?.ok_or(ErrorKind::Missing("IssueInstant"))?;
    let mut profile = Profile { expectations, clock: Clock { now, skew: expectations.clock_skew }, journal };
    let issuer = issuer.first().map(|issuer| text(*issuer, "Issuer")).transpose()?.unwrap_or_default();
    let issuer = issuer.trim();
    profile.check_issuer(issuer)?;
    let (name_id, confirmation) = profile.subject(subject.first().copied())?;
    let valid_until = profile.conditions(conditions.first().copied())?;
    let of_kind = |name: &'static str| statements.iter().copied().filter(move |node| is(*node, SAML, name));
    let authn = profile.authn_statements(of_kind("AuthnStatement"))?;
    let attributes = profile.attributes(of_kind("AttributeStatement"))?;
    Ok(VerifiedAssertion {
        id: id(assertion)?.to_owned(),
        issuer: issuer.to_owned(),
        in_response_to: confirmation.in_response_to,
        name_id,
        attributes,
        authn_instant: authn.instant,
        authn_context: authn.context,
        session_index: authn.session_index,
        session_not_on_or_after: authn.session_not_on_or_after,
        not_on_or_after: valid_until
            .map_or(confirmation.not_on_or_after, |end| end.min(confirmation.not_on_or_after)),
        covered: evidence.covered,
        encrypted: evidence.encrypted,
    })
}

/// Now, give or take.
#[derive(Clone, Copy)]
struct Clock {
    now: Timestamp,
    skew: Duration,
}

impl Clock {
    fn is_before(self, not_on_or_after: Timestamp) -> bool {
        self.now < not_on_or_after.plus(self.skew)
    }

    fn has_reached(self, not_before: Timestamp) -> bool {
        self.now >= not_before.minus(self.skew)
    }

    fn in_words(self) -> String {
        format!("{} (give or take {} s)", self.now, self.skew.as_secs())
    }
}

struct Confirmation {
    in_response_to: Option<String>,
    not_on_or_after: Timestamp,
}

struct Authn {
    instant: Timestamp,
    context: Option<String>,
    session_index: Option<String>,
    session_not_on_or_after: Option<Timestamp>,
}

struct Profile<'e, 'j, J> {
    expectations: &'e Expectations,
    clock: Clock,
    journal: &'j mut J,
}

static SUBJECT: [Slot; 2] =
    [Slot::optional(SAML, &["NameID", "BaseID", "EncryptedID"]), Slot::any(SAML, &["SubjectConfirmation"])];
static CONFIRMATION: [Slot; 2] = [
    Slot::optional(SAML, &["NameID", "BaseID", "EncryptedID"]),
    Slot::optional(SAML, &["SubjectConfirmationData"]),
];
static CONDITIONS: [Slot; 1] =
    [Slot::any(SAML, &["AudienceRestriction", "OneTimeUse", "ProxyRestriction", "Condition"])];
static AUDIENCES: [Slot; 1] = [Slot::any(SAML, &["Audience"])];
static AUTHN_STATEMENT: [Slot; 2] =
    [Slot::optional(SAML, &["SubjectLocality"]), Slot::one(SAML, &["AuthnContext"])];
static ATTRIBUTES: [Slot; 1] = [Slot::any(SAML, &["Attribute", "EncryptedAttribute"])];
static VALUES: [Slot; 1] = [Slot::any(SAML, &["AttributeValue"])];

impl<J: Journal> Profile<'_, '_, J> {
    fn check_issuer(&mut self, issuer: &str) -> Result<(), Error> {
        let expected = &self.expectations.issuer;
        self.journal.check(
            CheckName::AssertionIssuer,
            ErrorKind::AssertionIssuerMismatch,
            issuer == expected,
            || expected.clone(),
            || issuer.to_owned(),
        )
    }

    fn subject(&mut self, subject: Option<Node<'_, '_>>) -> Result<(Option<NameId>, Confirmation), Error> {
        let [names, confirmations] = match subject {
            Some(subject) => sequence(subject, "Subject", &SUBJECT)?,
            None => [Vec::new(), Vec::new()],
        };
        // An empty name names nobody.
        let name_id = names.first().map(|name| self.name_id(*name)).transpose()?;
        let name_id = name_id.filter(|name_id| !name_id.value.trim().is_empty());
        let wanted = self.expectations.want_name_id;
        self.journal.check(
            CheckName::NameId,
            ErrorKind::NameIdMissing,
            name_id.is_some() || !wanted,
            || if wanted { "a NameID".to_owned() } else { "a NameID or none".to_owned() },
            || {
                name_id
                    .as_ref()
                    .map_or("none".to_owned(), |name_id| format!("{} ({})", name_id.value, name_id.format))
            },
        )?;
        Ok((name_id, self.confirmation(&confirmations)?))
    }

    /// One bearer confirmation must hold. An identity provider may list several addresses: ours is looked for.
    fn confirmation(&mut self, confirmations: &[Node<'_, '_>]) -> Result<Confirmation, Error> {
        let mut data = Vec::new();
        for confirmation in confirmations {
            let [_, found] = sequence(*confirmation, "SubjectConfirmation", &CONFIRMATION)?;
            if attribute(*confirmation, "Method") == Some(BEARER) {
                data.extend(found);
            }
        }
        let expected = self.expectations;
        let ours = |data: &&Node<'_, '_>| attribute(**data, "Recipient") == Some(&*expected.acs_url);
        let data = data.iter().find(ours).or(data.first()).copied();
        self.journal.check(
            CheckName::Bearer,
            ErrorKind::BearerMissing,
            data.is_some(),
            || "bearer".to_owned(),
            || if data.is_some() { "bearer".to_owned() } else { "none".to_owned() },
        )?;
        let data = data.ok_or(ErrorKind::BearerMissing)?;
        let recipient = attribute(data, "Recipient");
        self.journal.check(
            CheckName::Recipient,
            ErrorKind::RecipientMismatch,
            recipient == Some(&*expected.acs_url),
            || expected.acs_url.clone(),
            || recipient.unwrap_or("none").to_owned(),
        )?;
        let answered = attribute(data, "InResponseTo");
        check_in_response_to(
            CheckName::ConfirmationInResponseTo,
            ErrorKind::ConfirmationInResponseToMismatch,
            expected.in_response_to.as_deref(),
            answered,
            self.journal,
        )?;
        let not_on_or_after = timestamp(data, "NotOnOrAfter")?.ok_or(ErrorKind::Missing("NotOnOrAfter"))?;
        self.check_end(CheckName::ConfirmationTime, ErrorKind::ConfirmationExpired, not_on_or_after)?;
        if let Some(not_before) = timestamp(data, "NotBefore")? {
            self.check_beginning(
                CheckName::ConfirmationTime,
                ErrorKind::ConfirmationNotYetValid,
                not_before,
            )?;
        }
        Ok(Confirmation { in_response_to: answered.map(str::to_owned), not_on_or_after })
    }

    /// Every condition must hold: each AudienceRestriction by itself, and none may be unknown (Core 2.5.1.1).
    fn conditions(&mut self, conditions: Option<Node<'_, '_>>) -> Result<Option<Timestamp>, Error> {
        let Some(conditions) = conditions else {
            self.check_audience(false, Vec::new)?;
            return Ok(None);
        };
        if let Some(not_before) = timestamp(conditions, "NotBefore")? {
            self.check_beginning(CheckName::Validity, ErrorKind::AssertionNotYetValid, not_before)?;
        }
        let not_on_or_after = timestamp(conditions, "NotOnOrAfter")?;
        if let Some(not_on_or_after) = not_on_or_after {
            self.check_end(CheckName::Validity, ErrorKind::AssertionExpired, not_on_or_after)?;
        }
        let [conditions] = sequence(conditions, "Conditions", &CONDITIONS)?;
        let unknown = conditions.iter().any(|condition| is(*condition, SAML, "Condition"));
        self.journal.check(
            CheckName::Conditions,
            ErrorKind::ConditionUnknown,
            !unknown,
            || "none that is unknown".to_owned(),
            || if unknown { "a condition of another kind" } else { "none that is unknown" }.to_owned(),
        )?;
        let mut restricted = false;
        for restriction in conditions.iter().filter(|condition| is(**condition, SAML, "AudienceRestriction"))
        {
            restricted = true;
            let [audiences] = sequence(*restriction, "AudienceRestriction", &AUDIENCES)?;
            let audiences: Result<Vec<_>, _> =
                audiences.iter().map(|audience| text(*audience, "Audience")).collect();
            let audiences = audiences?;
            let ours = audiences.iter().any(|audience| audience.trim() == self.expectations.audience);
            self.check_audience(ours, || {
                audiences.iter().map(|audience| audience.trim().to_owned()).collect()
            })?;
        }
        if !restricted {
            self.check_audience(false, Vec::new)?;
        }
        Ok(not_on_or_after)
    }

    fn check_audience(&mut self, ours: bool, received: impl Fn() -> Vec<String>) -> Result<(), Error> {
        let kind = if ours || !received().is_empty() {
            ErrorKind::AudienceMismatch
        } else {
            ErrorKind::AudienceMissing
        };
        let expected = &self.expectations.audience;
        self.journal.check(
            CheckName::Audience,
            kind,
            ours,
            || expected.clone(),
            || if received().is_empty() { "none".to_owned() } else { received().join(", ") },
        )
    }

    fn authn_statements<'a, 'i: 'a>(
        &mut self,
        statements: impl Iterator<Item = Node<'a, 'i>>,
    ) -> Result<Authn, Error> {
        let mut first = None;
        for statement in statements {
            let [_, context] = sequence(statement, "AuthnStatement", &AUTHN_STATEMENT)?;
            let class = context
                .iter()
                .flat_map(|context| elements(*context))
                .find(|child| is(*child, SAML, "AuthnContextClassRef"))
                .map(|class| text(class, "AuthnContextClassRef"))
                .transpose()?;
            let end = timestamp(statement, "SessionNotOnOrAfter")?;
            if let Some(end) = end {
                self.check_end(CheckName::Session, ErrorKind::SessionExpired, end)?;
            }
            let authn = Authn {
                instant: timestamp(statement, "AuthnInstant")?.ok_or(ErrorKind::Missing("AuthnInstant"))?,
                context: class.map(|class| class.trim().to_owned()),
                session_index: attribute(statement, "SessionIndex").map(str::to_owned),
                session_not_on_or_after: end,
            };
            first.get_or_insert(authn);
        }
        self.journal.check(
            CheckName::AuthnStatement,
            ErrorKind::AuthnStatementMissing,
            first.is_some(),
            || "that somebody signed in".to_owned(),
            || first.as_ref().map_or("nothing".to_owned(), |authn| format!("a sign-in at {}", authn.instant)),
        )?;
        first.ok_or_else(|| ErrorKind::AuthnStatementMissing.into())
    }

    fn attributes<'a, 'i: 'a>(
        &mut self,
        statements: impl Iterator<Item = Node<'a, 'i>>,
    ) -> Result<Vec<Attribute>, Error> {
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut statement_count = 0;
        for statement in statements {
            statement_count += 1;
            let [found] = sequence(statement, "AttributeStatement", &ATTRIBUTES)?;
            for node in found {
                let attribute = self.attribute(node)?;
                // Some identity providers repeat an attribute instead of giving it several values.
                match attributes.iter_mut().find(|known| known.name == attribute.name) {
                    Some(known) => known.values.extend(attribute.values),
                    None => attributes.push(attribute),
                }
            }
        }
        let wanted = self.expectations.want_attribute_statement;
        self.journal.check(
            CheckName::Attributes,
            ErrorKind::AttributeStatementMissing,
            statement_count > 0 || !wanted,
            || {
                if wanted {
                    "an AttributeStatement".to_owned()
                } else {
                    "an AttributeStatement or none".to_owned()
                }
            },
            || format!("{} attributes", attributes.len()),
        )?;
        Ok(attributes)
    }

    /// A `NameID` or `EncryptedID`. A `BaseID` has no name in it that is known here.
    fn name_id(&mut self, node: Node<'_, '_>) -> Result<NameId, Error> {
        match node.tag_name().name() {
            "NameID" => read_name_id(node),
            "EncryptedID" => self.decrypted(node, "NameID", read_name_id),
            _ => Err(ErrorKind::NameIdMissing.into()),
        }
    }

    /// An `Attribute` or `EncryptedAttribute`.
    fn attribute(&mut self, node: Node<'_, '_>) -> Result<Attribute, Error> {
        if is(node, SAML, "EncryptedAttribute") {
            return self.decrypted(node, "Attribute", read_attribute);
        }
        read_attribute(node)
    }

    /// What an encrypted part of the assertion says: the signature that was verified covers the ciphertext.
    fn decrypted<T>(
        &mut self,
        encrypted: Node<'_, '_>,
        name: &'static str,
        read: impl FnOnce(Node<'_, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let plaintext = encryption::decrypt(encrypted, self.expectations.decryption(), Covered::BySignature);
        note_decryption(&plaintext, self.journal);
        let plaintext = plaintext?;
        let document = plaintext.parse()?;
        read(Plaintext::only(&document, name)?)
    }

    fn check_end(
        &mut self,
        name: CheckName,
        kind: ErrorKind,
        not_on_or_after: Timestamp,
    ) -> Result<(), Error> {
        let clock = self.clock;
        self.journal.check(
            name,
            kind,
            clock.is_before(not_on_or_after),
            || format!("NotOnOrAfter later than {}", clock.in_words()),
            || not_on_or_after.to_string(),
        )
    }

    fn check_beginning(
        &mut self,
        name: CheckName,
        kind: ErrorKind,
        not_before: Timestamp,
    ) -> Result<(), Error> {
        let clock = self.clock;
        self.journal.check(
            name,
            kind,
            clock.has_reached(not_before),
            || format!("NotBefore not later than {}", clock.in_words()),
            || not_before.to_string(),
        )
    }
}

fn read_name_id(node: Node<'_, '_>) -> Result<NameId, Error> {
    let owned = |name| attribute(node, name).map(str::to_owned);
    Ok(NameId {
        format: attribute(node, "Format").map_or(NameIdFormat::Unspecified, NameIdFormat::from_uri),
        value: text(node, "NameID")?.into_owned(),
        name_qualifier: owned("NameQualifier"),
        sp_name_qualifier: owned("SPNameQualifier"),
    })
}

fn read_attribute(node: Node<'_, '_>) -> Result<Attribute, Error> {
    let [values] = sequence(node, "Attribute", &VALUES)?;
    // A value may have elements inside, as a NameID does in eduPersonTargetedID: all the text in it counts.
    let text_of = |value: &Node<'_, '_>| {
        value.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
    };
    Ok(Attribute {
        name: required(node, "Name")?.to_owned(),
        friendly_name: attribute(node, "FriendlyName").map(str::to_owned),
        name_format: attribute(node, "NameFormat").map(str::to_owned),
        values: values.iter().map(text_of).collect(),
    })
}
