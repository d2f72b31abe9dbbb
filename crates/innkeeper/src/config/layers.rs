//! The sources, flattened to `section.key` and laid over one another.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Problem, VARIABLE_PREFIX};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In this program.
    BuiltIn,
    /// In a file, at a line (from 1).
    File(PathBuf, usize),
    /// In a variable of the environment.
    Variable(String),
    /// In a flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// A setting made by a flag.
#[derive(Debug, Clone)]
pub(crate) struct Argument {
    /// `section.key`.
    pub(crate) key: &'static str,
    /// The flag, for messages.
    pub(crate) flag: &'static str,
    /// Its value.
    pub(crate) value: String,
}

/// A value as it was written, before anybody knows what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    /// A text, a number, a truth value.
    One(String),
    /// A list of such.
    Many(Vec<String>),
    /// A table without entries.
    EmptyTable,
}

/// A value with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// The value.
    pub(crate) written: Written,
    /// Where it was written.
    pub(crate) origin: Origin,
}

/// All that was given, by `section.key`; later sources cover earlier ones.
#[derive(Debug, Default)]
pub(crate) struct Layers(BTreeMap<String, Given>);

impl Layers {
    /// Reads the sources. What can't be read at all becomes a problem.
    pub(crate) fn read(
        file: Option<&Path>,
        environment: &[(String, String)],
        arguments: &[Argument],
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut layers = Self::default();
        if let Some(path) = file {
            layers.add_file(path, problems);
        }
        for (name, value) in environment {
            if let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) {
                let key = rest.to_lowercase().replace("__", ".");
                layers.put(key, Written::One(value.clone()), Origin::Variable(name.clone()));
            }
        }
        for Argument { key, flag, value } in arguments {
            layers.put((*key).to_owned(), Written::One(value.clone()), Origin::Flag(flag));
        }
        layers
    }

    /// What was given for a key.
    pub(crate) fn given(&self, key: &str) -> Option<&Given> {
        self.0.get(key)
    }

    /// Everything that was given.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Given)> {
        self.0.iter().map(|(key, given)| (key.as_str(), given))
    }

    fn put(&mut self, key: String, written: Written, origin: Origin) {
        self.0.insert(key, Given { written, origin });
    }

    fn add_file(&mut self, path: &Path, problems: &mut Vec<Problem>) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(Problem::error(
                    format!("The configuration file {} can't be read: {error}.", path.display()),
                    "Name a file that is there with --config, or leave the flag out: every setting has a built-in value.",
                ));
                return;
            }
        };
        let (document, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let line = line_of(&text, error.span().map_or(0, |span| span.start));
            problems.push(
                Problem::error(
                    format!("This is not TOML: {}.", error.message()),
                    "Write a section as [http] and a setting as listen = \"127.0.0.1:9000\".",
                )
                .at(Origin::File(path.to_owned(), line)),
            );
        }
        self.add_table("", document.get_ref(), &File { path, text: &text }, problems);
    }

    fn add_table(&mut self, prefix: &str, table: &DeTable<'_>, file: &File<'_>, problems: &mut Vec<Problem>) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            let origin = file.origin(name.span().start);
            if let DeValue::Table(inner) = value.get_ref()
                && !inner.is_empty()
            {
                self.add_table(&key, inner, file, problems);
            } else if let Some(written) = as_written(value) {
                self.put(key, written, origin);
            } else {
                problems.push(
                    Problem::error(
                        "A list holds plain values only.",
                        "Write it as [\"one\", \"two\"], without tables or lists inside.",
                    )
                    .at(origin)
                    .of(key),
                );
            }
        }
    }
}

/// The file that is being read.
struct File<'f> {
    path: &'f Path,
    text: &'f str,
}

impl File<'_> {
    fn origin(&self, offset: usize) -> Origin {
        Origin::File(self.path.to_owned(), line_of(self.text, offset))
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn as_written(value: &Spanned<DeValue<'_>>) -> Option<Written> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(plain).collect::<Option<_>>().map(Written::Many),
        DeValue::Table(_) => Some(Written::EmptyTable),
        _ => plain(value).map(Written::One),
    }
}

fn plain(value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
