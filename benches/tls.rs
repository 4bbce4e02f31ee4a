//! What opening TLS costs: bulk of TLS 1.3, key logs of a million lines, many connections whose keys are elsewhere.
//!
//! `cargo bench --bench tls -- [--size MEGABYTES] [--program WSDIAG] [--no-tshark]`
//!
//! Every number is CPU of a whole run of `wsdiag --format json`, reading and decoding of packets included. Where `tshark` is
//! there, it looks for Close frames in the same capture with the same key log.

#![forbid(unsafe_code)]

#[path = "hostile/measure.rs"]
#[allow(dead_code)] // shared with the hostile shapes, which use all of it
mod measure;
#[path = "../tests/support/rng.rs"]
#[allow(dead_code, unreachable_pub)] // shared with the tests, which use all of it
mod rng;
#[path = "hostile/wire.rs"]
#[allow(dead_code)] // shared with the hostile shapes, which use all of it
mod wire;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use hkdf::Hkdf;
use measure::Usage;
use rng::Rng;
use sha2::Sha256;
use wire::{CLIENT, Capture, Connection, Form, SERVER, frame};

/// Bytes of plaintext of a full record.
const RECORD: usize = 1 << 14;
/// Lines of the long key log.
const LINES: usize = 1_000_000;
/// Bytes per second of CPU, at least.
const BULK: f64 = 1e9;
/// Seconds of CPU for the long key log, at most.
const KEY_LOG: f64 = 1.0;
/// CPU of ten times the connections, as a multiple, at most.
const LINEAR: f64 = 15.0;
/// CPU of tshark as a multiple of ours, at least.
const TSHARK: f64 = 40.0;

struct Arguments {
    bytes: u64,
    program: PathBuf,
    tshark: bool,
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match measure_all(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tls: {error}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut parsed = Arguments { bytes: 512 << 20, program: PathBuf::from(env!("CARGO_BIN_EXE_wsdiag")), tshark: true };
    let mut arguments = arguments.filter(|a| a != "--bench"); // cargo says so to every benchmark
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--size" => {
                let megabytes: Option<u64> = arguments.next().and_then(|n| n.parse().ok());
                parsed.bytes = megabytes.ok_or("--size wants a number of megabytes")? << 20;
            }
            "--program" => parsed.program = arguments.next().ok_or("--program wants a path")?.into(),
            "--no-tshark" => parsed.tshark = false,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(parsed)
}

fn measure_all(arguments: &Arguments) -> io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let mut rng = Rng::named("tls");
    let (bulk, keys) = (folder.path().join("bulk.pcap"), folder.path().join("bulk.log"));
    write_bulk(&bulk, &keys, arguments.bytes, &mut rng)?;
    let size = std::fs::metadata(&bulk)?.len() as f64;

    let with = |log: &Path, capture: &Path| {
        let mut command = Command::new(&arguments.program);
        command.env_remove("SSLKEYLOGFILE").args(["--format", "json", "--keylog"]).arg(log).arg(capture);
        command
    };
    let report = with(&keys, &bulk).output()?;
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).map_err(io::Error::other)?;
    let opened = report["connections"][0]["traffic"]["server"]["payload_bytes"].as_u64().unwrap_or(0);
    let mut good = check(opened >= arguments.bytes, &format!("bulk: {opened} bytes of messages were read"));
    let open = measure::of(&mut with(&keys, &bulk))?;
    let rate = size / open.cpu;
    good &= check(rate >= BULK, &format!("bulk: {:.2} GB/s of CPU, {}", rate / 1e9, shown(open)));
    if arguments.tshark && Command::new("tshark").arg("--version").output().is_ok() {
        let mut option = std::ffi::OsString::from("tls.keylog_file:");
        option.push(&keys);
        let filter = ["-Y", "websocket.opcode == 8", "-T", "fields", "-e", "websocket.payload.close.status_code"];
        let theirs = measure::of(Command::new("tshark").arg("-o").arg(option).args(filter).arg("-r").arg(&bulk))?;
        let ratio = theirs.cpu / open.cpu;
        good &= check(ratio >= TSHARK, &format!("tshark takes {ratio:.0} times as much: {}", shown(theirs)));
    }

    let long = folder.path().join("long.log");
    write_log(&long, &mut rng)?;
    let few = folder.path().join("few.pcap");
    write_strangers(&few, 1_000, &mut rng)?;
    let many = folder.path().join("many.pcap");
    write_strangers(&many, 10_000, &mut rng)?;
    let none = measure::of(Command::new(&arguments.program).env_remove("SSLKEYLOGFILE").arg(&few))?;
    let few = measure::of(&mut with(&long, &few))?;
    let log = few.cpu - none.cpu;
    good &= check(log <= KEY_LOG, &format!("a key log of {LINES} lines: {log:.2} s of CPU, {}", shown(few)));
    let many = measure::of(&mut with(&long, &many))?;
    let growth = (many.cpu - log).max(0.0) / none.cpu.max(0.01);
    good &=
        check(growth <= LINEAR, &format!("10,000 connections without keys: {growth:.1} times 1,000, {}", shown(many)));
    Ok(good)
}

fn check(good: bool, what: &str) -> bool {
    println!("{} {what}", if good { "ok  " } else { "MISS" });
    good
}

fn shown(usage: Usage) -> String {
    format!("{:.2} s, {} MiB, status {:?}", usage.cpu, usage.peak >> 20, usage.status)
}

/// The key of one direction.
struct Sealer {
    cipher: Aes128Gcm,
    iv: [u8; 12],
    sequence: u64,
}

impl Sealer {
    fn new(secret: &[u8; 32]) -> Sealer {
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand_label(secret, "key", &mut key);
        expand_label(secret, "iv", &mut iv);
        Sealer { cipher: Aes128Gcm::new_from_slice(&key).expect("16 bytes"), iv, sequence: 0 }
    }

    /// A record of application data (RFC 8446 section 5.2).
    fn seal(&mut self, content: &[u8]) -> Vec<u8> {
        let length = ((content.len() + 17) as u16).to_be_bytes();
        let mut record = vec![23, 3, 3, length[0], length[1]];
        record.extend_from_slice(content);
        record.push(23);
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
        let (header, content) = record.split_at_mut(5);
        let nonce = Nonce::try_from(&nonce[..]).expect("12 bytes");
        let buffer = InOutBuf::from(content);
        let tag = self.cipher.encrypt_inout_detached(&nonce, header, buffer).expect("a short record");
        record.extend_from_slice(&tag);
        self.sequence += 1;
        record
    }
}

/// HKDF-Expand-Label without a context (RFC 8446 section 7.1).
fn expand_label(secret: &[u8; 32], label: &str, to: &mut [u8]) {
    let label = format!("tls13 {label}");
    let length = (to.len() as u16).to_be_bytes();
    let info = [&length[..], &[label.len() as u8], label.as_bytes(), &[0]].concat();
    Hkdf::<Sha256>::from_prk(secret).expect("32 bytes").expand(&info, to).expect("a short key");
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    let record = (body.len() as u16 + 4).to_be_bytes();
    [&[22, 3, 3, record[0], record[1], kind, 0, length[0], length[1]][..], body].concat()
}

fn random(rng: &mut Rng) -> [u8; 32] {
    std::array::from_fn(|_| rng.below(256) as u8)
}

/// ClientHello and ServerHello of TLS 1.3 with AES-128-GCM.
fn hellos(out: &mut Capture, c: &mut Connection, client_random: &[u8; 32]) -> io::Result<()> {
    let client = [&[3, 3][..], client_random, &[0, 0, 2, 0x13, 0x01, 1, 0, 0, 7, 0, 43, 0, 3, 2, 3, 4]].concat();
    c.send(out, CLIENT, &handshake(1, &client))?;
    let server = [&[3, 3][..], &[7; 32], &[0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]].concat();
    c.send(out, SERVER, &handshake(2, &server))
}

/// One connection: an upgrade, messages of 1 MiB from the server, and a Close.
fn write_bulk(capture: &Path, log: &Path, bytes: u64, rng: &mut Rng) -> io::Result<()> {
    let mut out = Capture::new(capture, Form::Pcap, u64::MAX)?;
    let mut c = Connection::open(&mut out, 0)?;
    let client_random = random(rng);
    let secrets = [random(rng), random(rng)];
    let mut log = BufWriter::new(std::fs::File::create(log)?);
    for (end, secret) in ["CLIENT", "SERVER"].iter().zip(&secrets) {
        writeln!(log, "{end}_TRAFFIC_SECRET_0 {} {}", hex(&client_random), hex(secret))?;
    }
    log.flush()?;
    hellos(&mut out, &mut c, &client_random)?;
    let [mut client, mut server] = secrets.map(|secret| Sealer::new(&secret));
    c.send(&mut out, CLIENT, &client.seal(wire::request("").as_bytes()))?;
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    c.send(&mut out, SERVER, &server.seal(answer.as_bytes()))?;
    let message: Vec<u8> = (0..1 << 20).map(|_| rng.below(256) as u8).collect();
    let message = frame(SERVER, 0x82, &message);
    for _ in 0..bytes.div_ceil(1 << 20) {
        for content in message.chunks(RECORD) {
            c.send(&mut out, SERVER, &server.seal(content))?;
        }
        c.acknowledge(&mut out, CLIENT)?;
    }
    let close = frame(SERVER, 0x88, &1000u16.to_be_bytes());
    c.send(&mut out, SERVER, &server.seal(&close))?;
    let close = frame(CLIENT, 0x88, &1000u16.to_be_bytes());
    c.send(&mut out, CLIENT, &client.seal(&close))?;
    c.close(&mut out)?;
    out.finish().map(|_| ())
}

/// Secrets of connections that are in no capture, four lines for each as TLS 1.3 writes them.
fn write_log(path: &Path, rng: &mut Rng) -> io::Result<()> {
    let mut log = BufWriter::new(std::fs::File::create(path)?);
    let labels = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    ];
    for _ in 0..LINES / labels.len() {
        let connection = hex(&random(rng));
        for label in labels {
            writeln!(log, "{label} {connection} {}", hex(&random(rng)))?;
        }
    }
    log.flush()
}

/// TLS connections with a few records each.
fn write_strangers(path: &Path, connections: u64, rng: &mut Rng) -> io::Result<()> {
    let mut out = Capture::new(path, Form::Pcap, u64::MAX)?;
    for number in 0..connections {
        let mut c = Connection::open(&mut out, number)?;
        let client_random = random(rng);
        hellos(&mut out, &mut c, &client_random)?;
        let mut sealer = Sealer::new(&random(rng));
        for from in [SERVER, CLIENT, SERVER, CLIENT] {
            c.send(&mut out, from, &sealer.seal(&[5; 1000]))?;
        }
        c.close(&mut out)?;
    }
    out.finish().map(|_| ())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
