//! Numbers as people read them.

/// A share (0 to 1) in per cent, with digits that fit its size.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let size = percent.abs();
    let digits = if size >= 99.95 || size == 0.0 {
        0
    } else if size >= 1.0 {
        1
    } else if size >= 0.01 {
        2
    } else {
        return "<\u{2009}0.01\u{a0}%".to_owned();
    };
    // What is not whole must not be rounded to whole: 99.97 % called is not everything.
    if share < 1.0 && size >= 99.95 {
        return ">\u{2009}99.9\u{a0}%".to_owned();
    }
    format!("{percent:.digits$}\u{a0}%")
}

/// A number with three significant digits.
pub(crate) fn significant(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{number:.2e}");
    }
    let digits = (2 - size.log10().floor() as i32).max(0) as usize;
    let text = format!("{number:.digits$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// A count with thin spaces between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 patient`, `2 patients`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!(
        "{}\u{a0}{}",
        count(number),
        if number == 1 { one } else { many }
    )
}

/// A percentile as an ordinal: `66th`.
pub(crate) fn ordinal(percentile: f64) -> String {
    // Nobody is at the 0th or the 100th percentile of a distribution that the patient is not part of.
    if percentile < 0.5 {
        return "below the 1st".to_owned();
    }
    if percentile >= 99.5 {
        return "above the 99th".to_owned();
    }
    let whole = percentile.round() as u32;
    let ending = match (whole % 10, whole % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{whole}{ending}")
}

/// An age in years.
pub(crate) fn age(years: f64) -> String {
    if years.fract().abs() < 0.05 {
        format!("{years:.0}")
    } else {
        format!("{years:.1}")
    }
}

/// An allele frequency, in per cent and as one in how many.
pub(crate) fn frequency(share: f64) -> String {
    if share <= 0.0 {
        return "0".to_owned();
    }
    if share >= 0.01 {
        return percent(share);
    }
    let one_in = (1.0 / share).round();
    format!(
        "1 in {} ({}\u{a0}%)",
        count(one_in as u64),
        significant(share * 100.0)
    )
}

/// The first characters of a hash.
pub(crate) fn short_hash(hash: &str) -> String {
    hash.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        assert_eq!(percent(0.1952), "19.5\u{a0}%");
        assert_eq!(percent(0.00631), "0.63\u{a0}%");
        assert_eq!(percent(0.0), "0\u{a0}%");
        assert_eq!(percent(1.0), "100\u{a0}%");
        assert_eq!(percent(0.9998), ">\u{2009}99.9\u{a0}%");
        assert_eq!(percent(0.00001), "<\u{2009}0.01\u{a0}%");
    }

    #[test]
    fn numbers() {
        assert_eq!(significant(12.249_726), "12.2");
        assert_eq!(significant(-0.412_3), "-0.412");
        assert_eq!(significant(100.0), "100");
        assert_eq!(significant(0.5), "0.5");
        assert_eq!(significant(1e-7), "1.00e-7");
        assert_eq!(count(2613), "2613");
        assert_eq!(count(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(counted(1, "patient", "patients"), "1\u{a0}patient");
    }

    #[test]
    fn ordinals() {
        assert_eq!(ordinal(65.8), "66th");
        assert_eq!(ordinal(1.2), "1st");
        assert_eq!(ordinal(11.0), "11th");
        assert_eq!(ordinal(92.4), "92nd");
        assert_eq!(ordinal(0.2), "below the 1st");
        assert_eq!(ordinal(100.0), "above the 99th");
    }

    #[test]
    fn frequencies() {
        assert_eq!(frequency(0.12), "12.0\u{a0}%");
        assert_eq!(frequency(0.00005), "1 in 20\u{2009}000 (0.005\u{a0}%)");
    }
}
