//! What came back from an identity provider, for the administrator: every check with what was expected and
//! what was received, what the message said, and what would become of it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use saml::{Certificate, ErrorKind, Examination, Fault};
use serde::{Deserialize, Serialize};
use site::{Problem, Shell};
use sqlx::AnyConnection;

use super::exchanges::{self, Findings, readable};
use super::identity::{self, Identity, Preview};
use super::{SamlConfig, start_href};
use crate::app::App;
use crate::visit::Visit;

/// A message beyond this is cut off in a report, in bytes.
const XML_SHOWN: usize = 64 * 1024;

/// One examined answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Report {
    /// What was wrong, as a sentence that names the setting to mend; `None` if everything was right.
    pub(super) wrong: Option<String>,
    /// The same for people who are not administrators.
    pub(super) wrong_for_strangers: String,
    pub(super) checks: Vec<Check>,
    pub(super) said: Option<Said>,
    pub(super) identity: Option<Identity>,
    /// Both messages as people read them, the answer with what was decrypted of it.
    sent: String,
    received: String,
    trace: String,
}

/// One check of a message, in words.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) expected: String,
    pub(super) received: String,
    pub(super) passed: bool,
}

/// What a verified assertion said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) name_id: String,
    pub(super) format: String,
    pub(super) covered: String,
    #[serde(default)]
    pub(super) encrypted: bool,
    pub(super) session_index: String,
    pub(super) authn_context: String,
    pub(super) attributes: Vec<Attribute>,
}

/// One attribute with its values.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) friendly_name: String,
    pub(super) values: Vec<String>,
}

impl Report {
    /// Writes down an examination of the answer to a request, and what was read from it.
    pub(super) fn new(visit: &Visit, config: &SamlConfig, sent: &str, examination: &Examination) -> Self {
        let checks = examination.checks().iter().map(|check| Check {
            name: check.name.to_string(),
            expected: check.expected.clone(),
            received: check.received.clone(),
            passed: check.passed,
        });
        let mut report = Self {
            wrong: None,
            wrong_for_strangers: for_strangers(config, examination.outcome().err().map(saml::Error::fault)),
            checks: checks.collect(),
            said: None,
            identity: None,
            sent: readable(sent, XML_SHOWN),
            received: readable(&exchanges::received(examination), XML_SHOWN),
            trace: visit.trace.0.to_string(),
        };
        match examination.outcome() {
            Err(error) => report.wrong = Some(with_our_side(config, error)),
            Ok(assertion) => {
                report.said = Some(Said::of(assertion));
                match identity::read(config, assertion) {
                    Ok(identity) => report.identity = Some(identity),
                    Err(refusal) => report.wrong = Some(refusal.sentence()),
                }
            }
        }
        report
    }

    /// The same without the messages, for a report that will not show them: whoever sends refused answers in bulk
    /// should fill no database with them.
    #[must_use]
    pub(super) fn without_messages(self) -> Self {
        Self { sent: String::new(), received: String::new(), ..self }
    }

    /// The checks and what the message said, to be kept.
    pub(super) fn findings(&self) -> Findings {
        Findings { checks: self.checks.clone(), said: self.said.clone() }
    }

    /// Who the person is, if everything was right.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref().filter(|_| self.wrong.is_none())
    }
}

impl Said {
    fn of(assertion: &saml::VerifiedAssertion) -> Self {
        let attributes = assertion.attributes().iter().map(|attribute| Attribute {
            name: attribute.name.clone(),
            friendly_name: attribute.friendly_name.clone().unwrap_or_default(),
            values: attribute.values.clone(),
        });
        let name_id = assertion.name_id();
        Self {
            name_id: name_id.map(|name_id| name_id.value.clone()).unwrap_or_default(),
            format: name_id.map(|name_id| name_id.format.to_string()).unwrap_or_default(),
            covered: assertion.covered().to_string(),
            encrypted: assertion.was_encrypted(),
            session_index: assertion.session_index().unwrap_or_default().to_owned(),
            authn_context: assertion.authn_context().unwrap_or_default().to_owned(),
            attributes: attributes.collect(),
        }
    }
}

/// What is wrong with a message. Where that is about certificates, which ones are set here is said too: nobody can
/// compare what they don't see.
fn with_our_side(config: &SamlConfig, error: &saml::Error) -> String {
    let (field, pem) = match error.kind() {
        ErrorKind::SignatureInvalid | ErrorKind::KeyTypeMismatch => {
            ("The field X509 Certificate", config.certificates.clone())
        }
        ErrorKind::DecryptionKeyMissing | ErrorKind::DecryptionFailed => (
            "The page Keys of this configuration",
            format!("{}{}", config.sp_certificate, config.second_sp_certificate),
        ),
        _ => return error.sentence(),
    };
    let known = Certificate::parse_all(&pem).unwrap_or_default();
    let known: Vec<String> = known.iter().map(Certificate::sha256_fingerprint).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("{} {field} holds (SHA-256): {known}.", error.sentence())
}

/// What people without a say in the configuration are told: whose turn it is, and nothing of the message.
fn for_strangers(config: &SamlConfig, fault: Option<Fault>) -> String {
    let name = &config.display_name;
    let what = match fault {
        Some(Fault::PeerMisbehaved) => format!("The answer of {name} could not be trusted"),
        Some(Fault::PeerIncompatible) => {
            format!("The answer of {name} is of a kind that is not understood here")
        }
        Some(Fault::Misconfigured) | None => format!("Signing in with {name} is not set up correctly"),
    };
    format!("{what}, so you were not signed in. Give your administrator the id below.")
}

#[derive(Template)]
#[template(path = "sso/saml/templates/report.html")]
struct TestPage<'r> {
    shell: Shell,
    config: &'r SamlConfig,
    report: &'r Report,
    preview: Option<Preview>,
}

/// The page of Test SAML.
pub(super) async fn test_page(
    app: &App,
    visit: &Visit,
    conn: &mut AnyConnection,
    config: &SamlConfig,
    report: &Report,
) -> Result<Response, Problem> {
    let preview = match report.identity() {
        Some(identity) => Some(identity::preview(conn, config, identity).await?),
        None => None,
    };
    site::html(&TestPage { shell: visit.card(app, "Test SAML"), config, report, preview })
}

#[derive(Template)]
#[template(path = "sso/saml/templates/refused.html")]
struct RefusedPage<'r> {
    shell: Shell,
    sentence: &'r str,
    /// Every check, for administrators; both messages too while Debug is on.
    report: Option<&'r Report>,
    trace: &'r str,
    again: String,
    /// Where the exchange is kept, for administrators.
    exchange: Option<String>,
}

/// The page for somebody whose sign-in was refused. Debug tells everybody what was wrong; every check, the messages
/// and where the exchange is kept are for administrators.
pub(super) fn refused_page(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    report: &Report,
    administrator: bool,
) -> Result<Response, Problem> {
    let detailed = config.debug || administrator;
    let wrong = report.wrong.as_deref().filter(|_| detailed);
    let page = RefusedPage {
        shell: visit.card(app, "You could not be signed in"),
        sentence: wrong.unwrap_or(&report.wrong_for_strangers),
        report: administrator.then_some(report),
        trace: &report.trace,
        again: start_href(&config.id, None),
        exchange: administrator.then(|| exchanges::href(config, &report.trace)),
    };
    site::page::html_with_status(StatusCode::FORBIDDEN, &page)
}
