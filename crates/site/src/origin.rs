//! Comparing web addresses as what they are, parsed, never by prefix or as text.

use std::fmt;

use url::{Host, Url};

/// The origin of a URL (RFC 6454): scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(url::Origin, bool);

impl Origin {
    /// The origin of `url`.
    pub fn of(url: &Url) -> Self {
        Self(url.origin(), is_trustworthy(url))
    }

    /// Parses the value of an `Origin` header. `null` and anything with a path is no origin.
    pub fn parse(header: &str) -> Option<Self> {
        let url = Url::parse(header).ok()?;
        let origin = Self::of(&url);
        (origin.0.is_tuple() && origin.to_string() == header).then_some(origin)
    }

    /// Whether browsers treat this origin as a secure context: HTTPS, or loopback.
    pub fn is_trustworthy(&self) -> bool {
        self.1
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.ascii_serialization())
    }
}

fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url.host().as_ref())
}

/// Whether a host names this machine by definition (RFC 6761 section 6.3), without asking DNS.
pub fn is_loopback(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Parses what an administrator typed as a web address: absolute, `http` or `https`, with a host,
/// without credentials.
///
/// # Errors
/// A sentence for the person who typed it.
pub fn parse_web_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim())
        .map_err(|_| "This is not a web address. Write it whole, for example https://app.example.com/acs.")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("A web address begins with https:// or http://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave the user name and password out of the address.");
    }
    Ok(url)
}

/// A path on this very site that a person may be sent to after an action: it begins with exactly
/// one slash and stays on this origin. Everything else is refused, so that a link can't send people elsewhere.
pub fn local_path(text: &str) -> Option<&str> {
    let base = Url::parse("http://site.invalid/").ok()?;
    let resolved = base.join(text).ok()?;
    let plain = text.starts_with('/') && !text.contains(['\\', '\n', '\r', '\t']);
    (plain && resolved.origin() == base.origin()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_header_is_compared_whole() {
        let ours = Origin::of(&Url::parse("https://work.example.com/path").unwrap());
        assert_eq!(Origin::parse("https://work.example.com"), Some(ours.clone()));
        assert_ne!(Origin::parse("https://work.example.com.evil.com"), Some(ours.clone()));
        assert_ne!(Origin::parse("http://work.example.com"), Some(ours.clone()));
        assert_ne!(Origin::parse("https://work.example.com:8443"), Some(ours));
        for bad in ["null", "", "https://work.example.com/path", "javascript:alert(1)", "//work.example.com"]
        {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_paths_of_this_site_are_local() {
        assert_eq!(local_path("/if/user/?a=b"), Some("/if/user/?a=b"));
        for bad in
            ["//evil.com", "/\\evil.com", "https://evil.com", "evil", "", "/\t/evil.com", "javascript:1"]
        {
            assert_eq!(local_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn loopback_names_are_trustworthy_and_others_need_https() {
        for (url, trustworthy) in [
            ("http://auth.localhost:9000", true),
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://server:9000", false),
            ("http://localhost.evil.com", false),
            ("https://server", true),
        ] {
            assert_eq!(Origin::of(&Url::parse(url).unwrap()).is_trustworthy(), trustworthy, "{url}");
        }
    }

    #[test]
    fn web_addresses_are_refused_with_a_reason() {
        assert!(parse_web_url(" https://app.example.com/acs?id=1 ").is_ok());
        for bad in ["app.example.com", "javascript:alert(1)", "ftp://x/", "https://user:pw@x/", "/acs", ""] {
            assert!(parse_web_url(bad).is_err(), "{bad}");
        }
    }
}
