//! Our metadata, as service providers fetch it.

use axum::http::header;

use super::*;

const METADATA: &str = "/application/saml/kasm/metadata/";

async fn ask(browser: &mut Browser, header: Option<(header::HeaderName, &str)>) -> Reply {
    let request = Request::get(&format!("{ORIGIN}{METADATA}"));
    let request = match header {
        Some((name, value)) => request.header(name, value),
        None => request,
    };
    browser.send(request).await
}

both_databases! {
    async fn metadata_is_signed_once_and_not_sent_again_to_who_has_it(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let page = kasm(&mut admin, &[]).await;
        let mut stranger = fixture.browser();
        let first = ask(&mut stranger, None).await;
        let tag = first.header("etag").unwrap().to_owned();
        let date = first.header("last-modified").unwrap().to_owned();
        assert_eq!(first.header("cache-control"), Some("no-cache"));
        fixture.clock.advance(Duration::from_secs(60));
        let again = ask(&mut stranger, None).await;
        assert_eq!((again.header("last-modified"), &again.body), (Some(date.as_str()), &first.body));
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let reply = ask(&mut stranger, Some((header::IF_NONE_MATCH, &known))).await;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{known}");
            assert_eq!(reply.header("etag"), Some(tag.as_str()));
        }
        let reply = ask(&mut stranger, Some((header::IF_MODIFIED_SINCE, &date))).await;
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        let reply = ask(&mut stranger, Some((header::IF_MODIFIED_SINCE, "Thu, 01 Jan 1970 00:00:00 GMT"))).await;
        assert_eq!(reply.status, StatusCode::OK);
        let reply = ask(&mut stranger, Some((header::IF_NONE_MATCH, "\"other\""))).await;
        assert_eq!(reply.status, StatusCode::OK);
        // A change counts at once.
        fill(&mut admin, &format!("{}edit/", page.url), "#provider", &[("issuer", "https://auth.example.com")]).await;
        let reply = ask(&mut stranger, Some((header::IF_NONE_MATCH, &tag))).await;
        let parsed = saml::IdpMetadata::parse(&reply.bytes).unwrap();
        assert_eq!(parsed.entity_id, "https://auth.example.com");
        assert_ne!(reply.header("etag"), Some(tag.as_str()));
    }

    async fn metadata_is_valid_for_half_a_week_at_least_and_announces_the_next_key(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let next = generated(&mut admin, "Next", "ecp256").await;
        let page = kasm(&mut admin, &[]).await;
        fill(&mut admin, &format!("{}edit/", page.url), "#provider", &[("next_signing_kp", &next)]).await;
        let mut stranger = fixture.browser();
        let mut tags = std::collections::BTreeSet::new();
        for _ in 0..14 {
            let reply = ask(&mut stranger, None).await;
            let parsed = saml::IdpMetadata::parse(&reply.bytes).unwrap();
            let now = store::Clock::now(&fixture.clock);
            let left = parsed.valid_until.unwrap().micros() - now.micros();
            assert!((84 * 3600..=168 * 3600).contains(&(left / 1_000_000)), "{left}");
            assert_eq!(parsed.cache_duration, Some(Duration::from_hours(24)));
            assert_eq!(parsed.signing_certificates.len(), 2);
            let current = parsed.signing_certificates[0].verifying_key().clone();
            saml::IdpMetadata::parse_signed(&reply.bytes, &[current]).unwrap();
            tags.insert(reply.header("etag").unwrap().to_owned());
            fixture.clock.advance(Duration::from_hours(12));
        }
        assert!((2..=3).contains(&tags.len()), "a week has two or three documents: {tags:?}");
    }
}
