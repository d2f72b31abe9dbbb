//! The form of a configuration: what was typed, what is wrong with it, and filling it from the identity
//! provider's metadata.

use std::collections::{BTreeMap, BTreeSet};

use saml::{
    AuthnContextClass, AuthnContextComparison, Certificate, IdpMetadata, LogoutBinding, RequestedAuthnContext,
};
use serde::Deserialize;
use site::origin::parse_web_url;
use site::{FieldErrors, Site, form};
use url::Url;

use super::settings::{MatchBy, ProfileField};
use super::{Choice, ProfileMapping, SamlConfig, SloBinding, landing};

/// How many rows the attribute mapping may have.
const MAX_PROFILE_MAPPINGS: usize = 50;
/// How many empty rows the form offers below those that are filled in.
const EMPTY_ROWS: usize = 3;

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
    pub(super) entity_id_style: String,
    /// Blank: none is requested.
    pub(super) authn_context_comparison: String,
    /// One in each line.
    pub(super) authn_context_classes: String,
    pub(super) want_assertions_encrypted: Option<String>,
    pub(super) allow_cbc: Option<String>,
    pub(super) slo_binding: String,
    pub(super) sign_logout: Option<String>,
    pub(super) well_known_attributes: Option<String>,
    pub(super) group_mapping_mode: String,
    pub(super) metadata_url: String,
    pub(super) metadata_allow_private: Option<String>,
    /// What to fill the form from, and what was asked for: save, save and test, or fill.
    pub(super) metadata_xml: String,
    /// Said after the warning that a change would leave no administrator.
    pub(super) confirm_last_administrator: Option<String>,
    pub(super) then: String,
    /// The rows of the attribute mapping: `profile_mapping-<n>-attribute`, `-match_by` and `-field`.
    #[serde(flatten)]
    pub(super) rows: BTreeMap<String, String>,
}

/// One row of the attribute mapping as the form has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MappingRow {
    pub(super) number: usize,
    pub(super) attribute: String,
    pub(super) match_by: String,
    pub(super) field: String,
}

fn row_field(number: usize, part: &str) -> String {
    format!("profile_mapping-{number}-{part}")
}

fn check_box(on: bool) -> Option<String> {
    on.then(|| "on".to_owned())
}

impl From<&SamlConfig> for SamlForm {
    fn from(config: &SamlConfig) -> Self {
        let requested = config.requested_authn_context.as_ref();
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
            entity_id_style: config.entity_id_style.key().to_owned(),
            authn_context_comparison: requested.map_or("", |wanted| wanted.comparison.key()).to_owned(),
            authn_context_classes: lines_of(requested),
            want_assertions_encrypted: check_box(config.want_assertions_encrypted),
            allow_cbc: check_box(config.allow_cbc),
            slo_binding: config.slo_binding.key().to_owned(),
            sign_logout: check_box(config.sign_logout),
            well_known_attributes: check_box(config.well_known_attributes),
            group_mapping_mode: config.group_mapping_mode.key().to_owned(),
            metadata_url: config.metadata_url.clone(),
            metadata_allow_private: check_box(config.metadata_allow_private),
            metadata_xml: String::new(),
            confirm_last_administrator: None,
            then: String::new(),
            rows: rows_of(&config.profile_mappings),
        }
    }
}

/// The classes, one in each line.
fn lines_of(requested: Option<&RequestedAuthnContext>) -> String {
    let classes = requested.map(|wanted| wanted.classes.iter().map(AuthnContextClass::as_str));
    classes.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn rows_of(mappings: &[ProfileMapping]) -> BTreeMap<String, String> {
    let parts = |(number, mapping): (usize, &ProfileMapping)| {
        [
            (row_field(number, "attribute"), mapping.attribute.clone()),
            (row_field(number, "match_by"), mapping.match_by.key().to_owned()),
            (row_field(number, "field"), mapping.field.key().to_owned()),
        ]
    };
    mappings.iter().enumerate().flat_map(parts).collect()
}

impl SamlForm {
    /// The rows of the attribute mapping that are filled in, and a few empty ones.
    pub(super) fn mapping_rows(&self) -> Vec<MappingRow> {
        let mut rows = self.filled_rows();
        let next = rows.last().map_or(0, |row| row.number + 1);
        let empty = (next..next + EMPTY_ROWS).map(|number| MappingRow { number, ..MappingRow::default() });
        rows.extend(empty);
        rows
    }

    fn filled_rows(&self) -> Vec<MappingRow> {
        let numbers: BTreeSet<usize> = self
            .rows
            .keys()
            .filter_map(|name| name.strip_prefix("profile_mapping-")?.split('-').next()?.parse().ok())
            .collect();
        let part = |number, part| self.rows.get(&row_field(number, part)).cloned().unwrap_or_default();
        let row = |number| MappingRow {
            number,
            attribute: part(number, "attribute").trim().to_owned(),
            match_by: part(number, "match_by"),
            field: part(number, "field"),
        };
        numbers.into_iter().map(row).filter(|row| !row.attribute.is_empty()).collect()
    }

    /// # Errors
    /// A sentence for above the table.
    fn profile_mappings(&self) -> Result<Vec<ProfileMapping>, String> {
        let rows = self.filled_rows();
        if rows.len() > MAX_PROFILE_MAPPINGS {
            return Err(format!("There are {} rows. Keep at most {MAX_PROFILE_MAPPINGS}.", rows.len()));
        }
        let read = |row: MappingRow| {
            let incomplete = || format!("Choose a profile field for the attribute “{}”.", row.attribute);
            Ok(ProfileMapping {
                attribute: form::required(&row.attribute, 1000)?,
                match_by: MatchBy::from_key(&row.match_by).unwrap_or(MatchBy::Either),
                field: ProfileField::from_key(&row.field).ok_or_else(incomplete)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// # Errors
    /// A sentence for beside the list of classes.
    fn requested_authn_context(&self) -> Result<Option<RequestedAuthnContext>, String> {
        if self.authn_context_comparison.is_empty() {
            return Ok(None);
        }
        let comparison = AuthnContextComparison::from_key(&self.authn_context_comparison).ok_or(CHOOSE)?;
        let lines = self.authn_context_classes.lines().map(str::trim).filter(|line| !line.is_empty());
        let classes: Vec<String> = lines.map(str::to_owned).collect();
        match classes.as_slice() {
            [] => Err("Write at least one, or choose not to request any.".to_owned()),
            [_, ..] if classes.len() > 20 || classes.iter().any(|class| class.len() > 1000) => {
                Err("Write at most 20, each of at most 1000 characters.".to_owned())
            }
            _ if classes.iter().any(|class| class.contains(char::is_whitespace)) => {
                Err("Write one in each line; a URI has no spaces.".to_owned())
            }
            _ => {
                let classes = classes.iter().map(|class| AuthnContextClass::from_uri(class)).collect();
                Ok(Some(RequestedAuthnContext { comparison, classes }))
            }
        }
    }

    /// The configuration that was typed, over what is saved under the id.
    ///
    /// # Errors
    /// Sentences for beside the fields.
    pub(super) fn check(&self, site: &Site, saved: &SamlConfig) -> Result<SamlConfig, FieldErrors> {
        let mut errors = FieldErrors::none();
        let entity_id_style = errors.check("entity_id_style", chosen(&self.entity_id_style));
        let slo_binding = errors.check("slo_binding", chosen(&self.slo_binding));
        let group_mapping_mode = errors.check("group_mapping_mode", chosen(&self.group_mapping_mode));
        let requested = errors.check("authn_context_classes", self.requested_authn_context());
        let profile_mappings = errors.check("profile_mappings", self.profile_mappings());
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
            entity_id_style: entity_id_style.unwrap_or(saved.entity_id_style),
            requested_authn_context: requested.flatten(),
            want_assertions_encrypted: self.want_assertions_encrypted.is_some(),
            allow_cbc: self.allow_cbc.is_some(),
            slo_binding: slo_binding.unwrap_or(saved.slo_binding),
            sign_logout: self.sign_logout.is_some(),
            metadata_url: short("metadata_url", &self.metadata_url),
            metadata_allow_private: self.metadata_allow_private.is_some(),
            well_known_attributes: self.well_known_attributes.is_some(),
            profile_mappings: profile_mappings.unwrap_or_default(),
            group_mapping_mode: group_mapping_mode.unwrap_or(saved.group_mapping_mode),
            second_sp_key_sealed: saved.second_sp_key_sealed.clone(),
            second_sp_certificate: saved.second_sp_certificate.clone(),
        };
        config.certificates = errors.check("certificates", pem(&self.certificates)).unwrap_or_default();
        check_addresses(&config, site, &mut errors);
        check_complete(&config, &mut errors);
        errors.finish(Some(config))
    }
}

const CHOOSE: &str = "Choose one of the list.";

/// # Errors
/// A sentence for beside the field.
fn chosen<C: Choice>(key: &str) -> Result<C, &'static str> {
    C::from_key(key).ok_or(CHOOSE)
}

fn check_addresses(config: &SamlConfig, site: &Site, errors: &mut FieldErrors) {
    for (field, value) in [
        ("logo_url", &config.logo_url),
        ("sso_url", &config.sso_url),
        ("slo_url", &config.slo_url),
        ("metadata_url", &config.metadata_url),
    ] {
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

/// The single logout service with the wanted binding, else with the other one; no address if there is neither.
fn logout_service(wanted: SloBinding, metadata: &IdpMetadata) -> (SloBinding, String) {
    let address = |binding: SloBinding| {
        let service = metadata.single_logout_service(match binding {
            SloBinding::Redirect => LogoutBinding::HttpRedirect,
            SloBinding::Post => LogoutBinding::HttpPost,
        });
        service.map(|service| (binding, service.location.clone()))
    };
    let found = [wanted, SloBinding::Redirect, SloBinding::Post].into_iter().find_map(address);
    found.unwrap_or((wanted, String::new()))
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
    (config.slo_binding, config.slo_url) = logout_service(config.slo_binding, metadata);
    config.certificates = metadata.signing_certificates.iter().map(Certificate::pem).collect();
    config.sign_requests |= metadata.want_authn_requests_signed;
    Ok(())
}
