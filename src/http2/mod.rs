//! HTTP/2 (RFC 9113) as far as WebSockets in its streams need it (RFC 8441): frames of both directions, header fields, and
//! the data of streams that were opened by an extended CONNECT.

mod connection;
mod fields;
mod frame;
#[cfg(test)]
mod known_answers;
mod windows;

pub use connection::{Http2, Place, StreamSink};
pub use frame::{PREFACE, Sender, begins};
