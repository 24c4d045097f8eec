//! An allele that a patient carries, as tables of alleles show it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, UInt32Array};
use arrow::datatypes::UInt32Type;
use serde::{Deserialize, Serialize};
use varisk_core::{
    BatchError, CallCode, CallMatrix, CallOrigin, Haplotype, SiteBatch, SiteEvidence, columns as c,
};

/// An allele that a patient carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Carried {
    /// Index of the contig.
    pub(crate) contig: u32,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
    pub(crate) input_position: u32,
    pub(crate) input_reference: String,
    pub(crate) input_alternate: String,
    pub(crate) id: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) genotype: String,
    pub(crate) dosage: u8,
    pub(crate) origin: Option<CallOrigin>,
    pub(crate) evidence: Option<SiteEvidence>,
}

impl Carried {
    /// The order of the genome, contigs by index; total over the alleles of a patient.
    pub(crate) fn place(&self) -> impl Ord + '_ {
        (
            (
                self.contig,
                self.position,
                self.reference.as_str(),
                self.alternate.as_str(),
            ),
            (
                self.input_position,
                self.input_reference.as_str(),
                self.input_alternate.as_str(),
            ),
            (self.genotype.as_str(), self.dosage),
            (self.id.as_deref(), self.filter.as_deref()),
        )
    }
}

/// The columns of a batch that describe its alleles.
pub(crate) struct AlleleColumns<'b> {
    batch: &'b SiteBatch,
    contig: &'b UInt32Array,
    position: &'b UInt32Array,
    input_position: &'b UInt32Array,
    reference: &'b StringArray,
    alternate: &'b StringArray,
    input_reference: &'b StringArray,
    input_alternate: &'b StringArray,
    id: &'b StringArray,
    filter: &'b StringArray,
}

impl<'b> AlleleColumns<'b> {
    pub(crate) fn try_new(batch: &'b SiteBatch) -> Result<Self, BatchError> {
        Ok(Self {
            batch,
            contig: batch.contig_column()?,
            position: batch.position_column()?,
            input_position: batch.numbers::<UInt32Type>(c::INPUT_POSITION)?,
            reference: batch.text(c::REFERENCE)?,
            alternate: batch.text(c::ALTERNATE)?,
            input_reference: batch.text(c::INPUT_REFERENCE)?,
            input_alternate: batch.text(c::INPUT_ALTERNATE)?,
            id: batch.text(c::ID)?,
            filter: batch.text(c::FILTER)?,
        })
    }

    /// The allele of a row as a patient carries it.
    pub(crate) fn carried(&self, row: usize, patient: usize, dosage: u8) -> Carried {
        let optional =
            |array: &StringArray| array.is_valid(row).then(|| array.value(row).to_owned());
        let calls = self.batch.calls();
        Carried {
            contig: self.contig.value(row),
            position: self.position.value(row),
            reference: self.reference.value(row).to_owned(),
            alternate: self.alternate.value(row).to_owned(),
            input_position: self.input_position.value(row),
            input_reference: self.input_reference.value(row).to_owned(),
            input_alternate: self.input_alternate.value(row).to_owned(),
            id: optional(self.id),
            filter: optional(self.filter),
            genotype: genotype_text(calls, row, patient),
            dosage,
            origin: origin(calls, row, patient),
            evidence: self.batch.evidence(row, patient).copied(),
        }
    }
}

/// The columns `contig` to `alt_depth`, which tables of carried alleles share.
pub(crate) fn carried_columns(rows: &[&Carried], contigs: &[String]) -> Vec<ArrayRef> {
    let text = |value: &dyn Fn(&Carried) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row)).collect::<StringArray>())
    };
    let number = |value: &dyn Fn(&Carried) -> Option<u32>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row)).collect::<UInt32Array>())
    };
    let depth =
        |value: &dyn Fn(&SiteEvidence) -> u32| number(&|row| row.evidence.as_ref().map(value));
    vec![
        text(&|row| contigs.get(row.contig as usize).cloned()),
        number(&|row| Some(row.position)),
        text(&|row| Some(row.reference.clone())),
        text(&|row| Some(row.alternate.clone())),
        number(&|row| Some(row.input_position)),
        text(&|row| Some(row.input_reference.clone())),
        text(&|row| Some(row.input_alternate.clone())),
        text(&|row| row.id.clone()),
        text(&|row| row.filter.clone()),
        text(&|row| Some(row.genotype.clone())),
        number(&|row| Some(u32::from(row.dosage))),
        text(&|row| row.origin.map(|origin| origin.name().to_owned())),
        depth(&SiteEvidence::depth),
        depth(&|reads| reads.reference.depth()),
        depth(&|reads| reads.alternate.depth()),
    ]
}

/// What a call rests on.
fn origin(calls: &CallMatrix, row: usize, sample: usize) -> Option<CallOrigin> {
    CallCode(*calls.row(row).get(sample)?).origin()
}

/// The call seen from the row's allele, in the manner of VCF: 0, 1, 2 for another alternate, `.`.
#[must_use]
pub fn genotype_text(calls: &CallMatrix, row: usize, sample: usize) -> String {
    let code = CallCode(
        calls
            .row(row)
            .get(sample)
            .copied()
            .unwrap_or(CallCode::MISSING.0),
    );
    if code.is_polyploid() {
        let Some(call) = calls.call(row, sample) else {
            return ".".to_owned();
        };
        // Polyploid calls are kept as counts: the order of haplotypes is not known any more.
        let counts = [
            ("0", call.reference()),
            ("1", call.alternate),
            ("2", call.other),
            (".", call.missing),
        ];
        let letters: Vec<&str> = counts
            .iter()
            .flat_map(|(letter, count)| std::iter::repeat_n(*letter, usize::from(*count)))
            .collect();
        return letters.join("/");
    }
    let letter = |haplotype| match haplotype {
        Haplotype::Reference => "0",
        Haplotype::Alternate => "1",
        Haplotype::Other => "2",
        Haplotype::Missing | Haplotype::Absent => ".",
    };
    let separator = if code.call().is_some_and(|call| call.phased) {
        "|"
    } else {
        "/"
    };
    match code.haplotypes() {
        [first, Haplotype::Absent] => letter(first).to_owned(),
        [first, second] => [letter(first), letter(second)].join(separator),
    }
}
