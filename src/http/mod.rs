//! HTTP/1.1 as far as the opening handshake needs it: heads, and bodies to step over.

mod body;
mod head;
mod upgrade;

pub use upgrade::{Failure, Hint, Progress, Upgrade, Upgraded, agreed_deflate};
