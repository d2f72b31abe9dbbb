//! Forms of a page, filled in and sent as a browser would.

use axum::http::Method;
use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::{Initiator, Request};

/// A form of a page. Fields that the page doesn't have can't be filled in.
#[derive(Clone, Debug)]
pub struct Form {
    page: Url,
    /// Where it is sent.
    pub action: Url,
    method: Method,
    controls: Vec<Control>,
}

/// One name and value that may be sent.
#[derive(Clone, Debug)]
struct Control {
    name: String,
    value: String,
    /// Whether it is sent.
    on: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Any value may be typed.
    Typed,
    /// On or off, by itself: a checkbox, an option of a list of many.
    Ticked,
    /// On instead of the others of its name: a radio button, an option of a list of one.
    Chosen,
    /// On when it is pressed.
    Button,
}

impl Form {
    /// The form that a selector finds in a page.
    pub(super) fn find(page: &Url, html: &str, selector: &str) -> Option<Self> {
        let document = Html::parse_document(html);
        let form = document.select(&parse(selector)).next()?;
        let attribute = |name| form.value().attr(name).unwrap_or_default();
        assert!(
            !attribute("enctype").eq_ignore_ascii_case("multipart/form-data"),
            "{selector} uploads files; send it with Request::new"
        );
        let post = attribute("method").eq_ignore_ascii_case("post");
        let own_id = form.value().id();
        // A control belongs to the form around it, unless it names another one by id.
        let belongs = |element: &ElementRef<'_>| match element.value().attr("form") {
            Some(id) => Some(id) == own_id,
            None => element.ancestors().any(|ancestor| ancestor.id() == form.id()),
        };
        let controls = document
            .select(&parse("input, textarea, select, button"))
            .filter(|element| belongs(element) && element.value().attr("disabled").is_none())
            .flat_map(controls)
            .collect();
        Some(Self {
            page: page.clone(),
            action: page.join(attribute("action")).ok()?,
            method: if post { Method::POST } else { Method::GET },
            controls,
        })
    }

    /// The value that would be sent under a name: a hidden field's, for example.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.controls.iter().find(|control| control.on && control.name == name).map(|control| &*control.value)
    }

    /// The values that a list, radio buttons or checkboxes of this name offer.
    pub fn choices(&self, name: &str) -> Vec<&str> {
        let choices =
            self.controls.iter().filter(|control| control.name == name && control.kind != Kind::Typed);
        choices.map(|control| &*control.value).collect()
    }

    /// Types a value, or ticks, chooses or presses what has this value.
    ///
    /// # Panics
    /// If the page has no such field or choice.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        let fits = |control: &Control| {
            control.name == name && (control.kind == Kind::Typed || control.value == value)
        };
        let Some(at) = self.controls.iter().position(fits) else {
            panic!("{} has no field {name} that takes {value:?}: {:?}", self.page, self.controls);
        };
        if self.controls[at].kind == Kind::Chosen {
            self.controls
                .iter_mut()
                .filter(|control| control.name == name)
                .for_each(|control| control.on = false);
        }
        let control = &mut self.controls[at];
        value.clone_into(&mut control.value);
        control.on = true;
        self
    }

    /// Unticks every box, or clears every choice, of this name.
    ///
    /// # Panics
    /// If the page has none.
    #[must_use]
    pub fn untick(mut self, name: &str) -> Self {
        let of_name = |control: &&mut Control| control.name == name && control.kind != Kind::Typed;
        let unticked = self.controls.iter_mut().filter(of_name).map(|control| control.on = false).count();
        assert!(unticked > 0, "{} has nothing to untick under {name}", self.page);
        self
    }

    /// What is sent, in the page's order.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.controls
            .iter()
            .filter(|control| control.on)
            .map(|control| (&*control.name, &*control.value))
            .collect()
    }

    pub(super) fn into_request(self) -> Request {
        let mut request = if self.method == Method::POST {
            Request::post_form(self.action.as_str(), &self.fields())
        } else {
            let mut url = self.action.clone();
            url.query_pairs_mut().clear().extend_pairs(self.fields());
            Request::get(url.as_str())
        };
        request.from = Initiator::Page(self.page);
        request
    }
}

/// The text of each element that a selector finds, without markup and with single spaces.
pub(super) fn texts(html: &str, selector: &str) -> Vec<String> {
    let document = Html::parse_document(html);
    let text = |element: ElementRef<'_>| {
        let text: String = element.text().collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    document.select(&parse(selector)).map(text).collect()
}

fn parse(selector: &str) -> Selector {
    Selector::parse(selector).unwrap_or_else(|_| panic!("{selector} is no CSS selector"))
}

fn controls(element: ElementRef<'_>) -> Vec<Control> {
    let attribute = |name| element.value().attr(name);
    let Some(name) = attribute("name").filter(|name| !name.is_empty()) else { return Vec::new() };
    let control =
        |kind, value: &str, on| Control { name: name.to_owned(), value: value.to_owned(), on, kind };
    let value = attribute("value").unwrap_or_default();
    match element.value().name() {
        "select" => options(element, name),
        "textarea" => vec![control(Kind::Typed, &element.text().collect::<String>(), true)],
        "button" if matches!(attribute("type"), Some("button" | "reset")) => Vec::new(),
        "button" => vec![control(Kind::Button, value, false)],
        _ => match attribute("type").unwrap_or("text") {
            "checkbox" => vec![control(
                Kind::Ticked,
                attribute("value").unwrap_or("on"),
                attribute("checked").is_some(),
            )],
            "radio" => vec![control(
                Kind::Chosen,
                attribute("value").unwrap_or("on"),
                attribute("checked").is_some(),
            )],
            "submit" => vec![control(Kind::Button, value, false)],
            "button" | "reset" | "image" | "file" => Vec::new(),
            _ => vec![control(Kind::Typed, value, true)],
        },
    }
}

fn options(select: ElementRef<'_>, name: &str) -> Vec<Control> {
    let many = select.value().attr("multiple").is_some();
    let mut options: Vec<Control> = select
        .select(&parse("option"))
        .filter(|option| option.value().attr("disabled").is_none())
        .map(|option| {
            let text: String = option.text().collect();
            Control {
                name: name.to_owned(),
                value: option.value().attr("value").unwrap_or(text.trim()).to_owned(),
                on: option.value().attr("selected").is_some(),
                kind: if many { Kind::Ticked } else { Kind::Chosen },
            }
        })
        .collect();
    // A list of one shows its first option if none is selected.
    if !many && !options.iter().any(|option| option.on) {
        options.iter_mut().take(1).for_each(|first| first.on = true);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><h1>Sign <b>in</b></h1>
        <form id="login" method="post" action="../in?next=%2F">
          <input type="hidden" name="csrf" value="a&amp;b"><input name="username" value="ann">
          <input type="password" name="password"><input name="off" value="x" disabled>
          <input type="checkbox" name="remember"><input type="checkbox" name="group" value="1" checked>
          <input type="checkbox" name="group" value="2">
          <input type="radio" name="binding" value="post" checked><input type="radio" name="binding" value="redirect">
          <select name="algorithm"><option value="256">SHA-256</option><option>SHA-512</option></select>
          <select name="users" multiple><option value="u" selected>u</option><option value="v">v</option></select>
          <textarea name="note">
two
lines</textarea>
          <button name="action" value="save">Save</button><button type="button" name="copy" value="c">Copy</button>
        </form>
        <input form="login" name="outside" value="o"><form id="search"><input name="q" value="x y"></form>"#;

    fn form(selector: &str) -> Form {
        Form::find(&Url::parse("http://a.localhost:9000/flows/page/").unwrap(), PAGE, selector).unwrap()
    }

    #[test]
    fn what_a_browser_would_send_is_sent() {
        let form = form("#login");
        assert_eq!(form.action.as_str(), "http://a.localhost:9000/flows/in?next=%2F");
        assert_eq!(form.method, Method::POST);
        let expected = [
            ("csrf", "a&b"),
            ("username", "ann"),
            ("password", ""),
            ("group", "1"),
            ("binding", "post"),
            ("algorithm", "256"),
            ("users", "u"),
            ("note", "two\nlines"),
            ("outside", "o"),
        ];
        assert_eq!(form.fields(), expected);
        assert_eq!(form.choices("algorithm"), ["256", "SHA-512"]);
    }

    #[test]
    fn fields_are_filled_in_ticked_chosen_and_pressed() {
        let form = form("#login")
            .set("password", "s3cret")
            .set("remember", "on")
            .untick("group")
            .set("group", "2")
            .set("binding", "redirect")
            .set("algorithm", "SHA-512")
            .set("users", "v")
            .set("action", "save");
        for (name, value) in
            [("password", "s3cret"), ("remember", "on"), ("group", "2"), ("binding", "redirect")]
        {
            assert_eq!(form.value(name), Some(value));
        }
        let of = |name| {
            form.fields().into_iter().filter(|field| field.0 == name).map(|field| field.1).collect::<Vec<_>>()
        };
        assert_eq!((of("binding"), of("algorithm")), (vec!["redirect"], vec!["SHA-512"]));
        assert_eq!((of("users"), of("action")), (vec!["u", "v"], vec!["save"]));
    }

    #[test]
    #[should_panic(expected = "has no field algorithm that takes \"MD5\"")]
    fn a_choice_that_is_not_offered_fails_the_test() {
        let _ = form("#login").set("algorithm", "MD5");
    }

    #[test]
    fn a_get_form_goes_into_the_query() {
        let request = form("#search").into_request();
        assert_eq!(
            (request.method, request.url.as_str()),
            (Method::GET, "http://a.localhost:9000/flows/page/?q=x+y")
        );
    }

    #[test]
    fn texts_are_read_without_markup() {
        assert_eq!(texts(PAGE, "h1"), ["Sign in"]);
        assert!(texts(PAGE, "h2").is_empty());
    }
}
