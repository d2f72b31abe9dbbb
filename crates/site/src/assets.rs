//! Styles, scripts and icons, inside the binary, under addresses that change with their content.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::{ImmutableCache, Problem};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/assets"]
struct Files;

static VERSIONS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let version = |name: &str| {
        let file = Files::get(name)?;
        let hash: String =
            file.metadata.sha256_hash()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Some((name.to_owned(), hash))
    };
    Files::iter().filter_map(|name| version(&name)).collect()
});

/// The address of an asset with its version in it.
pub fn href(name: &str) -> String {
    match VERSIONS.get(name) {
        Some(version) => format!("/static/{version}/{name}"),
        None => format!("/static/missing/{name}"),
    }
}

/// The routes that serve the assets. They hold nothing secret and need no state.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/static/dist/assets/icons/icon.svg", get(|| async { serve("icon.svg", false) }))
        .route("/favicon.ico", get(|| async { serve("icon.svg", false) }))
        .route("/static/{version}/{*name}", get(versioned))
}

async fn versioned(Path((version, name)): Path<(String, String)>) -> Result<Response, Problem> {
    let current = VERSIONS.get(&name).is_some_and(|known| *known == version);
    serve(&name, current)
}

fn serve(name: &str, immutable: bool) -> Result<Response, Problem> {
    let file = Files::get(name).ok_or_else(|| Problem::not_found("There is no such file."))?;
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = ([(header::CONTENT_TYPE, kind)], file.data).into_response();
    if immutable {
        response.extensions_mut().insert(ImmutableCache);
    }
    Ok(response)
}
