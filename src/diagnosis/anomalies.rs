//! What was odd about the TCP of the connections, and how it was read: sentences for the blind spots.

use crate::connection::{Connection, TcpAnomalies};
use crate::diagnosis::words;
use crate::diagnosis::world::World;
use crate::ids::Origin;
use crate::report::model::BlindSpotReport;

/// Packets that are in the captures twice are mentioned from this share of a connection's packets on: single ones happen.
const WORTH_MENTION: u32 = 3;

/// One entry for each kind and connection; packets seen twice are told together.
#[must_use]
pub fn spots(world: &World<'_>) -> Vec<BlindSpotReport> {
    let odd: Vec<(usize, &Connection, &TcpAnomalies)> = world
        .observations
        .connections
        .iter()
        .enumerate()
        .filter_map(|(index, c)| Some((index, c, c.tcp_anomalies.as_deref()?)))
        .collect();
    let mut spots: Vec<BlindSpotReport> = copies(world.observations.captures.len() > 1, &odd).into_iter().collect();
    for (index, connection, anomalies) in &odd {
        let files = world.any_files();
        let stream = files.stream_of(connection);
        let mut add = |kind: &str, text: String, at: Option<Origin>| {
            spots.push(BlindSpotReport {
                kind: kind.to_string(),
                text,
                connections: vec![index + 1],
                packets: at.map(|o| o.packet).into_iter().collect(),
            });
        };
        if anomalies.conflicts > 0 {
            let text = format!(
                "In stream {stream} {} other bytes under sequence numbers that were used before: the first ones were read, \
                 the receiver may have taken the others. Look for a middle box, and capture at the receiver.",
                words::count(anomalies.conflicts as usize, "segment carries", "segments carry"),
            );
            add("conflicting-data", text, anomalies.first_conflict);
        }
        if let Some(end) = anomalies.ignored_end {
            let text = format!(
                "In stream {stream} a RST or FIN ({}) was not taken by its receiver, for both ends went on: it is left \
                 out. A middle box may have forged it.",
                files.packet(end.packet)
            );
            add("ignored-end", text, Some(end));
        }
        if anomalies.after_fin > 0 {
            let text = format!(
                "In stream {stream} {} data after the FIN of its sender, which receivers drop: it is left out.",
                words::count(anomalies.after_fin as usize, "segment carries", "segments carry"),
            );
            add("data-after-fin", text, None);
        }
    }
    spots
}

fn copies(several: bool, odd: &[(usize, &Connection, &TcpAnomalies)]) -> Option<BlindSpotReport> {
    let twice: Vec<_> = odd.iter().filter(|(_, _, a)| a.copies >= WORTH_MENTION).collect();
    let packets: u64 = twice.iter().map(|(_, _, a)| u64::from(a.copies)).sum();
    let count = words::count(twice.len(), "connection", "connections");
    let seen = packets > 0;
    let packets = words::grouped(packets);
    seen.then(|| BlindSpotReport {
        kind: "duplicate-packets".to_string(),
        text: match several {
            true => format!("{packets} packets of {count} are in the captures more than once and were counted once."),
            false => format!(
                "{packets} packets of {count} are captured more than once (the any interface, a mirror port, both ends of a \
                 tunnel) and were counted once. Capture on one interface to keep times exact."
            ),
        },
        connections: twice.iter().map(|(index, _, _)| index + 1).collect(),
        packets: Vec::new(),
    })
}
