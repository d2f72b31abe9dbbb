//! Changing mappings: what must hold afterwards.

use serde_json::json;

use super::{Mapping, Wanted, store};
use crate::expressions::FailureKind;
use crate::providers::saml;
use crate::refusal::{Refusal, listed};
use crate::revision;
use crate::visit::AdminVisit;

/// Creates a mapping and returns its id.
pub(super) async fn create(by: &AdminVisit, wanted: &Wanted) -> Result<String, Refusal> {
    compiles(by, wanted).await?;
    let mut tx = by.app.store.begin().await?;
    let id = store::insert(&mut tx, &by.app.site, wanted).await.map_err(taken)?;
    revision::bump(&mut tx).await?;
    by.record_in(&mut tx, "model_created", &wanted.name, &about(wanted)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Changes a mapping.
pub(super) async fn change(by: &AdminVisit, id: &str, wanted: &Wanted) -> Result<(), Refusal> {
    compiles(by, wanted).await?;
    let mut tx = by.app.store.begin().await?;
    if !store::update(&mut tx, id, wanted).await.map_err(taken)? {
        return Err(Refusal::Gone);
    }
    revision::bump(&mut tx).await?;
    by.record_in(&mut tx, "model_updated", &wanted.name, &about(wanted)).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes a mapping that no provider uses.
pub(super) async fn delete(by: &AdminVisit, id: &str) -> Result<Mapping, Refusal> {
    let mut tx = by.app.store.begin().await?;
    // First, so that a provider that is saved meanwhile waits, or is seen here.
    revision::bump(&mut tx).await?;
    let mapping = store::find(&mut tx, id).await?.ok_or(Refusal::Gone)?;
    if mapping.is_built_in() {
        return Err(Refusal::Conflict(format!("{} comes with the house and stays.", mapping.name)));
    }
    let users = saml::using_mapping(&mut tx, id).await?;
    if let Some(names) = listed(&users) {
        return Err(Refusal::Conflict(format!(
            "{} is used by the provider {names}. Choose something else there first.",
            mapping.name
        )));
    }
    store::delete(&mut tx, id).await?;
    by.record_in(&mut tx, "model_deleted", &mapping.name, &json!({ "model": "property mapping" })).await?;
    tx.commit().await?;
    Ok(mapping)
}

/// A mistake in the expression is told beside it, before anything is saved.
async fn compiles(by: &AdminVisit, wanted: &Wanted) -> Result<(), Refusal> {
    let checked = by.app.expressions.check(wanted.expression.clone(), by.app.site.now()).await;
    match checked {
        // It may be right; whoever signs in will tell.
        Err(failure) if failure.kind == FailureKind::Unavailable => Ok(()),
        other => other.map_err(|failure| Refusal::field("expression", failure.sentence())),
    }
}

fn about(wanted: &Wanted) -> serde_json::Value {
    json!({ "model": "property mapping", "saml_name": wanted.saml_name, "expression": wanted.expression })
}

fn taken(error: ::store::Error) -> Refusal {
    if error.is_unique_violation_of("identity_property_mappings.name") {
        return Refusal::field("name", "Another property mapping has this name.");
    }
    error.into()
}
