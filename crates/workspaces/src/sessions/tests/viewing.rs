//! Tickets, and the WebSocket that carries a session to a browser.

use std::net::SocketAddr;
use std::time::Duration;

use ::store::both_databases;
use ::store::testing::TestDatabase;
use axum::http::StatusCode;
use futures_util::{SinkExt as _, StreamExt as _};
use testkit::{Browser, Request};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{csrf, delete, disable};
use crate::sessions::testing::{FakeDriver, launch, launch_and_wait, open, until, until_state};
use crate::sessions::{keeper, store};
use crate::testing::{House, ORIGIN};

/// The product behind a real socket.
struct Served {
    house: House,
    driver: FakeDriver,
    addr: SocketAddr,
}

impl Served {
    async fn open(db: &TestDatabase) -> Self {
        let driver = FakeDriver::new();
        let house = open(db, &driver).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = house.workspaces.router().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { house, driver, addr }
    }

    /// Opens the WebSocket as a page would; `Err` with the status if it is refused.
    async fn connect(&self, offer: &Offer<'_>) -> Result<Screen, StatusCode> {
        let url = format!("ws://workspaces.localhost:9000/api/sessions/{}/stream", offer.session);
        let mut request = url.into_client_request().unwrap();
        let protocols = match offer.ticket {
            Some(ticket) => format!("binary, innkeeper.ticket.{ticket}"),
            None => "binary".into(),
        };
        let mut set =
            |name: &'static str, value: &str| request.headers_mut().insert(name, value.parse().unwrap());
        set("sec-websocket-protocol", &protocols);
        if let Some(origin) = offer.origin {
            set("origin", origin);
        }
        if let Some(browser) = offer.browser {
            let name = "__Host-innkeeper_workspaces";
            set("cookie", &format!("{name}={}", browser.cookie(ORIGIN, name).unwrap()));
        }
        let stream = TcpStream::connect(self.addr).await.unwrap();
        match client_async(request, stream).await {
            Ok((socket, response)) => {
                assert_eq!(response.headers()["sec-websocket-protocol"], "binary");
                Ok(Screen(socket))
            }
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens the screen of a session of one's own.
    async fn view(&self, browser: &mut Browser, session: &str) -> Screen {
        let ticket = ticket(browser, session).await;
        self.connect(&Offer::new(browser, session, &ticket)).await.unwrap()
    }
}

/// What a page offers when it opens the WebSocket.
#[derive(Clone, Copy)]
struct Offer<'o> {
    browser: Option<&'o Browser>,
    session: &'o str,
    ticket: Option<&'o str>,
    origin: Option<&'o str>,
}

impl<'o> Offer<'o> {
    fn new(browser: &'o Browser, session: &'o str, ticket: &'o str) -> Self {
        Self { browser: Some(browser), session, ticket: Some(ticket), origin: Some(ORIGIN) }
    }
}

struct Screen(WebSocketStream<TcpStream>);

impl Screen {
    async fn send(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            match self.0.next().await.unwrap().unwrap() {
                Message::Binary(piece) => bytes.extend_from_slice(&piece),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(bytes.len(), count);
        bytes
    }

    /// RFC 6143 section 7.1 to 7.3, without authentication; returns the name of the desktop.
    async fn shake_hands(&mut self) -> String {
        assert_eq!(self.read(12).await, b"RFB 003.008\n");
        self.send(b"RFB 003.008\n").await;
        assert_eq!(self.read(2).await, [1, 1]);
        self.send(&[1]).await;
        assert_eq!(self.read(4).await, [0; 4]);
        self.send(&[1]).await;
        let init = self.read(28).await;
        String::from_utf8(init[24..].to_vec()).unwrap()
    }

    /// The code with which the service closes the connection.
    async fn close_code(mut self) -> u16 {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(Message::Binary(_) | Message::Ping(_))) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        waited.await.expect("the connection is closed")
    }
}

/// The request of the page for a ticket.
async fn ticket(browser: &mut Browser, session: &str) -> String {
    let token = csrf(browser).await;
    let name = axum::http::HeaderName::from_static("x-csrf-token");
    let request =
        Request::post_form(&format!("{ORIGIN}/api/sessions/{session}/ticket"), &[]).header(name, &token);
    let reply = browser.send(request).await;
    assert!(reply.status.is_success(), "{}", reply.body);
    let answer = reply.json();
    assert_eq!(answer["path"], format!("/api/sessions/{session}/stream"));
    answer["ticket"].as_str().unwrap().to_owned()
}

async fn last_active(house: &House, id: &str) -> ::store::Timestamp {
    store::find(&mut house.store.read().await.unwrap(), id).await.unwrap().unwrap().last_active_at
}

both_databases! {
    async fn a_screen_reaches_the_browser_and_keys_reach_the_session(db: TestDatabase) {
        let served = Served::open(&db).await;
        let mut browser = served.house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        let mut screen = served.view(&mut browser, &id).await;
        assert_eq!(screen.shake_hands().await, "room");
        // Another tab does not push out the first.
        let mut other = served.view(&mut browser, &id).await;
        assert_eq!(other.shake_hands().await, "room");

        let before = last_active(&served.house, &id).await;
        served.house.clock.advance(Duration::from_mins(5));
        let key = [4, 1, 0, 0, 0, 0, 0, b'a'];
        screen.send(&key).await;
        until("the key arrives", || served.driver.rooms().input == key).await;
        let later = before.plus(Duration::from_mins(5));
        for _ in 0..500 {
            if last_active(&served.house, &id).await == later {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(last_active(&served.house, &id).await, later, "the idle clock was set back");

        delete(&mut browser, &id).await;
        assert_eq!(screen.close_code().await, 4003);
        assert_eq!(other.close_code().await, 4003);
    }

    async fn a_ticket_opens_one_stream_once(db: TestDatabase) {
        let served = Served::open(&db).await;
        let mut administrator = served.house.administrator().await;
        let mut ann = served.house.person(&mut administrator, "ann").await;
        let mut bob = served.house.person(&mut administrator, "bob").await;
        let id = launch_and_wait(&mut ann, "Desktop").await;
        let second = launch_and_wait(&mut ann, "Terminal").await;
        let of_bob = launch_and_wait(&mut bob, "Terminal").await;
        let mut elsewhere = served.house.browser();
        crate::testing::sign_in(&mut elsewhere, "ann", crate::testing::PASSWORD).await;

        let good = ticket(&mut ann, &id).await;
        let fine = Offer::new(&ann, &id, &good);
        let refused = [
            ("no sign-in", Offer { browser: None, ..fine }, StatusCode::UNAUTHORIZED),
            ("no ticket", Offer { ticket: None, ..fine }, StatusCode::FORBIDDEN),
            ("no ticket of ours", Offer { ticket: Some("0"), ..fine }, StatusCode::FORBIDDEN),
            ("no origin", Offer { origin: None, ..fine }, StatusCode::FORBIDDEN),
            ("another origin", Offer { origin: Some("http://evil.localhost:9000"), ..fine }, StatusCode::FORBIDDEN),
            ("another user", Offer { browser: Some(&bob), ..fine }, StatusCode::FORBIDDEN),
            ("another browser of hers", Offer { browser: Some(&elsewhere), ..fine }, StatusCode::FORBIDDEN),
            ("another session of hers", Offer { session: &second, ..fine }, StatusCode::FORBIDDEN),
            ("another's session", Offer { session: &of_bob, ..fine }, StatusCode::FORBIDDEN),
        ];
        for (what, offer, status) in refused {
            assert_eq!(served.connect(&offer).await.err(), Some(status), "{what}");
        }
        // None of that has used it up; the right one does, and of two at once one gets in.
        let (one, other) = tokio::join!(served.connect(&fine), served.connect(&fine));
        assert_eq!([&one, &other].iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(served.connect(&fine).await.err(), Some(StatusCode::FORBIDDEN));

        let late = ticket(&mut ann, &id).await;
        served.house.clock.advance(Duration::from_secs(30));
        assert_eq!(served.connect(&Offer::new(&ann, &id, &late)).await.err(), Some(StatusCode::FORBIDDEN));
    }

    async fn a_ticket_is_given_to_the_owners_page_only(db: TestDatabase) {
        let driver = FakeDriver::new();
        let house = open(&db, &driver).await;
        let mut browser = house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        let address = format!("{ORIGIN}/api/sessions/{id}/ticket");
        assert_eq!(browser.post_form(&address, &[]).await.status, 403, "no CSRF token");
        let token = csrf(&mut browser).await;
        let cross_site = Request::post_form(&address, &[("csrf", &token)]).cross_site();
        assert_eq!(browser.clone().send(cross_site).await.status, 401, "cookies stay at home");
        assert_eq!(house.browser().post_form(&address, &[("csrf", &token)]).await.status, 401);
        ticket(&mut browser, &id).await;
    }

    async fn a_stream_ends_when_its_person_leaves(db: TestDatabase) {
        let served = Served::open(&db).await;
        let mut administrator = served.house.administrator().await;
        let mut ann = served.house.person(&mut administrator, "ann").await;
        let mut bob = served.house.person(&mut administrator, "bob").await;
        let (of_ann, of_bob) =
            (launch_and_wait(&mut ann, "Desktop").await, launch_and_wait(&mut bob, "Desktop").await);
        let screen_of_ann = served.view(&mut ann, &of_ann).await;
        let screen_of_bob = served.view(&mut bob, &of_bob).await;

        let page = ann.get(&format!("{ORIGIN}/")).await;
        ann.submit(page.form("form[action='/signout']")).await;
        assert_eq!(screen_of_ann.close_code().await, 4005);
        assert!(served.driver.runs(&of_ann), "the session waits for her to come back");

        disable(&mut administrator, "bob").await;
        assert_eq!(screen_of_bob.close_code().await, 4006);
    }

    async fn a_stream_ends_with_its_session(db: TestDatabase) {
        let served = Served::open(&db).await;
        let mut browser = served.house.administrator().await;
        let mut screens = Vec::new();
        let mut ids = Vec::new();
        for _ in 0..3 {
            let id = launch_and_wait(&mut browser, "Desktop").await;
            screens.push(served.view(&mut browser, &id).await);
            ids.push(id);
        }
        served.driver.end(&ids[0], runtime::EndCause::Closed);
        assert_eq!(screens.remove(0).close_code().await, 4000);

        let page = browser.get(&format!("{ORIGIN}/admin/sessions/")).await;
        browser.submit(page.form(&format!("form[action='/admin/sessions/{}/end']", ids[1]))).await;
        assert_eq!(screens.remove(0).close_code().await, 4004);

        served.house.clock.advance(Duration::from_hours(1));
        keeper::keep_once(served.house.workspaces.app()).await.unwrap();
        assert_eq!(screens.remove(0).close_code().await, 4002);
    }

    async fn a_stream_that_comes_too_early_or_too_late_is_told_so(db: TestDatabase) {
        let served = Served::open(&db).await;
        let mut browser = served.house.administrator().await;
        served.driver.gate(false);
        let early = launch(&mut browser, "Desktop").await;
        assert_eq!(served.view(&mut browser, &early).await.close_code().await, 4011);
        served.driver.gate(true);
        until_state(&mut browser, &early, "running").await;

        let late = ticket(&mut browser, &early).await;
        delete(&mut browser, &early).await;
        let screen = served.connect(&Offer::new(&browser, &early, &late)).await.unwrap();
        assert_eq!(screen.close_code().await, 4003);
    }

    async fn a_stream_ends_when_the_service_stops(db: TestDatabase) {
        let served = Served::open(&db).await;
        let mut browser = served.house.administrator().await;
        let id = launch_and_wait(&mut browser, "Desktop").await;
        let mut screen = served.view(&mut browser, &id).await;
        screen.shake_hands().await;
        let Served { house, driver, .. } = served;
        house.workspaces.close().await;
        assert_eq!(screen.close_code().await, 4008);
        assert!(driver.runs(&id), "the session runs on");
    }
}
