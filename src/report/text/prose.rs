//! Documentation for a terminal: the little Markdown that the causes are documented in, wrapped to the width.

use std::io;

use super::page::{Ink, Page};
use crate::report::Style;

/// Writes Markdown `text` to a terminal: headings (`#`) marked, paragraphs and list items (`-`, `*`) wrapped, everything
/// that is indented by four or fenced left as it is.
///
/// # Errors
///
/// Those of `out`.
pub fn layout(text: &str, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let mut paragraph = Paragraph::default();
    let mut fenced = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let fence = trimmed.starts_with("```");
        if fence || fenced || line.starts_with("    ") && paragraph.text.is_empty() {
            paragraph.end(&mut page)?;
            fenced ^= fence;
            if !fence {
                page.whole(if fenced { "    " } else { "" }, line)?;
            }
        } else if trimmed.is_empty() {
            paragraph.end(&mut page)?;
            page.blank()?;
        } else if trimmed.starts_with('#') {
            paragraph.end(&mut page)?;
            page.paragraph(0, 0, trimmed.trim_start_matches('#').trim(), Ink::Heading)?;
        } else {
            if trimmed.starts_with("- ") || trimmed.starts_with("* ") {
                paragraph.end(&mut page)?;
                paragraph.hanging = 2;
            }
            paragraph.text.push(' ');
            paragraph.text.push_str(trimmed);
        }
    }
    paragraph.end(&mut page)
}

/// Lines that belong together.
#[derive(Default)]
struct Paragraph {
    text: String,
    hanging: usize,
}

impl Paragraph {
    fn end(&mut self, page: &mut Page<'_>) -> io::Result<()> {
        let ended = std::mem::take(self);
        page.paragraph(0, ended.hanging, ended.text.trim(), Ink::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_wrap_and_code_stays() {
        let text = "## What was seen\n\nA message that is\nlarger than the limit.\n\n- one item that\n  goes on\n- another\n\n```text\na  b\n```\n";
        let mut out = Vec::new();
        layout(text, &Style { width: 20, colour: false }, &mut out).unwrap();
        let expected = "What was seen\n\nA message that is\nlarger than the\nlimit.\n\n- one item that\n  goes on\n- another\n\n    a  b\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
