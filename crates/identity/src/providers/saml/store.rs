//! The SQL of SAML providers.

use saml::{DigestAlgorithm, NameIdFormat, SignatureAlgorithm};
use sqlx::{AnyConnection, FromRow};
use store::Error;
use url::Url;

use super::settings::{AuthorizationFlow, SP_BINDINGS, SamlProvider, Settings};
use crate::mappings::Mapping;

#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    authorization_flow: String,
    acs_url: String,
    issuer: String,
    sp_binding: String,
    audience: String,
    signing_kp: String,
    verification_kp: Option<String>,
    sign_assertion: i64,
    sign_response: i64,
    property_mappings: String,
    name_id_mapping: Option<String>,
    default_name_id_policy: String,
    assertion_valid_not_before: String,
    assertion_valid_not_on_or_after: String,
    session_valid_not_on_or_after: String,
    digest_algorithm: String,
    signature_algorithm: String,
    default_relay_state: String,
}

impl TryFrom<Row> for SamlProvider {
    type Error = Error;

    /// Fails on what a newer version may have written: a provider that is half understood must not answer.
    fn try_from(row: Row) -> Result<Self, Error> {
        let name = row.name.clone();
        let unreadable = |field: &str| {
            Error::Refused(format!("The provider {name} has a {field} that is not understood."))
        };
        let keys: Vec<String> =
            serde_json::from_str(&row.property_mappings).map_err(|_| unreadable("property mapping"))?;
        let mappings: Option<Vec<Mapping>> = keys.iter().map(|key| Mapping::parse(key)).collect();
        let name_id_mapping = match row.name_id_mapping.as_deref() {
            None => None,
            Some(key) => Some(Mapping::parse(key).ok_or_else(|| unreadable("NameID mapping"))?),
        };
        let binding = SP_BINDINGS.iter().find(|(_, key, _)| *key == row.sp_binding);
        let period = |text: &str| text.parse().map_err(|_| unreadable("validity period"));
        let settings = Settings {
            name: row.name,
            authorization_flow: AuthorizationFlow::parse(&row.authorization_flow)
                .ok_or_else(|| unreadable("authorization flow"))?,
            acs_url: Url::parse(&row.acs_url).map_err(|_| unreadable("ACS URL"))?,
            issuer: row.issuer,
            sp_binding: binding.ok_or_else(|| unreadable("binding"))?.0,
            audience: row.audience,
            signing_kp: row.signing_kp,
            verification_kp: row.verification_kp,
            sign_assertion: row.sign_assertion != 0,
            sign_response: row.sign_response != 0,
            property_mappings: mappings.ok_or_else(|| unreadable("property mapping"))?,
            name_id_mapping,
            default_name_id_policy: NameIdFormat::from_uri(&row.default_name_id_policy),
            assertion_valid_not_before: period(&row.assertion_valid_not_before)?,
            assertion_valid_not_on_or_after: period(&row.assertion_valid_not_on_or_after)?,
            session_valid_not_on_or_after: period(&row.session_valid_not_on_or_after)?,
            digest_algorithm: DigestAlgorithm::from_uri(&row.digest_algorithm)
                .ok_or_else(|| unreadable("digest algorithm"))?,
            signature_algorithm: SignatureAlgorithm::from_uri(&row.signature_algorithm)
                .ok_or_else(|| unreadable("signature algorithm"))?,
            default_relay_state: row.default_relay_state,
        };
        Ok(Self { id: row.id, settings })
    }
}

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!(
        "SELECT id, name, authorization_flow, acs_url, issuer, sp_binding, audience, signing_kp, verification_kp, \
         sign_assertion, sign_response, property_mappings, name_id_mapping, default_name_id_policy, \
         assertion_valid_not_before, assertion_valid_not_on_or_after, session_valid_not_on_or_after, \
         digest_algorithm, signature_algorithm, default_relay_state FROM identity_saml_providers {rest}"
    ))
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
    let sql = "INSERT INTO identity_saml_providers (id, name, authorization_flow, acs_url, issuer, sp_binding, \
               audience, signing_kp, verification_kp, sign_assertion, sign_response, property_mappings, \
               name_id_mapping, default_name_id_policy, assertion_valid_not_before, \
               assertion_valid_not_on_or_after, session_valid_not_on_or_after, digest_algorithm, \
               signature_algorithm, default_relay_state) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    write(conn, sql, provider).await?;
    Ok(())
}

/// Changes everything about a provider but its id. `false` if it is not there any more.
pub(super) async fn update(conn: &mut AnyConnection, provider: &SamlProvider) -> Result<bool, Error> {
    let sql = "UPDATE identity_saml_providers SET name = $2, authorization_flow = $3, acs_url = $4, issuer = $5, \
               sp_binding = $6, audience = $7, signing_kp = $8, verification_kp = $9, sign_assertion = $10, \
               sign_response = $11, property_mappings = $12, name_id_mapping = $13, default_name_id_policy = $14, \
               assertion_valid_not_before = $15, assertion_valid_not_on_or_after = $16, \
               session_valid_not_on_or_after = $17, digest_algorithm = $18, signature_algorithm = $19, \
               default_relay_state = $20 WHERE id = $1";
    Ok(write(conn, sql, provider).await? == 1)
}

async fn write(conn: &mut AnyConnection, sql: &'static str, provider: &SamlProvider) -> Result<u64, Error> {
    let settings = &provider.settings;
    let mappings: Vec<&str> = settings.property_mappings.iter().map(|mapping| mapping.key()).collect();
    let binding = SP_BINDINGS.iter().find(|(binding, ..)| *binding == settings.sp_binding);
    let done = sqlx::query(sql)
        .bind(&provider.id)
        .bind(&settings.name)
        .bind(settings.authorization_flow.key())
        .bind(settings.acs_url.as_str())
        .bind(&settings.issuer)
        .bind(binding.map_or("", |(_, key, _)| key))
        .bind(&settings.audience)
        .bind(&settings.signing_kp)
        .bind(&settings.verification_kp)
        .bind(i64::from(settings.sign_assertion))
        .bind(i64::from(settings.sign_response))
        .bind(serde_json::json!(mappings).to_string())
        .bind(settings.name_id_mapping.map(Mapping::key))
        .bind(settings.default_name_id_policy.as_str())
        .bind(settings.assertion_valid_not_before.to_string())
        .bind(settings.assertion_valid_not_on_or_after.to_string())
        .bind(settings.session_valid_not_on_or_after.to_string())
        .bind(settings.digest_algorithm.as_str())
        .bind(settings.signature_algorithm.as_str())
        .bind(&settings.default_relay_state)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Deletes a provider. An application that still uses it is a foreign key violation.
pub(super) async fn delete(conn: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM identity_saml_providers WHERE id = $1").bind(id).execute(conn).await?;
    Ok(())
}
