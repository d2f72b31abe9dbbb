//! The form of an application: what was typed, and what is wrong with it.

use serde::Deserialize;
use site::origin::{local_path, parse_web_url};
use site::{FieldErrors, form};

use super::{Application, Wanted};
use crate::policies::EngineMode;

/// An application as typed. A check box that is off is not sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) group: String,
    pub(super) provider: String,
    pub(super) policy_engine_mode: String,
    pub(super) launch_url: String,
    pub(super) open_in_new_tab: Option<String>,
    pub(super) icon: String,
    pub(super) publisher: String,
    pub(super) description: String,
}

impl Fields {
    /// Those of a new application.
    pub(super) fn empty() -> Self {
        Self { policy_engine_mode: EngineMode::default().key().into(), ..Self::default() }
    }

    /// Those of an application that exists.
    pub(super) fn of(application: &Application) -> Self {
        let application = application.clone();
        Self {
            name: application.name,
            slug: application.slug,
            group: application.group_name,
            provider: application.provider_id.unwrap_or_default(),
            policy_engine_mode: application.policy_engine_mode.key().into(),
            launch_url: application.launch_url,
            open_in_new_tab: application.open_in_new_tab.then(|| "on".into()),
            icon: application.icon,
            publisher: application.publisher,
            description: application.description,
        }
    }

    /// What they say, if nothing is wrong; each mistake is noted beside its field.
    pub(super) fn check(&self, errors: &mut FieldErrors) -> Option<Wanted> {
        let name = errors.check("name", form::required(&self.name, 100));
        let slug = errors.check("slug", slug(&self.slug, &self.name));
        let group_name = errors.check("group", form::optional(&self.group, 100));
        let launch_url = errors.check("launch_url", launch_url(&self.launch_url));
        let icon = errors.check("icon", icon(&self.icon));
        let publisher = errors.check("publisher", form::optional(&self.publisher, 200));
        let description = errors.check("description", form::optional(&self.description, 1000));
        Some(Wanted {
            name: name?,
            slug: slug?,
            group_name: group_name?.unwrap_or_default(),
            provider_id: (!self.provider.is_empty()).then(|| self.provider.clone()),
            policy_engine_mode: EngineMode::from_key(&self.policy_engine_mode),
            launch_url: launch_url?,
            open_in_new_tab: form::checked(&self.open_in_new_tab),
            icon: icon?,
            publisher: publisher?.unwrap_or_default(),
            description: description?.unwrap_or_default(),
        })
    }
}

/// The slug as typed, or one made of the name.
///
/// # Errors
/// A sentence for beside the field.
pub(crate) fn slug(typed: &str, name: &str) -> Result<String, String> {
    let slug = match form::optional(typed, 50)? {
        Some(slug) => slug,
        None => slug_of(name),
    };
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if slug.is_empty() || !slug.chars().all(fits) {
        return Err("Use lower case letters, digits, - and _ only.".into());
    }
    if slug == "new" {
        return Err("This slug is taken by the page that creates applications.".into());
    }
    Ok(slug)
}

/// A name in the form of a slug: `My Files!` becomes `my-files`.
fn slug_of(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    slug.chars().take(50).collect()
}

fn launch_url(text: &str) -> Result<String, String> {
    match form::optional(text, 2000)? {
        Some(text) => Ok(parse_web_url(&text)?.into()),
        None => Ok(String::new()),
    }
}

/// A web address, or a path of ours.
fn icon(text: &str) -> Result<String, String> {
    match form::optional(text, 2000)? {
        Some(text) if local_path(&text).is_some() => Ok(text),
        Some(text) => Ok(parse_web_url(&text)?.into()),
        None => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_typed_or_made_of_the_name() {
        assert_eq!(slug("", "My Files & more!"), Ok("my-files-more".into()));
        assert_eq!(slug("kasm", "Kasm Workspaces"), Ok("kasm".into()));
        for bad in ["Kasm", "a b", "a/b", "ä", "../x", "new"] {
            assert!(slug(bad, "x").is_err(), "{bad}");
        }
        assert!(slug("", "日本").is_err());
    }

    #[test]
    fn addresses_are_web_addresses() {
        assert_eq!(launch_url(""), Ok(String::new()));
        assert!(launch_url("https://app.example.com/").is_ok());
        for bad in ["javascript:alert(1)", "/if/user/", "app"] {
            assert!(launch_url(bad).is_err(), "{bad}");
        }
        assert_eq!(
            icon("/static/dist/assets/icons/icon.svg").as_deref(),
            Ok("/static/dist/assets/icons/icon.svg")
        );
        for bad in ["//evil.example/i.png", "javascript:alert(1)", "data:image/svg+xml,x"] {
            assert!(icon(bad).is_err(), "{bad}");
        }
    }
}
