//! The program as a shell sees it: exit codes, standard output and error, and what it says of files it cannot read.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::clothes;
use support::conversation::Case;

fn wsdiag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsdiag"));
    command.stdin(Stdio::null()).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("wsdiag can be started");
    let code = status.code().expect("wsdiag was not killed");
    (code, String::from_utf8(stdout).expect("UTF-8"), String::from_utf8(stderr).expect("UTF-8"))
}

fn case(name: &str) -> Case {
    Case::read(&support::root().join(format!("fixtures/cases/{name}.toml")))
}

fn capture(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(format!("{name}.pcap"));
    std::fs::write(&path, clothes::dress(&case(name), clothes::plain())).expect("a file can be written");
    path
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn nothing_wrong_is_0() {
    let folder = folder();
    let (code, out, err) = run(wsdiag().arg(capture(folder.path(), "normal")));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(!out.is_empty());
}

#[test]
fn a_problem_is_1() {
    let folder = folder();
    let (code, out, err) = run(wsdiag().arg(capture(folder.path(), "big-limit-in-reason")));
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("8192") || out.contains("8,192"), "the limit is not in the text:\n{out}");
}

#[test]
fn a_key_log_that_is_missing_is_told_and_the_report_made() {
    let folder = folder();
    let missing = folder.path().join("missing.log");
    let (code, out, err) = run(wsdiag().arg("--keylog").arg(&missing).arg(capture(folder.path(), "normal")));
    assert_eq!(code, 2);
    assert!(err.contains("missing.log") && out.contains("No problem found"), "{err}{out}");
}

#[test]
fn the_key_log_of_the_environment_disturbs_nothing() {
    let folder = folder();
    let file = capture(folder.path(), "normal");
    let without = run(wsdiag().env_remove("SSLKEYLOGFILE").arg(&file));
    let empty = folder.path().join("empty.log");
    std::fs::write(&empty, "# nothing\n").expect("a file can be written");
    for named in ["", "missing.log", empty.to_str().expect("UTF-8"), "."] {
        assert_eq!(run(wsdiag().env("SSLKEYLOGFILE", named).arg(&file)), without, "{named}");
    }
}

#[test]
fn key_logs_are_named_and_their_secrets_are_not() {
    let folder = folder();
    let (file, log) = (capture(folder.path(), "normal"), folder.path().join("keys.log"));
    let secret = "c5".repeat(48);
    std::fs::write(&log, format!("CLIENT_RANDOM {} {secret}\nhello\n", "01".repeat(32)))
        .expect("a file can be written");
    for format in ["text", "markdown", "json"] {
        let (code, out, err) = run(wsdiag().args(["--format", format, "--keylog"]).arg(&log).arg(&file));
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.contains("keys.log"), "{format}: {out}");
        assert!(!out.contains(&secret[..8]), "{format} shows a secret");
        let lines = if format == "json" { "\"malformed_lines\": 1" } else { "1 line is malformed" };
        let words: Vec<&str> = out.split_whitespace().collect();
        assert!(words.join(" ").contains(lines), "{format}: {out}");
    }
}

#[test]
fn bad_arguments_are_2() {
    assert_eq!(run(wsdiag().arg("--no-such-option")).0, 2);
    assert_eq!(run(&mut wsdiag()).0, 2);
    let folder = folder();
    assert_eq!(run(wsdiag().args(["--format", "poem"]).arg(capture(folder.path(), "normal"))).0, 2);
}

/// Runs on a file that cannot be read as a capture: exit code 2, and one sentence that names it and says why.
fn refused(path: &Path, why: &[&str]) {
    let (code, out, err) = run(wsdiag().arg(path));
    assert_eq!(code, 2, "{}\n{out}\n{err}", path.display());
    assert!(err.contains(&*path.to_string_lossy()), "the file is not named: {err}");
    assert!(why.iter().any(|w| err.to_lowercase().contains(w)), "none of {why:?} in: {err}");
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn what_is_no_capture_is_refused_by_name() {
    let folder = folder();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "this is no capture, it is a text\n").expect("a file can be written");
    refused(&text, &["not a pcap"]);
    let empty = folder.path().join("empty.pcap");
    std::fs::write(&empty, "").expect("a file can be written");
    refused(&empty, &["empty"]);
    let none = folder.path().join("none");
    std::fs::create_dir(&none).expect("a folder");
    refused(&none, &["holds no capture"]);
    refused(folder.path(), &["holds no capture"]);
    refused(&folder.path().join("missing.pcap"), &["no such file", "not found", "does not exist"]);
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = capture(folder.path(), "normal");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("permissions can be taken");
    if std::fs::File::open(&path).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    refused(&path, &["permission", "not allowed"]);
}

#[test]
fn a_cut_file_is_reported_as_far_as_it_goes() {
    let folder = folder();
    let path = capture(folder.path(), "big-limit-in-reason");
    let bytes = std::fs::read(&path).expect("the capture");
    let kept = bytes.len() - 30; // inside the record of the last packet
    std::fs::write(&path, &bytes[..kept]).expect("a file can be written");
    let (code, out, err) = run(wsdiag().args(["--format", "json"]).arg(&path));
    // The cut is a blind spot: what was found before it decides.
    assert_eq!(code, 1, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("a whole JSON report");
    assert_eq!(report["connections"][0]["diagnosis"]["cause"], "message-over-limit");
    assert_eq!(report["blind_spots"][0]["kind"], "cut-file");
    assert!(err.contains(&*path.to_string_lossy()), "the file is not named: {err}");
    assert!(err.contains(&kept.to_string()), "the position is not named: {err}");
}

#[test]
fn one_bad_file_does_not_silence_the_others() {
    let folder = folder();
    let good = capture(folder.path(), "big-limit-in-reason");
    let (code, out, err) = run(wsdiag().args(["--format", "json"]).arg(&good).arg(folder.path().join("missing.pcap")));
    assert_eq!(code, 2, "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("a whole JSON report");
    assert_eq!(report["connections"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_unknown_link_type_is_named() {
    let folder = folder();
    let path = folder.path().join("user.pcap");
    let packets = [support::packets::Packet { at: 0, bytes: vec![1; 80] }];
    std::fs::write(&path, support::files::write(clothes::plain().file, 147, &packets, None)).expect("a file");
    let (_, out, err) = run(wsdiag().arg(&path));
    assert!(format!("{out}{err}").contains("147"), "LINKTYPE 147 is not named:\n{out}{err}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_is_no_error() {
    let folder = folder();
    let path = capture(folder.path(), "plain-codes");
    let script = format!("'{}' --format json '{}' | head -1", env!("CARGO_BIN_EXE_wsdiag"), path.display());
    let (code, out, err) = run(Command::new("sh").args(["-c", &script]).stdin(Stdio::null()));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.lines().count() <= 1, "{out}");
}

#[test]
fn every_format_is_written() {
    let folder = folder();
    let path = capture(folder.path(), "big-limit-in-reason");
    for format in ["json", "text", "markdown"] {
        let (code, out, err) = run(wsdiag().args(["--format", format]).arg(&path));
        assert_eq!((code, err.as_str()), (1, ""), "{format}");
        assert!(out.contains("1009"), "{format}:\n{out}");
        assert!(out.ends_with('\n'), "{format} does not end its last line");
        assert!(!out.contains('\x1b'), "{format} has colours in a pipe");
        if format == "json" {
            serde_json::from_str::<serde_json::Value>(&out).expect("JSON");
        }
        assert_eq!(run(wsdiag().args(["--format", format]).arg(&path)).1, out, "{format} differs on a second run");
    }
}

#[test]
fn no_color_is_heeded() {
    let folder = folder();
    let path = capture(folder.path(), "big-limit-in-reason");
    let (_, out, _) = run(wsdiag().env("NO_COLOR", "1").arg(&path));
    assert!(!out.contains('\x1b'));
}

#[test]
fn the_report_goes_to_a_file() {
    let folder = folder();
    let path = capture(folder.path(), "big-limit-in-reason");
    let output = folder.path().join("report.json");
    let (code, out, _) = run(wsdiag().args(["--format", "json", "-o"]).arg(&output).arg(&path));
    assert_eq!((code, out.as_str()), (1, ""));
    let written = std::fs::read_to_string(&output).expect("the report");
    assert_eq!(written, run(wsdiag().args(["--format", "json"]).arg(&path)).1);
}

#[test]
fn a_report_that_cannot_be_written_is_2() {
    let folder = folder();
    let path = capture(folder.path(), "normal");
    let output = folder.path().join("no/such/folder/report.json");
    let (code, _, err) = run(wsdiag().args(["--format", "json", "-o"]).arg(&output).arg(&path));
    assert_eq!(code, 2);
    assert!(err.contains(&*output.to_string_lossy()), "{err}");
}
