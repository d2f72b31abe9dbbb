//! Sending a logout message through the browser, by the binding of the identity provider.

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use saml::{Message, Signer};
use site::{CspAdditions, Problem, Shell};
use url::Url;

use crate::app::App;
use crate::sso::saml::{SamlConfig, SloBinding, keys};
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "sso/saml/logout/templates/send.html")]
struct SendPage<'m> {
    shell: Shell,
    name: &'m str,
    action: &'m str,
    parameter: &'static str,
    message: String,
    relay_state: Option<&'m str>,
}

/// Sends the browser to the identity provider's single logout service with what `write` writes, signed if this
/// configuration signs. Returns the message, too, as it was sent.
pub(super) fn by_browser(
    app: &App,
    visit: &Visit,
    config: &SamlConfig,
    kind: Message,
    relay_state: Option<&str>,
    write: impl Fn(Option<&Signer>) -> Result<String, saml::Error>,
) -> Result<(Response, String), Problem> {
    let signer = keys::logout_signer(app, config)?;
    match config.slo_binding {
        SloBinding::Redirect => {
            // The signature stands beside the message, over the query.
            let xml = write(None).map_err(Problem::internal)?;
            let signing = signer.as_ref().map(|signer| (signer.key(), signer.signature_algorithm()));
            let location = saml::redirect_url(&config.slo_url, kind, &xml, relay_state, signing)
                .map_err(Problem::internal)?;
            Ok((Redirect::to(&location).into_response(), xml))
        }
        SloBinding::Post => {
            let xml = write(signer.as_ref()).map_err(Problem::internal)?;
            let page = SendPage {
                shell: visit.card(app, "Signing out"),
                name: &config.display_name,
                action: &config.slo_url,
                parameter: kind.parameter(),
                message: saml::post_value(&xml),
                relay_state,
            };
            let mut csp = framing(config);
            if let Ok(url) = Url::parse(&config.slo_url) {
                csp = csp.form_action(&url);
            }
            Ok((csp.on(site::html(&page)?), xml))
        }
    }
}

/// The identity provider, and nobody else, may show the page in a frame: some sign people out of all their
/// applications at once, each in a frame of its own.
pub(super) fn framing(config: &SamlConfig) -> CspAdditions {
    let urls = [&config.slo_url, &config.sso_url];
    urls.into_iter()
        .filter_map(|url| Url::parse(url).ok())
        .fold(CspAdditions::default(), |csp, url| csp.frame_ancestors(&url))
}
