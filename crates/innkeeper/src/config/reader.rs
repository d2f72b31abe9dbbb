//! Reads settings out of the layers, remembers what was asked for, and knows what nobody asked for.

use std::path::{Path, PathBuf};

use super::layers::{Given, Written};
use super::setting::Setting;
use super::{Layers, Origin, Problem};

/// A setting with the value it has, for `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `section.key`.
    pub(crate) key: &'static str,
    /// Its value.
    pub(crate) value: ShownValue,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// A value as a person may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ShownValue {
    /// One value.
    One(String),
    /// A list.
    Many(Vec<String>),
    /// There is one, and it is nobody's business.
    Hidden,
    /// There is none.
    Unset,
}

/// A secret as it was given, in the setting itself or in the file that `<key>_file` names.
pub(crate) struct GivenSecret {
    /// The secret, without the line break at its end.
    pub(crate) text: String,
    /// Where it was written.
    pub(crate) origin: Origin,
    /// The file it came from.
    pub(crate) file: Option<PathBuf>,
}

/// Reads settings out of the layers.
pub(crate) struct Reader<'l> {
    layers: &'l Layers,
    shown: Vec<Shown>,
    problems: Vec<Problem>,
}

impl<'l> Reader<'l> {
    /// Begins.
    pub(crate) fn new(layers: &'l Layers) -> Self {
        Self { layers, shown: Vec::new(), problems: Vec::new() }
    }

    /// A setting with a built-in value, which also stands in for a wrong one.
    pub(crate) fn value<T: Setting>(&mut self, key: &'static str, built_in: T) -> T {
        let (value, origin) = match self.given(key) {
            None => (built_in, Origin::BuiltIn),
            Some(given) => match single(given).and_then(T::parse) {
                Ok(value) => (value, given.origin.clone()),
                Err(what) => {
                    self.wrong::<T>(key, &given.origin, what);
                    (built_in, given.origin.clone())
                }
            },
        };
        self.show(key, ShownValue::One(value.written()), origin);
        value
    }

    /// A list, empty unless given. In the environment its entries are parted by commas.
    pub(crate) fn list<T: Setting>(&mut self, key: &'static str) -> Vec<T> {
        let Some(given) = self.given(key) else {
            self.show(key, ShownValue::Many(Vec::new()), Origin::BuiltIn);
            return Vec::new();
        };
        let entries: Vec<&str> = match &given.written {
            Written::One(text) => text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect(),
            Written::Many(entries) => entries.iter().map(String::as_str).collect(),
            Written::EmptyTable => Vec::new(),
        };
        let mut values = Vec::new();
        for entry in entries {
            match T::parse(entry) {
                Ok(value) => values.push(value),
                Err(what) => self.wrong::<T>(key, &given.origin, what),
            }
        }
        let written = values.iter().map(T::written).collect();
        self.show(key, ShownValue::Many(written), given.origin.clone());
        values
    }

    /// A secret: its value, or the file that `<key>_file` names. The caller shows `key` itself, since
    /// only it knows how much may be seen.
    pub(crate) fn secret(&mut self, key: &'static str, file_key: &'static str) -> Option<GivenSecret> {
        let file = self.given(file_key);
        let shown = match file.map(single) {
            Some(Ok(path)) => ShownValue::One(path.to_owned()),
            _ => ShownValue::Unset,
        };
        self.show(file_key, shown, file.map_or(Origin::BuiltIn, |given| given.origin.clone()));
        let file_path = file.and_then(|given| Some((single(given).ok()?, &given.origin)));
        match (self.given(key), file_path) {
            (Some(given), Some(_)) => {
                self.problem(
                    Problem::error(
                        format!("Both {key} and {file_key} are given."),
                        "Keep one of the two and remove the other.",
                    )
                    .at(given.origin.clone()),
                );
                None
            }
            (Some(given), None) => match single(given) {
                Ok(text) => Some(GivenSecret {
                    text: text.trim().to_owned(),
                    origin: given.origin.clone(),
                    file: None,
                }),
                Err(what) => {
                    let instead = "Write it as one text, or put it into a file and name that file.";
                    self.problem(Problem::error(what, instead).at(given.origin.clone()).of(key));
                    None
                }
            },
            (None, Some((path, origin))) => self.secret_from(Path::new(path), file_key, origin),
            (None, None) => None,
        }
    }

    /// Shows a value that [`Self::secret`] read.
    pub(crate) fn show(&mut self, key: &'static str, value: ShownValue, origin: Origin) {
        self.shown.push(Shown { key, value, origin });
    }

    /// Notes a problem that only the section itself can see.
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Where the value of a setting came from.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.given(key).map_or(Origin::BuiltIn, |given| given.origin.clone())
    }

    /// Ends reading: whatever was given and not asked for is not a setting.
    pub(crate) fn finish(mut self) -> (Vec<Shown>, Vec<Problem>) {
        let known: Vec<&str> = self.shown.iter().map(|shown| shown.key).collect();
        for (key, given) in self.layers.all() {
            let is_section = given.written == Written::EmptyTable
                && known.iter().any(|known| known.split_once('.').is_some_and(|(section, _)| section == key));
            if !known.contains(&key) && !is_section {
                let instead = match nearest(key, &known) {
                    Some(near) => format!("Did you mean {near}?"),
                    None => "Remove it. `innkeeper config show` lists every setting.".to_owned(),
                };
                self.problems.push(
                    Problem::error("There is no such setting.", instead).at(given.origin.clone()).of(key),
                );
            }
        }
        (self.shown, self.problems)
    }

    fn given(&self, key: &str) -> Option<&'l Given> {
        self.layers.given(key)
    }

    fn wrong<T: Setting>(&mut self, key: &str, origin: &Origin, what: String) {
        self.problem(Problem::error(what, format!("Write {}", T::WRITE)).at(origin.clone()).of(key));
    }

    fn secret_from(&mut self, path: &Path, file_key: &'static str, origin: &Origin) -> Option<GivenSecret> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let text = text.trim().to_owned();
                Some(GivenSecret { text, origin: origin.clone(), file: Some(path.to_owned()) })
            }
            Err(error) => {
                self.problem(
                    Problem::error(
                        format!("The file {} can't be read: {error}.", path.display()),
                        "Name a file that the service may read.",
                    )
                    .at(origin.clone())
                    .of(file_key),
                );
                None
            }
        }
    }
}

fn single(given: &Given) -> Result<&str, String> {
    match &given.written {
        Written::One(text) => Ok(text),
        Written::Many(_) => Err("This is a list, and one value is wanted.".to_owned()),
        Written::EmptyTable => Err("This is a table, and one value is wanted.".to_owned()),
    }
}

/// The known key that a mistyped one most likely meant.
fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let by_distance = known.iter().copied().min_by_key(|key| distance(typed, key))?;
    if distance(typed, by_distance) <= 2.max(typed.len() / 4) {
        return Some(by_distance);
    }
    known.iter().copied().find(|key| distance(&last(typed), &last(key)) <= 1)
}

/// How many letters to add, drop or change to get from one word to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_finds_its_neighbour() {
        let known = ["http.listen", "http.trusted_proxies", "identity.url", "data.dir"];
        assert_eq!(nearest("http.lisen", &known), Some("http.listen"));
        assert_eq!(nearest("htp.listen", &known), Some("http.listen"));
        assert_eq!(nearest("listen", &known), Some("http.listen"));
        assert_eq!(nearest("idp.url", &known), Some("identity.url"));
        assert_eq!(nearest("mail.smarthost", &known), None);
    }
}
