//! Flow-control windows (RFC 9113 section 5.2): how much a sender may still send, in each stream and in all together.

use hashbrown::HashMap;

/// The default of SETTINGS_INITIAL_WINDOW_SIZE, and the window of the connection (RFC 9113 section 6.9.2).
const INITIAL: i64 = 65_535;

/// The windows of one sender.
pub(super) struct Windows {
    /// Of the connection.
    connection: i64,
    /// What a new stream has.
    initial: i64,
    /// Of the streams that are followed.
    streams: HashMap<u32, i64>,
    /// Whether every frame that counts was seen.
    known: bool,
}

/// A window whose state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// The stream, 0 for the connection.
    pub(super) stream: u32,
    /// Whether nothing more may be sent.
    pub(super) used_up: bool,
}

impl Default for Windows {
    fn default() -> Self {
        Windows { connection: INITIAL, initial: INITIAL, streams: HashMap::default(), known: true }
    }
}

impl Windows {
    /// A stream is followed from here on.
    pub(super) fn open(&mut self, stream: u32) {
        self.streams.entry(stream).or_insert(self.initial);
    }

    /// Frames are missing: what the windows are is unknown from here on.
    pub(super) fn lose(&mut self) {
        self.known = false;
        self.streams.clear();
    }

    /// A DATA frame with so many bytes of payload, padding included.
    pub(super) fn sent(&mut self, stream: u32, bytes: usize) -> impl Iterator<Item = Change> + use<> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let own = self.streams.get_mut(&stream).and_then(|left| take(left, -bytes, stream));
        let all = take(&mut self.connection, -bytes, 0);
        let known = self.known;
        [own, all].into_iter().flatten().filter(move |_| known)
    }

    /// A WINDOW_UPDATE of the receiver.
    pub(super) fn granted(&mut self, stream: u32, bytes: u32) -> Option<Change> {
        let left = if stream == 0 { &mut self.connection } else { self.streams.get_mut(&stream)? };
        take(left, i64::from(bytes), stream).filter(|_| self.known)
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE of the receiver: it changes the windows of all streams by the difference.
    pub(super) fn set_initial(&mut self, bytes: u32) -> Vec<Change> {
        let more = i64::from(bytes) - self.initial;
        self.initial = i64::from(bytes);
        if more == 0 || !self.known {
            return Vec::new();
        }
        let mut changes: Vec<Change> =
            self.streams.iter_mut().filter_map(|(stream, left)| take(left, more, *stream)).collect();
        changes.sort_unstable_by_key(|change| change.stream);
        changes
    }
}

/// Changes a window; what became of it when nothing is left of it now, or something again.
fn take(left: &mut i64, change: i64, stream: u32) -> Option<Change> {
    let before = *left > 0;
    *left = left.saturating_add(change);
    let after = *left > 0;
    (before != after).then_some(Change { stream, used_up: !after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_used_up_and_granted_again() {
        let mut windows = Windows::default();
        windows.open(1);
        windows.open(3);
        assert_eq!(windows.sent(1, 65_000).next(), None);
        assert_eq!(windows.granted(0, 100_000), None);
        assert_eq!(windows.sent(1, 535).collect::<Vec<_>>(), [Change { stream: 1, used_up: true }]);
        assert_eq!(windows.granted(3, 5), None);
        assert_eq!(windows.granted(1, 5), Some(Change { stream: 1, used_up: false }));
        // A smaller initial window makes that of a stream negative (RFC 9113 section 6.9.2).
        assert_eq!(windows.set_initial(65_530), [Change { stream: 1, used_up: true }]);
        assert_eq!(windows.set_initial(0), [Change { stream: 3, used_up: true }]);
        assert_eq!(windows.granted(1, 65_531), Some(Change { stream: 1, used_up: false }));
    }

    #[test]
    fn data_of_streams_that_are_not_followed_count_for_the_connection() {
        let mut windows = Windows::default();
        assert_eq!(windows.sent(7, 65_535).collect::<Vec<_>>(), [Change { stream: 0, used_up: true }]);
        assert_eq!(windows.granted(0, 1), Some(Change { stream: 0, used_up: false }));
    }

    #[test]
    fn behind_missing_frames_nothing_is_claimed() {
        let mut windows = Windows::default();
        windows.open(1);
        windows.lose();
        assert_eq!(windows.sent(1, 70_000).next(), None);
        assert_eq!(windows.granted(0, 70_000), None);
    }
}
