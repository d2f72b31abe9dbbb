//! The form of a SAML provider: what an administrator typed, and its way into [`Settings`].

use saml::{Certificate, DigestAlgorithm, NameIdFormat, SignatureAlgorithm};
use serde::Deserialize;
use site::{FieldErrors, form, origin};
use sqlx::AnyConnection;
use store::Error;
use url::Url;

use super::settings::{AuthorizationFlow, NAME_ID_POLICIES, SP_BINDINGS, Settings};
use crate::certificates;
use crate::mappings::Mapping;

const SIGNATURE_ALGORITHMS: [SignatureAlgorithm; 6] = [
    SignatureAlgorithm::RsaSha256,
    SignatureAlgorithm::RsaSha384,
    SignatureAlgorithm::RsaSha512,
    SignatureAlgorithm::EcdsaSha256,
    SignatureAlgorithm::EcdsaSha384,
    SignatureAlgorithm::EcdsaSha512,
];
const DIGEST_ALGORITHMS: [DigestAlgorithm; 3] =
    [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

/// The settings of a provider as typed. A check box that is off is not sent. `fields.html` draws all but
/// the name, and wants the variables `provider` (this), `choices` ([`Choices`]) and `errors`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Fields {
    pub(crate) provider_name: String,
    pub(crate) authorization_flow: String,
    pub(crate) acs_url: String,
    pub(crate) issuer: String,
    pub(crate) sp_binding: String,
    pub(crate) audience: String,
    pub(crate) signing_kp: String,
    pub(crate) verification_kp: String,
    pub(crate) sign_assertion: Option<String>,
    pub(crate) sign_response: Option<String>,
    pub(crate) mapping_upn: Option<String>,
    pub(crate) mapping_name: Option<String>,
    pub(crate) mapping_email: Option<String>,
    pub(crate) mapping_username: Option<String>,
    pub(crate) mapping_uid: Option<String>,
    pub(crate) mapping_groups: Option<String>,
    pub(crate) mapping_windows: Option<String>,
    pub(crate) name_id_mapping: String,
    pub(crate) default_name_id_policy: String,
    pub(crate) assertion_valid_not_before: String,
    pub(crate) assertion_valid_not_on_or_after: String,
    pub(crate) session_valid_not_on_or_after: String,
    pub(crate) digest_algorithm: String,
    pub(crate) signature_algorithm: String,
    pub(crate) default_relay_state: String,
}

/// What the choices of the form offer: value and words each.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) authorization_flow: Vec<(String, String)>,
    pub(crate) sp_binding: Vec<(String, String)>,
    pub(crate) signing_kp: Vec<(String, String)>,
    pub(crate) verification_kp: Vec<(String, String)>,
    pub(crate) name_id_mapping: Vec<(String, String)>,
    pub(crate) default_name_id_policy: Vec<(String, String)>,
    pub(crate) digest_algorithm: Vec<(String, String)>,
    pub(crate) signature_algorithm: Vec<(String, String)>,
}

impl Choices {
    /// Loads what can be chosen now.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn load(conn: &mut AnyConnection) -> Result<Self, Error> {
        let none = |words: &str| (String::new(), words.to_owned());
        let mut verification_kp = vec![none("--------- (requests may be unsigned)")];
        verification_kp.extend(certificates::names(&mut *conn).await?);
        let mut name_id_mapping = vec![none("--------- (by the NameID policy)")];
        name_id_mapping.extend(
            Mapping::ALL
                .into_iter()
                .filter(|mapping| *mapping != Mapping::Groups)
                .map(|mapping| (mapping.key().to_owned(), mapping.label().to_owned())),
        );
        let pair = |value: &str, words: &str| (value.to_owned(), words.to_owned());
        Ok(Self {
            authorization_flow: AuthorizationFlow::ALL.map(|flow| pair(flow.key(), flow.label())).into(),
            sp_binding: SP_BINDINGS.map(|(_, key, words)| pair(key, words)).into(),
            signing_kp: certificates::names_with_key(conn).await?,
            verification_kp,
            name_id_mapping,
            default_name_id_policy: NAME_ID_POLICIES
                .map(|(format, words)| pair(format.as_str(), words))
                .into(),
            digest_algorithm: DIGEST_ALGORITHMS.map(|digest| pair(digest.as_str(), digest.label())).into(),
            signature_algorithm: SIGNATURE_ALGORITHMS.map(|found| pair(found.as_str(), found.label())).into(),
        })
    }
}

fn on() -> Option<String> {
    Some("on".to_owned())
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
            sp_binding: "post".to_owned(),
            signing_kp: signing_kp.unwrap_or_default(),
            sign_assertion: on(),
            mapping_upn: on(),
            mapping_name: on(),
            mapping_email: on(),
            mapping_username: on(),
            mapping_uid: on(),
            mapping_groups: on(),
            mapping_windows: on(),
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
        let checked = |is_on: bool| is_on.then(|| "on".to_owned());
        let maps = |mapping: Mapping| checked(settings.property_mappings.contains(&mapping));
        let binding = SP_BINDINGS.iter().find(|(binding, ..)| *binding == settings.sp_binding);
        Self {
            provider_name: settings.name.clone(),
            authorization_flow: settings.authorization_flow.key().to_owned(),
            acs_url: settings.acs_url.to_string(),
            issuer: settings.issuer.clone(),
            sp_binding: binding.map(|(_, key, _)| (*key).to_owned()).unwrap_or_default(),
            audience: settings.audience.clone(),
            signing_kp: settings.signing_kp.clone(),
            verification_kp: settings.verification_kp.clone().unwrap_or_default(),
            sign_assertion: checked(settings.sign_assertion),
            sign_response: checked(settings.sign_response),
            mapping_upn: maps(Mapping::Upn),
            mapping_name: maps(Mapping::Name),
            mapping_email: maps(Mapping::Email),
            mapping_username: maps(Mapping::Username),
            mapping_uid: maps(Mapping::UserId),
            mapping_groups: maps(Mapping::Groups),
            mapping_windows: maps(Mapping::WindowsAccountName),
            name_id_mapping: settings
                .name_id_mapping
                .map(|mapping| mapping.key().to_owned())
                .unwrap_or_default(),
            default_name_id_policy: settings.default_name_id_policy.as_str().to_owned(),
            assertion_valid_not_before: settings.assertion_valid_not_before.to_string(),
            assertion_valid_not_on_or_after: settings.assertion_valid_not_on_or_after.to_string(),
            session_valid_not_on_or_after: settings.session_valid_not_on_or_after.to_string(),
            digest_algorithm: settings.digest_algorithm.as_str().to_owned(),
            signature_algorithm: settings.signature_algorithm.as_str().to_owned(),
            default_relay_state: settings.default_relay_state.clone(),
        }
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
        let settings = self.read(errors).filter(|settings| periods_make_sense(settings, errors));
        if let Some(settings) = &settings {
            check_certificates(conn, settings, errors).await?;
        }
        Ok(settings)
    }

    fn read(&self, errors: &mut FieldErrors) -> Option<Settings> {
        let name = errors.check("provider_name", form::required(&self.provider_name, 200));
        let acs_url = errors.check("acs_url", acs_url(&self.acs_url));
        let issuer = errors.check("issuer", form::optional(&self.issuer, 1024));
        let audience = errors.check("audience", form::optional(&self.audience, 1024));
        let relay = errors.check("default_relay_state", form::optional(&self.default_relay_state, 1024));
        let not_before = errors.check("assertion_valid_not_before", self.assertion_valid_not_before.parse());
        let not_after =
            errors.check("assertion_valid_not_on_or_after", self.assertion_valid_not_on_or_after.parse());
        let session =
            errors.check("session_valid_not_on_or_after", self.session_valid_not_on_or_after.parse());
        let flow = AuthorizationFlow::parse(&self.authorization_flow);
        let flow = errors.check("authorization_flow", flow.ok_or(CHOOSE));
        let binding = SP_BINDINGS.into_iter().find(|(_, key, _)| *key == self.sp_binding);
        let binding = errors.check("sp_binding", binding.ok_or(CHOOSE));
        let policy =
            NAME_ID_POLICIES.into_iter().find(|(format, _)| format.as_str() == self.default_name_id_policy);
        let policy = errors.check("default_name_id_policy", policy.ok_or(CHOOSE));
        let digest = DIGEST_ALGORITHMS.into_iter().find(|digest| digest.as_str() == self.digest_algorithm);
        let digest = errors.check("digest_algorithm", digest.ok_or(CHOOSE));
        let signature =
            SIGNATURE_ALGORITHMS.into_iter().find(|found| found.as_str() == self.signature_algorithm);
        let signature = errors.check("signature_algorithm", signature.ok_or(CHOOSE));
        let name_id_mapping = errors.check("name_id_mapping", self.name_id_mapping());
        self.check_signing(errors);
        Some(Settings {
            name: name?,
            authorization_flow: flow?,
            acs_url: acs_url?,
            issuer: issuer?.unwrap_or_default(),
            sp_binding: binding?.0,
            audience: audience?.unwrap_or_default(),
            signing_kp: self.signing_kp.clone(),
            verification_kp: Some(self.verification_kp.clone()).filter(|id| !id.is_empty()),
            sign_assertion: form::checked(&self.sign_assertion),
            sign_response: form::checked(&self.sign_response),
            property_mappings: self.property_mappings(),
            name_id_mapping: name_id_mapping?,
            default_name_id_policy: policy?.0,
            assertion_valid_not_before: not_before?,
            assertion_valid_not_on_or_after: not_after?,
            session_valid_not_on_or_after: session?,
            digest_algorithm: digest?,
            signature_algorithm: signature?,
            default_relay_state: relay?.unwrap_or_default(),
        })
    }

    /// An answer that nobody can check lets everybody in.
    fn check_signing(&self, errors: &mut FieldErrors) {
        if self.signing_kp.is_empty() {
            errors.add("signing_kp", "Choose a certificate. An answer without a signature is worth nothing.");
        }
        if !form::checked(&self.sign_assertion) && !form::checked(&self.sign_response) {
            errors.add("sign_assertion", "Sign the assertion, the response, or both.");
        }
    }

    fn name_id_mapping(&self) -> Result<Option<Mapping>, &'static str> {
        match self.name_id_mapping.as_str() {
            "" => Ok(None),
            key => match Mapping::parse(key) {
                // A name has one value.
                None | Some(Mapping::Groups) => Err(CHOOSE),
                some => Ok(some),
            },
        }
    }

    fn property_mappings(&self) -> Vec<Mapping> {
        let boxes = [
            (Mapping::Upn, &self.mapping_upn),
            (Mapping::Name, &self.mapping_name),
            (Mapping::Email, &self.mapping_email),
            (Mapping::Username, &self.mapping_username),
            (Mapping::UserId, &self.mapping_uid),
            (Mapping::Groups, &self.mapping_groups),
            (Mapping::WindowsAccountName, &self.mapping_windows),
        ];
        boxes.into_iter().filter(|(_, is_on)| form::checked(is_on)).map(|(mapping, _)| mapping).collect()
    }
}

const CHOOSE: &str = "Choose one of the list.";

fn acs_url(text: &str) -> Result<Url, String> {
    let text = form::required(text, 2048)?;
    let url = origin::parse_web_url(&text)?;
    if url.fragment().is_some() {
        return Err("Leave out the part from # on: servers never see it.".into());
    }
    Ok(url)
}

fn periods_make_sense(settings: &Settings, errors: &mut FieldErrors) -> bool {
    if settings.assertion_valid_not_before.micros() > 0 {
        errors.add("assertion_valid_not_before", "This must not lie ahead, or nobody could sign in at once.");
    }
    if settings.assertion_valid_not_on_or_after.micros() <= 0 {
        errors.add("assertion_valid_not_on_or_after", "This must lie ahead, or an answer is never valid.");
    }
    if settings.session_valid_not_on_or_after.micros() <= 0 {
        errors
            .add("session_valid_not_on_or_after", "This must lie ahead, or a sign-in ends before it begins.");
    }
    errors.is_empty()
}

/// The certificates exist, can do what they are chosen for, and fit the algorithms.
async fn check_certificates(
    conn: &mut AnyConnection,
    settings: &Settings,
    errors: &mut FieldErrors,
) -> Result<(), Error> {
    match certificates::find(conn, &settings.signing_kp).await? {
        Some(keypair) if keypair.has_key => {
            if !fits(&keypair.certificate_pem, settings.signature_algorithm) {
                errors.add(
                    "signature_algorithm",
                    "The chosen certificate has another kind of key. Choose RSA for an RSA key, ECDSA for an ECDSA key.",
                );
            }
        }
        _ => errors.add("signing_kp", "Choose a certificate that has its private key here."),
    }
    if let Some(id) = &settings.verification_kp
        && certificates::find(conn, id).await?.is_none()
    {
        errors.add("verification_kp", "This certificate is not here any more.");
    }
    Ok(())
}

fn fits(certificate_pem: &str, algorithm: SignatureAlgorithm) -> bool {
    Certificate::parse(certificate_pem.as_bytes()).is_ok_and(|certificate| {
        certificate.verifying_key().key_type().signature_algorithms().contains(&algorithm)
    })
}
