//! `wsdiag explain`: everything there is to ask for has an answer in every form, and the answers are as reviewed.

use std::process::{Command, Stdio};

use wsdiag::diagnosis::causes::CAUSES;
use wsdiag::explain::{Answer, Catalogue, Explanation, Form, look_up};
use wsdiag::knowledge::Knowledge;
use wsdiag::report::Style;

fn asked(words: &str) -> Answer {
    let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    Answer::Explained(look_up(&words).unwrap_or_else(|e| panic!("{e}")))
}

fn written(answer: &Answer, form: Form, width: usize) -> String {
    let mut out = Vec::new();
    answer.write(form, &Style { width, colour: false }, &mut out).expect("memory can be written to");
    String::from_utf8(out).expect("UTF-8")
}

/// Checks the answer for people: not empty, readable, and about what was asked for.
fn answers_in_text(words: &str, title: &str) -> Answer {
    let answer = asked(words);
    let text = written(&answer, Form::Text, 80);
    assert!(text.starts_with(title), "{words}:\n{text}");
    assert!(text.lines().count() > 8, "{words}:\n{text}");
    assert!(text.lines().all(|l| l.trim_end() == l), "{words}: spaces at the end of a line");
    assert!(!text.contains("\n\n\n"), "{words}: two empty lines\n{text}");
    answer
}

/// Checks the answer in every form.
fn answers(words: &str, title: &str) {
    let answer = answers_in_text(words, title);
    let markdown = written(&answer, Form::Markdown, 80);
    assert!(markdown.starts_with(&format!("# {title}")), "{words}:\n{markdown}");
    assert!(markdown.contains("\n## "), "{words}:\n{markdown}");
    let json: serde_json::Value = serde_json::from_str(&written(&answer, Form::Json, 80)).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(1), "{words}");
}

#[test]
fn every_code_answers() {
    // Above 4999 one entry holds for all: every one is asked for, and some are written in every form.
    for code in 0..=u16::MAX {
        let (words, title) = (code.to_string(), format!("{code}: "));
        if code < 5000 || code % 61 == 0 || code == u16::MAX {
            answers(&words, &title);
        } else {
            answers_in_text(&words, &title);
        }
    }
}

#[test]
fn every_cause_and_implementation_answers() {
    for cause in CAUSES {
        answers(cause.id, cause.id);
    }
    for known in Knowledge::embedded().implementations() {
        answers(&known.id, &known.id);
    }
}

#[test]
fn all_of_a_kind_can_stand_side_by_side() {
    let ids: Vec<&str> = Knowledge::embedded().implementations().map(|i| i.id.as_str()).collect();
    let causes: Vec<&str> = CAUSES.iter().map(|c| c.id).collect();
    for all in [ids.join(" "), causes.join(" "), "1000-1015".to_owned()] {
        for width in [40, 200] {
            let text = written(&asked(&all), Form::Text, width);
            assert!(text.lines().count() > 20, "{all}");
        }
        assert!(written(&asked(&all), Form::Markdown, 80).contains("| --- |"));
    }
}

#[test]
fn lines_keep_to_the_width() {
    // Names of settings and files are longer than some columns and stay whole.
    let is_one_word = |line: &str| line.split_whitespace().count() <= 2;
    for words in ["1007 1009", "1000 1001", "1005 1006 1015", "1009", "4400", "tomcat jetty", "idle-cut idle-timeout"] {
        for width in [80, 200] {
            let text = written(&asked(words), Form::Text, width);
            for line in text.lines().filter(|l| l.chars().count() > width) {
                assert!(is_one_word(line), "{words} at {width}: {line}");
            }
        }
    }
}

#[test]
fn a_wide_terminal_is_used() {
    let lines = |width| written(&asked("1007 1009"), Form::Text, width).lines().count();
    assert!(lines(200) * 3 < lines(80) * 2, "{} and {}", lines(200), lines(80));
}

#[test]
fn who_sends_a_code_comes_from_the_files_that_diagnose() {
    let one = |code: &str| match look_up(&[code.to_owned()]).expect("a code").pop() {
        Some(Explanation::Code(code)) => code,
        _ => panic!("{code} is a code"),
    };
    let too_big = one("1009");
    let sends = |id: &str| too_big.sent_by.iter().flat_map(|b| &b.implementations).find(|c| c.id == id);
    assert_eq!(sends("tomcat").and_then(|c| c.limit_bytes), Some(8192));
    assert_eq!(sends("node-ws").and_then(|c| c.limit_bytes), Some(100 << 20));
    assert!(sends("uwebsockets").is_none());
    let otherwise = |code, id: &str| {
        too_big.sent_instead.iter().any(|b| b.code == code && b.implementations.iter().any(|c| c.id == id))
    };
    assert!(otherwise(1006, "uwebsockets"));
    assert!(otherwise(1006, "axum"), "as tungstenite, on which it builds");
    let not_text = one("1007");
    assert!(
        not_text.sent_instead.iter().any(|b| b.code == 1002 && b.implementations.iter().any(|c| c.id == "chromium"))
    );
    let idle = one("1001");
    assert!(idle.also_sent_for.iter().any(|b| b.implementations.iter().any(|c| c.id == "tomcat")));
}

#[test]
fn explanations_are_as_reviewed() {
    for words in [
        "1009",
        "1006",
        "1007 1009",
        "1001 1009",
        "1001 1006 1011",
        "4401",
        "4000-4999",
        "message-over-limit",
        "tomcat",
        "tomcat node-ws",
        "1001 tomcat",
        "3000",
        "3xxx",
    ] {
        let answer = asked(words);
        let name = words.replace(' ', "-and-");
        insta::assert_snapshot!(format!("{name}-text"), written(&answer, Form::Text, 80));
        insta::assert_snapshot!(format!("{name}-markdown"), written(&answer, Form::Markdown, 80));
    }
    for words in ["1009", "1007 1009", "message-over-limit", "4401"] {
        let name = words.replace(' ', "-and-");
        insta::assert_snapshot!(format!("{name}-json"), written(&asked(words), Form::Json, 80));
    }
    let list = Answer::Listed(Catalogue::complete());
    insta::assert_snapshot!("list-text", written(&list, Form::Text, 80));
    let json: serde_json::Value = serde_json::from_str(&written(&list, Form::Json, 80)).expect("JSON");
    assert_eq!(json["causes"].as_array().map(Vec::len), Some(CAUSES.len()));
}

#[test]
fn unknown_words_are_answered_with_the_nearest() {
    let said = ["mesage over limt", "1009 tomcatt", "entirely different thing", "apache", "70000"]
        .map(|words| look_up(&words.split(' ').map(str::to_owned).collect::<Vec<_>>()).expect_err(words).to_string());
    insta::assert_snapshot!("unknown-words", said.join("\n"));
}

#[test]
fn the_program_explains() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wsdiag"))
            .args(arguments)
            .stdin(Stdio::null())
            .env_remove("CLICOLOR_FORCE")
            .output()
            .expect("wsdiag can be started");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = run(&["explain", "message", "over", "limit", "--width", "80"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, written(&asked("message-over-limit"), Form::Text, 80));
    let (code, out, _) = run(&["explain", "1007", "1009", "-f", "json"]);
    assert_eq!((code, out), (Some(0), written(&asked("1007 1009"), Form::Json, 80)));
    let list = run(&["explain", "--list"]);
    assert_eq!(list, run(&["explain"]));
    assert!(list.1.contains("tomcat: Apache Tomcat"), "{}", list.1);
    let (code, out, err) = run(&["explain", "no-such-thing"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("--list"), "{err}");
    assert_eq!(run(&["explain", "--list", "1009"]).0, Some(2));
}
