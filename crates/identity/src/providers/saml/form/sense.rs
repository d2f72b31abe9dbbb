//! Whether settings that are readable one by one make sense together.

use saml::{Certificate, SignatureAlgorithm};
use site::FieldErrors;
use sqlx::AnyConnection;
use store::Error;

use crate::providers::saml::settings::{LogoutMethod, Settings, SlsBinding};
use crate::{certificates, mappings};

/// What can be said without asking anybody.
pub(super) fn check(settings: &Settings, errors: &mut FieldErrors) {
    check_signing(settings, errors);
    check_encryption(settings, errors);
    check_periods(settings, errors);
    check_logout(settings, errors);
    check_addresses(settings, errors);
}

/// An answer that nobody can check lets everybody in.
fn check_signing(settings: &Settings, errors: &mut FieldErrors) {
    if !settings.sign_assertion && !settings.sign_response {
        errors.add("sign_assertion", "Sign the assertion, the response, or both.");
    }
    if settings.next_signing_kp.as_ref() == Some(&settings.signing_kp) {
        errors.add(
            "next_signing_kp",
            "This is the certificate that signs already. Choose the one that follows it.",
        );
    }
}

/// A mapping may have been deleted while the form was open.
pub(super) async fn check_mappings(
    conn: &mut AnyConnection,
    settings: &Settings,
    errors: &mut FieldErrors,
) -> Result<(), Error> {
    let known = mappings::all(conn).await?;
    if !settings.property_mappings.iter().all(|id| known.iter().any(|mapping| mapping.id == *id)) {
        errors.add("property_mappings", "One of these is not here any more. Choose again.");
    }
    Ok(())
}

/// What CBC encrypts can be changed unnoticed, and so deciphered, unless a signature covers it.
fn check_encryption(settings: &Settings, errors: &mut FieldErrors) {
    if settings.encryption_kp.is_some() && settings.data_encryption.is_cbc() && !settings.sign_response {
        errors.add(
            "data_encryption",
            "AES-CBC is safe only within a signed response. Choose AES-GCM, or tick Sign responses too.",
        );
    }
}

fn check_periods(settings: &Settings, errors: &mut FieldErrors) {
    if settings.assertion_valid_not_before.micros() > 0 {
        errors.add("assertion_valid_not_before", "This must not lie ahead, or nobody could sign in at once.");
    }
    if settings.assertion_valid_not_on_or_after.micros() <= 0 {
        errors.add("assertion_valid_not_on_or_after", "This must lie ahead, or an answer is never valid.");
    }
    if settings.session_valid_not_on_or_after.micros() <= 0 {
        errors
            .add("session_valid_not_on_or_after", "This must lie ahead, or a sign-in ends before it begins.");
    }
}

fn check_logout(settings: &Settings, errors: &mut FieldErrors) {
    if settings.sls_url.is_none() {
        return;
    }
    match (settings.logout_method, settings.sls_binding) {
        (LogoutMethod::BackChannel, SlsBinding::Redirect) => errors.add(
            "logout_method",
            "From server to server there is nobody to redirect. Choose Post or SOAP as SLS Binding, or a front-channel.",
        ),
        (LogoutMethod::FrontChannelIframe | LogoutMethod::FrontChannelNative, SlsBinding::Soap) => errors.add(
            "sls_binding",
            "Browsers don't speak SOAP. Choose Redirect or Post, or Back-channel as Logout Method.",
        ),
        _ => {}
    }
}

/// One address with one binding has one index, or a request could not say which it means; only the main one
/// may have another number besides 0.
fn check_addresses(settings: &Settings, errors: &mut FieldErrors) {
    let mut seen = Vec::new();
    for acs in &settings.further_acs {
        let this = (&acs.url, acs.binding);
        if seen.contains(&this) {
            errors.add("further_acs", format!("{} is there twice with the same binding.", acs.url));
            return;
        }
        seen.push(this);
    }
}

/// The certificates exist, can do what they are chosen for, and fit the algorithms.
pub(super) async fn check_certificates(
    conn: &mut AnyConnection,
    settings: &Settings,
    errors: &mut FieldErrors,
) -> Result<(), Error> {
    match certificates::find(conn, &settings.signing_kp).await? {
        Some(keypair) if keypair.has_key => {
            let fitting = algorithms(&keypair.certificate_pem);
            if !fitting.contains(&settings.signature_algorithm) {
                let fitting: Vec<&str> = fitting.iter().map(|algorithm| algorithm.label()).collect();
                let sentence = format!(
                    "The chosen certificate has another kind of key. Choose {}.",
                    fitting.join(" or ")
                );
                errors.add("signature_algorithm", sentence);
            }
        }
        _ => errors.add(
            "signing_kp",
            "Choose a certificate that has its private key here. An answer without a signature is worth nothing.",
        ),
    }
    if let Some(id) = &settings.next_signing_kp
        && !certificates::find(conn, id).await?.is_some_and(|keypair| keypair.has_key)
    {
        errors.add("next_signing_kp", "Choose a certificate that has its private key here.");
    }
    if let Some(id) = &settings.verification_kp
        && certificates::find(conn, id).await?.is_none()
    {
        errors.add("verification_kp", "This certificate is not here any more.");
    }
    if let Some(id) = &settings.encryption_kp {
        match certificates::find(conn, id).await? {
            Some(keypair) if algorithms(&keypair.certificate_pem).contains(&SignatureAlgorithm::RsaSha256) => {}
            Some(_) => errors.add(
                "encryption_kp",
                "Assertions can be encrypted for an RSA key only, and this certificate has another kind of key.",
            ),
            None => errors.add("encryption_kp", "This certificate is not here any more."),
        }
    }
    Ok(())
}

/// What the key of a certificate can sign with.
fn algorithms(certificate_pem: &str) -> &'static [SignatureAlgorithm] {
    let certificate = Certificate::parse(certificate_pem.as_bytes());
    certificate.map_or(&[], |certificate| certificate.verifying_key().key_type().signature_algorithms())
}
