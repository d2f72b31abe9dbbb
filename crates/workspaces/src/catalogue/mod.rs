//! Workspace definitions: what can be launched, with what resources and limits, and which groups see it.

mod form;
mod pages;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use self::pages::{images, routes};
pub(crate) use self::store::{
    Assignment, assign, assignments_of, create_samples, find, find_for, visible_to,
};

/// What runs in a session of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A desktop with a panel, a file manager and a terminal.
    Desktop,
    /// A terminal over the whole screen.
    Terminal,
    /// One program over the whole screen: its command line, split at spaces.
    Command(Vec<String>),
}

impl Program {
    /// The key in the database and in the form.
    fn key(&self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Terminal => "terminal",
            Self::Command(_) => "command",
        }
    }

    /// The same for the driver.
    pub(crate) fn kind(&self) -> runtime::Kind {
        match self {
            Self::Desktop => runtime::Kind::Desktop,
            Self::Terminal => runtime::Kind::Terminal,
            Self::Command(argv) => runtime::Kind::Program { argv: argv.clone() },
        }
    }
}

/// A workspace that can be launched.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) details: Details,
}

/// What an administrator decides about a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) friendly_name: String,
    pub(crate) description: String,
    /// One of [`THUMBNAILS`], or the address of an image.
    pub(crate) thumbnail: Thumbnail,
    /// The heading under which the tile stands; may be empty.
    pub(crate) category: String,
    pub(crate) program: Program,
    /// Hundredths of a core.
    pub(crate) centicores: u32,
    pub(crate) memory_bytes: u64,
    /// A session ends after this time, used or not.
    pub(crate) session_time_limit: Duration,
    /// A session ends after this time without a key or a pointer moving.
    pub(crate) idle_limit: Duration,
    /// Only an enabled workspace is seen and launched.
    pub(crate) enabled: bool,
}

impl Definition {
    /// What the driver is to start, for one session of this workspace.
    pub(crate) fn session_spec(&self, session_id: &str) -> runtime::SessionSpec {
        let details = &self.details;
        let mut spec = runtime::SessionSpec::new(session_id, details.program.kind());
        spec.memory = details.memory_bytes;
        spec.cpu_shares = (details.centicores * 1024 / 100).max(2);
        spec.deadline = details.session_time_limit;
        spec
    }
}

/// The picture on a tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thumbnail {
    /// An asset of ours.
    Own(&'static str),
    /// An image on the web.
    Web(url::Url),
}

/// The pictures that come with Innkeeper: asset and label.
pub(crate) const THUMBNAILS: &[(&str, &str)] =
    &[("workspace-desktop.svg", "Desktop"), ("workspace-terminal.svg", "Terminal")];

impl Thumbnail {
    /// Reads what an administrator typed.
    fn parse(text: &str) -> Result<Self, String> {
        if let Some((name, _)) = THUMBNAILS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Own(name));
        }
        if text.is_empty() {
            return Ok(Self::Own("workspace-desktop.svg"));
        }
        site::origin::parse_web_url(text).map(Self::Web).map_err(str::to_owned)
    }

    /// Reads what [`Self::text`] gave; a picture that is gone is our own one for a desktop.
    pub(crate) fn stored(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::Own("workspace-desktop.svg"))
    }

    /// The same in one word or address, to be stored.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Own(name) => name,
            Self::Web(url) => url.as_str(),
        }
    }

    /// The address for an `img` element.
    pub(crate) fn src(&self) -> String {
        match self {
            Self::Own(name) => site::assets::href(name),
            Self::Web(url) => url.to_string(),
        }
    }

    /// The address whose origin the page's policy must let in.
    pub(crate) fn foreign(&self) -> Option<&url::Url> {
        match self {
            Self::Own(_) => None,
            Self::Web(url) => Some(url),
        }
    }
}
