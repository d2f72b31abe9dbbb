//! Two routers on two hosts, as the products are.

use axum::Form as Fields;
use axum::extract::OriginalUri;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};

use super::*;

const AUTH: &str = "http://auth.localhost:9000";
const WORK: &str = "http://work.localhost:9000";

/// Says back what it got.
async fn echo(method: Method, uri: OriginalUri, headers: HeaderMap, body: String) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
    let (host, cookie, origin, site) =
        (header("host"), header("cookie"), header("origin"), header("sec-fetch-site"));
    format!("{method} {host}{} cookie={cookie} origin={origin} site={site} body={body}", uri.0)
}

async fn sign_in(Fields(fields): Fields<Vec<(String, String)>>) -> Response {
    let cookie = [(header::SET_COOKIE, "__Host-s=1; Path=/; Secure; HttpOnly; SameSite=Lax")];
    let to = format!("/form?{}", fields.len());
    (cookie, Redirect::to(&to)).into_response()
}

/// The page of the POST binding: a form that goes to the other host.
async fn post_binding() -> Html<String> {
    Html(format!(
        r#"<form method="post" action="{WORK}/acs"><input type="hidden" name="SAMLResponse" value="x+/="><button>Go</button></form>"#
    ))
}

fn browser() -> Browser {
    let auth = Router::new()
        .route("/in", post(sign_in))
        .route("/form", get(post_binding))
        .route("/keep", any(|| async { Redirect::temporary("/echo") }))
        .route("/round", get(|| async { Redirect::to("/round") }))
        .route("/away", get(|| async { Redirect::to("https://away.example/x") }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
        .route("/echo", any(echo));
    let work = Router::new()
        .route("/", get(|| async { Redirect::to(&format!("{AUTH}/echo?from=work")) }))
        .route("/set", get(|| async { [(header::SET_COOKIE, "w=1; Path=/; SameSite=Lax")] }))
        .route("/acs", any(echo));
    Browser::new().mount(AUTH, auth).mount(WORK, work)
}

#[tokio::test]
async fn a_redirect_is_followed_across_hosts() {
    let reply = browser().get(WORK).await;
    assert_eq!(reply.url.as_str(), "http://auth.localhost:9000/echo?from=work");
    assert_eq!(reply.body, "GET auth.localhost:9000/echo?from=work cookie=- origin=- site=none body=");
}

#[tokio::test]
async fn a_sign_in_keeps_its_cookie_for_its_host() {
    let mut browser = browser();
    let reply = browser.post_form(&format!("{AUTH}/in"), &[("username", "ann"), ("password", "a b&c")]).await;
    assert_eq!((reply.status, reply.url.query()), (StatusCode::OK, Some("2")));
    assert_eq!(browser.cookie(AUTH, "__Host-s").as_deref(), Some("1"));
    assert_eq!(browser.cookie(WORK, "__Host-s"), None);
    // A path alone is on the current page's host.
    let reply = browser.get("/echo").await;
    assert!(reply.body.contains("cookie=__Host-s=1 origin=- site=none"), "{}", reply.body);
    browser.clear_cookies();
    assert_eq!(browser.cookie(AUTH, "__Host-s"), None);
}

#[tokio::test]
async fn a_form_for_another_host_comes_from_its_page_without_lax_cookies() {
    let mut browser = browser();
    browser.get(&format!("{WORK}/set")).await;
    let page = browser.get(&format!("{AUTH}/form")).await;
    let form = page.form("form");
    assert_eq!(form.value("SAMLResponse"), Some("x+/="));
    let reply = browser.submit(form).await;
    let expected = "POST work.localhost:9000/acs cookie=- origin=http://auth.localhost:9000 site=cross-site \
                    body=SAMLResponse=x%2B%2F%3D";
    assert_eq!(reply.body, expected);
    let reply = browser.post_form("/acs", &[]).await;
    assert!(
        reply.body.contains("cookie=w=1 origin=http://work.localhost:9000 site=same-origin"),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn a_strangers_request_is_marked_and_has_no_lax_cookies_on_post() {
    let mut browser = browser();
    browser.set_cookie(AUTH, "lax=1; Path=/");
    let post = Request::post_form(&format!("{AUTH}/echo"), &[("a", "b")]).cross_site();
    let reply = browser.send(post).await;
    assert!(
        reply.body.contains("cookie=- origin=https://elsewhere.example site=cross-site"),
        "{}",
        reply.body
    );
    let reply = browser.send(Request::get("/echo").cross_site()).await;
    assert!(reply.body.contains("cookie=lax=1 origin=- site=cross-site"), "{}", reply.body);
}

#[tokio::test]
async fn a_temporary_redirect_keeps_method_and_body() {
    let mut browser = browser();
    let reply = browser.post_form(&format!("{AUTH}/keep"), &[("a", "b")]).await;
    assert!(reply.body.starts_with("POST ") && reply.body.ends_with("body=a=b"), "{}", reply.body);
    let reply = browser.send(Request::json(Method::PUT, "/keep", &serde_json::json!({"a": 1}))).await;
    assert!(reply.body.starts_with("PUT ") && reply.body.ends_with(r#"body={"a":1}"#), "{}", reply.body);
}

#[tokio::test]
async fn a_redirect_can_be_looked_at() {
    let mut browser = browser();
    let reply = browser.send(Request::get(WORK).without_redirects()).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert_eq!(reply.redirect().unwrap().as_str(), "http://auth.localhost:9000/echo?from=work");
    let reply = browser.get(&format!("{AUTH}/away")).await;
    assert_eq!(reply.header("location"), Some("https://away.example/x"));
}

#[tokio::test]
#[should_panic(expected = "redirects more than 20 times")]
async fn a_round_trip_without_end_fails_the_test() {
    browser().get(&format!("{AUTH}/round")).await;
}

#[tokio::test]
async fn the_peer_is_this_machine() {
    assert_eq!(browser().get(&format!("{AUTH}/peer")).await.body, "127.0.0.1");
}
