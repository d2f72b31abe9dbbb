//! What a service provider says of itself, and its way into the settings of a provider.

mod words;

use saml::{
    AssertionConsumerService, Binding, Certificate, DataEncryption, KeyTransport, KeyType, LogoutBinding,
    MetadataExpectations, NameIdFormat, SpMetadata,
};
use site::origin::parse_web_url;
use sqlx::AnyConnection;
use store::{Error, Timestamp};
use url::Url;

pub(super) use self::words::Line;
use super::form::MOST_FURTHER_ACS;
use super::settings::{AcsEndpoint, LogoutMethod, NAME_ID_POLICIES, RequestSignatures, Settings, SlsBinding};
use crate::app::App;
use crate::certificates;

/// What is needed of a service provider, taken from its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceProviderFacts {
    pub(super) metadata: SpMetadata,
    pub(super) acs_url: Url,
    pub(super) sp_binding: Binding,
    pub(super) further_acs: Vec<AcsEndpoint>,
    pub(super) sls: Option<(SlsBinding, Url)>,
}

/// Who decides about what weakens a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// A person sees what was read before it counts.
    ByPerson,
    /// Nobody looks: what weakens is left as it was.
    ByNobody,
}

/// What else there is to keep and to tell after settings took something over.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    /// Ids of the certificates beyond the first that requests may be signed with; `None`: as before.
    pub(super) further_verification: Option<Vec<String>>,
    /// What was not taken over, and why.
    pub(super) notes: Vec<String>,
}

impl ServiceProviderFacts {
    /// Reads metadata (XML) that is valid at the moment `now`; of several entities the one with this id.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub(crate) fn read(metadata: &[u8], entity_id: Option<&str>, now: Timestamp) -> Result<Self, String> {
        let now = saml::Timestamp::from_micros(now.micros());
        let expectations = MetadataExpectations { entity_id, signed_by: None, now: Some(now) };
        let read = SpMetadata::parse_with(metadata, &expectations).map_err(|error| error.sentence())?;
        read.check_integrity(metadata).map_err(|error| {
            format!(
                "This metadata was changed after it was signed, so none of it was taken. {}",
                error.sentence()
            )
        })?;
        Self::of(read)
    }

    /// # Errors
    /// A sentence for the administrator about an address that can't be one.
    pub(super) fn of(metadata: SpMetadata) -> Result<Self, String> {
        let services = &metadata.assertion_consumer_services;
        let default = metadata.default_acs().ok_or("The metadata names no address for answers.")?;
        let main = services.iter().find(|service| service.index == 0).unwrap_or(default);
        let mut further_acs: Vec<AcsEndpoint> = Vec::new();
        for service in services.iter().filter(|service| service.index != 0) {
            // Of two with the same number the first counts.
            if !further_acs.iter().any(|known| known.index == service.index) {
                let is_default = service == default && main.index == 0;
                further_acs.push(endpoint(service, is_default)?);
            }
        }
        if further_acs.len() > MOST_FURTHER_ACS {
            return Err(format!(
                "The metadata names more than {MOST_FURTHER_ACS} addresses for answers, which is more than a \
                 provider keeps."
            ));
        }
        let (acs_url, sp_binding) = (address(&main.location)?, main.binding);
        let sls = match logout_service(&metadata) {
            Some((binding, location)) => Some((binding, address(location)?)),
            None => None,
        };
        Ok(Self { acs_url, sp_binding, further_acs, sls, metadata })
    }

    /// What would be known of it if it had told only its name and where answers go.
    ///
    /// # Errors
    /// See [`Self::of`].
    pub(super) fn bare(entity_id: &str, acs_url: &Url) -> Result<Self, String> {
        Self::of(SpMetadata::new(entity_id, acs_url.as_str()))
    }

    /// Its entity id: the Audience of what is said to it.
    pub(crate) fn entity_id(&self) -> &str {
        &self.metadata.entity_id
    }

    /// The first of its kinds of names that can be given.
    pub(super) fn name_id_policy(&self) -> Option<NameIdFormat> {
        let known = |format: &&NameIdFormat| NAME_ID_POLICIES.iter().any(|(policy, _)| policy == *format);
        self.metadata.name_id_formats.iter().find(known).cloned()
    }

    /// The certificate that assertions are encrypted for: an RSA key, and the one that is good for longest.
    pub(super) fn encryption_certificate(&self) -> Option<&Certificate> {
        let is_rsa = |certificate: &&Certificate| certificate.verifying_key().key_type() == KeyType::Rsa;
        let usable = self.metadata.encryption_certificates.iter().filter(is_rsa);
        usable.max_by_key(|certificate| certificate.not_after().micros())
    }

    /// The first algorithm for data that it names and that is safe; `Err` with one that is not if it names
    /// nothing better. `None` if it names none that is spoken here.
    pub(super) fn data_encryption(&self) -> Option<Result<DataEncryption, DataEncryption>> {
        let named: Vec<DataEncryption> =
            self.metadata.encryption_methods.iter().filter_map(|uri| DataEncryption::from_uri(uri)).collect();
        let is_weak = |method: &DataEncryption| method.is_cbc();
        match named.iter().find(|method| !is_weak(method)) {
            Some(method) => Some(Ok(*method)),
            None => named.first().map(|method| Err(*method)),
        }
    }

    fn key_transport(&self) -> Option<KeyTransport> {
        self.metadata.encryption_methods.iter().find_map(|uri| KeyTransport::from_uri(uri))
    }

    /// Takes over its name and its addresses.
    pub(super) fn take_addresses(&self, settings: &mut Settings) {
        settings.audience.clone_from(&self.metadata.entity_id);
        self.take_acs(settings);
        self.take_sls(settings);
    }

    fn take_acs(&self, settings: &mut Settings) {
        settings.acs_url = self.acs_url.clone();
        settings.sp_binding = self.sp_binding;
        settings.further_acs.clone_from(&self.further_acs);
    }

    /// Logout goes on in the way that was chosen, if that way leads to this address.
    fn take_sls(&self, settings: &mut Settings) {
        settings.sls_url = self.sls.as_ref().map(|(_, url)| url.clone());
        let Some((binding, _)) = self.sls else { return };
        settings.sls_binding = binding;
        match (binding, settings.logout_method) {
            (SlsBinding::Soap, _) => settings.logout_method = LogoutMethod::BackChannel,
            (SlsBinding::Redirect, LogoutMethod::BackChannel) => {
                settings.logout_method = LogoutMethod::FrontChannelIframe;
            }
            _ => {}
        }
    }

    /// Takes over what differs from what was known `before`; everything else stays as an administrator
    /// chose it.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn take_changes(
        &self,
        conn: &mut AnyConnection,
        app: &App,
        settings: &mut Settings,
        before: &Self,
        watched: Watched,
    ) -> Result<Adopted, Error> {
        let mut adopted = Adopted::default();
        let acs = |facts: &Self| (facts.acs_url.clone(), facts.sp_binding, facts.further_acs.clone());
        if acs(before) != acs(self) {
            self.take_acs(settings);
        }
        if before.sls != self.sls {
            self.take_sls(settings);
        }
        if let Some(policy) = self.name_id_policy()
            && before.name_id_policy().as_ref() != Some(&policy)
        {
            settings.default_name_id_policy = policy;
        }
        settings.sign_assertion |=
            self.metadata.want_assertions_signed && !before.metadata.want_assertions_signed;
        self.take_signing(conn, app, settings, before, watched, &mut adopted).await?;
        self.take_encryption(conn, app, settings, before, watched, &mut adopted).await?;
        Ok(adopted)
    }

    async fn take_signing(
        &self,
        conn: &mut AnyConnection,
        app: &App,
        settings: &mut Settings,
        before: &Self,
        watched: Watched,
        adopted: &mut Adopted,
    ) -> Result<(), Error> {
        let (was, is) = (&before.metadata, &self.metadata);
        let first_certificates = was.signing_certificates.is_empty() && settings.verification_kp.is_none();
        if was.signing_certificates != is.signing_certificates {
            let mut ids = Vec::new();
            for certificate in &is.signing_certificates {
                ids.push(certificates::adopt(conn, app, &settings.name, certificate).await?);
            }
            let further = ids.split_off(ids.len().min(1));
            settings.verification_kp = ids.pop();
            adopted.further_verification = Some(further);
        }
        if is.authn_requests_signed && is.signing_certificates.is_empty() {
            adopted.notes.push(
                "It says that its requests are signed, but has no certificate to check them against."
                    .to_owned(),
            );
        }
        if first_certificates || was.authn_requests_signed != is.authn_requests_signed {
            settings.request_signatures = match (is.authn_requests_signed, watched) {
                (true, _) => RequestSignatures::Required,
                (false, Watched::ByNobody) if settings.request_signatures == RequestSignatures::Required => {
                    adopted.notes.push(
                        "It no longer says that its requests are signed; they must be, until somebody changes \
                         Request signatures."
                            .to_owned(),
                    );
                    RequestSignatures::Required
                }
                (false, _) => RequestSignatures::Optional,
            };
        }
        Ok(())
    }

    async fn take_encryption(
        &self,
        conn: &mut AnyConnection,
        app: &App,
        settings: &mut Settings,
        before: &Self,
        watched: Watched,
        adopted: &mut Adopted,
    ) -> Result<(), Error> {
        let (was, is) = (&before.metadata, &self.metadata);
        let certificate = self.encryption_certificate();
        if before.encryption_certificate() != certificate {
            settings.encryption_kp = match (certificate, watched) {
                (Some(certificate), _) => {
                    Some(certificates::adopt(conn, app, &settings.name, certificate).await?)
                }
                (None, Watched::ByNobody) if settings.encryption_kp.is_some() => {
                    adopted.notes.push(
                        "It no longer names a certificate to encrypt for; the old one stays, until somebody \
                         changes Encryption Certificate."
                            .to_owned(),
                    );
                    settings.encryption_kp.clone()
                }
                (None, _) => None,
            };
        }
        if certificate.is_none() && !is.encryption_certificates.is_empty() {
            adopted.notes.push(
                "Its encryption certificate has no RSA key, so assertions are not encrypted for it."
                    .to_owned(),
            );
        }
        if was.encryption_methods != is.encryption_methods {
            match (self.data_encryption(), watched) {
                (Some(Ok(method)), _) | (Some(Err(method)), Watched::ByPerson) => {
                    settings.data_encryption = method;
                }
                (Some(Err(_)), Watched::ByNobody) => adopted.notes.push(
                    "It asks for AES in CBC mode only, which is weak; choose it as Data encryption if it really \
                     knows no better."
                        .to_owned(),
                ),
                (None, _) => {}
            }
            settings.key_transport = self.key_transport().unwrap_or(settings.key_transport);
        }
        Ok(())
    }
}

fn endpoint(service: &AssertionConsumerService, is_default: bool) -> Result<AcsEndpoint, String> {
    Ok(AcsEndpoint {
        index: service.index,
        binding: service.binding,
        url: address(&service.location)?,
        is_default,
    })
}

fn address(location: &str) -> Result<Url, String> {
    parse_web_url(location)
        .map_err(|_| format!("The metadata names the address “{location}”, which is no web address."))
}

/// Where logout requests go: through the browser if they can.
fn logout_service(metadata: &SpMetadata) -> Option<(SlsBinding, &str)> {
    let ways = [
        (LogoutBinding::HttpRedirect, SlsBinding::Redirect),
        (LogoutBinding::HttpPost, SlsBinding::Post),
        (LogoutBinding::Soap, SlsBinding::Soap),
    ];
    ways.into_iter().find_map(|(spoken, binding)| {
        metadata.single_logout_service(spoken).map(|service| (binding, service.location.as_str()))
    })
}
