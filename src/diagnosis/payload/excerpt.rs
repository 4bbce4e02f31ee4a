//! Bytes of a message as one line that is safe to print.

use std::fmt::Write as _;

/// Shows `bytes` in one line of at most `max` characters; a longer one ends in `…`.
///
/// Readable characters stay as they are, quotes included. A backslash is doubled, tab, line feed and carriage return become
/// `\t`, `\n`, `\r`; every other control, every invisible or direction-changing character becomes `\u{..}`, and bytes that are
/// not UTF-8 become `\xNN`. No terminal escape sequence can get through, neither as ESC nor as a C1 control.
#[must_use]
pub fn escape_excerpt(bytes: &[u8], max: usize) -> String {
    let mut line = Line { text: String::new(), length: 0, max, full: false };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            line.character(c);
        }
        for byte in chunk.invalid() {
            line.unit(&format!("\\x{byte:02X}"));
        }
        if line.full {
            break;
        }
    }
    line.text
}

struct Line {
    text: String,
    length: usize,
    max: usize,
    full: bool,
}

impl Line {
    fn character(&mut self, c: char) {
        let mut buffer = [0; 4];
        match c {
            '\\' => self.unit("\\\\"),
            '\t' => self.unit("\\t"),
            '\n' => self.unit("\\n"),
            '\r' => self.unit("\\r"),
            c if is_shown(c) => self.unit(c.encode_utf8(&mut buffer)),
            c => {
                let mut escaped = String::new();
                let _ = write!(escaped, "\\u{{{:X}}}", u32::from(c));
                self.unit(&escaped);
            }
        }
    }

    /// Adds a piece that must not be torn.
    fn unit(&mut self, piece: &str) {
        if self.full {
            return;
        }
        let length = piece.chars().count();
        if self.length + length > self.max {
            self.full = true;
            while self.length + 1 > self.max && self.text.pop().is_some() {
                self.length -= 1;
            }
            if self.max > 0 {
                self.text.push('…');
            }
            return;
        }
        self.text.push_str(piece);
        self.length += length;
    }
}

/// Whether a character can be printed as it is without hiding or moving anything.
pub(super) fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(u32::from(c),
            0xAD | 0x061C | 0x115F | 0x1160 | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
            | 0xFEFF | 0xFFF0..=0xFFFC | 0xE000..=0xF8FF | 0xE0000..=0x0010_FFFF)
        && u32::from(c) & 0xFFFE != 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_text_stays_readable() {
        assert_eq!(escape_excerpt(br#"{"name":"J\xf6rg"}"#, 80), r#"{"name":"J\\xf6rg"}"#);
        assert_eq!(escape_excerpt("Grüße, 日本 🎉".as_bytes(), 80), "Grüße, 日本 🎉");
        assert_eq!(escape_excerpt(b"a\xff\tb\n", 80), "a\\xFF\\tb\\n");
    }

    #[test]
    fn nothing_reaches_the_terminal() {
        for bytes in [
            &b"\x1b[31mred"[..],
            b"\xc2\x9b31m",
            b"\x9b31m",
            "\u{202e}gpj.exe".as_bytes(),
            b"\x07\x7f\0",
            "\u{2028}\u{200b}\u{feff}\u{e0041}".as_bytes(),
        ] {
            let line = escape_excerpt(bytes, 200);
            assert!(line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line:?}");
        }
        assert_eq!(escape_excerpt(b"\x1b]0;x\x07", 80), "\\u{1B}]0;x\\u{7}");
    }

    #[test]
    fn an_excerpt_is_cut_between_pieces() {
        assert_eq!(escape_excerpt(b"abcdef", 6), "abcdef");
        assert_eq!(escape_excerpt(b"abcdefg", 6), "abcde…");
        assert_eq!(escape_excerpt(b"abcd\xff", 6), "abcd…");
        assert_eq!(escape_excerpt(b"abc", 0), "");
        for max in 0..20 {
            assert!(escape_excerpt(b"\xff\xfe\x00ab\x1b", max).chars().count() <= max);
        }
    }
}
