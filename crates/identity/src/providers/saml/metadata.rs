//! What service providers need to know of us.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use saml::{Binding, Endpoint, IdpMetadata};
use site::{Problem, Site};

use super::settings::NAME_ID_POLICIES;
use super::snapshot::Snapshot;

/// Our metadata for an application (SAML Metadata 2.4.3), signed.
///
/// # Errors
/// It can't be written.
pub(crate) fn of(site: &Site, slug: &str, snapshot: &Snapshot) -> Result<String, Problem> {
    let endpoint = |binding, rest: &str| Endpoint {
        binding,
        location: site.url(&format!("/application/saml/{slug}/sso/binding/{rest}/")),
    };
    let metadata = IdpMetadata {
        entity_id: snapshot.issuer.clone(),
        valid_until: None,
        cache_duration: None,
        single_sign_on_services: vec![
            endpoint(Binding::HttpRedirect, "redirect"),
            endpoint(Binding::HttpPost, "post"),
        ],
        single_logout_services: Vec::new(),
        signing_certificates: vec![snapshot.signer.certificate().clone()],
        name_id_formats: NAME_ID_POLICIES.map(|(format, _)| format).into(),
        want_authn_requests_signed: snapshot.verification.is_some(),
    };
    // The same for as long as the provider is the same.
    let id = format!("_{}", store::hash_token(&snapshot.provider.id));
    metadata.to_signed_xml(&id, &snapshot.signer).map_err(Problem::internal)
}

/// Offers a response as a file of that name. What a file name can't hold becomes an underscore.
pub(super) fn attach(response: &mut Response, name: &str) {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
}
