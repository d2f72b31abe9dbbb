//! The rows of further ACS URLs: fields of one name each, one per row, as browsers send them without a script.

use std::collections::BTreeSet;

use site::FieldErrors;
use url::Url;

use super::{CHOOSE, Fields, acs_url};
use crate::providers::saml::settings::{AcsEndpoint, parse_sp_binding, sp_binding_key};

/// Rows that are empty when the form is shown, for what comes next.
const BLANK_ROWS: usize = 2;
/// Nobody has that many; a form of a stranger might.
pub(crate) const MOST_FURTHER_ACS: usize = 50;

/// One row as typed.
#[derive(Clone, Debug)]
pub(crate) struct AcsRow {
    /// From 1: what the choice of the default calls it.
    pub(crate) number: usize,
    pub(crate) index: String,
    pub(crate) binding: String,
    pub(crate) url: String,
    pub(crate) is_default: bool,
}

impl Fields {
    /// The rows as typed, and empty ones after them.
    pub(crate) fn acs_rows(&self) -> Vec<AcsRow> {
        let typed = self.further_acs_url.len();
        let blank = self.further_acs_url.iter().rev().take_while(|url| url.trim().is_empty()).count();
        let rows = (typed + BLANK_ROWS.saturating_sub(blank)).min(MOST_FURTHER_ACS);
        (0..rows).map(|at| self.acs_row(at)).collect()
    }

    /// Whether any row has an address.
    pub(crate) fn has_further_acs(&self) -> bool {
        self.further_acs_url.iter().any(|url| !url.trim().is_empty())
    }

    /// Whether none of the rows is the default.
    pub(crate) fn acs_is_default(&self) -> bool {
        !self.acs_rows().iter().any(|row| row.is_default)
    }

    fn acs_row(&self, at: usize) -> AcsRow {
        let field = |all: &[String]| all.get(at).map(|text| text.trim().to_owned()).unwrap_or_default();
        let binding = Some(field(&self.further_acs_binding)).filter(|key| !key.is_empty());
        AcsRow {
            number: at + 1,
            index: field(&self.further_acs_index),
            binding: binding.unwrap_or_else(|| "post".to_owned()),
            url: field(&self.further_acs_url),
            is_default: self.default_acs == (at + 1).to_string(),
        }
    }

    /// Shows what is set.
    pub(super) fn set_further_acs(&mut self, endpoints: &[AcsEndpoint]) {
        self.further_acs_index = endpoints.iter().map(|acs| acs.index.to_string()).collect();
        self.further_acs_binding =
            endpoints.iter().map(|acs| sp_binding_key(acs.binding).to_owned()).collect();
        self.further_acs_url = endpoints.iter().map(|acs| acs.url.to_string()).collect();
        let default = endpoints.iter().position(|acs| acs.is_default);
        self.default_acs = default.map_or(0, |at| at + 1).to_string();
    }

    /// Reads the rows that have an address. One without an index gets the next that is free.
    pub(super) fn further_acs(&self, errors: &mut FieldErrors) -> Option<Vec<AcsEndpoint>> {
        let rows: Vec<AcsRow> =
            (0..self.further_acs_url.len().min(MOST_FURTHER_ACS)).map(|at| self.acs_row(at)).collect();
        if rows.iter().any(|row| row.is_default && row.url.is_empty()) {
            errors.add("further_acs", "The row that is the default has no address.");
            return None;
        }
        let rows: Vec<AcsRow> = rows.into_iter().filter(|row| !row.url.is_empty()).collect();
        let mut taken: BTreeSet<u16> = BTreeSet::from([0]);
        for row in rows.iter().filter(|row| !row.index.is_empty()) {
            let index = errors.check("further_acs", index(row))?;
            if !taken.insert(index) {
                let sentence =
                    format!("The index {index} is there twice. The ACS URL above has the index 0.");
                errors.add("further_acs", sentence);
                return None;
            }
        }
        rows.iter().map(|row| errors.check("further_acs", endpoint(row, &mut taken))).collect()
    }
}

fn index(row: &AcsRow) -> Result<u16, String> {
    row.index.parse().map_err(|_| format!("Row {}: the index is a number from 1 to 65535.", row.number))
}

fn endpoint(row: &AcsRow, taken: &mut BTreeSet<u16>) -> Result<AcsEndpoint, String> {
    let url: Url = acs_url(&row.url).map_err(|sentence| format!("Row {}: {sentence}", row.number))?;
    let binding = parse_sp_binding(&row.binding).ok_or(CHOOSE)?;
    let index = match row.index.as_str() {
        "" => (1..=u16::MAX).find(|free| !taken.contains(free)).unwrap_or(u16::MAX),
        _ => index(row)?,
    };
    taken.insert(index);
    Ok(AcsEndpoint { index, binding, url, is_default: row.is_default })
}

#[cfg(test)]
mod tests {
    use saml::Binding;

    use super::*;

    fn fields(rows: &[(&str, &str, &str)], default: &str) -> Fields {
        Fields {
            further_acs_index: rows.iter().map(|row| row.0.to_owned()).collect(),
            further_acs_binding: rows.iter().map(|row| row.1.to_owned()).collect(),
            further_acs_url: rows.iter().map(|row| row.2.to_owned()).collect(),
            default_acs: default.to_owned(),
            ..Fields::default()
        }
    }

    #[test]
    fn rows_are_read_and_shown_again() {
        let typed = fields(
            &[
                ("", "post", "https://a.example/2"),
                ("", "post", " "),
                ("1", "redirect", "https://a.example/1"),
            ],
            "3",
        );
        let mut errors = FieldErrors::none();
        let read = typed.further_acs(&mut errors).unwrap();
        assert!(errors.is_empty());
        let shown: Vec<_> =
            read.iter().map(|acs| (acs.index, acs.binding, acs.url.as_str(), acs.is_default)).collect();
        let expected = [
            (2, Binding::HttpPost, "https://a.example/2", false),
            (1, Binding::HttpRedirect, "https://a.example/1", true),
        ];
        assert_eq!(shown, expected);
        let mut again = Fields::default();
        again.set_further_acs(&read);
        assert_eq!(again.further_acs(&mut errors).unwrap(), read);
        // Two empty rows wait for what comes next, however often the form comes back.
        assert_eq!(again.acs_rows().len(), 4);
        let sent = fields(&[("1", "post", "https://a.example/"), ("", "post", ""), ("", "post", "")], "0");
        assert_eq!(sent.acs_rows().len(), 3);
    }

    #[test]
    fn mistakes_are_told_with_their_row() {
        for (rows, default, sentence) in [
            (vec![("0", "post", "https://a.example/")], "0", "The index 0 is there twice."),
            (vec![("x", "post", "https://a.example/")], "0", "Row 1: the index is a number"),
            (vec![("65536", "post", "https://a.example/")], "0", "Row 1: the index is a number"),
            (vec![("", "post", "a.example")], "0", "Row 1: This is not a web address."),
            (vec![("", "soap", "https://a.example/")], "0", "Choose one of the list."),
            (vec![("", "post", "")], "1", "The row that is the default has no address."),
            (
                vec![("7", "post", "https://a.example/"), ("7", "post", "https://b.example/")],
                "0",
                "The index 7 is there twice.",
            ),
        ] {
            let mut errors = FieldErrors::none();
            let read = fields(&rows, default).further_acs(&mut errors);
            assert!(read.is_none(), "{rows:?}");
            assert!(
                errors.on("further_acs").unwrap().starts_with(sentence),
                "{:?}",
                errors.on("further_acs")
            );
        }
    }
}
