//! Events as an administrator reads them.

use serde_json::{Map, Value};

use super::RecordedEvent;

impl RecordedEvent {
    /// What happened, in words.
    pub fn words(&self) -> String {
        let known = match self.action.as_str() {
            "login" => "Signed in",
            "login_failed" => "Sign-in failed",
            "login_limited" => "Sign-in paused after many failures",
            "logout" => "Signed out",
            "logout_failed" => "Signing out failed",
            "logout_request_refused" => "Request to sign out refused",
            "logout_response_refused" => "Answer to a sign-out refused",
            "applications_told_of_logout" => "Applications told of a sign-out",
            "authorize_application" => "Authorized an application",
            "access_denied" => "Access refused",
            "configuration_error" => "Configuration error",
            "model_created" => return format!("Created {}", self.model()),
            "model_updated" => return format!("Changed {}", self.model()),
            "model_deleted" => return format!("Deleted {}", self.model()),
            "password_set" => "Password set",
            "recovery_link_created" => "Recovery link created",
            "initial_setup" => "First administrator created",
            "connected" => "Connected",
            "saml_config_connected" => "Connected an identity provider",
            "session_requested" => "Launched a workspace",
            "session_deleted" => "Deleted a session",
            "session_ended" => "Session ended",
            action => {
                return sentence_case(&action.replace("saml_config", "SAML configuration").replace('_', " "));
            }
        };
        known.to_owned()
    }

    /// The details, in the order of their names; what is empty is left out.
    pub fn details(&self) -> Vec<(String, String)> {
        let details = self.context().into_iter().filter(|(key, _)| key != "model");
        let shown = details.map(|(key, value)| (key.replace('_', " "), shown(&value)));
        shown.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// What was changed, in words.
    fn model(&self) -> &'static str {
        match self.context().get("model").and_then(Value::as_str) {
            Some("application") => "an application",
            Some("samlprovider") => "a SAML provider",
            Some("policybinding") => "a binding",
            Some("certificatekeypair") => "a certificate",
            Some("workspace") => "a workspace",
            Some("user") => "a user",
            Some("group") => "a group",
            _ => "something",
        }
    }

    fn context(&self) -> Map<String, Value> {
        // Only this crate writes the column.
        serde_json::from_str(&self.context).unwrap_or_default()
    }
}

fn sentence_case(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
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

    fn event(action: &str, context: &str) -> RecordedEvent {
        RecordedEvent {
            at: Timestamp::from_micros(0),
            action: action.into(),
            actor: String::new(),
            subject: "kasm".into(),
            client_addr: "unknown".into(),
            trace_id: "-".into(),
            context: context.into(),
        }
    }

    #[test]
    fn an_event_reads_as_words_without_what_is_empty() {
        let context = r#"{"model":"samlprovider","acs_url":"https://x/","issuer":"","key":null,"on":true,"list":["a",1]}"#;
        let created = event("model_created", context);
        assert_eq!(created.words(), "Created a SAML provider");
        let details = created.details();
        let pairs: Vec<_> = details.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("acs url", "https://x/"), ("list", "a, 1"), ("on", "yes")]);
    }

    #[test]
    fn an_action_that_nobody_put_into_words_is_still_readable() {
        let other = event("saml_config_deleted", "oops");
        assert_eq!((other.words().as_str(), other.details().len()), ("SAML configuration deleted", 0));
        assert_eq!(event("group_deleted", "{}").words(), "Group deleted");
    }
}
