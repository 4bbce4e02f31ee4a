//! The secrets of a run, and where more may be found.

use super::key_log::{KeyLog, Label};

/// What looks for secrets in the captures themselves: called once, when a connection's are missing.
type Later = Box<dyn FnOnce(&mut KeyLog)>;

/// The secrets of a run.
#[derive(Default)]
pub struct KeyRing {
    log: KeyLog,
    /// Decryption Secrets Blocks may stand behind the packets that they open.
    later: Option<Later>,
    /// A key log was named, or a capture carried one.
    given: bool,
    /// Connections that captures brought the first secret of.
    from_captures: usize,
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
        KeyRing { log, later: None, given, from_captures: 0 }
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
        self.log.knows(client_random)
    }

    pub(super) fn secret(&self, client_random: &[u8; 32], label: Label) -> Option<&[u8]> {
        self.log.secret(client_random, label)
    }
}
