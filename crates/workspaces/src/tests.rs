//! What holds for every route, whichever feature it belongs to. The routes are read from the sources, so
//! that a new one can't be forgotten here.

use std::fs;
use std::path::Path;

use store::both_databases;
use store::testing::{TestDatabase, check_statements, statements_in};
use testkit::{Browser, Request};

use crate::testing::{House, ORIGIN, PASSWORD, sign_in};

struct Route {
    path: String,
    get: bool,
    post: bool,
}

/// Every `.route("path", …)` of this crate, with `x` for each parameter.
fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    assert!(routes.len() > 20, "the routes are no longer found in the sources");
    routes
}

fn read(folder: &Path, routes: &mut Vec<Route>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, routes);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).unwrap();
            routes.extend(source.split(".route(").skip(1).map(|call| route(call, &path)));
        }
    }
}

fn route(call: &str, file: &Path) -> Route {
    let call = call.trim_start();
    let literal = call.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let (path, rest) =
        literal.unwrap_or_else(|| panic!("{}: write the path of a route as text", file.display()));
    let handlers = &rest[..end_of_call(rest)];
    let parts: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
    Route {
        path: parts.join("/"),
        get: handlers.contains("get(") || handlers.contains("any("),
        post: handlers.contains("post("),
    }
}

/// Where the parenthesis closes that was opened before `text`.
fn end_of_call(text: &str) -> usize {
    let mut open = 1;
    let closing = text.bytes().position(|byte| {
        open += i32::from(byte == b'(') - i32::from(byte == b')');
        open == 0
    });
    closing.expect("a call that ends")
}

async fn post(browser: &Browser, path: &str) -> testkit::Reply {
    let request = Request::post_form(&format!("{ORIGIN}{path}"), &[]).without_redirects();
    browser.clone().send(request).await
}

async fn get(browser: &Browser, path: &str) -> testkit::Reply {
    browser.clone().send(Request::get(&format!("{ORIGIN}{path}")).without_redirects()).await
}

both_databases! {
    async fn only_administrators_come_near_the_administration(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let person = house.person(&mut admin, "ada").await;
        let stranger = house.browser();
        let mut seen = 0;
        for route in routes().into_iter().filter(|route| route.path.starts_with("/admin/")) {
            seen += 1;
            if route.get {
                assert_eq!(get(&person, &route.path).await.status, 403, "GET {}", route.path);
                let reply = get(&stranger, &route.path).await;
                let location = reply.header("location").unwrap_or_default().to_owned();
                assert!(reply.status == 303 && location.starts_with("/?next="), "GET {}", route.path);
            }
            if route.post {
                assert_eq!(post(&person, &route.path).await.status, 403, "POST {}", route.path);
                assert_eq!(post(&stranger, &route.path).await.status, 401, "POST {}", route.path);
            }
        }
        assert!(seen > 15, "only {seen} routes of the administration were found");
    }

    async fn nothing_is_changed_without_a_csrf_token(db: TestDatabase) {
        let house = House::open(&db).await;
        let admin = house.administrator().await;
        // The answer of an identity provider comes from another site; its signature and request are checked.
        let answers = |path: &str| {
            (path.starts_with("/api/acs") && path != "/api/acs/complete") || path.starts_with("/api/slo")
        };
        let routes = routes().into_iter().filter(|route| route.post && !answers(&route.path));
        for route in routes {
            let reply = post(&admin, &route.path).await;
            assert_eq!(reply.status, 403, "POST {}", route.path);
            assert!(reply.body.contains("no longer valid"), "POST {}: {}", route.path, reply.body);
        }
    }

    async fn what_cannot_be_noted_is_not_done(db: TestDatabase) {
        let house = House::open(&db).await;
        let mut admin = house.administrator().await;
        let forms = [
            ("/admin/access/users/new", "username", "grace", "/admin/access/users"),
            ("/admin/access/groups/new", "name", "Staff", "/admin/access/groups"),
            ("/admin/workspaces/new/", "friendly_name", "Drawing board", "/admin/workspaces/"),
            ("/admin/access/authentication/saml/new", "display_name", "The college", "/admin/access/authentication/saml/"),
        ];
        let rename = |from: &str, to: &str| sqlx::AssertSqlSafe(format!("ALTER TABLE {from} RENAME TO {to}"));
        for (path, field, value, list) in forms {
            let page = admin.get(&format!("{ORIGIN}{path}")).await;
            let mut form = page.form("main form").set(field, value);
            if field == "username" {
                form = form.set("password", PASSWORD);
            }
            let mut tx = house.store.begin().await.unwrap();
            sqlx::query(rename("events", "events_away")).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(admin.submit(form.clone()).await.status, 500, "{path}");
            assert!(!admin.get(&format!("{ORIGIN}{list}")).await.body.contains(value), "{path} was kept");
            let mut stranger = house.browser();
            assert_eq!(sign_in(&mut stranger, "admin", PASSWORD).await.status, 500);
            assert!(!get(&stranger, "/").await.body.contains("Sign out"), "signed in without an event");

            let mut tx = house.store.begin().await.unwrap();
            sqlx::query(rename("events_away", "events")).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
            let reply = admin.submit(form).await;
            assert!(reply.status == 200, "{path}: {}", reply.body);
            assert!(admin.get(&format!("{ORIGIN}{list}")).await.body.contains(value), "{path} is kept now");
        }
    }

    async fn both_databases_take_every_statement(db: TestDatabase) {
        let store = db.store(&[site::MIGRATIONS, crate::MIGRATIONS]).await;
        check_statements(&store, &statements_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))).await;
    }

    async fn the_health_check_needs_nobody(db: TestDatabase) {
        let house = House::open(&db).await;
        let reply = house.browser().get(&format!("{ORIGIN}/api/__healthcheck")).await;
        assert_eq!((reply.status.as_u16(), reply.json()["ok"].as_bool()), (200, Some(true)));
    }

    async fn closing_is_orderly_and_opening_again_finds_everything(db: TestDatabase) {
        let house = House::open(&db).await;
        let browser = house.administrator().await;
        house.workspaces.close().await;
        let again = House::open(&db).await;
        let mut browser = browser.mount(ORIGIN, again.workspaces.router());
        assert_eq!(browser.get(&format!("{ORIGIN}/admin/events/")).await.status, 200);
        assert_eq!(again.workspaces.setup_link().await.unwrap(), None);
    }
}
