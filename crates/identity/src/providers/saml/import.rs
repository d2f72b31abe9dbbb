//! A provider (and its application) from what a service provider says of itself: read, looked at, created.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use saml::SpMetadata;
use serde::Deserialize;
use serde_json::json;
use site::origin::parse_web_url;
use site::{FieldErrors, Problem, Shell, Submitted, fetch, form};
use sqlx::AnyConnection;
use store::Tx;

use super::form::Fields;
use super::service_provider::ServiceProviderFacts;
use super::settings::{AuthorizationFlow, SamlProvider, Settings};
use super::{changes, pages, store as providers};
use crate::app::App;
use crate::applications::{self, Wanted};
use crate::policies::EngineMode;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/if/admin/providers/saml/import/", get(page).post(submit))
}

/// The settings of a new provider for a service provider, with the defaults for all that it says nothing of.
///
/// # Errors
/// A sentence, if there is no certificate to sign with; the database's.
pub(super) async fn settings(
    conn: &mut AnyConnection,
    facts: &ServiceProviderFacts,
    name: &str,
    flow: &str,
) -> Result<Settings, Refusal> {
    let mut fields = Fields::new(conn).await?;
    name.clone_into(&mut fields.provider_name);
    flow.clone_into(&mut fields.authorization_flow);
    facts.entity_id().clone_into(&mut fields.audience);
    fields.acs_url = facts.acs_url.to_string();
    let mut errors = FieldErrors::none();
    let settings = fields.check(conn, &mut errors).await?;
    Ok(errors.finish(settings)?)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ImportForm {
    name: String,
    slug: String,
    authorization_flow: String,
    metadata_url: String,
    allow_private: Option<String>,
    keep_up_to_date: Option<String>,
    metadata: String,
    /// Which one, if the metadata describes several.
    entity_id: String,
    /// The button: `read` (also if Enter was pressed), `create` or `back`.
    step: String,
}

#[derive(Template)]
#[template(path = "providers/saml/templates/import.html")]
struct ImportPage {
    shell: Shell,
    form: ImportForm,
    flows: Vec<(&'static str, &'static str)>,
    /// The service providers to choose from, if there are several.
    entities: Vec<(String, String)>,
    errors: FieldErrors,
}

/// What was read, before it counts.
#[derive(Template)]
#[template(path = "providers/saml/templates/import_read.html")]
struct ReadPage {
    shell: Shell,
    form: ImportForm,
    lines: Vec<super::service_provider::Line>,
    notes: Vec<String>,
}

fn answer(
    by: &AdminVisit,
    form: ImportForm,
    entities: Vec<String>,
    errors: FieldErrors,
) -> Result<Response, Problem> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let flows = AuthorizationFlow::ALL.iter().map(|flow| (flow.key(), flow.label())).collect();
    let choose = (String::new(), "---------".to_owned());
    let entities = match entities.len() {
        0 | 1 => Vec::new(),
        _ => std::iter::once(choose).chain(entities.into_iter().map(|id| (id.clone(), id))).collect(),
    };
    let page = ImportPage { shell: by.page("SAML Provider from Metadata"), form, flows, entities, errors };
    site::page::html_with_status(status, &page)
}

async fn page(by: AdminVisit) -> Result<Response, Problem> {
    let form = ImportForm {
        authorization_flow: AuthorizationFlow::Implicit.key().to_owned(),
        keep_up_to_date: Some("on".to_owned()),
        ..ImportForm::default()
    };
    answer(&by, form, Vec::new(), FieldErrors::none())
}

async fn submit(by: AdminVisit, Submitted(form): Submitted<ImportForm>) -> Result<Response, Problem> {
    if form.step == "back" {
        return answer(&by, form, Vec::new(), FieldErrors::none());
    }
    let document = match document_of(&form).await {
        Ok(document) => document,
        Err(errors) => return answer(&by, form, Vec::new(), errors),
    };
    match import(&by, &form, &document).await {
        Ok((tx, made)) if form.step == "create" => {
            tx.commit().await?;
            let name = &made.provider.settings.name;
            let sentence = format!("The application {name} and its provider were created.");
            Ok(by.done(&sentence, &pages::page_of(&made.provider.id)))
        }
        Ok((tx, made)) => {
            // Everything was tried, so that what is shown is what will be; nothing is kept yet.
            drop(tx);
            let lines = made.facts.lines(&made.provider.settings);
            let metadata = made.facts.metadata.to_xml().map_err(Problem::internal)?;
            let form = ImportForm { metadata, entity_id: String::new(), ..form };
            let shell = by.page("SAML Provider from Metadata");
            site::html(&ReadPage { shell, form, lines, notes: made.notes })
        }
        Err(Refusal::Fields(errors)) => {
            let entities = SpMetadata::entity_ids(&document).unwrap_or_default();
            answer(&by, form, entities, errors)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A provider that was made, as long as its transaction is not given up.
struct Made {
    provider: SamlProvider,
    facts: ServiceProviderFacts,
    notes: Vec<String>,
}

/// Makes provider and application in a transaction for the caller to commit.
async fn import(by: &AdminVisit, form: &ImportForm, document: &[u8]) -> Result<(Tx, Made), Refusal> {
    let facts = facts_of(by, form, document)?;
    let mut errors = FieldErrors::none();
    let name = errors.check("name", form::required(&form.name, 100));
    let slug = errors.check("slug", applications::slug(&form.slug, &form.name));
    let (name, slug) = errors.finish(name.zip(slug))?;
    let mut tx = by.app.store.begin().await?;
    if providers::is_name_taken(&mut tx, &name).await? {
        return Err(Refusal::field("name", "Another provider has this name already."));
    }
    let mut settings = settings(&mut tx, &facts, &name, &form.authorization_flow).await?;
    if form::checked(&form.keep_up_to_date) {
        settings.metadata_url = parse_web_url(&form.metadata_url).ok();
        settings.metadata_allow_private = form::checked(&form.allow_private);
    }
    let (provider, notes) = changes::create_from(&mut tx, &by.app, settings, &facts).await?;
    applications::insert(&mut tx, &by.app, &application(&name, &slug, &provider.id)).await?;
    by.record_in(&mut tx, "model_created", &name, &changes::about(&provider.settings)).await?;
    by.record_in(&mut tx, "model_created", &name, &json!({ "model": "application", "slug": slug })).await?;
    Ok((tx, Made { provider, facts, notes }))
}

fn facts_of(by: &AdminVisit, form: &ImportForm, document: &[u8]) -> Result<ServiceProviderFacts, Refusal> {
    let wanted = Some(form.entity_id.trim()).filter(|id| !id.is_empty());
    let several = SpMetadata::entity_ids(document).is_ok_and(|ids| ids.len() > 1);
    if several && wanted.is_none() {
        return Err(Refusal::field(
            "entity_id",
            "The metadata describes several service providers. Choose one.",
        ));
    }
    ServiceProviderFacts::read(document, wanted, by.app.site.now())
        .map_err(|sentence| Refusal::field(form.source(), sentence))
}

impl ImportForm {
    /// The field that the metadata comes from.
    fn source(&self) -> &'static str {
        if self.metadata.trim().is_empty() { "metadata_url" } else { "metadata" }
    }
}

/// An application with nothing but a provider.
pub(crate) fn application(name: &str, slug: &str, provider_id: &str) -> Wanted {
    Wanted {
        name: name.to_owned(),
        slug: slug.to_owned(),
        group_name: String::new(),
        provider_id: Some(provider_id.to_owned()),
        policy_engine_mode: EngineMode::default(),
        launch_url: String::new(),
        open_in_new_tab: false,
        icon: String::new(),
        publisher: String::new(),
        description: String::new(),
    }
}

/// The pasted metadata, or what lies at the address.
async fn document_of(form: &ImportForm) -> Result<Vec<u8>, FieldErrors> {
    let refuse = |sentence: String| FieldErrors::of("metadata_url", sentence);
    let url = match form.metadata_url.trim() {
        "" => None,
        text => Some(parse_web_url(text).map_err(|sentence| refuse(sentence.to_owned()))?),
    };
    match (form.metadata.trim().is_empty(), url) {
        (false, _) => Ok(form.metadata.clone().into_bytes()),
        (true, Some(url)) => {
            let document = fetch::document(&url, form::checked(&form.allow_private)).await;
            document.map_err(|error| refuse(error.to_string()))
        }
        (true, None) => Err(refuse("Enter an address, or paste the metadata below.".to_owned())),
    }
}
