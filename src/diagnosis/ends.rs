//! Who the two ends of each connection are, from its handshake and its closes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::connection::{Connection, Head};
use crate::ids::Side;
use crate::knowledge::{Evidence, Identified, identify};
use crate::report::model::ImplementationReport;

/// A recognised implementation, shared by all connections that look the same.
#[derive(Debug)]
pub struct Identity {
    /// What it is.
    pub identified: Identified,
    /// The same for the report.
    pub report: Arc<ImplementationReport>,
}

/// Who the two ends of a connection are.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// The client.
    pub client: Option<Arc<Identity>>,
    /// The server.
    pub server: Option<Arc<Identity>>,
}

/// What identification depends on: both heads and the closes of that side. Equal heads are one shared text.
type Looks = (Side, Option<Arc<str>>, Option<Arc<str>>, Vec<(Option<u16>, String)>);

/// Identifies ends, each combination of looks once.
#[derive(Debug, Default)]
pub struct Identifier {
    known: HashMap<Looks, Option<Arc<Identity>>>,
}

impl Identifier {
    /// Identifies both ends of a connection.
    pub fn ends(&mut self, connection: &Connection) -> Ends {
        Ends { client: self.side(connection, Side::Client), server: self.side(connection, Side::Server) }
    }

    fn side(&mut self, connection: &Connection, side: Side) -> Option<Arc<Identity>> {
        let handshake = connection.handshake.as_deref();
        let request = handshake.and_then(|h| h.request.as_ref());
        let response = handshake.map(|h| &h.response);
        let closes = &connection.sent_by(side).closes;
        let text = |head: Option<&Head>| head.map(|h| h.text.clone());
        let said = closes.iter().map(|c| (c.code, c.reason.clone())).collect();
        let looks: Looks = (side, text(request), text(response), said);
        self.known
            .entry(looks)
            .or_insert_with(|| {
                let identified = identify(&Evidence { side, request, response, closes })?;
                let report = Arc::new(ImplementationReport {
                    id: identified.implementation.id.to_string(),
                    name: identified.implementation.name.to_string(),
                    confidence: identified.confidence,
                    because: identified.because.clone(),
                });
                Some(Arc::new(Identity { identified, report }))
            })
            .clone()
    }
}
