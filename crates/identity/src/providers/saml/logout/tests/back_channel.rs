//! From server to server, in both directions.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use url::form_urlencoded;

use super::*;

/// How an application's server answers a request: with which status, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Soap,
    Page,
    Redirect,
    Silence,
    WrongRequest,
    Refusal,
}

/// A server of an application, on loopback.
#[derive(Clone)]
struct Server {
    peer: Arc<Mutex<Option<(Peer, Manner)>>>,
    asked: Arc<Mutex<Vec<LogoutRequest>>>,
    clock: testkit::FakeClock,
}

impl Server {
    async fn start(fixture: &Fixture) -> (Self, String) {
        let server = Self { peer: Arc::default(), asked: Arc::default(), clock: fixture.clock.clone() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sls = format!("http://{}/sls", listener.local_addr().unwrap());
        let router = Router::new().fallback(sls_endpoint).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, sls)
    }

    fn answers(&self, peer: Peer, manner: Manner) {
        *self.peer.lock().unwrap() = Some((peer, manner));
    }

    fn asked(&self) -> Vec<LogoutRequest> {
        self.asked.lock().unwrap().clone()
    }
}

async fn sls_endpoint(State(server): State<Server>, body: Bytes) -> Response {
    let form = form_urlencoded::parse(&body).find(|(name, _)| name == "SAMLRequest").map(|(_, value)| value);
    let mut request = match form {
        Some(value) => LogoutRequest::from_post(&value, None).unwrap(),
        None => LogoutRequest::from_soap(&body).unwrap(),
    };
    server.asked.lock().unwrap().push(request.clone());
    let peer = server.peer.lock().unwrap();
    let (peer, manner) = peer.as_ref().unwrap();
    let status = match manner {
        Manner::Refusal => {
            Status { code: saml::StatusCode::Responder, sub_code: None, message: Some("busy".into()) }
        }
        _ => Status::SUCCESS,
    };
    if *manner == Manner::WrongRequest {
        request.id = "_another".into();
    }
    let response = LogoutResponseBuilder {
        id: "_answer",
        issue_instant: Timestamp::from_micros(store::Clock::now(&server.clock).micros()),
        issuer: &peer.entity_id,
        destination: None,
        in_response_to: &request.id,
        status: &status,
    };
    let signed = response.to_xml(Some(&peer.signer)).unwrap();
    match manner {
        Manner::Silence => "bye".into_response(),
        Manner::Page => {
            let value = saml::post_value(&signed).replace('+', "&#43;");
            format!("<form><input type='hidden' name='SAMLResponse' value='{value}'></form>").into_response()
        }
        Manner::Redirect => {
            let signing = Some((peer.signer.key(), peer.signer.signature_algorithm()));
            let xml = response.to_xml(None).unwrap();
            let url = saml::redirect_url(&peer.service("redirect"), Message::Response, &xml, None, signing)
                .unwrap();
            Redirect::to(&url).into_response()
        }
        Manner::Soap | Manner::WrongRequest | Manner::Refusal => saml::soap_envelope(&signed).into_response(),
    }
}

async fn registered(fixture: &Fixture, admin: &mut Browser, sls: &str, binding: &str, private: bool) -> Peer {
    named("wiki", fixture, admin, (sls, binding, private)).await
}

async fn named(
    slug: &'static str,
    fixture: &Fixture,
    admin: &mut Browser,
    (sls, binding, private): (&str, &str, bool),
) -> Peer {
    let mut fields = vec![("sls_url", sls), ("sls_binding", binding), ("logout_method", "backchannel")];
    if private {
        fields.push(("metadata_allow_private", "on"));
    }
    Peer::register(fixture, admin, slug, &fields).await
}

both_databases! {
    async fn an_application_is_told_and_its_answer_counts(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let (server, sls) = Server::start(&fixture).await;
        ann(&fixture).await;
        for (slug, binding, manner, words) in [
            ("soap", "soap", Manner::Soap, "signed out"),
            ("refusal", "soap", Manner::Refusal, "refused to sign you out: busy"),
            ("wrong", "soap", Manner::WrongRequest, "did not confirm it: The message is not the answer to the request that was sent."),
            ("page", "post", Manner::Page, "signed out"),
            ("redirect", "post", Manner::Redirect, "signed out"),
            ("silence", "post", Manner::Silence, "did not confirm it: it was told, and did not confirm it"),
        ] {
            let wiki = named(slug, &fixture, &mut admin, (&sls, binding, true)).await;
            let mut browser = again(&fixture).await;
            let told = wiki.open(&mut browser).await;
            let (ours, entity_id) = (wiki.ours.clone(), wiki.entity_id.clone());
            server.answers(wiki, manner);
            let summary = sign_out(&mut browser).await;
            assert_eq!(summary.texts("dd"), [words], "{}", summary.body);
            let asked = server.asked();
            let asked = asked.last().unwrap();
            asked.verify_signature(&[ours], false).unwrap();
            assert_eq!(asked.name_id().unwrap(), &told.name_id, "{entity_id}");
            assert_eq!(asked.session_indexes, [told.session_index]);
        }
        assert_eq!(server.asked().len(), 6);
    }

    async fn a_private_address_needs_permission(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let (server, sls) = Server::start(&fixture).await;
        let wiki = registered(&fixture, &mut admin, &sls, "soap", false).await;
        let mut browser = ann(&fixture).await;
        wiki.open(&mut browser).await;
        let summary = sign_out(&mut browser).await;
        assert!(summary.texts("dd")[0].contains("private network"), "{}", summary.body);
        assert!(server.asked().is_empty());
    }

    async fn disabling_an_account_tells_its_applications(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let (server, sls) = Server::start(&fixture).await;
        let wiki = registered(&fixture, &mut admin, &sls, "soap", true).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &[]).await;
        let mut browser = ann(&fixture).await;
        let told = wiki.open(&mut browser).await;
        mail.open(&mut browser).await;
        server.answers(wiki, Manner::Soap);
        let page = format!("{ORIGIN}/if/admin/users/{}/", fixture.id_of("ann").await);
        let form = admin.get(&page).await.form("#user").untick("is_active");
        admin.submit(form).await;
        assert!(!is_signed_in(&mut browser).await);
        for _ in 0..100 {
            if !events_named(&fixture, "applications_told_of_logout").await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(server.asked()[0].session_indexes, [told.session_index]);
        assert_eq!(events_named(&fixture, "applications_told_of_logout").await, ["ann"]);
        assert_eq!(count(&fixture, "identity_saml_sessions").await, 0);
    }

    /// The service stops after a session ended and before anybody was told.
    async fn a_restart_loses_nobody(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let (server, sls) = Server::start(&fixture).await;
        let wiki = registered(&fixture, &mut admin, &sls, "soap", true).await;
        let mut browser = ann(&fixture).await;
        wiki.open(&mut browser).await;
        server.answers(wiki, Manner::Soap);
        let mut tx = fixture.store.begin().await.unwrap();
        let id = fixture.id_of("ann").await;
        let begun = super::super::end_all_of(&mut tx, &fixture.app, &id, "ann").await.unwrap();
        tx.commit().await.unwrap();
        drop(begun);
        assert!(server.asked().is_empty());
        super::super::sweep(&fixture.app, fixture.app.site.now()).await.unwrap();
        assert_eq!(server.asked().len(), 1);
        super::super::sweep(&fixture.app, fixture.app.site.now()).await.unwrap();
        assert_eq!(server.asked().len(), 1, "once");
        assert_eq!(events_named(&fixture, "applications_told_of_logout").await, ["ann"]);
    }

    async fn a_signed_call_ends_the_session(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &[]).await;
        let mut browser = ann(&fixture).await;
        let told = wiki.open(&mut browser).await;
        mail.open(&mut browser).await;
        let here = wiki.service("soap");
        let request = wiki.request(&fixture, &told, &here);
        let unsigned = called(&fixture, &wiki, &request.to_xml(None).unwrap()).await;
        assert_eq!(unsigned.status.sub_code, Some(saml::StatusCode::RequestDenied));
        let forged = called(&fixture, &wiki, &request.to_xml(Some(&mail.signer)).unwrap()).await;
        assert_eq!(forged.status.sub_code, Some(saml::StatusCode::RequestDenied));
        assert!(is_signed_in(&mut browser).await);
        // The other application can only be told by way of the browser.
        let answer = called(&fixture, &wiki, &request.to_xml(Some(&wiki.signer)).unwrap()).await;
        assert_eq!(answer.status, Status::PARTIAL_LOGOUT);
        assert!(!is_signed_in(&mut browser).await);
        let answer = called(&fixture, &wiki, &request.to_xml(Some(&wiki.signer)).unwrap()).await;
        assert_eq!(answer.status, Status::SUCCESS, "it is over");
        let garbage = Request::new(axum::http::Method::POST, &here, b"<x/>".to_vec());
        let reply = fixture.browser().send(garbage).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(LogoutResponse::from_soap(&reply.bytes).unwrap_err().kind(), saml::ErrorKind::SoapFault);
    }
}

async fn called(fixture: &Fixture, wiki: &Peer, xml: &str) -> LogoutResponse {
    let body = saml::soap_envelope(xml).into_bytes();
    let reply =
        fixture.browser().send(Request::new(axum::http::Method::POST, &wiki.service("soap"), body)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    let response = LogoutResponse::from_soap(&reply.bytes).unwrap();
    response.verify_signature(std::slice::from_ref(&wiki.ours), false).unwrap();
    assert_eq!(response.in_response_to.as_deref(), Some("_asked"));
    response
}
