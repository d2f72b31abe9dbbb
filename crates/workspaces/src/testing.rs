//! The product as tests open it: a fresh database, a clock that is set, a driver that starts nothing, and
//! browsers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runtime::{Capabilities, Capacity, Driver, EndCause, Error, Handle, Observed, RfbStream, SessionSpec};
use runtime::{StartError, State, Usage};
use site::{Product, Site, SiteSetup};
use store::testing::TestDatabase;
use store::{Sealer, Store, Timestamp};
use testkit::{Browser, FakeClock, Reply};
use url::Url;

use crate::{IdentityConnector, Setup, Workspaces};

pub(crate) const ORIGIN: &str = "http://workspaces.localhost:9000";
pub(crate) const PASSWORD: &str = "a quiet room upstairs";
/// 2026-11-24 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_micros(1_795_521_600_000_000);

/// The product on one database.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) clock: FakeClock,
    pub(crate) site: Site,
    pub(crate) workspaces: Workspaces,
}

impl House {
    /// Opens the product on a database; on one that was used before, as a restart would.
    pub(crate) async fn open(db: &TestDatabase) -> Self {
        Self::open_with(db, no_rooms(), None, FakeClock::at(NOON)).await
    }

    /// The same with a driver, a connector and a clock.
    pub(crate) async fn open_with(
        db: &TestDatabase,
        driver: Arc<dyn Driver>,
        identity: Option<Arc<dyn IdentityConnector>>,
        clock: FakeClock,
    ) -> Self {
        let store = db.store(&[site::MIGRATIONS, crate::MIGRATIONS]).await;
        let site = Site::new(SiteSetup {
            product: Product::Workspaces,
            public_url: Url::parse(ORIGIN).unwrap(),
            key: [7; 32],
            trusted_proxies: Vec::new(),
            clock: Arc::new(clock.clone()),
            // Real randomness: opening the product again must not repeat ids.
            random: Arc::new(store::SystemRandom),
        });
        let workspaces = Workspaces::open(Setup {
            store: store.clone(),
            sealer: Sealer::from_key(&[9; 32]),
            site: site.clone(),
            driver,
            identity,
            sessions_per_person: 3,
            sign_in_lifetime: Duration::from_hours(12),
        })
        .await
        .unwrap();
        Self { store, clock, site, workspaces }
    }

    /// A browser that was never here.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new().mount(ORIGIN, self.workspaces.router())
    }

    /// A browser in which the first administrator, `admin`, has just been set up.
    pub(crate) async fn administrator(&self) -> Browser {
        let mut browser = self.browser();
        let link = self.workspaces.setup_link().await.unwrap().unwrap();
        let page = browser.get(&link).await;
        let form = page.form("form").set("password", PASSWORD).set("password_again", PASSWORD);
        let reply = browser.submit(form).await;
        assert_eq!(reply.url.path(), "/admin/", "{}", reply.body);
        browser
    }

    /// A browser in which a local account, made by an administrator, is signed in.
    pub(crate) async fn person(&self, administrator: &mut Browser, username: &str) -> Browser {
        let page = administrator.get(&format!("{ORIGIN}/admin/access/users/new")).await;
        let form = page.form("main form").set("username", username).set("password", PASSWORD);
        let reply = administrator.submit(form).await;
        assert_eq!(reply.url.path(), "/admin/access/users", "{}", reply.body);
        let mut browser = self.browser();
        let reply = sign_in(&mut browser, username, PASSWORD).await;
        assert!(reply.status.is_success(), "{}", reply.body);
        browser
    }
}

/// Signs in on the local page.
pub(crate) async fn sign_in(browser: &mut Browser, username: &str, password: &str) -> Reply {
    let page = browser.get(&format!("{ORIGIN}/staticlogin")).await;
    let form = page.form("form[action='/signin']").set("username", username).set("password", password);
    browser.submit(form).await
}

/// The address of the link with these words.
pub(crate) fn link(page: &Reply, words: &str) -> String {
    let links = page.body.split("<a ").filter_map(|rest| {
        let (tag, rest) = rest.split_once('>')?;
        let (_, href) = tag.split_once("href=\"")?;
        let (text, _) = rest.split_once("</a>")?;
        (text == words).then(|| href.split('"').next().unwrap_or_default().to_owned())
    });
    let href = links.last().unwrap_or_else(|| panic!("{} has no link {words}: {}", page.url, page.body));
    page.url.join(&href).unwrap().into()
}

/// A driver with no room for anybody.
struct NoRooms;

pub(crate) fn no_rooms() -> Arc<dyn Driver> {
    Arc::new(NoRooms)
}

#[async_trait]
impl Driver for NoRooms {
    fn capabilities(&self) -> Capabilities {
        Capabilities { memory_limit: true, cpu_shares: true, survives_restart: true, network: false }
    }

    async fn start(&self, _: &SessionSpec) -> Result<Handle, StartError> {
        Err(StartError::NoRoom("0 of 0 sessions are running".into()))
    }

    async fn connect(&self, _: &Handle) -> Result<Box<dyn RfbStream>, Error> {
        Err(Error::Ended(EndCause::Unknown))
    }

    async fn status(&self, _: &Handle) -> Result<State, Error> {
        Ok(State::Ended { cause: EndCause::Unknown })
    }

    async fn stop(&self, _: &Handle, _: Duration) -> Result<(), Error> {
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Observed>, Error> {
        Ok(Vec::new())
    }

    async fn capacity(&self) -> Result<Capacity, Error> {
        Ok(Capacity { running: 0, max_sessions: 0, memory_available: 0, no_room: Some("no room".into()) })
    }

    async fn usage(&self, _: &Handle) -> Result<Usage, Error> {
        Ok(Usage::default())
    }
}
