//! The right to open one connection to one session, once.

use std::fmt::{self, Write as _};

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

/// The subprotocol that the browser offers the ticket in. A browser cannot set headers on a WebSocket; a URL would put
/// the ticket into logs and histories.
const PREFIX: &str = "innkeeper.ticket.";

/// 256 random bits that the caller made, bound in its database to user, session and origin, and gave to the page.
/// It is written as 64 hexadecimal digits. Store only its hash.
#[derive(Clone)]
pub struct LaunchTicket([u8; 32]);

impl LaunchTicket {
    /// A ticket of these random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads what [`token`](Self::token) wrote: exactly 64 hexadecimal digits in lower case.
    pub fn parse(token: &str) -> Option<Self> {
        let digits = token.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// The ticket as text, for the page that will open the connection.
    pub fn token(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The bytes, to be hashed for storage and look-up.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The one ticket among the offered subprotocols. None where there is none, or more than one.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut tickets = offered(headers).filter_map(|protocol| protocol.strip_prefix(PREFIX));
        let token = tickets.next()?;
        if tickets.next().is_some() { None } else { Self::parse(token) }
    }
}

/// The subprotocols that the client offers (RFC 6455, section 11.3.4).
fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Debug for LaunchTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LaunchTicket(…)")
    }
}

impl PartialEq for LaunchTicket {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for LaunchTicket {}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (header::SEC_WEBSOCKET_PROTOCOL, value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_reads_back() {
        let ticket = LaunchTicket::from_random([0xa7; 32]);
        assert_eq!(LaunchTicket::parse(&ticket.token()), Some(ticket));
    }

    #[test]
    fn anything_else_is_no_ticket() {
        let token = LaunchTicket::from_random([0xa7; 32]).token();
        for wrong in ["", "a7", &token[1..], &format!("{token}0"), &token.to_uppercase(), &"é".repeat(32)] {
            assert_eq!(LaunchTicket::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_ticket_is_found_among_the_subprotocols() {
        let ticket = LaunchTicket::from_random([1; 32]);
        let offer = format!("{PREFIX}{}", ticket.token());
        assert_eq!(
            LaunchTicket::from_headers(&headers(&[&format!("binary, {offer}")])),
            Some(ticket.clone())
        );
        assert_eq!(LaunchTicket::from_headers(&headers(&["binary", &offer])), Some(ticket));
        assert_eq!(LaunchTicket::from_headers(&headers(&["binary"])), None);
        assert_eq!(LaunchTicket::from_headers(&headers(&[&format!("{offer}, {offer}")])), None);
    }

    #[test]
    fn a_ticket_is_not_written_into_logs() {
        assert_eq!(format!("{:?}", LaunchTicket::from_random([1; 32])), "LaunchTicket(…)");
    }
}
