//! Files that hold packets and that wsdiag does not read: recognised, so that the answer can be what to do with them.

use std::path::Path;

use crate::capture::window::ByteOrder;

/// A format that wsdiag does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// What it is, with its article.
    pub(crate) what: &'static str,
    remedy: Remedy,
}

/// What makes a capture of such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// Wireshark's converter.
    Editcap,
    /// Unpacking: the command, before the name of the file.
    Unpack(&'static str),
}

impl Foreign {
    /// The command that makes a capture of the file at `path`.
    pub(crate) fn command(self, path: &Path) -> String {
        let name = path.display().to_string();
        match self.remedy {
            Remedy::Editcap => {
                let to = path.with_extension("converted.pcap");
                format!("convert it first: editcap -F pcap {} {}", quoted(&name), quoted(&to.display().to_string()))
            }
            Remedy::Unpack(command) => format!("unpack it first: {command} {}", quoted(&name)),
        }
    }
}

/// `name` as a shell takes it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%=".contains(c);
    if name.chars().all(plain) { name.to_string() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

/// First bytes that tell a format, as wiretap knows them (Wireshark's library for capture files).
const MAGICS: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a snoop capture (Solaris)"),
    (b"RTSS", "a Network Monitor 1 capture (Microsoft)"),
    (b"GMBU", "a Network Monitor 2 capture (Microsoft)"),
    (b"TRSNIFF data    \x1a", "a Sniffer capture (Network General)"),
    (b"XCP\0", "a NetXRay or Sniffer capture (Network Associates)"),
    (b"btsnoop\0", "a Bluetooth HCI capture (btsnoop)"),
    (b"iptrace 1.0", "an AIX iptrace capture"),
    (b"iptrace 2.0", "an AIX iptrace capture"),
    (b"\x7fver", "an EtherPeek or OmniPeek capture"),
    (b"EyeSDN", "an EyeSDN capture"),
    (b"\x05VNF", "a Visual Networks capture"),
    (b"ObserverPktBuffe", "a Network Instruments Observer capture"),
    (b"\xaa\xaa\xaa\xaa", "a 5View capture (InfoVista)"),
    (b"\0\0\x02\0\x12\x05\0\x10", "a Tektronix K12 capture"),
    (b"+---------+---------------+----------+", "a K12 text capture"),
    (b"Session Transcript", "a Catapult DCT2000 capture"),
    (b"TR\0d\0", "an HP-UX nettl capture"),
    (b"\xac\x01\0\x1c", "an Ixia capture"),
    (b"\xab\x01\0\x1c", "an Ixia capture"),
    (b"#!rtpplay1.0 ", "an rtpdump capture"),
    (b"ETHERWATCH ", "a DBS Etherwatch capture"),
];

/// Archives and compressions that wsdiag does not undo.
const PACKED: &[(&[u8], &str, &str)] = &[
    (b"\xfd7zXZ\0", "compressed with xz", "xz -dk"),
    (b"LZIP", "compressed with lzip", "lzip -dk"),
    (b"\x1f\x9d", "compressed with compress", "uncompress -k"),
    (b"PK\x03\x04", "a zip archive", "unzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x"),
    (b"Rar!\x1a\x07", "a rar archive", "unrar x"),
];

/// What a file is, by its first bytes.
pub(super) fn of(head: &[u8]) -> Option<Foreign> {
    if let Some((_, what)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(Foreign { what, remedy: Remedy::Editcap });
    }
    if let Some((_, what, command)) = PACKED.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Some(Foreign { what, remedy: Remedy::Unpack(command) });
    }
    // Its blocks begin with the first six decimals of pi.
    if head.starts_with(b"BZh") && head.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
        return Some(Foreign { what: "compressed with bzip2", remedy: Remedy::Unpack("bunzip2 -k") });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some(Foreign { what: "a tar archive", remedy: Remedy::Unpack("tar -xf") });
    }
    let what = match head {
        [0x01 | 0x07, 0x10, _, _, _, _, rest @ ..] if rest.starts_with(b"Trace Display") => {
            "a Novell LANalyzer capture"
        }
        _ if is_commview(head) => "a TamoSoft CommView capture",
        _ if is_erf(head) => "an Endace ERF capture",
        _ => return None,
    };
    Some(Foreign { what, remedy: Remedy::Editcap })
}

/// CommView has no magic either: its first record begins with a length and a date, in one of two ways.
fn is_commview(head: &[u8]) -> bool {
    let date = |at: usize| {
        let Some(&[month, day, hour, minute, second]) = head.get(at + 2..at + 7).and_then(<[u8]>::first_chunk) else {
            return false;
        };
        (1990..2100).contains(&ByteOrder::Little.half(head, at))
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
    };
    let (short, long) = (ByteOrder::Little.half(head, 0), ByteOrder::Little.word(head, 0));
    let length = 1..=65_535;
    (short > 0 && head.get(4) == Some(&0) && date(5)) || (length.contains(&long) && date(4))
}

/// ERF has no magic: two records in a row must look right. Each is a time (32.32 fixed point, little-endian), a type, flags, and in
/// network order its length, a loss counter and the length on the wire.
fn is_erf(head: &[u8]) -> bool {
    const HEADER: usize = 16;
    /// Records of packets: TYPE_ETH and its like, with and without extension headers.
    const ETHERNET: [u8; 4] = [2, 11, 16, 20];
    /// A year has as many seconds.
    const NEAR: u32 = 365 * 24 * 3600;
    let record = |at: usize| {
        let record = head.get(at..at + HEADER)?;
        let length = usize::from(ByteOrder::Big.half(record, 10));
        let wire = usize::from(ByteOrder::Big.half(record, 14));
        let fits = ETHERNET.contains(&(record[8] & 0x7f)) && length > HEADER && wire > 0 && wire < length + 65_535;
        fits.then(|| (ByteOrder::Little.word(record, 4), length))
    };
    let Some((first, length)) = record(0) else { return false };
    record(length).is_some_and(|(second, _)| second >= first && second - first < NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(head: &[u8], path: &str) -> Option<String> {
        let foreign = of(head)?;
        Some(format!("{}: {}", foreign.what, foreign.command(Path::new(path))))
    }

    #[test]
    fn formats_come_with_the_command_for_the_very_file() {
        assert_eq!(
            answer(b"snoop\0\0\0\0\0\0\x02", "/var/tmp/a b.snoop").as_deref(),
            Some(
                "a snoop capture (Solaris): convert it first: editcap -F pcap '/var/tmp/a b.snoop' '/var/tmp/a b.converted.pcap'"
            )
        );
        assert_eq!(
            answer(b"\xfd7zXZ\0\0", "a.pcap.xz").as_deref(),
            Some("compressed with xz: unpack it first: xz -dk a.pcap.xz")
        );
        assert_eq!(
            answer(b"BZh91AY&SY", "it's.bz2").as_deref(),
            Some("compressed with bzip2: unpack it first: bunzip2 -k 'it'\\''s.bz2'")
        );
        assert_eq!(answer(b"BZh9 is how some text may begin", "a"), None);
    }

    #[test]
    fn commview_and_lanalyzer_are_told_by_their_first_record() {
        let first = |head: &[u8]| of(head).map(|f| f.what);
        let ncf = [0x4a, 0, 0x4a, 0, 0, 0xea, 0x07, 0x0b, 0x16, 4, 0x34, 0x14, 0xe5, 3, 0x0e, 0];
        let ncfx = [0x4a, 0, 0, 0, 0xea, 0x07, 0x0b, 0x16, 4, 0x34, 0x14, 0xe5, 3, 0x0e, 0, 0];
        assert_eq!(first(&ncf), Some("a TamoSoft CommView capture"));
        assert_eq!(first(&ncfx), Some("a TamoSoft CommView capture"));
        assert_eq!(first(b"\x01\x10\x4c\0\x01\x05Trace Display Trace File\0"), Some("a Novell LANalyzer capture"));
        assert_eq!([first(&[0; 64]), first(&[1; 64]), first(&[7; 64])], [None; 3]);
    }

    #[test]
    fn erf_is_told_by_its_structure() {
        let record = |seconds: u32, length: u16| {
            let mut r = vec![0, 0, 0, 0];
            r.extend(seconds.to_le_bytes());
            r.extend([2, 4]);
            r.extend(length.to_be_bytes());
            r.extend([0, 0]);
            r.extend((length - 18).to_be_bytes());
            r.resize(usize::from(length), 7);
            r
        };
        let erf = [record(1_767_225_600, 80), record(1_767_225_601, 90)].concat();
        assert!(is_erf(&erf));
        assert!(!is_erf(&erf[..90]));
        assert!(!is_erf(&[2; 512]));
        assert!(!is_erf(&[0; 512]));
        assert!(!is_erf(&[11; 512]));
    }
}
