//! permessage-deflate (RFC 7692): one decoder for each direction, fed as the payload streams by.

use flate2::{Decompress, FlushDecompress, Status};

use super::effort::Place;
use crate::connection::{InflateFailure, InflateFinding};
use crate::ids::Origin;
use crate::limits;

/// The bytes that a sender strips from the end of each message (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Bytes of output taken at once.
pub(super) const OUTPUT: usize = 64 * 1024;

/// The largest window that a sender may refer back into (RFC 1951 section 2).
const WINDOW: usize = 32 * 1024;

/// Inflates the messages of one direction.
///
/// After a loss the context is not the sender's any more. A decoder that begins with an empty window then reads what
/// provably does not depend on the part that is missing: it refuses every reference before its own first byte. Once 32 KiB
/// in a row were read, the context is whole again.
pub(super) struct Inflater {
    decoder: Decompress,
    takeover: bool,
    /// The rest of the current message cannot be read.
    lost: bool,
    /// The current message has begun and not ended.
    open: bool,
    /// Only the last `known` bytes of the context are known.
    partial: bool,
    known: u64,
    /// Messages inflated so far: whether there is a context at all.
    messages: u64,
    /// The context, kept by hand for senders that end deflate streams (BFINAL) in mid-connection, and while a message may
    /// show that this is one.
    history: Option<Vec<u8>>,
    /// A deflate stream has ended in mid-connection.
    ends_streams: bool,
    /// A deflate stream has just ended, with at most this byte behind it so far, which may be the last of the message.
    behind_end: Option<Option<u8>>,
    /// Compressed bytes of the current message, up to a cap, to try other assumptions on.
    sample: Vec<u8>,
    sample_whole: bool,
    /// Where the current message could not be inflated. What it looks like is judged when all of it is there.
    failed: Option<(Failed, Origin)>,
    wire: u64,
    inflated: u64,
    /// Its place among the inflaters of all connections.
    _place: Place,
    /// Work since it was last asked for, in bytes of output.
    work: u64,
}

/// What a new deflate stream costs beside its context, in bytes of output.
const NEW_STREAM: u64 = 8 * 1024;

/// The decoder stopped.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) wire_offset: u64,
    pub(super) inflated: u64,
}

impl Inflater {
    /// `partial`: the sender may have sent messages before that were not seen.
    pub(super) fn new(takeover: bool, partial: bool, place: Place) -> Inflater {
        Inflater {
            decoder: Decompress::new(false),
            takeover,
            lost: false,
            open: false,
            partial: partial && takeover,
            known: 0,
            messages: 0,
            history: None,
            ends_streams: false,
            behind_end: None,
            sample: Vec::new(),
            sample_whole: true,
            failed: None,
            wire: 0,
            inflated: 0,
            _place: place,
            work: 0,
        }
    }

    /// The work done since this was last asked, in bytes of output.
    pub(super) fn take_work(&mut self) -> u64 {
        std::mem::take(&mut self.work)
    }

    /// Whether the current message can be inflated.
    pub(super) fn is_readable(&self) -> bool {
        !self.lost
    }

    /// Bytes of this direction were lost.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.sample_whole = false;
    }

    /// A message begins.
    pub(super) fn begin(&mut self) {
        // A message that was left unfinished for another one leaves the decoder somewhere inside a block.
        self.lost |= std::mem::take(&mut self.open);
        if self.lost || !self.takeover && self.messages > 0 {
            self.decoder.reset(false);
            self.partial = self.takeover && (self.partial || self.lost);
            self.known = 0;
            self.ends_streams = false;
            self.lost = false;
        }
        if !self.ends_streams {
            self.history = None;
        }
        self.behind_end = None;
        self.failed = None;
        self.sample.clear();
        self.sample_whole = true;
        self.wire = 0;
        self.inflated = 0;
    }

    /// Takes compressed bytes; `input` has room for the tail when `last`.
    pub(super) fn push(
        &mut self,
        input: &mut Vec<u8>,
        last: bool,
        output: &mut [u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Failed> {
        self.sample_more(input);
        self.open = !last;
        if last && self.wire == 0 && input.is_empty() {
            // No byte at all: an empty message of a sender that strips too much. The tail alone would upset the decoder.
            self.messages += 1;
            return Ok(());
        }
        if let Some(behind) = self.behind_end.take() {
            if let Some(byte) = behind {
                input.insert(0, byte);
            }
            if input.len() <= 1 {
                self.behind_end = Some(input.first().copied());
                self.messages += u64::from(last);
                return Ok(());
            }
        }
        if self.wire == 0 && !self.ends_streams && self.takeover {
            // The context of whoever ends streams has to be known when the first one ends: that is seen coming by the bit
            // BFINAL of the first block, or may be in any block of the first message.
            let may_end = self.decoder.total_out() == 0 || input.first().is_some_and(|byte| byte & 1 == 1);
            self.history = may_end.then(Vec::new);
        }
        if last {
            input.extend_from_slice(&TAIL);
        }
        let result = self.run(input, last, output, &mut take);
        if last {
            self.messages += 1;
            if !self.ends_streams {
                self.history = None;
            }
        }
        self.lost |= result.is_err();
        result
    }

    /// How many more compressed bytes of a message that could not be inflated are wanted, to see what it is.
    pub(super) fn sample_room(&self) -> usize {
        if self.failed.is_none() || !self.sample_whole { 0 } else { limits::COMPRESSED_SAMPLE - self.sample.len() }
    }

    /// Keeps the first compressed bytes of the current message.
    pub(super) fn sample_more(&mut self, input: &[u8]) {
        let room = limits::COMPRESSED_SAMPLE - self.sample.len();
        self.sample_whole &= input.len() <= room;
        self.sample.extend_from_slice(&input[..input.len().min(room)]);
    }

    /// Keeps in mind that the current message cannot be inflated, as the packet `origin` showed.
    pub(super) fn fail(&mut self, failed: Failed, origin: Origin) {
        self.failed = Some((failed, origin));
    }

    /// Why the current message, of which no more comes, could not be inflated; `None` where it could, or where it is unknown
    /// because the context was incomplete and the format is intact.
    pub(super) fn conclude(&mut self, window_bits: u8) -> Option<InflateFailure> {
        let (Failed { wire_offset, inflated }, origin) = self.failed.take()?;
        if self.is_unknown() {
            return None;
        }
        let (finding, distance) = self.examine(window_bits);
        Some(InflateFailure { wire_offset, inflated, origin, finding, distance, head: self.head() })
    }

    fn is_unknown(&self) -> bool {
        self.partial && !matches!(super::audit::audit(&self.sample, 1 << 15), super::audit::Outcome::Corrupt)
    }

    /// Takes note of output, which is context for what follows.
    fn remember(&mut self, made: &[u8]) {
        self.inflated += made.len() as u64;
        self.work += made.len() as u64;
        if !self.partial && self.history.is_none() {
            return;
        }
        self.known += made.len() as u64;
        self.partial &= self.known < WINDOW as u64;
        if let Some(history) = &mut self.history {
            history.extend_from_slice(made);
            if history.len() > 2 * WINDOW {
                history.drain(..history.len() - WINDOW);
            }
        }
    }

    /// The sender ended its deflate stream (BFINAL, RFC 7692 section 7.2.3.5): the next one begins with its context.
    fn begin_next_stream(&mut self) {
        let before = self.decoder.total_out();
        self.decoder.reset(false);
        self.work += NEW_STREAM;
        if !self.takeover {
            return;
        }
        if !self.ends_streams {
            // Nothing was kept before this message, as almost no sender does this.
            self.ends_streams = true;
            self.known = if self.history.is_some() { self.inflated } else { 0 };
            self.partial |= before > self.known && self.known < WINDOW as u64;
        }
        let history = self.history.get_or_insert_default();
        let from = history.len().saturating_sub(WINDOW);
        if !history.is_empty() {
            let _ = self.decoder.set_dictionary(&history[from..]);
            self.work += (history.len() - from) as u64;
        }
    }

    /// Feeds the decoder; the last four bytes of `input` are the tail when it is the `last` of a message.
    fn run(&mut self, input: &[u8], last: bool, output: &mut [u8], take: &mut impl FnMut(&[u8])) -> Result<(), Failed> {
        let mut rest = input;
        loop {
            let (before_in, before_out) = (self.decoder.total_in(), self.decoder.total_out());
            let status = self.decoder.decompress(rest, output, FlushDecompress::Sync);
            let used = (self.decoder.total_in() - before_in) as usize;
            let made = (self.decoder.total_out() - before_out) as usize;
            rest = &rest[used.min(rest.len())..];
            self.wire += used as u64;
            if made > 0 {
                self.remember(&output[..made]);
                take(&output[..made]);
            }
            match status {
                Err(_) => return Err(Failed { wire_offset: self.wire, inflated: self.inflated }),
                // A block with BFINAL set (RFC 7692 section 7.2.3.5): what follows is a new deflate stream, or one byte that
                // ends the message, or the tail alone.
                Ok(Status::StreamEnd) => {
                    self.begin_next_stream();
                    if !last && rest.len() <= 1 {
                        self.behind_end = Some(rest.first().copied());
                        return Ok(());
                    }
                    let is_tail = rest.len() <= TAIL.len() + 1 && rest.ends_with(&TAIL[1..]);
                    if last && (rest.is_empty() || is_tail) {
                        return Ok(());
                    }
                }
                Ok(_) => {
                    let filled = made == output.len();
                    if rest.is_empty() && !filled || used == 0 && made == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// What the current message looks like when other assumptions are tried on its first bytes.
    pub(super) fn examine(&self, window_bits: u8) -> (InflateFinding, Option<u32>) {
        let printable = self.sample.iter().all(|b| *b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r'));
        let cut_at_most = |e: std::str::Utf8Error| e.error_len().is_none();
        let text = std::str::from_utf8(&self.sample).map_or_else(cut_at_most, |_| true);
        if self.sample.len() >= 2 && printable && text {
            return (InflateFinding::NotCompressed, None);
        }
        match super::audit::audit(&self.sample, 1 << 15) {
            super::audit::Outcome::Corrupt => (InflateFinding::Corrupt, None),
            super::audit::Outcome::Readable { reaches_before_start: 0, farthest, .. } => {
                if farthest > 1 << window_bits {
                    (InflateFinding::WindowExceeded, Some(farthest))
                } else {
                    (InflateFinding::Corrupt, None)
                }
            }
            super::audit::Outcome::Readable { reaches_before_start, .. } => {
                let finding = if self.takeover { InflateFinding::ContextMissing } else { InflateFinding::ContextKept };
                (finding, Some(reaches_before_start))
            }
        }
    }

    /// The first compressed bytes of the current message, as a record keeps them.
    pub(super) fn head(&self) -> Vec<u8> {
        self.sample[..self.sample.len().min(64)].to_vec()
    }

    /// A message that was inflated without fault but breaks the agreed window, which some peers refuse.
    pub(super) fn window_breach(&self, window_bits: u8) -> Option<(InflateFinding, u32)> {
        if window_bits >= 15 || !self.sample_whole || self.sample.is_empty() {
            return None;
        }
        match super::audit::audit(&self.sample, 1 << 15) {
            super::audit::Outcome::Readable { farthest, .. } if farthest > 1 << window_bits => {
                Some((InflateFinding::WindowExceeded, farthest))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn new_inflater(takeover: bool, partial: bool) -> Inflater {
        Inflater::new(takeover, partial, Place::default())
    }

    fn compress(encoder: &mut Compress, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 100);
        encoder.compress_vec(text, &mut out, FlushCompress::Sync).expect("compresses");
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - 4);
        out
    }

    fn inflate(inflater: &mut Inflater, wire: &[u8]) -> Result<Vec<u8>, Failed> {
        inflate_by(inflater, wire, 100)
    }

    fn inflate_by(inflater: &mut Inflater, wire: &[u8], output: usize) -> Result<Vec<u8>, Failed> {
        let mut got = Vec::new();
        let mut output = vec![0; output];
        inflater.begin();
        inflater.push(&mut wire.to_vec(), true, &mut output, |b| got.extend_from_slice(b))?;
        Ok(got)
    }

    #[test]
    fn context_takeover_and_none() {
        let text = b"{\"type\":\"update\",\"payload\":\"the quick brown fox jumps over the lazy dog\"}";
        let mut encoder = Compress::new(Compression::default(), false);
        let wire: Vec<_> = (0..3).map(|_| compress(&mut encoder, text)).collect();
        let mut inflater = new_inflater(true, false);
        for w in &wire {
            assert_eq!(inflate(&mut inflater, w).expect("inflates"), text);
        }
        // Without the first message the second cannot be read. miniz_oxide would answer with zeros.
        let mut inflater = new_inflater(true, false);
        assert!(inflate(&mut inflater, &wire[1]).is_err());
        assert_eq!(inflater.examine(15).0, InflateFinding::ContextMissing);
        let mut inflater = new_inflater(false, false);
        assert_eq!(inflate(&mut inflater, &wire[0]).expect("inflates"), text);
        assert!(inflate(&mut inflater, &wire[1]).is_err());
        assert_eq!(inflater.examine(15).0, InflateFinding::ContextKept);
        assert_eq!(inflate(&mut inflater, &wire[0]).expect("reads on"), text);
    }

    #[test]
    fn empty_and_final_blocks() {
        let mut inflater = new_inflater(true, false);
        assert_eq!(inflate(&mut inflater, &[]).expect("inflates"), b"");
        assert_eq!(inflate(&mut inflater, &[0]).expect("inflates"), b"");
        // RFC 7692 section 7.2.3.5: "Hello" in a block with BFINAL, followed by a byte 0.
        let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_eq!(inflate(&mut inflater, &hello).expect("inflates"), b"Hello");
        assert_eq!(inflate(&mut inflater, &hello).expect("inflates"), b"Hello");
        // RFC 7692 section 7.2.3.2: the second "Hello" refers to the first.
        let mut inflater = new_inflater(true, false);
        assert_eq!(inflate(&mut inflater, &hello[..7]).expect("inflates"), b"Hello");
        assert_eq!(inflate(&mut inflater, &[0xf2, 0x00, 0x11, 0x00, 0x00]).expect("inflates"), b"Hello");
    }

    /// Text that deflate finds no repetition in, different for each seed.
    fn novel(seed: u32, length: usize) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b' ' + (state >> 24) as u8 % 95
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn after_a_loss_only_what_does_not_depend_on_it_is_read() {
        let (first, second) = (novel(1, 2000), novel(2, 2000));
        let mut encoder = Compress::new(Compression::default(), false);
        let mut say = |text: &[u8]| compress(&mut encoder, text);
        // The second does not refer back; the third repeats the second, the fourth the lost first.
        let wire = [say(&first), say(&second), say(&second), say(&first), say(&second)];
        let mut inflater = new_inflater(true, false);
        inflater.lose();
        assert_eq!(inflate(&mut inflater, &wire[1]).expect("stands alone"), second);
        assert_eq!(inflate(&mut inflater, &wire[2]).expect("refers to what was read"), second);
        inflate(&mut inflater, &wire[3]).expect_err("refers to what was lost");
        assert!(inflater.is_unknown());
        // What the unknown message left in the context is unknown too.
        inflate(&mut inflater, &wire[4]).expect_err("refers to before it");
        assert!(inflater.is_unknown());
    }

    #[test]
    fn a_window_full_of_known_bytes_is_the_whole_context() {
        let mut inflater = new_inflater(true, true);
        for seed in 1..40 {
            let text = novel(seed, 1000);
            let wire = compress(&mut Compress::new(Compression::default(), false), &text);
            assert_eq!(inflate(&mut inflater, &wire).expect("stands alone"), text);
            assert_eq!(inflater.partial, seed * 1000 < WINDOW as u32, "after message {seed}");
        }
        // From now on a reference that leads nowhere is the sender's fault.
        let mut other = Compress::new(Compression::default(), false);
        compress(&mut other, &novel(77, 1000));
        compress(&mut other, &novel(1, 32_700));
        let wire = compress(&mut other, &novel(77, 1000));
        match inflate(&mut inflater, &wire) {
            Ok(text) => assert_ne!(text, novel(77, 1000)),
            Err(_) => assert!(!inflater.is_unknown()),
        }
    }

    #[test]
    fn broken_formats_are_broken_in_any_context() {
        let mut inflater = new_inflater(true, true);
        inflate(&mut inflater, b"\xff\xfe\xfd\xfc\xfb").expect_err("broken");
        assert!(!inflater.is_unknown());
    }

    #[test]
    fn senders_that_end_their_streams_keep_their_context() {
        // Each message a deflate stream of its own (BFINAL) that refers to the ones before, as RFC 7692 section 7.2.3.5 allows.
        let texts: Vec<Vec<u8>> = (0..30).map(|seed| novel(seed % 25, 1500)).collect();
        let mut inflater = new_inflater(true, false);
        let mut before: Vec<u8> = Vec::new();
        for text in &texts {
            let mut encoder = Compress::new(Compression::default(), false);
            if !before.is_empty() {
                encoder.set_dictionary(&before[before.len().saturating_sub(WINDOW)..]).expect("a dictionary");
            }
            let mut wire = Vec::with_capacity(text.len() + 100);
            encoder.compress_vec(text, &mut wire, FlushCompress::Finish).expect("compresses");
            wire.push(0);
            assert_eq!(inflate_by(&mut inflater, &wire, OUTPUT).expect("inflates"), *text);
            before.extend_from_slice(text);
        }
    }

    #[test]
    fn ended_streams_are_read_the_same_in_any_pieces() {
        // "Hello" in a final block, the byte behind it (RFC 7692 section 7.2.3.5) or another one or none; then "Hello" again,
        // by a reference to the first.
        let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let behind: [&[u8]; 5] = [&[], &[0], &[0x80], &[0xff], &[0xff, 0xff]];
        for behind in behind {
            let outcome = |size: usize| {
                let mut inflater = new_inflater(true, false);
                let mut got = Vec::new();
                let mut failed = 0;
                for wire in [&[&hello, behind].concat()[..], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
                    inflater.begin();
                    let pieces = wire.chunks(size).count();
                    for (nth, piece) in wire.chunks(size).enumerate() {
                        let last = nth + 1 == pieces;
                        let take = |b: &[u8]| got.extend_from_slice(b);
                        let mut piece = piece.to_vec();
                        if inflater.is_readable() && inflater.push(&mut piece, last, &mut [0; 100], take).is_err() {
                            failed += 1;
                        }
                    }
                }
                (got, failed)
            };
            let whole = outcome(usize::MAX);
            assert_eq!(whole.1 > 0, behind.len() > 1, "{behind:x?}");
            for size in 1..9 {
                assert_eq!(outcome(size), whole, "{behind:x?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn corruption_is_told_from_text() {
        let mut inflater = new_inflater(true, false);
        assert!(inflate(&mut inflater, b"\xff\xfe\xfd\xfc\xfb").is_err());
        assert_eq!(inflater.examine(15).0, InflateFinding::Corrupt);
        let mut inflater = new_inflater(true, false);
        assert!(inflate(&mut inflater, b"{\"plain\":\"text\"}").is_err());
        assert_eq!(inflater.examine(15).0, InflateFinding::NotCompressed);
    }
}
