//! RSA private keys of servers, which open the key exchange of suites without forward secrecy (RFC 5246 section 7.4.7.1).

use std::fmt;

use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Encrypt, PrivateKey};
use thiserror::Error;
use zeroize::Zeroizing;

/// A server's RSA private key. `Debug` shows its size alone.
pub struct RsaKey(PrivateKey);

/// Why a file holds no key that is of use. Nothing of its content is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RsaKeyError {
    /// There is no block of a private key in it.
    #[error("holds no private key in PEM (\"-----BEGIN PRIVATE KEY-----\" or \"-----BEGIN RSA PRIVATE KEY-----\")")]
    Missing,
    /// It is protected by a password.
    #[error("holds a private key that is encrypted; openssl pkey -in FILE -out PLAIN writes it without its password")]
    Encrypted,
    /// It is a key of another kind, or damaged.
    #[error("holds a private key that is not RSA, or is damaged")]
    NotRsa,
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaKey").field("bytes", &self.0.size()).finish_non_exhaustive()
    }
}

impl RsaKey {
    /// The first private key of a PEM file, in PKCS #1 or PKCS #8.
    ///
    /// # Errors
    ///
    /// When there is none, or none that is RSA's.
    pub fn from_pem(text: &str) -> Result<RsaKey, RsaKeyError> {
        let block = |kind: &str| {
            let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
            let from = text.find(&begin)?;
            let to = from + text[from..].find(&end)? + end.len();
            Some(&text[from..to])
        };
        let key = if let Some(pem) = block("RSA PRIVATE KEY") {
            if pem.contains("ENCRYPTED") {
                return Err(RsaKeyError::Encrypted);
            }
            PrivateKey::from_pkcs1_pem(pem).ok()
        } else if let Some(pem) = block("PRIVATE KEY") {
            PrivateKey::from_pkcs8_pem(pem).ok()
        } else if block("ENCRYPTED PRIVATE KEY").is_some() {
            return Err(RsaKeyError::Encrypted);
        } else if text.contains(" PRIVATE KEY-----") {
            None
        } else {
            return Err(RsaKeyError::Missing);
        };
        key.map(RsaKey).ok_or(RsaKeyError::NotRsa)
    }

    /// The pre-master secret that a client encrypted for this key; `None` where it was encrypted for another.
    pub(super) fn pre_master(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if encrypted.len() != self.0.size() {
            return None;
        }
        let secret = Zeroizing::new(self.0.decrypt(Pkcs1v15Encrypt, encrypted).ok()?);
        (secret.len() == 48 && secret[0] == 3).then_some(secret)
    }
}
