//! Handshake heads that many connections share, kept once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::connection::{Handshake, Head, KEY};
use crate::limits;

/// Heads seen so far. Thousands of connections of one program differ in their key alone.
#[derive(Debug, Default)]
pub(super) struct Heads {
    seen: HashSet<Arc<str>>,
}

impl Heads {
    /// Replaces key and accept value by a mark and shares the heads with those of earlier connections.
    pub(super) fn share(&mut self, handshake: &mut Handshake) {
        if let Some(request) = &mut handshake.request {
            self.share_head(request, "sec-websocket-key");
        }
        self.share_head(&mut handshake.response, "sec-websocket-accept");
    }

    /// The same for a request whose answer was not seen.
    pub(super) fn share_request(&mut self, mut request: Head) -> Head {
        self.share_head(&mut request, "sec-websocket-key");
        request
    }

    fn share_head(&mut self, head: &mut Head, field: &str) {
        let text = &head.text;
        let marked = match head.field(field) {
            Some(value) if !value.is_empty() => {
                let at = value.as_ptr() as usize - text.as_ptr() as usize;
                [&text[..at], KEY, &text[at + value.len()..]].concat()
            }
            _ => text.to_string(),
        };
        if let Some(known) = self.seen.get(marked.as_str()) {
            head.text = known.clone();
            return;
        }
        head.text = marked.into();
        if self.seen.len() < limits::SHARED_HEADS {
            self.seen.insert(head.text.clone());
        }
    }
}
