//! Wires the rooms together: packets in, observations and a report out. The only place that names them all.

mod alive;
mod app;
mod blind;
mod flow;
mod heads;
mod unread;

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::capture::{self, CaptureReader, InputError};
use crate::connection::{CaptureFacts, Observations};
use crate::diagnosis;
use crate::ids::Origin;
use crate::limits;
use crate::network;
use crate::report::model::Report;
use crate::tcp::{Copies, FlowId, FlowTable, OutOfOrder, Place, Seen};
use crate::websocket::{FrameSeen, Scratch};
use alive::{Alive, Surplus};
use blind::Blind;
use flow::{Flow, Shared};
use heads::Heads;

/// A report, and what could not be read.
#[derive(Debug)]
pub struct Analysis {
    /// What was found in what could be read.
    pub report: Report,
    /// Files that could not be read, or not to their end.
    pub errors: Vec<InputError>,
}

/// Reads captures and diagnoses what is in them.
#[must_use]
pub fn analyze(paths: &[PathBuf]) -> Analysis {
    let (observations, errors) = observe(paths, &mut |_| {});
    Analysis { report: diagnosis::diagnose(observations), errors }
}

/// Reads captures; `on_frame` sees every WebSocket frame as soon as it is complete.
pub fn observe(paths: &[PathBuf], on_frame: &mut dyn FnMut(&FrameSeen)) -> (Observations, Vec<InputError>) {
    let mut observations = Observations::default();
    let mut errors = Vec::new();
    for path in paths {
        let reader = match capture::open(path) {
            Ok(reader) => reader,
            Err(error) => {
                errors.push(InputError { path: path.clone(), error });
                continue;
            }
        };
        let index = observations.captures.len();
        let mut analyzer = Analyzer::new(index, &mut observations, on_frame);
        if let Err(error) = analyzer.read(path.display().to_string(), reader) {
            errors.push(InputError { path: path.clone(), error });
        }
    }
    observations.connections.shrink_to_fit();
    observations.connections.sort_unstable_by_key(|c| (c.first.at, c.capture, c.first.packet));
    observations.failed_handshakes.sort_by_key(|h| (h.capture, h.request.origin.packet));
    observations.failed_attempts.sort_by_key(|a| (a.capture, a.syn.packet));
    (observations, errors)
}

/// Takes one capture.
struct Analyzer<'a> {
    capture: usize,
    table: FlowTable,
    flows: Alive,
    websockets: usize,
    copies: Copies,
    out_of_order: OutOfOrder,
    /// Flows that ended, with the packet number at which they are closed in the books.
    ending: VecDeque<(u64, Place, FlowId)>,
    scratch: Scratch,
    heads: Heads,
    blind: Blind,
    observations: &'a mut Observations,
    on_frame: &'a mut dyn FnMut(&FrameSeen),
}

impl<'a> Analyzer<'a> {
    fn new(capture: usize, observations: &'a mut Observations, on_frame: &'a mut dyn FnMut(&FrameSeen)) -> Self {
        Analyzer {
            capture,
            table: FlowTable::default(),
            flows: Alive::default(),
            websockets: 0,
            copies: Copies::default(),
            out_of_order: OutOfOrder::default(),
            ending: VecDeque::new(),
            scratch: Scratch::default(),
            heads: Heads::default(),
            blind: Blind::default(),
            observations,
            on_frame,
        }
    }

    /// Reads the capture to its end, or as far as it can be read.
    fn read(&mut self, path: String, mut reader: CaptureReader) -> Result<(), capture::CaptureError> {
        let mut last = Origin::default();
        let mut decoder = network::Decoder::default();
        let result = loop {
            match reader.advance() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            let Some(packet) = reader.packet() else { continue };
            last = packet.origin;
            match decoder.decode(&packet) {
                Ok(segment) => self.segment(&segment),
                Err(why) => self.blind.not_tcp(why, packet.origin.packet),
            }
        };
        for (_, flow) in self.flows.drain() {
            self.close(flow, last);
        }
        for connection in self.observations.connections.iter_mut().filter(|c| c.capture == self.capture) {
            connection.capture_end = last.at;
        }
        self.blind.fragments(decoder.finish());
        if let Err(error) = &result {
            self.blind.fault(error);
        }
        self.blind.unknown_interfaces(reader.unknown_interface());
        self.observations.blind_spots.extend(self.blind.spots());
        self.observations.captures.push(CaptureFacts {
            path,
            format: reader.format().name().to_string(),
            link_types: reader.link_types().iter().copied().map(network::link_type_name).collect(),
            packets: reader.packets(),
            bytes: reader.bytes(),
            first_packet_at: reader.times().map(|t| t.0),
            last_packet_at: reader.times().map(|t| t.1),
        });
        result
    }

    #[inline]
    fn segment(&mut self, segment: &network::Segment<'_>) {
        let flags = segment.flags;
        let mut seen = Seen::First;
        if flags.syn() {
            seen = self.copies.look_at_syn(segment);
        }
        let lookup = self.table.lookup(segment, seen == Seen::Copy);
        if let Some((place, old)) = lookup.replaced {
            self.finish(place, old, segment.origin);
        }
        if lookup.new {
            self.begin(lookup.place, lookup.flow, segment);
        }
        while self.ending.front().is_some_and(|(due, _, _)| *due <= segment.origin.packet.0) {
            if let Some((_, place, flow)) = self.ending.pop_front()
                && self.flows.get_mut(place, flow).is_some_and(|f| f.is_over())
            {
                self.finish(place, flow, segment.origin);
            }
        }
        let Some(flow) = self.flows.get_mut(lookup.place, lookup.flow) else { return };
        // Only a WebSocket's copies matter, and the control bits of what may become one.
        if !flags.syn() && (flags.fin() || flags.rst() || segment.payload_wire_length > 0 && flow.is_websocket()) {
            seen = self.copies.look(lookup.flow, lookup.from, segment);
        }
        if seen != Seen::First && flow.seen_before(seen, segment.origin) {
            return;
        }
        let was_over = flow.is_over();
        let mut shared = Shared {
            scratch: &mut self.scratch,
            heads: &mut self.heads,
            out_of_order: &self.out_of_order,
            websockets: &mut self.websockets,
            unlisted_handshakes: &mut self.blind.unlisted_handshakes,
            on_frame: self.on_frame,
        };
        flow.segment(lookup.from.index(), segment, &mut shared);
        if flow.is_ignored() {
            self.blind.ignored(flow.ignored_because());
            self.drop_flow(lookup.place, lookup.flow);
        } else if !was_over && flow.is_over() {
            self.ending.push_back((segment.origin.packet.0 + limits::LINGER_PACKETS, lookup.place, lookup.flow));
        }
    }

    /// Follows a new flow, and gives up old ones where there are too many.
    fn begin(&mut self, place: Place, flow: FlowId, segment: &network::Segment<'_>) {
        self.flows.insert(place, flow, Box::new(Flow::new(self.capture, flow, segment)));
        if let Some(surplus) = self.flows.surplus(self.websockets) {
            let (old_place, old) = match surplus {
                Surplus::HalfOpen(place, flow) => {
                    self.blind.half_open_evicted += 1;
                    (place, flow)
                }
                Surplus::Undecided(place, flow) => {
                    self.blind.undecided_evicted += 1;
                    (place, flow)
                }
            };
            self.finish(old_place, old, segment.origin);
        }
        let mut forgotten = Vec::new();
        let flows = &self.flows;
        self.table.shed(|place, flow| flows.is_websocket(place, flow), |place, flow| forgotten.push((place, flow)));
        for (place, flow) in forgotten {
            self.finish(place, flow, segment.origin);
        }
    }

    /// Closes a flow in the books.
    fn finish(&mut self, place: Place, flow: FlowId, now: Origin) {
        if let Some(record) = self.flows.take(place, flow) {
            self.table.release(place);
            self.close(record, now);
        }
    }

    fn drop_flow(&mut self, place: Place, flow: FlowId) {
        if self.flows.take(place, flow).is_some() {
            self.table.release(place);
        }
    }

    fn close(&mut self, flow: Box<Flow>, now: Origin) {
        let mut shared = Shared {
            scratch: &mut self.scratch,
            heads: &mut self.heads,
            out_of_order: &self.out_of_order,
            websockets: &mut self.websockets,
            unlisted_handshakes: &mut self.blind.unlisted_handshakes,
            on_frame: self.on_frame,
        };
        flow.finish(now, &mut shared, self.observations);
        let listed = &mut self.observations.failed_handshakes;
        self.blind.unlisted_handshakes += listed.len().saturating_sub(limits::FAILED_HANDSHAKES) as u64;
        listed.truncate(limits::FAILED_HANDSHAKES);
    }
}
