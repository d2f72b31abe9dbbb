//! Other people's software: xmlsec1 verifies what we sign, and we verify what it signs.

use std::path::Path;
use std::process::Command;

use saml::{ErrorKind, Expectations, IdpMetadata, SignedParts, SpMetadata};

use crate::fixtures::*;

const IDS: [&str; 6] = [
    "--id-attr:ID",
    "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
    "--id-attr:ID",
    "urn:oasis:names:tc:SAML:2.0:protocol:Response",
    "--id-attr:ID",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
];

/// Runs xmlsec1: whether it succeeded, and what it wrote.
pub(crate) fn xmlsec1(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("xmlsec1").args(arguments).output().unwrap_or_else(|error| {
        panic!("the program xmlsec1 can't be run ({error}): run `make test`, which installs it");
    });
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

pub(crate) fn write(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Whether xmlsec1 verifies the signature inside the element of that local name.
fn accepts(xml: &str, element: &str, party: &Party) -> (bool, String) {
    let directory = tempfile::tempdir().unwrap();
    let message = write(directory.path(), "message.xml", xml);
    let certificate = write(directory.path(), "certificate.pem", &party.certificate.pem());
    let signature = format!("//*[local-name()='{element}']/*[local-name()='Signature']");
    let mut arguments = vec!["--verify", "--pubkey-cert-pem", &certificate, "--node-xpath", &signature];
    arguments.extend(IDS);
    arguments.push(&message);
    xmlsec1(&arguments)
}

fn sign(template: &str, party: &Party, element: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let message = write(directory.path(), "template.xml", template);
    let key = write(directory.path(), "key.pem", &party.key_pem);
    let signed = directory.path().join("signed.xml").to_str().unwrap().to_owned();
    let signature = format!("//*[local-name()='{element}']/*[local-name()='Signature']");
    let mut arguments =
        vec!["--sign", "--privkey-pem", &key, "--node-xpath", &signature, "--output", &signed];
    arguments.extend(IDS);
    arguments.push(&message);
    let (succeeded, text) = xmlsec1(&arguments);
    assert!(succeeded, "{text}");
    std::fs::read_to_string(&signed).unwrap()
}

#[test]
fn xmlsec1_verifies_what_we_sign() {
    for party in [&*IDP, &*P256, &*P384] {
        for parts in [SignedParts::Assertion, SignedParts::Response, SignedParts::Both] {
            let xml = response().sign(&party.signer, parts).unwrap();
            for (element, present) in [("Assertion", parts.assertion()), ("Response", parts.response())] {
                if present {
                    let (accepted, text) = accepts(&xml, element, party);
                    assert!(accepted, "{element}: {text}");
                    assert!(!accepts(&xml.replace(VICTIM, ATTACKER), element, party).0);
                }
            }
        }
        let metadata = SpMetadata::new(AUDIENCE, ACS).to_signed_xml("_m", &party.signer).unwrap();
        let (accepted, text) = accepts(&metadata, "EntityDescriptor", party);
        assert!(accepted, "{text}");
    }
}

/// A signature to be filled in.
fn template(id: &str, method: &str, digest: &str, prefix_list: &str) -> String {
    let inclusive = match prefix_list {
        "" => String::new(),
        list => format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/>"
        ),
    };
    format!(
        "<d:Signature xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\">\n <d:SignedInfo>\n  \
         <d:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{inclusive}</d:CanonicalizationMethod>\n  \
         <d:SignatureMethod Algorithm=\"{method}\"/>\n  <d:Reference URI=\"#{id}\">\n   <d:Transforms>\n    \
         <d:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\n    \
         <d:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{inclusive}</d:Transform>\n   </d:Transforms>\n   \
         <d:DigestMethod Algorithm=\"{digest}\"/>\n   <d:DigestValue/>\n  </d:Reference>\n </d:SignedInfo>\n \
         <d:SignatureValue/>\n</d:Signature>"
    )
}

/// An answer as others write them: a declaration, line breaks, namespaces declared at the top, used or not, in
/// single quotes, and xsi:type on values.
fn foreign_response(assertion_signature: &str, response_signature: &str) -> String {
    let response = around(&bare_assertion());
    let spread = response
        .replace("><saml:", ">\r\n  <saml:")
        .replace(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "")
        .replace(
            "<samlp:Response ",
            "<samlp:Response xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' \
             xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xmlns=\"urn:default\"\n ",
        )
        .replace("<saml:AttributeValue>", "<saml:AttributeValue xsi:type=\"xs:string\">")
        .replace("></saml:SubjectConfirmationData>", " />");
    let (before, inside) = spread.split_once("</saml:Issuer>").unwrap();
    let (envelope, assertion) = inside.split_once("</saml:Issuer>").unwrap();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{before}</saml:Issuer>{response_signature}{envelope}</saml:Issuer>\
         {assertion_signature}{assertion}"
    )
}

#[test]
fn we_verify_what_xmlsec1_signs() {
    let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    let sha512 = "http://www.w3.org/2001/04/xmlenc#sha512";
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    for (party, algorithm, digest) in [
        (&*IDP, "rsa-sha256", sha256),
        (&*IDP, "rsa-sha384", sha256),
        (&*IDP, "rsa-sha512", sha512),
        (&*P256, "ecdsa-sha256", sha256),
        (&*P256, "ecdsa-sha512", sha512),
        (&*P384, "ecdsa-sha384", sha256),
        (&*P384, "ecdsa-sha256", sha256),
    ] {
        let expected = Expectations { certificates: vec![party.certificate.clone()], ..expectations() };
        let method = format!("{more}{algorithm}");
        for prefixes in ["", "xs", "#default xs saml", "none xsi"] {
            let signature = |id| template(id, &method, digest, prefixes);
            let assertion = sign(&foreign_response(&signature("_assertion"), ""), party, "Assertion");
            let response = sign(&foreign_response("", &signature("_response")), party, "Response");
            let both = foreign_response(&signature("_assertion"), &signature("_response"));
            let both = sign(&sign(&both, party, "Assertion"), party, "Response");
            for (xml, covered) in [
                (assertion, SignedParts::Assertion),
                (response, SignedParts::Response),
                (both, SignedParts::Both),
            ] {
                let verified = outcome(&xml, &expected, now());
                let verified =
                    verified.unwrap_or_else(|error| panic!("{algorithm} {prefixes}: {error}\n{xml}"));
                assert_eq!(verified.covered(), covered);
                assert_eq!(verified.name_id(), Some(&*NAME));
                assert_eq!(verified.attributes(), *ATTRIBUTES);
                assert_eq!(refusal_with(&edit(&xml, VICTIM, ATTACKER), &expected), ErrorKind::DigestMismatch);
            }
        }
    }
}

#[test]
fn rsa_sha1_of_xmlsec1_counts_only_where_it_is_allowed() {
    let signature = template(
        "_assertion",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "",
    );
    let xml = sign(&foreign_response(&signature, ""), &IDP, "Assertion");
    assert_eq!(refusal(&xml), ErrorKind::Sha1Refused);
    let allowed = Expectations { allow_sha1: true, ..expectations() };
    assert_eq!(outcome(&xml, &allowed, now()).unwrap().name_id(), Some(&*NAME));
}

/// What a verifier that obeys every transform believes: here xmlsec1 says the signature is good although the
/// subject was replaced after signing.
#[test]
fn xmlsec1_believes_a_transform_that_hides_the_subject_and_we_do_not() {
    let transforms = format!(
        "{ENVELOPED}<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>\
         not(ancestor-or-self::*[local-name()='Subject'])</ds:XPath>\
         </ds:Transform>{EXCLUSIVE}"
    );
    let element = bare_assertion();
    let content = edit(&element, cut(&element, "saml:Subject").1, "");
    let signed = around(&ByHand { transforms, ..ByHand::default() }.sign_content(&content, &element));
    let forged = edit(&signed, VICTIM, ATTACKER);
    let (accepted, text) = accepts(&forged, "Assertion", &IDP);
    assert!(accepted, "{text}");
    assert_eq!(refusal(&forged), ErrorKind::TransformRefused);
}

#[test]
fn xmllint_reads_our_metadata() {
    let metadata = IdpMetadata {
        entity_id: ISSUER.into(),
        valid_until: None,
        cache_duration: None,
        single_sign_on_services: vec![saml::Endpoint {
            binding: saml::Binding::HttpPost,
            location: ACS.into(),
        }],
        single_logout_services: Vec::new(),
        signing_certificates: vec![IDP.certificate.clone()],
        name_id_formats: Vec::new(),
        want_authn_requests_signed: false,
    };
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), "metadata.xml", &metadata.to_signed_xml("_m", &IDP.signer).unwrap());
    let output =
        Command::new("xmllint").args(["--noout", "--nonet", &path]).output().unwrap_or_else(|error| {
            panic!("the program xmllint can't be run ({error}): run `make test`, which installs it");
        });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
