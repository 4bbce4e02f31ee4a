//! TLS as two ends write it: handshakes with random secrets, which a key log keeps, and sealed records.
//!
//! Written after the RFCs and not after `src/tls`, so that each can be wrong alone. Nobody checks a Finished or a
//! certificate here: those are bytes of the right size.

use aes::{Aes128, Aes256};
use aes_gcm::aead::array::Array;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use wsdiag::ids::Side;

use super::rng::Rng;

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protection {
    /// Its name in test output.
    pub name: &'static str,
    /// The suite's number in the IANA registry.
    pub suite: u16,
    /// The largest record in bytes of content; 0: of random sizes, most of them small.
    pub record: usize,
    /// TLS 1.2 with CBC: RFC 7366.
    pub encrypt_then_mac: bool,
    /// TLS 1.3: zeros behind the content (RFC 8446 section 5.4).
    pub padded: bool,
    /// TLS 1.3: a KeyUpdate after so many records (RFC 8446 section 4.6.3); 0: never.
    pub update_after: u64,
}

const PLAIN: Protection =
    Protection { name: "", suite: 0, record: 16_384, encrypt_then_mac: false, padded: false, update_after: 0 };

/// Every protection that conversations are tried in.
pub static PROTECTIONS: &[Protection] = &[
    Protection { name: "TLS 1.3 AES-128-GCM", suite: 0x1301, ..PLAIN },
    Protection { name: "TLS 1.3 AES-256-GCM, records of all sizes", suite: 0x1302, record: 0, ..PLAIN },
    Protection { name: "TLS 1.3 ChaCha20, padded", suite: 0x1303, record: 1000, padded: true, ..PLAIN },
    Protection { name: "TLS 1.3 with key updates", suite: 0x1301, record: 700, update_after: 3, ..PLAIN },
    Protection { name: "TLS 1.2 AES-128-GCM", suite: 0xc02b, ..PLAIN },
    Protection { name: "TLS 1.2 AES-256-GCM, records of all sizes", suite: 0xc030, record: 0, ..PLAIN },
    Protection { name: "TLS 1.2 ChaCha20", suite: 0xcca8, ..PLAIN },
    Protection { name: "TLS 1.2 AES-128-CBC SHA", suite: 0xc013, ..PLAIN },
    Protection { name: "TLS 1.2 AES-256-CBC SHA-384, records of all sizes", suite: 0xc028, record: 0, ..PLAIN },
    Protection {
        name: "TLS 1.2 AES-128-CBC SHA-256, encrypt-then-MAC",
        suite: 0xc027,
        encrypt_then_mac: true,
        ..PLAIN
    },
];

impl Protection {
    fn is_13(self) -> bool {
        self.suite >> 8 == 0x13
    }

    fn hash(self) -> Hash {
        if matches!(self.suite, 0x1302 | 0xc030 | 0xc028) { Hash::Sha384 } else { Hash::Sha256 }
    }

    /// Bytes of a key, and of the key of a MAC.
    fn key_bytes(self) -> (usize, usize) {
        match self.suite {
            0x1301 | 0xc02b => (16, 0),
            0xc013 => (16, 20),
            0xc027 => (16, 32),
            0xc028 => (32, 48),
            _ => (32, 0),
        }
    }
}

/// The hash of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// Secrets of 32 bytes in TLS 1.3.
    Sha256,
    /// Secrets of 48 bytes.
    Sha384,
}

impl Hash {
    fn bytes(self) -> usize {
        if self == Hash::Sha256 { 32 } else { 48 }
    }

    fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Hash::Sha256 => hmac::<Hmac<Sha256>>(key, parts),
            Hash::Sha384 => hmac::<Hmac<Sha384>>(key, parts),
        }
    }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// RFC 8446 section 7.1.
pub fn expand_label(hash: Hash, secret: &[u8], label: &str, length: usize) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let info = [&[0, length as u8, label.len() as u8][..], label.as_bytes(), &[0]].concat();
    let mut out = vec![0; length];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret).expect("a secret").expand(&info, &mut out),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).expect("a secret").expand(&info, &mut out),
    }
    .expect("a short key");
    out
}

/// RFC 5246 section 5.
fn prf(hash: Hash, secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let seed = [label.as_bytes(), seed].concat();
    let (mut a, mut out) = (seed.clone(), Vec::new());
    while out.len() < length {
        a = hash.hmac(secret, &[&a]);
        out.extend(hash.hmac(secret, &[&a, &seed]));
    }
    out.truncate(length);
    out
}

const HANDSHAKE: u8 = 22;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const APPLICATION_DATA: u8 = 23;

/// What one side seals its records with.
#[derive(Default)]
struct Keys {
    key: Vec<u8>,
    iv: Vec<u8>,
    mac_key: Vec<u8>,
    /// TLS 1.3: the secret that the keys were made of.
    secret: Vec<u8>,
    sequence: u64,
}

/// Both ends of a connection.
pub struct Tls {
    protection: Protection,
    alpn: &'static str,
    /// Lines for a key log.
    pub key_log: String,
    rng: Rng,
    /// By [`Side`].
    keys: [Keys; 2],
}

impl Tls {
    /// Two ends that have not said anything; what they choose at random comes from the seed.
    pub fn new(protection: Protection, alpn: &'static str, seed: u64) -> Tls {
        Tls { protection, alpn, key_log: String::new(), rng: Rng::new(seed), keys: Default::default() }
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.rng.next() as u8).collect()
    }

    /// The handshake: who sends what, flight by flight.
    pub fn greet(&mut self) -> Vec<(Side, Vec<u8>)> {
        let [client_random, server_random, session] = [32, 32, 32].map(|count| self.bytes(count));
        // Before TLS 1.3 a client names only sessions that it resumes.
        let named = if self.protection.is_13() { &session[..] } else { &[] };
        let hellos = (self.client_hello(&client_random, named), self.server_hello(&server_random, &session));
        let hello = record(HANDSHAKE, 0x0301, &hellos.0);
        if self.protection.is_13() {
            self.greet_13(&client_random, hello, &hellos.1)
        } else {
            self.greet_12(&client_random, &server_random, hello, &hellos.1)
        }
    }

    fn greet_13(&mut self, random: &[u8], hello: Vec<u8>, answer: &[u8]) -> Vec<(Side, Vec<u8>)> {
        let size = self.protection.hash().bytes();
        let secrets: [Vec<u8>; 4] = std::array::from_fn(|_| self.bytes(size));
        let labels = [
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "SERVER_TRAFFIC_SECRET_0",
        ];
        for (label, secret) in labels.iter().zip(&secrets) {
            self.key_log += &format!("{label} {} {}\n", hex(random), hex(secret));
        }
        let [client, server, client_traffic, server_traffic] = secrets;
        self.use_secret(Side::Client, client);
        self.use_secret(Side::Server, server);
        let change = record(CHANGE_CIPHER_SPEC, 0x0303, &[1]);
        let protocol = [&[0, self.alpn.len() as u8 + 1, self.alpn.len() as u8][..], self.alpn.as_bytes()].concat();
        let mut flight = message(8, &vector(2, &extension(16, &protocol)));
        flight.extend(message(11, &self.bytes(900)));
        flight.extend(message(20, &self.bytes(size)));
        let mut servers = [record(HANDSHAKE, 0x0303, answer), change.clone()].concat();
        // A message may be cut anywhere between two records.
        for piece in flight.chunks(500) {
            servers.extend(self.seal(Side::Server, HANDSHAKE, piece));
        }
        let finished = message(20, &self.bytes(size));
        let clients = [change, self.seal(Side::Client, HANDSHAKE, &finished)].concat();
        self.use_secret(Side::Client, client_traffic);
        self.use_secret(Side::Server, server_traffic);
        let ticket = message(4, &self.bytes(180));
        let ticket = self.seal(Side::Server, HANDSHAKE, &ticket);
        vec![(Side::Client, hello), (Side::Server, servers), (Side::Client, clients), (Side::Server, ticket)]
    }

    fn greet_12(
        &mut self,
        client_random: &[u8],
        server_random: &[u8],
        hello: Vec<u8>,
        answer: &[u8],
    ) -> Vec<(Side, Vec<u8>)> {
        let master = self.bytes(48);
        self.key_log += &format!("CLIENT_RANDOM {} {}\n", hex(client_random), hex(&master));
        let (key, mac) = self.protection.key_bytes();
        let iv = match self.protection.suite {
            0xcca8 => 12,
            _ if mac == 0 => 4,
            _ => 0,
        };
        let seed = [server_random, client_random].concat();
        let block = prf(self.protection.hash(), &master, "key expansion", &seed, 2 * (mac + key + iv));
        let mut rest = block.as_slice();
        let mut take = |count: usize| {
            let (piece, after) = rest.split_at(count);
            rest = after;
            piece.to_vec()
        };
        let [macs, keys, ivs] = [mac, key, iv].map(|count| [take(count), take(count)]);
        for (side, ((mac_key, key), iv)) in self.keys.iter_mut().zip(macs.into_iter().zip(keys).zip(ivs)) {
            *side = Keys { key, iv, mac_key, secret: Vec::new(), sequence: 0 };
        }
        let certificate = message(11, &self.bytes(900));
        let done = [answer.to_vec(), certificate, message(14, &[])].concat();
        let exchange = record(HANDSHAKE, 0x0303, &message(16, &self.bytes(66)));
        let change = record(CHANGE_CIPHER_SPEC, 0x0303, &[1]);
        let finished = [message(20, &self.bytes(12)), message(20, &self.bytes(12))];
        let [clients, servers] =
            [Side::Client, Side::Server].map(|side| self.seal(side, HANDSHAKE, &finished[side as usize]));
        vec![
            (Side::Client, hello),
            (Side::Server, record(HANDSHAKE, 0x0303, &done)),
            (Side::Client, [exchange, change.clone(), clients].concat()),
            (Side::Server, [change, servers].concat()),
        ]
    }

    fn client_hello(&self, random: &[u8], session: &[u8]) -> Vec<u8> {
        let name = [&[0][..], &vector(2, b"api.example.com")].concat();
        let mut extensions = extension(0, &vector(2, &name));
        extensions.extend(extension(16, &vector(2, &vector(1, self.alpn.as_bytes()))));
        if self.protection.is_13() {
            extensions.extend(extension(43, &[4, 3, 4, 3, 3]));
        }
        if self.protection.encrypt_then_mac {
            extensions.extend(extension(22, &[]));
        }
        let suites = vector(2, &[self.protection.suite.to_be_bytes(), [0x00, 0xff]].concat());
        let body = [&[3, 3], random, &vector(1, session), &suites, &[1, 0], &vector(2, &extensions)].concat();
        message(1, &body)
    }

    fn server_hello(&self, random: &[u8], session: &[u8]) -> Vec<u8> {
        let mut extensions = Vec::new();
        if self.protection.is_13() {
            extensions.extend(extension(43, &[3, 4]));
        } else {
            extensions.extend(extension(16, &vector(2, &vector(1, self.alpn.as_bytes()))));
        }
        if self.protection.encrypt_then_mac {
            extensions.extend(extension(22, &[]));
        }
        let suite = self.protection.suite.to_be_bytes();
        message(2, &[&[3, 3], random, &vector(1, session), &suite, &[0], &vector(2, &extensions)].concat())
    }

    fn use_secret(&mut self, side: Side, secret: Vec<u8>) {
        let hash = self.protection.hash();
        let key = expand_label(hash, &secret, "key", self.protection.key_bytes().0);
        let iv = expand_label(hash, &secret, "iv", 12);
        self.keys[side as usize] = Keys { key, iv, mac_key: Vec::new(), secret, sequence: 0 };
    }

    /// Bytes that one end writes, as records.
    pub fn wrap(&mut self, from: Side, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = match self.protection.record {
                0 => [1, 7, 40, 300, 16_384][self.rng.below(5)],
                size => size,
            };
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            out.extend(self.seal(from, APPLICATION_DATA, piece));
            let after = self.protection.update_after;
            if after > 0 && self.keys[from as usize].sequence >= after {
                out.extend(self.seal(from, HANDSHAKE, &message(24, &[0])));
                let next = &self.keys[from as usize].secret;
                let next = expand_label(self.protection.hash(), next, "traffic upd", next.len());
                self.use_secret(from, next);
            }
        }
        out
    }

    /// A close_notify.
    pub fn farewell(&mut self, from: Side) -> Vec<u8> {
        self.seal(from, ALERT, &[1, 0])
    }

    fn seal(&mut self, from: Side, kind: u8, content: &[u8]) -> Vec<u8> {
        let (protection, explicit) = (self.protection, self.bytes(16));
        let padding = if protection.padded { self.rng.below(40) } else { 0 };
        let keys = &mut self.keys[from as usize];
        let sequence = keys.sequence;
        keys.sequence += 1;
        if protection.is_13() {
            let mut text = [content, &[kind], &vec![0; padding]].concat();
            let length = (text.len() + 16) as u16;
            let header = [&[APPLICATION_DATA, 3, 3][..], &length.to_be_bytes()].concat();
            seal_aead(protection.suite, &keys.key, &masked(&keys.iv, sequence), &header, &mut text);
            return [header, text].concat();
        }
        let authenticated =
            |length: usize| [&sequence.to_be_bytes()[..], &[kind, 3, 3], &(length as u16).to_be_bytes()].concat();
        if keys.mac_key.is_empty() {
            let nonce =
                if keys.iv.len() == 12 { masked(&keys.iv, sequence) } else { [&keys.iv[..], &explicit[..8]].concat() };
            let mut text = content.to_vec();
            seal_aead(protection.suite, &keys.key, &nonce, &authenticated(content.len()), &mut text);
            let shown = if keys.iv.len() == 12 { &[][..] } else { &explicit[..8] };
            return record(kind, 0x0303, &[shown, &text].concat());
        }
        let mac = |parts: &[&[u8]]| match keys.mac_key.len() {
            20 => hmac::<Hmac<Sha1>>(&keys.mac_key, parts),
            32 => hmac::<Hmac<Sha256>>(&keys.mac_key, parts),
            _ => hmac::<Hmac<Sha384>>(&keys.mac_key, parts),
        };
        let mut text = content.to_vec();
        if !protection.encrypt_then_mac {
            text.extend(mac(&[&authenticated(content.len()), content]));
        }
        let pad = 16 - text.len() % 16;
        text.extend(vec![pad as u8 - 1; pad]);
        let length = text.len();
        if keys.key.len() == 16 {
            let cipher = cbc::Encryptor::<Aes128>::new_from_slices(&keys.key, &explicit).expect("a key");
            cipher.encrypt_padded::<NoPadding>(&mut text, length).expect("whole blocks");
        } else {
            let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&keys.key, &explicit).expect("a key");
            cipher.encrypt_padded::<NoPadding>(&mut text, length).expect("whole blocks");
        }
        let mut sealed = [explicit, text].concat();
        if protection.encrypt_then_mac {
            sealed.extend(mac(&[&authenticated(sealed.len()), &sealed]));
        }
        record(kind, 0x0303, &sealed)
    }
}

/// The nonce of a record where none of it is sent (RFC 8446 section 5.3, RFC 7905 section 2).
fn masked(iv: &[u8], sequence: u64) -> Vec<u8> {
    let mut nonce = iv.to_vec();
    nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
    nonce
}

/// Encrypts, and adds the tag.
fn seal_aead(suite: u16, key: &[u8], nonce: &[u8], authenticated: &[u8], text: &mut Vec<u8>) {
    fn with<C: AeadInOut + KeyInit>(key: &[u8], nonce: &[u8], authenticated: &[u8], text: &mut Vec<u8>) {
        let cipher = C::new_from_slice(key).expect("a key");
        let nonce: Nonce<C> = Array::try_from(nonce).expect("a nonce");
        let tag = cipher.encrypt_inout_detached(&nonce, authenticated, text.as_mut_slice().into()).expect("sealed");
        text.extend_from_slice(&tag);
    }
    match suite {
        0x1303 | 0xcca8 => with::<ChaCha20Poly1305>(key, nonce, authenticated, text),
        _ if key.len() == 16 => with::<Aes128Gcm>(key, nonce, authenticated, text),
        _ => with::<Aes256Gcm>(key, nonce, authenticated, text),
    }
}

fn record(kind: u8, version: u16, fragment: &[u8]) -> Vec<u8> {
    [&[kind][..], &version.to_be_bytes(), &(fragment.len() as u16).to_be_bytes(), fragment].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vector(2, body)].concat()
}

/// Bytes behind their length in so many bytes.
fn vector(length_bytes: usize, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[4 - length_bytes..], body].concat()
}

/// In lower case, as key logs have it.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
