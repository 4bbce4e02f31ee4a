//! Connections of TLS 1.3 whose handshake is not in the capture. Nothing in a record says whose it is, but only the right
//! secret and the right record number make its tag fit: those of the key log are tried, within limits. Before TLS 1.3 keys
//! depend on the server's random too, and nothing can be tried.

use zeroize::Zeroizing;

use super::direction::Traffic;
use super::key_log::Label;
use super::key_ring::KeyRing;
use super::opener::Opener;
use super::record::Header;
use super::suites::{self, Aead, Hash};
use crate::limits;

/// Record numbers that are tried of all secrets before more are tried of any.
const ROUNDS: [(u64, u64); 4] = [(0, 16), (16, 512), (512, 8192), (8192, limits::TLS_JOINED_RECORDS)];
/// What deriving keys costs, in bytes of opening.
const DERIVING: u64 = 2048;

/// What the first record that could be opened showed.
pub(super) struct Joined {
    /// The record is the client's.
    pub(super) by_client: bool,
    pub(super) random: [u8; 32],
    pub(super) aead: Aead,
    pub(super) traffic: Traffic,
    pub(super) opener: Opener,
}

/// What is known of the end that was not opened yet.
pub(super) struct Other {
    pub(super) random: [u8; 32],
    pub(super) aead: Aead,
    pub(super) hash: Hash,
}

/// How much may be tried.
pub(super) struct Effort<'a> {
    /// For this connection, and in the whole run, in bytes.
    pub(super) connection: &'a mut u64,
    pub(super) run: &'a mut u64,
}

impl Effort<'_> {
    fn spend(&mut self, bytes: u64) -> bool {
        let enough = *self.connection >= bytes && *self.run >= bytes;
        if enough {
            *self.connection -= bytes;
            *self.run -= bytes;
        }
        enough
    }
}

/// Tries the secrets of the key log on a record.
pub(super) fn seek(ring: &mut KeyRing, header: Header, sealed: &[u8], connection: &mut u64) -> Option<Joined> {
    let randoms = ring.joinable();
    let mut run = ring.effort;
    let mut effort = Effort { connection, run: &mut run };
    let found = ROUNDS.iter().find_map(|(from, to)| {
        randoms.iter().find_map(|random| {
            [Label::ClientTraffic(0), Label::ServerTraffic(0)].into_iter().find_map(|label| {
                let secret = ring.secret(random, label)?;
                suites::of_secret(secret.len()).iter().find_map(|(aead, hash)| {
                    let traffic = Traffic { secret: Zeroizing::new(secret.to_vec()), aead: *aead, hash: *hash };
                    let opener = attempt(&traffic, *from..*to, header, sealed, &mut effort)?;
                    let by_client = label == Label::ClientTraffic(0);
                    Some(Joined { by_client, random: *random, aead: *aead, traffic, opener })
                })
            })
        })
    });
    ring.effort = run;
    ring.give_back(randoms);
    found
}

/// Tries the secret of the other end.
pub(super) fn seek_other(
    ring: &mut KeyRing,
    other: &Other,
    by_client: bool,
    header: Header,
    sealed: &[u8],
    connection: &mut u64,
) -> Option<(Traffic, Opener)> {
    let label = if by_client { Label::ClientTraffic(0) } else { Label::ServerTraffic(0) };
    let secret = Zeroizing::new(ring.secret(&other.random, label)?.to_vec());
    let traffic = Traffic { secret, aead: other.aead, hash: other.hash };
    let mut effort = Effort { connection, run: &mut ring.effort };
    let opener = attempt(&traffic, 0..limits::TLS_JOINED_RECORDS, header, sealed, &mut effort)?;
    Some((traffic, opener))
}

/// The opener of this secret, at the number of this record.
fn attempt(
    traffic: &Traffic,
    numbers: std::ops::Range<u64>,
    header: Header,
    sealed: &[u8],
    effort: &mut Effort<'_>,
) -> Option<Opener> {
    if !effort.spend(DERIVING) {
        return None;
    }
    let mut opener = traffic.opener()?;
    let mut content = Zeroizing::new(Vec::new());
    for number in numbers {
        if !effort.spend(sealed.len() as u64 + 64) {
            return None;
        }
        if opener.open_as(number, header, sealed, &mut content).is_some() {
            opener.sequence = number;
            return Some(opener);
        }
    }
    None
}
