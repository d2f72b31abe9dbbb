//! Changing applications and their bindings.

use serde_json::json;
use sqlx::AnyConnection;

use super::bindings::{self, Shown};
use super::{Application, Binding, by_slug, store};
use crate::app::App;
use crate::policies::EngineMode;
use crate::providers::saml;
use crate::refusal::Refusal;
use crate::revision;
use crate::visit::AdminVisit;

/// What an application is to be, checked field by field.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) group_name: String,
    pub(crate) provider_id: Option<String>,
    pub(crate) policy_engine_mode: EngineMode,
    pub(crate) launch_url: String,
    pub(crate) open_in_new_tab: bool,
    pub(crate) icon: String,
    pub(crate) publisher: String,
    pub(crate) description: String,
}

/// Creates an application in the caller's transaction.
pub(crate) async fn insert(conn: &mut AnyConnection, app: &App, wanted: &Wanted) -> Result<(), Refusal> {
    let id = ::store::new_id(&**app.site.random());
    store::insert(conn, &id, wanted).await.map_err(taken)?;
    revision::bump(conn).await?;
    Ok(())
}

/// Creates an application.
pub(super) async fn create(by: &AdminVisit, wanted: &Wanted) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    insert(&mut tx, &by.app, wanted).await?;
    by.record_in(
        &mut tx,
        "model_created",
        &wanted.name,
        &json!({ "model": "application", "slug": wanted.slug }),
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Creates a provider and the application that uses it: both, or neither. Returns the provider's id.
pub(super) async fn create_with_provider(
    by: &AdminVisit,
    wanted: &Wanted,
    settings: &saml::Settings,
) -> Result<String, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let provider = saml::create(&mut tx, &by.app, settings).await.map_err(|error| {
        if error.is_unique_violation_of("identity_saml_providers.name") {
            return Refusal::field("name", "There is a provider of this name already; choose another name.");
        }
        error.into()
    })?;
    let wanted = Wanted { provider_id: Some(provider.clone()), ..wanted.clone() };
    insert(&mut tx, &by.app, &wanted).await?;
    for model in ["samlprovider", "application"] {
        by.record_in(&mut tx, "model_created", &wanted.name, &json!({ "model": model, "slug": wanted.slug }))
            .await?;
    }
    tx.commit().await?;
    Ok(provider)
}

/// Changes an application.
pub(super) async fn change(by: &AdminVisit, slug: &str, wanted: &Wanted) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let before = by_slug(&mut tx, slug).await?.ok_or(Refusal::Gone)?;
    store::update(&mut tx, &before.id, wanted).await.map_err(taken)?;
    revision::bump(&mut tx).await?;
    let about = json!({ "model": "application", "slug_before": slug, "slug": wanted.slug });
    by.record_in(&mut tx, "model_updated", &wanted.name, &about).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes an application. Its provider stays.
pub(super) async fn delete(by: &AdminVisit, slug: &str) -> Result<Application, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let application = by_slug(&mut tx, slug).await?.ok_or(Refusal::Gone)?;
    store::delete(&mut tx, &application.id).await?;
    revision::bump(&mut tx).await?;
    let about = json!({ "model": "application", "slug": slug });
    by.record_in(&mut tx, "model_deleted", &application.name, &about).await?;
    tx.commit().await?;
    Ok(application)
}

/// Binds an application to a user or group.
pub(super) async fn bind(
    by: &AdminVisit,
    application: &Application,
    binding: &Binding,
) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    bindings::insert(&mut tx, &application.id, binding).await.map_err(|error| match error {
        ::store::Error::UniqueViolation { .. } => {
            Refusal::field("target", "The application is bound to this one already.")
        }
        ::store::Error::ForeignKeyViolation { .. } => {
            Refusal::field("target", "This one is not here any more. Reload the page and choose again.")
        }
        error => error.into(),
    })?;
    revision::bump(&mut tx).await?;
    let about = json!({ "model": "policybinding", "negate": binding.negate, "enabled": binding.enabled });
    by.record_in(&mut tx, "model_created", &application.name, &about).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes a binding, but for whom it names.
pub(super) async fn change_binding(
    by: &AdminVisit,
    application: &Application,
    binding: &Binding,
) -> Result<(), Refusal> {
    let mut tx = by.app.store.begin().await?;
    let before = bindings::find(&mut tx, &application.id, &binding.id).await?.ok_or(Refusal::Gone)?;
    bindings::update(&mut tx, binding).await?;
    revision::bump(&mut tx).await?;
    let about = json!({
        "model": "policybinding",
        "target": before.words(),
        "negate": binding.negate,
        "enabled": binding.enabled,
    });
    by.record_in(&mut tx, "model_updated", &application.name, &about).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a binding, and returns it.
pub(super) async fn unbind(by: &AdminVisit, application: &Application, id: &str) -> Result<Shown, Refusal> {
    let mut tx = by.app.store.begin().await?;
    let binding = bindings::find(&mut tx, &application.id, id).await?.ok_or(Refusal::Gone)?;
    bindings::delete(&mut tx, id).await?;
    revision::bump(&mut tx).await?;
    let about = json!({ "model": "policybinding", "target": binding.words() });
    by.record_in(&mut tx, "model_deleted", &application.name, &about).await?;
    tx.commit().await?;
    Ok(binding)
}

fn taken(error: ::store::Error) -> Refusal {
    if error.is_unique_violation_of("identity_applications.slug") {
        return Refusal::field("slug", "Another application has this slug.");
    }
    if error.is_unique_violation_of("identity_applications.provider_id") {
        return Refusal::field("provider", "Another application uses this provider; each has its own.");
    }
    match error {
        ::store::Error::ForeignKeyViolation { .. } => Refusal::field(
            "provider",
            "This provider is not here any more. Reload the page and choose again.",
        ),
        error => error.into(),
    }
}
