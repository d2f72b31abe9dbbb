//! Providers from metadata: read, looked at, created.

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use saml::{
    AssertionConsumerService, Binding, DataEncryption, KeyTransport, LogoutBinding, Signer, SigningKey,
    SingleLogoutService, SpMetadata,
};

use super::peer::Peer;
use super::*;
use crate::providers::saml::settings::{RequestSignatures, SamlProvider, SlsBinding};

pub(super) const IMPORT: &str = "/if/admin/providers/saml/import/";

pub(super) fn certificate(name: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> Certificate {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let made = params.self_signed(&KeyPair::generate_for(algorithm).unwrap()).unwrap();
    Certificate::parse(made.pem().as_bytes()).unwrap()
}

/// A service provider with everything that can be said.
fn talkative() -> SpMetadata {
    let mut metadata = SpMetadata::new(AUDIENCE, ACS);
    let acs = |index, binding, location: &str, is_default| AssertionConsumerService {
        binding,
        location: location.into(),
        index,
        is_default,
    };
    metadata.assertion_consumer_services = vec![
        acs(0, Binding::HttpRedirect, "https://kasm.example.com/redirect", false),
        acs(1, Binding::HttpPost, ACS, true),
        acs(7, Binding::HttpPost, "https://other.example.com/acs", false),
    ];
    metadata.single_logout_services = vec![
        SingleLogoutService::new(LogoutBinding::Soap, "https://kasm.example.com/soap"),
        SingleLogoutService::new(LogoutBinding::HttpPost, "https://kasm.example.com/slo"),
    ];
    metadata.signing_certificates =
        vec![certificate("sp-one", &PKCS_ECDSA_P256_SHA256), certificate("sp-two", &PKCS_ECDSA_P256_SHA256)];
    metadata.encryption_certificates = vec![certificate("sp-encryption", &PKCS_RSA_SHA256)];
    metadata.encryption_methods = [
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2009/xmlenc11#rsa-oaep",
    ]
    .map(str::to_owned)
    .into();
    metadata.name_id_formats = vec![NameIdFormat::Other("urn:x".into()), NameIdFormat::EmailAddress];
    metadata.authn_requests_signed = true;
    metadata.want_assertions_signed = true;
    metadata
}

pub(super) async fn provider(fixture: &Fixture) -> SamlProvider {
    let mut conn = fixture.store.read().await.unwrap();
    crate::providers::saml::store::by_audience(&mut conn, AUDIENCE).await.unwrap().unwrap()
}

/// Reads and creates.
pub(super) async fn imported(admin: &mut Browser, fields: &[(&str, &str)]) -> Reply {
    let read = fill(admin, &format!("{ORIGIN}{IMPORT}"), "#import", fields).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.body);
    let reply = admin.submit(read.form("#import").set("step", "create")).await;
    assert!(reply.url.path() != IMPORT, "{}", reply.body);
    reply
}

both_databases! {
    async fn what_was_read_is_shown_before_it_counts_and_then_taken_over(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let metadata = talkative();
        let xml = metadata.to_xml().unwrap();
        let fields = [("name", "kasm"), ("slug", "kasm"), ("metadata", xml.as_str())];
        let read = fill(&mut admin, &format!("{ORIGIN}{IMPORT}"), "#import", &fields).await;
        for words in [
            AUDIENCE,
            "https://kasm.example.com/redirect (Redirect, index 0)",
            &format!("{ACS} (Post, index 1, the default)"),
            "https://other.example.com/acs (Post, index 7)",
            "https://kasm.example.com/slo (Post, Front-channel",
            "CN=sp-two",
            "Required",
            "CN=sp-encryption (RSA",
            "AES-128-GCM, RSA-OAEP (SHA-256)",
            "Email address",
        ] {
            assert!(read.texts("#lines dd").iter().any(|text| text.contains(words)), "{words}: {}", read.body);
        }
        // Nothing is there yet: neither the provider nor the certificates.
        let list = admin.get(&format!("{ORIGIN}/if/admin/providers/")).await;
        assert!(list.body.contains("No providers yet"), "{}", list.body);
        assert!(events_named(&fixture, "model_created").await.is_empty());
        let back = admin.submit(read.form("#import").set("step", "back")).await;
        assert_eq!(back.form("#import").value("name"), Some("kasm"));

        let reply = admin.submit(read.form("#import").set("step", "create")).await;
        assert_eq!(reply.texts("h1"), ["kasm"], "{}", reply.body);
        let settings = provider(&fixture).await.settings;
        assert_eq!((settings.sls_binding, settings.sls_url.unwrap().as_str()), (SlsBinding::Post, "https://kasm.example.com/slo"));
        assert_eq!(settings.request_signatures, RequestSignatures::Required);
        assert_eq!((settings.data_encryption, settings.key_transport), (DataEncryption::Aes128Gcm, KeyTransport::RsaOaep));
        assert_eq!(settings.default_name_id_policy, NameIdFormat::EmailAddress);
        let defaults: Vec<_> = settings.further_acs.iter().map(|acs| (acs.index, acs.is_default)).collect();
        assert_eq!(defaults, [(1, true), (7, false)]);
        let list = admin.get(&format!("{ORIGIN}/if/admin/certificates/")).await;
        let of_sp = list.texts("#certificates th").into_iter().filter(|name| name.starts_with("kasm from metadata ("));
        assert_eq!(of_sp.count(), 3, "{}", list.body);
        // Both certificates count for requests; one that is known already is not kept twice.
        let snapshot = fixture.app.saml.find(&fixture.app, "kasm", None).await.unwrap().unwrap();
        assert_eq!(snapshot.verification.len(), 2);
        let second = SpMetadata { entity_id: "https://second".into(), ..metadata };
        imported(&mut admin, &[("name", "second"), ("slug", "second"), ("metadata", &second.to_xml().unwrap())]).await;
        let list = admin.get(&format!("{ORIGIN}/if/admin/certificates/")).await;
        assert_eq!(list.texts("#certificates tbody tr").len(), 4);
        assert_eq!(list.texts("#certificates td[data-label='Used by']").iter().filter(|names| *names == "kasm, second").count(), 4);
    }

    async fn an_only_address_keeps_the_number_that_it_has(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let mut metadata = SpMetadata::new(AUDIENCE, ACS);
        metadata.assertion_consumer_services[0].index = 1;
        let page = imported(&mut admin, &[("name", "kasm"), ("slug", "kasm"), ("metadata", &metadata.to_xml().unwrap())]).await;
        let settings = provider(&fixture).await.settings;
        assert_eq!((settings.acs_url.as_str(), settings.further_acs[0].index, settings.further_acs.len()), (ACS, 1, 1));
        // The form takes it as it is.
        let saved = fill(&mut admin, &format!("{}edit/", page.url), "#provider", &[]).await;
        assert_eq!(saved.url.path(), page.url.path(), "{}", saved.body);
    }

    async fn metadata_that_can_not_be_used_gets_a_sentence(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let plain = SpMetadata::new(AUDIENCE, ACS);
        let yesterday = store::Clock::now(&fixture.clock).minus(Duration::from_secs(86_400));
        let expired = SpMetadata { valid_until: Some(Timestamp::from_micros(yesterday.micros())), ..plain.clone() };
        let signed = signed(&fixture, &plain).await;
        let many: Vec<_> = (0..60)
            .map(|index| AssertionConsumerService {
                index,
                location: format!("https://x/{index}"),
                ..plain.assertion_consumer_services[0].clone()
            })
            .collect();
        let many = SpMetadata { assertion_consumer_services: many, ..plain.clone() };
        for (xml, words) in [
            (expired.to_xml().unwrap(), "no longer valid"),
            (signed.replace("kasm.example.com/api/acs", "evil.example.com/api/acs"), "changed after it was signed"),
            (many.to_xml().unwrap(), "more than 50 addresses"),
            (plain.to_xml().unwrap().replace("https://", "ftp://"), "address of the web"),
        ] {
            let fields = [("name", "kasm"), ("slug", "kasm"), ("metadata", xml.as_str())];
            let reply = fill(&mut admin, &format!("{ORIGIN}{IMPORT}"), "#import", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(mistakes(&reply)[0].contains(words), "{words}: {:?}", mistakes(&reply));
        }
        imported(&mut admin, &[("name", "kasm"), ("slug", "kasm"), ("metadata", &signed)]).await;
    }

    async fn of_several_service_providers_one_is_chosen(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let one = |id: &str| SpMetadata::new(id, format!("{id}/acs")).to_xml().unwrap();
        let xml = format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}{}</md:EntitiesDescriptor>",
            one("https://one.example.com"),
            one("https://two.example.com")
        );
        let fields = [("name", "two"), ("slug", "two"), ("metadata", xml.as_str())];
        let reply = fill(&mut admin, &format!("{ORIGIN}{IMPORT}"), "#import", &fields).await;
        assert_eq!(mistakes(&reply), ["The metadata describes several service providers. Choose one."]);
        let read = admin.submit(reply.form("#import").set("entity_id", "https://two.example.com")).await;
        let reply = admin.submit(read.form("#import").set("step", "create")).await;
        assert!(reply.body.contains("https://two.example.com/acs"), "{}", reply.body);
        assert!(!reply.body.contains("https://one.example.com"), "{}", reply.body);
    }

    async fn an_address_is_read_once_and_remembered(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let peer = Peer::publishing(&SpMetadata::new(AUDIENCE, ACS).to_xml().unwrap()).await;
        let fields = [("name", "kasm"), ("slug", "kasm"), ("metadata_url", &*peer.url())];
        let reply = fill(&mut admin, &format!("{ORIGIN}{IMPORT}"), "#import", &fields).await;
        assert!(mistakes(&reply)[0].contains("private network"), "{:?}", mistakes(&reply));
        assert_eq!(peer.asked(), 0);
        let page = imported(&mut admin, &[fields[0], fields[1], fields[2], ("allow_private", "on")]).await;
        assert_eq!(peer.asked(), 1);
        assert!(page.texts("#told dd")[0].contains(&peer.url()), "{}", page.body);
        let settings = provider(&fixture).await.settings;
        assert_eq!(settings.metadata_url.unwrap().as_str(), peer.url());
        assert!(settings.metadata_allow_private);
    }
}

/// Signed with the key of the first certificate here.
pub(super) async fn signed(fixture: &Fixture, metadata: &SpMetadata) -> String {
    let mut conn = fixture.store.read().await.unwrap();
    let keypair = crate::certificates::all(&mut conn).await.unwrap().remove(0);
    let pem =
        crate::certificates::private_key(&mut conn, &fixture.app.sealer, &keypair.id).await.unwrap().unwrap();
    let key = SigningKey::from_pkcs8_pem(&pem).unwrap();
    let algorithm = saml::SignatureAlgorithm::RsaSha256;
    let signer =
        Signer::new(key, keypair.certificate().unwrap(), algorithm, saml::DigestAlgorithm::Sha256).unwrap();
    metadata.to_signed_xml("_signed", &signer).unwrap()
}
