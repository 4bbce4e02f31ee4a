//! What has to hold for conversations and captures that nobody thought of.

mod support;

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use support::clothes::{self, CLOTHES};
use support::conversation::Case;
use support::rng::Rng;
use support::tcp::{self, Built};
use support::websocket::Written;
use wsdiag::ids::Side;

/// The same cases on every run: a test that fails on some machines only helps nobody. PROPTEST_RNG_SEED and
/// PROPTEST_CASES look further.
fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config
}

/// One line of a conversation: any kind of message, sizes around the boundaries of the length field.
fn line() -> impl Strategy<Value = String> {
    let side = prop_oneof![Just("client"), Just("server")];
    let size = prop_oneof![0..6usize, 120..130usize, 0..3000usize, 65_530..65_540usize];
    let kind = prop_oneof![
        (size.clone(), Just(())).prop_map(|(n, ())| format!("text fill={n}")),
        size.clone().prop_map(|n| format!("binary fill={n}")),
        size.clone().prop_map(|n| format!("text fill={n} compressed")),
        (size, 1..200usize, 0..9usize).prop_map(|(n, a, b)| format!("text fill={n} compressed fragments={a},{b}")),
        (0..900usize, 0..300usize).prop_map(|(n, a)| format!("binary fill={n} fragments={a}")),
        (0..125usize).prop_map(|n| format!("ping fill={n}")),
        (0..125usize).prop_map(|n| format!("pong fill={n}")),
    ];
    (side, kind).prop_map(|(side, kind)| format!("{side} {kind}\n"))
}

/// A case file: as text, so that a failure shows what to put into fixtures/cases.
fn conversation() -> impl Strategy<Value = String> {
    (prop::collection::vec(line(), 0..12), any::<bool>()).prop_map(|(lines, takeover)| {
        let deflate = if takeover { "" } else { "client_no_context_takeover; server_no_context_takeover" };
        format!(
            "title = \"generated\"\n[[connection]]\nsteps = '''\n{}client close 1000 \"bye\"\nserver close 1000\n\
             server fin\nclient fin\n'''\n[connection.handshake]\ndeflate = \"{deflate}\"\n",
            lines.concat()
        )
    })
}

/// The frames that `observe` shows for a capture, by side, in the terms of the builder.
fn frames_in(bytes: &[u8]) -> [Vec<Written>; 2] {
    let (_folder, path) = file_with(bytes);
    let mut seen: [Vec<Written>; 2] = Default::default();
    let (_, errors) = wsdiag::analyzer::observe(&[path], &mut |f| {
        seen[f.from as usize].push(Written {
            from: f.from,
            opcode: f.opcode,
            fin: f.fin,
            rsv: f.rsv,
            masked: f.masked,
            length: f.length,
            whole: true,
        });
    });
    assert!(errors.is_empty(), "{errors:?}");
    seen
}

fn file_with(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("capture");
    std::fs::write(&path, bytes).expect("a file can be written");
    (folder, path)
}

fn written(built: &Built) -> [Vec<Written>; 2] {
    [Side::Client, Side::Server].map(|side| built.frames[0].iter().filter(|f| f.from == side).cloned().collect())
}

proptest! {
    #![proptest_config(config(96))]

    /// However the byte streams were cut, doubled and shuffled on their way, the frames are those that were written.
    #[test]
    fn the_journey_changes_no_frame(
        case in conversation(),
        seed in any::<u64>(),
        largest in prop_oneof![1..4usize, 1..100usize, 1..4000usize],
        (twice, shuffled, again, wrapping) in any::<(bool, bool, bool, bool)>(),
    ) {
        let mut built = tcp::build(&Case::parse("generated", &case).expect("generated cases are well-formed"));
        let mut rng = Rng::new(seed);
        // Tiny segments of large messages show nothing that tiny segments of small ones do not, and take long.
        let data: usize = built.segments.iter().map(|s| s.payload.len()).sum();
        let largest = largest.max(data / 3000);
        if again {
            clothes::retransmitted(&mut built.segments, &mut rng);
        }
        clothes::cut(&mut built.segments, |_| 1 + rng.below(largest));
        if twice {
            clothes::duplicated(&mut built.segments, &mut rng);
        }
        if wrapping {
            clothes::wrapped(&mut built.segments, &mut rng);
        }
        if shuffled {
            clothes::reordered(&mut built.segments, &mut rng);
        }
        let bytes = clothes::capture(&built, clothes::plain(), &mut rng);
        prop_assert_eq!(frames_in(&bytes), written(&built));
    }
}

proptest! {
    #![proptest_config(config(256))]

    /// Bytes that are no capture are refused, not tripped over.
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        survives(&bytes);
    }

    /// Nor are the bytes behind a right file header.
    #[test]
    fn any_records_are_read_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        pcapng in any::<bool>(),
        nth in any::<prop::sample::Index>(),
    ) {
        let link = CLOTHES[nth.index(CLOTHES.len())].link.number();
        let file = if pcapng { support::files::File::Pcapng { big_endian: false } } else { clothes::plain().file };
        let mut capture = support::files::write(file, link, &[], None);
        capture.extend(bytes);
        survives(&capture);
    }

    /// Nor is any packet, under any link layer.
    #[test]
    fn any_packets_are_read_without_panic(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        nth in any::<prop::sample::Index>(),
    ) {
        let clothing = &CLOTHES[nth.index(CLOTHES.len())];
        let packets: Vec<_> = packets.into_iter().map(|bytes| support::packets::Packet { at: 0, bytes }).collect();
        survives(&support::files::write(clothing.file, clothing.link.number(), &packets, None));
    }

    /// Nor any bytes where frames are expected, and what follows them.
    #[test]
    fn any_frames_are_read_without_panic(
        client in prop::collection::vec(any::<u8>(), 0..300),
        server in prop::collection::vec(any::<u8>(), 0..300),
        compressed in any::<bool>(),
    ) {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let text = format!(
            "title = \"noise\"\n[[connection]]\nsteps = '''\nclient raw hex={}\nserver raw hex={}\nserver fin\n'''\n{}",
            hex(&client), hex(&server), if compressed { "[connection.handshake]\ndeflate = \"\"\n" } else { "" },
        );
        let case = Case::parse("noise", &text).expect("a case");
        survives(&clothes::dress(&case, clothes::plain()));
    }

    /// A capture with some bytes changed, some packets cut and its end missing is read as far as it goes.
    #[test]
    fn damage_is_read_without_panic(
        which in any::<prop::sample::Index>(),
        clothing in any::<prop::sample::Index>(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        end in any::<prop::sample::Index>(),
    ) {
        let cases = support::cases();
        let clothing = &CLOTHES[clothing.index(CLOTHES.len())];
        let mut bytes = clothes::dress(&cases[which.index(cases.len())], clothing);
        for (at, value) in hits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        // half of them whole
        bytes.truncate(bytes.len().min(end.index(bytes.len() * 2)));
        survives(&bytes);
    }
}

fn survives(bytes: &[u8]) {
    let (_folder, path) = file_with(bytes);
    let analysis = wsdiag::analyzer::analyze(&[path]);
    serde_json::to_string(&analysis.report).expect("a report is JSON");
    for error in analysis.errors {
        assert!(!error.to_string().is_empty());
    }
}
