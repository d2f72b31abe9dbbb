//! Our canonical form against that of libxml2, over generated documents, byte for byte.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::{Tolerance, exclusive_c14n, parse};

fn xmllint(xml: &str) -> String {
    let missing =
        |error| panic!("the program xmllint can't be run ({error}): run `make test`, which installs it");
    let mut child = Command::new("xmllint")
        .args(["--nonet", "--exc-c14n", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(missing);
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }
}

const PREFIXES: [&str; 4] = ["", "p:", "q:", "réel:"];
const URIS: [&str; 4] = ["urn:a", "urn:b", "http://example.org/%C3%A4", "urn:c?x=1;y"];
const PIECES: [&str; 16] = [
    "text",
    " ",
    "\n",
    "\r\n",
    "\t",
    "&lt;",
    "&gt;",
    ">",
    "&amp;",
    "&quot;",
    "\"",
    "&#13;",
    "&#9;",
    "&#10;",
    "ä€😀",
    "&#x1F600;",
];

/// Canonical XML drops nothing of these but the way they are written. Comments are left out, since this mode of
/// xmllint keeps them.
fn element(dice: &mut Dice, depth: usize, out: &mut String) {
    let name = format!("{}{}", dice.pick(&PREFIXES), dice.pick(&["a", "b", "c.d-e", "_é"]));
    out.push_str(&format!("<{name}"));
    if depth == 0 {
        out.push_str(" xmlns:p='urn:a' xmlns:q=\"urn:b\" xmlns:réel='urn:c'");
    } else {
        for declaration in ["xmlns", "xmlns:p", "xmlns:q", "xmlns:réel", "xmlns:unused"] {
            if dice.roll(4) == 0 {
                let uri = if declaration == "xmlns" && dice.roll(3) == 0 { "" } else { dice.pick(&URIS) };
                out.push_str(&format!("{}{declaration}='{uri}'", dice.pick(&[" ", "\n\t"])));
            }
        }
    }
    for index in 0..dice.roll(4) {
        // Different local names, for two prefixes may stand for the same namespace.
        let prefix = dice.pick(&["", "", "p:", "q:", "réel:"]);
        let local = dice.pick(&["z", "b", "é", "M"]);
        let value: String = (0..dice.roll(4)).map(|_| dice.pick(&PIECES)).collect();
        out.push_str(&format!(
            " {prefix}{local}{index}{}\"{}\"",
            dice.pick(&["=", " = "]),
            value.replace('"', "'")
        ));
    }
    if dice.roll(5) == 0 {
        out.push_str(
            dice.pick(&[" xml:lang='de'", " xml:space=\"preserve\"", " xml:id='i'"])
                .replace("'i'", &format!("'i{}'", out.len()))
                .as_str(),
        );
    }
    if dice.roll(6) == 0 {
        out.push_str(" />");
        return;
    }
    out.push('>');
    for _ in 0..dice.roll(5) {
        match dice.roll(if depth < 6 { 6 } else { 4 }) {
            0 => out.push_str("<![CDATA[<&>\r\n]]>"),
            1 => out.push_str(dice.pick(&["<?target some  data ?>", "<?target?>", "<?t-1   x?>"])),
            2 | 3 => out.push_str(dice.pick(&PIECES)),
            _ => element(dice, depth + 1, out),
        }
    }
    out.push_str(&format!("</{name}{}>", dice.pick(&["", " "])));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn our_canonical_form_is_that_of_libxml2(seed in 1..u64::MAX) {
        let mut xml = String::new();
        element(&mut Dice(seed), 0, &mut xml);
        let document = parse(&xml, Tolerance::Comments).unwrap();
        prop_assert_eq!(exclusive_c14n(document.root_element(), None, &[]), xmllint(&xml), "{}", xml);
    }
}
