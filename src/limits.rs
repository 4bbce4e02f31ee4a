//! Every cap of the tool in one place: how much is kept, and from where on it is only counted.
//!
//! Lengths on the wire are never allocated for; these numbers are. Reaching one that can change a verdict is reported.

/// Bytes asked of the capture file at once.
pub const READ_BUFFER: usize = 64 * 1024;
/// The largest packet record or pcapng block that is read; a larger one is a corrupt length.
pub const LARGEST_RECORD: usize = 16 * 1024 * 1024;
/// The largest packet record that a capture program writes (libpcap's `MAXIMUM_SNAPLEN`, `USB` aside).
pub const LARGEST_PACKET: u32 = 262_144;

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

/// Failed connection attempts that are listed.
pub const FAILED_ATTEMPTS: usize = 100_000;
