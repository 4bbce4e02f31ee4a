//! The list of causes, their files, their documentation and the cases agree.

mod support;

use std::collections::BTreeSet;

use wsdiag::diagnosis::causes::CAUSES;
use wsdiag::knowledge::close_codes;

/// Headings that every cause's documentation has, in this order.
const HEADINGS: [&str; 6] = [
    "## What was seen",
    "## Why the peer closes",
    "## How we know",
    "## What would prove us wrong",
    "## Fix",
    "## References",
];

#[test]
fn every_cause_is_a_file_with_its_documentation() {
    let folder = support::root().join("src/diagnosis/causes");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder of causes")
        .filter_map(|entry| {
            entry.expect("an entry").file_name().into_string().ok()?.strip_suffix(".rs").map(String::from)
        })
        .filter(|name| name != "mod")
        .collect();
    let listed: BTreeSet<String> = CAUSES.iter().map(|c| c.id.replace('-', "_")).collect();
    assert_eq!(listed, files, "the list and the folder differ");
    assert_eq!(listed.len(), CAUSES.len(), "an id stands twice in the list");
    for cause in CAUSES {
        let mut rest = cause.documentation;
        for heading in HEADINGS {
            let at =
                rest.find(heading).unwrap_or_else(|| panic!("{}: lacks {heading:?}, or has it out of order", cause.id));
            rest = &rest[at + heading.len()..];
        }
        assert!(cause.documentation.contains(&format!("# {}", cause.id)), "{}: its title is not its id", cause.id);
        assert!(!cause.summary.is_empty() && !cause.summary.ends_with('.'), "{}: a summary has no full stop", cause.id);
    }
}

/// Kinds of incidents.
const INCIDENTS: [&str; 6] =
    ["mass-close", "mass-drop", "reconnect-storm", "retry-loop", "recurring-timeout", "proxy-legs"];

#[test]
fn every_cause_has_a_case_that_hits_and_one_that_nearly_does() {
    let cases = support::cases();
    let expects = |id: &str| {
        let mut expected = cases.iter().flat_map(|c| &c.connections).map(|c| &c.expect);
        expected.any(|e| [&e.cause, &e.handshake_failure].into_iter().flatten().any(|c| c == id))
    };
    let resembles = |id: &str| cases.iter().any(|c| c.nearly.iter().any(|n| n == id));
    let mut lacking = Vec::new();
    for cause in CAUSES {
        if !expects(cause.id) {
            lacking.push(format!("{}: no case expects it", cause.id));
        }
        if !resembles(cause.id) {
            lacking.push(format!("{}: no case nearly shows it", cause.id));
        }
    }
    for kind in INCIDENTS {
        if !cases.iter().any(|c| c.incidents.iter().any(|i| i == kind)) {
            lacking.push(format!("{kind}: no case expects it"));
        }
        if !resembles(kind) {
            lacking.push(format!("{kind}: no case nearly shows it"));
        }
    }
    for case in &cases {
        for id in &case.nearly {
            if !CAUSES.iter().any(|c| c.id == *id) && !INCIDENTS.contains(&id.as_str()) {
                lacking.push(format!("{}: nearly {id}, which is no cause", case.name));
            }
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn causes_of_close_codes_are_causes() {
    for code in close_codes() {
        for cause in &code.causes {
            assert!(CAUSES.iter().any(|c| c.id == cause), "{}: {cause} is no cause", code.code);
        }
        for text in [&code.sent_when, &code.fix, &code.read_as, &code.use_when, &code.meaning] {
            assert!(text.ends_with('.') && !text.contains('!'), "{}: {text}", code.code);
        }
    }
}

#[test]
fn rooms_know_only_the_rooms_above_them() {
    // From top to bottom; `analyzer` wires them all and is asked by `cli` alone.
    const ROOMS: [&str; 14] = [
        "limits",
        "nearest",
        "ids",
        "capture",
        "network",
        "connection",
        "tcp",
        "tls",
        "http",
        "http2",
        "websocket",
        "knowledge",
        "diagnosis",
        "explain",
    ];
    // The report's model is the language of verdicts: knowledge and diagnosis speak it. Explanations are dressed as
    // reports are.
    let allowed = |room: &str, used: &str| {
        let place = |name: &str| ROOMS.iter().position(|r| *r == name);
        used == room
            || used == "report" && matches!(room, "knowledge" | "diagnosis" | "explain")
            || matches!((place(room), place(used)), (Some(own), Some(other)) if other < own)
            // What is missing from a stream is a record from the start.
            || used == "connection" && matches!(room, "tcp" | "http" | "websocket")
    };
    let mut wrong = Vec::new();
    for room in ROOMS {
        for file in rust_files(&support::root().join("src"), room) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for line in text.lines().filter(|l| l.trim_start().starts_with("use crate::")) {
                let used =
                    line.trim_start().trim_start_matches("use crate::").split([':', ';', '{']).next().unwrap_or("");
                if !allowed(room, used) {
                    wrong.push(format!("{}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "a room uses one below it:\n{}", wrong.join("\n"));
}

/// The files of a room: `src/NAME.rs` and everything under `src/NAME/`.
fn rust_files(source: &std::path::Path, room: &str) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = Some(source.join(format!("{room}.rs"))).filter(|p| p.exists()).into_iter().collect();
    let mut folders = vec![source.join(room)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
