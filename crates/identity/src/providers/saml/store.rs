//! The SQL of SAML providers.

use saml::{DataEncryption, DigestAlgorithm, KeyTransport, NameIdFormat, SignatureAlgorithm};
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, FromRow};
use store::Error;
use url::Url;

use super::period::Period;
use super::settings::{
    AcsEndpoint, AuthorizationFlow, LogoutMethod, OnMappingFailure, PersistentNames, RequestSignatures,
    SamlProvider, Settings, SlsBinding, parse_sp_binding, sp_binding_key,
};
use crate::mappings::BuiltIn as Mapping;

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    authorization_flow: String,
    acs_url: String,
    further_acs: String,
    issuer: String,
    sp_binding: String,
    audience: String,
    signing_kp: String,
    next_signing_kp: Option<String>,
    verification_kp: Option<String>,
    request_signatures: String,
    allow_sha1: i64,
    encryption_kp: Option<String>,
    data_encryption: String,
    key_transport: String,
    sls_url: Option<String>,
    sls_binding: String,
    logout_method: String,
    sign_assertion: i64,
    sign_response: i64,
    sign_logout_request: i64,
    sign_logout_response: i64,
    property_mappings: String,
    name_id_mapping: Option<String>,
    authn_context_class_ref_mapping: Option<String>,
    on_mapping_failure: String,
    persistent_names: String,
    default_name_id_policy: String,
    assertion_valid_not_before: String,
    assertion_valid_not_on_or_after: String,
    session_valid_not_on_or_after: String,
    digest_algorithm: String,
    signature_algorithm: String,
    default_relay_state: String,
    metadata_url: Option<String>,
    metadata_allow_private: i64,
}

/// The columns after the id, in the order in which [`write`] binds them.
const COLUMNS: [&str; 36] = [
    "name",
    "authorization_flow",
    "acs_url",
    "further_acs",
    "issuer",
    "sp_binding",
    "audience",
    "signing_kp",
    "next_signing_kp",
    "verification_kp",
    "request_signatures",
    "allow_sha1",
    "encryption_kp",
    "data_encryption",
    "key_transport",
    "sls_url",
    "sls_binding",
    "logout_method",
    "sign_assertion",
    "sign_response",
    "sign_logout_request",
    "sign_logout_response",
    "property_mappings",
    "name_id_mapping",
    "authn_context_class_ref_mapping",
    "on_mapping_failure",
    "persistent_names",
    "default_name_id_policy",
    "assertion_valid_not_before",
    "assertion_valid_not_on_or_after",
    "session_valid_not_on_or_after",
    "digest_algorithm",
    "signature_algorithm",
    "default_relay_state",
    "metadata_url",
    "metadata_allow_private",
];

/// One of `further_acs` as kept, in JSON.
#[derive(Serialize, Deserialize)]
struct KeptAcs {
    index: u16,
    binding: String,
    url: String,
    #[serde(default)]
    is_default: bool,
}

/// Reads what is kept; what is not understood, a newer version may have written.
struct Reading<'r> {
    provider: &'r str,
}

impl Reading<'_> {
    fn unreadable(&self, field: &str) -> Error {
        Error::Refused(format!("The provider {} has a {field} that is not understood.", self.provider))
    }

    fn known<T>(&self, field: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.unreadable(field))
    }

    fn url(&self, field: &str, text: &str) -> Result<Url, Error> {
        Url::parse(text).map_err(|_| self.unreadable(field))
    }

    fn optional_url(&self, field: &str, text: Option<&str>) -> Result<Option<Url>, Error> {
        text.map(|text| self.url(field, text)).transpose()
    }

    fn period(&self, text: &str) -> Result<Period, Error> {
        text.parse().map_err(|_| self.unreadable("validity period"))
    }

    fn mapping(&self, field: &str, key: Option<&str>) -> Result<Option<Mapping>, Error> {
        key.map(|key| self.known(field, Mapping::parse(key))).transpose()
    }

    fn mappings(&self, ids: &str) -> Result<Vec<String>, Error> {
        serde_json::from_str(ids).map_err(|_| self.unreadable("property mapping"))
    }

    fn further_acs(&self, kept: &str) -> Result<Vec<AcsEndpoint>, Error> {
        let kept: Vec<KeptAcs> =
            serde_json::from_str(kept).map_err(|_| self.unreadable("further ACS URL"))?;
        let endpoint = |kept: KeptAcs| {
            let binding = self.known("binding", parse_sp_binding(&kept.binding))?;
            let url = self.url("further ACS URL", &kept.url)?;
            Ok(AcsEndpoint { index: kept.index, binding, url, is_default: kept.is_default })
        };
        kept.into_iter().map(endpoint).collect()
    }
}

impl TryFrom<Row> for SamlProvider {
    type Error = Error;

    /// Fails on what a newer version may have written: a provider that is half understood must not answer.
    fn try_from(row: Row) -> Result<Self, Error> {
        let name = row.name.clone();
        let read = Reading { provider: &name };
        let signatures = RequestSignatures::parse(&row.request_signatures);
        let class_ref = row.authn_context_class_ref_mapping.as_deref();
        let settings = Settings {
            name: row.name,
            authorization_flow: read
                .known("authorization flow", AuthorizationFlow::parse(&row.authorization_flow))?,
            acs_url: read.url("ACS URL", &row.acs_url)?,
            further_acs: read.further_acs(&row.further_acs)?,
            issuer: row.issuer,
            sp_binding: read.known("binding", parse_sp_binding(&row.sp_binding))?,
            audience: row.audience,
            signing_kp: row.signing_kp,
            next_signing_kp: row.next_signing_kp,
            verification_kp: row.verification_kp,
            request_signatures: read.known("rule for request signatures", signatures)?,
            allow_sha1: row.allow_sha1 != 0,
            encryption_kp: row.encryption_kp,
            data_encryption: read
                .known("encryption algorithm", DataEncryption::from_uri(&row.data_encryption))?,
            key_transport: read.known("key transport", KeyTransport::from_uri(&row.key_transport))?,
            sls_url: read.optional_url("SLS URL", row.sls_url.as_deref())?,
            sls_binding: read.known("SLS binding", SlsBinding::parse(&row.sls_binding))?,
            logout_method: read.known("logout method", LogoutMethod::parse(&row.logout_method))?,
            sign_assertion: row.sign_assertion != 0,
            sign_response: row.sign_response != 0,
            sign_logout_request: row.sign_logout_request != 0,
            sign_logout_response: row.sign_logout_response != 0,
            property_mappings: read.mappings(&row.property_mappings)?,
            name_id_mapping: read.mapping("NameID mapping", row.name_id_mapping.as_deref())?,
            authn_context_class_ref_mapping: read.mapping("AuthnContextClassRef mapping", class_ref)?,
            on_mapping_failure: read
                .known("rule for failing mappings", OnMappingFailure::parse(&row.on_mapping_failure))?,
            persistent_names: read
                .known("rule for persistent names", PersistentNames::parse(&row.persistent_names))?,
            default_name_id_policy: NameIdFormat::from_uri(&row.default_name_id_policy),
            assertion_valid_not_before: read.period(&row.assertion_valid_not_before)?,
            assertion_valid_not_on_or_after: read.period(&row.assertion_valid_not_on_or_after)?,
            session_valid_not_on_or_after: read.period(&row.session_valid_not_on_or_after)?,
            digest_algorithm: read
                .known("digest algorithm", DigestAlgorithm::from_uri(&row.digest_algorithm))?,
            signature_algorithm: read
                .known("signature algorithm", SignatureAlgorithm::from_uri(&row.signature_algorithm))?,
            default_relay_state: row.default_relay_state,
            metadata_url: read.optional_url("metadata URL", row.metadata_url.as_deref())?,
            metadata_allow_private: row.metadata_allow_private != 0,
        };
        Ok(Self { id: row.id, settings })
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    let columns = COLUMNS.join(", ");
    sqlx::AssertSqlSafe(format!("SELECT id, {columns} FROM identity_saml_providers {rest}"))
}

/// A provider by its id.
pub(crate) async fn find(conn: &mut AnyConnection, id: &str) -> Result<Option<SamlProvider>, Error> {
    let row: Option<Row> = sqlx::query_as(select("WHERE id = $1")).bind(id).fetch_optional(conn).await?;
    row.map(SamlProvider::try_from).transpose()
}

/// The providers that answer to an audience; the entity id of a service provider names it.
pub(crate) async fn by_audience(
    conn: &mut AnyConnection,
    audience: &str,
) -> Result<Option<SamlProvider>, Error> {
    let row: Option<Row> = sqlx::query_as(select("WHERE audience = $1 ORDER BY name LIMIT 1"))
        .bind(audience)
        .fetch_optional(conn)
        .await?;
    row.map(SamlProvider::try_from).transpose()
}

/// Whether a provider has this name.
pub(super) async fn is_name_taken(conn: &mut AnyConnection, name: &str) -> Result<bool, Error> {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM identity_saml_providers WHERE name = $1")
        .bind(name)
        .fetch_one(conn)
        .await?;
    Ok(count > 0)
}

/// One line of the list of providers.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) acs_url: String,
    /// The application that uses it.
    pub(crate) application_name: Option<String>,
    pub(crate) application_slug: Option<String>,
}

/// Every provider with the application that uses it, by name.
pub(crate) async fn list(conn: &mut AnyConnection) -> Result<Vec<Listed>, Error> {
    let rows = sqlx::query_as(
        "SELECT p.id, p.name, p.acs_url, a.name AS application_name, a.slug AS application_slug \
         FROM identity_saml_providers p LEFT JOIN identity_applications a ON a.provider_id = p.id ORDER BY p.name",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

/// Creates a provider with that id.
pub(super) async fn insert(conn: &mut AnyConnection, provider: &SamlProvider) -> Result<(), Error> {
    let numbers: Vec<String> = (2..COLUMNS.len() + 2).map(|number| format!("${number}")).collect();
    let (columns, numbers) = (COLUMNS.join(", "), numbers.join(", "));
    write(
        conn,
        format!("INSERT INTO identity_saml_providers (id, {columns}) VALUES ($1, {numbers})"),
        provider,
    )
    .await?;
    Ok(())
}

/// Changes everything about a provider but its id. `false` if it is not there any more.
pub(super) async fn update(conn: &mut AnyConnection, provider: &SamlProvider) -> Result<bool, Error> {
    let set = COLUMNS.iter().zip(2..).map(|(column, number)| format!("{column} = ${number}"));
    let set = set.collect::<Vec<_>>().join(", ");
    let sql = format!("UPDATE identity_saml_providers SET {set} WHERE id = $1");
    Ok(write(conn, sql, provider).await? == 1)
}

fn kept_acs(endpoints: &[AcsEndpoint]) -> String {
    let kept = endpoints.iter().map(|endpoint| KeptAcs {
        index: endpoint.index,
        binding: sp_binding_key(endpoint.binding).to_owned(),
        url: endpoint.url.to_string(),
        is_default: endpoint.is_default,
    });
    serde_json::json!(kept.collect::<Vec<_>>()).to_string()
}

async fn write(conn: &mut AnyConnection, sql: String, provider: &SamlProvider) -> Result<u64, Error> {
    let settings = &provider.settings;
    let done = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&provider.id)
        .bind(&settings.name)
        .bind(settings.authorization_flow.key())
        .bind(settings.acs_url.as_str())
        .bind(kept_acs(&settings.further_acs))
        .bind(&settings.issuer)
        .bind(sp_binding_key(settings.sp_binding))
        .bind(&settings.audience)
        .bind(&settings.signing_kp)
        .bind(&settings.next_signing_kp)
        .bind(&settings.verification_kp)
        .bind(settings.request_signatures.key())
        .bind(i64::from(settings.allow_sha1))
        .bind(&settings.encryption_kp)
        .bind(settings.data_encryption.as_str())
        .bind(settings.key_transport.as_str())
        .bind(settings.sls_url.as_ref().map(Url::as_str))
        .bind(settings.sls_binding.key())
        .bind(settings.logout_method.key())
        .bind(i64::from(settings.sign_assertion))
        .bind(i64::from(settings.sign_response))
        .bind(i64::from(settings.sign_logout_request))
        .bind(i64::from(settings.sign_logout_response))
        .bind(serde_json::json!(settings.property_mappings).to_string())
        .bind(settings.name_id_mapping.map(Mapping::key))
        .bind(settings.authn_context_class_ref_mapping.map(Mapping::key))
        .bind(settings.on_mapping_failure.key())
        .bind(settings.persistent_names.key())
        .bind(settings.default_name_id_policy.as_str())
        .bind(settings.assertion_valid_not_before.to_string())
        .bind(settings.assertion_valid_not_on_or_after.to_string())
        .bind(settings.session_valid_not_on_or_after.to_string())
        .bind(settings.digest_algorithm.as_str())
        .bind(settings.signature_algorithm.as_str())
        .bind(&settings.default_relay_state)
        .bind(settings.metadata_url.as_ref().map(Url::as_str))
        .bind(i64::from(settings.metadata_allow_private))
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Deletes a provider. An application that still uses it is a foreign key violation.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_saml_providers WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}
