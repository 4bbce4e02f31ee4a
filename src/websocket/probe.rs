//! Whether a connection whose beginning was not seen carries WebSocket: by the structure of its bytes, never by a port.
//!
//! Both directions are searched for frames at once. Clients mask and servers do not, so the mask bits that fit tell who is
//! who. Where only one direction says something, it has to say more.

use super::evidence::{self, Course, Expected};
use super::resync::Search;
use super::session::Session;
use crate::connection::GapCause;
use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// Looks for WebSocket in both directions of a TCP connection.
#[derive(Debug)]
pub struct Probe {
    sides: [Search; 2],
    /// What was seen of an opening handshake.
    asked: Option<Asked>,
    /// Bytes seen when there was last a sign of frames.
    hoped_at: u64,
    /// One of many segments looked like frames, not the first that there was.
    woken: bool,
}

/// What is known of an opening handshake that is partly missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The direction of the client: 0 or 1.
    pub client: usize,
    /// Whether permessage-deflate may have been agreed.
    pub deflate_possible: bool,
}

/// Where the probe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// Nothing decided.
    More,
    /// No sign of frames for a while.
    Nothing,
    /// These are frames; the client is this direction.
    Frames {
        /// 0 or 1.
        client: usize,
    },
}

impl Default for Probe {
    fn default() -> Self {
        let side = || Search::new(Expected { side: None, deflate: true }, limits::PROBE_WINDOW);
        Probe { sides: [side(), side()], asked: None, hoped_at: 0, woken: false }
    }
}

impl Probe {
    /// Whether a segment on its own looks like frames: worth a probe.
    #[must_use]
    #[inline]
    pub fn glance(bytes: &[u8]) -> bool {
        matches!(bytes.first(), Some(0x81 | 0x82 | 0x88..=0x8a | 0xc1 | 0xc2))
            && evidence::of_segment(bytes) >= limits::PROBE_GLANCE_BITS
    }

    /// A probe of a connection that was only glanced at until a segment looked like frames.
    #[must_use]
    pub fn woken() -> Probe {
        Probe { woken: true, ..Probe::default() }
    }

    /// Whether the last segment of a stream ends with what looks like a Close.
    #[must_use]
    pub fn glance_at_end(bytes: &[u8]) -> bool {
        let expected = Expected { side: None, deflate: true };
        let tail = &bytes[bytes.len().saturating_sub(140)..];
        let close = evidence::last_close(tail, expected, true, |_| false);
        close.is_some_and(|(_, course, bits)| is_last_close(&course, bits))
    }

    /// Takes note of an opening handshake: less evidence is needed.
    pub fn asked(&mut self, asked: Asked) {
        self.asked = Some(asked);
    }

    /// Whether there is any sign of frames.
    #[must_use]
    pub fn hopes(&self) -> bool {
        self.sides.iter().any(|s| s.strongest() >= limits::PROBE_HOPE_BITS)
    }

    /// Takes the bytes of a segment of direction `from`; `acknowledged`: how far it acknowledged the other.
    pub fn data(
        &mut self,
        from: usize,
        offset: StreamOffset,
        bytes: &[u8],
        origin: Origin,
        acknowledged: StreamOffset,
    ) -> Probed {
        self.sides[from].push(offset, bytes, origin, acknowledged);
        let seen = self.sides[0].seen() + self.sides[1].seen();
        match self.judge([false, false], false) {
            Probed::More if self.hopes() => {
                self.hoped_at = seen;
                Probed::More
            }
            Probed::More if self.asked.is_none() && seen - self.hoped_at > limits::PROBE_PATIENCE => Probed::Nothing,
            other => other,
        }
    }

    /// Takes note of missing bytes in direction `from`, unless what came before them decides: then the session has to be told.
    pub fn gap(&mut self, from: usize, offset: StreamOffset, length: u64, origin: Origin, why: GapCause) -> Probed {
        self.sides[from].settle();
        let probed = self.judge([false, false], false);
        if probed == Probed::More {
            self.sides[from].lose(offset, length, origin, why);
        }
        probed
    }

    /// Both streams are over; `in_order`: whether a FIN ended each; `closed`: whether TCP ended at all.
    pub fn finish(&mut self, in_order: [bool; 2], closed: bool) -> Probed {
        for side in &mut self.sides {
            side.settle();
        }
        match self.judge(in_order, true) {
            Probed::More => self.last_word(in_order, closed),
            other => other,
        }
    }

    /// A Close that ends a stream, or all that is there of it: there is no second place at which it could be.
    fn last_word(&self, in_order: [bool; 2], closed: bool) -> Probed {
        for from in [0, 1] {
            for masked in [true, false] {
                let Some((index, course)) = self.sides[from].best_at_end(masked, in_order[from]) else { continue };
                let proves = course.bits() >= limits::PROBE_LAST_WORD_BITS
                    && course.content() >= limits::PROBE_LAST_WORD_CONTENT_BITS;
                let all = !self.woken && self.sides[from].begins_with(index) && self.sides[1 - from].seen() == 0;
                let last = closed && course.ends_with_plain_close(false) && self.sides[from].ends_with(index);
                if proves && (all || last) {
                    return Probed::Frames { client: if masked { from } else { 1 - from } };
                }
            }
            let close = self.sides[from].last_close(true).filter(|_| in_order[from]);
            if let Some((_, course, bits)) = close
                && is_last_close(&course, bits)
            {
                return Probed::Frames { client: if course.masked() == Some(true) { from } else { 1 - from } };
            }
        }
        Probed::More
    }

    fn judge(&self, in_order: [bool; 2], over: bool) -> Probed {
        let best = |from: usize, masked: bool| -> Course {
            let best =
                if over { self.sides[from].best_at_end(masked, in_order[from]) } else { self.sides[from].best(masked) };
            best.map_or_else(Course::default, |(_, course)| course)
        };
        for client in [0, 1] {
            let (masked, plain) = (best(client, true), best(1 - client, false));
            let (up, down) = (masked.bits(), plain.bits());
            let together = up.max(0) + down.max(0) + evidence::same_close(&masked, &plain);
            if let Some(asked) = self.asked {
                if asked.client == client && together >= limits::PROBE_ASKED_BITS {
                    return Probed::Frames { client };
                }
                continue;
            }
            let shown = masked.content().max(0) + plain.content().max(0) >= limits::PROBE_SHOWN_BITS;
            let needed = if shown { limits::PROBE_BITS } else { limits::PROBE_STRUCTURE_BITS };
            let both = up.min(down) >= limits::PROBE_SIDE_BITS && together >= needed;
            let alone = |bits: i32, other: usize| {
                let contradicted = self.sides[other].segments() > 1;
                let needed = if contradicted { limits::PROBE_CONTRADICTED_BITS } else { limits::PROBE_ONE_SIDE_BITS };
                bits >= needed
            };
            // Other protocols frame as servers do, with a type and a length; none masks.
            let server_alone = plain.content() >= limits::PROBE_CONTENT_BITS && alone(down, client);
            if both || alone(up, 1 - client) || server_alone {
                return Probed::Frames { client };
            }
        }
        Probed::More
    }

    /// The connection, once its frames were recognised; [`Session::catch_up`] then reads what was gathered.
    #[must_use]
    pub fn into_session(self, tcp_stream: u32, client: usize) -> Session {
        let [low, high] = self.sides;
        let sides = if client == 0 { [low, high] } else { [high, low] };
        Session::joined(tcp_stream, sides, self.asked.is_none_or(|a| a.deflate_possible))
    }
}

/// Whether a Close in any place of the last segment is beyond doubt.
fn is_last_close(course: &Course, bits: i32) -> bool {
    bits >= limits::PROBE_LAST_CLOSE_BITS && course.ends_with_plain_close(true)
}
