use std::sync::Arc;

use async_trait::async_trait;
use saml::{Certificate, Endpoint, IdpMetadata, SpMetadata};
use store::both_databases;
use store::testing::TestDatabase;

use super::super::{SamlConfig, is_id, landing, offered_at};
use super::{Configured, Idp, SSO_URL, at, request_in, signed_in, url};
use crate::testing::{House, ORIGIN, PASSWORD, sign_in};
use crate::{ConnectError, IdentityConnector, ServiceProvider};

const LIST: &str = "/admin/access/authentication/saml/";

fn idp_metadata(idp: &Idp, entity_id: &str) -> IdpMetadata {
    IdpMetadata {
        entity_id: entity_id.into(),
        valid_until: None,
        cache_duration: None,
        single_sign_on_services: vec![Endpoint {
            binding: saml::Binding::HttpRedirect,
            location: SSO_URL.into(),
        }],
        single_logout_services: Vec::new(),
        signing_certificates: vec![Certificate::parse(idp.pem.as_bytes()).unwrap()],
        name_id_formats: Vec::new(),
        want_authn_requests_signed: false,
    }
}

struct SameHouse(Idp);

#[async_trait]
impl IdentityConnector for SameHouse {
    fn name(&self) -> String {
        "Innkeeper Identity".into()
    }

    async fn register(&self, service_provider: ServiceProvider) -> Result<String, ConnectError> {
        let ours = SpMetadata::parse(service_provider.metadata.as_bytes())
            .map_err(|error| ConnectError::Refused(error.sentence()))?;
        assert_eq!(ours.default_acs().unwrap().location.split('?').next(), Some(&*at("/api/acs/")));
        Ok(idp_metadata(&self.0, "innkeeper").to_xml().unwrap())
    }
}

#[test]
fn a_host_name_of_ours_comes_before_the_default_and_another_harms_nobody() {
    let config = |id: &str, host: &str, is_default| SamlConfig {
        host_name: host.into(),
        is_default,
        ..SamlConfig::new(id.into())
    };
    let offered = |configs: &[SamlConfig], host| {
        offered_at(configs, host).into_iter().map(|config| config.id.clone()).collect::<Vec<_>>()
    };
    let guide = [config("guide", "authentik", true)];
    assert_eq!(offered(&guide, "kasm.example.com"), ["guide"]);
    let tenants =
        [config("a", "a.example.com", false), config("all", "", true), config("b", "b.example.com", true)];
    assert_eq!(offered(&tenants, "a.example.com"), ["a"]);
    assert_eq!(offered(&tenants, "b.example.com"), ["b"]);
    assert_eq!(offered(&tenants, "c.example.com"), ["all", "b"]);
    assert!(offered(&[config("draft", "", false)], "a.example.com").is_empty());
    assert!(offered(&[config("draft", "", false)], "").is_empty(), "no host is not a blank Host Name");
}

both_databases! {
    async fn enter_in_a_field_saves(db: TestDatabase) {
        let house = House::open(&db).await;
        let page = house.administrator().await.get(&at(&format!("{LIST}new"))).await;
        let form = page.body.split_once("<form method=\"post\" action=\"/admin/access").unwrap().1;
        let first = form.split("<button ").nth(1).unwrap().split_once('>').unwrap().0;
        assert!(first.contains("type=\"submit\"") && first.contains("name=\"then\" value=\"save\""), "{first}");
        assert!(first.contains("aria-hidden=\"true\"") && first.contains("tabindex=\"-1\""), "{first}");
    }

    async fn disabling_or_deleting_a_configuration_signs_its_people_out(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        for delete in [false, true] {
            let closed = Configured::save(&mut admin, Idp::new(), &[]).await;
            let open = Configured::save(&mut admin, Idp::new(), &[]).await;
            let (mut out, mut stays) = (house.browser(), house.browser());
            closed.sign_in(&house, &mut out, |_| ()).await;
            open.sign_in(&house, &mut stays, |_| ()).await;
            assert!(signed_in(&out).await.is_some() && signed_in(&stays).await.is_some());

            let page = admin.get(&at(&format!("{LIST}{}", closed.id))).await;
            let form = if delete { page.form("form[action$='/delete']") } else { page.form("form.form").untick("enabled") };
            let reply = admin.submit(form).await;
            assert!(reply.body.contains("authentik was"), "{}", reply.body);
            assert_eq!(signed_in(&out).await, None, "delete: {delete}");
            assert!(signed_in(&stays).await.is_some() && signed_in(&admin).await.is_some(), "delete: {delete}");
            let mut conn = house.store.read().await.unwrap();
            let left: Vec<(String,)> = sqlx::query_as("SELECT id FROM browser_sessions WHERE method = $1")
                .bind(format!("saml:{}", closed.id))
                .fetch_all(&mut *conn)
                .await
                .unwrap();
            assert!(left.is_empty(), "delete: {delete}");
        }
    }

    async fn the_guide_is_followed_step_by_step(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let list = admin.get(&at(LIST)).await;
        assert!(list.body.contains("Add Configuration"));
        let page = admin.get(&at(&format!("{LIST}new"))).await;
        let id = page.url.path().rsplit_once('/').unwrap().1.to_owned();
        assert!(is_id(&id));
        let (entity_id, acs) = (format!("{ORIGIN}/api/metadata/?id={id}"), format!("{ORIGIN}/api/acs/?id={id}"));
        assert!(page.body.contains(&format!("id=\"sp-entity-id\" value=\"{entity_id}\"")), "{}", page.body);
        assert!(page.body.contains(&format!("id=\"sp-acs\" value=\"{acs}\"")), "{}", page.body);
        let labels = page.texts("label");
        for label in [
            "Enabled", "Display Name *", "Logo URL", "Host Name", "Default", "Auto Login", "Debug", "Entity ID",
            "Single Sign On Service/SAML 2.0 Endpoint", "X509 Certificate", "NameID Attribute",
            "Group Member Attribute", "Relay State", "Single Sign On Service",
        ] {
            assert!(labels.contains(&label.to_owned()), "{label}: {labels:?}");
        }

        // The certificate comes later; the rest can be saved before.
        let form = page
            .form("form.form")
            .set("display_name", "authentik")
            .set("logo_url", "https://auth.example.com/static/dist/assets/icons/icon.svg")
            .set("host_name", "authentik")
            .set("name_id_attribute", "emailAddress")
            .set("idp_entity_id", "authentik")
            .set("sso_url", SSO_URL);
        let reply = admin.submit(form).await;
        assert_eq!(reply.url.path(), format!("{LIST}{id}"), "the id is kept");
        let early = reply.form("form.form").set("enabled", "on");
        let refused = admin.submit(early).await;
        assert!(refused.texts("#certificates-error").concat().contains("before you enable"), "{}", refused.body);

        let form = reply.form("form.form").set("certificates", &Idp::new().pem);
        let reply = admin.submit(form.set("enabled", "on").set("is_default", "on")).await;
        assert!(reply.body.contains("Offered on the sign-in page at every host name"), "{}", reply.body);
        assert!(house.browser().get(&at("/")).await.body.contains(&format!("/api/sso/{id}")));
        let metadata = admin.get(&entity_id).await;
        assert_eq!(metadata.header("content-type"), Some("application/samlmetadata+xml"));
        let metadata = SpMetadata::parse(&metadata.bytes).unwrap();
        assert_eq!((metadata.entity_id.as_str(), metadata.default_acs().unwrap().location.as_str()), (&*entity_id, &*acs));
    }

    async fn a_certificate_is_taken_with_and_without_its_lines_and_nothing_else_is(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let idp = Idp::new();
        let bare: String = idp.pem.lines().filter(|line| !line.starts_with("-----")).collect();
        for text in [&idp.pem, &bare, &format!("  {}\r\n", idp.pem.replace('\n', "\r\n"))] {
            let configured = Configured::save(&mut admin, Idp::new(), &[("certificates", text)]).await;
            let page = admin.get(&at(&format!("{LIST}{}", configured.id))).await;
            assert_eq!(page.form("form.form").value("certificates").unwrap().trim(), idp.pem.trim());
        }
        let page = admin.get(&at(&format!("{LIST}new"))).await;
        let form = page.form("form.form").set("display_name", "authentik").set("certificates", "hello");
        let reply = admin.submit(form).await;
        assert_eq!(reply.status, 422);
        assert_eq!(reply.texts("#certificates-error").len(), 1, "{}", reply.body);
        assert_eq!(reply.form("form.form").value("certificates").map(str::trim), Some("hello"), "kept to be mended");
        assert_eq!(admin.get(reply.url.as_str()).await.status, 404, "nothing was saved");
    }

    async fn wrong_fields_are_named(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let page = admin.get(&at(&format!("{LIST}new"))).await;
        for (field, value) in [
            ("display_name", ""),
            ("sso_url", "auth.example.com/sso"),
            ("sso_url", "javascript:alert(1)"),
            ("slo_url", "ftp://auth.example.com/"),
            ("logo_url", "icon.svg"),
            ("relay_state", "https://evil.example/"),
            ("relay_state", "//evil.example/"),
        ] {
            let form = page.form("form.form").set("display_name", "authentik").set(field, value);
            let reply = admin.submit(form).await;
            assert_eq!(reply.status, 422, "{field} {value}");
            assert_eq!(reply.texts(&format!("#{field}-error")).len(), 1, "{field} {value}: {}", reply.body);
        }
        let odd = admin.get(&at(&format!("{LIST}new/not-an-id"))).await;
        assert_eq!(odd.status, 404);
    }

    async fn a_relay_state_is_a_page_of_ours(db: TestDatabase) {
        let house = House::open(&db).await;
        for (text, path) in [
            ("/session/1", Some("/session/1")),
            (&*format!("{ORIGIN}/#/sso"), Some("/")),
            (ORIGIN, Some("/")),
            (&*format!("{ORIGIN}/session/1"), Some("/session/1")),
            (&*format!("{ORIGIN}.evil.example/"), None),
            (&*format!("{ORIGIN}@evil.example/"), None),
            ("https://evil.example/#/sso", None),
            ("//evil.example", None),
            ("", None),
        ] {
            assert_eq!(landing(&house.site, text), path, "{text}");
        }
    }

    async fn the_form_is_filled_from_metadata_and_not_saved(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let idp = Idp::new();
        let page = admin.get(&at(&format!("{LIST}new"))).await;
        let xml = idp_metadata(&idp, "https://auth.example.com/entity").to_xml().unwrap();
        let form = page.form("form.form").set("metadata_xml", &xml).set("then", "fill").set("host_name", "kept");
        let reply = admin.submit(form).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let filled = reply.form("form.form");
        assert_eq!(filled.value("idp_entity_id"), Some("https://auth.example.com/entity"));
        assert_eq!(filled.value("sso_url"), Some(SSO_URL));
        assert_eq!(filled.value("display_name"), Some("auth.example.com"));
        assert_eq!(filled.value("host_name"), Some("kept"));
        assert_eq!(filled.value("certificates").unwrap().trim(), idp.pem.trim());
        assert!(reply.body.contains("Nothing is saved yet"), "{}", reply.body);
        assert_eq!(admin.get(reply.url.as_str()).await.status, 404, "not saved");
        let reply = admin.submit(filled).await;
        assert!(reply.body.contains("auth.example.com was saved."), "{}", reply.body);

        for (field, value) in [
            ("metadata_xml", "<html/>"),
            ("metadata_url", ""),
            ("metadata_url", "not an address"),
            ("metadata_url", "http://127.0.0.1:1/metadata"),
        ] {
            let form = page.form("form.form").set(field, value).set("then", "fill");
            let reply = admin.submit(form).await;
            assert_eq!(reply.status, 422, "{field} {value}");
            assert_eq!(reply.texts(&format!("#{field}-error")).len(), 1, "{field} {value}: {}", reply.body);
        }
    }

    async fn auto_login_leads_on_and_the_local_page_stays_open(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("auto_login", "on")]).await;
        let mut browser = house.browser();
        let page = browser.get(&at("/admin/events/")).await;
        let href = format!("/api/sso/{}?next=%2Fadmin%2Fevents%2F", configured.id);
        assert!(!page.body.contains("name=\"password\""), "{}", page.body);
        assert!(page.body.contains(&format!("content=\"2;url={href}\"")), "without scripts: {}", page.body);
        assert!(page.body.contains("#/staticlogin"), "Kasm's way round it: {}", page.body);
        assert!(request_in(&browser.get(&at(&href)).await).id.starts_with('_'));
        assert_eq!(sign_in(&mut browser, "admin", PASSWORD).await.url, url(&at("/")));
    }

    async fn a_configuration_is_offered_where_its_host_name_says(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let elsewhere = [("host_name", "other.example.com"), ("is_default", "off")];
        let page = admin.get(&at(&format!("{LIST}new"))).await;
        assert!(page.form("form.form").value("is_default").is_none());
        let hidden = Configured::save(&mut admin, Idp::new(), &elsewhere[..1]).await;
        let form = admin.get(&at(&format!("{LIST}{}", hidden.id))).await.form("form.form").untick("is_default");
        let reply = admin.submit(form).await;
        assert!(reply.body.contains("only who opens this site as other.example.com sees it"), "{}", reply.body);
        assert!(!house.browser().get(&at("/")).await.body.contains(&hidden.id));
        let here = [("host_name", "https://Workspaces.localhost:9000/")];
        let own = Configured::save(&mut admin, Idp::new(), &here).await;
        assert!(house.browser().get(&at("/")).await.body.contains(&own.id));
    }

    async fn requests_are_signed_when_wanted_and_the_key_is_sealed(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("sign_requests", "on")]).await;
        let metadata = admin.get(&at(&format!("/api/metadata/?id={}", configured.id))).await;
        let metadata = SpMetadata::parse(&metadata.bytes).unwrap();
        assert!(metadata.authn_requests_signed);
        let keys: Vec<_> =
            metadata.signing_certificates.iter().map(|certificate| certificate.verifying_key().clone()).collect();
        configured.begin(&mut house.browser()).await.verify_signature(&keys, false).unwrap();
        let mut conn = house.store.read().await.unwrap();
        let config = super::super::store::find(&mut conn, &configured.id).await.unwrap().unwrap();
        assert!(!config.sp_key_sealed.is_empty() && !config.sp_key_sealed.contains("PRIVATE KEY"));
    }

    async fn deleting_ends_the_button_and_the_way_in(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[]).await;
        let page = admin.get(&at(&format!("{LIST}{}", configured.id))).await;
        let reply = admin.submit(page.form("form[action$='/delete']")).await;
        assert_eq!(reply.url.path(), LIST);
        let mut browser = house.browser();
        assert!(!browser.get(&at("/")).await.body.contains(&configured.id));
        assert_eq!(browser.get(&at(&format!("/api/sso/{}", configured.id))).await.status, 404);
    }

    async fn one_click_connects_the_same_house_and_again_renews_it(db: TestDatabase) {
        let connector = Arc::new(SameHouse(Idp::new()));
        let house =
            House::open_with(&db, crate::testing::no_rooms(), Some(connector), testkit::FakeClock::at(crate::testing::NOON))
                .await;
        let mut admin = house.administrator().await;
        let list = admin.get(&at(LIST)).await;
        assert!(list.body.contains("Connect to Innkeeper Identity"), "{}", list.body);
        let reply = admin.submit(list.form("form[action$='/connect']")).await;
        assert!(reply.body.contains("Innkeeper Identity is connected"), "{}", reply.body);
        let id = reply.url.path().rsplit_once('/').unwrap().1.to_owned();
        assert_eq!(house.workspaces.connect_identity().await.unwrap().config, id, "renewed, not doubled");
        assert!(house.browser().get(&at("/")).await.body.contains(&format!("/api/sso/{id}")));
    }

    async fn without_another_product_there_is_nothing_to_connect(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let list = admin.get(&at(LIST)).await;
        assert!(!list.body.contains("Connect to"), "{}", list.body);
        assert!(matches!(house.workspaces.connect_identity().await, Err(ConnectError::Refused(_))));
    }
}
