//! The one way onto the terminal: everything is neutralised, wrapped and coloured here.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Colours};

use super::wrap;
use crate::report::model::Severity;
use crate::report::{Style, neutral};

/// What a piece of text is, as far as its colour goes.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Plain,
    Heading,
    Severity(Severity),
}

/// Lines going out.
pub(super) struct Page<'w> {
    out: &'w mut dyn Write,
    style: Style,
}

/// Columns that `text` takes once it is on the page.
pub(super) fn columns_of(text: &str) -> usize {
    wrap::columns(&neutral::visible(text))
}

impl<'w> Page<'w> {
    pub(super) fn new(out: &'w mut dyn Write, style: &Style) -> Page<'w> {
        Page { out, style: *style }
    }

    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Wrapped sentences, the first line at column `first` and the others at `others`; nothing for an empty text.
    pub(super) fn paragraph(&mut self, first: usize, others: usize, text: &str, ink: Ink) -> io::Result<()> {
        let text = neutral::visible(text);
        let leading = text.len() - text.trim_start_matches(' ').len();
        let indent = others.max(first + leading);
        for (i, line) in wrap::wrap(&text, self.style.width.saturating_sub(indent)).iter().enumerate() {
            let column = if i == 0 { first + leading } else { others };
            write!(self.out, "{:column$}", "")?;
            self.inked(line, ink)?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// A label at `indent`, and the line up to `column`; the row's text follows.
    pub(super) fn label(&mut self, indent: usize, column: usize, label: &str) -> io::Result<()> {
        write!(self.out, "{:indent$}{label:<width$}", "", width = column - indent)
    }

    /// Wrapped sentences after a label that ends at `column`.
    pub(super) fn continued(&mut self, column: usize, text: &str) -> io::Result<()> {
        let text = neutral::visible(text);
        for (i, line) in wrap::wrap(&text, self.style.width.saturating_sub(column)).iter().enumerate() {
            let indent = if i == 0 { 0 } else { column };
            writeln!(self.out, "{:indent$}{line}", "")?;
        }
        Ok(())
    }

    /// A line that stays whole however long it is, so that it can be copied.
    pub(super) fn whole(&mut self, before: &str, text: &str) -> io::Result<()> {
        writeln!(self.out, "{before}{}", neutral::visible(text))
    }

    /// A block's first line: number, name, facts. It breaks between facts.
    pub(super) fn facts(
        &mut self,
        indent: usize,
        number: &str,
        name: &str,
        ink: Ink,
        facts: &[String],
    ) -> io::Result<()> {
        let name = neutral::visible(name);
        write!(self.out, "{number:<indent$}")?;
        self.inked(&name, ink)?;
        let mut used = indent + wrap::columns(&name);
        for fact in facts {
            let fact = neutral::visible(fact);
            let wide = wrap::columns(&fact);
            if used + 3 + wide <= self.style.width {
                write!(self.out, "   {fact}")?;
                used += 3 + wide;
                continue;
            }
            let lines = wrap::wrap(&fact, self.style.width.saturating_sub(indent));
            for line in &lines {
                write!(self.out, "\n{:indent$}{line}", "")?;
            }
            used = indent + lines.last().map_or(0, |l| wrap::columns(l));
        }
        writeln!(self.out)
    }

    /// A table's row: cells of these widths, then one that wraps.
    pub(super) fn cells(&mut self, indent: usize, widths: &[usize], cells: &[String]) -> io::Result<()> {
        write!(self.out, "{:indent$}", "")?;
        let mut column = indent;
        for (cell, &width) in cells.iter().zip(widths) {
            let cell = neutral::visible(cell);
            let padding = width.saturating_sub(wrap::columns(&cell)) + 2;
            write!(self.out, "{cell}{:padding$}", "")?;
            column += width + 2;
        }
        match cells.get(widths.len()) {
            Some(last) => self.continued(column, last),
            None => writeln!(self.out),
        }
    }

    fn inked(&mut self, text: &str, ink: Ink) -> io::Result<()> {
        let colours = match ink {
            Ink::Heading => Colours::new().bold(),
            Ink::Severity(Severity::Problem) => Colours::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Ink::Severity(Severity::Notice) => Colours::new().bold().fg_color(Some(AnsiColor::Yellow.into())),
            Ink::Plain | Ink::Severity(Severity::Normal) => Colours::new(),
        };
        if self.style.colour { write!(self.out, "{colours}{text}{colours:#}") } else { write!(self.out, "{text}") }
    }
}
