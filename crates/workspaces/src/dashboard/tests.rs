use store::both_databases;
use store::testing::TestDatabase;
use testkit::Browser;

use crate::sessions::testing::{FakeDriver, launch_and_wait, link_to, open};
use crate::testing::ORIGIN;

const LIST: &str = "http://workspaces.localhost:9000/admin/workspaces/";

async fn define(administrator: &mut Browser, name: &str, category: &str, thumbnail: &str) {
    let page = administrator.get(&format!("{LIST}new/")).await;
    let form = page.form("form.form").set("friendly_name", name).set("category", category);
    let reply = administrator.submit(form.set("thumbnail", thumbnail)).await;
    assert_eq!(reply.url.path(), "/admin/workspaces/", "{}", reply.body);
}

both_databases! {
    async fn an_empty_dashboard_says_what_to_do_next(db: TestDatabase) {
        let house = open(&db, &FakeDriver::new()).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        for name in ["Desktop", "Terminal"] {
            let list = administrator.get(LIST).await;
            let page = administrator.get(&link_to(&list, name)).await;
            administrator.submit(page.form("form[action$='/delete']")).await;
        }
        let page = ann.get(&format!("{ORIGIN}/")).await;
        let sentence = "No workspace is assigned to your groups yet. Ask your administrator for one.";
        assert_eq!(page.texts(".empty p"), [sentence]);
        assert!(!page.body.contains("/admin/"), "{}", page.body);
        let page = administrator.get(&format!("{ORIGIN}/")).await;
        assert!(page.body.contains("<a class=\"btn\" href=\"/admin/workspaces/\">"), "{}", page.body);
    }

    async fn tiles_stand_below_their_category(db: TestDatabase) {
        let house = open(&db, &FakeDriver::new()).await;
        let mut administrator = house.administrator().await;
        for (name, category) in [("Maps", "Travel"), ("Editor", "Office"), ("Trains", "Travel")] {
            define(&mut administrator, name, category, "").await;
        }
        let page = administrator.get(&format!("{ORIGIN}/")).await;
        let expected =
            ["Desktop", "Terminal", "Office", "Editor", "Travel", "Maps", "Trains"].map(str::to_owned);
        assert_eq!(page.texts("h3, h4"), expected);
    }

    async fn pictures_of_other_sites_are_let_in_and_nothing_else(db: TestDatabase) {
        let house = open(&db, &FakeDriver::new()).await;
        let mut administrator = house.administrator().await;
        define(&mut administrator, "Maps", "", "https://pictures.example/map.png").await;
        let policy = async |browser: &mut Browser| {
            let page = browser.get(&format!("{ORIGIN}/")).await;
            page.header("content-security-policy").unwrap().to_owned()
        };
        assert!(policy(&mut administrator).await.contains("img-src 'self' data: https://pictures.example;"));

        // The session keeps the picture that it was launched with.
        launch_and_wait(&mut administrator, "Maps").await;
        let list = administrator.get(LIST).await;
        let page = administrator.get(&link_to(&list, "Maps")).await;
        administrator.submit(page.form("form.form").set("thumbnail", "")).await;
        let page = administrator.get(&format!("{ORIGIN}/")).await;
        assert!(page.body.contains("src=\"https://pictures.example/map.png\""), "{}", page.body);
        assert!(policy(&mut administrator).await.contains("img-src 'self' data: https://pictures.example;"));
    }
}
