//! Every conversation of `fixtures/cases`, recorded in plain clothes, leads to the conclusion that its file states.

mod support;

use support::{cases, clothes, judge};

#[test]
fn every_case_leads_to_its_conclusion() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let path = folder.path().join(format!("{}.pcap", case.name));
        std::fs::write(&path, clothes::dress(case, clothes::plain())).expect("a file can be written");
        let analysis = wsdiag::analyzer::analyze(&[path]);
        let report = serde_json::to_value(&analysis.report).expect("a report is JSON");
        let mut differences = judge::judge(case, &report);
        differences.extend(analysis.errors.iter().map(|e| format!("error: {e}")));
        if !differences.is_empty() {
            wrong.push(format!("{} ({})\n    {}", case.name, case.title, differences.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
