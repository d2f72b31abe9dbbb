//! The frame around every page, and how a handler answers with one.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::Problem;
use crate::context::{Product, Site};
use crate::visitor::{Visitor, cookie, named, set_cookie};

/// What every page template holds in its field `shell`: `shell.html` and `auth.html` draw from it.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The product, for the name and the logo.
    pub product: Product,
    /// The title of the page.
    pub title: String,
    /// The links of the side navigation, in order; empty on sign-in pages.
    pub nav: Vec<NavItem>,
    /// Who is signed in.
    pub person: Option<Person>,
    /// The CSRF token for every form on the page.
    pub csrf: String,
    /// A sentence about what was just done.
    pub notice: Option<Notice>,
}

impl Shell {
    /// The frame of a page without navigation.
    pub fn new(site: &Site, visitor: &Visitor, title: impl Into<String>) -> Self {
        Self {
            product: site.product(),
            title: title.into(),
            nav: Vec::new(),
            person: None,
            csrf: visitor.csrf(site),
            notice: None,
        }
    }

    /// The same with a sentence about what was just done.
    #[must_use]
    pub fn with_notice(mut self, notice: Option<Notice>) -> Self {
        self.notice = notice;
        self
    }

    /// The address of an asset, with its version in it so that browsers may keep it for ever.
    pub fn asset(&self, name: &str) -> String {
        crate::assets::href(name)
    }

    /// Whether the link at `index` is the first below its heading. Templates pass arguments by reference.
    pub fn begins_section(&self, index: &usize) -> bool {
        let section = |index: usize| self.nav.get(index).map_or("", |item| item.section);
        let before = index.checked_sub(1).map_or("", section);
        !section(*index).is_empty() && section(*index) != before
    }
}

/// One link of the side navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// The heading under which it stands; consecutive items with one heading form a section.
    pub section: &'static str,
    /// The words.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// Whether this is the page being shown.
    pub current: bool,
}

impl NavItem {
    /// Whether `path` is the page of this link or lies below it.
    pub fn new(section: &'static str, label: &'static str, href: &'static str, path: &str) -> Self {
        let below = path.strip_prefix(href.trim_end_matches('/'));
        let current = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Self { section, label, href, current }
    }
}

/// Who is signed in, for the corner of the page.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name on screen.
    pub name: String,
    /// Where signing out is posted to.
    pub sign_out: &'static str,
    /// Label and address of the other side of the product (administration, or back), if the person may go there.
    pub elsewhere: Option<(&'static str, &'static str)>,
}

/// A sentence about what was just done, shown once on the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(pub String);

impl Notice {
    /// Goes to `path` (303) and says `sentence` there.
    pub fn redirect(site: &Site, sentence: &str, path: &str) -> Response {
        let text = URL_SAFE_NO_PAD.encode(sentence);
        let mac = URL_SAFE_NO_PAD.encode(site.mac("notice", &[&text]));
        let mut response = Redirect::to(path).into_response();
        if let Some(value) = set_cookie(site, &named(site, "_notice"), &format!("{text}.{mac}")) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }

    /// Reads the notice that came with a request; one that we did not make is nothing.
    pub fn take(site: &Site, headers: &axum::http::HeaderMap) -> Option<Self> {
        let (text, mac) = cookie(headers, &named(site, "_notice"))?.split_once('.')?;
        let expected = URL_SAFE_NO_PAD.encode(site.mac("notice", &[text]));
        if !bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) {
            return None;
        }
        let sentence = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        (!sentence.is_empty()).then_some(Self(sentence))
    }
}

/// Answers with a page.
///
/// # Errors
/// A template that can't be rendered is a [`Problem`].
pub fn html(template: &impl Template) -> Result<Response, Problem> {
    html_with_status(StatusCode::OK, template)
}

/// Answers with a page and a status, as a form with mistakes does (422).
///
/// # Errors
/// A template that can't be rendered is a [`Problem`].
pub fn html_with_status(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let body = template.render()?;
    Ok((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response())
}
