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

/// Nor does it matter over how many files it is spread, and which of them is named first.
#[test]
fn files_change_no_conclusion() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut wrong = Vec::new();
    for case in cases() {
        let plain = concluded(&case, clothes::plain(), folder.path());
        let mut compare = |what: &str, files: &[Vec<u8>]| {
            let differences = judge::compare(&plain, &concluded_from(&case, what, files, folder.path()));
            if !differences.is_empty() {
                wrong.push(format!("{} {what}\n    {}", case.name, differences.join("\n    ")));
            }
        };
        let mut parts = clothes::dress_in_files(&case, 3);
        compare("in three files", &parts);
        parts.rotate_left(1);
        compare("in three files, the first one last", &parts);
        compare("from two places", &clothes::dress_in_two_places(&case, 3_000_000));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn concluded(case: &Case, clothing: &Clothing, folder: &Path) -> BTreeMap<String, Value> {
    concluded_from(case, clothing.name, &[clothes::dress(case, clothing)], folder)
}

fn concluded_from(case: &Case, what: &str, files: &[Vec<u8>], folder: &Path) -> BTreeMap<String, Value> {
    let mut paths = Vec::new();
    for (nth, bytes) in files.iter().enumerate() {
        let path = folder.join(format!("capture-{nth}"));
        std::fs::write(&path, bytes).expect("a file can be written");
        paths.push(path);
    }
    let analysis = wsdiag::analyzer::analyze(&paths);
    assert!(analysis.errors.is_empty(), "{} {what}: {:?}", case.name, analysis.errors);
    judge::essence(case, &serde_json::to_value(&analysis.report).expect("a report is JSON"))
}
