//! The layer around a product, seen from a browser.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on has failed")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Path, Query};
use axum::http::{Request, Response, StatusCode, header};
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use site::{CspAdditions, Notice, Problem, Product, Site, SiteSetup, Submitted, Visitor};
use tower::ServiceExt as _;
use url::Url;

#[derive(Clone)]
struct App(Site);

impl FromRef<App> for Site {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

#[derive(Deserialize)]
struct Wish {
    wish: String,
}

fn site(url: &str) -> Site {
    Site::new(SiteSetup {
        product: Product::Workspaces,
        public_url: Url::parse(url).unwrap(),
        key: [7; 32],
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        clock: Arc::new(testkit::FakeClock::at(store::Timestamp::from_micros(1_700_000_000_000_000))),
        random: Arc::new(testkit::SeededRandom::new(1)),
    })
}

fn router(site: &Site) -> Router {
    let app = App(site.clone());
    let noticing = site.clone();
    let routes = Router::new()
        .route(
            "/form",
            get(|app: axum::extract::State<App>, visitor: Visitor| async move { visitor.csrf(&app.0.0) }),
        )
        .route("/wish", post(|Submitted(form): Submitted<Wish>| async move { form.wish }))
        .route("/plain", get(|| async { "plain" }))
        .route("/number/{number}", get(|Path(number): Path<u32>| async move { number.to_string() }))
        .route("/search", get(|Query(search): Query<Wish>| async move { search.wish }))
        .route("/forbidden", get(|| async { (StatusCode::FORBIDDEN, "This is ours.") }))
        .route("/broken", get(|| async { Err::<(), _>(Problem::internal("the cellar is <flooded>")) }))
        .route(
            "/panics",
            get(|| async {
                if true {
                    panic!("boom")
                }
            }),
        )
        .route("/done", post(move || async move { Notice::redirect(&noticing, "Saved <it>.", "/plain") }))
        .route(
            "/leave",
            get(|| async {
                let url = Url::parse("https://sp.example.com/acs?x=1").unwrap();
                CspAdditions::default().form_action(&url).on(axum::response::IntoResponse::into_response("x"))
            }),
        )
        .route(
            "/frames",
            get(|| async {
                let url = Url::parse("https://sp.example.com/sls").unwrap();
                let page = axum::response::IntoResponse::into_response("x");
                CspAdditions::default().frame(&url).on(page)
            }),
        )
        .with_state(app);
    site.wrap(routes)
}

async fn send(router: &Router, request: Request<Body>) -> (Response<()>, String) {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8_lossy(&body).into_owned())
}

fn get_request(path: &str) -> Request<Body> {
    Request::get(path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap()
}

fn wish(cookie: &str, body: String, origin: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/wish")
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    request.body(Body::from(body)).unwrap()
}

fn set_cookie(response: &Response<()>) -> String {
    response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_form_is_accepted_only_from_the_browser_that_got_it() {
    let site = site("https://work.example.com");
    let router = router(&site);
    let (response, token) = send(&router, get_request("/form")).await;
    let cookie = set_cookie(&response);
    assert!(cookie.starts_with("__Host-innkeeper_workspaces="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();

    let own = Some("https://work.example.com");
    let (response, body) = send(&router, wish(pair, format!("wish=tea&csrf={token}"), own)).await;
    assert_eq!((response.status(), body.as_str()), (StatusCode::OK, "tea"));

    let (other, _) = send(&router, get_request("/form")).await;
    let other_pair = set_cookie(&other).split(';').next().unwrap().to_owned();
    for (cookie, body, origin) in [
        (pair, "wish=tea".to_owned(), own),
        (pair, "wish=tea&csrf=".to_owned(), own),
        (other_pair.as_str(), format!("wish=tea&csrf={token}"), own),
        ("", format!("wish=tea&csrf={token}"), own),
        (pair, format!("wish=tea&csrf={token}"), Some("https://evil.example.com")),
        (pair, format!("wish=tea&csrf={token}"), Some("null")),
    ] {
        let (response, _) = send(&router, wish(cookie, body.clone(), origin)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{body} {origin:?}");
    }
}

#[tokio::test]
async fn a_known_browser_keeps_its_cookie_and_pages_without_forms_set_none() {
    let site = site("https://work.example.com");
    let router = router(&site);
    let (response, _) = send(&router, get_request("/plain")).await;
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    let (response, _) = send(&router, get_request("/form")).await;
    let pair = set_cookie(&response).split(';').next().unwrap().to_owned();
    let request = Request::get("/form").header(header::COOKIE, pair).body(Body::empty()).unwrap();
    let (response, _) = send(&router, request).await;
    assert!(!response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_form_of_another_site_can_not_replace_the_cookie_of_who_is_signed_in() {
    let router = router(&site("https://work.example.com"));
    // The browser withholds the Lax cookie here, so the answer must not set a new one over it.
    for origin in ["https://evil.example.com", "null"] {
        let (response, _) = send(&router, wish("", "wish=tea".to_owned(), Some(origin))).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(!response.headers().contains_key(header::SET_COOKIE), "{origin}");
    }
}

#[tokio::test]
async fn plain_http_on_a_network_gets_cookies_that_browsers_keep_there() {
    let (response, _) = send(&router(&site("http://server:9000")), get_request("/form")).await;
    let cookie = set_cookie(&response);
    assert!(cookie.starts_with("innkeeper_workspaces=") && !cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn a_failure_shows_a_sentence_and_an_id_and_never_its_cause() {
    let router = router(&site("https://work.example.com"));
    for path in ["/broken", "/panics"] {
        let (response, body) = send(&router, get_request(path)).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let id = response.headers()["x-trace-id"].to_str().unwrap().to_owned();
        assert!(body.contains(&id) && body.contains("Something went wrong on our side"), "{body}");
        assert!(!body.contains("flooded") && !body.contains("boom"), "{body}");
    }
    let request =
        Request::get("/broken").header(header::ACCEPT, "application/json").body(Body::empty()).unwrap();
    let (_, body) = send(&router, request).await;
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(json["error_message"].as_str().unwrap().starts_with("Something went wrong"), "{body}");
    let (response, _) = send(&router, get_request("/plain?search=%00")).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let (response, body) = send(&router, get_request("/nowhere")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert!(body.contains("There is no page at this address."), "{body}");
}

#[tokio::test]
async fn what_the_libraries_refuse_is_told_as_a_problem_with_its_id() {
    let router = router(&site("https://work.example.com"));
    let large = || {
        Request::post("/wish").header(header::CONTENT_LENGTH, "2000000").header(header::ACCEPT, "text/html")
    };
    for (request, status, sentence) in [
        (get_request("/number/many"), StatusCode::BAD_REQUEST, "could not be read"),
        (get_request("/number/%ff"), StatusCode::BAD_REQUEST, "could not be read"),
        (get_request("/search"), StatusCode::BAD_REQUEST, "could not be read"),
        (large().body(Body::empty()).unwrap(), StatusCode::PAYLOAD_TOO_LARGE, "larger than 1 MiB"),
    ] {
        let address = request.uri().clone();
        let (response, body) = send(&router, request).await;
        assert_eq!(response.status(), status, "{address}");
        assert!(response.headers()[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
        let id = response.headers()["x-trace-id"].to_str().unwrap();
        assert!(body.contains(id) && body.contains(sentence), "{address}: {body}");
        assert!(!body.contains("length limit") && !body.contains("deserialize"), "{body}");
    }
    let request =
        Request::get("/search").header(header::ACCEPT, "application/json").body(Body::empty()).unwrap();
    let (response, body) = send(&router, request).await;
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json["trace_id"], response.headers()["x-trace-id"].to_str().unwrap());
    let (_, body) = send(&router, get_request("/forbidden")).await;
    assert_eq!(body, "This is ours.");
}

#[tokio::test]
async fn every_response_is_hardened_and_one_may_send_forms_to_a_registered_origin() {
    let router = router(&site("https://work.example.com"));
    let (response, _) = send(&router, get_request("/plain")).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(policy.contains("form-action 'self';") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert!(response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let (response, _) = send(&router, get_request("/leave")).await;
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://sp.example.com;"), "{policy}");
}

#[tokio::test]
async fn a_notice_is_taken_only_if_we_made_it() {
    let site = site("https://work.example.com");
    let router = router(&site);
    let (response, _) = send(&router, Request::post("/done").body(Body::empty()).unwrap()).await;
    let cookie = set_cookie(&response);
    let pair = cookie.split(';').next().unwrap();
    let mut headers = axum::http::HeaderMap::new();
    headers.insert(header::COOKIE, pair.parse().unwrap());
    assert_eq!(Notice::take(&site, &headers), Some(Notice("Saved <it>.".into())));
    headers.insert(header::COOKIE, format!("{pair}x").parse().unwrap());
    assert_eq!(Notice::take(&site, &headers), None);
}

#[tokio::test]
async fn assets_are_served_for_ever_under_their_version() {
    let router = router(&site("https://work.example.com"));
    let (response, _) = send(&router, get_request(&site::assets::href("app.css"))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    let (response, _) = send(&router, get_request("/static/000000000000/app.css")).await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let (response, _) = send(&router, get_request("/static/0/..%2f..%2fCargo.toml")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

mod forms {
    //! The macros of `forms.html`, as a product's template uses them.

    use askama::Template;
    use site::{FieldErrors, Shell};

    #[derive(Template)]
    #[template(
        source = r#"{%- import "forms.html" as f -%}
{{ f::csrf(shell) }}{{ f::summary(errors) }}
{{ f::text("name", "Name", form.name, errors.on("name"), "As people know it.", required = true) }}
{{ f::text("slug", "Slug", "", errors.on("slug"), "") }}
{{ f::password("pw", "Password", errors.on("pw"), "", "current-password") }}
{{ f::area("pem", "Certificate", "<x>", errors.on("pem"), "") }}
{{ f::select("binding", "Service Provider Binding", form.binding, options, errors.on("binding"), "") }}
{{ f::check("on", "Enabled", true, "Active") }}
{{ f::copy("acs", "ACS URL", "https://x/?a=1&b=2") }}"#,
        ext = "html"
    )]
    struct Page {
        shell: Shell,
        errors: FieldErrors,
        form: Form,
        options: Vec<(&'static str, &'static str)>,
    }

    struct Form {
        name: String,
        binding: String,
    }

    #[test]
    fn fields_carry_their_label_value_help_and_error() {
        let site = super::site("https://work.example.com");
        let visitor = site::Visitor::renewed(&site);
        let page = Page {
            shell: Shell::new(&site, &visitor, "Test"),
            errors: FieldErrors::of("slug", "Fill <this> in."),
            form: Form { name: "a\"b".into(), binding: "post".into() },
            options: vec![("redirect", "Redirect"), ("post", "Post")],
        };
        let html = page.render().unwrap();
        for part in [
            &format!("name=\"csrf\" value=\"{}\"", visitor.csrf(&site)) as &str,
            "<label for=\"name\">Name",
            "value=\"a&#34;b\" autocomplete=\"off\" required aria-describedby=\"name-help\"",
            "aria-invalid=\"true\" aria-describedby=\"slug-error\"",
            "role=\"alert\">Fill &#60;this&#62; in.</p>",
            "<option value=\"post\" selected>Post</option>",
            "<option value=\"redirect\">Redirect</option>",
            "autocomplete=\"current-password\"",
            "&#60;x&#62;</textarea>",
            "checked aria-describedby=\"on-help\"",
            "data-copy=\"#acs\"",
        ] {
            assert!(html.contains(part), "{part} in\n{html}");
        }
    }
}

#[tokio::test]
async fn frames_are_allowed_for_one_response_only() {
    let router = router(&site("https://work.example.com"));
    let policy = |response: &Response<()>| {
        response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    };
    let (response, _) = send(&router, get_request("/frames")).await;
    let allowed = policy(&response);
    assert!(allowed.contains("frame-src 'self' https://sp.example.com; "), "{allowed}");
    assert!(allowed.ends_with("frame-ancestors 'none'"), "{allowed}");
    let (response, _) = send(&router, get_request("/form")).await;
    let usual = policy(&response);
    assert!(!usual.contains("frame-src"), "{usual}");
}
