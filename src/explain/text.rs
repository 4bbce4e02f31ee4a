//! Explanations for a terminal.

use std::io;

use super::Answer;
use super::compare::Comparison;
use super::page::{Page, Part, Piece, parts};
use crate::report::{Style, columns, layout, wrap};

/// Lines longer than this are hard to read, however wide the terminal; a table may be wider.
const WIDEST: usize = 110;

/// Columns of a label and of the gap behind it.
const LABEL: usize = 14;

/// Between the columns of a table.
const GAP: usize = 2;

/// A column that is narrower makes a list of the table.
const NARROWEST: usize = 24;

pub(super) fn write(answer: &Answer, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut terminal = Terminal { out, width: style.width.min(WIDEST), whole: style.width, colour: style.colour };
    match answer {
        Answer::Listed(catalogue) => terminal.page(&catalogue.page()),
        Answer::Explained(all) => {
            let mut first = true;
            for part in parts(all) {
                if !std::mem::take(&mut first) {
                    writeln!(terminal.out)?;
                }
                match part {
                    Part::Page(page) => terminal.page(&page)?,
                    Part::Comparison(comparison) => terminal.comparison(&comparison)?,
                }
            }
            Ok(())
        }
    }
}

struct Terminal<'w> {
    out: &'w mut dyn io::Write,
    width: usize,
    /// The width of the terminal itself.
    whole: usize,
    colour: bool,
}

impl Terminal<'_> {
    fn heading(&mut self, text: &str) -> io::Result<()> {
        let bold = anstyle::Style::new().bold();
        let lines = wrap(text, self.width);
        lines.iter().try_for_each(|line| match self.colour {
            true => writeln!(self.out, "{bold}{line}{bold:#}"),
            false => writeln!(self.out, "{line}"),
        })
    }

    fn page(&mut self, page: &Page) -> io::Result<()> {
        self.heading(&page.title)?;
        if !page.body.is_empty() {
            let style = Style { width: self.width, colour: self.colour };
            layout(&page.body, &style, self.out)?;
        }
        for section in &page.sections {
            let only_text = section.pieces.iter().all(|p| !matches!(p, Piece::Item(_)));
            if only_text && columns(section.label) < LABEL - 1 {
                self.labelled(section.label, &section.pieces)?;
            } else {
                writeln!(self.out)?;
                self.heading(section.label)?;
                section.pieces.iter().try_for_each(|p| self.piece(p, 2))?;
            }
        }
        Ok(())
    }

    fn labelled(&mut self, label: &str, pieces: &[Piece]) -> io::Result<()> {
        writeln!(self.out)?;
        let mut label = label;
        for piece in pieces {
            let lines = match piece {
                Piece::Text(text) | Piece::Item(text) => wrap(text, self.width.saturating_sub(LABEL)),
                Piece::Code(code) => vec![code.clone()],
            };
            for line in lines {
                writeln!(self.out, "{label:LABEL$}{line}")?;
                label = "";
            }
        }
        Ok(())
    }

    fn piece(&mut self, piece: &Piece, indent: usize) -> io::Result<()> {
        match piece {
            Piece::Code(code) => writeln!(self.out, "{:indent$}{code}", ""),
            Piece::Text(text) | Piece::Item(text) => {
                let more = if matches!(piece, Piece::Item(_)) { indent + 2 } else { indent };
                for (i, line) in wrap(text, self.width.saturating_sub(more)).iter().enumerate() {
                    writeln!(self.out, "{:1$}{line}", "", if i == 0 { indent } else { more })?;
                }
                Ok(())
            }
        }
    }

    fn comparison(&mut self, of: &Comparison) -> io::Result<()> {
        let count = of.columns.len();
        let width = (self.whole.saturating_sub(LABEL) + GAP) / count.max(1);
        match width.checked_sub(GAP) {
            Some(width) if width >= NARROWEST => {
                self.row("", &of.columns, width.min(WIDEST))?;
                for (label, cells) in &of.rows {
                    writeln!(self.out)?;
                    self.row(label, cells, width.min(WIDEST))?;
                }
            }
            _ => {
                self.heading(&of.columns.join(" / "))?;
                for (label, cells) in &of.rows {
                    writeln!(self.out)?;
                    self.heading(label)?;
                    for (column, cell) in of.columns.iter().zip(cells) {
                        let name = column.split(": ").next().unwrap_or(column);
                        self.piece(&Piece::Item(format!("{name}: {cell}")), 2)?;
                    }
                }
            }
        }
        if !of.differences.is_empty() {
            writeln!(self.out)?;
            self.heading("Key differences")?;
            of.differences.iter().try_for_each(|d| self.piece(&Piece::Item(d.clone()), 2))?;
        }
        let more: Vec<Piece> = of.more.iter().cloned().map(Piece::Code).collect();
        self.labelled("More", &more)
    }

    /// Cells beside each other, each wrapped to `width`.
    fn row(&mut self, label: &str, cells: &[String], width: usize) -> io::Result<()> {
        let heading = label.is_empty();
        let cells: Vec<Vec<String>> = cells.iter().map(|cell| broken(cell, width)).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        let bold = anstyle::Style::new().bold();
        for at in 0..height {
            let mut line = format!("{:LABEL$}", if at == 0 { label } else { "" });
            for (i, cell) in cells.iter().enumerate() {
                let text = cell.get(at).map_or("", String::as_str);
                line.push_str(text);
                if i + 1 < cells.len() {
                    line.extend(std::iter::repeat_n(' ', (width + GAP).saturating_sub(columns(text))));
                }
            }
            let line = line.trim_end();
            match heading && self.colour {
                true => writeln!(self.out, "{bold}{line}{bold:#}")?,
                false => writeln!(self.out, "{line}")?,
            }
        }
        Ok(())
    }
}

/// `text` in lines of at most `width` columns; a word that is longer goes on in the next line, so that the columns beside
/// it stay where they are.
fn broken(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in wrap(text, width) {
        let mut rest = line.as_str();
        while columns(rest) > width {
            let fits = |(at, c): (usize, char)| Some(at + c.len_utf8()).filter(|end| columns(&rest[..*end]) <= width);
            let ends: Vec<usize> = rest.char_indices().map_while(fits).collect();
            // Names break behind the signs inside them, where there are any.
            let sign = ends.iter().rev().find(|end| rest[..**end].ends_with(['.', '/', '-', '_', ':']));
            let Some(end) = sign.or(ends.last()).copied() else { break };
            lines.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        lines.push(rest.to_owned());
    }
    lines
}
