use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use site::page::html_with_status;
use site::{Button, CspAdditions, FieldErrors, Notice, Problem, Shell, Submitted, html};
use sqlx::AnyConnection;

use super::form::DefinitionForm;
use super::{Assignment, Definition, THUMBNAILS, Thumbnail, store};
use crate::app::App;
use crate::auth::Administrator;
use crate::sessions;
use crate::visit::Visit;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/workspaces/", get(list))
        .route("/admin/workspaces/new/", get(fresh).post(create))
        .route("/admin/workspaces/{id}/", get(show).post(change))
        .route("/admin/workspaces/{id}/delete", post(remove))
}

#[derive(Template)]
#[template(path = "catalogue/templates/list.html")]
struct ListPage {
    shell: Shell,
    definitions: Vec<Definition>,
}

async fn list(State(app): State<App>, visit: Visit, admin: Administrator) -> Result<Response, Problem> {
    let definitions = store::all(&mut *app.store.read().await?).await?;
    let additions = images(definitions.iter().map(|definition| &definition.details.thumbnail));
    let shell = visit.admin_page(&app, &admin.0, "Workspaces");
    Ok(additions.on(html(&ListPage { shell, definitions })?))
}

/// Lets a page show these thumbnails.
pub(crate) fn images<'t>(thumbnails: impl IntoIterator<Item = &'t Thumbnail>) -> CspAdditions {
    let foreign = thumbnails.into_iter().filter_map(Thumbnail::foreign);
    foreign.fold(CspAdditions::default(), CspAdditions::img)
}

#[derive(Template)]
#[template(path = "catalogue/templates/form.html")]
struct FormPage {
    shell: Shell,
    heading: String,
    form: DefinitionForm,
    errors: FieldErrors,
    groups: Vec<Assignment>,
    thumbnails: &'static [(&'static str, &'static str)],
    programs: &'static [(&'static str, &'static str)],
    /// Where deleting is posted to, for a workspace that exists.
    delete: Option<String>,
}

const PROGRAMS: &[(&str, &str)] =
    &[("desktop", "A desktop"), ("terminal", "A terminal"), ("command", "One program over the whole screen")];

/// Whose form it is: a workspace to be, or one that exists.
enum Subject<'s> {
    New,
    Existing(&'s Definition),
}

async fn form_page(
    app: &App,
    visit: &Visit,
    admin: &Administrator,
    subject: Subject<'_>,
    form: DefinitionForm,
    errors: FieldErrors,
) -> Result<Response, Problem> {
    let (id, heading) = match &subject {
        Subject::New => ("", "Add Workspace".to_owned()),
        Subject::Existing(definition) => (definition.id.as_str(), definition.details.friendly_name.clone()),
    };
    let mut groups = store::groups_of(&mut *app.store.read().await?, id).await?;
    for group in &mut groups {
        group.assigned = i64::from(form.groups.contains(&group.id));
    }
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shell = visit.admin_page(app, &admin.0, heading.clone());
    let delete = (!id.is_empty()).then(|| format!("/admin/workspaces/{id}/delete"));
    let page =
        FormPage { shell, heading, form, errors, groups, thumbnails: THUMBNAILS, programs: PROGRAMS, delete };
    html_with_status(status, &page)
}

async fn fresh(State(app): State<App>, visit: Visit, admin: Administrator) -> Result<Response, Problem> {
    form_page(&app, &visit, &admin, Subject::New, DefinitionForm::fresh(), FieldErrors::none()).await
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    admin: Administrator,
    Submitted(form): Submitted<DefinitionForm>,
) -> Result<Response, Problem> {
    let details = match form.parse() {
        Ok(details) => details,
        Err(errors) => return form_page(&app, &visit, &admin, Subject::New, form, errors).await,
    };
    let mut tx = app.store.begin().await?;
    let id = store::insert(&mut tx, &app.site, &details).await?;
    store::show_to(&mut tx, &id, &form.groups).await?;
    let name = &details.friendly_name;
    note(&app, &visit, &admin, &mut tx, "model_created", name, &id).await?;
    tx.commit().await?;
    Ok(Notice::redirect(&app.site, &format!("The workspace {name} was added."), "/admin/workspaces/"))
}

/// Notes what an administrator does to a workspace, in the transaction that does it.
async fn note(
    app: &App,
    visit: &Visit,
    admin: &Administrator,
    conn: &mut AnyConnection,
    action: &str,
    name: &str,
    id: &str,
) -> Result<(), ::store::Error> {
    let context = serde_json::json!({"model": "workspace", "id": id});
    visit.record_in(app, conn, action, &admin.0.user.username, name, &context).await
}

async fn existing(app: &App, id: &str) -> Result<Definition, Problem> {
    let found = store::find(&mut *app.store.read().await?, id).await?;
    found.ok_or_else(|| {
        Problem::not_found("This workspace does not exist (any more).")
            .next("All workspaces", "/admin/workspaces/")
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    admin: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let definition = existing(&app, &id).await?;
    let groups = store::groups_of(&mut *app.store.read().await?, &id).await?;
    let assigned = groups.into_iter().filter(|group| group.assigned != 0).map(|group| group.id).collect();
    let form = DefinitionForm::of(&definition.details, assigned);
    form_page(&app, &visit, &admin, Subject::Existing(&definition), form, FieldErrors::none()).await
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    admin: Administrator,
    Path(id): Path<String>,
    Submitted(form): Submitted<DefinitionForm>,
) -> Result<Response, Problem> {
    let definition = existing(&app, &id).await?;
    let details = match form.parse() {
        Ok(details) => details,
        Err(errors) => {
            return form_page(&app, &visit, &admin, Subject::Existing(&definition), form, errors).await;
        }
    };
    let mut tx = app.store.begin().await?;
    store::update(&mut tx, &id, &details).await?;
    store::show_to(&mut tx, &id, &form.groups).await?;
    let name = &details.friendly_name;
    note(&app, &visit, &admin, &mut tx, "model_updated", name, &id).await?;
    tx.commit().await?;
    Ok(Notice::redirect(&app.site, &format!("The workspace {name} was saved."), "/admin/workspaces/"))
}

async fn remove(
    State(app): State<App>,
    visit: Visit,
    admin: Administrator,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let definition = existing(&app, &id).await?;
    let name = &definition.details.friendly_name;
    let mut tx = app.store.begin().await?;
    let running = sessions::alive_of_workspace(&mut tx, &id).await?;
    if running > 0 {
        let sentence =
            format!("{name} has {running} running sessions. End them first, or disable the workspace.");
        return Err(
            Problem::new(StatusCode::CONFLICT, "Still in use", sentence).next("Sessions", "/admin/sessions/")
        );
    }
    store::delete(&mut tx, &id).await?;
    note(&app, &visit, &admin, &mut tx, "model_deleted", name, &id).await?;
    tx.commit().await?;
    Ok(Notice::redirect(&app.site, &format!("The workspace {name} was deleted."), "/admin/workspaces/"))
}
