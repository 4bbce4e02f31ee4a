//! Record protection: what one direction's key opens (RFC 8446 section 5.2, RFC 5246 section 6.2.3, RFC 7366).

use std::fmt;

use aes::{Aes128, Aes256};
use aes_gcm::aead::array::Array;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding};
use ccm::Ccm;
use ccm::consts::{U8, U12, U16};
use chacha20poly1305::ChaCha20Poly1305;
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

use super::record::Header;
use super::schedule::{Prf, expand_label, prf};
use super::suites::{Aead, Hash, Mac, Protection, Suite};

enum Cipher {
    Aes128Gcm(Box<Aes128Gcm>),
    Aes256Gcm(Box<Aes256Gcm>),
    Aes128Ccm(Box<Ccm<Aes128, U16, U12>>),
    Aes256Ccm(Box<Ccm<Aes256, U16, U12>>),
    Aes128Ccm8(Box<Ccm<Aes128, U8, U12>>),
    Aes256Ccm8(Box<Ccm<Aes256, U8, U12>>),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
    Cbc(Box<Cbc>),
}

struct Cbc {
    key: Zeroizing<Vec<u8>>,
    mac: Mac,
    mac_key: Zeroizing<Vec<u8>>,
    /// RFC 7366.
    encrypt_then_mac: bool,
    /// TLS 1.0: the last block of the record before; later versions carry it in each record.
    chained: Option<[u8; BLOCK]>,
}

/// Bytes of an AES block.
const BLOCK: usize = 16;

/// The keys of one direction, and which record comes next.
pub(super) struct Opener {
    cipher: Cipher,
    aead: Option<Aead>,
    /// The static part of the nonce.
    iv: Zeroizing<[u8; 12]>,
    tls13: bool,
    /// Number of the next record.
    pub(super) sequence: u64,
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener").field("aead", &self.aead).field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

/// What opens a connection up to TLS 1.2.
pub(super) struct KeyBlock<'a> {
    pub(super) master: &'a [u8],
    pub(super) client_random: &'a [u8; 32],
    pub(super) server_random: &'a [u8; 32],
    pub(super) suite: Suite,
    /// 0x0301 to 0x0303.
    pub(super) version: u16,
    pub(super) encrypt_then_mac: bool,
}

impl KeyBlock<'_> {
    /// The opener of what the client sent, and that of what the server sent (RFC 5246 section 6.3).
    pub(super) fn openers(&self) -> Option<[Opener; 2]> {
        let (mac_bytes, key_bytes, iv_bytes) = match self.suite.protection {
            Protection::Aead(aead) => (0, aead.key_bytes(), 12 - aead.explicit_nonce_bytes()),
            Protection::Cbc { key_bytes, mac } => {
                (mac.bytes(), key_bytes, if self.version == 0x0301 { BLOCK } else { 0 })
            }
            Protection::Unsupported(_) => return None,
        };
        let function = if self.version >= 0x0303 { Prf::Sha2(self.suite.hash) } else { Prf::Md5Sha1 };
        let mut block = Zeroizing::new(vec![0; 2 * (mac_bytes + key_bytes + iv_bytes)]);
        prf(function, self.master, "key expansion", [self.server_random, self.client_random], &mut block);
        let (macs, rest) = block.split_at(2 * mac_bytes);
        let (keys, ivs) = rest.split_at(2 * key_bytes);
        let of = |all: &[u8], bytes: usize, side: usize| Zeroizing::new(all[side * bytes..(side + 1) * bytes].to_vec());
        let opener = |side| {
            let (key, iv) = (of(keys, key_bytes, side), of(ivs, iv_bytes, side));
            match self.suite.protection {
                Protection::Aead(aead) => Opener::aead(aead, &key, &iv, false),
                Protection::Cbc { mac, .. } => Some(Opener {
                    cipher: Cipher::Cbc(Box::new(Cbc {
                        key,
                        mac,
                        mac_key: of(macs, mac_bytes, side),
                        encrypt_then_mac: self.encrypt_then_mac,
                        chained: (self.version == 0x0301).then(|| iv[..].try_into().ok()).flatten(),
                    })),
                    aead: None,
                    iv: Zeroizing::default(),
                    tls13: false,
                    sequence: 0,
                }),
                Protection::Unsupported(_) => None,
            }
        };
        Some([opener(0)?, opener(1)?])
    }
}

/// What a record held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    /// The content type (RFC 8446 section 5.1).
    pub(super) kind: u8,
    /// Bytes of content.
    pub(super) length: usize,
}

impl Opener {
    /// The opener of a direction whose traffic secret this is (RFC 8446 section 7.3).
    pub(super) fn from_secret(aead: Aead, hash: Hash, secret: &[u8]) -> Option<Opener> {
        let mut key = Zeroizing::new(vec![0; aead.key_bytes()]);
        let mut iv = Zeroizing::new([0; 12]);
        expand_label(hash, secret, "key", &mut key);
        expand_label(hash, secret, "iv", &mut iv[..]);
        Opener::aead(aead, &key, &iv[..], true)
    }

    fn aead(aead: Aead, key: &[u8], iv: &[u8], tls13: bool) -> Option<Opener> {
        let cipher = match aead {
            Aead::Aes128Gcm => Cipher::Aes128Gcm(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Aead::Aes256Gcm => Cipher::Aes256Gcm(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Aead::Aes128Ccm => Cipher::Aes128Ccm(Box::new(Ccm::new_from_slice(key).ok()?)),
            Aead::Aes256Ccm => Cipher::Aes256Ccm(Box::new(Ccm::new_from_slice(key).ok()?)),
            Aead::Aes128Ccm8 => Cipher::Aes128Ccm8(Box::new(Ccm::new_from_slice(key).ok()?)),
            Aead::Aes256Ccm8 => Cipher::Aes256Ccm8(Box::new(Ccm::new_from_slice(key).ok()?)),
            Aead::ChaCha20Poly1305 => Cipher::ChaCha20Poly1305(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
        };
        let mut padded = Zeroizing::new([0; 12]);
        padded.get_mut(..iv.len())?.copy_from_slice(iv);
        Some(Opener { cipher, aead: Some(aead), iv: padded, tls13, sequence: 0 })
    }

    /// Bytes of a record beside its content; `None` where they differ from record to record.
    pub(super) fn overhead(&self) -> Option<u64> {
        let aead = self.aead?;
        let nonce = if self.tls13 { 1 } else { aead.explicit_nonce_bytes() };
        Some((aead.tag_bytes() + nonce) as u64)
    }

    /// Opens a record as number `sequence`; its content stands at the beginning of `out` then. The tag, or the MAC, has to
    /// be right: what was opened is proven to be what was sent.
    pub(super) fn open_as(&self, sequence: u64, header: Header, sealed: &[u8], out: &mut Vec<u8>) -> Option<Opened> {
        match &self.cipher {
            Cipher::Aes128Gcm(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::Aes256Gcm(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::Aes128Ccm(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::Aes256Ccm(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::Aes128Ccm8(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::Aes256Ccm8(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::ChaCha20Poly1305(c) => self.open_aead(c.as_ref(), sequence, header, sealed, out),
            Cipher::Cbc(cbc) => cbc.open(sequence, header, sealed, out),
        }
    }

    /// Takes note of a record that was passed over or opened: in TLS 1.0 it holds what begins the next.
    pub(super) fn passed(&mut self, sealed: &[u8]) {
        if let Cipher::Cbc(cbc) = &mut self.cipher
            && let Some(chained) = &mut cbc.chained
            // The MAC over what is encrypted stands behind it, and belongs to no block.
            && let Some(end) = sealed.len().checked_sub(if cbc.encrypt_then_mac { cbc.mac.bytes() } else { 0 })
            && let Some(last) = sealed[..end].last_chunk::<BLOCK>()
        {
            *chained = *last;
        }
    }

    fn open_aead<C: AeadInOut>(
        &self,
        cipher: &C,
        sequence: u64,
        header: Header,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Opened> {
        let aead = self.aead?;
        let explicit = if self.tls13 { 0 } else { aead.explicit_nonce_bytes() };
        let length = sealed.len().checked_sub(explicit + aead.tag_bytes())?;
        let (explicit, rest) = sealed.split_at(explicit);
        let (text, tag) = rest.split_at(length);
        let number = sequence.to_be_bytes();
        let mut nonce = *self.iv;
        if explicit.is_empty() {
            nonce[4..].iter_mut().zip(number).for_each(|(byte, number)| *byte ^= number);
        } else {
            nonce[4..].copy_from_slice(explicit);
        }
        if out.len() < length {
            out.resize(length, 0);
        }
        let content = &mut out[..length];
        let nonce: Nonce<C> = Array::try_from(&nonce[..]).ok()?;
        let tag: Tag<C> = Array::try_from(tag).ok()?;
        let buffer = InOutBuf::new(text, content).ok()?;
        let opened = if self.tls13 {
            cipher.decrypt_inout_detached(&nonce, &header.bytes(), buffer, &tag)
        } else {
            cipher.decrypt_inout_detached(&nonce, &authenticated(sequence, header, length), buffer, &tag)
        };
        opened.ok()?;
        if !self.tls13 {
            return Some(Opened { kind: header.kind, length });
        }
        // Behind the content stand its type and zeros (RFC 8446 section 5.4).
        let end = out[..length].iter().rposition(|b| *b != 0)?;
        Some(Opened { kind: out[end], length: end })
    }
}

/// The additional data of a record before TLS 1.3 (RFC 5246 section 6.2.3.3).
fn authenticated(sequence: u64, header: Header, length: usize) -> [u8; 13] {
    let mut bytes = [0; 13];
    bytes[..8].copy_from_slice(&sequence.to_be_bytes());
    bytes[8] = header.kind;
    bytes[9..11].copy_from_slice(&header.version.to_be_bytes());
    bytes[11..].copy_from_slice(&(length as u16).to_be_bytes());
    bytes
}

impl Cbc {
    fn open(&self, sequence: u64, header: Header, sealed: &[u8], out: &mut Vec<u8>) -> Option<Opened> {
        let (sealed, mac) = if self.encrypt_then_mac {
            let at = sealed.len().checked_sub(self.mac.bytes())?;
            (&sealed[..at], Some(&sealed[at..]))
        } else {
            (sealed, None)
        };
        if let Some(mac) = mac
            && !self.is_authentic(&authenticated(sequence, header, sealed.len()), sealed, mac)
        {
            return None;
        }
        let (iv, text) = match self.chained {
            Some(iv) => (iv, sealed),
            None => (*sealed.first_chunk::<BLOCK>()?, &sealed[BLOCK..]),
        };
        if text.is_empty() || text.len() % BLOCK != 0 {
            return None;
        }
        if out.len() < text.len() {
            out.resize(text.len(), 0);
        }
        let content = &mut out[..text.len()];
        content.copy_from_slice(text);
        if self.key.len() == 16 {
            let cipher = cbc::Decryptor::<Aes128>::new_from_slices(&self.key, &iv).ok()?;
            cipher.decrypt_padded::<NoPadding>(content).ok()?;
        } else {
            let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&self.key, &iv).ok()?;
            cipher.decrypt_padded::<NoPadding>(content).ok()?;
        }
        let padding = usize::from(*content.last()?);
        let padded = content.len().checked_sub(padding + 1)?;
        if content[padded..].iter().any(|b| usize::from(*b) != padding) {
            return None;
        }
        if mac.is_some() {
            return Some(Opened { kind: header.kind, length: padded });
        }
        let length = padded.checked_sub(self.mac.bytes())?;
        let (content, mac) = content[..padded].split_at(length);
        self.is_authentic(&authenticated(sequence, header, length), content, mac)
            .then_some(Opened { kind: header.kind, length })
    }

    fn is_authentic(&self, header: &[u8], content: &[u8], mac: &[u8]) -> bool {
        fn check<M: hmac::Mac + KeyInit>(key: &[u8], header: &[u8], content: &[u8], mac: &[u8]) -> bool {
            <M as KeyInit>::new_from_slice(key)
                .is_ok_and(|m| m.chain_update(header).chain_update(content).verify_slice(mac).is_ok())
        }
        let key = &self.mac_key;
        match self.mac {
            Mac::Sha1 => check::<Hmac<Sha1>>(key, header, content, mac),
            Mac::Sha256 => check::<Hmac<Sha256>>(key, header, content, mac),
            Mac::Sha384 => check::<Hmac<Sha384>>(key, header, content, mac),
        }
    }
}
