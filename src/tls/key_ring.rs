//! The secrets of a run, and where more may be found.

use super::key_log::{KeyLog, Label};
use super::rsa_key::RsaKey;
use crate::limits;

use hashbrown::HashSet;
use zeroize::Zeroizing;

/// What looks for secrets in the captures themselves: called once, when a connection's are missing.
type Later = Box<dyn FnOnce(&mut KeyLog)>;

/// The secrets of a run.
pub struct KeyRing {
    log: KeyLog,
    rsa_keys: Vec<RsaKey>,
    /// Decryption Secrets Blocks may stand behind the packets that they open.
    later: Option<Later>,
    /// A key log was named, or a capture carried one.
    given: bool,
    /// Connections that captures brought the first secret of.
    from_captures: usize,
    /// Client randoms whose hellos were seen: their connections are none of those that began before the capture.
    met: HashSet<[u8; 32]>,
    /// The client randoms that are tried on such connections, and of how many the log knew when they were listed.
    joinable: Option<(usize, Vec<[u8; 32]>)>,
    /// Bytes that may still be spent on trying them.
    pub(super) effort: u64,
}

impl Default for KeyRing {
    fn default() -> Self {
        KeyRing::new(KeyLog::default(), false)
    }
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
        KeyRing {
            log,
            rsa_keys: Vec::new(),
            later: None,
            given,
            from_captures: 0,
            met: HashSet::new(),
            joinable: None,
            effort: limits::TLS_JOINED_IN_ALL,
        }
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

    /// Adds secrets that a capture carries, on the way.
    pub fn add(&mut self, text: &[u8]) {
        let before = self.log.connections();
        self.log.add(text);
        self.from_captures += self.log.connections() - before;
    }

    /// Connections that captures brought the first secret of.
    #[must_use]
    pub fn from_captures(&self) -> u64 {
        self.from_captures as u64
    }

    /// Makes sure that the secrets of this connection are here, if they are anywhere.
    pub(super) fn fetch(&mut self, client_random: &[u8; 32]) -> bool {
        if !self.log.knows(client_random)
            && let Some(later) = self.later.take()
        {
            let before = self.log.connections();
            later(&mut self.log);
            self.from_captures += self.log.connections() - before;
        }
        let known = self.log.knows(client_random);
        if known && self.met.len() < limits::KEY_LOG_SECRETS {
            self.met.insert(*client_random);
        }
        known
    }

    /// The client randoms of connections of TLS 1.3 that may have begun before the capture, in the order of the log.
    pub(super) fn joinable(&mut self) -> Vec<[u8; 32]> {
        if let Some(later) = self.later.take() {
            later(&mut self.log);
        }
        let known = self.log.connections();
        match self.joinable.take() {
            Some((then, randoms)) if then == known => randoms,
            _ => {
                let mut randoms = self.log.of_tls13();
                randoms.retain(|random| !self.met.contains(random));
                randoms
            }
        }
    }

    /// Keeps the list for the next connection.
    pub(super) fn give_back(&mut self, randoms: Vec<[u8; 32]>) {
        self.joinable = Some((self.log.connections(), randoms));
    }

    pub(super) fn secret(&self, client_random: &[u8; 32], label: Label) -> Option<&[u8]> {
        self.log.secret(client_random, label)
    }
}
