//! What the product is made from, and its start and end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use site::attempts::Attempts;
use site::events::Events;
use site::{Problem, Site};
use store::{Sealer, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::connect::{ServiceProviders, WorkspacesConnector};
use crate::expressions::Expressions;
use crate::providers::saml::Snapshots;
use crate::sessions::Person;
use crate::{
    applications, certificates, events, flows, groups, library, mappings, overview, providers, setup, users,
};

/// How often expired rows are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// What [`Identity`] is made from.
pub struct Setup {
    /// The database, migrated with [`crate::MIGRATIONS`] and [`site::MIGRATIONS`].
    pub store: Store,
    /// Seals private keys.
    pub sealer: Sealer,
    /// Address, cookies, clock and randomness of this product.
    pub site: Site,
    /// Another product of the house that can be connected with one click, if there is one.
    pub workspaces: Option<Arc<dyn WorkspacesConnector>>,
    /// Evaluates what administrators write.
    pub expressions: Expressions,
}

/// Why the product could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The default certificate could not be made.
    #[error("The default certificate could not be made: {0}")]
    Certificate(String),
}

/// The product, running.
pub struct Identity {
    app: App,
    stop: watch::Sender<bool>,
    background: Vec<JoinHandle<()>>,
}

impl Identity {
    /// Starts the product: makes what a first start needs (the group Administrators, a certificate), and
    /// begins the work in the background.
    ///
    /// # Errors
    /// The database's, or that no certificate could be made.
    pub async fn open(setup: Setup) -> Result<Self, OpenError> {
        let app = App {
            events: Events::start(setup.site.clone(), &setup.store),
            store: setup.store,
            sealer: setup.sealer,
            site: setup.site,
            workspaces: setup.workspaces,
            expressions: setup.expressions,
            attempts: Arc::default(),
            saml: Arc::default(),
        };
        setup::first_start(&app).await?;
        let (stop, stopping) = watch::channel(false);
        let background = vec![
            tokio::spawn(sweep(app.clone(), stopping.clone())),
            tokio::spawn(refresh_metadata(app.clone(), stopping)),
        ];
        Ok(Self { app, stop, background })
    }

    /// Every page and endpoint, wrapped in the house's layer.
    pub fn router(&self) -> Router {
        self.app.site.wrap(routes().with_state(self.app.clone())).layer(from_fn(mend_trailing_slash))
    }

    /// A link with which the first administrator creates their account, while there is no administrator.
    /// Each call replaces the link of an earlier one.
    ///
    /// # Errors
    /// The database's.
    pub async fn setup_link(&self) -> Result<Option<String>, store::Error> {
        setup::first_setup_link(&self.app).await
    }

    /// A link with which the sample user chooses a password, until they have. The account is created if
    /// there is none at all yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn ensure_sample_user(&self) -> Result<Option<String>, store::Error> {
        setup::sample_user_link(&self.app).await
    }

    /// The door through which the rest of the house registers service providers.
    pub fn service_providers(&self) -> ServiceProviders {
        ServiceProviders::new(self.app.clone())
    }

    /// The state of the handlers, for tests.
    #[cfg(test)]
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Ends the work in the background.
    pub async fn close(self) {
        self.stop.send_replace(true);
        for task in self.background {
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
    pub(crate) workspaces: Option<Arc<dyn WorkspacesConnector>>,
    pub(crate) expressions: Expressions,
    /// Failed sign-ins, by address and account.
    pub(crate) attempts: Arc<Attempts>,
    /// Settings and parsed keys of the SAML providers.
    pub(crate) saml: Arc<Snapshots>,
}

impl FromRef<App> for Site {
    fn from_ref(app: &App) -> Self {
        app.site.clone()
    }
}

fn routes() -> Router<App> {
    Router::new()
        .route("/", get(start))
        .route("/-/health/live/", get(|| async { "ok" }))
        .route("/-/health/ready/", get(ready))
        .merge(setup::routes())
        .merge(flows::routes())
        .merge(library::routes())
        .merge(overview::routes())
        .merge(applications::routes())
        .merge(providers::routes())
        .merge(users::routes())
        .merge(groups::routes())
        .merge(mappings::routes())
        .merge(certificates::routes())
        .merge(events::routes())
}

/// My applications for who is signed in, the sign-in page for everybody else, and before there is an
/// administrator the way to the first setup.
async fn start(State(app): State<App>, person: Option<Person>) -> Result<Response, Problem> {
    if person.is_some() {
        return Ok(Redirect::to(library::MY_APPLICATIONS).into_response());
    }
    let mut conn = app.store.read().await?;
    if users::any_administrator(&mut conn).await? {
        return Ok(Redirect::to(flows::SIGN_IN).into_response());
    }
    Err(setup::not_set_up_yet())
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    let mut conn = app.store.read().await?;
    sqlx::query("SELECT 1").execute(&mut *conn).await.map_err(store::Error::from)?;
    Ok("ok")
}

/// Pages have addresses that end in a slash; who leaves it out is sent there.
async fn mend_trailing_slash(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let page = path.starts_with("/if/") || path.starts_with("/application/");
    if !page || path.ends_with('/') || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("{path}/{query}")).into_response()
}

async fn sweep(app: App, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            // An error means that `Identity` is gone, which is the same.
            _ = stopping.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(SWEEP_EVERY) => {}
        }
        if let Err(error) = sweep_once(&app).await {
            tracing::error!(?error, "expired rows could not be removed; will try again");
        }
        if let Err(error) = providers::logout::sweep(&app, app.site.now()).await {
            tracing::error!(?error, "sign-outs could not be brought to their end; will try again");
        }
        if let Err(problem) = certificates::announce(&app).await {
            tracing::error!(cause = ?problem.cause(), "certificates that end soon could not be announced; will try again");
        }
    }
}

async fn sweep_once(app: &App) -> Result<(), store::Error> {
    let mut tx = app.store.begin().await?;
    site::browser_sessions::sweep(&mut tx, app.site.now()).await?;
    flows::sweep(&mut tx, app.site.now()).await?;
    tx.commit().await
}

/// Keeps providers as their service providers describe themselves. It talks to strangers, who may be slow, so
/// it stops in the middle; whoever comes next does it again.
async fn refresh_metadata(app: App, mut stopping: watch::Receiver<bool>) {
    let work = async {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            if let Err(problem) = providers::saml::refresh_due(&app).await {
                tracing::error!(cause = ?problem.cause(), "metadata could not be refreshed; will try again");
            }
        }
    };
    tokio::select! {
        // An error means that `Identity` is gone, which is the same.
        _ = stopping.wait_for(|stop| *stop) => {}
        () = work => {}
    }
}
