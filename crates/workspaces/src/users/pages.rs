//! Access Management → Users.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use site::{Button, FieldErrors, Notice, Problem, Shell, Submitted};

use super::administration::{self, Refusal, Wanted};
use super::store as accounts;
use super::{Realm, User};
use crate::app::App;
use crate::auth::{Administrator, Person};
use crate::groups::{self, ALL_USERS, Membership};
use crate::sso::saml;
use crate::visit::Visit;

const LIST: &str = "/admin/access/users";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/access/users", get(list))
        .route("/admin/access/users/new", get(new).post(create))
        .route("/admin/access/users/{id}", get(edit).post(change))
        .route("/admin/access/users/{id}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "users/templates/list.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<Row>,
}

struct Row {
    user: User,
    realm: String,
    groups: String,
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let configs = saml::display_names(&mut conn).await?;
    let mut groups = groups::names_by_user(&mut conn).await?;
    let users = accounts::list(&mut conn).await?;
    let rows = users.into_iter().map(|user| Row {
        realm: realm_words(&configs, &user.realm),
        groups: groups.remove(&user.id).unwrap_or_default().join(", "),
        user,
    });
    site::html(&ListPage { shell: visit.admin_page(&app, &person, "Users"), rows: rows.collect() })
}

fn realm_words(configs: &HashMap<String, String>, realm: &Realm) -> String {
    match realm {
        Realm::Local => "Local".to_owned(),
        Realm::Saml(config) => match configs.get(config) {
            Some(name) => format!("SAML: {name}"),
            None => "SAML: a configuration that was deleted".to_owned(),
        },
    }
}

#[derive(Template)]
#[template(path = "users/templates/edit.html")]
struct EditPage {
    shell: Shell,
    errors: FieldErrors,
    action: String,
    /// The address that deletes the account, if it exists.
    delete: Option<String>,
    /// Whether the name and the password are ours to change.
    local: bool,
    realm: String,
    created: Option<String>,
    wanted: Wanted,
    groups: Vec<GroupBox>,
}

struct GroupBox {
    name: String,
    label: String,
    on: bool,
    /// Everybody is in All Users; nobody can be taken out.
    fixed: bool,
    help: &'static str,
}

impl GroupBox {
    fn new(group: &Membership, wanted: &Wanted) -> Self {
        let fixed = group.id == ALL_USERS;
        let mapped = "An identity provider put this person in. It decides again at each sign-in.";
        Self {
            name: format!("group-{}", group.id),
            label: group.name.clone(),
            on: fixed || wanted.groups.contains(&group.id),
            fixed,
            help: if group.mapped != 0 { mapped } else { "" },
        }
    }
}

impl EditPage {
    async fn new(
        app: &App,
        shell: Shell,
        user: Option<&User>,
        wanted: Wanted,
        errors: FieldErrors,
    ) -> Result<Self, Problem> {
        let mut conn = app.store.read().await?;
        let memberships = groups::memberships_of(&mut conn, user.map_or("", |user| &user.id)).await?;
        let realm = match user {
            Some(user) => realm_words(&saml::display_names(&mut conn).await?, &user.realm),
            None => "Local".to_owned(),
        };
        Ok(Self {
            shell,
            errors,
            action: user.map_or_else(|| format!("{LIST}/new"), |user| format!("{LIST}/{}", user.id)),
            delete: user.map(|user| format!("{LIST}/{}/delete", user.id)),
            local: user.is_none_or(|user| user.realm == Realm::Local),
            realm,
            created: user.map(|user| site::moments::utc(user.created_at)),
            groups: memberships.iter().map(|group| GroupBox::new(group, &wanted)).collect(),
            wanted,
        })
    }

    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        site::page::html_with_status(status, self)
    }
}

#[derive(Deserialize)]
struct UserForm {
    #[serde(default)]
    username: String,
    first_name: String,
    last_name: String,
    email: String,
    phone: String,
    organization: String,
    notes: String,
    #[serde(default)]
    password: String,
    locked: Option<String>,
    disabled: Option<String>,
    /// The check boxes of the groups: `group-<id>`.
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

impl From<UserForm> for Wanted {
    fn from(form: UserForm) -> Self {
        let groups = form.rest.keys().filter_map(|name| name.strip_prefix("group-"));
        Self {
            groups: groups.map(str::to_owned).collect(),
            username: form.username,
            first_name: form.first_name,
            last_name: form.last_name,
            email: form.email,
            phone: form.phone,
            organization: form.organization,
            notes: form.notes,
            password: form.password,
            locked: form.locked.is_some(),
            disabled: form.disabled.is_some(),
        }
    }
}

async fn find(app: &App, id: &str) -> Result<User, Problem> {
    let mut conn = app.store.read().await?;
    let user = accounts::find(&mut conn, id).await?;
    user.ok_or_else(|| Problem::not_found("There is no such user.").next("Back to the users", LIST))
}

async fn new(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let shell = visit.admin_page(&app, &person, "Add User");
    EditPage::new(&app, shell, None, Wanted::default(), FieldErrors::none()).await?.answer()
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Submitted(form): Submitted<UserForm>,
) -> Result<Response, Problem> {
    let wanted = Wanted::from(form);
    match administration::create_local(&app, &visit, &person, &wanted).await {
        Ok(user) => Ok(Notice::redirect(&app.site, &format!("{} was added.", user.username), LIST)),
        Err(refusal) => refused(&app, &visit, &person, None, wanted, refusal).await,
    }
}

async fn edit(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let user = find(&app, &id).await?;
    let mut conn = app.store.read().await?;
    let memberships = groups::memberships_of(&mut conn, &user.id).await?;
    drop(conn);
    let wanted = Wanted {
        username: user.username.clone(),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        email: user.email.clone(),
        phone: user.phone.clone(),
        organization: user.organization.clone(),
        notes: user.notes.clone(),
        password: String::new(),
        locked: user.locked,
        disabled: user.disabled,
        groups: memberships.into_iter().filter(|group| group.manual != 0).map(|group| group.id).collect(),
    };
    let shell = visit.admin_page(&app, &person, user.username.clone());
    EditPage::new(&app, shell, Some(&user), wanted, FieldErrors::none()).await?.answer()
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    Submitted(form): Submitted<UserForm>,
) -> Result<Response, Problem> {
    let user = find(&app, &id).await?;
    let wanted = Wanted::from(form);
    match administration::change(&app, &visit, &person, &user, &wanted).await {
        Ok(()) => Ok(Notice::redirect(&app.site, &format!("{} was saved.", user.username), LIST)),
        Err(refusal) => refused(&app, &visit, &person, Some(&user), wanted, refusal).await,
    }
}

async fn refused(
    app: &App,
    visit: &Visit,
    person: &Person,
    user: Option<&User>,
    wanted: Wanted,
    refusal: Refusal,
) -> Result<Response, Problem> {
    match refusal {
        Refusal::Problem(problem) => Err(problem),
        Refusal::Fields(errors) => {
            let title = user.map_or("Add User".to_owned(), |user| user.username.clone());
            let shell = visit.admin_page(app, person, title);
            EditPage::new(app, shell, user, wanted, errors).await?.answer()
        }
    }
}

async fn delete(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let user = find(&app, &id).await?;
    administration::delete(&app, &visit, &person, &user).await?;
    Ok(Notice::redirect(&app.site, &format!("{} was deleted.", user.username), LIST))
}
