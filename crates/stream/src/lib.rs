//! What flows between a session of a workspace and a browser.
//!
//! The first version carries RFB (RFC 6143, the protocol of VNC) over one binary WebSocket: noVNC in the page, an X
//! server with RFB in the session, and [`relay`] between them. Before a single byte reaches the session, [`admit`]
//! has compared the origin and the caller has consumed a [`LaunchTicket`]. What the browser sends is read message by
//! message and held against a [`Policy`]; what the session sends is read too when its clipboard must stay inside.
//!
//! A connection ends with a [`CloseReason`] that the page puts into words.

mod admission;
mod close;
mod relay;
mod rfb;
mod ticket;

pub use admission::{MAX_MESSAGE, Refusal, accept, admit, origin_allowed};
pub use close::CloseReason;
pub use relay::{Ending, Observer, Outcome, Timing, relay};
pub use rfb::Policy;
pub use ticket::LaunchTicket;
