//! gzip (RFC 1952), member after member.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::input::Input;
use super::{Fault, How, is_rubbish};

/// Unpacks gzip. flate2's own reader loses what it had unpacked of a block when that turns out to be corrupt.
pub(super) struct Gzip {
    input: Input,
    member: Option<Box<Decompress>>,
    members: u64,
    /// What to say once the bytes before it are given.
    failed: Option<io::Error>,
}

impl Gzip {
    pub(super) fn new(input: Input) -> Gzip {
        Gzip { input, member: None, members: 0, failed: None }
    }

    fn fault(&mut self, how: How) -> io::Error {
        self.input.failure().unwrap_or_else(|| Fault::error("gzip", how, self.input.taken()))
    }
}

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            let Some(member) = &mut self.member else {
                let Ok(here) = self.input.peek(2) else { return Err(self.fault(How::Cut)) };
                if here.is_empty() {
                    return Ok(0);
                }
                if self.members > 0 && !here.starts_with(&[0x1f, 0x8b]) {
                    // What is no padding may have been a member.
                    return if is_rubbish(here) { Err(self.fault(How::Followed)) } else { Ok(0) };
                }
                self.members += 1;
                self.member = Some(Box::new(Decompress::new_gzip(15)));
                continue;
            };
            let Ok(here) = self.input.peek(1) else { return Err(self.fault(How::Cut)) };
            let ended = here.is_empty();
            let before = (member.total_in(), member.total_out());
            let status = member.decompress(here, buffer, FlushDecompress::None);
            let (taken, given) = (member.total_in() - before.0, member.total_out() - before.1);
            self.input.consume(taken as usize);
            match status {
                Ok(Status::StreamEnd) => self.member = None,
                Ok(_) if given == 0 && ended => return Err(self.fault(How::Cut)),
                Ok(_) if given == 0 && taken == 0 => return Err(self.fault(How::Corrupt)),
                Ok(_) => {}
                Err(_) => self.failed = Some(self.fault(How::Corrupt)),
            }
            if given > 0 {
                return Ok(given as usize);
            }
        }
    }
}
