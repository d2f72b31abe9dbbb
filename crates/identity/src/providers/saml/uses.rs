//! Which provider uses which certificate, and what for.

use sqlx::{AnyConnection, FromRow};
use store::Error;

/// What a provider uses a certificate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateRole {
    /// It signs answers.
    Signing,
    /// It will sign answers later.
    NextSigning,
    /// Requests are checked against it.
    Verification,
    /// Assertions are encrypted for it.
    Encryption,
}

impl CertificateRole {
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Signing, "signing", "signing certificate"),
        (Self::NextSigning, "next_signing", "next signing certificate"),
        (Self::Verification, "verification", "verification certificate"),
        (Self::Encryption, "encryption", "encryption certificate"),
    ];

    fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == key).map(|(role, ..)| role)
    }

    /// The words of the form.
    pub(crate) fn words(self) -> &'static str {
        Self::ALL.into_iter().find(|(role, ..)| *role == self).map_or("certificate", |(.., words)| words)
    }
}

/// One use of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateUse {
    pub(crate) certificate_id: String,
    pub(crate) provider_id: String,
    /// Of the provider.
    pub(crate) provider: String,
    pub(crate) role: CertificateRole,
}

#[derive(FromRow)]
struct Row {
    certificate_id: String,
    provider_id: String,
    provider: String,
    role: String,
}

impl TryFrom<Row> for CertificateUse {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let role = CertificateRole::parse(&row.role)
            .ok_or_else(|| Error::Refused("A certificate has a use that is not understood.".into()))?;
        let Row { certificate_id, provider_id, provider, .. } = row;
        Ok(Self { certificate_id, provider_id, provider, role })
    }
}

const USES: &str = "SELECT certificate_id, provider_id, provider, role FROM (\
     SELECT signing_kp AS certificate_id, id AS provider_id, name AS provider, 'signing' AS role \
     FROM identity_saml_providers \
     UNION ALL SELECT next_signing_kp, id, name, 'next_signing' FROM identity_saml_providers \
     WHERE next_signing_kp IS NOT NULL \
     UNION ALL SELECT verification_kp, id, name, 'verification' FROM identity_saml_providers \
     WHERE verification_kp IS NOT NULL \
     UNION ALL SELECT encryption_kp, id, name, 'encryption' FROM identity_saml_providers \
     WHERE encryption_kp IS NOT NULL \
     UNION ALL SELECT v.certificate_id, p.id, p.name, 'verification' \
     FROM identity_saml_verification_certificates v JOIN identity_saml_providers p ON p.id = v.provider_id) uses";

/// Every use of every certificate, by provider.
///
/// # Errors
/// The database's.
pub(crate) async fn certificate_uses(conn: &mut AnyConnection) -> Result<Vec<CertificateUse>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("{USES} ORDER BY provider, role"));
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(conn).await?;
    rows.into_iter().map(CertificateUse::try_from).collect()
}

/// The uses of one certificate, by provider.
///
/// # Errors
/// The database's.
pub(crate) async fn uses_of_certificate(
    conn: &mut AnyConnection,
    id: &str,
) -> Result<Vec<CertificateUse>, Error> {
    let sql = sqlx::AssertSqlSafe(format!("{USES} WHERE certificate_id = $1 ORDER BY provider, role"));
    let rows: Vec<Row> = sqlx::query_as(sql).bind(id).fetch_all(conn).await?;
    rows.into_iter().map(CertificateUse::try_from).collect()
}

/// The names of the providers that use a property mapping.
///
/// # Errors
/// The database's.
pub(crate) async fn using_mapping(conn: &mut AnyConnection, id: &str) -> Result<Vec<String>, Error> {
    let rows: Vec<(String, String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT name, property_mappings, name_id_mapping, authn_context_class_ref_mapping \
         FROM identity_saml_providers ORDER BY name",
    )
    .fetch_all(conn)
    .await?;
    let uses = |(name, attributes, name_id, class_ref): (String, String, Option<String>, Option<String>)| {
        // What can't be read may be a use.
        let attributes = serde_json::from_str::<Vec<String>>(&attributes);
        let is_told = attributes.map_or(true, |ids| ids.iter().any(|known| known == id));
        let single = [name_id, class_ref].into_iter().flatten().any(|known| known == id);
        (is_told || single).then_some(name)
    };
    Ok(rows.into_iter().filter_map(uses).collect())
}
