//! Text that Markdown and HTML leave alone.
//!
//! The target is GitHub's Markdown; what other trackers make of it was kept in mind: HTML goes out as entities, and only
//! characters that every dialect lets a backslash precede have one.

use crate::report::neutral;

/// `text` as a piece of a paragraph, list item or heading.
pub(crate) fn prose(text: &str) -> String {
    let text = neutral::visible(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let after = letters.peek().copied().unwrap_or(' ');
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' => out.push_str("&#124;"), // in a table's cell a backslash is not enough everywhere
            '~' => out.push_str("&#126;"),
            '$' => out.push_str("&#36;"), // GitHub sets $...$ as mathematics
            '\\' | '`' | '*' | '[' | ']' | '{' | '}' => out.extend(['\\', c]),
            // Inside a word it is a letter (max_size), at its edge it is emphasis.
            '_' if !(before.is_alphanumeric() && after.is_alphanumeric()) => out.push_str("\\_"),
            // A payload must not notify people, link to tickets or offer links to follow.
            '@' | '#' if after.is_alphanumeric() => out.extend([c, '\u{200b}']),
            ':' if after == '/' && is_linked(&out) => out.push_str("&#58;"),
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("\\."),
            c => out.push(c),
        }
        before = c;
    }
    escape_start(out)
}

/// Whether `text` ends in a scheme that GitHub makes a link of by itself.
fn is_linked(text: &str) -> bool {
    let scheme = text.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    ["http", "https", "ftp"].iter().any(|s| scheme.eq_ignore_ascii_case(s))
}

/// What begins a heading, list, quotation or rule at the start of a line begins nothing behind a backslash.
fn escape_start(mut text: String) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let bytes = text.as_bytes();
    let begins_block = match bytes.get(digits) {
        Some(b'.' | b')') if digits > 0 => matches!(bytes.get(digits + 1), None | Some(b' ')),
        Some(mark @ (b'#' | b'+' | b'-' | b'=')) if digits == 0 => {
            matches!(bytes.get(1), None | Some(b' ')) || bytes.get(1) == Some(mark)
        }
        _ => false,
    };
    if begins_block {
        text.insert(digits, '\\');
    }
    text
}

/// `text` as code within a line.
pub(crate) fn code(text: &str) -> String {
    let text = neutral::visible(text);
    let marks = "`".repeat(longest_run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{marks}{space}{text}{space}{marks}")
}

/// Lines as a block of code.
pub(super) fn fenced(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|l| neutral::visible(l)).collect();
    let marks = "`".repeat(lines.iter().map(|l| longest_run(l) + 1).max().unwrap_or(0).max(3));
    format!("{marks}text\n{}\n{marks}", lines.join("\n"))
}

/// A reference: a link when it is nothing but a plain address.
pub(super) fn link(text: &str) -> String {
    let address = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c);
    match text.starts_with("https://") && text.chars().all(address) {
        true => format!("<{text}>"),
        false => prose(text),
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(prose("<img src=x onerror=y>"), "&lt;img src=x onerror=y&gt;");
        assert_eq!(prose("**bold** _em_ max_size `code`"), "\\*\\*bold\\*\\* \\_em\\_ max_size \\`code\\`");
        assert_eq!(prose("[here](https://evil.example)"), "\\[here\\](https&#58;//evil.example)");
        assert_eq!(prose("a | b"), "a &#124; b");
        assert_eq!(prose("# no heading"), "\\# no heading");
        assert_eq!(prose("1. no list"), "1\\. no list");
        assert_eq!(prose("--- no rule"), "\\--- no rule");
        assert_eq!(prose("x\n\n# no heading"), "x  # no heading");
        assert_eq!(prose("@someone #12"), "@\u{200b}someone #\u{200b}12");
    }

    #[test]
    fn plain_sentences_stay_readable() {
        let text = "The client sent 1,934,112 bytes (packets 212-1541): more than 1 MiB.";
        assert_eq!(prose(text), text);
        assert_eq!(prose("10.0.0.7:8080, ws://host/path, 3 up"), "10.0.0.7:8080, ws://host/path, 3 up");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(fenced(&["a", "```", "b"]), "````text\na\n```\nb\n````");
        assert_eq!(fenced(&["a\n```\nb"]), "````text\na ``` b\n````");
    }

    #[test]
    fn only_plain_addresses_are_links() {
        assert_eq!(link("https://example.com/a#b"), "<https://example.com/a#b>");
        assert_eq!(link("https://example.com/> <b>"), "https&#58;//example.com/&gt; &lt;b&gt;");
    }
}
