//! What a session sends: RFC 6143 sections 7.1, 7.3.2, 7.6 and 7.7, and the extensions that [`super::encodings`] lets
//! a client announce. Read only to take the clipboard out; pixels are counted, not decoded.

use super::encodings::{
    COPY_RECT, CURSOR, DESKTOP_NAME, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE, H264, LAST_RECT, QEMU_KEY_EVENT,
    QEMU_LED_STATE, RAW, TIGHT, VMWARE_CURSOR, ZLIB, ZRLE,
};
use super::{Malformed, PixelSize, clipboard, i32_at, u16_at, u32_at};

/// No head is longer: a Tight palette of 256 colours, and the length after it.
const LONGEST_HEAD: usize = 3 + 256 * 4 + 3;

/// Reads the session's bytes in whatever pieces they come, and leaves out the clipboard.
#[derive(Debug)]
pub(crate) struct ServerMessages {
    pixels: PixelSize,
    next: Next,
    /// Rectangles of the update that are still to come; none where LastRect will end it.
    rectangles: Option<u16>,
    /// The beginning of a head whose end has not come yet.
    pending: Vec<u8>,
    /// Bytes that go by before the next head.
    body: u64,
    /// Whether those bytes are left out.
    hide: bool,
}

/// What the next head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Version,
    SecurityTypes,
    SecurityResult,
    Init,
    Message,
    Rectangle,
    /// The control byte of a rectangle in Tight, and what follows it, for this area (width, height).
    Tight(u16, u16),
    /// The rest of a VMware cursor, for this many pixels.
    VmwareCursor(u64),
    /// The list of screens.
    Screens,
    /// A rectangle's data that begins with its own length; with so many bytes between the length and the data.
    Sized(u64),
}

/// A head was read.
struct Head {
    /// Its length; these bytes are passed on or left out with the body.
    length: usize,
    /// The body after it.
    body: u64,
    hide: bool,
    next: Next,
}

impl Head {
    fn new(length: usize, body: u64, next: Next) -> Option<Self> {
        Some(Self { length, body, hide: false, next })
    }
}

impl ServerMessages {
    pub(crate) fn new(pixels: PixelSize) -> Self {
        let next = Next::Version;
        Self { pixels, next, rectangles: Some(0), pending: Vec::new(), body: 0, hide: false }
    }

    /// Takes a piece, and appends to `out` what goes to the browser. After an error nothing more may be fed.
    pub(crate) fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        loop {
            piece = self.go_by(piece, out);
            if piece.is_empty() {
                return Ok(());
            }
            let held = self.pending.len();
            let bytes = if held == 0 {
                piece
            } else {
                self.pending.extend_from_slice(&piece[..piece.len().min(LONGEST_HEAD)]);
                &std::mem::take(&mut self.pending)
            };
            let Some(head) = self.head(bytes)? else {
                self.pending = bytes.to_vec();
                return Ok(());
            };
            if !head.hide {
                out.extend_from_slice(&bytes[..head.length]);
            }
            // A head ends after what was held before, or it would have been read then.
            piece = &piece[head.length.saturating_sub(held)..];
            self.body = head.body;
            self.hide = head.hide;
            self.next = head.next;
        }
    }

    /// Lets the bytes of a body go by; returns what is after them.
    fn go_by<'p>(&mut self, piece: &'p [u8], out: &mut Vec<u8>) -> &'p [u8] {
        let count = usize::try_from(self.body).map_or(piece.len(), |body| body.min(piece.len()));
        let (body, rest) = piece.split_at(count);
        if !self.hide {
            out.extend_from_slice(body);
        }
        self.body -= count as u64;
        rest
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Option<Head>, Malformed> {
        match self.next {
            Next::Version if bytes.len() < 12 => Ok(None),
            Next::Version if &bytes[..12] != b"RFB 003.008\n" => {
                Err(Malformed("the session is not version 3.8"))
            }
            Next::Version => Ok(Head::new(12, 0, Next::SecurityTypes)),
            Next::SecurityTypes if bytes[0] == 0 => Err(Malformed("the session refused the connection")),
            Next::SecurityTypes => Ok(Head::new(1, u64::from(bytes[0]), Next::SecurityResult)),
            Next::SecurityResult if bytes.len() < 4 => Ok(None),
            Next::SecurityResult if u32_at(bytes, 0) != 0 => {
                Err(Malformed("the session refused to let us in"))
            }
            Next::SecurityResult => Ok(Head::new(4, 0, Next::Init)),
            Next::Init if bytes.len() < 24 => Ok(None),
            Next::Init => {
                self.pixels.learn(&bytes[4..20])?;
                Ok(Head::new(24, u64::from(u32_at(bytes, 20)), Next::Message))
            }
            Next::Message => self.message(bytes),
            Next::Rectangle if bytes.len() < 12 => Ok(None),
            Next::Rectangle => self.rectangle(bytes),
            Next::Tight(width, height) => self.tight(bytes, width, height),
            Next::VmwareCursor(_) if bytes.len() < 2 => Ok(None),
            Next::VmwareCursor(pixels) => match bytes[0] {
                0 => Ok(Head::new(2, pixels * self.pixels.pixel() * 2, self.after_rectangle())),
                1 => Ok(Head::new(2, pixels * 4, self.after_rectangle())),
                _ => Err(Malformed("an unknown kind of cursor")),
            },
            Next::Screens if bytes.len() < 4 => Ok(None),
            Next::Screens => Ok(Head::new(4, 16 * u64::from(bytes[0]), self.after_rectangle())),
            Next::Sized(_) if bytes.len() < 4 => Ok(None),
            Next::Sized(between) => {
                Ok(Head::new(4, between + u64::from(u32_at(bytes, 0)), self.after_rectangle()))
            }
        }
    }

    fn message(&mut self, bytes: &[u8]) -> Result<Option<Head>, Malformed> {
        let needed = match bytes[0] {
            0 | 250 => 4,
            1 => 6,
            2 | 150 => 1,
            3 => 8,
            248 => 9,
            _ => return Err(Malformed("the session sent an unknown type of message")),
        };
        if bytes.len() < needed {
            return Ok(None);
        }
        match bytes[0] {
            0 => {
                let count = u16_at(bytes, 2);
                self.rectangles = (count != u16::MAX).then_some(count);
                Ok(Head::new(needed, 0, if count == 0 { Next::Message } else { Next::Rectangle }))
            }
            1 => Ok(Head::new(needed, 6 * u64::from(u16_at(bytes, 4)), Next::Message)),
            3 => Ok(cut_text(bytes)),
            248 => Ok(Head::new(needed, u64::from(bytes[8]), Next::Message)),
            _ => Ok(Head::new(needed, 0, Next::Message)),
        }
    }

    fn rectangle(&mut self, bytes: &[u8]) -> Result<Option<Head>, Malformed> {
        let (width, height, encoding) = (u16_at(bytes, 4), u16_at(bytes, 6), i32_at(bytes, 8));
        let pixels = u64::from(width) * u64::from(height);
        let body = match encoding {
            RAW => pixels * self.pixels.pixel(),
            COPY_RECT => 4,
            DESKTOP_SIZE | QEMU_KEY_EVENT => 0,
            QEMU_LED_STATE => 1,
            CURSOR => pixels * self.pixels.pixel() + u64::from(width.div_ceil(8)) * u64::from(height),
            LAST_RECT => {
                self.rectangles = Some(0);
                return Ok(Head::new(12, 0, Next::Message));
            }
            TIGHT => return Ok(Head::new(12, 0, Next::Tight(width, height))),
            VMWARE_CURSOR => return Ok(Head::new(12, 0, Next::VmwareCursor(pixels))),
            EXTENDED_DESKTOP_SIZE => return Ok(Head::new(12, 0, Next::Screens)),
            ZLIB | ZRLE | DESKTOP_NAME => return Ok(Head::new(12, 0, Next::Sized(0))),
            H264 => return Ok(Head::new(12, 0, Next::Sized(4))),
            _ => return Err(Malformed("the session used an encoding that was not announced")),
        };
        Ok(Head::new(12, body, self.after_rectangle()))
    }

    /// Counts a rectangle that has been read to its last head.
    fn after_rectangle(&mut self) -> Next {
        match &mut self.rectangles {
            None => Next::Rectangle,
            Some(count) => {
                *count = count.saturating_sub(1);
                if *count == 0 { Next::Message } else { Next::Rectangle }
            }
        }
    }

    /// The Tight encoding (rfbproto, "Tight Encoding").
    fn tight(&mut self, bytes: &[u8], width: u16, height: u16) -> Result<Option<Head>, Malformed> {
        let (width, height, compact) = (u64::from(width), u64::from(height), self.pixels.compact());
        let control = bytes[0] >> 4;
        let (at, plain) = match control {
            8 => return Ok(Head::new(1, compact, self.after_rectangle())),
            9 => (1, None),
            10.. => return Err(Malformed("an unknown kind of Tight rectangle")),
            _ => match filter(bytes, control & 4 != 0, width, height, compact)? {
                None => return Ok(None),
                Some((at, size)) => (at, Some(size)),
            },
        };
        match plain {
            // Too little to be worth compressing: sent as it is.
            Some(size) if size < 12 => Ok(Head::new(at, size, self.after_rectangle())),
            _ => match compact_length(&bytes[at.min(bytes.len())..]) {
                None => Ok(None),
                Some((length, size)) => Ok(Head::new(at + length, size, self.after_rectangle())),
            },
        }
    }
}

/// ServerCutText, plain (length not negative) or extended. The extended messages that tell nothing of the clipboard,
/// such as the server's request for ours, go through.
fn cut_text(bytes: &[u8]) -> Option<Head> {
    let length = i32_at(bytes, 4);
    let size = u64::from(length.unsigned_abs());
    if length >= 0 {
        return Some(Head { length: 8, body: size, hide: true, next: Next::Message });
    }
    if bytes.len() < 12 {
        return None;
    }
    let hide = clipboard::tells(u32_at(bytes, 8));
    Some(Head { length: 12, body: size.saturating_sub(4), hide, next: Next::Message })
}

/// The filter of a basic Tight rectangle: where its data begins, and how long that is before compression. None while
/// it is not all there.
fn filter(
    bytes: &[u8],
    explicit: bool,
    width: u64,
    height: u64,
    compact: u64,
) -> Result<Option<(usize, u64)>, Malformed> {
    if !explicit {
        return Ok(Some((1, width * height * compact)));
    }
    match (bytes.get(1), bytes.get(2)) {
        (None, _) | (Some(1), None) => Ok(None),
        (Some(0 | 2), _) => Ok(Some((2, width * height * compact))),
        (Some(1), Some(&last)) => {
            let colours = usize::from(last) + 1;
            let at = 3 + colours * usize::from(u8::try_from(compact).unwrap_or(4));
            let row = if colours <= 2 { width.div_ceil(8) } else { width };
            Ok((bytes.len() >= at).then_some((at, row * height)))
        }
        _ => Err(Malformed("an unknown Tight filter")),
    }
}

/// One to three bytes of seven, seven and eight bits, low ones first: how many bytes, and the number.
fn compact_length(bytes: &[u8]) -> Option<(usize, u64)> {
    let first = *bytes.first()?;
    let mut size = u64::from(first & 0x7f);
    if first & 0x80 == 0 {
        return Some((1, size));
    }
    let second = *bytes.get(1)?;
    size |= u64::from(second & 0x7f) << 7;
    if second & 0x80 == 0 {
        return Some((2, size));
    }
    let third = *bytes.get(2)?;
    Some((3, size | u64::from(third) << 14))
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
