//! The page of our own keys for one configuration.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use site::{Notice, Problem, Shell, Submitted};

use super::keys::{self, Step};
use super::pages::{self, CertificateFacts};
use super::{SamlConfig, store};
use crate::app::App;
use crate::auth::Administrator;
use crate::visit::Visit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/admin/access/authentication/saml/{id}/keys", get(show).post(take))
}

#[derive(Template)]
#[template(path = "sso/saml/templates/keys.html")]
struct KeysPage {
    shell: Shell,
    config: SamlConfig,
    metadata: String,
    keys: Vec<Key>,
}

struct Key {
    facts: CertificateFacts,
    pem: String,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let config = pages::find(&app, &id).await?;
    let key = |certificate: saml::Certificate| Key {
        pem: certificate.pem(),
        facts: CertificateFacts::new(&app, &certificate),
    };
    site::html(&KeysPage {
        shell: visit.admin_page(&app, &person, format!("{}: keys", config.display_name)),
        metadata: config.entity_id(&app.site),
        keys: keys::certificates(&config)?.into_iter().map(key).collect(),
        config,
    })
}

#[derive(Deserialize)]
struct StepForm {
    step: Step,
}

async fn take(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    Submitted(StepForm { step }): Submitted<StepForm>,
) -> Result<Response, Problem> {
    let here = format!("/admin/access/authentication/saml/{id}/keys");
    let config = pages::find(&app, &id).await?;
    let Some(config) = keys::take(&app, config, step).await? else {
        let sentence = "The keys have changed since this page was opened, so nothing was done.";
        return Err(Problem::bad_request(sentence).next("Look again", here));
    };
    let sha256 = |certificate: &saml::Certificate| certificate.sha256_fingerprint();
    let context = json!({
        "id": config.id, "step": format!("{step:?}"),
        "certificates": keys::certificates(&config)?.iter().map(sha256).collect::<Vec<_>>(),
    });
    let mut tx = app.store.begin().await?;
    store::save(&mut tx, &app.site, &config).await?;
    let (by, name) = (&person.user.username, &config.display_name);
    visit.record_in(&app, &mut tx, "saml_config_keys_changed", by, name, &context).await?;
    tx.commit().await?;
    let sentence = match step {
        Step::Make => "A key was made. Give the identity provider our metadata again.",
        Step::ChangeOver => "The keys have changed places.",
        Step::RemoveSecond => "The second key was removed.",
    };
    Ok(Notice::redirect(&app.site, sentence, &here))
}
