//! Cookies as browsers keep them (RFC 6265bis), as far as tests can tell: no `Domain`, and `Max-Age`
//! only as "now" or "not now".

use axum::http::Method;
use url::{Host, Url};

/// The cookies of one browser.
#[derive(Clone, Debug, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Clone, Debug)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
    secure: bool,
    same_site: SameSite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SameSite {
    Strict,
    Lax,
    None,
}

/// A request for which cookies are looked up.
pub(super) struct Sending<'s> {
    pub(super) url: &'s Url,
    pub(super) method: &'s Method,
    pub(super) cross_site: bool,
}

impl Jar {
    /// Takes a `Set-Cookie` value from a response of `url`, or ignores it as browsers do: `Secure` from
    /// an untrustworthy origin, a `__Host-` or `__Secure-` name without what it promises, `SameSite=None`
    /// without `Secure`, a `Domain`.
    pub(super) fn receive(&mut self, url: &Url, set_cookie: &str) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let mut cookie = Cookie {
            host: url.host_str().unwrap_or_default().to_owned(),
            path: default_path(url),
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            secure: false,
            same_site: SameSite::Lax,
        };
        let (mut ended, mut domain) = (false, false);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "domain" => domain = true,
                "max-age" => ended = value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => ended = ended || value.contains(" 1970 "),
                "samesite" => cookie.same_site = SameSite::parse(value),
                _ => {}
            }
        }
        let promises = match cookie.name.to_ascii_lowercase() {
            name if name.starts_with("__host-") => cookie.secure && cookie.path == "/" && !domain,
            name if name.starts_with("__secure-") => cookie.secure,
            _ => true,
        };
        let sent_securely = !cookie.secure || is_trustworthy(url);
        let none_is_secure = cookie.same_site != SameSite::None || cookie.secure;
        if !promises || !sent_securely || !none_is_secure || domain {
            return;
        }
        self.0.retain(|kept| !kept.is_replaced_by(&cookie));
        if !ended {
            self.0.push(cookie);
        }
    }

    /// Names and values of the cookies that go with a request.
    pub(super) fn sent<'j>(&'j self, sending: &Sending<'_>) -> impl Iterator<Item = (&'j str, &'j str)> {
        let mut sent: Vec<&Cookie> = self.0.iter().filter(|cookie| cookie.goes_with(sending)).collect();
        // Longer paths first (5.8.3), otherwise the order in which they came.
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        sent.into_iter().map(|cookie| (cookie.name.as_str(), cookie.value.as_str()))
    }
}

impl Cookie {
    fn is_replaced_by(&self, new: &Self) -> bool {
        (&self.host, &self.path, &self.name) == (&new.host, &new.path, &new.name)
    }

    fn goes_with(&self, sending: &Sending<'_>) -> bool {
        let site = match self.same_site {
            SameSite::None => true,
            SameSite::Lax => !sending.cross_site || *sending.method == Method::GET,
            SameSite::Strict => !sending.cross_site,
        };
        site && sending.url.host_str() == Some(&self.host)
            && (!self.secure || is_trustworthy(sending.url))
            && path_matches(sending.url.path(), &self.path)
    }
}

impl SameSite {
    fn parse(value: &str) -> Self {
        match value.to_ascii_lowercase().as_str() {
            "strict" => Self::Strict,
            "none" => Self::None,
            _ => Self::Lax,
        }
    }
}

/// 5.1.4: the folder of the request's path.
fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

/// Whether `Secure` cookies live there: HTTPS, or this machine (Secure Contexts, 3.1).
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(addr)) => addr.is_loopback(),
            Some(Host::Ipv6(addr)) => addr.is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(jar: &Jar, url: &str, method: &Method, cross_site: bool) -> String {
        let url = Url::parse(url).unwrap();
        let pairs: Vec<String> = jar
            .sent(&Sending { url: &url, method, cross_site })
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn received(url: &str, set_cookies: &[&str]) -> Jar {
        let mut jar = Jar::default();
        for set_cookie in set_cookies {
            jar.receive(&Url::parse(url).unwrap(), set_cookie);
        }
        jar
    }

    #[test]
    fn cookies_stay_with_their_host_and_path() {
        let jar = received("http://a.localhost:9000/x/y", &["one=1", "all=2; Path=/", "deep=3; Path=/x/y/z"]);
        let get = |url| sent(&jar, url, &Method::GET, false);
        assert_eq!(get("http://a.localhost:9000/x/z"), "one=1; all=2");
        assert_eq!(get("http://a.localhost:8000/x/y/z/"), "deep=3; one=1; all=2");
        assert_eq!(get("http://a.localhost:9000/xy"), "all=2");
        assert_eq!(get("http://b.localhost:9000/x/"), "");
    }

    #[test]
    fn same_site_decides_what_a_stranger_can_send() {
        let jar = received(
            "https://a.example/",
            &["strict=1; SameSite=Strict", "lax=2; SameSite=Lax", "plain=3", "none=4; SameSite=None; Secure"],
        );
        assert_eq!(
            sent(&jar, "https://a.example/", &Method::POST, false),
            "strict=1; lax=2; plain=3; none=4"
        );
        assert_eq!(sent(&jar, "https://a.example/", &Method::GET, true), "lax=2; plain=3; none=4");
        assert_eq!(sent(&jar, "https://a.example/", &Method::POST, true), "none=4");
    }

    #[test]
    fn broken_promises_are_ignored() {
        for (url, set_cookie, kept) in [
            ("https://a.example/", "__Host-s=1; Path=/; Secure", true),
            ("http://a.localhost:9000/", "__Host-s=1; Path=/; Secure", true),
            ("http://127.0.0.1/", "s=1; Secure", true),
            ("http://a.example/", "__Host-s=1; Path=/; Secure", false),
            ("http://a.example/", "s=1; Secure", false),
            ("https://a.example/", "__Host-s=1; Path=/", false),
            ("https://a.example/x/", "__Host-s=1; Path=/x; Secure", false),
            ("https://a.example/", "__Host-s=1; Path=/; Secure; Domain=a.example", false),
            ("https://a.example/", "__Secure-s=1", false),
            ("https://a.example/", "s=1; SameSite=None", false),
            ("https://a.example/", "no pair", false),
        ] {
            assert_eq!(!received(url, &[set_cookie]).0.is_empty(), kept, "{url} {set_cookie}");
        }
        // A secure cookie doesn't leave in the clear.
        let jar = received("https://a.example/", &["s=1; Secure"]);
        assert_eq!(sent(&jar, "http://a.example/", &Method::GET, false), "");
    }

    #[test]
    fn cookies_are_replaced_and_removed() {
        let replaced = received("https://a.example/", &["s=1; Path=/", "s=2; Path=/"]);
        assert_eq!(sent(&replaced, "https://a.example/", &Method::GET, false), "s=2");
        for end in ["s=; Path=/; Max-Age=0", "s=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"] {
            assert!(received("https://a.example/", &["s=1; Path=/", end]).0.is_empty(), "{end}");
        }
    }
}
