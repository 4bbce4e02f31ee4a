//! Who the two ends of each connection are, from its handshake and its closes.

use std::collections::HashMap;
use std::sync::Arc;

use crate::connection::{Connection, Head};
use crate::ids::Side;
use crate::knowledge::{Evidence, Identified, Knowledge, own_closes};
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

/// What identification depends on: both heads, of which equal ones are one shared text, and what that side closed with of its
/// own accord.
type Looks = (Side, usize, usize, Vec<(Option<u16>, String)>);

/// Identifies ends, each combination of looks once.
#[derive(Debug)]
pub struct Identifier<'k> {
    knowledge: &'k Knowledge,
    known: HashMap<Looks, Option<Arc<Identity>>>,
}

impl<'k> Identifier<'k> {
    /// Knows nobody yet.
    #[must_use]
    pub fn new(knowledge: &'k Knowledge) -> Self {
        Identifier { knowledge, known: HashMap::new() }
    }

    /// Identifies both ends of a connection.
    pub fn ends(&mut self, connection: &Connection) -> Ends {
        Ends { client: self.side(connection, Side::Client), server: self.side(connection, Side::Server) }
    }

    fn side(&mut self, connection: &Connection, side: Side) -> Option<Arc<Identity>> {
        let handshake = connection.handshake.as_deref();
        let place = |head: Option<&Head>| head.map_or(0, |h| h.text.as_ptr() as usize);
        let (request, response) = (
            handshake.and_then(|h| h.request.as_ref()).or(connection.request.as_deref()),
            handshake.map(|h| &h.response),
        );
        let said = own_closes(connection, side).iter().map(|(code, reason)| (*code, (*reason).to_string())).collect();
        let looks: Looks = (side, place(request), place(response), said);
        self.known
            .entry(looks)
            .or_insert_with(|| {
                let identified = self.knowledge.identify(&Evidence::of(connection, side))?;
                let report = Arc::new(ImplementationReport {
                    id: identified.implementation.id.clone(),
                    name: identified.name.to_string(),
                    confidence: identified.confidence,
                    because: identified.because.clone(),
                    alternatives: identified.alternatives.clone(),
                });
                Some(Arc::new(Identity { identified, report }))
            })
            .clone()
    }
}
