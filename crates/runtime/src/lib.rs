//! Where a workspace session runs.
//!
//! A [`Driver`] starts sessions, finds them again after the service was restarted, and ends them. What it hands
//! back is a [`Handle`] that its caller stores, and a byte stream to the session's RFB server (RFC 6143), which
//! `stream` relays to a browser. The only driver now is [`sandbox::Sandbox`]: Linux namespaces on this machine,
//! no container engine, no setuid program, as root and as an ordinary user.

mod driver;
pub mod sandbox;
mod spec;

pub use driver::{
    Capabilities, Capacity, Driver, EndCause, Error, Handle, Observed, RfbStream, StartError, State, Usage,
};
pub use spec::{Geometry, Kind, SessionSpec};
