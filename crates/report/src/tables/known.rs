//! The table of known alleles.

use super::Table;
use crate::column::Kind::{Text, U32};
use crate::column::{optional, required};

impl Table {
    /// Carried alleles that a knowledge source calls pathogenic.
    pub const KNOWN_VARIANTS: Self = Self {
        name: "known_variants",
        meaning: "a row for each patient, carried allele and knowledge source of kind clinvar that has the allele in one of the reported classes (--report-classes), whatever a model says of it; sorted by patient, contig in the order of the input, position, ref, alt; then the columns consequence.<field> and <source>.<field> of the allele, as in findings.parquet, and knowledge_releases. Written by 'run' and 'evidence' where such a source is joined. An allele that the input does not have is not here: absence of a row is no proof that the patient lacks it",
        columns: &[
            required("patient", Text, "patient identifier"),
            required("contig", Text, "contig, by the reference's name"),
            required(
                "position",
                U32,
                "position of the normalised allele, 1-based",
            ),
            required("ref", Text, "normalised REF"),
            required("alt", Text, "normalised ALT"),
            required("input_position", U32, "POS of the input record, 1-based"),
            required("input_ref", Text, "REF of the input record"),
            required("input_alt", Text, "this allele's ALT in the input record"),
            optional("id", Text, "ID of the input record"),
            optional("filter", Text, "FILTER of the input record"),
            required(
                "genotype",
                Text,
                "the call seen from this allele: 0 reference, 1 this allele, 2 another alternate allele, '.' not called; '|' where phased",
            ),
            required(
                "dosage",
                U32,
                "copies of the allele that count (once on X and Y of a male outside the pseudoautosomal regions and on the mitochondrion); of a partial call such as 1/. those that are seen",
            ),
            required(
                "origin",
                Text,
                "what the call rests on: record (of the variant file) or reads (--genotype-from-reads)",
            ),
            optional(
                "depth",
                U32,
                "reads of the patient at the site after filters; null where no reads were given",
            ),
            optional(
                "ref_depth",
                U32,
                "of these, reads that show the reference allele",
            ),
            optional("alt_depth", U32, "of these, reads that show the allele"),
            required(
                "source",
                Text,
                "name of the knowledge source that knows the allele",
            ),
            required(
                "significance",
                Text,
                "what the source calls the allele: its column significance",
            ),
        ],
    };
}
