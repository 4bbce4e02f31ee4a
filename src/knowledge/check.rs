//! Whether a knowledge file is as it has to be: the same for the embedded ones and for those that a user adds.

use std::fmt;

use super::fingerprint::Fingerprint;
use super::implementation::Implementation;
use super::pattern;
use crate::nearest::nearest;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1; `None` where it is the whole file.
    pub line: Option<usize>,
    /// What is wrong, for a sentence that begins with the place.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl Fault {
    /// Something wrong with the file as a whole.
    pub(super) fn whole(reason: String) -> Fault {
        Fault { line: None, reason }
    }

    /// What the parser says, with the key that was meant.
    pub(super) fn of_toml(error: &toml::de::Error, text: &str) -> Fault {
        let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = error.message().lines().next().unwrap_or_default().replace('`', "\"");
        let mut quoted = message.split('"').skip(1).step_by(2);
        let reason = match quoted.next() {
            Some(found) if message.starts_with("unknown ") => {
                let known: Vec<&str> = quoted.collect();
                let what =
                    message.split(" \"").next().unwrap_or_default().replace("variant", "value").replace("field", "key");
                match nearest(found, known.iter().copied()) {
                    Some(meant) => format!("{what} \"{found}\"; did you mean \"{meant}\"?"),
                    None => format!("{what} \"{found}\"; known are {}", known.join(", ")),
                }
            }
            _ => message.replace("missing field", "missing key"),
        };
        Fault { line, reason }
    }
}

/// Checks what the types cannot say. `known` tells whether an id exists.
pub(super) fn check(id: &str, file: &Implementation, text: &str, known: &dyn Fn(&str) -> bool) -> Result<(), Fault> {
    let at = Lines { text };
    let fail = |line: Option<usize>, reason: String| Err(Fault { line, reason });
    if file.id != id {
        return fail(
            at.key("id"),
            format!("the id is \"{}\", and the file is called {id}.toml: they have to agree", file.id),
        );
    }
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return fail(at.key("id"), "an id is made of a to z, 0 to 9 and -".to_owned());
    }
    if file.name.trim().is_empty() {
        return fail(at.key("name"), "the name is empty".to_owned());
    }
    if file.roles.is_empty() {
        return fail(at.key("roles"), "roles is empty: server, client or proxy".to_owned());
    }
    for used in &file.uses {
        if !known(used) || used == id {
            return fail(at.key("uses"), format!("uses names \"{used}\", which is no id of another file"));
        }
    }
    for (n, print) in file.fingerprints.iter().enumerate() {
        let line = at.table("fingerprint", n);
        if let Some(reason) = fault_of(print, known) {
            return fail(line, format!("this fingerprint {reason}"));
        }
        if !file.roles.contains(&print.role) {
            return fail(line, "this fingerprint is for a role that is not among the roles of the file".to_owned());
        }
    }
    for (n, limit) in file.limits.iter().enumerate() {
        let text = entry(limit.close_code, &[&limit.close_reason], &limit.source)
            .or_else(|| limit.setting.trim().is_empty().then(|| "names no setting".to_owned()));
        if let Some(reason) = text {
            return fail(at.table("limit", n), format!("this limit {reason}"));
        }
    }
    for (n, close) in file.closes.iter().enumerate() {
        let text = entry(close.code, &[&close.reason], &close.source)
            .or_else(|| close.triggers.is_empty().then(|| "names no trigger".to_owned()));
        if let Some(reason) = text {
            return fail(at.table("close", n), format!("this close {reason}"));
        }
    }
    for (n, timer) in file.keepalives.iter().enumerate() {
        let times = [timer.ping_interval_s, timer.timeout_s, timer.max_duration_s.unwrap_or(0.0)];
        let text = entry(timer.on_timeout_code, &[&timer.on_timeout_reason], &timer.source).or_else(|| {
            times
                .iter()
                .any(|s| !s.is_finite() || *s < 0.0)
                .then(|| "has a time that is no number of seconds".to_owned())
        });
        if let Some(reason) = text {
            return fail(at.table("keepalive", n), format!("this keepalive {reason}"));
        }
    }
    Ok(())
}

/// What every entry that closes has to have.
fn entry(code: u16, patterns: &[&str], source: &str) -> Option<String> {
    // Above 4999 no code is legal, and some servers send one all the same.
    if (1..1000).contains(&code) {
        return Some(format!("has the code {code}: codes begin at 1000, and 0 stands for no close"));
    }
    if source.trim().is_empty() {
        return Some("names no source".to_owned());
    }
    patterns.iter().find_map(|p| pattern::fault(p)).map(|why| format!("has a pattern that {why}"))
}

fn fault_of(print: &Fingerprint, known: &dyn Fn(&str) -> bool) -> Option<String> {
    if print.says_nothing() {
        return Some("has no condition by which to recognise anything".to_owned());
    }
    if let Some(id) = print.over.iter().chain(&print.shared_with).find(|id| !known(id)) {
        return Some(format!("names \"{id}\", which is the id of no file"));
    }
    if print.close_code.is_some() && print.close_reason.is_empty() {
        return Some("has a close_code without a close_reason".to_owned());
    }
    let patterns: Vec<&str> = print.patterns().collect();
    // A code that may not be sent tells a server that sends it all the better.
    entry(0, &patterns, &print.source)
}

/// Finds the line of an entry, as far as the usual way to write the tables goes.
struct Lines<'t> {
    text: &'t str,
}

impl Lines<'_> {
    /// The line of a key that stands before all tables.
    fn key(&self, key: &str) -> Option<usize> {
        let before = self.text.lines().take_while(|l| !l.trim_start().starts_with("[["));
        let is_it = |l: &str| l.split('=').next().is_some_and(|k| k.trim() == key);
        before.enumerate().find(|(_, l)| is_it(l)).map(|(n, _)| n + 1)
    }

    /// The line at which the table `[[name]]` begins for the `nth` time, counted from 0.
    fn table(&self, name: &str, nth: usize) -> Option<usize> {
        let header = format!("[[{name}]]");
        let lines = self.text.lines().enumerate().filter(|(_, l)| l.trim_start().starts_with(&header));
        lines.map(|(n, _)| n + 1).nth(nth)
    }
}
