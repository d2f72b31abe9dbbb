//! CPU time, of this thread and of another process.

use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Outcome;

/// What this thread has used so far.
pub(crate) fn of_this_thread() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

/// What all threads of a process have used so far, those that ended included.
pub(crate) fn of_process(pid: Pid) -> Outcome<Duration> {
    Ok(clock_gettime(clock_getcpuclockid(pid)?)?.into())
}

/// The CPU seconds of one `work`, on the average of `times`.
pub(crate) fn seconds_each(times: u32, mut work: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let begun = of_this_thread()?;
    for _ in 0..times {
        work()?;
    }
    Ok((of_this_thread()? - begun).as_secs_f64() / f64::from(times))
}

/// The middle one; the upper of two.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
        assert_eq!(median([100.0]).to_bits(), 100.0_f64.to_bits());
        assert!(median([]).is_nan());
    }

    #[test]
    fn work_takes_time_and_sleep_takes_none() {
        let slept = seconds_each(1, || {
            std::thread::sleep(Duration::from_millis(50));
            Ok(())
        });
        assert!(slept.unwrap() < 0.025);
        let mut sum = 0_u64;
        let worked = seconds_each(3, || {
            sum = (0..1_000_000_u64).fold(sum, |sum, number| std::hint::black_box(sum ^ number));
            Ok(())
        });
        assert!(worked.unwrap() > 0.0);
        assert!(of_process(Pid::this()).unwrap() >= of_this_thread().unwrap());
    }
}
