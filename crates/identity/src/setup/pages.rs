//! The pages behind one-time links. They work without scripts and for nobody who lacks the link.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use site::one_time_links::{self, Purpose};
use site::{FieldErrors, Problem, Shell, Submitted, form, passwords};

use crate::app::App;
use crate::providers::logout;
use crate::refusal::Refusal;
use crate::users::{self, NewUser, User};
use crate::visit::Visit;
use crate::{flows, groups, library, overview, sessions};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/if/flow/initial-setup/", get(setup_page).post(set_up))
        .route("/if/flow/recovery/", get(recovery_page).post(recover))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    token: String,
}

#[derive(Template)]
#[template(path = "setup/templates/initial_setup.html")]
struct SetupPage {
    shell: Shell,
    form: SetupForm,
    errors: FieldErrors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SetupForm {
    token: String,
    username: String,
    name: String,
    email: String,
    password: String,
    password_again: String,
}

/// The first administrator, checked field by field.
struct FirstAdministrator {
    username: String,
    name: String,
    email: String,
    password: String,
}

impl SetupForm {
    fn check(&self) -> Result<FirstAdministrator, FieldErrors> {
        let mut errors = FieldErrors::none();
        let username = errors.check("username", users::username(&self.username));
        let name = errors.check("name", form::optional(&self.name, 200));
        let email = errors.check("email", users::email(&self.email));
        if email.as_deref() == Some("") {
            errors.add("email", "Fill this in: applications know people by their email address.");
        }
        let password = errors.check("password", passwords::acceptable(&self.password));
        errors.check("password_again", same(&self.password, &self.password_again));
        let checked = (|| {
            Some(FirstAdministrator {
                username: username?,
                name: name?.unwrap_or_default(),
                email: email?,
                password: password.map(|()| self.password.clone())?,
            })
        })();
        errors.finish(checked)
    }
}

fn same(password: &str, again: &str) -> Result<(), &'static str> {
    if password == again { Ok(()) } else { Err("The two passwords differ.") }
}

async fn setup_page(
    State(app): State<App>,
    visit: Visit,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    if one_time_links::look_up(&mut conn, &app.site, Purpose::FirstSetup, &link.token).await?.is_none() {
        return Err(dead_setup_link());
    }
    let form = SetupForm { token: link.token, username: "admin".into(), ..SetupForm::default() };
    site::html(&SetupPage {
        shell: visit.card(&app, "Welcome to Innkeeper"),
        form,
        errors: FieldErrors::none(),
    })
}

async fn set_up(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<SetupForm>,
) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(administrator) => create_first_administrator(&app, &visit, &form.token, administrator).await,
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(Refusal::Fields(errors)) => {
            let page = SetupPage { shell: visit.card(&app, "Welcome to Innkeeper"), form, errors };
            site::page::html_with_status(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn create_first_administrator(
    app: &App,
    visit: &Visit,
    token: &str,
    wanted: FirstAdministrator,
) -> Result<Response, Refusal> {
    let hash = passwords::hash(wanted.password).await?;
    let mut tx = app.store.begin().await?;
    if one_time_links::consume(&mut tx, &app.site, Purpose::FirstSetup, token).await?.is_none() {
        return Err(dead_setup_link().into());
    }
    // An administrator may have come in by another way since the link was made.
    if users::any_administrator(&mut tx).await? {
        return Err(dead_setup_link().into());
    }
    let new = NewUser {
        username: &wanted.username,
        name: &wanted.name,
        email: &wanted.email,
        password_hash: Some(&hash),
        ..NewUser::default()
    };
    let id = users::create(&mut tx, &app.site, &new).await.map_err(users::taken)?;
    let administrators = groups::create_administrators(&mut tx, &app.site).await?;
    groups::add_member(&mut tx, &administrators, &id).await?;
    visit.record_in(app, &mut tx, "initial_setup", &wanted.username, &wanted.username, &json!({})).await?;
    let visitor = sessions::open(&mut tx, &app.site, visit, &id, "setup", super::SESSION_LIFETIME).await?;
    tx.commit().await?;
    let mut response = Redirect::to(overview::OVERVIEW).into_response();
    response.extensions_mut().insert(visitor);
    Ok(response)
}

fn dead_setup_link() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This link works no more",
        "The setup link was used already, or has expired, or a newer one was printed. Start Innkeeper again: it prints \
         a new link while nobody administers.",
    )
    .next("Go to sign-in", flows::SIGN_IN)
}

#[derive(Template)]
#[template(path = "setup/templates/recovery.html")]
struct RecoveryPage {
    shell: Shell,
    token: String,
    username: String,
    errors: FieldErrors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RecoveryForm {
    token: String,
    password: String,
    password_again: String,
}

async fn recovery_page(
    State(app): State<App>,
    visit: Visit,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let user = user_of_link(&app, &link.token).await?;
    RecoveryPage::answer(&app, &visit, link.token, &user, FieldErrors::none())
}

impl RecoveryPage {
    fn answer(
        app: &App,
        visit: &Visit,
        token: String,
        user: &User,
        errors: FieldErrors,
    ) -> Result<Response, Problem> {
        let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let shell = visit.card(app, "Choose a password");
        site::page::html_with_status(status, &Self { shell, token, username: user.username.clone(), errors })
    }
}

async fn recover(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<RecoveryForm>,
) -> Result<Response, Problem> {
    let user = user_of_link(&app, &form.token).await?;
    let mut errors = FieldErrors::none();
    errors.check("password", passwords::acceptable(&form.password));
    errors.check("password_again", same(&form.password, &form.password_again));
    if !errors.is_empty() {
        return RecoveryPage::answer(&app, &visit, form.token, &user, errors);
    }
    let hash = passwords::hash(form.password).await?;
    let mut tx = app.store.begin().await?;
    let consumed = one_time_links::consume(&mut tx, &app.site, Purpose::ChoosePassword, &form.token).await?;
    if consumed.as_deref() != Some(user.id.as_str()) {
        return Err(dead_recovery_link());
    }
    users::set_password(&mut tx, &user.id, &hash).await?;
    let ended = logout::end_all_of(&mut tx, &app, &user.id, &user.username).await?;
    visit
        .record_in(&app, &mut tx, "password_set", &user.username, &user.username, &json!({ "by": "link" }))
        .await?;
    let visitor =
        sessions::open(&mut tx, &app.site, &visit, &user.id, "recovery", super::SESSION_LIFETIME).await?;
    tx.commit().await?;
    ended.tell(&app);
    let mut response = Redirect::to(library::MY_APPLICATIONS).into_response();
    response.extensions_mut().insert(visitor);
    Ok(response)
}

/// The active account that a live link is for.
async fn user_of_link(app: &App, token: &str) -> Result<User, Problem> {
    let mut conn = app.store.read().await?;
    let id = one_time_links::look_up(&mut conn, &app.site, Purpose::ChoosePassword, token).await?;
    let user = match id {
        Some(id) => users::find(&mut conn, &id).await?,
        None => None,
    };
    user.filter(|user| user.is_active).ok_or_else(dead_recovery_link)
}

fn dead_recovery_link() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This link works no more",
        "The link was used already, or has expired, or a newer one was made. Ask your administrator for a new one.",
    )
    .next("Go to sign-in", flows::SIGN_IN)
}
