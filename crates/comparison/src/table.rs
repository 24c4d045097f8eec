//! The published tables of a comparison.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt8Array, UInt32Array};
use arrow::error::ArrowError;
use varisk_report::Table;

use crate::{Cause, Change, Subject};

/// Kinds of causes, each once, in their order of importance.
pub(crate) fn cause_kinds(causes: &[Arc<Cause>]) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for cause in causes {
        if !kinds.contains(&cause.kind.name()) {
            kinds.push(cause.kind.name());
        }
    }
    if kinds.is_empty() {
        return "none_recorded".to_owned();
    }
    kinds.join(";")
}

/// Causes in words.
pub(crate) fn cause_detail(causes: &[Arc<Cause>]) -> Option<String> {
    let words: Vec<String> = causes.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Rows of [`Table::CHANGES`].
pub(crate) fn change_batch(changes: &[Change]) -> Result<RecordBatch, ArrowError> {
    let text = |value: &dyn Fn(&Change) -> Option<String>| -> ArrayRef {
        Arc::new(changes.iter().map(value).collect::<StringArray>())
    };
    let number = |value: &dyn Fn(&Change) -> Option<f64>| -> ArrayRef {
        Arc::new(changes.iter().map(value).collect::<Float64Array>())
    };
    let allele =
        |of: fn(&Subject) -> Option<&str>| text(&|own| of(&own.subject).map(str::to_owned));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt8Array::from_iter_values(
            changes.iter().map(|own| own.category.rank()),
        )),
        text(&|own| Some(own.category.name().to_owned())),
        text(&|own| Some(own.patient.clone())),
        allele(|own| {
            Some(match own {
                Subject::Patient => "patient",
                Subject::Item { .. } => "item",
                Subject::Allele { .. } => "allele",
            })
        }),
        allele(|own| match own {
            Subject::Item { item } => Some(item),
            _ => None,
        }),
        allele(|own| match own {
            Subject::Allele { contig, .. } => Some(contig),
            _ => None,
        }),
        Arc::new(
            changes
                .iter()
                .map(|own| match own.subject {
                    Subject::Allele { position, .. } => Some(position),
                    _ => None,
                })
                .collect::<UInt32Array>(),
        ),
        allele(|own| match own {
            Subject::Allele { reference, .. } => Some(reference),
            _ => None,
        }),
        allele(|own| match own {
            Subject::Allele { alternate, .. } => Some(alternate),
            _ => None,
        }),
        allele(|own| match own {
            Subject::Allele { gene, .. } => gene.as_deref(),
            _ => None,
        }),
        text(&|own| own.by.clone()),
        text(&|own| own.before.clone()),
        text(&|own| own.after.clone()),
        number(&|own| own.before_value),
        number(&|own| own.after_value),
        number(&Change::difference),
        number(&Change::relative_difference),
        number(&|own| own.before_percentile),
        number(&|own| own.after_percentile),
        text(&|own| Some(cause_kinds(&own.causes))),
        text(&|own| cause_detail(&own.causes)),
        text(&|own| own.note.map(str::to_owned)),
        text(&|own| (!own.alerts.is_empty()).then(|| own.alerts.join(";"))),
    ];
    RecordBatch::try_new(Table::CHANGES.schema(), columns)
}

/// A row of [`Table::RECLASSIFICATIONS`].
#[derive(Debug)]
pub(crate) struct ReclassifiedAllele {
    pub(crate) contig: String,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
    pub(crate) gene: Option<String>,
    pub(crate) source: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) causes: Vec<Arc<Cause>>,
}

pub(crate) fn reclassified_batch(rows: &[ReclassifiedAllele]) -> Result<RecordBatch, ArrowError> {
    type Row = ReclassifiedAllele;
    let text = |value: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|own| Some(own.contig.clone())),
        Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|own| own.position),
        )),
        text(&|own| Some(own.reference.clone())),
        text(&|own| Some(own.alternate.clone())),
        text(&|own| own.gene.clone()),
        text(&|own| Some(own.source.clone())),
        text(&|own| own.before.clone()),
        text(&|own| own.after.clone()),
        text(&|own| Some(cause_kinds(&own.causes))),
        text(&|own| cause_detail(&own.causes)),
    ];
    RecordBatch::try_new(Table::RECLASSIFICATIONS.schema(), columns)
}
