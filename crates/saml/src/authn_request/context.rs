//! Which ways of authentication a request asks for (SAML Core 3.3.2.2.1).

use std::fmt;

use crate::vocabulary::AuthnContextClass;

/// How the way that was taken must compare with those that a request lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AuthnContextComparison {
    /// It is one of them.
    #[default]
    Exact,
    /// It is at least as strong as one of them.
    Minimum,
    /// It is not stronger than one of them.
    Maximum,
    /// It is stronger than each of them.
    Better,
}

impl AuthnContextComparison {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Minimum, Self::Maximum, Self::Better];

    /// As it is written in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Better => "better",
        }
    }

    /// The comparison that is written so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparison| comparison.as_str() == name)
    }
}

impl fmt::Display for AuthnContextComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The ways of authentication that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    /// How they are to be compared with the way that was taken.
    pub comparison: AuthnContextComparison,
    /// The ways, in order of preference. Empty if the request lists declarations instead of classes: then no way
    /// is admitted, since none can be compared with a declaration.
    pub classes: Vec<AuthnContextClass>,
}

impl RequestedAuthnContext {
    /// Whether somebody who authenticated in this way may be let in.
    ///
    /// SAML leaves to the identity provider which way is the stronger (3.3.2.2.1). Here, weakest first, and those
    /// on a line equally strong:
    ///
    /// 1. `unspecified`
    /// 2. `InternetProtocol`
    /// 3. `Password`, `InternetProtocolPassword`
    /// 4. `PasswordProtectedTransport`, `SecureRemotePassword`, `Kerberos`
    /// 5. `X509`, `TLSClient`, `SoftwarePKI`, `Smartcard`, `TimeSyncToken`, `MobileOneFactorUnregistered`,
    ///    `MobileOneFactorContract`: one factor that can't be guessed
    /// 6. `MobileTwoFactorUnregistered`, `MobileTwoFactorContract`, `SmartcardPKI`: two factors
    ///
    /// `PreviousSession` and classes that SAML does not define have no place in this order: whatever the
    /// comparison, they are met by themselves only, and by themselves never if it is `better`.
    pub fn admits(&self, given: &AuthnContextClass) -> bool {
        let compare = |asked: &AuthnContextClass| Some((rank(given)?, rank(asked)?));
        let one = |holds: fn(u8, u8) -> bool| {
            self.classes.iter().any(|asked| match compare(asked) {
                Some((given, asked)) => holds(given, asked),
                None => given == asked,
            })
        };
        match self.comparison {
            AuthnContextComparison::Exact => self.classes.contains(given),
            AuthnContextComparison::Minimum => one(|given, asked| given >= asked),
            AuthnContextComparison::Maximum => one(|given, asked| given <= asked),
            AuthnContextComparison::Better => {
                let stronger = |asked| compare(asked).is_some_and(|(given, asked)| given > asked);
                !self.classes.is_empty() && self.classes.iter().all(stronger)
            }
        }
    }
}

/// How strong a way of authentication is; `None` if it can't be compared.
fn rank(class: &AuthnContextClass) -> Option<u8> {
    use AuthnContextClass as C;
    match class {
        C::Unspecified => Some(1),
        C::InternetProtocol => Some(2),
        C::Password | C::InternetProtocolPassword => Some(3),
        C::PasswordProtectedTransport | C::SecureRemotePassword | C::Kerberos => Some(4),
        C::X509
        | C::TlsClient
        | C::SoftwarePki
        | C::Smartcard
        | C::TimeSyncToken
        | C::MobileOneFactorUnregistered
        | C::MobileOneFactorContract => Some(5),
        C::MobileTwoFactorUnregistered | C::MobileTwoFactorContract | C::SmartcardPki => Some(6),
        C::PreviousSession | C::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AuthnContextClass as C;
    use AuthnContextComparison::{Better, Exact, Maximum, Minimum};

    fn admits(comparison: AuthnContextComparison, classes: &[C], given: &C) -> bool {
        RequestedAuthnContext { comparison, classes: classes.to_vec() }.admits(given)
    }

    #[test]
    fn exact_is_one_of_the_listed() {
        let asked = [C::X509, C::Password];
        assert!(admits(Exact, &asked, &C::Password));
        assert!(!admits(Exact, &asked, &C::PasswordProtectedTransport));
        assert!(!admits(Exact, &asked, &C::TlsClient));
        assert!(!admits(Exact, &[], &C::Password));
    }

    #[test]
    fn minimum_maximum_and_better_follow_the_order() {
        let password = [C::PasswordProtectedTransport];
        assert!(admits(Minimum, &password, &C::PasswordProtectedTransport));
        assert!(admits(Minimum, &password, &C::MobileTwoFactorContract));
        assert!(!admits(Minimum, &password, &C::Password));
        assert!(admits(Maximum, &password, &C::Unspecified));
        assert!(!admits(Maximum, &password, &C::TimeSyncToken));
        assert!(admits(Better, &password, &C::TimeSyncToken));
        assert!(!admits(Better, &password, &C::Kerberos));
    }

    #[test]
    fn of_several_one_is_enough_except_for_better() {
        let both = [C::Password, C::X509];
        assert!(admits(Minimum, &both, &C::PasswordProtectedTransport));
        assert!(admits(Maximum, &both, &C::PasswordProtectedTransport));
        assert!(!admits(Better, &both, &C::PasswordProtectedTransport));
        assert!(admits(Better, &both, &C::MobileTwoFactorContract));
    }

    #[test]
    fn what_is_not_ranked_is_met_by_itself_only() {
        let refeds = C::from_uri("https://refeds.org/profile/mfa");
        for comparison in [Exact, Minimum, Maximum] {
            assert!(admits(comparison, std::slice::from_ref(&refeds), &refeds));
            assert!(!admits(comparison, std::slice::from_ref(&refeds), &C::MobileTwoFactorContract));
            assert!(!admits(comparison, &[C::MobileTwoFactorContract], &refeds));
            assert!(!admits(comparison, &[C::Unspecified], &C::PreviousSession));
        }
        assert!(!admits(Better, std::slice::from_ref(&refeds), &refeds));
        assert!(!admits(Better, &[C::Password, refeds], &C::MobileTwoFactorContract));
        for comparison in AuthnContextComparison::ALL {
            assert!(!admits(comparison, &[], &C::MobileTwoFactorContract));
            assert_eq!(AuthnContextComparison::from_name(comparison.as_str()), Some(comparison));
        }
    }
}
