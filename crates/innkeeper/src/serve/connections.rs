//! Connections: taken, served, and ended within a bounded time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

use super::hosts::Hosts;

/// How long a client may take to send the head of a request, and to begin the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to send the body of a request, counted from the end of its head.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait before accepting again when the machine has no room for another connection.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, then lets the requests under way end, for at most `grace`.
pub(super) async fn serve(
    listener: TcpListener,
    hosts: Hosts,
    stop: impl Future<Output = ()>,
    grace: Duration,
) {
    let http = http();
    let under_way = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => serve_one(&http, &under_way, stream, peer, hosts.clone()),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(NO_ROOM_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracing::info!("stopping");
    if tokio::time::timeout(grace, under_way.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

fn http() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder
}

fn serve_one(
    http: &Builder<TokioExecutor>,
    under_way: &GracefulShutdown,
    stream: TcpStream,
    peer: SocketAddr,
    hosts: Hosts,
) {
    // Keystrokes and pixels must not wait to be sent together.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "the connection will be slower");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let hosts = hosts.clone();
        async move {
            let mut request = request.map(in_time);
            request.extensions_mut().insert(ConnectInfo(peer));
            Ok::<_, Infallible>(hosts.answer(request).await)
        }
    });
    let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let connection = under_way.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error, %peer, "a connection ended early");
        }
    });
}

/// The body of a request, which must be there in time. What follows an upgrade is no body.
fn in_time(body: Incoming) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(InTime { body, deadline: Box::pin(tokio::time::sleep(BODY_TIMEOUT)) })
}

/// A body that fails at its deadline, so that a client that sends a byte now and then is let go.
struct InTime {
    body: Incoming,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for InTime {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        // What is there already counts, however late it is asked for.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let late = || Some(Err("the body of the request did not come in time".into()));
        self.deadline.as_mut().poll(context).map(|()| late())
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
