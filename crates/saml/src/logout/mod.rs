//! Single logout: the request to end somebody's session, and the answer to it (SAML Core 3.7, Profiles 4.4).

mod read;
mod write;

pub use read::{LogoutRequest, LogoutResponse};
pub use write::{LogoutRequestBuilder, LogoutResponseBuilder};

use crate::vocabulary::StatusCode;

/// How a request was answered (SAML Core 3.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether it was done, and if not, who is at fault.
    pub code: StatusCode,
    /// More precisely, such as [`StatusCode::PartialLogout`].
    pub sub_code: Option<StatusCode>,
    /// The same for people. Whoever answered wrote it.
    pub message: Option<String>,
}

impl Status {
    /// All was done as asked.
    pub const SUCCESS: Self = Self { code: StatusCode::Success, sub_code: None, message: None };

    /// The session ended, but not every other one that hangs on it (Core 3.7.3.2).
    pub const PARTIAL_LOGOUT: Self =
        Self { code: StatusCode::Success, sub_code: Some(StatusCode::PartialLogout), message: None };

    /// Whether all was done as asked.
    pub fn is_success(&self) -> bool {
        self.code == StatusCode::Success && self.sub_code != Some(StatusCode::PartialLogout)
    }

    /// Whether only a part was done, whatever the first code says: peers differ in it.
    pub fn is_partial_logout(&self) -> bool {
        self.sub_code == Some(StatusCode::PartialLogout)
    }
}
