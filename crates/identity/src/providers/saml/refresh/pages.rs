//! What a provider's page says of the metadata of its service provider, and the button beside it.

use ::store::Error;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use site::{Button, Problem, Submitted, moments};
use sqlx::AnyConnection;

use super::store as known;
use crate::app::App;
use crate::providers::saml::pages::page_of;
use crate::visit::AdminVisit;

pub(in crate::providers::saml) fn routes() -> Router<App> {
    Router::new().route("/if/admin/providers/saml/{id}/refresh/", post(refresh))
}

/// What there is to say of the metadata of a service provider. Moments are text, in UTC.
#[derive(Clone, Debug, Default)]
pub(in crate::providers::saml) struct Shown {
    /// Whether anything was ever taken from metadata, or tried to.
    pub(in crate::providers::saml) is_known: bool,
    pub(in crate::providers::saml) refreshed_at: Option<String>,
    pub(in crate::providers::saml) changed_at: Option<String>,
    /// What changed then.
    pub(in crate::providers::saml) changes: Vec<String>,
    /// Why it can't be refreshed, and since when.
    pub(in crate::providers::saml) failure: Option<(String, String)>,
}

impl Shown {
    pub(in crate::providers::saml) async fn load(
        conn: &mut AnyConnection,
        provider_id: &str,
    ) -> Result<Self, Error> {
        let Some(known) = known::find(conn, provider_id).await? else { return Ok(Self::default()) };
        let words = |at| format!("{} UTC", moments::utc(at));
        Ok(Self {
            is_known: true,
            refreshed_at: known.refreshed_at.map(words),
            changed_at: known.changed_at.map(words),
            // Only this feature writes the column.
            changes: serde_json::from_str(&known.changes).unwrap_or_default(),
            failure: known.failing_since.map(|since| (known.error, words(since))),
        })
    }
}

async fn refresh(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match super::refresh_now(&by, &id).await {
        Ok(lines) if lines.is_empty() => {
            Ok(by.done("The metadata was fetched: it says nothing new.", &page_of(&id)))
        }
        Ok(_) => {
            Ok(by.done("The metadata was fetched, and what it says anew was taken over.", &page_of(&id)))
        }
        Err(refusal) => Err(Problem::from(refusal).next("Back to the provider", page_of(&id))),
    }
}
