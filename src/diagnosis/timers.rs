//! Times that look like timers.

/// Whether two spans are the same timer: within 2 % or a quarter of a second.
#[must_use]
pub fn equal(a: f64, b: f64) -> bool {
    (a - b).abs() <= (0.02 * a.max(b)).max(0.25)
}

/// The timer that a span fits: a whole number of seconds that the span exceeds a little, as a timer that fires late does.
///
/// Spans below two seconds and odd numbers of long spans prove nothing: the longer the span, the rounder the timer must be.
#[must_use]
pub fn round_seconds(span: f64) -> Option<u64> {
    if !(1.9..=90_000.0).contains(&span) {
        return None;
    }
    // A timer fires late and hardly ever early, so the whole number lies below.
    let whole = (span + 0.02).floor();
    let slack = (0.004 * span).clamp(0.12, 1.5);
    if !(-0.02..=slack).contains(&(span - whole)) {
        return None;
    }
    let seconds = whole as u64;
    let step = match seconds {
        0..=20 => 1,
        21..=120 => 5,
        121..=600 => 30,
        _ => 60,
    };
    seconds.is_multiple_of(step).then_some(seconds)
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
    }
}
