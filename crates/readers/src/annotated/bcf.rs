//! Lines of VCF as BCF, version 2.2 (VCF specification, section 6.3).
//!
//! How a value is stored follows the Type of its line in the header. What BCF cannot hold is refused
//! under its name; nothing is rounded to a missing value or left out.

mod dictionary;
mod record;
mod samples;
#[cfg(test)]
mod tests;
mod typed;

pub(super) use self::dictionary::Dictionary;
pub(super) use self::record::Encoder;

/// What a BCF file begins with, version included.
const MAGIC: &[u8] = b"BCF\x02\x02";

/// Columns of a record whose fields the header defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Filter,
    Info,
    Format,
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Filter => "FILTER",
            Self::Info => "INFO",
            Self::Format => "FORMAT",
        })
    }
}

/// Why a line cannot be written as BCF. Values are not quoted: they may be genotypes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// BCF refers to contigs by their place in the header.
    #[error("the contig '{name}' is not defined in the header")]
    Contig { name: String },
    /// BCF refers to fields by their place in the header.
    #[error("{column} '{name}' is not defined in the header")]
    Undefined { column: Column, name: String },
    /// A column of the record itself.
    #[error("{column} {problem}")]
    Fixed {
        column: &'static str,
        problem: &'static str,
    },
    /// A value that the Type of its field does not take.
    #[error("{column} '{name}' {problem}")]
    Value {
        column: Column,
        name: String,
        problem: Unfit,
    },
    /// More or fewer columns than the header has.
    #[error("the record has {found} sample columns where the header has {expected}")]
    Samples { found: usize, expected: usize },
    /// A sample with more values than FORMAT names.
    #[error("sample column {column} has more values than FORMAT has fields")]
    Surplus { column: usize },
    /// Text ends at a zero byte.
    #[error("the record holds a zero byte")]
    ZeroByte,
    /// Lengths and counts have so many bits.
    #[error("the record has more {what} than BCF can count")]
    TooMany { what: &'static str },
}

/// Why a value does not fit the Type of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("holds a value that is no integer, as which the header defines it")]
    Integer,
    #[error("holds an integer that needs more than 32 bits")]
    IntegerRange,
    #[error("holds a value that is no number, as which the header defines it")]
    Float,
    #[error("holds a number too large for a 32-bit float")]
    FloatRange,
    #[error("holds a value that is no genotype")]
    Genotype,
    #[error("is defined as a flag, which no sample can have")]
    Flag,
}

/// The bytes before the first record: magic, length and text of the header.
pub(super) fn preamble(header: &str) -> Result<Vec<u8>, String> {
    let mut bytes = MAGIC.to_vec();
    // Each line with one line feed: readers take a carriage return for part of the last column.
    let mut text: String = header.lines().flat_map(|line| [line, "\n"]).collect();
    text.push('\0');
    let length = u32::try_from(text.len()).map_err(|_| "it is longer than 4 GiB".to_owned())?;
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    Ok(bytes)
}
