//! A failure in the words of the person in front of it, with its cause kept for the log.

use std::fmt;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a request could not be served. Turned into a page (or JSON for APIs) by the site layer,
/// which adds the request's id and logs the cause under the same id.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    status: StatusCode,
    title: String,
    sentence: String,
    next: Option<(String, String)>,
    cause: Option<Arc<str>>,
}

impl Problem {
    /// A problem with a heading and a sentence for the person.
    pub fn new(status: StatusCode, title: impl Into<String>, sentence: impl Into<String>) -> Self {
        let (title, sentence) = (title.into(), sentence.into());
        Self(Box::new(Inner { status, title, sentence, next: None, cause: None }))
    }

    /// The request is wrong in a way that its sender can mend.
    pub fn bad_request(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That request can't be used", sentence)
    }

    /// Nothing lives at this address.
    pub fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Nothing here", sentence)
    }

    /// The person is known, and may not.
    pub fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Permission denied", sentence)
    }

    /// Too many tries in a short time.
    pub fn too_many(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many attempts", sentence)
    }

    /// Something failed on our side; `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let sentence = "Something went wrong on our side, and nothing was changed. Try again; if it stays, \
                        give the administrator the id below.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "That did not work", sentence).because(cause)
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string().into());
        self
    }

    /// Adds a link to what the person can do next.
    #[must_use]
    pub fn next(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.0.next = Some((label.into(), href.into()));
        self
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The heading.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// The sentence for the person.
    pub fn sentence(&self) -> &str {
        &self.0.sentence
    }

    /// Label and address of the next step, if there is one.
    pub fn next_step(&self) -> Option<(&str, &str)> {
        self.0.next.as_ref().map(|(label, href)| (label.as_str(), href.as_str()))
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::internal(format!("database: {error:?}"))
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        Self::internal(format!("template: {error}"))
    }
}
