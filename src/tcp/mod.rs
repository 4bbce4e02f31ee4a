//! TCP: which flow a segment belongs to, and each direction's bytes in order.

mod assembler;
mod copies;
mod marks;
mod queue;
mod streams;
mod table;

pub use assembler::{Assembler, Sink};
pub use copies::{Copies, Seen};
pub use marks::Marks;
pub use queue::OutOfOrder;
pub use table::{FlowId, FlowTable, Lookup, Place, Role, ordered};
