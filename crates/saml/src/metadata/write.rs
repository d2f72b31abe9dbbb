//! Writing metadata, in canonical form so that it can be signed as it stands.

use super::Endpoint;
use crate::certificate::Certificate;
use crate::error::Error;
use crate::signature::Signer;
use crate::vocabulary::NameIdFormat;
use crate::xml::{DS, MD, Writer};

/// A document for one entity; with an ID and a signature if there is a signer.
pub(super) fn document(
    entity_id: &str,
    signing: Option<(&str, &Signer)>,
    role: impl FnOnce(&mut Writer),
) -> Result<String, Error> {
    let mut writer = Writer::new();
    let mut start = 0;
    let attributes =
        [("xmlns:md", Some(MD)), ("ID", signing.map(|(id, _)| id)), ("entityID", Some(entity_id))];
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

pub(super) fn keys(writer: &mut Writer, usage: &str, certificates: &[Certificate]) {
    for certificate in certificates {
        writer.element("md:KeyDescriptor", &[("use", Some(usage))], |key| {
            key.element("ds:KeyInfo", &[("xmlns:ds", Some(DS))], |info| {
                info.element("ds:X509Data", &[], |data| {
                    data.text("ds:X509Certificate", &[], &certificate.base64());
                });
            });
        });
    }
}

pub(super) fn endpoints(writer: &mut Writer, name: &'static str, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        let binding = endpoint.binding.as_str();
        writer.empty(name, &[("Binding", Some(binding)), ("Location", Some(&endpoint.location))]);
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
