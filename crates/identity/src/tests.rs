//! What holds for every page and every statement, found in the sources so that a new one can't be forgotten.

use std::fs;
use std::path::Path;

use axum::http::StatusCode;
use store::both_databases;
use store::testing::{TestDatabase, check_statements, statements_in};

use crate::testing::{Fixture, ORIGIN};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// An address with the methods that it takes.
#[derive(Debug)]
struct Route {
    path: String,
    get: bool,
    post: bool,
}

/// Every `.route(…)` of this crate.
fn routes() -> Vec<Route> {
    let mut found = Vec::new();
    collect(Path::new(SOURCES), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<Route>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).unwrap();
            let calls = source.split(".route(").skip(1);
            found.extend(calls.map(|call| route(call, &source, path.parent().unwrap())));
        }
    }
}

fn route(call: &str, source: &str, folder: &Path) -> Route {
    let (address, rest) = call.split_once(',').unwrap();
    let address = address.trim();
    let path = match address.strip_prefix('"') {
        Some(literal) => literal.trim_end_matches('"').to_owned(),
        None => constant(address.rsplit("::").next().unwrap(), source, folder),
    };
    // Up to the next call in the chain; the methods are within.
    let methods =
        rest.split(".merge(").next().unwrap().split(";").next().unwrap().split("\n}").next().unwrap();
    let path = path.replace("{slug}", "kasm").replace("{id}", "none");
    Route { path, get: methods.contains("get("), post: methods.contains("post(") }
}

/// The value of a constant in this file or its folder.
fn constant(name: &str, source: &str, folder: &Path) -> String {
    let folder_source = fs::read_to_string(folder.join("mod.rs")).unwrap_or_default();
    let needle = format!("const {name}: &str = \"");
    let text = [source, &folder_source].into_iter().find_map(|text| text.split_once(&needle));
    let (_, rest) = text.unwrap_or_else(|| panic!("{name} is not a constant of {}", folder.display()));
    rest.split('"').next().unwrap().to_owned()
}

/// What strangers may send without a form of ours: messages of the protocol.
fn is_protocol(path: &str) -> bool {
    path.starts_with("/application/saml/")
}

#[test]
fn the_routes_are_found() {
    let routes = routes();
    let has = |path: &str, get, post| {
        routes.iter().any(|route| route.path == path && route.get == get && route.post == post)
    };
    assert!(has("/if/admin/", true, false), "{routes:?}");
    assert!(has("/if/admin/users/none/", true, true), "{routes:?}");
    assert!(has("/if/admin/users/none/delete/", false, true), "{routes:?}");
    assert!(has("/if/admin/providers/", true, false), "{routes:?}");
    assert!(has("/if/flow/recovery/", true, true), "{routes:?}");
    assert!(routes.iter().filter(|route| route.path.starts_with("/if/admin/")).count() > 25);
}

both_databases! {
    async fn every_statement_is_understood(db: TestDatabase) {
        let store = db.store(&[site::MIGRATIONS, crate::MIGRATIONS]).await;
        check_statements(&store, &statements_in(Path::new(SOURCES))).await;
    }

    async fn nobody_but_an_administrator_comes_near_the_admin_pages(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let _administrator = fixture.administrator().await;
        let id = fixture.user("ann", &["Staff"]).await;
        let mut ann = fixture.signed_in(&id).await;
        let csrf = ann.get("/if/user/").await.form("form").value("csrf").unwrap().to_owned();
        let mut stranger = fixture.browser();
        let before = fixture.events().await;
        for route in routes().iter().filter(|route| route.path.starts_with("/if/admin/")) {
            let url = format!("{ORIGIN}{}", route.path);
            if route.get {
                assert_eq!(ann.get(&url).await.status, StatusCode::FORBIDDEN, "GET {url}");
                let reply = stranger.get(&url).await;
                assert_eq!(reply.url.path(), "/if/flow/default-authentication-flow/", "GET {url}");
            }
            if route.post {
                let reply = ann.post_form(&url, &[("csrf", &csrf)]).await;
                assert_eq!(reply.status, StatusCode::FORBIDDEN, "POST {url}");
                assert!(reply.body.contains("Only members of a group of administrators"), "POST {url}: {}", reply.body);
                assert_eq!(stranger.post_form(&url, &[("csrf", &csrf)]).await.status, StatusCode::UNAUTHORIZED, "POST {url}");
            }
        }
        assert_eq!(fixture.events().await, before);
    }

    async fn no_form_is_taken_without_its_token(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut admin = fixture.administrator().await;
        let mut other = fixture.browser();
        let foreign = other.get(&format!("{ORIGIN}/if/flow/default-authentication-flow/")).await;
        let foreign = foreign.form("form").value("csrf").unwrap().to_owned();
        let before = fixture.events().await;
        for route in routes().iter().filter(|route| route.post && !is_protocol(&route.path)) {
            let url = format!("{ORIGIN}{}", route.path);
            for fields in [&[][..], &[("csrf", "")], &[("csrf", foreign.as_str())]] {
                let reply = admin.post_form(&url, fields).await;
                assert_eq!(reply.status, StatusCode::FORBIDDEN, "POST {url} {fields:?}");
                assert!(reply.body.contains("This form is no longer valid"), "POST {url}: {}", reply.body);
            }
        }
        assert_eq!(fixture.events().await, before);
        assert_eq!(admin.get("/if/admin/").await.status, StatusCode::OK);
    }
}
