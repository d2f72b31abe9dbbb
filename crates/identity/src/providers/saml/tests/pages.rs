//! The administrator's pages about providers, and providers from metadata.

use testkit::Form;

use super::*;

fn owned(form: &Form) -> Vec<(String, String)> {
    form.fields().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

both_databases! {
    async fn what_an_expression_says_reaches_the_application(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await.url;
        let certificate = signing_certificate(&mut admin).await;
        let new = format!("{ORIGIN}/if/admin/property-mappings/new/");
        let fields = [
            ("name", "Shout"), ("saml_name", "urn:shout"), ("friendly_name", "shout"), ("name_format", "uri"),
            ("expression", "return [user.username.upper(), user.email]"),
        ];
        let mapping = fill(&mut admin, &new, "#mapping", &fields).await.url;
        let id = mapping.path().rsplit('/').nth(1).unwrap();
        let edit = format!("{page}edit/");
        fill(&mut admin, &edit, "#provider", &[("property_mappings", id)]).await;
        let ask = by_redirect(&request(&fixture), None);
        let reply = admin.get(&ask).await;
        let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
        let told = assertion.attributes().iter().find(|attribute| attribute.name == "urn:shout").unwrap();
        assert_eq!(told.values, ["ADMIN", "admin@example.com"]);
        assert_eq!(told.friendly_name.as_deref(), Some("shout"));
        assert_eq!(told.name_format.as_deref(), Some("urn:oasis:names:tc:SAML:2.0:attrname-format:uri"));
        let form = admin.get(mapping.as_str()).await.form("#delete");
        let refused = admin.submit(form).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.body.contains("is used by the provider"), "{}", refused.body);
        let broken = [("expression", "return int(user.email)")];
        fill(&mut admin, mapping.as_str(), "#mapping", &broken).await;
        let skipped = admin.get(&ask).await;
        let assertion = verified(&fixture, &skipped, &expectations(certificate));
        assert!(assertion.attributes().iter().all(|attribute| attribute.name != "urn:shout"));
        assert_eq!(events_named(&fixture, "configuration_error").await, ["Shout"]);
        let shown = admin.get(page.as_str()).await.texts("#mapping-failures li");
        assert!(shown[0].contains("Line 1: ValueError.") && !shown[0].contains("admin@example.com"), "{shown:?}");
        fill(&mut admin, &edit, "#provider", &[("on_mapping_failure", "refuse")]).await;
        let refused = admin.get(&ask).await;
        assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(refused.body.contains("the property mapping “Shout” failed"), "{}", refused.body);
    }

    async fn what_an_administrator_changes_counts_from_the_next_request(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let url = by_redirect(&request(&fixture), None);
        verified(&fixture, &admin.get(&url).await, &expectations(certificate.clone()));
        let edit = format!("{}edit/", page.url);
        let changes = [("issuer", "https://auth.example.com"), ("sign_response", "on")];
        let saved = fill(&mut admin, &edit, "#provider", &changes).await;
        assert_eq!(saved.url.path(), page.url.path(), "{}", saved.body);
        let both = Expectations {
            issuer: "https://auth.example.com".into(),
            want_assertions_signed: true,
            want_messages_signed: true,
            ..expectations(certificate)
        };
        let assertion = verified(&fixture, &admin.get(&url).await, &both);
        assert_eq!(assertion.covered(), SignedParts::Both);
    }

    async fn the_provider_page_has_what_the_guide_needs(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        for words in ["Download signing certificate", "SSO URL (Redirect)", "Audience", "Issuer", "Metadata"] {
            assert!(page.body.contains(words), "{words}");
        }
        assert!(page.body.contains(&format!("{ORIGIN}{REDIRECT}")), "{}", page.body);
        assert!(!page.body.contains("Provider is not used by an Application"));
        let file = admin.get(&format!("{}certificate/", page.url)).await;
        assert!(file.header("content-disposition").unwrap().starts_with("attachment; filename="));
        assert!(file.body.starts_with("-----BEGIN CERTIFICATE-----") && !file.body.contains("PRIVATE"));
        let metadata = fixture.browser().get(&format!("{ORIGIN}/application/saml/kasm/metadata/?download")).await;
        assert!(metadata.header("content-disposition").unwrap().contains("kasm_metadata.xml"));
        let parsed = saml::IdpMetadata::parse(&metadata.bytes).unwrap();
        assert_eq!(parsed.entity_id, "authentik");
        assert_eq!(parsed.sso_url(saml::Binding::HttpRedirect), Some(format!("{ORIGIN}{REDIRECT}").as_str()));
        assert_eq!(parsed.sso_url(saml::Binding::HttpPost), Some(format!("{ORIGIN}{POST}").as_str()));
        let certificate = signing_certificate(&mut admin).await;
        assert_eq!(parsed.signing_certificates, std::slice::from_ref(&certificate));
        saml::IdpMetadata::parse_signed(&metadata.bytes, &[certificate.verifying_key().clone()]).unwrap();
        // The preview tells what the application would be told, and tells nobody.
        let ann = fixture.user("ann", &["Staff"]).await;
        let preview = admin.get(&format!("{}?for_user={ann}", page.url)).await;
        assert!(preview.texts("#preview td").contains(&"Staff".to_owned()), "{}", preview.body);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
    }

    async fn an_empty_issuer_is_the_address_of_the_metadata(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("issuer", ""), ("audience", "")]).await;
        let metadata = admin.get(&format!("{ORIGIN}/application/saml/kasm/metadata/")).await;
        let parsed = saml::IdpMetadata::parse(&metadata.bytes).unwrap();
        assert_eq!(parsed.entity_id, format!("{ORIGIN}/application/saml/kasm/metadata/"));
    }

    async fn a_provider_without_application_says_so_and_can_be_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let new = format!("{ORIGIN}/if/admin/providers/saml/new/");
        let fields = [("provider_name", "lonely"), ("acs_url", ACS), ("audience", AUDIENCE)];
        let page = fill(&mut admin, &new, "#provider", &fields).await;
        assert!(page.body.contains("Warning: Provider is not used by an Application."), "{}", page.body);
        let gone = admin.submit(page.form("form[action='delete/']")).await;
        assert_eq!(gone.texts("[role=status]"), ["The provider lonely was deleted."]);
        let page = kasm(&mut admin, &[]).await;
        let refused = admin.submit(page.form("form[action='delete/']")).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.body.contains("The application kasm uses the provider kasm."), "{}", refused.body);
    }

    async fn mistakes_in_the_form_stand_beside_their_fields(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let new = format!("{ORIGIN}/if/admin/providers/saml/new/");
        for (field, value) in [
            ("acs_url", "kasm.example.com"),
            ("acs_url", "javascript:alert(1)"),
            ("provider_name", " "),
            ("assertion_valid_not_before", "five"),
            ("assertion_valid_not_on_or_after", "minutes=0"),
            ("assertion_valid_not_before", "minutes=1"),
            ("sls_url", "kasm"),
            ("metadata_url", "kasm"),
            ("further_acs_index", "none"),
        ] {
            let mut fields = vec![("provider_name", "kasm"), ("acs_url", ACS), ("audience", AUDIENCE)];
            fields.push((field, value));
            if field == "further_acs_index" {
                fields.push(("further_acs_url", "https://kasm.example.com/second"));
            }
            let reply = fill(&mut admin, &new, "#provider", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}={value}");
            assert_eq!(mistakes(&reply).len(), 1, "{field}={value}: {:?}", mistakes(&reply));
            assert_eq!(reply.form("#provider").value("audience"), Some(AUDIENCE));
        }
        let second = "https://kasm.example.com/second";
        let form = admin.get(&new).await.form("#provider").set("provider_name", "kasm").set("acs_url", ACS);
        let form = form.set("further_acs_url", second);
        let mut fields = form.fields();
        fields.extend([("further_acs_url", second), ("further_acs_binding", "post"), ("further_acs_index", "")]);
        let reply = admin.send(Request::post_form(&new, &fields)).await;
        assert_eq!(mistakes(&reply), [format!("{second} is there twice with the same binding.")], "{}", reply.body);
        let fields = [
            ("provider_name", "kasm"),
            ("acs_url", ACS),
            ("signature_algorithm", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
        ];
        let reply = fill(&mut admin, &new, "#provider", &fields).await;
        assert!(mistakes(&reply)[0].contains("another kind of key"), "{:?}", mistakes(&reply));
        let unsigned = admin.get(&new).await.form("#provider").set("provider_name", "kasm").set("acs_url", ACS);
        let reply = admin.submit(unsigned.untick("sign_assertion")).await;
        assert_eq!(mistakes(&reply), ["Sign the assertion, the response, or both."]);
        let list = admin.get(&format!("{ORIGIN}/if/admin/providers/")).await;
        assert!(list.body.contains("No providers yet"), "{}", list.body);
    }

    async fn every_setting_is_kept_and_shown_again(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        let edit = format!("{}edit/", page.url);
        let default = certificate_named(&fixture, "Innkeeper Self-signed Certificate").await;
        let next = generated(&mut admin, "Next", "rsa2048").await;
        let other = generated(&mut admin, "Other", "rsa2048").await;
        let changes = [
            ("sls_url", "https://kasm.example.com/api/slo/?id=1"),
            ("sls_binding", "soap"),
            ("logout_method", "backchannel"),
            ("further_acs_url", "https://kasm.example.com/second"),
            ("further_acs_binding", "redirect"),
            ("further_acs_index", "7"),
            ("default_acs", "1"),
            ("signing_kp", default.as_str()),
            ("next_signing_kp", next.as_str()),
            ("verification_kp", other.as_str()),
            ("request_signatures", "optional"),
            ("allow_sha1", "on"),
            ("encryption_kp", other.as_str()),
            ("sign_response", "on"),
            ("data_encryption", "http://www.w3.org/2001/04/xmlenc#aes128-cbc"),
            ("key_transport", "http://www.w3.org/2009/xmlenc11#rsa-oaep"),
            ("on_mapping_failure", "refuse"),
            ("authn_context_class_ref_mapping", "goauthentik.io/providers/saml/upn"),
            ("persistent_names", "same_everywhere"),
            ("metadata_url", "https://kasm.example.com/api/metadata/?id=1"),
            ("metadata_allow_private", "on"),
        ];
        let form = admin.get(&edit).await.form("#provider");
        let form = changes.iter().fold(form, |form, (name, value)| form.set(name, value));
        let form = form.untick("sign_logout_request").untick("sign_logout_response").untick("property_mappings");
        let form = form.set("property_mappings", "goauthentik.io/providers/saml/email");
        let sent: Vec<(String, String)> = owned(&form);
        let saved = admin.submit(form).await;
        assert_eq!(saved.url.path(), page.url.path(), "{}", saved.body);
        let again = admin.get(&edit).await.form("#provider");
        let mut shown = owned(&again);
        // A third row waits where two were filled in or blank; its fields are empty.
        let blank = |(name, value): &(String, String)| name == "further_acs_url" && value.is_empty();
        assert_eq!(shown.iter().filter(|field| blank(field)).count(), 2);
        shown.retain(|(name, _)| !name.starts_with("further_acs") && name != "csrf");
        let sent: Vec<_> =
            sent.into_iter().filter(|(name, _)| !name.starts_with("further_acs") && name != "csrf").collect();
        assert_eq!(shown, sent);
        for (name, value) in [("further_acs_url", "https://kasm.example.com/second"), ("further_acs_index", "7")] {
            assert_eq!(again.value(name), Some(value));
        }
        // A certificate that a provider names can't be deleted, whatever it is named for.
        for id in [next, other] {
            let reply = admin.get(&format!("{ORIGIN}/if/admin/certificates/{id}/")).await;
            let refused = admin.submit(reply.form("#delete")).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        }
    }

    async fn settings_that_do_not_fit_together_are_refused(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let default = certificate_named(&fixture, "Innkeeper Self-signed Certificate").await;
        let ec = generated(&mut admin, "EC", "ecp256").await;
        let new = format!("{ORIGIN}/if/admin/providers/saml/new/");
        for (changes, sentence) in [
            (vec![("next_signing_kp", default.as_str())], "This is the certificate that signs already."),
            (vec![("encryption_kp", ec.as_str())], "Assertions can be encrypted for an RSA key only"),
            (
                vec![("sls_url", ACS), ("logout_method", "backchannel")],
                "From server to server there is nobody to redirect.",
            ),
            (vec![("sls_url", ACS), ("sls_binding", "soap")], "Browsers don't speak SOAP."),
        ] {
            let mut fields = vec![("provider_name", "kasm"), ("acs_url", ACS)];
            fields.extend(changes);
            let reply = fill(&mut admin, &new, "#provider", &fields).await;
            assert!(mistakes(&reply)[0].starts_with(sentence), "{:?}", mistakes(&reply));
        }
    }

    async fn a_provider_is_made_from_metadata(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let import = format!("{ORIGIN}/if/admin/providers/saml/import/");
        let mut metadata = saml::SpMetadata::new(AUDIENCE, ACS);
        metadata.name_id_formats = vec![NameIdFormat::EmailAddress];
        let xml = metadata.to_xml().unwrap();
        for (field, value) in [("metadata", "<x/>"), ("metadata", "no xml"), ("metadata_url", "http://127.0.0.1:1/")] {
            let fields = [("name", "kasm"), (field, value)];
            let reply = fill(&mut admin, &import, "#import", &fields).await;
            assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
            assert_eq!(mistakes(&reply).len(), 1, "{value}: {:?}", mistakes(&reply));
        }
        let reply = super::import::imported(&mut admin, &[("name", "kasm"), ("metadata", &xml)]).await;
        assert_eq!(reply.texts("h1"), ["kasm"], "{}", reply.body);
        let certificate = signing_certificate(&mut admin).await;
        let entity_id = format!("{ORIGIN}/application/saml/kasm/metadata/");
        let expected = Expectations { issuer: entity_id, ..expectations(certificate) };
        let answer = admin.get(&by_redirect(&request(&fixture), None)).await;
        let assertion = verified(&fixture, &answer, &expected);
        assert_eq!(assertion.name_id().unwrap().value, "admin@example.com");
    }

    async fn one_click_registers_once_and_renews_what_it_knows(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let door = fixture.identity.service_providers();
        let asked = |acs: &str| ServiceProvider {
            name: "Workspaces".into(),
            slug: "workspaces".into(),
            metadata: saml::SpMetadata::new(AUDIENCE, acs).to_xml().unwrap(),
            launch_url: String::new(),
        };
        let first = door.register(&asked("https://old.example.com/api/acs/?id=1")).await.unwrap();
        let list = admin.get(&format!("{ORIGIN}/if/admin/providers/")).await;
        let edit = format!("{}edit/", link(&list, "class=\"row-link\" href=\""));
        fill(&mut admin, &edit, "#provider", &[("issuer", "authentik")]).await;
        let second = door.register(&asked(ACS)).await.unwrap();
        assert_eq!((&first.provider, &first.slug), (&second.provider, &second.slug));
        let metadata = saml::IdpMetadata::parse(second.metadata.as_bytes()).unwrap();
        // What an administrator chose stays; the addresses are the new ones.
        assert_eq!(metadata.entity_id, "authentik");
        let certificate = signing_certificate(&mut admin).await;
        let url = by_redirect(&request(&fixture), None).replace("/kasm/", "/workspaces/");
        verified(&fixture, &admin.get(&url).await, &expectations(certificate));
        let broken = ServiceProvider { metadata: "<x/>".into(), ..asked(ACS) };
        assert!(matches!(door.register(&broken).await, Err(ConnectError::Refused(_))));
    }
}
