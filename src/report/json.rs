//! The report as JSON: the model itself, serialized straight into the writer.
//!
//! Objects spread over lines and arrays stay on one, so that packet lists do not fill the screen. Characters that a
//! terminal would obey are escaped beyond what JSON asks for; a parser reads the same strings back.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::model::Report;
use super::{Format, Style, neutral};

/// See the module.
pub(super) const FORMAT: Format =
    Format { name: "json", description: "everything, for programs", extension: "json", write: render };

fn render(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Layout { depth: 0, filled: false });
    report.serialize(&mut serializer)?;
    writeln!(out)
}

/// Where line breaks and indentation go.
struct Layout {
    depth: usize,
    /// Whether the object that ends next has any member.
    filled: bool,
}

impl Layout {
    fn line<W: ?Sized + io::Write>(&self, out: &mut W) -> io::Result<()> {
        const INDENT: &[u8; 33] = b"\n                                ";
        let spaces = 2 * self.depth;
        out.write_all(&INDENT[..=spaces.min(32)])?;
        (32..spaces).try_for_each(|_| out.write_all(b" "))
    }
}

impl Formatter for Layout {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.filled {
            self.line(out)?;
        }
        out.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.line(out)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| neutral::is_active(c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn rendered(report: &Report) -> String {
        let mut out = Vec::new();
        render(report, &Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn layout_changes_no_value() {
        for report in [sample::report(), sample::healthy(), sample::hostile()] {
            let ours: serde_json::Value = serde_json::from_str(&rendered(&report)).unwrap();
            assert_eq!(ours, serde_json::to_value(&report).unwrap());
        }
    }

    #[test]
    fn a_terminal_obeys_none_of_it() {
        let json = rendered(&sample::hostile());
        assert!(json.chars().all(|c| c == '\n' || !neutral::is_active(c)), "{json}");
    }

    #[test]
    fn arrays_stay_on_one_line() {
        insta::assert_snapshot!(rendered(&sample::healthy()));
    }
}
