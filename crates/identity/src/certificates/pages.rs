//! The administrator's pages about certificates.

use std::time::Duration;

use ::saml::Certificate;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use site::{Button, FieldErrors, Problem, Shell, Submitted, form, moments};
use sqlx::AnyConnection;
use store::Timestamp;

use super::changes::{self, Wanted};
use super::expiry::{Validity, Warning};
use super::generate::KeyKind;
use super::{Keypair, all, find};
use crate::app::App;
use crate::providers::saml::{self, CertificateUse};
use crate::refusal::Refusal;
use crate::visit::AdminVisit;

const CERTIFICATES: &str = "/if/admin/certificates/";
const DAY: Duration = Duration::from_hours(24);

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route(CERTIFICATES, get(list))
        .route("/if/admin/certificates/generate/", get(generate_page).post(generate))
        .route("/if/admin/certificates/import/", get(import_page).post(import))
        .route("/if/admin/certificates/{id}/", get(show).post(rename))
        .route("/if/admin/certificates/{id}/download/", get(download))
        .route("/if/admin/certificates/{id}/delete/", post(delete))
}

struct Line {
    keypair: Keypair,
    key: &'static str,
    expires: String,
    validity: Validity,
    used_by: Vec<String>,
}

#[derive(Template)]
#[template(path = "certificates/templates/list.html")]
struct ListPage {
    shell: Shell,
    lines: Vec<Line>,
}

async fn list(by: AdminVisit) -> Result<Response, Problem> {
    let mut conn = by.app.store.read().await?;
    let keypairs = all(&mut conn).await?;
    let uses = saml::certificate_uses(&mut conn).await?;
    drop(conn);
    let now = by.app.site.now();
    let line = |keypair: Keypair| -> Result<Line, Problem> {
        let certificate = keypair.certificate()?;
        let mut used_by: Vec<String> = uses
            .iter()
            .filter(|used| used.certificate_id == keypair.id)
            .map(|used| used.provider.clone())
            .collect();
        used_by.dedup();
        Ok(Line {
            keypair,
            key: certificate.verifying_key().key_type().label(),
            expires: utc(certificate.not_after()),
            validity: Validity::of(&certificate, now),
            used_by,
        })
    };
    let lines = keypairs.into_iter().map(line).collect::<Result<_, _>>()?;
    site::html(&ListPage { shell: by.page("Certificates"), lines })
}

fn utc(at: ::saml::Timestamp) -> String {
    format!("{} UTC", moments::utc(Timestamp::from_micros(at.micros())))
}

/// A certificate to be made, as typed.
#[derive(Clone, Debug, Deserialize)]
struct GenerateForm {
    name: String,
    common_name: String,
    validity_days: String,
    kind: String,
}

impl GenerateForm {
    fn check(&self) -> Result<Wanted, FieldErrors> {
        let mut errors = FieldErrors::none();
        let name = errors.check("name", form::required(&self.name, 100));
        let common_name = errors.check("common_name", form::optional(&self.common_name, 64));
        let days = self.validity_days.trim().parse::<u32>().ok().filter(|days| (1..=7300).contains(days));
        let days = errors.check("validity_days", days.ok_or("Write a number of days from 1 to 7300."));
        let kind = errors.check("kind", KeyKind::from_key(&self.kind).ok_or("Choose one of these kinds."));
        let wanted = (|| {
            let name = name?;
            let common_name = common_name?.unwrap_or_else(|| name.chars().take(64).collect());
            Some(Wanted { name, common_name, validity: DAY * days?, kind: kind? })
        })();
        errors.finish(wanted)
    }
}

#[derive(Template)]
#[template(path = "certificates/templates/generate.html")]
struct GeneratePage {
    shell: Shell,
    form: GenerateForm,
    errors: FieldErrors,
    kinds: Vec<(&'static str, &'static str)>,
}

impl GeneratePage {
    fn answer(by: &AdminVisit, form: GenerateForm, errors: FieldErrors) -> Result<Response, Problem> {
        let status = status_of(&errors);
        let page = Self { shell: by.page("Generate Certificate"), form, errors, kinds: KeyKind::choices() };
        site::page::html_with_status(status, &page)
    }
}

async fn generate_page(by: AdminVisit) -> Result<Response, Problem> {
    let form = GenerateForm {
        name: String::new(),
        common_name: String::new(),
        validity_days: "3650".into(),
        kind: "rsa2048".into(),
    };
    GeneratePage::answer(&by, form, FieldErrors::none())
}

async fn generate(by: AdminVisit, Submitted(form): Submitted<GenerateForm>) -> Result<Response, Problem> {
    let outcome = match form.check() {
        Ok(wanted) => changes::make(&by, wanted).await,
        Err(errors) => Err(errors.into()),
    };
    match outcome {
        Ok(id) => Ok(by.done("The certificate was made.", &format!("{CERTIFICATES}{id}/"))),
        Err(Refusal::Fields(errors)) => GeneratePage::answer(&by, form, errors),
        Err(refusal) => Err(refusal.into()),
    }
}

/// A certificate to be taken in, as pasted.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct ImportForm {
    name: String,
    certificate: String,
    private_key: String,
}

#[derive(Template)]
#[template(path = "certificates/templates/import.html")]
struct ImportPage {
    shell: Shell,
    form: ImportForm,
    errors: FieldErrors,
}

impl ImportPage {
    /// The private key is not sent back to the browser.
    fn answer(by: &AdminVisit, form: ImportForm, errors: FieldErrors) -> Result<Response, Problem> {
        let status = status_of(&errors);
        let form = ImportForm { private_key: String::new(), ..form };
        site::page::html_with_status(status, &Self { shell: by.page("Import Certificate"), form, errors })
    }
}

async fn import_page(by: AdminVisit) -> Result<Response, Problem> {
    ImportPage::answer(&by, ImportForm::default(), FieldErrors::none())
}

async fn import(by: AdminVisit, Submitted(form): Submitted<ImportForm>) -> Result<Response, Problem> {
    let outcome = match form::required(&form.name, 100) {
        Ok(name) => changes::import(&by, &name, &form.certificate, &form.private_key).await,
        Err(sentence) => Err(Refusal::field("name", sentence)),
    };
    match outcome {
        Ok(id) => Ok(by.done("The certificate was imported.", &format!("{CERTIFICATES}{id}/"))),
        Err(Refusal::Fields(errors)) => ImportPage::answer(&by, form, errors),
        Err(refusal) => Err(refusal.into()),
    }
}

#[derive(Template)]
#[template(path = "certificates/templates/show.html")]
struct ShowPage {
    shell: Shell,
    keypair: Keypair,
    certificate: Certificate,
    warning: Option<Warning>,
    valid_from: String,
    valid_until: String,
    uses: Vec<CertificateUse>,
    form: RenameForm,
    errors: FieldErrors,
}

impl ShowPage {
    async fn load(by: &AdminVisit, id: &str) -> Result<Self, Problem> {
        let mut conn = by.app.store.read().await?;
        let keypair = known(&mut conn, id).await?;
        let certificate = keypair.certificate()?;
        let uses = saml::uses_of_certificate(&mut conn, id).await?;
        Ok(Self {
            shell: by.page(keypair.name.clone()),
            warning: Warning::about(&keypair, &uses, by.app.site.now())?,
            valid_from: utc(certificate.not_before()),
            valid_until: utc(certificate.not_after()),
            uses,
            form: RenameForm { name: keypair.name.clone() },
            errors: FieldErrors::none(),
            keypair,
            certificate,
        })
    }

    fn answer(&self) -> Result<Response, Problem> {
        site::page::html_with_status(status_of(&self.errors), self)
    }
}

async fn known(conn: &mut AnyConnection, id: &str) -> Result<Keypair, Problem> {
    let gone = || {
        Problem::not_found("There is no such certificate; somebody may have deleted it.")
            .next("All certificates", CERTIFICATES)
    };
    find(conn, id).await?.ok_or_else(gone)
}

async fn show(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    ShowPage::load(&by, &id).await?.answer()
}

#[derive(Deserialize)]
struct RenameForm {
    name: String,
}

async fn rename(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(form): Submitted<RenameForm>,
) -> Result<Response, Problem> {
    let page = ShowPage::load(&by, &id).await?;
    let outcome = match form::required(&form.name, 100) {
        Ok(name) => changes::rename(&by, &id, &name).await,
        Err(sentence) => Err(Refusal::field("name", sentence)),
    };
    match outcome {
        Ok(()) => Ok(by.done("The certificate was saved.", &format!("{CERTIFICATES}{id}/"))),
        Err(Refusal::Fields(errors)) => ShowPage { form, errors, ..page }.answer(),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn download(by: AdminVisit, Path(id): Path<String>) -> Result<Response, Problem> {
    let keypair = known(&mut *by.app.store.read().await?, &id).await?;
    Ok(pem_file(&keypair))
}

/// A certificate as a file to keep, without its private key.
pub(crate) fn pem_file(keypair: &Keypair) -> Response {
    let name: String =
        keypair.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let disposition = format!("attachment; filename=\"{name}_certificate.pem\"");
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, keypair.certificate_pem.clone()).into_response()
}

async fn delete(
    by: AdminVisit,
    Path(id): Path<String>,
    Submitted(Button {}): Submitted<Button>,
) -> Result<Response, Problem> {
    match changes::delete(&by, &id).await {
        Ok(keypair) => Ok(by.done(&format!("The certificate {} was deleted.", keypair.name), CERTIFICATES)),
        Err(refusal) => {
            Err(Problem::from(refusal).next("Back to the certificate", format!("{CERTIFICATES}{id}/")))
        }
    }
}

fn status_of(errors: &FieldErrors) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}
