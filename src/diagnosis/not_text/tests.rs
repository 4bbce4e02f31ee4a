//! The decision: what hits, and what nearly does.

#![allow(clippy::unwrap_used)]

use super::look::Look;
use super::*;
use crate::connection::{Connection, DataType, Observations, TcpEnd, TcpEndKind, Utf8Class};
use crate::diagnosis::case::{Case, Ending};
use crate::diagnosis::world::World;
use crate::ids::{PacketNumber, StreamOffset, Timestamp};

/// A moment: its packet number is its number of milliseconds.
fn at(ms: u64) -> Origin {
    Origin { packet: PacketNumber::new(ms), at: Timestamp(ms as i64 * 1_000_000) }
}

fn seen() -> Box<Sent> {
    Box::new(Sent { last_packet: Some(at(100_000)), ..Sent::default() })
}

fn connection() -> Connection {
    Connection {
        capture: 0,
        tcp_stream: 0,
        also_in: None,
        client: "10.0.0.1:50000".parse().unwrap(),
        server: "10.0.0.2:8080".parse().unwrap(),
        first: at(0),
        last: at(100_000),
        initial_sequence: None,
        tls: None,
        http2: None,
        joined_midstream: false,
        handshake: None,
        request: None,
        from_client: seen(),
        from_server: seen(),
        tcp_end: None,
        tcp_anomalies: None,
        capture_end: at(100_000).at,
    }
}

/// A text message that begins at `start` of its stream and came in one frame at `ms`.
fn text(number: u64, payload: &[u8], ms: u64) -> Message {
    let mut head = crate::connection::Head32::default();
    head.extend(payload);
    let wrong = std::str::from_utf8(payload).err();
    let defect = wrong.map(|e| {
        let offset = e.valid_up_to();
        let class = match (e.error_len(), payload[offset]) {
            (None, _) => Utf8Class::CutAtEnd,
            (_, 0x80..=0xbf) => Utf8Class::UnexpectedContinuation,
            (_, 0xc0 | 0xc1) => Utf8Class::Overlong,
            (_, 0xed) => Utf8Class::Surrogate,
            _ => Utf8Class::MissingContinuation,
        };
        let length = if class == Utf8Class::CutAtEnd { payload.len() - offset } else { 1 };
        let shown = if class == Utf8Class::CutAtEnd { offset } else { 0 };
        Box::new(Defect::InvalidUtf8(InvalidUtf8 {
            offset: offset as u64,
            offset_in_fragment: offset as u64,
            fragment: 1,
            origin: at(ms),
            bytes: payload[offset..offset + length].to_vec(),
            class,
            head: payload.to_vec(),
            around_offset: shown as u64,
            around: payload[shown..].to_vec(),
            mask: None,
            high_bytes: 0,
            control_bytes: 0,
            counted_bytes: 0,
        }))
    });
    let length = payload.len() as u64;
    Message {
        number,
        kind: DataType::Text,
        compressed: false,
        complete: true,
        payload_bytes: Some(length),
        wire_bytes: length,
        declared_bytes: length,
        largest_frame: length,
        fragments: 1,
        missing_bytes: 0,
        first: at(ms),
        last: at(ms),
        start: StreamOffset(number * 1000),
        end: StreamOffset(number * 1000 + length),
        head,
        defect,
        split_character: None,
    }
}

fn send(sent: &mut Sent, payload: &[u8], ms: u64) {
    let message = text(sent.messages + 1, payload, ms);
    sent.messages += 1;
    sent.last_message = Some(at(ms));
    if message.defect.is_some() {
        sent.defects += 1;
        sent.defective.push(message.clone());
    }
    sent.recent.push(message);
}

fn close(code: Option<u16>, reason: &[u8], ms: u64) -> CloseFrame {
    let invalid = std::str::from_utf8(reason).err().map(|e| e.valid_up_to());
    CloseFrame {
        code,
        reason: String::from_utf8_lossy(reason).into_owned(),
        reason_invalid_at: invalid,
        reason_bytes: if invalid.is_some() { reason.to_vec() } else { Vec::new() },
        length: reason.len() as u64 + 2,
        origin: at(ms),
        start: StreamOffset(90_000),
        acknowledged: StreamOffset(0),
        missing: 0,
        searched: false,
    }
}

/// The name of what is found, for one line per case.
fn found(connection: Connection) -> String {
    let observations = Observations { connections: vec![connection], ..Observations::default() };
    let world = World::new(&observations, crate::knowledge::Knowledge::embedded());
    let connection = &observations.connections[0];
    let case = Case {
        index: 0,
        connection,
        ending: Ending::of(connection),
        client: None,
        server: None,
        world: &world,
        memo: Default::default(),
    };
    match trouble(&case) {
        None => "nothing".into(),
        Some(Trouble::Text(bad)) => {
            let look = match bad.look {
                Look::WrongMask => "mask",
                Look::Binary(_) => "binary",
                Look::Charset(_) => "charset",
                Look::Cut(_) => "cut",
                Look::Surrogate => "surrogate",
                Look::Overlong => "overlong",
                Look::Stale(_) => "stale",
                Look::Corrupt => "corrupt",
            };
            let echo = if bad.echo_of.is_some() { " echoed" } else { "" };
            format!(
                "{look} of the {}{echo}, {}",
                bad.suspect.from,
                bad.suspect.confidence.min(bad.look.confidence()).word()
            )
        }
        Some(Trouble::Inflate(..)) => "inflate".into(),
        Some(Trouble::Split(suspect, _)) => format!("split, {}", suspect.confidence.word()),
        Some(Trouble::Reason(bad)) => format!("reason of the {}, {:?}, {}", bad.from, bad.kind, bad.confidence.word()),
        Some(Trouble::Rejected(_, message)) => format!("rejected, message {:?}", message.map(|m| m.number)),
        Some(Trouble::Unexplained(_, why)) => format!("unexplained, {why:?}"),
    }
}

/// The server's answer to one text of the client.
fn answered(payload: &[u8], code: Option<u16>, reason: &str, after_ms: u64) -> String {
    let mut c = connection();
    send(&mut c.from_client, payload, 1000);
    c.from_server.closes.push(close(code, reason.as_bytes(), 1000 + after_ms));
    found(c)
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10";

#[test]
fn codes_decide_how_sure_it_is() {
    assert_eq!(answered(PNG, Some(1007), "", 5), "binary of the client, certain");
    assert_eq!(answered(PNG, Some(1002), "", 5), "binary of the client, certain");
    assert_eq!(answered(PNG, Some(1002), "", 9000), "binary of the client, likely");
    assert_eq!(answered(PNG, Some(1011), "", 5), "binary of the client, likely");
    assert_eq!(answered(PNG, Some(1011), "", 1500), "binary of the client, possible");
    assert_eq!(answered(PNG, Some(1011), "", 5000), "nothing");
    assert_eq!(answered(PNG, Some(1011), "invalid utf-8", 5000), "binary of the client, certain");
    assert_eq!(answered(PNG, Some(1000), "", 5), "binary of the client, possible");
    for code in [1001, 1009, 1012, 3000, 4001] {
        assert_eq!(answered(PNG, Some(code), "", 5), "nothing");
    }
}

#[test]
fn looks() {
    let look = |payload: &[u8]| answered(payload, Some(1007), "", 5);
    assert_eq!(look(b"caf\xe9 au lait, s'il vous pla\xeet"), "charset of the client, certain");
    assert_eq!(look("key\u{1}".as_bytes()), "rejected, message Some(1)");
    assert_eq!(look(b"key\xc0\x80value and more"), "overlong of the client, certain");
    assert_eq!(look(b"smile \xed\xa0\xbd cut in half"), "surrogate of the client, certain");
    assert_eq!(look(b"smile \xed\xa0\xbd and \xc0\x80"), "surrogate of the client, certain");
    assert_eq!(look(&[&b"x".repeat(62)[..], b"\xe2\x82"].concat()), "cut of the client, certain");
    assert_eq!(look(&["世".repeat(9).as_bytes(), b"\xe2\x82"].concat()), "cut of the client, likely");
    assert_eq!(look(b"the end of caf\xe9"), "charset of the client, possible");
    assert_eq!(look(b"{\"a\":1}\0\0\0\0\xb0\xfe\x7f\0\0"), "stale of the client, certain");
}

#[test]
fn a_receiver_that_carried_on_does_not_check() {
    let mut c = connection();
    send(&mut c.from_client, PNG, 1000);
    send(&mut c.from_server, b"ok", 1010);
    c.tcp_end = Some(TcpEnd { how: TcpEndKind::Fin, by: Side::Server, origin: at(1100), inferred: false });
    assert_eq!(found(c.clone()), "nothing");
    send(&mut c.from_client, PNG, 1090);
    assert_eq!(found(c.clone()), "nothing", "the same fault had passed before");
    c.from_client = Box::default();
    send(&mut c.from_client, PNG, 1090);
    assert_eq!(found(c), "binary of the client, likely");
}

#[test]
fn an_echo_goes_back_to_its_sender() {
    let mut c = connection();
    send(&mut c.from_client, PNG, 1000);
    send(&mut c.from_server, PNG, 1010);
    c.from_client.closes.push(close(Some(1007), b"", 1020));
    assert_eq!(found(c), "binary of the server echoed, certain");
}

#[test]
fn the_answer_to_a_close_can_be_the_refusal() {
    let mut c = connection();
    send(&mut c.from_client, PNG, 1000);
    c.from_client.closes.push(close(Some(1000), b"", 1001));
    c.from_server.closes.push(close(Some(1007), b"", 1010));
    assert_eq!(found(c.clone()), "binary of the client, certain");
    c.from_server.closes = vec![close(Some(1000), b"", 1010)];
    assert_eq!(found(c), "nothing");
}

#[test]
fn reasons() {
    let refused = |reason: &[u8], answer: Option<u16>| {
        let mut c = connection();
        c.from_client.closes.push(close(Some(1000), reason, 1000));
        c.from_server.closes.extend(answer.map(|code| close(Some(code), b"", 1010)));
        c.tcp_end = Some(TcpEnd { how: TcpEndKind::Rst, by: Side::Server, origin: at(1020), inferred: false });
        found(c)
    };
    assert_eq!(refused(b"tsch\xfc\xdf", Some(1007)), "reason of the client, NotUtf8, certain");
    assert_eq!(refused(&[&b"a".repeat(122)[..], b"\xe2"].concat(), Some(1007)), "reason of the client, Cut, certain");
    assert_eq!(refused(&b"a".repeat(124), Some(1002)), "reason of the client, TooLong, certain");
    assert_eq!(refused(b"tsch\xfc\xdf", None), "reason of the client, NotUtf8, possible");
    assert_eq!(refused(b"tsch\xfc\xdf", Some(1000)), "nothing");
    assert_eq!(refused("tschüß".as_bytes(), Some(1000)), "nothing");
}

#[test]
fn valid_text_is_another_matter() {
    assert_eq!(answered(b"{}", Some(1007), "invalid argument", 5), "rejected, message Some(1)");
    assert_eq!(answered(b"{}", Some(1007), "", 5), "rejected, message Some(1)");
    assert_eq!(answered(b"{}", Some(1007), "Invalid UTF-8", 5), "unexplained, AllValid");
    assert_eq!(answered(b"{}", Some(1002), "", 5), "nothing");
    let mut c = connection();
    c.from_server.closes.push(close(Some(1007), b"", 1000));
    assert_eq!(found(c.clone()), "unexplained, NothingSent");
    c.from_server.closes = vec![close(Some(1007), b"API key not valid", 1000)];
    assert_eq!(found(c), "rejected, message None");
}

#[test]
fn a_fragment_may_end_inside_a_character() {
    let mut c = connection();
    send(&mut c.from_client, "price: 5 €".as_bytes(), 1000);
    c.from_client.recent[0].fragments = 2;
    c.from_client.recent[0].split_character =
        Some(Box::new(SplitCharacter { offset: 9, fragment: 1, origin: at(990) }));
    c.from_server.closes.push(close(Some(1007), b"", 1005));
    assert_eq!(found(c.clone()), "split, likely");
    // The acknowledgement shows that the rest had not arrived.
    c.from_server.closes[0].acknowledged = StreamOffset(1005);
    assert_eq!(found(c.clone()), "split, certain");
    c.from_server.closes[0].code = Some(1000);
    assert_eq!(found(c.clone()), "nothing");
    c.from_server.closes[0] = close(Some(1007), b"no such price", 1005);
    assert_eq!(found(c), "rejected, message Some(1)");
}
