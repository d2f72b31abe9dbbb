//! The SOAP binding (SAML Bindings 3.2, SOAP 1.1): one message in the body of an envelope.

use roxmltree::Node;

use super::{MAX_MESSAGE_BYTES, into_text};
use crate::error::{Error, ErrorKind};
use crate::xml::{Slot, elements, is, sequence};

/// The namespace of envelopes.
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

static ENVELOPE: [Slot; 2] = [Slot::optional(SOAP, &["Header"]), Slot::one(SOAP, &["Body"])];

/// An envelope around a message: the body of a call or of its answer, to be sent as `text/xml`. `xml` is what the
/// builders of this crate write; it has no XML declaration.
pub fn soap_envelope(xml: &str) -> String {
    format!("<soap:Envelope xmlns:soap=\"{SOAP}\"><soap:Body>{xml}</soap:Body></soap:Envelope>")
}

/// An envelope that says the call could not be understood at all (SOAP 1.1 4.4): `fault` is for people.
pub fn soap_fault(fault: &str) -> String {
    let mut text = String::with_capacity(fault.len());
    for c in fault.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    soap_envelope(&format!(
        "<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{text}</faultstring></soap:Fault>"
    ))
}

/// The text of an envelope.
pub(crate) fn read_soap(body: &[u8]) -> Result<String, Error> {
    if body.is_empty() {
        return Err(ErrorKind::MessageMissing.into());
    }
    if body.len() > MAX_MESSAGE_BYTES {
        return Err(Error::new(ErrorKind::TooLarge).expected(format!("at most {MAX_MESSAGE_BYTES} bytes")));
    }
    into_text(body.to_vec())
}

/// The message that an envelope carries; anything else is a message itself. A header that must be understood is
/// refused, since none is; so is a body with more than one message (Bindings 3.2.2).
pub(crate) fn within_envelope<'a, 'i>(root: Node<'a, 'i>) -> Result<Node<'a, 'i>, Error> {
    if !is(root, SOAP, "Envelope") {
        return Ok(root);
    }
    let [header, body] = sequence(root, "Envelope", &ENVELOPE)?;
    let must_be_understood = |entry: Node<'_, '_>| {
        entry.attributes().any(|attribute| {
            attribute.name() == "mustUnderstand"
                && attribute.namespace() == Some(SOAP)
                && matches!(attribute.value().trim(), "1" | "true")
        })
    };
    if let Some(entry) =
        header.iter().flat_map(|header| elements(*header)).find(|entry| must_be_understood(*entry))
    {
        return Err(Error::new(ErrorKind::Unexpected("Header")).received(entry.tag_name().name()));
    }
    let body = body.first().copied().ok_or(ErrorKind::Missing("Body"))?;
    let mut messages = elements(body);
    match (messages.next(), messages.next()) {
        (Some(message), None) if is(message, SOAP, "Fault") => {
            let said: String =
                message.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect();
            Err(Error::new(ErrorKind::SoapFault).received(said.trim()))
        }
        (Some(message), None) => Ok(message),
        (None, _) => Err(ErrorKind::MessageMissing.into()),
        (Some(_), Some(_)) => Err(ErrorKind::Repeated("Body").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Tolerance, parse};

    fn kind(xml: &str) -> ErrorKind {
        let document = parse(xml, Tolerance::Strict).unwrap();
        within_envelope(document.root_element()).err().unwrap().kind()
    }

    #[test]
    fn what_is_written_is_read() {
        let xml = soap_envelope("<a b=\"1\"></a>");
        let document = parse(&xml, Tolerance::Strict).unwrap();
        assert_eq!(within_envelope(document.root_element()).unwrap().tag_name().name(), "a");
        let header = xml.replace("<soap:Body>", "<soap:Header><x/></soap:Header><soap:Body>");
        let document = parse(&header, Tolerance::Strict).unwrap();
        assert_eq!(within_envelope(document.root_element()).unwrap().tag_name().name(), "a");
        let bare = parse("<a/>", Tolerance::Strict).unwrap();
        assert_eq!(within_envelope(bare.root_element()).unwrap().tag_name().name(), "a");
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(read_soap(b"").unwrap_err().kind(), ErrorKind::MessageMissing);
        assert_eq!(read_soap(b"\xff").unwrap_err().kind(), ErrorKind::NotUtf8);
        assert_eq!(read_soap(&vec![b' '; MAX_MESSAGE_BYTES + 1]).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(kind(&soap_envelope("")), ErrorKind::MessageMissing);
        assert_eq!(kind(&soap_envelope("<a/><b/>")), ErrorKind::Repeated("Body"));
        assert_eq!(
            kind(&soap_envelope("<a/>").replace("soap:Body", "soap:Boby")),
            ErrorKind::Unexpected("Envelope")
        );
        let understood = soap_envelope("<a/>")
            .replace("<soap:Body>", "<soap:Header><x soap:mustUnderstand=\"1\"/></soap:Header><soap:Body>");
        assert_eq!(kind(&understood), ErrorKind::Unexpected("Header"));
        let fault = soap_fault("a < b & \u{1}c");
        let document = parse(&fault, Tolerance::Strict).unwrap();
        let error = within_envelope(document.root_element()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SoapFault);
        assert!(error.received_value().contains("a < b & \u{fffd}c"), "{error:?}");
    }
}
