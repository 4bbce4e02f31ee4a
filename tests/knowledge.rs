//! Knowledge that a user adds: it is used as the embedded one is, and what is wrong with a file is said before anything is read.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::clothes;
use support::conversation::Case;
use wsdiag::analyzer::{Options, analyze_with};
use wsdiag::knowledge::Knowledge;
use wsdiag::report::model::{Confidence, Report};
use wsdiag::report::{Format, Style};

fn example() -> String {
    std::fs::read_to_string(support::root().join("fixtures/knowledge/folder/depot-hub.toml")).expect("the example")
}

fn capture(folder: &Path) -> PathBuf {
    let case = Case::read(&support::root().join("fixtures/knowledge/over-limit.toml"));
    let path = folder.join("capture.pcap");
    std::fs::write(&path, clothes::dress(&case, clothes::plain())).expect("a file can be written");
    path
}

/// Exit code, standard output and error of a run with these files as knowledge.
fn run(files: &[(&str, &str)], format: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let knowledge = folder.path().join("knowledge");
    std::fs::create_dir(&knowledge).expect("a folder");
    for (name, text) in files {
        std::fs::write(knowledge.join(name), text).expect("a file can be written");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_wsdiag"))
        .args(["--format", format, "--width", "80", "--knowledge"])
        .args([&knowledge, &capture(folder.path())])
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("wsdiag can be started");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().expect("not killed"), text(output.stdout), text(output.stderr))
}

#[test]
fn the_documented_example_does_what_the_document_shows() {
    let document = std::fs::read_to_string(support::root().join("docs/knowledge.md")).expect("docs/knowledge.md");
    assert!(document.contains(&format!("```toml\n{}```", example())), "the file in the document is another one");
    let (code, out, err) = run(&[("depot-hub.toml", &example())], "text");
    assert_eq!((code, err.as_str()), (1, ""));
    let shown = document.split("```text\n").nth(1).and_then(|t| t.split("\n```").next()).expect("a report");
    assert!(out.contains(shown), "the document shows\n{shown}\n\nand the report is\n{out}");
    assert!(shown.contains("Depot Hub, likely") && shown.contains("hub.max_message = 65536"));
}

#[test]
fn without_the_folder_nobody_knows_the_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = [capture(folder.path())];
    let of = |knowledge| {
        let report = analyze_with(&paths, &Options { knowledge, ..Options::default() }).report;
        serde_json::to_value(report).expect("a report is JSON")["connections"][0].clone()
    };
    let plain = of(None);
    assert_ne!(plain["implementations"]["server"]["id"], "depot-hub");
    assert_eq!(plain["diagnosis"]["limit"]["basis"], "bracketed");
    let added = Knowledge::with_folders(&[support::root().join("fixtures/knowledge/folder")]).expect("good files");
    let known = of(Some(added));
    assert_eq!(known["implementations"]["server"]["because"], "its head has the header X-Depot-Hub");
    assert_eq!(known["diagnosis"]["limit"]["bytes"], 32768);
    assert_eq!(known["diagnosis"]["limit"]["setting"], "hub.max_message");
}

#[test]
fn the_same_id_replaces_what_is_embedded() {
    let replaced = example().replace("depot-hub", "tungstenite").replace("Depot Hub", "our fork");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("tungstenite.toml"), replaced).expect("a file can be written");
    let knowledge = Knowledge::with_folders(&[folder.path().to_path_buf()]).expect("a good file");
    assert_eq!(knowledge.ids().count(), Knowledge::embedded().ids().count());
    assert_eq!(knowledge.implementation("tungstenite").map(|i| i.name.as_str()), Some("our fork"));
    // What builds on it inherits from the new one.
    let user = knowledge.implementations().find(|i| i.uses.iter().any(|u| u == "tungstenite")).expect("one uses it");
    assert!(user.with_inherited().any(|i| i.name == "our fork"), "{}", user.id);
}

#[test]
fn a_later_folder_decides() {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    for (folder, name) in folders.iter().zip(["first", "second"]) {
        let text = example().replace("Depot Hub", name);
        std::fs::write(folder.path().join("depot-hub.toml"), text).expect("a file can be written");
    }
    let paths = folders.each_ref().map(|f| f.path().to_path_buf());
    let knowledge = Knowledge::with_folders(&paths).expect("good files");
    assert_eq!(knowledge.implementation("depot-hub").map(|i| i.name.as_str()), Some("second"));
}

#[test]
fn errors_name_file_line_and_reason() {
    let good = example();
    for (change, to, line, why) in [
        ("ecosystem = ", "ecosytem = ", 3, "did you mean \"ecosystem\"?"),
        ("how_to_change", "how_to_chnge", 17, "did you mean \"how_to_change\"?"),
        ("id = \"depot-hub\"", "id = \"depot\"", 1, "the file is called depot-hub.toml"),
        ("roles = [\"server\"]", "roles = []", 4, "roles is empty"),
        ("roles = [\"server\"]", "roles = [\"server\"]\nuses = [\"nobody\"]", 5, "\"nobody\""),
        ("roles = [\"server\"]", "roles = [\"sever\"]", 4, "did you mean \"server\"?"),
        ("field = { \"X-Depot-Hub\" = [\"{text}\"] }", "", 7, "no condition"),
        ("[\"{text}\"]", "[\"{text\"]", 7, "never closes it"),
        ("code = 4010", "code = 401", 23, "codes begin at 1000"),
        ("triggers = [\"max-age\"]", "triggers = []", 23, "names no trigger"),
        ("applies_to = \"message\"", "applies_to = \"mesage\"", 14, "did you mean \"message\"?"),
        ("timeout_s = 45", "timeout_s = -1", 33, "no number of seconds"),
        ("default_bytes = 32768", "default_bytes = 32768 bytes", 15, ""),
        ("source = \"depot/hub src/upgrade.c\"", "source = \"\"", 7, "names no source"),
        ("source = \"depot/hub src/upgrade.c\"", "", 7, "source"),
    ] {
        assert!(good.contains(change), "{change}");
        let (code, out, err) = run(&[("depot-hub.toml", &good.replacen(change, to, 1))], "text");
        assert_eq!((code, out.as_str()), (2, ""), "{to}: {err}");
        assert!(err.contains(&format!("depot-hub.toml: line {line}: ")) && err.contains(why), "{to}: {err}");
    }
}

#[test]
fn one_bad_file_spoils_all_and_each_is_named() {
    let bad = example().replace("depot-hub", "other");
    let (code, out, err) = run(&[("depot-hub.toml", &example()), ("bad.toml", &bad), ("worse.toml", "id = ")], "text");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("bad.toml: line 1") && err.contains("worse.toml: line 1") && !err.contains("depot-hub.toml:"),
        "{err}"
    );
    let (code, _, err) = run(&[("notes.txt", "no knowledge")], "text");
    assert_eq!(code, 2);
    assert!(err.contains("holds no .toml file"), "{err}");
}

#[test]
fn a_missing_folder_is_an_error() {
    let errors = Knowledge::with_folders(&[PathBuf::from("/no/such/folder")]).expect_err("it is missing");
    assert!(errors[0].to_string().starts_with("/no/such/folder: "), "{}", errors[0]);
}

fn render(name: &str, report: &Report) -> String {
    let mut out = Vec::new();
    let style = Style { width: 10_000, colour: false };
    wsdiag::report::render(Format::named(name).expect("a format"), report, &style, &mut out).expect("it renders");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn nobody_is_named_without_a_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut named, mut likely) = (0, 0);
    for case in support::cases() {
        let path = folder.path().join(format!("{}.pcap", case.name));
        std::fs::write(&path, clothes::dress(&case, clothes::plain())).expect("a file can be written");
        let report = wsdiag::analyzer::analyze(&[path]).report;
        let text = render("text", &report);
        for connection in &report.connections {
            let ends = &connection.implementations;
            for known in [&ends.client, &ends.server].into_iter().flatten() {
                named += 1;
                likely += usize::from(known.confidence == Confidence::Likely);
                assert!(known.confidence != Confidence::Certain, "{}: anyone can write a header", case.name);
                assert!(!known.because.is_empty() && !known.alternatives.contains(&known.id), "{}", case.name);
                let port = connection.server.port.to_string();
                assert!(!known.because.contains(&port), "{}: {}", case.name, known.because);
            }
            // A name in the text has its reason beside it.
            if let Some(server) = &ends.server
                && text.contains(&format!("({}, ", server.name))
            {
                assert!(
                    text.contains(&server.because),
                    "{}: {} without {}\n{text}",
                    case.name,
                    server.name,
                    server.because
                );
                let first = server.alternatives.first();
                assert!(first.is_none_or(|id| text.contains(id.as_str())), "{}: {first:?}\n{text}", case.name);
            }
        }
    }
    assert!(named > 50 && likely > 3, "{named} {likely}");
}
