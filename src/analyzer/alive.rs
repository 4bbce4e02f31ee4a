//! The flows that are followed: bounded, so that a SYN flood or a scan costs no more memory than a busy server.

use std::collections::VecDeque;

use super::flow::Flow;
use crate::limits;
use crate::tcp::{FlowId, Place};

/// Flows at their places.
#[derive(Default)]
pub(super) struct Alive {
    places: Vec<Option<(FlowId, Box<Flow>)>>,
    count: usize,
    /// Flows in the order in which they began, until their turn comes to be looked at.
    young: VecDeque<(Place, FlowId)>,
    /// Of those, the ones that were past their opening handshake when they were looked at.
    settled: VecDeque<(Place, FlowId)>,
}

impl Alive {
    pub(super) fn insert(&mut self, place: Place, flow: FlowId, record: Box<Flow>) {
        let index = place.0 as usize;
        if index >= self.places.len() {
            self.places.resize_with(index + 1, || None);
        }
        self.places[index] = Some((flow, record));
        self.count += 1;
        self.young.push_back((place, flow));
        self.compact();
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: Place, flow: FlowId) -> Option<&mut Flow> {
        match self.places.get_mut(place.0 as usize) {
            Some(Some((there, record))) if *there == flow => Some(record),
            _ => None,
        }
    }

    fn get(&self, (place, flow): (Place, FlowId)) -> Option<&Flow> {
        match self.places.get(place.0 as usize) {
            Some(Some((there, record))) if *there == flow => Some(record),
            _ => None,
        }
    }

    /// Whether a flow is a WebSocket, which is never given up for another.
    pub(super) fn is_websocket(&self, place: Place, flow: FlowId) -> bool {
        self.get((place, flow)).is_some_and(Flow::is_websocket)
    }

    pub(super) fn take(&mut self, place: Place, flow: FlowId) -> Option<Box<Flow>> {
        let there = self.places.get_mut(place.0 as usize)?;
        if there.as_ref().is_none_or(|(id, _)| *id != flow) {
            return None;
        }
        self.count -= 1;
        there.take().map(|(_, record)| record)
    }

    /// All flows that are left, in the order of their numbers.
    pub(super) fn drain(&mut self) -> Vec<(FlowId, Box<Flow>)> {
        self.count = 0;
        self.young.clear();
        self.settled.clear();
        let mut left: Vec<_> = std::mem::take(&mut self.places).into_iter().flatten().collect();
        left.sort_unstable_by_key(|(flow, _)| *flow);
        left
    }

    /// The flow to give up now that another has begun; `websockets` of them are never given up.
    pub(super) fn surplus(&mut self, websockets: usize) -> Option<Surplus> {
        let undecided = self.count.saturating_sub(websockets);
        if undecided <= limits::HALF_OPEN_FLOWS {
            return None;
        }
        // Two for each that is new: half-open ones are found however many established ones stand before them.
        for _ in 0..2 {
            let Some(oldest) = self.young.pop_front() else { break };
            match self.get(oldest) {
                Some(flow) if flow.is_half_open() => return Some(Surplus::HalfOpen(oldest.0, oldest.1)),
                Some(flow) if !flow.is_websocket() => self.settled.push_back(oldest),
                _ => {}
            }
        }
        if undecided <= limits::UNDECIDED_FLOWS {
            return None;
        }
        while let Some(oldest) = self.settled.pop_front().or_else(|| self.young.pop_front()) {
            if self.get(oldest).is_some_and(|flow| !flow.is_websocket()) {
                return Some(Surplus::Undecided(oldest.0, oldest.1));
            }
        }
        None
    }

    /// Drops queue entries of flows that are gone.
    fn compact(&mut self) {
        if self.young.len() + self.settled.len() > 4 * limits::UNDECIDED_FLOWS {
            let mut kept = std::mem::take(&mut self.young);
            kept.retain(|entry| self.get(*entry).is_some_and(|flow| !flow.is_websocket()));
            self.young = kept;
            let mut kept = std::mem::take(&mut self.settled);
            kept.retain(|entry| self.get(*entry).is_some_and(|flow| !flow.is_websocket()));
            self.settled = kept;
        }
    }
}

/// A flow that has to go.
pub(super) enum Surplus {
    /// Its opening handshake was never completed.
    HalfOpen(Place, FlowId),
    /// Established, and no WebSocket so far.
    Undecided(Place, FlowId),
}
