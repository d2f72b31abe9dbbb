//! The form of a configuration: what was typed, what is wrong with it, and filling it from the identity
//! provider's metadata.

use saml::{Certificate, IdpMetadata};
use serde::Deserialize;
use site::origin::parse_web_url;
use site::{FieldErrors, Site, form};
use url::Url;

use super::{SamlConfig, landing};

/// A configuration as typed. A check box that is off is not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SamlForm {
    pub(super) enabled: Option<String>,
    pub(super) display_name: String,
    pub(super) logo_url: String,
    pub(super) host_name: String,
    pub(super) is_default: Option<String>,
    pub(super) auto_login: Option<String>,
    pub(super) debug: Option<String>,
    pub(super) idp_entity_id: String,
    pub(super) sso_url: String,
    pub(super) slo_url: String,
    pub(super) certificates: String,
    pub(super) name_id_attribute: String,
    pub(super) group_member_attribute: String,
    pub(super) relay_state: String,
    pub(super) want_attribute_statement: Option<String>,
    pub(super) want_assertions_signed: Option<String>,
    pub(super) want_messages_signed: Option<String>,
    pub(super) want_name_id: Option<String>,
    pub(super) sign_requests: Option<String>,
    pub(super) idp_initiated: Option<String>,
    pub(super) create_users: Option<String>,
    pub(super) allow_sha1: Option<String>,
    /// What to fill the form from, and what was asked for: save, save and test, or fill.
    pub(super) metadata_xml: String,
    pub(super) metadata_url: String,
    pub(super) allow_private: Option<String>,
    pub(super) then: String,
}

fn check_box(on: bool) -> Option<String> {
    on.then(|| "on".to_owned())
}

impl From<&SamlConfig> for SamlForm {
    fn from(config: &SamlConfig) -> Self {
        Self {
            enabled: check_box(config.enabled),
            display_name: config.display_name.clone(),
            logo_url: config.logo_url.clone(),
            host_name: config.host_name.clone(),
            is_default: check_box(config.is_default),
            auto_login: check_box(config.auto_login),
            debug: check_box(config.debug),
            idp_entity_id: config.idp_entity_id.clone(),
            sso_url: config.sso_url.clone(),
            slo_url: config.slo_url.clone(),
            certificates: config.certificates.clone(),
            name_id_attribute: config.name_id_attribute.clone(),
            group_member_attribute: config.group_member_attribute.clone(),
            relay_state: config.relay_state.clone(),
            want_attribute_statement: check_box(config.want_attribute_statement),
            want_assertions_signed: check_box(config.want_assertions_signed),
            want_messages_signed: check_box(config.want_messages_signed),
            want_name_id: check_box(config.want_name_id),
            sign_requests: check_box(config.sign_requests),
            idp_initiated: check_box(config.idp_initiated),
            create_users: check_box(config.create_users),
            allow_sha1: check_box(config.allow_sha1),
            ..Self::default()
        }
    }
}

impl SamlForm {
    /// The configuration that was typed, over what is saved under the id.
    ///
    /// # Errors
    /// Sentences for beside the fields.
    pub(super) fn check(&self, site: &Site, saved: &SamlConfig) -> Result<SamlConfig, FieldErrors> {
        let mut errors = FieldErrors::none();
        let mut short = |field, value: &str| {
            errors.check(field, form::optional(value, 1000)).flatten().unwrap_or_default()
        };
        let mut config = SamlConfig {
            id: saved.id.clone(),
            made_by: saved.made_by.clone(),
            sp_key_sealed: saved.sp_key_sealed.clone(),
            sp_certificate: saved.sp_certificate.clone(),
            display_name: short("display_name", &self.display_name),
            logo_url: short("logo_url", &self.logo_url),
            host_name: host_name(&short("host_name", &self.host_name)),
            idp_entity_id: short("idp_entity_id", &self.idp_entity_id),
            sso_url: short("sso_url", &self.sso_url),
            slo_url: short("slo_url", &self.slo_url),
            certificates: String::new(),
            name_id_attribute: short("name_id_attribute", &self.name_id_attribute),
            group_member_attribute: short("group_member_attribute", &self.group_member_attribute),
            relay_state: short("relay_state", &self.relay_state),
            enabled: self.enabled.is_some(),
            is_default: self.is_default.is_some(),
            auto_login: self.auto_login.is_some(),
            debug: self.debug.is_some(),
            want_attribute_statement: self.want_attribute_statement.is_some(),
            want_assertions_signed: self.want_assertions_signed.is_some(),
            want_messages_signed: self.want_messages_signed.is_some(),
            want_name_id: self.want_name_id.is_some(),
            sign_requests: self.sign_requests.is_some(),
            idp_initiated: self.idp_initiated.is_some(),
            create_users: self.create_users.is_some(),
            allow_sha1: self.allow_sha1.is_some(),
        };
        config.certificates = errors.check("certificates", pem(&self.certificates)).unwrap_or_default();
        check_addresses(&config, site, &mut errors);
        check_complete(&config, &mut errors);
        errors.finish(Some(config))
    }
}

fn check_addresses(config: &SamlConfig, site: &Site, errors: &mut FieldErrors) {
    for (field, value) in
        [("logo_url", &config.logo_url), ("sso_url", &config.sso_url), ("slo_url", &config.slo_url)]
    {
        if !value.is_empty() {
            errors.check(field, parse_web_url(value));
        }
    }
    if !config.relay_state.is_empty() && landing(site, &config.relay_state).is_none() {
        errors.add(
            "relay_state",
            format!(
                "Write a page of this site, for example / or {}. Sign-ins never lead to another site.",
                site.url("/")
            ),
        );
    }
}

/// A draft may be saved with blanks; an enabled configuration may not have any that matter.
fn check_complete(config: &SamlConfig, errors: &mut FieldErrors) {
    if config.display_name.is_empty() {
        errors.add("display_name", "Fill this in. It is the text of the button on the sign-in page.");
    }
    if !config.enabled {
        return;
    }
    for (field, value) in [
        ("idp_entity_id", &config.idp_entity_id),
        ("sso_url", &config.sso_url),
        ("certificates", &config.certificates),
    ] {
        if value.is_empty() && errors.on(field).is_none() {
            errors.add(
                field,
                "Fill this in before you enable the configuration. Without it nobody can sign in.",
            );
        }
    }
}

/// People paste addresses where a host name is asked for; the host in it is what they mean.
fn host_name(text: &str) -> String {
    let host = Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| text.to_owned()).to_lowercase()
}

/// Reads one or several certificates, with or without their BEGIN and END lines, and writes them in one way.
///
/// # Errors
/// A sentence for beside the field.
fn pem(text: &str) -> Result<String, String> {
    let certificates = Certificate::parse_all(text).map_err(|error| error.sentence())?;
    Ok(certificates.iter().map(Certificate::pem).collect())
}

/// Takes what an identity provider says of itself.
///
/// # Errors
/// A sentence: it offers no address that we can use.
pub(crate) fn from_metadata(config: &mut SamlConfig, metadata: &IdpMetadata) -> Result<(), String> {
    let sso_url = metadata.sso_url(saml::Binding::HttpRedirect).ok_or_else(|| {
        "This metadata names no Single Sign On Service with the redirect binding, which Innkeeper uses. Turn it on at \
         the identity provider."
            .to_owned()
    })?;
    config.idp_entity_id = metadata.entity_id.clone();
    config.sso_url = sso_url.to_owned();
    config.slo_url = metadata
        .single_logout_service(saml::LogoutBinding::HttpRedirect)
        .map(|service| service.location.clone())
        .unwrap_or_default();
    config.certificates = metadata.signing_certificates.iter().map(Certificate::pem).collect();
    config.sign_requests |= metadata.want_authn_requests_signed;
    Ok(())
}
