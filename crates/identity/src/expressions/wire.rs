//! How the service and a worker speak: frames of JSON behind their length in four bytes, little-endian.
//! Neither side trusts the other's lengths.

use serde::Serialize;

/// Bytes of what a worker is asked.
pub(super) const MAX_JOB: usize = 4 << 20;

/// Bytes of what a worker answers for one expression: what it may return as JSON writes it at worst, where
/// every byte is a control character, and some air.
pub(super) const MAX_ANSWER: usize = 6 * super::MAX_RETURNED + 16 * 1024;

/// What a worker says when it is ready to be asked.
pub(super) const READY: &[u8] = b"ready";

/// A frame that holds these bytes; none if they are more than a frame may hold.
pub(super) fn frame(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= limit)?;
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend_from_slice(bytes);
    Some(frame)
}

/// A frame that holds this value; none if it is more than a frame may hold.
pub(super) fn frame_of(value: &impl Serialize, limit: usize) -> Option<Vec<u8>> {
    frame(&serde_json::to_vec(value).ok()?, limit)
}

/// The length that a frame begins with, unless it is more than the frame may hold.
pub(super) fn length(head: [u8; 4], limit: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(head)).ok().filter(|length| *length <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_begins_with_its_length_and_is_never_longer_than_allowed() {
        assert_eq!(frame(b"abc", 3).as_deref(), Some(&b"\x03\0\0\0abc"[..]));
        assert_eq!(frame(b"abc", 2), None);
        assert_eq!(length([3, 0, 0, 0], 3), Some(3));
        assert_eq!(length([3, 0, 0, 0], 2), None);
        assert_eq!(length([0xff; 4], MAX_JOB), None);
    }
}
