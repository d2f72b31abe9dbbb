//! What the tests of this crate begin with: the product over a fresh database, and browsers in front of it.

use std::sync::Arc;

use site::{Product, Site, SiteSetup};
use store::testing::TestDatabase;
use store::{Sealer, Store};
use testkit::{Browser, FakeClock, Form, Reply, SeededRandom};
use url::Url;

use crate::app::App;
use crate::expressions::Expressions;
use crate::users::NewUser;
use crate::{Identity, Setup, WorkspacesConnector, groups, setup, users};

pub(crate) const ORIGIN: &str = "http://auth.localhost:9000";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The product over a fresh database.
pub(crate) struct Fixture {
    pub(crate) identity: Identity,
    pub(crate) app: App,
    pub(crate) store: Store,
    pub(crate) clock: FakeClock,
}

impl Fixture {
    /// As after the very first start.
    pub(crate) async fn new(db: &TestDatabase) -> Self {
        Self::with_connector(db, None).await
    }

    /// As after the very first start, with something that one click connects.
    pub(crate) async fn with_connector(
        db: &TestDatabase,
        workspaces: Option<Arc<dyn WorkspacesConnector>>,
    ) -> Self {
        let store = db.store(&[site::MIGRATIONS, crate::MIGRATIONS]).await;
        let clock = FakeClock::default();
        let site = Site::new(SiteSetup {
            product: Product::Identity,
            public_url: Url::parse(ORIGIN).unwrap(),
            key: [7; 32],
            trusted_proxies: Vec::new(),
            clock: Arc::new(clock.clone()),
            random: Arc::new(SeededRandom::new(1)),
        });
        let sealer = Sealer::from_key(&[9; 32]);
        let setup =
            Setup { store: store.clone(), sealer, site, workspaces, expressions: Expressions::here() };
        let identity = Identity::open(setup).await.unwrap();
        Self { app: identity.app().clone(), identity, store, clock }
    }

    /// A browser that was never here.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new().mount(ORIGIN, self.identity.router())
    }

    /// The browser of the first administrator, who came by the setup link: `admin`, with [`PASSWORD`].
    pub(crate) async fn administrator(&self) -> Browser {
        let mut browser = self.browser();
        let link = self.identity.setup_link().await.unwrap().unwrap();
        let form = browser.get(&link).await.form("form");
        let form =
            form.set("email", "admin@example.com").set("password", PASSWORD).set("password_again", PASSWORD);
        let reply = browser.submit(form).await;
        assert_eq!((reply.status.as_u16(), reply.url.path()), (200, "/if/admin/"), "{}", reply.body);
        browser
    }

    /// Creates an account without a password, in these groups (made if they are missing). Returns its id.
    pub(crate) async fn user(&self, username: &str, in_groups: &[&str]) -> String {
        let email = format!("{username}@example.com");
        let mut tx = self.store.begin().await.unwrap();
        let new = NewUser { username, name: username, email: &email, ..NewUser::default() };
        let id = users::create(&mut tx, &self.app.site, &new).await.unwrap();
        for name in in_groups {
            let group = self.group_in(&mut tx, name).await;
            groups::add_member(&mut tx, &group, &id).await.unwrap();
        }
        tx.commit().await.unwrap();
        id
    }

    /// The id of a group, which is made if it is missing.
    pub(crate) async fn group(&self, name: &str) -> String {
        let mut tx = self.store.begin().await.unwrap();
        let id = self.group_in(&mut tx, name).await;
        tx.commit().await.unwrap();
        id
    }

    async fn group_in(&self, conn: &mut sqlx::AnyConnection, name: &str) -> String {
        let known = groups::names(conn).await.unwrap();
        match known.into_iter().find(|(_, known)| known == name) {
            Some((id, _)) => id,
            None => groups::create(conn, &self.app.site, name, false).await.unwrap(),
        }
    }

    /// The browser of a user who has just chosen [`PASSWORD`] by a link.
    pub(crate) async fn signed_in(&self, user_id: &str) -> Browser {
        let mut tx = self.store.begin().await.unwrap();
        let link = setup::choose_password_link(&mut tx, &self.app, user_id).await.unwrap();
        tx.commit().await.unwrap();
        let mut browser = self.browser();
        let form = browser.get(&link).await.form("form");
        let reply = browser.submit(form.set("password", PASSWORD).set("password_again", PASSWORD)).await;
        assert_eq!((reply.status.as_u16(), reply.url.path()), (200, "/if/user/"), "{}", reply.body);
        browser
    }

    /// The id of an account.
    pub(crate) async fn id_of(&self, username: &str) -> String {
        let mut conn = self.store.read().await.unwrap();
        users::for_sign_in(&mut conn, username).await.unwrap().unwrap().0.id
    }

    /// The actions and subjects of all events, oldest first.
    pub(crate) async fn events(&self) -> Vec<(String, String)> {
        let mut conn = self.store.read().await.unwrap();
        let newest = self.app.events.newest(&mut conn, 1000).await.unwrap();
        newest.into_iter().rev().map(|event| (event.action, event.subject)).collect()
    }
}

/// Opens a page, fills in the form that `selector` finds, and sends it.
pub(crate) async fn fill(
    browser: &mut Browser,
    page: &str,
    selector: &str,
    fields: &[(&str, &str)],
) -> Reply {
    let form = browser.get(page).await.form(selector);
    let form = fields.iter().fold(form, |form: Form, (name, value)| form.set(name, value));
    browser.submit(form).await
}

/// The sentences beside the fields of a form.
pub(crate) fn mistakes(reply: &Reply) -> Vec<String> {
    reply.texts(".field-error")
}
