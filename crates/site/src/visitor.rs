//! Who is at the other end of a request: a browser (signed in or not), at an address, asking once.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::context::Site;

/// A browser, known by one unguessable cookie. Before sign-in it stands for nobody; at sign-in it
/// is replaced ([`Visitor::renewed`]) and its hash becomes the key of the sign-in session.
#[derive(Clone, Debug)]
pub struct Visitor(Arc<Inner>);

struct Inner {
    token: String,
    fresh: bool,
    needed: AtomicBool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").field("fresh", &self.fresh).finish_non_exhaustive()
    }
}

impl Visitor {
    /// A browser that was never here.
    pub fn renewed(site: &Site) -> Self {
        let token = store::new_token(&**site.random());
        Self(Arc::new(Inner { token: token.as_str().to_owned(), fresh: true, needed: AtomicBool::new(true) }))
    }

    pub(crate) fn from_headers(site: &Site, headers: &HeaderMap) -> Self {
        let known = cookie(headers, &cookie_name(site)).filter(|value| is_token(value));
        match known {
            Some(token) => {
                let token = token.to_owned();
                Self(Arc::new(Inner { token, fresh: false, needed: AtomicBool::new(false) }))
            }
            None => {
                let visitor = Self::renewed(site);
                visitor.0.needed.store(false, Ordering::Relaxed);
                visitor
            }
        }
    }

    /// The hash under which this browser is known in the database; the token itself is never stored.
    pub fn hash(&self) -> String {
        self.0.needed.store(true, Ordering::Relaxed);
        store::hash_token(&self.0.token)
    }

    /// Whether this browser came without a cookie of ours.
    pub fn is_new(&self) -> bool {
        self.0.fresh
    }

    /// The token that a form of this browser carries, so that no other site can send it.
    pub fn csrf(&self, site: &Site) -> String {
        self.0.needed.store(true, Ordering::Relaxed);
        URL_SAFE_NO_PAD.encode(site.mac("csrf", &[&self.0.token]))
    }

    /// Whether `given` is this browser's token. Compared in constant time.
    pub fn csrf_matches(&self, site: &Site, given: &str) -> bool {
        !self.0.fresh && bool::from(self.csrf(site).as_bytes().ct_eq(given.as_bytes()))
    }

    /// The `Set-Cookie` header, if this browser needs one.
    pub(crate) fn set_cookie(&self, site: &Site) -> Option<HeaderValue> {
        if !self.0.fresh || !self.0.needed.load(Ordering::Relaxed) {
            return None;
        }
        set_cookie(site, &cookie_name(site), &self.0.token)
    }
}

/// A `Set-Cookie` value in the house's way: whole site, this host only, no scripts, `SameSite=Lax`.
pub(crate) fn set_cookie(site: &Site, name: &str, value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}={value}; {}", attributes(site))).ok()
}

/// The `Set-Cookie` value that makes a browser forget a cookie.
pub(crate) fn expire_cookie(site: &Site, name: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}=; Max-Age=0; {}", attributes(site))).ok()
}

fn attributes(site: &Site) -> &'static str {
    if site.secure_cookies() {
        "Path=/; HttpOnly; SameSite=Lax; Secure"
    } else {
        "Path=/; HttpOnly; SameSite=Lax"
    }
}

/// The name of a cookie of this product. The `__Host-` prefix (RFC 6265bis 4.1.3.2) needs a secure origin;
/// on plain HTTP in a local network there can be none.
pub(crate) fn named(site: &Site, suffix: &str) -> String {
    let prefix = if site.secure_cookies() { "__Host-" } else { "" };
    format!("{prefix}innkeeper_{}{suffix}", site.product().key())
}

fn cookie_name(site: &Site) -> String {
    named(site, "")
}

pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

/// 256 bits of base64url: exactly what [`store::new_token`] makes.
fn is_token(value: &str) -> bool {
    value.len() == 43 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = crate::Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| crate::Problem::internal("the site layer is missing on this route"))
    }
}

/// The id of one request: on error pages, in the log, in events.
#[derive(Clone, Debug)]
pub struct TraceId(pub Arc<str>);

impl TraceId {
    pub(crate) fn new(site: &Site) -> Self {
        let mut bytes = [0; 6];
        site.random().fill(&mut bytes);
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TraceId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self("-".into())))
    }
}

/// The address that a request came from; a forwarded one only from a configured proxy.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddr(pub Option<IpAddr>);

impl ClientAddr {
    pub(crate) fn of(site: &Site, peer: Option<&ConnectInfo<SocketAddr>>, headers: &HeaderMap) -> Self {
        let mut addr = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let forwarded =
            headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = forwarded.flat_map(|line| line.split(',')).map(str::trim).collect();
        for hop in hops.iter().rev() {
            match addr {
                Some(from) if site.trusts_proxy(from) => match hop.parse::<IpAddr>() {
                    Ok(next) => addr = Some(next.to_canonical()),
                    Err(_) => break,
                },
                _ => break,
            }
        }
        Self(addr)
    }
}

impl std::fmt::Display for ClientAddr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(addr) => addr.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddr {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(None)))
    }
}
