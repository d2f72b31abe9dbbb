//! What the choices of the form offer.

use saml::{DataEncryption, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use sqlx::AnyConnection;
use store::Error;

use crate::certificates;
use crate::mappings::{self, BuiltIn as Mapping};
use crate::providers::saml::settings::{
    AuthorizationFlow, LogoutMethod, NAME_ID_POLICIES, OnMappingFailure, PersistentNames, RequestSignatures,
    SP_BINDINGS, SlsBinding,
};

/// ECDSA with SHA-512 is not among them: no key that can be made or imported here signs so.
pub(super) const SIGNATURE_ALGORITHMS: [SignatureAlgorithm; 5] = [
    SignatureAlgorithm::RsaSha256,
    SignatureAlgorithm::RsaSha384,
    SignatureAlgorithm::RsaSha512,
    SignatureAlgorithm::EcdsaSha256,
    SignatureAlgorithm::EcdsaSha384,
];
pub(super) const DIGEST_ALGORITHMS: [DigestAlgorithm; 3] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

type Options = Vec<(String, String)>;

/// What the choices of the form offer: value and words each.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) authorization_flow: Options,
    pub(crate) sp_binding: Options,
    pub(crate) sls_binding: Options,
    pub(crate) logout_method: Options,
    pub(crate) signing_kp: Options,
    pub(crate) next_signing_kp: Options,
    pub(crate) verification_kp: Options,
    pub(crate) request_signatures: Options,
    pub(crate) encryption_kp: Options,
    pub(crate) data_encryption: Options,
    pub(crate) key_transport: Options,
    pub(crate) property_mappings: Options,
    pub(crate) on_mapping_failure: Options,
    pub(crate) name_id_mapping: Options,
    pub(crate) authn_context_class_ref_mapping: Options,
    pub(crate) persistent_names: Options,
    pub(crate) default_name_id_policy: Options,
    pub(crate) digest_algorithm: Options,
    pub(crate) signature_algorithm: Options,
}

impl Choices {
    /// Loads what can be chosen now.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn load(conn: &mut AnyConnection) -> Result<Self, Error> {
        let mappings = mappings::all(conn).await?;
        let mappings = mappings.into_iter().map(|mapping| (mapping.id, mapping.name)).collect();
        let certificates = certificates::names(&mut *conn).await?;
        let with_key = certificates::names_with_key(conn).await?;
        let single = Mapping::ALL.into_iter().filter(|mapping| *mapping != Mapping::Groups);
        let single = words_of(single, Mapping::key, Mapping::label);
        Ok(Self {
            authorization_flow: words(
                AuthorizationFlow::ALL,
                AuthorizationFlow::key,
                AuthorizationFlow::label,
            ),
            sp_binding: SP_BINDINGS.map(|(_, key, words)| (key.to_owned(), words.to_owned())).into(),
            sls_binding: words(SlsBinding::ALL, SlsBinding::key, SlsBinding::label),
            logout_method: words(LogoutMethod::ALL, LogoutMethod::key, LogoutMethod::label),
            next_signing_kp: or_none("--------- (none yet)", &with_key),
            signing_kp: with_key,
            verification_kp: or_none("--------- (signatures of requests are not checked)", &certificates),
            request_signatures: words(
                RequestSignatures::ALL,
                RequestSignatures::key,
                RequestSignatures::label,
            ),
            encryption_kp: or_none("--------- (assertions are not encrypted)", &certificates),
            data_encryption: words(&DataEncryption::ALL, DataEncryption::as_str, DataEncryption::label),
            key_transport: words(&KeyTransport::ALL, KeyTransport::as_str, KeyTransport::label),
            property_mappings: mappings,
            on_mapping_failure: words(OnMappingFailure::ALL, OnMappingFailure::key, OnMappingFailure::label),
            name_id_mapping: or_none("--------- (by the NameID policy)", &single),
            authn_context_class_ref_mapping: or_none("--------- (by how the person signed in)", &single),
            persistent_names: words(PersistentNames::ALL, PersistentNames::key, PersistentNames::label),
            default_name_id_policy: NAME_ID_POLICIES
                .map(|(format, words)| (format.as_str().to_owned(), words.to_owned()))
                .into(),
            digest_algorithm: words(&DIGEST_ALGORITHMS, DigestAlgorithm::as_str, DigestAlgorithm::label),
            signature_algorithm: words(
                &SIGNATURE_ALGORITHMS,
                SignatureAlgorithm::as_str,
                SignatureAlgorithm::label,
            ),
        })
    }
}

fn words<T: Copy>(values: &[T], key: fn(T) -> &'static str, label: fn(T) -> &'static str) -> Options {
    words_of(values.iter().copied(), key, label)
}

fn words_of<T: Copy>(
    values: impl Iterator<Item = T>,
    key: fn(T) -> &'static str,
    label: fn(T) -> &'static str,
) -> Options {
    values.map(|value| (key(value).to_owned(), label(value).to_owned())).collect()
}

/// A list whose first choice is nothing.
fn or_none(words: &str, options: &[(String, String)]) -> Options {
    std::iter::once((String::new(), words.to_owned())).chain(options.iter().cloned()).collect()
}
