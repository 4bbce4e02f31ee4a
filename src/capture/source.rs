//! Where bytes come from: files, and pipes that may go on for ever.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::limits;

/// Asks to read no further from standard input and pipes: what came until then is all there is.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    given_up: Arc<AtomicBool>,
}

impl Stop {
    /// Stops, for good.
    pub fn now(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Whether a pipe was left although it might have gone on.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    /// The flag that [`now`](Self::now) sets, for signal handlers.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }
}

/// A file that is closed between reads: there may be more of them than a process may hold open.
pub(super) struct Reopened {
    path: PathBuf,
    position: u64,
}

impl Reopened {
    pub(super) fn new(path: PathBuf) -> Reopened {
        Reopened { path, position: 0 }
    }
}

impl Read for Reopened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.position))?;
        let count = file.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

/// How long a wait for a pipe lasts before it is looked whether to stop.
const TICK: Duration = Duration::from_millis(50);

/// After it was asked to stop: a capture program that was interrupted with us still hands over what it had in its buffer.
const GRACE: Duration = Duration::from_secs(1);

/// A pipe, read by a thread of its own so that waiting for it can be given up.
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    taken: usize,
    stop: Stop,
    until: Option<Instant>,
}

impl Pipe {
    /// `open` may have to wait too, for a writer.
    pub(super) fn new<R: Read>(open: impl FnOnce() -> io::Result<R> + Send + 'static, stop: Stop) -> Pipe {
        let (sender, chunks) = sync_channel(limits::PIPE_CHUNKS);
        // The thread ends with the pipe, or with the process.
        thread::spawn(move || match open() {
            Ok(source) => pump(source, &sender),
            Err(error) => drop(sender.send(Err(error))),
        });
        Pipe { chunks, current: Vec::new(), taken: 0, stop, until: None }
    }

    /// The next chunk; `None` at the end, or when it is time to stop.
    fn wait(&mut self) -> Option<io::Result<Vec<u8>>> {
        loop {
            if self.stop.is_asked() {
                let until = *self.until.get_or_insert_with(|| Instant::now() + GRACE);
                let chunk = self.chunks.recv_timeout(until.saturating_duration_since(Instant::now()));
                if matches!(chunk, Err(RecvTimeoutError::Timeout)) {
                    self.stop.given_up.store(true, Ordering::SeqCst);
                }
                return chunk.ok();
            }
            match self.chunks.recv_timeout(TICK) {
                Ok(chunk) => return Some(chunk),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

fn pump(mut source: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; limits::READ_BUFFER];
        let result = match source.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = result.is_err();
        if sender.send(result).is_err() || failed {
            return;
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.current.len() {
            match self.wait() {
                None => return Ok(0),
                Some(chunk) => (self.current, self.taken) = (chunk?, 0),
            }
        }
        let rest = &self.current[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_closed_between_reads_is_read_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        std::fs::write(&path, &bytes).expect("a file");
        let mut file = Reopened::new(path);
        let (mut found, mut part): (Vec<u8>, _) = (Vec::new(), [0; 999]);
        while let Ok(count @ 1..) = file.read(&mut part) {
            found.extend(&part[..count]);
        }
        assert!(found == bytes);
    }

    #[test]
    fn a_pipe_that_is_silent_can_be_given_up() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        io::Write::write_all(&mut writer, b"what came").expect("it takes it");
        let stop = Stop::default();
        let mut pipe = Pipe::new(|| Ok(reader), stop.clone());
        let mut found = [0; 20];
        assert_eq!(pipe.read(&mut found).expect("no fault"), 9);
        let stopper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(80));
            stop.now();
        });
        assert_eq!(pipe.read(&mut found).expect("no fault"), 0, "the writer is still there");
        assert!(pipe.stop.has_given_up());
        stopper.join().expect("it ended");
        drop(writer);
    }
}
