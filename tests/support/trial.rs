//! One input through everything: read, diagnosed, and written in every format.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wsdiag::report::{FORMATS, Style, render};

/// What one input may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes held at once.
    pub held: usize,
    /// Bytes allocated in all: a measure of work.
    pub allocated: usize,
}

/// Reads a capture and writes its report in every format; the message of a panic.
pub fn attempt(path: &Path) -> Result<(), String> {
    caught(|| everything(path))
}

/// What `run` panics with.
pub fn caught(run: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_else(|| "a panic".to_string())
    })
}

/// The same; panics where the program would.
pub fn everything(path: &Path) {
    let analysis = wsdiag::analyzer::analyze(&[path.to_path_buf()]);
    for format in FORMATS {
        render(format, &analysis.report, &Style::default(), &mut io::sink()).expect("nothing refuses to be written to");
    }
    for error in &analysis.errors {
        assert!(!error.to_string().is_empty(), "an error that says nothing");
    }
}

/// Ends the process, with the name of the input, when one input takes longer than any machine needs: a test that hangs
/// says nothing.
pub struct Watch {
    now: Arc<Mutex<(Instant, String)>>,
}

impl Watch {
    /// Watches from a thread of its own.
    pub fn begin(patience: Duration) -> Watch {
        let now = Arc::new(Mutex::new((Instant::now(), String::new())));
        let watched = Arc::downgrade(&now);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                let Some(now) = watched.upgrade() else { return };
                let now = now.lock().expect("nobody panics while holding it");
                if now.0.elapsed() > patience {
                    eprintln!("hangs for {} s: {}", patience.as_secs(), now.1);
                    std::process::exit(101);
                }
            }
        });
        Watch { now }
    }

    /// An input begins.
    pub fn on(&self, input: String) {
        *self.now.lock().expect("nobody panics while holding it") = (Instant::now(), input);
    }
}
