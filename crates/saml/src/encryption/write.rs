//! Encrypting an element that our own writer wrote.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::algorithms::mask_uri;
use super::{ELEMENT, Encryptor, KeyTransport, cipher};
use crate::error::{Error, ErrorKind};
use crate::xml::{DS, SAML, Writer, XENC, XENC11};

/// What encrypting one message takes.
#[derive(Clone, Copy)]
pub struct Encryption<'a> {
    /// For whom, and how.
    pub encryptor: &'a Encryptor,
    /// Random bytes for this message and no other: they become the content key and the initialization vector.
    pub random: [u8; 48],
}

impl fmt::Debug for Encryption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The random bytes are the key.
        f.debug_struct("Encryption").field("encryptor", self.encryptor).finish_non_exhaustive()
    }
}

impl Encryption<'_> {
    /// An `EncryptedAssertion` in canonical form (SAML Core 2.3.4). The wrapped key stands within `EncryptedData`,
    /// where every peer looks for it. `assertion` declares its own namespaces, so that it can be read by itself.
    pub(crate) fn encrypt_assertion(&self, assertion: &str) -> Result<String, Error> {
        let algorithm = self.encryptor.data_encryption();
        let (key, iv) = self.random.split_at(32);
        let key = key.get(..algorithm.key_bytes()).unwrap_or_default();
        let content = cipher::encrypt(algorithm, key, iv, assertion.as_bytes())
            .map_err(|_| Error::new(ErrorKind::EncryptionFailed))?;
        let content = STANDARD.encode(content);
        let wrapped = STANDARD.encode(self.encryptor.wrap(key)?);
        let mut writer = Writer::new();
        writer.element("saml:EncryptedAssertion", &[("xmlns:saml", Some(SAML))], |encrypted| {
            let data = [("xmlns:xenc", Some(XENC)), ("Type", Some(ELEMENT))];
            encrypted.element("xenc:EncryptedData", &data, |data| {
                data.empty("xenc:EncryptionMethod", &[("Algorithm", Some(algorithm.as_str()))]);
                data.element("ds:KeyInfo", &[("xmlns:ds", Some(DS))], |info| {
                    info.element("xenc:EncryptedKey", &[], |key| {
                        self.key_method(key);
                        cipher_data(key, &wrapped);
                    });
                });
                cipher_data(data, &content);
            });
        });
        writer.finish()
    }

    fn key_method(&self, writer: &mut Writer) {
        let transport = self.encryptor.key_transport();
        let digest = transport.digest();
        writer.element("xenc:EncryptionMethod", &[("Algorithm", Some(transport.as_str()))], |method| {
            method.empty("ds:DigestMethod", &[("Algorithm", Some(digest.as_str()))]);
            // The older algorithm has its mask generation function in its name.
            if transport == KeyTransport::RsaOaep {
                let mask = [("xmlns:xenc11", Some(XENC11)), ("Algorithm", Some(mask_uri(digest)))];
                method.empty("xenc11:MGF", &mask);
            }
        });
    }
}

fn cipher_data(writer: &mut Writer, base64: &str) {
    writer.element("xenc:CipherData", &[], |data| data.text("xenc:CipherValue", &[], base64));
}
