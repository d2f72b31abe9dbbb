//! Lengths of time in authentik's text form: `hours=1;minutes=2;seconds=3`.

use std::fmt;
use std::str::FromStr;

/// Longer ones are mistakes, and would make moments that no other software can read. In days.
const LONGEST: i64 = 3660;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A length of time, which may be negative, with the text that it was entered as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    text: String,
    micros: i64,
}

impl Period {
    /// The length in microseconds.
    pub(crate) fn micros(&self) -> i64 {
        self.micros
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Period {
    type Err = String;

    /// Reads `unit=number` parts separated by semicolons; they add up.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Fill this in, for example minutes=5.".into());
        }
        let mut micros = 0_i64;
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (unit, number) = part.split_once('=').ok_or_else(|| bad_part(part))?;
            let number: i64 = number.trim().parse().map_err(|_| bad_part(part))?;
            let unit = unit_micros(unit.trim()).ok_or_else(|| bad_part(part))?;
            let length = number.checked_mul(unit).ok_or_else(too_long)?;
            micros = micros.checked_add(length).ok_or_else(too_long)?;
        }
        if micros.abs() > LONGEST * DAY {
            return Err(too_long());
        }
        Ok(Self { text: text.to_owned(), micros })
    }
}

fn unit_micros(unit: &str) -> Option<i64> {
    Some(match unit {
        "microseconds" => 1,
        "milliseconds" => 1_000,
        "seconds" => 1_000_000,
        "minutes" => 60 * 1_000_000,
        "hours" => 60 * 60 * 1_000_000,
        "days" => DAY,
        "weeks" => 7 * DAY,
        _ => return None,
    })
}

fn bad_part(part: &str) -> String {
    format!(
        "“{}” is not understood. Write for example hours=1;minutes=30, with weeks, days, hours, minutes, seconds or \
         milliseconds.",
        part.trim()
    )
}

fn too_long() -> String {
    "This is too long: at most ten years.".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authentiks_forms_are_read_and_kept() {
        for (text, micros) in [
            ("minutes=-5", -300_000_000),
            ("minutes=5", 300_000_000),
            ("minutes=86400", 60 * DAY),
            ("hours=1;minutes=2;seconds=3", 3_723_000_000),
            (" weeks=1; days=1 ;", 8 * DAY),
            ("milliseconds=2;microseconds=1", 2_001),
            ("seconds=0", 0),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.micros(), micros, "{text}");
            assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
        }
    }

    #[test]
    fn anything_else_gets_a_sentence() {
        for text in
            ["", "5", "minutes", "minutes=", "minutes=five", "years=1", "minutes=1.5", "a=b;minutes=1"]
        {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        for text in
            ["weeks=9223372036854775807", "days=3661", "days=-3661", "seconds=9223372036854775807;days=1"]
        {
            assert_eq!(text.parse::<Period>(), Err(too_long()), "{text}");
        }
    }
}
