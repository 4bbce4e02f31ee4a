//! What the user typed.

use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser, ValueParserFactory};
use clap::{ColorChoice, Parser, Subcommand};

use wsdiag::explain::Form;
use wsdiag::report::{FORMATS, Format};

/// Says why the WebSocket connections in a packet capture closed, who provoked it and what to change.
#[derive(Debug, Parser)]
#[command(
    name = "wsdiag",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// Captures to read (pcap or pcapng, also in gzip, zstd or lz4), folders of them, - for standard input
    ///
    /// Several captures are one timeline: the files of a ring buffer, or what was recorded at two places.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    /// Form of the report [default: by the extension of --output, else text]
    #[arg(short, long, value_name = "FORMAT")]
    pub(super) format: Option<Chosen>,

    /// Write the report to FILE instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// TLS key log that opens wss:// connections; may be given several times
    ///
    /// Written by browsers, curl and Python where SSLKEYLOGFILE names a file, by Node.js (--tls-keylog=FILE), OpenSSL
    /// (-keylogfile FILE), Go (KeyLogWriter) and others. The file that SSLKEYLOGFILE names is read too, if it is there, and so
    /// are keys inside a pcapng. The README says how to get them.
    #[arg(short, long, value_name = "FILE")]
    pub(super) keylog: Vec<PathBuf>,

    /// Know the implementations too that the files in FOLDER describe (repeatable)
    ///
    /// A file whose id is one that wsdiag knows replaces that. See docs/knowledge.md.
    #[arg(long, value_name = "FOLDER")]
    pub(super) knowledge: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) looks: Looks,
}

/// How text looks.
#[derive(Debug, clap::Args)]
pub(super) struct Looks {
    /// Whether to use colours; auto heeds NO_COLOR and CLICOLOR
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub(super) color: ColorChoice,

    /// Columns of a line [default: as the terminal is, at most 110; 80 elsewhere]
    #[arg(long, value_name = "COLUMNS", global = true, value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub(super) width: Option<u16>,
}

/// What to do other than to read captures.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Explain close codes, causes and implementations, alone or side by side
    ///
    /// A capture that is called "explain" can be read as ./explain.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explained),
}

/// What to explain.
#[derive(Debug, clap::Args)]
pub(super) struct Explained {
    /// Codes (1009), ranges (4000-4999), causes (message-over-limit) or implementations (tomcat); several are compared
    #[arg(value_name = "WORD")]
    pub(super) words: Vec<String>,

    /// List everything that can be explained; so does explain without a word
    #[arg(short, long, conflicts_with = "words")]
    pub(super) list: bool,

    /// Form of the explanation
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: ExplainedAs,
}

/// The forms of an explanation.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum ExplainedAs {
    /// For people, in a terminal
    Text,
    /// To paste into a ticket
    Markdown,
    /// For programs
    Json,
}

impl From<ExplainedAs> for Form {
    fn from(format: ExplainedAs) -> Form {
        match format {
            ExplainedAs::Text => Form::Text,
            ExplainedAs::Markdown => Form::Markdown,
            ExplainedAs::Json => Form::Json,
        }
    }
}

/// A format by its name. The names come from the list of formats, so that a new one needs no line here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen(pub(super) &'static Format);

impl ValueParserFactory for Chosen {
    type Parser = FormatParser;

    fn value_parser() -> FormatParser {
        FormatParser
    }
}

/// Reads a [`Chosen`].
#[derive(Debug, Clone)]
pub(super) struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = Chosen;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Chosen, clap::Error> {
        let names = clap::builder::PossibleValuesParser::new(FORMATS.iter().map(|f| f.name));
        let name = names.parse_ref(cmd, arg, value)?;
        Format::named(&name)
            .map(Chosen)
            .ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidValue).with_cmd(cmd))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.description))))
    }
}

const EXAMPLES: &str = "\
Examples:
  wsdiag capture.pcapng                why did the connections close?
  wsdiag ring/                         the same for all captures in a folder
  tcpdump -w - port 80 | wsdiag -      the same as it happens, until Ctrl-C
  wsdiag -o ticket.md capture.pcapng   the same for a ticket
  wsdiag explain 1009                  what a close code means and who sends it

Exit codes:
  0  everything was read and no problem was found
  1  at least one problem was found
  2  the input or the arguments could not be read; the report then covers
     what could be";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  wsdiag explain 1009                  what a code means, who sends it, the fix
  wsdiag explain 1007 1009             two codes side by side
  wsdiag explain 4000-4999             a range, with what protocols put into it
  wsdiag explain message-over-limit    a cause that a report names
  wsdiag explain tomcat                limits, closes and timers of a server
  wsdiag explain 'going away' nginx    by name, of any kind
  wsdiag explain --list --format json  everything there is";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parsed(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once(&"wsdiag").chain(arguments))
    }

    #[test]
    fn clap_finds_nothing_wrong() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_is_as_reviewed() {
        insta::assert_snapshot!(Arguments::command().term_width(80).render_help());
    }

    #[test]
    fn help_of_explain_is_as_reviewed() {
        let command = Arguments::command().find_subcommand("explain").unwrap().clone();
        insta::assert_snapshot!(command.term_width(80).render_help());
    }

    #[test]
    fn explain_is_a_command_only_in_front() {
        let explained = parsed(&["explain", "message-over-limit"]).unwrap();
        assert!(matches!(explained.command, Some(Command::Explain(e)) if e.words == ["message-over-limit"]));
        assert!(parsed(&["explain"]).is_ok());
        for files in [&["./explain"][..], &["a.pcap", "explain"], &["--", "explain"]] {
            let files = parsed(files).unwrap();
            assert!(files.command.is_none() && !files.files.is_empty());
        }
    }

    #[test]
    fn formats_are_those_of_the_list() {
        for f in FORMATS {
            assert_eq!(parsed(&["-f", f.name, "a.pcap"]).unwrap().format.unwrap().0.name, f.name);
        }
        let error = parsed(&["-f", "jsn", "a.pcap"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("json"), "{error}");
    }

    #[test]
    fn files_are_required_and_widths_sane() {
        assert_eq!(parsed(&[]).unwrap_err().exit_code(), 2);
        assert_eq!(parsed(&["--width", "3", "a.pcap"]).unwrap_err().exit_code(), 2);
        assert_eq!(parsed(&["--help"]).unwrap_err().exit_code(), 0);
        assert_eq!(parsed(&["--version"]).unwrap_err().exit_code(), 0);
    }
}
