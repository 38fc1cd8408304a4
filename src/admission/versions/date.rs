//! Days, without a clock.

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// Reads `YYYY-MM-DD`; `None` when there is no such day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else { return None };
        let number = |text: &str, digits: usize| -> Option<i64> {
            (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse().ok())
                .flatten()
        };
        let date = Self { year: number(year, 4)?, month: number(month, 2)?, day: number(day, 2)? };
        ((1..=12).contains(&date.month) && (1..=date.length_of_month()).contains(&date.day)).then_some(date)
    }

    fn length_of_month(self) -> i64 {
        match self.month {
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// The number of the day, so that differences count days.
    #[must_use]
    pub fn days(self) -> i64 {
        // Years begin in March here, so that the leap day is a year's last.
        let (year, month) =
            if self.month > 2 { (self.year, self.month - 3) } else { (self.year - 1, self.month + 9) };
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + self.day
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    fn days(text: &str) -> Option<i64> {
        Date::parse(text).map(Date::days)
    }

    #[test]
    fn counts_days() {
        let between = |from: &str, to: &str| days(to).zip(days(from)).map(|(to, from)| to - from);
        assert_eq!(between("2026-11-23", "2026-11-24"), Some(1));
        assert_eq!(between("2026-12-31", "2027-01-01"), Some(1));
        assert_eq!(between("2028-02-28", "2028-03-01"), Some(2));
        assert_eq!(between("2027-02-28", "2027-03-01"), Some(1));
        assert_eq!(between("2000-01-01", "2026-11-23"), Some(9823));
    }

    #[test]
    fn knows_days_that_are_none() {
        for text in [
            "",
            "2026",
            "2026-1-1",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "26-01-01",
            "2026-01-01T",
            "+026-01-01",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert!(Date::parse("2028-02-29").is_some());
    }
}
