//! Certificates, on both databases.

use std::time::Duration;

use ::saml::{Certificate, SigningKey};
use axum::http::StatusCode;
use store::testing::TestDatabase;
use store::{Sealer, SystemRandom, Timestamp, both_databases};

use super::generate::{Generated, KeyKind, generate};
use super::{all, announce, default_id, names_with_key, private_key};
use crate::testing::{Fixture, fill, mistakes};

const GENERATE: &str = "/if/admin/certificates/generate/";
const IMPORT: &str = "/if/admin/certificates/import/";
const YEAR: Duration = Duration::from_hours(365 * 24);

fn made(kind: KeyKind) -> Generated {
    let now = Timestamp::from_micros(1_768_478_400_000_000);
    generate(&SystemRandom, now, "sp.example.com", YEAR, kind).unwrap()
}

#[test]
fn each_kind_gives_a_key_that_fits_its_certificate() {
    for (kind, value, _) in KeyKind::ALL.into_iter().filter(|(kind, ..)| *kind != KeyKind::Rsa4096) {
        assert_eq!(KeyKind::from_key(value), Some(kind));
        let Generated { certificate_pem, private_key_pem } = made(kind);
        let certificate = Certificate::parse(certificate_pem.as_bytes()).unwrap();
        let key = SigningKey::from_pkcs8_pem(&private_key_pem).unwrap();
        assert_eq!(key.verifying_key().unwrap(), *certificate.verifying_key(), "{value}");
        assert_eq!(certificate.subject(), "CN=sp.example.com");
        let days = (certificate.not_after().micros() - certificate.not_before().micros()) / 86_400_000_000;
        assert_eq!(days, 365, "{value}");
    }
}

both_databases! {
    async fn the_default_certificate_signs_for_ten_years_and_its_key_is_sealed(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut conn = fixture.store.read().await.unwrap();
        let keypair = all(&mut conn).await.unwrap().remove(0);
        assert_eq!(default_id(&mut conn).await.unwrap().as_ref(), Some(&keypair.id));
        let certificate = keypair.certificate().unwrap();
        assert_eq!(certificate.subject(), "CN=Innkeeper Self-signed Certificate");
        let now = fixture.app.site.now();
        assert!(certificate.not_after().micros() > now.plus(YEAR * 9).micros());
        let pem = private_key(&mut conn, &fixture.app.sealer, &keypair.id).await.unwrap().unwrap();
        assert_eq!(SigningKey::from_pkcs8_pem(&pem).unwrap().verifying_key().unwrap(), *certificate.verifying_key());
        let stored: String = sqlx::query_scalar("SELECT private_key_sealed FROM identity_certificates")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        assert!(!stored.contains("PRIVATE KEY"), "{stored}");
        assert!(private_key(&mut conn, &Sealer::from_key(&[1; 32]), &keypair.id).await.is_err());
    }

    async fn a_certificate_is_generated_shown_downloaded_renamed_and_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let typed = [("name", "Kasm / 2026"), ("common_name", "kasm"), ("validity_days", "20"), ("kind", "ecp256")];
        let reply = fill(&mut browser, GENERATE, "#certificate", &typed).await;
        assert!(reply.body.contains("The certificate was made.") && reply.body.contains("CN=kasm"), "{}", reply.body);
        assert!(reply.body.contains("This certificate expires in 20 days, used by no provider; delete it"), "{}", reply.body);
        let page = reply.url.path().to_owned();

        let file = browser.get(&format!("{page}download/")).await;
        assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"Kasm___2026_certificate.pem\""));
        assert_eq!(Certificate::parse(file.body.as_bytes()).unwrap().subject(), "CN=kasm");
        assert!(!file.body.contains("PRIVATE"), "{}", file.body);

        let reply = fill(&mut browser, &page, "#rename", &[("name", "Kasm")]).await;
        assert_eq!(reply.texts("h1"), ["Kasm"]);
        let reply = fill(&mut browser, &page, "#rename", &[("name", "Innkeeper Self-signed Certificate")]).await;
        assert_eq!(mistakes(&reply), ["Another certificate has this name."]);
        fixture.clock.advance(Duration::from_hours(21 * 24));
        let mut browser = fixture.signed_in(&fixture.id_of("admin").await).await;
        assert!(browser.get("/if/admin/certificates/").await.body.contains("Expired"));
        assert!(browser.get("/if/admin/").await.body.contains("has expired 1 day ago"));

        let form = browser.get(&page).await.form("#delete");
        let reply = browser.submit(form).await;
        assert!(reply.body.contains("The certificate Kasm was deleted."), "{}", reply.body);
        assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_certificate_is_imported_with_and_without_its_key(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let Generated { certificate_pem, private_key_pem } = made(KeyKind::EcP256);
        let bare: String = certificate_pem.lines().filter(|line| !line.starts_with("-----")).collect();
        for (name, certificate, key) in [("With key", &certificate_pem, private_key_pem.as_str()), ("Without", &bare, "")] {
            let typed = [("name", name), ("certificate", certificate), ("private_key", key)];
            let reply = fill(&mut browser, IMPORT, "#certificate", &typed).await;
            assert!(reply.body.contains("The certificate was imported."), "{}", reply.body);
        }
        let mut conn = fixture.store.read().await.unwrap();
        let mut signing: Vec<_> = names_with_key(&mut conn).await.unwrap().into_iter().map(|(_, name)| name).collect();
        signing.sort();
        assert_eq!(signing, ["Innkeeper Self-signed Certificate", "With key"]);
        for keypair in all(&mut conn).await.unwrap().iter().filter(|keypair| keypair.name.starts_with("With")) {
            assert_eq!(keypair.certificate().unwrap(), Certificate::parse(certificate_pem.as_bytes()).unwrap());
        }
    }

    async fn what_is_no_certificate_is_refused_beside_the_field(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let (one, other) = (made(KeyKind::EcP256), made(KeyKind::EcP256));
        for (certificate, key) in [
            ("", ""),
            ("hello", ""),
            (one.private_key_pem.as_str(), ""),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", ""),
            (one.certificate_pem.as_str(), "hello"),
            (one.certificate_pem.as_str(), other.private_key_pem.as_str()),
            (one.certificate_pem.as_str(), one.certificate_pem.as_str()),
        ] {
            let typed = [("name", "Bad"), ("certificate", certificate), ("private_key", key)];
            let reply = fill(&mut browser, IMPORT, "#certificate", &typed).await;
            assert_eq!((reply.status, mistakes(&reply).len()), (StatusCode::UNPROCESSABLE_ENTITY, 1), "{}", reply.body);
            // A private key that was pasted is not sent back.
            assert_eq!(reply.form("#certificate").value("private_key"), Some(""));
        }
        let mut conn = fixture.store.read().await.unwrap();
        assert_eq!(all(&mut conn).await.unwrap().len(), 1);
        for (field, value) in [("validity_days", "0"), ("validity_days", "100000"), ("validity_days", "x"), ("name", "")] {
            let mut typed = vec![("name", "Short"), ("validity_days", "10")];
            typed.push((field, value));
            let reply = fill(&mut browser, GENERATE, "#certificate", &typed).await;
            assert_eq!(mistakes(&reply).len(), 1, "{field} {value}: {}", reply.body);
        }
    }

    async fn a_certificate_in_use_is_not_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let typed = [("name", "kasm"), ("acs_url", "https://kasm.example.com/api/acs/?id=1")];
        fill(&mut browser, "/if/admin/applications/new/", "#application", &typed).await;
        let mut conn = fixture.store.read().await.unwrap();
        let id = default_id(&mut conn).await.unwrap().unwrap();
        drop(conn);
        let page = browser.get(&format!("/if/admin/certificates/{id}/")).await;
        assert!(page.body.contains("kasm"), "{}", page.body);
        let reply = browser.submit(page.form("#delete")).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert!(reply.body.contains("is used by the provider kasm"), "{}", reply.body);
    }

    async fn a_certificate_in_use_that_ends_is_announced_once_per_threshold_and_shown_where_it_matters(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let typed = [("name", "Short"), ("validity_days", "40"), ("kind", "rsa2048")];
        let certificate = fill(&mut browser, GENERATE, "#certificate", &typed).await.url.path().to_owned();
        let id = certificate.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
        let typed = [("name", "kasm"), ("acs_url", "https://kasm.example.com/api/acs/?id=1"), ("signing_kp", &id)];
        let provider = fill(&mut browser, "/if/admin/applications/new/", "#application", &typed).await.url.path().to_owned();
        let announced = async || {
            announce(&fixture.app).await.unwrap();
            announce(&fixture.app).await.unwrap();
            fixture.events().await.into_iter().filter(|(action, _)| action == "certificate_expiring").count()
        };
        assert_eq!(announced().await, 0);
        assert!(browser.get("/if/admin/").await.texts("#certificates").is_empty());
        // 28 days are left, then 12, then 6, less than 1, none.
        for (hours, count) in [(12 * 24, 1), (16 * 24, 1), (6 * 24, 2), (5 * 24 + 12, 3), (24, 4), (24, 4)] {
            fixture.clock.advance(Duration::from_hours(hours));
            assert_eq!(announced().await, count, "{hours}");
        }
        fixture.clock.advance(Duration::from_hours(24));
        let mut browser = fixture.signed_in(&fixture.id_of("admin").await).await;
        let advice = "generate a new one and set it as next signing certificate.";
        let shown = browser.get("/if/admin/").await.texts("#certificates p");
        assert_eq!(shown, [format!("The certificate Short has expired 2 days ago, used by kasm; {advice}")]);
        let page = browser.get(&certificate).await;
        assert!(page.body.contains(&format!("This certificate has expired 2 days ago, used by kasm; {advice}")));
        assert!(page.body.contains("as signing certificate"), "{}", page.body);
        let page = browser.get(&provider).await;
        assert!(page.body.contains(&format!("The signing certificate Short has expired 2 days ago; {advice}")), "{}", page.body);
        let list = browser.get("/if/admin/certificates/").await;
        assert_eq!(list.texts("#certificates td[data-label='Used by']"), ["–", "kasm"]);
        let events = browser.get("/if/admin/events/").await;
        assert!(events.body.contains("Certificate expiring") && events.body.contains("used by: kasm"), "{}", events.body);
    }

    async fn two_instances_announce_a_certificate_once_and_deleting_it_forgets_that(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let typed = [("name", "Short"), ("validity_days", "3"), ("kind", "ecp384")];
        let page = fill(&mut browser, GENERATE, "#certificate", &typed).await;
        let (one, other) = tokio::join!(announce(&fixture.app), announce(&fixture.app));
        one.unwrap();
        other.unwrap();
        let events = fixture.events().await;
        assert_eq!(events.iter().filter(|(action, _)| action == "certificate_expiring").count(), 1);
        let reply = browser.submit(page.form("#delete")).await;
        assert!(reply.body.contains("The certificate Short was deleted."), "{}", reply.body);
        let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM identity_certificate_warnings")
            .fetch_one(&mut *fixture.store.read().await.unwrap())
            .await
            .unwrap();
        assert_eq!(left, 0);
    }
}
