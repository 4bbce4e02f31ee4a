//! What a program costs, from `/proc`.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Seconds of CPU, user and system.
    pub(crate) cpu: f64,
    /// Most memory resident at once, in bytes.
    pub(crate) peak: u64,
    /// Exit status; `None` after a signal, or when it had to be stopped.
    pub(crate) status: Option<i32>,
}

/// Seconds after which a run is a hang.
const PATIENCE: u64 = 300;
/// Clock ticks of `/proc/PID/stat` for a second: 100 on every Linux that people run (`sysconf(_SC_CLK_TCK)`).
const TICKS: f64 = 100.0;

/// Runs `program` with a JSON report on `capture`, its output thrown away.
pub(crate) fn run(program: &Path, capture: &Path) -> io::Result<Usage> {
    of(Command::new(program).args(["--format", "json"]).arg(capture))
}

/// Runs a command to its end, its output thrown away.
pub(crate) fn of(command: &mut Command) -> io::Result<Usage> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let begin = Instant::now();
    let process = Path::new("/proc").join(child.id().to_string());
    let mut peak = 0;
    // Not waited for yet, a process that ended stays readable as a zombie with all it used.
    let stopped = loop {
        let stat = std::fs::read_to_string(process.join("stat"))?;
        let status = std::fs::read_to_string(process.join("status"))?;
        peak = peak.max(line(&status, "VmHWM:") * 1024);
        if behind_name(&stat).starts_with('Z') {
            break false;
        }
        if begin.elapsed() > Duration::from_secs(PATIENCE) {
            child.kill()?;
            break true;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    while !behind_name(&std::fs::read_to_string(process.join("stat"))?).starts_with('Z') {
        std::thread::sleep(Duration::from_millis(2));
    }
    let stat = std::fs::read_to_string(process.join("stat"))?;
    // The scheduler's own account of the main thread is exact; ticks count all threads.
    let exact = std::fs::read_to_string(process.join("schedstat")).unwrap_or_default();
    let exact = exact.split(' ').next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0) / 1e9;
    let fields: Vec<&str> = behind_name(&stat).split(' ').collect();
    // utime and stime are fields 14 and 15; the state behind the name is field 3
    let ticks = |nth: usize| fields.get(nth - 3).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    let ticked = (ticks(14) + ticks(15)) / TICKS;
    // Ticks that say no more than their grain are those of one thread
    let cpu = if (ticked - exact).abs() < 0.05 { exact } else { ticked.max(exact) };
    let status = child.wait()?;
    Ok(Usage { cpu, peak, status: status.code().filter(|_| !stopped) })
}

/// The fields of a stat line from the state on: the name before it may hold anything.
fn behind_name(stat: &str) -> &str {
    stat.rsplit_once(") ").map_or("", |(_, rest)| rest)
}

/// The number on the line of a status file that begins with `name`.
fn line(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}
