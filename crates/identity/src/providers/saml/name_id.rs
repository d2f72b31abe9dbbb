//! The name by which an application knows a person (`authentik.md` 2.4).

use saml::{NameId, NameIdFormat};
use site::Site;

use super::settings::{PersistentNames, SamlProvider, Settings};
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

/// Who names people, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Naming<'n> {
    pub(super) site: &'n Site,
    pub(super) provider: &'n SamlProvider,
    /// What we call ourselves to this application.
    pub(super) issuer: &'n str,
}

impl Naming<'_> {
    /// The name of a user in that format.
    ///
    /// # Errors
    /// A sentence, if the user has no such name.
    pub(super) fn name(
        &self,
        format: NameIdFormat,
        (user, groups): (&User, &[Group]),
        session_id: &str,
    ) -> Result<NameId, String> {
        let mapping = self.provider.settings.name_id_mapping;
        let value = match mapping {
            Some(mapping) => mapping.values(user, groups).into_iter().next().unwrap_or_default(),
            None => self.value(&format, user, session_id),
        };
        if value.is_empty() {
            let wanted = mapping.map_or("email address".to_owned(), |mapping| mapping.label().to_lowercase());
            return Err(format!(
                "The application knows people by their {wanted}, and the account {} has none. Ask an administrator \
                 to add it.",
                user.username
            ));
        }
        Ok(self.qualified(format, value))
    }

    fn value(&self, format: &NameIdFormat, user: &User, session_id: &str) -> String {
        // The same at every application, and telling nothing.
        let uid = || ::store::hash_token(&user.id);
        let noted = |name| text_attribute(user, name).map_or_else(uid, str::to_owned);
        match format {
            NameIdFormat::EmailAddress => user.email.clone(),
            NameIdFormat::X509SubjectName => noted("distinguishedName"),
            NameIdFormat::WindowsDomainQualifiedName => noted("upn"),
            NameIdFormat::Transient => {
                per_session(self.site, "saml transient name", session_id, self.provider)
            }
            NameIdFormat::Persistent => match self.provider.settings.persistent_names {
                PersistentNames::PerApplication => self.pairwise(user),
                PersistentNames::SameEverywhere => uid(),
            },
            _ => uid(),
        }
    }

    /// Another name at each application, which two of them can't compare (SAML Core 8.3.7). What the
    /// application calls itself makes the difference; who calls itself nothing is known by its provider.
    fn pairwise(&self, user: &User) -> String {
        let whom = match self.provider.settings.audience.as_str() {
            "" => ["provider", &self.provider.id],
            audience => ["entity", audience],
        };
        let mac = self.site.mac("saml persistent name", &[whom[0], whom[1], &user.id]);
        hex(&mac[..20])
    }

    /// Names that mean something between two parties only say between whom (8.3.7, 8.3.8).
    fn qualified(&self, format: NameIdFormat, value: String) -> NameId {
        let mut name_id = NameId::new(format, value);
        let settings = &self.provider.settings;
        let is_pairwise = settings.persistent_names == PersistentNames::PerApplication
            && settings.name_id_mapping.is_none();
        match name_id.format {
            NameIdFormat::Persistent | NameIdFormat::Transient => {
                name_id.name_qualifier = Some(self.issuer.to_owned());
            }
            _ => return name_id,
        }
        if (is_pairwise || name_id.format == NameIdFormat::Transient) && !settings.audience.is_empty() {
            name_id.sp_name_qualifier = Some(settings.audience.clone());
        }
        name_id
    }
}

/// How a session is called at a provider: unguessable, so that who knows it has been told.
pub(super) fn session_index(site: &Site, session_id: &str, provider: &SamlProvider) -> String {
    per_session(site, "saml session index", session_id, provider)
}

/// A value that stays the same for one session at one provider, and tells others nothing.
fn per_session(site: &Site, label: &str, session_id: &str, provider: &SamlProvider) -> String {
    let mac = site.mac(label, &[session_id, &provider.id]);
    format!("_{}", hex(&mac[..20]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
