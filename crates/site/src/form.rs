//! Forms: read with their CSRF token checked, and answered with errors beside the fields.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::context::Site;
use crate::origin::Origin;
use crate::{Problem, Visitor};

/// A form that this very browser got from us and sent back. Extracting it checks the CSRF token
/// (field `csrf`, or the header `x-csrf-token`) and the `Origin`; there is no other way to read a form
/// that changes something.
#[derive(Debug)]
pub struct Submitted<T>(pub T);

impl<S, T> FromRequest<S> for Submitted<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    Site: axum::extract::FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let site = <Site as axum::extract::FromRef<S>>::from_ref(state);
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, state).await?;
        check_origin(&site, &parts.headers)?;
        let header_token = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
        let header_token = header_token.map(str::to_owned);
        let urlencoded =
            content_type(&parts.headers).is_none_or(|kind| kind == "application/x-www-form-urlencoded");
        if !urlencoded {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "That form can't be read",
                "The form was sent in a way that this page does not understand.",
            ));
        }
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await.map_err(|error| {
            Problem::new(
                error.status(),
                "That form can't be read",
                "The form is too large, or it broke off on the way.",
            )
        })?;
        let fields: Vec<(String, String)> = serde_html_form::from_bytes(&bytes)
            .map_err(|error| Problem::bad_request("The form could not be read.").because(error))?;
        let given = header_token.as_deref().or_else(|| value_of(&fields, "csrf"));
        if !given.is_some_and(|given| visitor.csrf_matches(&site, given)) {
            return Err(stale_form());
        }
        serde_html_form::from_bytes(&bytes)
            .map(Self)
            .map_err(|error| Problem::bad_request("The form is missing a field.").because(error))
    }
}

fn value_of<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim())
}

/// The form behind a button that says it all: `Submitted<Button>` checks the CSRF token and reads nothing.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
pub struct Button {}

/// A browser says where a form was sent from. Another site's form is refused even with a token.
fn check_origin(site: &Site, headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = value.to_str().ok().and_then(Origin::parse);
    match origin {
        Some(origin) if origin == *site.origin() => Ok(()),
        _ => Err(Problem::forbidden("This form came from another site, so nothing was changed.").because(format!(
            "Origin is {value:?}, expected {}; behind a proxy, the configured URL must be the one that people use",
            site.origin()
        ))),
    }
}

fn stale_form() -> Problem {
    Problem::forbidden(
        "This form is no longer valid, so nothing was changed. Go back, reload the page and send it again. \
         If that does not help, allow cookies for this site.",
    )
    .because("CSRF token missing or not of this browser")
}

/// What is wrong with a form, field by field; the page shows each sentence beside its field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, String)>);

impl FieldErrors {
    /// No errors.
    pub fn none() -> Self {
        Self::default()
    }

    /// One error.
    pub fn of(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(vec![(field, sentence.into())])
    }

    /// Adds an error.
    pub fn add(&mut self, field: &'static str, sentence: impl Into<String>) {
        self.0.push((field, sentence.into()));
    }

    /// Keeps the value, or notes the sentence beside the field.
    pub fn check<T, E: Into<String>>(&mut self, field: &'static str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(sentence) => {
                self.add(field, sentence);
                None
            }
        }
    }

    /// The first sentence for a field.
    pub fn on(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, sentence)| sentence.as_str())
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All errors, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, sentence)| (*name, sentence.as_str()))
    }

    /// `Ok(value)` when nothing is wrong.
    ///
    /// # Errors
    /// These errors, if there are any or the value is missing.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

/// Trims a required text field and bounds its length in characters.
///
/// # Errors
/// A sentence for beside the field.
pub fn required(text: &str, longest: usize) -> Result<String, String> {
    match optional(text, longest)? {
        Some(text) => Ok(text),
        None => Err("Fill this in.".into()),
    }
}

/// Trims an optional text field and bounds its length in characters; blank is `None`.
///
/// # Errors
/// A sentence for beside the field.
pub fn optional(text: &str, longest: usize) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(format!("This is too long: at most {longest} characters."));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
        return Err("This holds a character that can't be shown.".into());
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// Reads a check box: present means on, as browsers send it.
pub fn checked(value: &Option<String>) -> bool {
    value.is_some()
}
