//! Mutants: captures with something wrong in them, made from good ones.
//!
//! A mutant is a number and a seed: `Stock::mutant(seed, number)` is the same bytes for ever. Half of what is done knows
//! the form of capture files and packets, so that damage reaches every room; the other half knows nothing.

use std::fmt::Write as _;

use super::clothes::{self, CLOTHES};
use super::rng::Rng;
use super::{cases, root};

/// Bytes of a capture that is used whole. Of a larger one only so many from its beginning are: small captures are quick to
/// try and have everything that large ones have.
const LARGEST: usize = 48 * 1024;

/// Good captures.
pub struct Stock {
    /// Name and bytes.
    pub captures: Vec<(String, Vec<u8>)>,
}

/// A capture with something wrong in it.
pub struct Mutant {
    /// What it was made of, and how.
    pub story: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Stock {
    /// The real captures of `fixtures`, and every case in plain and in some other clothes, each clothing several times.
    pub fn new() -> Stock {
        let mut captures = Vec::new();
        let folder = root().join("fixtures/captures");
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .expect("fixtures/captures can be listed")
            .map(|entry| entry.expect("a folder entry").path())
            .filter(|path| path.is_file())
            .collect();
        names.sort();
        for path in names {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            captures.push((name, std::fs::read(&path).expect("a capture can be read")));
        }
        for (nth, case) in cases().iter().enumerate() {
            for clothing in [0, 1 + nth, 1 + nth * 7 + 3].map(|n| &CLOTHES[n % CLOTHES.len()]) {
                captures.push((format!("{} in {}", case.name, clothing.name), clothes::dress(case, clothing)));
            }
        }
        for (_, bytes) in &mut captures {
            bytes.truncate(LARGEST);
        }
        Stock { captures }
    }

    /// Mutant number `number` of `seed`.
    pub fn mutant(&self, seed: u64, number: u64) -> Mutant {
        let mut rng = Rng::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
        let (name, original) = &self.captures[rng.below(self.captures.len())];
        let mut mutant = Mutant { story: name.clone(), bytes: original.clone() };
        for _ in 0..1 + rng.below(4) {
            let (name, other) = &self.captures[rng.below(self.captures.len())];
            match rng.below(12) {
                0..3 => blind(&mut mutant, &mut rng),
                3 => mixed(&mut mutant, (name, other), &mut rng),
                _ => knowing(&mut mutant, &mut rng),
            }
        }
        mutant
    }
}

/// What needs no knowledge of the form.
fn blind(mutant: &mut Mutant, rng: &mut Rng) {
    let bytes = &mut mutant.bytes;
    let length = bytes.len();
    let (from, to) = range(length, rng);
    let story = match rng.below(9) {
        0 => {
            let count = 1 + rng.below(8);
            for _ in 0..count.min(length) {
                let at = rng.below(length);
                bytes[at] ^= 1 << rng.below(8);
            }
            format!("{count} bits flipped")
        }
        1 => {
            let count = 1 + rng.below(8);
            for _ in 0..count.min(length) {
                let at = rng.below(length);
                bytes[at] = byte(rng);
            }
            format!("{count} bytes set")
        }
        2 => {
            bytes.truncate(from);
            format!("cut at {from}")
        }
        3 => {
            bytes.drain(..from);
            format!("begins at {from}")
        }
        4 => {
            bytes.drain(from..to);
            format!("{from}..{to} removed")
        }
        5 => {
            let again = bytes[from..to].to_vec();
            bytes.splice(to..to, again);
            format!("{from}..{to} twice")
        }
        6 => {
            let fill = byte(rng);
            bytes[from..to].fill(fill);
            format!("{from}..{to} set to {fill}")
        }
        7 => {
            bytes[from..to].iter_mut().for_each(|b| *b = rng.next() as u8);
            format!("{from}..{to} random")
        }
        _ => {
            let more: Vec<u8> = (0..rng.below(200)).map(|_| byte(rng)).collect();
            let count = more.len();
            bytes.splice(from..from, more);
            format!("{count} bytes put in at {from}")
        }
    };
    note(&mut mutant.story, &story);
}

/// Two files in one.
fn mixed(mutant: &mut Mutant, (name, other): (&str, &[u8]), rng: &mut Rng) {
    let story = match rng.below(4) {
        0 => {
            mutant.bytes.extend_from_slice(other);
            format!("then {name}")
        }
        1 => {
            let header = if is_pcapng(other) { 0 } else { 24.min(other.len()) };
            mutant.bytes.extend_from_slice(&other[header..]);
            format!("then {name} without its header")
        }
        2 => {
            let (end, _) = range(other.len(), rng);
            mutant.bytes.splice(0..0, other[..end].iter().copied());
            format!("behind {end} bytes of {name}")
        }
        _ => {
            let (from, to) = range(other.len(), rng);
            let (at, _) = range(mutant.bytes.len(), rng);
            mutant.bytes.splice(at..at, other[from..to].iter().copied());
            format!("{from}..{to} of {name} put in at {at}")
        }
    };
    mutant.bytes.truncate(4 * LARGEST);
    note(&mut mutant.story, &story);
}

/// What aims at records and headers.
fn knowing(mutant: &mut Mutant, rng: &mut Rng) {
    let records = Records::of(&mutant.bytes);
    if records.places.is_empty() {
        return;
    }
    let story = match rng.below(12) {
        0..3 => shuffled(mutant, &records, rng),
        3..6 => record_field(mutant, &records, rng),
        _ => packet_field(mutant, &records, rng),
    };
    note(&mut mutant.story, &story);
}

fn shuffled(mutant: &mut Mutant, records: &Records, rng: &mut Rng) -> String {
    let mut pieces: Vec<Vec<u8>> = records.places.iter().map(|(from, to)| mutant.bytes[*from..*to].to_vec()).collect();
    let (from, to) = range(pieces.len(), rng);
    let story = match rng.below(6) {
        0 => {
            pieces[from..to].reverse();
            format!("records {from}..{to} reversed")
        }
        1 => {
            pieces.drain(from..to);
            format!("records {from}..{to} removed")
        }
        2 => {
            let again = pieces[from..to].to_vec();
            pieces.splice(to..to, again);
            format!("records {from}..{to} twice")
        }
        3 => {
            pieces.rotate_left(from);
            format!("records from {from} on first")
        }
        4 => {
            for _ in 0..5 {
                let (a, b) = (rng.below(pieces.len()), rng.below(pieces.len()));
                pieces.swap(a, b);
            }
            "some records swapped".to_string()
        }
        _ => {
            let keep = 2 + rng.below(5);
            let mut nth = 0;
            pieces.retain(|_| {
                nth += 1;
                nth % keep != 0
            });
            format!("every {keep}th record removed")
        }
    };
    let (begin, end) = (records.places[0].0, records.places.last().map_or(0, |p| p.1));
    mutant.bytes.splice(begin..end, pieces.concat());
    mutant.bytes.truncate(4 * LARGEST);
    story
}

/// A number in the header of a record or of the file.
fn record_field(mutant: &mut Mutant, records: &Records, rng: &mut Rng) -> String {
    let (from, to) = records.places[rng.below(records.places.len())];
    let (at, width) = if records.pcapng {
        // type, length, five words of an Enhanced Packet Block or what else stands there, length again
        let places = [from, from + 4, from + 8, from + 12, from + 16, from + 20, from + 24, to.saturating_sub(4)];
        (places[rng.below(places.len())], [2, 4, 4][rng.below(3)])
    } else if rng.once_in(6) {
        ([0, 4, 6, 16, 20][rng.below(5)], [2, 4][rng.below(2)])
    } else {
        (from + [0, 4, 8, 8, 12, 12][rng.below(6)], 4)
    };
    let now = read(&mutant.bytes, at, width, records.big_endian);
    let value = extreme(now, width, rng);
    write(&mut mutant.bytes, at, width, records.big_endian, value);
    format!("{width} bytes at {at}: {now} is {value}")
}

/// A number in the headers of a packet: IP, TCP, HTTP, WebSocket.
fn packet_field(mutant: &mut Mutant, records: &Records, rng: &mut Rng) -> String {
    let (from, to) = records.places[rng.below(records.places.len())];
    let Some(place) = Packet::within(&mutant.bytes, from, to) else { return "nothing".to_string() };
    let Packet { ip, tcp, payload, .. } = place;
    let bytes = &mut mutant.bytes;
    let version4 = bytes[ip] >> 4 == 4;
    let (what, at, width) = match rng.below(16) {
        0 if version4 => ("IP total length", ip + 2, 2),
        0 => ("IP payload length", ip + 4, 2),
        1 if version4 => ("IP fragment", ip + 6, 2),
        1 => ("IP next header", ip + 6, 1),
        2 => ("IP version and header length", ip, 1),
        3 if version4 => ("IP protocol", ip + 9, 1),
        3 => ("IP flow label", ip + 2, 2),
        4 => ("EtherType or what stands before IP", ip.saturating_sub(2), 2),
        5 => ("TCP sequence number", tcp + 4, 4),
        6 => ("TCP acknowledgement", tcp + 8, 4),
        7 => ("TCP data offset", tcp + 12, 1),
        8 => ("TCP flags", tcp + 13, 1),
        9 => ("TCP port", tcp + 2 * rng.below(2), 2),
        10..14 if payload < to => {
            ("first bytes of the payload", payload + rng.below(10), [1, 1, 2, 4, 8][rng.below(5)])
        }
        14 if payload < to => return content_length(mutant, payload, to, rng),
        _ => return shorter(mutant, records, from, rng),
    };
    let now = read(bytes, at, width, true);
    let value = extreme(now, width, rng);
    write(bytes, at, width, true, value);
    format!("{what} at {at}: {now} is {value}")
}

/// Makes the first number in a head another one: a length, a version, a status.
fn content_length(mutant: &mut Mutant, payload: usize, to: usize, rng: &mut Rng) -> String {
    let to = to.min(mutant.bytes.len());
    let digits: Vec<usize> = (payload..to).filter(|&i| mutant.bytes[i].is_ascii_digit()).collect();
    if digits.is_empty() {
        return "nothing".to_string();
    }
    let at = digits[rng.below(digits.len())];
    let number = ["", "0", "-1", "18446744073709551615", "99999999999999999999999", "4294967296", "101"][rng.below(7)];
    mutant.bytes.splice(at..=at, number.bytes());
    format!("the digit at {at} is {number:?}")
}

/// A packet cut by a snap length: its record says so.
fn shorter(mutant: &mut Mutant, records: &Records, from: usize, rng: &mut Rng) -> String {
    if records.pcapng {
        return "nothing".to_string();
    }
    let kept = read(&mutant.bytes, from + 8, 4, records.big_endian) as usize;
    let (now, _) = range(kept, rng);
    if from + 16 + kept > mutant.bytes.len() {
        return "nothing".to_string();
    }
    mutant.bytes.drain(from + 16 + now..from + 16 + kept);
    write(&mut mutant.bytes, from + 8, 4, records.big_endian, now as u64);
    format!("the packet at {from} cut to {now} bytes")
}

/// Where the records of a capture lie.
struct Records {
    pcapng: bool,
    big_endian: bool,
    places: Vec<(usize, usize)>,
}

impl Records {
    /// Those that can be found; none in a file that is no capture or compressed.
    fn of(bytes: &[u8]) -> Records {
        let pcapng = is_pcapng(bytes);
        let big_endian = if pcapng { bytes.get(8) == Some(&0x1a) } else { bytes.first() == Some(&0xa1) };
        let mut records = Records { pcapng, big_endian, places: Vec::new() };
        if !pcapng && !matches!(bytes.get(..2), Some([0xa1, 0xb2] | [0xd4, 0xc3] | [0x4d, 0x3c] | [0x34, 0xcd])) {
            return records;
        }
        let mut at = if pcapng { 0 } else { 24 };
        let header = if pcapng { 12 } else { 16 };
        let mut big_endian = big_endian;
        while at + header <= bytes.len() {
            if pcapng && bytes[at..at + 4] == [0x0a, 0x0d, 0x0d, 0x0a] {
                big_endian = bytes.get(at + 8) == Some(&0x1a);
            }
            let length = match pcapng {
                true => read(bytes, at + 4, 4, big_endian),
                false => 16 + read(bytes, at + 8, 4, big_endian),
            };
            if length < header as u64 || length > (bytes.len() - at) as u64 {
                break;
            }
            records.places.push((at, at + length as usize));
            at += length as usize;
        }
        records
    }
}

/// Where the headers of a packet lie in the file, whatever stands before them.
struct Packet {
    ip: usize,
    tcp: usize,
    payload: usize,
}

impl Packet {
    /// The first place in a record that looks like an IP header before a TCP header.
    fn within(bytes: &[u8], from: usize, to: usize) -> Option<Packet> {
        let to = to.min(bytes.len());
        (from + 16..to.saturating_sub(40)).find_map(|ip| {
            let header = match bytes[ip] {
                0x45 if bytes[ip + 9] == 6 => 20,
                0x60 if bytes[ip + 6] == 6 => 40,
                _ => return None,
            };
            let tcp = ip + header;
            let options = usize::from(*bytes.get(tcp + 12)? >> 4) * 4;
            (20..=60).contains(&options).then_some(Packet { ip, tcp, payload: tcp + options })
        })
    }
}

fn is_pcapng(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a])
}

/// A part of something of this length; small ones more often.
fn range(length: usize, rng: &mut Rng) -> (usize, usize) {
    let from = rng.below(length + 1);
    let most = if rng.once_in(2) { 40 } else { length };
    (from, from + rng.below(most + 1).min(length - from))
}

fn byte(rng: &mut Rng) -> u8 {
    if rng.once_in(2) {
        [0, 1, 0x0a, 0x7e, 0x7f, 0x80, 0x81, 0x88, 0xfe, 0xff][rng.below(10)]
    } else {
        rng.next() as u8
    }
}

/// A number that readers trip over, or one close to what stands there.
fn extreme(now: u64, width: usize, rng: &mut Rng) -> u64 {
    let all = u64::MAX >> (64 - 8 * width);
    match rng.below(10) {
        0 => 0,
        1 => 1,
        2 => all,
        3 => all - 1,
        4 => all >> 1,
        5 => (all >> 1) + 1,
        6 => now.wrapping_add(1) & all,
        7 => now.wrapping_sub(1) & all,
        8 => now.wrapping_mul(2) & all,
        _ => rng.next() & all,
    }
}

fn read(bytes: &[u8], at: usize, width: usize, big_endian: bool) -> u64 {
    let place = |nth: usize| if big_endian { at + nth } else { at + width - 1 - nth };
    (0..width).fold(0, |value, nth| value << 8 | u64::from(bytes.get(place(nth)).copied().unwrap_or(0)))
}

fn write(bytes: &mut [u8], at: usize, width: usize, big_endian: bool, value: u64) {
    for nth in 0..width {
        let place = if big_endian { at + width - 1 - nth } else { at + nth };
        if let Some(byte) = bytes.get_mut(place) {
            *byte = (value >> (8 * nth)) as u8;
        }
    }
}

fn note(story: &mut String, what: &str) {
    write!(story, "; {what}").expect("a string can be written to");
}
