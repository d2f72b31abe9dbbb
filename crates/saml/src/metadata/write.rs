//! Writing metadata, in canonical form so that it can be signed as it stands.

use super::{Endpoint, SingleLogoutService, Validity, period};
use crate::certificate::Certificate;
use crate::error::Error;
use crate::signature::Signer;
use crate::vocabulary::NameIdFormat;
use crate::xml::{DS, MD, Writer};

/// A document for one entity; with an ID and a signature if there is a signer.
pub(super) fn document(
    entity_id: &str,
    validity: Validity,
    signing: Option<(&str, &Signer)>,
    role: impl FnOnce(&mut Writer),
) -> Result<String, Error> {
    let mut writer = Writer::new();
    let mut start = 0;
    let valid_until = validity.valid_until.map(|end| end.to_string());
    let cache_duration = validity.cache_duration.map(period::write);
    let attributes = [
        ("xmlns:md", Some(MD)),
        ("ID", signing.map(|(id, _)| id)),
        ("cacheDuration", cache_duration.as_deref()),
        ("entityID", Some(entity_id)),
        ("validUntil", valid_until.as_deref()),
    ];
    writer.element("md:EntityDescriptor", &attributes, |entity| {
        start = entity.len();
        role(entity);
    });
    let xml = writer.finish()?;
    match signing {
        Some((id, signer)) => signer.envelop(&xml, id, start),
        None => Ok(xml),
    }
}

pub(super) fn keys(writer: &mut Writer, usage: &str, certificates: &[Certificate], methods: &[String]) {
    for certificate in certificates {
        writer.element("md:KeyDescriptor", &[("use", Some(usage))], |key| {
            key.element("ds:KeyInfo", &[("xmlns:ds", Some(DS))], |info| {
                info.element("ds:X509Data", &[], |data| {
                    data.text("ds:X509Certificate", &[], &certificate.base64());
                });
            });
            for method in methods {
                key.empty("md:EncryptionMethod", &[("Algorithm", Some(method))]);
            }
        });
    }
}

pub(super) fn endpoints(writer: &mut Writer, name: &'static str, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        let binding = endpoint.binding.as_str();
        writer.empty(name, &[("Binding", Some(binding)), ("Location", Some(&endpoint.location))]);
    }
}

pub(super) fn logout_services(writer: &mut Writer, services: &[SingleLogoutService]) {
    for service in services {
        let attributes = [
            ("Binding", Some(service.binding.as_str())),
            ("Location", Some(&*service.location)),
            ("ResponseLocation", service.response_location.as_deref()),
        ];
        writer.empty("md:SingleLogoutService", &attributes);
    }
}

pub(super) fn name_id_formats(writer: &mut Writer, formats: &[NameIdFormat]) {
    for format in formats {
        writer.text("md:NameIDFormat", &[], format.as_str());
    }
}

pub(super) fn truth(value: bool) -> Option<&'static str> {
    Some(if value { "true" } else { "false" })
}
