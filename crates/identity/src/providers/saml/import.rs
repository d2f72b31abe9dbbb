//! A provider (and its application) from what a service provider says of itself.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use saml::{Binding, NameIdFormat, SpMetadata};
use serde::Deserialize;
use serde_json::json;
use site::origin::parse_web_url;
use site::{FieldErrors, Problem, Shell, Submitted, fetch, form};
use sqlx::AnyConnection;
use url::Url;

use super::form::Fields;
use super::settings::{AuthorizationFlow, NAME_ID_POLICIES, Settings, sp_binding_key};
use super::{changes, pages};
use crate::app::App;
use crate::applications::{self, Wanted};
use crate::policies::EngineMode;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/if/admin/providers/saml/import/", get(page).post(import))
}

/// What is needed of a service provider, taken from its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceProviderFacts {
    pub(crate) entity_id: String,
    pub(crate) acs_url: Url,
    binding: Binding,
    name_id_policy: NameIdFormat,
}

impl ServiceProviderFacts {
    /// Reads metadata (XML).
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub(crate) fn read(metadata: &str) -> Result<Self, String> {
        let metadata = SpMetadata::parse(metadata.as_bytes()).map_err(|error| error.sentence())?;
        let acs = metadata.default_acs().ok_or("The metadata names no address for answers.")?;
        let acs_url = parse_web_url(&acs.location).map_err(|_| {
            format!(
                "The metadata names “{}” as the address for answers, which is no web address.",
                acs.location
            )
        })?;
        let known = |format: &&NameIdFormat| NAME_ID_POLICIES.iter().any(|(policy, _)| policy == *format);
        let name_id_policy = metadata.name_id_formats.iter().find(known).cloned();
        Ok(Self {
            acs_url,
            binding: acs.binding,
            entity_id: metadata.entity_id,
            name_id_policy: name_id_policy.unwrap_or(NameIdFormat::Unspecified),
        })
    }

    /// The form of a new provider for it.
    async fn fields(&self, conn: &mut AnyConnection, name: &str, flow: &str) -> Result<Fields, store::Error> {
        let mut fields = Fields::new(conn).await?;
        name.clone_into(&mut fields.provider_name);
        flow.clone_into(&mut fields.authorization_flow);
        self.apply(&mut fields);
        Ok(fields)
    }

    fn apply(&self, fields: &mut Fields) {
        fields.acs_url = self.acs_url.to_string();
        fields.audience.clone_from(&self.entity_id);
        sp_binding_key(self.binding).clone_into(&mut fields.sp_binding);
        self.name_id_policy.as_str().clone_into(&mut fields.default_name_id_policy);
    }

    /// The settings of a new provider for it, with the defaults for the rest.
    ///
    /// # Errors
    /// A sentence, if there is no certificate to sign with; the database's.
    pub(crate) async fn settings(&self, conn: &mut AnyConnection, name: &str) -> Result<Settings, Refusal> {
        let fields = self.fields(conn, name, AuthorizationFlow::Implicit.key()).await?;
        let mut errors = FieldErrors::none();
        let settings = fields.check(conn, &mut errors).await?;
        Ok(errors.finish(settings)?)
    }

    /// The settings of a provider that exists, brought up to date; what an administrator chose stays.
    pub(crate) fn renew(&self, settings: &Settings) -> Settings {
        Settings {
            acs_url: self.acs_url.clone(),
            audience: self.entity_id.clone(),
            sp_binding: self.binding,
            ..settings.clone()
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ImportForm {
    name: String,
    slug: String,
    authorization_flow: String,
    metadata_url: String,
    allow_private: Option<String>,
    metadata: String,
}

#[derive(Template)]
#[template(path = "providers/saml/templates/import.html")]
struct ImportPage {
    shell: Shell,
    form: ImportForm,
    flows: Vec<(&'static str, &'static str)>,
    errors: FieldErrors,
}

fn answer(by: &AdminVisit, form: ImportForm, errors: FieldErrors) -> Result<Response, Problem> {
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let flows = AuthorizationFlow::ALL.iter().map(|flow| (flow.key(), flow.label())).collect();
    let page = ImportPage { shell: by.page("SAML Provider from Metadata"), form, flows, errors };
    site::page::html_with_status(status, &page)
}

async fn page(by: AdminVisit) -> Result<Response, Problem> {
    let form = ImportForm {
        authorization_flow: AuthorizationFlow::Implicit.key().to_owned(),
        ..ImportForm::default()
    };
    answer(&by, form, FieldErrors::none())
}

async fn import(by: AdminVisit, Submitted(form): Submitted<ImportForm>) -> Result<Response, Problem> {
    match try_import(&by, &form).await {
        Ok((name, id)) => {
            let sentence = format!("The application {name} and its provider were created.");
            Ok(by.done(&sentence, &pages::page_of(&id)))
        }
        Err(Refusal::Fields(errors)) => answer(&by, form, errors),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Creates provider and application, both or neither. Returns the name and the provider's id.
async fn try_import(by: &AdminVisit, form: &ImportForm) -> Result<(String, String), Refusal> {
    let metadata = metadata_of(form).await?;
    let field = if form.metadata.trim().is_empty() { "metadata_url" } else { "metadata" };
    let facts = ServiceProviderFacts::read(&metadata).map_err(|sentence| Refusal::field(field, sentence))?;
    let mut errors = FieldErrors::none();
    let name = errors.check("name", form::required(&form.name, 100));
    let slug = errors.check("slug", applications::slug(&form.slug, &form.name));
    let mut tx = by.app.store.begin().await?;
    let fields = facts.fields(&mut tx, form.name.trim(), &form.authorization_flow).await?;
    let settings = fields.check(&mut tx, &mut errors).await?;
    let wanted = name.zip(slug).zip(settings);
    let ((name, slug), settings) = errors.finish(wanted)?;
    let id = changes::create(&mut tx, &by.app, &settings).await.map_err(|error| {
        match error.is_unique_violation_of("identity_saml_providers.name") {
            true => Refusal::field("name", "Another provider has this name already."),
            false => error.into(),
        }
    })?;
    applications::insert(&mut tx, &by.app, &application(&name, &slug, &id)).await?;
    by.record_in(&mut tx, "model_created", &name, &changes::about(&settings)).await?;
    by.record_in(&mut tx, "model_created", &name, &json!({ "model": "application", "slug": slug })).await?;
    tx.commit().await?;
    Ok((name, id))
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
async fn metadata_of(form: &ImportForm) -> Result<String, Refusal> {
    if !form.metadata.trim().is_empty() {
        return Ok(form.metadata.clone());
    }
    if form.metadata_url.trim().is_empty() {
        return Err(Refusal::field("metadata_url", "Enter an address, or paste the metadata below."));
    }
    let refuse = |sentence: String| Refusal::field("metadata_url", sentence);
    let url = parse_web_url(&form.metadata_url).map_err(|sentence| refuse(sentence.to_owned()))?;
    let document = fetch::document(&url, form::checked(&form.allow_private)).await;
    let document = document.map_err(|error| refuse(error.to_string()))?;
    String::from_utf8(document).map_err(|_| refuse("What lies at this address is no text.".to_owned()))
}
