//! The published tables of a comparison.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt8Array, UInt32Array};
use arrow::error::ArrowError;
use varisk_report::{Column, Kind, Table};

use crate::{Cause, Change, Subject};

const fn required(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        nullable: false,
        meaning,
    }
}

const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column {
        name,
        kind,
        nullable: true,
        meaning,
    }
}

use Kind::{F64, Text, U8, U32};

/// Changes of patients.
pub const CHANGES: Table = Table {
    name: "changes",
    meaning: "a row for each change of a patient between two runs, A (before) and B (after); sorted by category in its order (reclassified alleles first), then patient, then risk item, or contig, position, ref, alt and source or model. Written by 'varisk diff'",
    columns: &[
        required(
            "category_order",
            U8,
            "place of the category, from 1: what is to be looked at first, first",
        ),
        required(
            "category",
            Text,
            "reclassified, new_pathogenic, pathogenic_gone, threshold_crossed, state_changed, patient_gone, patient_new, risk_new, risk_gone, genotype_changed, consequence_changed, risk_changed, finding_new, finding_gone or score_changed (docs/follow-up.md)",
        ),
        required(
            "patient",
            Text,
            "patient identifier, or pseudonym where the runs wrote pseudonyms",
        ),
        required("subject", Text, "what changed: patient, item or allele"),
        optional(
            "item",
            Text,
            "risk item, as in risk.parquet; null for others",
        ),
        optional(
            "contig",
            Text,
            "of an allele: contig, by the reference's name",
        ),
        optional(
            "position",
            U32,
            "of an allele: position of the normalised allele, 1-based",
        ),
        optional("ref", Text, "of an allele: normalised REF"),
        optional("alt", Text, "of an allele: normalised ALT"),
        optional(
            "gene",
            Text,
            "of an allele: gene of its consequence, or that of the source where there are no consequences",
        ),
        optional(
            "by",
            Text,
            "knowledge source of a class, model.output of a score, model of a risk item",
        ),
        optional("before", Text, "what was in A, in words"),
        optional("after", Text, "what is in B, in words"),
        optional(
            "before_value",
            F64,
            "value of the risk item or score of the allele in A",
        ),
        optional("after_value", F64, "the same in B"),
        optional("difference", F64, "after_value - before_value"),
        optional(
            "relative_difference",
            F64,
            "difference / |before_value|; null where that is 0",
        ),
        optional(
            "before_percentile",
            F64,
            "percentile of the risk item in A, 0 to 100",
        ),
        optional("after_percentile", F64, "the same in B"),
        required(
            "causes",
            Text,
            "kinds of the differences between the runs that the change may come from, joined by ';': knowledge, model, input, parameter, runtime, program; one alone is the cause, several cannot be told apart; none_recorded where the records show nothing that it could come from",
        ),
        optional(
            "cause_detail",
            Text,
            "the same in words, such as 'knowledge clinvar: 2025-11 -> 2026-11', joined by '; '",
        ),
        optional("note", Text, "what must be known to read the row"),
        optional(
            "alerts",
            Text,
            "names of the alert rules that fire, joined by ';'",
        ),
    ],
};

/// Alleles of both runs in another class.
pub const RECLASSIFICATIONS: Table = Table {
    name: "reclassifications",
    meaning: "a row for each allele of the variants table of both runs and source of kind clinvar that classifies it differently, whoever carries it; sorted by contig in the order of A's input, position, ref, alt, source. Written by 'varisk diff' where both runs have such a source",
    columns: &[
        required("contig", Text, "contig, by the reference's name"),
        required(
            "position",
            U32,
            "position of the normalised allele, 1-based",
        ),
        required("ref", Text, "normalised REF"),
        required("alt", Text, "normalised ALT"),
        optional(
            "gene",
            Text,
            "gene symbol of the consequence in B, else in A",
        ),
        required("source", Text, "name of the source in B"),
        optional(
            "before",
            Text,
            "class in A; null where the source did not have the allele",
        ),
        optional(
            "after",
            Text,
            "class in B; null where the source does not have the allele",
        ),
        required("causes", Text, "as in changes.parquet"),
        optional("cause_detail", Text, "as in changes.parquet"),
    ],
};

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

/// Rows of [`CHANGES`].
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
    RecordBatch::try_new(CHANGES.schema(), columns)
}

/// A row of [`RECLASSIFICATIONS`].
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
    RecordBatch::try_new(RECLASSIFICATIONS.schema(), columns)
}
