//! What was read of a service provider, in the words of the form of a provider.

use saml::Certificate;
use site::moments;
use store::Timestamp;

use super::ServiceProviderFacts;
use crate::providers::saml::settings::{NAME_ID_POLICIES, SP_BINDINGS, Settings};

/// One setting and what it will be; several lines if it has several values.
pub(in crate::providers::saml) type Line = (&'static str, Vec<String>);

impl ServiceProviderFacts {
    /// What a provider with these settings took over from here.
    pub(in crate::providers::saml) fn lines(&self, settings: &Settings) -> Vec<Line> {
        let mut lines = vec![
            ("Audience", vec![settings.audience.clone()]),
            ("ACS URL", addresses(settings)),
            ("SLS URL", vec![logout(settings)]),
        ];
        let (verification, encryption) = (&self.metadata.signing_certificates, self.encryption_certificate());
        if verification.is_empty() {
            lines.push(("Verification Certificate", vec!["none: requests may be unsigned".into()]));
        } else {
            lines.push(("Verification Certificate", verification.iter().map(certificate).collect()));
            lines.push(("Request signatures", vec![settings.request_signatures.label().to_owned()]));
        }
        match encryption {
            None => lines.push(("Encryption Certificate", vec!["none: assertions are not encrypted".into()])),
            Some(found) => {
                lines.push(("Encryption Certificate", vec![certificate(found)]));
                let methods = [settings.data_encryption.label(), settings.key_transport.label()];
                lines.push(("Encryption", vec![methods.join(", ")]));
            }
        }
        let policy = NAME_ID_POLICIES.iter().find(|(format, _)| *format == settings.default_name_id_policy);
        lines.push(("Default NameID Policy", vec![policy.map_or("", |(_, words)| words).to_owned()]));
        if let Some(end) = self.metadata.valid_until {
            let end = moments::utc(Timestamp::from_micros(end.micros()));
            lines.push(("Metadata valid until", vec![format!("{end} UTC")]));
        }
        lines
    }
}

fn addresses(settings: &Settings) -> Vec<String> {
    let binding =
        |binding| SP_BINDINGS.iter().find(|(known, ..)| *known == binding).map_or("", |(.., words)| words);
    let elsewhere = settings.further_acs.iter().any(|acs| acs.is_default);
    let mark = |is_default: bool| if is_default { ", the default" } else { "" };
    let main = (&settings.acs_url, settings.sp_binding, 0, !elsewhere);
    let further = settings.further_acs.iter().map(|acs| (&acs.url, acs.binding, acs.index, acs.is_default));
    std::iter::once(main)
        .chain(further)
        .map(|(url, way, index, is_default)| {
            format!("{url} ({}, index {index}{})", binding(way), mark(is_default))
        })
        .collect()
}

fn logout(settings: &Settings) -> String {
    match &settings.sls_url {
        None => "none: it is not told when people sign out".to_owned(),
        Some(url) => {
            format!("{url} ({}, {})", settings.sls_binding.label(), settings.logout_method.label())
        }
    }
}

fn certificate(certificate: &Certificate) -> String {
    let end = moments::utc(Timestamp::from_micros(certificate.not_after().micros()));
    let key = certificate.verifying_key().key_type().label();
    format!(
        "{} ({key}, valid until {end} UTC, SHA-256 {})",
        certificate.subject(),
        certificate.sha256_fingerprint()
    )
}
