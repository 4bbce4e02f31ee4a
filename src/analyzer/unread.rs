//! Packets that gave no TCP segment though they might have held one, counted by what they were.

use std::collections::BTreeMap;

use crate::connection::BlindSpot;
use crate::ids::PacketNumber;
use crate::limits;
use crate::network::{FragmentLosses, NotTcp, Tally};

/// Counts of the packets that could not be read.
#[derive(Debug, Default)]
pub(super) struct Unread {
    seen: BTreeMap<Kind, Tally>,
    ether_types: BTreeMap<u16, u64>,
    fragments: FragmentLosses,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Cut,
    LinkType(u16),
    EtherTypes,
    Undecoded(&'static str),
    Encrypted(&'static str),
    TooDeep,
    Malformed,
    /// Link types beyond those that are counted one by one.
    Rest,
}

/// EtherTypes that a sentence names.
const NAMED: usize = 5;

impl Unread {
    pub(super) fn packet(&mut self, why: NotTcp, packet: PacketNumber) {
        let mut kind = match why {
            NotTcp::Other | NotTcp::Fragment => return,
            NotTcp::Cut => Kind::Cut,
            NotTcp::UnknownLinkType(number) => Kind::LinkType(number),
            NotTcp::UnknownEtherType(number) => {
                *self.ether_types.entry(number).or_default() += 1;
                Kind::EtherTypes
            }
            NotTcp::Undecoded(what) => Kind::Undecoded(what),
            NotTcp::Encrypted(what) => Kind::Encrypted(what),
            NotTcp::TooDeep => Kind::TooDeep,
            NotTcp::Malformed => Kind::Malformed,
        };
        if matches!(kind, Kind::LinkType(_))
            && self.seen.len() >= limits::UNKNOWN_LINK_TYPES
            && !self.seen.contains_key(&kind)
        {
            kind = Kind::Rest;
        }
        self.seen.entry(kind).or_default().add(packet);
    }

    pub(super) fn fragments(&mut self, losses: FragmentLosses) {
        self.fragments = losses;
    }

    /// The counts as sentences.
    pub(super) fn spots(&self) -> Vec<BlindSpot> {
        let mut spots = Vec::new();
        let mut add = |kind: &str, text: String, tally: &Tally| {
            if tally.count > 0 {
                let packets = tally.packets.clone();
                spots.push(BlindSpot { kind: kind.to_string(), text, connections: Vec::new(), packets });
            }
        };
        for (kind, tally) in &self.seen {
            let (kind, text) = self.sentence(*kind, tally.count);
            add(kind, text, tally);
        }
        let lost = &self.fragments;
        add("ip-fragments", incomplete(lost), &lost.incomplete);
        let text = format!(
            "{} of IP fragments {} given up before all fragments had come, because they were more than wsdiag keeps ({} \
             datagrams at once, {} MiB, {} fragments of one): what they carried counts as lost. Record less at once, with a \
             filter by host.",
            datagrams(lost.given_up.count),
            were(lost.given_up.count),
            limits::FRAGMENTED_DATAGRAMS,
            limits::FRAGMENT_BYTES / (1024 * 1024),
            limits::FRAGMENTS_OF_DATAGRAM,
        );
        add("ip-fragments-given-up", text, &lost.given_up);
        add("overlapping-ip-fragments", overlapping(lost), &lost.overlapping);
        spots
    }

    fn sentence(&self, kind: Kind, count: u64) -> (&'static str, String) {
        let (packets, have, were) = (packets(count), have(count), were(count));
        match kind {
            Kind::Cut => (
                "cut-headers",
                format!(
                    "{packets} {were} cut by the snap length before the end of the headers: nothing inside was read. Record \
                     whole packets: tcpdump -s 0."
                ),
            ),
            Kind::LinkType(number @ 147..=162) => (
                "unknown-link-type",
                format!(
                    "{packets} {have} link type {number} (DLT_USER{}), whose meaning is known only to the program that wrote \
                     it: nothing inside was read. If Ethernet or IP packets are inside, editcap -T ether or editcap -T rawip \
                     says so to every reader.",
                    number - 147
                ),
            ),
            Kind::LinkType(number) => (
                "unknown-link-type",
                format!(
                    "{packets} {have} link type {number}, which wsdiag does not know: nothing inside was read. Record on an \
                     interface of another type, or with one of the types that tcpdump -L lists for this one."
                ),
            ),
            Kind::Rest => (
                "unknown-link-type",
                format!("{packets} {have} still other link types that wsdiag does not know: nothing inside was read."),
            ),
            Kind::EtherTypes => ("unknown-ether-type", self.ether_types(&packets, have)),
            Kind::Undecoded(what) => (
                "undecoded-tunnel",
                format!(
                    "{packets} {} {what}, which wsdiag does not look into: connections inside are invisible. Record where \
                     the traffic is plain, before it enters or after it has left.",
                    if count == 1 { "holds" } else { "hold" }
                ),
            ),
            Kind::Encrypted(what) => (
                "encrypted-tunnel",
                format!(
                    "{packets} {were} encrypted by {what}: connections inside are invisible. Record where the traffic is \
                     plain: on one of the two machines at its ends, before encryption."
                ),
            ),
            Kind::TooDeep => (
                "too-many-headers",
                format!(
                    "{packets} {have} more headers than wsdiag follows ({} of IP, {} of the link layer before each): what \
                     they carry was not read.",
                    limits::TUNNELS,
                    limits::LINK_HEADERS
                ),
            ),
            Kind::Malformed => (
                "malformed-packets",
                format!(
                    "{packets} {were} damaged (headers that contradict each other, or a checksum that the capture marks as \
                     wrong): nothing inside was read."
                ),
            ),
        }
    }

    fn ether_types(&self, packets: &str, have: &str) -> String {
        let mut types: Vec<(u16, u64)> = self.ether_types.iter().map(|(kind, count)| (*kind, *count)).collect();
        types.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        let named: Vec<String> =
            types.iter().take(NAMED).map(|(kind, count)| format!("0x{kind:04x}: {count}")).collect();
        let more = types.len() - named.len();
        let more = if more > 0 { format!(", and {more} more types") } else { String::new() };
        format!(
            "{packets} {have} an EtherType that wsdiag does not know ({}{more}): what they carry was not read. If IP is \
             inside, record behind the device that adds this header.",
            named.join(", ")
        )
    }
}

fn incomplete(lost: &FragmentLosses) -> String {
    let (count, first_only) = (lost.incomplete.count, lost.first_only);
    let datagrams = datagrams(count);
    let advice = "A filter by port keeps only first fragments: add \"or ip[6:2] & 0x1fff != 0 or ip6 proto 44\".";
    match first_only {
        _ if first_only == count => format!(
            "Of {datagrams} that came in IP fragments only the first fragment is in the capture: what the others carried \
             counts as lost. {advice}"
        ),
        0 => format!(
            "Of {datagrams} that came in IP fragments some fragments are not in the capture: what was in them counts as \
             lost. Record from before the first connection, with a larger buffer (tcpdump -B 16384)."
        ),
        _ => format!(
            "Of {datagrams} that came in IP fragments some fragments are not in the capture (of {first_only} all but the \
             first): what was in them counts as lost. {advice}"
        ),
    }
}

fn overlapping(lost: &FragmentLosses) -> String {
    let FragmentLosses { overlapping, conflicting, .. } = lost;
    let fragments = if overlapping.count == 1 { "1 IP fragment overlaps" } else { "IP fragments overlap" };
    let number = if overlapping.count == 1 { String::new() } else { format!("{} ", overlapping.count) };
    let differ = match conflicting {
        0 => "with the same bytes".to_string(),
        n if *n == overlapping.count => "with other bytes".to_string(),
        n => format!("{n} of them with other bytes"),
    };
    format!(
        "{number}{fragments} earlier ones of the same datagram, {differ}: the bytes that came first were taken, while some \
         receivers drop such a datagram; look at these packets if what is said of their connections seems odd."
    )
}

fn datagrams(count: u64) -> String {
    if count == 1 { "1 datagram".to_string() } else { format!("{count} datagrams") }
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_string() } else { format!("{count} packets") }
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

fn have(count: u64) -> &'static str {
    if count == 1 { "has" } else { "have" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(packets: &[NotTcp]) -> Vec<BlindSpot> {
        let mut unread = Unread::default();
        for (nth, why) in packets.iter().enumerate() {
            unread.packet(*why, PacketNumber::new(nth as u64 + 1));
        }
        unread.spots()
    }

    #[test]
    fn what_is_of_no_interest_is_not_said() {
        assert!(unread(&[NotTcp::Other, NotTcp::Fragment]).is_empty());
    }

    #[test]
    fn each_kind_is_counted_once() {
        let spots = unread(&[
            NotTcp::Encrypted("IPsec"),
            NotTcp::Encrypted("IPsec"),
            NotTcp::UnknownLinkType(147),
            NotTcp::UnknownEtherType(0x1234),
            NotTcp::UnknownEtherType(0xfefe),
            NotTcp::UnknownEtherType(0xfefe),
        ]);
        let numbers = |s: &BlindSpot| s.packets.iter().map(|p| p.number()).collect::<Vec<_>>();
        let short: Vec<_> = spots.iter().map(|s| (s.kind.as_str(), numbers(s))).collect();
        let expected =
            [("unknown-link-type", vec![3]), ("unknown-ether-type", vec![4, 5, 6]), ("encrypted-tunnel", vec![1, 2])];
        assert_eq!(short, expected);
        assert!(spots[0].text.contains("1 packet has link type 147 (DLT_USER0)"), "{}", spots[0].text);
        assert!(spots[1].text.contains("(0xfefe: 2, 0x1234: 1)"), "{}", spots[1].text);
    }

    #[test]
    fn link_types_are_counted_one_by_one_up_to_a_limit() {
        let many: Vec<_> = (1000..1400).map(NotTcp::UnknownLinkType).collect();
        let spots = unread(&many);
        assert_eq!(spots.len(), limits::UNKNOWN_LINK_TYPES + 1);
        let rest = spots.last().map(|s| s.text.as_str()).unwrap_or_default();
        assert!(rest.starts_with(&format!("{} packets", 400 - limits::UNKNOWN_LINK_TYPES)), "{rest}");
    }
}
