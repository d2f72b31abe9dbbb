//! Why a request gets no assertion, and who hears it. `docs/saml.md` has the table.

use saml::StatusCode;
use site::Problem;

use super::request::Asked;
use crate::flows::Refusal;

/// A refusal as the application is told (SAML Core 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Who is at fault.
    pub(super) status: StatusCode,
    /// What is wrong.
    pub(super) sub_status: StatusCode,
    /// The same for people.
    pub(super) sentence: String,
}

impl Refused {
    /// The application asks for what can't be given.
    pub(super) fn requester(sub_status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status: StatusCode::Requester, sub_status, sentence: sentence.into() }
    }

    /// It can't or won't be given here.
    pub(super) fn responder(sub_status: StatusCode, sentence: impl Into<String>) -> Self {
        Self { status: StatusCode::Responder, sub_status, sentence: sentence.into() }
    }
}

/// What the application is told of a decision that knows nothing of SAML.
pub(super) fn by_flow(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::NotPassive => Refused::responder(
            StatusCode::NoPassive,
            "The person would have to sign in or to agree, and the request forbids to ask.",
        ),
        Refusal::NotAllowed => {
            Refused::responder(StatusCode::RequestDenied, "This person may not open the application.")
        }
        Refusal::Cancelled => Refused::responder(StatusCode::AuthnFailed, "The person did not sign in."),
        Refusal::Declined => Refused::responder(
            StatusCode::RequestDenied,
            "The person did not agree to sign in to the application.",
        ),
        Refusal::Unfit => {
            Refused::responder(StatusCode::RequestDenied, "This person can't sign in to the application.")
        }
    }
}

/// A request that is not answered with an assertion, whoever the person is.
#[derive(Debug)]
pub(super) enum Denial {
    /// It can't be trusted so far that anything is sent anywhere: the person sees what is wrong.
    Page(Problem),
    /// The registered address gets a status.
    Answer(Box<Asked>, Refused),
}

impl From<Problem> for Denial {
    fn from(problem: Problem) -> Self {
        Self::Page(problem)
    }
}
