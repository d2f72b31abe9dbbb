//! `[http]`: the listener.

use std::net::{Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::Reader;

/// The port unless another is given.
const BUILT_IN_PORT: u16 = 9000;

/// The listener.
#[derive(Debug)]
pub(crate) struct Http {
    /// Where both products listen.
    pub(crate) listen: SocketAddr,
    /// Proxies whose forwarded headers count.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Http {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let built_in = SocketAddr::from((Ipv4Addr::LOCALHOST, BUILT_IN_PORT));
        Self {
            listen: reader.value("http.listen", built_in),
            trusted_proxies: reader.list("http.trusted_proxies"),
        }
    }
}
