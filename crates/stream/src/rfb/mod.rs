//! The parts of RFB (RFC 6143 and the extensions of the community's rfbproto) that the relay must understand to hold
//! a connection to a policy: where each message begins and ends, and what kind it is.
//!
//! The relay passes on only encodings and message types whose framing it knows. Without that a client could announce
//! an extension that changes the length of a message, and so slip a message of another kind past the policy.

mod client;
mod encodings;
mod server;

pub(crate) use client::ClientMessages;
pub(crate) use server::ServerMessages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a connection may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Text may go from the person's clipboard into the session.
    pub clipboard_up: bool,
    /// Text may come from the session's clipboard to the person. Where it may not, the relay reads everything that
    /// the session sends and takes the clipboard out, for which it narrows the encodings to those that it can frame.
    /// What is on the screen can still be read, or photographed.
    pub clipboard_down: bool,
    /// The person only watches: no keys, no pointer, no clipboard into the session, no change of size.
    pub view_only: bool,
}

/// A side said something that is not the protocol, or not the part of it that is allowed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not the RFB that is allowed here: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// How many bytes a pixel takes in what the session sends. The client's reader learns it, the server's needs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PixelSize(Arc<AtomicU8>);

impl PixelSize {
    /// Reads a PIXEL_FORMAT (RFC 6143, section 7.4).
    fn learn(&self, format: &[u8]) -> Result<(), Malformed> {
        let [bits, depth, _, true_colour, red_1, red_2, green_1, green_2, blue_1, blue_2, ..] = *format
        else {
            return Err(Malformed("a pixel format was too short"));
        };
        let bytes = match bits {
            8 | 16 | 32 if true_colour != 0 => bits / 8,
            _ => return Err(Malformed("the pixel format is not true colour of 8, 16 or 32 bits")),
        };
        let full = [red_1, red_2, green_1, green_2, blue_1, blue_2] == [0, 255, 0, 255, 0, 255];
        let compact = if bits == 32 && depth == 24 && full { 3 } else { bytes };
        self.0.store(bytes << 4 | compact, Ordering::Relaxed);
        Ok(())
    }

    /// Bytes of a PIXEL.
    fn pixel(&self) -> u64 {
        u64::from(self.0.load(Ordering::Relaxed) >> 4)
    }

    /// Bytes of a TPIXEL, the pixel of the Tight encoding.
    fn compact(&self) -> u64 {
        u64::from(self.0.load(Ordering::Relaxed) & 0xf)
    }
}

/// Big-endian numbers at the beginning of bytes that are known to be there.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    u32_at(bytes, at).cast_signed()
}

/// What an Extended Clipboard message is for: the flags at its beginning.
mod clipboard {
    const ACTIONS: u32 = 0xff00_0000;
    /// The sender's capabilities; the other actions are then those that it is capable of.
    pub(super) const CAPS: u32 = 1 << 24;
    /// Asks for the content.
    pub(super) const REQUEST: u32 = 1 << 25;
    /// Asks which formats there are.
    const PEEK: u32 = 1 << 26;

    /// Whether a message with these flags tells something of the sender's clipboard: the content itself, or that there
    /// is some. An action that we do not know counts as one that does.
    pub(super) fn tells(flags: u32) -> bool {
        flags & CAPS == 0 && !matches!(flags & ACTIONS, REQUEST | PEEK)
    }
}
