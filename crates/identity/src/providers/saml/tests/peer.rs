//! A service provider that publishes its metadata over HTTP, on this machine.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What it publishes, and what it was asked.
#[derive(Clone, Default)]
pub(super) struct Peer(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    url: String,
    document: String,
    etag: Option<String>,
    requests: Vec<String>,
}

impl Peer {
    pub(super) async fn publishing(document: &str) -> Self {
        let peer = Self::default();
        peer.publish(document, None);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        peer.0.lock().unwrap().url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let serving = peer.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let answer = serving.answer(&String::from_utf8_lossy(&request[..read]));
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        peer
    }

    pub(super) fn url(&self) -> String {
        self.0.lock().unwrap().url.clone()
    }

    /// From now on this.
    pub(super) fn publish(&self, document: &str, etag: Option<&str>) {
        let mut inner = self.0.lock().unwrap();
        document.clone_into(&mut inner.document);
        inner.etag = etag.map(str::to_owned);
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }

    fn answer(&self, request: &str) -> String {
        let mut inner = self.0.lock().unwrap();
        inner.requests.push(request.to_owned());
        let etag = inner.etag.as_ref().map(|etag| format!("etag: {etag}\r\n")).unwrap_or_default();
        let known =
            inner.etag.as_ref().is_some_and(|etag| request.contains(&format!("if-none-match: {etag}")));
        let (status, body) = match (inner.document.as_str(), known) {
            ("", _) => ("503 Service Unavailable", ""),
            (_, true) => ("304 Not Modified", ""),
            (document, false) => ("200 OK", document),
        };
        let length = body.len();
        format!("HTTP/1.1 {status}\r\n{etag}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }
}
