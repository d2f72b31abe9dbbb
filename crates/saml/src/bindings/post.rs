//! The HTTP POST binding (SAML Bindings 3.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{MAX_MESSAGE_BYTES, decode_base64, into_text};
use crate::error::{Error, ErrorKind};

/// The value of the form field `SAMLRequest` or `SAMLResponse` for a message.
pub fn post_value(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// The message in a form field.
pub(crate) fn read_post(value: &str) -> Result<String, Error> {
    if value.trim().is_empty() {
        return Err(ErrorKind::MessageMissing.into());
    }
    // Base64 takes 4 characters for 3 bytes; allow half as much again for white space.
    if value.len() > MAX_MESSAGE_BYTES * 2 {
        return Err(too_large());
    }
    let bytes = decode_base64(value.as_bytes())?;
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(too_large());
    }
    into_text(bytes)
}

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge).expected(format!("at most {MAX_MESSAGE_BYTES} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let xml = "<a>ä</a>";
        assert_eq!(read_post(&post_value(xml)).unwrap(), xml);
        let wrapped: String = post_value(xml).chars().flat_map(|c| [c, '\r', '\n']).collect();
        assert_eq!(read_post(&wrapped).unwrap(), xml);
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let kind = |value: &str| read_post(value).unwrap_err().kind();
        assert_eq!(kind(" \n"), ErrorKind::MessageMissing);
        assert_eq!(kind("<a/>"), ErrorKind::NotBase64);
        assert_eq!(kind("/w=="), ErrorKind::NotUtf8);
        assert_eq!(kind(&post_value(&"x".repeat(MAX_MESSAGE_BYTES + 1))), ErrorKind::TooLarge);
        assert_eq!(kind(&"A".repeat(2_000_000)), ErrorKind::TooLarge);
        assert!(read_post(&post_value(&"x".repeat(MAX_MESSAGE_BYTES))).is_ok());
    }
}
