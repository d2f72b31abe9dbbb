//! A browser against routers in this process: cookies, redirects and forms as people's browsers do them.

mod cookies;
mod form;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use tower::ServiceExt as _;
use url::Url;
use url::form_urlencoded;

use cookies::{Jar, Sending};
pub use form::Form;

/// Browsers give up there, too.
const MOST_REDIRECTS: usize = 20;

/// The page that a cross-site request pretends to come from.
const ELSEWHERE: &str = "https://elsewhere.example/";

/// One person's browser. Make another one for another person.
#[derive(Clone, Default)]
pub struct Browser {
    sites: BTreeMap<String, Router>,
    jar: Jar,
    page: Option<Url>,
}

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
    from: Initiator,
    follow: bool,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Initiator {
    /// The person, by its address; a POST comes from a page of the same origin.
    Person,
    /// This page, by a form.
    Page(Url),
    /// A page of a stranger.
    Elsewhere,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text; what isn't UTF-8 is replaced.
    pub body: String,
    /// The body.
    pub bytes: Bytes,
    /// The address that answered, after redirects.
    pub url: Url,
}

impl Browser {
    /// A browser without cookies, that reaches nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `router` answer at an origin, for example `http://auth.localhost:9000`.
    #[must_use]
    pub fn mount(mut self, origin: &str, router: Router) -> Self {
        let url = Url::parse(origin).expect("an origin such as http://auth.localhost:9000");
        self.sites.insert(url.origin().ascii_serialization(), router);
        self
    }

    /// Opens an address, and follows redirects. A path alone is taken from the current page.
    pub async fn get(&mut self, url: &str) -> Reply {
        self.send(Request::get(url)).await
    }

    /// Posts a form from a page of the same origin, and follows redirects.
    pub async fn post_form(&mut self, url: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(Request::post_form(url, fields)).await
    }

    /// Sends a form of the current page, or of a page that another site gave, and follows redirects.
    pub async fn submit(&mut self, form: Form) -> Reply {
        self.send(form.into_request()).await
    }

    /// Sends a request. A redirect to an origin where nothing is mounted is returned as it is.
    ///
    /// # Panics
    /// If nothing is mounted at the request's own address, or it redirects without end.
    pub async fn send(&mut self, request: Request) -> Reply {
        let Request { mut method, url, headers, mut body, from, follow } = request;
        let mut url = self.resolve(&url);
        for _ in 0..=MOST_REDIRECTS {
            let sent = self.request(&method, &url, &headers, &body, &from);
            let reply = self.exchange(&url, sent).await;
            let next = reply.redirect().filter(|next| follow && self.site(next).is_some());
            let Some(next) = next else {
                self.page = Some(reply.url.clone());
                return reply;
            };
            let keeps_method =
                matches!(reply.status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            if !keeps_method && method != Method::HEAD {
                method = Method::GET;
                body.clear();
            }
            url = next;
        }
        panic!("{url} redirects more than {MOST_REDIRECTS} times");
    }

    /// The value of a cookie that would be sent to this address.
    pub fn cookie(&self, url: &str, name: &str) -> Option<String> {
        let sending = Sending { url: &self.resolve(url), method: &Method::GET, cross_site: false };
        self.jar.sent(&sending).find(|cookie| cookie.0 == name).map(|cookie| cookie.1.to_owned())
    }

    /// Puts a cookie into the browser as if this address had set it, in the form of `Set-Cookie`.
    pub fn set_cookie(&mut self, url: &str, set_cookie: &str) {
        let url = self.resolve(url);
        self.jar.receive(&url, set_cookie);
    }

    /// Forgets every cookie.
    pub fn clear_cookies(&mut self) {
        self.jar = Jar::default();
    }

    fn resolve(&self, url: &str) -> Url {
        let parsed = match &self.page {
            Some(page) => page.join(url),
            None => Url::parse(url),
        };
        parsed.unwrap_or_else(|error| panic!("{url} is no address here: {error}"))
    }

    fn site(&self, url: &Url) -> Option<&Router> {
        self.sites.get(&url.origin().ascii_serialization())
    }

    fn request(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
        from: &Initiator,
    ) -> http::Request<Body> {
        let cross_site = from.is_cross_site(url);
        let mut request = http::Request::new(Body::from(body.to_vec()));
        *request.method_mut() = method.clone();
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        *request.uri_mut() = path.parse().expect("a path and query");
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut set = |name: HeaderName, value: &str| {
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header's value"));
        };
        set(header::HOST, authority);
        set(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        set(header::USER_AGENT, "testkit");
        set(HeaderName::from_static("sec-fetch-site"), from.fetch_site(method, url));
        if method != Method::GET && method != Method::HEAD {
            set(header::ORIGIN, &from.origin(url));
        }
        let sending = Sending { url, method, cross_site };
        let cookies: Vec<String> =
            self.jar.sent(&sending).map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            set(header::COOKIE, &cookies.join("; "));
        }
        for (name, value) in headers {
            // A GET after a redirect has no body to describe.
            if !(body.is_empty() && name == header::CONTENT_TYPE) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    }

    async fn exchange(&mut self, url: &Url, request: http::Request<Body>) -> Reply {
        let router = self.site(url).unwrap_or_else(|| panic!("nothing is mounted at {url}")).clone();
        let Ok(response) = router.oneshot(request).await;
        let (parts, body) = response.into_parts();
        for value in parts.headers.get_all(header::SET_COOKIE) {
            self.jar.receive(url, value.to_str().expect("a Set-Cookie header in ASCII"));
        }
        let bytes = body.collect().await.expect("a body that ends").to_bytes();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: parts.status, headers: parts.headers, body, bytes, url: url.clone() }
    }
}

impl Request {
    /// Opens an address.
    pub fn get(url: &str) -> Self {
        Self::new(Method::GET, url, Vec::new())
    }

    /// Posts a form.
    pub fn post_form(url: &str, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::new(Method::POST, url, body.into_bytes())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    /// Sends JSON, as API clients do.
    pub fn json(method: Method, url: &str, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("a value that can be JSON");
        Self::new(method, url, body).header(header::CONTENT_TYPE, "application/json")
    }

    /// Sends any method and body.
    pub fn new(method: Method, url: &str, body: Vec<u8>) -> Self {
        Self {
            method,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body,
            from: Initiator::Person,
            follow: true,
        }
    }

    /// Adds a header, in place of what the browser would send.
    ///
    /// # Panics
    /// If a header can't have this value.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    /// Sends it from a page of another site: with that page's `Origin`, without `SameSite=Strict`
    /// cookies, and on POST without `SameSite=Lax` ones.
    #[must_use]
    pub fn cross_site(mut self) -> Self {
        self.from = Initiator::Elsewhere;
        self
    }

    /// Returns a redirect instead of following it.
    #[must_use]
    pub fn without_redirects(mut self) -> Self {
        self.follow = false;
        self
    }
}

impl Initiator {
    /// Hosts are compared whole, so this is stricter than the registrable domain that browsers
    /// compare; for hosts under `localhost` it is the same.
    fn is_cross_site(&self, to: &Url) -> bool {
        match self {
            Self::Person => false,
            Self::Page(page) => page.scheme() != to.scheme() || page.host() != to.host(),
            Self::Elsewhere => true,
        }
    }

    fn fetch_site(&self, method: &Method, to: &Url) -> &'static str {
        match self {
            Self::Person if method == Method::GET => "none",
            Self::Person => "same-origin",
            Self::Page(page) if page.origin() == to.origin() => "same-origin",
            _ if self.is_cross_site(to) => "cross-site",
            _ => "same-site",
        }
    }

    fn origin(&self, to: &Url) -> String {
        let origin = match self {
            Self::Person => to.origin(),
            Self::Page(page) => page.origin(),
            Self::Elsewhere => Url::parse(ELSEWHERE).expect("a fixed address").origin(),
        };
        origin.ascii_serialization()
    }
}

impl Reply {
    /// A header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where a redirect leads.
    pub fn redirect(&self) -> Option<Url> {
        if !self.status.is_redirection() {
            return None;
        }
        self.header("location").and_then(|location| self.url.join(location).ok())
    }

    /// The form that a CSS selector finds, for example `form` or `#login`.
    ///
    /// # Panics
    /// If there is none, showing the page.
    pub fn form(&self, selector: &str) -> Form {
        Form::find(&self.url, &self.body, selector)
            .unwrap_or_else(|| panic!("{} {} has no form {selector}:\n{}", self.status, self.url, self.body))
    }

    /// The text of each element that a CSS selector finds, without markup and with single spaces.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        form::texts(&self.body, selector)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it isn't, showing the body.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| {
            panic!("{} {} is not JSON ({error}):\n{}", self.status, self.url, self.body)
        })
    }
}
