//! How a conversation was recorded changes nothing in what is concluded from it: every case in every clothing of
//! `support/clothes.rs` gives what it gives in plain clothes.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::clothes::{self, CLOTHES, Clothing};
use support::conversation::Case;
use support::{cases, judge};

#[test]
fn clothes_change_no_conclusion() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in cases() {
        let plain = concluded(&case, clothes::plain(), folder.path());
        for clothing in &CLOTHES[1..] {
            compared += 1;
            let differences = judge::compare(&plain, &concluded(&case, clothing, folder.path()));
            if !differences.is_empty() {
                wrong.push(format!("{} in {}\n    {}", case.name, clothing.name, differences.join("\n    ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A clothing that changes nothing would show nothing.
#[test]
fn every_clothing_changes_the_file() {
    let cases = cases();
    for clothing in &CLOTHES[1..] {
        let changed = cases.iter().any(|case| clothes::dress(case, clothing) != clothes::dress(case, clothes::plain()));
        assert!(changed, "{}: the same file as in plain clothes", clothing.name);
        let same = CLOTHES.iter().filter(|c| c.name == clothing.name).count();
        assert_eq!(same, 1, "{}: two clothings of that name", clothing.name);
    }
}

fn concluded(case: &Case, clothing: &Clothing, folder: &Path) -> BTreeMap<String, Value> {
    let path = folder.join("capture");
    std::fs::write(&path, clothes::dress(case, clothing)).expect("a file can be written");
    let analysis = wsdiag::analyzer::analyze(&[path]);
    assert!(analysis.errors.is_empty(), "{} in {}: {:?}", case.name, clothing.name, analysis.errors);
    judge::essence(case, &serde_json::to_value(&analysis.report).expect("a report is JSON"))
}
