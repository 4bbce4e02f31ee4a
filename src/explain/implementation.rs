//! An implementation: how it is recognised, what it limits, how it closes, its timers.

use super::CodeExplanation;
use super::behaviour::{SITUATIONS, on_the_wire, words};
use super::heirs;
use super::page::{Page, Piece, Section};
use crate::diagnosis::timers;
use crate::diagnosis::words as numbers;
use crate::knowledge::{AppliesTo, Close, Fingerprint, Implementation, Keepalive, Limit, Role, Trigger, Weight};

/// Its name and id.
pub(super) fn title(of: &Implementation) -> String {
    format!("{}: {}", of.id, of.name)
}

pub(super) fn page(of: &'static Implementation) -> Page {
    let mut what = vec![kind(of)];
    what.extend(of.note.clone());
    if let Some(month) = &of.checked {
        what.push(format!("Checked again in {month}."));
    }
    let mut sections = vec![
        Section { label: "What it is", pieces: what.into_iter().map(Piece::Text).collect() },
        Section::items("Builds on", of.uses.iter().map(|id| format!("{id}: what is said there holds for it as well."))),
        Section::items("Under", heirs(of).map(|i| format!("{}: {}", i.id, i.name))),
        Section::items("Limits", of.limits.iter().map(limit)),
    ];
    for trigger in SITUATIONS {
        let closes = of.closes.iter().filter(|c| c.triggers.first() == Some(&trigger) && !is_of_a_limit(of, c));
        sections.push(Section::items(heading(trigger), closes.map(|c| close(of, c))));
    }
    sections.push(Section::items("Timers", of.keepalives.iter().map(keepalive)));
    sections.push(Section::items("Recognised by", fingerprints(of)));
    sections.push(Section::text("Not certain", of.doubtful.clone().unwrap_or_default()));
    sections.push(Section::items("Sources", sources(of)));
    Page::new(title(of), sections)
}

/// The rows of a comparison.
pub(super) fn aspects(of: &'static Implementation) -> Vec<(&'static str, String)> {
    let limits: Vec<String> = of
        .with_inherited()
        .flat_map(|i| &i.limits)
        .filter(|l| l.default_bytes > 0 || l.close_code != 0)
        .map(|l| format!("{} {} ({})", counted(l), default(l), setting(l)))
        .collect();
    let how = |trigger| {
        let mut said: Vec<String> = Vec::new();
        for close in of.with_inherited().flat_map(|i| &i.closes).filter(|c| c.triggers.contains(&trigger)) {
            let told = match close.reason.is_empty() {
                true => on_the_wire(close.code),
                false => format!("{} \"{}\"", on_the_wire(close.code), close.reason),
            };
            let told = if close.verified { told } else { format!("{told} (not verified)") };
            if !said.contains(&told) {
                said.push(told);
            }
        }
        if said.is_empty() { "not known".to_owned() } else { said.join("; ") }
    };
    let mut aspects = vec![
        ("What it is", kind(of)),
        ("Limits", if limits.is_empty() { "none known".to_owned() } else { limits.join("; ") }),
    ];
    aspects.extend(
        [
            Trigger::Oversize,
            Trigger::InvalidUtf8,
            Trigger::Protocol,
            Trigger::Shutdown,
            Trigger::Idle,
            Trigger::Keepalive,
            Trigger::HandlerError,
        ]
        .map(|t| (heading(t), how(t))),
    );
    let timers: Vec<String> = of.with_inherited().flat_map(|i| &i.keepalives).map(spans).collect();
    aspects.push(("Timers", if timers.is_empty() { "none known".to_owned() } else { timers.join("; ") }));
    aspects
}

/// What one code says when it comes from this implementation; how it ends otherwise what the code stands for.
pub(super) fn sends(of: &'static Implementation, code: &CodeExplanation) -> Option<Page> {
    let asked = code.asked?;
    let all = || of.with_inherited().flat_map(|i| i.closes.iter().map(move |c| (i, c)));
    let own: Vec<String> = all().filter(|(_, c)| c.code == asked).map(|(i, c)| self::close(i, c)).collect();
    let stands_for = |c: &Close| c.triggers.iter().any(|t| code.entry.triggers.contains(t));
    let otherwise = all().filter(|(_, c)| c.code != asked && stands_for(c)).map(|(i, c)| self::close(i, c));
    let none = format!("{} is not known to send {asked}.", of.name);
    let sections = vec![
        Section::text("Not known", if own.is_empty() { none } else { String::new() }),
        Section::items("It sends it for", own),
        Section::items("It ends otherwise", otherwise),
    ];
    Some(Page::new(format!("{asked} from {}", of.id), sections))
}

fn heading(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Oversize => "Too large",
        Trigger::TooManyFragments => "Fragments",
        Trigger::InvalidUtf8 => "Bad UTF-8",
        Trigger::CorruptDeflate => "Bad deflate",
        Trigger::Protocol => "Bad frames",
        Trigger::BadClose => "Bad Close",
        Trigger::Shutdown => "Shutdown",
        Trigger::PageLeft => "Page left",
        Trigger::Idle => "Silence",
        Trigger::Keepalive => "No Pong",
        Trigger::MaxAge => "Age",
        Trigger::HandlerError => "Handler fails",
        Trigger::Policy => "Policy",
        Trigger::Application => "Application",
        Trigger::Answer => "Answer",
        Trigger::Other => "Else",
    }
}

/// `JVM; server and client.`
fn kind(of: &Implementation) -> String {
    let roles: Vec<&str> = of.roles.iter().copied().map(role).collect();
    let roles = roles.join(" and ");
    match of.ecosystem.eq_ignore_ascii_case(&roles) {
        true => format!("{}.", of.ecosystem),
        false => format!("{}; {roles}.", of.ecosystem),
    }
}

/// Whether an entry was made from a limit, which tells the same.
fn is_of_a_limit(of: &Implementation, close: &Close) -> bool {
    let same = |l: &Limit| l.close_code == close.code && l.close_reason == close.reason && l.how_to_change == close.fix;
    of.limits.iter().any(same)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Server => "server",
        Role::Client => "client",
        Role::Proxy => "proxy",
    }
}

fn counted(limit: &Limit) -> &'static str {
    match limit.applies_to {
        AppliesTo::Message => "message",
        AppliesTo::Frame => "frame",
        AppliesTo::DecompressedMessage => "inflated message",
        AppliesTo::Buffer => "buffer",
        AppliesTo::Other => "other",
    }
}

fn default(limit: &Limit) -> String {
    match (&limit.unit, limit.default_bytes) {
        (_, 0) => "no limit, or a derived one".to_owned(),
        (Some(unit), count) => format!("{} {unit}", numbers::grouped(count)),
        (None, count) => numbers::bytes(count),
    }
}

fn limit(of: &Limit) -> String {
    let whose = of.role.map_or(String::new(), |r| format!(", as {}", role(r)));
    let text = format!(
        "{}{whose}, by default {}. Setting: {}",
        numbers::sentence(counted(of)),
        default(of),
        ended(setting(of).to_owned())
    );
    let checked =
        if of.checked.is_empty() { String::new() } else { format!(" Checked: {}", ended(of.checked.clone())) };
    let above = match of.close_code {
        0 => " Above it: no close.".to_owned(),
        code => format!(" Above it: {}.", with_reason(code, &of.close_reason)),
    };
    let change = match of.how_to_change.is_empty() {
        true => String::new(),
        false => format!(" To change it: {}", ended(of.how_to_change.clone())),
    };
    format!("{text}{above}{change}{checked}{}", aside(of.since.as_ref(), of.note.as_ref(), of.verified))
}

/// The setting's name; where there is none, the file says so in brackets.
fn setting(of: &Limit) -> &str {
    of.setting.strip_prefix('(').and_then(|s| s.strip_suffix(')')).unwrap_or(&of.setting)
}

/// A span as settings give it: `60 s`, and `27.5 s` where it is not whole.
fn seconds(of: f64) -> String {
    let whole = of < 120.0 && (of - of.round()).abs() < 1e-9;
    if whole { format!("{of:.0} s") } else { timers::words(of) }
}

fn with_reason(code: u16, reason: &str) -> String {
    if reason.is_empty() { on_the_wire(code) } else { format!("{} \"{reason}\"", on_the_wire(code)) }
}

fn close(of: &Implementation, close: &Close) -> String {
    // Many entries begin with the name of the code.
    let name = close.name.as_ref().filter(|n| !close.trigger.starts_with(n.as_str()));
    let name = name.map_or(String::new(), |n| format!(" ({n})"));
    let scope = close.scope.as_ref().map_or(String::new(), |s| format!(", {s}"));
    let mut text = format!(
        "{}{name}{scope}: {}",
        numbers::sentence(&with_reason(close.code, &close.reason)),
        ended(close.trigger.clone())
    );
    let also: Vec<&str> = close.triggers.iter().skip(1).map(|t| words(*t)).collect();
    if !also.is_empty() {
        text = format!("{text} Also for {}.", also.join(", "));
    }
    if !close.likely_cause.is_empty() {
        text = format!("{text} Usually: {}", ended(close.likely_cause.clone()));
    }
    // What a limit's entry has said is not said again.
    if !close.fix.is_empty() && !of.limits.iter().any(|l| l.how_to_change == close.fix) {
        text = format!("{text} Fix: {}", ended(close.fix.clone()));
    }
    text + &aside(close.since.as_ref(), close.note.as_ref(), close.verified)
}

fn spans(of: &Keepalive) -> String {
    let mut parts = Vec::new();
    let pings = of.ping_interval_s > 0.0;
    if pings {
        parts.push(format!("a Ping every {}", seconds(of.ping_interval_s)));
    }
    if of.timeout_s > 0.0 {
        let what = if pings { "Pong awaited for" } else { "silence ends after" };
        parts.push(format!("{what} {}", seconds(of.timeout_s)));
    }
    if let Some(age) = of.max_duration_s.filter(|s| *s > 0.0) {
        parts.push(format!("connections end after {}", seconds(age)));
    }
    if parts.is_empty() { "off by default".to_owned() } else { parts.join(", ") }
}

fn keepalive(of: &Keepalive) -> String {
    let then = match of.on_timeout_code {
        0 => String::new(),
        code => format!(" When it runs out: {}.", with_reason(code, &of.on_timeout_reason)),
    };
    let setting = if of.setting.is_empty() { String::new() } else { format!(": {}", of.setting) };
    let text = ended(format!("{}{setting}", numbers::sentence(&spans(of))));
    format!("{text}{then}{}", aside(of.since.as_ref(), of.note.as_ref(), of.verified))
}

/// Its rules; what holds for several roles is told once.
fn fingerprints(of: &Implementation) -> Vec<String> {
    let mut told: Vec<(String, String)> = Vec::new();
    for rule in &of.fingerprints {
        let (role, text) = (role(rule.role), fingerprint(rule));
        match told.iter_mut().find(|(_, known)| *known == text) {
            Some((roles, _)) if roles.split(" or ").any(|r| r == role) => {}
            Some((roles, _)) => *roles = format!("{roles} or {role}"),
            None => told.push((role.to_owned(), text)),
        }
    }
    told.into_iter().map(|(roles, text)| format!("{}, {text}", numbers::sentence(&roles))).collect()
}

fn fingerprint(of: &Fingerprint) -> String {
    let mut signs = Vec::new();
    let quoted = |all: &[String]| all.iter().map(|p| format!("\"{p}\"")).collect::<Vec<_>>().join(" or ");
    if let Some(line) = &of.start_line {
        signs.push(format!("first line \"{line}\""));
    }
    if !of.fields.is_empty() {
        signs.push(format!("header fields in this order: {}", of.fields.join(", ")));
    }
    if !of.absent.is_empty() {
        signs.push(format!("no {}", of.absent.join(", no ")));
    }
    signs.extend(of.field.iter().map(|(name, values)| format!("{name}: {}", quoted(values))));
    for (what, values) in [
        ("path", &of.path),
        ("host", &of.host),
        ("subprotocol", &of.subprotocol),
        ("extensions", &of.extensions),
        ("close reason", &of.close_reason),
    ] {
        if !values.is_empty() {
            signs.push(format!("{what} {}", quoted(values)));
        }
    }
    if let Some(code) = of.close_code {
        signs.push(format!("with Close {code}"));
    }
    let sure = if of.confidence == Weight::Likely { "likely" } else { "possible" };
    let alike = match of.shared_with.is_empty() {
        true => String::new(),
        false => format!(" The same as {}.", of.shared_with.join(", ")),
    };
    let text = ended(format!("{sure}: {}", signs.join("; ")));
    format!("{text}{alike}{}", aside(None, of.note.as_ref(), of.verified))
}

/// What an entry says besides.
fn aside(since: Option<&String>, note: Option<&String>, verified: bool) -> String {
    let mut text = String::new();
    if let Some(since) = since {
        text = format!(" Versions: {}", ended(since.clone()));
    }
    if let Some(note) = note {
        text = format!("{text} {}", ended(numbers::sentence(note)));
    }
    if !verified { text + " Not verified." } else { text }
}

/// `text` with the full stop of a sentence.
fn ended(text: String) -> String {
    if text.ends_with(['.', '?']) { text } else { text + "." }
}

/// Every source once, in the order in which they are used.
fn sources(of: &Implementation) -> Vec<String> {
    let all = of.limits.iter().map(|l| &l.source).chain(of.closes.iter().map(|c| &c.source));
    let all = all.chain(of.keepalives.iter().map(|k| &k.source)).chain(of.fingerprints.iter().map(|f| &f.source));
    let mut once: Vec<String> = Vec::new();
    for source in all.filter(|s| !s.is_empty()) {
        if !once.contains(source) {
            once.push(source.clone());
        }
    }
    once
}
