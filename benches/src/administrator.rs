//! The same sign-in, signed with ECDSA P-256: what is left when the signature costs next to nothing.

use crate::Outcome;
use crate::browser::Browser;
use crate::report::{Report, microseconds, multiple};
use crate::service::Service;
use crate::sign_in::PASSWORD;
use crate::sso::Sso;

/// An administrator of Identity makes a P-256 key and has the provider of Workspaces sign with it.
pub(crate) fn sign_with_p256(service: &Service) -> Outcome<()> {
    let mut browser = Browser::open(service.port())?;
    let page = browser.get(&service.link("/if/flow/initial-setup/")?)?;
    let chosen = [
        ("username", "bench-administrator"),
        ("email", "bench@example.com"),
        ("password", PASSWORD),
        ("password_again", PASSWORD),
    ];
    browser.submit(&page, "password_again", &chosen)?;

    let page = browser.get(&service.identity("/if/admin/certificates/generate/")?)?;
    let made = browser.submit(&page, "validity_days", &[("name", "bench P-256"), ("kind", "ecp256")])?;
    let certificate = made.url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();

    let list = browser.get(&service.identity("/if/admin/providers/")?)?;
    let is_provider = |part: &&str| {
        part.strip_prefix("/if/admin/providers/saml/")
            .is_some_and(|rest| !["", "new/", "import/"].contains(&rest))
    };
    let provider = list.html.split('"').find(is_provider).ok_or("there is no SAML provider")?;
    let page = browser.get(&list.url.join(&format!("{provider}edit/"))?)?;
    let algorithm = saml::SignatureAlgorithm::EcdsaSha256.as_str();
    browser.submit(
        &page,
        "signing_kp",
        &[("signing_kp", &certificate), ("signature_algorithm", algorithm)],
    )?;
    Ok(())
}

/// Tells how the two compare. The expectations of a fresh sign-in hold the new certificate.
pub(crate) fn tell(rsa: &Sso, ecdsa: &Sso, report: &mut Report) {
    report.note("one sign-in signed with ECDSA P-256", &microseconds(ecdsa.each));
    report
        .note("sign-ins a second with it, the client on the same cores", &format!("{:.0}", ecdsa.per_second));
    report.note("sign-ins for one CPU second, RSA-2048", &format!("{:.0}", 1.0 / rsa.each));
    report.note("sign-ins for one CPU second, ECDSA P-256", &format!("{:.0}", 1.0 / ecdsa.each));
    report.note("ECDSA P-256 to RSA-2048", &multiple(rsa.each / ecdsa.each));
}
