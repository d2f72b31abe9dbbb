//! The administrator's pages about who may open an application.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use site::{Button, FieldErrors, Problem, Shell, Submitted, form};

use super::bindings::{self, Shown};
use super::pages::{named, page_of};
use super::{Application, Binding, Target, changes};
use crate::app::App;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{groups, users};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/if/admin/applications/{slug}/bindings/new/", get(new_page).post(create))
        .route("/if/admin/applications/{slug}/bindings/{id}/", get(edit_page).post(change))
        .route("/if/admin/applications/{slug}/bindings/{id}/delete/", post(delete))
}

/// Whether a user or a group is bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    User,
    #[default]
    Group,
}

/// A binding as typed. A check box that is off is not sent.
#[derive(Clone, Debug, Deserialize)]
struct BindingForm {
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    target: String,
    order: String,
    negate: Option<String>,
    enabled: Option<String>,
}

impl BindingForm {
    fn new(kind: Kind) -> Self {
        Self { kind, target: String::new(), order: "0".into(), negate: None, enabled: Some("on".into()) }
    }

    fn of(binding: &Binding) -> Self {
        let (kind, target) = match &binding.target {
            Target::User(id) => (Kind::User, id.clone()),
            Target::Group(id) => (Kind::Group, id.clone()),
        };
        Self {
            kind,
            target,
            order: binding.order.to_string(),
            negate: binding.negate.then(|| "on".into()),
            enabled: binding.enabled.then(|| "on".into()),
        }
    }

    /// A binding with this id, if nothing is wrong.
    fn check(&self, id: String, target: Option<Target>) -> Result<Binding, FieldErrors> {
        let mut errors = FieldErrors::none();
        let order = self.order.trim().parse::<i64>().ok().filter(|order| (0..=100_000).contains(order));
        let order = errors.check("order", order.ok_or("Write a whole number from 0 to 100000."));
        let target = errors.check("target", target.ok_or("Choose one."));
        let (negate, enabled) = (form::checked(&self.negate), form::checked(&self.enabled));
        errors.finish(order.zip(target).map(|(order, target)| Binding { id, target, order, negate, enabled }))
    }

    fn target(&self) -> Option<Target> {
        let id = (!self.target.is_empty()).then(|| self.target.clone())?;
        Some(match self.kind {
            Kind::User => Target::User(id),
            Kind::Group => Target::Group(id),
        })
    }
}

#[derive(Template)]
#[template(path = "applications/templates/binding.html")]
struct BindingPage {
    shell: Shell,
    application: Application,
    form: BindingForm,
    errors: FieldErrors,
    /// Of a binding that exists.
    shown: Option<Shown>,
    choices: Vec<(String, String)>,
}

impl BindingPage {
    async fn of_new(
        by: &AdminVisit,
        slug: &str,
        form: BindingForm,
        errors: FieldErrors,
    ) -> Result<Self, Problem> {
        let mut conn = by.app.store.read().await?;
        let application = named(&mut conn, slug).await?;
        let mut choices = vec![(String::new(), "---------".to_owned())];
        choices.extend(match form.kind {
            Kind::User => users::names(&mut conn).await?,
            Kind::Group => groups::names(&mut conn).await?,
        });
        let title = match form.kind {
            Kind::User => "Bind existing user",
            Kind::Group => "Bind existing group",
        };
        Ok(Self { shell: by.page(title), application, form, errors, shown: None, choices })
    }

    async fn load(by: &AdminVisit, slug: &str, id: &str) -> Result<(Self, Binding), Problem> {
        let mut conn = by.app.store.read().await?;
        let application = named(&mut conn, slug).await?;
        let shown = bindings::find(&mut conn, &application.id, id).await?.ok_or_else(|| {
            Problem::not_found("There is no such binding; somebody may have removed it.")
                .next("Back to the application", page_of(slug))
        })?;
        let binding = shown.binding.clone();
        let (shell, form) = (by.page(shown.words()), BindingForm::of(&binding));
        let page = Self {
            shell,
            application,
            form,
            errors: FieldErrors::none(),
            shown: Some(shown),
            choices: Vec::new(),
        };
        Ok((page, binding))
    }

    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        site::page::html_with_status(status, self)
    }
}

#[derive(Deserialize)]
struct NewQuery {
    #[serde(default)]
    kind: Kind,
}

async fn new_page(
    by: AdminVisit,
    Path(slug): Path<String>,
    Query(query): Query<NewQuery>,
) -> Result<Response, Problem> {
    BindingPage::of_new(&by, &slug, BindingForm::new(query.kind), FieldErrors::none()).await?.answer()
}

async fn create(
    by: AdminVisit,
    Path(slug): Path<String>,
    Submitted(form): Submitted<BindingForm>,
) -> Result<Response, Problem> {
    let application = named(&mut *by.app.store.read().await?, &slug).await?;
    let id = ::store::new_id(&**by.app.site.random());
    let outcome = match form.check(id, form.target()) {
        Ok(binding) => changes::bind(&by, &application, &binding).await,
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(()) => Ok(by.done("The binding was created.", &page_of(&slug))),
        Err(Refusal::Fields(errors)) => BindingPage::of_new(&by, &slug, form, errors).await?.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn edit_page(by: AdminVisit, Path((slug, id)): Path<(String, String)>) -> Result<Response, Problem> {
    BindingPage::load(&by, &slug, &id).await?.0.answer()
}

async fn change(
    by: AdminVisit,
    Path((slug, id)): Path<(String, String)>,
    Submitted(form): Submitted<BindingForm>,
) -> Result<Response, Problem> {
    let (page, before) = BindingPage::load(&by, &slug, &id).await?;
    let outcome = match form.check(id, Some(before.target)) {
        Ok(binding) => changes::change_binding(&by, &page.application, &binding).await,
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(()) => Ok(by.done("The binding was saved.", &page_of(&slug))),
        Err(Refusal::Fields(errors)) => BindingPage { form, errors, ..page }.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn delete(
    by: AdminVisit,
    Path((slug, id)): Path<(String, String)>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    let application = named(&mut *by.app.store.read().await?, &slug).await?;
    changes::unbind(&by, &application, &id).await?;
    let left = bindings::shown(&mut *by.app.store.read().await?, &application.id).await?;
    let sentence = if left.iter().any(|shown| shown.binding.enabled) {
        "The binding was removed."
    } else {
        "The binding was removed. None is left that counts, so everybody may open the application now."
    };
    Ok(by.done(sentence, &page_of(&slug)))
}
