//! The pages of signing in and out.

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use site::browser_sessions::{self, BrowserSession, SignIn};
use site::one_time_links::{self, Purpose};
use site::{Button, CspAdditions, FieldErrors, Problem, Shell, Submitted, passwords};
use sqlx::AnyConnection;
use url::Url;

use super::Person;
use crate::app::App;
use crate::groups;
use crate::sso::saml::{self, SignInOption, logout};
use crate::users::{self, NewUser, Profile, Realm, User};
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/staticlogin", get(local_page))
        .route("/signin", post(sign_in))
        .route("/signout", post(sign_out))
        .route("/signed-out", get(signed_out))
        .route("/setup", get(setup_page).post(set_up))
}

#[derive(Template)]
#[template(path = "auth/templates/sign_in.html")]
struct SignInPage {
    shell: Shell,
    options: Vec<SignInOption>,
    next: String,
    username: String,
    errors: FieldErrors,
    /// Where a script goes for `/#/staticlogin`.
    redirects: String,
}

impl SignInPage {
    fn new(app: &App, visit: &Visit, options: Vec<SignInOption>) -> Self {
        Self {
            shell: visit.card(app, "Sign in"),
            options,
            next: visit.next.clone().unwrap_or_default(),
            username: String::new(),
            errors: FieldErrors::none(),
            redirects: json!({ "#/staticlogin": "/staticlogin" }).to_string(),
        }
    }

    fn answer(&self, status: StatusCode) -> Result<Response, Problem> {
        let logos = self.options.iter().filter_map(|option| Url::parse(&option.logo_url).ok());
        let csp = logos.fold(CspAdditions::default(), |csp, logo| csp.img(&logo));
        Ok(csp.on(site::page::html_with_status(status, self)?))
    }
}

#[derive(Template)]
#[template(path = "auth/templates/auto_login.html")]
struct AutoLoginPage {
    shell: Shell,
    name: String,
    href: String,
    redirects: String,
}

/// What somebody who is not signed in sees at `/`: the sign-in page, or the way to the one identity
/// provider with Auto Login.
pub(crate) async fn start_page(app: &App, visit: &Visit) -> Result<Response, Problem> {
    let options = saml::options_for_host(app, &visit.host, visit.next.as_deref()).await?;
    let Some(auto) = options.iter().find(|option| option.auto_login) else {
        return SignInPage::new(app, visit, options).answer(StatusCode::OK);
    };
    // Fragments of Kasm's pages: a script leads each to where it belongs here.
    let href = &auto.href;
    let redirects =
        json!({ "#/staticlogin": "/staticlogin", "": href, "#/": href, "#/login": href }).to_string();
    let page = AutoLoginPage {
        shell: visit.card(app, "Sign in"),
        name: auto.name.clone(),
        href: auto.href.clone(),
        redirects,
    };
    site::html(&page)
}

/// The sign-in page that Auto Login never skips.
async fn local_page(State(app): State<App>, visit: Visit) -> Result<Response, Problem> {
    let options = saml::options_for_host(&app, &visit.host, visit.next.as_deref()).await?;
    SignInPage::new(&app, &visit, options).answer(StatusCode::OK)
}

const WRONG: &str = "The user name or the password is wrong.";

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn sign_in(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<Credentials>,
) -> Result<Response, Problem> {
    let name = form.username.trim().to_lowercase();
    let key = format!("{}\n{name}", visit.addr);
    if let Err(wait) = app.attempts.permitted(&key, app.site.now()) {
        return Err(too_many(&app, &visit, &name, wait).await?);
    }
    // Noted before the password is looked at: many tries at once don't get more than their share.
    app.attempts.failed(&key, app.site.now());
    match authenticate(&app, &visit, &name, form.password, &form.next).await? {
        Ok(response) => {
            app.attempts.succeeded(&key);
            Ok(response)
        }
        Err(sentence) => {
            let options =
                saml::options_for_host(&app, &visit.host, site::origin::local_path(&form.next)).await?;
            let mut page = SignInPage::new(&app, &visit, options);
            page.username = form.username;
            page.next = form.next;
            page.errors = FieldErrors::of("credentials", sentence);
            page.answer(StatusCode::UNPROCESSABLE_ENTITY)
        }
    }
}

/// The refusal of a try too many. What was typed as a name is noted only if an account has it.
async fn too_many(app: &App, visit: &Visit, name: &str, wait: Duration) -> Result<Problem, Problem> {
    let user = users::find_in_realm(&mut *app.store.read().await?, &Realm::Local, name).await?;
    let subject = user.as_ref().map_or("", |user| user.username.as_str());
    visit.record(app, "login_limited", "", subject, &json!({})).await?;
    let minutes = wait.as_secs().div_ceil(60);
    let sentence = format!("Too many wrong passwords. Wait {minutes} minutes and try again.");
    Ok(Problem::too_many(sentence).next("Back to sign-in", "/staticlogin"))
}

/// Signs in the account whose password this is, or gives the sentence of the refusal. An unknown name costs
/// the time of a known one and gets the same words; a barred account is named as such only to who knows its
/// password.
async fn authenticate(
    app: &App,
    visit: &Visit,
    name: &str,
    password: String,
    next: &str,
) -> Result<Result<Response, &'static str>, Problem> {
    let mut conn = app.store.read().await?;
    let (user, hash) = users::local_with_password(&mut conn, name).await?;
    drop(conn);
    let correct = passwords::verify(hash.clone(), password).await?;
    let (sentence, reason) = match &user {
        None => (WRONG, "no such account"),
        Some(_) if !correct => (WRONG, "wrong password"),
        Some(user) => match user.barred() {
            Some(sentence) => (sentence, "the account is locked or disabled"),
            None => match open_unchanged(app, visit, user, hash.as_deref(), next).await? {
                Some(response) => return Ok(Ok(response)),
                None => (WRONG, "the account was changed meanwhile"),
            },
        },
    };
    // What was typed as a name is noted only if an account has it: people type passwords there by mistake.
    let subject = user.as_ref().map_or("", |user| user.username.as_str());
    let context = json!({ "method": "password", "because": reason });
    visit.record(app, "login_failed", "", subject, &context).await?;
    Ok(Err(sentence))
}

/// Opens the session, unless the account was barred or got another password while this one was checked.
async fn open_unchanged(
    app: &App,
    visit: &Visit,
    user: &User,
    hash: Option<&str>,
    next: &str,
) -> Result<Option<Response>, Problem> {
    let mut tx = app.store.begin().await?;
    let (response, _) =
        open_session(app, visit, &mut tx, user, "password", app.sign_in_lifetime, next).await?;
    // Looked at only now: opening has written to the account, so whoever changes it from here on waits for the
    // session to be kept, and ends it.
    let (now, stored) = users::local_with_password(&mut tx, &user.username).await?;
    let unchanged = now.is_some_and(|now| now.id == user.id && now.barred().is_none());
    if !unchanged || stored.as_deref() != hash {
        return Ok(None);
    }
    visit.record_in(app, &mut tx, "login", &user.username, "", &json!({ "method": "password" })).await?;
    tx.commit().await?;
    Ok(Some(response))
}

/// Opens the session of somebody who has proved who they are, and leads on to a page of ours.
pub(crate) async fn open_session(
    app: &App,
    visit: &Visit,
    conn: &mut AnyConnection,
    user: &User,
    method: &str,
    lifetime: Duration,
    next: &str,
) -> Result<(Response, BrowserSession), Problem> {
    let sign_in = SignIn {
        user_id: &user.id,
        method,
        client_addr: visit.addr,
        user_agent: &visit.user_agent,
        lifetime,
    };
    // The account first, as whoever changes an account does: two that take turns never wait for each other.
    users::signed_in(conn, &app.site, &user.id).await?;
    // The session that this browser had before ends: one browser, one person.
    browser_sessions::close(conn, &app.site, &visit.visitor).await?;
    let (visitor, session) = browser_sessions::open(conn, &app.site, &sign_in).await?;
    let mut response = Redirect::to(site::origin::local_path(next).unwrap_or("/")).into_response();
    response.extensions_mut().insert(visitor);
    Ok((response, session))
}

async fn sign_out(
    State(app): State<App>,
    visit: Visit,
    person: Option<Person>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let mut tx = app.store.begin().await?;
    let leaving = match &person {
        Some(person) => logout::leaving(&mut tx, &person.session.id, &person.user.username).await?,
        None => None,
    };
    let visitor = browser_sessions::close(&mut tx, &app.site, &visit.visitor).await?;
    let mut target = "/signed-out".to_owned();
    if let Some(person) = person {
        visit.record_in(&app, &mut tx, "logout", &person.user.username, "", &json!({})).await?;
        if let Realm::Saml(config) = &person.user.realm {
            target = format!("/signed-out?from={config}");
        }
    }
    if let Some(leaving) = leaving {
        // The page stands between, for a browser does not follow the redirect of a form to another site.
        let id = logout::remember(&mut tx, &app, &leaving, &visitor).await?;
        target = format!("/signed-out?logout={id}");
    }
    tx.commit().await?;
    let mut response = Redirect::to(&target).into_response();
    response.extensions_mut().insert(visitor);
    Ok(response)
}

#[derive(Template)]
#[template(path = "auth/templates/signed_out.html")]
struct SignedOutPage {
    shell: Shell,
    /// Name and sign-out address of the identity provider that vouched for the person.
    elsewhere: Option<(String, String)>,
}

/// Who came by an identity provider with single logout is signed out there, too, unless they choose otherwise.
#[derive(Template)]
#[template(path = "auth/templates/signing_out.html")]
struct SigningOutPage {
    shell: Shell,
    name: String,
    href: String,
}

#[derive(Deserialize)]
struct SignedOutFrom {
    #[serde(default)]
    from: String,
    #[serde(default)]
    logout: String,
}

async fn signed_out(
    State(app): State<App>,
    visit: Visit,
    Query(query): Query<SignedOutFrom>,
) -> Result<Response, Problem> {
    if let Some((name, href)) = logout::pending(&app, &visit, &query.logout).await? {
        return site::html(&SigningOutPage { shell: visit.card(&app, "Signing out"), name, href });
    }
    let elsewhere = saml::sign_out_elsewhere(&app, &query.from).await?;
    site::html(&SignedOutPage { shell: visit.card(&app, "Signed out"), elsewhere })
}

#[derive(Template)]
#[template(path = "auth/templates/setup.html")]
struct SetupPage {
    shell: Shell,
    errors: FieldErrors,
    token: String,
    username: String,
}

#[derive(Deserialize)]
struct SetupQuery {
    #[serde(default)]
    token: String,
}

fn dead_link() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This link works no more",
        "The setup link was used already, or it has expired, or a newer one was printed. Start Innkeeper again: \
         it prints a new link while there is no administrator.",
    )
    .next("Go to sign-in", "/staticlogin")
}

async fn setup_page(
    State(app): State<App>,
    visit: Visit,
    Query(query): Query<SetupQuery>,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let live = one_time_links::look_up(&mut conn, &app.site, Purpose::FirstSetup, &query.token).await?;
    if live.is_none() {
        return Err(dead_link());
    }
    site::html(&SetupPage {
        shell: visit.card(&app, "Create the first administrator"),
        errors: FieldErrors::none(),
        token: query.token,
        username: "admin".into(),
    })
}

#[derive(Deserialize)]
struct SetupForm {
    token: String,
    username: String,
    password: String,
    password_again: String,
}

async fn set_up(
    State(app): State<App>,
    visit: Visit,
    Submitted(form): Submitted<SetupForm>,
) -> Result<Response, Problem> {
    let mut errors = FieldErrors::none();
    let username = errors.check("username", users::local_username(&form.username));
    errors.check("password", passwords::acceptable(&form.password));
    if form.password != form.password_again {
        errors.add("password_again", "The two passwords differ.");
    }
    let again = |errors| {
        let shell = visit.card(&app, "Create the first administrator");
        let page = SetupPage { shell, errors, token: form.token.clone(), username: form.username.clone() };
        site::page::html_with_status(StatusCode::UNPROCESSABLE_ENTITY, &page)
    };
    let username = match errors.finish(username) {
        Ok(username) => username,
        Err(errors) => return again(errors),
    };
    let hash = passwords::hash(form.password.clone()).await?;
    let mut tx = app.store.begin().await?;
    if one_time_links::consume(&mut tx, &app.site, Purpose::FirstSetup, &form.token).await?.is_none() {
        return Err(dead_link());
    }
    let profile = Profile::default();
    let new =
        NewUser { username: &username, realm: &Realm::Local, profile: &profile, password_hash: Some(&hash) };
    let user = match users::create(&mut tx, &app.site, &new).await {
        Ok(user) => user,
        Err(store::Error::UniqueViolation { .. }) => {
            return again(FieldErrors::of("username", "There is a local account of this name already."));
        }
        Err(error) => return Err(error.into()),
    };
    groups::add_member(&mut tx, groups::ADMINISTRATORS, &user.id).await?;
    let (response, _) =
        open_session(&app, &visit, &mut tx, &user, "setup", app.sign_in_lifetime, "/admin/").await?;
    visit.record_in(&app, &mut tx, "initial_setup", &user.username, "", &json!({})).await?;
    tx.commit().await?;
    Ok(response)
}
