//! The administrator's pages about accounts.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use site::{Button, FieldErrors, Problem, Shell, Submitted, form};

use super::changes::{self, Wanted};
use super::{Attributes, User, email, find, store, username};
use crate::app::App;
use crate::refusal::Refusal;
use crate::visit::AdminVisit;
use crate::{groups, setup};

const USERS: &str = "/if/admin/users/";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(USERS, get(list))
        .route("/if/admin/users/new/", get(new_page).post(create))
        .route("/if/admin/users/{id}/", get(edit_page).post(change))
        .route("/if/admin/users/{id}/password/", post(set_password))
        .route("/if/admin/users/{id}/recovery/", post(recovery_link))
        .route("/if/admin/users/{id}/delete/", post(delete))
}

#[derive(Template)]
#[template(path = "users/templates/list.html")]
struct ListPage {
    shell: Shell,
    users: Vec<store::Listed>,
    search: String,
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    search: String,
}

async fn list(by: AdminVisit, Query(query): Query<Search>) -> Result<Response, Problem> {
    let mut conn = by.app.store.read().await?;
    let users = store::search(&mut conn, query.search.trim()).await?;
    site::html(&ListPage { shell: by.page("Users"), users, search: query.search })
}

/// An account as typed. A check box that is off is not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct UserForm {
    username: String,
    name: String,
    email: String,
    is_active: Option<String>,
    attributes: String,
    groups: Vec<String>,
}

impl UserForm {
    fn new_user() -> Self {
        Self { is_active: Some("on".into()), attributes: "{}".into(), ..Self::default() }
    }

    fn of(user: &User, groups: Vec<String>) -> Self {
        Self {
            username: user.username.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            is_active: user.is_active.then(|| "on".into()),
            attributes: serde_json::to_string_pretty(&user.attributes).unwrap_or_default(),
            groups,
        }
    }

    fn check(&self) -> Result<Wanted, FieldErrors> {
        let mut errors = FieldErrors::none();
        let username = errors.check("username", username(&self.username));
        let name = errors.check("name", form::optional(&self.name, 200));
        let email = errors.check("email", email(&self.email));
        let attributes = errors.check("attributes", attributes(&self.attributes));
        let wanted = (|| {
            Some(Wanted {
                username: username?,
                name: name?.unwrap_or_default(),
                email: email?,
                is_active: form::checked(&self.is_active),
                attributes: attributes?,
                groups: self.groups.clone(),
            })
        })();
        errors.finish(wanted)
    }
}

fn attributes(text: &str) -> Result<Attributes, String> {
    let Some(text) = form::optional(text, 20_000)? else { return Ok(Attributes::new()) };
    serde_json::from_str(&text).map_err(|error| {
        format!("This is not a JSON object: {error}. Write it like {{\"upn\": \"ann@corp.example\"}}, or leave {{}}.")
    })
}

#[derive(Template)]
#[template(path = "users/templates/new.html")]
struct NewPage {
    shell: Shell,
    form: UserForm,
    errors: FieldErrors,
    groups: Vec<(String, String)>,
}

impl NewPage {
    async fn answer(by: &AdminVisit, form: UserForm, errors: FieldErrors) -> Result<Response, Problem> {
        let status = status_of(&errors);
        let groups = groups::names(&mut *by.app.store.read().await?).await?;
        let page = Self { shell: by.page("Create User"), form, errors, groups };
        site::page::html_with_status(status, &page)
    }
}

async fn new_page(by: AdminVisit) -> Result<Response, Problem> {
    NewPage::answer(&by, UserForm::new_user(), FieldErrors::none()).await
}

async fn create(by: AdminVisit, Submitted(form): Submitted<UserForm>) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(wanted) => changes::create(&by, &wanted).await.map(|id| (id, wanted.username)),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok((id, username)) => {
            let sentence =
                format!("The user {username} was created. Give them a password, or a link to choose one.");
            Ok(by.done(&sentence, &format!("{USERS}{id}/")))
        }
        Err(Refusal::Fields(errors)) => NewPage::answer(&by, form, errors).await,
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Template)]
#[template(path = "users/templates/edit.html")]
struct EditPage {
    shell: Shell,
    user: User,
    has_password: bool,
    form: UserForm,
    errors: FieldErrors,
    groups: Vec<(String, String)>,
    /// A fresh link with which the person chooses a password.
    link: Option<String>,
}

impl EditPage {
    async fn load(by: &AdminVisit, id: &str) -> Result<Self, Problem> {
        let mut conn = by.app.store.read().await?;
        let user = find(&mut conn, id).await?.ok_or_else(no_such_user)?;
        let member_of = groups::of_user(&mut conn, id).await?.into_iter().map(|group| group.id).collect();
        Ok(Self {
            shell: by.page(user.display_name()),
            has_password: store::has_password(&mut conn, id).await?,
            form: UserForm::of(&user, member_of),
            user,
            errors: FieldErrors::none(),
            groups: groups::names(&mut conn).await?,
            link: None,
        })
    }

    fn answer(&self) -> Result<Response, Problem> {
        site::page::html_with_status(status_of(&self.errors), self)
    }
}

async fn edit_page(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    EditPage::load(&by, &id).await?.answer()
}

async fn change(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(form): Submitted<UserForm>,
) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(wanted) => changes::change(&by, &id, &wanted).await.map(|()| wanted.username),
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(username) => Ok(by.done(&format!("The user {username} was saved."), &format!("{USERS}{id}/"))),
        Err(Refusal::Fields(errors)) => EditPage { form, errors, ..EditPage::load(&by, &id).await? }.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Deserialize)]
struct PasswordForm {
    password: String,
}

async fn set_password(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(form): Submitted<PasswordForm>,
) -> Result<Response, Problem> {
    let page = EditPage::load(&by, &id).await?;
    match changes::set_password(&by, &page.user, form.password).await {
        Ok(()) => {
            let sentence = format!(
                "The password of {} was set, and they are signed out everywhere.",
                page.user.username
            );
            Ok(by.done(&sentence, &format!("{USERS}{id}/")))
        }
        Err(Refusal::Fields(errors)) => EditPage { errors, ..page }.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn recovery_link(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    let page = EditPage::load(&by, &id).await?;
    let mut tx = by.app.store.begin().await?;
    let link = setup::choose_password_link(&mut tx, &by.app, &id).await?;
    by.record_in(&mut tx, "recovery_link_created", &page.user.username, &json!({})).await?;
    tx.commit().await?;
    EditPage { link: Some(link), ..page }.answer()
}

async fn delete(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match changes::delete(&by, &id).await {
        Ok(user) => Ok(by.done(&format!("The user {} was deleted.", user.username), USERS)),
        Err(refusal) => Err(Problem::from(refusal).next("Back to the user", format!("{USERS}{id}/"))),
    }
}

fn no_such_user() -> Problem {
    Problem::not_found("There is no such user; somebody may have deleted the account.")
        .next("All users", USERS)
}

fn status_of(errors: &FieldErrors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}
