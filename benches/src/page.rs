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
        let fields = rest.split("<input").skip(1).filter_map(|input| {
            let tag = input.split('>').next()?;
            // Nobody ticks a box here.
            if attribute(tag, "type").is_some_and(|kind| kind == "checkbox") {
                return None;
            }
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        });
        Some(Self { action: attribute(opening, "action").unwrap_or_default(), fields: fields.collect() })
    }
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
            <input type="checkbox" id="stay" name="stay"><input type="password" name="p"></form>"##;
        let form = Form::with(html, "p").unwrap();
        assert_eq!(form.action, "/b?x=1&y");
        assert_eq!(form.fields, [("n", "<'&lt;&x;"), ("p", "")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(Form::with(html, "stay"), None);
    }
}
