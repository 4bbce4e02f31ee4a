#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wsdiag_fuzz::run("hpack", bytes));
