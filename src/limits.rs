//! Every cap of the tool in one place: how much is kept, and from where on it is only counted.
//!
//! Lengths on the wire are never allocated for; these numbers are. Reaching one that can change a verdict is reported.

/// Bytes asked of the capture file at once.
pub const READ_BUFFER: usize = 64 * 1024;
/// The largest packet record or pcapng block that is read; a larger one is a corrupt length.
pub const LARGEST_RECORD: usize = 16 * 1024 * 1024;
/// The largest pcapng block from which reading goes on after corrupt bytes; a larger one is more likely payload that looks
/// like one, and would have to be held in memory to find out.
pub const SEARCHED_RECORD: usize = 1024 * 1024;
/// The largest packet record that a capture program writes (libpcap's `MAXIMUM_SNAPLEN`, `USB` aside).
pub const LARGEST_PACKET: u32 = 262_144;

/// Files read in one run.
pub const FILES: usize = 65_535;
/// Files held open at once; with more that overlap in time, each read opens its file anew.
pub const OPEN_FILES: usize = 128;
/// Folders inside folders that are looked into.
pub const FOLDER_DEPTH: usize = 8;
/// Files of one folder that a warning names.
pub const LISTED_FILES: usize = 3;
/// Nanoseconds between the end of a file and the beginning of the next up to which they count as one recording: what
/// happened in between is then missing from neither.
pub const RECORDING_GAP: i64 = 15 * 60 * 1_000_000_000;
/// Chunks of a pipe that are read ahead.
pub const PIPE_CHUNKS: usize = 16;

/// How often a capture may be compressed, one compression inside another.
pub const COMPRESSION_LAYERS: usize = 3;
/// The largest window of a zstd frame that is unpacked, in bytes; `zstd --long=27` writes it, and `zstd -d` stops there too.
pub const ZSTD_WINDOW: u64 = 128 * 1024 * 1024;

/// Stretches of a file that were passed over as corrupt and are listed one by one.
pub const LISTED_LOSSES: usize = 3;
/// Interfaces that a section of a pcapng file may describe; packets of others cannot be read and are counted.
pub const INTERFACES: usize = 65_536;
/// Different link types that are listed for one file.
pub const LINK_TYPES: usize = 32;
/// Bytes of TLS key log text kept from the Decryption Secrets Blocks of a pcapng file.
pub const SECRETS: usize = 16 * 1024 * 1024;

/// VLAN tags and similar headers between the link layer and IP.
pub const LINK_HEADERS: usize = 8;

/// Out-of-order bytes kept for one direction of a TCP connection.
pub const OUT_OF_ORDER_BYTES: usize = 1024 * 1024;
/// Out-of-order segments kept for one direction of a TCP connection.
pub const OUT_OF_ORDER_SEGMENTS: usize = 2048;
/// Packets of the same connection that may follow an acknowledgement of missing bytes before these count as lost:
/// captures that merge several queues swap a segment and its acknowledgement.
pub const GAP_PATIENCE: u32 = 32;
/// Packets of the whole capture after which an ended connection is closed in the books.
pub const LINGER_PACKETS: u64 = 4096;
/// Gaps that are listed for one direction.
pub const GAPS: usize = 64;

/// Bytes of an HTTP head.
pub const HTTP_HEAD: usize = 64 * 1024;
/// Header fields of an HTTP head.
pub const HTTP_FIELDS: usize = 128;
/// Bytes kept of the body of a response that refused an upgrade.
pub const BODY_EXCERPT: usize = 256;

/// Messages kept in the ring of each direction.
pub const RECENT_MESSAGES: usize = 4;
/// Messages with a defect kept for each direction.
pub const DEFECTIVE_MESSAGES: usize = 4;
/// Violations kept for each direction.
pub const VIOLATIONS: usize = 16;
/// Close frames kept for each direction.
pub const CLOSES: usize = 4;
/// First bytes kept of each message in a ring.
pub const HEAD_BYTES: usize = 32;
/// First bytes kept of a message that is not UTF-8.
pub const SAMPLE_HEAD: usize = 512;
/// Bytes kept around the first invalid byte of a text message.
pub const SAMPLE_AROUND: usize = 2048;
/// Compressed bytes of the current message kept to try other assumptions on when it cannot be inflated.
pub const COMPRESSED_SAMPLE: usize = 16 * 1024;

/// Different handshake heads that are kept once for all connections that share them.
pub const SHARED_HEADS: usize = 4096;

/// Failed connection attempts that are listed.
pub const FAILED_ATTEMPTS: usize = 100_000;
