//! A real server and a real WebSocket client, with a session that is a pipe to this test.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the whole file is a test: a failure here is a failed test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{SinkExt, StreamExt};
use stream::{CloseReason, Ending, LaunchTicket, Observer, Outcome, Policy, Timing};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Browser = WebSocketStream<MaybeTlsStream<TcpStream>>;

const OPEN: Policy = Policy { clipboard_up: true, clipboard_down: true, view_only: false };
const CLIENT_HELLO: &[u8] = b"RFB 003.008\n\x01\x01";
const KEY: [u8; 8] = [4, 1, 0, 0, 0, 0, 0, 0x61];
const REQUEST: [u8; 10] = [3, 1, 0, 0, 0, 0, 4, 0, 3, 0];

#[derive(Default)]
struct Counter {
    inputs: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

impl Observer for Counter {
    fn input(&self) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
    }

    fn carried(&self, to_session: u64, to_browser: u64) {
        self.up.fetch_add(to_session, Ordering::Relaxed);
        self.down.fetch_add(to_browser, Ordering::Relaxed);
    }
}

/// Everything that one connection needs, taken by whoever uses up the ticket.
struct Room {
    session: DuplexStream,
    policy: Policy,
    timing: Timing,
    end: oneshot::Receiver<CloseReason>,
    outcome: mpsc::Sender<Outcome>,
}

struct Inn {
    origin: String,
    ticket: LaunchTicket,
    room: Mutex<Option<Room>>,
    counter: Counter,
}

async fn open(State(inn): State<Arc<Inn>>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let consume = async |ticket: LaunchTicket| {
        let mut room = inn.room.lock().await;
        Ok::<_, std::io::Error>(if ticket == inn.ticket { room.take() } else { None })
    };
    match stream::admit(&headers, &inn.origin, consume).await {
        Err(refusal) => refusal.into_response(),
        Ok(room) => {
            let inn = Arc::clone(&inn);
            stream::accept(upgrade, async move |socket| {
                let end = async { room.end.await.unwrap_or(CloseReason::ServiceStopping) };
                let outcome =
                    stream::relay(socket, room.session, room.policy, &inn.counter, room.timing, end).await;
                room.outcome.send(outcome).await.unwrap();
            })
        }
    }
}

/// The service, seen from outside, and the far end of its session.
struct Guest {
    address: String,
    inn: Arc<Inn>,
    session: DuplexStream,
    end: oneshot::Sender<CloseReason>,
    outcome: mpsc::Receiver<Outcome>,
}

impl Guest {
    async fn arrive(policy: Policy, timing: Timing) -> Self {
        let (near, session) = tokio::io::duplex(64 * 1024);
        let (end, ended) = oneshot::channel();
        let (sender, outcome) = mpsc::channel(1);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let room = Room { session: near, policy, timing, end: ended, outcome: sender };
        let inn = Arc::new(Inn {
            origin: format!("http://{address}"),
            ticket: LaunchTicket::from_random([7; 32]),
            room: Mutex::new(Some(room)),
            counter: Counter::default(),
        });
        let router = Router::new().route("/stream", get(open)).with_state(Arc::clone(&inn));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inn, session, end, outcome }
    }

    async fn connect(&self, origin: &str, protocols: &str) -> Result<Browser, Error> {
        let mut request = format!("ws://{}/stream", self.address).into_client_request()?;
        request.headers_mut().insert("origin", origin.parse().unwrap());
        if !protocols.is_empty() {
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        let (browser, response) = connect_async(request).await?;
        let chosen = response.headers().get("sec-websocket-protocol").unwrap();
        assert_eq!(chosen, "binary", "the ticket is not echoed");
        Ok(browser)
    }

    async fn sit_down(&self) -> Browser {
        self.connect(&self.inn.origin, &self.offer()).await.unwrap()
    }

    fn offer(&self) -> String {
        format!("binary, innkeeper.ticket.{}", self.inn.ticket.token())
    }

    async fn outcome(&mut self) -> Outcome {
        tokio::time::timeout(Duration::from_secs(20), self.outcome.recv()).await.unwrap().unwrap()
    }

    async fn session_gets(&mut self, expected: &[u8]) {
        let mut got = vec![0; expected.len()];
        self.session.read_exact(&mut got).await.unwrap();
        assert_eq!(got, expected);
    }
}

async fn status(attempt: Result<Browser, Error>) -> u16 {
    match attempt {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("was not refused: {other:?}"),
    }
}

/// Reads until the connection is closed; answers all bytes and the reason.
async fn read_to_end(browser: &mut Browser) -> (Vec<u8>, Option<(u16, String)>) {
    let mut bytes = Vec::new();
    while let Some(message) = browser.next().await {
        match message {
            Ok(Message::Binary(piece)) => bytes.extend(piece),
            Ok(Message::Close(frame)) => {
                // Sends the answer, as every browser does by itself.
                let _ = browser.flush().await;
                return (bytes, frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    (bytes, None)
}

fn told(reason: CloseReason) -> Option<(u16, String)> {
    Some((reason.code(), reason.name().to_owned()))
}

async fn say(browser: &mut Browser, bytes: &[u8]) {
    browser.send(Message::binary(bytes.to_vec())).await.unwrap();
}

#[tokio::test]
async fn bytes_go_both_ways_and_are_counted() {
    let mut guest = Guest::arrive(OPEN, Timing::default()).await;
    let mut browser = guest.sit_down().await;
    guest.session.write_all(b"RFB 003.008\n").await.unwrap();
    assert_eq!(browser.next().await.unwrap().unwrap().into_data(), &b"RFB 003.008\n"[..]);
    say(&mut browser, CLIENT_HELLO).await;
    say(&mut browser, &[&REQUEST[..], &KEY, &KEY[..3]].concat()).await;
    say(&mut browser, &KEY[3..]).await;
    guest.session_gets(&[CLIENT_HELLO, &REQUEST, &KEY, &KEY].concat()).await;

    drop(guest.session);
    let (_, reason) = read_to_end(&mut browser).await;
    assert_eq!(reason, told(CloseReason::SessionEnded));
    let outcome = guest.outcome.recv().await.unwrap();
    assert_eq!(outcome.ending, Ending::Closed(CloseReason::SessionEnded));
    assert_eq!((outcome.to_session, outcome.to_browser), (40, 12));
    let counter = &guest.inn.counter;
    assert_eq!((counter.up.load(Ordering::Relaxed), counter.down.load(Ordering::Relaxed)), (40, 12));
    assert_eq!(counter.inputs.load(Ordering::Relaxed), 1, "two keys in a moment are told once");
}

#[tokio::test]
async fn what_the_session_sent_last_arrives_before_the_end() {
    let mut guest = Guest::arrive(OPEN, Timing::default()).await;
    let mut browser = guest.sit_down().await;
    guest.session.write_all(&[5; 60_000]).await.unwrap();
    drop(guest.session);
    let (bytes, reason) = read_to_end(&mut browser).await;
    assert_eq!((bytes.len(), reason), (60_000, told(CloseReason::SessionEnded)));
}

#[tokio::test]
async fn a_foreign_page_is_refused_and_does_not_use_up_the_ticket() {
    let guest = Guest::arrive(OPEN, Timing::default()).await;
    for origin in [
        "http://evil.example",
        "null",
        &format!("{}0", guest.inn.origin),
        &format!("https://{}", guest.address),
    ] {
        assert_eq!(status(guest.connect(origin, &guest.offer()).await).await, 403, "{origin}");
    }
    guest.sit_down().await;
}

#[tokio::test]
async fn without_a_ticket_there_is_no_way_in() {
    let guest = Guest::arrive(OPEN, Timing::default()).await;
    let other = LaunchTicket::from_random([8; 32]).token();
    let forged = format!("binary, innkeeper.ticket.{other}");
    for protocols in ["binary", "binary, innkeeper.ticket.", &forged] {
        assert_eq!(status(guest.connect(&guest.inn.origin, protocols).await).await, 403, "{protocols}");
    }
}

#[tokio::test]
async fn a_ticket_opens_one_connection() {
    let guest = Guest::arrive(OPEN, Timing::default()).await;
    let offer = guest.offer();
    let (one, other) =
        tokio::join!(guest.connect(&guest.inn.origin, &offer), guest.connect(&guest.inn.origin, &offer));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    assert_eq!(status(guest.connect(&guest.inn.origin, &offer).await).await, 403);
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_the_connection_and_never_arrives() {
    let text = Message::text("RFB 003.008\n");
    let unknown = Message::binary([CLIENT_HELLO, &[77]].concat());
    let tunnel = Message::binary(&b"GET / HTTP/1.1\r\n\r\n"[..]);
    for hostile in [text, unknown, tunnel] {
        let mut guest = Guest::arrive(OPEN, Timing::default()).await;
        let mut browser = guest.sit_down().await;
        browser.send(hostile.clone()).await.unwrap();
        assert_eq!(read_to_end(&mut browser).await.1, told(CloseReason::Malformed), "{hostile:?}");
        assert_eq!(guest.outcome().await.ending, Ending::Closed(CloseReason::Malformed));
        let mut arrived = Vec::new();
        guest.session.read_to_end(&mut arrived).await.unwrap();
        assert!(arrived.is_empty(), "{hostile:?}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_connection() {
    let mut guest = Guest::arrive(OPEN, Timing::default()).await;
    let mut browser = guest.sit_down().await;
    // The server may hang up while this is still being sent.
    let _ = browser.send(Message::binary(vec![0; stream::MAX_MESSAGE + 1])).await;
    assert_eq!(guest.outcome().await.to_session, 0);
}

#[tokio::test]
async fn the_clipboard_is_refused_each_way() {
    let closed = Policy { clipboard_up: false, clipboard_down: false, view_only: false };
    let mut guest = Guest::arrive(closed, Timing::default()).await;
    let mut browser = guest.sit_down().await;
    let format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
    let hello = [&b"RFB 003.008\n\x01\x01\0\0\0\0\x04\0\x03\0"[..], &format, &[0, 0, 0, 1], b"i"].concat();
    let (cut, bell) = (b"\x03\0\0\0\0\0\0\x06secret", [2]);
    guest.session.write_all(&[&hello[..], cut, &bell].concat()).await.unwrap();
    say(&mut browser, &[CLIENT_HELLO, b"\x06\0\0\0\0\0\0\x06secret", &KEY].concat()).await;
    guest.session_gets(&[CLIENT_HELLO, &KEY].concat()).await;
    drop(guest.session);
    assert_eq!(read_to_end(&mut browser).await.0, [&hello[..], &bell].concat());
}

#[tokio::test]
async fn the_caller_ends_it_with_a_reason() {
    for reason in [CloseReason::TimeLimit, CloseReason::SignedOut] {
        let mut guest = Guest::arrive(OPEN, Timing::default()).await;
        let mut browser = guest.sit_down().await;
        guest.session.write_all(b"RFB 003.008\n").await.unwrap();
        browser.next().await.unwrap().unwrap();
        guest.end.send(reason).unwrap();
        assert_eq!(read_to_end(&mut browser).await.1, told(reason));
        assert_eq!(guest.outcome.recv().await.unwrap().ending, Ending::Closed(reason));
        assert_eq!(guest.session.read(&mut [0; 1]).await.unwrap(), 0, "the session's side is closed");
    }
}

#[tokio::test]
async fn a_browser_that_leaves_is_no_failure() {
    let mut guest = Guest::arrive(OPEN, Timing::default()).await;
    let mut browser = guest.sit_down().await;
    browser.close(None).await.unwrap();
    assert_eq!(guest.outcome().await.ending, Ending::BrowserLeft);
    assert_eq!(guest.session.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_browser_that_does_not_read_stops_the_session_from_being_read() {
    let mut guest = Guest::arrive(OPEN, Timing::default()).await;
    let mut browser = guest.sit_down().await;
    // Write until nothing moves any more: what fits is what the kernel and the pipe hold, not what memory holds.
    let mut written = 0;
    while let Ok(result) =
        tokio::time::timeout(Duration::from_millis(400), guest.session.write(&[9; 65_536])).await
    {
        written += result.unwrap();
        assert!(written < 64 << 20, "somebody queues without end");
    }
    // And once the browser reads again, all of it arrives.
    drop(guest.session);
    let (bytes, reason) = read_to_end(&mut browser).await;
    assert_eq!((bytes.len(), reason), (written, told(CloseReason::SessionEnded)));
}

#[tokio::test]
async fn a_session_that_does_not_read_stops_the_browser_from_being_read() {
    let timing = Timing { silence_limit: Duration::from_millis(600), ..Timing::default() };
    let mut guest = Guest::arrive(OPEN, timing).await;
    let mut browser = guest.sit_down().await;
    say(&mut browser, CLIENT_HELLO).await;
    let keys = KEY.repeat(8_000);
    let mut sent: u64 = 0;
    while let Ok(Ok(())) =
        tokio::time::timeout(Duration::from_millis(200), browser.send(Message::binary(keys.clone()))).await
    {
        sent += keys.len() as u64;
        assert!(sent < 64 << 20, "somebody queues without end");
    }
    let outcome = guest.outcome().await;
    assert_eq!(
        outcome.ending,
        Ending::Closed(CloseReason::SessionUnreachable),
        "and a stuck session is noticed"
    );
    assert!(outcome.to_session < sent);
}

#[tokio::test]
async fn pings_keep_a_silent_browser_and_find_a_dead_one() {
    let timing = Timing {
        ping_every: Duration::from_millis(100),
        silence_limit: Duration::from_millis(500),
        farewell: Duration::from_millis(100),
        ..Timing::default()
    };
    let mut guest = Guest::arrive(OPEN, timing).await;
    let mut browser = guest.sit_down().await;
    // Reading answers the pings, as every browser does by itself.
    let mut pings = 0;
    let _ = tokio::time::timeout(Duration::from_millis(1200), async {
        while let Some(Ok(message)) = browser.next().await {
            pings += usize::from(message.is_ping());
        }
    })
    .await;
    assert!(pings >= 5, "{pings} pings in 1.2 s");
    assert!(guest.outcome.try_recv().is_err(), "a browser that answers is alive");
    // From here on it answers nothing.
    assert_eq!(guest.outcome().await.ending, Ending::Closed(CloseReason::PeerLost));
}
