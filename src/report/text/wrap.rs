//! Lines that fit: measured in terminal columns, broken at spaces, never cut.

/// `text` in lines of at most `width` columns. A word that is longer stays whole on a line of its own, so that it can
/// still be copied.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let word_columns = columns(word);
        if used > 0 && used + 1 + word_columns > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += word_columns;
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}

/// Columns that `text` takes in a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Two for East Asian wide characters and emoji, none for marks that sit on the character before, else one. The ranges
/// are the blocks of Unicode's `EastAsianWidth.txt`; a stray character off by one costs a ragged edge, nothing more.
fn columns_of(c: char) -> usize {
    match c {
        ' '..='\u{2ff}' => 1,
        '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_spaces_and_keeps_long_words_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrap("see https://example.com/a/long/path now", 10),
            ["see", "https://example.com/a/long/path", "now"]
        );
        assert!(wrap("   ", 10).is_empty());
    }

    #[test]
    fn counts_columns_and_not_bytes() {
        assert_eq!(columns("Größe"), 5);
        assert_eq!(columns("世界"), 4);
        assert_eq!(columns("e\u{301}"), 1);
        assert_eq!(wrap("世界 世界 世界", 9), ["世界 世界", "世界"]);
    }
}
