//! The alleles of a run as VCF 4.3 without genotypes, with what the run found as INFO.
//!
//! Each row of `variants.parquet` is a record of one ALT, normalised as in the table. A column is the
//! INFO field `VARISK_` and its name, with `_` for what a key may not hold (VCF 4.3, section 1.4.2):
//! `score.m.out` is `VARISK_score.m.out`. Nothing of the table is left out. `consequence.all` is a list
//! of lines in the form of VEP's CSQ, its fields named after `Format:` in the header.
//!
//! The table is read twice: what the header has to declare (contigs, filters, whether integers fit) is
//! known only at its end.

mod header;
mod info;

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt32Type};
use noodles::bgzf;
use varisk_dossier::{RunFolder, TableRows};
use varisk_readers::escape_info_value;

use crate::ExchangeError;
use header::Header;

/// A contig with its length in bases, where the caller knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContigLength {
    /// Name, as in the reference.
    pub name: String,
    /// Length in bases.
    pub length: u64,
}

const TABLE: &str = "variants";
/// Columns that are fields of a record, not INFO.
const FIXED: [&str; 7] = ["contig", "position", "ref", "alt", "id", "qual", "filter"];

/// Writes the alleles of a run.
///
/// The header's contigs are those of the alleles in their order, which is that of the input; `lengths`
/// adds lengths to those that it names, as of a FASTA index.
///
/// # Errors
/// The run has no variants table (as that of `varisk prs`), the table is damaged or its files are not in
/// genomic order, or the writer fails.
///
/// # Memory
/// One batch.
pub fn write_vcf(
    run: &RunFolder,
    lengths: &[ContigLength],
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    let mut header = Header::default();
    let mut is_there = false;
    for mut source in run.rows(TABLE)? {
        is_there = true;
        header.add_columns(&source)?;
        while let Some(batch) = source.next_batch()? {
            header.observe(&Records::new(&batch, &source)?)?;
        }
    }
    if !is_there {
        return Err(ExchangeError::NoTable {
            name: TABLE.to_owned(),
        });
    }
    header.write(run.record(), lengths, out)?;
    let mut line = String::new();
    for mut source in run.rows(TABLE)? {
        while let Some(batch) = source.next_batch()? {
            let records = Records::new(&batch, &source)?;
            let columns = header.columns(&records);
            for row in 0..batch.num_rows() {
                line.clear();
                records.push_fixed(row, &mut line);
                columns.push_info(row, &mut line)?;
                line.push('\n');
                out.write_all(line.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Writes the same, compressed by blocks (BGZF), which `tabix` and `bcftools index` can index.
///
/// # Errors
/// As [`write_vcf`].
pub fn write_vcf_bgzf(
    run: &RunFolder,
    lengths: &[ContigLength],
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    let mut blocks = bgzf::io::Writer::new(out);
    write_vcf(run, lengths, &mut blocks)?;
    // The empty block that marks the end of a whole file.
    blocks.finish()?.flush()?;
    Ok(())
}

/// The rows of a batch as records.
pub(super) struct Records<'b> {
    batch: &'b RecordBatch,
    source: &'b TableRows,
    contig: &'b ArrayRef,
    position: &'b ArrayRef,
    reference: &'b ArrayRef,
}

impl<'b> Records<'b> {
    fn new(batch: &'b RecordBatch, source: &'b TableRows) -> Result<Self, ExchangeError> {
        let column = |name: &str, is_type: fn(&ArrayRef) -> bool| {
            batch
                .column_by_name(name)
                .filter(|column| column.null_count() == 0 && is_type(column))
                .ok_or_else(|| ExchangeError::Missing {
                    path: source.path().to_owned(),
                    column: name.to_owned(),
                })
        };
        let is_text = |column: &ArrayRef| column.as_string_opt::<i32>().is_some();
        Ok(Self {
            batch,
            source,
            contig: column("contig", is_text)?,
            position: column("position", |column| {
                column.as_primitive_opt::<UInt32Type>().is_some()
            })?,
            reference: column("ref", is_text)?,
        })
    }

    fn text(&self, name: &str, row: usize) -> Option<&str> {
        let column = self.batch.column_by_name(name)?;
        let texts = column.as_string_opt::<i32>()?;
        texts.is_valid(row).then(|| texts.value(row))
    }

    /// The columns before INFO.
    fn push_fixed(&self, row: usize, line: &mut String) {
        let contig = self.contig.as_string::<i32>().value(row);
        let position = self.position.as_primitive::<UInt32Type>().value(row);
        let reference = self.reference.as_string::<i32>().value(row);
        line.push_str(contig);
        line.push('\t');
        line.push_str(&position.to_string());
        line.push('\t');
        line.push_str(&self.text("id", row).map_or(".".into(), identifiers));
        line.push('\t');
        line.push_str(reference);
        line.push('\t');
        line.push_str(self.text("alt", row).unwrap_or("."));
        line.push('\t');
        let quality = self
            .batch
            .column_by_name("qual")
            .and_then(|column| column.as_primitive_opt::<Float32Type>())
            .filter(|column| column.is_valid(row))
            .map(|column| column.value(row))
            .filter(|quality| quality.is_finite());
        match quality {
            Some(quality) => line.push_str(&quality.to_string()),
            None => line.push('.'),
        }
        line.push('\t');
        let filters: Vec<String> = self.filters(row).map(filter_key).collect();
        if filters.is_empty() {
            line.push('.');
        } else {
            line.push_str(&filters.join(";"));
        }
        line.push('\t');
    }

    /// Filters that the record failed, or `PASS`.
    fn filters(&self, row: usize) -> impl Iterator<Item = &str> {
        self.text("filter", row)
            .unwrap_or_default()
            .split(';')
            .filter(|filter| !filter.is_empty() && *filter != ".")
    }
}

/// Identifiers of a record: the semicolon parts them and stays.
fn identifiers(text: &str) -> String {
    let parts: Vec<_> = text.split(';').map(escape_info_value).collect();
    if text.is_empty() {
        ".".to_owned()
    } else {
        parts.join(";")
    }
}

/// A filter as header and records name it: no white space, comma or bracket. `0` is reserved.
pub(super) fn filter_key(text: &str) -> String {
    let is_bad =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '<' | '>' | '"');
    match text {
        "0" => "zero".to_owned(),
        _ => text.replace(is_bad, "_"),
    }
}

#[cfg(test)]
mod tests;
