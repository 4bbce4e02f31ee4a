//! The records of the WebSockets in an HTTP/2 connection.

use super::{Flow, Shared, tcp_end_record};
use crate::analyzer::app::failed_handshake;
use crate::analyzer::streams::{Http2App, Stream};
use crate::connection::{Connection, Http2Facts, Observations, Sent, StreamReset, TcpEnd, TcpEndKind};
use crate::http::Failure;
use crate::ids::{Origin, Side, StreamOffset};
use crate::tls::Tls;
use crate::websocket::Stage;

impl Flow {
    /// The connection is over: a record of each of its WebSockets.
    pub(super) fn finish_http2(
        &self,
        app: Http2App,
        mut tls: Option<Box<Tls>>,
        now: Origin,
        shared: &mut Shared<'_>,
        observations: &mut Observations,
    ) {
        let Http2App { http2, streams, goes_away, used_up, unfollowed } = app;
        shared.blind.unfollowed_streams += unfollowed;
        shared.blind.unread_header_blocks += http2.unread_blocks();
        let client = http2.client();
        let facts = tls.as_ref().map(|tls| tls.facts());
        let mut acknowledged = [0, 1].map(|index| self.assemblers[index].acknowledged());
        if let Some(tls) = &mut tls {
            acknowledged = [0, 1].map(|index| tls.content_to(index, acknowledged[index]));
        }
        for (id, mut stream) in streams {
            let stalls = stream.stalls(used_up);
            let facts_of_stream =
                Http2Facts { stream: id, reset: stream.reset, goes_away, stalls: [stalls[client], stalls[1 - client]] };
            if stream.answer_unread && stream.session.is_none() {
                // It may have been a refusal or not; nobody sent a frame that would tell.
                shared.blind.unread_header_blocks += 1;
                continue;
            }
            let Some(mut session) = stream.session.take() else {
                let (request, response) = (stream.request, stream.refusal);
                let failure = Failure { request, response, body: Vec::new(), violations: Vec::new() };
                let place = (self.capture, self.stream, tls.is_some());
                let mut failed = failed_handshake(place, self.addresses, client, failure);
                failed.http2 = Some(Box::new(facts_of_stream));
                failed.tcp_end = reset_end(stream.reset).or(self.tcp_end.map(|end| tcp_end_record(end, client)));
                observations.failed_handshakes.push(failed);
                continue;
            };
            *shared.websockets = shared.websockets.saturating_sub(1);
            let in_order = [client, 1 - client].map(|index| stream.ended[index].is_some());
            let mut stage =
                Stage { scratch: shared.scratch, now, acknowledged: StreamOffset(0), on_frame: shared.on_frame };
            let request = session.request.take();
            let (handshake, mut from_client, mut from_server) = session.finish(&mut stage, in_order);
            for (index, sent) in [(client, &mut from_client), (1 - client, &mut from_server)] {
                let side = if index == client { Side::Client } else { Side::Server };
                self.fill_stream(index, side, &mut stream, acknowledged[index], sent);
            }
            let last = stream.last.into_iter().flatten().max().unwrap_or(now);
            observations.connections.push(Connection {
                capture: self.capture,
                tcp_stream: self.stream,
                also_in: None,
                client: self.addresses[client],
                server: self.addresses[1 - client],
                first: stream.request.origin,
                last,
                initial_sequence: None,
                joined_midstream: handshake.is_none(),
                http2: Some(Box::new(facts_of_stream)),
                tls: facts.clone().map(Box::new),
                handshake: handshake.map(Box::new),
                request,
                from_client: Box::new(from_client),
                from_server: Box::new(from_server),
                tcp_end: self.stream_end(client, &stream),
                tcp_anomalies: self.anomalies(),
                capture_end: self.last[0].max(self.last[1]).at,
            });
        }
    }

    fn fill_stream(&self, index: usize, side: Side, stream: &mut Stream, acknowledged: StreamOffset, sent: &mut Sent) {
        sent.fin = stream.ended[index];
        sent.rst = stream.reset.filter(|reset| reset.by == side).map(|reset| Box::new(reset.origin));
        sent.last_packet = stream.last[index];
        sent.acknowledged_to = stream.marks[index].content_to(acknowledged);
        sent.retransmissions = self.assemblers[index].retransmissions();
    }

    /// The first end of a stream: of one of its halves, by a reset, or with the TCP connection.
    fn stream_end(&self, client: usize, stream: &Stream) -> Option<TcpEnd> {
        let side = |index: usize| if index == client { Side::Client } else { Side::Server };
        let end = |how, by, origin| TcpEnd { how, by, origin, inferred: false };
        let halves = [0, 1].map(|index| Some(end(TcpEndKind::Fin, side(index), stream.ended[index]?)));
        let around = self.tcp_end.map(|end| tcp_end_record(end, client));
        // A library may end its half and reset the stream at once: the reset has the reason.
        let reset = reset_end(stream.reset).into_iter();
        reset.chain(halves.into_iter().flatten()).chain(around).min_by_key(|end| end.origin)
    }
}

/// A RST_STREAM as the end that it is to a WebSocket.
fn reset_end(reset: Option<StreamReset>) -> Option<TcpEnd> {
    reset.map(|StreamReset { by, origin, .. }| TcpEnd { how: TcpEndKind::Rst, by, origin, inferred: false })
}
