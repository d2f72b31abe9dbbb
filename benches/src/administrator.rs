//! An administrator of Identity, who changes how the provider of Workspaces answers.

use url::Url;

use crate::Outcome;
use crate::browser::Browser;
use crate::service::Service;
use crate::sign_in::PASSWORD;

/// The first administrator, signed in.
pub(crate) struct Administrator {
    browser: Browser,
    /// The form of the provider that the one click made.
    provider: Url,
}

impl Administrator {
    /// Sets Identity up through its one-time link.
    pub(crate) fn set_up(service: &Service) -> Outcome<Self> {
        let mut browser = Browser::open(service.port())?;
        let page = browser.get(&service.link("/if/flow/initial-setup/")?)?;
        let chosen = [
            ("username", "bench-administrator"),
            ("email", "bench@example.com"),
            ("password", PASSWORD),
            ("password_again", PASSWORD),
        ];
        browser.submit(&page, "password_again", &chosen)?;
        let list = browser.get(&service.identity("/if/admin/providers/")?)?;
        let is_provider = |part: &&str| {
            part.strip_prefix("/if/admin/providers/saml/")
                .is_some_and(|rest| !["", "new/", "import/"].contains(&rest))
        };
        let path = list.html.split('"').find(is_provider).ok_or("there is no SAML provider")?;
        let provider = list.url.join(&format!("{path}edit/"))?;
        Ok(Self { browser, provider })
    }

    /// The assertions go in the clear from now on.
    pub(crate) fn encrypt_nothing(&mut self) -> Outcome<()> {
        self.change(&[("encryption_kp", "")])
    }

    /// Makes a P-256 key and has the provider sign with it.
    pub(crate) fn sign_with_p256(&mut self, service: &Service) -> Outcome<()> {
        let page = self.browser.get(&service.identity("/if/admin/certificates/generate/")?)?;
        let wanted = [("name", "bench P-256"), ("kind", "ecp256")];
        let made = self.browser.submit(&page, "validity_days", &wanted)?;
        let certificate = made.url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let algorithm = saml::SignatureAlgorithm::EcdsaSha256.as_str();
        self.change(&[("signing_kp", certificate), ("signature_algorithm", algorithm)])
    }

    fn change(&mut self, changes: &[(&str, &str)]) -> Outcome<()> {
        let page = self.browser.get(&self.provider)?;
        let saved = self.browser.submit(&page, "signing_kp", changes)?;
        // A form that is refused is shown again, at its own address.
        if saved.url == self.provider {
            return Err(format!("the provider can't be changed so:\n{}", saved.html).into());
        }
        Ok(())
    }
}
