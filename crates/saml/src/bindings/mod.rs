//! How messages travel: base64 in a form field, compressed in a query, or in a SOAP envelope (SAML Bindings 3.2,
//! 3.4 and 3.5).

mod post;
mod redirect;
mod soap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub use post::post_value;
pub(crate) use post::read_post;
pub use redirect::{Message, redirect_url};
pub(crate) use redirect::{RedirectSignature, read_redirect_query};
pub(crate) use soap::{read_soap, within_envelope};
pub use soap::{soap_envelope, soap_fault};

use crate::error::{Error, ErrorKind};

/// The XML of a message in the query of a redirect, for people to look at: nothing in it was checked. `None` if it
/// can't be decoded.
pub fn untrusted_query_xml(raw_query: &str, message: Message) -> Option<String> {
    read_redirect_query(raw_query, message).ok().map(|read| read.xml)
}

/// The same for the value of a form field.
pub fn untrusted_post_xml(value: &str) -> Option<String> {
    read_post(value).ok()
}

/// Larger messages are refused, in bytes of XML.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Peers leave out the padding, and wrap lines.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64, with white space anywhere and with or without padding.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Error> {
    let malformed = |_| Error::new(ErrorKind::NotBase64);
    if text.iter().any(u8::is_ascii_whitespace) {
        let compact: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        return LENIENT.decode(compact).map_err(malformed);
    }
    LENIENT.decode(text).map_err(malformed)
}

/// Bytes of a message as text.
pub(crate) fn into_text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| ErrorKind::NotUtf8.into())
}
