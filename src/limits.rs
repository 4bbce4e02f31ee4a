//! Every cap of the tool in one place: how much is kept, and from where on it is only counted.
//!
//! Lengths on the wire are never allocated for; these numbers are. Reaching one that can change a verdict is reported.

/// Bytes asked of the capture file at once.
pub const READ_BUFFER: usize = 64 * 1024;
/// The largest packet record or pcapng block that is read; a larger one is a corrupt length.
pub const LARGEST_RECORD: usize = 16 * 1024 * 1024;
/// The largest packet record that a capture program writes (libpcap's `MAXIMUM_SNAPLEN`, `USB` aside).
pub const LARGEST_PACKET: u32 = 262_144;

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

/// Bytes that a client may send before the answer to its upgrade is seen: captures of several queues put the answer later.
pub const SENT_BEFORE_ANSWER: usize = 256 * 1024;
/// Requests of one connection that wait for their answers.
pub const REQUESTS_WAITING: usize = 1024;
/// Failed handshakes that are listed of one connection.
pub const FAILED_HANDSHAKES_OF_FLOW: usize = 256;
/// Failed handshakes that are listed in all.
pub const FAILED_HANDSHAKES: usize = 50_000;
/// Failed connection attempts that are listed.
pub const FAILED_ATTEMPTS: usize = 100_000;
