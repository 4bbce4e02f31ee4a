//! Takes the power from characters that a capture's payload may have put into a report.
//!
//! A close reason or a URL is chosen by whoever sent it. Shown as it is, it could move the cursor, recolour the
//! terminal, or turn the reading order around so that a sentence says something else.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` on one line with every active character spelled out as `\u{1b}`; line breaks and tabs become spaces.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_active(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c)); // a String takes everything
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether `c` does something other than to show itself: controls (C0, DEL, C1), what changes the reading order, what
/// nobody can see, and what ends a line. Joiners stay: scripts and emoji need them.
pub(super) fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
            | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_untouched() {
        assert!(matches!(visible("Grüße, 世界 👩\u{200d}💻"), Cow::Borrowed(_)));
    }

    #[test]
    fn escapes_and_direction_marks_are_spelled_out() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(visible("\u{9b}31m\x07\x7f"), "\\u{9b}31m\\u{7}\\u{7f}");
        assert_eq!(visible("\u{202e}cod.exe\u{2066}"), "\\u{202e}cod.exe\\u{2066}");
        assert_eq!(visible("one\r\ntwo\tthree\u{2028}four"), "one  two three\\u{2028}four");
    }
}
