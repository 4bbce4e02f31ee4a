//! What is known of the world: close codes, and how real implementations limit, close and word their closes.
//!
//! All of it is data: `close-codes.toml` and one TOML file for each implementation under `implementations/`, embedded in
//! the binary and parsed when it is first needed: the fingerprints of all when one end is to be recognised, the rest of
//! a file when its implementation was. Adding an implementation touches no code but its line in `embedded.rs`.

mod codes;
mod embedded;
mod fingerprint;
mod identify;
mod implementation;
mod meaning;
mod pattern;
mod stated_limit;
mod timers;

pub use codes::{CloseCode, Confusion, close_code, close_codes, confusions};
pub use fingerprint::{Fingerprint, Weight, WhichHead};
pub use identify::{Evidence, Identified, identify, identify_all, own_closes, proxies};
pub use implementation::{
    AppliesTo, Close, Implementation, Keepalive, Limit, Role, Sender, Trigger, implementation, implementations,
};
pub use meaning::reason_meaning;
pub use stated_limit::{StatedLimit, limit_stated_in_reason};
pub use timers::{KnownTimer, TimerKind, known_timers};
