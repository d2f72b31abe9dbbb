//! The administrator's pages about groups.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use site::{Button, FieldErrors, Problem, Shell, Submitted, form};

use super::changes::{self, Wanted};
use super::{find, store};
use crate::app::App;
use crate::refusal::Refusal;
use crate::users;
use crate::visit::AdminVisit;

const GROUPS: &str = "/if/admin/groups/";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(GROUPS, get(list))
        .route("/if/admin/groups/new/", get(new_page).post(create))
        .route("/if/admin/groups/{id}/", get(edit_page).post(change))
        .route("/if/admin/groups/{id}/delete/", post(delete))
}

#[derive(Template)]
#[template(path = "groups/templates/list.html")]
struct ListPage {
    shell: Shell,
    groups: Vec<store::Listed>,
}

async fn list(by: AdminVisit) -> Result<Response, Problem> {
    let groups = store::list(&mut *by.app.store.read().await?).await?;
    site::html(&ListPage { shell: by.page("Groups"), groups })
}

/// A group as typed. A check box that is off is not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct GroupForm {
    name: String,
    is_superuser: Option<String>,
    members: Vec<String>,
}

impl GroupForm {
    fn check(&self) -> Result<Wanted, FieldErrors> {
        let mut errors = FieldErrors::none();
        let name = errors.check("name", form::required(&self.name, 80));
        let is_superuser = form::checked(&self.is_superuser);
        errors.finish(name.map(|name| Wanted { name, is_superuser, members: self.members.clone() }))
    }
}

#[derive(Template)]
#[template(path = "groups/templates/form.html")]
struct FormPage {
    shell: Shell,
    heading: String,
    /// Of a group that exists.
    id: Option<String>,
    form: GroupForm,
    errors: FieldErrors,
    users: Vec<(String, String)>,
}

impl FormPage {
    async fn of_new(by: &AdminVisit, form: GroupForm, errors: FieldErrors) -> Result<Self, Problem> {
        let users = users::names(&mut *by.app.store.read().await?).await?;
        let heading = "Create Group".to_owned();
        Ok(Self { shell: by.page(heading.clone()), heading, id: None, form, errors, users })
    }

    async fn load(by: &AdminVisit, id: String) -> Result<Self, Problem> {
        let mut conn = by.app.store.read().await?;
        let group = find(&mut conn, &id).await?.ok_or_else(no_such_group)?;
        let form = GroupForm {
            name: group.name.clone(),
            is_superuser: group.is_superuser.then(|| "on".into()),
            members: store::members(&mut conn, &id).await?,
        };
        let users = users::names(&mut conn).await?;
        let (shell, errors) = (by.page(group.name.clone()), FieldErrors::none());
        Ok(Self { shell, heading: group.name, id: Some(id), form, errors, users })
    }

    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        site::page::html_with_status(status, self)
    }
}

async fn new_page(by: AdminVisit) -> Result<Response, Problem> {
    FormPage::of_new(&by, GroupForm::default(), FieldErrors::none()).await?.answer()
}

async fn create(by: AdminVisit, Submitted(form): Submitted<GroupForm>) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(wanted) => changes::create(&by, &wanted).await.map(|()| wanted.name),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(name) => Ok(by.done(&format!("The group {name} was created."), GROUPS)),
        Err(Refusal::Fields(errors)) => FormPage::of_new(&by, form, errors).await?.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn edit_page(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    FormPage::load(&by, id).await?.answer()
}

async fn change(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(form): Submitted<GroupForm>,
) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(wanted) => changes::change(&by, &id, &wanted).await.map(|()| wanted.name),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(name) => Ok(by.done(&format!("The group {name} was saved."), &format!("{GROUPS}{id}/"))),
        Err(Refusal::Fields(errors)) => FormPage { form, errors, ..FormPage::load(&by, id).await? }.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn delete(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match changes::delete(&by, &id).await {
        Ok(group) => Ok(by.done(&format!("The group {} was deleted.", group.name), GROUPS)),
        Err(refusal) => Err(Problem::from(refusal).next("Back to the group", format!("{GROUPS}{id}/"))),
    }
}

fn no_such_group() -> Problem {
    Problem::not_found("There is no such group; somebody may have deleted it.").next("All groups", GROUPS)
}
