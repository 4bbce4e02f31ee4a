//! wsdiag reads a packet capture and says why each WebSocket connection in it closed.

pub mod analyzer;
pub mod capture;
pub mod connection;
pub mod diagnosis;
pub mod explain;
pub mod http;
pub mod http2;
pub mod ids;
pub mod knowledge;
pub mod limits;
pub mod nearest;
pub mod network;
pub mod report;
pub mod tcp;
pub mod tls;
pub mod websocket;
