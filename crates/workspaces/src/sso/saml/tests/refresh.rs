use std::sync::{Arc, Mutex};
use std::time::Duration;

use saml::{Binding, Certificate, Endpoint, IdpMetadata, LogoutBinding, SingleLogoutService, Timestamp};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::{Browser, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Configured, Idp, SSO_URL, at};
use crate::sso::saml::refresh::refresh_due;
use crate::testing::{House, PASSWORD, sign_in};

/// A server with one document; how often it was asked, and how often it said that nothing changed.
#[derive(Default)]
struct Document {
    body: String,
    etag: String,
    asked: usize,
    unchanged: usize,
}

struct Publisher {
    url: String,
    document: Arc<Mutex<Document>>,
}

impl Publisher {
    async fn open(body: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let document = Arc::new(Mutex::new(Document { body, etag: "\"1\"".into(), ..Document::default() }));
        let served = Arc::clone(&document);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let answer = answer(&served, &String::from_utf8_lossy(&request[..length]));
                let _closed = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, document }
    }

    fn publish(&self, body: String) {
        let mut document = self.document.lock().unwrap();
        document.etag = format!("\"{}\"", body.len());
        document.body = body;
    }

    fn counts(&self) -> (usize, usize) {
        let document = self.document.lock().unwrap();
        (document.asked, document.unchanged)
    }
}

fn answer(document: &Mutex<Document>, request: &str) -> String {
    let mut document = document.lock().unwrap();
    document.asked += 1;
    if request.contains(&format!("if-none-match: {}\r\n", document.etag)) {
        document.unchanged += 1;
        return "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_owned();
    }
    let Document { body, etag, .. } = &*document;
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\netag: {etag}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn metadata(idps: &[&Idp]) -> IdpMetadata {
    IdpMetadata {
        entity_id: "authentik".into(),
        valid_until: None,
        cache_duration: None,
        single_sign_on_services: vec![Endpoint { binding: Binding::HttpRedirect, location: SSO_URL.into() }],
        single_logout_services: Vec::new(),
        signing_certificates: idps
            .iter()
            .map(|idp| Certificate::parse(idp.pem.as_bytes()).unwrap())
            .collect(),
        name_id_formats: Vec::new(),
        want_authn_requests_signed: false,
    }
}

fn fingerprint(idp: &Idp) -> String {
    Certificate::parse(idp.pem.as_bytes()).unwrap().sha256_fingerprint()
}

/// The page of the configuration. Days pass in these tests, and a sign-in lasts for hours.
async fn page(admin: &mut Browser, configured: &Configured) -> Reply {
    let address = at(&format!("/admin/access/authentication/saml/{}", configured.id));
    let reply = admin.get(&address).await;
    if reply.url.as_str() == address {
        return reply;
    }
    sign_in(admin, "admin", PASSWORD).await;
    admin.get(&address).await
}

/// The fingerprints of the certificates that the configuration has.
async fn certificates(admin: &mut Browser, configured: &Configured) -> Vec<String> {
    page(admin, configured).await.texts("form.form dl.key-values code")
}

/// A configuration whose metadata is published, before its first refresh.
async fn published(admin: &mut Browser, idp: Idp, document: String) -> (Configured, Publisher) {
    let publisher = Publisher::open(document).await;
    let url = publisher.url.clone();
    let changes = [("metadata_url", url.as_str()), ("metadata_allow_private", "on")];
    (Configured::save(admin, idp, &changes).await, publisher)
}

both_databases! {
    async fn new_certificates_are_taken_and_old_ones_dropped_when_the_document_drops_them(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let (old, new, by_hand) = (Idp::new(), Idp::new(), Idp::new());
        let document = metadata(&[&old]).to_xml().unwrap();
        let [old_print, new_print, hand_print] = [fingerprint(&old), fingerprint(&new), fingerprint(&by_hand)];
        let both = metadata(&[&old, &new]).to_xml().unwrap();
        let (configured, publisher) = published(&mut admin, old, document).await;
        let form = page(&mut admin, &configured).await.form("form.form");
        let pasted = format!("{}{}", form.value("certificates").unwrap(), by_hand.pem);
        let reply = admin.submit(form.set("certificates", &pasted)).await;
        assert!(reply.body.contains("was saved."), "{}", reply.body);

        let app = house.workspaces.app();
        refresh_due(app).await.unwrap();
        refresh_due(app).await.unwrap();
        assert_eq!(publisher.counts(), (1, 0), "once a day");
        house.clock.advance(Duration::from_hours(24));
        refresh_due(app).await.unwrap();
        assert_eq!(publisher.counts(), (2, 1), "the ETag says that nothing changed");
        assert_eq!(certificates(&mut admin, &configured).await, [old_print.clone(), hand_print.clone()]);

        publisher.publish(both);
        house.clock.advance(Duration::from_hours(24));
        refresh_due(app).await.unwrap();
        assert_eq!(certificates(&mut admin, &configured).await, [old_print.clone(), hand_print.clone(), new_print.clone()]);
        publisher.publish(metadata(&[&new]).to_xml().unwrap());
        house.clock.advance(Duration::from_hours(24));
        refresh_due(app).await.unwrap();
        assert_eq!(certificates(&mut admin, &configured).await, [hand_print, new_print.clone()], "by hand stays");
        let shown = page(&mut admin, &configured).await;
        assert!(shown.body.contains("X509 Certificate dropped:") && shown.body.contains(&old_print), "{}", shown.body);
        let events = admin.get(&at("/admin/events/")).await;
        let refreshed = events.texts("td[data-label=What]");
        assert_eq!(refreshed.iter().filter(|what| *what == "SAML configuration refreshed").count(), 2, "{refreshed:?}");
    }

    async fn addresses_are_taken_too_and_the_button_does_it_now(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let idp = Idp::new();
        let mut document = metadata(&[&idp]);
        document.single_logout_services = vec![SingleLogoutService::new(LogoutBinding::HttpPost, "https://auth.example.com/slo")];
        document.want_authn_requests_signed = true;
        let (configured, _publisher) = published(&mut admin, idp, document.to_xml().unwrap()).await;
        let reply = page(&mut admin, &configured).await;
        let reply = admin.submit(reply.form("form[action$='/refresh']")).await;
        for words in [
            "The metadata was taken over.", "New Single Logout Service: https://auth.example.com/slo",
            "Single Logout Service Binding: post", "Requests are signed from now on",
        ] {
            assert!(reply.body.contains(words), "{words}: {}", reply.body);
        }
        let reply = admin.submit(reply.form("form[action$='/refresh']")).await;
        assert!(reply.body.contains("The metadata has not changed."), "{}", reply.body);
        let own = admin.get(&at(&format!("/api/metadata/?id={}", configured.id))).await;
        assert!(own.body.contains("X509Certificate"), "the key that signs was made: {}", own.body);
    }

    async fn what_is_refused_leaves_everything_as_it_was_and_says_so_once(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let (idp, forger) = (Idp::new(), Idp::new());
        let print = [fingerprint(&idp)];
        let renamed = IdpMetadata { entity_id: "https://else.example".into(), ..metadata(&[&forger]) };
        let noon = Timestamp::from_micros(crate::testing::NOON.micros());
        let late = IdpMetadata { valid_until: Some(noon.minus(Duration::from_secs(1))), ..metadata(&[&forger]) };
        let (configured, publisher) = published(&mut admin, idp, renamed.to_xml().unwrap()).await;
        for (body, words) in [
            (renamed.to_xml().unwrap(), "The metadata is of https://else.example, but Entity ID is authentik."),
            (late.to_xml().unwrap(), "The metadata was valid until 2026-11-24 11:59 UTC."),
            ("<html/>".to_owned(), "html"),
        ] {
            publisher.publish(body);
            for _ in 0..2 {
                refresh_due(house.workspaces.app()).await.unwrap();
                house.clock.advance(Duration::from_hours(1));
            }
            let shown = page(&mut admin, &configured).await;
            let alert = shown.texts(".alert-warning").concat();
            assert!(alert.contains("everything stayed as it was") && alert.contains(words), "{words}: {alert}");
            assert_eq!(certificates(&mut admin, &configured).await, print);
        }
        let events = admin.get(&at("/admin/events/")).await.texts("td[data-label=What]");
        let failures = events.iter().filter(|what| *what == "SAML configuration refresh failed").count();
        assert_eq!(failures, 3, "a failure that lasts is one event: {events:?}");
        let list = admin.get(&at("/admin/access/authentication/saml/")).await;
        assert!(list.body.contains("Metadata not refreshed"), "{}", list.body);
    }

    async fn a_document_that_was_signed_stays_signed_by_a_known_key(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let (idp, next, forger) = (Idp::new(), Idp::new(), Idp::new());
        let signed = |idps: &[&Idp], by: &Idp| metadata(idps).to_signed_xml("_m", &by.signer).unwrap();
        let (first, both) = (signed(&[&idp], &idp), signed(&[&idp, &next], &idp));
        let (print, next_print) = ([fingerprint(&idp)], fingerprint(&next));
        let (configured, publisher) = published(&mut admin, idp, first).await;
        let refresh = async || {
            refresh_due(house.workspaces.app()).await.unwrap();
            house.clock.advance(Duration::from_hours(24));
        };
        refresh().await;
        let shown = page(&mut admin, &configured).await;
        assert!(shown.body.contains("and required from now on"), "{:?}", shown.texts("section.card"));
        for body in [metadata(&[&forger]).to_xml().unwrap(), signed(&[&forger], &forger)] {
            publisher.publish(body);
            refresh().await;
            let shown = page(&mut admin, &configured).await;
            let alert = shown.texts(".alert-warning").concat();
            assert!(alert.contains("was signed by a key of X509 Certificate until now"), "{alert}");
            assert_eq!(certificates(&mut admin, &configured).await, print);
        }
        publisher.publish(both);
        refresh().await;
        publisher.publish(signed(&[&next], &next));
        refresh().await;
        assert_eq!(certificates(&mut admin, &configured).await, [next_print], "signed by the one that came before");
        let shown = page(&mut admin, &configured).await;
        assert!(shown.texts(".alert-warning").is_empty(), "{}", shown.body);
    }

    async fn a_configuration_that_is_saved_meanwhile_is_not_overwritten(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let mut tx = house.store.begin().await.unwrap();
        let before = crate::sso::saml::store::find(&mut tx, &configured.id).await.unwrap().unwrap();
        let mut after = before.clone();
        after.sso_url = "https://new.example/sso".into();
        let stale = crate::sso::saml::SamlConfig { sso_url: "https://older.example/sso".into(), ..before.clone() };
        let now = house.site.now();
        assert!(!crate::sso::saml::refresh::apply(&mut tx, &stale, &after, now).await.unwrap());
        assert!(crate::sso::saml::refresh::apply(&mut tx, &before, &after, now).await.unwrap());
    }
}
