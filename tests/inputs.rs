//! What can be given to read: compressed files, pipes, several files, folders, and formats that are none of ours.

mod support;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use support::clothes;
use support::conversation::Case;

fn wsdiag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wsdiag"));
    command.stdin(Stdio::null()).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    told(command.output().expect("wsdiag can be started"))
}

fn told(Output { status, stdout, stderr }: Output) -> (i32, String, String) {
    let code = status.code().expect("wsdiag was not killed");
    (code, String::from_utf8(stdout).expect("UTF-8"), String::from_utf8(stderr).expect("UTF-8"))
}

/// The report of `wsdiag --format json PATHS...`, and what it said beside it.
fn report<P: AsRef<Path>>(paths: &[P]) -> (i32, Value, String) {
    let mut command = wsdiag();
    command.args(["--format", "json"]).args(paths.iter().map(AsRef::as_ref));
    let (code, out, err) = run(&mut command);
    (code, serde_json::from_str(&out).expect("a JSON report"), err)
}

fn bytes(case: &str) -> Vec<u8> {
    let case = Case::read(&support::root().join(format!("fixtures/cases/{case}.toml")));
    clothes::dress(&case, clothes::plain())
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    std::fs::write(&path, bytes).expect("a file can be written");
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("it packs");
    encoder.finish().expect("it packs")
}

/// A little-endian pcap cut into files of `count` packets, as a ring buffer has them.
fn split(pcap: &[u8], count: usize) -> Vec<Vec<u8>> {
    let (header, mut rest) = pcap.split_at(24);
    let mut records = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four bytes")) as usize;
        let (record, after) = rest.split_at(16 + length);
        records.push(record);
        rest = after;
    }
    records.chunks(count).map(|chunk| [header, &chunk.concat()].concat()).collect()
}

const CASE: &str = "big-limit-in-reason";

#[test]
fn compressed_captures_are_captures() {
    let folder = folder();
    let plain = bytes(CASE);
    let (code, mut expected, _) = report(&[write(folder.path(), "a.pcap", &plain)]);
    let zstd = |bytes| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&plain).expect("it packs");
    let half = plain.len() / 2;
    let packed = [
        gzip(&plain),
        [gzip(&plain[..half]), gzip(&plain[half..])].concat(),
        zstd(&plain[..]),
        [zstd(&plain[..half]), zstd(&plain[half..])].concat(),
        lz4.finish().expect("it packs"),
        zstd(&gzip(&plain)[..]),
    ];
    for (nth, packed) in packed.iter().enumerate() {
        // By content: the name says nothing.
        let path = write(folder.path(), "b.txt", packed);
        let (found_code, mut found, err) = report(&[path]);
        assert_eq!((found_code, err.as_str()), (code, ""), "{nth}");
        for report in [&mut expected, &mut found] {
            report["captures"][0]["path"] = Value::Null;
        }
        assert_eq!(found, expected, "{nth}");
    }
}

#[test]
fn a_cut_compressed_capture_is_read_up_to_the_cut() {
    let folder = folder();
    let packed = gzip(&bytes(CASE));
    let path = write(folder.path(), "cut.pcap.gz", &packed[..packed.len() - 40]);
    let (code, report, err) = report(&[path]);
    assert!(code < 2, "{err}");
    assert_eq!(report["blind_spots"][0]["kind"], "cut-file");
    let cut = (packed.len() - 40).to_string();
    assert!(err.contains("gzip data that ends in the middle") && err.contains(&cut), "{err}");
}

#[test]
fn standard_input_is_read() {
    for bytes in [bytes(CASE), gzip(&bytes(CASE))] {
        let mut child = started(&["--format", "json", "-"]);
        child.stdin.take().expect("a pipe").write_all(&bytes).expect("it is read");
        let (code, out, err) = told(child.wait_with_output().expect("it ends"));
        assert_eq!((code, err.as_str()), (1, ""));
        let report: Value = serde_json::from_str(&out).expect("a JSON report");
        assert_eq!(report["captures"][0]["path"], "-");
        assert_eq!(report["connections"][0]["diagnosis"]["cause"], "message-over-limit");
    }
}

fn started(arguments: &[&str]) -> Child {
    let mut command = wsdiag();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("wsdiag can be started")
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let killed = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(killed.expect("kill can be started").success());
}

/// Waits until the child has read what was written to its standard input, and had time to catch signals before that.
#[cfg(unix)]
fn write_and_wait(child: &mut Child, bytes: &[u8]) -> std::process::ChildStdin {
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(bytes).expect("it is read");
    stdin.flush().expect("it is read");
    // Signals are caught before the first byte is read; there is no way to see that from here but to wait.
    std::thread::sleep(std::time::Duration::from_millis(700));
    stdin
}

#[cfg(unix)]
#[test]
fn an_interrupted_pipe_is_reported_as_far_as_it_came() {
    let whole = bytes(CASE);
    for (name, compressed) in [("INT", false), ("TERM", false), ("INT", true)] {
        let mut child = started(&["--format", "json", "-"]);
        // All but the end of the last record: that one is not complete when the signal comes.
        let packed = gzip(&whole);
        let sent = if compressed { &packed[..packed.len() - 9] } else { &whole[..whole.len() - 3] };
        let stdin = write_and_wait(&mut child, sent);
        signal(&child, name);
        let (code, out, err) = told(child.wait_with_output().expect("it ends"));
        drop(stdin); // until here the pipe was open
        assert_eq!(code, 1, "{name}: {err}");
        assert!(err.contains("as asked"), "{err}");
        let report: Value = serde_json::from_str(&out).expect("a JSON report");
        assert_eq!(report["connections"][0]["diagnosis"]["cause"], "message-over-limit");
        assert_eq!(report["blind_spots"].as_array().map(Vec::len), Some(0), "{report:#}");
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_it_at_once() {
    let mut child = started(&["-"]);
    let stdin = write_and_wait(&mut child, &bytes(CASE)[..2000]);
    signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(200));
    signal(&child, "INT");
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(130), 0));
}

#[cfg(unix)]
#[test]
fn a_capture_program_that_is_interrupted_too_may_finish() {
    let whole = bytes(CASE);
    let mut child = started(&["--format", "json", "-"]);
    let mut stdin = write_and_wait(&mut child, &whole[..whole.len() / 2]);
    signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(100));
    stdin.write_all(&whole[whole.len() / 2..]).expect("it is still read");
    drop(stdin);
    let (code, out, err) = told(child.wait_with_output().expect("it ends"));
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_once() {
    let folder = folder();
    let fifo = folder.path().join("fifo");
    if !Command::new("mkfifo").arg(&fifo).status().is_ok_and(|s| s.success()) {
        eprintln!("skipped: no mkfifo");
        return;
    }
    let other = write(folder.path(), "normal.pcap", &bytes("normal"));
    let (path, sent) = (fifo.clone(), bytes(CASE));
    let writer = std::thread::spawn(move || std::fs::write(path, sent));
    let (code, report, err) = report(&[fifo, other]);
    writer.join().expect("it ends").expect("it was read");
    assert_eq!((code, err.as_str()), (1, ""));
    let packets: Vec<u64> = (0..2).filter_map(|n| report["captures"][n]["packets"].as_u64()).collect();
    assert!(packets.len() == 2 && packets.iter().all(|p| *p > 10), "{packets:?}");
}

#[test]
fn the_files_of_a_ring_buffer_are_one_capture() {
    let folder = folder();
    let whole = bytes(CASE);
    let (code, expected, _) = report(&[write(folder.path(), "whole.pcap", &whole)]);
    let one = &expected["connections"][0];
    for count in [1, 3, 7] {
        let ring = folder.path().join(format!("ring{count}"));
        let parts = split(&whole, count);
        assert!(parts.len() > 2);
        let mut paths: Vec<PathBuf> =
            parts.iter().enumerate().map(|(n, part)| write(&ring, &format!("{n:03}.pcap"), part)).collect();
        // A folder, its files, its files in another order: the times tell.
        let by_folder = report(std::slice::from_ref(&ring));
        paths.rotate_left(1);
        for (found_code, found, err) in [by_folder, report(&paths)] {
            assert_eq!((found_code, err.as_str()), (code, ""));
            assert_eq!(found["summary"]["by_cause"], expected["summary"]["by_cause"]);
            let connection = &found["connections"][0];
            assert_eq!(connection["end"]["code"], one["end"]["code"]);
            assert_eq!(connection["diagnosis"]["limit"], one["diagnosis"]["limit"]);
            assert_eq!(connection["traffic"], one["traffic"]);
            assert_eq!(connection["tcp_stream"], 0);
            assert!(connection["also_in"].as_array().is_some_and(|also| also.iter().all(|a| a["tcp_stream"] == 0)));
            // A packet's number is the one in the file that is named beside it.
            let (close, one_close) = (&connection["end"]["close_frames"][0], &one["end"]["close_frames"][0]);
            let file = close["packet_capture"].as_u64().expect("the file") as usize;
            let name = found["captures"][file]["path"].as_str().expect("a path");
            let nth: usize = name[name.len() - 8..name.len() - 5].parse().expect("its number");
            let number = close["packet"].as_u64().expect("the packet") as usize + nth * count;
            assert_eq!(Some(number as u64), one_close["packet"].as_u64());
            let sentence = connection["diagnosis"]["explanation"].as_str().expect("a text");
            assert!(sentence.contains(&format!("packet {} of {nth:03}.pcap", close["packet"])), "{sentence}");
            assert!(!connection["diagnosis"]["display_filter"].as_str().expect("a filter").contains("stream"));
        }
    }
}

#[test]
fn two_capture_points_are_one_timeline() {
    let folder = folder();
    let parts = split(&bytes(CASE), 1);
    // Every other packet lies in the other file, as when two cards take turns.
    let (even, odd): (Vec<_>, Vec<_>) = parts.iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let join = |parts: Vec<(usize, &Vec<u8>)>| {
        let records = parts.iter().flat_map(|(_, part)| part[24..].iter().copied());
        parts[0].1[..24].iter().copied().chain(records).collect::<Vec<u8>>()
    };
    let paths =
        [write(folder.path(), "even.pcap", &join(even)), write(folder.path(), "odd.pcap.gz", &gzip(&join(odd)))];
    let (code, found, err) = report(&paths);
    assert_eq!((code, err.as_str()), (1, ""));
    assert_eq!(found["connections"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["connections"][0]["diagnosis"]["cause"], "message-over-limit");
    assert_eq!(found["blind_spots"].as_array().map(Vec::len), Some(0));
}

#[test]
fn more_files_than_may_be_open_can_overlap() {
    let folder = folder();
    let (busy, normal) = (bytes(CASE), bytes("normal"));
    for n in 0..140 {
        write(folder.path(), &format!("{n:03}.pcap"), if n == 70 { &busy } else { &normal });
    }
    let (code, found, err) = report(&[folder.path()]);
    assert!(code < 2, "{err}");
    assert_eq!((found["captures"].as_array().map(Vec::len), err.as_str()), (Some(140), ""));
}

#[test]
fn folders_are_looked_into() {
    let folder = folder();
    let root = folder.path();
    write(root, "day/1/a.pcap", &bytes(CASE));
    write(root, "day/notes.txt", b"nothing to see");
    write(root, "day/empty", b"");
    write(root, "day/2/b.bin", &gzip(&bytes("normal")));
    let (code, found, err) = report(&[root.join("day")]);
    assert_eq!((code, err.as_str()), (1, ""));
    let paths: Vec<&str> =
        found["captures"].as_array().expect("captures").iter().filter_map(|c| c["path"].as_str()).collect();
    assert!(paths[0].ends_with("day/1/a.pcap") && paths[1].ends_with("day/2/b.bin") && paths.len() == 2, "{paths:?}");
    // What looks like a capture and cannot be read is no secret.
    write(root, "day/old.snoop", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04");
    let (code, _, err) = report(&[root.join("day")]);
    assert_eq!(code, 1);
    assert!(err.contains("1 file that wsdiag cannot read") && err.contains("editcap"), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
}

#[test]
fn no_capture_of_a_folder_is_replaced_by_the_report() {
    let folder = folder();
    let (path, bytes) = (folder.path().join("a.pcap"), bytes(CASE));
    write(folder.path(), "a.pcap", &bytes);
    let (code, _, err) = run(wsdiag().args(["--format", "json", "-o"]).arg(&path).arg(folder.path()));
    assert_eq!(code, 2);
    assert!(err.contains("would replace"), "{err}");
    assert!(std::fs::read(&path).expect("it is there") == bytes);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let folder = folder();
    let path = write(folder.path(), "a.pcap", &bytes(CASE));
    let (code, found, err) = report(&[path.clone(), folder.path().join("./a.pcap")]);
    assert_eq!(code, 1);
    assert_eq!(found["connections"].as_array().map(Vec::len), Some(1));
    assert!(err.contains("named twice"), "{err}");
    assert_eq!(found["captures"].as_array().map(Vec::len), Some(1));
    assert!(found["connections"][0]["end"]["close_frames"][0].get("packet_capture").is_none(), "it is the only file");
}

#[test]
fn corrupt_records_are_passed_over_and_told() {
    let folder = folder();
    let mut pcap = bytes(CASE);
    // The header of the third record.
    let at = 24
        + (0..2).fold(0, |at, _| {
            at + 16 + u32::from_le_bytes(pcap[24 + at + 8..24 + at + 12].try_into().expect("four bytes")) as usize
        });
    pcap[at..at + 16].fill(0xff);
    let (code, found, err) = report(&[write(folder.path(), "a.pcap", &pcap)]);
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("corrupt records") && err.contains(&format!("byte {at}")) && err.contains("packet 2"),
        "{err}"
    );
    assert_eq!(found["blind_spots"][0]["kind"], "corrupt-records");
    assert_eq!(found["connections"][0]["diagnosis"]["cause"], "message-over-limit");
}

#[test]
fn other_formats_come_with_the_way_out() {
    let folder = folder();
    for (name, bytes, wanted) in [
        ("a.snoop", &b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"[..], "editcap -F pcap"),
        ("a.cap", b"GMBU\0\x02\x01\0\0\0\0\0", "editcap -F pcap"),
        ("a.pcap.xz", b"\xfd7zXZ\0\0\x04", "xz -dk"),
        ("a.zip", b"PK\x03\x04\x14\0\0\0", "unzip"),
        ("a.har", b"{\"log\": {\"version\": \"1.2\", \"creator\": {}}}", "HAR"),
        ("a.txt", b"12:34:56.789012 IP 10.0.0.1.80 > 10.0.0.2.90: Flags [S]", "tcpdump -w"),
    ] {
        let path = write(folder.path(), name, bytes);
        let (code, _, err) = report(std::slice::from_ref(&path));
        assert_eq!(code, 2);
        assert!(err.contains(wanted) && err.contains(&path.display().to_string()), "{err}");
    }
}

#[test]
fn the_commands_that_are_recommended_do_it() {
    let folder = folder();
    let pcap = write(folder.path(), "a.pcap", &bytes(CASE));
    let snoop = folder.path().join("a.snoop");
    let made = Command::new("editcap").args(["-F", "snoop"]).args([&pcap, &snoop]).output();
    if !made.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: no editcap");
        return;
    }
    let (code, _, err) = report(&[snoop]);
    assert_eq!(code, 2);
    let command = err.split_once("convert it first: ").expect("a command").1;
    assert!(Command::new("sh").args(["-c", command]).status().expect("sh can be started").success(), "{command}");
    let (code, found, _) = report(&[folder.path().join("a.converted.pcap")]);
    assert_eq!((code, &found["connections"][0]["diagnosis"]["cause"]), (1, &Value::from("message-over-limit")));
}

#[test]
fn a_reader_of_a_pipe_sees_packets_in_crumbs() {
    // One byte at a time, through the library: as slow a pipe as there is.
    struct Crumbs(std::io::Cursor<Vec<u8>>);
    impl Read for Crumbs {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let one = buffer.len().min(1);
            self.0.read(&mut buffer[..one])
        }
    }
    for bytes in [bytes(CASE), gzip(&bytes(CASE))] {
        let count = |source: Box<dyn Read>| {
            let mut reader = wsdiag::capture::CaptureReader::new(source).expect("a capture");
            while reader.advance() {}
            assert!(reader.take_fault().is_none());
            reader.packets()
        };
        let whole = count(Box::new(std::io::Cursor::new(bytes.clone())));
        assert_eq!(count(Box::new(Crumbs(std::io::Cursor::new(bytes)))), whole);
        assert!(whole > 10);
    }
}
