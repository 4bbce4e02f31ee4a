//! Several captures as one timeline: their packets in order of time, each file's own order kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::{CaptureError, InputError};
use super::inputs::{Input, Inputs, Kind};
use super::source::{Pipe, Reopened, Stop};
use super::{CaptureReader, Format, Packet};
use crate::ids::{PacketNumber, Timestamp};
use crate::limits;

/// When a file's next packet is due: by time, then by the order in which the files were named.
type Due = (Timestamp, usize);

/// Reads captures as one. Files that do not overlap in time, as a ring buffer leaves them, are opened one after the other.
pub struct Timeline {
    files: Vec<Listed>,
    /// The file whose packet is the current one.
    current: Option<(usize, Box<CaptureReader>)>,
    /// When another file is due before the current one.
    next: Option<Due>,
    /// Open files that wait for their turn, by their next packet.
    heads: BinaryHeap<Reverse<Due>>,
    /// Files not opened yet, the one that is due first at the end.
    closed: Vec<Due>,
    errors: Vec<InputError>,
    stop: Stop,
}

struct Listed {
    input: Input,
    state: State,
}

enum State {
    /// Not opened, or the current file.
    Elsewhere,
    /// Waits for its turn.
    Open(Box<CaptureReader>),
    Read(Box<FileFacts>),
}

/// What is known of a file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// As given.
    pub path: PathBuf,
    /// The container's name.
    pub format: &'static str,
    /// Link types of its packets, in order of appearance.
    pub link_types: Vec<u16>,
    /// Packets read.
    pub packets: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Times of the first and of the last packet.
    pub times: Option<(Timestamp, Timestamp)>,
    /// Packets that name an interface that was never described.
    pub unknown_interface: u64,
    /// Packets without a time.
    pub untimed: u64,
    /// Packets that the capture program says it dropped.
    pub dropped: u64,
}

impl Timeline {
    /// Finds and opens what `paths` name: captures, folders of them, and `-` for standard input. What cannot be read becomes
    /// an error beside the rest.
    #[must_use]
    pub fn open(paths: &[PathBuf], stop: &Stop) -> Timeline {
        let Inputs { inputs, folders, errors } = Inputs::find(paths);
        let mut timeline = Timeline {
            files: Vec::new(),
            current: None,
            next: None,
            heads: BinaryHeap::new(),
            closed: Vec::new(),
            errors,
            stop: stop.clone(),
        };
        timeline.recognise(inputs, &folders);
        timeline
    }

    /// Tells captures from other files, and when each begins.
    fn recognise(&mut self, inputs: Vec<Input>, folders: &[PathBuf]) {
        let alone = inputs.len() == 1;
        let mut contents = vec![Contents::default(); folders.len()];
        for input in inputs {
            let opened = reader(&input, &self.stop, 0);
            if let Some(folder) = input.folder {
                contents[folder].count(&input, opened.as_ref().err());
            }
            match opened {
                Err(error) if input.folder.is_none() => self.errors.push(InputError { path: input.path, error }),
                Err(_) => {}
                Ok(reader) => self.list(input, reader, alone),
            }
        }
        for (path, contents) in folders.iter().zip(contents) {
            self.errors.extend(contents.fault().map(|error| InputError { path: path.clone(), error }));
        }
        let several = self.files.len() > 1;
        self.closed.sort_unstable_by_key(|due| Reverse(*due));
        for index in 0..self.files.len() {
            if let State::Open(_) = self.files[index].state
                && let State::Open(mut reader) = std::mem::replace(&mut self.files[index].state, State::Elsewhere)
            {
                reader.set_file(file_of(index, several));
                self.wait_for(index, reader);
            }
        }
    }

    /// Adds a capture. A file is closed again until it is due, because there may be many; what can be read only once stays
    /// open.
    fn list(&mut self, input: Input, mut reader: CaptureReader, alone: bool) {
        let index = self.files.len();
        if alone || input.kind != Kind::File {
            self.files.push(Listed { input, state: State::Open(Box::new(reader)) });
            return;
        }
        self.files.push(Listed { input, state: State::Elsewhere });
        if reader.advance() {
            self.closed.push((reader.time(), index));
        } else {
            self.close(index, reader);
        }
    }

    /// Goes on to the next packet; false after the last one.
    #[inline]
    pub fn advance(&mut self) -> bool {
        if let Some((index, reader)) = &mut self.current
            && reader.advance()
            && self.next.is_none_or(|next| (reader.time(), *index) < next)
        {
            return true;
        }
        self.turn()
    }

    /// The packet that [`advance`](Self::advance) went to.
    #[must_use]
    #[inline]
    pub fn packet(&self) -> Option<Packet<'_>> {
        self.current.as_ref()?.1.packet()
    }

    /// TLS key log text that the current capture carried since this was asked last.
    #[inline]
    pub fn take_secrets(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        self.current.as_mut()?.1.take_secrets()
    }

    /// What reads all TLS key log text that the captures carry, wherever it stands in them, as far as they can be read twice.
    pub fn all_secrets(&self) -> impl FnOnce() -> Vec<Zeroizing<Vec<u8>>> + use<> {
        let files = self.files.iter().filter(|file| file.input.kind == Kind::File);
        let paths: Vec<PathBuf> = files.map(|file| file.input.path.clone()).collect();
        move || {
            let read = |path: PathBuf| {
                let mut reader = CaptureReader::new(Box::new(File::open(path).ok()?)).ok()?;
                let mut all = Vec::new();
                while reader.format() == Format::Pcapng && reader.advance() {
                    all.extend(reader.take_secrets());
                }
                all.extend(reader.take_secrets());
                Some(all)
            };
            paths.into_iter().filter_map(read).flatten().collect()
        }
    }

    /// The facts of all captures, and what could not be read.
    #[must_use]
    pub fn finish(self) -> (Vec<FileFacts>, Vec<InputError>) {
        let facts = self.files.into_iter().map(|file| match file.state {
            State::Read(facts) => *facts,
            State::Elsewhere | State::Open(_) => FileFacts::unread(file.input.path),
        });
        (facts.collect(), self.errors)
    }

    /// Passes on to the file that is due.
    #[cold]
    fn turn(&mut self) -> bool {
        if let Some((index, reader)) = self.current.take() {
            self.put_back(index, reader);
        }
        while let Some(&(time, index)) = self.closed.last()
            && self.heads.peek().is_none_or(|Reverse(head)| (time, index) < *head)
        {
            self.closed.pop();
            self.reopen(index);
        }
        let Some(Reverse((_, index))) = self.heads.pop() else { return false };
        if let State::Open(reader) = std::mem::replace(&mut self.files[index].state, State::Elsewhere) {
            self.current = Some((index, reader));
        }
        let head = self.heads.peek().map(|Reverse(due)| *due);
        self.next = head.into_iter().chain(self.closed.last().copied()).min();
        self.current.is_some()
    }

    /// The file at hand is not due any more, or over.
    fn put_back(&mut self, index: usize, reader: Box<CaptureReader>) {
        if reader.is_over() {
            self.close(index, *reader);
        } else {
            self.heads.push(Reverse((reader.time(), index)));
            self.files[index].state = State::Open(reader);
        }
    }

    fn reopen(&mut self, index: usize) {
        let several = self.files.len() > 1;
        let input = &self.files[index].input;
        match reader(input, &self.stop, self.heads.len()) {
            Ok(mut reader) => {
                reader.set_file(file_of(index, several));
                self.wait_for(index, Box::new(reader));
            }
            Err(error) => {
                let path = input.path.clone();
                self.errors.push(InputError { path, error });
            }
        }
    }

    /// Goes to the first packet of a file, which then waits for its turn.
    fn wait_for(&mut self, index: usize, mut reader: Box<CaptureReader>) {
        reader.advance();
        self.put_back(index, reader);
    }

    fn close(&mut self, index: usize, mut reader: CaptureReader) {
        let input = &self.files[index].input;
        let path = input.path.clone();
        // Whoever stops a pipe stops it in the middle of something.
        let given_up = input.kind != Kind::File && self.stop.has_given_up();
        let fault = match given_up {
            true => Some(CaptureError::Stopped { packets: reader.packets() }),
            false => reader.take_fault(),
        };
        self.errors.extend(fault.map(|error| InputError { path: path.clone(), error }));
        self.files[index].state = State::Read(Box::new(FileFacts::of(path, &reader)));
    }
}

fn file_of(index: usize, several: bool) -> PacketNumber {
    if several { PacketNumber::in_file(index as u16, 0) } else { PacketNumber::new(0) }
}

/// Opens an input while `open` others are.
fn reader(input: &Input, stop: &Stop, open: usize) -> Result<CaptureReader, CaptureError> {
    let path = input.path.clone();
    let source: Box<dyn Read> = match input.kind {
        Kind::StandardInput => Box::new(Pipe::new(|| Ok(io::stdin()), stop.clone())),
        Kind::Pipe => Box::new(Pipe::new(move || File::open(path), stop.clone())),
        Kind::File if open < limits::OPEN_FILES => Box::new(File::open(path)?),
        Kind::File => Box::new(Reopened::new(path)),
    };
    CaptureReader::new(source)
}

impl FileFacts {
    fn of(path: PathBuf, reader: &CaptureReader) -> FileFacts {
        FileFacts {
            path,
            format: reader.format().name(),
            link_types: reader.link_types().to_vec(),
            packets: reader.packets(),
            bytes: reader.bytes(),
            times: reader.times(),
            unknown_interface: reader.unknown_interface(),
            untimed: reader.untimed(),
            dropped: reader.dropped(),
        }
    }

    /// Of a file that was there when it was looked for, and gone when it was due.
    fn unread(path: PathBuf) -> FileFacts {
        FileFacts {
            path,
            format: "unknown",
            link_types: Vec::new(),
            packets: 0,
            bytes: 0,
            times: None,
            unknown_interface: 0,
            untimed: 0,
            dropped: 0,
        }
    }
}

/// What a folder holds.
#[derive(Debug, Clone, Default)]
struct Contents {
    files: usize,
    captures: usize,
    /// Files that look like captures and cannot be read.
    unreadable: usize,
    /// The first of them, with the reason.
    named: Vec<String>,
}

impl Contents {
    fn count(&mut self, input: &Input, error: Option<&CaptureError>) {
        self.files += 1;
        match error {
            None => self.captures += 1,
            Some(CaptureError::Empty | CaptureError::NotACapture(_)) => {}
            Some(error) => {
                self.unreadable += 1;
                if self.named.len() < limits::LISTED_FILES {
                    self.named.push(format!("{} {}", input.path.display(), error.of_file(&input.path)));
                }
            }
        }
    }

    fn fault(self) -> Option<CaptureError> {
        let Contents { files, captures, unreadable, named } = self;
        match (captures, unreadable) {
            (0, 0) => Some(CaptureError::NoCaptures { files }),
            (_, 0) => None,
            _ => Some(CaptureError::Unreadable { captures, unreadable, named }),
        }
    }
}
