//! What a browser sends: RFC 6143 sections 7.1, 7.3.1 and 7.5, and the extensions that noVNC uses.

use super::{Malformed, PixelSize, Policy, clipboard, encodings, i32_at, u16_at};

/// The largest clipboard that is passed on, in bytes; larger is refused. The page says so before it sends.
const MAX_CLIPBOARD: usize = 1024 * 1024;
/// More encodings than any client has.
const MAX_ENCODINGS: usize = 512;
/// RFB's own limit (rfbproto, ClientFence).
const MAX_FENCE: usize = 64;

/// Reads the client's bytes in whatever pieces they come, and keeps what the policy allows.
#[derive(Debug)]
pub(crate) struct ClientMessages {
    policy: Policy,
    phase: Phase,
    pixels: PixelSize,
    /// The beginning of a message whose end has not come yet. At most one message long.
    pending: Vec<u8>,
}

/// Where in the protocol the client is. Security has one legal answer here, None: the ticket was the security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Version,
    Security,
    Init,
    /// Before the first request for pixels, while the pixel format may still change.
    Preparing,
    Running,
}

/// What a piece of the client's bytes held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// A key, the pointer or the clipboard was used, and passed on.
    pub(crate) input: bool,
}

impl ClientMessages {
    pub(crate) fn new(policy: Policy, pixels: PixelSize) -> Self {
        Self { policy, phase: Phase::Version, pixels, pending: Vec::new() }
    }

    /// Takes a piece, and appends to `out` what goes to the session. After an error nothing more may be fed.
    pub(crate) fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<Seen, Malformed> {
        self.pending.extend_from_slice(piece);
        let mut pending = std::mem::take(&mut self.pending);
        let mut seen = Seen::default();
        let mut at = 0;
        while let Some(length) = self.length(&pending[at..])? {
            let Some(message) = pending.get_mut(at..at + length) else { break };
            self.pass(message, out, &mut seen)?;
            at += length;
        }
        pending.drain(..at);
        self.pending = pending;
        Ok(seen)
    }

    /// The length of the message that begins here; none while too little of it is there to tell.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let Some(&kind) = bytes.first() else { return Ok(None) };
        match self.phase {
            Phase::Version => return Ok(Some(12)),
            Phase::Security | Phase::Init => return Ok(Some(1)),
            Phase::Preparing | Phase::Running => {}
        }
        let head = match kind {
            2 => 4,
            3 | 150 => 10,
            6 | 251 => 8,
            248 => 9,
            255 => 2,
            0 => return Ok(Some(20)),
            4 => return Ok(Some(8)),
            5 => return Ok(Some(6)),
            250 => return Ok(Some(4)),
            _ => return Err(Malformed("an unknown type of message")),
        };
        if bytes.len() < head { Ok(None) } else { variable(kind, head, bytes).map(Some) }
    }

    /// Applies the policy to one whole message.
    fn pass(&mut self, message: &mut [u8], out: &mut Vec<u8>, seen: &mut Seen) -> Result<(), Malformed> {
        match self.phase {
            Phase::Version if message != b"RFB 003.008\n" => return Err(Malformed("not version 3.8")),
            Phase::Version => self.phase = Phase::Security,
            Phase::Security if message != [1] => return Err(Malformed("a security type other than None")),
            Phase::Security => self.phase = Phase::Init,
            Phase::Init => {
                // A watcher who asks for the screen alone would throw the others out.
                if self.policy.view_only {
                    message[0] = 1;
                }
                self.phase = Phase::Preparing;
            }
            Phase::Preparing | Phase::Running => return self.pass_message(message, out, seen),
        }
        out.extend_from_slice(message);
        Ok(())
    }

    fn pass_message(
        &mut self,
        message: &mut [u8],
        out: &mut Vec<u8>,
        seen: &mut Seen,
    ) -> Result<(), Malformed> {
        let watches = self.policy.view_only;
        let allowed = match message[0] {
            0 if self.phase == Phase::Running => {
                return Err(Malformed("a change of the pixel format in the middle"));
            }
            0 => self.pixels.learn(&message[4..]).map(|()| true)?,
            2 => {
                announce(message, out);
                return Ok(());
            }
            3 | 150 => {
                self.phase = Phase::Running;
                true
            }
            4 | 255 => {
                seen.input |= !watches;
                !watches
            }
            5 => {
                // Bit 7 would make the message longer for a server with ExtendedMouseButtons, which is not announced.
                message[1] &= 0x7f;
                seen.input |= !watches;
                !watches
            }
            6 => {
                let length = i32_at(message, 4);
                let tells = length >= 0 || clipboard::tells(super::u32_at(message, 8));
                let allowed = !tells || (self.policy.clipboard_up && !watches);
                seen.input |= allowed && tells;
                allowed
            }
            251 => !watches,
            248 => true,
            // xvp: to shut down or reboot is the session's business, not the client's.
            _ => false,
        };
        if allowed {
            out.extend_from_slice(message);
        }
        Ok(())
    }
}

/// The length of a message that says in its head how long it is.
fn variable(kind: u8, head: usize, bytes: &[u8]) -> Result<usize, Malformed> {
    match kind {
        2 => match usize::from(u16_at(bytes, 2)) {
            count if count <= MAX_ENCODINGS => Ok(head + 4 * count),
            _ => Err(Malformed("too many encodings")),
        },
        6 => match (i32_at(bytes, 4), i32_at(bytes, 4).unsigned_abs() as usize) {
            (.., size) if size > MAX_CLIPBOARD => Err(Malformed("a clipboard that is too large")),
            (..0, ..4) => Err(Malformed("an extended clipboard message without flags")),
            (_, size) => Ok(head + size),
        },
        248 => match usize::from(bytes[8]) {
            size if size <= MAX_FENCE => Ok(head + size),
            _ => Err(Malformed("a fence that is too long")),
        },
        251 => Ok(head + 16 * usize::from(bytes[6])),
        255 if bytes[1] == 0 => Ok(12),
        255 => Err(Malformed("a QEMU message other than a key event")),
        _ => Ok(head),
    }
}

/// Passes on SetEncodings with the encodings that the relay knows.
fn announce(message: &[u8], out: &mut Vec<u8>) {
    let known: Vec<&[u8]> =
        message[4..].chunks_exact(4).filter(|four| encodings::is_known(i32_at(four, 0))).collect();
    // No more than came in, and that was a u16.
    let count = u16::try_from(known.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&message[..2]);
    out.extend_from_slice(&count.to_be_bytes());
    out.extend(known.into_iter().flatten());
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
