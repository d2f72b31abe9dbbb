//! Access Management → Groups.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use site::{Button, FieldErrors, Notice, Problem, Shell, Submitted};
use sqlx::AnyConnection;

use super::store::{self as rows, Candidate, Listed};
use super::{ADMINISTRATORS, ALL_USERS, Group, resignation_warning};
use crate::app::App;
use crate::auth::{Administrator, Person};
use crate::catalogue::{self, Assignment};
use crate::sso::saml::{self, SamlConfig};
use crate::users;
use crate::visit::Visit;

const LIST: &str = "/admin/access/groups";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/access/groups", get(list))
        .route("/admin/access/groups/new", get(new).post(create))
        .route("/admin/access/groups/{id}", get(edit).post(change))
        .route("/admin/access/groups/{id}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "groups/templates/list.html")]
struct ListPage {
    shell: Shell,
    groups: Vec<Listed>,
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let groups = rows::list(&mut conn).await?;
    site::html(&ListPage { shell: visit.admin_page(&app, &person, "Groups"), groups })
}

#[derive(Template)]
#[template(path = "groups/templates/edit.html")]
struct EditPage {
    shell: Shell,
    errors: FieldErrors,
    action: String,
    /// The address that deletes the group, if it may be deleted.
    delete: Option<String>,
    form: GroupForm,
    system: bool,
    /// Whether the members are ours to choose: everybody is in All Users.
    members_open: bool,
    members: Vec<Candidate>,
    workspaces: Vec<Assignment>,
    mappings: Vec<Mapping>,
}

/// What of one configuration puts people into the group.
struct Mapping {
    name: String,
    label: String,
    /// Whether the configuration knows people's groups at all.
    by_value: bool,
    values: String,
    all_name: String,
    all_label: String,
    all: bool,
}

/// A group as typed.
#[derive(Clone, Debug, Default, Deserialize)]
struct GroupForm {
    #[serde(default)]
    name: String,
    description: String,
    priority: String,
    confirm_last_administrator: Option<String>,
    /// The check boxes `user-<id>`, `workspace-<id>` and `all-<configuration>`, and the text areas
    /// `mapping-<configuration>`.
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

impl GroupForm {
    fn chosen(&self, prefix: &str) -> Vec<String> {
        self.rest.keys().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect()
    }

    fn check(&self, id: &str, existing: Option<&Group>) -> Result<Group, FieldErrors> {
        let mut errors = FieldErrors::none();
        let system = existing.is_some_and(|group| group.system != 0);
        let name = match existing {
            Some(group) if system => Some(group.name.clone()),
            _ => errors.check("name", site::form::required(&self.name, 128)),
        };
        let description = errors.check("description", site::form::optional(&self.description, 500));
        let priority = match self.priority.trim().parse::<i64>() {
            Ok(number) if (1..=1_000_000).contains(&number) => Some(number),
            _ => {
                errors.add(
                    "priority",
                    "Write a whole number from 1 to 1000000. The lowest number has the word.",
                );
                None
            }
        };
        let group = name.zip(description).zip(priority).map(|((name, description), priority)| Group {
            id: id.to_owned(),
            name,
            description: description.unwrap_or_default(),
            priority,
            system: i64::from(system),
        });
        errors.finish(group)
    }
}

impl EditPage {
    async fn new(
        app: &App,
        shell: Shell,
        group: Option<&Group>,
        form: Option<GroupForm>,
        errors: FieldErrors,
    ) -> Result<Self, Problem> {
        let mut conn = app.store.read().await?;
        let id = group.map_or("", |group| &group.id);
        let mut page = Self {
            shell,
            errors,
            action: group.map_or_else(|| format!("{LIST}/new"), |group| format!("{LIST}/{}", group.id)),
            delete: group
                .filter(|group| group.system == 0)
                .map(|group| format!("{LIST}/{}/delete", group.id)),
            system: group.is_some_and(|group| group.system != 0),
            members_open: id != ALL_USERS,
            members: rows::candidates(&mut conn, id).await?,
            workspaces: catalogue::assignments_of(&mut conn, id).await?,
            mappings: mappings(&mut conn, id).await?,
            form: group.map_or_else(
                || GroupForm { priority: "100".into(), ..GroupForm::default() },
                |group| GroupForm {
                    name: group.name.clone(),
                    description: group.description.clone(),
                    priority: group.priority.to_string(),
                    confirm_last_administrator: None,
                    rest: BTreeMap::new(),
                },
            ),
        };
        if let Some(form) = form {
            page.keep_typed(form);
        }
        Ok(page)
    }

    /// Shows what was typed instead of what is saved.
    fn keep_typed(&mut self, form: GroupForm) {
        let on = |name: String| i64::from(form.rest.contains_key(&name));
        for member in &mut self.members {
            member.manual = on(format!("user-{}", member.id));
        }
        for workspace in &mut self.workspaces {
            workspace.assigned = on(format!("workspace-{}", workspace.id));
        }
        for mapping in &mut self.mappings {
            mapping.values = form.rest.get(&mapping.name).cloned().unwrap_or_default();
            mapping.all = form.rest.contains_key(&mapping.all_name);
        }
        self.form = form;
    }

    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        site::page::html_with_status(status, self)
    }
}

async fn mappings(conn: &mut AnyConnection, group: &str) -> Result<Vec<Mapping>, Problem> {
    let mut mappings = Vec::new();
    for config in saml::all(conn).await? {
        let name = &config.display_name;
        mappings.push(Mapping {
            name: format!("mapping-{}", config.id),
            label: format!("{name}: values of {}", config.group_member_attribute),
            by_value: !config.group_member_attribute.is_empty(),
            values: rows::mapped_values(conn, group, &config.id).await?.join("\n"),
            all_name: format!("all-{}", config.id),
            all_label: format!("{name}: Assign All Users"),
            all: rows::is_assigned_to_all(conn, group, &config.id).await?,
        });
    }
    Ok(mappings)
}

async fn find(app: &App, id: &str) -> Result<Group, Problem> {
    let mut conn = app.store.read().await?;
    let group = rows::find(&mut conn, id).await?;
    group.ok_or_else(|| Problem::not_found("There is no such group.").next("Back to the groups", LIST))
}

async fn new(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let shell = visit.admin_page(&app, &person, "Add Group");
    EditPage::new(&app, shell, None, None, FieldErrors::none()).await?.answer()
}

async fn edit(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let group = find(&app, &id).await?;
    let shell = visit.admin_page(&app, &person, group.name.clone());
    EditPage::new(&app, shell, Some(&group), None, FieldErrors::none()).await?.answer()
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Submitted(form): Submitted<GroupForm>,
) -> Result<Response, Problem> {
    save(&app, &visit, &person, None, form).await
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    Submitted(form): Submitted<GroupForm>,
) -> Result<Response, Problem> {
    let group = find(&app, &id).await?;
    save(&app, &visit, &person, Some(&group), form).await
}

async fn save(
    app: &App,
    visit: &Visit,
    person: &Person,
    existing: Option<&Group>,
    form: GroupForm,
) -> Result<Response, Problem> {
    let id = existing.map_or_else(|| store::new_id(&**app.site.random()), |group| group.id.clone());
    let action = if existing.is_some() { "group_updated" } else { "group_created" };
    let outcome = match form.check(&id, existing) {
        Ok(group) => keep(app, visit, person, action, &group, &form).await?.map(|()| group),
        Err(errors) => Err(errors),
    };
    match outcome {
        Ok(group) => Ok(Notice::redirect(&app.site, &format!("{} was saved.", group.name), LIST)),
        Err(errors) => {
            let title = existing.map_or("Add Group".to_owned(), |group| group.name.clone());
            let shell = visit.admin_page(app, person, title);
            EditPage::new(app, shell, existing, Some(form), errors).await?.answer()
        }
    }
}

/// Keeps a group with all that the form says of it, and notes who changed it, or does nothing.
async fn keep(
    app: &App,
    visit: &Visit,
    person: &Person,
    action: &str,
    group: &Group,
    form: &GroupForm,
) -> Result<Result<(), FieldErrors>, Problem> {
    let mut tx = app.store.begin().await?;
    match rows::save(&mut tx, group).await {
        Ok(()) => {}
        Err(store::Error::UniqueViolation { .. }) => {
            return Ok(Err(FieldErrors::of("name", "There is a group of this name already.")));
        }
        Err(error) => return Err(error.into()),
    }
    if group.id != ALL_USERS {
        rows::set_manual_members(&mut tx, &group.id, &form.chosen("user-")).await?;
    }
    catalogue::assign(&mut tx, &group.id, &form.chosen("workspace-")).await?;
    let configs = saml::all(&mut tx).await?;
    keep_mappings(&mut tx, &group.id, &configs, form).await?;
    if !users::require_administrator(&mut tx).await? {
        return Ok(Err(FieldErrors::of("name", users::LAST_ADMINISTRATOR)));
    }
    if group.id == ADMINISTRATORS && form.confirm_last_administrator.is_none() {
        let names = rows::administrators_who_would_all_resign(&mut tx, &configs).await?;
        if !names.is_empty() {
            return Ok(Err(FieldErrors::of("confirm_last_administrator", resignation_warning(&names))));
        }
    }
    let context = json!({
        "members": form.chosen("user-"), "workspaces": form.chosen("workspace-"), "priority": group.priority,
    });
    visit.record_in(app, &mut tx, action, &person.user.username, &group.name, &context).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

async fn keep_mappings(
    tx: &mut AnyConnection,
    group: &str,
    configs: &[SamlConfig],
    form: &GroupForm,
) -> Result<(), Problem> {
    for config in configs {
        // The values of a configuration without an attribute are not on the page, and stay.
        if !config.group_member_attribute.is_empty() {
            let typed = form.rest.get(&format!("mapping-{}", config.id)).map_or("", String::as_str);
            let values: BTreeSet<String> =
                typed.lines().map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
            rows::set_mapped_values(tx, group, &config.id, &values).await?;
        }
        let all = form.rest.contains_key(&format!("all-{}", config.id));
        rows::set_assigned_to_all(tx, group, &config.id, all).await?;
    }
    Ok(())
}

async fn delete(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let group = find(&app, &id).await?;
    let mut tx = app.store.begin().await?;
    if !rows::delete(&mut tx, &group.id).await? {
        let sentence = format!("{} is a system group and can't be deleted.", group.name);
        return Err(Problem::bad_request(sentence).next("Back to the groups", LIST));
    }
    visit.record_in(&app, &mut tx, "group_deleted", &person.user.username, &group.name, &json!({})).await?;
    tx.commit().await?;
    Ok(Notice::redirect(&app.site, &format!("{} was deleted.", group.name), LIST))
}
