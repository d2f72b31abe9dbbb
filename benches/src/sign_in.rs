//! One person, signed in at Identity, and the request with which Workspaces sends them there.

use std::time::{Duration, SystemTime};

use saml::{
    AuthnRequest, ErrorKind, Expectations, IdpMetadata, RequestedAcs, Timestamp, VerifiedAssertion,
    verify_response,
};
use url::Url;

use crate::Outcome;
use crate::browser::Browser;
use crate::page::Form;
use crate::service::Service;

/// Of the sample user.
pub(crate) const PASSWORD: &str = "a sentence that is long enough";

/// The sample user, signed in at Identity.
pub(crate) struct Person {
    pub(crate) username: String,
    browser: Browser,
}

/// Everything that one sign-in to Workspaces takes.
pub(crate) struct SignIn {
    /// The whole HTTP request to Identity, with the cookie of the session.
    pub(crate) http_request: Vec<u8>,
    /// The query in it.
    pub(crate) query: String,
    /// What Workspaces expects of the answer.
    pub(crate) expectations: Expectations,
}

impl Person {
    /// Chooses a password for the sample user and signs them in.
    pub(crate) fn prepare(service: &Service) -> Outcome<Self> {
        let mut browser = Browser::open(service.port())?;
        let username = choose_password(&mut browser, &service.link("/if/flow/recovery/")?)?;
        let page = browser.get(&service.identity("/if/flow/default-authentication-flow/")?)?;
        if Form::with(&page.html, "uid_field").is_some() {
            browser.submit(&page, "uid_field", &[("uid_field", &username), ("password", PASSWORD)])?;
        }
        Ok(Self { username, browser })
    }

    /// Has Workspaces write its request, and reads the metadata that Identity has now.
    pub(crate) fn sign_in(&mut self, service: &Service) -> Outcome<SignIn> {
        let browser = &mut self.browser;
        let to_identity = begin(browser, service)?;
        let query = to_identity.query().ok_or("the request has no query")?.to_owned();
        let request = AuthnRequest::from_redirect_query(&query)?;
        let RequestedAcs::Address { url: Some(acs_url), .. } = request.assertion_consumer_service else {
            return Err("the request does not say where the answer goes".into());
        };
        let application = to_identity.path().split("/sso/").next().unwrap_or_default();
        let metadata = browser.get(&to_identity.join(&format!("{application}/metadata/"))?)?;
        let metadata = IdpMetadata::parse(metadata.html.as_bytes())?;
        let expectations = Expectations {
            issuer: metadata.entity_id,
            audience: request.issuer.ok_or("the request does not say who asks")?,
            acs_url,
            in_response_to: Some(request.id),
            certificates: metadata.signing_certificates,
            clock_skew: Duration::from_secs(30),
            want_assertions_signed: true,
            want_messages_signed: false,
            want_attribute_statement: true,
            want_name_id: true,
            allow_sha1: false,
            decryption_keys: Vec::new(),
            want_assertions_encrypted: false,
            allow_cbc: false,
        };
        let http_request = browser.request(&to_identity, None);
        Ok(SignIn { http_request, query, expectations })
    }
}

impl SignIn {
    /// The answer of Identity to the request, verified.
    pub(crate) fn response(&self, service: &Service) -> Outcome<String> {
        let answer = crate::http::Connection::open(service.port())?.send(&self.http_request)?;
        let response = response_in(&answer)?;
        self.verify(&response)?;
        Ok(response)
    }

    /// Fails unless the answer is a good one, or encrypted for Workspaces, whose key is not here.
    pub(crate) fn check(&self, response: &str) -> Outcome<()> {
        match verify_response(response, &self.expectations, now()?) {
            Err(error) if error.kind() == ErrorKind::DecryptionKeyMissing => Ok(()),
            outcome => Ok(outcome.map(drop)?),
        }
    }

    /// Verifies as Workspaces does.
    pub(crate) fn verify(&self, response: &str) -> Outcome<VerifiedAssertion> {
        Ok(verify_response(response, &self.expectations, now()?)?)
    }
}

/// The SAMLResponse in the page that a browser would send on.
pub(crate) fn response_in(answer: &crate::http::Answer) -> Outcome<String> {
    let html = answer.text()?;
    let form = Form::with(&html, "SAMLResponse").filter(|_| answer.status == 200);
    let form =
        form.ok_or_else(|| format!("Identity answered {} without a SAMLResponse:\n{html}", answer.status))?;
    Ok(form.value("SAMLResponse").unwrap_or_default().to_owned())
}

/// This moment.
#[expect(clippy::disallowed_methods, reason = "what is measured runs in real time")]
pub(crate) fn now() -> Outcome<Timestamp> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp::from_micros(i64::try_from(since.as_micros())?))
}

/// Returns the user name.
fn choose_password(browser: &mut Browser, link: &Url) -> Outcome<String> {
    let page = browser.get(link)?;
    let form = Form::with(&page.html, "password_again").ok_or("the link does not let choose a password")?;
    let username = form.value("username").ok_or("the page does not name the account")?.to_owned();
    browser.submit(&page, "password_again", &[("password", PASSWORD), ("password_again", PASSWORD)])?;
    Ok(username)
}

/// Begins a sign-in at Workspaces; returns where that leads.
fn begin(browser: &mut Browser, service: &Service) -> Outcome<Url> {
    let page = browser.get(&service.workspaces("/")?)?;
    let link = page.html.split('"').find(|part| part.starts_with("/api/sso/"));
    let link = link.ok_or_else(|| format!("Workspaces offers no sign-in by SAML:\n{}", page.html))?;
    let answer = browser.get_once(&page.url.join(link)?)?;
    let location = answer.header("location").ok_or("Workspaces does not lead to Identity")?;
    Ok(page.url.join(location)?)
}
