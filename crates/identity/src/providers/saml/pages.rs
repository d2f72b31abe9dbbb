//! The administrator's pages about SAML providers.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use saml::NameId;
use serde::Deserialize;
use site::{Button, FieldErrors, Problem, Shell, Submitted};

use super::form::{Choices, Fields};
use super::settings::{SamlProvider, Settings};
use super::told::{self, KeptFailure};
use super::uses::CertificateRole;
use super::{changes, metadata, preview, refresh, snapshot, store};
use crate::app::App;
use crate::applications::{self, Application};
use crate::certificates::Warning;
use crate::providers::PROVIDERS;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{certificates, users};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/if/admin/providers/saml/new/", get(new_page).post(create))
        .route("/if/admin/providers/saml/{id}/", get(view))
        .route("/if/admin/providers/saml/{id}/edit/", get(edit_page).post(change))
        .route("/if/admin/providers/saml/{id}/certificate/", get(certificate))
        .route("/if/admin/providers/saml/{id}/next-certificate/", post(use_next_certificate))
        .route("/if/admin/providers/saml/{id}/delete/", post(delete))
}

/// The page of a provider.
pub(crate) fn page_of(id: &str) -> String {
    format!("{PROVIDERS}saml/{id}/")
}

#[derive(Template)]
#[template(path = "providers/saml/templates/edit.html")]
struct EditPage {
    shell: Shell,
    provider: Fields,
    choices: Choices,
    errors: FieldErrors,
    verb: &'static str,
    back: String,
}

impl EditPage {
    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        site::page::html_with_status(status, self)
    }
}

async fn new_form(by: &AdminVisit, provider: Fields, errors: FieldErrors) -> Result<Response, Problem> {
    let choices = Choices::load(&mut *by.app.store.read().await?).await?;
    let (shell, back) = (by.page("New SAML Provider"), PROVIDERS.to_owned());
    EditPage { shell, provider, choices, errors, verb: "Create", back }.answer()
}

async fn new_page(by: AdminVisit) -> Result<Response, Problem> {
    let fields = Fields::new(&mut *by.app.store.read().await?).await?;
    new_form(&by, fields, FieldErrors::none()).await
}

async fn create(by: AdminVisit, Submitted(fields): Submitted<Fields>) -> Result<Response, Problem> {
    let outcome = match checked(&by, &fields).await {
        Ok(settings) => changes::create_alone(&by, &settings).await.map(|id| (id, settings.name)),
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok((id, name)) => Ok(by.done(&format!("The provider {name} was created."), &page_of(&id))),
        Err(Refusal::Fields(errors)) => new_form(&by, fields, errors).await,
        Err(refusal) => Err(refusal.into()),
    }
}

async fn checked(by: &AdminVisit, fields: &Fields) -> Result<Settings, Refusal> {
    let mut errors = FieldErrors::none();
    let settings = fields.check(&mut *by.app.store.read().await?, &mut errors).await?;
    Ok(errors.finish(settings)?)
}

async fn edit_form(
    by: &AdminVisit,
    before: &SamlProvider,
    provider: Fields,
    errors: FieldErrors,
) -> Result<Response, Problem> {
    let choices = Choices::load(&mut *by.app.store.read().await?).await?;
    let (shell, back) = (by.page(format!("Edit {}", before.settings.name)), page_of(&before.id));
    EditPage { shell, provider, choices, errors, verb: "Save", back }.answer()
}

async fn find(by: &AdminVisit, id: &str) -> Result<SamlProvider, Problem> {
    let found = store::find(&mut *by.app.store.read().await?, id).await?;
    found.ok_or_else(|| {
        Problem::not_found("There is no such provider; somebody may have deleted it.")
            .next("All providers", PROVIDERS)
    })
}

async fn edit_page(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    let provider = find(&by, &id).await?;
    edit_form(&by, &provider, Fields::of(&provider.settings), FieldErrors::none()).await
}

async fn change(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(fields): Submitted<Fields>,
) -> Result<Response, Problem> {
    let before = find(&by, &id).await?;
    let outcome = match checked(&by, &fields).await {
        Ok(settings) => {
            let after = SamlProvider { id: id.clone(), settings };
            changes::change(&by, &after).await.map(|()| after.settings.name)
        }
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(name) => Ok(by.done(&format!("The provider {name} was saved."), &page_of(&id))),
        Err(Refusal::Fields(errors)) => edit_form(&by, &before, fields, errors).await,
        Err(refusal) => Err(refusal.into()),
    }
}

/// The addresses of a provider.
struct Urls {
    metadata: String,
    sso_redirect: String,
    sso_post: String,
    sso_init: String,
}

impl Urls {
    fn of(app: &App, slug: &str) -> Self {
        let url = |rest: &str| app.site.url(&format!("/application/saml/{slug}/{rest}"));
        Self {
            metadata: url("metadata/"),
            sso_redirect: url("sso/binding/redirect/"),
            sso_post: url("sso/binding/post/"),
            sso_init: url("init/"),
        }
    }
}

/// What the application would be told.
pub(super) struct Preview {
    pub(super) name_id: Result<NameId, String>,
    pub(super) attributes: Vec<saml::Attribute>,
    /// Mappings that failed, and why.
    pub(super) failures: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "providers/saml/templates/view.html")]
struct ViewPage {
    shell: Shell,
    provider: SamlProvider,
    application: Option<Application>,
    certificate: String,
    /// What will sign later.
    next_certificate: Option<String>,
    warnings: Vec<(Warning, CertificateRole)>,
    /// What the application's own metadata said.
    told: refresh::Shown,
    issuer: String,
    metadata: String,
    urls: Option<Urls>,
    users: Vec<(String, String)>,
    for_user: String,
    preview: Option<Preview>,
    failures: Vec<KeptFailure>,
}

#[derive(Deserialize)]
struct PreviewFor {
    #[serde(default)]
    for_user: String,
}

async fn view(
    by: AdminVisit,
    Path(id): Path<String>,
    Query(query): Query<PreviewFor>,
) -> Result<Response, Problem> {
    let provider = find(&by, &id).await?;
    let mut conn = by.app.store.read().await?;
    let application = applications::by_provider(&mut conn, &id).await?;
    let certificate = certificates::find(&mut conn, &provider.settings.signing_kp).await?;
    let next = match &provider.settings.next_signing_kp {
        Some(next) => certificates::find(&mut conn, next).await?,
        None => None,
    };
    let warnings = certificates::warnings_for_provider(&mut conn, &id, by.app.site.now()).await?;
    let told = refresh::Shown::load(&mut conn, &id).await?;
    let users = users::names(&mut conn).await?;
    let slug = application.as_ref().map(|application| application.slug.clone());
    let own_name = snapshot::issuer(&by.app.site, slug.as_deref().unwrap_or_default(), &provider);
    let preview = match query.for_user.as_str() {
        "" => None,
        user_id => preview::of(&mut conn, &by, (&provider, &own_name), user_id).await?,
    };
    let failures = told::kept_failures(&mut conn, &id).await?;
    drop(conn);
    let (metadata, issuer) = match &slug {
        Some(slug) => match by.app.saml.find(&by.app, slug, None).await? {
            Some(snapshot) => {
                (metadata::of(&by.app.site, slug, &snapshot)?.xml.clone(), snapshot.issuer.clone())
            }
            None => (String::new(), String::new()),
        },
        None => (String::new(), provider.settings.issuer.clone()),
    };
    site::html(&ViewPage {
        shell: by.page(provider.settings.name.clone()),
        certificate: certificate.map(|keypair| keypair.name).unwrap_or_default(),
        next_certificate: next.map(|keypair| keypair.name),
        warnings,
        told,
        urls: slug.map(|slug| Urls::of(&by.app, &slug)),
        for_user: query.for_user,
        provider,
        application,
        issuer,
        metadata,
        users,
        preview,
        failures,
    })
}

async fn certificate(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    let provider = find(&by, &id).await?;
    let mut conn = by.app.store.read().await?;
    let keypair = certificates::find(&mut conn, &provider.settings.signing_kp).await?;
    let keypair = keypair.ok_or_else(|| Problem::not_found("The provider has no signing certificate."))?;
    Ok(certificates::pem_file(&keypair))
}

async fn use_next_certificate(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match changes::swap_certificates(&by, &id).await {
        Ok(swapped) => {
            let how = swapped.algorithm.map(|algorithm| format!(" with {algorithm}")).unwrap_or_default();
            let sentence = format!(
                "The provider {} signs with its next certificate{how} from now on. The one from before stays \
                 announced.",
                swapped.name
            );
            Ok(by.done(&sentence, &page_of(&id)))
        }
        Err(refusal) => Err(Problem::from(refusal).next("Back to the provider", page_of(&id))),
    }
}

async fn delete(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match changes::delete(&by, &id).await {
        Ok(name) => Ok(by.done(&format!("The provider {name} was deleted."), PROVIDERS)),
        Err(refusal) => Err(Problem::from(refusal).next("Back to the provider", page_of(&id))),
    }
}
