//! The message that is arriving: its numbers, its text check, and the sample taken where it stops being text.

use super::text::{self, Fault, Utf8Check};
use crate::connection::{DataType, Defect, InflateFailure, InvalidUtf8, Message, SplitCharacter};
use crate::ids::{Origin, StreamOffset};
use crate::limits;

/// The message that is arriving in one direction.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) facts: Message,
    check: Utf8Check,
    /// Whether its text can still be checked: no bytes are missing and it could be inflated.
    readable: bool,
    /// Bytes after inflating.
    pub(super) produced: u64,
    /// Value of `produced` at the beginning of the current fragment.
    fragment_from: u64,
    last_origin: Origin,
}

/// Where a piece of payload lies in its frame, for a later look at the mask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Masked {
    pub(super) key: Option<[u8; 4]>,
    /// Payload offset in the frame of the piece's first byte.
    pub(super) offset: u64,
}

impl OpenMessage {
    pub(super) fn new(
        number: u64,
        kind: DataType,
        compressed: bool,
        first: Origin,
        start: StreamOffset,
    ) -> OpenMessage {
        OpenMessage {
            facts: Message {
                number,
                kind,
                compressed,
                complete: false,
                payload_bytes: None,
                wire_bytes: 0,
                declared_bytes: 0,
                largest_frame: 0,
                fragments: 0,
                missing_bytes: 0,
                first,
                last: first,
                start,
                end: start,
                head: Default::default(),
                defect: None,
                split_character: None,
            },
            check: Utf8Check::default(),
            readable: true,
            produced: 0,
            fragment_from: 0,
            last_origin: first,
        }
    }

    /// A frame of it begins.
    #[inline]
    pub(super) fn frame(&mut self, length: u64) {
        self.facts.fragments += 1;
        self.facts.declared_bytes = self.facts.declared_bytes.saturating_add(length);
        self.facts.largest_frame = self.facts.largest_frame.max(length);
        self.fragment_from = self.produced;
    }

    /// A frame of it ended that was not its last.
    pub(super) fn fragment_ended(&mut self, origin: Origin) {
        if self.is_checked() && self.check.is_inside_character() && self.facts.split_character.is_none() {
            self.facts.split_character = Some(Box::new(SplitCharacter {
                offset: self.check.unfinished_at(),
                fragment: self.facts.fragments,
                origin,
            }));
        }
    }

    /// Payload bytes are missing from here on.
    pub(super) fn lose(&mut self, count: u64) {
        self.facts.missing_bytes += count;
        self.facts.wire_bytes += count;
        self.readable = false;
        if !self.facts.compressed {
            self.produced += count;
        }
    }

    /// It cannot be inflated. What was inflated before and is not UTF-8 is a consequence: garbage.
    pub(super) fn fail(&mut self, failure: InflateFailure) {
        if !matches!(self.facts.defect.as_deref(), Some(Defect::Inflate(_))) {
            self.facts.defect = Some(Box::new(Defect::Inflate(failure)));
        }
        self.readable = false;
    }

    /// It is compressed and its context was lost.
    pub(super) fn unreadable(&mut self) {
        self.readable = false;
    }

    fn is_checked(&self) -> bool {
        self.readable && self.facts.kind == DataType::Text && self.facts.defect.is_none()
    }

    /// Counts payload that need not be looked at.
    #[inline]
    pub(super) fn count(&mut self, bytes: u64) {
        self.produced += bytes;
    }

    /// First bytes of a message that is not looked at otherwise.
    #[inline]
    pub(super) fn keep_head(&mut self, bytes: &[u8]) {
        self.facts.head.extend(bytes);
    }

    /// Takes plain payload: unmasked, inflated.
    #[inline]
    pub(super) fn plain(&mut self, piece: &[u8], origin: Origin, masked: Masked) {
        let at = self.produced;
        self.produced += piece.len() as u64;
        if at < limits::HEAD_BYTES as u64 {
            self.facts.head.extend(piece);
        }
        if self.facts.kind != DataType::Text || !self.readable {
            return;
        }
        if self.facts.defect.is_some() {
            self.sample_more(piece);
        } else if let Some(fault) = self.check.push(piece) {
            self.fault(&fault, at, piece, origin, masked);
        }
        self.last_origin = origin;
    }

    #[cold]
    fn fault(&mut self, fault: &Fault, at: u64, piece: &[u8], origin: Origin, masked: Masked) {
        // The ill-formed sequence may begin in the piece before.
        let here = fault.offset.saturating_sub(at) as usize;
        let (mut around, around_offset) = if fault.offset >= at {
            let from = here.saturating_sub(64);
            (piece[from..].to_vec(), at + from as u64)
        } else {
            let before = (at - fault.offset) as usize;
            let mut bytes = fault.bytes[..before.min(usize::from(fault.length))].to_vec();
            bytes.extend_from_slice(piece);
            (bytes, fault.offset)
        };
        around.truncate(limits::SAMPLE_AROUND);
        // Of a sequence that began in the piece before, no more was looked at than shows that it is ill-formed.
        let shown = (fault.offset - around_offset) as usize;
        let fault = &text::fault(fault.offset, &around[shown..]);
        let head = if at == 0 {
            piece[..piece.len().min(limits::SAMPLE_HEAD)].to_vec()
        } else {
            self.facts.head.as_slice().to_vec()
        };
        let mask = masked.key.map(|key| {
            // Payload offset in the frame of `around`'s first byte; XOR with the key is periodic in four bytes.
            (key, (masked.offset + around_offset).wrapping_sub(at))
        });
        let origin_of_fault = if fault.offset < at { self.last_origin } else { origin };
        let mut invalid = InvalidUtf8 {
            offset: fault.offset,
            offset_in_fragment: fault.offset.saturating_sub(self.fragment_from),
            fragment: self.facts.fragments,
            origin: origin_of_fault,
            bytes: fault.bytes[..usize::from(fault.length)].to_vec(),
            class: fault.class,
            head,
            around_offset,
            around,
            mask,
            high_bytes: 0,
            control_bytes: 0,
            counted_bytes: 0,
        };
        count_bytes(&mut invalid, piece);
        self.facts.defect = Some(Box::new(Defect::InvalidUtf8(invalid)));
    }

    #[cold]
    fn sample_more(&mut self, piece: &[u8]) {
        if let Some(Defect::InvalidUtf8(invalid)) = self.facts.defect.as_deref_mut() {
            let room = limits::SAMPLE_AROUND.saturating_sub(invalid.around.len());
            let at = usize::try_from(invalid.offset.saturating_sub(invalid.around_offset)).unwrap_or(usize::MAX);
            let was_cut = invalid.around.get(at..).is_some_and(|shown| shown.len() < 4);
            invalid.around.extend_from_slice(&piece[..piece.len().min(room)]);
            // The ill-formed sequence was cut between two pieces: only now it shows what it is.
            if let Some(shown) = invalid.around.get(at..).filter(|_| was_cut) {
                let whole = text::fault(invalid.offset, shown);
                invalid.bytes = whole.bytes[..usize::from(whole.length)].to_vec();
                invalid.class = whole.class;
            }
            count_bytes(invalid, piece);
        }
    }

    /// The message as a record. `complete` when its last frame ended.
    pub(super) fn finish(mut self, complete: bool) -> Message {
        if complete
            && self.is_checked()
            && let Some(fault) = self.check.finish()
        {
            let around = fault.bytes[..usize::from(fault.length)].to_vec();
            self.facts.defect = Some(Box::new(Defect::InvalidUtf8(InvalidUtf8 {
                offset: fault.offset,
                offset_in_fragment: fault.offset.saturating_sub(self.fragment_from),
                fragment: self.facts.fragments,
                origin: self.facts.last,
                bytes: around.clone(),
                class: fault.class,
                head: self.facts.head.as_slice().to_vec(),
                around_offset: fault.offset,
                around,
                mask: None,
                high_bytes: 0,
                control_bytes: 0,
                counted_bytes: 0,
            })));
        }
        self.facts.complete = complete;
        let known = !self.facts.compressed || (self.readable && self.facts.missing_bytes == 0);
        self.facts.payload_bytes = known.then_some(self.produced);
        self.facts
    }
}

fn count_bytes(invalid: &mut InvalidUtf8, piece: &[u8]) {
    invalid.counted_bytes += piece.len() as u64;
    for byte in piece {
        invalid.high_bytes += u64::from(*byte >= 0x80);
        invalid.control_bytes += u64::from(*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'));
    }
}
