//! Launching, resuming, deleting, and what stands in the way.

use std::time::Duration;

use ::store::both_databases;
use ::store::testing::TestDatabase;
use runtime::Kind;
use testkit::Browser;

use super::{csrf, delete, disable};
use crate::sessions::testing::{FakeDriver, launch, launch_and_wait, link_to, open, until, until_state};
use crate::testing::{House, ORIGIN};

/// The newest events: what was decided, and about what.
async fn events(house: &House) -> Vec<(String, String)> {
    let mut conn = house.store.read().await.unwrap();
    let events = house.workspaces.app().events.newest(&mut conn, 50).await.unwrap();
    events.into_iter().map(|event| (event.action, event.subject)).collect()
}

both_databases! {
    async fn a_workspace_is_launched_resumed_and_deleted(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;

        let id = launch_and_wait(&mut browser, "Desktop").await;
        let spec = driver.rooms().specs[0].clone();
        assert_eq!((spec.id, spec.kind, spec.memory), (id.clone(), Kind::Desktop, 1 << 30));
        assert_eq!((spec.deadline, spec.cpu_shares), (Duration::from_hours(8), 1024));

        let page = browser.get(&format!("{ORIGIN}/session/{id}")).await;
        assert!(page.body.contains(&format!("data-session=\"{id}\"")), "{}", page.body);
        assert!(page.body.contains("data-name=\"Desktop\""), "{}", page.body);
        let terminal = launch_and_wait(&mut browser, "Terminal").await;

        let dashboard = browser.get(&format!("{ORIGIN}/")).await;
        assert!(dashboard.body.contains(&format!("href=\"/session/{id}\"")), "{}", dashboard.body);
        assert!(dashboard.body.contains(&format!("href=\"/session/{terminal}\"")), "{}", dashboard.body);

        let after = delete(&mut browser, &id).await;
        assert_eq!(after.texts("[role=status]"), ["The session Desktop was deleted."]);
        assert!(!after.body.contains(&format!("href=\"/session/{id}\"")), "{}", after.body);
        assert_eq!(driver.rooms().stopped, [id.as_str()]);
        assert_eq!(until_state(&mut browser, &id, "ended").await, "You deleted this session.");
        assert!(driver.runs(&terminal));

        let token = csrf(&mut browser).await;
        let again = browser.post_form(&format!("{ORIGIN}/session/{id}/delete"), &[("csrf", &token)]).await;
        assert!(again.status.is_success(), "{}", again.body);
        assert_eq!(driver.rooms().stopped.len(), 1, "deleting twice is deleting once");

        let events = events(&house).await;
        for expected in [("session_requested", "Terminal"), ("session_deleted", "Desktop")] {
            let expected = (expected.0.to_owned(), expected.1.to_owned());
            assert!(events.contains(&expected), "{events:?}");
        }
    }

    async fn another_persons_session_is_not_there(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        let mut bob = house.person(&mut administrator, "bob").await;
        let id = launch_and_wait(&mut ann, "Desktop").await;

        // An administrator ends sessions, but does not look into them.
        for browser in [&mut bob, &mut administrator] {
            let token = csrf(browser).await;
            for path in [format!("/session/{id}"), format!("/api/sessions/{id}/status")] {
                assert_eq!(browser.get(&format!("{ORIGIN}{path}")).await.status, 404, "{path}");
            }
            for path in [format!("/session/{id}/delete"), format!("/api/sessions/{id}/ticket")] {
                let reply = browser.post_form(&format!("{ORIGIN}{path}"), &[("csrf", &token)]).await;
                assert_eq!(reply.status, 404, "{path}");
            }
            assert!(!browser.get(&format!("{ORIGIN}/")).await.body.contains(&id));
        }
        assert!(driver.runs(&id));
    }

    async fn a_person_has_as_many_sessions_as_are_allowed(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        for _ in 0..2 {
            launch_and_wait(&mut browser, "Desktop").await;
        }
        // Two tabs click at the same moment; there is room for one.
        let page = browser.get(&format!("{ORIGIN}/")).await;
        let form = page.form("form:has(button[aria-label='Launch Terminal'])");
        let (mut one, mut other): (Browser, Browser) = (browser.clone(), browser.clone());
        let (one, other) = tokio::join!(one.submit(form.clone()), other.submit(form));
        let refused = if one.status.is_success() { &other } else { &one };
        assert_eq!(one.status.is_success(), !other.status.is_success(), "{} {}", one.status, other.status);
        assert_eq!(refused.status, 409);
        let sentence = "You have 3 sessions, which is as many as one person may have at a time. Delete one that you \
                        no longer need, then launch again.";
        assert_eq!(refused.texts("[role=alert]"), [sentence]);

        let dashboard = browser.get(&format!("{ORIGIN}/")).await;
        let id = dashboard.form("form[action^='/session/']").action.path().split('/').nth(2).unwrap().to_owned();
        delete(&mut browser, &id).await;
        launch_and_wait(&mut browser, "Terminal").await;
    }

    async fn a_full_machine_says_so(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        driver.rooms().max_sessions = 1;
        launch_and_wait(&mut browser, "Desktop").await;
        let page = browser.get(&format!("{ORIGIN}/")).await;
        let reply = browser.submit(page.form("form:has(button[aria-label='Launch Desktop'])")).await;
        assert_eq!(reply.status, 503);
        let sentence = "There is no room on this machine: 1 of 1 sessions are running. Delete a session that you no \
                        longer need, try again in a while, or ask your administrator for more room.";
        assert_eq!(reply.texts("[role=alert]"), [sentence]);
        assert_eq!(driver.rooms().specs.len(), 1);
    }

    async fn a_start_that_fails_is_told_in_a_sentence(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        driver.rooms().refuse_start = Some("there is no program of that name".into());
        let id = launch(&mut browser, "Terminal").await;
        let sentence = until_state(&mut browser, &id, "ended").await;
        assert_eq!(
            sentence,
            "This workspace can't be started as it is defined: there is no program of that name"
        );
        let dashboard = browser.get(&format!("{ORIGIN}/")).await;
        assert!(!dashboard.body.contains("Your sessions"), "{}", dashboard.body);
        assert!(events(&house).await.contains(&("session_ended".into(), "Terminal".into())));

        let token = csrf(&mut browser).await;
        let ticket = browser.post_form(&format!("{ORIGIN}/api/sessions/{id}/ticket"), &[("csrf", &token)]).await;
        assert_eq!(ticket.status, 410);
    }

    async fn a_session_may_be_deleted_while_it_starts(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        driver.gate(false);
        let id = launch(&mut browser, "Desktop").await;
        until("the driver is asked", || !driver.rooms().specs.is_empty()).await;
        assert_eq!(until_state(&mut browser, &id, "starting").await, "Your session is starting.");
        delete(&mut browser, &id).await;
        assert_eq!(until_state(&mut browser, &id, "ended").await, "You deleted this session.");

        driver.gate(true);
        until("what started after all is stopped", || driver.rooms().stopped == [id.as_str()]).await;
        assert!(!driver.runs(&id));
        assert_eq!(until_state(&mut browser, &id, "ended").await, "You deleted this session.");
    }

    async fn a_closed_account_loses_its_sessions_at_once(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        let mut bob = house.person(&mut administrator, "bob").await;
        let page = ann.get(&format!("{ORIGIN}/")).await;
        let of_ann = [launch_and_wait(&mut ann, "Desktop").await, launch_and_wait(&mut ann, "Terminal").await];
        let of_bob = launch_and_wait(&mut bob, "Terminal").await;

        disable(&mut administrator, "ann").await;
        assert!(of_ann.iter().all(|id| !driver.runs(id)), "{:?}", driver.rooms().stopped);
        assert!(driver.runs(&of_bob));
        let reply = ann.submit(page.form("form:has(button[aria-label='Launch Desktop'])")).await;
        assert_eq!(reply.status, 401);

        let list = administrator.get(&format!("{ORIGIN}/admin/access/users")).await;
        let page = administrator.get(&link_to(&list, "bob")).await;
        administrator.submit(page.form("form[action$='/delete']")).await;
        assert!(!driver.runs(&of_bob), "the account was deleted");
    }

    async fn only_what_ones_groups_have_can_be_launched(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        let page = ann.get(&format!("{ORIGIN}/")).await;
        let form = page.form("form:has(button[aria-label='Launch Desktop'])");

        let list = administrator.get(&format!("{ORIGIN}/admin/workspaces/")).await;
        let desktop = link_to(&list, "Desktop");
        let edit = administrator.get(&desktop).await;
        administrator.submit(edit.form("form.form").untick("groups")).await;
        // The page of before still has the button.
        assert_eq!(ann.submit(form.clone()).await.status, 404);

        let edit = administrator.get(&desktop).await;
        administrator.submit(edit.form("form.form").set("groups", "all-users").untick("enabled")).await;
        assert_eq!(ann.submit(form.clone()).await.status, 404);

        let edit = administrator.get(&desktop).await;
        administrator.submit(edit.form("form.form").set("enabled", "on")).await;
        assert!(ann.submit(form).await.url.path().starts_with("/session/"));
    }

    async fn an_administrator_sees_and_ends_every_session(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        let address = format!("{ORIGIN}/admin/sessions/");
        assert!(administrator.get(&address).await.body.contains("Nobody has a session"));
        let id = launch_and_wait(&mut ann, "Desktop").await;
        house.clock.advance(Duration::from_mins(7));

        let list = administrator.get(&address).await;
        assert_eq!(list.texts("tbody th"), ["ann"]);
        let cells = list.texts("tbody td");
        assert_eq!(cells, ["Desktop", "Running", "7 min ago", "7 min ago", "in 7 h 53 min", "End"]);
        let reply = administrator.submit(list.form(&format!("form[action='/admin/sessions/{id}/end']"))).await;
        assert_eq!(reply.texts("[role=status]"), ["The session Desktop of ann was ended."]);
        assert!(!driver.runs(&id));
        let sentence = until_state(&mut ann, &id, "ended").await;
        assert_eq!(sentence, "An administrator ended this session.");

        let form = list.form(&format!("form[action='/admin/sessions/{id}/end']"));
        assert_eq!(ann.get(&address).await.status, 403);
        let token = csrf(&mut ann).await;
        let refused = ann.post_form(form.action.as_str(), &[("csrf", &token)]).await;
        assert_eq!(refused.status, 403);
    }
}
