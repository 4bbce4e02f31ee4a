//! The line to copy, for every limit that is known.

use super::*;
use crate::knowledge::{Knowledge, Role};

/// A refused size, and what would have passed.
const REFUSED: u64 = 300_000_000;
const ROOM: &str = "536870912";

#[test]
fn every_limit_says_how_to_change_it() {
    let mut wrong = Vec::new();
    let mut read = 0;
    for implementation in Knowledge::embedded().implementations() {
        for limit in &implementation.limits {
            let counts_size =
                matches!(limit.applies_to, AppliesTo::Message | AppliesTo::Frame | AppliesTo::DecompressedMessage);
            if !counts_size
                || limit.unit.is_some()
                || limit.default_bytes == 0 && !limit.how_to_change.contains("BYTES")
            {
                continue;
            }
            read += 1;
            let of = format!("{}: {}", implementation.id, limit.setting);
            for (role, side) in [(Role::Server, Side::Server), (Role::Client, Side::Client)] {
                if !implementation.roles.contains(&role) || limit.role.is_some_and(|r| r != role) {
                    continue;
                }
                let line = example(limit, side, room_above(REFUSED));
                match (limit.configurable, &line) {
                    (true, Some(line)) if line.contains(ROOM) && !line.contains("BYTES") && line.len() <= 160 => {}
                    // Then the text says why.
                    (false, None) if limit.how_to_change.len() > 15 => {}
                    _ => wrong.push(format!("{of} ({side}): {line:?}")),
                }
                if let Some(line) = line.filter(|_| !names(limit, &limit.setting)) {
                    wrong.push(format!("{of}: the line does not name the setting: {line}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(read > 100, "{read}");
}

/// Whether the line to copy has a word of the setting's name.
fn names(limit: &Limit, setting: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let line = plain(&limit.how_to_change);
    let words = setting.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
    words.filter(|w| w.len() > 4).any(|w| line.contains(&plain(w)))
}

#[test]
fn room_is_above_the_size() {
    assert_eq!(room_above(40_000), 65_536);
    assert_eq!(room_above(65_536), 131_072, "as large as the limit is no room");
    assert_eq!(room_above(u64::MAX), u64::MAX);
}
