//! Times that look like timers.

/// Whether two spans are the same timer: within 2 %, or for short ones within a tenth and at most a quarter of a second.
#[must_use]
pub fn equal(a: f64, b: f64) -> bool {
    let longer = a.max(b);
    (a - b).abs() <= (0.02 * longer).max((0.1 * longer).min(0.25))
}

/// The timer that a span fits: a whole number of seconds that the span exceeds a little, as a timer that fires late does.
///
/// Spans below two seconds and odd numbers of long spans prove nothing: the longer the span, the rounder the timer must be.
#[must_use]
pub fn round_seconds(span: f64) -> Option<u64> {
    if !(1.9..=90_000.0).contains(&span) {
        return None;
    }
    let step = match span {
        s if s < 20.5 => 1.0,
        s if s < 122.0 => 5.0,
        s if s < 602.0 => 30.0,
        _ => 60.0,
    };
    let timer = (span / step).round() * step;
    let slack = (0.004 * span).clamp(0.12, 1.5);
    (-0.02..=slack).contains(&(span - timer)).then_some(timer as u64)
}

/// A span for a sentence: `8.0 s`, `2 min 5 s`, `1 h 0 min`.
#[must_use]
pub fn words(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    } else {
        format!("{:.0} h {:.0} min", (seconds / 3600.0).floor(), (seconds % 3600.0) / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_told_from_chance() {
        assert_eq!(round_seconds(60.02), Some(60));
        assert_eq!(round_seconds(2.002), Some(2));
        assert_eq!(round_seconds(8.0), Some(8));
        assert_eq!(round_seconds(61.0), None);
        assert_eq!(round_seconds(1.0), None);
        assert_eq!(round_seconds(7.5), None);
        assert_eq!(round_seconds(3600.9), Some(3600));
        assert!(equal(30.0, 30.5) && !equal(30.0, 31.0));
        assert!(!equal(0.142, 0.05), "two short waits are no timer");
    }
}
