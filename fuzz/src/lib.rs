//! What the targets share: the keys and the settings of one identity provider and one service provider, whose
//! messages the seeds are, so that what is mutated begins as something that is accepted.
//!
//! The private keys beside this are for fuzzing alone; they sign and decrypt nothing that anybody believes.

use std::sync::LazyLock;
use std::time::Duration;

use saml::{
    Certificate, DataEncryption, DecryptionKey, DigestAlgorithm, Encryptor, Expectations, KeyTransport,
    SignatureAlgorithm, Signer, SigningKey, Timestamp, VerifiedAssertion,
};

/// The entity ID of the identity provider.
pub const ISSUER: &str = "https://auth.example/metadata/";
/// The entity ID of the service provider.
pub const AUDIENCE: &str = "https://rooms.example/api/metadata/?id=0123";
/// Where answers go.
pub const ACS: &str = "https://rooms.example/api/acs/?id=0123";
/// The ID of the request that is pending.
pub const REQUEST: &str = "_request";
/// The one person whom the identity provider ever signs in.
pub const PERSON: &str = "ann@example.org";
/// The one group that it ever says of them.
pub const GROUP: &str = "staff";

/// The certificate of the identity provider.
pub static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::parse(include_bytes!("../keys/idp.pem")).expect("the certificate is read"));

/// What the identity provider signs with.
pub static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let key = SigningKey::from_pkcs8_pem(include_str!("../keys/idp.key.pem")).expect("the key is read");
    Signer::new(key, CERTIFICATE.clone(), SignatureAlgorithm::EcdsaSha256, DigestAlgorithm::Sha256)
        .expect("the key fits the certificate")
});

/// The moment at which everything happens.
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T12:00:00Z").expect("a moment")
}

/// What the service provider expects of an answer.
pub static EXPECTATIONS: LazyLock<Expectations> = LazyLock::new(|| Expectations {
    issuer: ISSUER.into(),
    audience: AUDIENCE.into(),
    acs_url: ACS.into(),
    in_response_to: Some(REQUEST.into()),
    certificates: vec![CERTIFICATE.clone()],
    clock_skew: Duration::from_secs(60),
    want_assertions_signed: false,
    want_messages_signed: false,
    want_attribute_statement: true,
    want_name_id: true,
    allow_sha1: false,
    decryption_keys: vec![
        DecryptionKey::from_pkcs8_pem(include_str!("../keys/sp.key.pem")).expect("the key is read"),
    ],
    want_assertions_encrypted: false,
    allow_cbc: true,
});

/// Encrypts for the service provider, as anybody can.
pub static ENCRYPTOR: LazyLock<Encryptor> = LazyLock::new(|| {
    let certificate = Certificate::parse(include_bytes!("../keys/sp.pem")).expect("the certificate is read");
    Encryptor::new(certificate, DataEncryption::Aes128Gcm, KeyTransport::RsaOaepMgf1p)
        .expect("the key is RSA")
});

/// The answer that the service provider waits for, with `assertion` in it, unsigned.
pub fn response_with(assertion: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" Destination=\"{ACS}\" ID=\"_response\" \
         InResponseTo=\"{REQUEST}\" IssueInstant=\"2026-11-24T12:00:00Z\" Version=\"2.0\">\
         <saml:Issuer>{ISSUER}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{assertion}\
         </samlp:Response>"
    )
}

/// Whatever was done to a message: if it is accepted at all, it says what the identity provider signed.
///
/// # Panics
/// If it says anything else; that is the find.
pub fn says_what_was_signed(assertion: &VerifiedAssertion) {
    let name = assertion.name_id().expect("a NameID is wanted");
    assert_eq!(name.value, PERSON);
    let groups = assertion.attributes().iter().flat_map(|attribute| &attribute.values);
    assert!(groups.into_iter().all(|value| value == GROUP), "{:?}", assertion.attributes());
    assert_eq!(assertion.issuer(), ISSUER);
    assert_eq!(assertion.in_response_to(), Some(REQUEST));
}
