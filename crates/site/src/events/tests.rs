//! Events on both databases.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use store::Timestamp;
use store::testing::TestDatabase;
use url::Url;

use super::{Event, Events, KEPT};
use crate::visitor::{ClientAddr, TraceId};
use crate::{Product, Site, SiteSetup, browser_sessions};

fn at(moment: Timestamp, product: Product, seed: u64) -> Site {
    Site::new(SiteSetup {
        product,
        public_url: Url::parse("https://auth.example.com").unwrap(),
        key: [7; 32],
        trusted_proxies: Vec::new(),
        clock: Arc::new(testkit::FakeClock::at(moment)),
        random: Arc::new(testkit::SeededRandom::new(seed)),
    })
}

async fn note(site: &Site, store: &store::Store, action: &str) {
    let trace = TraceId::new(site);
    let client_addr = ClientAddr(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let event = Event { action, actor: "ada", subject: "", client_addr, trace: &trace };
    Events::start(site.clone(), store).record(event, &()).await.unwrap();
}

async fn actions(site: &Site, store: &store::Store) -> Vec<String> {
    let mut conn = store.read().await.unwrap();
    let newest = Events::start(site.clone(), store).newest(&mut conn, 10).await.unwrap();
    newest.into_iter().map(|event| event.action).collect()
}

store::both_databases! {
    async fn a_sweep_removes_the_events_of_more_than_a_year_ago(db: TestDatabase) {
        let store = db.store(&[crate::MIGRATIONS]).await;
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let horizon = now.minus(KEPT);
        for (product, seed) in [(Product::Identity, 10), (Product::Workspaces, 20)] {
            let older = horizon.minus(Duration::from_secs(1));
            note(&at(older, product, seed), &store, "forgotten").await;
            note(&at(horizon, product, seed + 1), &store, "kept").await;
            note(&at(now, product, seed + 2), &store, "fresh").await;
        }
        let mut tx = store.begin().await.unwrap();
        browser_sessions::sweep(&mut tx, now).await.unwrap();
        tx.commit().await.unwrap();
        for product in Product::ALL {
            assert_eq!(actions(&at(now, product, 30), &store).await, ["fresh", "kept"]);
        }
    }
}
