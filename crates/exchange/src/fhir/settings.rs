//! What the caller says of an export.

use crate::ExchangeError;

/// What the caller says of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FhirSettings {
    issued: String,
    patient_system: Option<String>,
}

impl FhirSettings {
    /// The time of issue, a FHIR instant such as `2026-01-31T12:00:00Z`, and the naming system of the
    /// patients' identifiers, a URI, where there is one.
    ///
    /// # Errors
    /// One of them is not what it should be.
    pub fn try_new(issued: &str, patient_system: Option<&str>) -> Result<Self, ExchangeError> {
        if !is_instant(issued) {
            return Err(ExchangeError::Issued {
                found: issued.to_owned(),
            });
        }
        if let Some(system) = patient_system
            && !is_uri(system)
        {
            return Err(ExchangeError::System {
                found: system.to_owned(),
            });
        }
        Ok(Self {
            issued: issued.to_owned(),
            patient_system: patient_system.map(str::to_owned),
        })
    }

    pub(super) fn issued(&self) -> &str {
        &self.issued
    }

    pub(super) fn patient_system(&self) -> Option<&str> {
        self.patient_system.as_deref()
    }
}

/// An absolute URI without white space.
fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    text.split_once(':')
        .is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// `YYYY-MM-DDThh:mm:ss[.fraction](Z|+hh:mm|-hh:mm)` (FHIR R4, data type `instant`).
fn is_instant(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = text.get(from..to)?;
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten()
    };
    let parts = || {
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let is_separated = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
            .iter()
            .all(|(at, byte)| bytes.get(*at) == Some(byte));
        let is_time = hour < 24 && minute < 60 && second < 60;
        let is_date = year > 0 && (1..=days(year, month)).contains(&day);
        (is_separated && is_time && is_date).then_some(())
    };
    let Some(((), rest)) = parts().zip(text.get(19..)) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.bytes().take_while(u8::is_ascii_digit).count();
            if end == 0 {
                return false;
            }
            &fraction[end..]
        }
        None => rest,
    };
    zone == "Z" || is_offset(zone)
}

/// `+hh:mm` or `-hh:mm`, 14 hours at most.
fn is_offset(zone: &str) -> bool {
    let Some((hours, minutes)) = zone
        .strip_prefix(['+', '-'])
        .and_then(|zone| zone.split_once(':'))
    else {
        return false;
    };
    let two = |text: &str, most: u32| {
        text.len() == 2
            && text.bytes().all(|b| b.is_ascii_digit())
            && text.parse().is_ok_and(|number: u32| number <= most)
    };
    (two(hours, 13) && two(minutes, 59)) || (hours == "14" && minutes == "00")
}

/// Days of a month; 0 of what is no month.
fn days(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants() {
        let check = |text, expected| assert_eq!(is_instant(text), expected, "{text}");
        check("2026-01-31T12:00:00Z", true);
        check("2026-01-31T12:00:00.250+01:00", true);
        check("2024-02-29T00:00:00-14:00", true);
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-29T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00+1:00",
            "2026-01-31T12:00:00+14:01",
            "2026-01-31T12:00:00Zé",
            "é026-01-31T12:00:00Z",
            "+026-01-31T12:00:00Z",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn systems() {
        let settings = |system| FhirSettings::try_new("2026-01-31T12:00:00Z", Some(system));
        assert!(settings("urn:oid:1.2.3").is_ok());
        assert!(settings("https://example.org/patients").is_ok());
        for system in ["", "patients", "urn:", ":x", "urn:a b"] {
            assert!(settings(system).is_err(), "{system}");
        }
    }
}
