//! One listener, two products: the host name of a request decides.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use store::Store;
use tower::ServiceExt as _;

use crate::config::{Addresses, PublicAddress};
use crate::wiring::Products;

/// Answers for both products. Cheap to clone.
#[derive(Clone)]
pub(super) struct Hosts(Arc<Inner>);

struct Inner {
    addresses: Addresses,
    identity: Router,
    workspaces: Router,
    store: Store,
}

impl Hosts {
    pub(super) fn new(addresses: &Addresses, products: &Products, store: Store) -> Self {
        let addresses = addresses.clone();
        let (identity, workspaces) = (products.identity_router(), products.workspaces_router());
        Self(Arc::new(Inner { addresses, identity, workspaces, store }))
    }

    /// The answer of the product that is asked.
    pub(super) async fn answer(&self, request: Request<Body>) -> Response {
        // Load balancers ask by address, not by name.
        match request.uri().path() {
            "/-/health/live/" => return StatusCode::OK.into_response(),
            "/-/health/ready/" => return self.ready().await,
            _ => {}
        }
        let Some(host) = host_of(&request) else {
            return (StatusCode::BAD_REQUEST, "A request names one host.").into_response();
        };
        let router = if host == self.0.addresses.identity.host() {
            &self.0.identity
        } else if host == self.0.addresses.workspaces.host() {
            &self.0.workspaces
        } else {
            return misdirected(&self.0.addresses);
        };
        match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    async fn ready(&self) -> Response {
        match self.0.store.read().await {
            Ok(_connection) => StatusCode::OK.into_response(),
            Err(error) => {
                tracing::warn!(?error, "not ready: the database can't be reached");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }
}

/// The host name a request is for, in lower case and without its port (RFC 9112 section 3.2): that of
/// the target if it has one, else of the one `Host` header.
fn host_of(request: &Request<Body>) -> Option<String> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.clone(),
        None => from_header(request.headers())?,
    };
    Some(authority.host().trim_end_matches('.').to_lowercase())
}

fn from_header(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?;
    if hosts.next().is_some() {
        return None;
    }
    Authority::try_from(host.as_bytes()).ok()
}

/// "Misdirected Request" (RFC 9110 section 15.5.20): nothing lives at that name; here is where it does.
fn misdirected(addresses: &Addresses) -> Response {
    let link = |name: &str, address: &PublicAddress| {
        // A parsed address holds nothing that HTML would read as its own.
        format!("<li>{name}: <a href=\"{address}\">{address}</a></li>")
    };
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Nothing at this address</title>\n\
         <h1>Nothing lives at this address</h1>\n<p>This service answers at:</p>\n<ul>{}{}</ul>\n\
         <p>If you reach it by another name, set <code>identity.url</code> and <code>workspaces.url</code>; \
         a proxy in front must pass the host name on.</p>\n</html>\n",
        link("Identity", &addresses.identity),
        link("Workspaces", &addresses.workspaces),
    );
    let mut response = (StatusCode::MISDIRECTED_REQUEST, page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::routing::get;

    use super::*;
    use crate::config::{Sources, read};

    async fn hosts(dir: &std::path::Path) -> Hosts {
        let config = read(&Sources::default()).config;
        let url = format!("sqlite:{}", dir.join("test.db").display());
        let store = Store::open(&store::StoreConfig { url, max_connections: 1 }, &[]).await.unwrap();
        let says = |word: &'static str| Router::new().route("/", get(move || async move { word }));
        let (identity, workspaces) = (says("identity"), says("workspaces"));
        Hosts(Arc::new(Inner { addresses: config.addresses, identity, workspaces, store }))
    }

    async fn ask(hosts: &Hosts, target: &str, names: &[&str]) -> (StatusCode, String) {
        let mut request = Request::builder().uri(target);
        for name in names {
            request = request.header(header::HOST, *name);
        }
        let response = hosts.answer(request.body(Body::empty()).unwrap()).await;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn the_host_name_decides_whatever_its_case_and_port() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(dir.path()).await;
        for name in ["auth.localhost", "auth.localhost:9000", "AUTH.localhost.:80"] {
            assert_eq!(ask(&hosts, "/", &[name]).await, (StatusCode::OK, "identity".to_owned()), "{name}");
        }
        let (_, body) = ask(&hosts, "/", &["workspaces.localhost:9000"]).await;
        assert_eq!(body, "workspaces");
        // The target of a request counts over its header.
        let (_, body) = ask(&hosts, "http://workspaces.localhost/", &["auth.localhost"]).await;
        assert_eq!(body, "workspaces");
    }

    #[tokio::test]
    async fn another_name_gets_a_page_with_the_two_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(dir.path()).await;
        for name in
            ["localhost:9000", "127.0.0.1", "[::1]:9000", "auth.localhost.evil.com", "xauth.localhost"]
        {
            let (status, body) = ask(&hosts, "/", &[name]).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{name}");
            assert!(
                body.contains("http://auth.localhost:9000")
                    && body.contains("http://workspaces.localhost:9000")
            );
            assert!(!body.contains("evil"));
        }
    }

    #[tokio::test]
    async fn no_name_and_two_names_are_bad_requests() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(dir.path()).await;
        for names in [&[][..], &["auth.localhost", "workspaces.localhost"], &["auth.localhost/x"], &[""]] {
            assert_eq!(ask(&hosts, "/", names).await.0, StatusCode::BAD_REQUEST, "{names:?}");
        }
    }

    #[tokio::test]
    async fn readiness_is_told_to_anybody_and_ends_with_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(dir.path()).await;
        for path in ["/-/health/live/", "/-/health/ready/"] {
            assert_eq!(ask(&hosts, path, &["10.0.0.1"]).await.0, StatusCode::OK);
        }
        hosts.0.store.close().await;
        assert_eq!(ask(&hosts, "/-/health/ready/", &["10.0.0.1"]).await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ask(&hosts, "/-/health/live/", &["10.0.0.1"]).await.0, StatusCode::OK);
    }
}
