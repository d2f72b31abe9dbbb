//! The administrator's pages about property mappings.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use site::{Button, FieldErrors, Problem, Shell, Submitted, form};

use super::changes;
use super::{Mapping, NameFormat, Source, Subject, Wanted, evaluate, store};
use crate::app::App;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{groups, users};

pub(crate) const MAPPINGS: &str = "/if/admin/property-mappings/";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(MAPPINGS, get(list))
        .route("/if/admin/property-mappings/new/", get(new_page).post(create))
        .route("/if/admin/property-mappings/test/", post(test))
        .route("/if/admin/property-mappings/{id}/", get(edit_page).post(change))
        .route("/if/admin/property-mappings/{id}/delete/", post(delete))
}

impl Mapping {
    /// What addresses call it.
    fn slug(&self) -> &str {
        match &self.source {
            Source::BuiltIn(built_in) => built_in.slug(),
            Source::Expression(_) => &self.id,
        }
    }

    /// The mapping's page.
    fn page(&self) -> String {
        format!("{MAPPINGS}{}/", self.slug())
    }
}

#[derive(Template)]
#[template(path = "mappings/templates/list.html")]
struct ListPage {
    shell: Shell,
    mappings: Vec<Mapping>,
}

async fn list(by: AdminVisit) -> Result<Response, Problem> {
    let mappings = store::all(&mut *by.app.store.read().await?).await?;
    site::html(&ListPage { shell: by.page("Property Mappings"), mappings })
}

/// A mapping as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct MappingForm {
    /// Of a mapping that exists, for its test.
    id: String,
    name: String,
    saml_name: String,
    friendly_name: String,
    name_format: String,
    expression: String,
    for_user: String,
}

impl MappingForm {
    fn of(mapping: &Mapping) -> Self {
        Self {
            id: mapping.id.clone(),
            name: mapping.name.clone(),
            saml_name: mapping.saml_name.clone(),
            friendly_name: mapping.friendly_name.clone(),
            name_format: mapping.name_format.key().to_owned(),
            expression: mapping.python().to_owned(),
            for_user: String::new(),
        }
    }

    fn check(&self) -> Result<Wanted, FieldErrors> {
        let mut errors = FieldErrors::none();
        let name = errors.check("name", form::required(&self.name, 200));
        let saml_name = errors.check("saml_name", form::required(&self.saml_name, 500));
        let friendly_name = errors.check("friendly_name", form::optional(&self.friendly_name, 200));
        let name_format = NameFormat::parse(&self.name_format).ok_or("Choose one of the list.");
        let name_format = errors.check("name_format", name_format);
        let expression = self.expression();
        let filled = if expression.trim().is_empty() { Err("Fill this in.") } else { Ok(expression) };
        let expression = errors.check("expression", filled);
        let wanted = || {
            Some(Wanted {
                name: name?,
                saml_name: saml_name?,
                friendly_name: friendly_name?.unwrap_or_default(),
                name_format: name_format?,
                expression: expression?,
            })
        };
        errors.finish(wanted())
    }

    /// Browsers end lines as Windows does.
    fn expression(&self) -> String {
        self.expression.replace("\r\n", "\n")
    }
}

/// What came of a test.
enum Tested {
    Values(Vec<String>),
    Failed(String),
}

#[derive(Template)]
#[template(path = "mappings/templates/form.html")]
struct FormPage {
    shell: Shell,
    heading: String,
    /// Of a mapping that exists.
    mapping: Option<Mapping>,
    form: MappingForm,
    errors: FieldErrors,
    name_formats: Vec<(String, String)>,
    users: Vec<(String, String)>,
    tested: Option<Tested>,
}

impl FormPage {
    async fn new(by: &AdminVisit, mapping: Option<Mapping>, form: MappingForm) -> Result<Self, Problem> {
        let users = users::names(&mut *by.app.store.read().await?).await?;
        let heading =
            mapping.as_ref().map_or("Create SAML Property Mapping", |mapping| &mapping.name).to_owned();
        let name_formats =
            NameFormat::ALL.map(|(_, key, _, words)| (key.to_owned(), words.to_owned())).into();
        let (shell, errors) = (by.page(heading.clone()), FieldErrors::none());
        Ok(Self { shell, heading, mapping, form, errors, name_formats, users, tested: None })
    }

    fn is_built_in(&self) -> bool {
        self.mapping.as_ref().is_some_and(Mapping::is_built_in)
    }

    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        site::page::html_with_status(status, self)
    }
}

#[derive(Deserialize)]
struct CopyOf {
    #[serde(default)]
    copy_of: String,
}

async fn new_page(by: AdminVisit, Query(query): Query<CopyOf>) -> Result<Response, Problem> {
    let copied = store::find(&mut *by.app.store.read().await?, &query.copy_of).await?;
    let form = match copied {
        Some(mapping) => MappingForm {
            id: String::new(),
            name: format!("Copy of {}", mapping.name),
            ..MappingForm::of(&mapping)
        },
        None => MappingForm { name_format: NameFormat::None.key().to_owned(), ..MappingForm::default() },
    };
    FormPage::new(&by, None, form).await?.answer()
}

async fn create(by: AdminVisit, Submitted(form): Submitted<MappingForm>) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(wanted) => changes::create(&by, &wanted).await.map(|id| (id, wanted.name)),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok((id, name)) => {
            Ok(by.done(&format!("The property mapping {name} was created."), &format!("{MAPPINGS}{id}/")))
        }
        Err(Refusal::Fields(errors)) => FormPage { errors, ..FormPage::new(&by, None, form).await? }.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn find(by: &AdminVisit, id: &str) -> Result<Mapping, Problem> {
    store::find(&mut *by.app.store.read().await?, id).await?.ok_or_else(|| {
        Problem::not_found("There is no such property mapping; somebody may have deleted it.")
            .next("All property mappings", MAPPINGS)
    })
}

async fn edit_page(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    let mapping = find(&by, &id).await?;
    let form = MappingForm::of(&mapping);
    FormPage::new(&by, Some(mapping), form).await?.answer()
}

async fn change(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(form): Submitted<MappingForm>,
) -> Result<Response, Problem> {
    let mapping = find(&by, &id).await?;
    let outcome = match form.check() {
        Ok(wanted) => changes::change(&by, &mapping.id, &wanted).await.map(|()| wanted.name),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(name) => Ok(by.done(&format!("The property mapping {name} was saved."), &mapping.page())),
        Err(Refusal::Fields(errors)) => {
            FormPage { errors, ..FormPage::new(&by, Some(mapping), form).await? }.answer()
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Shows what the expression in the form, saved or not, says about somebody.
async fn test(by: AdminVisit, Submitted(form): Submitted<MappingForm>) -> Result<Response, Problem> {
    let mut conn = by.app.store.read().await?;
    let mappings = store::all(&mut conn).await?;
    let existing = mappings.into_iter().find(|mapping| mapping.id == form.id);
    let user = users::find(&mut conn, &form.for_user).await?;
    let groups = groups::of_user(&mut conn, &form.for_user).await?;
    drop(conn);
    let Some(user) = user else {
        let errors = FieldErrors::of("for_user", "Choose somebody who is still here.");
        return FormPage { errors, ..FormPage::new(&by, existing, form).await? }.answer();
    };
    let tried = match existing.clone().filter(Mapping::is_built_in) {
        Some(built_in) => built_in,
        None => Mapping {
            id: String::new(),
            name: form.name.clone(),
            saml_name: form.saml_name.clone(),
            friendly_name: form.friendly_name.clone(),
            name_format: NameFormat::None,
            source: Source::Expression(form.expression()),
        },
    };
    let subject = Subject { user: &user, groups: &groups, provider: "" };
    let tested = match evaluate(&by.app, &[&tried], subject).await.pop() {
        Some(Err(failure)) => Tested::Failed(failure.sentence()),
        other => Tested::Values(other.and_then(Result::ok).unwrap_or_default()),
    };
    FormPage { tested: Some(tested), ..FormPage::new(&by, existing, form).await? }.answer()
}

async fn delete(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match changes::delete(&by, &id).await {
        Ok(mapping) => Ok(by.done(&format!("The property mapping {} was deleted.", mapping.name), MAPPINGS)),
        Err(refusal) => {
            Err(Problem::from(refusal).next("Back to the property mapping", format!("{MAPPINGS}{id}/")))
        }
    }
}
