//! What the bytes of a payload look like: evidence for the causes of the family "not valid text", never a verdict.
//!
//! Everything here is a pure function of a sample: the first bytes of a message, and the bytes around the first fault.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bson;
mod cbor;
pub mod charset;
pub mod excerpt;
mod fit;
pub mod inflate;
pub mod magic;
pub mod mask;
mod msgpack;
pub mod numbers;
mod protobuf;
#[cfg(test)]
mod samples;
pub mod shape;
pub mod stale;
#[cfg(test)]
mod tests;
pub mod utf16;
pub mod utf8;

pub use charset::{Charset, Fit};
pub use excerpt::escape_excerpt;
pub use mask::{MaskFault, Remask};
pub use shape::{Shape, ShapeKind};
pub use stale::{Leftover, Stale, StaleKind};

use crate::connection::InvalidUtf8;

/// Share of C0 controls from which on bytes that nothing else explains are called binary.
pub const BINARY_CONTROLS: f64 = 0.08;

/// Separate ill-formed sequences from which on a sample with controls is no damaged text.
const SCATTERED_PLACES: usize = 4;

/// What a message that is not UTF-8 looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The best description, as the object of "looks like": "gzip data", "Protocol Buffers", "text in windows-1252". It comes
    /// from the first of these that is there: `remask`, a header in front of text (`stale`), `binary` other than
    /// [`Basis::Statistics`], `charset` in UTF-16, `stale`, `charset`, `binary` by statistics. `None` when nothing fits: text
    /// with a damaged, cut or wrongly encoded character.
    pub looks_like: Option<String>,
    /// The text that undoing a masking fault gives.
    pub remask: Option<Remask>,
    /// A binary format.
    pub binary: Option<Match>,
    /// A legacy encoding that the text is compatible with. `None` wherever something above it in the order was found.
    pub charset: Option<Charset>,
    /// Text together with something else. `None` wherever a format with a signature or a structure was found.
    pub stale: Option<Stale>,
    /// Share of C0 controls other than tab, line feed and carriage return, from 0 to 1.
    pub control_share: f64,
    /// Share of bytes from 80 to FF, from 0 to 1.
    pub high_share: f64,
}

/// A binary format that a payload looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// What a person would call it, as the object of a sentence.
    pub name: &'static str,
    /// What says so.
    pub basis: Basis,
    /// Payload offset where it begins: 0, or a place inside a text.
    pub at: u64,
}

/// What a [`Match`] rests on, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// A signature in the first bytes.
    Signature,
    /// The bytes inflate to readable text: compressed as permessage-deflate does, without the mark.
    Deflate,
    /// The bytes parse as that format.
    Structure,
    /// How the byte values are spread, and how many controls there are.
    Statistics,
}

/// Says what a message that is not UTF-8 looks like. `total_bytes` is the message's length, `None` when its end was not seen.
#[must_use]
pub fn inspect(fault: &InvalidUtf8, total_bytes: Option<u64>) -> Inspection {
    let start = start_of(fault);
    let (control_share, high_share) = shares(fault, &start);
    let mut found = Inspection {
        looks_like: None,
        remask: None,
        binary: None,
        charset: None,
        stale: None,
        control_share,
        high_share,
    };

    let in_around = usize::try_from(fault.offset.saturating_sub(fault.around_offset)).unwrap_or(usize::MAX);
    if let Some((key, phase)) = fault.mask
        && let Some(remask) = mask::remask(&fault.around, key, phase, in_around.min(fault.around.len()))
    {
        let how = match remask.fault {
            MaskFault::Again => "once more",
            MaskFault::Shifted(_) => "from another position of the key",
            MaskFault::Reversed => "with the key's bytes reversed",
        };
        found.looks_like = Some(format!("text that has to be masked {how}"));
        found.remask = Some(remask);
        return found;
    }

    found.stale = stale::stale(&start, fault.offset, total_bytes);
    let is_header = matches!(found.stale, Some(Stale { kind: StaleKind::Header { .. }, .. }));
    if !is_header {
        found.binary = binary(fault, &start, total_bytes);
        if found.binary.is_some_and(|b| b.at == 0) {
            found.stale = None;
        }
        if found.binary.is_none() {
            found.charset = legacy(fault, &start, total_bytes);
            let is_utf16 = found.charset.as_ref().is_some_and(|c| c.encoding.starts_with("UTF-16"));
            if is_utf16 {
                found.stale = None;
            } else if found.stale.is_some() {
                found.charset = None;
            }
        }
        if found.binary.is_none() && found.charset.is_none() && found.stale.is_none() {
            found.binary = by_statistics(fault, &start, control_share);
        }
    }
    found.looks_like = looks_like(&found);
    found
}

fn looks_like(found: &Inspection) -> Option<String> {
    if let Some(binary) = &found.binary {
        return Some(if binary.at == 0 { binary.name.to_owned() } else { format!("text with {} inside", binary.name) });
    }
    if let Some(stale) = &found.stale {
        return Some(match stale.kind {
            StaleKind::Header { announces_length: true, .. } => "text after a binary length prefix".to_owned(),
            StaleKind::Header { .. } => "text after a binary header".to_owned(),
            StaleKind::AfterJson(_) => "a complete JSON text followed by other bytes".to_owned(),
            StaleKind::AfterText(_) => "text followed by other bytes".to_owned(),
        });
    }
    let charset = found.charset.as_ref()?;
    let names: Vec<&str> = std::iter::once(charset.encoding).chain(charset.others.iter().copied()).collect();
    Some(match charset.also {
        Some(also) => format!("text in {} ({also})", charset.encoding),
        None => format!("text in {}", names.join(" or ")),
    })
}

fn binary(fault: &InvalidUtf8, start: &[u8], total: Option<u64>) -> Option<Match> {
    if let Some(magic) = magic::magic(start) {
        return Some(Match { name: magic.name, basis: Basis::Signature, at: 0 });
    }
    // Text in UTF-16 also parses as an array of numbers, each near the one before.
    let is_utf16 = utf16::utf16(start).is_some();
    if let Some(shape) = shape::shape(start, total).filter(|_| !is_utf16) {
        return Some(Match { name: shape.name(), basis: Basis::Structure, at: 0 });
    }
    if inflate::deflated_text(start).is_some() {
        return Some(Match { name: "deflate-compressed text", basis: Basis::Deflate, at: 0 });
    }
    // Inside a text the first byte of a signature can be ASCII, so that the fault lies up to three bytes behind it.
    let in_around = usize::try_from(fault.offset.checked_sub(fault.around_offset)?).ok()?;
    (0..=3).find_map(|back| {
        let at = in_around.checked_sub(back)?;
        let magic = magic::magic_inside(fault.around.get(at..)?)?;
        Some(Match { name: magic.name, basis: Basis::Signature, at: fault.around_offset + at as u64 })
    })
}

fn by_statistics(fault: &InvalidUtf8, start: &[u8], control_share: f64) -> Option<Match> {
    let sample = if start.len() >= 64 { start } else { &fault.around };
    let local = sample.iter().filter(|b| is_control(**b)).count() as f64 / sample.len().max(1) as f64;
    let is_binary =
        sample.len() >= 8 && (control_share.max(local) >= BINARY_CONTROLS || is_scattered(sample, control_share));
    if numbers::looks_random(sample) {
        Some(Match { name: "compressed or encrypted data", basis: Basis::Statistics, at: 0 })
    } else if is_binary {
        Some(Match { name: "binary data of a kind not recognised", basis: Basis::Statistics, at: 0 })
    } else {
        None
    }
}

/// Whether ill-formed sequences stand all over the sample, with a control among them: a digest, a key or a token of a few
/// dozen bytes, too short for its controls to be counted. Damaged text has its faults in a few places, and no controls.
fn is_scattered(sample: &[u8], control_share: f64) -> bool {
    let ill_formed: usize = sample.utf8_chunks().map(|c| c.invalid().len()).sum();
    let places = sample.utf8_chunks().filter(|c| !c.invalid().is_empty()).count();
    control_share > 0.0 && places >= SCATTERED_PLACES && ill_formed * 4 >= sample.len()
}

fn legacy(fault: &InvalidUtf8, start: &[u8], total: Option<u64>) -> Option<Charset> {
    let at_start = usize::try_from(fault.offset).ok().filter(|at| *at < start.len());
    if let Some(at) = at_start {
        return charset::charset(start, at, shape::is_whole(start, total));
    }
    let at = usize::try_from(fault.offset.checked_sub(fault.around_offset)?).ok()?;
    // Part of the text before the fault can begin inside a character; ASCII is a safe place to begin.
    let from = fault.around.get(..at)?.iter().position(u8::is_ascii).unwrap_or(at);
    let ends = total.is_some_and(|t| t <= fault.around_offset + fault.around.len() as u64);
    charset::charset(&fault.around[from..], at - from, ends)
}

/// The payload's first bytes as far as they are known without a hole.
#[must_use]
pub fn start_of(fault: &InvalidUtf8) -> Vec<u8> {
    let mut start = fault.head.clone();
    let known = usize::try_from(fault.around_offset).ok().and_then(|at| start.len().checked_sub(at));
    if let Some(more) = known.and_then(|known| fault.around.get(known..)) {
        start.extend_from_slice(more);
    }
    start
}

/// Shares of C0 controls and of bytes from 80 to FF: as counted over the message, or over the sample where nothing was.
fn shares(fault: &InvalidUtf8, start: &[u8]) -> (f64, f64) {
    if fault.counted_bytes > 0 {
        let all = fault.counted_bytes as f64;
        return (fault.control_bytes as f64 / all, fault.high_bytes as f64 / all);
    }
    let all = start.len().max(1) as f64;
    let controls = start.iter().filter(|b| is_control(**b)).count();
    let high = start.iter().filter(|b| **b >= 0x80).count();
    (controls as f64 / all, high as f64 / all)
}

/// Whether a byte is a C0 control other than tab, line feed and carriage return: what text does not hold.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Whether bytes are UTF-8 without controls, and not empty.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().any(|b| is_control(*b) || *b == 0x7f) && std::str::from_utf8(bytes).is_ok()
}

/// `bytes` without a character that is cut off at their end.
fn trim_cut(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => &bytes[..e.valid_up_to()],
        _ => bytes,
    }
}
