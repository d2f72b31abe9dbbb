//! The settings of a SAML provider: authentik's fields, read into types.

use saml::{Binding, DataEncryption, DigestAlgorithm, KeyTransport, NameIdFormat, SignatureAlgorithm};
use url::Url;

use super::period::Period;
use crate::mappings::BuiltIn as Mapping;

/// A setting with a fixed list of values: the word in the database and in forms, and the words on screen.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $key:literal, $label:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the form.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word in the database and in forms.
            pub(crate) fn key(self) -> &'static str {
                match self {
                    $(Self::$variant => $key,)+
                }
            }

            /// Reads [`Self::key`] back.
            pub(crate) fn parse(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.key() == key)
            }

            /// The words on screen.
            pub(crate) fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

choice! {
    /// Whether people are asked before the application learns who they are: authentik's authorization flow,
    /// kept by its slug.
    AuthorizationFlow {
        /// Straight on.
        Implicit = "default-provider-authorization-implicit-consent",
            "Authorize Application, implicit consent (default-provider-authorization-implicit-consent)";
        /// The person agrees first.
        Explicit = "default-provider-authorization-explicit-consent",
            "Authorize Application, explicit consent (default-provider-authorization-explicit-consent)";
    }
}

choice! {
    /// What the signature of a request counts for, once there is a certificate to check it against.
    RequestSignatures {
        /// A request without a good signature is refused.
        Required = "required", "Required: unsigned requests are refused";
        /// A bad signature is refused, none is fine.
        Optional = "optional", "Optional: unsigned requests are answered, badly signed ones refused";
        /// Signatures are not looked at.
        Ignored = "ignored", "Ignored: signatures are not checked";
    }
}

choice! {
    /// How a logout request reaches the application.
    SlsBinding {
        /// In the query of a redirect.
        Redirect = "redirect", "Redirect";
        /// In a form that the browser posts.
        Post = "post", "Post";
        /// From server to server.
        Soap = "soap", "SOAP (back-channel only)";
    }
}

choice! {
    /// How the application learns that a person signed out elsewhere.
    LogoutMethod {
        /// In frames of the sign-out page, all applications at once.
        FrontChannelIframe = "frontchannel_iframe", "Front-channel (Iframe)";
        /// In the tab itself, one application after the other.
        FrontChannelNative = "frontchannel_native", "Front-channel (Native)";
        /// From server to server.
        BackChannel = "backchannel", "Back-channel (POST or SOAP)";
    }
}

choice! {
    /// What happens to a sign-in when a property mapping fails.
    OnMappingFailure {
        /// The attribute is left out, and the failure is noted.
        Skip = "skip", "Skip: leave the attribute out and note it";
        /// Nobody is signed in.
        Refuse = "refuse", "Refuse: sign nobody in";
    }
}

choice! {
    /// Whether two applications can tell by the persistent name that they speak of the same person
    /// (SAML Core 8.3.7 wants that they can't).
    PersistentNames {
        /// Another name at each application.
        PerApplication = "per_application", "Different at each application";
        /// The same name at every application that has this setting: authentik's way.
        SameEverywhere = "same_everywhere", "The same at every application";
    }
}

/// The formats of a name that a provider can answer with, in the order of the form (`authentik.md` 2.4).
pub(crate) const NAME_ID_POLICIES: [(NameIdFormat, &str); 6] = [
    (NameIdFormat::EmailAddress, "Email address"),
    (NameIdFormat::Persistent, "Persistent"),
    (NameIdFormat::X509SubjectName, "X509 Subject"),
    (NameIdFormat::WindowsDomainQualifiedName, "Windows"),
    (NameIdFormat::Transient, "Transient"),
    (NameIdFormat::Unspecified, "Unspecified"),
];

/// The words in the database and in forms for the bindings of an answer.
pub(crate) const SP_BINDINGS: [(Binding, &str, &str); 2] =
    [(Binding::HttpRedirect, "redirect", "Redirect"), (Binding::HttpPost, "post", "Post")];

/// The word for a binding of answers; every binding that can be set has one.
pub(crate) fn sp_binding_key(binding: Binding) -> &'static str {
    SP_BINDINGS.iter().find(|(known, ..)| *known == binding).map_or("", |(_, key, _)| key)
}

/// Reads [`sp_binding_key`] back.
pub(crate) fn parse_sp_binding(key: &str) -> Option<Binding> {
    SP_BINDINGS.into_iter().find(|(_, known, _)| *known == key).map(|(binding, ..)| binding)
}

/// One of several addresses at which an application takes answers (SAML Metadata 2.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AcsEndpoint {
    /// The number by which a request may name it.
    pub(crate) index: u16,
    /// How an answer travels there.
    pub(crate) binding: Binding,
    pub(crate) url: Url,
    /// Whether answers go there unless the request says otherwise.
    pub(crate) is_default: bool,
}

/// Everything that an administrator sets about a provider.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Unique among providers.
    pub(crate) name: String,
    pub(crate) authorization_flow: AuthorizationFlow,
    /// Where answers go, unless one of `further_acs` is the default; its index is 0.
    pub(crate) acs_url: Url,
    /// Where answers go too if a request names it. Indexes are unique and not 0; one is the default at most.
    pub(crate) further_acs: Vec<AcsEndpoint>,
    /// Empty: the address of the metadata.
    pub(crate) issuer: String,
    /// How an answer travels.
    pub(crate) sp_binding: Binding,
    /// Empty: the answer is not restricted to an audience.
    pub(crate) audience: String,
    /// Id of the certificate that signs answers.
    pub(crate) signing_kp: String,
    /// Id of the certificate that will sign answers later; the metadata announces it already.
    pub(crate) next_signing_kp: Option<String>,
    /// Id of the certificate that requests are checked against; without one signatures are not looked at.
    pub(crate) verification_kp: Option<String>,
    /// What signatures count for if there is a verification certificate.
    pub(crate) request_signatures: RequestSignatures,
    /// Whether signatures of requests may be made with SHA-1.
    pub(crate) allow_sha1: bool,
    /// Id of the certificate that assertions are encrypted for; without one they are not.
    pub(crate) encryption_kp: Option<String>,
    pub(crate) data_encryption: DataEncryption,
    pub(crate) key_transport: KeyTransport,
    /// Where logout requests and their answers go; `None`: sessions end here only.
    pub(crate) sls_url: Option<Url>,
    pub(crate) sls_binding: SlsBinding,
    pub(crate) logout_method: LogoutMethod,
    pub(crate) sign_assertion: bool,
    pub(crate) sign_response: bool,
    pub(crate) sign_logout_request: bool,
    pub(crate) sign_logout_response: bool,
    /// Ids of the mappings that make the attributes.
    pub(crate) property_mappings: Vec<String>,
    /// Overrides the value of the name, not its format.
    pub(crate) name_id_mapping: Option<Mapping>,
    /// Overrides how the application is told that the person signed in.
    pub(crate) authn_context_class_ref_mapping: Option<Mapping>,
    /// What a mapping that fails does to a sign-in.
    pub(crate) on_mapping_failure: OnMappingFailure,
    pub(crate) persistent_names: PersistentNames,
    /// The format of the name if the application asks for none.
    pub(crate) default_name_id_policy: NameIdFormat,
    /// From when an answer is valid, relative to now.
    pub(crate) assertion_valid_not_before: Period,
    /// Until when an answer is valid, relative to now.
    pub(crate) assertion_valid_not_on_or_after: Period,
    /// How long the application may keep the person signed in.
    pub(crate) session_valid_not_on_or_after: Period,
    pub(crate) digest_algorithm: DigestAlgorithm,
    pub(crate) signature_algorithm: SignatureAlgorithm,
    /// Sent along when a sign-in begins here; empty for none.
    pub(crate) default_relay_state: String,
    /// Where the application publishes its metadata, from which the provider is brought up to date.
    pub(crate) metadata_url: Option<Url>,
    /// Whether that address may lie in a private network.
    pub(crate) metadata_allow_private: bool,
}

/// One registered address for answers, the main one or a further one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acs<'s> {
    pub(crate) index: u16,
    pub(crate) binding: Binding,
    pub(crate) url: &'s Url,
}

impl Acs<'_> {
    /// The words for its binding.
    pub(crate) fn binding_label(&self) -> &'static str {
        SP_BINDINGS.iter().find(|(known, ..)| *known == self.binding).map_or("", |(.., label)| label)
    }
}

impl Settings {
    /// Every registered address for answers, the default one first.
    pub(crate) fn every_acs(&self) -> Vec<Acs<'_>> {
        let main = Acs { index: 0, binding: self.sp_binding, url: &self.acs_url };
        let further = self.further_acs.iter();
        let further = further.map(|acs| Acs { index: acs.index, binding: acs.binding, url: &acs.url });
        let mut all: Vec<Acs<'_>> = std::iter::once(main).chain(further).collect();
        let default = self.default_acs().index;
        all.sort_by_key(|acs| acs.index != default);
        all
    }

    /// Where answers go unless a request says otherwise.
    pub(crate) fn default_acs(&self) -> Acs<'_> {
        let main = Acs { index: 0, binding: self.sp_binding, url: &self.acs_url };
        let default = self.further_acs.iter().find(|acs| acs.is_default);
        default.map_or(main, |acs| Acs { index: acs.index, binding: acs.binding, url: &acs.url })
    }

    /// The registered address with that index.
    pub(crate) fn acs(&self, index: u16) -> Option<Acs<'_>> {
        self.every_acs().into_iter().find(|acs| acs.index == index)
    }
}

/// A SAML provider.
#[derive(Clone, Debug)]
pub(crate) struct SamlProvider {
    pub(crate) id: String,
    pub(crate) settings: Settings,
}
