//! stub until merge
#![allow(missing_docs)]
use crate::connection::InvalidUtf8;
pub struct Inspection {
    pub looks_like: Option<String>,
}
pub fn inspect(_: &InvalidUtf8, _total: Option<u64>) -> Inspection {
    Inspection { looks_like: None }
}
pub fn escape_excerpt(bytes: &[u8], _max: usize) -> String {
    bytes.escape_ascii().to_string()
}
