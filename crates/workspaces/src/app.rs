//! What the product is made from, and its start and end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;
use runtime::Driver;
use site::attempts::Attempts;
use site::events::Events;
use site::one_time_links::{self, Purpose};
use site::{Problem, Site};
use store::{Sealer, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::Person;
use crate::visit::Visit;
use crate::{IdentityConnector, auth, catalogue, dashboard, events, groups, overview, sessions, sso, users};

/// How long the first-run setup link works.
const SETUP_LINK_LIFETIME: Duration = Duration::from_hours(24);
/// How often expired rows are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// What [`Workspaces`] is made from.
pub struct Setup {
    /// The database, migrated with [`crate::MIGRATIONS`] and [`site::MIGRATIONS`].
    pub store: Store,
    /// Seals the private keys of SAML configurations.
    pub sealer: Sealer,
    /// Address, cookies, clock and randomness of this product.
    pub site: Site,
    /// Where sessions run.
    pub driver: Arc<dyn Driver>,
    /// Another product of the house that can be connected with one click, if there is one.
    pub identity: Option<Arc<dyn IdentityConnector>>,
    /// How many sessions one person may have at once.
    pub sessions_per_person: u32,
    /// How long a sign-in lasts.
    pub sign_in_lifetime: Duration,
}

/// The product, running.
pub struct Workspaces {
    app: App,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workspaces {
    /// Starts the product: creates what a first start needs (system groups, sample workspaces), finds the
    /// sessions of an earlier run again, and begins the work in the background.
    ///
    /// # Errors
    /// The database's.
    pub async fn open(setup: Setup) -> Result<Self, store::Error> {
        let (stop, stopping) = watch::channel(false);
        let (exchanges, writing) = sso::saml::Exchanges::start(setup.store.clone(), stopping.clone());
        let app = App {
            events: Events::start(setup.site.clone(), &setup.store),
            store: setup.store,
            sealer: setup.sealer,
            site: setup.site,
            driver: setup.driver,
            identity: setup.identity,
            attempts: Arc::new(Attempts::default()),
            sessions_per_person: setup.sessions_per_person,
            sign_in_lifetime: setup.sign_in_lifetime,
            endings: sessions::Endings::default(),
            exchanges,
            stopping,
        };
        first_start(&app).await?;
        sessions::resume_starts(&app).await?;
        let tasks = vec![
            tokio::spawn(sessions::keep(app.clone())),
            tokio::spawn(sweep(app.clone())),
            tokio::spawn(sso::saml::keep_metadata(app.clone())),
            writing,
        ];
        Ok(Self { app, stop, tasks })
    }

    /// Every page and endpoint, wrapped in the house's layer.
    pub fn router(&self) -> Router {
        self.app.site.wrap(routes().with_state(self.app.clone()))
    }

    /// A link with which the first administrator sets a password, while there is no administrator.
    /// Each call replaces the link of an earlier one.
    ///
    /// # Errors
    /// The database's.
    pub async fn setup_link(&self) -> Result<Option<String>, store::Error> {
        let mut tx = self.app.store.begin().await?;
        if users::any_administrator(&mut tx).await? {
            return Ok(None);
        }
        let token =
            one_time_links::issue(&mut tx, &self.app.site, Purpose::FirstSetup, "", SETUP_LINK_LIFETIME)
                .await?;
        tx.commit().await?;
        Ok(Some(self.app.site.url(&format!("/setup?token={}", token.as_str()))))
    }

    /// The state of the handlers, for tests of what has no address.
    #[cfg(test)]
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Connects the identity provider of the same house ([`Setup::identity`]): registers this service
    /// provider there and keeps its answer as the default SAML configuration, enabled. Doing it again
    /// renews the same configuration.
    ///
    /// # Errors
    /// A sentence that says what stood in the way.
    pub async fn connect_identity(&self) -> Result<crate::Connected, crate::ConnectError> {
        sso::connect::connect(&self.app, None).await
    }

    /// Ends the work in the background. Sessions run on, to be found again at the next start.
    pub async fn close(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background task ended badly");
            }
        }
    }
}

/// The state of every handler.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) sealer: Sealer,
    pub(crate) site: Site,
    pub(crate) events: Events,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) identity: Option<Arc<dyn IdentityConnector>>,
    /// Failed sign-ins, by address and by account.
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) sessions_per_person: u32,
    pub(crate) sign_in_lifetime: Duration,
    /// Tells open streams that their session is over.
    pub(crate) endings: sessions::Endings,
    /// Keeps what identity providers and we said to each other.
    pub(crate) exchanges: sso::saml::Exchanges,
    stopping: watch::Receiver<bool>,
}

impl App {
    /// Resolves when the service is about to stop.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // An error means that `Workspaces` is gone, which is the same.
        let _gone = stopping.wait_for(|stop| *stop).await;
    }
}

impl FromRef<App> for Site {
    fn from_ref(app: &App) -> Self {
        app.site.clone()
    }
}

fn routes() -> Router<App> {
    Router::new()
        .route("/", get(start))
        .route("/api/__healthcheck", get(health))
        .merge(auth::routes())
        .merge(users::routes())
        .merge(groups::routes())
        .merge(sso::routes())
        .merge(events::routes())
        .merge(catalogue::routes())
        .merge(sessions::routes())
        .merge(overview::routes())
}

/// The dashboard for who is signed in, the sign-in page for everybody else.
async fn start(State(app): State<App>, visit: Visit, person: Option<Person>) -> Result<Response, Problem> {
    match person {
        Some(person) => dashboard::page(&app, &visit, &person).await,
        None => auth::start_page(&app, &visit).await,
    }
}

async fn health(State(app): State<App>) -> Result<axum::Json<serde_json::Value>, Problem> {
    let mut conn = app.store.read().await?;
    sqlx::query("SELECT 1").execute(&mut *conn).await.map_err(store::Error::from)?;
    Ok(axum::Json(serde_json::json!({ "ok": true })))
}

/// System groups and samples appear once, when the system groups are not there yet: a sample that an
/// administrator deleted stays deleted.
async fn first_start(app: &App) -> Result<(), store::Error> {
    let mut tx = app.store.begin().await?;
    if groups::create_system_groups(&mut tx, &app.site).await? {
        catalogue::create_samples(&mut tx, &app.site, groups::ALL_USERS).await?;
    }
    tx.commit().await
}

async fn sweep(app: App) {
    loop {
        tokio::select! {
            () = app.stopped() => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
        if let Err(error) = sweep_once(&app).await {
            tracing::error!(?error, "expired rows could not be removed; will try again");
        }
    }
}

async fn sweep_once(app: &App) -> Result<(), store::Error> {
    let mut tx = app.store.begin().await?;
    site::browser_sessions::sweep(&mut tx, app.site.now()).await?;
    sso::saml::sweep(&mut tx, app.site.now()).await?;
    tx.commit().await
}
