//! Carries bytes between the browser's WebSocket and the session, in both directions at once.
//!
//! Nothing is queued: a side that does not take its bytes stops the other from being read, down to the TCP window.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, MissedTickBehavior};

use crate::CloseReason;
use crate::rfb::{ClientMessages, PixelSize, Policy, ServerMessages};

/// What is read from the session at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Told of what happens on a connection. Called on the way of the data, so it must not block.
pub trait Observer: Send + Sync {
    /// Somebody used a key, the pointer or the clipboard. Told at most once in [`Timing::input_every`].
    fn input(&self);
    /// So many bytes more went each way.
    fn carried(&self, to_session: u64, to_browser: u64);
}

/// The clockwork of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two pings.
    pub ping_every: Duration,
    /// A browser that sends nothing, not even the answer to a ping, for so long is gone; a session that does not take
    /// a message for so long is stuck.
    pub silence_limit: Duration,
    /// Between two words to [`Observer::input`].
    pub input_every: Duration,
    /// How long the close frame may take.
    pub farewell: Duration,
}

impl Default for Timing {
    /// 20 s, 60 s, 5 s and 2 s.
    fn default() -> Self {
        Self {
            ping_every: Duration::from_secs(20),
            silence_limit: Duration::from_secs(60),
            input_every: Duration::from_secs(5),
            farewell: Duration::from_secs(2),
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The browser left, or its connection broke.
    BrowserLeft,
    /// We closed it.
    Closed(CloseReason),
}

/// What there is to say of a connection that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Bytes that reached the session.
    pub to_session: u64,
    /// Bytes that were handed to the browser's connection.
    pub to_browser: u64,
}

/// Relays until one side ends, or `end` says why it must. The browser is told the reason in the close frame.
///
/// `session` is a connection to the session's RFB server, made for this browser; it is dropped at the end.
pub async fn relay<S, O, E>(
    socket: WebSocket,
    session: S,
    policy: Policy,
    observer: &O,
    timing: Timing,
    end: E,
) -> Outcome
where
    S: AsyncRead + AsyncWrite + Send,
    O: Observer,
    E: Future<Output = CloseReason> + Send,
{
    let (mut to_browser, mut from_browser) = socket.split();
    let (from_session, to_session) = tokio::io::split(session);
    let pixels = PixelSize::default();
    let connection = Connection { observer, timing, life: Mutex::new(Life::new()) };
    let messages = ClientMessages::new(policy, pixels.clone());
    let filter = (!policy.clipboard_down).then(|| ServerMessages::new(pixels));

    let ending = tokio::select! {
        biased;
        reason = end => Ending::Closed(reason),
        ending = connection.up(&mut from_browser, to_session, messages) => ending,
        ending = connection.down(from_session, &mut to_browser, filter) => ending,
        reason = connection.silence() => Ending::Closed(reason),
    };
    if let Ending::Closed(reason) = ending {
        let goodbye = farewell(&mut to_browser, &mut from_browser, reason);
        // A browser that is gone cannot be told; the outcome says what happened.
        let _ = tokio::time::timeout(timing.farewell, goodbye).await;
    }
    let life = connection.life();
    Outcome { ending, to_session: life.to_session, to_browser: life.to_browser }
}

struct Connection<'o, O> {
    observer: &'o O,
    timing: Timing,
    life: Mutex<Life>,
}

/// What the directions of one connection tell each other.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// When the browser was last heard.
    heard: Instant,
    /// Since when the session has not taken a message; the browser is not read in that time.
    stuck_since: Option<Instant>,
    to_session: u64,
    to_browser: u64,
}

impl Life {
    fn new() -> Self {
        Self { heard: Instant::now(), stuck_since: None, to_session: 0, to_browser: 0 }
    }
}

impl<O: Observer> Connection<'_, O> {
    /// From the browser to the session.
    async fn up<S: AsyncWrite>(
        &self,
        from_browser: &mut SplitStream<WebSocket>,
        mut to_session: WriteHalf<S>,
        mut messages: ClientMessages,
    ) -> Ending {
        let mut told: Option<Instant> = None;
        let mut out = Vec::new();
        while let Some(Ok(message)) = from_browser.next().await {
            self.note(|life| life.heard = Instant::now());
            let piece = match message {
                Message::Binary(piece) => piece,
                Message::Text(_) => return Ending::Closed(CloseReason::Malformed),
                Message::Close(_) => return Ending::BrowserLeft,
                Message::Ping(_) | Message::Pong(_) => continue,
            };
            out.clear();
            let seen = match messages.feed(&piece, &mut out) {
                Ok(seen) => seen,
                Err(cause) => {
                    tracing::warn!(%cause, "closing a stream: the browser sent something that is not allowed");
                    return Ending::Closed(CloseReason::Malformed);
                }
            };
            if seen.input && told.is_none_or(|told| told.elapsed() >= self.timing.input_every) {
                told = Some(Instant::now());
                self.observer.input();
            }
            if !out.is_empty() && !self.hand_over(&mut to_session, &out).await {
                return Ending::Closed(CloseReason::SessionEnded);
            }
        }
        Ending::BrowserLeft
    }

    /// Whether the session took it.
    async fn hand_over<S: AsyncWrite>(&self, to_session: &mut WriteHalf<S>, bytes: &[u8]) -> bool {
        self.note(|life| life.stuck_since = Some(Instant::now()));
        let written = async {
            to_session.write_all(bytes).await?;
            to_session.flush().await
        };
        if let Err(cause) = written.await {
            tracing::debug!(%cause, "the session closed its stream");
            return false;
        }
        self.note(|life| {
            life.stuck_since = None;
            life.heard = Instant::now();
            life.to_session += bytes.len() as u64;
        });
        self.observer.carried(bytes.len() as u64, 0);
        true
    }

    /// From the session to the browser, and the pings.
    async fn down<S: AsyncRead>(
        &self,
        mut from_session: ReadHalf<S>,
        to_browser: &mut SplitSink<WebSocket, Message>,
        mut filter: Option<ServerMessages>,
    ) -> Ending {
        let mut pings =
            tokio::time::interval_at(Instant::now() + self.timing.ping_every, self.timing.ping_every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut chunk = vec![0; CHUNK];
        let mut out = Vec::new();
        loop {
            let read = tokio::select! {
                read = from_session.read(&mut chunk) => read,
                _ = pings.tick() => {
                    if to_browser.send(Message::Ping(Bytes::new())).await.is_err() {
                        return Ending::BrowserLeft;
                    }
                    continue;
                }
            };
            let piece = match read {
                Ok(0) => return Ending::Closed(CloseReason::SessionEnded),
                Ok(count) => &chunk[..count],
                Err(cause) => {
                    tracing::warn!(%cause, "closing a stream: the session cannot be read");
                    return Ending::Closed(CloseReason::SessionUnreachable);
                }
            };
            let bytes = match &mut filter {
                None => Bytes::copy_from_slice(piece),
                Some(filter) => {
                    out.clear();
                    if let Err(cause) = filter.feed(piece, &mut out) {
                        tracing::warn!(%cause, "closing a stream: the session sent something unexpected");
                        return Ending::Closed(CloseReason::SessionUnreachable);
                    }
                    Bytes::copy_from_slice(&out)
                }
            };
            if bytes.is_empty() {
                continue;
            }
            let count = bytes.len() as u64;
            if to_browser.send(Message::Binary(bytes)).await.is_err() {
                return Ending::BrowserLeft;
            }
            self.note(|life| life.to_browser += count);
            self.observer.carried(0, count);
        }
    }

    /// Ends when the browser has been silent, or the session stuck, for too long.
    async fn silence(&self) -> CloseReason {
        let limit = self.timing.silence_limit;
        loop {
            let life = self.life();
            let since = life.stuck_since.unwrap_or(life.heard);
            tokio::time::sleep_until(since + limit).await;
            let life = self.life();
            match life.stuck_since {
                Some(stuck) if stuck.elapsed() >= limit => return CloseReason::SessionUnreachable,
                None if life.heard.elapsed() >= limit => return CloseReason::PeerLost,
                _ => {}
            }
        }
    }

    fn life(&self) -> Life {
        *self.life.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut Life)) {
        change(&mut self.life.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

/// Says why, and waits for the browser to have read it: a connection that is dropped with bytes unread takes the
/// close frame with it.
async fn farewell(
    to_browser: &mut SplitSink<WebSocket, Message>,
    from_browser: &mut SplitStream<WebSocket>,
    reason: CloseReason,
) {
    let frame = CloseFrame { code: reason.code(), reason: reason.name().into() };
    if to_browser.send(Message::Close(Some(frame))).await.is_err() {
        return;
    }
    while let Some(Ok(message)) = from_browser.next().await {
        if matches!(message, Message::Close(_)) {
            return;
        }
    }
}
