//! Applications that sign people in and out, as their own software would.

mod asked;
mod back_channel;
mod front_channel;

use std::time::Duration;

use axum::http::StatusCode;
use saml::{
    Certificate, DigestAlgorithm, LogoutRequest, LogoutRequestBuilder, LogoutResponse, LogoutResponseBuilder,
    Message, NameId, Signer, SigningKey, Status, Timestamp, VerifyingKey,
};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Form, Reply, Request};
use url::Url;

use crate::flows::{SIGN_IN, SIGN_OUT};
use crate::testing::{Fixture, ORIGIN, PASSWORD, fill};

/// An application with its own key, at which people are signed in.
struct Peer {
    slug: &'static str,
    entity_id: String,
    sls: String,
    signer: Signer,
    ours: VerifyingKey,
}

/// Who is signed in at an application, as it was told.
#[derive(Clone, Debug)]
struct Told {
    name_id: NameId,
    session_index: String,
}

impl Peer {
    /// Registers an application on the administrator's pages, with these changes to a form that signs everything.
    async fn register(
        fixture: &Fixture,
        admin: &mut Browser,
        slug: &'static str,
        changes: &[(&str, &str)],
    ) -> Self {
        let page = format!("{ORIGIN}/if/admin/certificates/generate/");
        let ours = default_certificate(fixture).await;
        let reply = fill(admin, &page, "#certificate", &[("name", slug), ("kind", "ecp256")]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        let own = reply.url.path().split('/').rev().nth(1).unwrap().to_owned();
        let (entity_id, origin) =
            (format!("https://{slug}.example/metadata"), format!("https://{slug}.example"));
        let (acs, sls) = (format!("{origin}/acs"), format!("{origin}/sls?x=1"));
        let mut fields = vec![("name", slug), ("slug", slug), ("acs_url", &acs), ("audience", &entity_id)];
        fields.extend([
            ("sls_url", sls.as_str()),
            ("verification_kp", &own),
            ("signing_kp", &ours),
            ("issuer", ""),
        ]);
        fields.extend(changes);
        let reply =
            fill(admin, &format!("{ORIGIN}/if/admin/applications/new/"), "#application", &fields).await;
        assert!(reply.url.path().starts_with("/if/admin/providers/saml/"), "{}", reply.body);
        let ours = Certificate::parse(&admin.get(&format!("{}certificate/", reply.url)).await.bytes).unwrap();
        let sls = fields.iter().rev().find(|(name, _)| *name == "sls_url").unwrap().1.to_owned();
        let signer = signer_of(fixture, &own).await;
        Self { slug, entity_id, sls, signer, ours: ours.verifying_key().clone() }
    }

    /// Signs somebody in at the application.
    async fn open(&self, browser: &mut Browser) -> Told {
        let reply = browser.get(&format!("{ORIGIN}/application/saml/{}/init/", self.slug)).await;
        let answer = reply.form("form[data-autosubmit]").value("SAMLResponse").unwrap().to_owned();
        let xml = String::from_utf8(base64_of(&answer)).unwrap();
        let between = |begins: &str, ends: &str| {
            let (_, rest) = xml.split_once(begins).unwrap();
            rest.split_once(ends).unwrap().0.to_owned()
        };
        let format = between("<saml:NameID Format=\"", "\"");
        let name = between("<saml:NameID ", "</saml:NameID>").split_once('>').unwrap().1.to_owned();
        let name_id = NameId::new(saml::NameIdFormat::from_uri(&format), name);
        Told { name_id, session_index: between("SessionIndex=\"", "\"") }
    }

    fn service(&self, binding: &str) -> String {
        format!("{ORIGIN}/application/saml/{}/slo/binding/{binding}/", self.slug)
    }

    /// A request to end what the application was told of.
    fn request<'a>(
        &'a self,
        fixture: &Fixture,
        told: &'a Told,
        destination: &'a str,
    ) -> LogoutRequestBuilder<'a> {
        let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
        LogoutRequestBuilder {
            id: "_asked",
            issue_instant: now,
            issuer: &self.entity_id,
            destination,
            not_on_or_after: Some(now.plus(Duration::from_mins(1))),
            reason: None,
            name_id: &told.name_id,
            session_indexes: std::slice::from_ref(&told.session_index),
        }
    }

    fn by_redirect(&self, request: &LogoutRequestBuilder<'_>, signed: bool) -> String {
        let signing = signed.then(|| (self.signer.key(), self.signer.signature_algorithm()));
        let xml = request.to_xml(None).unwrap();
        saml::redirect_url(request.destination, Message::Request, &xml, Some("back & forth"), signing)
            .unwrap()
    }

    /// Answers one of our requests in the query of a redirect.
    fn answer(&self, fixture: &Fixture, request: &LogoutRequest, status: &Status) -> String {
        let url = self.service("redirect");
        let xml = self.answer_xml(fixture, request, status, None);
        let signing = Some((self.signer.key(), self.signer.signature_algorithm()));
        saml::redirect_url(&url, Message::Response, &xml, None, signing).unwrap()
    }

    fn answer_xml(
        &self,
        fixture: &Fixture,
        request: &LogoutRequest,
        status: &Status,
        signer: Option<&Signer>,
    ) -> String {
        let response = LogoutResponseBuilder {
            id: "_answer",
            issue_instant: Timestamp::from_micros(store::Clock::now(&fixture.clock).micros()),
            issuer: &self.entity_id,
            destination: None,
            in_response_to: &request.id,
            status,
        };
        response.to_xml(signer).unwrap()
    }

    /// The request that a redirect brings, with our signature checked.
    fn received(&self, target: &Url, told: &Told) -> LogoutRequest {
        assert!(target.as_str().starts_with(&self.sls), "{target}");
        let request = LogoutRequest::from_redirect_query(target.query().unwrap()).unwrap();
        self.expect(&request, told);
        request
    }

    fn expect(&self, request: &LogoutRequest, told: &Told) {
        request.verify_signature(std::slice::from_ref(&self.ours), false).unwrap();
        assert_eq!(request.name_id().unwrap(), &told.name_id);
        assert_eq!(request.session_indexes, std::slice::from_ref(&told.session_index));
        assert_eq!(request.issuer, format!("{ORIGIN}/application/saml/{}/metadata/", self.slug));
        assert_eq!(request.destination.as_deref(), Some(&*self.sls));
        assert!(request.not_on_or_after.is_some());
    }

    /// The answer that a redirect brings to the application's request, with our signature checked.
    fn answered(&self, reply: &Reply) -> LogoutResponse {
        let target = reply.redirect().unwrap_or_else(|| panic!("{} {}", reply.url, reply.body));
        assert!(target.as_str().starts_with(&self.sls), "{target}");
        let response = LogoutResponse::from_redirect_query(target.query().unwrap()).unwrap();
        response.verify_signature(std::slice::from_ref(&self.ours), false).unwrap();
        assert_eq!(response.in_response_to.as_deref(), Some("_asked"));
        assert_eq!(response.relay_state.as_deref(), Some("back & forth"));
        response
    }
}

fn base64_of(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

/// The id of the certificate that is there from the first start.
async fn default_certificate(fixture: &Fixture) -> String {
    let names = crate::certificates::names(&mut fixture.store.read().await.unwrap()).await.unwrap();
    names.into_iter().find(|(_, name)| name == "Innkeeper Self-signed Certificate").unwrap().0
}

async fn signer_of(fixture: &Fixture, id: &str) -> Signer {
    let mut conn = fixture.store.read().await.unwrap();
    let pem = crate::certificates::private_key(&mut conn, &fixture.app.sealer, id).await.unwrap().unwrap();
    let keypair = crate::certificates::find(&mut conn, id).await.unwrap().unwrap();
    let certificate = Certificate::parse(keypair.certificate_pem.as_bytes()).unwrap();
    let key = SigningKey::from_pkcs8_pem(&pem).unwrap();
    let algorithm = key.default_algorithm();
    Signer::new(key, certificate, algorithm, DigestAlgorithm::Sha256).unwrap()
}

/// Somebody who is signed in here.
async fn ann(fixture: &Fixture) -> Browser {
    let id = fixture.user("ann", &["Staff"]).await;
    fixture.signed_in(&id).await
}

async fn again(fixture: &Fixture) -> Browser {
    let mut browser = fixture.browser();
    let fields = [("uid_field", "ann"), ("password", PASSWORD)];
    fill(&mut browser, &format!("{ORIGIN}{SIGN_IN}"), "form", &fields).await;
    browser
}

async fn sign_out(browser: &mut Browser) -> Reply {
    let form: Form = browser.get(&format!("{ORIGIN}{SIGN_OUT}")).await.form("form");
    browser.submit(form).await
}

async fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get(&format!("{ORIGIN}/if/user/")).await.url.path() == "/if/user/"
}

/// The addresses in this attribute of the page.
fn addresses(reply: &Reply, begins: &str) -> Vec<String> {
    reply
        .body
        .split(begins)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .collect()
}

async fn events_named(fixture: &Fixture, action: &str) -> Vec<String> {
    let events = fixture.events().await;
    events.into_iter().filter(|(found, _)| found == action).map(|(_, subject)| subject).collect()
}

async fn count(fixture: &Fixture, table: &str) -> i64 {
    let mut conn = fixture.store.read().await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(&mut *conn).await.unwrap()
}
