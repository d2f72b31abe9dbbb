//! Lengths of time, as XML Schema writes them (`xs:duration`).

use std::time::Duration;

const DAY: u64 = 86_400;

/// Reads an `xs:duration` such as `PT1H` or `P1DT12H`. Months count 30 days and years 365, since nothing says
/// which ones are meant. `None` for everything else, negative ones too.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let rest = text.trim().strip_prefix('P')?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = parts(date, &[('Y', 365 * DAY), ('M', 30 * DAY), ('D', DAY)])?;
    days.checked_add(parts(time, &[('H', 3600), ('M', 60), ('S', 1)])?)
}

/// Writes one.
pub(super) fn write(duration: Duration) -> String {
    format!("PT{}S", duration.as_secs())
}

/// Numbers with the letters of their units in this order, each at most once. Only seconds have fractions, which
/// are dropped.
fn parts(text: &str, units: &[(char, u64)]) -> Option<Duration> {
    let mut rest = text;
    let mut whole = Duration::ZERO;
    for &(letter, seconds) in units {
        let Some((number, after)) = rest.split_once(letter) else { continue };
        let number = match number.split_once('.') {
            Some((number, fraction)) if letter == 'S' && all_digits(fraction) => number,
            Some(_) => return None,
            None => number,
        };
        if !all_digits(number) {
            return None;
        }
        let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        whole = whole.checked_add(Duration::from_secs(seconds))?;
        rest = after;
    }
    rest.is_empty().then_some(whole)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_others_write() {
        for (text, seconds) in [
            ("PT1H", 3600),
            ("P1D", DAY),
            ("P1DT12H", DAY * 3 / 2),
            ("P0Y0M1DT0H0M0.000S", DAY),
            ("P7D", 7 * DAY),
            ("P1M", 30 * DAY),
            ("P1Y2M", 425 * DAY),
            ("PT5M", 300),
            (" PT604800S ", 604_800),
            ("PT1M1.5S", 61),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_length_of_time() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "1D",
            "-P1D",
            "P-1D",
            "P1H",
            "PT1D",
            "P1",
            "PT1",
            "P1M1Y",
            "PT1S1M",
            "P1.5D",
            "PT.5S",
            "PT1.S",
            "P1D1D",
            "PD",
            "P99999999999999999999D",
            "P18446744073709551615Y",
            "P１D",
            "P+1D",
            "P1D ,",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..u64::MAX / 2) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse(&write(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "P?[0-9.YMDTHS+-]{0,20}") {
            let _ = parse(&text);
        }
    }
}
