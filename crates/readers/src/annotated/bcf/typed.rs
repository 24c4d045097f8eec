//! Typed vectors as BCF stores them (VCF specification, section 6.3.3).

use super::{Refusal, Unfit};

/// Type code of characters.
pub(super) const TEXT: u8 = 7;
/// Type code of 32-bit floats.
const FLOAT: u8 = 5;
/// Counts from here on do not fit the descriptor and follow it.
const LONG: usize = 15;

/// The 32-bit integer that stands for a missing value.
const MISSING: i32 = i32::MIN;
/// The 32-bit integer that ends a vector shorter than its place.
const END: i32 = i32::MIN + 1;
/// Each width reserves its eight lowest integers.
const RESERVED: i32 = 8;
/// The lowest integer that is a value.
const LEAST: i32 = i32::MIN + RESERVED;

/// The bits of the float that stands for a missing value.
pub(super) const MISSING_FLOAT: u32 = 0x7f80_0001;
/// The bits of the float that ends a vector shorter than its place.
const END_FLOAT: u32 = 0x7f80_0002;

/// How numbers are stored. Both kinds are held as 32 bits until they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numeric {
    /// In the least of 8, 16 and 32 bits that holds them all.
    Integer,
    Float,
}

impl Numeric {
    pub(super) fn end(self) -> i32 {
        match self {
            Self::Integer => END,
            Self::Float => END_FLOAT.cast_signed(),
        }
    }

    /// The 32 bits of a value; `.` and nothing are a missing one.
    pub(super) fn parse(self, text: &[u8]) -> Result<i32, Unfit> {
        let is_missing = matches!(text, b"" | b".");
        match self {
            Self::Integer if is_missing => Ok(MISSING),
            Self::Integer => integer(text),
            Self::Float if is_missing => Ok(MISSING_FLOAT.cast_signed()),
            Self::Float => Ok(float(text)?.to_bits().cast_signed()),
        }
    }

    /// Appends vectors of `count` values each, one after the other, with their descriptor before the
    /// first.
    pub(super) fn write(
        self,
        count: usize,
        values: &[i32],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let (code, bytes) = match self {
            Self::Integer => width(values),
            Self::Float => (FLOAT, 4),
        };
        descriptor(code, count, out)?;
        for value in values {
            let mut raw = value.to_le_bytes();
            if *value < LEAST && code != FLOAT {
                // The reserved integers of each width have its highest bit and the same lowest ones.
                raw[bytes - 1] |= 0x80;
            }
            out.extend_from_slice(&raw[..bytes]);
        }
        Ok(())
    }
}

/// Type code and bytes of the narrowest integers that hold the values.
fn width(values: &[i32]) -> (u8, usize) {
    let (low, high) = values
        .iter()
        .filter(|value| **value >= LEAST)
        .fold((0, 0), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
    let fits = |least: i32, greatest: i32| low >= least + RESERVED && high <= greatest;
    if fits(i8::MIN.into(), i8::MAX.into()) {
        (1, 1)
    } else if fits(i16::MIN.into(), i16::MAX.into()) {
        (2, 2)
    } else {
        (3, 4)
    }
}

/// An integer in decimal digits.
pub(super) fn integer(text: &[u8]) -> Result<i32, Unfit> {
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Unfit::Integer);
    }
    let size = digits.iter().fold(0i64, |size, digit| {
        size.saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    i32::try_from(if is_negative { -size } else { size })
        .ok()
        .filter(|value| *value >= LEAST)
        .ok_or(Unfit::IntegerRange)
}

/// A float as VCF writes it, `inf` and `nan` included.
pub(super) fn float(text: &[u8]) -> Result<f32, Unfit> {
    let number: f32 = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(Unfit::Float)?;
    // A finite number must not turn into infinity unseen.
    if number.is_infinite() && text.iter().any(u8::is_ascii_digit) {
        return Err(Unfit::FloatRange);
    }
    Ok(number)
}

/// Type and count of a vector.
pub(super) fn descriptor(code: u8, count: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    match u8::try_from(count) {
        Ok(short) if count < LONG => out.push(short << 4 | code),
        _ => {
            out.push(0xf0 | code);
            let too_many = |_| Refusal::TooMany {
                what: "values in one field",
            };
            let count = i32::try_from(count).map_err(too_many)?;
            Numeric::Integer.write(1, &[count], out)?;
        }
    }
    Ok(())
}

/// A text as vector of characters.
pub(super) fn text(text: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    descriptor(TEXT, text.len(), out)?;
    out.extend_from_slice(text);
    Ok(())
}

/// A number of the dictionary.
pub(super) fn key(index: i32, out: &mut Vec<u8>) -> Result<(), Refusal> {
    Numeric::Integer.write(1, &[index], out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(text: &str) -> Vec<u8> {
        let values: Vec<i32> = text
            .split(',')
            .map(|value| match value {
                "end" => Numeric::Integer.end(),
                _ => Numeric::Integer.parse(value.as_bytes()).unwrap(),
            })
            .collect();
        let mut out = Vec::new();
        Numeric::Integer
            .write(values.len(), &values, &mut out)
            .unwrap();
        out
    }

    #[test]
    fn integers_take_the_narrowest_width_with_its_reserved_values() {
        let check = |text: &str, expected: &[u8]| assert_eq!(integers(text), expected, "{text}");
        check("127,-120,.,end", &[0x41, 127, 0x88, 0x80, 0x81]);
        check("128,.,end", &[0x32, 128, 0, 0, 0x80, 1, 0x80]);
        check("-121", &[0x12, 0x87, 0xff]);
        check("32767,-32760", &[0x22, 0xff, 0x7f, 8, 0x80]);
        check("32768", &[0x13, 0, 0x80, 0, 0]);
        check(
            "-32761,.,end",
            &[0x33, 7, 0x80, 0xff, 0xff, 0, 0, 0, 0x80, 1, 0, 0, 0x80],
        );
        check("-2147483640", &[0x13, 8, 0, 0, 0x80]);
        check("+5", &[0x11, 5]);
    }

    #[test]
    fn numbers_that_do_not_fit_are_told_apart() {
        let check = |kind: Numeric, text: &str, expected| {
            assert_eq!(kind.parse(text.as_bytes()), Err(expected), "{text}");
        };
        for text in ["2147483648", "-2147483641", "99999999999999999999999"] {
            check(Numeric::Integer, text, Unfit::IntegerRange);
        }
        for text in ["1.5", "x", "-", "1e3", " 1"] {
            check(Numeric::Integer, text, Unfit::Integer);
        }
        check(Numeric::Float, "1,5", Unfit::Float);
        check(Numeric::Float, "-1e39", Unfit::FloatRange);
        for (text, expected) in [("-inf", f32::NEG_INFINITY), ("1e-3", 0.001), ("5.", 5.0)] {
            assert_eq!(float(text.as_bytes()), Ok(expected));
        }
        assert!(float(b"NaN").unwrap().is_nan());
    }

    #[test]
    fn long_texts_have_their_length_behind_the_descriptor() {
        let mut out = Vec::new();
        text(&[b'A'; 14], &mut out).unwrap();
        assert_eq!(out[..2], [0xe7, b'A']);
        out.clear();
        text(&[b'A'; 300], &mut out).unwrap();
        assert_eq!(out[..5], [0xf7, 0x12, 44, 1, b'A']);
    }
}
