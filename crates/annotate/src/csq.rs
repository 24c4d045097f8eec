//! Lines as VEP writes them into the INFO field `CSQ`, so that other tools can read them.

use std::fmt::Write as _;

use arrow::array::{Array, AsArray, BooleanArray, PrimitiveArray, StringArray, StructArray};
use arrow::datatypes::{ArrowPrimitiveType, Int8Type, UInt8Type, UInt32Type};
use varisk_core::{BatchError, SiteBatch, columns as site};

use crate::columns::{ALL, HGVSG};

/// Fields of a line, as the header's Description names them.
const FORMAT: &str = "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|EXON|INTRON|\
HGVSc|HGVSp|cDNA_position|CDS_position|Protein_position|Amino_acids|Codons|DISTANCE|STRAND|FLAGS|\
CANONICAL|MANE|TSL|HGVSg|NMD";

/// Fields of a line of `CSQ`, joined by `|`, for the header's Description (`Consequence annotations
/// ... Format: ...`).
#[must_use]
pub const fn csq_header_format() -> &'static str {
    FORMAT
}

/// The columns of one batch that lines are written from.
pub struct CsqWriter<'a> {
    references: &'a StringArray,
    alternates: &'a StringArray,
    hgvsg: &'a StringArray,
    all: &'a arrow::array::ListArray,
    lines: &'a StructArray,
}

impl<'a> CsqWriter<'a> {
    /// Finds the columns.
    ///
    /// # Errors
    /// The batch has no columns of consequences.
    pub fn try_new(batch: &'a SiteBatch) -> Result<Self, BatchError> {
        let missing = || BatchError::Column {
            name: ALL.to_owned(),
            expected: "List<Struct>",
        };
        let all = batch
            .sites()
            .column_by_name(ALL)
            .and_then(|column| column.as_list_opt::<i32>())
            .ok_or_else(missing)?;
        Ok(Self {
            references: batch.text(site::INPUT_REFERENCE)?,
            alternates: batch.text(site::INPUT_ALTERNATE)?,
            hgvsg: batch.text(HGVSG)?,
            all,
            lines: all.values().as_struct_opt().ok_or_else(missing)?,
        })
    }

    /// Adds the lines of a row's allele to `out`, joined by commas. Nothing is added for an allele
    /// without consequences.
    ///
    /// # Errors
    /// `consequence.all` is not of the type that a stage gives it.
    pub fn write(&self, row: usize, out: &mut String) -> Result<(), BatchError> {
        if self.all.is_null(row) || self.alternates.is_null(row) {
            return Ok(());
        }
        let allele = vep_allele(self.references.value(row), self.alternates.value(row));
        let offsets = self.all.value_offsets();
        let range = offsets.get(row).zip(offsets.get(row + 1));
        let (Some((first, end)), fields) = (range, Fields(self.lines)) else {
            return Ok(());
        };
        let (first, end) = (
            usize::try_from(*first).unwrap_or(0),
            usize::try_from(*end).unwrap_or(0),
        );
        for line in first..end {
            if line > first {
                out.push(',');
            }
            escape(allele, out);
            for name in ["terms", "impact", "gene", "gene_id"] {
                out.push('|');
                escape(fields.text(name, line)?, out);
            }
            let transcript = fields.text("transcript", line)?;
            out.push_str(if transcript.is_empty() {
                "||"
            } else {
                "|Transcript|"
            });
            escape(transcript, out);
            for name in [
                "biotype",
                "exon",
                "intron",
                "hgvsc",
                "hgvsp",
                "cdna",
                "cds",
                "protein",
                "amino_acids",
                "codons",
            ] {
                out.push('|');
                escape(fields.text(name, line)?, out);
            }
            fields.number::<UInt32Type>("distance", line, out)?;
            fields.number::<Int8Type>("strand", line, out)?;
            out.push('|');
            escape(fields.text("flags", line)?, out);
            out.push_str(if fields.flag("canonical", line)? {
                "|YES|"
            } else {
                "||"
            });
            out.push_str(if fields.flag("mane", line)? {
                "MANE_Select"
            } else if fields.flag("mane_plus_clinical", line)? {
                "MANE_Plus_Clinical"
            } else {
                ""
            });
            fields.number::<UInt8Type>("support_level", line, out)?;
            out.push('|');
            if self.hgvsg.is_valid(row) {
                escape(self.hgvsg.value(row), out);
            }
            out.push('|');
            escape(fields.text("nmd", line)?, out);
        }
        Ok(())
    }
}

/// Writes the lines of one row; see [`CsqWriter`], which finds the columns once for many rows.
///
/// # Errors
/// The batch has no columns of consequences.
pub fn write_csq(batch: &SiteBatch, row: usize, out: &mut String) -> Result<(), BatchError> {
    CsqWriter::try_new(batch)?.write(row, out)
}

struct Fields<'a>(&'a StructArray);

impl<'a> Fields<'a> {
    fn column<T: Array + 'static>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<&'a T, BatchError> {
        self.0
            .column_by_name(name)
            .and_then(|column| column.as_any().downcast_ref())
            .ok_or_else(|| BatchError::Column {
                name: format!("{ALL}.{name}"),
                expected,
            })
    }

    fn text(&self, name: &str, line: usize) -> Result<&'a str, BatchError> {
        let column: &StringArray = self.column(name, "Utf8")?;
        Ok(if column.is_valid(line) {
            column.value(line)
        } else {
            ""
        })
    }

    fn flag(&self, name: &str, line: usize) -> Result<bool, BatchError> {
        let column: &BooleanArray = self.column(name, "Boolean")?;
        Ok(column.is_valid(line) && column.value(line))
    }

    fn number<T: ArrowPrimitiveType>(
        &self,
        name: &str,
        line: usize,
        out: &mut String,
    ) -> Result<(), BatchError>
    where
        T::Native: std::fmt::Display,
    {
        let column: &PrimitiveArray<T> = self.column(name, "a number")?;
        out.push('|');
        if column.is_valid(line) {
            let _ = write!(out, "{}", column.value(line));
        }
        Ok(())
    }
}

/// An alternate allele as VEP names it in `Allele`: without the first base where that is shared and
/// the lengths differ, `-` where nothing is left.
///
/// VEP looks at all alleles of a record at once and keeps the first base where one of them does not
/// share it; here each allele is named alone.
#[must_use]
pub fn vep_allele<'a>(reference: &str, alternate: &'a str) -> &'a str {
    let shared = reference.len() != alternate.len()
        && reference.as_bytes().first().map(u8::to_ascii_uppercase)
            == alternate.as_bytes().first().map(u8::to_ascii_uppercase);
    match alternate.get(1..) {
        Some("") if shared => "-",
        Some(rest) if shared => rest,
        _ => alternate,
    }
}

/// Escapes a value as VEP does: INFO reserves `,`, `;`, `=` and white space, and lines reserve `|`.
fn escape(value: &str, out: &mut String) {
    for letter in value.chars() {
        match letter {
            ',' | '|' => out.push('&'),
            ';' => out.push_str("%3B"),
            '=' => out.push_str("%3D"),
            letter if letter.is_whitespace() => out.push('_'),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alleles_and_escapes() {
        let check = |r, a, expected| assert_eq!(vep_allele(r, a), expected, "{r} {a}");
        check("A", "G", "G");
        check("A", "AT", "T");
        check("AT", "A", "-");
        check("AT", "GC", "GC");
        check("AT", "G", "G");
        check("A", "<DEL>", "<DEL>");
        let mut out = String::new();
        escape("p.Arg5=;a,b|c d", &mut out);
        assert_eq!(out, "p.Arg5%3D%3Ba&b&c_d");
    }
}
