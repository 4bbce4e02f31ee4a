//! Every way in which TLS protects a connection, out of real captures with their key logs (`fixtures/captures/tls`): the same
//! conversation has to come out of each, however its records are cut into segments.

mod support;

use std::path::{Path, PathBuf};

use wsdiag::analyzer::{Options, observe_with};
use wsdiag::connection::{Connection, Observations, TlsFacts, TlsUnread};
use wsdiag::ids::Origin;

/// Capture, version, cipher suite, and the messages of client and server.
#[rustfmt::skip]
const PATHS: &[(&str, &str, &str, [u64; 2])] = &[
    ("tls13-aes128gcm", "1.3", "TLS_AES_128_GCM_SHA256", [2, 1]),
    ("tls13-aes256gcm", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-chacha20", "1.3", "TLS_CHACHA20_POLY1305_SHA256", [2, 1]),
    ("tls13-ccm", "1.3", "TLS_AES_128_CCM_SHA256", [2, 1]),
    ("tls13-ccm8", "1.3", "TLS_AES_128_CCM_8_SHA256", [2, 1]),
    ("tls13-retry", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-psk-frag", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-early", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-early-refused", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-early-retry", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-keyupdate", "1.3", "TLS_AES_256_GCM_SHA384", [6, 5]),
    ("tls13-padding", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls13-clientauth", "1.3", "TLS_AES_256_GCM_SHA384", [2, 1]),
    ("tls12-ecdhe-rsa-aes128-gcm-sha256", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", [2, 1]),
    ("tls12-ecdhe-ecdsa-aes256-gcm-sha384", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", [2, 1]),
    ("tls12-ecdhe-ecdsa-aes128-ccm", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", [2, 1]),
    ("tls12-ecdhe-ecdsa-aes256-ccm8", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", [2, 1]),
    ("tls12-ecdhe-rsa-chacha20-poly1305", "1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", [2, 1]),
    ("tls12-ecdhe-rsa-aes128-sha", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", [2, 1]),
    ("tls12-ecdhe-rsa-aes128-sha-mte", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", [2, 1]),
    ("tls12-ecdhe-rsa-aes128-sha256", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", [2, 1]),
    ("tls12-aes128-sha256-mte", "1.2", "TLS_RSA_WITH_AES_128_CBC_SHA256", [2, 1]),
    ("tls12-ecdhe-rsa-aes256-sha384", "1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", [2, 1]),
    ("tls12-ecdhe-ecdsa-aes256-sha384-mte", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", [2, 1]),
    ("tls12-ticket-frag", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", [2, 1]),
    ("tls12-sessionid", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", [2, 1]),
    ("tls12-renego-client", "1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", [3, 2]),
    ("tls12-renego-cbc", "1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", [4, 3]),
    ("tls11-aes128-sha", "1.1", "TLS_RSA_WITH_AES_128_CBC_SHA", [2, 1]),
    ("tls11-ecdhe-rsa-aes256-sha-mte", "1.1", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", [2, 1]),
    ("tls10-aes128-sha", "1.0", "TLS_RSA_WITH_AES_128_CBC_SHA", [2, 1]),
    ("tls10-ecdhe-rsa-aes256-sha-mte", "1.0", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", [2, 1]),
    ("tls12-rsa-ticket", "1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", [2, 1]),
    ("tls12-rsa-sessionid", "1.2", "TLS_RSA_WITH_AES_256_GCM_SHA384", [2, 1]),
    ("tls12-rsa-plain-master", "1.2", "TLS_RSA_WITH_AES_256_GCM_SHA384", [2, 1]),
    ("tls12-rsa-renego", "1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", [3, 2]),
    ("tls10-rsa-plain-master", "1.0", "TLS_RSA_WITH_AES_256_CBC_SHA", [2, 1]),
];

#[test]
fn every_path_is_opened() {
    for (name, version, suite, messages) in PATHS {
        let seen = observe(&capture(name), &key_log(name));
        let told = conversation(&seen);
        let tls = told.tls.as_ref().expect("TLS");
        assert_eq!((tls.version.as_deref(), tls.cipher_suite.as_deref()), (Some(*version), Some(*suite)), "{name}");
        assert_eq!(tls.server_name.as_deref(), Some("ws.example"), "{name}");
        assert!(tls.decrypted && tls.why_not.is_none(), "{name}");
        assert_eq!(told.from_client.messages, messages[0], "{name}: messages of the client");
        assert_eq!(told.from_server.messages, messages[1], "{name}: messages of the server");
        assert_eq!(told.from_client.payload_bytes, 5 + 3000 + 7 * (messages[0] - 2), "{name}");
        assert_eq!(
            closes(told),
            (vec![(Some(1009), String::new())], vec![(Some(1009), "limit 2048".to_string())]),
            "{name}"
        );
        assert!(told.from_client.lost.gaps.is_empty() && told.from_server.lost.gaps.is_empty(), "{name}");
        assert!(seen.blind_spots.is_empty(), "{name}: {:?}", seen.blind_spots);
    }
}

/// The server's RSA key opens what was encrypted for it, and shows why nothing else.
#[test]
fn an_rsa_key_opens_its_key_exchanges() {
    let folder = support::root().join("fixtures/captures/tls");
    for key in ["server.pem", "server-pkcs1.pem"] {
        for (name, _, suite, messages) in PATHS {
            let options = Options { rsa_keys: vec![folder.join(key)], ..Options::default() };
            let (seen, errors) = observe_with(&[capture(name)], &options, &mut |_| {});
            assert!(errors.is_empty(), "{errors:?}");
            if !suite.starts_with("TLS_RSA_WITH") {
                assert!(seen.connections.is_empty(), "{name}");
                assert!(seen.blind_spots[0].text.contains("ephemeral"), "{name}: {:?}", seen.blind_spots);
                continue;
            }
            let told = conversation(&seen);
            assert_eq!([told.from_client.messages, told.from_server.messages], *messages, "{name}");
            assert_eq!((closes(told).0.len(), closes(told).1.len()), (1, 1), "{name}");
            assert!(seen.blind_spots.is_empty(), "{name}: {:?}", seen.blind_spots);
        }
    }
}

#[test]
fn a_file_without_an_rsa_key_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key.pem");
    let begin = |kind: &str| format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
    for (text, expected) in [
        (begin("CERTIFICATE"), "no private key"),
        (begin("EC PRIVATE KEY"), "not RSA"),
        (begin("PRIVATE KEY"), "not RSA"),
        (begin("ENCRYPTED PRIVATE KEY"), "encrypted"),
        (String::new(), "no private key"),
    ] {
        std::fs::write(&path, text).expect("the file can be written");
        let options = Options { rsa_keys: vec![path.clone()], ..Options::default() };
        let (seen, errors) = observe_with(&[capture("tls10-aes128-sha")], &options, &mut |_| {});
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains(expected), "{}", errors[0]);
        assert!(seen.connections.is_empty());
    }
}

/// Packets with payload, by their place in the capture.
fn carrying(packets: &[([u8; 8], Vec<u8>)]) -> Vec<usize> {
    (0..packets.len()).filter(|at| packets[*at].1.len() > places(&packets[*at].1).1).collect()
}

/// A capture that begins behind the upgrade: the secrets of TLS 1.3 are found by trying them.
#[test]
fn a_connection_is_joined_in_the_midst_of_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("late.pcap");
    for name in ["tls13-aes128gcm", "tls13-aes256gcm", "tls13-chacha20", "tls13-ccm", "tls13-ccm8", "tls13-padding"] {
        let packets = read(&capture(name));
        // What carries the last five messages, and the alert that ends TLS.
        let carrying = carrying(&packets);
        write(&path, &packets[carrying[carrying.len() - 6]..]);
        let seen = observe(&path, &key_log(name));
        let told = conversation(&seen);
        assert!(told.joined_midstream, "{name}");
        assert_eq!((told.from_client.messages, told.from_server.messages), (2, 1), "{name}");
        assert_eq!((closes(told).0.len(), closes(told).1.len()), (1, 1), "{name}");
    }
}

/// Each packet with payload missing once: every Close that is still in the capture is found.
#[test]
fn a_missing_packet_hides_no_close_but_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lost.pcap");
    let names = ["tls13-aes128gcm", "tls12-ecdhe-rsa-aes128-gcm-sha256", "tls12-ecdhe-rsa-aes128-sha"];
    for name in names {
        let packets = read(&capture(name));
        let whole = observe(&capture(name), &key_log(name));
        let expected = conversation(&whole);
        let frame = |o: wsdiag::ids::Origin| o.packet.number() as usize - 1;
        let of = |c: &Connection| [c.from_client.closes[0].origin, c.from_server.closes[0].origin].map(frame);
        let close_at = of(expected);
        let upgrade_at = frame(expected.handshake.as_ref().expect("a handshake").response.origin);
        // The hellos are needed: without their randoms there are no keys.
        for lost in carrying(&packets).into_iter().filter(|at| *at > upgrade_at) {
            let mut rest = packets.clone();
            rest.remove(lost);
            write(&path, &rest);
            let seen = observe(&path, &key_log(name));
            let told = conversation(&seen);
            let found = closes(told);
            assert_eq!(found.0.len(), usize::from(lost != close_at[0]), "{name} without packet {}", lost + 1);
            assert_eq!(found.1.len(), usize::from(lost != close_at[1]), "{name} without packet {}", lost + 1);
            let gaps = told.from_client.lost.gaps.len() + told.from_server.lost.gaps.len();
            assert!(gaps <= 1, "{name} without packet {}: {gaps} gaps", lost + 1);
        }
    }
}

/// What stands before the conversation, and whether that is in TLS then.
const PREFACED: &[(&str, bool)] = &[
    ("proxy-connect-plain", false),
    ("proxy-connect-tls", true),
    ("proxy-header-v1-tls", true),
    ("proxy-header-v2-plain", false),
    ("proxy-header-v2-tls", true),
    ("proxy-socks4-tls", true),
    ("proxy-socks5-password-plain", false),
    ("proxy-socks5-tls", true),
];

#[test]
fn proxies_are_passed() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut_path = folder.path().join("cut.pcap");
    let captures = support::root().join("fixtures/captures/proxies");
    for (name, tls) in PREFACED {
        let capture = captures.join(format!("{name}.pcap"));
        for bytes in [1, 4, 50, 100_000] {
            write(&cut_path, &cut(&read(&capture), bytes));
            let key_logs = if *tls { vec![captures.join(format!("{name}.keys"))] } else { Vec::new() };
            let options = Options { key_logs, ..Options::default() };
            let (seen, errors) = observe_with(std::slice::from_ref(&cut_path), &options, &mut |_| {});
            assert!(errors.is_empty(), "{errors:?}");
            let told = conversation(&seen);
            assert_eq!(told.tls.is_some(), *tls, "{name}");
            assert!(told.handshake.as_ref().is_some_and(|h| h.accept_valid == Some(true)), "{name}");
            assert_eq!((told.from_client.messages, told.from_server.messages), (2, 1), "{name} in segments of {bytes}");
            let (client, server) = closes(told);
            assert_eq!((client.len(), server.len()), (1, 1), "{name} in segments of {bytes}");
            assert!(seen.blind_spots.is_empty() && seen.failed_handshakes.is_empty(), "{name}: {:?}", seen.blind_spots);
        }
    }
}

#[test]
fn every_capture_is_in_the_table() {
    let folder = support::root().join("fixtures/captures/tls");
    for entry in std::fs::read_dir(folder).expect("fixtures/captures/tls can be listed") {
        let name = entry.expect("a folder entry").file_name().to_string_lossy().into_owned();
        if name.ends_with(".pem") {
            continue;
        }
        let name = name.strip_suffix(".pcap").or(name.strip_suffix(".keys")).expect("a capture or its key log");
        assert!(PATHS.iter().any(|(known, ..)| *known == name), "{name}");
    }
}

/// What is known of the TLS, without the packets that alerts came in.
fn facts(of: &Connection) -> Option<TlsFacts> {
    let mut facts = of.tls.as_deref().cloned()?;
    facts.alerts.iter_mut().for_each(|alert| alert.origin = Origin::default());
    Some(facts)
}

#[test]
fn segments_make_no_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut.pcap");
    for (name, ..) in PATHS {
        let whole = observe(&capture(name), &key_log(name));
        for bytes in [1, 3, 7, 100, 1000] {
            write(&path, &cut(&read(&capture(name)), bytes));
            let seen = observe(&path, &key_log(name));
            let (told, expected) = (conversation(&seen), conversation(&whole));
            assert_eq!(facts(told), facts(expected), "{name} in segments of {bytes}");
            assert_eq!(closes(told), closes(expected), "{name} in segments of {bytes}");
            for (told, expected) in
                [(&told.from_client, &expected.from_client), (&told.from_server, &expected.from_server)]
            {
                assert_eq!((told.messages, told.payload_bytes), (expected.messages, expected.payload_bytes), "{name}");
            }
        }
    }
}

/// Neither the secrets of another connection nor wrong ones under the right name open anything.
#[test]
fn wrong_secrets_open_nothing() {
    let seen = observe(&capture("tls13-ccm"), &key_log("tls13-chacha20"));
    assert!(seen.connections.is_empty());
    assert_eq!(seen.blind_spots.len(), 1);
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("wrong.keys");
    for name in ["tls13-aes128gcm", "tls12-ecdhe-rsa-aes128-sha", "tls10-aes128-sha"] {
        let text = std::fs::read_to_string(key_log(name)).expect("a key log");
        let wrong = text.lines().map(|line| {
            let (start, last) = line.split_at(line.len() - 1);
            format!("{start}{}\n", if last == "0" { "1" } else { "0" })
        });
        std::fs::write(&log, wrong.collect::<String>()).expect("the key log can be written");
        let seen = observe(&capture(name), &log);
        let opened =
            |c: &Connection| c.tls.as_ref().is_some_and(|tls| tls.decrypted || tls.why_not == Some(TlsUnread::NoKeys));
        assert!(!seen.connections.iter().any(opened), "{name}");
        assert!(!seen.blind_spots.is_empty(), "{name}");
    }
}

fn capture(name: &str) -> PathBuf {
    support::root().join("fixtures/captures/tls").join(format!("{name}.pcap"))
}

fn key_log(name: &str) -> PathBuf {
    support::root().join("fixtures/captures/tls").join(format!("{name}.keys"))
}

fn observe(capture: &Path, key_log: &Path) -> Observations {
    let options = Options { key_logs: vec![key_log.to_path_buf()], ..Options::default() };
    let (seen, errors) = observe_with(&[capture.to_path_buf()], &options, &mut |_| {});
    assert!(errors.is_empty(), "{errors:?}");
    seen
}

/// The only WebSocket of a capture.
fn conversation(seen: &Observations) -> &Connection {
    assert_eq!(seen.connections.len(), 1, "{:?}", seen.blind_spots);
    &seen.connections[0]
}

type Closes = Vec<(Option<u16>, String)>;

fn closes(told: &Connection) -> (Closes, Closes) {
    let of = |sent: &wsdiag::connection::Sent| sent.closes.iter().map(|c| (c.code, c.reason.clone())).collect();
    (of(&told.from_client), of(&told.from_server))
}

/// The record headers and packets of a pcap file of this machine's loopback: Ethernet, IPv4, TCP.
fn read(path: &Path) -> Vec<([u8; 8], Vec<u8>)> {
    let bytes = std::fs::read(path).expect("a capture");
    let mut rest = &bytes[24..];
    let mut packets = Vec::new();
    while let Some((header, body)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes(header[8..12].try_into().expect("four bytes")) as usize;
        packets.push((header[..8].try_into().expect("eight bytes"), body[..length].to_vec()));
        rest = &body[length..];
    }
    packets
}

fn write(path: &Path, packets: &[([u8; 8], Vec<u8>)]) {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for (time, packet) in packets {
        bytes.extend(time);
        bytes.extend((packet.len() as u32).to_le_bytes());
        bytes.extend((packet.len() as u32).to_le_bytes());
        bytes.extend(packet);
    }
    std::fs::write(path, bytes).expect("the capture can be written");
}

/// Where TCP begins in a packet, and where its payload does.
fn places(packet: &[u8]) -> (usize, usize) {
    let tcp = 14 + usize::from(packet[14] & 15) * 4;
    (tcp, tcp + usize::from(packet[tcp + 12] >> 4) * 4)
}

/// The same packets with so many bytes of payload at most.
fn cut(packets: &[([u8; 8], Vec<u8>)], bytes: usize) -> Vec<([u8; 8], Vec<u8>)> {
    let mut all = Vec::new();
    for (time, packet) in packets {
        let (tcp, payload) = places(packet);
        let sequence = u32::from_be_bytes(packet[tcp + 4..tcp + 8].try_into().expect("four bytes"));
        let pieces = packet[payload..].chunks(bytes).count();
        if pieces <= 1 {
            all.push((*time, packet.clone()));
        }
        for (nth, piece) in packet[payload..].chunks(bytes).enumerate().filter(|_| pieces > 1) {
            let mut part = [&packet[..payload], piece].concat();
            let length = (part.len() - 14) as u16;
            part[16..18].copy_from_slice(&length.to_be_bytes());
            part[tcp + 4..tcp + 8].copy_from_slice(&sequence.wrapping_add((nth * bytes) as u32).to_be_bytes());
            if nth + 1 < pieces {
                part[tcp + 13] &= !1;
            }
            all.push((*time, part));
        }
    }
    all
}
