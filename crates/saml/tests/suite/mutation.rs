//! Messages and certificates with bytes flipped, cut out, put in and copied elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use saml::{Certificate, untrusted_in_response_to};

use crate::fixtures::IDP;
use crate::splicing::{WAYS, outcome, own};

const SHARDS: [&str; 22] = [
    "",
    "<",
    ">",
    "/",
    "\"",
    "'",
    "&",
    "&amp;",
    "&#x0;",
    "&#xFFFE;",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!---->",
    " ",
    "é",
    "\u{feff}",
    "\u{fffe}",
    " xmlns=\"\"",
    " xmlns:saml=\"urn:x\"",
    " ID=\"_a1\"",
    "<saml:NameID>admin</saml:NameID>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes flipped, cut out, put in, and stretches copied elsewhere: refused, or the same as before.
    #[test]
    fn no_mutation_says_anything_new(
        way in 0..3_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..40_usize, 0..4_u8, any::<u8>()), 1..4),
    ) {
        let parts = WAYS[way];
        let message = own(parts);
        let original = outcome(&message, parts).unwrap();
        let mut bytes = message.into_bytes();
        for (from, to, length, kind, byte) in edits {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            let end = (from + length).min(bytes.len());
            match kind {
                0 => bytes[from] ^= byte,
                1 => drop(bytes.drain(from..end)),
                2 => drop(bytes.splice(from..from, SHARDS[usize::from(byte) % SHARDS.len()].bytes())),
                _ => {
                    let copy = bytes[from..end].to_vec();
                    drop(bytes.splice(to..to, copy));
                }
            }
            if bytes.is_empty() {
                break;
            }
        }
        let Ok(xml) = String::from_utf8(bytes) else { return Ok(()) };
        let _ = untrusted_in_response_to(&saml::post_value(&xml));
        if let Ok(verified) = outcome(&xml, parts) {
            prop_assert_eq!(verified, original, "{}", xml);
        }
    }

    /// A certificate comes with a message before anything is verified: no bytes may bring the service down.
    #[test]
    fn no_certificate_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut der = IDP.certificate.der().to_vec();
        let at = at.index(der.len());
        der[at] = byte;
        let _ = Certificate::from_der(&der);
        let _ = Certificate::parse(&der);
        let cut = cut.index(der.len());
        let _ = Certificate::from_der(&der[..cut]);
        let _ = Certificate::parse(STANDARD.encode(&der).as_bytes());
    }
}
