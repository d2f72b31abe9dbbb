//! The form of a SAML provider: what an administrator typed, and its way into [`Settings`].

mod acs_rows;
mod choices;
mod sense;

use saml::{DataEncryption, DigestAlgorithm, KeyTransport, NameIdFormat, SignatureAlgorithm};
use serde::Deserialize;
use site::{FieldErrors, form, origin};
use sqlx::AnyConnection;
use store::Error;
use url::Url;

pub(super) use self::acs_rows::MOST_FURTHER_ACS;
pub(crate) use self::choices::Choices;
use self::choices::{DIGEST_ALGORITHMS, SIGNATURE_ALGORITHMS};
use super::settings::{
    AuthorizationFlow, LogoutMethod, NAME_ID_POLICIES, OnMappingFailure, PersistentNames, RequestSignatures,
    Settings, SlsBinding, parse_sp_binding, sp_binding_key,
};
use crate::certificates;
use crate::mappings::BuiltIn as Mapping;

const CHOOSE: &str = "Choose one of the list.";

/// The settings of a provider as typed. A check box that is off is not sent. `fields.html` draws all but
/// the name, and wants the variables `provider` (this), `choices` ([`Choices`]) and `errors`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    pub(crate) provider_name: String,
    pub(crate) authorization_flow: String,
    pub(crate) acs_url: String,
    pub(crate) further_acs_index: Vec<String>,
    pub(crate) further_acs_binding: Vec<String>,
    pub(crate) further_acs_url: Vec<String>,
    /// The number of the row that is the default; 0 is the ACS URL.
    pub(crate) default_acs: String,
    pub(crate) issuer: String,
    pub(crate) sp_binding: String,
    pub(crate) audience: String,
    pub(crate) sls_url: String,
    pub(crate) sls_binding: String,
    pub(crate) logout_method: String,
    pub(crate) signing_kp: String,
    pub(crate) next_signing_kp: String,
    pub(crate) verification_kp: String,
    pub(crate) request_signatures: String,
    pub(crate) allow_sha1: Option<String>,
    pub(crate) encryption_kp: String,
    pub(crate) data_encryption: String,
    pub(crate) key_transport: String,
    pub(crate) sign_assertion: Option<String>,
    pub(crate) sign_response: Option<String>,
    pub(crate) sign_logout_request: Option<String>,
    pub(crate) sign_logout_response: Option<String>,
    pub(crate) property_mappings: Vec<String>,
    pub(crate) on_mapping_failure: String,
    pub(crate) name_id_mapping: String,
    pub(crate) authn_context_class_ref_mapping: String,
    pub(crate) persistent_names: String,
    pub(crate) default_name_id_policy: String,
    pub(crate) assertion_valid_not_before: String,
    pub(crate) assertion_valid_not_on_or_after: String,
    pub(crate) session_valid_not_on_or_after: String,
    pub(crate) digest_algorithm: String,
    pub(crate) signature_algorithm: String,
    pub(crate) default_relay_state: String,
    pub(crate) metadata_url: String,
    pub(crate) metadata_allow_private: Option<String>,
}

fn on() -> Option<String> {
    Some("on".to_owned())
}

fn checked(is_on: bool) -> Option<String> {
    is_on.then(|| "on".to_owned())
}

fn key_of(mapping: Option<&Mapping>) -> String {
    mapping.map(|mapping| mapping.key().to_owned()).unwrap_or_default()
}

fn url_text(url: Option<&Url>) -> String {
    url.map(Url::to_string).unwrap_or_default()
}

impl Fields {
    /// The form of a new provider with its defaults. It signs with the default certificate.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn new(conn: &mut AnyConnection) -> Result<Self, Error> {
        let signing_kp = certificates::default_id(conn).await?;
        Ok(Self {
            authorization_flow: AuthorizationFlow::Implicit.key().to_owned(),
            default_acs: "0".to_owned(),
            sp_binding: "post".to_owned(),
            sls_binding: SlsBinding::Redirect.key().to_owned(),
            logout_method: LogoutMethod::FrontChannelIframe.key().to_owned(),
            signing_kp: signing_kp.unwrap_or_default(),
            request_signatures: RequestSignatures::Required.key().to_owned(),
            data_encryption: DataEncryption::Aes256Gcm.as_str().to_owned(),
            key_transport: KeyTransport::RsaOaepMgf1p.as_str().to_owned(),
            sign_assertion: on(),
            sign_logout_request: on(),
            sign_logout_response: on(),
            property_mappings: Mapping::ALL.map(|mapping| mapping.key().to_owned()).into(),
            on_mapping_failure: OnMappingFailure::Skip.key().to_owned(),
            persistent_names: PersistentNames::PerApplication.key().to_owned(),
            default_name_id_policy: NameIdFormat::Unspecified.as_str().to_owned(),
            assertion_valid_not_before: "minutes=-5".to_owned(),
            assertion_valid_not_on_or_after: "minutes=5".to_owned(),
            session_valid_not_on_or_after: "minutes=86400".to_owned(),
            digest_algorithm: DigestAlgorithm::Sha256.as_str().to_owned(),
            signature_algorithm: SignatureAlgorithm::RsaSha256.as_str().to_owned(),
            ..Self::default()
        })
    }

    /// The form of a provider that exists.
    pub(super) fn of(settings: &Settings) -> Self {
        let class_ref = settings.authn_context_class_ref_mapping.as_ref();
        let mut fields = Self {
            provider_name: settings.name.clone(),
            authorization_flow: settings.authorization_flow.key().to_owned(),
            acs_url: settings.acs_url.to_string(),
            issuer: settings.issuer.clone(),
            sp_binding: sp_binding_key(settings.sp_binding).to_owned(),
            audience: settings.audience.clone(),
            sls_url: url_text(settings.sls_url.as_ref()),
            sls_binding: settings.sls_binding.key().to_owned(),
            logout_method: settings.logout_method.key().to_owned(),
            signing_kp: settings.signing_kp.clone(),
            next_signing_kp: settings.next_signing_kp.clone().unwrap_or_default(),
            verification_kp: settings.verification_kp.clone().unwrap_or_default(),
            request_signatures: settings.request_signatures.key().to_owned(),
            allow_sha1: checked(settings.allow_sha1),
            encryption_kp: settings.encryption_kp.clone().unwrap_or_default(),
            data_encryption: settings.data_encryption.as_str().to_owned(),
            key_transport: settings.key_transport.as_str().to_owned(),
            sign_assertion: checked(settings.sign_assertion),
            sign_response: checked(settings.sign_response),
            sign_logout_request: checked(settings.sign_logout_request),
            sign_logout_response: checked(settings.sign_logout_response),
            property_mappings: settings.property_mappings.clone(),
            on_mapping_failure: settings.on_mapping_failure.key().to_owned(),
            name_id_mapping: key_of(settings.name_id_mapping.as_ref()),
            authn_context_class_ref_mapping: key_of(class_ref),
            persistent_names: settings.persistent_names.key().to_owned(),
            default_name_id_policy: settings.default_name_id_policy.as_str().to_owned(),
            assertion_valid_not_before: settings.assertion_valid_not_before.to_string(),
            assertion_valid_not_on_or_after: settings.assertion_valid_not_on_or_after.to_string(),
            session_valid_not_on_or_after: settings.session_valid_not_on_or_after.to_string(),
            digest_algorithm: settings.digest_algorithm.as_str().to_owned(),
            signature_algorithm: settings.signature_algorithm.as_str().to_owned(),
            default_relay_state: settings.default_relay_state.clone(),
            metadata_url: url_text(settings.metadata_url.as_ref()),
            metadata_allow_private: checked(settings.metadata_allow_private),
            ..Self::default()
        };
        fields.set_further_acs(&settings.further_acs);
        fields
    }

    /// Whether a property mapping is ticked.
    pub(crate) fn maps(&self, key: &str) -> bool {
        self.property_mappings.iter().any(|ticked| ticked == key)
    }

    /// Reads the form; what is wrong is added to `errors`, and then there are no settings.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn check(
        &self,
        conn: &mut AnyConnection,
        errors: &mut FieldErrors,
    ) -> Result<Option<Settings>, Error> {
        let settings = self.read(errors);
        if let Some(settings) = &settings {
            sense::check(settings, errors);
            sense::check_mappings(conn, settings, errors).await?;
            sense::check_certificates(conn, settings, errors).await?;
        }
        Ok(settings.filter(|_| errors.is_empty()))
    }

    fn read(&self, errors: &mut FieldErrors) -> Option<Settings> {
        let mut chosen = Chosen(errors);
        let flow = chosen.one("authorization_flow", AuthorizationFlow::parse(&self.authorization_flow));
        let sp_binding = chosen.one("sp_binding", parse_sp_binding(&self.sp_binding));
        let sls_binding = chosen.one("sls_binding", SlsBinding::parse(&self.sls_binding));
        let logout_method = chosen.one("logout_method", LogoutMethod::parse(&self.logout_method));
        let signatures = RequestSignatures::parse(&self.request_signatures);
        let signatures = chosen.one("request_signatures", signatures);
        let data_encryption = chosen.one("data_encryption", DataEncryption::from_uri(&self.data_encryption));
        let key_transport = chosen.one("key_transport", KeyTransport::from_uri(&self.key_transport));
        let failure = chosen.one("on_mapping_failure", OnMappingFailure::parse(&self.on_mapping_failure));
        let names = chosen.one("persistent_names", PersistentNames::parse(&self.persistent_names));
        let (texts, answers) = (self.texts(errors), self.answers(errors));
        let further_acs = self.further_acs(errors);
        let (texts, answers) = (texts?, answers?);
        Some(Settings {
            name: texts.name,
            authorization_flow: flow?,
            acs_url: texts.acs_url,
            further_acs: further_acs?,
            issuer: texts.issuer,
            sp_binding: sp_binding?,
            audience: texts.audience,
            signing_kp: self.signing_kp.clone(),
            next_signing_kp: id(&self.next_signing_kp),
            verification_kp: id(&self.verification_kp),
            request_signatures: signatures?,
            allow_sha1: form::checked(&self.allow_sha1),
            encryption_kp: id(&self.encryption_kp),
            data_encryption: data_encryption?,
            key_transport: key_transport?,
            sls_url: texts.sls_url,
            sls_binding: sls_binding?,
            logout_method: logout_method?,
            sign_assertion: form::checked(&self.sign_assertion),
            sign_response: form::checked(&self.sign_response),
            sign_logout_request: form::checked(&self.sign_logout_request),
            sign_logout_response: form::checked(&self.sign_logout_response),
            property_mappings: answers.property_mappings,
            name_id_mapping: answers.name_id_mapping,
            authn_context_class_ref_mapping: answers.class_ref_mapping,
            on_mapping_failure: failure?,
            persistent_names: names?,
            default_name_id_policy: answers.name_id_policy,
            assertion_valid_not_before: answers.not_before,
            assertion_valid_not_on_or_after: answers.not_on_or_after,
            session_valid_not_on_or_after: answers.session,
            digest_algorithm: answers.digest,
            signature_algorithm: answers.signature,
            default_relay_state: texts.relay_state,
            metadata_url: texts.metadata_url,
            metadata_allow_private: form::checked(&self.metadata_allow_private),
        })
    }

    fn texts(&self, errors: &mut FieldErrors) -> Option<Texts> {
        let name = errors.check("provider_name", form::required(&self.provider_name, 200));
        let acs_url = errors.check("acs_url", acs_url(&self.acs_url));
        let issuer = errors.check("issuer", form::optional(&self.issuer, 1024));
        let audience = errors.check("audience", form::optional(&self.audience, 1024));
        let sls_url = errors.check("sls_url", optional_url(&self.sls_url));
        let relay = errors.check("default_relay_state", form::optional(&self.default_relay_state, 1024));
        let metadata_url = errors.check("metadata_url", optional_url(&self.metadata_url));
        Some(Texts {
            name: name?,
            acs_url: acs_url?,
            issuer: issuer?.unwrap_or_default(),
            audience: audience?.unwrap_or_default(),
            sls_url: sls_url?,
            relay_state: relay?.unwrap_or_default(),
            metadata_url: metadata_url?,
        })
    }

    fn answers(&self, errors: &mut FieldErrors) -> Option<Answers> {
        let not_before = errors.check("assertion_valid_not_before", self.assertion_valid_not_before.parse());
        let not_on_or_after =
            errors.check("assertion_valid_not_on_or_after", self.assertion_valid_not_on_or_after.parse());
        let session =
            errors.check("session_valid_not_on_or_after", self.session_valid_not_on_or_after.parse());
        let policy =
            NAME_ID_POLICIES.into_iter().find(|(format, _)| format.as_str() == self.default_name_id_policy);
        let digest = DIGEST_ALGORITHMS.into_iter().find(|digest| digest.as_str() == self.digest_algorithm);
        let signature =
            SIGNATURE_ALGORITHMS.into_iter().find(|found| found.as_str() == self.signature_algorithm);
        let name_id_mapping = errors.check("name_id_mapping", single_value(&self.name_id_mapping));
        let class_ref = single_value(&self.authn_context_class_ref_mapping);
        let class_ref = errors.check("authn_context_class_ref_mapping", class_ref);
        let mut chosen = Chosen(errors);
        let policy = chosen.one("default_name_id_policy", policy);
        let digest = chosen.one("digest_algorithm", digest);
        let signature = chosen.one("signature_algorithm", signature);
        Some(Answers {
            property_mappings: self.property_mappings.clone(),
            name_id_mapping: name_id_mapping?,
            class_ref_mapping: class_ref?,
            name_id_policy: policy?.0,
            not_before: not_before?,
            not_on_or_after: not_on_or_after?,
            session: session?,
            digest: digest?,
            signature: signature?,
        })
    }
}

/// What was typed as text or as an address.
struct Texts {
    name: String,
    acs_url: Url,
    issuer: String,
    audience: String,
    sls_url: Option<Url>,
    relay_state: String,
    metadata_url: Option<Url>,
}

/// What answers say, until when, and how they are signed.
struct Answers {
    property_mappings: Vec<String>,
    name_id_mapping: Option<Mapping>,
    class_ref_mapping: Option<Mapping>,
    name_id_policy: NameIdFormat,
    not_before: super::period::Period,
    not_on_or_after: super::period::Period,
    session: super::period::Period,
    digest: DigestAlgorithm,
    signature: SignatureAlgorithm,
}

/// Choices of lists: what is in none of them is a mistake beside its field.
struct Chosen<'e>(&'e mut FieldErrors);

impl Chosen<'_> {
    fn one<T>(&mut self, field: &'static str, found: Option<T>) -> Option<T> {
        self.0.check(field, found.ok_or(CHOOSE))
    }
}

fn id(chosen: &str) -> Option<String> {
    Some(chosen.to_owned()).filter(|id| !id.is_empty())
}

/// A mapping for what has one value.
fn single_value(key: &str) -> Result<Option<Mapping>, &'static str> {
    match key {
        "" => Ok(None),
        key => match Mapping::parse(key) {
            None | Some(Mapping::Groups) => Err(CHOOSE),
            some => Ok(some),
        },
    }
}

fn acs_url(text: &str) -> Result<Url, String> {
    let text = form::required(text, 2048)?;
    let url = origin::parse_web_url(&text)?;
    if url.fragment().is_some() {
        return Err("Leave out the part from # on: servers never see it.".into());
    }
    Ok(url)
}

fn optional_url(text: &str) -> Result<Option<Url>, String> {
    if text.trim().is_empty() { Ok(None) } else { acs_url(text).map(Some) }
}
