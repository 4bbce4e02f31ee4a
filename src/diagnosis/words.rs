//! Numbers and names as sentences write them.

use crate::connection::{DataType, InvalidUtf8, Message};
use crate::ids::{Side, Timestamp};
use crate::report::model::MessageReport;

/// `1,048,577`: digits in groups of three.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a` or `an`, as the number behind it is spoken: an 80, an 11, an 18.
#[must_use]
pub fn a(number: u64) -> &'static str {
    let spoken = grouped(number);
    let first = spoken.split(',').next().unwrap_or("");
    if first.starts_with('8') || matches!(first, "11" | "18") { "an" } else { "a" }
}

/// Exact bytes and, where that helps, a rounded form: `1,048,576 bytes (1 MiB)`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let exact = if count == 1 { "1 byte".to_string() } else { format!("{} bytes", grouped(count)) };
    if count < 10_000 && !(count >= 1024 && count.is_multiple_of(1024)) {
        return exact;
    }
    format!("{exact} ({})", rounded(count))
}

/// `1 MiB`, `64 KiB`, `32 MB`, `1.9 MB`: binary units where the number is a round binary one, decimal ones otherwise.
#[must_use]
#[allow(clippy::cast_precision_loss)] // one decimal is shown
pub fn rounded(count: u64) -> String {
    let decimal = [(1_000_000_000_000u64, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    // 32,000,000 is a multiple of 1024 too, but nobody who set it meant 31,250 KiB.
    let round_decimal =
        decimal.iter().find(|(unit, _)| count >= *unit).is_some_and(|(unit, _)| count.is_multiple_of(unit / 10));
    for (unit, name) in [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if count >= unit && count.is_multiple_of(unit) && (count / unit < 1000 || !round_decimal) {
            return format!("{} {name}", grouped(count / unit));
        }
    }
    for (unit, name) in decimal {
        if count >= unit {
            let value = format!("{:.1}", count as f64 / unit as f64);
            return format!("{} {name}", value.strip_suffix(".0").unwrap_or(&value));
        }
    }
    format!("{count} B")
}

/// `2026-11-22 04:54:16.577 UTC`, as clocks in logs show it.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    let text = at.rfc3339();
    match (text.get(..10), text.get(11..23)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => text,
    }
}

/// `1 connection`, `3 connections`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(number as u64)) }
}

/// A sentence begins with a capital letter.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// `text` or `binary`.
#[must_use]
pub fn kind(kind: DataType) -> &'static str {
    match kind {
        DataType::Text => "text",
        DataType::Binary => "binary",
    }
}

/// A message as reports show it.
#[must_use]
pub fn message_report(from: Side, message: &Message) -> MessageReport {
    inspected_report(from, message, |fault| super::payload::inspect(fault, message.payload_bytes).looks_like)
}

/// [`message_report`] of a message whose fault was looked at already.
pub fn inspected_report(
    from: Side,
    message: &Message,
    looks_like: impl FnOnce(&InvalidUtf8) -> Option<String>,
) -> MessageReport {
    use crate::connection::Defect;
    let invalid_utf8 = match message.defect.as_deref() {
        Some(Defect::InvalidUtf8(invalid)) => Some(crate::report::model::InvalidUtf8Report {
            offset: invalid.offset,
            bytes_hex: crate::connection::hex(&invalid.bytes),
            packet: invalid.origin.packet,
            class: invalid.class,
            looks_like: looks_like(invalid),
        }),
        _ => None,
    };
    let head = message.head.as_slice();
    let excerpt = (!head.is_empty()).then(|| super::payload::escape_excerpt(head, crate::limits::HEAD_BYTES));
    MessageReport {
        from,
        opcode: kind(message.kind),
        payload_bytes: message.payload_bytes,
        wire_bytes: message.wire_bytes,
        declared_bytes: message.declared_bytes,
        fragments: message.fragments,
        compressed: message.compressed,
        complete: message.complete,
        first_packet: message.first.packet,
        last_packet: message.last.packet,
        invalid_utf8,
        excerpt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(utc(Timestamp(1_795_323_242_356_412_007)), "2026-11-22 04:54:02.356 UTC");
    }

    #[test]
    fn articles() {
        assert_eq!([80_000, 8, 11, 18_000, 811].map(a), ["an"; 5]);
        assert_eq!([70_000, 1, 110, 1800, 181, 28].map(a), ["a"; 6]);
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes(1), "1 byte");
        assert_eq!(bytes(7000), "7,000 bytes");
        assert_eq!(bytes(8192), "8,192 bytes (8 KiB)");
        assert_eq!(bytes(1_048_576), "1,048,576 bytes (1 MiB)");
        assert_eq!(bytes(1_934_112), "1,934,112 bytes (1.9 MB)");
        assert_eq!(rounded(100_000), "100 kB");
        assert_eq!(rounded(32_000_000), "32 MB");
        assert_eq!(rounded(1_024_000), "1,000 KiB");
        assert_eq!(rounded(131_072_000), "125 MiB");
        assert_eq!(rounded(64_000_000_000), "64 GB");
    }
}
