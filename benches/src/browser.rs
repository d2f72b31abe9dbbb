//! One person's browser: cookies by host, redirects, forms.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use url::Url;
use url::form_urlencoded::Serializer;

use crate::Outcome;
use crate::http::{Answer, Connection};
use crate::page::Form;

/// More would be a loop.
const MAX_REDIRECTS: usize = 12;

pub(crate) struct Browser {
    port: u16,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// A page with the address that it has after all redirects.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) html: String,
}

impl Browser {
    /// One without cookies.
    pub(crate) fn open(port: u16) -> Outcome<Self> {
        Ok(Self { port, cookies: BTreeMap::new() })
    }

    /// A page, after its redirects.
    pub(crate) fn get(&mut self, url: &Url) -> Outcome<Page> {
        self.follow(url.clone(), None)
    }

    /// One request, whose redirect is not followed.
    pub(crate) fn get_once(&mut self, url: &Url) -> Outcome<Answer> {
        self.send(url, None)
    }

    /// Fills in and sends the form that has the field `with`.
    pub(crate) fn submit(&mut self, page: &Page, with: &str, changes: &[(&str, &str)]) -> Outcome<Page> {
        let form = Form::with(&page.html, with)
            .ok_or_else(|| format!("there is no form with {with} at {}:\n{}", page.url, page.html))?;
        let mut body = Serializer::new(String::new());
        for (name, value) in &form.fields {
            let changed = changes.iter().find(|(changed, _)| changed == name);
            body.append_pair(name, changed.map_or(value.as_str(), |(_, value)| value));
        }
        self.follow(page.url.join(&form.action)?, Some(body.finish()))
    }

    /// The bytes of a request as a browser sends it, the cookies of the host included.
    pub(crate) fn request(&self, url: &Url, body: Option<&str>) -> Vec<u8> {
        let host = authority(url);
        let method = if body.is_some() { "POST" } else { "GET" };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut text = format!(
            "{method} {}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome\r\n\
             Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
             Accept-Encoding: gzip\r\nAccept-Language: en\r\nUpgrade-Insecure-Requests: 1\r\n",
            url.path(),
        );
        if let Some(jar) = self.cookies.get(&host).filter(|jar| !jar.is_empty()) {
            let pairs: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            // Writing to a String does not fail.
            _ = write!(text, "Cookie: {}\r\n", pairs.join("; "));
        }
        if let Some(body) = body {
            _ = write!(
                text,
                "Origin: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                url.origin().ascii_serialization(),
                body.len()
            );
        }
        text.push_str("\r\n");
        text.push_str(body.unwrap_or_default());
        text.into_bytes()
    }

    fn follow(&mut self, mut url: Url, mut body: Option<String>) -> Outcome<Page> {
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send(&url, body.take().as_deref())?;
            match (answer.status, answer.header("location")) {
                (301..=308, Some(location)) => url = url.join(location)?,
                (200, _) => {
                    let html = answer.text()?;
                    return Ok(Page { url, html });
                }
                (status, _) => return Err(format!("{url} answered {status}:\n{}", answer.text()?).into()),
            }
        }
        Err(format!("{url} leads round in circles").into())
    }

    fn send(&mut self, url: &Url, body: Option<&str>) -> Outcome<Answer> {
        // A connection of its own: the service closes one that lay idle while something was measured.
        let answer = Connection::open(self.port)?.send(&self.request(url, body))?;
        let jar = self.cookies.entry(authority(url)).or_default();
        for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').ok_or("a cookie has no value")?;
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

/// The value of the Host header.
fn authority(url: &Url) -> String {
    url.authority().to_owned()
}
