//! An identity provider, an attacker, a message, and ways to edit and sign it by hand.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::{aead, cipher, digest, rsa, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256,
};
use saml::{
    Attribute, AuthnContextClass, Certificate, DataEncryption, DecryptionKey, DigestAlgorithm, Encryption,
    Encryptor, Error, ErrorKind, Expectations, KeyTransport, NameId, NameIdFormat, Response, SignedParts,
    Signer, SigningKey, Timestamp, VerifiedAssertion, examine_response, post_value, verify_response,
    verify_response_xml,
};

pub(crate) const ISSUER: &str = "https://auth.example/metadata/";
pub(crate) const ACS: &str = "https://workspaces.example/api/acs/?id=0123";
pub(crate) const AUDIENCE: &str = "https://workspaces.example/api/metadata/?id=0123";
pub(crate) const REQUEST: &str = "_request";
pub(crate) const ATTACKER: &str = "admin@example.org";
pub(crate) const VICTIM: &str = "ann@example.org";

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

/// A key with its certificate.
pub(crate) struct Party {
    pub(crate) key_pem: String,
    pub(crate) certificate: Certificate,
    pub(crate) signer: Signer,
}

impl Party {
    fn new(algorithm: &'static rcgen::SignatureAlgorithm, name: &str) -> Self {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let key_pem = pair.serialize_pem();
        let certificate = Certificate::parse(params.self_signed(&pair).unwrap().pem().as_bytes()).unwrap();
        let key = SigningKey::from_pkcs8_pem(&key_pem).unwrap();
        let usual = key.default_algorithm();
        let signer = Signer::new(key, certificate.clone(), usual, DigestAlgorithm::Sha256).unwrap();
        Self { key_pem, certificate, signer }
    }
}

pub(crate) static IDP: LazyLock<Party> = LazyLock::new(|| Party::new(&PKCS_RSA_SHA256, "auth.example"));
pub(crate) static STRANGER: LazyLock<Party> = LazyLock::new(|| Party::new(&PKCS_RSA_SHA256, "auth.example"));
pub(crate) static P256: LazyLock<Party> =
    LazyLock::new(|| Party::new(&PKCS_ECDSA_P256_SHA256, "auth.example"));
pub(crate) static P384: LazyLock<Party> =
    LazyLock::new(|| Party::new(&PKCS_ECDSA_P384_SHA384, "auth.example"));

/// For whom assertions are encrypted.
pub(crate) static SP: LazyLock<Party> = LazyLock::new(|| Party::new(&PKCS_RSA_SHA256, "workspaces.example"));

pub(crate) fn decryption_key(party: &Party) -> DecryptionKey {
    DecryptionKey::from_pkcs8_pem(&party.key_pem).unwrap()
}

pub(crate) fn encryptor(party: &Party, data: DataEncryption, transport: KeyTransport) -> Encryptor {
    Encryptor::new(party.certificate.clone(), data, transport).unwrap()
}

/// The answer with its assertion encrypted for the service provider.
pub(crate) fn encrypted(parts: SignedParts, data: DataEncryption, transport: KeyTransport) -> String {
    let encryptor = encryptor(&SP, data, transport);
    let encryption = Some(Encryption { encryptor: &encryptor, random: random() });
    Response { encryption, ..response() }.sign(&IDP.signer, parts).unwrap()
}

/// The answer around whatever plaintext, encrypted for the service provider as anybody can with its certificate.
pub(crate) fn sealed(plaintext: &str, data: DataEncryption) -> String {
    let whole = encrypted(SignedParts::Assertion, data, KeyTransport::RsaOaepMgf1p);
    let key = random();
    let key = &key[..if data.label().contains("256") { 32 } else { 16 }];
    let content = if data.is_cbc() { cbc(key, plaintext) } else { gcm(key, plaintext) };
    let mut values = whole.split("<xenc:CipherValue>");
    let (before, _, after) = (values.next().unwrap(), values.next().unwrap(), values.next().unwrap());
    let between =
        whole.split("</xenc:CipherValue>").nth(1).unwrap().split("<xenc:CipherValue>").next().unwrap();
    let after = after.split_once("</xenc:CipherValue>").unwrap().1;
    format!(
        "{before}<xenc:CipherValue>{}</xenc:CipherValue>{between}<xenc:CipherValue>{}</xenc:CipherValue>{after}",
        STANDARD.encode(wrap(key, &SP)),
        STANDARD.encode(content)
    )
}

/// RSA-OAEP with SHA-1 and MGF1 with SHA-1.
pub(crate) fn wrap(key: &[u8], party: &Party) -> Vec<u8> {
    let (_, certificate) = x509_parser::parse_x509_certificate(party.certificate.der()).unwrap();
    let public = rsa::PublicEncryptingKey::from_der(certificate.public_key().raw).unwrap();
    let public = rsa::OaepPublicEncryptingKey::new(public).unwrap();
    let mut wrapped = vec![0; public.ciphertext_size()];
    public.encrypt(&rsa::OAEP_SHA1_MGF1SHA1, key, &mut wrapped, None).unwrap();
    wrapped
}

pub(crate) fn gcm(key: &[u8], plaintext: &str) -> Vec<u8> {
    let algorithm = if key.len() == 32 { &aead::AES_256_GCM } else { &aead::AES_128_GCM };
    let iv = [3; 12];
    let mut content = plaintext.as_bytes().to_vec();
    aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, key).unwrap())
        .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(iv), aead::Aad::empty(), &mut content)
        .unwrap();
    [&iv[..], &content].concat()
}

/// The reverse of [`gcm`], for keys of 128 bits.
pub(crate) fn gcm_open(key: &[u8], content: &[u8]) -> String {
    let (iv, sealed) = content.split_at(12);
    let mut sealed = sealed.to_vec();
    let nonce = aead::Nonce::try_assume_unique_for_key(iv).unwrap();
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, key).unwrap());
    String::from_utf8(key.open_in_place(nonce, aead::Aad::empty(), &mut sealed).unwrap().to_vec()).unwrap()
}

pub(crate) fn cbc(key: &[u8], plaintext: &str) -> Vec<u8> {
    let algorithm = if key.len() == 32 { &cipher::AES_256 } else { &cipher::AES_128 };
    let iv = [3; 16];
    let mut content = plaintext.as_bytes().to_vec();
    // The other bytes of the padding may be anything.
    let padding = 16 - content.len() % 16;
    content.extend(std::iter::repeat_n(0xee, padding - 1).chain([u8::try_from(padding).unwrap()]));
    let key = cipher::EncryptingKey::cbc(cipher::UnboundCipherKey::new(algorithm, key).unwrap()).unwrap();
    key.less_safe_encrypt(&mut content, cipher::EncryptionContext::Iv128(iv.into())).unwrap();
    [&iv[..], &content].concat()
}

/// Random bytes for one message.
pub(crate) fn random() -> [u8; 48] {
    let mut bytes = [0; 48];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes
}

/// What the service provider expects: everything strict except what must be signed, which differs by test.
pub(crate) fn expectations() -> Expectations {
    Expectations {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        acs_url: ACS.into(),
        in_response_to: Some(REQUEST.into()),
        certificates: vec![IDP.certificate.clone()],
        clock_skew: Duration::from_secs(60),
        want_assertions_signed: false,
        want_messages_signed: false,
        want_attribute_statement: true,
        want_name_id: true,
        allow_sha1: false,
        decryption_keys: vec![decryption_key(&SP)],
        want_assertions_encrypted: false,
        allow_cbc: false,
    }
}

pub(crate) static NAME: LazyLock<NameId> = LazyLock::new(|| NameId::new(NameIdFormat::EmailAddress, VICTIM));
pub(crate) static ATTRIBUTES: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    let mut groups =
        Attribute::new("http://schemas.xmlsoap.org/claims/Group", ["staff", "painters & <friends>"]);
    groups.friendly_name = Some("Groups".into());
    vec![groups, Attribute::new("urn:nothing", Vec::<String>::new())]
});

/// The answer that the tests begin with.
pub(crate) fn response() -> Response<'static> {
    Response {
        id: "_response",
        assertion_id: "_assertion",
        issue_instant: now(),
        issuer: ISSUER,
        destination: ACS,
        in_response_to: Some(REQUEST),
        audience: Some(AUDIENCE),
        name_id: &NAME,
        attributes: &ATTRIBUTES,
        not_before: at("2026-11-24T11:55:00Z"),
        not_on_or_after: at("2026-11-24T12:05:00Z"),
        authn_instant: at("2026-11-24T11:00:00Z"),
        session_index: Some("session"),
        session_not_on_or_after: Some(at("2026-11-24T20:00:00Z")),
        authn_context: AuthnContextClass::PasswordProtectedTransport,
        encryption: None,
    }
}

pub(crate) fn signed(parts: SignedParts) -> String {
    response().sign(&IDP.signer, parts).unwrap()
}

/// What verification says. The three ways to ask must agree, since there is one implementation.
pub(crate) fn outcome(
    xml: &str,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<VerifiedAssertion, Error> {
    let outcome = verify_response_xml(xml, expectations, now);
    let encoded = post_value(xml);
    assert_eq!(outcome, verify_response(&encoded, expectations, now));
    let examination = examine_response(&encoded, expectations, now);
    assert_eq!(outcome.as_ref(), examination.outcome());
    assert_eq!(
        examination.checks().iter().filter(|check| !check.passed).count(),
        usize::from(outcome.is_err())
    );
    assert_eq!(examination.checks().last().unwrap().passed, outcome.is_ok(), "{:?}", examination.checks());
    outcome
}

pub(crate) fn verified(xml: &str) -> VerifiedAssertion {
    outcome(xml, &expectations(), now()).unwrap()
}

pub(crate) fn refusal_with(xml: &str, expectations: &Expectations) -> ErrorKind {
    match outcome(xml, expectations, now()) {
        Ok(assertion) => panic!("let in {:?} by {xml}", assertion.name_id()),
        Err(error) => error.kind(),
    }
}

pub(crate) fn refusal(xml: &str) -> ErrorKind {
    refusal_with(xml, &expectations())
}

/// A text cut in three: before an element, the element, after it. The first of its kind, to the last of its ends.
pub(crate) fn cut<'a>(xml: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let opens = |at: &usize| xml[at + 1 + name.len()..].starts_with([' ', '>', '/']);
    let start = xml.match_indices(&format!("<{name}")).map(|(at, _)| at).find(opens).unwrap();
    let close = format!("</{name}>");
    let end = xml.rfind(&close).unwrap() + close.len();
    (&xml[..start], &xml[start..end], &xml[end..])
}

/// Replaces something that must be there.
pub(crate) fn edit(xml: &str, from: &str, to: &str) -> String {
    assert!(xml.contains(from), "{from} is not in {xml}");
    xml.replace(from, to)
}

/// Without its signature.
pub(crate) fn unsigned(xml: &str) -> String {
    let (before, _, after) = cut(xml, "ds:Signature");
    format!("{before}{after}")
}

/// The assertion of an answer, unsigned.
pub(crate) fn bare_assertion() -> String {
    unsigned(cut(&signed(SignedParts::Assertion), "saml:Assertion").1)
}

/// The usual answer around an assertion.
pub(crate) fn around(assertion: &str) -> String {
    let whole = signed(SignedParts::Assertion);
    let (before, _, after) = cut(&whole, "saml:Assertion");
    format!("{before}{assertion}{after}")
}

pub(crate) const ENVELOPED: &str =
    "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>";
pub(crate) const EXCLUSIVE: &str =
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";

/// A signature made by hand with the real key of the identity provider, with whatever it says.
pub(crate) struct ByHand {
    pub(crate) c14n: &'static str,
    pub(crate) method: &'static str,
    pub(crate) uri: String,
    pub(crate) transforms: String,
    pub(crate) digest_method: &'static str,
    pub(crate) digest_algorithm: &'static digest::Algorithm,
    /// More references than the first.
    pub(crate) more: String,
    /// After KeyInfo.
    pub(crate) object: String,
}

impl Default for ByHand {
    fn default() -> Self {
        Self {
            c14n: "http://www.w3.org/2001/10/xml-exc-c14n#",
            method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            uri: "#_assertion".into(),
            transforms: format!("{ENVELOPED}{EXCLUSIVE}"),
            digest_method: "http://www.w3.org/2001/04/xmlenc#sha256",
            digest_algorithm: &digest::SHA256,
            more: String::new(),
            object: String::new(),
        }
    }
}

impl ByHand {
    /// Signs `content` (canonical) as the digest, and puts the signature into `element` after its Issuer.
    pub(crate) fn sign_content(&self, content: &str, element: &str) -> String {
        let digest = STANDARD.encode(digest::digest(self.digest_algorithm, content.as_bytes()));
        let info = format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod>\
             <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
             <ds:Reference URI=\"{}\"><ds:Transforms>{}</ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue>\
             </ds:Reference>{}</ds:SignedInfo>",
            self.c14n, self.method, self.uri, self.transforms, self.digest_method, self.more
        );
        let canonical = info.replacen(
            "<ds:SignedInfo>",
            "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
            1,
        );
        let value = STANDARD.encode(rsa_sign(&IDP.key_pem, canonical.as_bytes()));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}<ds:SignatureValue>{value}\
             </ds:SignatureValue>{}</ds:Signature>",
            self.object
        );
        let issuer = element.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
        format!("{}{signature}{}", &element[..issuer], &element[issuer..])
    }

    /// Signs an element (canonical) as it should be.
    pub(crate) fn sign(&self, element: &str) -> String {
        self.sign_content(element, element)
    }
}

pub(crate) fn rsa_sign(key_pem: &str, message: &[u8]) -> Vec<u8> {
    let body: String = key_pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = rsa::KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let mut value = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut value).unwrap();
    value
}

/// The answer with an assertion that says what `change` made of the usual one, signed by the identity provider.
pub(crate) fn saying(from: &str, to: &str) -> String {
    around(&ByHand::default().sign(&edit(&bare_assertion(), from, to)))
}
