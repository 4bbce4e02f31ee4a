//! Wires the rooms together: packets in, observations and a report out. The only place that names them all.

mod alive;
mod app;
mod blind;
mod flow;
mod heads;
mod preface;
mod streams;
mod unread;

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use crate::capture::{CaptureError, FileFacts, InputError, Stop, Timeline};
use crate::connection::{CaptureFacts, KeyFacts, KeyLogFacts, Observations};
use crate::diagnosis;
use crate::ids::{Origin, Timestamp};
use crate::knowledge::Knowledge;
use crate::limits;
use crate::network;
use crate::report::model::Report;
use crate::tcp::{Copies, FlowId, FlowTable, OutOfOrder, Place, Seen};
use crate::tls::{KeyLog, KeyRing};
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

/// What an analysis can be told.
#[derive(Debug, Default)]
pub struct Options {
    /// Asks to read no further from pipes.
    pub stop: Stop,
    /// TLS key logs.
    pub key_logs: Vec<PathBuf>,
    /// The key log that `SSLKEYLOGFILE` names. It may be meant for something else: that it cannot be read is no error.
    pub key_log_of_environment: Option<PathBuf>,
    /// Implementations that are known beside the embedded ones, or in their place.
    pub knowledge: Option<Knowledge>,
}

/// Reads captures, folders of them and standard input (`-`) as one timeline, and diagnoses what is in them.
#[must_use]
pub fn analyze(paths: &[PathBuf]) -> Analysis {
    analyze_with(paths, &Options::default())
}

/// [`analyze`] with options.
#[must_use]
pub fn analyze_with(paths: &[PathBuf], options: &Options) -> Analysis {
    let (observations, errors) = observe_with(paths, options, &mut |_| {});
    let knowledge = options.knowledge.as_ref().unwrap_or(Knowledge::embedded());
    Analysis { report: diagnosis::diagnose(observations, knowledge), errors }
}

/// Reads captures; `on_frame` sees every WebSocket frame as soon as it is complete.
pub fn observe(paths: &[PathBuf], on_frame: &mut dyn FnMut(&FrameSeen)) -> (Observations, Vec<InputError>) {
    observe_with(paths, &Options::default(), on_frame)
}

/// [`observe`] with options.
pub fn observe_with(
    paths: &[PathBuf],
    options: &Options,
    on_frame: &mut dyn FnMut(&FrameSeen),
) -> (Observations, Vec<InputError>) {
    let mut observations = Observations::default();
    let (ring, unread) = key_ring(options, &mut observations.keys);
    let mut errors = Analyzer::new(ring, &mut observations, on_frame).read(Timeline::open(paths, &options.stop));
    errors.extend(unread);
    observations.connections.shrink_to_fit();
    observations.connections.sort_unstable_by_key(|c| (c.first.at, c.first));
    observations.failed_handshakes.sort_by_key(|h| h.request.origin);
    observations.failed_attempts.sort_by_key(|a| a.syn);
    (observations, errors)
}

/// Reads key logs, and notes in `facts` what they held.
fn key_ring(options: &Options, facts: &mut KeyFacts) -> (KeyRing, Vec<InputError>) {
    let (mut log, mut unread) = (KeyLog::default(), Vec::new());
    let named = options.key_logs.iter().map(|path| (path, false));
    let environment = options.key_log_of_environment.iter().filter(|path| !options.key_logs.contains(path));
    for (path, from_environment) in named.chain(environment.map(|path| (path, true))) {
        let (before, connections) = (log.lines(), log.connections());
        let read = File::open(path).and_then(|file| log.read(BufReader::with_capacity(limits::READ_BUFFER, file)));
        let lines = log.lines();
        facts.logs.push(KeyLogFacts {
            path: path.display().to_string(),
            from_environment,
            read: read.is_ok(),
            connections: (log.connections() - connections) as u64,
            malformed_lines: lines.malformed - before.malformed,
            secrets_beyond_limit: lines.beyond - before.beyond,
        });
        let error = read.err().filter(|_| !from_environment);
        unread.extend(error.map(|error| InputError { path: path.clone(), error: CaptureError::Io(error) }));
    }
    let given = facts.logs.iter().any(|l| l.read || l.connections > 0);
    (KeyRing::new(log, given), unread)
}

/// Takes the packets of a run.
struct Analyzer<'a> {
    table: FlowTable,
    flows: Alive,
    websockets: usize,
    copies: Copies,
    out_of_order: OutOfOrder,
    /// Flows that ended, with the count of segments at which they are closed in the books.
    ending: VecDeque<(u64, Place, FlowId)>,
    segments: u64,
    scratch: Scratch,
    heads: Heads,
    ring: KeyRing,
    blind: Blind,
    observations: &'a mut Observations,
    on_frame: &'a mut dyn FnMut(&FrameSeen),
}

impl<'a> Analyzer<'a> {
    fn new(ring: KeyRing, observations: &'a mut Observations, on_frame: &'a mut dyn FnMut(&FrameSeen)) -> Self {
        Analyzer {
            table: FlowTable::default(),
            flows: Alive::default(),
            websockets: 0,
            copies: Copies::default(),
            out_of_order: OutOfOrder::default(),
            ending: VecDeque::new(),
            segments: 0,
            scratch: Scratch::default(),
            heads: Heads::default(),
            ring,
            blind: Blind::default(),
            observations,
            on_frame,
        }
    }

    /// Reads the captures to their ends, or as far as they can be read.
    fn read(mut self, mut timeline: Timeline) -> Vec<InputError> {
        let mut last = Origin::default();
        let mut decoder = network::Decoder::default();
        let secrets = timeline.all_secrets();
        self.ring.look_later(Box::new(move |log| secrets().iter().for_each(|text| log.add(text))));
        while timeline.advance() {
            if let Some(text) = timeline.take_secrets() {
                self.ring.add(&text);
            }
            let Some(packet) = timeline.packet() else { continue };
            last = packet.origin;
            match decoder.decode(&packet) {
                Ok(segment) => self.segment(&segment),
                Err(why) => self.blind.not_tcp(why, packet.origin.packet),
            }
        }
        for (id, flow) in self.flows.drain() {
            self.close(id, flow, last);
        }
        let (files, errors) = timeline.finish();
        let recordings = Recordings::new(&files);
        for connection in &mut self.observations.connections {
            connection.capture_end = recordings.end_of(connection.last.at);
        }
        self.blind.fragments(decoder.finish());
        let several = files.len() > 1;
        for error in &errors {
            self.blind.fault(error, several);
        }
        for file in &files {
            self.blind.file(file, several);
        }
        self.observations.blind_spots.extend(self.blind.spots());
        self.observations.keys.from_captures = self.ring.from_captures();
        self.observations.captures = files.into_iter().map(facts).collect();
        errors
    }

    #[inline]
    fn segment(&mut self, segment: &network::Segment<'_>) {
        self.segments += 1;
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
            let stream = lookup.first_in_file.unwrap_or_default();
            self.begin(lookup.place, lookup.flow, stream, segment);
        }
        while self.ending.front().is_some_and(|(due, _, _)| *due <= self.segments) {
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
            ring: &mut self.ring,
            blind: &mut self.blind,
            on_frame: self.on_frame,
        };
        flow.segment(lookup.from.index(), segment, &mut shared);
        if flow.is_ignored() {
            self.blind.ignored(flow.ignored_because());
            self.drop_flow(lookup.place, lookup.flow);
        } else if !was_over && flow.is_over() {
            self.ending.push_back((self.segments + limits::LINGER_PACKETS, lookup.place, lookup.flow));
        }
    }

    /// Follows a new flow, and gives up old ones where there are too many.
    fn begin(&mut self, place: Place, flow: FlowId, stream: u32, segment: &network::Segment<'_>) {
        self.flows.insert(place, flow, Box::new(Flow::new(stream, segment)));
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
            self.blind.undecided_evicted += u64::from(self.flows.get_mut(place, flow).is_some());
            self.finish(place, flow, segment.origin);
        }
    }

    /// Closes a flow in the books.
    fn finish(&mut self, place: Place, flow: FlowId, now: Origin) {
        if let Some(record) = self.flows.take(place, flow) {
            self.table.release(place);
            self.close(flow, record, now);
        }
    }

    fn drop_flow(&mut self, place: Place, flow: FlowId) {
        if self.flows.take(place, flow).is_some() {
            self.table.release(place);
        }
    }

    fn close(&mut self, id: FlowId, flow: Box<Flow>, now: Origin) {
        let mut shared = Shared {
            scratch: &mut self.scratch,
            heads: &mut self.heads,
            out_of_order: &self.out_of_order,
            websockets: &mut self.websockets,
            ring: &mut self.ring,
            blind: &mut self.blind,
            on_frame: self.on_frame,
        };
        let before = (self.observations.connections.len(), self.observations.failed_handshakes.len());
        flow.finish(now, &mut shared, self.observations);
        if let Some(files) = self.table.elsewhere(id) {
            let also_in: Vec<(usize, u32)> = files.iter().map(|(file, stream)| (usize::from(*file), *stream)).collect();
            for connection in &mut self.observations.connections[before.0..] {
                connection.also_in = Some(Box::new(also_in.clone()));
            }
            for failed in &mut self.observations.failed_handshakes[before.1..] {
                failed.also_in = Some(Box::new(also_in.clone()));
            }
        }
        let listed = &mut self.observations.failed_handshakes;
        self.blind.unlisted_handshakes += listed.len().saturating_sub(limits::FAILED_HANDSHAKES) as u64;
        listed.truncate(limits::FAILED_HANDSHAKES);
    }
}

/// The stretches of time that the captures cover.
struct Recordings {
    /// Begin and end, in order; [`limits::RECORDING_GAP`] lies between them at least.
    spans: Vec<(Timestamp, Timestamp)>,
}

impl Recordings {
    fn new(files: &[FileFacts]) -> Recordings {
        let mut all: Vec<(Timestamp, Timestamp)> = files.iter().filter_map(|f| f.times).collect();
        all.sort_unstable();
        let mut spans: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (begin, end) in all {
            match spans.last_mut() {
                Some(span) if begin.since(span.1) <= limits::RECORDING_GAP => span.1 = span.1.max(end),
                _ => spans.push((begin, end)),
            }
        }
        Recordings { spans }
    }

    /// When the recording ended in which something happened at `at`: what came after that is unknown.
    fn end_of(&self, at: Timestamp) -> Timestamp {
        let index = self.spans.partition_point(|span| span.0 <= at);
        let span = index.checked_sub(1).and_then(|i| self.spans.get(i)).or(self.spans.first());
        // A clock that was set back puts packets outside.
        span.map_or(at, |span| span.1)
    }
}

fn facts(file: FileFacts) -> CaptureFacts {
    CaptureFacts {
        path: file.path.display().to_string(),
        format: file.format.to_string(),
        link_types: file.link_types.into_iter().map(network::link_type_name).collect(),
        packets: file.packets,
        bytes: file.bytes,
        first_packet_at: file.times.map(|t| t.0),
        last_packet_at: file.times.map(|t| t.1),
    }
}
