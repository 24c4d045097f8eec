//! Typed vectors of a BCF record (VCF specification, section 6.3.3).

use std::ops::Range;

/// Type of the values of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Missing,
    Int8,
    Int16,
    Int32,
    Float,
    Text,
}

impl Kind {
    /// The type that a descriptor's lower half names.
    pub(super) fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Missing,
            1 => Self::Int8,
            2 => Self::Int16,
            3 => Self::Int32,
            5 => Self::Float,
            7 => Self::Text,
            _ => return None,
        })
    }

    /// The lower half of a descriptor.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Int8 => 1,
            Self::Int16 => 2,
            Self::Int32 => 3,
            Self::Float => 5,
            Self::Text => 7,
        }
    }

    pub(super) fn width(self) -> usize {
        match self {
            Self::Missing => 0,
            Self::Int8 | Self::Text => 1,
            Self::Int16 => 2,
            Self::Int32 | Self::Float => 4,
        }
    }
}

/// One number of a vector.
pub(super) enum Number {
    Value(f32),
    Missing,
    End,
}

/// A typed vector of a record.
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) count: usize,
    pub(super) range: Range<usize>,
}

impl Value {
    fn raw<'a>(&self, bytes: &'a [u8], i: usize) -> Option<&'a [u8]> {
        let width = self.kind.width();
        let start = self.range.start.checked_add(i.checked_mul(width)?)?;
        bytes
            .get(start..start.checked_add(width)?)
            .filter(|_| i < self.count)
    }

    /// An integer; the inner `None` for a missing one.
    pub(super) fn integer(&self, bytes: &[u8], i: usize) -> Option<Option<i32>> {
        let raw = self.raw(bytes, i)?;
        Some(match (self.kind, raw) {
            (Kind::Int8, [a]) => {
                Some(i32::from(a.cast_signed())).filter(|v| *v > i32::from(i8::MIN) + 7)
            }
            (Kind::Int16, [a, b]) => Some(i32::from(i16::from_le_bytes([*a, *b])))
                .filter(|v| *v > i32::from(i16::MIN) + 7),
            (Kind::Int32, [a, b, c, d]) => {
                Some(i32::from_le_bytes([*a, *b, *c, *d])).filter(|v| *v > i32::MIN + 7)
            }
            _ => return None,
        })
    }

    /// Appends the values as VCF text: missing ones as `.`, up to the end of the vector. A float has
    /// the shortest form that reads back the same. `None` where the vector is damaged.
    pub(super) fn render(&self, bytes: &[u8], out: &mut String) -> Option<()> {
        if self.kind == Kind::Text {
            let text = bytes.get(self.range.clone())?;
            // Writers pad text with zero bytes.
            let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
            out.push_str(std::str::from_utf8(text.get(..end)?).ok()?);
            return Some(());
        }
        if self.kind == Kind::Missing {
            return Some(());
        }
        for i in 0..self.count {
            let value = match self.number(bytes, i)? {
                Number::End => break,
                Number::Missing => ".".to_owned(),
                Number::Value(number) if self.kind == Kind::Float => float_text(number),
                Number::Value(_) => self.integer(bytes, i)??.to_string(),
            };
            if i > 0 {
                out.push(',');
            }
            out.push_str(&value);
        }
        Some(())
    }

    /// A haplotype of a genotype vector as stored; the inner `None` for the end of a shorter one. The
    /// reserved "missing" integer is a haplotype that is not called.
    pub(super) fn allele(&self, bytes: &[u8], i: usize) -> Option<Option<i32>> {
        match self.number(bytes, i)? {
            Number::End => Some(None),
            Number::Missing => Some(Some(0)),
            Number::Value(_) => Some(Some(self.integer(bytes, i)??)),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "INFO numbers are features in 32-bit floats"
    )]
    pub(super) fn number(&self, bytes: &[u8], i: usize) -> Option<Number> {
        let raw = self.raw(bytes, i)?;
        let (value, end) = match (self.kind, raw) {
            (Kind::Int8, [a]) => (f32::from(a.cast_signed()), *a == 0x81),
            (Kind::Int16, [a, b]) => (
                f32::from(i16::from_le_bytes([*a, *b])),
                [*a, *b] == [0x01, 0x80],
            ),
            (Kind::Int32, [a, b, c, d]) => (
                i32::from_le_bytes([*a, *b, *c, *d]) as f32,
                [*a, *b, *c, *d] == [0x01, 0, 0, 0x80],
            ),
            (Kind::Float, [a, b, c, d]) => {
                let bits = u32::from_le_bytes([*a, *b, *c, *d]);
                return Some(match bits {
                    0x7f80_0001 => Number::Missing,
                    0x7f80_0002 => Number::End,
                    _ => Number::Value(f32::from_bits(bits)),
                });
            }
            _ => return None,
        };
        if end {
            return Some(Number::End);
        }
        Some(if self.integer(bytes, i)?.is_none() {
            Number::Missing
        } else {
            Number::Value(value)
        })
    }
}

/// Walks the bytes of a record; every step is checked against their end.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    pub(super) fn skip(&mut self, length: usize) -> Option<Range<usize>> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len())?;
        let range = self.at..end;
        self.at = end;
        Some(range)
    }

    fn descriptor_byte(&mut self) -> Option<(Kind, usize)> {
        let range = self.skip(1)?;
        let byte = self.bytes[range.start];
        let kind = Kind::of(byte & 0xf)?;
        Some((kind, usize::from(byte >> 4)))
    }

    pub(super) fn descriptor(&mut self) -> Option<(Kind, usize)> {
        let (kind, short) = self.descriptor_byte()?;
        if short < 15 {
            return Some((kind, short));
        }
        // The length follows as one integer; anything else would let a file nest lengths for ever.
        let (length_kind, 1) = self.descriptor_byte()? else {
            return None;
        };
        let range = self.skip(length_kind.width())?;
        let length = Value {
            kind: length_kind,
            count: 1,
            range,
        };
        Some((kind, usize::try_from(length.integer(self.bytes, 0)??).ok()?))
    }

    pub(super) fn value(&mut self) -> Option<Value> {
        let (kind, count) = self.descriptor()?;
        let range = self.skip(kind.width().checked_mul(count)?)?;
        Some(Value { kind, count, range })
    }

    pub(super) fn text(&mut self) -> Option<Range<usize>> {
        let value = self.value()?;
        match value.kind {
            Kind::Text => Some(value.range),
            Kind::Missing => Some(self.at..self.at),
            _ => None,
        }
    }
}

/// The shortest text that reads back as the same number.
pub(super) fn float_text(number: f32) -> String {
    let (plain, scientific) = (number.to_string(), format!("{number:e}"));
    if scientific.len() < plain.len() {
        scientific
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::float_text;

    #[test]
    fn floats_have_the_shortest_text_that_reads_back_the_same() {
        for (number, text) in [
            (0.1, "0.1"),
            (1.0, "1"),
            (1e-7, "1e-7"),
            (f32::MAX, "3.4028235e38"),
            (-0.25, "-0.25"),
        ] {
            assert_eq!(float_text(number), text);
            assert_eq!(float_text(number).parse::<f32>().unwrap(), number);
        }
        assert_eq!(float_text(f32::NAN), "NaN");
    }
}
