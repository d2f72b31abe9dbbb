use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The session's side of the handshake: 32 bits, depth 24.
fn hello() -> Vec<u8> {
    let format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
    let size = [4, 0, 3, 0];
    [&b"RFB 003.008\n\x02\x01\x10\0\0\0\0"[..], &size, &format, &[0, 0, 0, 3], b"inn"].concat()
}

fn update(rectangles: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend(u16::try_from(rectangles.len()).unwrap().to_be_bytes());
    bytes.extend(rectangles.iter().flatten());
    bytes
}

fn rectangle(width: u16, height: u16, encoding: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 2];
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(encoding.to_be_bytes());
    bytes.extend(data);
    bytes
}

fn compact(size: usize) -> Vec<u8> {
    let low = |shift: usize| u8::try_from(size >> shift & 0x7f).unwrap();
    match size {
        0..0x80 => vec![low(0)],
        0x80..0x4000 => vec![low(0) | 0x80, low(7)],
        _ => vec![low(0) | 0x80, low(7) | 0x80, u8::try_from(size >> 14).unwrap()],
    }
}

/// Data that would be read as clipboards, were it not skipped by its length.
fn data(size: usize) -> Vec<u8> {
    [3, 0, 0, 0, 0, 0, 0, 4].into_iter().cycle().take(size).collect()
}

fn sized(size: usize) -> Vec<u8> {
    [u32::try_from(size).unwrap().to_be_bytes().to_vec(), data(size)].concat()
}

/// One of each kind of rectangle that a client can have announced.
fn every_rectangle() -> Vec<Vec<u8>> {
    let tight = |parts: &[&[u8]]| rectangle(30, 10, TIGHT, &parts.concat());
    vec![
        rectangle(5, 4, RAW, &data(5 * 4 * 4)),
        rectangle(5, 4, COPY_RECT, &data(4)),
        rectangle(5, 4, ZLIB, &sized(77)),
        rectangle(5, 4, ZRLE, &sized(300)),
        rectangle(5, 4, H264, &[&77_u32.to_be_bytes()[..], &[0; 4], &data(77)].concat()),
        rectangle(9, 3, CURSOR, &data(9 * 3 * 4 + 2 * 3)),
        rectangle(9, 3, VMWARE_CURSOR, &[vec![0, 0], data(9 * 3 * 8)].concat()),
        rectangle(9, 3, VMWARE_CURSOR, &[vec![1, 0], data(9 * 3 * 4)].concat()),
        rectangle(800, 600, DESKTOP_SIZE, &[]),
        rectangle(800, 600, EXTENDED_DESKTOP_SIZE, &[vec![2, 0, 0, 0], data(32)].concat()),
        rectangle(0, 0, DESKTOP_NAME, &sized(9)),
        rectangle(0, 0, QEMU_KEY_EVENT, &[]),
        rectangle(0, 0, QEMU_LED_STATE, &[3]),
        tight(&[&[0x80], &data(3)]),
        tight(&[&[0x90], &compact(20_000), &data(20_000)]),
        tight(&[&[0x00], &compact(500), &data(500)]),
        tight(&[&[0x40, 0], &compact(90), &data(90)]),
        tight(&[&[0x40, 2], &compact(90), &data(90)]),
        tight(&[&[0x40, 1, 1], &data(6), &compact(40), &data(40)]),
        tight(&[&[0x60, 1, 255], &data(768), &compact(200), &data(200)]),
        rectangle(3, 1, TIGHT, &[vec![0x00], data(9)].concat()),
        rectangle(8, 2, TIGHT, &[vec![0x40, 1, 1], data(6), data(2)].concat()),
    ]
}

fn cut_text(size: usize) -> Vec<u8> {
    [vec![3, 0, 0, 0], sized(size)].concat()
}

fn extended(flags: u32, rest: usize) -> Vec<u8> {
    let length = -i32::try_from(rest + 4).unwrap();
    [&[3, 0, 0, 0][..], &length.to_be_bytes(), &flags.to_be_bytes(), &data(rest)].concat()
}

fn others() -> Vec<Vec<u8>> {
    vec![
        vec![2],
        vec![150],
        [vec![1, 0, 0, 0, 0, 2], data(12)].concat(),
        [vec![248, 0, 0, 0, 0x80, 0, 0, 0, 3], data(3)].concat(),
        vec![250, 0, 1, 0],
        update(&[]),
        [vec![0, 0, 0xff, 0xff], rectangle(5, 4, COPY_RECT, &data(4)), rectangle(0, 0, LAST_RECT, &[])]
            .concat(),
    ]
}

fn passed(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    ServerMessages::new(PixelSize::default()).feed(bytes, &mut out)?;
    Ok(out)
}

#[test]
fn everything_but_the_clipboard_goes_through_unchanged() {
    let shown = [hello(), update(&every_rectangle()), others().concat(), update(&every_rectangle())].concat();
    assert_eq!(passed(&shown).unwrap(), shown);
}

#[test]
fn the_clipboard_stays_inside_in_all_its_forms() {
    let hidden =
        [cut_text(0), cut_text(500), extended(1 << 28 | 1, 90), extended(1 << 27 | 1, 0), extended(0, 5)]
            .concat();
    let bytes = [hello(), vec![2], hidden, update(&every_rectangle())].concat();
    assert_eq!(passed(&bytes).unwrap(), [hello(), vec![2], update(&every_rectangle())].concat());
    // What the session is capable of, and its question for the person's clipboard, tell nothing.
    let asked = [hello(), extended(0x1f << 24 | 1, 4), extended(1 << 25 | 1, 0)].concat();
    assert_eq!(passed(&asked).unwrap(), asked);
}

#[test]
fn what_cannot_be_framed_is_not_passed_on() {
    let hostile: Vec<Vec<u8>> = vec![
        b"RFB 003.003\n".to_vec(),
        b"RFB 003.008\n\0".to_vec(),
        [hello(), vec![9]].concat(),
        [hello(), update(&[rectangle(5, 4, 5, &[])])].concat(),
        [hello(), update(&[rectangle(5, 4, TIGHT, &[0xa0])])].concat(),
        [hello(), update(&[rectangle(5, 4, TIGHT, &[0x40, 3])])].concat(),
        [hello(), update(&[rectangle(5, 4, VMWARE_CURSOR, &[2, 0])])].concat(),
    ];
    for bytes in hostile {
        assert!(passed(&bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn the_size_of_a_pixel_follows_the_client() {
    let pixels = PixelSize::default();
    let mut reader = ServerMessages::new(pixels.clone());
    reader.feed(&hello(), &mut Vec::new()).unwrap();
    pixels.learn(&[16, 16, 0, 1, 0, 31, 0, 63, 0, 31]).unwrap();
    let shown =
        [update(&[rectangle(5, 4, RAW, &data(40)), rectangle(5, 4, TIGHT, &[0x80, 1, 2])]), vec![2]].concat();
    let mut out = Vec::new();
    reader.feed(&[shown.clone(), cut_text(5)].concat(), &mut out).unwrap();
    assert_eq!(out, shown);
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(proptest::sample::select(every_rectangle()), 0..6).prop_map(|list| update(&list)),
        proptest::sample::select(others()),
        (0_usize..300).prop_map(cut_text),
        (any::<u32>(), 0_usize..60).prop_map(|(flags, rest)| extended(flags, rest)),
    ]
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_result_is_the_same(
        messages in vec(message(), 0..8),
        cuts in vec(prop_oneof![1_usize..20, 1_usize..3000], 1..40),
    ) {
        let bytes = [hello(), messages.concat()].concat();
        let whole = passed(&bytes).unwrap();
        let (mut cut, mut rest) = (Vec::new(), &bytes[..]);
        let mut reader = ServerMessages::new(PixelSize::default());
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            reader.feed(piece, &mut cut).unwrap();
            rest = after;
        }
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..600)) {
        let mut reader = ServerMessages::new(PixelSize::default());
        reader.feed(&hello(), &mut Vec::new()).unwrap();
        let mut out = Vec::new();
        if reader.feed(&bytes, &mut out).is_ok() {
            prop_assert!(out.len() <= bytes.len());
        }
    }
}
