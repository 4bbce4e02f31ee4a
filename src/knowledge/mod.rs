//! What is known of the world: close codes, and how real implementations limit, close and word their closes.
//!
//! All of it is data: `close-codes.toml` and one TOML file for each implementation under `implementations/`, embedded in
//! the binary and parsed when it is first needed: the fingerprints of all when one end is to be recognised, the rest of
//! a file when its implementation was. Adding an implementation touches no code but its line in `embedded.rs`.

mod added;
mod check;
mod codes;
mod embedded;
mod fingerprint;
mod identify;
mod implementation;
mod meaning;
mod pattern;
mod stated_limit;
mod store;
mod timers;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod heads_tests;

pub use added::KnowledgeError;
pub use check::Fault;
pub use codes::{CloseCode, Confusion, close_code, close_codes, confusions};
pub use fingerprint::{Fingerprint, Weight, WhichHead};
pub use identify::{Evidence, Identified, own_closes};
pub use implementation::{AppliesTo, Close, Implementation, Keepalive, Limit, Role, Sender, Trigger};
pub use stated_limit::{StatedLimit, limit_stated_in_reason};
pub use store::Knowledge;
pub use timers::{KnownTimer, TimerKind};
