//! What has happened, as an administrator reads it.

mod pages;

use serde_json::{Map, Value};
use site::events::RecordedEvent;

pub(crate) use self::pages::routes;

/// The events page.
pub(crate) const EVENTS: &str = "/if/admin/events/";

/// What happened, in words.
pub(crate) fn words(event: &RecordedEvent) -> String {
    let known = match event.action.as_str() {
        "login" => "Signed in",
        "login_failed" => "Sign-in failed",
        "login_limited" => "Sign-in paused after many failures",
        "logout" => "Signed out",
        "authorize_application" => "Authorized an application",
        "access_denied" => "Access refused",
        "configuration_error" => "Configuration error",
        "model_created" => return format!("Created {}", model(event)),
        "model_updated" => return format!("Changed {}", model(event)),
        "model_deleted" => return format!("Deleted {}", model(event)),
        "password_set" => "Password set",
        "recovery_link_created" => "Recovery link created",
        "initial_setup" => "First administrator created",
        "connected" => "Connected",
        action => return action.replace('_', " "),
    };
    known.to_owned()
}

/// What was changed, in words.
fn model(event: &RecordedEvent) -> &'static str {
    match context(event).get("model").and_then(Value::as_str) {
        Some("application") => "an application",
        Some("samlprovider") => "a SAML provider",
        Some("policybinding") => "a binding",
        Some("certificatekeypair") => "a certificate",
        Some("user") => "a user",
        Some("group") => "a group",
        _ => "something",
    }
}

fn context(event: &RecordedEvent) -> Map<String, Value> {
    // Only `site::events` writes this column.
    serde_json::from_str(&event.context).unwrap_or_default()
}

/// The details of an event, in the order of their names; what is empty is left out.
pub(crate) fn details(event: &RecordedEvent) -> Vec<(String, String)> {
    let details = context(event).into_iter().filter(|(key, _)| key != "model");
    let shown = details.map(|(key, value)| (key.replace('_', " "), shown(&value)));
    shown.filter(|(_, value)| !value.is_empty()).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use store::Timestamp;

    use super::*;

    #[test]
    fn an_event_reads_as_words_without_what_is_empty() {
        let context = r#"{"model":"samlprovider","acs_url":"https://x/","issuer":"","key":null,"on":true,"list":["a",1]}"#;
        let event = RecordedEvent {
            at: Timestamp::from_micros(0),
            action: "model_created".into(),
            actor: String::new(),
            subject: "kasm".into(),
            client_addr: "unknown".into(),
            trace_id: "-".into(),
            context: context.into(),
        };
        assert_eq!(words(&event), "Created a SAML provider");
        let details = details(&event);
        let pairs: Vec<_> = details.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("acs url", "https://x/"), ("list", "a, 1"), ("on", "yes")]);
        let other = RecordedEvent { action: "something_new".into(), context: "oops".into(), ..event };
        assert_eq!((words(&other).as_str(), super::details(&other).len()), ("something new", 0));
    }
}
