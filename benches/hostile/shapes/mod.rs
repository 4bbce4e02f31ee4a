//! The shapes, by the room that they are meant to hurt.

mod connections;
mod deflate;
mod file;
mod frames;
mod http;
mod network;
mod segments;

use std::io;

use crate::wire::{Capture, Form};

/// A kind of capture that nobody records but everybody can make.
pub(crate) struct Shape {
    /// What the command line calls it.
    pub(crate) name: &'static str,
    /// What is in it.
    pub(crate) about: &'static str,
    /// The form of its file.
    pub(crate) form: Form,
    /// Its size in bytes, where that is part of the shape.
    pub(crate) bytes: Option<u64>,
    /// What it may cost in memory, in megabytes.
    pub(crate) memory: u64,
    /// Writes it until the capture is full.
    pub(crate) write: fn(&mut Capture) -> io::Result<()>,
}

/// Memory that any capture may cost, in megabytes.
const MEMORY: u64 = 256;

impl Shape {
    const fn new(name: &'static str, about: &'static str, write: fn(&mut Capture) -> io::Result<()>) -> Shape {
        Shape { name, about, form: Form::Pcap, bytes: None, memory: MEMORY, write }
    }
}

/// The capture that the others are compared with.
pub(crate) const DENSE: &str = "dense";

/// Every shape, room by room. To add one, write it and add its line to the list of its file.
pub(crate) fn all() -> impl Iterator<Item = &'static Shape> {
    [
        frames::SHAPES,
        segments::SHAPES,
        deflate::SHAPES,
        http::SHAPES,
        connections::SHAPES,
        network::SHAPES,
        file::SHAPES,
    ]
    .into_iter()
    .flatten()
}
