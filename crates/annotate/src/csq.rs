//! Lines as VEP writes them into the INFO field `CSQ`, so that other tools can read them.

mod text;

use std::fmt::Write as _;

use arrow::array::{
    Array, AsArray, BooleanArray, Int8Array, StringArray, StructArray, UInt8Array, UInt32Array,
};
use varisk_core::{BatchError, SiteBatch, columns as site};

use crate::columns::{ALL, CSQ_TEXT, HGVSG};
pub(crate) use text::CsqText;

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
pub struct CsqWriter<'a>(Source<'a>);

enum Source<'a> {
    /// Lines are there.
    Text(&'a StringArray),
    Columns(Box<Columns<'a>>),
}

struct Columns<'a> {
    references: &'a StringArray,
    alternates: &'a StringArray,
    hgvsg: &'a StringArray,
    all: &'a arrow::array::ListArray,
    fields: Fields<'a>,
}

/// Columns of the lines, found once: they are looked at for every field of every line.
struct Fields<'a> {
    /// `Consequence` to `Gene`.
    before_feature: [&'a StringArray; 4],
    transcript: &'a StringArray,
    /// `BIOTYPE` to `Codons`.
    after_feature: [&'a StringArray; 10],
    distance: &'a UInt32Array,
    strand: &'a Int8Array,
    flags: &'a StringArray,
    canonical: &'a BooleanArray,
    mane: &'a BooleanArray,
    mane_plus_clinical: &'a BooleanArray,
    support_level: &'a UInt8Array,
    nmd: &'a StringArray,
}

impl<'a> Fields<'a> {
    fn try_new(lines: &'a StructArray) -> Result<Self, BatchError> {
        let text = |name| column::<StringArray>(lines, name, "Utf8");
        let flag = |name| column::<BooleanArray>(lines, name, "Boolean");
        Ok(Self {
            before_feature: [
                text("terms")?,
                text("impact")?,
                text("gene")?,
                text("gene_id")?,
            ],
            transcript: text("transcript")?,
            after_feature: [
                text("biotype")?,
                text("exon")?,
                text("intron")?,
                text("hgvsc")?,
                text("hgvsp")?,
                text("cdna")?,
                text("cds")?,
                text("protein")?,
                text("amino_acids")?,
                text("codons")?,
            ],
            distance: column(lines, "distance", "UInt32")?,
            strand: column(lines, "strand", "Int8")?,
            flags: text("flags")?,
            canonical: flag("canonical")?,
            mane: flag("mane")?,
            mane_plus_clinical: flag("mane_plus_clinical")?,
            support_level: column(lines, "support_level", "UInt8")?,
            nmd: text("nmd")?,
        })
    }
}

fn column<'a, T: Array + 'static>(
    lines: &'a StructArray,
    name: &str,
    expected: &'static str,
) -> Result<&'a T, BatchError> {
    lines
        .column_by_name(name)
        .and_then(|column| column.as_any().downcast_ref())
        .ok_or_else(|| BatchError::Column {
            name: format!("{ALL}.{name}"),
            expected,
        })
}

impl<'a> CsqWriter<'a> {
    /// Finds the columns.
    ///
    /// # Errors
    /// The batch has no columns of consequences.
    pub fn try_new(batch: &'a SiteBatch) -> Result<Self, BatchError> {
        if batch.sites().column_by_name(CSQ_TEXT).is_some() {
            return Ok(Self(Source::Text(batch.text(CSQ_TEXT)?)));
        }
        let missing = || BatchError::Column {
            name: ALL.to_owned(),
            expected: "List<Struct>",
        };
        let all = batch
            .sites()
            .column_by_name(ALL)
            .and_then(|column| column.as_list_opt::<i32>())
            .ok_or_else(missing)?;
        Ok(Self(Source::Columns(Box::new(Columns {
            references: batch.text(site::INPUT_REFERENCE)?,
            alternates: batch.text(site::INPUT_ALTERNATE)?,
            hgvsg: batch.text(HGVSG)?,
            all,
            fields: Fields::try_new(all.values().as_struct_opt().ok_or_else(missing)?)?,
        }))))
    }

    /// Adds the lines of a row's allele to `out`, joined by commas. Nothing is added for an allele
    /// without consequences.
    pub fn write(&self, row: usize, out: &mut String) {
        match &self.0 {
            Source::Text(lines) if row < lines.len() && lines.is_valid(row) => {
                out.push_str(lines.value(row));
            }
            Source::Text(_) => {}
            Source::Columns(columns) => columns.write(row, out),
        }
    }
}

impl Columns<'_> {
    fn write(&self, row: usize, out: &mut String) {
        if row >= self.all.len() || self.all.is_null(row) || self.alternates.is_null(row) {
            return;
        }
        let allele = vep_allele(self.references.value(row), self.alternates.value(row));
        let offsets = self.all.value_offsets();
        let at = |index: usize| {
            offsets
                .get(index)
                .and_then(|offset| usize::try_from(*offset).ok())
                .unwrap_or(0)
        };
        let (first, end) = (at(row), at(row + 1));
        for line in first..end {
            if line > first {
                out.push(',');
            }
            self.write_line(row, line, allele, out);
        }
    }

    fn write_line(&self, row: usize, line: usize, allele: &str, out: &mut String) {
        let fields = &self.fields;
        let text = |column: &StringArray, out: &mut String| {
            if column.is_valid(line) {
                escape(column.value(line), out);
            }
        };
        let flag = |column: &BooleanArray| column.is_valid(line) && column.value(line);
        escape(allele, out);
        for column in fields.before_feature {
            out.push('|');
            text(column, out);
        }
        out.push_str(if fields.transcript.is_valid(line) {
            "|Transcript|"
        } else {
            "||"
        });
        text(fields.transcript, out);
        for column in fields.after_feature {
            out.push('|');
            text(column, out);
        }
        out.push('|');
        if fields.distance.is_valid(line) {
            let _ = write!(out, "{}", fields.distance.value(line));
        }
        out.push('|');
        if fields.strand.is_valid(line) {
            let _ = write!(out, "{}", fields.strand.value(line));
        }
        out.push('|');
        text(fields.flags, out);
        out.push_str(if flag(fields.canonical) {
            "|YES|"
        } else {
            "||"
        });
        out.push_str(if flag(fields.mane) {
            "MANE_Select"
        } else if flag(fields.mane_plus_clinical) {
            "MANE_Plus_Clinical"
        } else {
            ""
        });
        out.push('|');
        if fields.support_level.is_valid(line) {
            let _ = write!(out, "{}", fields.support_level.value(line));
        }
        out.push('|');
        text_at(self.hgvsg, row, out);
        out.push('|');
        text(fields.nmd, out);
    }
}

fn text_at(column: &StringArray, row: usize, out: &mut String) {
    if column.is_valid(row) {
        escape(column.value(row), out);
    }
}

/// Writes the lines of one row; see [`CsqWriter`], which finds the columns once for many rows.
///
/// # Errors
/// The batch has no columns of consequences.
pub fn write_csq(batch: &SiteBatch, row: usize, out: &mut String) -> Result<(), BatchError> {
    CsqWriter::try_new(batch)?.write(row, out);
    Ok(())
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
    let is_plain =
        |byte: u8| byte > b' ' && byte < 0x7f && !matches!(byte, b',' | b'|' | b';' | b'=');
    if value.bytes().all(is_plain) {
        out.push_str(value);
        return;
    }
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
