//! Whole numbers on the command line.

/// A parser of whole numbers from `least` to `most` (`u64::MAX`: without a bound) whose errors say what is taken.
pub fn count<Number>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<Number, String> + Clone + Send + Sync + 'static
where
    Number: TryFrom<u64>,
{
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| Number::try_from(number).ok()).ok_or_else(|| {
            let bounds =
                if most == u64::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
            let has_unit = text.starts_with(|first: char| first.is_ascii_digit())
                && text.ends_with(|last: char| last.is_alphabetic());
            let unit = if has_unit { ", without a unit" } else { "" };
            format!("it takes a whole number, {bounds}{unit}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn says_what_is_taken() {
        let memory = count::<u16>(2, 32768);
        assert_eq!(memory("8"), Ok(8));
        assert_eq!(memory("8GiB"), Err("it takes a whole number, 2 to 32768, without a unit".to_owned()));
        for wrong in ["1", "32769", "-1", "x", "", "99999999999999999999"] {
            assert_eq!(memory(wrong), Err("it takes a whole number, 2 to 32768".to_owned()), "{wrong}");
        }
        assert_eq!(count::<usize>(0, u64::MAX)("x"), Err("it takes a whole number, 0 or more".to_owned()));
    }
}
