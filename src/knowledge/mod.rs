//! stub until merge
#![allow(missing_docs)]
use crate::connection::{CloseFrame, Head};
use crate::ids::Side;
use crate::report::model::Confidence;

pub struct Evidence<'a> {
    pub side: Side,
    pub request: Option<&'a Head>,
    pub response: Option<&'a Head>,
    pub closes: &'a [CloseFrame],
}
#[derive(Debug, Clone)]
pub struct Identified {
    pub implementation: &'static Implementation,
    pub confidence: Confidence,
    pub because: String,
}
#[derive(Debug)]
pub struct Implementation {
    pub id: String,
    pub name: String,
    pub limits: Vec<Limit>,
    pub closes: Vec<Close>,
    pub keepalives: Vec<Keepalive>,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    Message,
    Frame,
    DecompressedMessage,
    Buffer,
    Other,
}
#[derive(Debug)]
pub struct Limit {
    pub applies_to: AppliesTo,
    pub default_bytes: u64,
    pub setting: String,
    pub how_to_change: String,
    pub close_code: u16,
    pub source: String,
}
#[derive(Debug)]
pub struct Close {
    pub code: u16,
    pub reason: String,
    pub trigger: String,
    pub trigger_kind: TriggerKind,
    pub likely_cause: String,
    pub fix: String,
    pub source: String,
}
#[derive(Debug)]
pub struct Keepalive {
    pub ping_interval_s: f64,
    pub timeout_s: f64,
    pub on_timeout_code: u16,
    pub on_timeout_reason: String,
    pub setting: String,
    pub source: String,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerKind {
    Oversize,
    InvalidUtf8,
    CorruptDeflate,
    Protocol,
    Idle,
    Keepalive,
    Shutdown,
    HandlerError,
    Application,
    Policy,
    Other,
}
impl Implementation {
    pub fn size_limits(&self, _role: Side) -> impl Iterator<Item = &Limit> {
        self.limits.iter()
    }
    /// Close entries matching
    pub fn close_meaning(&self, _code: Option<u16>, _reason: &str, _sender: Side) -> Vec<&Close> {
        Vec::new()
    }
    pub fn drops_instead_of_closing(&self, _trigger: TriggerKind) -> bool {
        false
    }
}
#[derive(Debug, Clone, Copy)]
pub struct StatedLimit {
    pub limit: u64,
    pub size: Option<u64>,
    pub after: Option<u64>,
}
pub fn limit_stated_in_reason(_reason: &str) -> Option<StatedLimit> {
    None
}
pub fn identify(_e: &Evidence<'_>) -> Option<Identified> {
    None
}
pub struct KnownTimer {
    pub implementation: &'static Implementation,
    pub seconds: f64,
    pub setting: String,
}
pub fn known_timers() -> Vec<KnownTimer> {
    Vec::new()
}
/// meaning over all implementations of a non-empty reason
pub fn reason_meaning(_code: Option<u16>, _reason: &str) -> Vec<(&'static Implementation, &'static Close)> {
    Vec::new()
}
pub fn close_code_name(code: u16) -> Option<&'static str> {
    let _ = code;
    None
}
