//! The HTTP Redirect binding with DEFLATE encoding (SAML Bindings 3.4).

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use super::{MAX_MESSAGE_BYTES, decode_base64, into_text};
use crate::algorithms::SignatureAlgorithm;
use crate::error::{Error, ErrorKind};
use crate::keys::{SigningKey, VerifyingKey};

/// What a redirect carries, and so the name of its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl Message {
    /// The name of the parameter or form field.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The address of a redirect that carries `xml` to `endpoint`, with a signature over the query if there is a key
/// (3.4.4.1). A query that `endpoint` has already is kept, a fragment is dropped.
///
/// # Errors
/// [`ErrorKind::AlgorithmUnfit`] or [`ErrorKind::SigningFailed`].
pub fn redirect_url(
    endpoint: &str,
    message: Message,
    xml: &str,
    relay_state: Option<&str>,
    signing: Option<(&SigningKey, SignatureAlgorithm)>,
) -> Result<String, Error> {
    let mut query = String::with_capacity(xml.len());
    query.push_str(message.parameter());
    query.push('=');
    percent_encode(&STANDARD.encode(deflate(xml)), &mut query);
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        percent_encode(relay_state, &mut query);
    }
    if let Some((key, algorithm)) = signing {
        query.push_str("&SigAlg=");
        percent_encode(algorithm.as_str(), &mut query);
        let signature = key.sign(algorithm, query.as_bytes())?;
        query.push_str("&Signature=");
        percent_encode(&STANDARD.encode(signature), &mut query);
    }
    let endpoint = endpoint.split('#').next().unwrap_or_default();
    let joint = match endpoint.split_once('?') {
        None => "?",
        Some((_, rest)) if rest.is_empty() || rest.ends_with('&') => "",
        Some(_) => "&",
    };
    Ok(format!("{endpoint}{joint}{query}"))
}

/// What a query carried.
pub(crate) struct RedirectMessage {
    pub(crate) xml: String,
    pub(crate) relay_state: Option<String>,
    pub(crate) signature: Option<RedirectSignature>,
}

/// A signature over a query, kept as received: peers percent-encode differently, and what they signed is what
/// they sent.
#[derive(Clone, Debug)]
pub(crate) struct RedirectSignature {
    signed: String,
    algorithm: String,
    signature: String,
}

impl RedirectSignature {
    pub(crate) fn verify(&self, keys: &[VerifyingKey], allow_sha1: bool) -> Result<(), Error> {
        let uri = percent_decode(&self.algorithm, Plus::Literal)
            .ok_or(Error::new(ErrorKind::ParameterMalformed("SigAlg")))?;
        let algorithm = SignatureAlgorithm::from_uri(&uri)
            .ok_or_else(|| Error::new(ErrorKind::SignatureAlgorithmRefused).received(&uri))?;
        let value = percent_decode(&self.signature, Plus::Literal)
            .ok_or(Error::new(ErrorKind::ParameterMalformed("Signature")))?;
        let value = decode_base64(value.as_bytes())
            .map_err(|_| Error::new(ErrorKind::ParameterMalformed("Signature")))?;
        crate::signature::verify_value(keys, algorithm, allow_sha1, self.signed.as_bytes(), &value)
    }
}

/// Reads the raw query of a request, as it stands in the address, for `SAMLRequest` or `SAMLResponse`.
pub(crate) fn read_redirect_query(raw_query: &str, message: Message) -> Result<RedirectMessage, Error> {
    let query = raw_query.strip_prefix('?').unwrap_or(raw_query);
    let parameter = |name: &'static str| -> Result<Option<&str>, Error> {
        let mut found = query.split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        });
        let first = found.next();
        if found.next().is_some() { Err(ErrorKind::ParameterRepeated(name).into()) } else { Ok(first) }
    };
    let name = message.parameter();
    let raw_message = parameter(name)?.filter(|value| !value.is_empty()).ok_or(ErrorKind::MessageMissing)?;
    let raw_relay_state = parameter("RelayState")?;
    let raw_algorithm = parameter("SigAlg")?;
    let raw_signature = parameter("Signature")?;
    if let Some(encoding) = parameter("SAMLEncoding")?
        && percent_decode(encoding, Plus::Literal).as_deref() != Some(DEFLATE_ENCODING)
    {
        return Err(Error::new(ErrorKind::ParameterMalformed("SAMLEncoding")).received(encoding));
    }
    let relay_state = raw_relay_state
        .map(|raw| percent_decode(raw, Plus::Space).ok_or(ErrorKind::ParameterMalformed("RelayState")))
        .transpose()?;
    let signature = match (raw_signature, raw_algorithm) {
        (None, _) => None,
        (Some(_), None) => return Err(ErrorKind::Missing("SigAlg").into()),
        (Some(signature), Some(algorithm)) => {
            let relay_state = raw_relay_state.map(|raw| format!("&RelayState={raw}")).unwrap_or_default();
            let signed = format!("{name}={raw_message}{relay_state}&SigAlg={algorithm}");
            Some(RedirectSignature {
                signed,
                algorithm: algorithm.to_owned(),
                signature: signature.to_owned(),
            })
        }
    };
    if raw_message.len() > MAX_MESSAGE_BYTES * 2 {
        return Err(too_large());
    }
    let encoded = percent_decode(raw_message, Plus::Literal).ok_or(ErrorKind::NotBase64)?;
    let xml = into_text(inflate(&decode_base64(encoded.as_bytes())?)?)?;
    Ok(RedirectMessage { xml, relay_state, signature })
}

const DEFLATE_ENCODING: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge).expected(format!("at most {MAX_MESSAGE_BYTES} bytes"))
}

fn deflate(xml: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(xml.len() / 2), Compression::default());
    // Writing to a Vec does not fail.
    let written = encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// Inflates one whole raw DEFLATE stream, never holding more than the limit.
fn inflate(compressed: &[u8]) -> Result<Vec<u8>, Error> {
    let mut inflater = Decompress::new(false);
    let mut out = Vec::with_capacity((compressed.len() * 4).clamp(1024, MAX_MESSAGE_BYTES + 1));
    loop {
        let consumed = usize::try_from(inflater.total_in()).map_err(|_| too_large())?;
        let rest = compressed.get(consumed..).unwrap_or_default();
        let before = (consumed, out.len());
        let status = inflater
            .decompress_vec(rest, &mut out, FlushDecompress::None)
            .map_err(|_| Error::new(ErrorKind::NotDeflate))?;
        if out.len() > MAX_MESSAGE_BYTES {
            return Err(too_large());
        }
        let consumed = usize::try_from(inflater.total_in()).map_err(|_| too_large())?;
        match status {
            Status::StreamEnd if consumed == compressed.len() => return Ok(out),
            Status::StreamEnd => return Err(ErrorKind::NotDeflate.into()),
            _ if out.len() == out.capacity() => {
                let more = out.len().min(MAX_MESSAGE_BYTES + 1 - out.len());
                out.reserve_exact(more.max(1));
            }
            // No room was lacking and nothing moved: the stream is cut short.
            _ if before == (consumed, out.len()) => return Err(ErrorKind::NotDeflate.into()),
            _ => {}
        }
    }
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}

/// What `+` stands for: itself in base64 that a peer forgot to encode, a space in text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Literal,
    Space,
}

fn percent_decode(text: &str, plus: Plus) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query_of(compressed: &[u8]) -> String {
        let mut query = String::from("SAMLRequest=");
        percent_encode(&STANDARD.encode(compressed), &mut query);
        query
    }

    fn kind(query: &str) -> ErrorKind {
        read_redirect_query(query, Message::Request).err().unwrap().kind()
    }

    #[test]
    fn joins_to_the_endpoint() {
        for (endpoint, start) in [
            ("https://a/sso", "https://a/sso?SAMLRequest="),
            ("https://a/sso?", "https://a/sso?SAMLRequest="),
            ("https://a/sso?x=1", "https://a/sso?x=1&SAMLRequest="),
            ("https://a/sso?x=1&", "https://a/sso?x=1&SAMLRequest="),
            ("https://a/sso?x=1#f", "https://a/sso?x=1&SAMLRequest="),
        ] {
            let url = redirect_url(endpoint, Message::Request, "<a/>", None, None).unwrap();
            assert!(url.starts_with(start) && !url.contains('#'), "{url}");
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let whole = deflate(&"<a>hello</a>".repeat(50));
        assert_eq!(kind(""), ErrorKind::MessageMissing);
        assert_eq!(kind("SAMLRequest="), ErrorKind::MessageMissing);
        assert_eq!(kind("SAMLResponse=AAAA"), ErrorKind::MessageMissing);
        assert_eq!(kind("SAMLRequest=%zz"), ErrorKind::NotBase64);
        assert_eq!(kind("SAMLRequest=%FF"), ErrorKind::NotBase64);
        assert_eq!(kind("SAMLRequest=!"), ErrorKind::NotBase64);
        assert_eq!(kind("SAMLRequest=AA&SAMLRequest=AA"), ErrorKind::ParameterRepeated("SAMLRequest"));
        assert_eq!(
            kind("SAMLRequest=AA&RelayState=a&RelayState=b"),
            ErrorKind::ParameterRepeated("RelayState")
        );
        assert_eq!(kind("SAMLRequest=AA&RelayState=%F"), ErrorKind::ParameterMalformed("RelayState"));
        assert_eq!(kind("SAMLRequest=AA&Signature=AA"), ErrorKind::Missing("SigAlg"));
        assert_eq!(kind("SAMLRequest=AA&SAMLEncoding=x"), ErrorKind::ParameterMalformed("SAMLEncoding"));
        for cut in 1..whole.len() {
            assert_eq!(kind(&query_of(&whole[..cut])), ErrorKind::NotDeflate, "cut at {cut}");
        }
        assert_eq!(kind(&query_of(&[&whole[..], &[0]].concat())), ErrorKind::NotDeflate);
        assert_eq!(kind(&query_of(b"<a/>")), ErrorKind::NotDeflate);
        assert_eq!(kind(&query_of(&deflate(&"x".repeat(MAX_MESSAGE_BYTES + 1)))), ErrorKind::TooLarge);
        // A bomb: 100 MiB of zeros in 100 kB.
        assert_eq!(kind(&query_of(&deflate(&"\0".repeat(100 << 20)))), ErrorKind::TooLarge);
    }

    #[test]
    fn the_largest_message_is_read() {
        let xml = "x".repeat(MAX_MESSAGE_BYTES);
        let read = read_redirect_query(&query_of(&deflate(&xml)), Message::Request).ok().unwrap();
        assert_eq!(read.xml.len(), MAX_MESSAGE_BYTES);
    }

    #[test]
    fn base64_that_was_not_encoded_is_read_all_the_same() {
        let encoded = STANDARD.encode(deflate("<a b='1234567890'/>"));
        let read = read_redirect_query(&format!("x=1&SAMLRequest={encoded}"), Message::Request).ok().unwrap();
        assert_eq!(read.xml, "<a b='1234567890'/>");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(xml in "\\PC{0,400}", relay_state in proptest::option::of("\\PC{0,40}")) {
            let url = redirect_url("https://a/", Message::Request, &format!("<{xml}"), relay_state.as_deref(), None).unwrap();
            prop_assert!(url.is_ascii());
            let (_, query) = url.split_once('?').unwrap();
            let read = read_redirect_query(query, Message::Request).ok().unwrap();
            prop_assert_eq!(&read.xml[1..], xml);
            prop_assert_eq!(read.relay_state, relay_state);
        }

        #[test]
        fn no_query_makes_it_panic(query in "(SAMLRequest=|RelayState=|&|%|[A-Za-z0-9+/=%]{0,40}){0,8}") {
            let _ = read_redirect_query(&query, Message::Request);
        }

        #[test]
        fn no_stream_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = inflate(&bytes);
        }
    }
}
