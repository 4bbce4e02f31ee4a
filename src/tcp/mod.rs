//! TCP: which flow a segment belongs to, and each direction's bytes in order.

mod assembler;
mod queue;
mod streams;
mod table;

pub use assembler::{Assembler, Sink};
pub use table::{FlowId, FlowTable, Lookup, Role, ordered};
