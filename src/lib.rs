//! wsdiag reads a packet capture and says why each WebSocket connection in it closed.

pub mod connection;
pub mod diagnosis;
pub mod ids;
pub mod knowledge;
pub mod limits;
pub mod report;
