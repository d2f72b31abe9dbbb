//! Our canonical form against that of libxml2 and xmlsec1, over generated documents, byte for byte.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use roxmltree::Node;

use super::{DS, EXC_C14N, Tolerance, XML, exclusive_c14n, is, parse};
use crate::algorithms::DigestAlgorithm;

fn run(program: &str, arguments: &[&str], files: &[String]) -> String {
    let output = Command::new(program).args(arguments).args(files).output().unwrap_or_else(|error| {
        panic!("the program {program} can't be run ({error}): run `make test`, which installs it");
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
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

/// Canonical XML drops nothing of these but the way they are written. Comments go in only where they are asked for,
/// since xmllint keeps them.
fn element(dice: &mut Dice, depth: usize, comments: bool, out: &mut String) {
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
            1 if comments && dice.roll(2) == 0 => out.push_str("<!-- a - comment -->"),
            1 => out.push_str(dice.pick(&["<?target some  data ?>", "<?target?>", "<?t-1   x?>"])),
            2 | 3 => out.push_str(dice.pick(&PIECES)),
            _ => element(dice, depth + 1, comments, out),
        }
    }
    out.push_str(&format!("</{name}{}>", dice.pick(&["", " "])));
}

/// How many documents one process is given.
const BATCH: usize = 60;

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn our_canonical_form_is_that_of_libxml2(seed in 1..u64::MAX) {
        let folder = tempfile::tempdir().unwrap();
        let (mut dice, mut files, mut ours) = (Dice(seed), Vec::new(), String::new());
        for index in 0..BATCH {
            let mut xml = String::new();
            element(&mut dice, 0, false, &mut xml);
            let document = parse(&xml, Tolerance::Comments).unwrap();
            ours.push_str(&exclusive_c14n(document.root_element(), None, &[]));
            files.push(write(folder.path(), &format!("{index}.xml"), &xml));
        }
        // It writes them one after the other, with nothing between.
        let theirs = run("xmllint", &["--nonet", "--exc-c14n"], &files);
        prop_assert_eq!(ours, theirs, "seed {}", seed);
    }

    /// Elements within a document, with lists of prefixes and without comments: xmlsec1 digests each of them, and the
    /// document without the signature.
    #[test]
    fn our_canonical_form_is_that_of_xmlsec1(seed in 1..u64::MAX) {
        let mut dice = Dice(seed);
        let mut xml = String::new();
        while xml.len() < 3000 {
            element(&mut dice, 1, true, &mut xml);
        }
        let root = "<root xmlns:p='urn:a' xmlns:q=\"urn:b\" xmlns:réel='urn:c'>";
        let xml = format!("{root}{xml}</root>");
        let document = parse(&xml, Tolerance::Comments).unwrap();
        let listed: Vec<(String, String)> = std::iter::once(String::new())
            .chain(document.descendants().filter_map(|node| Some(format!("#{}", xml_id(node)?))))
            .map(|uri| (uri, prefix_list(&mut dice)))
            .collect();
        let digests = xmlsec1_digests(&xml, &listed);
        prop_assert_eq!(digests.len(), listed.len());
        // Beside the signature there is nothing but what was there.
        let signed = xml.replace("</root>", "<s:Signature xmlns:s=\"http://www.w3.org/2000/09/xmldsig#\"/></root>");
        let signed = parse(&signed, Tolerance::Comments).unwrap();
        let signature = signed.descendants().find(|node| is(*node, DS, "Signature")).unwrap().id();
        for ((uri, prefixes), digest) in listed.iter().zip(digests) {
            let named = |node: &Node<'_, '_>| uri.is_empty() || xml_id(*node) == uri.strip_prefix('#');
            let element = signed.descendants().filter(Node::is_element).find(named).unwrap();
            let prefixes: Vec<&str> = prefixes.split_ascii_whitespace().collect();
            let ours = exclusive_c14n(element, Some(signature), &prefixes);
            let encoded = STANDARD.encode(DigestAlgorithm::Sha256.digest(ours.as_bytes()));
            prop_assert_eq!(encoded, digest, "seed {}, {} with {:?}: {}\n{}", seed, uri, prefixes, ours, xml);
        }
    }
}

fn xml_id<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.attribute((XML, "id"))
}

fn prefix_list(dice: &mut Dice) -> String {
    let prefixes = ["p", "q", "réel", "unused", "#default", "none"];
    let listed: Vec<&str> = prefixes.into_iter().filter(|_| dice.roll(4) == 0).collect();
    listed.join(" ")
}

/// What xmlsec1 makes of each reference; an HMAC does, since only the digests count.
fn xmlsec1_digests(xml: &str, listed: &[(String, String)]) -> Vec<String> {
    let references: String = listed
        .iter()
        .map(|(uri, prefixes)| {
            let enveloped = "<s:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
            let list = format!("<e:InclusiveNamespaces xmlns:e=\"{EXC_C14N}\" PrefixList=\"{prefixes}\"/>");
            format!(
                "<s:Reference URI=\"{uri}\"><s:Transforms>{}<s:Transform Algorithm=\"{EXC_C14N}\">{}</s:Transform>\
                 </s:Transforms><s:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
                 <s:DigestValue/></s:Reference>",
                if uri.is_empty() { enveloped } else { "" },
                if prefixes.is_empty() { "" } else { &list },
            )
        })
        .collect();
    let signature = format!(
        "<s:Signature xmlns:s=\"{DS}\"><s:SignedInfo><s:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"/>\
         <s:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256\"/>{references}\
         </s:SignedInfo><s:SignatureValue/></s:Signature></root>"
    );
    let folder = tempfile::tempdir().unwrap();
    let template = write(folder.path(), "template.xml", &xml.replace("</root>", &signature));
    let key = write(folder.path(), "key", "the key of an HMAC");
    let xpath = "//*[local-name()='Signature' and namespace-uri()='http://www.w3.org/2000/09/xmldsig#']";
    let signed = run("xmlsec1", &["--sign", "--hmackey", &key, "--node-xpath", xpath], &[template]);
    let values = signed.split("<s:DigestValue>").skip(1);
    values.map(|rest| rest.split('<').next().unwrap().trim().to_owned()).collect()
}
