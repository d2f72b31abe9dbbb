//! Access Management → Authentication → SAML.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use saml::{AuthnContextComparison, IdpMetadata};
use serde_json::json;
use site::origin::parse_web_url;
use site::{Button, CspAdditions, FieldErrors, Notice, Problem, Shell, Submitted, browser_sessions, fetch};
use sqlx::AnyConnection;
use url::Url;

use super::form::{self, SamlForm};
use super::pending::Purpose;
use super::settings::{MatchBy, ProfileField};
use super::{
    Choice as _, EntityIdStyle, GroupMappingMode, SamlConfig, SloBinding, is_id, keys, refresh, sign_in,
    store,
};
use crate::app::App;
use crate::auth::{Administrator, Person};
use crate::groups;
use crate::sso::connect;
use crate::users;
use crate::visit::Visit;

const LIST: &str = "/admin/access/authentication/saml/";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/access/authentication/", get(methods))
        .route("/admin/access/authentication/saml/", get(list))
        .route("/admin/access/authentication/saml/new", get(new))
        .route("/admin/access/authentication/saml/new/{id}", get(new_with_id))
        .route("/admin/access/authentication/saml/connect", post(connect_identity))
        .route("/admin/access/authentication/saml/{id}", get(edit).post(submit))
        .route("/admin/access/authentication/saml/{id}/test", get(test))
        .route("/admin/access/authentication/saml/{id}/delete", post(delete))
}

#[derive(Template)]
#[template(path = "sso/saml/templates/methods.html")]
struct MethodsPage {
    shell: Shell,
    configs: usize,
}

async fn methods(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let configs = store::list(&mut conn).await?.len();
    site::html(&MethodsPage { shell: visit.admin_page(&app, &person, "Authentication"), configs })
}

#[derive(Template)]
#[template(path = "sso/saml/templates/list.html")]
struct ListPage {
    shell: Shell,
    configs: Vec<SamlConfig>,
    /// Those whose metadata could not be refreshed.
    failing: Vec<String>,
    /// The name of what can be connected with one click.
    connector: Option<String>,
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let configs = store::list(&mut conn).await?;
    let failing = refresh::failing(&mut conn).await?;
    let connector = app.identity.as_ref().map(|connector| connector.name());
    site::html(&ListPage { shell: visit.admin_page(&app, &person, "SAML"), configs, failing, connector })
}

#[derive(Template)]
#[template(path = "sso/saml/templates/edit.html")]
struct EditPage {
    shell: Shell,
    errors: FieldErrors,
    action: String,
    entity_id: String,
    acs_url: String,
    logout_url: String,
    form: SamlForm,
    /// Whether this id is saved already.
    saved: bool,
    /// Who is offered this configuration, in a sentence.
    audience: Option<String>,
    certificates: Vec<CertificateFacts>,
    choices: Choices,
    /// What is known of the metadata at Metadata URL.
    refresh: Option<refresh::Kept>,
}

/// What the lists of the form offer.
struct Choices {
    entity_id_style: Vec<(&'static str, &'static str)>,
    comparison: Vec<(&'static str, &'static str)>,
    slo_binding: Vec<(&'static str, &'static str)>,
    group_mapping_mode: Vec<(&'static str, &'static str)>,
    match_by: Vec<(&'static str, &'static str)>,
    profile_field: Vec<(&'static str, &'static str)>,
}

impl Choices {
    fn new() -> Self {
        let mut comparison = vec![("", "Not requested")];
        comparison.extend(AuthnContextComparison::options());
        Self {
            entity_id_style: EntityIdStyle::options(),
            comparison,
            slo_binding: SloBinding::options(),
            group_mapping_mode: GroupMappingMode::options(),
            match_by: MatchBy::options(),
            profile_field: ProfileField::options(),
        }
    }
}

/// What the pages say of a certificate.
pub(super) struct CertificateFacts {
    pub(super) subject: String,
    pub(super) until: String,
    pub(super) expired: bool,
    pub(super) sha256: String,
}

impl CertificateFacts {
    pub(super) fn new(app: &App, certificate: &saml::Certificate) -> Self {
        let now = saml::Timestamp::from_micros(app.site.now().micros());
        Self {
            subject: certificate.subject().to_owned(),
            until: certificate.not_after().to_string(),
            expired: certificate.not_after() < now,
            sha256: certificate.sha256_fingerprint(),
        }
    }
}

fn facts(app: &App, text: &str) -> Vec<CertificateFacts> {
    let certificates = saml::Certificate::parse_all(text).unwrap_or_default();
    certificates.iter().map(|certificate| CertificateFacts::new(app, certificate)).collect()
}

/// Who is offered a configuration, so that one which nobody sees says so.
fn audience(app: &App, config: &SamlConfig) -> String {
    let own = app.site.public_url().host_str().unwrap_or_default();
    let name = &config.host_name;
    match (config.enabled, config.is_default, name.eq_ignore_ascii_case(own)) {
        (false, ..) => {
            "Not enabled: the sign-in page does not offer it yet. Test SAML works all the same.".to_owned()
        }
        (true, _, true) => format!("Offered on the sign-in page at {own}."),
        (true, true, false) => {
            "Offered on the sign-in page at every host name that has no configuration of its own.".to_owned()
        }
        (true, false, false) if name.is_empty() => {
            "Enabled, but nobody sees it: tick Default, or fill in the Host Name.".to_owned()
        }
        (true, false, false) => format!(
            "Enabled, but only who opens this site as {name} sees it, and its address is {own}. Tick Default to offer \
             it everywhere."
        ),
    }
}

impl EditPage {
    fn new(
        app: &App,
        shell: Shell,
        config: &SamlConfig,
        form: SamlForm,
        errors: FieldErrors,
        saved: bool,
    ) -> Self {
        Self {
            shell,
            action: format!("{LIST}{}", config.id),
            entity_id: config.entity_id(&app.site),
            acs_url: config.acs_url(&app.site),
            logout_url: config.logout_urls(&app.site)[0].clone(),
            audience: saved.then(|| audience(app, config)),
            certificates: facts(app, &form.certificates),
            choices: Choices::new(),
            refresh: None,
            saved,
            form,
            errors,
        }
    }

    fn answer(&self) -> Result<Response, Problem> {
        let status = if self.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let response = site::page::html_with_status(status, self)?;
        Ok(match Url::parse(&self.form.logo_url) {
            Ok(logo) => CspAdditions::default().img(&logo).on(response),
            Err(_) => response,
        })
    }
}

/// The id is made before the form is filled in, so that our addresses can be copied to the identity provider
/// first; it stays in the address of the page, so that reloading keeps it.
async fn new(State(app): State<App>, _: Administrator) -> Response {
    let id = ::store::new_hex_id(&**app.site.random());
    Redirect::to(&format!("{LIST}new/{id}")).into_response()
}

async fn new_with_id(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let config = fresh(id)?;
    let mut conn = app.store.read().await?;
    if store::find(&mut conn, &config.id).await?.is_some() {
        return Ok(Redirect::to(&format!("{LIST}{}", config.id)).into_response());
    }
    let shell = visit.admin_page(&app, &person, "Add Configuration");
    EditPage::new(&app, shell, &config, SamlForm::from(&config), FieldErrors::none(), false).answer()
}

fn no_such_config() -> Problem {
    Problem::not_found("There is no such SAML configuration.").next("Back to the configurations", LIST)
}

fn fresh(id: String) -> Result<SamlConfig, Problem> {
    if is_id(&id) { Ok(SamlConfig::new(id)) } else { Err(no_such_config()) }
}

/// The page of a configuration.
pub(super) fn href(config: &SamlConfig) -> String {
    format!("{LIST}{}", config.id)
}

/// The configuration of this id.
pub(super) async fn find(app: &App, id: &str) -> Result<SamlConfig, Problem> {
    let mut conn = app.store.read().await?;
    store::find(&mut conn, id).await?.ok_or_else(no_such_config)
}

async fn edit(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let config = find(&app, &id).await?;
    let shell = visit.admin_page(&app, &person, config.display_name.clone());
    let mut page = EditPage::new(&app, shell, &config, SamlForm::from(&config), FieldErrors::none(), true);
    page.refresh = refresh::find(&mut *app.store.read().await?, &config.id).await?;
    page.answer()
}

async fn submit(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    Submitted(typed): Submitted<SamlForm>,
) -> Result<Response, Problem> {
    let mut conn = app.store.read().await?;
    let saved = store::find(&mut conn, &id).await?;
    drop(conn);
    let exists = saved.is_some();
    let base = match saved {
        Some(config) => config,
        None => fresh(id)?,
    };
    if typed.then == "fill" {
        return fill(&app, &visit, &person, &base, typed, exists).await;
    }
    let kept = match typed.check(&app.site, &base) {
        Ok(mut config) => {
            keys::ensure(&app, &mut config).await?;
            let confirmed = typed.confirm_last_administrator.is_some();
            let change = Change { base: exists.then_some(&base), config: &config, confirmed };
            keep(&app, &visit, &person, &change).await?.map(|()| config)
        }
        Err(errors) => Err(errors),
    };
    let config = match kept {
        Ok(config) => config,
        Err(errors) => {
            let shell = visit.admin_page(&app, &person, title(&base));
            return EditPage::new(&app, shell, &base, typed, errors, exists).answer();
        }
    };
    if typed.then == "test" {
        return test_next(&app, &visit, &config);
    }
    let sentence = format!("{} was saved.", config.display_name);
    Ok(Notice::redirect(&app.site, &sentence, &format!("{LIST}{}", config.id)))
}

/// What becomes of a configuration.
struct Change<'c> {
    /// What it was; `None` for a new one.
    base: Option<&'c SamlConfig>,
    config: &'c SamlConfig,
    /// The administrator was warned that nobody would administer, and goes on.
    confirmed: bool,
}

/// Keeps a configuration, unless that would leave nobody who can administer. Whoever signed in with one that is
/// not enabled any more is signed out at once.
async fn keep(
    app: &App,
    visit: &Visit,
    person: &Person,
    change: &Change<'_>,
) -> Result<Result<(), FieldErrors>, Problem> {
    let config = change.config;
    let action = if change.base.is_some() { "saml_config_updated" } else { "saml_config_created" };
    let context = json!({
        "id": config.id, "enabled": config.enabled, "default": config.is_default, "idp_entity_id": config.idp_entity_id,
        "sso_url": config.sso_url, "debug": config.debug, "idp_initiated": config.idp_initiated,
        "create_users": config.create_users, "allow_sha1": config.allow_sha1, "allow_cbc": config.allow_cbc,
        "want_assertions_encrypted": config.want_assertions_encrypted,
        "group_mapping_mode": config.group_mapping_mode.key(),
    });
    let mut tx = app.store.begin().await?;
    store::save(&mut tx, &app.site, config).await?;
    if let Some(base) = change.base
        && let Err(errors) = keep_an_administrator(&mut tx, base, change).await?
    {
        return Ok(Err(errors));
    }
    if !config.enabled {
        browser_sessions::close_all_by_method(&mut tx, &app.site, &config.sign_in_method()).await?;
    }
    visit.record_in(app, &mut tx, action, &person.user.username, &config.display_name, &context).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Looks whether anybody can administer after a change, now and once everybody has signed in again.
async fn keep_an_administrator(
    tx: &mut AnyConnection,
    base: &SamlConfig,
    change: &Change<'_>,
) -> Result<Result<(), FieldErrors>, Problem> {
    let config = change.config;
    if base.enabled && !config.enabled && !users::require_administrator(tx).await? {
        return Ok(Err(FieldErrors::of("enabled", ONLY_WAY_IN)));
    }
    let renamed = base.group_member_attribute != config.group_member_attribute;
    if renamed {
        users::forget_group_values(tx, &config.id).await?;
    }
    if (renamed || base.group_mapping_mode != config.group_mapping_mode) && !change.confirmed {
        let configs = store::list(tx).await?;
        let names = groups::administrators_who_would_all_resign(tx, &configs).await?;
        if !names.is_empty() {
            let warning = groups::resignation_warning(&names);
            return Ok(Err(FieldErrors::of("confirm_last_administrator", warning)));
        }
    }
    Ok(Ok(()))
}

/// Why a configuration stays enabled.
const ONLY_WAY_IN: &str = "Every administrator who can sign in does so with this configuration. Make a local account \
                           an administrator first.";

fn title(config: &SamlConfig) -> &str {
    if config.display_name.is_empty() { "Add Configuration" } else { &config.display_name }
}

/// Fills the form from the identity provider's metadata; nothing is saved.
async fn fill(
    app: &App,
    visit: &Visit,
    person: &Person,
    base: &SamlConfig,
    mut typed: SamlForm,
    exists: bool,
) -> Result<Response, Problem> {
    let mut shell = visit.admin_page(app, person, title(base));
    let errors = match metadata_of(&typed).await {
        Ok(metadata) => {
            let mut filled = SamlConfig::new(base.id.clone());
            match form::from_metadata(&mut filled, &metadata) {
                Ok(()) => {
                    take(&mut typed, filled);
                    let sentence =
                        "Filled in from the metadata. Nothing is saved yet: look it over and save.";
                    shell = shell.with_notice(Some(Notice(sentence.to_owned())));
                    FieldErrors::none()
                }
                Err(sentence) => FieldErrors::of("metadata_xml", sentence),
            }
        }
        Err(errors) => errors,
    };
    EditPage::new(app, shell, base, typed, errors, exists).answer()
}

fn take(typed: &mut SamlForm, filled: SamlConfig) {
    typed.idp_entity_id = filled.idp_entity_id;
    typed.sso_url = filled.sso_url;
    typed.slo_url = filled.slo_url;
    typed.slo_binding = filled.slo_binding.key().to_owned();
    typed.certificates = filled.certificates;
    if filled.sign_requests {
        typed.sign_requests = Some("on".to_owned());
    }
    if typed.display_name.is_empty() {
        let host = Url::parse(&typed.sso_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        typed.display_name = host.unwrap_or_default();
    }
    typed.metadata_xml.clear();
}

/// The metadata that was pasted, or else is at the address that was typed.
async fn metadata_of(typed: &SamlForm) -> Result<IdpMetadata, FieldErrors> {
    let pasted = typed.metadata_xml.trim();
    let (field, bytes) = if pasted.is_empty() {
        let url = parse_web_url(&typed.metadata_url).map_err(|sentence| {
            let nothing = "Paste the metadata, choose a file, or write its address.";
            FieldErrors::of(
                "metadata_url",
                if typed.metadata_url.trim().is_empty() { nothing } else { sentence },
            )
        })?;
        let fetched = fetch::document(&url, typed.metadata_allow_private.is_some()).await;
        ("metadata_url", fetched.map_err(|error| FieldErrors::of("metadata_url", error.to_string()))?)
    } else {
        ("metadata_xml", pasted.as_bytes().to_vec())
    };
    IdpMetadata::parse(&bytes).map_err(|error| FieldErrors::of(field, error.sentence()))
}

#[derive(Template)]
#[template(path = "sso/saml/templates/test.html")]
struct TestNextPage {
    shell: Shell,
    name: String,
    href: String,
}

/// A page that goes on to the identity provider by itself. It stands between, for a browser does not follow
/// the redirect of a form to another site.
fn test_next(app: &App, visit: &Visit, config: &SamlConfig) -> Result<Response, Problem> {
    site::html(&TestNextPage {
        shell: visit.card(app, "Test SAML"),
        name: config.display_name.clone(),
        href: format!("{LIST}{}/test", config.id),
    })
}

async fn test(
    State(app): State<App>,
    visit: Visit,
    Administrator(_): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let config = find(&app, &id).await?;
    let missing = config.missing();
    if !missing.is_empty() {
        let sentence =
            format!("Before {} can be tested, fill in: {}.", config.display_name, missing.join(", "));
        return Err(
            Problem::bad_request(sentence).next("Back to the configuration", format!("{LIST}{}", config.id))
        );
    }
    sign_in::begin(&app, &visit, &config, Purpose::Test, "/".to_owned()).await
}

async fn delete(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let config = find(&app, &id).await?;
    let mut tx = app.store.begin().await?;
    store::delete(&mut tx, &config.id).await?;
    if !users::require_administrator(&mut tx).await? {
        return Err(
            Problem::bad_request(ONLY_WAY_IN).next("Back to the configuration", format!("{LIST}{id}"))
        );
    }
    browser_sessions::close_all_by_method(&mut tx, &app.site, &config.sign_in_method()).await?;
    let (by, name, context) = (&person.user.username, &config.display_name, json!({ "id": config.id }));
    visit.record_in(&app, &mut tx, "saml_config_deleted", by, name, &context).await?;
    tx.commit().await?;
    Ok(Notice::redirect(&app.site, &format!("{} was deleted.", config.display_name), LIST))
}

async fn connect_identity(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    _: Submitted<Button>,
) -> Result<Response, Problem> {
    let connected = connect::connect(&app, Some((&visit, &person))).await.map_err(|error| match error {
        connect::ConnectError::Store(error) => Problem::from(error),
        connect::ConnectError::Refused(sentence) => {
            Problem::bad_request(sentence).next("Back to the configurations", LIST)
        }
    })?;
    let config = find(&app, &connected.config).await?;
    let sentence = format!("{} is connected: it is enabled and the default.", config.display_name);
    Ok(Notice::redirect(&app.site, &sentence, &format!("{LIST}{}", config.id)))
}
