//! Requests that wait for a sign-in or for consent, and those that may not wait.

use super::*;

both_databases! {
    async fn explicit_consent_is_asked_once_and_can_not_be_skipped(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("authorization_flow", EXPLICIT)]).await;
        let certificate = signing_certificate(&mut admin).await;
        let mut browser = fixture.browser();
        let page = browser.get(&by_redirect(&request(&fixture), None)).await;
        let token = page.form("form").value("request").unwrap().to_owned();
        let csrf = page.form("form").value("csrf").unwrap().to_owned();
        // An early POST agrees to nothing: nobody is signed in.
        let fields = [("csrf", csrf.as_str()), ("request", token.as_str()), ("step", "")];
        let reply = browser.send(Request::post_form(&format!("{ORIGIN}{CONSENT}"), &fields)).await;
        assert_eq!(reply.url.path(), SIGN_IN);
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        let consent = browser.submit(form).await;
        assert_eq!(consent.texts("h1"), ["You’re about to sign into kasm."]);
        // Nor does one that is not from the page that asks.
        for step in ["", "guess"] {
            let reply = browser.submit(consent.form("form").set("step", step)).await;
            assert_eq!(reply.texts("h1"), ["You’re about to sign into kasm."]);
        }
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
        let reply = browser.submit(consent.form("form")).await;
        verified(&fixture, &reply, &expectations(certificate.clone()));
        // The same form again: the request is used up.
        assert_eq!(browser.submit(consent.form("form")).await.status, StatusCode::GONE);
        // The next time it is not asked; after four weeks it is.
        let reply = browser.get(&by_redirect(&request(&fixture), None)).await;
        verified(&fixture, &reply, &expectations(certificate));
        fixture.clock.advance(Duration::from_hours(24 * 28));
        let mut later = fixture.browser();
        let page = later.get(&by_redirect(&request(&fixture), None)).await;
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        assert_eq!(later.submit(form).await.texts("h1"), ["You’re about to sign into kasm."]);
    }

    async fn a_waiting_request_is_its_browsers_alone(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let mut stranger = fixture.browser();
        let page = stranger.get(&by_redirect(&request(&fixture), None)).await;
        let reply = admin.get(page.url.as_str()).await;
        assert_eq!(reply.status, StatusCode::GONE);
        assert_eq!(pending(&fixture).await, 1);
        // One that came by POST becomes that of the first browser that follows the redirect.
        let sent = stranger.send(by_post(&request(&fixture), "").without_redirects()).await;
        let goes_on = sent.redirect().unwrap();
        assert_eq!(stranger.get(goes_on.as_str()).await.status, StatusCode::OK);
        assert_eq!(admin.get(goes_on.as_str()).await.status, StatusCode::GONE);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
        // And none waits for ever.
        fixture.clock.advance(Duration::from_hours(1));
        assert_eq!(stranger.get(goes_on.as_str()).await.status, StatusCode::GONE);
    }

    async fn five_tabs_wait_for_one_sign_in(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let mut browser = fixture.browser();
        let mut tabs = Vec::new();
        for _ in 0..5 {
            tabs.push(browser.send(by_post(&request(&fixture), "")).await);
        }
        let form = tabs[0].form("form").set("uid_field", "admin").set("password", PASSWORD);
        assert_eq!(browser.submit(form).await.texts("h1"), ["Redirecting to kasm…"]);
        for tab in &tabs[1..] {
            assert_eq!(browser.get(tab.url.as_str()).await.texts("h1"), ["Redirecting to kasm…"]);
        }
    }

    async fn force_authn_asks_again_and_only_a_new_sign_in_counts(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        for by_redirect_binding in [true, false] {
            let request = request(&fixture).force_authn(true);
            let page = if by_redirect_binding {
                admin.get(&by_redirect(&request, None)).await
            } else {
                admin.send(by_post(&request, "")).await
            };
            assert_eq!((page.status.as_u16(), page.url.path()), (200, SIGN_IN));
            // Reloading does not get around it.
            assert_eq!(admin.get(page.url.as_str()).await.url.path(), SIGN_IN);
            assert!(page.body.contains("The application asks you to log in again, admin."), "{}", page.body);
            fixture.clock.advance(Duration::from_secs(30));
            let form = page.form("main form").set("uid_field", "admin").set("password", PASSWORD);
            let reply = admin.submit(form).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            assert_eq!(assertion.authn_instant().micros(), store::Clock::now(&fixture.clock).micros());
        }
    }

    async fn a_passive_request_shows_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let passive = request(&fixture).is_passive(true);
        verified(&fixture, &admin.get(&by_redirect(&passive, None)).await, &expectations(certificate.clone()));
        let now = Timestamp::from_micros(store::Clock::now(&fixture.clock).micros());
        for by_redirect_binding in [true, false] {
            let mut stranger = fixture.browser();
            let reply = if by_redirect_binding {
                stranger.get(&by_redirect(&passive, Some("state"))).await
            } else {
                stranger.send(by_post(&passive, "state")).await
            };
            let form = reply.form("form[data-autosubmit]");
            assert_eq!(form.value("RelayState"), Some("state"));
            let response = form.value("SAMLResponse").unwrap();
            let refused = saml::verify_response(response, &expectations(certificate.clone()), now).unwrap_err();
            assert!(refused.sentence().contains("NoPassive"), "{refused:?}");
            assert_eq!(pending(&fixture).await, 0);
        }
        let forced = request(&fixture).is_passive(true).force_authn(true);
        let reply = admin.get(&by_redirect(&forced, None)).await;
        let form = reply.form("form[data-autosubmit]");
        let response = form.value("SAMLResponse").unwrap();
        assert!(saml::verify_response(response, &expectations(certificate), now).is_err());
        assert_eq!(events_named(&fixture, "authorize_application").await, ["kasm"]);
    }
}
