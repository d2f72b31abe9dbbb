//! Applications that ask to end a session.

use super::*;

both_databases! {
    async fn the_others_are_told_before_the_answer(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &[("logout_method", "frontchannel_native")]).await;
        for (signed_out, status) in [(true, Status::SUCCESS), (false, Status::PARTIAL_LOGOUT)] {
            let mut browser = if signed_out { ann(&fixture).await } else { again(&fixture).await };
            let at_wiki = wiki.open(&mut browser).await;
            let at_mail = mail.open(&mut browser).await;
            let here = wiki.service("redirect");
            let page = browser.get(&wiki.by_redirect(&wiki.request(&fixture, &at_wiki, &here), true)).await;
            assert_eq!(page.texts("h1"), ["Signing out of mail…"], "{}", page.body);
            assert!(!is_signed_in(&mut browser).await);
            let step = addresses(&page, "<a class=\"btn btn-block\" href=\"").remove(0);
            let reply = browser.get(&format!("{ORIGIN}{step}")).await;
            let request = mail.received(&reply.redirect().unwrap(), &at_mail);
            let reply = if signed_out {
                browser.get(&mail.answer(&fixture, &request, &Status::SUCCESS)).await
            } else {
                browser.get(page.url.as_str()).await
            };
            assert_eq!(wiki.answered(&reply).status, status);
            assert_eq!(browser.get(page.url.as_str()).await.status, StatusCode::GONE, "answered once");
        }
        assert_eq!(events_named(&fixture, "logout").await, ["ann", "ann"]);
        assert_eq!(count(&fixture, "identity_saml_sessions").await, 0);
    }

    async fn in_each_binding_and_at_the_address_that_takes_both(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let unified = format!("{ORIGIN}/application/saml/wiki/");
        let mut browser = ann(&fixture).await;
        for (address, post) in [(wiki.service("redirect"), false), (unified.clone(), false), (wiki.service("post"), true), (unified, true)] {
            let told = wiki.open(&mut browser).await;
            let request = wiki.request(&fixture, &told, &address);
            let reply = if post {
                let value = saml::post_value(&request.to_xml(Some(&wiki.signer)).unwrap());
                let form = [("SAMLRequest", value.as_str()), ("RelayState", "back & forth")];
                browser.send(Request::post_form(&address, &form).cross_site()).await
            } else {
                browser.get(&wiki.by_redirect(&request, true)).await
            };
            assert_eq!(wiki.answered(&reply).status, Status::SUCCESS, "{address}");
            assert!(!is_signed_in(&mut browser).await, "{address}");
            browser = again(&fixture).await;
        }
    }

    async fn our_metadata_names_the_services(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let metadata = admin.get(&format!("{ORIGIN}/application/saml/wiki/metadata/")).await;
        let metadata = saml::IdpMetadata::parse(&metadata.bytes).unwrap();
        for (binding, path) in [
            (saml::LogoutBinding::HttpRedirect, "redirect"),
            (saml::LogoutBinding::HttpPost, "post"),
            (saml::LogoutBinding::Soap, "soap"),
        ] {
            assert_eq!(metadata.single_logout_service(binding).unwrap().location, wiki.service(path));
        }
    }

    async fn unsigned_it_counts_only_for_the_browser_that_brings_it(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[("verification_kp", "")]).await;
        let mut victim = ann(&fixture).await;
        let told = wiki.open(&mut victim).await;
        let here = wiki.service("redirect");
        let url = wiki.by_redirect(&wiki.request(&fixture, &told, &here), false);
        let by_name = LogoutRequestBuilder { session_indexes: &[], ..wiki.request(&fixture, &told, &here) };
        let by_name = wiki.by_redirect(&by_name, false);
        let xml = wiki.request(&fixture, &told, &here).to_xml(None).unwrap();
        let value = saml::post_value(&xml);
        let form = [("SAMLRequest", value.as_str()), ("RelayState", "back & forth")];
        let form = || Request::post_form(&wiki.service("post"), &form).cross_site();
        for mut stranger in [fixture.browser(), fixture.administrator_again().await] {
            for reply in [stranger.get(&url).await, stranger.get(&by_name).await, stranger.send(form()).await] {
                let status = wiki.answered(&reply).status;
                assert_eq!(status.sub_code, Some(saml::StatusCode::RequestDenied), "{status:?}");
            }
        }
        // A name is no secret: any page could send the person here with it.
        let status = wiki.answered(&victim.get(&by_name).await).status;
        assert_eq!(status.sub_code, Some(saml::StatusCode::RequestDenied), "{status:?}");
        assert!(is_signed_in(&mut victim).await);
        assert_eq!(events_named(&fixture, "logout_request_refused").await.len(), 7);
        // From another site by a form, without the cookie, it comes again as a redirect with it.
        let reply = victim.send(form()).await;
        assert_eq!(wiki.answered(&reply).status, Status::SUCCESS);
        assert!(!is_signed_in(&mut victim).await);
        let mut victim = again(&fixture).await;
        let told = wiki.open(&mut victim).await;
        let reply = victim.get(&wiki.by_redirect(&wiki.request(&fixture, &told, &here), false)).await;
        assert_eq!(wiki.answered(&reply).status, Status::SUCCESS);
    }

    async fn who_where_when_and_signed_by_whom_is_checked(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &[]).await;
        let mut browser = ann(&fixture).await;
        let told = wiki.open(&mut browser).await;
        let here = wiki.service("redirect");
        let good = || wiki.request(&fixture, &told, &here);
        let now = good().issue_instant;
        let foreign = LogoutRequestBuilder { issuer: &mail.entity_id, ..good() };
        let elsewhere = mail.service("redirect");
        let mut misdirected = wiki.by_redirect(&LogoutRequestBuilder { destination: &elsewhere, ..good() }, true);
        misdirected = misdirected.replace("/saml/mail/", "/saml/wiki/");
        let expired = LogoutRequestBuilder { not_on_or_after: Some(now.minus(Duration::from_mins(2))), ..good() };
        let old = LogoutRequestBuilder {
            not_on_or_after: None, issue_instant: now.minus(Duration::from_mins(6)), ..good()
        };
        let early = LogoutRequestBuilder { issue_instant: now.plus(Duration::from_mins(2)), ..good() };
        let tampered = wiki.by_redirect(&good(), true).replace("RelayState=back", "RelayState=forth");
        for (url, words) in [
            (wiki.by_redirect(&good(), false), "not signed"),
            (tampered, "signature"),
            (mail.by_redirect(&good(), true), "signature"),
            (wiki.by_redirect(&foreign, true), "Issuer"),
            (misdirected, "Destination"),
            (wiki.by_redirect(&expired, true), "too late"),
            (wiki.by_redirect(&old, true), "too old"),
            (wiki.by_redirect(&early, true), "has not come yet"),
        ] {
            let reply = browser.get(&url).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{words}: {}", reply.body);
            assert!(reply.texts("[role=alert]")[0].contains(words), "{words}: {:?}", reply.texts("[role=alert]"));
        }
        assert_eq!(events_named(&fixture, "logout_request_refused").await.len(), 8);
        assert!(is_signed_in(&mut browser).await);
    }

    async fn the_name_must_be_that_of_the_session(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mut browser = ann(&fixture).await;
        let told = wiki.open(&mut browser).await;
        let here = wiki.service("redirect");
        let other = Told { name_id: NameId::new(told.name_id.format.clone(), "bob@example.com"), ..told.clone() };
        let reply = browser.get(&wiki.by_redirect(&wiki.request(&fixture, &other, &here), true)).await;
        assert_eq!(wiki.answered(&reply).status.sub_code, Some(saml::StatusCode::UnknownPrincipal));
        assert!(is_signed_in(&mut browser).await);
        // A session that is over already needs no end.
        let over = Told { session_index: "_over".into(), ..told.clone() };
        let reply = browser.get(&wiki.by_redirect(&wiki.request(&fixture, &over, &here), true)).await;
        assert_eq!(wiki.answered(&reply).status, Status::SUCCESS);
        assert!(is_signed_in(&mut browser).await);
        // Without an index it means all the sessions of the person.
        let mut second = again(&fixture).await;
        wiki.open(&mut second).await;
        let all = LogoutRequestBuilder { session_indexes: &[], ..wiki.request(&fixture, &told, &here) };
        let reply = browser.get(&wiki.by_redirect(&all, true)).await;
        assert_eq!(wiki.answered(&reply).status, Status::SUCCESS);
        assert!(!is_signed_in(&mut browser).await && !is_signed_in(&mut second).await);
    }

    async fn where_no_answer_can_go_the_person_is_told(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[("sls_url", "")]).await;
        let mut browser = ann(&fixture).await;
        let told = wiki.open(&mut browser).await;
        let here = wiki.service("redirect");
        let reply = browser.get(&wiki.by_redirect(&wiki.request(&fixture, &told, &here), true)).await;
        assert_eq!(reply.texts("h1"), ["You are signed out"], "{}", reply.body);
        let reply = browser.get(&wiki.by_redirect(&wiki.request(&fixture, &told, &here), true)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.texts("[role=alert]")[0].contains("SLS URL"), "{}", reply.body);
    }
}

impl Fixture {
    /// The first administrator in another browser.
    async fn administrator_again(&self) -> Browser {
        let mut browser = self.browser();
        let fields = [("uid_field", "admin"), ("password", PASSWORD)];
        fill(&mut browser, &format!("{ORIGIN}{SIGN_IN}"), "form", &fields).await;
        browser
    }
}
