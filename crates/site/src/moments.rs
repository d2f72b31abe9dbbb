//! Moments as people read them.

use store::Timestamp;

/// A moment to the minute in UTC, as `2026-11-24 12:05`.
pub fn utc(at: Timestamp) -> String {
    let seconds = at.micros().div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", second / 3600, second % 3600 / 60)
}

/// The year, month and day that many days after 1970-01-01, in the proleptic Gregorian calendar. Years are
/// counted from March, so that the leap day comes last.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_dates() {
        for (micros, words) in [
            (0, "1970-01-01 00:00"),
            (951_782_340_000_000, "2000-02-28 23:59"),
            (951_782_400_000_000, "2000-02-29 00:00"),
            (951_868_800_000_000, "2000-03-01 00:00"),
            (1_795_521_600_000_000, "2026-11-24 12:00"),
            (-1, "1969-12-31 23:59"),
        ] {
            assert_eq!(utc(Timestamp::from_micros(micros)), words);
        }
    }
}
