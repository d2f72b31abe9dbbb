//! Reads the forms of the service's own pages. It knows the HTML that they are written in, no other.

/// The fields of a form, as a browser would send them unchanged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes; empty for the address of the page.
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Form {
    /// The first form of a page that has a field of that name.
    pub(crate) fn with(html: &str, field: &str) -> Option<Self> {
        html.split("<form").skip(1).find_map(|rest| {
            let form = Self::read(rest.split("</form>").next()?)?;
            form.value(field).is_some().then_some(form)
        })
    }

    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(inner: &str) -> Option<Self> {
        let (opening, rest) = inner.split_once('>')?;
        let action = attribute(opening, "action").unwrap_or_default();
        let mut form = Self { action, fields: Vec::new() };
        // Whether the last field is a select whose first option is yet to come.
        let mut is_new_select = false;
        for piece in rest.split('<').skip(1) {
            let (tag, text) = piece.split_once('>')?;
            let field = |value| attribute(tag, "name").map(|name| (name, value));
            match tag.split([' ', '/']).next().unwrap_or_default() {
                "input" if is_sent(tag) => {
                    form.fields.extend(field(attribute(tag, "value").unwrap_or_default()));
                }
                "textarea" => form.fields.extend(field(unescaped(text))),
                "select" => {
                    form.fields.extend(field(String::new()));
                    is_new_select = true;
                }
                "option" if is_new_select || has(tag, "selected") => {
                    if let Some((_, value)) = form.fields.last_mut() {
                        *value = attribute(tag, "value").unwrap_or_default();
                    }
                    is_new_select = false;
                }
                _ => {}
            }
        }
        Some(form)
    }
}

/// Whether a browser sends an input that nobody touched.
fn is_sent(tag: &str) -> bool {
    match attribute(tag, "type").as_deref() {
        Some("checkbox" | "radio") => has(tag, "checked"),
        Some("submit" | "button" | "file") => false,
        _ => true,
    }
}

/// Whether a tag has an attribute without a value.
fn has(tag: &str, name: &str) -> bool {
    tag.split_ascii_whitespace().any(|part| part == name)
}

/// The value of an attribute in a tag, unescaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('&');
    plain.extend(parts.next());
    for part in parts {
        let Some((entity, rest)) = part.split_once(';') else {
            plain.extend(["&", part]);
            continue;
        };
        match letter(entity) {
            Some(letter) => plain.push(letter),
            None => plain.extend(["&", entity, ";"]),
        }
        plain.push_str(rest);
    }
    plain
}

fn letter(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = entity.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
                None => digits.parse().ok().and_then(char::from_u32),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_it_would_be_sent() {
        let html = r##"<form action="/a"><input name="q" value="1"></form>
            <form method="post" action="/b?x=1&#38;y" class="form"><input type="hidden" name="n" value="&lt;&#x27;&amp;lt;&x;">
            <input type="checkbox" id="stay" name="stay"><input type="password" name="p">
            <input type="checkbox" name="sign" value="on" checked><textarea name="t">1 &lt; 2</textarea>
            <select name="first"><option value="a">A</option><option value="b">B</option></select>
            <select name="second"><option value="a">A</option><option value="b" selected>B</option></select></form>"##;
        let form = Form::with(html, "p").unwrap();
        assert_eq!(form.action, "/b?x=1&y");
        let expected =
            [("n", "<'&lt;&x;"), ("p", ""), ("sign", "on"), ("t", "1 < 2"), ("first", "a"), ("second", "b")];
        assert_eq!(form.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(Form::with(html, "stay"), None);
    }
}
