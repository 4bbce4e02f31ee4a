//! The report on each capture of `fixtures/captures`, in every format, as it was last approved.
//!
//! After a change that is meant, look at the difference and approve it: `INSTA_UPDATE=always cargo test --test snapshots`
//! and `git diff`.

mod support;

use std::process::{Command, Stdio};

#[test]
fn reports_are_as_approved() {
    let mut captures: Vec<String> = std::fs::read_dir(support::root().join("fixtures/captures"))
        .expect("fixtures/captures can be listed")
        .map(|e| e.expect("a folder entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".pcap"))
        .collect();
    captures.sort();
    assert!(!captures.is_empty());
    for capture in &captures {
        for format in ["text", "markdown", "json"] {
            let key_log = support::key_log_of(capture);
            let output = Command::new(env!("CARGO_BIN_EXE_wsdiag"))
                .args(["--format", format])
                .args(key_log.iter().flat_map(|path| ["--keylog", path]))
                .arg(format!("fixtures/captures/{capture}"))
                .current_dir(support::root())
                .env_remove("SSLKEYLOGFILE")
                .env("NO_COLOR", "1")
                .stdin(Stdio::null())
                .output()
                .expect("wsdiag can be started");
            let stderr = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code().expect("wsdiag was not killed");
            assert!(code == 0 || code == 1, "{capture}: exit status {code}\n{stderr}");
            let report = String::from_utf8(output.stdout).expect("UTF-8");
            // The version changes with every release and no report with it.
            let report = report.replace(env!("CARGO_PKG_VERSION"), "[version]");
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("{capture}-{format}"), report);
            });
        }
    }
}

/// Every capture has its origin in fixtures/README.md.
#[test]
fn captures_have_an_origin() {
    let readme = std::fs::read_to_string(support::root().join("fixtures/README.md")).expect("fixtures/README.md");
    for entry in std::fs::read_dir(support::root().join("fixtures/captures")).expect("fixtures/captures can be listed")
    {
        let name = entry.expect("a folder entry").file_name().to_string_lossy().into_owned();
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in fixtures/README.md");
    }
}
