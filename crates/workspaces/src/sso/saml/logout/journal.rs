//! The checks of a logout message, each written down for administrators.

use std::time::Duration;

use saml::{Certificate, LogoutRequest, LogoutResponse, VerifyingKey};

use crate::app::App;
use crate::sso::saml::SamlConfig;
use crate::sso::saml::exchanges::Evidence;
use crate::sso::saml::report::Check;
use crate::sso::saml::sign_in::{CLOCK_SKEW, saml_now};

/// How long a request is valid that does not say so itself.
pub(super) const VALID_FOR: Duration = Duration::from_mins(5);

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Through the browser, in an address or a form.
    Browser,
    /// From server to server.
    Soap,
}

/// What was checked so far.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) checks: Vec<Check>,
    /// The identity provider has signed the message.
    pub(super) signed: bool,
    /// It answers a request of ours.
    pending: bool,
}

impl Journal {
    /// What speaks for the message.
    pub(super) fn evidence(&self) -> Evidence {
        match self.checks.iter().all(|check| check.passed) {
            true => Evidence::Proven,
            false if self.signed || self.pending => Evidence::Claimed,
            false => Evidence::Noise,
        }
    }

    /// Notes a check; its sentence if it failed.
    pub(super) fn note(
        &mut self,
        name: &str,
        expected: &str,
        received: &str,
        failed: Option<String>,
    ) -> Result<(), String> {
        self.checks.push(Check {
            name: name.to_owned(),
            expected: expected.to_owned(),
            received: received.to_owned(),
            passed: failed.is_none(),
        });
        failed.map_or(Ok(()), Err)
    }

    /// Whether it is a message of that kind at all.
    pub(super) fn read<'m, M>(
        &mut self,
        kind: &str,
        read: &'m Result<M, saml::Error>,
    ) -> Result<&'m M, String> {
        let error = read.as_ref().err();
        let received = error.map_or(kind, |error| error.received_value());
        self.note("Message", &format!("a {kind}"), received, error.map(saml::Error::sentence))?;
        read.as_ref().map_err(saml::Error::sentence)
    }

    /// Checks a request: who sent it, whether they signed it, for whom and for when it was meant.
    pub(super) fn request(
        &mut self,
        app: &App,
        config: &SamlConfig,
        way: Way,
        request: &LogoutRequest,
    ) -> Result<(), String> {
        self.issuer(config, &request.issuer)?;
        let verified = request.verify_signature(&keys(config)?, config.allow_sha1);
        self.signature(
            request.is_signed(),
            verified,
            "Requests to sign people out are taken only with a signature.",
        )?;
        self.destination(app, config, way, request.destination.as_deref())?;
        self.time(app, request)?;
        let name = request.name_id();
        let received = name.as_ref().map_or("EncryptedID", |name| name.value.as_str());
        self.note("NameID", "a name", received, name.as_ref().err().map(|error| error.sentence()))
    }

    /// Checks an answer. It may come without a signature unless Want Messages Signed is on: the id of our request
    /// can't be guessed, and nothing is at stake but what the person is told.
    pub(super) fn answer(
        &mut self,
        app: &App,
        config: &SamlConfig,
        response: &LogoutResponse,
        pending: bool,
    ) -> Result<(), String> {
        self.pending = pending;
        let id = response.in_response_to.as_deref().unwrap_or_default();
        let failed = (!pending).then(|| super::incoming::not_pending(id));
        self.note("InResponseTo", "a logout request that waits for its answer", id, failed)?;
        self.issuer(config, &response.issuer)?;
        if response.is_signed() || config.want_messages_signed {
            let verified = response.verify_signature(&keys(config)?, config.allow_sha1);
            self.signature(response.is_signed(), verified, "Want Messages Signed asks for it.")?;
        }
        self.destination(app, config, Way::Browser, response.destination.as_deref())
    }

    fn issuer(&mut self, config: &SamlConfig, received: &str) -> Result<(), String> {
        let expected = &config.idp_entity_id;
        let failed = (received != expected).then(|| {
            format!(
                "The Issuer is {received}, but Entity ID is {expected}. If this is the same identity provider, write \
                 its name there."
            )
        });
        self.note("Issuer", expected, received, failed)
    }

    fn signature(&mut self, there: bool, verified: Result<(), saml::Error>, why: &str) -> Result<(), String> {
        self.signed = verified.is_ok();
        let received = match (&verified, there) {
            (Ok(()), _) => "one",
            (Err(_), true) => "another one",
            (Err(_), false) => "none",
        };
        let failed = verified.err().map(|error| match there {
            true => error.sentence(),
            false => format!(
                "The message is not signed. {why} Have the identity provider sign its logout messages."
            ),
        });
        self.note("Signature", "one of X509 Certificate", received, failed)
    }

    fn destination(
        &mut self,
        app: &App,
        config: &SamlConfig,
        way: Way,
        received: Option<&str>,
    ) -> Result<(), String> {
        let ours = config.logout_urls(&app.site);
        let [expected, _] = &ours;
        let right = match received {
            Some(received) => ours.iter().any(|url| url == received),
            // Only what travels through a browser can be carried elsewhere (Bindings 3.4.5.2).
            None => way == Way::Soap,
        };
        let received = received.unwrap_or("none");
        let failed = (!right).then(|| {
            format!(
                "The Destination is {received}, but our single logout service is {expected}. Enter that at the \
                 identity provider."
            )
        });
        self.note("Destination", expected, received, failed)
    }

    fn time(&mut self, app: &App, request: &LogoutRequest) -> Result<(), String> {
        let now = saml_now(app);
        let end = request.not_on_or_after.unwrap_or(request.issue_instant.plus(VALID_FOR));
        let failed = match request.check_time(now, CLOCK_SKEW) {
            Err(error) => Some(error.sentence()),
            Ok(()) if now >= end.plus(CLOCK_SKEW) => Some(format!(
                "The request was made at {} and does not say how long it is valid; it is taken for {} minutes. If this \
                 happens to every one, the clocks of the two servers differ: set both by NTP.",
                request.issue_instant,
                VALID_FOR.as_secs() / 60
            )),
            Ok(()) => None,
        };
        let received = format!("from {} until {end}", request.issue_instant);
        self.note(
            "Time",
            &format!("valid at {now} (give or take {} s)", CLOCK_SKEW.as_secs()),
            &received,
            failed,
        )
    }
}

/// The keys of the identity provider.
fn keys(config: &SamlConfig) -> Result<Vec<VerifyingKey>, String> {
    let certificates = Certificate::parse_all(&config.certificates).map_err(|error| error.sentence())?;
    Ok(certificates.iter().map(|certificate| certificate.verifying_key().clone()).collect())
}
