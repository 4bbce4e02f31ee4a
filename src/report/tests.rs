use super::*;

fn rendered(name: &str, report: &Report, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    render(Format::named(name).unwrap(), report, &Style { width, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn names_and_extensions_are_unique() {
    for f in FORMATS {
        assert!(std::ptr::eq(Format::named(f.name).unwrap(), f));
        assert!(std::ptr::eq(Format::with_extension(&f.extension.to_uppercase()).unwrap(), f));
    }
}

#[test]
fn text_at_80_columns() {
    insta::assert_snapshot!(rendered("text", &sample::report(), 80, false));
}

/// Where a table does not fit, its rows become sentences.
#[test]
fn text_at_50_columns() {
    insta::assert_snapshot!(rendered("text", &sample::healthy(), 50, false));
}

#[test]
fn text_at_110_columns() {
    insta::assert_snapshot!(rendered("text", &sample::report(), 110, false));
}

#[test]
fn text_of_a_healthy_capture() {
    insta::assert_snapshot!(rendered("text", &sample::healthy(), 80, false));
}

/// The leg of the server speaks for both; the headline has said what the title would say.
#[test]
fn a_proxied_conversation_is_told_once() {
    let text = rendered("text", &sample::proxied(), 200, false);
    assert_eq!(text.matches("MESSAGE OVER LIMIT").count(), 1, "{text}");
    assert!(!text.contains("PROXY LEGS"), "{text}");
    assert!(text.contains("The server ended first, the proxy passed it on (packets 201, 202)."), "{text}");
    assert!(text.contains("The other side of the proxy shows this conversation again (stream"), "{text}");
    assert_eq!(text.to_lowercase().matches("refused a 7,000-byte").count(), 1, "{text}");
}

#[test]
fn text_of_a_busy_capture() {
    insta::assert_snapshot!(rendered("text", &sample::busy(700), 80, false));
}

#[test]
fn markdown_of_a_capture_with_problems() {
    insta::assert_snapshot!(rendered("markdown", &sample::report(), 80, false));
}

#[test]
fn markdown_of_a_busy_capture() {
    insta::assert_snapshot!(rendered("markdown", &sample::busy(700), 80, false));
}

#[test]
fn markdown_of_a_hostile_capture() {
    insta::assert_snapshot!(rendered("markdown", &sample::hostile(), 80, false));
}

#[test]
fn lines_fit_unless_they_are_one_word_or_to_be_copied() {
    for width in [40, 60, 80, 110] {
        for report in [sample::report(), sample::healthy(), sample::busy(300)] {
            for line in rendered("text", &report, width, false).lines() {
                let one_word = !line.trim().contains(' ');
                let copied = ["tcp.stream", "see http", "serve(", "ws.", "wsdiag "].iter().any(|c| line.contains(c));
                assert!(line.chars().count() <= width || one_word || copied, "{width}: {line}");
                assert_eq!(line, line.trim_end(), "space at the end of a line");
            }
        }
    }
}

#[test]
fn colour_marks_headings_and_changes_no_text() {
    let plain = rendered("text", &sample::report(), 80, false);
    assert!(!plain.contains('\x1b'));
    let coloured = rendered("text", &sample::report(), 80, true);
    assert!(coloured.contains("\x1b[31m") && coloured.contains("\x1b[33m"));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn hostile_strings_do_nothing() {
    for f in FORMATS {
        let out = rendered(f.name, &sample::hostile(), 80, false);
        // The zero-width space is Markdown's own, put between @ or # and a name.
        let active = out.chars().find(|&c| c != '\n' && c != '\u{200b}' && neutral::is_active(c));
        assert_eq!(active, None, "{}", f.name);
    }
}

#[test]
fn hostile_strings_are_no_markup() {
    let out = rendered("markdown", &sample::hostile(), 80, false);
    // What stands between fences is code, whatever it begins with.
    for line in out.split("````").step_by(2).flat_map(str::lines) {
        assert!(!line.starts_with("# 9") && !line.contains("<script") && !line.contains("[a]("), "{line}");
    }
}

#[test]
fn ten_thousand_connections_are_grouped() {
    let report = sample::busy(10_000);
    assert!(rendered("text", &report, 80, false).lines().count() < 60);
    assert!(rendered("markdown", &report, 80, false).lines().count() < 80);
    assert_eq!(rendered("json", &report, 80, false).matches("\"tcp_stream\"").count(), 10_003);
}

#[test]
fn streams_of_several_captures_name_theirs() {
    let mut report = sample::report();
    let mut second = report.captures[0].clone();
    second.path = "second.pcap".to_owned();
    report.captures.push(second);
    report.connections[4].capture = 1;
    report.connections[1].http2_stream = Some(5);
    report.handshake_failures[1].capture = 1;
    let text = rendered("text", &report, 110, false);
    assert!(
        text.contains("Also       stream 4 of second.pcap; HTTP/2 stream 5 of stream 1 of busy.pcapng (only likely)"),
        "{text}"
    );
    assert!(text.contains("Also       stream 21 of second.pcap"), "{text}");
    assert!(text.contains("-o ticket.md busy.pcapng second.pcap"), "{text}");
}
