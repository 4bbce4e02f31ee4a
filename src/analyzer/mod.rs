//! Wires the rooms together: packets in, observations and a report out. The only place that names them all.

mod app;
mod blind;
mod flow;
mod heads;

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::capture::{self, CaptureReader, InputError};
use crate::connection::{CaptureFacts, Observations};
use crate::diagnosis;
use crate::ids::{Origin, Timestamp};
use crate::limits;
use crate::network;
use crate::report::model::Report;
use crate::tcp::{FlowId, FlowTable};
use crate::websocket::{FrameSeen, Scratch};
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
    /// Indexed by flow; `None` for what is not WebSocket, or is over.
    flows: Vec<Option<Box<Flow>>>,
    /// Flows that ended, with the packet number at which they are closed in the books.
    ending: VecDeque<(u64, FlowId)>,
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
            flows: Vec::new(),
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
        let mut link_types: Vec<u16> = Vec::new();
        let (mut first, mut last): (Option<Timestamp>, Origin) = (None, Origin::default());
        let result = loop {
            match reader.advance() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            let Some(packet) = reader.packet() else { continue };
            first.get_or_insert(packet.origin.at);
            last = packet.origin;
            if !link_types.contains(&packet.link_type) {
                link_types.push(packet.link_type);
            }
            match network::decode(&packet) {
                Ok(segment) => self.segment(&segment),
                Err(why) => self.blind.not_tcp(why, packet.origin.packet),
            }
        };
        for index in 0..self.flows.len() {
            self.finish(FlowId(index as u32), last);
        }
        for connection in self.observations.connections.iter_mut().filter(|c| c.capture == self.capture) {
            connection.capture_end = last.at;
        }
        if let Err(error) = &result {
            self.blind.cut(error);
        }
        self.blind.unknown_interfaces(reader.unknown_interface);
        self.observations.blind_spots.extend(self.blind.spots());
        self.observations.captures.push(CaptureFacts {
            path,
            format: reader.format().name().to_string(),
            link_types: link_types.into_iter().map(network::link_type_name).collect(),
            packets: reader.packets(),
            bytes: reader.bytes(),
            first_packet_at: first,
            last_packet_at: first.map(|_| last.at),
        });
        result
    }

    #[inline]
    fn segment(&mut self, segment: &network::Segment<'_>) {
        let lookup = self.table.lookup(segment);
        if let Some(old) = lookup.replaced {
            self.finish(old, segment.origin);
        }
        let index = lookup.flow.0 as usize;
        if lookup.new {
            self.flows.resize_with(index + 1, || None);
            self.flows[index] = Some(Box::new(Flow::new(self.capture, lookup.flow, segment)));
        }
        while self.ending.front().is_some_and(|(due, _)| *due <= segment.origin.packet.0) {
            if let Some((_, flow)) = self.ending.pop_front() {
                self.finish(flow, segment.origin);
            }
        }
        let Some(Some(flow)) = self.flows.get_mut(index) else { return };
        let was_over = flow.is_over();
        let mut shared = Shared {
            scratch: &mut self.scratch,
            heads: &mut self.heads,
            on_frame: self.on_frame,
            blind: &mut self.blind,
        };
        flow.segment(lookup.from.index(), segment, &mut shared);
        if flow.is_ignored() {
            self.blind.ignored(flow.ignored_because());
            self.flows[index] = None;
        } else if !was_over && flow.is_over() {
            self.ending.push_back((segment.origin.packet.0 + limits::LINGER_PACKETS, lookup.flow));
        }
    }

    /// Closes a flow in the books.
    fn finish(&mut self, id: FlowId, now: Origin) {
        let Some(flow) = self.flows.get_mut(id.0 as usize).and_then(Option::take) else { return };
        let mut shared = Shared {
            scratch: &mut self.scratch,
            heads: &mut self.heads,
            on_frame: self.on_frame,
            blind: &mut self.blind,
        };
        flow.finish(now, &mut shared, self.observations);
    }
}
