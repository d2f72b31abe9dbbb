//! The last exchanges of a configuration, and one of them with every check and both messages.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use site::{Problem, Shell};

use super::readable::readable;
use super::store::{self, Kept};
use super::{Kind, MESSAGE_KEPT, Outcome};
use crate::app::App;
use crate::auth::Administrator;
use crate::sso::saml::pending::{self, Purpose, Waiting};
use crate::sso::saml::{SamlConfig, logout, pages};
use crate::visit::Visit;

/// Requests without an answer that the page shows.
const WAITING_SHOWN: u32 = 10;

pub(in crate::sso::saml) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/access/authentication/saml/{id}/exchanges/", get(list))
        .route("/admin/access/authentication/saml/{id}/exchanges/{exchange}", get(detail))
}

/// Where the exchange is shown that a web request brought.
pub(in crate::sso::saml) fn href(config: &SamlConfig, trace: &str) -> String {
    format!("/admin/access/authentication/saml/{}/exchanges/{trace}", config.id)
}

impl Kept {
    /// What it was, in words.
    fn what(&self) -> &'static str {
        match self.kind {
            Kind::SignIn => "Sign-in",
            Kind::Test => "Test SAML",
            Kind::Unsolicited => "IdP-initiated sign-in",
            Kind::LogoutHere => "Single logout, begun here",
            Kind::LogoutThere => "Single logout, begun at the identity provider",
        }
    }

    /// What became of it, in words.
    fn became(&self) -> &'static str {
        match (self.outcome, self.kind) {
            (Outcome::Refused, _) => "Refused",
            (Outcome::Accepted, _) => "Accepted, not finished",
            (Outcome::Partial, _) => "Partly signed out",
            (Outcome::Done, Kind::LogoutHere | Kind::LogoutThere) => "Signed out",
            (Outcome::Done, Kind::Test) => "Passed",
            (Outcome::Done, _) => "Signed in",
        }
    }

    /// The class of its badge.
    fn badge(&self) -> &'static str {
        match self.outcome {
            Outcome::Refused => "badge-destructive",
            Outcome::Accepted => "badge-muted",
            Outcome::Partial => "badge-warning",
            Outcome::Done => "badge-success",
        }
    }

    /// Where it came from, as the pages show it.
    fn from(&self) -> &str {
        if self.client_addr == "unknown" { "–" } else { &self.client_addr }
    }
}

/// A request that was sent and has no accepted answer yet, for the page.
struct Sent {
    at: String,
    what: &'static str,
    message: String,
}

impl From<Waiting> for Sent {
    fn from(waiting: Waiting) -> Self {
        let what = match waiting.purpose {
            Some(Purpose::SignIn) => "Sign-in",
            Some(Purpose::Test) => "Test SAML",
            None => "Single logout",
        };
        let message = readable(&waiting.message, MESSAGE_KEPT);
        Self { at: site::moments::utc(waiting.sent_at), what, message }
    }
}

#[derive(Template)]
#[template(path = "sso/saml/exchanges/templates/list.html")]
struct ListPage {
    shell: Shell,
    config: SamlConfig,
    exchanges: Vec<Kept>,
    waiting: Vec<Sent>,
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let config = pages::find(&app, &id).await?;
    app.exchanges.settled().await;
    let mut conn = app.store.read().await?;
    let exchanges = store::list(&mut conn, &config.id).await?;
    let mut waiting = pending::waiting(&mut conn, &app.site, &config.id, WAITING_SHOWN).await?;
    waiting.extend(logout::waiting(&mut conn, &app.site, &config.id, WAITING_SHOWN).await?);
    let shell = visit.admin_page(&app, &person, format!("Exchanges with {}", config.display_name));
    site::html(&ListPage { shell, config, exchanges, waiting: waiting.into_iter().map(Sent::from).collect() })
}

#[derive(Template)]
#[template(path = "sso/saml/exchanges/templates/detail.html")]
struct DetailPage {
    shell: Shell,
    config: SamlConfig,
    exchange: Kept,
}

async fn detail(
    State(app): State<App>,
    visit: Visit,
    Administrator(person): Administrator,
    Path((id, exchange)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let config = pages::find(&app, &id).await?;
    app.exchanges.settled().await;
    let mut conn = app.store.read().await?;
    let Some(exchange) = store::find(&mut conn, &config.id, &exchange).await? else {
        return Err(Problem::not_found(
            "This exchange is not kept any more, or never was: the last 50 of a configuration are, without most of \
             those that anybody could have sent.",
        )
        .next("The exchanges that are kept", href(&config, "")));
    };
    let shell = visit.admin_page(&app, &person, format!("{} with {}", exchange.what(), config.display_name));
    site::html(&DetailPage { shell, config, exchange })
}
