//! What the keeper does: limits, and mending the difference between the table and what runs.

use std::time::Duration;

use ::store::both_databases;
use ::store::testing::TestDatabase;
use runtime::EndCause as Cause;

use super::{delete, disable};
use crate::sessions::testing::{FakeDriver, launch, launch_and_wait, open, until, until_state};
use crate::sessions::{EndCause, keeper, launch as launching, store};
use crate::testing::{House, NOON, ORIGIN};

async fn round(house: &House) {
    keeper::keep_once(house.workspaces.app()).await.unwrap();
}

async fn execute(house: &House, sql: &'static str) {
    let mut tx = house.store.begin().await.unwrap();
    sqlx::query(sql).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

both_databases! {
    async fn a_session_ends_at_its_time_limit(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        // Somebody moves the pointer all day long.
        for _ in 0..16 {
            house.clock.advance(Duration::from_secs(30 * 60 - 1));
            let mut tx = house.store.begin().await.unwrap();
            store::active(&mut tx, &id, house.site.now()).await.unwrap();
            tx.commit().await.unwrap();
            round(&house).await;
        }
        assert!(driver.runs(&id));
        house.clock.set(NOON.plus(Duration::from_hours(8)));
        round(&house).await;
        assert!(!driver.runs(&id));
        // The sign-in lasts for twelve hours.
        assert_eq!(until_state(&mut browser, &id, "ended").await, "This session reached its time limit.");
    }

    async fn a_session_that_nobody_uses_ends(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let (used, idle) =
            (launch_and_wait(&mut browser, "Desktop").await, launch_and_wait(&mut browser, "Desktop").await);
        house.clock.advance(Duration::from_mins(59));
        let mut tx = house.store.begin().await.unwrap();
        store::active(&mut tx, &used, house.site.now()).await.unwrap();
        tx.commit().await.unwrap();
        round(&house).await;
        assert!(driver.runs(&idle));
        house.clock.advance(Duration::from_mins(1));
        round(&house).await;
        assert!(driver.runs(&used) && !driver.runs(&idle));
        let sentence = until_state(&mut browser, &idle, "ended").await;
        assert_eq!(sentence, "This session ended because it was not used for a while.");
    }

    async fn a_session_that_stopped_by_itself_says_why(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(launch_and_wait(&mut browser, "Desktop").await);
        }
        driver.end(&ids[0], Cause::OutOfMemory);
        driver.end(&ids[1], Cause::Deadline);
        driver.vanish(&ids[2]);
        round(&house).await;
        let sentences = [Cause::OutOfMemory.to_string(), "This session reached its time limit.".into(), Cause::Unknown.to_string()];
        for (id, sentence) in ids.iter().zip(sentences) {
            assert_eq!(until_state(&mut browser, id, "ended").await, sentence);
            assert!(driver.rooms().stopped.contains(id), "its remains are cleared away");
        }

        // Whoever asks hears it before the next round.
        let id = launch_and_wait(&mut browser, "Desktop").await;
        driver.end(&id, Cause::Closed);
        let status = browser.get(&format!("{ORIGIN}/api/sessions/{id}/status")).await.json();
        assert_eq!((&status["state"], &status["message"]), (&"ended".into(), &Cause::Closed.to_string().into()));
    }

    async fn what_the_list_does_not_show_yet_is_not_lost(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        driver.rooms().list_is_late = true;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        round(&house).await;
        assert!(driver.runs(&id));
        until_state(&mut browser, &id, "running").await;
    }

    async fn what_runs_without_a_row_is_stopped(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        driver.stray("nobodys");
        round(&house).await;
        assert!(!driver.runs("nobodys"));
        assert!(driver.runs(&id));
    }

    async fn a_stop_that_fails_is_tried_again(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        driver.rooms().refuse_stop = true;
        delete(&mut browser, &id).await;
        let list = browser.get(&format!("{ORIGIN}/admin/sessions/")).await;
        assert!(list.texts("tbody td").contains(&"Stopping".to_owned()), "{}", list.body);
        round(&house).await;
        assert!(driver.runs(&id));
        driver.rooms().refuse_stop = false;
        round(&house).await;
        assert!(!driver.runs(&id));
        assert_eq!(until_state(&mut browser, &id, "ended").await, "You deleted this session.");
        let list = browser.get(&format!("{ORIGIN}/admin/sessions/")).await;
        assert!(list.body.contains("Nobody has a session"), "{}", list.body);
    }

    async fn a_restart_finds_sessions_again_and_goes_on_starting(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let running = launch_and_wait(&mut browser, "Desktop").await;
        let stopping = launch_and_wait(&mut browser, "Desktop").await;
        driver.gate(false);
        let starting = launch(&mut browser, "Terminal").await;
        until("the driver is asked", || driver.rooms().specs.len() == 3).await;
        // Somebody deleted one, and the service was killed before it could stop it.
        let mut tx = house.store.begin().await.unwrap();
        store::begin_end(&mut tx, &stopping, &EndCause::Deleted).await.unwrap();
        tx.commit().await.unwrap();
        house.workspaces.close().await;

        driver.rooms().specs.clear();
        let house = open(&db, &driver).await;
        // The cookie is as good as it was.
        browser = browser.mount(ORIGIN, house.workspaces.router());
        until("the start is asked for again", || driver.rooms().specs.len() == 1).await;
        assert_eq!(driver.rooms().specs[0].id, starting);
        driver.gate(true);
        until_state(&mut browser, &starting, "running").await;
        until_state(&mut browser, &running, "running").await;
        round(&house).await;
        assert!(driver.runs(&running) && driver.runs(&starting) && !driver.runs(&stopping));
        assert_eq!(until_state(&mut browser, &stopping, "ended").await, "You deleted this session.");
    }

    async fn a_start_that_nobody_works_on_is_given_up(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        // As if its task had died before it wrote down what became of it.
        driver.vanish(&id);
        execute(&house, "UPDATE workspaces_sessions SET state = 'starting', handle = NULL").await;
        house.clock.advance(Duration::from_secs(119));
        round(&house).await;
        until_state(&mut browser, &id, "starting").await;
        house.clock.advance(Duration::from_secs(1));
        round(&house).await;
        let sentence = "The session could not be started in time. Launch it again from the dashboard.";
        assert_eq!(until_state(&mut browser, &id, "ended").await, sentence);

        // The other way round: it runs, but the table has not heard of it.
        let id = launch_and_wait(&mut browser, "Desktop").await;
        execute(&house, "UPDATE workspaces_sessions SET state = 'starting', handle = NULL WHERE state = 'running'").await;
        house.clock.advance(Duration::from_mins(2));
        round(&house).await;
        until_state(&mut browser, &id, "running").await;
        assert!(driver.runs(&id));
    }

    async fn sessions_of_closed_accounts_are_ended_even_after_a_crash(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut administrator = house.administrator().await;
        let (mut ann, mut bob) =
            (house.person(&mut administrator, "ann").await, house.person(&mut administrator, "bob").await);
        let of_ann = launch_and_wait(&mut ann, "Desktop").await;
        let of_bob = launch_and_wait(&mut bob, "Desktop").await;
        // The change was committed, and then the power went.
        execute(&house, "UPDATE workspaces_users SET disabled = 1 WHERE username = 'ann'").await;
        execute(&house, "DELETE FROM workspaces_users WHERE username = 'bob'").await;
        round(&house).await;
        assert!(!driver.runs(&of_ann) && !driver.runs(&of_bob));
        let session = store::find(&mut house.store.read().await.unwrap(), &of_bob).await.unwrap().unwrap();
        assert_eq!(session.state, crate::sessions::State::Ended(EndCause::AccountClosed));
    }

    async fn the_first_cause_of_an_end_is_the_one_that_is_told(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        let app = house.workspaces.app();
        let mut tx = house.store.begin().await.unwrap();
        assert!(store::begin_end(&mut tx, &id, &EndCause::Deleted).await.unwrap());
        assert!(!store::begin_end(&mut tx, &id, &EndCause::TimeLimit).await.unwrap());
        tx.commit().await.unwrap();
        // The keeper saw the desktop stop, too.
        launching::conclude(app, &id, &EndCause::Driver("The desktop stopped.".into())).await.unwrap();
        launching::conclude(app, &id, &EndCause::TimeLimit).await.unwrap();
        assert_eq!(until_state(&mut browser, &id, "ended").await, "You deleted this session.");
    }

    async fn ended_sessions_are_forgotten_after_a_while(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        let id = launch_and_wait(&mut ann, "Desktop").await;
        disable(&mut administrator, "ann").await;
        house.clock.advance(Duration::from_hours(24 * 30));
        round(&house).await;
        let find = async || store::find(&mut house.store.read().await.unwrap(), &id).await.unwrap();
        assert!(find().await.is_some());
        house.clock.advance(Duration::from_secs(1));
        round(&house).await;
        assert!(find().await.is_none());
    }
}
