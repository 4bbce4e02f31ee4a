//! WebSocket: from the two byte streams of an upgraded connection to the facts of [`crate::connection`].

mod audit;
mod close;
mod effort;
mod evidence;
mod frame;
mod inflate;
mod mask;
mod open_message;
mod pings;
mod probe;
mod reader;
mod resync;
mod ring;
mod session;
mod text;

pub use close::may_be_sent;
pub use probe::{Asked, Probe, Probed};
pub use reader::{FrameSeen, Scratch};
pub use session::{Session, Stage};
