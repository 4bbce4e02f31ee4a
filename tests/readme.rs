//! The examples of README.md are run: what it shows is what the program prints.
//!
//! In blocks marked `console`, a line `$ wsdiag ...` or `$ cargo run --release -- ...` is a command, run at the root of the
//! repository; the lines up to the next command are its output. A line that is `...` stands for any number of lines.

mod support;

use std::process::{Command, Stdio};

#[test]
fn examples_print_what_they_show() {
    let path = support::root().join("README.md");
    let Ok(readme) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there is no README.md yet");
        return;
    };
    let mut wrong = Vec::new();
    let mut examples = 0;
    for (line, command, shown) in commands(&readme) {
        let Some(arguments) =
            command.strip_prefix("wsdiag ").or_else(|| command.strip_prefix("cargo run --release -- "))
        else {
            continue;
        };
        examples += 1;
        let output = Command::new(env!("CARGO_BIN_EXE_wsdiag"))
            .args(split(arguments))
            .current_dir(support::root())
            .env("NO_COLOR", "1")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .output()
            .expect("wsdiag can be started");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let printed: Vec<&str> = printed.trim_end().lines().map(str::trim_end).collect();
        if !matches(&shown, &printed) {
            wrong.push(format!("README.md:{line}: $ {command}\n--- prints\n{}\n---", printed.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(examples > 0, "README.md shows no example");
}

/// Line number, command and shown output of every command in the console blocks.
fn commands(readme: &str) -> Vec<(usize, String, Vec<&str>)> {
    let mut all: Vec<(usize, String, Vec<&str>)> = Vec::new();
    let (mut inside, mut begun) = (false, false);
    for (nth, line) in readme.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = !inside && line.trim() == "```console";
            begun = false;
        } else if inside {
            if let Some(command) = line.strip_prefix("$ ") {
                all.push((nth + 1, command.trim().into(), Vec::new()));
                begun = true;
            } else if begun && let Some((_, _, shown)) = all.last_mut() {
                shown.push(line.trim_end());
            }
        }
    }
    for (_, _, shown) in &mut all {
        while shown.last().is_some_and(|l| l.is_empty()) {
            shown.pop();
        }
    }
    all
}

fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        Some((first, rest)) => printed.split_first().is_some_and(|(p, more)| p == first && matches(rest, more)),
    }
}

/// Words, with quotes as a shell takes them.
fn split(arguments: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut any) = (String::new(), None, false);
    for c in arguments.chars() {
        match (c, quote) {
            ('#', None) if !any => break, // a comment
            (' ', None) => {
                if any {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            ('\'' | '"', None) => (quote, any) = (Some(c), true),
            (c, Some(q)) if c == q => quote = None,
            (c, _) => {
                word.push(c);
                any = true;
            }
        }
    }
    if any {
        words.push(word);
    }
    words
}

#[test]
fn blocks_and_words_are_found() {
    let readme = "```console\n$ wsdiag a 'b c' # why\nout\n...\n\n$ wsdiag d\n```\n```rust\n$ no\n```\n";
    let found = commands(readme);
    assert_eq!(found.len(), 2);
    assert_eq!(split(&found[0].1), ["wsdiag", "a", "b c"]);
    assert_eq!(found[0].2, ["out", "..."]);
    assert!(matches(&["a", "...", "d"], &["a", "b", "c", "d"]));
    assert!(!matches(&["a", "...", "d"], &["a", "b", "c"]));
}
