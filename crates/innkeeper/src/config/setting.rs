//! What a value can be, and how a person writes it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

/// A type of value that a setting can have.
pub(crate) trait Setting: Sized {
    /// What to write, as the end of a sentence that begins with "Write".
    const WRITE: &'static str;

    /// Parses what was written.
    ///
    /// # Errors
    /// Why it isn't one, as a sentence.
    fn parse(text: &str) -> Result<Self, String>;

    /// How it is written.
    fn written(&self) -> String;
}

impl Setting for SocketAddr {
    const WRITE: &'static str = "an address with a port, for example \"127.0.0.1:9000\" or \"[::]:9000\".";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("\"{text}\" is not an IP address with a port."))
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Setting for IpNet {
    const WRITE: &'static str = "addresses or ranges, for example [\"10.0.0.7\", \"192.168.0.0/16\"].";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .or_else(|_| text.parse::<IpAddr>().map(Self::from))
            .map_err(|_| format!("\"{text}\" is not an IP address and not a range of them."))
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Setting for PathBuf {
    const WRITE: &'static str = "the path of a file or directory.";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("The path is empty.".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn written(&self) -> String {
        self.display().to_string()
    }
}

/// A whole number from 1 up to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count<const MOST: u32>(pub(crate) u32);

impl<const MOST: u32> Setting for Count<MOST> {
    const WRITE: &'static str = "a whole number.";

    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if (1..=MOST).contains(&number) => Ok(Self(number)),
            _ => Err(format!("\"{text}\" is not a whole number from 1 to {MOST}.")),
        }
    }

    fn written(&self) -> String {
        self.0.to_string()
    }
}
