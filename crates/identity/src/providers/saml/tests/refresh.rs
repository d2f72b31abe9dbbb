//! The daily look at the metadata of a service provider.

use rcgen::PKCS_ECDSA_P256_SHA256;
use saml::SpMetadata;

use super::import::{certificate, imported, provider, signed};
use super::peer::Peer;
use super::*;
use crate::providers::saml::refresh_due;
use crate::providers::saml::settings::RequestSignatures;

const DAY: Duration = Duration::from_hours(24);
const MOVED: &str = "https://kasm.example.com/moved";

/// A provider whose service provider publishes this.
async fn published(fixture: &Fixture, metadata: &SpMetadata) -> (Peer, String) {
    let mut admin = fixture.administrator().await;
    let peer = Peer::publishing(&metadata.to_xml().unwrap()).await;
    let url = peer.url();
    let fields =
        [("name", "kasm"), ("slug", "kasm"), ("metadata_url", url.as_str()), ("allow_private", "on")];
    let page = imported(&mut admin, &fields).await;
    (peer, page.url.path().to_owned())
}

async fn next_day(fixture: &Fixture) {
    fixture.clock.advance(DAY);
    refresh_due(&fixture.app).await.unwrap();
}

/// The administrator's browser, whose session may have ended meanwhile.
async fn admin(fixture: &Fixture) -> Browser {
    fixture.signed_in(&fixture.id_of("admin").await).await
}

both_databases! {
    async fn what_changed_is_taken_over_once_and_shown(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let metadata = SpMetadata::new(AUDIENCE, ACS);
        let (peer, page) = published(&fixture, &metadata).await;
        refresh_due(&fixture.app).await.unwrap();
        assert_eq!(peer.asked(), 1, "it was read just now");
        next_day(&fixture).await;
        assert_eq!(peer.asked(), 2);
        assert!(events_named(&fixture, "metadata_refreshed").await.is_empty());

        // What an administrator chose stays, since the metadata says nothing new of it.
        let edit = [("default_name_id_policy", NameIdFormat::Persistent.as_str()), ("issuer", "authentik")];
        fill(&mut admin(&fixture).await, &format!("{page}edit/"), "#provider", &edit).await;
        let old = certificate("old", &PKCS_ECDSA_P256_SHA256);
        let mut moved = SpMetadata::new(AUDIENCE, MOVED);
        moved.signing_certificates = vec![old.clone()];
        moved.authn_requests_signed = true;
        peer.publish(&moved.to_xml().unwrap(), Some("\"2\""));
        next_day(&fixture).await;
        let settings = provider(&fixture).await.settings;
        assert_eq!((settings.acs_url.as_str(), settings.request_signatures), (MOVED, RequestSignatures::Required));
        assert_eq!((settings.default_name_id_policy, settings.issuer.as_str()), (NameIdFormat::Persistent, "authentik"));
        assert_eq!(events_named(&fixture, "metadata_refreshed").await, ["kasm"]);
        let shown = admin(&fixture).await.get(&page).await;
        let told = shown.texts("#told dd");
        assert!(told[2].contains(&format!("assertion consumer service: {ACS}")) && told[2].contains(MOVED), "{told:?}");
        assert!(told[2].contains("signs its requests: no became yes"), "{told:?}");

        // The same again is not even sent.
        next_day(&fixture).await;
        assert_eq!(events_named(&fixture, "metadata_refreshed").await.len(), 1);

        // Keys change over: both count, then the new one alone; the old certificate goes.
        let new = certificate("new", &PKCS_ECDSA_P256_SHA256);
        moved.signing_certificates = vec![old, new.clone()];
        peer.publish(&moved.to_xml().unwrap(), None);
        next_day(&fixture).await;
        let snapshot = fixture.app.saml.find(&fixture.app, "kasm", None).await.unwrap().unwrap();
        assert_eq!(snapshot.verification.len(), 2);
        moved.signing_certificates = vec![new.clone()];
        peer.publish(&moved.to_xml().unwrap(), None);
        next_day(&fixture).await;
        let snapshot = fixture.app.saml.find(&fixture.app, "kasm", None).await.unwrap().unwrap();
        assert_eq!(snapshot.verification, [new.verifying_key().clone()]);
        let list = admin(&fixture).await.get("/if/admin/certificates/").await;
        assert_eq!(list.texts("#certificates tbody tr").len(), 2, "{}", list.body);
    }

    async fn what_would_break_the_provider_is_refused_and_everything_stays(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut metadata = SpMetadata::new(AUDIENCE, ACS);
        metadata.signing_certificates = vec![certificate("sp", &PKCS_ECDSA_P256_SHA256)];
        metadata.authn_requests_signed = true;
        let (peer, page) = published(&fixture, &metadata).await;
        let elsewhere = SpMetadata { entity_id: "https://evil".into(), ..SpMetadata::new(AUDIENCE, MOVED) };
        let keyless = SpMetadata { signing_certificates: Vec::new(), ..metadata.clone() };
        let past = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
        let expired = SpMetadata { valid_until: Some(past), ..metadata.clone() };
        let mended = signed(&fixture, &metadata).await.replace("/api/acs/", "/evil/acs/");
        let no_acs = metadata.to_xml().unwrap().replace("AssertionConsumerService", "AttributeConsumingService");
        for (document, words) in [
            (elsewhere.to_xml().unwrap(), "does not describe the wanted entity"),
            (keyless.to_xml().unwrap(), "requests have to be signed"),
            (expired.to_xml().unwrap(), "no longer valid"),
            (mended, "changed after it was signed"),
            (no_acs, "AssertionConsumerService"),
            ("<x/>".to_owned(), "metadata"),
            (String::new(), "answered with status 503"),
        ] {
            peer.publish(&document, None);
            next_day(&fixture).await;
            let settings = provider(&fixture).await.settings;
            assert_eq!((settings.acs_url.as_str(), settings.audience.as_str()), (ACS, AUDIENCE), "{words}");
            assert!(settings.verification_kp.is_some());
            let mut admin = admin(&fixture).await;
            let alert = admin.get(&page).await.texts("#told [role=status]").join("");
            assert!(alert.contains(words), "{words}: {alert}");
            let overview = admin.get("/if/admin/").await.texts("#failing p");
            assert!(overview[0].contains("The metadata of kasm can't be refreshed since"), "{overview:?}");
        }
        let failures = events_named(&fixture, "metadata_refresh_failed").await.len();
        // The same failure again is no news, and is tried again within the hour.
        let asked = peer.asked();
        fixture.clock.advance(Duration::from_hours(1));
        refresh_due(&fixture.app).await.unwrap();
        assert_eq!((peer.asked(), events_named(&fixture, "metadata_refresh_failed").await.len()), (asked + 1, failures));
        peer.publish(&metadata.to_xml().unwrap(), None);
        next_day(&fixture).await;
        let mut admin = admin(&fixture).await;
        assert!(admin.get(&page).await.texts("#told [role=status]").is_empty());
        assert!(admin.get("/if/admin/").await.texts("#failing").is_empty());
    }

    async fn what_weakens_a_setting_waits_for_a_person(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut metadata = SpMetadata::new(AUDIENCE, ACS);
        metadata.signing_certificates = vec![certificate("sp", &PKCS_ECDSA_P256_SHA256)];
        metadata.authn_requests_signed = true;
        let (peer, page) = published(&fixture, &metadata).await;
        metadata.authn_requests_signed = false;
        metadata.encryption_methods = vec!["http://www.w3.org/2001/04/xmlenc#aes256-cbc".into()];
        metadata.encryption_certificates = vec![certificate("sp-encryption", &rcgen::PKCS_RSA_SHA256)];
        peer.publish(&metadata.to_xml().unwrap(), None);
        next_day(&fixture).await;
        let settings = provider(&fixture).await.settings;
        assert_eq!(settings.request_signatures, RequestSignatures::Required);
        assert_eq!(settings.data_encryption.label(), "AES-256-GCM");
        let told = admin(&fixture).await.get(&page).await.texts("#told dd");
        assert!(told[2].contains("they must be, until somebody changes Request signatures"), "{told:?}");
        assert!(told[2].contains("AES in CBC mode only"), "{told:?}");
    }

    async fn the_button_refreshes_at_once_and_an_address_may_be_entered_later(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        assert!(page.texts("#told").is_empty());
        let peer = Peer::publishing(&SpMetadata::new(AUDIENCE, MOVED).to_xml().unwrap()).await;
        let edit = format!("{}edit/", page.url);
        let page = fill(&mut admin, &edit, "#provider", &[("metadata_url", &peer.url())]).await;
        let refused = admin.submit(page.form("#refresh")).await;
        assert!(refused.body.contains("private network"), "{}", refused.body);
        assert_eq!(events_named(&fixture, "metadata_refresh_failed").await, ["kasm"]);
        fill(&mut admin, &edit, "#provider", &[("metadata_allow_private", "on")]).await;
        let done = admin.submit(page.form("#refresh")).await;
        assert!(done.body.contains("what it says anew was taken over"), "{}", done.body);
        assert_eq!(provider(&fixture).await.settings.acs_url.as_str(), MOVED);
        let again = admin.submit(done.form("#refresh")).await;
        assert!(again.body.contains("it says nothing new"), "{}", again.body);
        // Another address is looked at without waiting for tomorrow.
        let other = Peer::publishing(&SpMetadata::new(AUDIENCE, ACS).to_xml().unwrap()).await;
        fill(&mut admin, &edit, "#provider", &[("metadata_url", &other.url())]).await;
        refresh_due(&fixture.app).await.unwrap();
        assert_eq!((other.asked(), peer.asked()), (1, 2));
        assert_eq!(provider(&fixture).await.settings.acs_url.as_str(), ACS);
    }

    async fn two_instances_share_the_work(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let (peer, _) = published(&fixture, &SpMetadata::new(AUDIENCE, ACS)).await;
        fixture.clock.advance(DAY);
        let (one, other) = tokio::join!(refresh_due(&fixture.app), refresh_due(&fixture.app));
        one.unwrap();
        other.unwrap();
        assert_eq!(peer.asked(), 2, "once at the import, once today");
    }

    async fn who_chooses_a_verification_certificate_means_that_one_alone(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut metadata = SpMetadata::new(AUDIENCE, ACS);
        metadata.signing_certificates =
            vec![certificate("one", &PKCS_ECDSA_P256_SHA256), certificate("two", &PKCS_ECDSA_P256_SHA256)];
        let (_, page) = published(&fixture, &metadata).await;
        let mut admin = admin(&fixture).await;
        let own = generated(&mut admin, "Own", "rsa2048").await;
        fill(&mut admin, &format!("{page}edit/"), "#provider", &[("verification_kp", &own)]).await;
        let snapshot = fixture.app.saml.find(&fixture.app, "kasm", None).await.unwrap().unwrap();
        assert_eq!(snapshot.verification.len(), 1);
    }
}
