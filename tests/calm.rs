//! Healthy traffic stays calm: no problem, nothing to act on, exit code 0.

mod support;

use support::clothes::{self, CLOTHES};
use support::conversation::Case;

/// What is said of a healthy case that should not be.
fn complaints(case: &Case, bytes: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("capture");
    std::fs::write(&path, bytes).expect("a file can be written");
    let analysis = wsdiag::analyzer::analyze(&[path]);
    let report = serde_json::to_value(&analysis.report).expect("a report is JSON");
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let mut wrong: Vec<String> = analysis.errors.iter().map(|e| format!("{}: {e}", case.name)).collect();
    if list("connections").len() != case.connections.len() {
        wrong.push(format!("{}: {} of {} connections", case.name, list("connections").len(), case.connections.len()));
    }
    for connection in list("connections") {
        let diagnosis = &connection["diagnosis"];
        if !diagnosis.is_null() && diagnosis["severity"] != "normal" {
            wrong.push(format!("{}: {} {}", case.name, diagnosis["severity"], diagnosis["title"]));
        }
    }
    for what in ["incidents", "handshake_failures", "blind_spots"] {
        wrong.extend(list(what).iter().map(|i| format!("{}: {what}: {i}", case.name)));
    }
    if report["summary"]["problems"] != 0 {
        wrong.push(format!("{}: {} problems", case.name, report["summary"]["problems"]));
    }
    wrong
}

#[test]
fn healthy_cases_stay_calm() {
    let cases: Vec<Case> = support::cases().into_iter().filter(|c| c.name.starts_with("calm-")).collect();
    assert!(cases.len() >= 10, "calm cases");
    let mut wrong = Vec::new();
    for case in &cases {
        for clothing in CLOTHES.iter().filter(|c| ["plain", "tiny segments", "out of order"].contains(&c.name)) {
            wrong.extend(complaints(case, &clothes::dress(case, clothing)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Many clients of one server over an hour: they come at any time, speak, rest, ping and leave in every healthy way.
#[test]
fn a_busy_hour_stays_calm() {
    const WAYS: [&str; 3] = [
        "client close 1000\nserver close 1000\nserver fin\nclient fin",
        "client close\nserver close\nserver fin\nclient fin",
        "client text \"bye\"\nserver close 1000 \"bye\"\nclient close 1000\nserver fin\nclient fin",
    ];
    let mut rng = support::rng::Rng::named("a busy hour");
    let mut text = String::from("title = \"a busy hour\"\n");
    for _ in 0..300 {
        let at = rng.below(3_600_000) as f64 / 1000.0;
        let mut steps = String::from("client text \"hello\"\nserver text \"hello\"\n");
        for nth in 0..rng.below(12) {
            steps += &format!("pause {}\n", rng.below(40_000) as f64 / 1000.0);
            steps += &match rng.below(4) {
                0 => format!("server ping \"{nth}\"\nclient pong \"{nth}\"\n"),
                1 => format!("server text fill={}\n", 1 + rng.below(3000)),
                2 => format!("client binary fill={}\nserver text \"ok\"\n", 1 + rng.below(3000)),
                _ => format!("client text fill={}\nserver text fill=20\n", 1 + rng.below(300)),
            };
        }
        let way = WAYS[rng.below(3)];
        text += &format!("[[connection]]\nat = {at}\nsteps = '''\n{steps}{way}\n'''\n");
    }
    let case = Case::parse("a busy hour", &text).expect("a case");
    let wrong = complaints(&case, &clothes::dress(&case, clothes::plain()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
