use saml::{AuthnContextClass, AuthnContextComparison, SpMetadata};
use store::both_databases;
use store::testing::TestDatabase;
use testkit::Request;

use super::super::settings::{MatchBy, ProfileField};
use super::super::{EntityIdStyle, GroupMappingMode, ProfileMapping, SloBinding};
use super::{Configured, Idp, at, signed_in};
use crate::testing::House;

const LIST: &str = "/admin/access/authentication/saml/";
const CLASS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

both_databases! {
    async fn every_setting_is_kept_and_shown_again(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let changes = [
            ("entity_id_style", "path"),
            ("authn_context_comparison", "minimum"),
            ("authn_context_classes", &*format!("  {CLASS}\r\n\r\nurn:example:mfa")),
            ("want_assertions_encrypted", "on"),
            ("allow_cbc", "on"),
            ("slo_binding", "post"),
            ("sign_logout", "off"),
            ("metadata_url", "https://auth.example.com/metadata"),
            ("metadata_allow_private", "on"),
            ("well_known_attributes", "off"),
            ("group_mapping_mode", "add"),
            ("profile_mapping-0-attribute", "mobile"),
            ("profile_mapping-0-match_by", "friendly_name"),
            ("profile_mapping-0-field", "phone"),
            ("profile_mapping-2-attribute", "o"),
            ("profile_mapping-2-field", "organization"),
        ];
        let configured = Configured::save(&mut admin, Idp::new(), &changes).await;
        let mut conn = house.store.read().await.unwrap();
        let config = super::super::store::find(&mut conn, &configured.id).await.unwrap().unwrap();
        drop(conn);
        let requested = config.requested_authn_context.clone().unwrap();
        assert_eq!(requested.comparison, AuthnContextComparison::Minimum);
        let mfa = AuthnContextClass::Other("urn:example:mfa".into());
        assert_eq!(requested.classes, [AuthnContextClass::PasswordProtectedTransport, mfa]);
        assert_eq!(config.profile_mappings, [
            ProfileMapping { attribute: "mobile".into(), match_by: MatchBy::FriendlyName, field: ProfileField::Phone },
            ProfileMapping { attribute: "o".into(), match_by: MatchBy::Either, field: ProfileField::Organization },
        ]);
        assert_eq!((config.entity_id_style, config.slo_binding), (EntityIdStyle::Path, SloBinding::Post));
        assert_eq!(config.group_mapping_mode, GroupMappingMode::Add);
        assert!(config.want_assertions_encrypted && config.allow_cbc && config.metadata_allow_private);
        assert!(!config.sign_logout && !config.well_known_attributes);
        assert_eq!(config.metadata_url, "https://auth.example.com/metadata");

        let page = admin.get(&at(&format!("{LIST}{}", configured.id))).await;
        admin.submit(page.form("form.form")).await;
        let mut conn = house.store.read().await.unwrap();
        let again = super::super::store::find(&mut conn, &configured.id).await.unwrap().unwrap();
        assert_eq!(again, config, "what the page shows is what is saved");
    }

    async fn what_a_choice_or_a_row_lacks_is_said_beside_it(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let page = admin.get(&at(&format!("{LIST}new"))).await;
        let form = page.form("form.form").set("display_name", "authentik");
        for (field, value, error) in [
            ("authn_context_comparison", "exact", "authn_context_classes"),
            ("metadata_url", "auth.example.com", "metadata_url"),
        ] {
            let reply = admin.submit(form.clone().set(field, value)).await;
            assert_eq!(reply.status, 422, "{field} {value}");
            assert_eq!(reply.texts(&format!("#{error}-error")).len(), 1, "{field} {value}: {}", reply.body);
        }
        let forged = [
            ("csrf", form.value("csrf").unwrap()),
            ("display_name", "authentik"),
            ("entity_id_style", "neither"),
            ("slo_binding", "pigeon"),
            ("authn_context_comparison", "worse"),
            ("authn_context_classes", CLASS),
        ];
        let address = page.url.as_str().replace("/new/", "/");
        let reply = admin.post_form(&address, &forged).await;
        assert_eq!(reply.status, 422);
        for error in ["entity_id_style", "slo_binding", "group_mapping_mode", "authn_context_classes"] {
            assert_eq!(reply.texts(&format!("#{error}-error")), ["Choose one of the list."], "{error}: {}", reply.body);
        }
        let reply = admin.submit(form.set("profile_mapping-1-attribute", "mobile")).await;
        assert_eq!(reply.status, 422);
        assert!(reply.body.contains("Choose a profile field for the attribute “mobile”."), "{}", reply.body);
        assert_eq!(reply.form("form.form").value("profile_mapping-1-attribute"), Some("mobile"), "kept to be mended");
    }

    async fn without_a_query_string_both_addresses_answer_and_one_is_right(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let configured = Configured::save(&mut admin, Idp::new(), &[("entity_id_style", "path")]).await;
        let id = &configured.id;
        let (entity_id, acs) = (at(&format!("/api/metadata/{id}/")), at(&format!("/api/acs/{id}/")));
        let page = admin.get(&at(&format!("{LIST}{id}"))).await;
        assert!(page.body.contains(&entity_id) && page.body.contains(&acs), "{}", page.body);
        for address in [format!("/api/metadata/{id}/"), format!("/api/metadata/{id}"), format!("/api/metadata/?id={id}")] {
            let metadata = SpMetadata::parse(&admin.get(&at(&address)).await.bytes).unwrap();
            assert_eq!((&*metadata.entity_id, &*metadata.default_acs().unwrap().location), (&*entity_id, &*acs), "{address}");
        }
        let request = configured.begin(&mut house.browser()).await;
        assert_eq!(request.issuer.as_deref(), Some(&*entity_id));
        for (posted, audience, destination, welcome) in [
            (format!("/api/acs/{id}/"), entity_id.clone(), acs.clone(), true),
            (format!("/api/acs/?id={id}"), entity_id.clone(), acs.clone(), true),
            (format!("/api/acs/{id}/"), at(&format!("/api/metadata/?id={id}")), acs.clone(), false),
            (format!("/api/acs/{id}/"), entity_id.clone(), at(&format!("/api/acs/?id={id}")), false),
        ] {
            let mut browser = house.browser();
            let request = configured.begin(&mut browser).await;
            let mut answer = configured.answer(&house, Some(&request));
            (answer.audience, answer.destination) = (Some(audience.clone()), destination.clone());
            let answer = configured.idp.sign(&answer);
            browser.send(Request::post_form(&at(&posted), &[("SAMLResponse", &*answer)]).cross_site()).await;
            assert_eq!(signed_in(&browser).await.is_some(), welcome, "{posted} {audience} {destination}");
        }
    }
}
