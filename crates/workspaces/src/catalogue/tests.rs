use std::time::Duration;

use ::store::both_databases;
use ::store::testing::TestDatabase;
use runtime::Kind;
use site::FieldErrors;
use testkit::{Browser, Form, Reply};

use super::form::DefinitionForm;
use super::{Program, Thumbnail};
use crate::sessions::testing::{FakeDriver, launch_and_wait, link_to, open};
use crate::testing::{House, ORIGIN};

const LIST: &str = "http://workspaces.localhost:9000/admin/workspaces/";

fn filled() -> DefinitionForm {
    DefinitionForm { friendly_name: "Maps".into(), ..DefinitionForm::fresh() }
}

#[test]
fn a_form_says_what_is_wrong_beside_each_field() {
    assert!(filled().parse().is_ok());
    type Change = fn(&mut DefinitionForm);
    let wrong: &[(&str, Change)] = &[
        ("friendly_name", |form| form.friendly_name = "  ".into()),
        ("friendly_name", |form| form.friendly_name = "x".repeat(81)),
        ("thumbnail", |form| form.thumbnail = "javascript:alert(1)".into()),
        ("program", |form| form.program = "unknown".into()),
        ("command", |form| form.program = "command".into()),
        ("command", |form| (form.program, form.command) = ("command".into(), "sh -c 'ls'".into())),
        ("cores", |form| form.cores = "none".into()),
        ("cores", |form| form.cores = "0.05".into()),
        ("cores", |form| form.cores = "1.234".into()),
        ("cores", |form| form.cores = "99999999999".into()),
        ("cores", |form| form.cores = "-1".into()),
        ("memory_mb", |form| form.memory_mb = "63".into()),
        ("memory_mb", |form| form.memory_mb = "18446744073709551615".into()),
        ("session_time_limit_minutes", |form| form.session_time_limit_minutes = "0".into()),
        ("idle_limit_minutes", |form| form.idle_limit_minutes = String::new()),
    ];
    for (field, change) in wrong {
        let mut form = filled();
        change(&mut form);
        let errors: FieldErrors = form.parse().unwrap_err();
        assert!(errors.on(field).is_some(), "{field}: {form:?}");
        assert_eq!(errors.iter().count(), 1, "{form:?}");
    }
}

#[test]
fn a_form_reads_back_what_it_says() {
    let form = DefinitionForm {
        description: "The world".into(),
        thumbnail: "https://pictures.example/map.png".into(),
        category: "Travel".into(),
        program: "command".into(),
        command: " maps  --full ".into(),
        cores: "1.5".into(),
        memory_mb: "512".into(),
        session_time_limit_minutes: "90".into(),
        idle_limit_minutes: "15".into(),
        enabled: None,
        ..filled()
    };
    let details = form.parse().unwrap();
    assert_eq!(details.program, Program::Command(vec!["maps".into(), "--full".into()]));
    assert_eq!((details.centicores, details.memory_bytes), (150, 512 << 20));
    assert_eq!(
        (details.session_time_limit, details.idle_limit),
        (Duration::from_mins(90), Duration::from_mins(15))
    );
    assert!(!details.enabled);
    let again = DefinitionForm::of(&details, Vec::new()).parse().unwrap();
    assert_eq!(again, details);
}

#[test]
fn a_stored_picture_that_is_none_any_more_becomes_ours() {
    assert_eq!(Thumbnail::stored("gone.svg"), Thumbnail::Own("workspace-desktop.svg"));
    let ours = Thumbnail::stored("workspace-terminal.svg");
    assert_eq!(ours, Thumbnail::Own("workspace-terminal.svg"));
    assert!(ours.src().contains("workspace-terminal"), "{}", ours.src());
}

/// Whether a person's dashboard offers a workspace.
async fn offered(browser: &mut Browser, name: &str) -> bool {
    browser.get(&format!("{ORIGIN}/")).await.body.contains(&format!("aria-label=\"Launch {name}\""))
}

async fn edit(administrator: &mut Browser, name: &str, change: impl FnOnce(Form) -> Form) -> Reply {
    let list = administrator.get(LIST).await;
    let page = administrator.get(&link_to(&list, name)).await;
    administrator.submit(change(page.form("form.form"))).await
}

async fn ready(db: &TestDatabase) -> (House, FakeDriver, Browser) {
    let driver = FakeDriver::new();
    let house = open(db, &driver).await;
    let administrator = house.administrator().await;
    (house, driver, administrator)
}

both_databases! {
    async fn a_workspace_is_added_changed_and_deleted(db: TestDatabase) {
        let (house, driver, mut administrator) = ready(&db).await;
        let mut ann = house.person(&mut administrator, "ann").await;

        let page = administrator.get(&format!("{LIST}new/")).await;
        let form = page.form("form.form").set("friendly_name", "").set("memory_mb", "much");
        let refused = administrator.submit(form).await;
        assert_eq!(refused.status, 422);
        assert_eq!(refused.texts("#friendly_name-error"), ["Fill this in."]);
        assert_eq!(refused.texts("#memory_mb-error"), ["Enter a whole number from 64 to 1048576."]);
        // What was typed is still there.
        assert_eq!(refused.form("form.form").value("memory_mb"), Some("much"));

        let form = refused
            .form("form.form")
            .set("friendly_name", "Maps <i>")
            .set("memory_mb", "256")
            .set("cores", "0.5")
            .set("program", "command")
            .set("command", "xterm -e top");
        let added = administrator.submit(form).await;
        assert_eq!(added.texts("[role=status]"), ["The workspace Maps <i> was added."]);
        assert!(!added.body.contains("<i>"), "names are text");
        let id = launch_and_wait(&mut ann, "Maps <i>").await;
        let spec = driver.rooms().specs[0].clone();
        let argv = ["xterm", "-e", "top"].map(str::to_owned).to_vec();
        assert_eq!((spec.kind, spec.memory, spec.cpu_shares), (Kind::Program { argv }, 256 << 20, 512));

        // A session keeps its name and is in the way of deleting.
        edit(&mut administrator, "Maps &#60;i&#62;", |form| form.set("friendly_name", "Charts")).await;
        assert!(ann.get(&format!("{ORIGIN}/session/{id}")).await.body.contains("data-name=\"Maps"));
        let list = administrator.get(LIST).await;
        let page = administrator.get(&link_to(&list, "Charts")).await;
        let delete = page.form("form[action$='/delete']");
        let in_use = administrator.submit(delete.clone()).await;
        assert_eq!(in_use.status, 409);
        let sentence = "Charts has 1 running sessions. End them first, or disable the workspace.";
        assert_eq!(in_use.texts("[role=alert]"), [sentence]);

        let dashboard = ann.get(&format!("{ORIGIN}/")).await;
        ann.submit(dashboard.form(&format!("form[action='/session/{id}/delete']"))).await;
        let deleted = administrator.submit(delete.clone()).await;
        assert_eq!(deleted.texts("[role=status]"), ["The workspace Charts was deleted."]);
        assert!(!offered(&mut ann, "Charts").await);
        assert_eq!(administrator.submit(delete).await.status, 404);
    }

    async fn groups_decide_who_sees_a_workspace(db: TestDatabase) {
        let (house, _driver, mut administrator) = ready(&db).await;
        let mut ann = house.person(&mut administrator, "ann").await;
        assert!(offered(&mut ann, "Desktop").await && offered(&mut ann, "Terminal").await);

        edit(&mut administrator, "Desktop", |form| form.untick("groups").set("groups", "administrators")).await;
        assert!(!offered(&mut ann, "Desktop").await);
        assert!(offered(&mut administrator, "Desktop").await);
        assert!(offered(&mut ann, "Terminal").await);

        edit(&mut administrator, "Terminal", |form| form.untick("enabled")).await;
        assert!(!offered(&mut ann, "Terminal").await && !offered(&mut administrator, "Terminal").await);
        let list = administrator.get(LIST).await;
        assert!(list.texts("td[data-label=State]").contains(&"Disabled".to_owned()), "{}", list.body);
    }

    async fn samples_appear_once(db: TestDatabase) {
        let (house, driver, mut administrator) = ready(&db).await;
        let list = administrator.get(LIST).await;
        assert_eq!(list.texts("tbody th"), ["Desktop", "Terminal"]);
        let page = administrator.get(&link_to(&list, "Terminal")).await;
        administrator.submit(page.form("form[action$='/delete']")).await;
        house.workspaces.close().await;
        let house = open(&db, &driver).await;
        let mut administrator = administrator.mount(ORIGIN, house.workspaces.router());
        assert_eq!(administrator.get(LIST).await.texts("tbody th"), ["Desktop"]);
    }

    async fn only_administrators_define_workspaces(db: TestDatabase) {
        let (house, _driver, mut administrator) = ready(&db).await;
        let mut ann = house.person(&mut administrator, "ann").await;
        let list = administrator.get(LIST).await;
        let desktop = format!("{ORIGIN}{}", link_to(&list, "Desktop"));
        let page = ann.get(&format!("{ORIGIN}/")).await;
        let token = page.form("form").value("csrf").unwrap().to_owned();
        for address in [LIST.to_owned(), format!("{LIST}new/"), desktop.clone()] {
            assert_eq!(ann.get(&address).await.status, 403, "{address}");
        }
        for address in [format!("{LIST}new/"), desktop.clone(), format!("{desktop}delete")] {
            let reply = ann.post_form(&address, &[("csrf", &token), ("friendly_name", "Mine")]).await;
            assert_eq!(reply.status, 403, "{address}");
            assert_eq!(administrator.post_form(&address, &[]).await.status, 403, "{address} without CSRF token");
        }
        assert_eq!(administrator.get(LIST).await.texts("tbody th"), ["Desktop", "Terminal"]);
    }
}
