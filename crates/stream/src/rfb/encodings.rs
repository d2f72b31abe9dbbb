//! The encodings that a client may announce through the relay.

pub(super) const RAW: i32 = 0;
pub(super) const COPY_RECT: i32 = 1;
pub(super) const ZLIB: i32 = 6;
pub(super) const TIGHT: i32 = 7;
pub(super) const ZRLE: i32 = 16;
pub(super) const H264: i32 = 50;
pub(super) const DESKTOP_SIZE: i32 = -223;
pub(super) const LAST_RECT: i32 = -224;
pub(super) const CURSOR: i32 = -239;
pub(super) const QEMU_KEY_EVENT: i32 = -258;
pub(super) const QEMU_LED_STATE: i32 = -261;
pub(super) const DESKTOP_NAME: i32 = -307;
pub(super) const EXTENDED_DESKTOP_SIZE: i32 = -308;
const FENCE: i32 = -312;
const CONTINUOUS_UPDATES: i32 = -313;
pub(super) const VMWARE_CURSOR: i32 = 0x574d_5664;
const EXTENDED_CLIPBOARD: i32 = 0xc0a1_e5ce_u32.cast_signed();

/// Whether the relay knows the framing of all that this announcement allows the two sides to send.
///
/// Left out on purpose: ExtendedMouseButtons (-316), because it changes the length of PointerEvent; xvp (-309),
/// because it lets a client power off the machine; and encodings whose end is only found by decoding them
/// (RRE, Hextile, TightPNG, JPEG), which the others replace.
pub(super) fn is_known(encoding: i32) -> bool {
    matches!(
        encoding,
        RAW | COPY_RECT
            | ZLIB
            | TIGHT
            | ZRLE
            | H264
            | DESKTOP_SIZE
            | LAST_RECT
            | CURSOR
            | QEMU_KEY_EVENT
            | QEMU_LED_STATE
            | DESKTOP_NAME
            | EXTENDED_DESKTOP_SIZE
            | FENCE
            | CONTINUOUS_UPDATES
            | VMWARE_CURSOR
            | EXTENDED_CLIPBOARD
            | -32..=-23        // JPEG quality
            | -256..=-247      // compression level
            | -512..=-412      // fine JPEG quality
            | -768..=-763      // JPEG subsampling
    )
}
