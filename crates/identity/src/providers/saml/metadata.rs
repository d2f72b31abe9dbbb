//! What service providers need to know of us: signed once, kept beside the snapshot, and served from there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use saml::{Binding, Endpoint, IdpMetadata};
use site::{Problem, Site};
use store::Timestamp;
use url::form_urlencoded;

use super::settings::NAME_ID_POLICIES;
use super::snapshot::Snapshot;
use super::{endpoints, logout};
use crate::app::App;

/// Metadata is renewed after this time, and is valid for twice as long: for half of that at least, whenever it
/// is fetched.
const RENEWED_AFTER: Duration = Duration::from_hours(84);
/// How soon service providers are asked to fetch it again.
const FETCH_AGAIN: Duration = Duration::from_hours(24);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/application/saml/{slug}/metadata/", get(serve))
}

/// Our metadata for an application, as it was signed last.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) xml: String,
    /// Says the same on every instance for as long as the same is said.
    etag: String,
    signed_at: SystemTime,
    renew_at: Timestamp,
}

/// What was signed last for a snapshot; a new revision of the configuration begins with a new snapshot.
#[derive(Debug, Default)]
pub(super) struct Publication(Mutex<Option<Arc<Published>>>);

/// Our metadata for an application (SAML Metadata 2.4.3), signed. Only the first to ask in a while waits for
/// the signature.
///
/// # Errors
/// It can't be written.
pub(crate) fn of(site: &Site, slug: &str, snapshot: &Snapshot) -> Result<Arc<Published>, Problem> {
    let now = site.now();
    let mut kept = snapshot.publication.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(published) = kept.as_ref().filter(|published| now < published.renew_at) {
        return Ok(published.clone());
    }
    let published = Arc::new(publish(site, slug, snapshot, now)?);
    *kept = Some(published.clone());
    Ok(published)
}

fn publish(site: &Site, slug: &str, snapshot: &Snapshot, now: Timestamp) -> Result<Published, Problem> {
    // Counted from the epoch, so that all instances renew it at the same time, to the same end.
    let period = i64::try_from(RENEWED_AFTER.as_micros()).unwrap_or(i64::MAX);
    let begun = Timestamp::from_micros(now.micros().div_euclid(period) * period);
    let metadata = describe(site, slug, snapshot, begun.plus(RENEWED_AFTER * 2));
    let unsigned = metadata.to_xml().map_err(Problem::internal)?;
    let key = snapshot.signer.certificate().sha256_fingerprint();
    // The same for as long as the provider is the same.
    let id = format!("_{}", store::hash_token(&snapshot.provider.id));
    let seconds = u64::try_from(now.micros() / 1_000_000).unwrap_or_default();
    Ok(Published {
        xml: metadata.to_signed_xml(&id, &snapshot.signer).map_err(Problem::internal)?,
        etag: format!("\"{}\"", store::hash_token(&format!("{key} {unsigned}"))),
        signed_at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        renew_at: begun.plus(RENEWED_AFTER),
    })
}

fn describe(site: &Site, slug: &str, snapshot: &Snapshot, valid_until: Timestamp) -> IdpMetadata {
    let endpoint = |binding, rest: &str| Endpoint {
        binding,
        location: site.url(&format!("/application/saml/{slug}/sso/binding/{rest}/")),
    };
    // The next one is announced before it is used, so that nobody is locked out on the day.
    let certificates = [Some(snapshot.signer.certificate()), snapshot.next_certificate.as_ref()];
    IdpMetadata {
        entity_id: snapshot.issuer.clone(),
        valid_until: Some(saml::Timestamp::from_micros(valid_until.micros())),
        cache_duration: Some(FETCH_AGAIN),
        single_sign_on_services: vec![
            endpoint(Binding::HttpRedirect, "redirect"),
            endpoint(Binding::HttpPost, "post"),
        ],
        single_logout_services: logout::SERVICES
            .map(|(binding, path)| {
                saml::SingleLogoutService::new(binding, site.url(&format!("/application/saml/{slug}/{path}")))
            })
            .into(),
        signing_certificates: certificates.into_iter().flatten().cloned().collect(),
        name_id_formats: NAME_ID_POLICIES.map(|(format, _)| format).into(),
        want_authn_requests_signed: snapshot.wants_signed_requests(),
    }
}

async fn serve(
    State(app): State<App>,
    Path(slug): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let snapshot = endpoints::find(&app, &slug, None).await?;
    let published = of(&app.site, &slug, &snapshot)?;
    let about = [
        (header::ETAG, published.etag.clone()),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(published.signed_at)),
        // To be kept, and asked about each time: a new key counts from the moment it is there.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if is_known(&headers, &published) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let kind = [(header::CONTENT_TYPE, "application/samlmetadata+xml; charset=utf-8")];
    let mut response = (about, kind, published.xml.clone()).into_response();
    if form_urlencoded::parse(query.unwrap_or_default().as_bytes()).any(|(name, _)| name == "download") {
        attach(&mut response, &format!("{slug}_metadata.xml"));
    }
    Ok(response)
}

/// Whether who asks has this already (RFC 9110, 13.2.2: the date counts only if there is no tag).
fn is_known(headers: &HeaderMap, published: &Published) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if headers.contains_key(header::IF_NONE_MATCH) {
        let tags = text(header::IF_NONE_MATCH).unwrap_or_default();
        let is_ours = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == published.etag;
        return tags.split(',').any(|tag| is_ours(tag.trim()));
    }
    text(header::IF_MODIFIED_SINCE)
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .is_some_and(|date| published.signed_at <= date)
}

/// Offers a response as a file of that name. What a file name can't hold becomes an underscore.
fn attach(response: &mut Response, name: &str) {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
}
