//! What has happened, as an administrator reads it.

mod pages;

use site::events::RecordedEvent;

pub(crate) use self::pages::routes;

/// The events page.
pub(crate) const EVENTS: &str = "/if/admin/events/";

/// What happened, in words.
pub(crate) fn words(action: &str) -> String {
    let known = match action {
        "login" => "Signed in",
        "login_failed" => "Sign-in failed",
        "login_limited" => "Sign-in paused after many failures",
        "logout" => "Signed out",
        "authorize_application" => "Authorized an application",
        "access_denied" => "Access refused",
        "configuration_error" => "Configuration error",
        "model_created" => "Created",
        "model_updated" => "Changed",
        "model_deleted" => "Deleted",
        "password_set" => "Password set",
        "recovery_link_created" => "Recovery link created",
        "initial_setup" => "First administrator created",
        "connected" => "Connected",
        _ => return action.replace('_', " "),
    };
    known.to_owned()
}

/// The details of an event as `key: value` pairs, in the order of the keys.
pub(crate) fn details(event: &RecordedEvent) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(context)) = serde_json::from_str(&event.context) else {
        return Vec::new();
    };
    let shown = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(values) => values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        value => value.to_string(),
    };
    context.into_iter().map(|(key, value)| (key.replace('_', " "), shown(value))).collect()
}
