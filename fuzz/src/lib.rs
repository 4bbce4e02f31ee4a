//! The fuzz targets: `tests/support/targets` of the package beside, which an ordinary test runs on known inputs.

#[path = "../../tests/support/mod.rs"]
mod support;

/// Puts bytes through the target of that name.
pub fn run(target: &str, bytes: &[u8]) {
    (support::targets::named(target).run)(bytes);
}
