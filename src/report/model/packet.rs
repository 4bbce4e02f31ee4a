//! Packets as JSON has them: their number and, where there are several captures, which of these holds them.

use serde::Serializer;
use serde::ser::SerializeMap;

use crate::ids::PacketNumber;

fn one<S: Serializer>(
    packet: Option<PacketNumber>,
    number: &'static str,
    capture: &'static str,
    s: S,
) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(None)?;
    map.serialize_entry(number, &packet.map(PacketNumber::number))?;
    if let Some(packet) = packet.filter(|p| p.is_of_several()) {
        map.serialize_entry(capture, &packet.file())?;
    }
    map.end()
}

pub(super) fn as_packet<S: Serializer>(packet: &PacketNumber, s: S) -> Result<S::Ok, S::Error> {
    one(Some(*packet), "packet", "packet_capture", s)
}

pub(super) fn as_packet_or_null<S: Serializer>(packet: &Option<PacketNumber>, s: S) -> Result<S::Ok, S::Error> {
    one(*packet, "packet", "packet_capture", s)
}

pub(super) fn as_opening_packet<S: Serializer>(packet: &Option<PacketNumber>, s: S) -> Result<S::Ok, S::Error> {
    one(*packet, "opening_packet", "opening_packet_capture", s)
}

pub(super) fn as_first_packet<S: Serializer>(packet: &PacketNumber, s: S) -> Result<S::Ok, S::Error> {
    one(Some(*packet), "first_packet", "first_packet_capture", s)
}

pub(super) fn as_last_packet<S: Serializer>(packet: &PacketNumber, s: S) -> Result<S::Ok, S::Error> {
    one(Some(*packet), "last_packet", "last_packet_capture", s)
}

pub(super) fn as_packets<S: Serializer>(packets: &[PacketNumber], s: S) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(None)?;
    map.serialize_entry("packets", &packets.iter().map(|p| p.number()).collect::<Vec<_>>())?;
    if packets.iter().any(|p| p.is_of_several()) {
        map.serialize_entry("packet_captures", &packets.iter().map(|p| p.file()).collect::<Vec<_>>())?;
    }
    map.end()
}
