//! A close code: its entry, its neighbours, and who sends it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::behaviour::{self, Behaviour, SITUATIONS, on_the_wire, words};
use super::implementations;
use super::page::{Page, Piece, Section};
use super::{Explanation, summary};
use crate::diagnosis::application_codes::{Defined, defined_between};
use crate::diagnosis::words as numbers;
use crate::knowledge::{CloseCode, close_code, close_codes, confusions};
use crate::report::model::Party;

/// What a close code means, and who sends it.
#[derive(Debug, Serialize)]
pub struct CodeExplanation {
    /// The code that was asked for; `None` for a range.
    pub asked: Option<u16>,
    /// The entry of the code or of the range that holds it.
    #[serde(flatten)]
    pub entry: &'static CloseCode,
    /// Codes that it is taken for.
    pub confused_with: Vec<Difference>,
    /// What protocols on top of WebSocket define it to mean.
    pub defined_by: Vec<Defined>,
    /// Who sends it in the situations that it stands for.
    pub sent_by: Vec<&'static Behaviour>,
    /// Who ends the connection otherwise in these situations.
    pub sent_instead: Vec<&'static Behaviour>,
    /// Who sends it in other situations.
    pub also_sent_for: Vec<&'static Behaviour>,
    /// What implementations say with it, where the protocol leaves the meaning to them.
    pub meant_by: Vec<Meant>,
}

/// What an implementation says with a code of its own.
#[derive(Debug, Serialize)]
pub struct Meant {
    /// Its id.
    pub id: &'static str,
    /// What it calls the code.
    pub name: Option<&'static str>,
    /// The reason that it sends along, a pattern; empty for none.
    pub reason: &'static str,
    /// When it sends it.
    pub trigger: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Whether it was confirmed from source code or by running it.
    pub verified: bool,
}

/// A code that another is taken for.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// The other code.
    pub code: u16,
    /// Its name.
    pub name: &'static str,
    /// How the two differ.
    pub difference: &'static str,
}

impl CodeExplanation {
    /// Everything about that code.
    pub(super) fn of(code: u16) -> Option<CodeExplanation> {
        close_code(code).map(|entry| CodeExplanation::new(Some(code), entry))
    }

    /// Everything about the code or range of that entry.
    pub(super) fn of_entry(entry: &'static CloseCode) -> CodeExplanation {
        CodeExplanation::new(entry.code_end.is_none().then_some(entry.code), entry)
    }

    fn new(asked: Option<u16>, entry: &'static CloseCode) -> CodeExplanation {
        let (first, last) = asked.map_or((entry.code, entry.code_end.unwrap_or(entry.code)), |c| (c, c));
        let mut explanation = CodeExplanation {
            asked,
            entry,
            confused_with: Vec::new(),
            // A registered code has an entry of its own.
            defined_by: defined_between(first, last)
                .filter(|d| d.meaning.protocol.is_some() || d.meaning.habit)
                .collect(),
            sent_by: Vec::new(),
            sent_instead: Vec::new(),
            also_sent_for: Vec::new(),
            meant_by: Vec::new(),
        };
        let Some(code) = asked else { return explanation };
        for confusion in confusions() {
            let other = match confusion.codes {
                [a, b] if a == code => b,
                [a, b] if b == code => a,
                _ => continue,
            };
            explanation.confused_with.push(Difference {
                code: other,
                name: close_code(other).map_or("", |c| &c.name),
                difference: &confusion.difference,
            });
        }
        // In the files 0 stands for no Close at all.
        if code == 0 {
            return explanation;
        }
        if (3000..=4999).contains(&code) {
            explanation.meant_by = meant(code);
            return explanation;
        }
        for trigger in SITUATIONS {
            let meant = entry.triggers.contains(&trigger);
            for behaviour in behaviour::for_trigger(trigger) {
                match (meant, behaviour.code == code) {
                    (true, true) => explanation.sent_by.push(behaviour),
                    (true, false) => explanation.sent_instead.push(behaviour),
                    (false, true) => explanation.also_sent_for.push(behaviour),
                    (false, false) => {}
                }
            }
        }
        explanation
    }

    /// `1009`, or `4000-4999`.
    pub(super) fn number(&self) -> String {
        self.asked.map_or_else(|| span(self.entry.code, self.entry.code_end), |code| code.to_string())
    }

    /// The code and its name.
    pub(super) fn title(&self) -> String {
        match (self.asked, self.entry.code_end) {
            (Some(code), Some(_)) => {
                format!("{code}: {} ({})", self.entry.name, span(self.entry.code, self.entry.code_end))
            }
            _ => format!("{}: {}", self.number(), self.entry.name),
        }
    }

    /// The rows of a comparison.
    pub(super) fn aspects(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Meaning", self.entry.meaning.clone()),
            ("Seen when", self.entry.sent_when.clone()),
            ("Sent by", self.senders() + &self.counted()),
            ("Fix", self.entry.fix.clone()),
            ("In a log", self.entry.read_as.clone()),
            ("Send it when", self.entry.use_when.clone()),
        ]
    }

    fn senders(&self) -> String {
        let wire = if self.entry.may_be_sent_on_wire { "" } else { "; it must not stand in a Close frame" };
        let who = if self.entry.typical_sender == "both" { "either end" } else { &self.entry.typical_sender };
        format!("{}{wire}.", numbers::sentence(who))
    }

    /// How many send it in the situations that it stands for, and how many do not.
    fn counted(&self) -> String {
        let mut text = String::new();
        for trigger in &self.entry.triggers {
            let ids = |of: &[&'static Behaviour]| {
                let closers = of.iter().filter(|b| b.trigger == *trigger).flat_map(|b| &b.implementations);
                closers.map(|c| c.id).collect::<BTreeSet<_>>()
            };
            let (sent, instead) = (ids(&self.sent_by), ids(&self.sent_instead));
            let only = instead.difference(&sent).count();
            if !sent.is_empty() {
                let count = numbers::count(sent.len(), "known implementation sends", "known implementations send");
                text = format!("{text} {count} it for {}", words(*trigger));
                if only > 0 {
                    text = format!("{text}; {} otherwise", numbers::count(only, "other ends", "others end"));
                }
                text.push('.');
            }
        }
        text
    }

    pub(super) fn page(&self) -> Page {
        let mut sections: Vec<Section> =
            self.aspects().into_iter().map(|(label, text)| Section::text(label, text)).collect();
        sections.push(Section::items(
            "Confused with",
            self.confused_with.iter().map(|d| format!("{} {}. {}", d.code, d.name, d.difference)),
        ));
        sections.push(Section::items("Defined as", self.defined_by.iter().map(defined)));
        sections.push(Section::items("Meant by", self.meant_by.iter().map(Meant::told)));
        sections.push(Section::items("Registered", self.registered()));
        let number = self.number();
        sections.push(Section::items("Who sends it", self.sent_by.iter().map(|b| told(words(b.trigger), b))));
        sections.push(Section::items("Who does not", instead(&self.sent_instead)));
        let also = match (self.asked, self.sent_by.is_empty()) {
            (Some(1006), _) => "Who ends TCP without a Close",
            (Some(1005), _) => "Who sends a Close without a code",
            (_, true) => "Who sends it",
            _ => "Also sent for",
        };
        sections.push(Section::items(also, self.also_sent_for.iter().map(|b| told(words(b.trigger), b))));
        let causes = self.entry.causes.iter();
        sections.push(Section::items(
            "Causes",
            causes.map(|id| summary(id).map_or_else(|| id.clone(), |s| format!("{id}: {s}"))),
        ));
        let entry = self.entry;
        let mut written = entry.rfc.clone();
        if entry.range_owner != "none" && !written.contains(&entry.range_owner) {
            written = format!("{written}; owner of the number: {}", entry.range_owner);
        }
        let mut source = vec![Piece::Text(format!("{written}."))];
        if !entry.verified {
            source.push(Piece::Text(format!("Not verified: {}.", entry.source)));
        } else if !entry.source.starts_with("RFC 6455 section") {
            source.push(Piece::Text(format!("Known from: {}.", entry.source)));
        }
        sections.push(Section { label: "Written in", pieces: source });
        let others = self.confused_with.iter().take(1).map(|d| format!("wsdiag explain {number} {}", d.code));
        sections.push(Section { label: "More", pieces: others.map(Piece::Code).collect() });
        Page::new(self.title(), sections)
    }

    /// The codes of a range that have an entry of their own.
    fn registered(&self) -> impl Iterator<Item = String> {
        let range = if self.asked.is_none() { self.entry.code_end.map(|end| self.entry.code..=end) } else { None };
        let single = close_codes()
            .iter()
            .filter(move |c| c.code_end.is_none() && range.as_ref().is_some_and(|r| r.contains(&c.code)));
        single.map(|c| format!("{} {}: {}", c.code, c.name, c.meaning))
    }
}

impl Meant {
    fn told(&self) -> String {
        let name = self.name.filter(|n| !self.trigger.starts_with(n));
        let name = name.map_or(String::new(), |n| format!(" ({n})"));
        let reason = if self.reason.is_empty() { String::new() } else { format!(", with \"{}\"", self.reason) };
        let fix = self.fix.trim_end_matches('.');
        let fix = if fix.is_empty() { String::new() } else { format!(" Fix: {fix}.") };
        let verified = if self.verified { "" } else { " Not verified." };
        format!("{}{name}{reason}: {}.{fix}{verified}", self.id, self.trigger.trim_end_matches('.'))
    }
}

/// What everybody says with a code that the protocol gives no meaning.
fn meant(code: u16) -> Vec<Meant> {
    let closes = implementations().flat_map(|i| i.closes.iter().map(move |c| (i, c)));
    let meant = closes.filter(|(_, c)| c.code == code).map(|(i, c)| Meant {
        id: &i.id,
        name: c.name.as_deref(),
        reason: &c.reason,
        trigger: &c.trigger,
        fix: &c.fix,
        verified: c.verified,
    });
    meant.collect()
}

impl From<CodeExplanation> for Explanation {
    fn from(code: CodeExplanation) -> Self {
        Explanation::Code(Box::new(code))
    }
}

/// `4000`, `4000-4999`.
pub(super) fn span(first: u16, last: Option<u16>) -> String {
    last.map_or_else(|| first.to_string(), |last| format!("{first}-{last}"))
}

/// One definition: `4401 in graphql-transport-ws: ...`.
fn defined(of: &Defined) -> String {
    let whose =
        of.meaning.protocol.map_or_else(|| "by habit of many applications".to_owned(), |name| format!("in {name}"));
    let who = match of.meaning.change {
        Party::Client => "The client: ",
        Party::Server => "The server: ",
        _ => "",
    };
    let fix = if who.is_empty() { numbers::sentence(of.meaning.fix) } else { of.meaning.fix.to_owned() };
    format!("{} {whose}: {}. {who}{fix}", span(of.code, of.code_end), of.meaning.text)
}

/// Who ends otherwise: a line for each situation and code, and one for all codes that are their senders' own.
fn instead(all: &[&'static Behaviour]) -> Vec<String> {
    let is_own = |b: &Behaviour| (3000..=4999).contains(&b.code);
    let mut lines = Vec::new();
    for same in all.chunk_by(|a, b| a.trigger == b.trigger) {
        let Some(what) = same.first().map(|b| words(b.trigger)) else { continue };
        let mut own: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
        for behaviour in same {
            if is_own(behaviour) {
                for closer in &behaviour.implementations {
                    own.entry(closer.id).or_default().insert(behaviour.code);
                }
            } else {
                let how = numbers::sentence(&on_the_wire(behaviour.code));
                lines.push(told(&format!("{how}, for {what}"), behaviour));
            }
        }
        if !own.is_empty() {
            let each = own.iter().map(|(id, codes)| {
                format!("{id} ({})", codes.iter().map(u16::to_string).collect::<Vec<_>>().join(", "))
            });
            lines.push(format!("A code of its own, for {what}: {}", each.collect::<Vec<_>>().join(", ")));
        }
    }
    lines
}

/// `For silence: tomcat, jetty (30 s)`.
fn told(what: &str, of: &Behaviour) -> String {
    let names: Vec<String> = of
        .implementations
        .iter()
        .map(|c| {
            let limit = c.limit_bytes.map(numbers::rounded);
            match (limit, c.verified) {
                (Some(limit), true) => format!("{} ({limit})", c.id),
                (Some(limit), false) => format!("{} ({limit}, not verified)", c.id),
                (None, true) => c.id.to_owned(),
                (None, false) => format!("{} (not verified)", c.id),
            }
        })
        .collect();
    let limits = of.implementations.iter().any(|c| c.limit_bytes.is_some());
    let what = if limits { format!("{what} (in brackets its smallest default)") } else { what.to_owned() };
    let what = if what.starts_with(char::is_uppercase) { what } else { format!("For {what}") };
    format!("{what}: {}", names.join(", "))
}
