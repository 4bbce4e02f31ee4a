//! Handshake messages out of the records that carry them: several in one, one over several (RFC 8446 section 5.1).

/// The longest message that is put together; of a longer one, a chain of certificates, only the beginning is kept.
const KEPT: usize = 16 * 1024;

/// Puts the handshake messages of one direction together.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Header and as much of the body as is kept.
    held: Vec<u8>,
    /// Bytes of the message that came.
    have: usize,
}

/// Type and three bytes of length.
const HEADER: usize = 4;

impl Messages {
    /// Takes the content of a record; `message` is called with type and body of each message that is complete.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut message: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            let wanted = match self.held.first_chunk::<HEADER>() {
                Some([_, a, b, c]) => HEADER + (usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c)),
                None => HEADER,
            };
            let taken = bytes.len().min(wanted - self.have);
            let (piece, rest) = bytes.split_at(taken);
            let kept = piece.len().min(KEPT.saturating_sub(self.held.len()));
            self.held.extend_from_slice(&piece[..kept]);
            self.have += taken;
            bytes = rest;
            self.hand_over(&mut message);
        }
    }

    /// Hands over a message that is complete; one without a body is so with its header.
    fn hand_over(&mut self, message: &mut impl FnMut(u8, &[u8])) {
        let Some([kind, a, b, c]) = self.held.first_chunk::<HEADER>() else { return };
        let wanted = HEADER + (usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c));
        if self.have == wanted {
            message(*kind, &self.held[HEADER..]);
            self.forget();
        }
    }

    /// A record is missing: the next one begins a message, as far as anybody can tell.
    pub(super) fn forget(&mut self) {
        self.held.clear();
        self.have = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_independent_of_records() {
        let all = [[1, 0, 0, 3, 7, 8, 9].as_slice(), &[14, 0, 0, 0], &[20, 0, 0, 1, 5]].concat();
        let expected = vec![(1, vec![7, 8, 9]), (14, vec![]), (20, vec![5])];
        for piece in 1..=all.len() {
            let mut messages = Messages::default();
            let mut seen = Vec::new();
            for bytes in all.chunks(piece) {
                messages.push(bytes, |kind, body| seen.push((kind, body.to_vec())));
            }
            assert_eq!(seen, expected, "pieces of {piece}");
        }
    }

    #[test]
    fn of_a_long_message_the_beginning_is_kept() {
        let mut messages = Messages::default();
        let mut seen = Vec::new();
        messages.push(&[11, 0, 0xff, 0xff], |_, _| ());
        messages.push(&vec![1; 0xffff], |kind, body| seen.push((kind, body.len())));
        messages.push(&[20, 0, 0, 0], |kind, body| seen.push((kind, body.len())));
        assert_eq!(seen, [(11, KEPT - HEADER), (20, 0)]);
    }
}
