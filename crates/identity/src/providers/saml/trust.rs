//! Whether a request comes from whom it should and was meant for us. Until that is settled, nothing is sent to
//! anybody.

use saml::AuthnRequest;
use site::Problem;
use url::Url;

use super::request::shown;
use super::settings::RequestSignatures;
use super::snapshot::Snapshot;

/// Checks Issuer, Destination and signature.
///
/// # Errors
/// A page that says what was expected, what came, and what to compare.
pub(super) fn check(request: &AuthnRequest, snapshot: &Snapshot) -> Result<(), Problem> {
    issuer(request, snapshot)?;
    destination(request, snapshot)?;
    signature(request, snapshot)
}

/// Who asks is whom the provider was made for: its Audience. Without an Audience nobody in particular was.
fn issuer(request: &AuthnRequest, snapshot: &Snapshot) -> Result<(), Problem> {
    let settings = &snapshot.provider.settings;
    let Some(issuer) = request.issuer.as_deref() else { return Ok(()) };
    if settings.audience.is_empty() || issuer == settings.audience {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "This request comes from {}, and the provider {} was set up for {}. Nobody was signed in. Compare the Entity \
         ID in the settings of the application with Audience at the provider: they must be the same, letter by letter.",
        shown(issuer),
        settings.name,
        settings.audience
    )))
}

/// The request was sent to an address of ours (SAML Core 3.2.1).
fn destination(request: &AuthnRequest, snapshot: &Snapshot) -> Result<(), Problem> {
    let Some(asked) = request.destination.as_deref().filter(|asked| !asked.is_empty()) else { return Ok(()) };
    let parsed = Url::parse(asked).ok().map(with_slash);
    if parsed.is_some_and(|parsed| snapshot.sso_urls.contains(&parsed)) {
        return Ok(());
    }
    let ours: Vec<&str> = snapshot.sso_urls.iter().map(Url::as_str).collect();
    Err(Problem::bad_request(format!(
        "This request was made for {}, which is not an address of this identity provider for the application. \
         Nobody was signed in. Compare the SSO URL in the settings of the application with those on the page of the \
         provider {}. If they are the same, this server is reached by another address than it is configured with.",
        shown(asked),
        snapshot.provider.settings.name
    ))
    .because(format!("the SSO URLs are {}", ours.join(", "))))
}

/// Our addresses end in a slash, and work without.
fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

fn signature(request: &AuthnRequest, snapshot: &Snapshot) -> Result<(), Problem> {
    let settings = &snapshot.provider.settings;
    let is_checked = match settings.request_signatures {
        RequestSignatures::Required => true,
        RequestSignatures::Optional => request.is_signed(),
        RequestSignatures::Ignored => false,
    };
    if !is_checked || snapshot.verification.is_empty() {
        return Ok(());
    }
    request.verify_signature(&snapshot.verification, settings.allow_sha1).map_err(|error| {
        let mend = match request.is_signed() {
            false => {
                "Let the application sign its requests, or set Request signatures to Optional at the provider."
            }
            true => {
                "Compare the application's signing certificate with the Verification Certificate of the provider."
            }
        };
        Problem::bad_request(format!("{} Nobody was signed in. {mend}", error.sentence()))
            .because(format!("request for the provider {}: {error:?}", settings.name))
    })
}
