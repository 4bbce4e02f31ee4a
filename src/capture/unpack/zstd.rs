//! zstd (RFC 8878), frame after frame.

use std::io::{self, Read};

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::input::Input;
use super::{Fault, How, is_rubbish};
use crate::limits;

const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Unpacks zstd. ruzstd knows single frames; the way from one to the next is here.
pub(super) struct Zstd {
    input: Input,
    decoder: Box<FrameDecoder>,
    in_frame: bool,
    frames: u64,
    /// What to say once the bytes before it are given.
    failed: Option<io::Error>,
}

impl Zstd {
    pub(super) fn new(input: Input) -> Zstd {
        let mut decoder = Box::new(FrameDecoder::new());
        decoder.set_max_window_size(limits::ZSTD_WINDOW);
        Zstd { input, decoder, in_frame: false, frames: 0, failed: None }
    }

    fn fault(&mut self, how: How) -> io::Error {
        self.input.failure().unwrap_or_else(|| Fault::error("zstd", how, self.input.taken()))
    }

    /// Begins the next frame; false where there is none.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let Ok(here) = self.input.peek(8) else { return Err(self.fault(How::Cut)) };
            match here {
                [] => return Ok(false),
                [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                    self.frames += 1;
                    self.in_frame = true;
                    return match self.decoder.init(&mut self.input) {
                        Ok(()) => Ok(true),
                        Err(error) => Err(self.refused(&error)),
                    };
                }
                [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] => {
                    let length = u32::from_le_bytes([*a, *b, *c, *d]);
                    if !self.input.skip(8 + u64::from(length)) {
                        return Err(self.fault(How::Cut));
                    }
                }
                _ if FRAME.starts_with(here) => return Err(self.fault(How::Cut)),
                _ if self.frames == 0 => return Err(self.fault(How::Corrupt)),
                _ => return if is_rubbish(here) { Err(self.fault(How::Followed)) } else { Ok(false) },
            }
        }
    }

    fn refused(&mut self, error: &FrameDecoderError) -> io::Error {
        let how = match error {
            FrameDecoderError::WindowSizeTooBig { requested, .. } => How::Window(*requested),
            FrameDecoderError::DictNotProvided { .. } => How::Dictionary,
            _ if self.input.has_ended() => How::Cut,
            _ => How::Corrupt,
        };
        self.fault(how)
    }
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.in_frame && self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if !self.in_frame && !self.begin()? {
                return Ok(0);
            }
            if self.decoder.is_finished() {
                self.in_frame = false;
                let (told, found) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
                if told.is_some_and(|told| found != Some(told)) {
                    return Err(self.fault(How::Corrupt));
                }
                continue;
            }
            if let Err(error) = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1)) {
                self.failed = Some(self.refused(&error));
                // What is in the window was good, and comes out of it when the frame ends: an empty last block and a checksum.
                let mut end: &[u8] = &[1, 0, 0, 0, 0, 0, 0];
                self.decoder.decode_blocks(&mut end, BlockDecodingStrategy::UptoBlocks(1)).ok();
            }
        }
    }
}
