//! `[identity]` and `[workspaces]`: the addresses that people's browsers use.

use site::origin::{Origin as WebOrigin, parse_web_url};
use url::Url;

use super::setting::Setting;
use super::{Problem, Reader};

/// The address of one product: scheme, host and port, nothing after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicAddress(Url);

impl PublicAddress {
    /// As a URL; its path is `/`.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// The host name, in lower case.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl std::fmt::Display for PublicAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Setting for PublicAddress {
    const WRITE: &'static str = "the address as people type it, for example \"https://auth.example.com\".";

    fn parse(text: &str) -> Result<Self, String> {
        let url = parse_web_url(text).map_err(|sentence| format!("\"{text}\": {sentence}"))?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("\"{text}\" has something after the host name."));
        }
        Ok(Self(url))
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

/// The addresses of the two products. Their host names differ: requests are told apart by it, and so are cookies.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// The identity provider's.
    pub(crate) identity: PublicAddress,
    /// The workspace platform's.
    pub(crate) workspaces: PublicAddress,
}

impl Addresses {
    /// The built-in addresses have the port of the listener, so that `--listen` alone moves everything.
    pub(super) fn read(reader: &mut Reader<'_>, port: u16) -> Self {
        let addresses = Self {
            identity: address(reader, "identity.url", &format!("http://auth.localhost:{port}")),
            workspaces: address(reader, "workspaces.url", &format!("http://workspaces.localhost:{port}")),
        };
        if addresses.identity.host() == addresses.workspaces.host() {
            let problem = Problem::error(
                format!("Identity and Workspaces have the same host name, {}.", addresses.identity.host()),
                "Give each its own name, for example auth.example.com and workspaces.example.com: requests and \
                 cookies are told apart by it.",
            );
            reader.problem(problem.at(reader.origin("workspaces.url")).of("workspaces.url"));
        }
        for (key, address) in
            [("identity.url", &addresses.identity), ("workspaces.url", &addresses.workspaces)]
        {
            if !WebOrigin::of(address.url()).is_trustworthy() {
                let problem = Problem::warning(
                    format!("{address} is not encrypted: passwords and cookies can be read on the way."),
                    "Put a proxy with a certificate in front and write https://, or use a .localhost name for a trial.",
                );
                reader.problem(problem.at(reader.origin(key)).of(key));
            }
        }
        addresses
    }
}

#[expect(clippy::expect_used, reason = "the built-in addresses are literals; every test reads them")]
fn address(reader: &mut Reader<'_>, key: &'static str, built_in: &str) -> PublicAddress {
    let built_in = PublicAddress::parse(built_in).expect("a built-in address is a web address");
    reader.value(key, built_in)
}
