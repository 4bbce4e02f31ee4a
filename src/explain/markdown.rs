//! Explanations as Markdown, for a ticket or a wiki.

use std::io;

use super::Answer;
use super::compare::Comparison;
use super::page::{Page, Part, Piece, parts};
use crate::report::{code, prose};

pub(super) fn write(answer: &Answer, out: &mut dyn io::Write) -> io::Result<()> {
    match answer {
        Answer::Listed(catalogue) => page(&catalogue.page(), out),
        Answer::Explained(all) => {
            let mut first = true;
            for part in parts(all) {
                if !std::mem::take(&mut first) {
                    writeln!(out)?;
                }
                match part {
                    Part::Page(page) => self::page(&page, out)?,
                    Part::Comparison(comparison) => self::comparison(&comparison, out)?,
                }
            }
            Ok(())
        }
    }
}

fn page(page: &Page, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "# {}", prose(&page.title))?;
    if !page.body.is_empty() {
        writeln!(out, "\n{}", page.body.trim_end())?;
    }
    for section in &page.sections {
        writeln!(out, "\n## {}\n", section.label)?;
        for (i, piece) in section.pieces.iter().enumerate() {
            match piece {
                Piece::Item(text) => writeln!(out, "- {}", prose(text))?,
                _ if i > 0 => write!(out, "\n{}", paragraph(piece))?,
                _ => write!(out, "{}", paragraph(piece))?,
            }
        }
    }
    Ok(())
}

fn paragraph(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) | Piece::Item(text) => format!("{}\n", prose(text)),
        Piece::Code(line) => format!("{}\n", code(line)),
    }
}

fn comparison(of: &Comparison, out: &mut dyn io::Write) -> io::Result<()> {
    let columns: Vec<String> = of.columns.iter().map(|c| prose(c)).collect();
    writeln!(out, "# {}\n", columns.join(" / "))?;
    writeln!(out, "| | {} |", columns.join(" | "))?;
    writeln!(out, "|{}", " --- |".repeat(columns.len() + 1))?;
    for (label, cells) in &of.rows {
        let cells: Vec<String> = cells.iter().map(|c| prose(c)).collect();
        writeln!(out, "| **{label}** | {} |", cells.join(" | "))?;
    }
    if !of.differences.is_empty() {
        writeln!(out, "\n## Key differences\n")?;
        of.differences.iter().try_for_each(|d| writeln!(out, "- {}", prose(d)))?;
    }
    writeln!(out, "\n## More\n")?;
    of.more.iter().try_for_each(|m| writeln!(out, "- {}", code(m)))
}
