use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const OPEN: Policy = Policy { clipboard_up: true, clipboard_down: true, view_only: false };
const NO_PASTE: Policy = Policy { clipboard_up: false, ..OPEN };
const WATCH: Policy = Policy { view_only: true, ..OPEN };

/// The handshake up to the pixel format, as noVNC does it.
fn hello() -> Vec<u8> {
    let mut bytes = b"RFB 003.008\n\x01\x01".to_vec();
    bytes.extend(pixel_format(32, 24));
    bytes
}

fn pixel_format(bits: u8, depth: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, bits, depth, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]
}

fn encodings(list: &[i32]) -> Vec<u8> {
    let mut bytes = vec![2, 0];
    bytes.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
    bytes.extend(list.iter().flat_map(|encoding| encoding.to_be_bytes()));
    bytes
}

fn cut_text(text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![6, 0, 0, 0];
    bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text);
    bytes
}

fn extended(flags: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![6, 0, 0, 0];
    bytes.extend((-i32::try_from(data.len() + 4).unwrap()).to_be_bytes());
    bytes.extend(flags.to_be_bytes());
    bytes.extend(data);
    bytes
}

const KEY: [u8; 8] = [4, 1, 0, 0, 0, 0, 0, 0x61];
const POINTER: [u8; 6] = [5, 0, 0, 10, 0, 20];
const REQUEST: [u8; 10] = [3, 1, 0, 0, 0, 0, 4, 0, 3, 0];

/// What is left of these messages after the handshake.
fn passed(policy: Policy, messages: &[&[u8]]) -> Result<(Vec<u8>, Seen), Malformed> {
    let mut reader = ClientMessages::new(policy, PixelSize::default());
    let mut out = Vec::new();
    reader.feed(&hello(), &mut out)?;
    out.clear();
    let seen = reader.feed(&messages.concat(), &mut out)?;
    Ok((out, seen))
}

#[test]
fn every_message_that_novnc_sends_goes_through() {
    let set = encodings(&[1, 7, 16, 0, -223, -224, -239, -258, -312, -313, -32, 0x574d_5664]);
    let all: Vec<Vec<u8>> = vec![
        set,
        REQUEST.to_vec(),
        KEY.to_vec(),
        POINTER.to_vec(),
        cut_text(b"words"),
        extended(1 << 28 | 1, b"zipped"),
        vec![150, 1, 0, 0, 0, 0, 4, 0, 3, 0],
        vec![248, 0, 0, 0, 0x80, 0, 0, 1, 3, 1, 2, 3],
        [vec![251, 0, 4, 0, 3, 0, 1, 0], vec![0; 16]].concat(),
        vec![255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 30],
    ];
    let pieces: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let (out, seen) = passed(OPEN, &pieces).unwrap();
    assert_eq!(out, pieces.concat());
    assert!(seen.input);
}

#[test]
fn looking_is_no_input() {
    assert_eq!(passed(OPEN, &[&REQUEST]).unwrap().1, Seen { input: false });
    assert_eq!(passed(WATCH, &[&KEY, &POINTER]).unwrap().1, Seen { input: false });
}

#[test]
fn a_refused_clipboard_stays_outside_in_all_its_forms() {
    let (plain, provide, notify) =
        (cut_text(b"secret"), extended(1 << 28 | 1, b"zipped"), extended(1 << 27 | 1, b""));
    let strange = extended(1 << 30, b"?");
    let (out, seen) = passed(NO_PASTE, &[&plain, &provide, &notify, &strange, &REQUEST]).unwrap();
    assert_eq!(out, REQUEST);
    assert!(!seen.input);
    // What only asks for the session's clipboard, or says what the browser is capable of, is not the person's.
    let (caps, ask) = (extended(0x1f << 24 | 1, &[0; 4]), extended(1 << 25 | 1, b""));
    assert_eq!(passed(NO_PASTE, &[&caps, &ask]).unwrap().0, [caps, ask].concat());
}

#[test]
fn who_watches_changes_nothing() {
    let resize = [vec![251, 0, 4, 0, 3, 0, 1, 0], vec![0; 16]].concat();
    let qemu = [255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 30];
    let paste = cut_text(b"x");
    assert_eq!(passed(WATCH, &[&KEY, &POINTER, &qemu, &paste, &resize, &REQUEST]).unwrap().0, REQUEST);
    let mut out = Vec::new();
    ClientMessages::new(WATCH, PixelSize::default()).feed(b"RFB 003.008\n\x01\x00", &mut out).unwrap();
    assert_eq!(out, b"RFB 003.008\n\x01\x01", "a watcher must share the screen");
}

#[test]
fn extensions_that_change_framing_are_not_announced() {
    let announced = encodings(&[7, -316, 5, -309, -260, 2, -305, 0]);
    assert_eq!(passed(OPEN, &[&announced]).unwrap().0, encodings(&[7, 0]));
    // Without that extension a pointer message has six bytes; the marker of the longer one is taken off.
    assert_eq!(
        passed(OPEN, &[&[5, 0x81, 0, 1, 0, 2], &KEY]).unwrap().0,
        [&[5, 1, 0, 1, 0, 2][..], &KEY].concat()
    );
}

#[test]
fn nobody_powers_off_the_session() {
    assert_eq!(passed(OPEN, &[&[250, 0, 1, 2], &REQUEST]).unwrap().0, REQUEST);
}

#[test]
fn hostile_messages_are_refused_before_they_fill_memory() {
    let huge = [6, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff];
    let huge_extended = [6, 0, 0, 0, 0x80, 0, 0, 0];
    let no_flags = [6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let many = [2, 0, 0xff, 0xff];
    let fence = [248, 0, 0, 0, 0, 0, 0, 0, 65];
    let audio = [255, 1, 0, 0];
    for hostile in [&huge[..], &huge_extended, &no_flags, &many, &fence, &audio, &[1], &[7], &[99], &[252]] {
        assert!(passed(OPEN, &[hostile]).is_err(), "{hostile:?}");
    }
    assert!(passed(OPEN, &[&REQUEST, &pixel_format(32, 24)]).is_err(), "a late pixel format");
    assert!(passed(OPEN, &[&pixel_format(24, 24)]).is_err(), "an odd pixel format");
}

#[test]
fn a_handshake_other_than_ours_is_refused() {
    for hostile in [&b"RFB 003.003\n"[..], b"GET / HTTP/1.1\r\n", b"RFB 003.008\n\x02", b"RFB 003.008\n\x00"]
    {
        let refused = ClientMessages::new(OPEN, PixelSize::default()).feed(hostile, &mut Vec::new());
        assert!(refused.is_err(), "{hostile:?}");
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(KEY.to_vec()),
        Just(POINTER.to_vec()),
        Just(REQUEST.to_vec()),
        Just(vec![250, 0, 1, 2]),
        vec(any::<i32>(), 0..20).prop_map(|list| encodings(&list)),
        vec(any::<u8>(), 0..200).prop_map(|text| cut_text(&text)),
        (any::<u32>(), vec(any::<u8>(), 0..50)).prop_map(|(flags, data)| extended(flags, &data)),
        vec(any::<u8>(), 0..=64).prop_map(|payload| {
            let size = u8::try_from(payload.len()).unwrap();
            [vec![248, 0, 0, 0, 0, 0, 0, 0, size], payload].concat()
        }),
        (0_u8..4).prop_map(|screens| [
            vec![251, 0, 4, 0, 3, 0, screens, 0],
            vec![7; 16 * usize::from(screens)]
        ]
        .concat()),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    any::<(bool, bool, bool)>().prop_map(|(clipboard_up, clipboard_down, view_only)| Policy {
        clipboard_up,
        clipboard_down,
        view_only,
    })
}

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_result_is_the_same(
        policy in policy(),
        messages in vec(message(), 0..12),
        cuts in vec(1_usize..40, 1..40),
    ) {
        let bytes = [hello(), messages.concat()].concat();
        let mut whole = Vec::new();
        let seen = ClientMessages::new(policy, PixelSize::default()).feed(&bytes, &mut whole).unwrap();

        let (mut cut, mut input, mut rest) = (Vec::new(), false, &bytes[..]);
        let mut reader = ClientMessages::new(policy, PixelSize::default());
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            input |= reader.feed(piece, &mut cut).unwrap().input;
            rest = after;
        }
        prop_assert_eq!(whole, cut);
        prop_assert_eq!(seen.input, input);
    }

    #[test]
    fn what_the_policy_let_through_it_lets_through_again(policy in policy(), messages in vec(message(), 0..12)) {
        let mut once = Vec::new();
        ClientMessages::new(policy, PixelSize::default()).feed(&[hello(), messages.concat()].concat(), &mut once).unwrap();
        let mut twice = Vec::new();
        ClientMessages::new(policy, PixelSize::default()).feed(&once, &mut twice).unwrap();
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..600)) {
        let mut reader = ClientMessages::new(OPEN, PixelSize::default());
        reader.feed(&hello(), &mut Vec::new()).unwrap();
        let mut out = Vec::new();
        if reader.feed(&bytes, &mut out).is_ok() {
            prop_assert!(out.len() <= bytes.len());
        }
    }
}
