use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::ids::Timestamp;

fn key(identification: u32) -> Key {
    let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    Key { source: address(1), destination: address(2), identification, protocol: protocol::TCP }
}

fn at(packet: u64) -> Origin {
    Origin { packet: PacketNumber::new(packet), at: Timestamp(packet as i64 * 1_000_000_000) }
}

/// A fragment of TCP; `more` tells that it is not the last.
fn fragment(identification: u32, offset: u32, more: bool, bytes: &[u8]) -> Fragment<'_> {
    let payload = Rest::new(bytes, bytes.len() as u32);
    Fragment { key: key(identification), protocol: protocol::TCP, offset, more, payload }
}

fn bytes_of(fragments: &Fragments, key: Key) -> Vec<u8> {
    fragments.joined(key).expect("a datagram").payload.bytes().to_vec()
}

#[test]
fn the_last_piece_completes_it_whichever_it_is() {
    let pieces: [(u32, bool, &[u8]); 3] = [(0, true, b"01234567"), (8, true, b"89abcdef"), (16, false, b"gh")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
        let mut f = Fragments::default();
        for (nth, &index) in order.iter().enumerate() {
            let (offset, more, bytes) = pieces[index];
            let added = f.add(at(1 + nth as u64), fragment(7, offset, more, bytes));
            assert_eq!(added, if nth < 2 { Err(NotTcp::Fragment) } else { Ok(key(7)) }, "{order:?}");
        }
        assert_eq!(bytes_of(&f, key(7)), b"0123456789abcdefgh");
        assert_eq!(f.finish(), FragmentLosses::default());
    }
}

#[test]
fn copies_change_nothing_and_are_no_loss() {
    let mut f = Fragments::default();
    for round in 0..2 {
        for (nth, (offset, more, bytes)) in [(0, true, b"01234567"), (8, false, b"89abcdef")].into_iter().enumerate() {
            for copy in 0..2 {
                let added = f.add(at(round * 4 + nth as u64 * 2 + copy), fragment(7, offset, more, bytes));
                let completes = round == 0 && nth == 1 && copy == 0;
                assert_eq!(added.is_ok(), completes, "round {round}, fragment {nth}, copy {copy}: {added:?}");
            }
        }
    }
    assert_eq!(f.finish(), FragmentLosses::default());
}

#[test]
fn an_identification_is_used_again() {
    let mut f = Fragments::default();
    for text in [b"01234567", b"abcdefgh"] {
        assert_eq!(f.add(at(1), fragment(7, 0, true, text)), Err(NotTcp::Fragment));
        assert_eq!(f.add(at(2), fragment(7, 8, false, text)), Ok(key(7)));
        assert_eq!(bytes_of(&f, key(7)), text.repeat(2));
    }
    assert_eq!(f.finish(), FragmentLosses::default());
}

#[test]
fn an_old_fragment_does_not_meet_a_new_one() {
    let mut f = Fragments::default();
    assert_eq!(f.add(at(1), fragment(7, 0, true, b"01234567")), Err(NotTcp::Fragment));
    assert_eq!(f.add(at(99), fragment(7, 8, false, b"new")), Err(NotTcp::Fragment));
    let losses = f.finish();
    assert_eq!((losses.incomplete.count, losses.first_only), (2, 1));
    assert_eq!(losses.incomplete.packets, [PacketNumber::new(1), PacketNumber::new(99)]);
}

#[test]
fn what_came_first_counts_where_fragments_overlap() {
    let mut f = Fragments::default();
    assert_eq!(f.add(at(1), fragment(7, 8, true, b"89abcdef")), Err(NotTcp::Fragment));
    // The same bytes and more before them, then others and more behind them.
    assert_eq!(f.add(at(2), fragment(7, 0, true, b"0123456789abcdef")), Err(NotTcp::Fragment));
    assert_eq!(f.add(at(3), fragment(7, 8, false, b"XXXXXXXXend")), Ok(key(7)));
    assert_eq!(bytes_of(&f, key(7)), b"0123456789abcdefend");
    let losses = f.finish();
    assert_eq!(losses.overlapping, Tally { count: 2, packets: vec![PacketNumber::new(2), PacketNumber::new(3)] });
    assert_eq!(losses.conflicting, 1);
}

#[test]
fn two_ends_contradict_each_other() {
    let mut f = Fragments::default();
    assert_eq!(f.add(at(1), fragment(7, 8, false, b"89")), Err(NotTcp::Fragment));
    assert_eq!(f.add(at(2), fragment(7, 8, false, b"89ab")), Err(NotTcp::Fragment));
    assert_eq!(f.finish().conflicting, 1);
}

#[test]
fn what_the_snap_length_cut_is_missing_from_there_on() {
    let mut f = Fragments::default();
    let cut = Fragment { payload: Rest::new(b"0123", 8), ..fragment(7, 0, true, b"") };
    assert_eq!(f.add(at(1), cut), Err(NotTcp::Fragment));
    assert_eq!(f.add(at(2), fragment(7, 8, false, b"89")), Ok(key(7)));
    let payload = f.joined(key(7)).expect("a datagram").payload;
    assert_eq!((payload.bytes(), payload.wire()), (b"0123".as_slice(), 10));
}

#[test]
fn impossible_fragments_are_refused() {
    let mut f = Fragments::default();
    assert_eq!(f.add(at(1), fragment(7, 0, true, b"012345")), Err(NotTcp::Malformed));
    assert_eq!(f.add(at(1), fragment(7, 0, true, b"")), Err(NotTcp::Malformed));
    assert_eq!(f.add(at(1), fragment(7, 65_528, false, b"01234567")), Err(NotTcp::Malformed));
    assert_eq!(f.add(at(1), fragment(7, 70_000, false, b"01234567")), Err(NotTcp::Malformed));
    assert_eq!(f.finish(), FragmentLosses::default());
}

#[test]
fn datagrams_of_no_interest_are_not_kept() {
    let mut f = Fragments::default();
    let dns = [0x13, 0x88, 0, 53, 0, 16, 0, 0];
    let udp = |offset, more, bytes| Fragment { protocol: protocol::UDP, ..fragment(7, offset, more, bytes) };
    let icmp = Fragment { protocol: 1, ..fragment(8, 0, true, &dns) };
    assert_eq!(f.add(at(1), icmp), Err(NotTcp::Other));
    // The last fragment alone does not tell; with the first it does, and what follows is known.
    assert_eq!(f.add(at(1), udp(16, false, &dns)), Err(NotTcp::Fragment));
    assert_eq!(f.add(at(2), udp(0, true, &dns)), Err(NotTcp::Other));
    assert_eq!(f.add(at(3), udp(8, true, &dns)), Err(NotTcp::Other));
    assert_eq!((f.bytes, f.waiting.len()), (0, 0));
    assert_eq!(f.finish(), FragmentLosses::default());
}

#[test]
fn the_oldest_is_given_up_when_too_many_wait() {
    let mut f = Fragments::default();
    for identification in 0..limits::FRAGMENTED_DATAGRAMS as u32 + 2 {
        let _ = f.add(at(u64::from(identification)), fragment(identification, 0, true, b"01234567"));
    }
    assert_eq!(f.losses.given_up, Tally { count: 2, packets: vec![PacketNumber::new(0), PacketNumber::new(1)] });
    assert_eq!(f.table.len(), limits::FRAGMENTED_DATAGRAMS);
}

#[test]
fn memory_is_bounded() {
    let mut f = Fragments::default();
    let large = vec![0; 65_000];
    for identification in 0..200 {
        let _ = f.add(at(1), fragment(identification, 0, true, &large));
        assert!(f.bytes <= limits::FRAGMENT_BYTES);
    }
    let one = vec![0; 8];
    for nth in 0..4000 {
        let _ = f.add(at(1), fragment(1000, nth * 16, true, &one));
    }
    let pieces = f.table.values().map(|e| if let State::Waiting(w) = &e.state { w.pieces.len() } else { 0 }).max();
    assert!(pieces.is_some_and(|p| p <= limits::FRAGMENTS_OF_DATAGRAM), "{pieces:?}");
    assert!(f.losses.given_up.count > 100);
    // The books agree with what is there.
    let kept: usize = f.table.values().map(|e| if let State::Waiting(w) = &e.state { w.bytes } else { 0 }).sum();
    assert_eq!(kept, f.bytes);
    assert_eq!(f.waiting.len(), f.table.values().filter(|e| matches!(e.state, State::Waiting(_))).count());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Any cuts in any order, with copies and overlaps, give the datagram that was cut.
    #[test]
    fn any_cuts_are_joined(
        length in 1..3000usize,
        cuts in prop::collection::vec((0..400usize, 1..60usize), 0..12),
        seed in any::<u64>(),
    ) {
        let whole: Vec<u8> = (0..length).map(|i| (i * 7 + i / 256) as u8).collect();
        // Pieces from random places, and a row that leaves no hole.
        let mut pieces: Vec<(usize, usize)> = cuts.iter().map(|(from, count)| (from * 8, (from + count) * 8)).collect();
        pieces.extend((0..length).step_by(64).map(|from| (from, from + 64)));
        pieces.retain(|(from, _)| *from < length);
        pieces.sort_by_key(|(from, to)| seed.wrapping_mul(*from as u64 * 2 + 1).wrapping_add(*to as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut f = Fragments::default();
        let mut joined = 0;
        for (nth, (from, to)) in pieces.iter().enumerate() {
            let to = (*to).min(length);
            joined += u32::from(f.add(at(nth as u64 / 100), fragment(7, *from as u32, to < length, &whole[*from..to])).is_ok());
        }
        prop_assert_eq!(joined, 1);
        prop_assert_eq!(bytes_of(&f, key(7)), whole);
        let losses = f.finish();
        prop_assert_eq!(losses.incomplete.count, 0);
        prop_assert_eq!(losses.conflicting, 0);
    }
}
