//! What the tests of this folder begin with: the guide's application, and a service provider that asks and verifies.

mod asked;
mod import;
mod metadata;
mod pages;
mod peer;
mod refresh;
mod sign_on;
mod signed;
mod waiting;

use std::time::Duration;

use axum::http::StatusCode;
use saml::{
    AuthnRequestBuilder, Certificate, Expectations, NameIdFormat, SignedParts, Timestamp, VerifiedAssertion,
};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply, Request};
use url::Url;

use crate::flows::{CONSENT, SIGN_IN};
use crate::testing::{Fixture, ORIGIN, PASSWORD, fill, mistakes};
use crate::{ConnectError, ServiceProvider};

const ACS: &str = "https://kasm.example.com/api/acs/?id=e977b6cf72c7424328275db5f48fd15a";
const AUDIENCE: &str = "https://kasm.example.com/api/metadata/?id=e977b6cf72c7424328275db5f48fd15a";
const NEW: &str = "/if/admin/applications/new/";
const REDIRECT: &str = "/application/saml/kasm/sso/binding/redirect/";
const POST: &str = "/application/saml/kasm/sso/binding/post/";
const EXPLICIT: &str = "default-provider-authorization-explicit-consent";

/// Follows steps 6 to 10 of the guide, with these changes to its values.
async fn kasm(browser: &mut Browser, changes: &[(&str, &str)]) -> Reply {
    let mut fields = vec![("name", "kasm"), ("slug", "kasm"), ("acs_url", ACS)];
    fields.extend([("issuer", "authentik"), ("audience", AUDIENCE)]);
    fields.extend(changes);
    let reply = fill(browser, &format!("{ORIGIN}{NEW}"), "#application", &fields).await;
    assert!(reply.url.path().starts_with("/if/admin/providers/saml/"), "{}", reply.body);
    reply
}

fn request(fixture: &Fixture) -> AuthnRequestBuilder {
    let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
    AuthnRequestBuilder::new("_request-1", AUDIENCE, now).acs_url(ACS)
}

fn by_redirect(request: &AuthnRequestBuilder, relay_state: Option<&str>) -> String {
    request.redirect_url(&format!("{ORIGIN}{REDIRECT}"), relay_state, None).unwrap()
}

fn by_post(request: &AuthnRequestBuilder, relay_state: &str) -> Request {
    let message = request.post_value(None).unwrap();
    let fields = [("SAMLRequest", message.as_str()), ("RelayState", relay_state)];
    Request::post_form(&format!("{ORIGIN}{POST}"), &fields).cross_site()
}

async fn signing_certificate(browser: &mut Browser) -> Certificate {
    let list = browser.get(&format!("{ORIGIN}/if/admin/providers/")).await;
    let page = link(&list, "class=\"row-link\" href=\"");
    Certificate::parse(&browser.get(&format!("{page}certificate/")).await.bytes).unwrap()
}

/// The id of a certificate.
async fn certificate_named(fixture: &Fixture, name: &str) -> String {
    let mut conn = fixture.store.read().await.unwrap();
    let names = crate::certificates::names(&mut conn).await.unwrap();
    names.into_iter().find(|(_, known)| known == name).unwrap().0
}

/// Generates a certificate on the administrator's page and returns its id.
async fn generated(admin: &mut Browser, name: &str, kind: &str) -> String {
    let page = format!("{ORIGIN}/if/admin/certificates/generate/");
    let reply = fill(admin, &page, "#certificate", &[("name", name), ("kind", kind)]).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    reply.url.path().split('/').rev().nth(1).unwrap().to_owned()
}

/// The address in the first link whose markup begins so.
fn link(reply: &Reply, begins: &str) -> String {
    let (_, rest) = reply.body.split_once(begins).unwrap_or_else(|| panic!("no {begins} in {}", reply.body));
    let (path, _) = rest.split_once('"').unwrap();
    format!("{ORIGIN}{path}")
}

fn expectations(certificate: Certificate) -> Expectations {
    Expectations {
        issuer: "authentik".into(),
        audience: AUDIENCE.into(),
        acs_url: ACS.into(),
        in_response_to: Some("_request-1".into()),
        certificates: vec![certificate],
        clock_skew: Duration::ZERO,
        want_assertions_signed: false,
        want_messages_signed: false,
        want_attribute_statement: true,
        want_name_id: true,
        allow_sha1: false,
        decryption_keys: Vec::new(),
        want_assertions_encrypted: false,
        allow_cbc: false,
    }
}

/// Does what the service provider does with the page that brings the answer.
fn verified(fixture: &Fixture, reply: &Reply, expectations: &Expectations) -> VerifiedAssertion {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    let form = reply.form("form[data-autosubmit]");
    let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
    saml::verify_response(form.value("SAMLResponse").unwrap(), expectations, now).unwrap()
}

fn attribute<'a>(assertion: &'a VerifiedAssertion, name: &str) -> Vec<&'a str> {
    let found = assertion.attributes().iter().find(|attribute| attribute.name == name);
    found.map(|attribute| attribute.values.iter().map(String::as_str).collect()).unwrap_or_default()
}

async fn events_named(fixture: &Fixture, action: &str) -> Vec<String> {
    fixture
        .events()
        .await
        .into_iter()
        .filter(|(found, _)| found == action)
        .map(|(_, subject)| subject)
        .collect()
}

async fn pending(fixture: &Fixture) -> i64 {
    let mut conn = fixture.store.read().await.unwrap();
    sqlx::query_scalar("SELECT COUNT(*) FROM identity_pending_requests").fetch_one(&mut *conn).await.unwrap()
}

/// Binds kasm to a user or a group.
async fn bind(fixture: &Fixture, user: Option<&str>, group: Option<&str>) {
    let mut tx = fixture.store.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO identity_bindings (id, application_id, user_id, group_id, position, negate, enabled) \
         SELECT $1, id, $2, $3, 0, 0, 1 FROM identity_applications WHERE slug = 'kasm'",
    )
    .bind(store::new_id(&store::SystemRandom))
    .bind(user.map(str::to_owned))
    .bind(group.map(str::to_owned))
    .execute(&mut *tx)
    .await
    .unwrap();
    crate::revision::bump(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[test]
fn the_acs_of_the_guide_is_a_web_address() {
    assert_eq!(Url::parse(ACS).unwrap().as_str(), ACS);
}
