//! The report for a terminal: the answer first, one block for each problem, then the rest.

mod page;
mod prose;
mod wrap;

use std::io;

pub use prose::layout;
pub(crate) use wrap::{columns, wrap};

use super::model::Report;
use super::outline::{Block, Connections, Line, Outline, Rest, Row};
use super::{Format, Style};
use page::{Ink, Page};

/// Columns of a line where the terminal does not say.
pub const DEFAULT_WIDTH: usize = 80;

/// See the module.
pub(super) const FORMAT: Format =
    Format { name: "text", description: "for people, in a terminal", extension: "txt", write: render };

/// Columns before a block's text, and of the label in front of a row.
const INDENT: usize = 4;
const LABEL: usize = 11;

/// Columns that a table leaves its last column before it becomes a list.
const LAST_COLUMN: usize = 12;

fn render(report: &Report, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let outline = Outline::of(report);
    let mut page = Page::new(out, style);
    page.paragraph(0, 0, outline.headline, Ink::Heading)?;
    for section in &outline.sections {
        if let Some(heading) = section.heading {
            page.blank()?;
            page.paragraph(0, 0, heading, Ink::Heading)?;
        }
        for block in &section.blocks {
            // Notices are short and stand close together; everything else gets air.
            if block.number.is_some() {
                page.blank()?;
            }
            self::block(&mut page, block)?;
        }
    }
    if let Some(rest) = &outline.rest {
        page.blank()?;
        self::rest(&mut page, rest)?;
    }
    if !outline.blind_spots.is_empty() {
        page.blank()?;
        page.paragraph(0, 0, "What this capture cannot show", Ink::Heading)?;
        for spot in &outline.blind_spots {
            page.paragraph(INDENT, INDENT + 2, spot, Ink::Plain)?;
        }
    }
    footer(&mut page, &outline)
}

fn block(page: &mut Page<'_>, block: &Block) -> io::Result<()> {
    let number = block.number.map(|n| format!("{n:>2}")).unwrap_or_default();
    page.facts(INDENT, &number, &block.name.to_uppercase(), Ink::Severity(block.severity), &block.facts)?;
    let indent = if block.rows.is_empty() { INDENT + 2 } else { INDENT };
    page.paragraph(indent, indent, &block.title, Ink::Plain)?;
    block.rows.iter().try_for_each(|r| row(page, r))
}

fn row(page: &mut Page<'_>, row: &Row) -> io::Result<()> {
    let column = INDENT + LABEL;
    let mut label = row.label;
    for line in &row.lines {
        page.label(INDENT, column, label)?;
        match line {
            Line::Prose(text) => page.continued(column, text)?,
            Line::Code(text) if row.label == "Look" => page.whole("", text)?,
            Line::Code(text) => page.whole("    ", text)?,
            Line::Source(text) => page.whole("    see ", text)?,
        }
        label = "";
    }
    Ok(())
}

fn rest(page: &mut Page<'_>, rest: &Rest) -> io::Result<()> {
    page.paragraph(0, 0, &rest.heading, Ink::Heading)?;
    match &rest.content {
        Connections::Each { columns, rows } => table(page, columns, rows),
        Connections::Counted(counts) => counts.iter().try_for_each(|(count, text)| {
            let line = format!("{count:>6} {text}");
            page.paragraph(0, 7, &line, Ink::Plain)
        }),
    }
}

/// Rows under their headings; where the width does not hold them, each row in lines of its own.
fn table(page: &mut Page<'_>, columns: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let headings: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
    let Some((_, fixed)) = columns.split_last() else { return Ok(()) };
    let cell = |row: &Vec<String>, i: usize| row.get(i).map_or(0, |text| page::columns_of(text));
    let widths: Vec<usize> = (0..fixed.len())
        .map(|i| std::iter::once(&headings).chain(rows).map(|row| cell(row, i)).max().unwrap_or(0))
        .collect();
    let last = INDENT + widths.iter().map(|w| w + 2).sum::<usize>();
    if last + LAST_COLUMN > page.width() {
        return rows.iter().try_for_each(|row| {
            let cells = columns.iter().zip(row).skip(1).map(|(name, cell)| format!("{} {cell}", name.to_lowercase()));
            let line =
                format!("Stream {}: {}", row.first().map_or("", String::as_str), cells.collect::<Vec<_>>().join(", "));
            page.paragraph(INDENT, INDENT + 4, &line, Ink::Plain)
        });
    }
    std::iter::once(&headings).chain(rows).try_for_each(|row| page.cells(INDENT, &widths, row))
}

fn footer(page: &mut Page<'_>, outline: &Outline<'_>) -> io::Result<()> {
    if !(outline.captures.is_empty() && outline.commands.is_empty()) {
        page.blank()?;
    }
    for capture in &outline.captures {
        page.paragraph(0, 4, capture, Ink::Plain)?;
    }
    let widest = outline.commands.iter().map(|(command, _)| page::columns_of(command)).max().unwrap_or(0);
    for (command, purpose) in &outline.commands {
        // Beside each other when both fit, else the purpose goes below.
        if widest + 3 + purpose.len() <= page.width() {
            page.cells(0, &[widest + 1], &[command.clone(), (*purpose).to_owned()])?;
        } else {
            page.whole("", command)?;
            page.paragraph(4, 4, purpose, Ink::Plain)?;
        }
    }
    Ok(())
}
