//! What all connections of a run show together: sizes that passed, siblings, events.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::rc::Rc;

use super::case::Ending;
use super::ends::{Ends, Identifier};
use super::events::{Event, Events, Member};
use super::files::{Files, FilesOf};
use super::legs::Legs;
use super::recurrence::{Measure, Recurrence, alike};
use super::sizes::Sizes;
use crate::connection::{Connection, GapCause, Observations};
use crate::ids::{Side, Timestamp};
use crate::knowledge::Knowledge;

/// Everything beyond the single connection.
pub struct World<'a> {
    /// What is known of implementations.
    pub knowledge: &'a Knowledge,
    /// The records.
    pub observations: &'a Observations,
    /// How each connection ended.
    pub endings: Vec<Ending<'a>>,
    /// Who its ends are.
    pub ends: Vec<Ends>,
    /// Connections by server address, in order.
    pub by_server: BTreeMap<SocketAddr, Vec<usize>>,
    /// Sizes that passed and sizes that were refused.
    pub sizes: Sizes,
    /// Mass closes, mass drops and other events over connections.
    pub events: Events,
    /// Conversations seen on both sides of a proxy.
    pub legs: Legs,
    /// Whether packets are missing that were sent: what is not in the captures may have been among them.
    pub lossy: bool,
    recurrence: Recurrence,
    /// What sentences call the captures.
    files: Files,
    survived: RefCell<HashMap<Survived, Option<f64>>>,
    open: RefCell<HashMap<SocketAddr, Rc<Spans>>>,
}

/// Whose silences: the server, the side that ended other connections for one, and whose silence it was.
type Survived = (SocketAddr, Side, Option<Side>);

/// Whether the capture missed packets of a connection.
fn lacks_packets(connection: &Connection) -> bool {
    [&connection.from_client, &connection.from_server].into_iter().any(|sent| {
        let lost = &sent.lost;
        lost.fin.is_some() || lost.unlisted_gap_bytes > 0 || lost.gaps.iter().any(|gap| gap.why == GapCause::Lost)
    })
}

/// When the connections to a server began and ended, each in order.
struct Spans {
    begun: Vec<Timestamp>,
    ended: Vec<Timestamp>,
}

impl<'a> World<'a> {
    /// Looks at all records once.
    #[must_use]
    pub fn new(observations: &'a Observations, knowledge: &'a Knowledge) -> World<'a> {
        let endings: Vec<_> = observations.connections.iter().map(Ending::of).collect();
        let mut identifier = Identifier::new(knowledge);
        let ends: Vec<Ends> = observations.connections.iter().map(|c| identifier.ends(c)).collect();
        let mut by_server: BTreeMap<SocketAddr, Vec<usize>> = BTreeMap::new();
        for (index, connection) in observations.connections.iter().enumerate() {
            by_server.entry(connection.server).or_default().push(index);
        }
        let sizes = Sizes::new(observations, &endings);
        let events = Events::new(observations, knowledge, &endings, &ends, &by_server);
        let legs = Legs::new(observations);
        World {
            knowledge,
            observations,
            endings,
            ends,
            by_server,
            sizes,
            events,
            legs,
            lossy: observations.connections.iter().any(lacks_packets),
            recurrence: Recurrence::default(),
            survived: RefCell::default(),
            open: RefCell::default(),
            files: Files::new(&observations.captures),
        }
    }

    /// What sentences call the packets of a connection that begins in the capture `own`.
    #[must_use]
    pub fn files(&self, own: usize) -> FilesOf<'_> {
        self.files.of(own)
    }

    /// What sentences call packets and streams where they speak of no connection in particular.
    #[must_use]
    pub fn any_files(&self) -> FilesOf<'_> {
        self.files.of_none()
    }

    /// What sentences call the stream of a connection in the story of one that begins in the capture `own`.
    #[must_use]
    pub fn stream(&self, own: usize, index: usize) -> String {
        let connection = &self.observations.connections[index];
        self.files(own).stream_of(connection)
    }

    /// The server's end of the conversation that a proxy only passed on to this connection, its leg in front of it.
    #[must_use]
    pub fn passed_on(&self, index: usize) -> Option<usize> {
        let leg = self.legs.of(index).filter(|leg| leg.front == index)?;
        let (front, back) = (&self.endings[leg.front], &self.endings[leg.back]);
        let first = back.at.is_some_and(|b| front.at.is_none_or(|f| b.at <= f.at));
        (first && back.closer == Some(Side::Server)).then_some(leg.back)
    }

    /// The event on the server that ended a connection: the one behind the proxy where a proxy only passed it on, whatever
    /// else that proxy did meanwhile.
    #[must_use]
    pub fn server_event(&self, index: usize) -> Option<&Event> {
        self.events.event(self.passed_on(index).unwrap_or(index))
    }

    /// The connections to the same server address, this one included.
    pub fn siblings(&self, index: usize) -> impl Iterator<Item = (usize, &'a Connection)> {
        let server = self.observations.connections[index].server;
        let connections = &self.observations.connections;
        self.by_server.get(&server).into_iter().flatten().map(move |i| (*i, &connections[*i]))
    }

    /// The longest silence that a connection to `server` survived, where a silence of `whose` made `closer` end others: found
    /// once by `find`.
    pub(super) fn survived(
        &self,
        server: SocketAddr,
        closer: Side,
        whose: Option<Side>,
        find: impl FnOnce() -> Option<f64>,
    ) -> Option<f64> {
        if let Some(known) = self.survived.borrow().get(&(server, closer, whose)) {
            return *known;
        }
        let found = find();
        self.survived.borrow_mut().insert((server, closer, whose), found);
        found
    }

    /// How many connections to `server` were open at that moment.
    #[must_use]
    pub fn open_at(&self, server: SocketAddr, at: Timestamp) -> usize {
        let known = self.open.borrow().get(&server).cloned();
        let spans = known.unwrap_or_else(|| {
            let members = self.by_server.get(&server).map(Vec::as_slice).unwrap_or_default();
            let mut begun: Vec<_> = members.iter().map(|i| self.observations.connections[*i].first.at).collect();
            let mut ended: Vec<_> = members.iter().filter_map(|i| self.endings[*i].at.map(|o| o.at)).collect();
            begun.sort_unstable();
            ended.sort_unstable();
            let spans = Rc::new(Spans { begun, ended });
            self.open.borrow_mut().insert(server, spans.clone());
            spans
        });
        let until = |times: &[Timestamp]| times.partition_point(|t| *t <= at);
        until(&spans.begun).saturating_sub(until(&spans.ended))
    }

    /// Seconds without any frame of either side before a connection's end; since its opening when there was none.
    #[must_use]
    pub fn silence(&self, index: usize) -> Option<f64> {
        let connection = &self.observations.connections[index];
        let last = connection.from_client.last_frame.max(connection.from_server.last_frame);
        Some(self.endings[index].at?.at.seconds_since(last.unwrap_or(connection.opened()).at))
    }

    /// Seconds from a connection's opening handshake to its end.
    #[must_use]
    pub fn age(&self, index: usize) -> Option<f64> {
        let connection = &self.observations.connections[index];
        let opened = connection.handshake.as_ref()?.response.origin.at;
        Some(self.endings[index].at?.at.seconds_since(opened))
    }

    /// The event that a connection's end belongs to.
    #[must_use]
    pub fn event_of(&self, index: usize) -> Option<&Member> {
        self.events.of(index)
    }

    /// The connections to the same server, ended by `closer` with the same code, whose span is that of this one, this one
    /// included; none when most of them differ. At most a few dozen are named.
    #[must_use]
    pub fn siblings_with(&self, index: usize, measure: Measure, closer: Side) -> Vec<(usize, f64)> {
        let Some(own) = self.span(index, measure) else { return Vec::new() };
        let server = self.observations.connections[index].server;
        let code = self.endings[index].code;
        let sorted = self.recurrence.group((server, closer, code, measure), || {
            let members = self.by_server.get(&server).map(Vec::as_slice).unwrap_or_default();
            let ended_so = |i: &&usize| self.endings[**i].closer == Some(closer) && self.endings[**i].code == code;
            members.iter().filter(ended_so).filter_map(|i| self.span(*i, measure).map(|s| (s, *i))).collect()
        });
        alike(&sorted, own)
    }

    /// A span of a connection, in seconds.
    #[must_use]
    pub fn span(&self, index: usize, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Age => self.age(index),
            Measure::Silence(None) => self.silence(index),
            Measure::Silence(whose) => super::idle::silence_of(self, index, whose),
        }
    }
}
