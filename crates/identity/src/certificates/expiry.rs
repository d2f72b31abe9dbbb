//! Certificates that end soon, and what to do about it.

use std::fmt;
use std::time::Duration;

use ::saml::Certificate;
use ::store::{Error, Timestamp};
use serde_json::json;
use site::{Problem, moments};
use sqlx::AnyConnection;

use super::{Keypair, store};
use crate::app::App;
use crate::events;
use crate::providers::saml::{self, CertificateRole, CertificateUse};
use crate::refusal::listed;

const DAY: Duration = Duration::from_hours(24);
/// Days before the end of a certificate at which an event says so; the last at the end itself.
const THRESHOLDS: [u32; 4] = [30, 7, 1, 0];

/// How long a certificate is good for still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    Good,
    /// Within 30 days; whole days are left.
    EndsSoon(u64),
    /// Whole days ago.
    Expired(u64),
    NotYet,
}

impl Validity {
    /// That of `certificate` at the moment `now`.
    pub(crate) fn of(certificate: &Certificate, now: Timestamp) -> Self {
        let begin = Timestamp::from_micros(certificate.not_before().micros());
        let end = Timestamp::from_micros(certificate.not_after().micros());
        let days = |span: Duration| span.as_secs() / DAY.as_secs();
        if now < begin {
            Self::NotYet
        } else if now > end {
            Self::Expired(days(now.since(end)))
        } else if now.plus(DAY * THRESHOLDS[0]) > end {
            Self::EndsSoon(days(end.since(now)))
        } else {
            Self::Good
        }
    }

    /// Whether nothing that this certificate signs is valid any more.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Expired(_))
    }

    /// A word or two for a list; empty while all is well.
    pub(crate) fn badge(self) -> &'static str {
        match self {
            Self::Good => "",
            Self::EndsSoon(_) => "Ends soon",
            Self::Expired(_) => "Expired",
            Self::NotYet => "Not valid yet",
        }
    }

    /// The thresholds that are passed, the last one last.
    fn passed(self) -> impl Iterator<Item = u32> {
        THRESHOLDS.into_iter().filter(move |threshold| match self {
            Self::EndsSoon(days) => *threshold > 0 && days < u64::from(*threshold),
            Self::Expired(_) => true,
            Self::Good | Self::NotYet => false,
        })
    }
}

/// What a certificate does, to follow its name.
impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("is valid"),
            Self::EndsSoon(0) => f.write_str("expires within a day"),
            Self::EndsSoon(1) => f.write_str("expires in 1 day"),
            Self::EndsSoon(days) => write!(f, "expires in {days} days"),
            Self::Expired(0) => f.write_str("has expired today"),
            Self::Expired(1) => f.write_str("has expired 1 day ago"),
            Self::Expired(days) => write!(f, "has expired {days} days ago"),
            Self::NotYet => f.write_str("is not valid yet"),
        }
    }
}

/// A certificate that needs somebody to do something.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    pub(crate) keypair: Keypair,
    pub(crate) validity: Validity,
    uses: Vec<CertificateUse>,
}

impl Warning {
    /// About a certificate with these uses, if there is anything to say.
    ///
    /// # Errors
    /// A text in the database that is no certificate.
    pub(super) fn about(
        keypair: &Keypair,
        uses: &[CertificateUse],
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let validity = Validity::of(&keypair.certificate()?, now);
        if validity == Validity::Good {
            return Ok(None);
        }
        let uses = uses.iter().filter(|used| used.certificate_id == keypair.id).cloned().collect();
        Ok(Some(Self { keypair: keypair.clone(), validity, uses }))
    }

    /// The names of the providers that use it.
    fn used_by(&self) -> Vec<String> {
        let mut names: Vec<String> = self.uses.iter().map(|used| used.provider.clone()).collect();
        names.dedup();
        names
    }

    /// Everything after the name of the certificate, with a full stop at the end.
    pub(crate) fn sentence(&self) -> String {
        let users = listed(&self.used_by()).unwrap_or_else(|| "no provider".to_owned());
        format!("{}, used by {users}; {}.", self.validity, self.advice())
    }

    /// What a provider's page says, which uses it in this role.
    pub(crate) fn sentence_as(&self, role: CertificateRole) -> String {
        let Self { keypair, validity, .. } = self;
        format!("The {} {} {validity}; {}.", role.words(), keypair.name, advice(role, *validity))
    }

    fn advice(&self) -> String {
        let mut all: Vec<&str> = Vec::new();
        for one in self.uses.iter().map(|used| advice(used.role, self.validity)) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        match (all.is_empty(), self.validity) {
            (false, _) => all.join("; "),
            (true, Validity::NotYet) => "nothing to do until a provider uses it".to_owned(),
            (true, _) => "delete it, unless you keep it for the record".to_owned(),
        }
    }
}

fn advice(role: CertificateRole, validity: Validity) -> &'static str {
    if validity == Validity::NotYet {
        return "choose another one, or check the clock of this machine";
    }
    match role {
        CertificateRole::Signing => "generate a new one and set it as next signing certificate",
        CertificateRole::Verification => {
            "ask the application for its new one and set that as verification certificate"
        }
        CertificateRole::NextSigning => "choose another next signing certificate",
        CertificateRole::Encryption => {
            "ask the application for its new one and set that as encryption certificate"
        }
    }
}

/// Every certificate that needs somebody to do something; those that have expired first.
///
/// # Errors
/// The database's; a text in it that is no certificate.
pub(crate) async fn warnings(conn: &mut AnyConnection, now: Timestamp) -> Result<Vec<Warning>, Problem> {
    let uses = saml::certificate_uses(conn).await?;
    let mut warnings = Vec::new();
    for keypair in store::all(conn).await? {
        warnings.extend(Warning::about(&keypair, &uses, now)?);
    }
    warnings.sort_by_key(|warning| !warning.validity.is_over());
    Ok(warnings)
}

/// What the page of a provider says of its certificates.
///
/// # Errors
/// The database's; a text in it that is no certificate.
pub(crate) async fn warnings_for_provider(
    conn: &mut AnyConnection,
    provider_id: &str,
    now: Timestamp,
) -> Result<Vec<(Warning, CertificateRole)>, Problem> {
    let uses: Vec<_> = saml::certificate_uses(conn).await?;
    let mut warnings = Vec::new();
    for used in uses.iter().filter(|used| used.provider_id == provider_id) {
        let Some(keypair) = store::find(conn, &used.certificate_id).await? else { continue };
        warnings.extend(Warning::about(&keypair, &uses, now)?.map(|warning| (warning, used.role)));
    }
    Ok(warnings)
}

/// Leaves an event for each certificate that came closer to its end, or passed it, since the last time: once
/// per certificate and threshold, however many instances run.
///
/// # Errors
/// The database's; a text in it that is no certificate.
pub(crate) async fn announce(app: &App) -> Result<(), Problem> {
    let warnings = warnings(&mut *app.store.read().await?, app.site.now()).await?;
    for warning in warnings.iter().filter(|warning| warning.validity.passed().next().is_some()) {
        announce_one(app, warning).await?;
    }
    Ok(())
}

async fn announce_one(app: &App, warning: &Warning) -> Result<(), Error> {
    let mut known = store::announced(&mut *app.store.read().await?, &warning.keypair.id).await?;
    known.sort_unstable();
    if warning.validity.passed().all(|threshold| known.contains(&i64::from(threshold))) {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    let mut is_news = false;
    for threshold in warning.validity.passed() {
        is_news |= store::announce(&mut tx, &warning.keypair.id, threshold, app.site.now()).await?;
    }
    if is_news {
        let end = warning.keypair.certificate().map(|certificate| certificate.not_after().micros());
        let about = json!({
            "model": "certificatekeypair",
            "certificate": warning.sentence(),
            "expiry_date": end.ok().map(|end| format!("{} UTC", moments::utc(Timestamp::from_micros(end)))),
            "used_by": warning.used_by(),
        });
        events::note_in(&mut tx, app, "certificate_expiring", &warning.keypair.name, &about).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_passed_one_after_the_other() {
        let passed = |validity: Validity| -> Vec<u32> { validity.passed().collect() };
        assert_eq!(passed(Validity::Good), Vec::<u32>::new());
        assert_eq!(passed(Validity::NotYet), Vec::<u32>::new());
        assert_eq!(passed(Validity::EndsSoon(29)), [30]);
        assert_eq!(passed(Validity::EndsSoon(7)), [30]);
        assert_eq!(passed(Validity::EndsSoon(6)), [30, 7]);
        assert_eq!(passed(Validity::EndsSoon(0)), [30, 7, 1]);
        assert_eq!(passed(Validity::Expired(0)), [30, 7, 1, 0]);
    }
}
