//! The report to paste into a ticket: the terminal's sentences in Markdown.

mod escape;

use std::io;

use super::model::Report;
use super::outline::{Block, Connections, Line, Outline, Rest, Row};
use super::{Format, Style};
pub(crate) use escape::{code, prose};
use escape::{fenced, link};

/// See the module.
pub(super) const FORMAT: Format =
    Format { name: "markdown", description: "to paste into a ticket", extension: "md", write: render };

fn render(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let outline = Outline::of(report);
    if !outline.headline.is_empty() {
        writeln!(out, "## {}\n", prose(outline.headline))?;
    }
    for section in &outline.sections {
        if let Some(heading) = section.heading {
            writeln!(out, "### {heading}\n")?;
        }
        for block in &section.blocks {
            self::block(block, section.heading.is_some(), out)?;
        }
    }
    if let Some(rest) = &outline.rest {
        self::rest(rest, out)?;
    }
    if !outline.blind_spots.is_empty() {
        writeln!(out, "### What this capture cannot show\n")?;
        outline.blind_spots.iter().try_for_each(|spot| writeln!(out, "- {}", prose(spot)))?;
        writeln!(out)?;
    }
    writeln!(out, "---\n")?;
    for capture in &outline.captures {
        writeln!(out, "- {}", prose(capture))?;
    }
    if !outline.causes.is_empty() {
        let commands: Vec<String> = outline.causes.iter().map(|c| code(&format!("wsdiag explain {c}"))).collect();
        writeln!(out, "- More: {}", commands.join(", "))?;
    }
    writeln!(out, "- By {} {}", report.tool.name, report.tool.version)
}

/// A heading with name and facts, then the rows. Notices have no rows and are list items.
fn block(block: &Block, nested: bool, out: &mut dyn io::Write) -> io::Result<()> {
    let facts = block.facts.iter().map(|f| prose(f)).collect::<Vec<_>>().join(", ");
    let name = prose(&capital(&block.name));
    let Some(number) = block.number else {
        let title = if block.title.is_empty() { String::new() } else { format!(": {}", prose(&block.title)) };
        return writeln!(out, "- **{name}** ({facts}){title}\n");
    };
    let level = if nested { "####" } else { "###" };
    writeln!(out, "{level} {number}. {name}: {facts}\n")?;
    if !block.title.is_empty() {
        writeln!(out, "{}\n", prose(&block.title))?;
    }
    block.rows.iter().try_for_each(|r| row(r, out))
}

/// One line beside its label; several prose lines as a list; with code among them, paragraphs and fences.
fn row(row: &Row, out: &mut dyn io::Write) -> io::Result<()> {
    let label = row.label;
    if let [Line::Prose(text)] = row.lines.as_slice() {
        return writeln!(out, "**{label}:** {}\n", prose(text));
    }
    if row.lines.iter().all(|l| matches!(l, Line::Prose(_))) {
        writeln!(out, "**{label}:**\n")?;
        for line in &row.lines {
            write_line(line, "- ", "\n", out)?;
        }
        return writeln!(out);
    }
    let mut before = format!("**{label}:** ");
    for lines in row.lines.chunk_by(|a, b| matches!((a, b), (Line::Code(_), Line::Code(_)))) {
        if let [Line::Code(_), ..] = lines {
            let code: Vec<&str> =
                lines.iter().filter_map(|l| if let Line::Code(c) = l { Some(c.as_str()) } else { None }).collect();
            let label = if before.is_empty() { String::new() } else { format!("{}\n\n", before.trim_end()) };
            writeln!(out, "{label}{}\n", fenced(&code))?;
        } else {
            for line in lines {
                write_line(line, &before, "\n\n", out)?;
            }
        }
        before.clear();
    }
    Ok(())
}

fn write_line(line: &Line, before: &str, after: &str, out: &mut dyn io::Write) -> io::Result<()> {
    match line {
        Line::Prose(text) => write!(out, "{before}{}{after}", prose(text)),
        Line::Source(text) => write!(out, "{before}See {}{after}", link(text)),
        Line::Code(text) => write!(out, "{before}{}{after}", code(text)),
    }
}

fn rest(rest: &Rest, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "### {}\n", prose(&rest.heading))?;
    match &rest.content {
        Connections::Each { columns, rows } => {
            writeln!(out, "| {} |", columns.join(" | "))?;
            writeln!(out, "|{}", " --- |".repeat(columns.len()))?;
            for row in rows {
                writeln!(out, "| {} |", row.iter().map(|cell| prose(cell)).collect::<Vec<_>>().join(" | "))?;
            }
        }
        Connections::Counted(counts) => {
            for (count, text) in counts {
                writeln!(out, "- {count} {}", prose(text))?;
            }
        }
    }
    writeln!(out)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
