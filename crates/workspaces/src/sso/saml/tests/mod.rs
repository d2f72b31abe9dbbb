mod configuration;
mod encryption;
mod exchanges;
mod logout;
mod mapping;
mod refresh;
mod refusals;
mod settings;
mod sign_in;
mod trying_out;

use std::collections::HashMap;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use saml::{
    Attribute, AuthnContextClass, AuthnRequest, Certificate, DigestAlgorithm, Encryption, Encryptor, NameId,
    NameIdFormat, Response, SignatureAlgorithm, SignedParts, Signer, SigningKey, Timestamp,
};
use store::Clock as _;
use testkit::{Browser, Reply, Request};
use url::Url;

use crate::testing::{House, ORIGIN};

const SSO_URL: &str = "https://auth.example.com/application/saml/kasm/sso/binding/redirect/";

fn at(path: &str) -> String {
    format!("{ORIGIN}{path}")
}

/// A little identity provider.
struct Idp {
    signer: Signer,
    pem: String,
}

/// What it answers, to be bent by a test before it is signed.
struct Answer {
    issuer: String,
    audience: Option<String>,
    destination: String,
    in_response_to: Option<String>,
    assertion_id: String,
    name_id: NameId,
    attributes: Vec<Attribute>,
    not_on_or_after: Timestamp,
    session_not_on_or_after: Option<Timestamp>,
    now: Timestamp,
    authn_context: AuthnContextClass,
    signed: SignedParts,
    /// For whom the assertion is encrypted, if it is.
    encryptor: Option<Encryptor>,
}

impl Idp {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let pem = CertificateParams::default().self_signed(&key).unwrap().pem();
        let signer = Signer::new(
            SigningKey::from_pkcs8_pem(&key.serialize_pem()).unwrap(),
            Certificate::parse(pem.as_bytes()).unwrap(),
            SignatureAlgorithm::EcdsaSha256,
            DigestAlgorithm::Sha256,
        );
        Self { signer: signer.unwrap(), pem }
    }

    fn sign(&self, answer: &Answer) -> String {
        let response = Response {
            id: &format!("{}-response", answer.assertion_id),
            assertion_id: &answer.assertion_id,
            issue_instant: answer.now,
            issuer: &answer.issuer,
            destination: &answer.destination,
            in_response_to: answer.in_response_to.as_deref(),
            audience: answer.audience.as_deref(),
            name_id: &answer.name_id,
            attributes: &answer.attributes,
            not_before: answer.now,
            not_on_or_after: answer.not_on_or_after,
            authn_instant: answer.now,
            session_index: Some("_session"),
            session_not_on_or_after: answer.session_not_on_or_after,
            authn_context: answer.authn_context.clone(),
            encryption: answer.encryptor.as_ref().map(|encryptor| Encryption { encryptor, random: [7; 48] }),
        };
        saml::post_value(&response.sign(&self.signer, answer.signed).unwrap())
    }
}

/// A configuration, saved through the form.
struct Configured {
    id: String,
    idp: Idp,
}

impl Configured {
    /// The guide's values with a few changed; `off` unticks.
    async fn save(admin: &mut Browser, idp: Idp, changes: &[(&str, &str)]) -> Self {
        let page = admin.get(&at("/admin/access/authentication/saml/new")).await;
        let id = page.url.path().rsplit_once('/').unwrap().1.to_owned();
        let pem = idp.pem.clone();
        let mut values = HashMap::from([
            ("display_name", "authentik"),
            ("host_name", "authentik"),
            ("idp_entity_id", "authentik"),
            ("sso_url", SSO_URL),
            ("certificates", &*pem),
            ("enabled", "on"),
            ("is_default", "on"),
        ]);
        values.extend(changes.iter().copied());
        let mut form = page.form("form.form");
        for (name, value) in values {
            form = if value == "off" { form.untick(name) } else { form.set(name, value) };
        }
        let reply = admin.submit(form).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.body.contains("was saved."), "{}", reply.body);
        Self { id, idp }
    }

    /// Begins a sign-in and returns the request that reached the identity provider.
    async fn begin(&self, browser: &mut Browser) -> AuthnRequest {
        request_in(&browser.get(&at(&format!("/api/sso/{}", self.id))).await)
    }

    /// The right answer to a request, for `ada@example.com`.
    fn answer(&self, house: &House, request: Option<&AuthnRequest>) -> Answer {
        let now = Timestamp::from_micros(house.clock.now().micros());
        let mail = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
        Answer {
            issuer: "authentik".into(),
            audience: Some(at(&format!("/api/metadata/?id={}", self.id))),
            destination: at(&format!("/api/acs/?id={}", self.id)),
            in_response_to: request.map(|request| request.id.clone()),
            assertion_id: format!("_{}", store::new_hex_id(&store::SystemRandom)),
            name_id: NameId::new(NameIdFormat::EmailAddress, "ada@example.com"),
            attributes: vec![
                Attribute::new(mail, ["ada@example.com"]),
                Attribute::new(
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
                    ["Ada Lovelace"],
                ),
                Attribute::new("http://schemas.xmlsoap.org/claims/Group", ["staff", "admins"]),
            ],
            not_on_or_after: now.plus(Duration::from_mins(5)),
            session_not_on_or_after: None,
            now,
            authn_context: AuthnContextClass::PasswordProtectedTransport,
            signed: SignedParts::Assertion,
            encryptor: None,
        }
    }

    /// Posts an answer as the identity provider's page does, and follows to where it leads.
    async fn post(&self, browser: &mut Browser, answer: &str) -> Reply {
        self.post_with(browser, &[("SAMLResponse", answer)]).await
    }

    async fn post_with(&self, browser: &mut Browser, fields: &[(&str, &str)]) -> Reply {
        browser.send(Request::post_form(&at(&format!("/api/acs/?id={}", self.id)), fields).cross_site()).await
    }

    /// A whole sign-in with an answer that a test has bent.
    async fn sign_in(&self, house: &House, browser: &mut Browser, bend: impl FnOnce(&mut Answer)) -> Reply {
        let request = self.begin(browser).await;
        let mut answer = self.answer(house, Some(&request));
        bend(&mut answer);
        self.post(browser, &self.idp.sign(&answer)).await
    }
}

/// The request in a redirect to the identity provider.
fn request_in(reply: &Reply) -> AuthnRequest {
    let location = reply.redirect().unwrap_or_else(|| panic!("{} {}", reply.status, reply.body));
    assert!(location.as_str().starts_with(SSO_URL), "{location}");
    AuthnRequest::from_redirect_query(location.query().unwrap()).unwrap()
}

/// The users as the administrator's list shows them: name, realm and groups.
async fn users(admin: &mut Browser) -> Vec<(String, String, String)> {
    let page = admin.get(&at("/admin/access/users")).await;
    let [names, realms, groups] =
        ["Username", "Realm", "Groups"].map(|label| page.texts(&format!("td[data-label='{label}']")));
    names.into_iter().zip(realms).zip(groups).map(|((name, realm), groups)| (name, realm, groups)).collect()
}

/// Whether somebody is signed in at this browser.
async fn signed_in(browser: &Browser) -> Option<String> {
    let page = browser.clone().get(&at("/")).await;
    page.texts(".app-sidebar .account-name").pop()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}
