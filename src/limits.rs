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

/// Headers of link layers, tags and service chains before an IP header.
pub const LINK_HEADERS: usize = 16;
/// Labels of one MPLS stack.
pub const MPLS_LABELS: usize = 16;
/// IP headers of one packet, tunnels in tunnels.
pub const TUNNELS: usize = 8;
/// Extension headers of one IP packet.
pub const EXTENSION_HEADERS: usize = 16;
/// Datagrams that wait for fragments; with one more the oldest is given up.
pub const FRAGMENTED_DATAGRAMS: usize = 1024;
/// Memory of the fragments that wait; with more the oldest datagram is given up.
pub const FRAGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Fragments of one datagram; one with more is given up. A datagram of 64 KiB has 53 on the narrowest IPv6 link.
pub const FRAGMENTS_OF_DATAGRAM: usize = 256;
/// Nanoseconds of the capture after which a datagram's missing fragments come no more and its identification belongs to
/// another (RFC 8200 section 4.5).
pub const FRAGMENT_LIFETIME: i64 = 60_000_000_000;
/// Joined datagrams that are remembered, so that copies of their fragments are not taken for new ones.
pub const JOINED_DATAGRAMS: usize = 64;
/// Unknown link types that are counted one by one.
pub const UNKNOWN_LINK_TYPES: usize = 16;

/// TCP flows of each IP version whose addresses are remembered; the oldest that are no WebSocket are forgotten first.
pub const FLOWS: usize = 900_000;
/// Flows that are followed although nobody knows yet what they are; beyond that the oldest half-open ones go first.
pub const HALF_OPEN_FLOWS: usize = 65_536;
/// Flows that are followed and are no WebSocket yet; beyond that the oldest ones go.
pub const UNDECIDED_FLOWS: usize = 131_072;

/// Out-of-order bytes kept for one direction of a TCP connection.
pub const OUT_OF_ORDER_BYTES: usize = 1024 * 1024;
/// Out-of-order segments kept for one direction of a TCP connection.
pub const OUT_OF_ORDER_SEGMENTS: usize = 2048;
/// Out-of-order bytes kept for all TCP connections together, what each segment costs beside its bytes included.
pub const OUT_OF_ORDER_IN_ALL: usize = 64 * 1024 * 1024;
/// Packets of the same connection that may follow an acknowledgement of missing bytes before these count as lost:
/// captures that merge several queues swap a segment and its acknowledgement.
pub const GAP_PATIENCE: u32 = 32;
/// Packets of the whole capture after which an ended connection is closed in the books.
pub const LINGER_PACKETS: u64 = 4096;
/// Gaps that are listed for one direction.
pub const GAPS: usize = 64;

/// Bytes of an HTTP head.
pub const HTTP_HEAD: usize = 64 * 1024;
/// Head of an HTTP response that stands where a frame should begin.
pub const STRAY_HTTP_HEAD: usize = 8 * 1024;
/// Bytes that a client may send before the answer to its upgrade request is seen: captures of several queues put that later,
/// captures of one direction lack it.
pub const HELD_BEFORE_ANSWER: usize = 128 * 1024;
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
/// Directions of connections that are inflated at once: each costs some 50 KB.
pub const INFLATERS: usize = 8192;
/// Bytes of output that inflating may cost for each compressed byte of the run, on average: real text stays below 50.
pub const INFLATE_RATIO: u64 = 200;
/// Bytes of output that inflating may cost beyond that: single messages may be bombs, for those are refused.
pub const INFLATE_FREE: u64 = 1024 * 1024 * 1024;
/// Compressed bytes of the current message kept to try other assumptions on when it cannot be inflated.
pub const COMPRESSED_SAMPLE: usize = 16 * 1024;

/// Bytes kept of each direction while it is unknown whether a connection carries WebSocket.
pub const PROBE_WINDOW: usize = 16 * 1024;
/// Bytes of both directions after which a connection that shows no sign of frames is only glanced at.
pub const PROBE_PATIENCE: u64 = 16 * 1024;
/// Bits of evidence (see `websocket::evidence`) from both directions together that prove WebSocket: among random bytes, tried
/// at every byte, 40 come once in a hundred ten-gigabyte captures; what is not random is why more are asked.
pub const PROBE_BITS: i32 = 48;
/// The same where nothing but the structure of headers speaks for it.
pub const PROBE_STRUCTURE_BITS: i32 = 64;
/// Bits that have to show more than that.
pub const PROBE_SHOWN_BITS: i32 = 8;
/// The least that each of two directions has to say.
pub const PROBE_SIDE_BITS: i32 = 14;
/// Bits of evidence from one direction alone.
pub const PROBE_ONE_SIDE_BITS: i32 = 56;
/// Bits among those of a server alone that no other protocol of type and length shows.
pub const PROBE_CONTENT_BITS: i32 = 16;
/// Bits of evidence of the last frames of a stream, where no other place is tried.
pub const PROBE_LAST_WORD_BITS: i32 = 24;
/// Bits among those that no other protocol of type and length shows.
pub const PROBE_LAST_WORD_CONTENT_BITS: i32 = 12;
/// Bits of evidence of a Close alone that a FIN follows, in any place of the last segment.
pub const PROBE_LAST_CLOSE_BITS: i32 = 28;
/// Bits of evidence from one direction while the other shows something else.
pub const PROBE_CONTRADICTED_BITS: i32 = 96;
/// Bits of evidence where an upgrade was asked for or granted in bytes that are partly missing.
pub const PROBE_ASKED_BITS: i32 = 16;
/// Bits of evidence in one segment at which a connection that was only glanced at is looked at again.
pub const PROBE_GLANCE_BITS: i32 = 16;
/// Bits of evidence below which a candidate does not keep the probe waiting.
pub const PROBE_HOPE_BITS: i32 = 12;

/// Bytes kept of a direction of a WebSocket connection while its next frame is searched for.
pub const SEARCH_WINDOW: usize = 128 * 1024;
/// Segments and gaps kept in such a window.
pub const SEARCH_PIECES: usize = 2048;
/// Bits of evidence at which frames are read on after lost bytes.
pub const RESYNC_BITS: i32 = 20;
/// Bits of evidence at which no doubt is left that they are frames.
pub const RESYNC_CERTAIN_BITS: i32 = 32;
/// Bits of evidence that are enough where the stream ends and no more can come.
pub const RESYNC_END_BITS: i32 = 8;
/// Last bytes of a stream in which a Close is searched for when no frame was found.
pub const CLOSE_SEARCH: usize = 4096;
/// Bits of evidence that such a Close needs.
pub const CLOSE_SEARCH_BITS: i32 = 14;
/// Places listed for each direction where frames were found again.
pub const RESYNCS: usize = 16;

/// Acknowledgements remembered of a direction that is not in the capture.
pub const ADVANCES: usize = 16;

/// Different handshake heads that are kept once for all connections that share them.
pub const SHARED_HEADS: usize = 4096;

/// Knowledge files that are read of one folder.
pub const KNOWLEDGE_FILES: usize = 1000;
/// Bytes that are read of one knowledge file.
pub const KNOWLEDGE_FILE_BYTES: u64 = 1 << 20;

/// Bytes of either direction that are held while it talks with a proxy.
pub const PREFACE: usize = 16 * 1024;

/// Requests of one connection that wait for their answers.
pub const REQUESTS_WAITING: usize = 1024;
/// Failed handshakes that are listed of one connection.
pub const FAILED_HANDSHAKES_OF_FLOW: usize = 256;
/// Failed handshakes that are listed in all.
pub const FAILED_HANDSHAKES: usize = 50_000;
/// Failed connection attempts that are listed.
pub const FAILED_ATTEMPTS: usize = 100_000;

/// Bytes of one line of a key log; the longest secret takes some 200.
pub const KEY_LOG_LINE: usize = 1024;
/// Secrets of all key logs together.
pub const KEY_LOG_SECRETS: usize = 16_000_000;
/// Bytes of records that are spent on finding out numbers and keys of records behind missing ones, for each direction of
/// a TLS connection.
pub const TLS_GUESSES: u64 = 64 * 1024 * 1024;
/// Numbers that are tried for a record behind missing bytes.
pub const TLS_MISSING_RECORDS: u64 = 4096;
/// Numbers that are tried for the first record that keys open.
pub const TLS_UNPROVEN: u64 = 8;
/// Records that keys may fail to open before they count as those of another connection.
pub const TLS_WRONG_KEY: u32 = 64;
/// Records or frames of a direction whose acknowledgement is waited for.
pub const MARKS: usize = 4096;
/// Different reasons for which TLS connections were not read, counted one by one.
pub const TLS_UNREAD: usize = 64;
/// Bytes kept of the messages of a TLS handshake, where the master secret depends on all of them.
pub const TLS_TRANSCRIPT: usize = 64 * 1024;
/// Bytes that are read of a file with a private key.
pub const PRIVATE_KEY_FILE: u64 = 1 << 20;
/// Record numbers up to which secrets are tried on a TLS 1.3 connection whose handshake is not in the capture.
pub const TLS_JOINED_RECORDS: u64 = 1 << 20;
/// Bytes of records that may be spent on that for one connection.
pub const TLS_JOINED: u64 = 64 * 1024 * 1024;
/// The same for all connections together: some seconds.
pub const TLS_JOINED_IN_ALL: u64 = 1024 * 1024 * 1024;
/// Records of such a connection that are tried.
pub const TLS_JOINED_ATTEMPTS: u32 = 4;
/// Names of servers that are counted for each of these reasons.
pub const TLS_NAMES: usize = 256;
/// TLS connections that were not read and are listed one by one.
pub const TLS_LISTED: usize = 100;
/// Protected records of a TLS server before its handshake, which nobody can read, counts as done.
pub const TLS_FLIGHT: u32 = 16;
/// Alerts of a TLS connection that are kept.
pub const TLS_ALERTS: usize = 4;
/// How often a direction of a TLS connection may hold something else where a record should begin.
pub const TLS_PLACES: u32 = 256;

/// Bytes of one HTTP/2 header block.
pub const HEADER_BLOCK: usize = 32 * 1024;
/// Fields of one header block.
pub const HEADER_FIELDS: usize = 512;
/// Bytes of the fields of one header block, unpacked.
pub const HEADER_FIELDS_BYTES: usize = 32 * 1024;
/// Bytes of an HPACK table, whatever the receiver allows.
pub const HPACK_TABLE: u32 = 64 * 1024;
/// Bytes among which frames of HTTP/2 are searched for behind missing bytes.
pub const HTTP2_SEARCH: usize = 64 * 1024;
/// Streams whose windows changes of SETTINGS_INITIAL_WINDOW_SIZE may change in one direction; beyond that they are unknown.
pub const HTTP2_WINDOWS: usize = 1_000_000;
/// WebSockets that are followed in one HTTP/2 connection; further ones are counted.
pub const HTTP2_STREAMS: usize = 4096;
