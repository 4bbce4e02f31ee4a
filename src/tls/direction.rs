//! One direction of a TLS connection: its records, the keys that open them, and the plaintext so far.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::messages::Messages;
use super::opener::{Opened, Opener};
use super::record::{HEADER, Header};
use super::schedule::expand_label;
use super::suites::{Aead, Hash};
use crate::connection::GapCause;
use crate::ids::StreamOffset;
use crate::limits;
use crate::tcp::Marks;

/// Which secret is in use (RFC 8446 section 7.1); before TLS 1.3 there is but one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Epoch {
    Early,
    Handshake,
    Traffic,
}

/// A secret of TLS 1.3, from which the next follows.
pub(super) struct Traffic {
    pub(super) secret: Zeroizing<Vec<u8>>,
    pub(super) aead: Aead,
    pub(super) hash: Hash,
}

impl Traffic {
    /// The secret after a KeyUpdate (RFC 8446 section 7.2).
    fn updated(&self) -> Traffic {
        let mut secret = Zeroizing::new(vec![0; self.secret.len()]);
        expand_label(self.hash, &self.secret, "traffic upd", &mut secret);
        Traffic { secret, aead: self.aead, hash: self.hash }
    }

    pub(super) fn opener(&self) -> Option<Opener> {
        Opener::from_secret(self.aead, self.hash, &self.secret)
    }
}

/// Keys, and those that follow them.
pub(super) struct Sealed {
    opener: Opener,
    epoch: Epoch,
    /// The secret that `opener` was made of, in TLS 1.3.
    traffic: Option<Traffic>,
    next: VecDeque<(Epoch, Traffic)>,
    /// A record was opened.
    proven: bool,
}

impl Sealed {
    /// The keys of a direction before TLS 1.3.
    pub(super) fn with(opener: Opener) -> Sealed {
        Sealed { opener, epoch: Epoch::Traffic, traffic: None, next: VecDeque::new(), proven: false }
    }

    /// The keys of a connection of TLS 1.3 whose handshake was not seen.
    pub(super) fn joined(traffic: Traffic, opener: Opener) -> Sealed {
        Sealed { opener, epoch: Epoch::Traffic, traffic: Some(traffic), next: VecDeque::new(), proven: true }
    }

    /// The secrets of a direction, in the order of their use.
    pub(super) fn of(secrets: impl IntoIterator<Item = (Epoch, Traffic)>) -> Option<Sealed> {
        let mut next: VecDeque<_> = secrets.into_iter().collect();
        let (epoch, traffic) = next.pop_front()?;
        Some(Sealed { opener: traffic.opener()?, epoch, traffic: Some(traffic), next, proven: false })
    }

    /// Goes on with the secret that follows the Finished, or the EndOfEarlyData, of this direction.
    pub(super) fn advance(&mut self) {
        while self.next.front().is_some_and(|(epoch, _)| *epoch == Epoch::Early) {
            self.next.pop_front();
        }
        if self.epoch != Epoch::Traffic
            && let Some((epoch, traffic)) = self.next.pop_front()
        {
            self.switch(epoch, traffic);
        }
    }

    /// Goes on with the secret that follows a KeyUpdate.
    pub(super) fn update(&mut self) {
        if self.epoch == Epoch::Traffic
            && let Some(traffic) = self.traffic.as_ref().map(Traffic::updated)
        {
            self.switch(Epoch::Traffic, traffic);
        }
    }

    pub(super) fn is_early(&self) -> bool {
        self.epoch == Epoch::Early
    }

    /// What follows the early data, or stands in its place where the server refused it.
    pub(super) fn follow(&mut self, secrets: impl Iterator<Item = (Epoch, Traffic)>) {
        if self.proven {
            self.next.clear();
        }
        self.next.extend(secrets);
    }

    pub(super) fn is_handshake(&self) -> bool {
        self.epoch == Epoch::Handshake
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.traffic.is_some()
    }

    fn switch(&mut self, epoch: Epoch, traffic: Traffic) {
        if let Some(opener) = traffic.opener() {
            (self.epoch, self.opener, self.traffic) = (epoch, opener, Some(traffic));
        }
    }
}

/// What is known of the keys of a direction.
pub(super) enum Keys {
    /// Records are not protected yet.
    Clear,
    Sealed(Box<Sealed>),
    /// They are protected, and nobody can open them.
    Missing,
}

/// What opening a record showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) opened: Opened,
    /// Records of this direction that are missing before it.
    pub(super) missing: u64,
    /// Bytes of content they had, where that follows from their number.
    pub(super) content: Option<u64>,
}

/// Bytes among which the next record is looked for.
#[derive(Default)]
pub(super) struct Search {
    pub(super) window: Vec<u8>,
    /// Stream offset of the window's first byte.
    pub(super) at: u64,
}

/// One direction.
pub(super) struct Direction {
    pub(super) keys: Keys,
    pub(super) messages: Messages,
    /// The beginning of a record that is not complete.
    pub(super) held: Vec<u8>,
    /// Bytes still to come of a record of which others are missing.
    pub(super) broken: usize,
    pub(super) search: Option<Box<Search>>,
    /// Where the last record that was opened, or is known to be missing as a whole, ended.
    pub(super) done_to: u64,
    /// Records since then that are known to be missing.
    pub(super) known_missing: u64,
    /// Content delivered, and content missing.
    plain: u64,
    marks: Marks,
    /// Bytes that may still be spent on guessing record numbers.
    effort: u64,
    /// How often something stood where a record should begin.
    pub(super) places_lost: u32,
    /// Records of protected content that could not be opened.
    pub(super) unopened: u32,
    /// Why the bytes that were missed last are missing.
    pub(super) why: GapCause,
}

impl Default for Direction {
    fn default() -> Self {
        Direction {
            keys: Keys::Clear,
            messages: Messages::default(),
            held: Vec::new(),
            broken: 0,
            search: None,
            done_to: 0,
            known_missing: 0,
            plain: 0,
            marks: Marks::default(),
            effort: limits::TLS_GUESSES,
            places_lost: 0,
            unopened: 0,
            why: GapCause::Lost,
        }
    }
}

/// Fewest bytes of a protected record.
const SHORTEST: u64 = 22;

impl Direction {
    /// Whether a record of this direction was opened.
    pub(super) fn is_proven(&self) -> bool {
        matches!(&self.keys, Keys::Sealed(sealed) if sealed.proven)
    }

    /// Whether this direction was protected, and nothing of it is missing.
    pub(super) fn is_read(&self) -> bool {
        self.is_proven() && self.unopened == 0 && self.known_missing == 0 && self.search.is_none()
    }

    /// Opens a record, the content of which stands in `out` then. `begin`: its stream offset.
    ///
    /// Where bytes are missing before it, its number is found by trying those that are possible.
    pub(super) fn open(&mut self, header: Header, sealed: &[u8], begin: u64, out: &mut Vec<u8>) -> Option<Found> {
        let Keys::Sealed(keys) = &mut self.keys else { return None };
        let doubt = begin.saturating_sub(self.done_to);
        let known = self.known_missing;
        // A record that could not be opened by the keys of a phase before is none of these keys'.
        let range =
            if !keys.proven { limits::TLS_UNPROVEN } else { (doubt / SHORTEST).min(limits::TLS_MISSING_RECORDS) };
        let first = if keys.proven { keys.opener.sequence + known } else { keys.opener.sequence };
        let range = if keys.proven && doubt == 0 { 0 } else { range };
        let mut found = None;
        for number in first..=first.saturating_add(range) {
            if number > first {
                self.effort = self.effort.saturating_sub(sealed.len() as u64 + 64);
                if self.effort == 0 {
                    break;
                }
            }
            if let Some(opened) = keys.opener.open_as(number, header, sealed, out) {
                found = Some((opened, number));
                break;
            }
        }
        let mut same_keys = true;
        if found.is_none() && (doubt > 0 || !keys.proven || keys.epoch != Epoch::Traffic) {
            found = other_keys(keys, header, sealed, out, &mut self.effort);
            same_keys = found.is_none();
        }
        let (opened, number) = found?;
        let missing = number.saturating_sub(keys.opener.sequence);
        let lost = if keys.proven && same_keys { missing } else { 0 };
        let overhead = keys.opener.overhead().map(|o| o + HEADER as u64);
        let content = overhead.filter(|_| same_keys).map(|o| doubt.saturating_sub(lost * o));
        keys.opener.sequence = number + 1;
        keys.opener.passed(sealed);
        let proven = std::mem::replace(&mut keys.proven, true);
        self.known_missing = 0;
        Some(Found { opened, missing: if proven { missing.max(u64::from(doubt > 0)) } else { 0 }, content })
    }

    /// A record that ends at `end` was taken, with so much content.
    pub(super) fn took(&mut self, end: u64, content: u64) -> StreamOffset {
        let start = StreamOffset(self.plain);
        self.plain += content;
        self.done_to = end;
        if content > 0 {
            self.marks.add(end, self.plain);
        }
        start
    }

    /// Content of which so much is missing before the next record.
    pub(super) fn lost(&mut self, content: u64) -> StreamOffset {
        let start = StreamOffset(self.plain);
        self.plain += content;
        start
    }

    /// The content whose records end at or before this offset of the TCP stream, which the other end acknowledged.
    ///
    /// Where the capture lacks what was acknowledged, how many records that was shows later, if ever: it counts as one.
    pub(super) fn content_to(&mut self, acknowledged: StreamOffset) -> StreamOffset {
        let known = self.marks.content_to(acknowledged);
        let Keys::Sealed(keys) = &self.keys else { return known };
        let mut beyond = acknowledged.0.saturating_sub(self.done_to);
        if !keys.proven || beyond == 0 {
            return known;
        }
        // One beyond the last record is the FIN, which counts as one beyond the content.
        if beyond == 1 && self.held.is_empty() && self.search.is_none() && known.0 == self.plain {
            return StreamOffset(known.0 + 1);
        }
        let overhead = keys.opener.overhead().unwrap_or(0) + HEADER as u64;
        let mut content = self.plain;
        if let Some(header) = Header::read(&self.held) {
            // A record of which the rest is waited for: acknowledged as a whole, or not yet.
            let record = (HEADER + header.length) as u64;
            if beyond < record {
                return known;
            }
            content += record.saturating_sub(overhead);
            beyond -= record;
        }
        StreamOffset(known.0.max(content + beyond.saturating_sub(overhead)))
    }
}

/// Opens a record with the keys that come next, where what told of the change may be missing.
fn other_keys(
    keys: &mut Sealed,
    header: Header,
    sealed: &[u8],
    out: &mut Vec<u8>,
    effort: &mut u64,
) -> Option<(Opened, u64)> {
    let mut attempt = |traffic: &Traffic| {
        let opener = traffic.opener()?;
        for number in 0..=limits::TLS_UNPROVEN {
            *effort = effort.saturating_sub(sealed.len() as u64 + 64);
            if *effort == 0 {
                return None;
            }
            if let Some(opened) = opener.open_as(number, header, sealed, out) {
                return Some((opener, opened, number));
            }
        }
        None
    };
    if keys.epoch == Epoch::Traffic {
        let traffic = keys.traffic.as_ref()?.updated();
        let (opener, opened, number) = attempt(&traffic)?;
        (keys.opener, keys.traffic) = (opener, Some(traffic));
        return Some((opened, number));
    }
    let (index, (opener, opened, number)) =
        keys.next.iter().enumerate().find_map(|(index, (_, traffic))| Some((index, attempt(traffic)?)))?;
    keys.next.drain(..index);
    let (epoch, traffic) = keys.next.pop_front()?;
    (keys.opener, keys.epoch, keys.traffic) = (opener, epoch, Some(traffic));
    Some((opened, number))
}
