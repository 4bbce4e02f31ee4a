//! Everything a cause may look at: one connection, how it ended, and what its siblings show.

use std::cell::OnceCell;

use crate::connection::{CloseFrame, Connection, Defect, FirstClose, Message, Sent, TcpEndKind};
use crate::ids::{Origin, PacketNumber, Side, Timestamp};
use crate::knowledge::Identified;
use crate::report::model::Initiator;

use super::files::{FilesOf, Place};
use super::not_text::Trouble;
use super::too_big::Suspicion;
use super::world::World;

/// How a connection ended.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// The first Close, 1005 when it was empty, 1006 when TCP ended without one, `None` while open or unknown.
    pub code: Option<u16>,
    /// The first Close and who sent it. Where that one is missing and only the answer to it was captured, the answer stands
    /// for both; where the capture does not tell which it is, it is taken for the answer if its code fits what its own sender did.
    pub close: Option<(Side, &'a CloseFrame)>,
    /// Whether that Close was seen itself.
    pub first: FirstClose,
    /// The other side's answer to it.
    pub answer: Option<(Side, &'a CloseFrame)>,
    /// Who sent the first Close, or both when they crossed; `None` where the capture does not tell.
    pub initiator: Option<Initiator>,
    /// Who ended the connection: the sender of the first Close, else of the first FIN or RST.
    pub closer: Option<Side>,
    /// When: the first Close, else the first FIN or RST.
    pub at: Option<Origin>,
    /// Whether no Close was seen, and one may be among what the capture lacks: a 1006 is then but a guess.
    pub may_hide_close: bool,
    /// Both Close frames seen, codes legal, TCP closed after.
    pub clean: bool,
}

impl<'a> Ending<'a> {
    /// Reads the ending of a connection.
    #[must_use]
    pub fn of(connection: &'a Connection) -> Ending<'a> {
        let closes = connection.closes();
        let first = connection.first_close();
        let mut close = closes.first().copied();
        let mut answer = close.and_then(|(side, _)| closes.iter().copied().find(|(s, _)| *s != side));
        let mut initiator: Option<Initiator> = close.map(|(side, _)| side.into());
        if let (FirstClose::Missing | FirstClose::Unknown, Some((side, frame))) = (first, close) {
            if first == FirstClose::Missing || connection.sent_by(side).is_refused_by(frame) {
                answer = close;
                close = Some((side.other(), frame));
            }
            initiator = first.side(side).map(Into::into);
        }
        let crossed = match (close, answer) {
            // The answer crossed the first Close when its sender had not acknowledged that yet.
            (Some((_, opening)), Some((_, second))) if first == FirstClose::Seen => {
                second.acknowledged <= opening.start
            }
            _ => false,
        };
        if crossed {
            initiator = Some(Initiator::Both);
        }
        let code = match (close, connection.tcp_end) {
            (Some((_, frame)), _) if frame.code.is_none() && frame.missing > 0 => {
                // Its body is missing; an answer repeats the code.
                answer.and_then(|(_, a)| a.code)
            }
            (Some((_, frame)), _) => Some(frame.code.unwrap_or(1005)),
            (None, Some(_)) => Some(1006),
            (None, None) => None,
        };
        let legal = closes.iter().all(|(_, c)| c.code.is_none_or(crate::websocket::may_be_sent));
        Ending {
            code,
            close,
            first,
            answer,
            initiator,
            closer: close.map(|(s, _)| s).or_else(|| connection.tcp_end.map(|e| e.by)),
            at: close.map(|(_, c)| c.origin).or_else(|| connection.tcp_end.map(|e| e.origin)),
            may_hide_close: close.is_none()
                && [Side::Client, Side::Server].iter().any(|side| connection.sent_by(*side).may_hide_close()),
            clean: first == FirstClose::Seen
                && close.is_some()
                && answer.is_some()
                && legal
                && connection.tcp_end.is_some(),
        }
    }

    /// The reason text of the first Close, empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &'a str {
        self.close.map_or("", |(_, c)| c.reason.as_str())
    }

    /// The code as far as the capture shows it.
    #[must_use]
    pub fn known_code(&self) -> Option<u16> {
        self.code.filter(|_| !self.may_hide_close)
    }

    /// Whether TCP ended and no Close frame was seen.
    #[must_use]
    pub fn without_close(&self) -> bool {
        self.code == Some(1006) && self.close.is_none()
    }
}

/// One connection with everything that helps to explain its end.
pub struct Case<'a> {
    /// Index into the observations.
    pub index: usize,
    /// The record.
    pub connection: &'a Connection,
    /// How it ended.
    pub ending: Ending<'a>,
    /// Who the client is, where that is known.
    pub client: Option<&'a Identified>,
    /// Who the server is, where that is known.
    pub server: Option<&'a Identified>,
    /// What all connections together show.
    pub world: &'a World<'a>,
    /// What the causes of one family look for together.
    pub memo: Memo<'a>,
}

/// Answers that several causes ask for, found once.
#[derive(Default)]
pub struct Memo<'a> {
    /// See [`super::not_text::trouble`].
    pub trouble: OnceCell<Option<Trouble<'a>>>,
    /// See [`super::too_big::suspect`].
    pub size: OnceCell<Option<Suspicion<'a>>>,
}

impl<'a> Case<'a> {
    /// Wireshark's `tcp.stream`.
    #[must_use]
    pub fn stream(&self) -> u32 {
        self.connection.tcp_stream
    }

    /// Who `side` is, where that is known.
    #[must_use]
    pub fn implementation(&self, side: Side) -> Option<&'a Identified> {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// `The client 10.0.0.1:5000` or `the server ...`, for the middle of a sentence.
    #[must_use]
    pub fn who(&self, side: Side) -> String {
        format!("the {side} {}", self.connection.address(side))
    }

    /// What sentences on this connection call packets and streams.
    #[must_use]
    pub fn files(&self) -> FilesOf<'a> {
        self.world.files(self.connection.capture)
    }

    /// `packet 5`, with the name of its file where that is not the connection's own.
    #[must_use]
    pub fn packet(&self, packet: PacketNumber) -> String {
        self.files().packet(packet)
    }

    /// `packets 5-9`, with the name of their file where that is not the connection's own.
    #[must_use]
    pub fn packets(&self, from: PacketNumber, to: PacketNumber) -> String {
        self.files().packets(from, to)
    }

    /// What the side that did not end the connection had sent.
    #[must_use]
    pub fn to_closer(&self) -> Option<(Side, &'a Sent)> {
        let side = self.ending.closer?.other();
        Some((side, self.connection.sent_by(side)))
    }

    /// Whether the closer had received at least the beginning of `message`: by the acknowledgement number of its Close, else
    /// by time.
    #[must_use]
    pub fn had_begun_to_arrive(&self, message: &Message) -> bool {
        match self.ending.close {
            Some((_, close)) if close.acknowledged.0 > 0 && self.ending.first == FirstClose::Seen => {
                message.start < close.acknowledged
            }
            _ => self.ending.at.is_none_or(|end| message.first.at <= end.at),
        }
    }

    /// The last messages and the largest ones that the closer had begun to receive, oldest first.
    #[must_use]
    pub fn arrived(&self) -> Vec<&'a Message> {
        let Some((_, sent)) = self.to_closer() else { return Vec::new() };
        sent.kept_messages().into_iter().filter(|m| self.had_begun_to_arrive(m)).collect()
    }

    /// The first message with a defect that the closer had begun to receive.
    #[must_use]
    pub fn defective(&self) -> Option<(Side, &'a Message, &'a Defect)> {
        let (side, sent) = self.to_closer()?;
        sent.defective
            .iter()
            .find(|m| self.had_begun_to_arrive(m))
            .and_then(|m| m.defect.as_deref().map(|d| (side, m, d)))
    }

    /// Seconds between two moments of this connection, never negative.
    #[must_use]
    pub fn seconds(&self, from: Timestamp, to: Timestamp) -> f64 {
        to.seconds_since(from)
    }

    /// Seconds from `origin` to the end of the connection.
    #[must_use]
    pub fn seconds_before_end(&self, origin: Origin) -> Option<f64> {
        Some(self.ending.at?.at.seconds_since(origin.at))
    }

    /// The last frame of either side before the end: data, Ping or Pong.
    #[must_use]
    pub fn last_frame(&self) -> Option<Origin> {
        self.connection.from_client.last_frame.max(self.connection.from_server.last_frame)
    }

    /// Seconds without any frame of either side before the end; since the opening when there was none.
    #[must_use]
    pub fn silence(&self) -> Option<f64> {
        self.world.silence(self.index)
    }

    /// Seconds from the opening handshake to the end; `None` when the opening was not captured.
    #[must_use]
    pub fn age(&self) -> Option<f64> {
        self.world.age(self.index)
    }

    /// Whether bytes of `side` are missing from the capture or could not be read.
    #[must_use]
    pub fn has_holes(&self, side: Side) -> bool {
        let sent = self.connection.sent_by(side);
        sent.is_unseen() || !sent.lost.gaps.is_empty() || sent.lost.unreadable_bytes > 0
    }

    /// Whether TCP ended by a reset.
    #[must_use]
    pub fn was_reset(&self) -> bool {
        self.connection.tcp_end.is_some_and(|e| e.how == TcpEndKind::Rst)
    }

    /// Where the connection lies.
    #[must_use]
    pub fn place(&self) -> Place {
        let c = self.connection;
        Place {
            capture: c.capture,
            stream: c.tcp_stream,
            spans: c.also_in.is_some(),
            http2: c.http2.as_ref().map(|http2| (http2.stream, c.tcp_end.is_some_and(|e| c.stream_end(e).is_none()))),
            ends: [c.client, c.server],
        }
    }
}
