//! Telling applications from server to server.

use std::sync::Arc;
use std::time::Duration;

use saml::LogoutResponse;
use serde_json::json;
use site::fetch::{self, Posted};
use store::Error;
use tokio::task::JoinSet;
use url::{Url, form_urlencoded};

use super::super::settings::{LogoutMethod, SlsBinding};
use super::super::snapshot::Snapshot;
use super::under_way::{self, State, Step, UnderWay};
use super::{answers, send};
use crate::app::App;
use crate::events;

/// How long an application may take to answer. Somebody may be waiting before the page.
const WAIT: Duration = Duration::from_secs(5);

/// Tells all the applications of a logout that have not been told and can be from server to server, at once. If
/// no browser will come and nothing is left, the logout is over.
///
/// # Errors
/// The database's.
pub(super) async fn tell(app: &App, id: &str) -> Result<(), Error> {
    let Some(logout) = under_way::find(&mut *app.store.read().await?, id).await? else { return Ok(()) };
    let mut telling = JoinSet::new();
    let waits = |step: &&Step| step.way == LogoutMethod::BackChannel && step.state == State::Waiting;
    for step in logout.steps.iter().filter(waits) {
        let (app, step) = (app.clone(), step.clone());
        telling.spawn(async move { tell_one(&app, &step).await });
    }
    while let Some(outcome) = telling.join_next().await {
        match outcome {
            Ok(outcome) => outcome?,
            Err(error) => tracing::error!(%error, "telling an application of a sign-out ended badly"),
        }
    }
    let Some(logout) = under_way::find(&mut *app.store.read().await?, id).await? else { return Ok(()) };
    if logout.asked.is_none() && !logout.has_browser && logout.steps.iter().all(|step| step.state.is_final())
    {
        finish(app, &logout).await?;
    }
    Ok(())
}

/// Notes that a logout is over, and how. `false` if it was noted before.
///
/// # Errors
/// The database's.
pub(super) async fn finish(app: &App, logout: &UnderWay) -> Result<bool, Error> {
    let mut tx = app.store.begin().await?;
    if !under_way::finish(&mut tx, &logout.id).await? {
        return Ok(false);
    }
    if !logout.steps.is_empty() {
        let outcomes: serde_json::Map<String, serde_json::Value> = logout
            .steps
            .iter()
            .map(|step| {
                (step.title().to_owned(), json!(format!("{} {}", step.state.key(), step.detail).trim()))
            })
            .collect();
        events::note_in(&mut tx, app, "applications_told_of_logout", &logout.username, &outcomes).await?;
    }
    tx.commit().await?;
    Ok(true)
}

async fn tell_one(app: &App, step: &Step) -> Result<(), Error> {
    if !advance(app, step, (State::Waiting, State::Sent), "").await? {
        return Ok(());
    }
    let (state, detail) = match ask(app, step).await {
        Ok(outcome) => outcome,
        Err(sentence) => (State::Unanswered, sentence),
    };
    advance(app, step, (State::Sent, state), &detail).await?;
    Ok(())
}

async fn advance(app: &App, step: &Step, change: (State, State), detail: &str) -> Result<bool, Error> {
    let mut tx = app.store.begin().await?;
    let done = under_way::advance(&mut tx, step, change, detail).await?;
    tx.commit().await?;
    Ok(done)
}

/// Asks an application and reads its answer.
///
/// # Errors
/// Why there is none, in words.
async fn ask(app: &App, step: &Step) -> Result<(State, String), String> {
    let slug = step.application.as_ref().map_or("", |(slug, _)| slug);
    let snapshot = app.saml.find(app, slug, None).await.map_err(|problem| problem.sentence().to_owned())?;
    let snapshot = snapshot.ok_or("it is no longer here")?;
    let settings = &snapshot.provider.settings;
    let sls_url = settings.sls_url.clone().ok_or("it has no address for signing out any more")?;
    let xml = send::request_xml(app, &snapshot, step, &sls_url).map_err(|error| error.sentence())?;
    let private = settings.metadata_allow_private;
    let posted = if settings.sls_binding == SlsBinding::Soap {
        let action = [("soapaction", "\"http://www.oasis-open.org/committees/security\"")];
        fetch::post(&sls_url, private, "text/xml; charset=utf-8", &action, saml::soap_envelope(&xml), WAIT)
            .await
    } else {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair(saml::Message::Request.parameter(), &saml::post_value(&xml))
            .finish();
        fetch::post(&sls_url, private, "application/x-www-form-urlencoded", &[], form, WAIT).await
    };
    let response = read(&snapshot, &sls_url, &posted.map_err(|error| error.to_string())?)?;
    answers::check(app, &snapshot, step, &response)
}

/// The answer in what a server sent back: an envelope, an address to go to with it, or a page that would post it.
fn read(snapshot: &Arc<Snapshot>, sls_url: &Url, posted: &Posted) -> Result<LogoutResponse, String> {
    let parsed = if snapshot.provider.settings.sls_binding == SlsBinding::Soap {
        LogoutResponse::from_soap(&posted.body)
    } else if let Some(location) = &posted.location {
        let target = sls_url.join(location).map_err(|_| UNCONFIRMED)?;
        let query = target.query().filter(|query| query.contains("SAMLResponse=")).ok_or(UNCONFIRMED)?;
        LogoutResponse::from_redirect_query(query)
    } else {
        let page = String::from_utf8_lossy(&posted.body);
        LogoutResponse::from_post(&field(&page, "SAMLResponse").ok_or(UNCONFIRMED)?, None)
    };
    parsed.map_err(|error| error.sentence())
}

const UNCONFIRMED: &str = "it was told, and did not confirm it";

/// The value of a hidden field of a page. It holds base64 only, of which HTML escapes at most three characters.
fn field(page: &str, name: &str) -> Option<String> {
    let tag = page.split('<').find(|tag| {
        tag.starts_with("input")
            && (tag.contains(&format!("name=\"{name}\"")) || tag.contains(&format!("name='{name}'")))
    })?;
    let (_, rest) = tag.split_once("value=")?;
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let value = rest.get(1..)?.split(quote).next()?;
    let escapes = [("&#43;", "+"), ("&#x2b;", "+"), ("&#x2B;", "+"), ("&#47;", "/"), ("&#x2f;", "/")];
    let more = [
        ("&#x2F;", "/"),
        ("&#61;", "="),
        ("&#x3d;", "="),
        ("&#x3D;", "="),
        ("&plus;", "+"),
        ("&equals;", "="),
    ];
    Some(escapes.iter().chain(&more).fold(value.to_owned(), |text, (from, to)| text.replace(from, to)))
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn the_field_of_a_page_is_found() {
        for page in [
            "<form><input type=\"hidden\" name=\"SAMLResponse\" value=\"a+b/c=\"></form>",
            "<input name='RelayState' value='x'><input value='a&#43;b&#x2F;c&#61;' name='SAMLResponse'/>",
        ] {
            assert_eq!(field(page, "SAMLResponse").as_deref(), Some("a+b/c="), "{page}");
        }
        for page in
            ["", "signed out", "<input name=\"SAMLResponse\">", "<input name=\"SAMLResponse\" value=x>"]
        {
            assert_eq!(field(page, "SAMLResponse"), None, "{page}");
        }
    }
}
