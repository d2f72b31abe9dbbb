//! Connections: taken, served, and ended within a bounded time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use super::hosts::Hosts;

/// How long a client may take to send the head of a request, and to begin the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

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
            let mut request = request.map(Body::new);
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
