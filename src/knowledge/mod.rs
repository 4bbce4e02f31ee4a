//! What is known of the world: close codes, and how real implementations limit, close and word their closes.
//!
//! All of it is data: `close-codes.toml` and one TOML file for each implementation under `implementations/`, embedded in
//! the binary and parsed when the first diagnosis needs it. Adding an implementation touches no code.

mod codes;
mod identify;
mod implementation;

pub use codes::{CloseCode, close_code};
pub use identify::{Evidence, Identified, identify};
pub use implementation::{Close, Fingerprint, Implementation, Keepalive, Limit, implementation, implementations};
