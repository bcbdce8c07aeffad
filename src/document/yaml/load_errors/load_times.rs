//! Dates and times as `PyYAML` recognizes them.

/// The minutes of a day. An offset from UTC must be shorter.
const DAY_MINUTES: u32 = 24 * 60;

/// The parts of a date, with or without a time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    /// Hour, minute, second, and the minutes of the offset from UTC.
    time: Option<[u32; 4]>,
    /// Whether month and day have two digits each.
    is_padded: bool,
}

impl Timestamp {
    /// Parses a date such as `2024-01-31` or `2024-1-31T12:00:00.5 +01:00`. The numbers may be too
    /// large. Returns `None` for other texts.
    pub fn parse(text: &str) -> Option<Self> {
        let mut cursor = Cursor { rest: text };
        let year = cursor.number(4, 4)?;
        cursor.skip("-")?;
        let start = cursor.rest.len();
        let month = cursor.number(1, 2)?;
        cursor.skip("-")?;
        let day = cursor.number(1, 2)?;
        let is_padded = start - cursor.rest.len() == "01-31".len();
        let time = if cursor.rest.is_empty() {
            None
        } else {
            Some(cursor.time()?)
        };
        cursor.rest.is_empty().then_some(Self {
            year,
            month,
            day,
            time,
            is_padded,
        })
    }

    /// Returns whether `PyYAML` takes it for a date if it has no tag: without a time, month and day
    /// need two digits.
    pub fn is_resolved(&self) -> bool {
        self.is_padded || self.time.is_some()
    }

    /// Returns whether the date exists.
    pub fn has_valid_date(&self) -> bool {
        let is_leap_year = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            2 if is_leap_year => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return false,
        };
        self.year > 0 && (1..=days).contains(&self.day)
    }

    /// Returns whether the time and its offset from UTC exist.
    pub fn has_valid_time(&self) -> bool {
        self.time.is_none_or(|[hour, minute, second, offset]| {
            hour < 24 && minute < 60 && second < 60 && offset < DAY_MINUTES
        })
    }

    /// Returns whether the date and the time exist.
    pub fn is_valid(&self) -> bool {
        self.has_valid_date() && self.has_valid_time()
    }
}

/// The rest of a text that is parsed.
struct Cursor<'t> {
    rest: &'t str,
}

impl Cursor<'_> {
    /// Reads a number of `min` to `max` ASCII digits.
    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let digits = self
            .rest
            .bytes()
            .take(max)
            .take_while(u8::is_ascii_digit)
            .count();
        let number = self.rest.get(..digits).filter(|_| digits >= min)?;
        self.rest = self.rest.get(digits..)?;
        number.parse().ok()
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Reads a time: hour, minute, second, and the minutes of the offset from UTC.
    fn time(&mut self) -> Option<[u32; 4]> {
        let after_separator = self.rest.strip_prefix(['T', 't']);
        match after_separator {
            Some(rest) => self.rest = rest,
            None if self.rest.starts_with([' ', '\t']) => self.skip_blanks(),
            None => return None,
        }
        let hour = self.number(1, 2)?;
        self.skip(":")?;
        let minute = self.number(2, 2)?;
        self.skip(":")?;
        let second = self.number(2, 2)?;
        if self.skip(".").is_some() {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        let offset = self.offset()?;
        Some([hour, minute, second, offset])
    }

    /// Reads the offset from UTC, if there is one, in minutes.
    fn offset(&mut self) -> Option<u32> {
        if self.rest.is_empty() {
            return Some(0);
        }
        self.skip_blanks();
        if self.skip("Z").is_some() {
            return Some(0);
        }
        self.rest = self.rest.strip_prefix(['-', '+'])?;
        let hours = self.number(1, 2)?;
        let minutes = match self.skip(":") {
            Some(()) => self.number(2, 2)?,
            None => 0,
        };
        Some(hours * 60 + minutes)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times() {
        for (text, is_valid) in [
            ("2024-02-29", true),
            ("2023-02-29", false),
            ("1900-02-29", false),
            ("2000-02-29", true),
            ("0000-01-01", false),
            ("2024-04-31", false),
            ("2024-12-31t23:59:59.999 Z", true),
            ("2024-12-31 23:59:60", false),
            ("2024-12-31 00:60:00", false),
            ("2024-1-1 0:00:00-23:59", true),
            ("2024-1-1 0:00:00 +23:60", false),
            ("2024-1-1 0:00:00 +0:99", true),
        ] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(time.is_valid(), is_valid, "{text}");
        }
        for text in [
            "2024",
            "2024-01",
            "2024-01-01x",
            "2024-01-01 ",
            "2024-01-01T",
            "2024-01-01 00:00",
            "2024-01-01 00:00:00 x",
            "24-01-01",
            "2024-001-01",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert!(!Timestamp::parse("2024-1-1").unwrap().is_resolved());
    }
}
