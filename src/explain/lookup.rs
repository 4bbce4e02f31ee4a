//! Which things words mean.
//!
//! Words are read from left to right, as many at a time as name one thing: `1007 1009` are two things, `message over
//! limit` is one. What names a thing exactly goes before what stands for a part of its name.

use super::implementations;
use super::{CauseExplanation, CodeExplanation, Explanation};
use crate::diagnosis::causes::CAUSES;
use crate::knowledge::{close_code, close_codes};
use crate::nearest::distance;

/// Names that are offered for a word that means nothing.
const NEAREST: usize = 3;

/// Words that logs put before a code.
const SAID_OF_CODES: [&str; 5] = ["code", "close", "closed", "error", "status"];

/// Why words could not be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misunderstood {
    /// Nothing is called so; these come nearest.
    Unknown(String, Vec<String>),
    /// Several things are called so.
    Ambiguous(String, Vec<String>),
    /// A number that no close code can be.
    TooLarge(String),
}

impl std::fmt::Display for Misunderstood {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const ALL: &str = "\"wsdiag explain --list\" shows everything";
        match self {
            Misunderstood::Unknown(asked, near) if near.is_empty() => {
                write!(f, "no code, cause or implementation is called {asked:?}; {ALL}")
            }
            Misunderstood::Unknown(asked, near) => write!(
                f,
                "no code, cause or implementation is called {asked:?}; did you mean {}? {ALL}",
                near.join(" or ")
            ),
            Misunderstood::Ambiguous(asked, candidates) => {
                write!(f, "{asked:?} can be several things; ask for one of:")?;
                candidates.iter().try_for_each(|c| write!(f, "\n  wsdiag explain {c}"))
            }
            Misunderstood::TooLarge(asked) => {
                write!(f, "{asked} is no close code: a code is two bytes, 0 to 65535; those in use are 1000 to 4999")
            }
        }
    }
}

/// What somebody can ask for, cheap to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Code(u16),
    /// The entry of a range, by its place in the file.
    Range(usize),
    /// By its place in the list.
    Cause(usize),
    Implementation(&'static str),
}

/// The things that `words` name, in their order.
///
/// # Errors
///
/// The first words that name nothing, or several things.
pub fn look_up(words: &[String]) -> Result<Vec<Explanation>, Misunderstood> {
    let words: Vec<&str> = words.iter().flat_map(|w| w.split([' ', ','])).map(bare).filter(|w| !w.is_empty()).collect();
    let mut subjects: Vec<Subject> = Vec::new();
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let (found, used) = first(rest)?;
        for subject in found {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        rest = &rest[used..];
    }
    Ok(subjects.into_iter().filter_map(explanation).collect())
}

/// A word without the signs that a sentence or a log puts around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_whitespace() || "()[]:;.\"'".contains(c))
}

/// What the first of `words` mean, and how many of them that are.
fn first(words: &[&str]) -> Result<(Vec<Subject>, usize), Misunderstood> {
    if let [said, number, ..] = words
        && SAID_OF_CODES.iter().any(|s| said.eq_ignore_ascii_case(s))
        && number.chars().all(|c| c.is_ascii_digit())
    {
        return first(&words[1..]).map(|(found, used)| (found, used + 1));
    }
    let lengths = || (1..=words.len()).rev().map(|n| (words[..n].join(" "), n));
    for (phrase, n) in lengths() {
        if let Some(found) = exactly(&phrase)? {
            return Ok((found, n));
        }
    }
    for (phrase, n) in lengths() {
        let found = partly(&phrase);
        match found.as_slice() {
            [] => {}
            [one] => return Ok((vec![*one], n)),
            several => {
                return Err(Misunderstood::Ambiguous(phrase, several.iter().filter_map(|s| named(*s)).collect()));
            }
        }
    }
    // The words up to the next one that means something were meant as one name.
    let known = |w: &&str| matches!(exactly(w), Ok(Some(_)));
    let until = words.iter().skip(1).position(known).map_or(words.len(), |n| n + 1);
    let phrase = words[..until].join(" ");
    let near = nearest(&phrase);
    Err(Misunderstood::Unknown(phrase, near))
}

/// What is called `phrase`, in any case and with any signs between the words.
fn exactly(phrase: &str) -> Result<Option<Vec<Subject>>, Misunderstood> {
    if phrase.chars().all(|c| c.is_ascii_digit()) {
        return match phrase.parse() {
            Ok(code) => Ok(Some(vec![Subject::Code(code)])),
            Err(_) => Err(Misunderstood::TooLarge(phrase.to_owned())),
        };
    }
    if let Some(range) = range(phrase) {
        return Ok(Some(within(range.0, range.1)));
    }
    let id = normal(phrase);
    if let Some(at) = CAUSES.iter().position(|c| c.id == id) {
        return Ok(Some(vec![Subject::Cause(at)]));
    }
    let same = |i: &&crate::knowledge::Implementation| i.id == id || normal(&i.name) == id;
    if let Some(found) = implementations().find(same) {
        return Ok(Some(vec![Subject::Implementation(&found.id)]));
    }
    let code = close_codes().iter().position(|c| normal(&c.name) == id);
    Ok(code.map(|at| vec![of_entry(at)]))
}

fn of_entry(at: usize) -> Subject {
    match close_codes().get(at) {
        Some(single) if single.code_end.is_none() => Subject::Code(single.code),
        _ => Subject::Range(at),
    }
}

/// `4000-4999`, `4000..4999`, `3xxx`.
fn range(phrase: &str) -> Option<(u16, u16)> {
    let phrase = phrase.to_ascii_lowercase();
    if let Some(digit) = phrase.strip_suffix("xxx").or_else(|| phrase.strip_suffix("000s")) {
        let thousands: u16 = digit.parse().ok()?;
        let first = thousands.checked_mul(1000)?;
        return Some((first, first.saturating_add(999)));
    }
    let (first, last) = ["..", "-", "–"].iter().find_map(|sign| phrase.split_once(sign))?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

/// The entry that holds the whole of a range, or else every entry that has a part in it.
fn within(first: u16, last: u16) -> Vec<Subject> {
    if first == last {
        return vec![Subject::Code(first)];
    }
    let end = |c: &crate::knowledge::CloseCode| c.code_end.unwrap_or(c.code);
    let codes = close_codes();
    match codes.iter().position(|c| c.code_end.is_some() && c.code <= first && last <= end(c)) {
        Some(whole) => vec![Subject::Range(whole)],
        None => {
            (0..codes.len()).filter(|at| codes[*at].code <= last && first <= end(&codes[*at])).map(of_entry).collect()
        }
    }
}

/// Everything with a name or id that holds a word for each word of `phrase`.
fn partly(phrase: &str) -> Vec<Subject> {
    let asked = normal(phrase);
    let fits = |name: &str| {
        let name = normal(name);
        asked.split('-').all(|word| name.split('-').any(|part| part.starts_with(word)))
    };
    if asked.is_empty() {
        return Vec::new();
    }
    let codes = close_codes().iter().enumerate().filter(|(_, c)| fits(&c.name)).map(|(at, _)| of_entry(at));
    let causes = CAUSES.iter().enumerate().filter(|(_, c)| fits(c.id)).map(|(at, _)| Subject::Cause(at));
    let known = implementations().filter(|i| fits(&i.id) || fits(&i.name)).map(|i| Subject::Implementation(&i.id));
    codes.chain(causes).chain(known).collect()
}

/// Lower case, letters and digits, one hyphen for everything between.
fn normal(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// What to type for it.
fn named(subject: Subject) -> Option<String> {
    Some(match subject {
        Subject::Code(code) => format!("{code}  # {}", close_code(code)?.name),
        Subject::Range(at) => {
            let entry = close_codes().get(at)?;
            format!("{}  # {}", super::code::span(entry.code, entry.code_end), entry.name)
        }
        Subject::Cause(at) => CAUSES.get(at)?.id.to_owned(),
        Subject::Implementation(id) => format!("{id}  # {}", super::implementation(id)?.name),
    })
}

fn explanation(subject: Subject) -> Option<Explanation> {
    match subject {
        Subject::Code(code) => CodeExplanation::of(code).map(Explanation::from),
        Subject::Range(at) => close_codes().get(at).map(|e| CodeExplanation::of_entry(e).into()),
        Subject::Cause(at) => CAUSES.get(at).map(|c| Explanation::Cause(CauseExplanation::of(c))),
        Subject::Implementation(id) => super::implementation(id).map(Explanation::Implementation),
    }
}

/// The names that are nearest to `phrase`, as a whole or in one of their words; none when all are far.
fn nearest(phrase: &str) -> Vec<String> {
    let asked = normal(phrase);
    let codes = close_codes().iter().map(|c| c.name.as_str());
    let names = CAUSES.iter().map(|c| c.id).chain(implementations().map(|i| i.id.as_str())).chain(codes);
    let is_near = |name: &str| {
        let far = distance(&asked, name);
        (far * 5 <= asked.chars().count().max(name.chars().count()) * 2).then_some(far)
    };
    // A single word has to be nearer: there are many.
    let is_nearer = |word: &str| is_near(word).filter(|far| far * 3 <= word.chars().count());
    let of_word = |name: &str| name.split('-').filter(|word| word.len() > 3).filter_map(is_nearer).min();
    // What is near as a whole comes before what only has a word that is.
    let mut near: Vec<((bool, usize), &str)> = names
        .filter_map(|name| {
            let whole = normal(name);
            let far = is_near(&whole).map(|far| (false, far)).or_else(|| Some((true, of_word(&whole)?)))?;
            Some((far, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(NEAREST).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn meant(phrase: &str) -> Vec<String> {
        let words: Vec<String> = phrase.split(' ').map(str::to_owned).collect();
        let found = look_up(&words).unwrap_or_else(|e| panic!("{phrase}: {e}"));
        let id = |e: &Explanation| match e {
            Explanation::Code(c) => c.number(),
            Explanation::Cause(c) => c.id.to_owned(),
            Explanation::Implementation(i) => i.id.clone(),
        };
        found.iter().map(id).collect()
    }

    fn refused(phrase: &str) -> Misunderstood {
        look_up(&phrase.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap_err()
    }

    #[test]
    fn things_are_found_as_people_write_them() {
        for (phrase, ids) in [
            ("1009", &["1009"][..]),
            ("message too big", &["1009"]),
            ("too big", &["1009"]),
            ("code: 1006", &["1006"]),
            ("tomcat (1009), close 1001.", &["tomcat", "1009", "1001"]),
            ("Going Away", &["1001"]),
            ("unauthorized", &["3000"]),
            ("private use", &["4000-4999"]),
            ("4000-4999", &["4000-4999"]),
            ("4100..4200", &["4000-4999"]),
            ("3xxx", &["3000-3999"]),
            ("1007-1009", &["1007", "1008", "1009"]),
            ("MESSAGE OVER LIMIT", &["message-over-limit"]),
            ("Message-over_limit", &["message-over-limit"]),
            ("tomcat", &["tomcat"]),
            ("Apache Tomcat", &["tomcat"]),
            ("ws (Node.js)", &["node-ws"]),
            ("nginx", &["nginx"]),
            ("1009 tomcat", &["1009", "tomcat"]),
            ("tomcat going away message over limit", &["tomcat", "1001", "message-over-limit"]),
            ("1007 1009 1007", &["1007", "1009"]),
            ("1007,1009", &["1007", "1009"]),
            ("bad gateway", &["bad-gateway"]),
        ] {
            assert_eq!(meant(phrase), ids, "{phrase}");
        }
    }

    #[test]
    fn every_name_means_what_bears_it() {
        for cause in CAUSES {
            assert_eq!(meant(cause.id), [cause.id]);
            assert_eq!(meant(&cause.id.replace('-', " ").to_uppercase()), [cause.id]);
        }
        for implementation in implementations() {
            assert_eq!(meant(&implementation.id), [implementation.id.as_str()]);
            assert_eq!(meant(&implementation.name), [implementation.id.as_str()], "{}", implementation.name);
        }
    }

    #[test]
    fn what_is_not_known_has_neighbours() {
        let near = |phrase| match refused(phrase) {
            Misunderstood::Unknown(_, near) => near,
            other => panic!("{phrase}: {other}"),
        };
        assert_eq!(near("mesage-over-limt").first().map(String::as_str), Some("message-over-limit"));
        assert_eq!(near("tomcatt").first().map(String::as_str), Some("tomcat"));
        assert!(near("entirely different thing").is_empty());
        assert!(matches!(refused("65536"), Misunderstood::TooLarge(_)));
        assert!(matches!(refused("99999999999"), Misunderstood::TooLarge(_)));
        assert!(matches!(refused("apache"), Misunderstood::Ambiguous(_, among) if among.len() >= 2));
        assert!(matches!(refused("1009 mesage"), Misunderstood::Unknown(what, _) if what == "mesage"));
        assert!(matches!(refused("?"), Misunderstood::Unknown(..)));
    }
}
