//! Signing out here, and the applications told by way of the browser.

use super::*;

both_databases! {
    async fn signing_out_tells_every_application_in_frames(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &[("sls_binding", "post")]).await;
        let mut browser = ann(&fixture).await;
        let at_wiki = wiki.open(&mut browser).await;
        // Opened twice, it is one session still.
        assert_eq!(wiki.open(&mut browser).await.session_index, at_wiki.session_index);
        fixture.clock.advance(Duration::from_secs(1));
        let at_mail = mail.open(&mut browser).await;
        assert_eq!(count(&fixture, "identity_saml_sessions").await, 2);

        let page = sign_out(&mut browser).await;
        assert_eq!(page.texts("h1"), ["Signing out…"], "{}", page.body);
        assert!(!is_signed_in(&mut browser).await, "the session here is over at once");
        assert_eq!(count(&fixture, "identity_saml_sessions").await, 0);
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-src 'self' https://wiki.example https://mail.example;"), "{policy}");
        let frames = addresses(&page, "<iframe src=\"");
        assert_eq!(frames.len(), 2);

        let reply = browser.get(&format!("{ORIGIN}{}", frames[0])).await;
        let request = wiki.received(&reply.redirect().unwrap(), &at_wiki);
        let told = browser.get(&wiki.answer(&fixture, &request, &Status::SUCCESS)).await;
        assert_eq!(told.texts("h1"), ["wiki"]);
        assert!(told.body.contains("You are signed out there."));
        assert!(told.header("content-security-policy").unwrap().contains(&format!("frame-ancestors {ORIGIN}")));
        let progress = browser.get(&format!("{}progress/", page.url)).await;
        assert_eq!(progress.texts("dd"), ["signed out", "waits to be told"]);

        let form = browser.get(&format!("{ORIGIN}{}", frames[1])).await;
        let policy = form.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' https://mail.example") && policy.contains(&format!("frame-ancestors {ORIGIN}")));
        let form = form.form("form[data-autosubmit]");
        let request = LogoutRequest::from_post(form.value("SAMLRequest").unwrap(), None).unwrap();
        mail.expect(&request, &at_mail);
        let xml = mail.answer_xml(&fixture, &request, &Status::SUCCESS, Some(&mail.signer));
        let answer = [("SAMLResponse", saml::post_value(&xml))];
        let answer = answer.each_ref().map(|(name, value)| (*name, value.as_str()));
        let told = browser.send(Request::post_form(&mail.service("post"), &answer).cross_site()).await;
        assert_eq!(told.texts("h1"), ["mail"], "{}", told.body);

        let over = browser.get(&format!("{}progress/", page.url)).await;
        assert!(over.url.query() == Some("over=yes"), "the page's script loads it anew");
        for _ in 0..2 {
            let summary = browser.get(page.url.as_str()).await;
            assert_eq!(summary.texts("h1"), ["You are signed out"], "{}", summary.body);
            assert_eq!(summary.texts("dd"), ["signed out", "signed out"]);
        }
        assert_eq!(events_named(&fixture, "logout").await, ["ann"]);
        assert_eq!(events_named(&fixture, "applications_told_of_logout").await, ["ann"]);
    }

    async fn whoever_opened_nothing_is_signed_out_as_before(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let _admin = fixture.administrator().await;
        let mut browser = ann(&fixture).await;
        let reply = sign_out(&mut browser).await;
        assert_eq!(reply.url.path(), SIGN_IN);
        assert_eq!(count(&fixture, "identity_saml_logouts").await, 0);
    }

    async fn one_after_the_other_and_nobody_is_kept_by_one_that_is_silent(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let native = [("logout_method", "frontchannel_native")];
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &native).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &native).await;
        let chat = Peer::register(&fixture, &mut admin, "chat", &[("sls_url", "")]).await;
        let mut browser = ann(&fixture).await;
        let at_wiki = wiki.open(&mut browser).await;
        fixture.clock.advance(Duration::from_secs(1));
        let at_mail = mail.open(&mut browser).await;
        fixture.clock.advance(Duration::from_secs(1));
        chat.open(&mut browser).await;
        let page = sign_out(&mut browser).await;
        assert_eq!(page.texts("h1"), ["Signing out of wiki…"], "{}", page.body);
        let step = addresses(&page, "<a class=\"btn btn-block\" href=\"").remove(0);
        assert!(page.body.contains(&format!("content=\"0;url={step}\"")));
        let reply = browser.get(&format!("{ORIGIN}{step}")).await;
        let request = wiki.received(&reply.redirect().unwrap(), &at_wiki);
        // A second time, the step leads on instead of being taken again.
        let denied = Status {
            code: saml::StatusCode::Responder,
            sub_code: Some(saml::StatusCode::RequestDenied),
            message: Some("not <today>".into()),
        };
        let page = browser.get(&wiki.answer(&fixture, &request, &denied)).await;
        assert_eq!(page.texts("h1"), ["Signing out of mail…"], "{}", page.body);
        let step = addresses(&page, "<a class=\"btn btn-block\" href=\"").remove(0);
        let reply = browser.get(&format!("{ORIGIN}{step}")).await;
        let request = mail.received(&reply.redirect().unwrap(), &at_mail);
        let summary = browser.get(&format!("{ORIGIN}{step}")).await;
        assert_eq!(summary.texts("h1"), ["You are not signed out everywhere"], "{}", summary.body);
        assert_eq!(summary.texts("dd"), [
            "refused to sign you out: not <today>",
            "did not confirm it",
            "could not be told: it has no address for signing out",
        ]);
        assert!(summary.body.contains("Close the browser"));
        // Too late, it changes nothing.
        let late = browser.get(&mail.answer(&fixture, &request, &Status::SUCCESS)).await;
        assert_eq!(late.texts("dd")[1], "did not confirm it");
    }

    async fn without_scripts_frames_become_one_after_the_other(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[("sls_binding", "post")]).await;
        let mut browser = ann(&fixture).await;
        let at_wiki = wiki.open(&mut browser).await;
        let page = sign_out(&mut browser).await;
        // In its frame nobody pressed the button of the form.
        browser.get(&format!("{ORIGIN}{}", addresses(&page, "<iframe src=\"")[0])).await;
        let link = addresses(&page, "<a class=\"btn btn-outline btn-block\" href=\"").remove(0);
        let next = browser.get(&format!("{ORIGIN}{link}")).await;
        assert_eq!(next.texts("h1"), ["Signing out of wiki…"], "{}", next.body);
        let step = addresses(&next, "<a class=\"btn btn-block\" href=\"").remove(0);
        let form = browser.get(&format!("{ORIGIN}{step}")).await.form("form");
        let request = LogoutRequest::from_post(form.value("SAMLRequest").unwrap(), None).unwrap();
        wiki.expect(&request, &at_wiki);
        let summary = browser.get(&wiki.answer(&fixture, &request, &Status::SUCCESS)).await;
        assert_eq!(summary.texts("h1"), ["You are signed out"], "{}", summary.body);
    }

    async fn a_logout_belongs_to_its_browser_and_ends(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mut browser = ann(&fixture).await;
        wiki.open(&mut browser).await;
        let page = sign_out(&mut browser).await;
        let step = addresses(&page, "<iframe src=\"").remove(0);
        for url in [page.url.to_string(), format!("{ORIGIN}{step}"), format!("{}progress/", page.url)] {
            assert_eq!(admin.get(&url).await.status, StatusCode::GONE, "{url}");
            assert_eq!(fixture.browser().get(&url).await.status, StatusCode::GONE, "{url}");
        }
        let summary = browser.get(&format!("{}?frames=done", page.url)).await;
        assert_eq!(summary.texts("dd"), ["did not confirm it"]);
        fixture.clock.advance(Duration::from_mins(16));
        assert_eq!(browser.get(page.url.as_str()).await.status, StatusCode::GONE);
        super::super::sweep(&fixture.app, fixture.app.site.now()).await.unwrap();
        assert_eq!(count(&fixture, "identity_saml_logouts").await, 0);
        assert_eq!(count(&fixture, "identity_saml_logout_steps").await, 0);
    }

    async fn an_answer_must_be_that_of_the_application_to_this_request(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mail = Peer::register(&fixture, &mut admin, "mail", &[]).await;
        let mut browser = ann(&fixture).await;
        let at_wiki = wiki.open(&mut browser).await;
        let page = sign_out(&mut browser).await;
        let step = addresses(&page, "<iframe src=\"").remove(0);
        let reply = browser.get(&format!("{ORIGIN}{step}")).await;
        let request = wiki.received(&reply.redirect().unwrap(), &at_wiki);
        let good = wiki.answer(&fixture, &request, &Status::SUCCESS);
        let unsigned = good.split("&SigAlg=").next().unwrap().to_owned();
        let foreign = mail.answer(&fixture, &request, &Status::SUCCESS);
        let as_wiki = Peer { slug: "wiki", entity_id: wiki.entity_id.clone(), sls: wiki.sls.clone(), ..mail };
        let forged = as_wiki.answer(&fixture, &request, &Status::SUCCESS);
        let mut other = request.clone();
        other.id = "_another".into();
        let unknown = wiki.answer(&fixture, &other, &Status::SUCCESS);
        for url in [unsigned, foreign, forged, unknown] {
            let reply = browser.get(&url).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{url}: {}", reply.body);
            assert_eq!(reply.texts("[role=alert]").len(), 1);
        }
        assert_eq!(events_named(&fixture, "logout_response_refused").await, ["wiki", "mail", "wiki", "wiki"]);
        assert_eq!(browser.get(&format!("{}progress/", page.url)).await.texts("dd"), ["has been told"]);
        assert_eq!(browser.get(&good).await.texts("h1"), ["wiki"]);
        assert_eq!(browser.get(&good).await.status, StatusCode::BAD_REQUEST, "a second time");
    }

    async fn what_an_earlier_session_of_the_browser_opened_is_ended_too(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let wiki = Peer::register(&fixture, &mut admin, "wiki", &[]).await;
        let mut browser = ann(&fixture).await;
        let first = wiki.open(&mut browser).await;
        fixture.clock.advance(Duration::from_secs(1));
        // Asked to prove again who she is, she gets a new session in the same browser.
        let request = saml::AuthnRequestBuilder::new("_again", &wiki.entity_id, first_moment(&fixture)).force_authn(true);
        let signing = Some((wiki.signer.key(), wiki.signer.signature_algorithm()));
        let sso = format!("{ORIGIN}/application/saml/wiki/sso/binding/redirect/");
        let form = browser.get(&request.redirect_url_with(&sso, None, signing).unwrap()).await.form("form");
        browser.submit(form.set("uid_field", "ann").set("password", PASSWORD)).await;
        assert_eq!(count(&fixture, "identity_saml_sessions").await, 2);
        let page = sign_out(&mut browser).await;
        let frames = addresses(&page, "<iframe src=\"");
        assert_eq!(frames.len(), 2, "{}", page.body);
        let reply = browser.get(&format!("{ORIGIN}{}", frames[0])).await;
        wiki.received(&reply.redirect().unwrap(), &first);
    }
}

fn first_moment(fixture: &Fixture) -> Timestamp {
    Timestamp::from_micros(store::Clock::now(&fixture.clock).micros())
}
