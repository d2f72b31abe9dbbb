//! Property mappings as an administrator writes them, on both databases; and that what comes with the house
//! says the same in Rust and in Python.

use axum::http::StatusCode;
use serde_json::json;
use store::both_databases;
use store::testing::TestDatabase;
use testkit::Form;

use super::{BuiltIn, Mapping, NameFormat, Source, Subject, evaluate};
use crate::groups::Group;
use crate::testing::{Fixture, fill, mistakes};
use crate::users::{Attributes, User};

const LIST: &str = "/if/admin/property-mappings/";
const NEW: &str = "/if/admin/property-mappings/new/";
const TEST: &str = "/if/admin/property-mappings/test/";

/// The form, sent elsewhere: another of its buttons is pressed, or somebody tries something.
fn to(mut form: Form, path: &str) -> Form {
    form.action = form.action.join(path).unwrap();
    form
}

fn user(name: &str, email: &str, attributes: &serde_json::Value) -> User {
    User {
        id: "5f0c".into(),
        username: "ann".into(),
        name: name.into(),
        email: email.into(),
        is_active: true,
        attributes: attributes.as_object().cloned().unwrap_or_else(Attributes::new),
        created_at: store::Timestamp::from_micros(0),
        last_login_at: None,
    }
}

fn group(name: &str) -> Group {
    Group { id: format!("id of {name}"), name: name.into(), is_superuser: false }
}

#[test]
fn the_default_attributes_have_authentiks_names() {
    let ann = user("Ann Example", "ann@example.com", &json!({}));
    let groups = [group("Night shift"), group("Staff")];
    let told = BuiltIn::ALL.map(|built_in| (built_in.saml_name(), built_in.values(&ann, &groups).join(";")));
    let mut told = told.to_vec();
    told.sort_unstable();
    let expected = [
        ("http://schemas.goauthentik.io/2021/02/saml/uid", "5f0c"),
        ("http://schemas.goauthentik.io/2021/02/saml/username", "ann"),
        ("http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", "ann"),
        ("http://schemas.xmlsoap.org/claims/Group", "Night shift;Staff"),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "ann@example.com"),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "Ann"),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "Ann Example"),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "Example"),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "ann@example.com"),
    ];
    assert_eq!(told, expected.map(|(name, values)| (name, values.to_owned())));
}

both_databases! {
    async fn built_in_mappings_and_their_python_say_the_same(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let names = [
            "", "Ann", "Ann Example", " Anna  Maria\tExample ", "Ludwig van Beethoven", "Anna de la Cruz",
            "ann mary example", "van Beethoven", "Example, Ann Mary", "Example,", ", Ann", "Élodie Ünal", "李 小龍",
            "ßen öst", "a b C", "A b c D", "1 2 3", "ᾳ ⓐ Z",
        ];
        let attributes = [
            json!({}),
            json!({ "upn": "ann@corp.example", "given_name": "Anni", "family_name": "Muster" }),
            json!({ "upn": "", "given_name": "", "family_name": "" }),
            json!({ "upn": 7, "given_name": ["Anni"], "family_name": null }),
        ];
        let groups: [&[Group]; 2] = [&[], &[group("Night shift"), group("Ä \"quoted\" 'group'")]];
        let built_in: Vec<Mapping> = BuiltIn::ALL.into_iter().map(Mapping::from).collect();
        let python: Vec<Mapping> = built_in
            .iter()
            .map(|mapping| Mapping {
                source: Source::Expression(mapping.python().to_owned()),
                ..mapping.clone()
            })
            .collect();
        for name in names {
            for (attributes, email) in attributes.iter().zip(["ann@example.com", "", "ann@example.com", ""]) {
                for groups in groups {
                    let user = user(name, email, attributes);
                    let subject = Subject { user: &user, groups, provider: "Payroll" };
                    let native = evaluate(&fixture.app, &built_in.iter().collect::<Vec<_>>(), subject).await;
                    let written = evaluate(&fixture.app, &python.iter().collect::<Vec<_>>(), subject).await;
                    assert_eq!(native, written, "{name:?} {attributes}");
                }
            }
        }
    }

    async fn a_mapping_is_written_tested_changed_and_deleted(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let ann = fixture.user("ann", &["Staff"]).await;
        let mut browser = fixture.administrator().await;
        let fields = [
            ("name", "Role"), ("saml_name", "role"), ("friendly_name", "Rolle"), ("name_format", "basic"),
            ("expression", "for group in user.ak_groups.all():\r\n    yield group.name.upper()"),
        ];
        let form = browser.get(NEW).await.form("#mapping");
        let form = fields.iter().fold(form, |form, (name, value)| form.set(name, value));
        let tried = browser.submit(to(form.clone().set("for_user", &ann), TEST)).await;
        assert_eq!(tried.texts("#result li"), ["STAFF"], "{}", tried.body);
        let reply = browser.submit(form).await;
        assert!(reply.body.contains("The property mapping Role was created."), "{}", reply.body);
        let page = reply.url.path().to_owned();
        let kept = browser.get(&page).await.form("#mapping");
        assert_eq!(kept.value("expression").unwrap().replace('\r', "").trim(), fields[4].1.replace('\r', ""));
        assert_eq!((kept.value("name_format"), kept.value("friendly_name")), (Some("basic"), Some("Rolle")));
        let failing = kept.set("expression", "x = 1\nreturn user.nmae").set("for_user", &ann);
        let failed = browser.submit(to(failing.clone(), TEST)).await;
        assert!(failed.texts("#result p")[0].contains("Line 2: AttributeError: 'User' object has no attribute"));
        let reply = browser.submit(failing.set("name", "Role 2")).await;
        assert!(reply.body.contains("The property mapping Role 2 was saved."), "{}", reply.body);
        assert_eq!(browser.get(LIST).await.texts("tbody th").last().unwrap(), "Role 2");
        let form = browser.get(&page).await.form("#delete");
        let reply = browser.submit(form).await;
        assert!(reply.body.contains("The property mapping Role 2 was deleted."), "{}", reply.body);
        assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
        let events = fixture.events().await;
        let of_mapping: Vec<_> = events.iter().filter(|(_, subject)| subject.starts_with("Role")).collect();
        let actions: Vec<_> = of_mapping.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["model_created", "model_updated", "model_deleted"]);
    }

    async fn mistakes_are_told_beside_their_fields(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let mut browser = fixture.administrator().await;
        let good = [("name", "Role"), ("saml_name", "role"), ("expression", "return 1")];
        fill(&mut browser, NEW, "#mapping", &good).await;
        let reply = fill(&mut browser, NEW, "#mapping", &good).await;
        assert_eq!(mistakes(&reply), ["Another property mapping has this name."]);
        let wrong = [("name", "Other"), ("saml_name", "role"), ("expression", "x = 1\nreturn (x")];
        let reply = fill(&mut browser, NEW, "#mapping", &wrong).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(mistakes(&reply), ["Line 2: unexpected EOF while parsing."]);
        let reply = fill(&mut browser, NEW, "#mapping", &[("expression", " ")]).await;
        assert_eq!(mistakes(&reply), ["Fill this in.", "Fill this in.", "Fill this in."]);
    }

    async fn what_comes_with_the_house_is_copied_and_not_changed(db: TestDatabase) {
        let fixture = Fixture::new(&db).await;
        let ann = fixture.user("ann", &["Staff", "Night shift"]).await;
        let mut browser = fixture.administrator().await;
        for built_in in BuiltIn::ALL {
            let page = format!("{LIST}{}/", built_in.slug());
            let form = browser.get(&page).await.form("#mapping");
            assert_eq!(form.value("expression"), None, "{page}");
            let tested = browser.submit(form.set("for_user", &ann)).await;
            let values = tested.texts("#result li");
            let copy = browser.get(&format!("{NEW}?copy_of={}", built_in.slug())).await.form("#mapping");
            let copied = browser.submit(copy).await;
            assert!(copied.body.contains(&format!("The property mapping Copy of {} was created.", built_in.label())));
            let form = to(copied.form("#mapping").set("for_user", &ann), TEST);
            assert_eq!(browser.submit(form).await.texts("#result li"), values, "{page}");
            let change = [("name", "Mine"), ("saml_name", "x"), ("name_format", "none"), ("expression", "return 1")];
            let mut form = to(browser.get(NEW).await.form("#mapping"), &page);
            for (name, value) in change {
                form = form.set(name, value);
            }
            assert_eq!(browser.submit(form).await.status, StatusCode::NOT_FOUND, "{page}");
            let form = to(browser.get(copied.url.as_str()).await.form("#delete"), &format!("{page}delete/"));
            assert_eq!(browser.submit(form).await.status, StatusCode::CONFLICT, "{page}");
        }
    }
}

#[test]
fn name_formats_are_read_as_they_are_written() {
    for (format, key, ..) in NameFormat::ALL {
        assert_eq!((NameFormat::parse(key), format.key()), (Some(format), key));
    }
    assert_eq!(NameFormat::parse("other"), None);
}
