//! Bytes of a capture file that could not be read as records.

/// A stretch of bytes that was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Where it begins in the file, after decompression.
    pub position: u64,
    /// How long it is.
    pub bytes: u64,
    /// Packets read before it.
    pub after: u64,
}

/// All stretches that were passed over in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// How many.
    pub places: u64,
    /// Their bytes together.
    pub bytes: u64,
    /// The first ones, at most [`crate::limits::LISTED_LOSSES`].
    pub first: Vec<Skipped>,
}

impl Losses {
    /// Notes one more.
    pub(super) fn add(&mut self, skipped: Skipped) {
        self.places += 1;
        self.bytes += skipped.bytes;
        if self.first.len() < crate::limits::LISTED_LOSSES {
            self.first.push(skipped);
        }
    }
}

impl std::fmt::Display for Losses {
    /// What is wrong with the file: `has corrupt records (96 bytes from byte 12,345 on ... passed over)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = |n: u64| if n == 1 { "1 byte".to_string() } else { format!("{n} bytes") };
        write!(f, "has corrupt records (")?;
        for (index, skipped) in self.first.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(
                f,
                "{comma}{} from byte {} on, after packet {},",
                bytes(skipped.bytes),
                skipped.position,
                skipped.after
            )?;
        }
        let more = self.places - self.first.len() as u64;
        if more > 0 {
            write!(f, " and {more} more stretches, {} in all,", bytes(self.bytes))?;
        }
        write!(f, " passed over)")
    }
}
