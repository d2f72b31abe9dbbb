//! The identifiers that SAML defines: each an enum with its URI.

use std::fmt;

/// An enum of URIs that is complete: what is not in it is not spoken here.
macro_rules! closed_vocabulary {
    ($(#[$about:meta])* $name:ident, $count:literal { $($(#[$doc:meta])* $variant:ident = $uri:literal, $label:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: [Self; $count] = [$(Self::$variant),+];

            /// The URI that names it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $uri,)+
                }
            }

            /// Its name for people.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }

            /// The value of a URI; `None` for one that is not spoken here.
            pub fn from_uri(uri: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|binding| binding.as_str() == uri)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_vocabulary! {
    /// How a message travels by way of the browser (SAML Bindings 3).
    Binding, 2 {
        /// In the query of a redirect (3.4).
        HttpRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "HTTP-Redirect";
        /// In a form that the browser posts (3.5).
        HttpPost = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "HTTP-POST";
    }
}

closed_vocabulary! {
    /// How a message travels that ends a session (SAML Profiles 4.4): also without the browser.
    LogoutBinding, 3 {
        /// In the query of a redirect (3.4).
        HttpRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "HTTP-Redirect";
        /// In a form that the browser posts (3.5).
        HttpPost = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", "HTTP-POST";
        /// From server to server (3.2).
        Soap = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP", "SOAP";
    }
}

/// An enum of URIs that others may add to: every URI has a value, unknown ones the last.
macro_rules! open_vocabulary {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $uri:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A URI that the specification does not define.
            Other(String),
        }

        impl $name {
            /// The URI.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $uri,)+
                    Self::Other(uri) => uri,
                }
            }

            /// The value of a URI.
            pub fn from_uri(uri: &str) -> Self {
                match uri {
                    $($uri => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_vocabulary! {
    /// What kind of name a NameID is (SAML Core 8.3).
    NameIdFormat {
        /// Left to the parties.
        Unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        /// An e-mail address.
        EmailAddress = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        /// A subject in the form of X.509.
        X509SubjectName = "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
        /// `DOMAIN\user` or `user@domain`.
        WindowsDomainQualifiedName = "urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
        /// A Kerberos principal.
        Kerberos = "urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
        /// The identifier of a SAML entity.
        Entity = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
        /// Lasting, opaque, and different at each service provider.
        Persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        /// For one session only.
        Transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
    }
}

open_vocabulary! {
    /// How somebody proved who they are (SAML Authentication Context 3.4).
    AuthnContextClass {
        /// Not said.
        Unspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
        /// A password.
        Password = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
        /// A password over a protected connection.
        PasswordProtectedTransport = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        /// A session from before.
        PreviousSession = "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession",
        /// Kerberos.
        Kerberos = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
        /// A key with an X.509 certificate.
        X509 = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
        /// A mutually authenticated TLS connection.
        TlsClient = "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
        /// A one-time password from a token.
        TimeSyncToken = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken",
        /// A registered mobile device, one factor.
        MobileOneFactorContract = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileOneFactorContract",
        /// An address of the network.
        InternetProtocol = "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocol",
        /// An address of the network and a password.
        InternetProtocolPassword = "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocolPassword",
        /// A password by a protocol that does not reveal it.
        SecureRemotePassword = "urn:oasis:names:tc:SAML:2.0:ac:classes:SecureRemotePassword",
        /// A key with a certificate, kept by software.
        SoftwarePki = "urn:oasis:names:tc:SAML:2.0:ac:classes:SoftwarePKI",
        /// A smart card.
        Smartcard = "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard",
        /// A key with a certificate on a smart card, and its PIN.
        SmartcardPki = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
        /// A mobile device that is not registered, one factor.
        MobileOneFactorUnregistered = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileOneFactorUnregistered",
        /// A mobile device that is not registered, and a second factor.
        MobileTwoFactorUnregistered = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorUnregistered",
        /// A registered mobile device and a second factor.
        MobileTwoFactorContract = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
    }
}

open_vocabulary! {
    /// Why a session is to end (SAML Core 3.7.3).
    LogoutReason {
        /// The person wants it.
        User = "urn:oasis:names:tc:SAML:2.0:logout:user",
        /// An administrator wants it.
        Admin = "urn:oasis:names:tc:SAML:2.0:logout:admin",
    }
}

open_vocabulary! {
    /// How a request was answered (SAML Core 3.2.2.2).
    StatusCode {
        /// As asked.
        Success = "urn:oasis:names:tc:SAML:2.0:status:Success",
        /// Not, and the requester is at fault.
        Requester = "urn:oasis:names:tc:SAML:2.0:status:Requester",
        /// Not, and the responder is at fault.
        Responder = "urn:oasis:names:tc:SAML:2.0:status:Responder",
        /// Not, since the version of the request is not spoken.
        VersionMismatch = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch",
        /// The person could not be authenticated.
        AuthnFailed = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
        /// An attribute or its value is not acceptable.
        InvalidAttrNameOrValue = "urn:oasis:names:tc:SAML:2.0:status:InvalidAttrNameOrValue",
        /// The NameID format can't be given.
        InvalidNameIdPolicy = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy",
        /// The authentication context can't be met.
        NoAuthnContext = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext",
        /// The person would have had to be asked, and the request forbids that.
        NoPassive = "urn:oasis:names:tc:SAML:2.0:status:NoPassive",
        /// None of the identity providers that the request lists can be used.
        NoAvailableIdp = "urn:oasis:names:tc:SAML:2.0:status:NoAvailableIDP",
        /// None of the identity providers that the request lists is known.
        NoSupportedIdp = "urn:oasis:names:tc:SAML:2.0:status:NoSupportedIDP",
        /// Not every session could be ended.
        PartialLogout = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout",
        /// The request may not be passed on any further.
        ProxyCountExceeded = "urn:oasis:names:tc:SAML:2.0:status:ProxyCountExceeded",
        /// The responder won't.
        RequestDenied = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied",
        /// The responder can't.
        RequestUnsupported = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported",
        /// The binding can't be used.
        UnsupportedBinding = "urn:oasis:names:tc:SAML:2.0:status:UnsupportedBinding",
        /// The person is not known.
        UnknownPrincipal = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_uri_is_read_as_what_it_is() {
        for binding in Binding::ALL {
            assert_eq!(Binding::from_uri(binding.as_str()), Some(binding));
        }
        for binding in LogoutBinding::ALL {
            assert_eq!(LogoutBinding::from_uri(binding.as_str()), Some(binding));
        }
        assert_eq!(Binding::from_uri("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"), None);
        assert_eq!(Binding::from_uri(LogoutBinding::Soap.as_str()), None);
        for format in
            [NameIdFormat::EmailAddress, NameIdFormat::Transient, NameIdFormat::Other("urn:x".into())]
        {
            assert_eq!(NameIdFormat::from_uri(format.as_str()), format);
        }
        assert_eq!(StatusCode::from_uri(StatusCode::NoPassive.as_str()), StatusCode::NoPassive);
    }
}
