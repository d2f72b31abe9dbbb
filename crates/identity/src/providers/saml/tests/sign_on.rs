//! Single sign-on as a service provider and a person's browser meet it.

use super::*;

both_databases! {
    async fn who_is_signed_in_gets_the_answer_at_once(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let ann = fixture.user("ann", &["Night shift", "Staff"]).await;
        fixture.signed_in(&ann).await;
        let mut browser = fixture.browser();
        let by_password = [("uid_field", "ann"), ("password", PASSWORD)];
        fill(&mut browser, &format!("{ORIGIN}{SIGN_IN}"), "form", &by_password).await;
        let request = request(&fixture).name_id_format(NameIdFormat::EmailAddress);
        let reply = browser.get(&by_redirect(&request, Some("where I was"))).await;
        let assertion = verified(&fixture, &reply, &expectations(certificate));
        let name_id = assertion.name_id().unwrap();
        assert_eq!((&name_id.format, name_id.value.as_str()), (&NameIdFormat::EmailAddress, "ann@example.com"));
        assert_eq!(attribute(&assertion, "http://schemas.xmlsoap.org/claims/Group"), ["Night shift", "Staff"]);
        assert_eq!(attribute(&assertion, "http://schemas.goauthentik.io/2021/02/saml/username"), ["ann"]);
        assert_eq!(attribute(&assertion, "http://schemas.goauthentik.io/2021/02/saml/uid"), [ann.as_str()]);
        assert_eq!(assertion.attributes().len(), 8);
        assert_eq!(assertion.covered(), SignedParts::Assertion);
        let class = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
        assert_eq!(assertion.authn_context(), Some(class));
        let form = reply.form("form[data-autosubmit]");
        assert_eq!(form.value("RelayState"), Some("where I was"));
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' https://kasm.example.com;"), "{policy}");
        assert_eq!(events_named(&fixture, "authorize_application").await, ["kasm"]);
        assert_eq!(pending(&fixture).await, 0);
    }

    async fn who_is_not_signs_in_first_by_redirect_and_by_post(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let request = request(&fixture);
        for by_redirect_binding in [true, false] {
            let mut browser = fixture.browser();
            let page = if by_redirect_binding {
                browser.get(&by_redirect(&request, None)).await
            } else {
                browser.send(by_post(&request, "")).await
            };
            assert_eq!((page.status.as_u16(), page.url.path()), (200, SIGN_IN), "{}", page.body);
            assert_eq!(page.texts("h1"), ["Log in to continue to kasm"]);
            let policy = page.header("content-security-policy").unwrap();
            assert!(policy.contains("form-action 'self' https://kasm.example.com;"), "{policy}");
            let wrong = page.form("form").set("uid_field", "admin").set("password", "wrong horse battery");
            let again = browser.submit(wrong).await;
            assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
            let right = again.form("form").set("uid_field", "admin").set("password", PASSWORD);
            let reply = browser.submit(right).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            assert_eq!(assertion.in_response_to(), Some("_request-1"));
            assert_eq!(pending(&fixture).await, 0);
            // Coming back, the request is used up.
            assert_eq!(browser.get(reply.url.as_str()).await.status, StatusCode::GONE);
        }
    }

    async fn a_post_from_a_signed_in_browser_needs_no_second_sign_in(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let reply = admin.send(by_post(&request(&fixture), "<state>")).await;
        verified(&fixture, &reply, &expectations(certificate));
        assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some("<state>"));
    }

    async fn a_hostile_relay_state_stays_text(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let hostile = "\"><script>alert(1)</script><input value='\u{1}&quot;";
        let reply = admin.get(&by_redirect(&request(&fixture), Some(hostile))).await;
        assert!(!reply.body.contains("<script>alert"), "{}", reply.body);
        assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some(hostile));
        let long = "x".repeat(8193);
        let reply = admin.get(&by_redirect(&request(&fixture), Some(&long))).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    }

    async fn a_sign_in_can_begin_here(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("default_relay_state", "/#/dashboard")]).await;
        let certificate = signing_certificate(&mut admin).await;
        let unasked = Expectations { in_response_to: None, ..expectations(certificate) };
        for path in ["init/", "sso/binding/init/"] {
            let reply = admin.get(&format!("{ORIGIN}/application/saml/kasm/{path}")).await;
            let assertion = verified(&fixture, &reply, &unasked);
            assert_eq!(assertion.in_response_to(), None);
            assert_eq!(reply.form("form[data-autosubmit]").value("RelayState"), Some("/#/dashboard"));
        }
        // From a tile, by somebody who has to sign in first.
        let mut browser = fixture.browser();
        let page = browser.get(&format!("{ORIGIN}/application/launch/kasm/")).await;
        let form = page.form("form").set("uid_field", "admin").set("password", PASSWORD);
        let reply = browser.submit(form).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(reply.body.contains("content=\"0;url=/application/launch/kasm/\""), "{}", reply.body);
        verified(&fixture, &browser.get(&link(&reply, "class=\"btn btn-block\" href=\"")).await, &unasked);
    }

    async fn bad_requests_get_a_sentence_and_change_nothing(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let good = by_redirect(&request(&fixture), None);
        let unknown = good.replace("/kasm/", "/other/");
        let elsewhere = by_redirect(&request(&fixture).acs_url("https://kasm.example.com.evil.example/api/acs/"), None);
        let longer = by_redirect(&request(&fixture).acs_url(format!("{ACS}0")), None);
        let bare = format!("{ORIGIN}{REDIRECT}");
        let urls = [
            (bare.clone(), 400),
            (format!("{bare}?SAMLRequest="), 400),
            (format!("{bare}?SAMLRequest=%21%21"), 400),
            (good[..good.len() - 40].to_owned(), 400),
            (unknown, 404),
            (elsewhere, 400),
            (longer, 400),
        ];
        for (url, status) in urls {
            let reply = admin.get(&url).await;
            assert_eq!(reply.status.as_u16(), status, "{url}: {}", reply.body);
            assert_eq!(reply.texts("[role=alert]").len(), 1, "{url}");
            assert!(reply.body.contains("Id of this request"), "{url}");
        }
        let doctype = "<!DOCTYPE x [<!ENTITY e \"x\">]><samlp:AuthnRequest \
                       xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\">&e;</samlp:AuthnRequest>";
        let oversized = format!("<x>{}</x>", " ".repeat(300 * 1024));
        let no_request = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>";
        for xml in [doctype, &oversized, no_request, "<", ""] {
            let message = saml::post_value(xml);
            let form = Request::post_form(&format!("{ORIGIN}{POST}"), &[("SAMLRequest", &message)]).cross_site();
            let reply = admin.send(form).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{xml:.80}: {}", reply.body);
            assert_eq!(reply.texts("[role=alert]").len(), 1);
        }
        let reply = admin.send(Request::post_form(&format!("{ORIGIN}{POST}"), &[]).cross_site()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(pending(&fixture).await, 0);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
    }

    async fn bindings_decide_and_a_refused_person_gets_no_answer(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let (ann, bob) = (fixture.user("ann", &["Staff"]).await, fixture.user("bob", &[]).await);
        let (mut ann_browser, mut bob_browser) = (fixture.signed_in(&ann).await, fixture.signed_in(&bob).await);
        let url = by_redirect(&request(&fixture), None);
        assert_eq!(bob_browser.get(&url).await.texts("h1"), ["Redirecting to kasm…"]);
        let group = fixture.group("Staff").await;
        bind(&fixture, None, Some(&group)).await;
        for reply in [bob_browser.get(&url).await, bob_browser.send(by_post(&request(&fixture), "")).await] {
            assert_eq!(reply.status, StatusCode::FORBIDDEN);
            assert_eq!(reply.texts("h1"), ["Permission denied"]);
            assert!(!reply.body.contains("SAMLResponse"), "{}", reply.body);
            assert!(reply.body.contains("Ask an administrator"), "{}", reply.body);
        }
        assert_eq!(events_named(&fixture, "access_denied").await, ["kasm", "kasm"]);
        // Both wait, so that he can turn back to the application with them.
        assert_eq!(pending(&fixture).await, 2);
        assert_eq!(ann_browser.get(&url).await.texts("h1"), ["Redirecting to kasm…"]);
        // A binding to the user itself lets him in from the next request on.
        bind(&fixture, Some(&bob), None).await;
        assert_eq!(bob_browser.get(&url).await.texts("h1"), ["Redirecting to kasm…"]);
    }

    async fn the_redirect_binding_carries_the_answer_in_the_address(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[("sp_binding", "redirect")]).await;
        let asked = request(&fixture).protocol_binding(saml::Binding::HttpRedirect);
        let reply = admin.get(&by_redirect(&asked, Some("a b&c"))).await;
        let target = reply.redirect().unwrap();
        assert!(target.as_str().starts_with(&format!("{ACS}&SAMLResponse=")), "{target}");
        let pairs: Vec<_> = target.query_pairs().collect();
        assert!(pairs.contains(&("RelayState".into(), "a b&c".into())), "{pairs:?}");
    }

    async fn a_verification_certificate_demands_signed_requests(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = admin.get(&format!("{ORIGIN}{NEW}")).await;
        let own = page.form("#application").value("signing_kp").unwrap().to_owned();
        kasm(&mut admin, &[("verification_kp", &own)]).await;
        let reply = admin.get(&by_redirect(&request(&fixture), None)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.body);
        // Our own key plays the service provider's.
        let mut conn = fixture.store.read().await.unwrap();
        let pem = crate::certificates::private_key(&mut conn, &fixture.app.sealer, &own).await.unwrap().unwrap();
        drop(conn);
        let key = saml::SigningKey::from_pkcs8_pem(&pem).unwrap();
        let signed = request(&fixture).redirect_url(&format!("{ORIGIN}{REDIRECT}"), Some("x"), Some(&key)).unwrap();
        assert_eq!(admin.get(&signed).await.texts("h1"), ["Redirecting to kasm…"]);
        let tampered = signed.replace("RelayState=x", "RelayState=y");
        assert_eq!(admin.get(&tampered).await.status, StatusCode::BAD_REQUEST);
    }

    async fn names_follow_the_request_and_then_the_provider(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        let certificate = signing_certificate(&mut admin).await;
        let ask = |format| by_redirect(&request(&fixture).name_id_format(format), None);
        let mut seen = Vec::new();
        for format in [NameIdFormat::Persistent, NameIdFormat::Unspecified, NameIdFormat::Transient] {
            let reply = admin.get(&ask(format.clone())).await;
            let assertion = verified(&fixture, &reply, &expectations(certificate.clone()));
            let name_id = assertion.name_id().unwrap();
            assert_eq!(name_id.format, format);
            assert!(!name_id.value.contains("admin"), "{}", name_id.value);
            seen.push(name_id.value.clone());
        }
        assert_ne!(seen[0], seen[1]);
        assert_ne!(seen[0], seen[2]);
        assert_ne!(seen[1], seen[2]);
        let mapping = [("name_id_mapping", "goauthentik.io/providers/saml/username")];
        fill(&mut admin, &format!("{}edit/", page.url), "#provider", &mapping).await;
        let reply = admin.get(&ask(NameIdFormat::EmailAddress)).await;
        let assertion = verified(&fixture, &reply, &expectations(certificate));
        assert_eq!(assertion.name_id().unwrap().value, "admin");
    }

    async fn a_person_without_the_name_that_is_asked_for_hears_why(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        kasm(&mut admin, &[]).await;
        let ann = fixture.user("ann", &[]).await;
        let mut browser = fixture.signed_in(&ann).await;
        let mut tx = fixture.store.begin().await.unwrap();
        sqlx::query("UPDATE identity_users SET email = '' WHERE id = $1").bind(&ann).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let url = by_redirect(&request(&fixture).name_id_format(NameIdFormat::EmailAddress), None);
        let reply = browser.get(&url).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.contains("the account ann has none"), "{}", reply.body);
        assert!(events_named(&fixture, "authorize_application").await.is_empty());
    }
}
