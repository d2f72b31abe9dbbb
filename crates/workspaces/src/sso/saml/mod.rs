//! SAML 2.0 as a service provider (Web Browser SSO Profile, SAML V2.0 Profiles 4.1): any number of
//! configurations, each for one identity provider.

mod exchanges;
mod form;
mod group_pages;
mod identity;
mod key_pages;
mod keys;
pub(crate) mod logout;
mod pages;
mod pending;
mod profile;
mod refresh;
mod refusal;
mod report;
mod service_provider;
mod settings;
mod sign_in;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use ::saml::RequestedAuthnContext;
use ::store::{Error, Timestamp};
use axum::Router;
use site::Site;
use sqlx::AnyConnection;
use url::form_urlencoded;

use crate::app::App;

pub(crate) use self::exchanges::Exchanges;
pub(crate) use self::form::from_metadata;
pub(crate) use self::keys::ensure as ensure_key;
pub(crate) use self::refresh::keep as keep_metadata;
pub(crate) use self::service_provider::metadata;
pub(crate) use self::settings::{Choice, EntityIdStyle, GroupMappingMode, ProfileMapping, SloBinding};
pub(crate) use self::store::{find_made_by, save};

pub(crate) fn routes() -> Router<App> {
    pages::routes()
        .merge(group_pages::routes())
        .merge(key_pages::routes())
        .merge(exchanges::routes())
        .merge(refresh::routes())
        .merge(logout::routes())
        .merge(sign_in::routes())
        .merge(service_provider::routes())
}

/// What we know of one identity provider, and how we deal with it. An enabled one is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SamlConfig {
    /// 32 hexadecimal digits; part of our own addresses for it.
    pub(crate) id: String,
    /// Empty for one made by hand; else what made it, so that doing it again renews it.
    pub(crate) made_by: String,
    /// Offered on the sign-in page.
    pub(crate) enabled: bool,
    pub(crate) display_name: String,
    pub(crate) logo_url: String,
    /// Offered to who opened this site by this host name.
    pub(crate) host_name: String,
    /// Offered at every host name that has no configuration of its own.
    pub(crate) is_default: bool,
    /// The sign-in page leads straight there.
    pub(crate) auto_login: bool,
    /// A refusal shows every check to everybody.
    pub(crate) debug: bool,
    /// The issuer of its messages.
    pub(crate) idp_entity_id: String,
    /// Where requests go, by redirect.
    pub(crate) sso_url: String,
    /// Where people sign out of it.
    pub(crate) slo_url: String,
    /// Signing certificates (PEM), one or several.
    pub(crate) certificates: String,
    pub(crate) name_id_attribute: String,
    pub(crate) group_member_attribute: String,
    /// Where people land who came for no page in particular.
    pub(crate) relay_state: String,
    pub(crate) want_attribute_statement: bool,
    pub(crate) want_assertions_signed: bool,
    pub(crate) want_messages_signed: bool,
    pub(crate) want_name_id: bool,
    pub(crate) sign_requests: bool,
    /// Sign-ins that begin at the identity provider are taken.
    pub(crate) idp_initiated: bool,
    /// Somebody who was never here gets an account.
    pub(crate) create_users: bool,
    /// Signatures with SHA-1 are taken.
    pub(crate) allow_sha1: bool,
    /// How our own addresses are written.
    pub(crate) entity_id_style: EntityIdStyle,
    /// The ways of authentication that requests ask for; none unless set, since asking for one makes identity
    /// providers refuse people who signed in by a better way.
    pub(crate) requested_authn_context: Option<RequestedAuthnContext>,
    /// Assertions that came unencrypted are refused.
    pub(crate) want_assertions_encrypted: bool,
    /// Assertions encrypted with AES-CBC are taken.
    pub(crate) allow_cbc: bool,
    /// How logout messages travel to the identity provider.
    pub(crate) slo_binding: SloBinding,
    /// Logout messages are signed, if there is a key.
    pub(crate) sign_logout: bool,
    /// Where the identity provider's metadata is fetched again each day; empty if nowhere.
    pub(crate) metadata_url: String,
    /// That address may be in a private network.
    pub(crate) metadata_allow_private: bool,
    /// Attributes of well-known names fill the fields of the profile that no row of the mapping fills.
    pub(crate) well_known_attributes: bool,
    /// Which attribute fills which field of the profile; the first row with a value has the word.
    pub(crate) profile_mappings: Vec<ProfileMapping>,
    /// What a sign-in does with the memberships that the mappings decide.
    pub(crate) group_mapping_mode: GroupMappingMode,
    /// Our private key for this configuration (PKCS#8 PEM), sealed; empty without one.
    pub(crate) sp_key_sealed: String,
    /// The certificate of that key (PEM); empty without one.
    pub(crate) sp_certificate: String,
    /// A second key, sealed, while the first is being changed: published and able to decrypt, but signing nothing.
    pub(crate) second_sp_key_sealed: String,
    /// The certificate of that key (PEM).
    pub(crate) second_sp_certificate: String,
}

impl SamlConfig {
    /// The method that the browser sessions of people who signed in with this configuration name.
    fn sign_in_method(&self) -> String {
        format!("saml:{}", self.id)
    }

    /// A configuration as the form shows it first.
    pub(crate) fn new(id: String) -> Self {
        Self {
            id,
            made_by: String::new(),
            enabled: false,
            display_name: String::new(),
            logo_url: String::new(),
            host_name: String::new(),
            is_default: false,
            auto_login: false,
            debug: false,
            idp_entity_id: String::new(),
            sso_url: String::new(),
            slo_url: String::new(),
            certificates: String::new(),
            name_id_attribute: "emailAddress".to_owned(),
            group_member_attribute: String::new(),
            relay_state: String::new(),
            want_attribute_statement: true,
            want_assertions_signed: false,
            want_messages_signed: false,
            want_name_id: true,
            sign_requests: false,
            idp_initiated: false,
            create_users: true,
            allow_sha1: false,
            entity_id_style: EntityIdStyle::Query,
            requested_authn_context: None,
            want_assertions_encrypted: false,
            allow_cbc: false,
            slo_binding: SloBinding::Redirect,
            sign_logout: true,
            metadata_url: String::new(),
            metadata_allow_private: false,
            well_known_attributes: true,
            profile_mappings: Vec::new(),
            group_mapping_mode: GroupMappingMode::Both,
            sp_key_sealed: String::new(),
            sp_certificate: String::new(),
            second_sp_key_sealed: String::new(),
            second_sp_certificate: String::new(),
        }
    }

    /// Our entity id for this identity provider: the audience of its assertions.
    pub(crate) fn entity_id(&self, site: &Site) -> String {
        site.url(&self.own_path("metadata"))
    }

    /// Our assertion consumer service for this identity provider.
    pub(crate) fn acs_url(&self, site: &Site) -> String {
        site.url(&self.own_path("acs"))
    }

    /// Our single logout service for this identity provider: as it is announced, and in the other form.
    fn logout_urls(&self, site: &Site) -> [String; 2] {
        let other = match self.entity_id_style {
            EntityIdStyle::Query => EntityIdStyle::Path,
            EntityIdStyle::Path => EntityIdStyle::Query,
        };
        [self.entity_id_style, other].map(|style| site.url(&self.path_in("slo", style)))
    }

    /// The path of an address of ours for this configuration, as it is announced.
    fn own_path(&self, endpoint: &str) -> String {
        self.path_in(endpoint, self.entity_id_style)
    }

    fn path_in(&self, endpoint: &str, style: EntityIdStyle) -> String {
        match style {
            EntityIdStyle::Query => format!("/api/{endpoint}/?id={}", self.id),
            EntityIdStyle::Path => format!("/api/{endpoint}/{}/", self.id),
        }
    }

    /// The fields without which nobody can sign in, as far as they are blank.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        [
            ("Entity ID", &self.idp_entity_id),
            ("Single Sign On Service/SAML 2.0 Endpoint", &self.sso_url),
            ("X509 Certificate", &self.certificates),
        ]
        .into_iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(label, _)| label)
        .collect()
    }

    /// The page of ours for who came for none in particular.
    fn landing(&self, site: &Site) -> &str {
        landing(site, &self.relay_state).unwrap_or("/")
    }
}

/// What a Relay State means to us: a page of ours, written as a path or as a whole address of this site.
/// `None` for anything else; a sign-in never leads to another site.
fn landing<'r>(site: &Site, relay_state: &'r str) -> Option<&'r str> {
    let text = relay_state.trim();
    let own = site.url("");
    let path = text.strip_prefix(own.as_str()).unwrap_or(text);
    match path.split_once('#') {
        // Kasm's documentation asks for `https://HOST/#/sso`, which is its way to say: the start page.
        Some(("/" | "", "/sso")) => Some("/"),
        _ if path.is_empty() && !text.is_empty() => Some("/"),
        _ => site::origin::local_path(path),
    }
}

/// Whether a text is the id of a configuration.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

/// The configurations that the sign-in page offers at a host name: those of that host; if it has none,
/// the default ones. A Host Name that nobody ever opens this site by therefore harms nobody.
fn offered_at<'c>(enabled: &'c [SamlConfig], host: &str) -> Vec<&'c SamlConfig> {
    let names = |config: &&SamlConfig| !host.is_empty() && config.host_name.eq_ignore_ascii_case(host);
    let own: Vec<&SamlConfig> = enabled.iter().filter(names).collect();
    if own.is_empty() { enabled.iter().filter(|config| config.is_default).collect() } else { own }
}

/// A button of the sign-in page.
#[derive(Clone, Debug)]
pub(crate) struct SignInOption {
    pub(crate) name: String,
    pub(crate) logo_url: String,
    pub(crate) href: String,
    pub(crate) auto_login: bool,
}

/// The buttons of the sign-in page at a host name.
pub(crate) async fn options_for_host(
    app: &App,
    host: &str,
    next: Option<&str>,
) -> Result<Vec<SignInOption>, Error> {
    let mut conn = app.store.read().await?;
    let enabled = store::enabled(&mut conn).await?;
    let option = |config: &SamlConfig| SignInOption {
        name: config.display_name.clone(),
        logo_url: config.logo_url.clone(),
        href: start_href(&config.id, next),
        auto_login: config.auto_login,
    };
    Ok(offered_at(&enabled, host).into_iter().map(option).collect())
}

/// The address that begins a sign-in.
fn start_href(id: &str, next: Option<&str>) -> String {
    match next {
        Some(next) => {
            let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            format!("/api/sso/{id}?next={next}")
        }
        None => format!("/api/sso/{id}"),
    }
}

/// Removes what has expired from every table of this folder.
pub(crate) async fn sweep(conn: &mut AnyConnection, now: Timestamp) -> Result<(), Error> {
    pending::sweep(conn, now).await?;
    logout::sweep(conn, now).await
}

/// Name and sign-out address of an identity provider, for who has just signed out here.
pub(crate) async fn sign_out_elsewhere(app: &App, id: &str) -> Result<Option<(String, String)>, Error> {
    let mut conn = app.store.read().await?;
    let config = store::find(&mut conn, id).await?;
    let offering = config.filter(|config| config.enabled && !config.slo_url.is_empty());
    Ok(offering.map(|config| (config.display_name, config.slo_url)))
}

/// The names of the configurations on screen, by id.
pub(crate) async fn display_names(conn: &mut AnyConnection) -> Result<HashMap<String, String>, Error> {
    let configs = store::list(conn).await?;
    Ok(configs.into_iter().map(|config| (config.id, config.display_name)).collect())
}

/// Every configuration, by name.
pub(crate) async fn all(conn: &mut AnyConnection) -> Result<Vec<SamlConfig>, Error> {
    store::list(conn).await
}
