//! What differs between two versions of somebody's metadata, for whoever has to decide about it.

use std::fmt;

use super::{AssertionConsumerService, Endpoint, IdpMetadata, SingleLogoutService, SpMetadata};
use crate::certificate::Certificate;
use crate::vocabulary::NameIdFormat;

/// One difference, in plain words. It may hold what the peer wrote: escape it for HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What changed, such as `signing certificate`.
    pub field: String,
    /// What it was; `none` if it was not there.
    pub before: String,
    /// What it is; `none` if it is no longer there.
    pub after: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} became {}", self.field, self.before, self.after)
    }
}

impl IdpMetadata {
    /// What `newer` says otherwise than this. How long either may be used is not compared: it changes each time.
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut found = Comparison(Vec::new());
        found.one("entity ID", &self.entity_id, &newer.entity_id);
        found.each(
            "single sign-on service",
            &endpoints(&self.single_sign_on_services),
            &endpoints(&newer.single_sign_on_services),
        );
        found.each(
            "single logout service",
            &logout_services(&self.single_logout_services),
            &logout_services(&newer.single_logout_services),
        );
        found.each(
            "signing certificate",
            &certificates(&self.signing_certificates),
            &certificates(&newer.signing_certificates),
        );
        found.each("name ID format", &formats(&self.name_id_formats), &formats(&newer.name_id_formats));
        found.flag(
            "wants requests signed",
            self.want_authn_requests_signed,
            newer.want_authn_requests_signed,
        );
        found.0
    }
}

impl SpMetadata {
    /// What `newer` says otherwise than this. How long either may be used is not compared: it changes each time.
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut found = Comparison(Vec::new());
        found.one("entity ID", &self.entity_id, &newer.entity_id);
        found.each(
            "assertion consumer service",
            &consumer_services(&self.assertion_consumer_services),
            &consumer_services(&newer.assertion_consumer_services),
        );
        found.each(
            "single logout service",
            &logout_services(&self.single_logout_services),
            &logout_services(&newer.single_logout_services),
        );
        found.each(
            "signing certificate",
            &certificates(&self.signing_certificates),
            &certificates(&newer.signing_certificates),
        );
        found.each(
            "encryption certificate",
            &certificates(&self.encryption_certificates),
            &certificates(&newer.encryption_certificates),
        );
        found.each("encryption method", &self.encryption_methods, &newer.encryption_methods);
        found.each("name ID format", &formats(&self.name_id_formats), &formats(&newer.name_id_formats));
        found.flag("signs its requests", self.authn_requests_signed, newer.authn_requests_signed);
        found.flag("wants assertions signed", self.want_assertions_signed, newer.want_assertions_signed);
        found.0
    }
}

struct Comparison(Vec<Change>);

impl Comparison {
    fn one(&mut self, field: &str, before: &str, after: &str) {
        if before != after {
            let change =
                Change { field: field.to_owned(), before: before.to_owned(), after: after.to_owned() };
            self.0.push(change);
        }
    }

    fn flag(&mut self, field: &str, before: bool, after: bool) {
        let word = |set| if set { "yes" } else { "no" };
        self.one(field, word(before), word(after));
    }

    /// Those that went, each beside one that came. Their order tells nothing.
    fn each(&mut self, field: &str, before: &[String], after: &[String]) {
        let mut gone = before.iter().filter(|one| !after.contains(one));
        let mut come = after.iter().filter(|one| !before.contains(one));
        loop {
            let (was, is) = (gone.next(), come.next());
            if was.is_none() && is.is_none() {
                return;
            }
            let word = |one: Option<&String>| one.map_or("none", String::as_str).to_owned();
            self.one(field, &word(was), &word(is));
        }
    }
}

fn endpoints(endpoints: &[Endpoint]) -> Vec<String> {
    endpoints.iter().map(|endpoint| format!("{} ({})", endpoint.location, endpoint.binding.label())).collect()
}

fn logout_services(services: &[SingleLogoutService]) -> Vec<String> {
    let words = |service: &SingleLogoutService| {
        let answers = service.response_location.as_deref();
        let answers = answers.map(|location| format!(", answers to {location}")).unwrap_or_default();
        format!("{} ({}){answers}", service.location, service.binding.label())
    };
    services.iter().map(words).collect()
}

fn consumer_services(services: &[AssertionConsumerService]) -> Vec<String> {
    let words = |service: &AssertionConsumerService| {
        let default = if service.is_default { ", the default" } else { "" };
        format!("{} ({}, number {}{default})", service.location, service.binding.label(), service.index)
    };
    services.iter().map(words).collect()
}

fn certificates(certificates: &[Certificate]) -> Vec<String> {
    let words = |certificate: &Certificate| {
        let (subject, end) = (certificate.subject(), certificate.not_after());
        format!("{subject}, valid until {end}, SHA-256 {}", certificate.sha256_fingerprint())
    };
    certificates.iter().map(words).collect()
}

fn formats(formats: &[NameIdFormat]) -> Vec<String> {
    formats.iter().map(NameIdFormat::to_string).collect()
}
