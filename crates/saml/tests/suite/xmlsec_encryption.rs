//! Other people's software: xmlsec1 and OpenSSL decrypt what we encrypt, and we decrypt what they encrypt.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::{DataEncryption, Expectations, KeyTransport, SignedParts};

use crate::fixtures::*;
use crate::xmlsec::{write, xmlsec1};

#[test]
fn xmlsec1_decrypts_what_we_encrypt() {
    let directory = tempfile::tempdir().unwrap();
    let key = write(directory.path(), "key.pem", &SP.key_pem);
    let decrypted = directory.path().join("decrypted.xml").to_str().unwrap().to_owned();
    for data in DataEncryption::ALL {
        let xml = encrypted(SignedParts::Both, data, KeyTransport::RsaOaepMgf1p);
        let message = write(directory.path(), "message.xml", &xml);
        let (succeeded, text) =
            xmlsec1(&["--decrypt", "--privkey-pem", &key, "--output", &decrypted, &message]);
        assert!(succeeded, "{data}: {text}");
        let clear = std::fs::read_to_string(&decrypted).unwrap();
        let (_, assertion, _) = cut(&clear, "saml:Assertion");
        assert!(assertion.contains(VICTIM), "{clear}");
        // As it was signed: in place of the encrypted one it is accepted.
        let bare = around(assertion);
        assert_eq!(verified(&bare).name_id(), Some(&*NAME));
    }
}

/// What is to be encrypted is filled in by xmlsec1.
fn template(data: &str, method: &str) -> String {
    format!(
        "<e:EncryptedData xmlns:e=\"http://www.w3.org/2001/04/xmlenc#\" Type=\"http://www.w3.org/2001/04/xmlenc#Element\">\n \
         <e:EncryptionMethod Algorithm=\"{data}\"/>\n <KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\">\n  \
         <e:EncryptedKey>\n   <e:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\">{method}</e:EncryptionMethod>\n   \
         <KeyInfo><X509Data/></KeyInfo>\n   <e:CipherData><e:CipherValue/></e:CipherData>\n  </e:EncryptedKey>\n </KeyInfo>\n \
         <e:CipherData><e:CipherValue/></e:CipherData>\n</e:EncryptedData>"
    )
}

#[test]
fn we_decrypt_what_xmlsec1_encrypts() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = write(directory.path(), "certificate.pem", &SP.certificate.pem());
    let whole = signed(SignedParts::Assertion);
    let (_, assertion, _) = cut(&whole, "saml:Assertion");
    // Some peers leave the declaration to the response.
    let relying = assertion.replace(" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"", "");
    for data in DataEncryption::ALL {
        for digest in [
            "",
            "<DigestMethod xmlns=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"/>",
            "<e:OAEPparams>9lWu3Q==</e:OAEPparams>",
        ] {
            for assertion in [assertion, &relying] {
                let document = around(&format!(
                    "<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{assertion}\
                     </saml:EncryptedAssertion>"
                ));
                let message = write(directory.path(), "message.xml", &document);
                let template = write(directory.path(), "template.xml", &template(data.as_str(), digest));
                let output = directory.path().join("encrypted.xml").to_str().unwrap().to_owned();
                let session = if data.label().contains("256") { "aes-256" } else { "aes-128" };
                let (succeeded, text) = xmlsec1(&[
                    "--encrypt",
                    "--pubkey-cert-pem",
                    &certificate,
                    "--session-key",
                    session,
                    "--xml-data",
                    &message,
                    "--node-xpath",
                    "//*[local-name()='Assertion']",
                    "--output",
                    &output,
                    &template,
                ]);
                assert!(succeeded, "{data} {digest}: {text}");
                let xml = std::fs::read_to_string(&output).unwrap();
                assert!(!xml.contains(VICTIM), "{xml}");
                // CBC counts only within a signed response.
                let xml = if data.is_cbc() { by_response(&xml) } else { xml };
                let expected = Expectations { allow_cbc: data.is_cbc(), ..expectations() };
                let read = outcome(&xml, &expected, now());
                let read = read.unwrap_or_else(|error| panic!("{data} {digest}: {error}\n{xml}"));
                assert_eq!(read.name_id(), Some(&*NAME));
                assert!(read.was_encrypted());
            }
        }
    }
}

/// Signed as a response, whatever is in it: xmlsec1 writes the canonical form for us.
fn by_response(xml: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let message = write(directory.path(), "message.xml", xml.trim_start_matches("<?xml version=\"1.0\"?>\n"));
    let output = Command::new("xmllint").args(["--nonet", "--exc-c14n", &message]).output().unwrap();
    let canonical = String::from_utf8(output.stdout).unwrap();
    ByHand { uri: "#_response".into(), ..ByHand::default() }.sign(&canonical)
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().unwrap_or_else(|error| {
        panic!("the program openssl can't be run ({error}): run `make test`, which installs it");
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// xmlsec1 1.2 does not know RSA-OAEP of XML Encryption 1.1, so the content key is wrapped and unwrapped by OpenSSL.
#[test]
fn openssl_unwraps_what_we_wrap_with_sha256() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let key = write(directory.path(), "key.pem", &SP.key_pem);
    let xml = encrypted(SignedParts::Assertion, DataEncryption::Aes128Gcm, KeyTransport::RsaOaep);
    std::fs::write(path("wrapped"), cipher_value(&xml, 0)).unwrap();
    let oaep = oaep_options("sha256");
    let unwrap =
        ["pkeyutl", "-decrypt", "-inkey", &key, "-in", &path("wrapped"), "-out", &path("content-key")];
    openssl(&[&unwrap[..], &oaep.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let content_key = std::fs::read(path("content-key")).unwrap();
    assert_eq!(content_key.len(), 16);
    assert!(gcm_open(&content_key, &cipher_value(&xml, 1)).contains(VICTIM));
}

#[test]
fn we_unwrap_what_openssl_wraps_with_each_digest() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let certificate = write(directory.path(), "certificate.pem", &SP.certificate.pem());
    let whole = signed(SignedParts::Assertion);
    let (_, assertion, _) = cut(&whole, "saml:Assertion");
    let content_key = random()[..16].to_vec();
    std::fs::write(path("content-key"), &content_key).unwrap();
    let template = encrypted(SignedParts::Assertion, DataEncryption::Aes128Gcm, KeyTransport::RsaOaep);
    let sealed =
        edit(&template, &encoded_value(&template, 1), &STANDARD.encode(gcm(&content_key, assertion)));
    for (digest, uri) in [
        ("sha1", "http://www.w3.org/2000/09/xmldsig#sha1"),
        ("sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
        ("sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384"),
        ("sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
    ] {
        let oaep = oaep_options(digest);
        let wrap = [
            "pkeyutl",
            "-encrypt",
            "-certin",
            "-inkey",
            &certificate,
            "-in",
            &path("content-key"),
            "-out",
            &path("wrapped"),
        ];
        openssl(&[&wrap[..], &oaep.iter().map(String::as_str).collect::<Vec<_>>()].concat());
        let wrapped = STANDARD.encode(std::fs::read(path("wrapped")).unwrap());
        let xml = edit(&sealed, &encoded_value(&sealed, 0), &wrapped);
        // The first of the two is the digest of the wrapped key, the second that of the signature within.
        let xml = xml.replacen("http://www.w3.org/2001/04/xmlenc#sha256", uri, 1);
        let xml = edit(&xml, "xmlenc11#mgf1sha256", &format!("xmlenc11#mgf1{digest}"));
        assert_eq!(verified(&xml).name_id(), Some(&*NAME), "{digest}");
        let mixed = edit(&xml, &format!("xmlenc11#mgf1{digest}"), "xmlenc11#mgf1sha224");
        assert_eq!(refusal(&mixed), saml::ErrorKind::KeyTransportMix);
    }
}

fn oaep_options(digest: &str) -> [String; 6] {
    ["rsa_padding_mode:oaep".to_owned(), format!("rsa_oaep_md:{digest}"), format!("rsa_mgf1_md:{digest}")]
        .map(|option| ["-pkeyopt".to_owned(), option])
        .concat()
        .try_into()
        .unwrap()
}

/// The wrapped key (0) or the content (1), in base64.
fn encoded_value(xml: &str, index: usize) -> String {
    let rest = xml.split("<xenc:CipherValue>").nth(index + 1).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

fn cipher_value(xml: &str, index: usize) -> Vec<u8> {
    STANDARD.decode(encoded_value(xml, index)).unwrap()
}
