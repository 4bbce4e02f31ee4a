//! The secrets of a run, and where more may be found.

use super::key_log::{KeyLog, Label};
use super::rsa_key::RsaKey;
use zeroize::Zeroizing;

/// What looks for secrets in the captures themselves: called once, when a connection's are missing.
type Later = Box<dyn FnOnce(&mut KeyLog)>;

/// The secrets of a run.
#[derive(Default)]
pub struct KeyRing {
    log: KeyLog,
    rsa_keys: Vec<RsaKey>,
    /// Decryption Secrets Blocks may stand behind the packets that they open.
    later: Option<Later>,
    /// A key log was named, or a capture carried one.
    given: bool,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("log", &self.log).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// The secrets of these key logs.
    #[must_use]
    pub fn new(log: KeyLog, given: bool) -> KeyRing {
        KeyRing { log, rsa_keys: Vec::new(), later: None, given }
    }

    /// Adds the private key of a server.
    pub fn add_rsa_key(&mut self, key: RsaKey) {
        self.rsa_keys.push(key);
    }

    /// How many private keys of servers there are.
    #[must_use]
    pub fn rsa_keys(&self) -> usize {
        self.rsa_keys.len()
    }

    /// Whether anything here may open a key exchange by RSA.
    pub(super) fn opens_key_exchanges(&self) -> bool {
        !self.rsa_keys.is_empty() || self.log.has_sessions()
    }

    /// The pre-master secret that was encrypted so.
    pub(super) fn pre_master(&self, encrypted: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let logged = encrypted.get(..8).and_then(|id| self.log.by_session(id));
        let logged = logged.map(|secret| Zeroizing::new(secret.to_vec()));
        logged.or_else(|| self.rsa_keys.iter().find_map(|key| key.pre_master(encrypted)))
    }

    /// Keeps the master secret of a session for those who resume it.
    pub(super) fn remember(&mut self, session: &[u8], master: &[u8]) {
        self.log.remember(session, master);
    }

    /// Looks into this too when a secret is missing.
    pub fn look_later(&mut self, later: Box<dyn FnOnce(&mut KeyLog)>) {
        self.later = Some(later);
    }

    /// Whether any secret was supplied.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.given || !self.log.is_empty()
    }

    /// The secrets.
    #[must_use]
    pub fn log(&self) -> &KeyLog {
        &self.log
    }

    /// Adds secrets on the way.
    pub fn add(&mut self, text: &[u8]) {
        self.log.add(text);
    }

    /// Makes sure that the secrets of this connection are here, if they are anywhere.
    pub(super) fn fetch(&mut self, client_random: &[u8; 32]) -> bool {
        if !self.log.knows(client_random)
            && let Some(later) = self.later.take()
        {
            later(&mut self.log);
        }
        self.log.knows(client_random)
    }

    pub(super) fn secret(&self, client_random: &[u8; 32], label: Label) -> Option<&[u8]> {
        self.log.secret(client_random, label)
    }
}
