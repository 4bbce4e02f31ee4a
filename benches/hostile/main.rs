//! What the shapes that nobody records cost: CPU per byte and memory of `wsdiag` on captures made to hurt it, beside an
//! ordinary capture of small messages.
//!
//! `cargo bench --bench hostile -- [--size MEGABYTES] [--keep FOLDER] [--list] [SHAPE ...]`

#![forbid(unsafe_code)]

mod measure;
#[path = "../../tests/support/rng.rs"]
#[allow(dead_code, unreachable_pub)] // shared with the tests, which use all of it
mod rng;
mod shapes;
mod wire;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::{Usage, run};
use shapes::Shape;
use wire::{Capture, Form};

/// CPU per byte of a hostile capture, as a multiple of that of the ordinary one, at most.
const RATIO: f64 = 20.0;

struct Arguments {
    bytes: u64,
    keep: Option<PathBuf>,
    program: PathBuf,
    names: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => return ExitCode::SUCCESS,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match measure_all(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hostile: {error}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut parsed = Arguments {
        bytes: 64 << 20,
        keep: None,
        program: PathBuf::from(env!("CARGO_BIN_EXE_wsdiag")),
        names: Vec::new(),
    };
    let mut arguments = arguments.filter(|a| a != "--bench"); // cargo says so to every benchmark
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--size" => parsed.bytes = value()?.parse::<u64>().map_err(|e| format!("--size: {e}"))? << 20,
            "--keep" => parsed.keep = Some(value()?.into()),
            "--wsdiag" => parsed.program = value()?.into(),
            "--list" => {
                shapes::all().for_each(|s| println!("{:22} {}", s.name, s.about));
                return Ok(None);
            }
            name if shapes::all().any(|s| s.name == name) => parsed.names.push(name.to_string()),
            _ => {
                return Err(format!(
                    "hostile: no shape {argument:?}\nusage: hostile [--size MEGABYTES] [--keep FOLDER] [--wsdiag PROGRAM] \
                     [--list] [SHAPE ...]"
                ));
            }
        }
    }
    Ok(Some(parsed))
}

/// Prints a line for each shape; false when one costs too much.
fn measure_all(arguments: &Arguments) -> io::Result<bool> {
    let temporary = tempfile::tempdir()?;
    let folder = arguments.keep.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder)?;
    println!(
        "{:22} {:>8} {:>9} {:>8} {:>9} {:>8} {:>7} {:>7}",
        "shape", "MB", "packets", "CPU s", "ns/packet", "ns/byte", "x dense", "MB RSS"
    );
    let chosen = |s: &&Shape| {
        arguments.names.is_empty() || s.name == shapes::DENSE || arguments.names.iter().any(|n| n == s.name)
    };
    let mut dense = None;
    let mut dear = Vec::new();
    for shape in shapes::all().filter(chosen) {
        let row = measure(shape, arguments, folder)?;
        let per_byte = row.usage.cpu / row.bytes as f64;
        let reference = *dense.get_or_insert(per_byte);
        let ratio = per_byte / reference;
        let memory = row.usage.peak / 1_000_000;
        let verdict = if row.usage.status.is_none_or(|s| s > 2) {
            " FAILED"
        } else if row.usage.status == Some(2) {
            " refused"
        } else if ratio > RATIO || memory > shape.memory {
            " TOO DEAR"
        } else {
            ""
        };
        println!(
            "{:22} {:8.1} {:9} {:8.2} {:9.0} {:8.2} {:7.1} {:7}{verdict}",
            shape.name,
            row.bytes as f64 / 1e6,
            row.packets,
            row.usage.cpu,
            row.usage.cpu * 1e9 / row.packets.max(1) as f64,
            per_byte * 1e9,
            ratio,
            memory,
        );
        io::stdout().flush()?;
        if !verdict.is_empty() && verdict != " refused" {
            dear.push(shape.name);
        }
    }
    println!(
        "{}",
        if dear.is_empty() { "all within bounds".to_string() } else { format!("out of bounds: {}", dear.join(", ")) }
    );
    Ok(dear.is_empty())
}

struct Row {
    /// Of the capture, before compression.
    bytes: u64,
    packets: u64,
    usage: Usage,
}

fn measure(shape: &Shape, arguments: &Arguments, folder: &Path) -> io::Result<Row> {
    let path = folder.join(shape.name);
    // Twice as much of what the others are compared with: a clock tick counts double there
    let ordinary = if shape.name == shapes::DENSE { 4 } else { 1 };
    let mut capture = Capture::new(&path, shape.form, shape.bytes.unwrap_or(arguments.bytes * ordinary))?;
    (shape.write)(&mut capture)?;
    let (bytes, packets) = capture.finish()?;
    let bytes = if shape.form == Form::Gzip { bytes } else { std::fs::metadata(&path)?.len() };
    let usage = run(&arguments.program, &path)?;
    if arguments.keep.is_none() {
        std::fs::remove_file(&path)?;
    }
    Ok(Row { bytes, packets, usage })
}
