use store::both_databases;
use store::testing::TestDatabase;

use crate::sessions::testing::{FakeDriver, launch_and_wait, open};
use crate::testing::ORIGIN;

both_databases! {
    async fn the_overview_counts_and_says_what_happened(db: TestDatabase) {
        let house = open(&db, &FakeDriver::new()).await;
        let mut administrator = house.administrator().await;
        let mut ann = house.person(&mut administrator, "ann").await;
        launch_and_wait(&mut ann, "Terminal").await;

        let page = administrator.get(&format!("{ORIGIN}/admin/")).await;
        assert_eq!(page.texts(".stat-value"), ["1", "2", "2", "0"]);
        assert!(page.body.contains("of 12 that this machine may run"), "{}", page.body);
        assert_eq!(page.texts(".alert a"), ["Set up SAML"], "nobody signs in through an identity provider yet");
        assert!(page.texts("td[data-label=What]").contains(&"Launched a workspace".to_owned()), "{}", page.body);

        assert_eq!(ann.get(&format!("{ORIGIN}/admin/")).await.status, 403);
        let stranger = house.browser().get(&format!("{ORIGIN}/admin/")).await;
        assert_eq!((stranger.url.path(), stranger.url.query()), ("/", Some("next=%2Fadmin%2F")));
    }
}
