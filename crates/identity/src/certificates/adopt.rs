//! Certificates that come with somebody's metadata.

use ::saml::Certificate;
use ::store::Error;
use serde_json::json;
use sqlx::AnyConnection;

use super::store;
use crate::app::App;
use crate::events;

/// The id of this certificate here; one that is not known yet is kept under a name that says whose it is.
///
/// # Errors
/// The database's.
pub(crate) async fn adopt(
    conn: &mut AnyConnection,
    app: &App,
    owner: &str,
    certificate: &Certificate,
) -> Result<String, Error> {
    let all = store::all(conn).await?;
    let is_it = |pem: &str| Certificate::parse(pem.as_bytes()).is_ok_and(|known| known == *certificate);
    if let Some(known) = all.iter().find(|known| is_it(&known.certificate_pem)) {
        return Ok(known.id.clone());
    }
    let mut name = adopted_name(owner, certificate);
    while all.iter().any(|known| known.name == name) {
        name.push_str(" (2)");
    }
    let id = store::create(conn, app, &name, &certificate.pem(), None).await?;
    let about = json!({ "model": "certificatekeypair", "how": "from metadata", "private_key": false });
    events::note_in(conn, app, "model_created", &name, &about).await?;
    Ok(id)
}

/// Deletes a certificate that came with metadata, if nothing uses it any more and nobody gave it another name.
///
/// # Errors
/// The database's.
pub(crate) async fn forget(
    conn: &mut AnyConnection,
    app: &App,
    owner: &str,
    certificate: &Certificate,
) -> Result<(), Error> {
    let name = adopted_name(owner, certificate);
    let all = store::all(conn).await?;
    let Some(known) = all.into_iter().find(|known| known.name == name && !known.has_key) else {
        return Ok(());
    };
    if !crate::providers::saml::uses_of_certificate(conn, &known.id).await?.is_empty() {
        return Ok(());
    }
    store::delete(conn, &known.id).await?;
    let about = json!({ "model": "certificatekeypair", "how": "no longer in the metadata" });
    events::note_in(conn, app, "model_deleted", &name, &about).await
}

/// `kasm from metadata (AB:CD:EF:01)`: the owner, and the beginning of the SHA-256 fingerprint.
fn adopted_name(owner: &str, certificate: &Certificate) -> String {
    let owner: String = owner.chars().take(60).collect();
    let fingerprint: String = certificate.sha256_fingerprint().chars().take(11).collect();
    format!("{owner} from metadata ({fingerprint})")
}
