//! The algorithms of XML encryption that are spoken here (XML Encryption 1.1, section 5).

use std::fmt;

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
};

use crate::algorithms::DigestAlgorithm;

/// How the content is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DataEncryption {
    /// AES-256 in Galois/Counter Mode: the usual one.
    #[default]
    Aes256Gcm,
    /// AES-128 in Galois/Counter Mode.
    Aes128Gcm,
    /// AES-256 in Cipher Block Chaining mode, for peers that know nothing better. It does not notice changes.
    Aes256Cbc,
    /// AES-128 in Cipher Block Chaining mode, for peers that know nothing better. It does not notice changes.
    Aes128Cbc,
}

impl DataEncryption {
    /// All of them, the usual one first.
    pub const ALL: [Self; 4] = [Self::Aes256Gcm, Self::Aes128Gcm, Self::Aes256Cbc, Self::Aes128Cbc];

    /// The URI that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Self::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Self::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            Self::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
        }
    }

    /// The algorithm of a URI; `None` for one that is not spoken here.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == uri)
    }

    /// The words on screen, such as `AES-256-GCM`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "AES-256-GCM",
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes256Cbc => "AES-256-CBC",
            Self::Aes128Cbc => "AES-128-CBC",
        }
    }

    /// Whether it is a CBC mode, which does not notice changes.
    pub const fn is_cbc(self) -> bool {
        matches!(self, Self::Aes256Cbc | Self::Aes128Cbc)
    }

    /// The length of its keys, in bytes.
    pub(super) const fn key_bytes(self) -> usize {
        match self {
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
        }
    }
}

impl fmt::Display for DataEncryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// How the content key is wrapped for its recipient. RSA PKCS#1 v1.5 is not there: it gives the key away to
/// whoever may ask often enough (Bleichenbacher).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyTransport {
    /// RSA-OAEP with SHA-1 and MGF1 with SHA-1, which every peer knows. SHA-1 is not weak in this use.
    #[default]
    RsaOaepMgf1p,
    /// RSA-OAEP of XML Encryption 1.1 with SHA-256 and MGF1 with SHA-256.
    RsaOaep,
}

impl KeyTransport {
    /// All of them, the usual one first.
    pub const ALL: [Self; 2] = [Self::RsaOaepMgf1p, Self::RsaOaep];

    /// The URI that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaepMgf1p => "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
            Self::RsaOaep => "http://www.w3.org/2009/xmlenc11#rsa-oaep",
        }
    }

    /// The algorithm of a URI; `None` for one that is not spoken here.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == uri)
    }

    /// The words on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::RsaOaepMgf1p => "RSA-OAEP (SHA-1)",
            Self::RsaOaep => "RSA-OAEP (SHA-256)",
        }
    }

    /// The digest of what is written.
    pub(super) const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaOaepMgf1p => DigestAlgorithm::Sha1,
            Self::RsaOaep => DigestAlgorithm::Sha256,
        }
    }
}

impl fmt::Display for KeyTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The digest of a mask generation function (XML Encryption 1.1, 5.5.2); `None` for one that is not known.
pub(super) fn mask_digest(uri: &str) -> Option<DigestAlgorithm> {
    DigestAlgorithm::ALL.into_iter().find(|digest| mask_uri(*digest) == uri)
}

/// The URI of the mask generation function with this digest.
pub(super) const fn mask_uri(digest: DigestAlgorithm) -> &'static str {
    match digest {
        DigestAlgorithm::Sha1 => "http://www.w3.org/2009/xmlenc11#mgf1sha1",
        DigestAlgorithm::Sha256 => "http://www.w3.org/2009/xmlenc11#mgf1sha256",
        DigestAlgorithm::Sha384 => "http://www.w3.org/2009/xmlenc11#mgf1sha384",
        DigestAlgorithm::Sha512 => "http://www.w3.org/2009/xmlenc11#mgf1sha512",
    }
}

/// RSA-OAEP with one digest in both places.
pub(super) const fn oaep(digest: DigestAlgorithm) -> &'static OaepAlgorithm {
    match digest {
        DigestAlgorithm::Sha1 => &OAEP_SHA1_MGF1SHA1,
        DigestAlgorithm::Sha256 => &OAEP_SHA256_MGF1SHA256,
        DigestAlgorithm::Sha384 => &OAEP_SHA384_MGF1SHA384,
        DigestAlgorithm::Sha512 => &OAEP_SHA512_MGF1SHA512,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_does_not_exist() {
        for algorithm in DataEncryption::ALL {
            assert_eq!(DataEncryption::from_uri(algorithm.as_str()), Some(algorithm));
            assert_eq!(algorithm.is_cbc(), algorithm.label().ends_with("CBC"));
        }
        for algorithm in KeyTransport::ALL {
            assert_eq!(KeyTransport::from_uri(algorithm.as_str()), Some(algorithm));
        }
        for uri in [
            "http://www.w3.org/2001/04/xmlenc#rsa-1_5",
            "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
            "http://www.w3.org/2009/xmlenc11#AES256-GCM",
            "",
        ] {
            assert_eq!((DataEncryption::from_uri(uri), KeyTransport::from_uri(uri)), (None, None));
        }
    }
}
