//! From facts to verdicts: a pure function of the records of [`crate::connection`].

pub mod payload;
