//! The published tables: every column with its type, unit and meaning.
//!
//! `schemas/tables.json` and `docs/outputs.md` say the same; a test holds the three together.

mod comparison;
mod known;
mod learning;
mod risk;

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use varisk_core::columns as c;

use crate::column::{Column, Kind, optional, required};

/// Version of the tables; it changes when a column changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// File name without extension.
    pub name: &'static str,
    /// What a row is and how rows are sorted.
    pub meaning: &'static str,
    /// Its fixed columns.
    pub columns: &'static [Column],
}

use Kind::{Bool, F32, F64, Text, U8, U16, U32, U32List, U64};

impl Table {
    /// Top variants of patients.
    pub const FINDINGS: Self = Self {
        name: "findings",
        meaning: "a row for each patient, model output and reported allele, the highest scores the patient carries; sorted by patient, model, output, rank",
        columns: &[
            required("patient", Text, "patient identifier"),
            required("model", Text, "name of the variant model"),
            required("output", Text, "name of its output"),
            required(
                "rank",
                U32,
                "1 for the allele with the highest score that the patient carries (the lowest where the manifest says that higher is safer)",
            ),
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
                "copies of the allele that count (once on X and Y of a male outside the pseudoautosomal regions and on the mitochondrion)",
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
            required("score", F32, "the model's score of the allele"),
            required(
                "contribution",
                F64,
                "dosage times score: the allele's share of the burden sum",
            ),
        ],
    };

    /// Scored alleles.
    pub const VARIANTS: Self = Self {
        name: "variants",
        meaning: "a row for each input allele (a record without alternate allele has one row), sorted by contig in the order of the input, position, ref, alt; then, where they were asked for, the columns consequence.<field>, <source>.<field> of each knowledge source (field metadata name its release) and reads.<field>; then for each variant model the columns score.<model>.<output> (float32) and reason.<model> (text): exactly one of score and reason is null",
        columns: &[
            required(c::CONTIG, Text, "contig, by the reference's name"),
            required(
                c::POSITION,
                U32,
                "position of the normalised allele, 1-based; the input's where it cannot be normalised",
            ),
            required(c::REFERENCE, Text, "normalised REF"),
            optional(
                c::ALTERNATE,
                Text,
                "normalised ALT; null where the record has none",
            ),
            optional(
                c::VARIANT_KEY,
                U64,
                "VariantKey of the normalised allele (Asuni and Wilder 2018); null where it has no sequence or no primary contig",
            ),
            required(
                c::ALLELE_CLASS,
                Text,
                "snv, mnv, insertion, deletion, complex, spanning_deletion, non_ref, symbolic, breakend, absent or identical",
            ),
            required(c::INPUT_POSITION, U32, "POS of the input record, 1-based"),
            required(c::INPUT_REFERENCE, Text, "REF of the input record"),
            optional(
                c::INPUT_ALTERNATE,
                Text,
                "this allele's ALT in the input record",
            ),
            required(
                c::ALTERNATE_INDEX,
                U16,
                "1-based index of the allele among the record's ALTs, 0 where it has none",
            ),
            optional(c::ID, Text, "ID of the input record"),
            optional(c::QUALITY, F32, "QUAL of the input record (Phred)"),
            optional(c::FILTER, Text, "FILTER of the input record, as written"),
            optional(
                c::REASON,
                Text,
                "why no model can score the allele; null where one can",
            ),
        ],
    };

    /// Features of patients.
    pub const FEATURES: Self = Self {
        name: "features",
        meaning: "a row for each patient and feature that patient models can use; sorted by patient, then feature",
        columns: &[
            required("patient", Text, "patient identifier"),
            required(
                "feature",
                Text,
                "dotted name, such as burden.<model>.<output>.sum",
            ),
            optional("value", F64, "the value; null where there is a reason"),
            optional("reason", Text, "why there is no value"),
        ],
    };

    /// Quality of patients' data.
    pub const QC: Self = Self {
        name: "qc",
        meaning: "a row for each patient; counts are of sequence alleles (rows of the input after decomposition); sorted by patient",
        columns: &[
            required("patient", Text, "patient identifier"),
            required(
                "recorded_sex",
                Text,
                "female, male or unknown, from the samplesheet",
            ),
            required(
                "inferred_sex",
                Text,
                "female, male or unknown, from heterozygosity on X and calls on Y outside the pseudoautosomal regions",
            ),
            optional(
                "sex_mismatch",
                Bool,
                "recorded and inferred sex differ; null where either is unknown",
            ),
            required(
                "alleles",
                U64,
                "sequence alleles read, whoever carries them (on Y of females, where nothing is expected, they are left out of this and the next four counts)",
            ),
            required("called", U64, "of these, complete calls"),
            required(
                "partial",
                U64,
                "calls with some haplotypes missing, such as 0/.",
            ),
            required("missing", U64, "calls with all haplotypes missing"),
            required(
                "not_assayed",
                U64,
                "alleles at which the patient's file has no record: unknown, never reference",
            ),
            optional("call_rate", F64, "called / (called + partial + missing)"),
            required(
                "heterozygous",
                U64,
                "complete diploid calls with one copy of the allele",
            ),
            required(
                "homozygous_alternate",
                U64,
                "complete diploid calls with two copies",
            ),
            required("hemizygous", U64, "complete haploid calls with the allele"),
            optional(
                "het_hom_ratio",
                F64,
                "heterozygous / homozygous_alternate on autosomes",
            ),
            required("transitions", U64, "carried single-base transitions"),
            required("transversions", U64, "carried single-base transversions"),
            optional("ti_tv_ratio", F64, "transitions / transversions"),
            required("indels", U64, "carried insertions and deletions"),
            required(
                "x_heterozygous",
                U64,
                "heterozygous calls on X outside the pseudoautosomal regions",
            ),
            required("x_carried", U64, "calls with the allele there"),
            required(
                "y_called",
                U64,
                "complete calls on Y outside the pseudoautosomal regions",
            ),
            required("y_alleles", U64, "assayed alleles there"),
            required(
                "male_x_diploid",
                U64,
                "diploid calls on X outside the pseudoautosomal regions of a recorded male; each counts once",
            ),
            required(
                "female_y_called",
                U64,
                "complete calls on Y outside the pseudoautosomal regions of a recorded female; they have no dosage",
            ),
            required("polyploid", U64, "calls of three or more haplotypes"),
            required(
                "from_reference_blocks",
                U64,
                "of the calls, those that a gVCF reference block shows (a block that is not good enough counts as missing)",
            ),
            required(
                "from_callable_regions",
                U64,
                "of the calls, those that a callable region shows to be reference",
            ),
            required(
                "from_reads",
                U64,
                "of the calls, those that reads give (--genotype-from-reads)",
            ),
            required(
                "assumed_reference",
                U64,
                "alleles taken for reference on the user's word (--absent-as-reference); they count as no call and are in none of the other counts but 'alleles'",
            ),
            optional(
                "reads_mean_depth",
                F64,
                "mean depth of the patient's reads at the sites where they were asked; null without reads",
            ),
            optional(
                "reads_concordance",
                F64,
                "share of sites at which calls and reads agree, of those where either shows a variant; a run is refused below 0.8 at 20 sites or more",
            ),
            optional(
                "reads_sites",
                F64,
                "number of sites that the concordance is over",
            ),
            optional(
                "outside_training",
                Text,
                "predictors of the patient that lie outside the training range of a patient model or far from most of it, as MODEL:PREDICTOR, several with semicolons; null where there are none",
            ),
            optional(
                "known_variants_uncalled",
                U64,
                "alleles of the input that known_variants.parquet would report if the patient carried them, and at which the patient has no complete call and no copy is seen (Y of females left out): they could not be checked. Null where known_variants.parquet is not written",
            ),
        ],
    };

    /// Burden of genes.
    pub const BURDEN: Self = Self {
        name: "burden",
        meaning: "a row for each patient, gene and class of consequence of which the patient carries an allele or has one uncalled; sorted by patient, gene, class. Written where consequences are",
        columns: &[
            required("patient", Text, "patient identifier"),
            required(
                "gene",
                Text,
                "gene symbol, or identifier where the gene models give no symbol",
            ),
            required(
                "class",
                Text,
                "lof (worst term of high impact), missense (moderate), synonymous; by the worst term over the gene's transcripts",
            ),
            required("alleles", U32, "distinct alleles carried"),
            required(
                "copies",
                U32,
                "copies carried (once on X and Y of a male outside the pseudoautosomal regions and on the mitochondrion)",
            ),
            required(
                "uncalled",
                U32,
                "alleles of the gene and class without a complete call of the patient",
            ),
            required(
                "assumed_reference",
                U32,
                "alleles of the gene and class taken for reference on the user's word (--absent-as-reference)",
            ),
            required(
                "alleles_in_input",
                U32,
                "alleles of the gene and class in the input, whoever carries them",
            ),
        ],
    };

    /// Consequences of alleles that patients carry together.
    pub const HAPLOTYPES: Self = Self {
        name: "haplotype_consequences",
        meaning: "a row for each patient, transcript and haplotype on which several alleles change the protein together, or one lies behind a stop that the haplotype gained; by patient in the order of the samplesheet (of the names where these are pseudonyms), transcript, haplotype. Written under --haplotypes",
        columns: &[
            required("patient", Text, "patient identifier"),
            required(
                "haplotype",
                U8,
                "1 for the first allele of GT, 2 for the second",
            ),
            required("contig", Text, "contig, by the reference's name"),
            optional("gene", Text, "gene symbol"),
            required("transcript", Text, "identifier of the transcript"),
            required(
                "positions",
                U32List,
                "positions (1-based) of the alleles, in the direction of the transcript",
            ),
            required(
                "alleles",
                Text,
                "the alleles (position REF>ALT), in the same order",
            ),
            optional(
                "term",
                Text,
                "most severe Sequence Ontology term of the alleles together",
            ),
            optional("terms", Text, "all their terms, joined by '&'"),
            optional("rank", U8, "Ensembl's rank of the term, 1 the most severe"),
            optional("impact", Text, "HIGH, MODERATE, LOW or MODIFIER"),
            optional("hgvsp", Text, "HGVS name on the protein"),
            optional(
                "cds_position",
                U32,
                "first position in the coding sequence, from 1",
            ),
            optional(
                "protein_position",
                U32,
                "first position in the protein, from 1",
            ),
            optional("amino_acids", Text, "residues before and after"),
            optional("codons", Text, "codons before and after"),
            optional(
                "nmd",
                Text,
                "what a premature stop leads to: triggers or escapes nonsense-mediated decay",
            ),
            optional(
                "after_stop",
                Bool,
                "whether a stop that the haplotype gained lies before",
            ),
            optional(
                "reason",
                Text,
                "why an allele could not be read with the others (overlaps_allele_before); then there are no terms",
            ),
        ],
    };

    /// States of sites in patients.
    pub const EVIDENCE: Self = Self {
        name: "evidence",
        meaning: "a row for each sequence allele and patient (alleles with a reason in the variants table have none); alleles in the order of the input, patients in that of the samplesheet (of their names where these are pseudonyms). Written by 'varisk evidence'",
        columns: &[
            required("patient", Text, "patient identifier"),
            required("contig", Text, "contig, by the reference's name"),
            required(
                "position",
                U32,
                "position of the normalised allele, 1-based; the input's where it cannot be normalised",
            ),
            required("ref", Text, "normalised REF"),
            optional(
                "alt",
                Text,
                "normalised ALT; null where the record has none",
            ),
            required("input_position", U32, "POS of the input record, 1-based"),
            optional("id", Text, "ID of the input record"),
            required(
                "state",
                Text,
                "called, called_reference, assumed_reference, no_call or not_assayed",
            ),
            optional(
                "origin",
                Text,
                "what the state rests on: record, reference_block, callable_region, reads or assumption; null where nothing is known",
            ),
            optional(
                "genotype",
                Text,
                "the call seen from this allele: 0 reference, 1 this allele, 2 another alternate allele, '.' not called; '|' where phased; null where nothing is known",
            ),
            optional(
                "depth",
                U32,
                "reads of the patient at the site after filters; null where reads were not asked",
            ),
            optional(
                "ref_depth",
                U32,
                "of these, reads that show the reference allele",
            ),
            optional("alt_depth", U32, "of these, reads that show the allele"),
            optional(
                "other_depth",
                U32,
                "of these, reads that show something else, a deletion over the site included",
            ),
            optional(
                "alt_forward",
                U32,
                "reads with the allele on the forward strand",
            ),
            optional(
                "alt_reverse",
                U32,
                "reads with the allele on the reverse strand",
            ),
            optional(
                "alt_base_quality",
                F64,
                "mean base quality (Phred) of the reads with the allele",
            ),
            optional(
                "alt_mapping_quality",
                F64,
                "mean mapping quality (Phred) of the reads with the allele",
            ),
            optional("soft_clipped", U32, "of the depth, reads with a soft clip"),
        ],
    };

    /// Records that were set aside.
    pub const QUARANTINE: Self = Self {
        name: "quarantine",
        meaning: "a row for each input record that could not be read and was set aside under --max-bad-records; in the order of the input",
        columns: &[
            required("file", Text, "the input file"),
            required("contig", Text, "contig, by the reference's name"),
            required("position", U32, "POS, 1-based"),
            required("kind", Text, "machine-readable kind of the defect"),
            required("detail", Text, "what is wrong, in words"),
        ],
    };

    /// All tables.
    pub const ALL: [Self; 24] = [
        Self::RISK,
        Self::SCORES,
        Self::SCORE_REFERENCES,
        Self::SCORE_VARIANTS,
        Self::ANCESTRY,
        Self::FINDINGS,
        Self::KNOWN_VARIANTS,
        Self::VARIANTS,
        Self::FEATURES,
        Self::BURDEN,
        Self::HAPLOTYPES,
        Self::QC,
        Self::EVIDENCE,
        Self::QUARANTINE,
        Self::PREDICTIONS,
        Self::VARIANT_PREDICTIONS,
        Self::METRICS,
        Self::GAPS,
        Self::CURVES,
        Self::EXPLANATIONS,
        Self::VARIANT_EXPLANATIONS,
        Self::IMPORTANCE,
        Self::CHANGES,
        Self::RECLASSIFICATIONS,
    ];

    /// The Arrow schema of the fixed columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields()))
    }

    fn fields(&self) -> Vec<Field> {
        self.columns
            .iter()
            .map(|column| Field::new(column.name, column.kind.data_type(), column.nullable))
            .collect()
    }
}

/// Schema of the variants table of a run: the fixed columns, then what stages added (consequences,
/// fields of knowledge sources, reads, scores and reasons), as it stands in the batches. What was
/// only read from INFO stays out.
#[must_use]
pub fn variant_schema(batch: &Schema) -> SchemaRef {
    let is_result = |field: &&Arc<Field>| {
        let name = field.name();
        name.contains('.') && !name.starts_with(c::INFO_PREFIX) && !name.starts_with(c::TEXT_PREFIX)
    };
    let mut fields: Vec<Arc<Field>> = Table::VARIANTS.fields().into_iter().map(Arc::new).collect();
    fields.extend(batch.fields().iter().filter(is_result).cloned());
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published file and the code say the same.
    #[test]
    fn published_schema_is_the_code() {
        let tables: Vec<serde_json::Value> = Table::ALL
            .iter()
            .map(|table| {
                let columns: Vec<serde_json::Value> = table
                    .columns
                    .iter()
                    .map(|column| {
                        serde_json::json!({"name": column.name, "type": column.kind.name(), "nullable": column.nullable, "meaning": column.meaning})
                    })
                    .collect();
                serde_json::json!({"table": table.name, "meaning": table.meaning, "columns": columns})
            })
            .collect();
        let code = serde_json::json!({"schema_version": SCHEMA_VERSION, "tables": tables});
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/tables.json");
        if std::env::var_os("VARISK_BLESS").is_some() {
            std::fs::write(path, serde_json::to_string_pretty(&code).unwrap() + "\n").unwrap();
        }
        let published: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(
            published, code,
            "write schemas/tables.json anew with VARISK_BLESS=1 and raise SCHEMA_VERSION if a meaning changed"
        );
    }
}
