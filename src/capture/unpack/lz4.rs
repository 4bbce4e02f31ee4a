//! lz4 (its frame format, and the legacy one), frame after frame.

use std::io::{self, Read};

use lz4_flex::frame::FrameDecoder;

use super::input::Input;
use super::{Fault, How, is_rubbish};

const FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const LEGACY: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// Unpacks lz4. lz4_flex takes the end of the file inside a frame for that frame's end, and stops at frames to skip.
pub(super) struct Lz4 {
    state: State,
    frames: u64,
}

enum State {
    Between(Input),
    Frame {
        decoder: Box<FrameDecoder<Input>>,
        /// It has no mark at its end.
        legacy: bool,
    },
    Over,
}

impl Lz4 {
    pub(super) fn new(input: Input) -> Lz4 {
        Lz4 { state: State::Between(input), frames: 0 }
    }

    fn fault(&mut self, how: How) -> io::Error {
        let input = match &mut self.state {
            State::Between(input) => input,
            State::Frame { decoder, .. } => decoder.get_mut(),
            State::Over => return Fault::error("lz4", how, 0),
        };
        input.failure().unwrap_or_else(|| Fault::error("lz4", how, input.taken()))
    }

    /// Begins the next frame; false where there is none.
    fn begin(&mut self) -> io::Result<bool> {
        let State::Between(input) = &mut self.state else { return Ok(true) };
        let legacy = loop {
            let Ok(here) = input.peek(8) else { return Err(self.fault(How::Cut)) };
            match here {
                [] => return Ok(false),
                [0x04, 0x22, 0x4d, 0x18, ..] => break false,
                [0x02, 0x21, 0x4c, 0x18, ..] => break true,
                [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] => {
                    let length = u32::from_le_bytes([*a, *b, *c, *d]);
                    if !input.skip(8 + u64::from(length)) {
                        return Err(self.fault(How::Cut));
                    }
                }
                _ if FRAME.starts_with(here) || LEGACY.starts_with(here) => return Err(self.fault(How::Cut)),
                _ if self.frames == 0 => return Err(self.fault(How::Corrupt)),
                _ => return if is_rubbish(here) { Err(self.fault(How::Followed)) } else { Ok(false) },
            }
        };
        self.frames += 1;
        if let State::Between(input) = std::mem::replace(&mut self.state, State::Over) {
            self.state = State::Frame { decoder: Box::new(FrameDecoder::new(input)), legacy };
        }
        Ok(true)
    }
}

impl Read for Lz4 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.begin()? {
                return Ok(0);
            }
            let State::Frame { decoder, legacy } = &mut self.state else { return Ok(0) };
            match decoder.read(buffer) {
                Ok(0) if decoder.get_ref().has_ended() && !*legacy => return Err(self.fault(How::Cut)),
                Ok(0) => {
                    if let State::Frame { decoder, .. } = std::mem::replace(&mut self.state, State::Over) {
                        self.state = State::Between(decoder.into_inner());
                    }
                }
                Ok(n) => return Ok(n),
                Err(e) => {
                    let cut = e.kind() == io::ErrorKind::UnexpectedEof || decoder.get_ref().has_ended();
                    return Err(self.fault(if cut { How::Cut } else { How::Corrupt }));
                }
            }
        }
    }
}
