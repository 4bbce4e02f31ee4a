//! Who the two ends of a connection are, from its handshake and its closes.

use super::world::Ends;
use crate::connection::Connection;
use crate::ids::Side;
use crate::knowledge::{Evidence, Identified, identify as identify_side};

/// Identifies both ends.
#[must_use]
pub fn identify(connection: &Connection) -> Ends {
    Ends { client: side(connection, Side::Client), server: side(connection, Side::Server) }
}

fn side(connection: &Connection, side: Side) -> Option<Identified> {
    let handshake = connection.handshake.as_ref();
    let evidence = Evidence {
        side,
        request: handshake.and_then(|h| h.request.as_ref()),
        response: handshake.map(|h| &h.response),
        closes: &connection.sent_by(side).closes,
    };
    identify_side(&evidence)
}
