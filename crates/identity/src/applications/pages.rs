//! The administrator's pages about applications.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use site::{Button, FieldErrors, Problem, Shell, Submitted};
use sqlx::AnyConnection;

use super::bindings::{self, Shown};
use super::fields::Fields;
use super::{Application, bindings_of, by_slug, changes, store};
use crate::app::App;
use crate::policies;
use crate::providers::saml;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{groups, users};

pub(super) const APPLICATIONS: &str = "/if/admin/applications/";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(APPLICATIONS, get(list))
        .route("/if/admin/applications/new/", get(wizard_page).post(create_with_provider))
        .route("/if/admin/applications/new/application/", get(new_page).post(create))
        .route("/if/admin/applications/{slug}/", get(edit_page).post(change))
        .route("/if/admin/applications/{slug}/delete/", post(delete))
}

/// The page of an application.
pub(super) fn page_of(slug: &str) -> String {
    format!("{APPLICATIONS}{slug}/")
}

/// The application of an address.
pub(super) async fn named(conn: &mut AnyConnection, slug: &str) -> Result<Application, Problem> {
    let found = by_slug(conn, slug).await?;
    found.ok_or_else(|| {
        Problem::not_found("There is no such application; somebody may have deleted or renamed it.")
            .next("All applications", APPLICATIONS)
    })
}

fn status_of(errors: &FieldErrors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

#[derive(Template)]
#[template(path = "applications/templates/list.html")]
struct ListPage {
    shell: Shell,
    applications: Vec<store::Listed>,
}

async fn list(by: AdminVisit) -> Result<Response, Problem> {
    let applications = store::list(&mut *by.app.store.read().await?).await?;
    site::html(&ListPage { shell: by.page("Applications"), applications })
}

#[derive(Template)]
#[template(path = "applications/templates/new.html")]
struct NewPage {
    shell: Shell,
    form: Fields,
    errors: FieldErrors,
    providers: Vec<(String, String)>,
}

impl NewPage {
    async fn answer(by: &AdminVisit, form: Fields, errors: FieldErrors) -> Result<Response, Problem> {
        let providers = store::free_providers(&mut *by.app.store.read().await?, "").await?;
        let status = status_of(&errors);
        let page = Self { shell: by.page("Create Application"), form, errors, providers };
        site::page::html_with_status(status, &page)
    }
}

#[derive(Deserialize)]
struct ForProvider {
    #[serde(default)]
    provider: String,
}

async fn new_page(by: AdminVisit, Query(query): Query<ForProvider>) -> Result<Response, Problem> {
    let form = Fields { provider: query.provider, ..Fields::empty() };
    NewPage::answer(&by, form, FieldErrors::none()).await
}

async fn create(by: AdminVisit, Submitted(form): Submitted<Fields>) -> Result<Response, Problem> {
    let mut errors = FieldErrors::none();
    let wanted = form.check(&mut errors);
    let outcome = match errors.finish(wanted) {
        Ok(wanted) => changes::create(&by, &wanted).await.map(|()| wanted),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(wanted) => {
            Ok(by.done(&format!("The application {} was created.", wanted.name), &page_of(&wanted.slug)))
        }
        Err(Refusal::Fields(errors)) => NewPage::answer(&by, form, errors).await,
        Err(refusal) => Err(refusal.into()),
    }
}

/// "Create with Provider": an application and its SAML provider in one form.
#[derive(Template)]
#[template(path = "applications/templates/with_provider.html")]
struct WizardPage {
    shell: Shell,
    form: Fields,
    provider: saml::Fields,
    choices: saml::Choices,
    errors: FieldErrors,
}

impl WizardPage {
    async fn answer(
        by: &AdminVisit,
        form: Fields,
        provider: saml::Fields,
        errors: FieldErrors,
    ) -> Result<Response, Problem> {
        let choices = saml::Choices::load(&mut *by.app.store.read().await?).await?;
        let status = status_of(&errors);
        let page = Self { shell: by.page("Create with Provider"), form, provider, choices, errors };
        site::page::html_with_status(status, &page)
    }
}

async fn wizard_page(by: AdminVisit) -> Result<Response, Problem> {
    let provider = saml::Fields::new(&mut *by.app.store.read().await?).await?;
    WizardPage::answer(&by, Fields::empty(), provider, FieldErrors::none()).await
}

async fn create_with_provider(
    by: AdminVisit,
    Submitted(sent): Submitted<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form: Fields = part(&sent)?;
    let mut provider: saml::Fields = part(&sent)?;
    // One name for both, as the form says.
    provider.provider_name.clone_from(&form.name);
    let mut errors = FieldErrors::none();
    let wanted = form.check(&mut errors);
    let settings = provider.check(&mut *by.app.store.read().await?, &mut errors).await?;
    let outcome = match errors.finish(wanted.zip(settings)) {
        Ok((wanted, settings)) => {
            changes::create_with_provider(&by, &wanted, &settings).await.map(|provider| (wanted, provider))
        }
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok((wanted, provider)) => {
            let sentence = format!("The application {} and its provider were created.", wanted.name);
            Ok(by.done(&sentence, &saml::page_of(&provider)))
        }
        Err(Refusal::Fields(errors)) => WizardPage::answer(&by, form, provider, errors).await,
        Err(refusal) => Err(refusal.into()),
    }
}

/// The part of a form that belongs to one of its two features.
fn part<T: serde::de::DeserializeOwned>(sent: &[(String, String)]) -> Result<T, Problem> {
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish();
    serde_html_form::from_str(&encoded)
        .map_err(|error| Problem::bad_request("The form is missing a field.").because(error))
}

#[derive(Template)]
#[template(path = "applications/templates/edit.html")]
struct EditPage {
    shell: Shell,
    application: Application,
    form: Fields,
    errors: FieldErrors,
    providers: Vec<(String, String)>,
    bindings: Vec<Shown>,
    users: Vec<(String, String)>,
    checked: Option<Checked>,
}

/// Whether a user may open the application.
struct Checked {
    id: String,
    name: String,
    allowed: bool,
    is_active: bool,
}

#[derive(Deserialize)]
struct Check {
    #[serde(default)]
    check: String,
}

impl EditPage {
    async fn load(by: &AdminVisit, slug: &str) -> Result<Self, Problem> {
        let mut conn = by.app.store.read().await?;
        let application = named(&mut conn, slug).await?;
        Ok(Self {
            shell: by.page(application.name.clone()),
            form: Fields::of(&application),
            errors: FieldErrors::none(),
            providers: store::free_providers(&mut conn, &application.id).await?,
            bindings: bindings::shown(&mut conn, &application.id).await?,
            users: users::names(&mut conn).await?,
            checked: None,
            application,
        })
    }

    fn answer(&self) -> Result<Response, Problem> {
        site::page::html_with_status(status_of(&self.errors), self)
    }
}

async fn check_access(
    conn: &mut AnyConnection,
    application: &Application,
    user_id: &str,
) -> Result<Option<Checked>, Problem> {
    let Some(user) = users::find(conn, user_id).await? else { return Ok(None) };
    let groups = groups::of_user(conn, user_id).await?;
    let bindings = bindings_of(conn, &application.id).await?;
    let allowed = policies::allows(application.policy_engine_mode, &bindings, user_id, &groups);
    Ok(Some(Checked {
        id: user.id.clone(),
        name: user.display_name().to_owned(),
        allowed,
        is_active: user.is_active,
    }))
}

async fn edit_page(
    by: AdminVisit,
    Path(slug): Path<String>,
    Query(query): Query<Check>,
) -> Result<Response, Problem> {
    let mut page = EditPage::load(&by, &slug).await?;
    page.checked = check_access(&mut *by.app.store.read().await?, &page.application, &query.check).await?;
    page.answer()
}

async fn change(
    by: AdminVisit,
    Path(slug): Path<String>,
    Submitted(form): Submitted<Fields>,
) -> Result<Response, Problem> {
    let mut errors = FieldErrors::none();
    let wanted = form.check(&mut errors);
    let outcome = match errors.finish(wanted) {
        Ok(wanted) => changes::change(&by, &slug, &wanted).await.map(|()| wanted),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(wanted) => {
            Ok(by.done(&format!("The application {} was saved.", wanted.name), &page_of(&wanted.slug)))
        }
        Err(Refusal::Fields(errors)) => {
            EditPage { form, errors, ..EditPage::load(&by, &slug).await? }.answer()
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn delete(
    by: AdminVisit,
    Path(slug): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    let application = changes::delete(&by, &slug).await?;
    Ok(by.done(&format!("The application {} was deleted.", application.name), APPLICATIONS))
}
