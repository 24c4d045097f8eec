//! Tables of a comparison of two runs.

use super::Table;
use crate::column::Kind::{F64, Text, U8, U32};
use crate::column::{optional, required};

impl Table {
    /// Changes of patients.
    pub const CHANGES: Self = Self {
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
    pub const RECLASSIFICATIONS: Self = Self {
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
}
