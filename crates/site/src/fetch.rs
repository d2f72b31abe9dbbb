//! Fetching a document from an address that an administrator typed (IdP or SP metadata), without
//! becoming a way into the private network: no private address unless allowed, no redirect to
//! another host, bounded size and time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::origin::is_loopback;

const LONGEST_WAIT: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 3;
/// A longer ETag is not kept, in bytes.
const LONGEST_ETAG: usize = 256;
/// The largest document, in bytes.
pub const LARGEST: usize = 1 << 20;

/// Why a document could not be fetched, as a sentence for beside the field.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FetchError {
    /// The name or address leads into a private network.
    #[error(
        "{host} is an address in a private network ({addr}). If that is where the other side really is, \
         tick “Allow a private address” and try again."
    )]
    Private {
        /// The host in the address.
        host: String,
        /// What it resolved to.
        addr: IpAddr,
    },
    /// The name does not resolve.
    #[error("No server is known by the name {host}. Check the spelling of the address.")]
    Unknown {
        /// The host in the address.
        host: String,
    },
    /// Nobody answers.
    #[error(
        "The server {host} could not be reached. Check the address, and that it answers from this machine."
    )]
    Unreachable {
        /// The host in the address.
        host: String,
        /// For the log.
        cause: String,
    },
    /// It sends us elsewhere.
    #[error(
        "{host} sends us on to {target}, which is another host. Enter that address itself if you trust it."
    )]
    ForeignRedirect {
        /// The host in the address.
        host: String,
        /// Where it would send us.
        target: String,
    },
    /// It answers with an error.
    #[error("The server {host} answered with status {status} instead of the document.")]
    Status {
        /// The host in the address.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It sends too much.
    #[error("The document at {host} is larger than {LARGEST} bytes.")]
    TooLarge {
        /// The host in the address.
        host: String,
    },
}

/// Fetches a document of at most [`LARGEST`] bytes.
///
/// # Errors
/// Why not, as a sentence for the administrator.
pub async fn document(url: &Url, allow_private: bool) -> Result<Vec<u8>, FetchError> {
    match unless_unchanged(url, allow_private, None).await? {
        Fetched::Document { bytes, .. } => Ok(bytes),
        // Nobody may answer so to a request without a condition.
        Fetched::Unchanged => {
            Err(FetchError::Status { host: url.host_str().unwrap_or_default().to_owned(), status: 304 })
        }
    }
}

/// What came of fetching a document again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is still the one that the ETag names.
    Unchanged,
    /// Another one, or there was no ETag to compare.
    Document {
        /// What it holds.
        bytes: Vec<u8>,
        /// Its ETag, for the next time.
        etag: Option<String>,
    },
}

/// As [`document`], unless it is still the one with this ETag (RFC 9110 13.1.2).
///
/// # Errors
/// Why not, as a sentence for the administrator.
pub async fn unless_unchanged(
    url: &Url,
    allow_private: bool,
    etag: Option<&str>,
) -> Result<Fetched, FetchError> {
    let (host, client) = checked_client(url, allow_private, LONGEST_WAIT).await?;
    let mut current = url.clone();
    for _ in 0..=REDIRECTS {
        let request = client.get(current.clone());
        let request = match etag {
            Some(etag) => request.header("if-none-match", etag),
            None => request,
        };
        let response = request.send().await.map_err(|error| unreachable(&host, &error))?;
        if etag.is_some() && response.status() == reqwest::StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        if response.status().is_redirection() {
            current = same_host_target(&host, &current, &response)?;
            continue;
        }
        let etag = response.headers().get("etag").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let etag = etag.filter(|etag| etag.len() <= LONGEST_ETAG);
        return Ok(Fetched::Document { bytes: read(&host, response).await?, etag });
    }
    Err(FetchError::Unreachable { host, cause: "redirected too often".to_owned() })
}

/// What a server answered to what was posted to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Where it would send a browser on to. We don't follow.
    pub location: Option<String>,
    /// What it holds; empty along with a location.
    pub body: Vec<u8>,
}

/// Posts something of this kind (`Content-Type`) to an address that an administrator typed, within the same
/// limits as [`document`] and `wait`.
///
/// # Errors
/// Why not, as a sentence.
pub async fn post(
    url: &Url,
    allow_private: bool,
    kind: &'static str,
    headers: &[(&'static str, &'static str)],
    body: String,
    wait: Duration,
) -> Result<Posted, FetchError> {
    let (host, client) = checked_client(url, allow_private, wait).await?;
    let request = client.post(url.clone()).header("content-type", kind).body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.map_err(|error| unreachable(&host, &error))?;
    if response.status().is_redirection() {
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        return Ok(Posted { location: location.map(str::to_owned), body: Vec::new() });
    }
    Ok(Posted { location: None, body: read(&host, response).await? })
}

/// The host of an address, and a client that connects to nothing else.
async fn checked_client(
    url: &Url,
    allow_private: bool,
    wait: Duration,
) -> Result<(String, reqwest::Client), FetchError> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let literal = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        _ => None,
    };
    let addrs = match literal {
        Some(ip) => vec![SocketAddr::new(ip, 0)],
        None => resolve(&host).await?,
    };
    if let Some(private) = addrs.iter().find(|addr| !allow_private && is_private(addr.ip())) {
        return Err(FetchError::Private { host, addr: private.ip() });
    }
    let client = client(&host, addrs, wait).map_err(|error| unreachable(&host, &error))?;
    Ok((host, client))
}

/// A client that connects only to the addresses that were checked: what a name resolves to a second
/// time (DNS rebinding) does not matter.
fn client(host: &str, addrs: Vec<SocketAddr>, wait: Duration) -> Result<reqwest::Client, reqwest::Error> {
    let resolver = Pinned { host: host.to_owned(), addrs };
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(wait)
        .connect_timeout(wait / 2)
        .dns_resolver(Arc::new(resolver))
        .user_agent("Innkeeper")
        .build()
}

struct Pinned {
    host: String,
    addrs: Vec<SocketAddr>,
}

impl Resolve for Pinned {
    fn resolve(&self, name: Name) -> Resolving {
        let known = name.as_str().eq_ignore_ascii_case(&self.host);
        let addrs = if known { self.addrs.clone() } else { Vec::new() };
        Box::pin(async move {
            if addrs.is_empty() {
                return Err("this name was not checked".into());
            }
            let addrs: Addrs = Box::new(addrs.into_iter());
            Ok(addrs)
        })
    }
}

async fn resolve(host: &str) -> Result<Vec<SocketAddr>, FetchError> {
    if is_loopback(Some(&Host::Domain(host))) {
        return Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    }
    let found: Vec<SocketAddr> =
        match tokio::time::timeout(LONGEST_WAIT, tokio::net::lookup_host((host, 0))).await {
            Ok(Ok(addrs)) => addrs.collect(),
            _ => Vec::new(),
        };
    if found.is_empty() { Err(FetchError::Unknown { host: host.to_owned() }) } else { Ok(found) }
}

fn same_host_target(host: &str, current: &Url, response: &reqwest::Response) -> Result<Url, FetchError> {
    let location = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("");
    let target = current.join(location).ok().filter(|target| matches!(target.scheme(), "http" | "https"));
    match target {
        Some(target) if target.host_str() == Some(host) => Ok(target),
        Some(target) => Err(FetchError::ForeignRedirect {
            host: host.to_owned(),
            target: target.host_str().unwrap_or_default().to_owned(),
        }),
        None => Err(FetchError::Unreachable {
            host: host.to_owned(),
            cause: format!("redirected to {location:?}"),
        }),
    }
}

async fn read(host: &str, mut response: reqwest::Response) -> Result<Vec<u8>, FetchError> {
    if !response.status().is_success() {
        return Err(FetchError::Status { host: host.to_owned(), status: response.status().as_u16() });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(host, &error))? {
        if body.len() + chunk.len() > LARGEST {
            return Err(FetchError::TooLarge { host: host.to_owned() });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(host: &str, error: &reqwest::Error) -> FetchError {
    FetchError::Unreachable { host: host.to_owned(), cause: format!("{error:?}") }
}

/// Whether an address is not one of the public internet: loopback, private, link-local (where cloud
/// metadata services live), shared, unspecified, multicast, reserved, and IPv6 forms that embed such.
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (b == 18 || b == 19))
                || (a == 192 && b == 0)
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            let embedded = |high: u16, low: u16| {
                is_private(IpAddr::V4(std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))))
            };
            let segments = v6.segments();
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || (first & 0xffc0) == 0xfec0
                || (first == 0x2001 && (second == 0xdb8 || second == 0))
                || (first == 0x64 && second == 0xff9b && segments[2] == 1)
                || segments[..6] == [0; 6]
                || (first == 0x64 && second == 0xff9b && embedded(segments[6], segments[7]))
                || (first == 0x2002 && embedded(segments[1], segments[2]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_lead_inside_are_known_in_every_spelling() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.8",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(is_private(inside.parse().unwrap()), "{inside}");
        }
        for outside in
            ["1.1.1.1", "93.184.216.34", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"]
        {
            assert!(!is_private(outside.parse().unwrap()), "{outside}");
        }
    }

    async fn serve(answer: &'static str) -> Url {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/metadata", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
                let mut request = [0; 2048];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        url
    }

    #[tokio::test]
    async fn a_private_address_needs_permission_and_then_works() {
        let url = serve("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
        assert!(matches!(document(&url, false).await, Err(FetchError::Private { .. })));
        assert_eq!(document(&url, true).await.unwrap(), b"hello");
        let named = Url::parse(&format!("http://auth.localhost:{}/metadata", url.port().unwrap())).unwrap();
        assert!(matches!(document(&named, false).await, Err(FetchError::Private { .. })));
        assert_eq!(document(&named, true).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_redirect_to_another_host_is_not_followed() {
        let url = serve(
            "HTTP/1.1 302 Found\r\nlocation: http://other.localhost/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )
        .await;
        let refused = document(&url, true).await.unwrap_err();
        assert_eq!(
            refused,
            FetchError::ForeignRedirect { host: "127.0.0.1".into(), target: "other.localhost".into() }
        );
    }

    #[tokio::test]
    async fn a_document_that_did_not_change_is_not_sent_again() {
        let same = Fetched::Document { bytes: b"hello".to_vec(), etag: Some("\"1\"".into()) };
        let url =
            serve("HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
                .await;
        assert_eq!(unless_unchanged(&url, true, None).await.unwrap(), same);
        assert_eq!(unless_unchanged(&url, true, Some("\"0\"")).await.unwrap(), same);
        let url = serve("HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n").await;
        assert_eq!(unless_unchanged(&url, true, Some("\"1\"")).await.unwrap(), Fetched::Unchanged);
        assert!(document(&url, true).await.is_err(), "nobody asked whether it changed");
        let private = unless_unchanged(&url, false, Some("\"1\"")).await;
        assert!(matches!(private, Err(FetchError::Private { .. })));
    }

    #[tokio::test]
    async fn what_is_posted_goes_to_the_same_addresses_and_is_not_sent_on() {
        let wait = Duration::from_secs(5);
        let kind = "text/xml";
        let url = serve("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
        let refused = post(&url, false, kind, &[], "x".into(), wait).await;
        assert!(matches!(refused, Err(FetchError::Private { .. })));
        let answer = post(&url, true, kind, &[("soapaction", "\"\"")], "x".into(), wait).await.unwrap();
        assert_eq!(answer, Posted { location: None, body: b"hello".to_vec() });
        let url = serve(
            "HTTP/1.1 302 Found\r\nlocation: http://other.localhost/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )
        .await;
        let answer = post(&url, true, kind, &[], "x".into(), wait).await.unwrap();
        assert_eq!(answer.location.as_deref(), Some("http://other.localhost/"));
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
        let silence = post(&url, true, kind, &[], "x".into(), Duration::from_millis(50)).await;
        assert!(matches!(silence, Err(FetchError::Unreachable { .. })));
    }

    #[tokio::test]
    async fn errors_and_silence_and_size_are_told_apart() {
        let url = serve("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        assert!(matches!(document(&url, true).await, Err(FetchError::Status { status: 404, .. })));
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url = Url::parse(&format!("http://{closed}/")).unwrap();
        assert!(matches!(document(&url, true).await, Err(FetchError::Unreachable { .. })));
        let big = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(LARGEST + 1));
        let url = serve(Box::leak(big.into_boxed_str())).await;
        assert!(matches!(document(&url, true).await, Err(FetchError::TooLarge { .. })));
    }
}
