//! The name by which an application knows a person (`authentik.md` 2.4).

use saml::{NameId, NameIdFormat};
use site::Site;

use super::settings::{SamlProvider, Settings};
use crate::groups::Group;
use crate::mappings::text_attribute;
use crate::users::User;

/// The format to answer with: what the application asks for, or else the provider's default.
///
/// # Errors
/// A sentence, if the application asks for what can't be given.
pub(super) fn format(settings: &Settings, asked: Option<&NameIdFormat>) -> Result<NameIdFormat, String> {
    let format = match asked {
        None | Some(NameIdFormat::Unspecified) => &settings.default_name_id_policy,
        Some(format) => format,
    };
    match format {
        NameIdFormat::Kerberos | NameIdFormat::Entity | NameIdFormat::Other(_) => {
            let shown: String = format.as_str().chars().take(200).collect();
            Err(format!("The application asks for names in the format “{shown}”, which can't be given here."))
        }
        _ => Ok(format.clone()),
    }
}

/// The name of a user in that format.
///
/// # Errors
/// A sentence, if the user has no such name.
pub(super) fn name(
    site: &Site,
    provider: &SamlProvider,
    format: NameIdFormat,
    (user, groups): (&User, &[Group]),
    session_id: &str,
) -> Result<NameId, String> {
    // The same at every application, and telling nothing.
    let uid = || ::store::hash_token(&user.id);
    let value = match (provider.settings.name_id_mapping, &format) {
        (Some(mapping), _) => mapping.values(user, groups).into_iter().next().unwrap_or_default(),
        (None, NameIdFormat::EmailAddress) => user.email.clone(),
        (None, NameIdFormat::X509SubjectName) => {
            text_attribute(user, "distinguishedName").map_or_else(uid, str::to_owned)
        }
        (None, NameIdFormat::WindowsDomainQualifiedName) => {
            text_attribute(user, "upn").map_or_else(uid, str::to_owned)
        }
        (None, NameIdFormat::Transient) => per_session(site, "saml transient name", session_id, provider),
        (None, _) => uid(),
    };
    if value.is_empty() {
        let wanted = match provider.settings.name_id_mapping {
            Some(mapping) => mapping.label().to_lowercase(),
            None => "email address".to_owned(),
        };
        return Err(format!(
            "The application knows people by their {wanted}, and the account {} has none. Ask an administrator \
             to add it.",
            user.username
        ));
    }
    Ok(NameId::new(format, value))
}

/// A value that stays the same for one session at one provider, and tells others nothing.
pub(super) fn per_session(site: &Site, label: &str, session_id: &str, provider: &SamlProvider) -> String {
    let mac = site.mac(label, &[session_id, &provider.id]);
    let hex: String = mac[..20].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("_{hex}")
}
