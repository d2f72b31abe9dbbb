//! The one layer around a product's router.

use std::net::SocketAddr;

use askama::Template;
use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tower_http::limit::RequestBodyLimitLayer;
use url::Url;

use crate::context::{Product, Site};
use crate::origin::Origin;
use crate::visitor::{ClientAddr, TraceId, Visitor, expire_cookie, named};
use crate::{Notice, Problem, Shell, assets};

/// The largest request body, in bytes: a SAML message of 256 KiB in base64, with room to spare.
const BODY_LIMIT: usize = 1 << 20;

/// What one response adds to the content security policy; insert it into the response's extensions.
#[derive(Clone, Debug, Default)]
pub struct CspAdditions {
    form_action: Vec<Origin>,
    img: Vec<Origin>,
    frame_ancestors: Vec<Origin>,
    frame: Vec<Origin>,
}

impl CspAdditions {
    /// Lets the forms of this page (and the redirects after them) go to the origin of `url`.
    #[must_use]
    pub fn form_action(mut self, url: &Url) -> Self {
        self.form_action.push(Origin::of(url));
        self
    }

    /// Lets this page show images from the origin of `url`.
    #[must_use]
    pub fn img(mut self, url: &Url) -> Self {
        self.img.push(Origin::of(url));
        self
    }

    /// Lets pages of the origin of `url` show this page in a frame; no other may.
    #[must_use]
    pub fn frame_ancestors(mut self, url: &Url) -> Self {
        self.frame_ancestors.push(Origin::of(url));
        self
    }

    /// Lets this page show frames of our own and of the origin of `url`.
    #[must_use]
    pub fn frame(mut self, url: &Url) -> Self {
        self.frame.push(Origin::of(url));
        self
    }

    /// Puts these additions on a response.
    #[must_use]
    pub fn on(self, mut response: Response) -> Response {
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks a response whose address changes with its content: browsers may keep it for ever.
#[derive(Clone, Copy, Debug)]
pub struct ImmutableCache;

impl Site {
    /// Wraps a product's routes: assets, trace id, client address, visitor, headers, problems.
    pub fn wrap(&self, routes: Router) -> Router {
        routes
            .merge(assets::routes())
            .fallback(|| async {
                Problem::not_found("There is no page at this address.").next("Go to the start", "/")
            })
            .method_not_allowed_fallback(|| async {
                Problem::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "That can't be done here",
                    "This address does not take that kind of request.",
                )
            })
            .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
            .layer(from_fn_with_state(self.clone(), around))
    }
}

async fn around(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let trace = TraceId::new(&site);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().copied();
    let addr = ClientAddr::of(&site, peer.as_ref(), request.headers());
    let visitor = Visitor::from_headers(&site, request.headers());
    let had_notice = Notice::take(&site, request.headers()).is_some();
    let asked = Asked::of(&site, &request);
    request.extensions_mut().insert(trace.clone());
    request.extensions_mut().insert(addr);
    request.extensions_mut().insert(visitor.clone());

    let mut response = match refused_at_the_door(&request) {
        Some(problem) => problem.into_response(),
        None => {
            let outcome = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().await;
            outcome.unwrap_or_else(|_| Problem::internal("a handler panicked").into_response())
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>().or_else(|| refused_bare(&response)) {
        log(&asked, addr, &trace, &problem);
        response = render(&site, &visitor, &asked, &trace, &problem);
    }
    let cookie = match response.extensions_mut().remove::<Visitor>() {
        Some(renewed) => renewed.set_cookie(&site),
        // A form from another site comes without our cookie; a new one would sign out who is signed in.
        None if asked.from_elsewhere => None,
        None => visitor.set_cookie(&site),
    };
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    if had_notice
        && is_html(response.headers())
        && let Some(cookie) = expire_cookie(&site, &named(&site, "_notice"))
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    harden(&site, &trace, &mut response);
    response
}

/// No address of ours holds a NUL character, and PostgreSQL takes none in a text.
fn refused_at_the_door(request: &Request) -> Option<Problem> {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    address
        .contains("%00")
        .then(|| Problem::bad_request("This address holds a character that no address of ours has."))
}

/// A refusal that axum or tower-http made, in a few bare words: told as any other problem is.
fn refused_bare(response: &Response) -> Option<Problem> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let bare = match kind {
        Some(kind) => kind.as_bytes().starts_with(b"text/plain"),
        None => response.body().size_hint().exact() == Some(0),
    };
    // Neither of the two forbids anything: what is forbidden is so by a sentence of ours.
    if !bare || !response.status().is_client_error() || response.status() == StatusCode::FORBIDDEN {
        return None;
    }
    let (title, sentence) = match response.status() {
        StatusCode::NOT_FOUND => ("Nothing here", "There is no page at this address."),
        StatusCode::PAYLOAD_TOO_LARGE => ("That is too large", "What was sent is larger than 1 MiB."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("That form can't be read", "What was sent is of a kind that this address does not understand.")
        }
        StatusCode::BAD_REQUEST => (
            "That request can't be used",
            "The address or what was sent with it could not be read. Go back and follow the link again.",
        ),
        _ => ("That request can't be used", "This address does not take a request of that kind."),
    };
    Some(Problem::new(response.status(), title, sentence).because("refused before any of our code saw it"))
}

/// What was asked for, as far as an error page and the log need it.
struct Asked {
    method: Method,
    path: String,
    json: bool,
    /// A form, or a script's request, of a page that is not ours.
    from_elsewhere: bool,
}

impl Asked {
    fn of(site: &Site, request: &Request) -> Self {
        let path = request.uri().path().to_owned();
        let accept =
            request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let json = !accept.contains("text/html")
            && (path.starts_with("/api/") || accept.contains("application/json"));
        let origin = request.headers().get(header::ORIGIN);
        let ours = origin
            .is_none_or(|value| value.to_str().ok().and_then(Origin::parse).as_ref() == Some(site.origin()));
        let from_elsewhere = !request.method().is_safe() && !ours;
        Self { method: request.method().clone(), path, json, from_elsewhere }
    }
}

fn log(asked: &Asked, addr: ClientAddr, trace: &TraceId, problem: &Problem) {
    let (method, path, status) = (&asked.method, &asked.path, problem.status().as_u16());
    let (id, cause) = (&*trace.0, problem.cause().unwrap_or(problem.sentence()));
    if problem.status().is_server_error() {
        tracing::error!(id, %method, path, status, client = %addr, cause, "request failed");
    } else {
        tracing::info!(id, %method, path, status, client = %addr, cause, "request refused");
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'p> {
    shell: Shell,
    problem: &'p Problem,
    trace: &'p str,
}

fn render(site: &Site, visitor: &Visitor, asked: &Asked, trace: &TraceId, problem: &Problem) -> Response {
    let status = problem.status();
    if asked.json {
        let body = serde_json::json!({
            "error_message": problem.sentence(),
            "detail": problem.sentence(),
            "next": problem.next_step().map(|(label, href)| serde_json::json!({"label": label, "href": href})),
            "trace_id": &*trace.0,
        });
        return (status, axum::Json(body)).into_response();
    }
    let shell = Shell::new(site, visitor, problem.title());
    let page = ProblemPage { shell, problem, trace: &trace.0 };
    crate::page::html_with_status(status, &page).unwrap_or_else(|_| status.into_response())
}

fn is_html(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// The headers of every response.
fn harden(site: &Site, trace: &TraceId, response: &mut Response) {
    let additions = response.extensions_mut().remove::<CspAdditions>().unwrap_or_default();
    let immutable = response.extensions_mut().remove::<ImmutableCache>().is_some();
    let policy = content_security_policy(&additions);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.entry(name).or_insert(value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-site");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    );
    set(HeaderName::from_static("x-trace-id"), &trace.0);
    let caching = if immutable { "public, max-age=31536000, immutable" } else { "no-store" };
    set(header::CACHE_CONTROL, caching);
    if site.public_url().scheme() == "https" {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

fn content_security_policy(additions: &CspAdditions) -> String {
    let list = |origins: &[Origin]| origins.iter().map(|origin| format!(" {origin}")).collect::<String>();
    let frames = match additions.frame.as_slice() {
        [] => String::new(),
        origins => format!("frame-src 'self'{}; ", list(origins)),
    };
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; \
         img-src 'self' data:{}; {frames}form-action 'self'{}; base-uri 'none'; frame-ancestors{}",
        list(&additions.img),
        list(&additions.form_action),
        if additions.frame_ancestors.is_empty() {
            " 'none'".to_owned()
        } else {
            list(&additions.frame_ancestors)
        }
    )
}

impl Product {
    /// The asset that shows this product.
    pub fn logo(self) -> &'static str {
        match self {
            Self::Identity => "identity.svg",
            Self::Workspaces => "workspaces.svg",
        }
    }
}
