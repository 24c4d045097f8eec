//! Settings of runs by what they bear on.

/// What a setting bears on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Which sites are read, and what counts as a call.
    Calls,
    /// Consequences of alleles.
    Consequences,
    /// Polygenic scores.
    Scores,
    /// How models are run.
    Models,
    /// How many and which alleles are listed.
    Lists,
    /// Burden of genes.
    Burden,
    /// Nothing that is compared.
    Nothing,
    /// A setting that is not known here, which may bear on anything.
    Unknown,
}

/// What a setting of a run bears on.
pub(super) fn group(parameter: &str) -> Group {
    match parameter {
        "regions"
        | "regions_file"
        | "whole_genome"
        | "ref_mismatch"
        | "max_bad_records"
        | "ignore_unlisted_samples"
        | "absent_as_reference"
        | "min_reference_gq"
        | "min_reference_depth"
        | "genotype_from_reads"
        | "min_mapq"
        | "min_baseq"
        | "min_read_genotype_depth"
        | "min_read_genotype_quality" => Group::Calls,
        "consequences" | "consequence_lines" | "flank" => Group::Consequences,
        "score_columns" | "score_build" | "ambiguous" | "duplicates" | "unsupported_rows"
        | "impute" | "standardise" | "frequencies" | "rsids" | "dosages" | "min_coverage"
        | "low_coverage" => Group::Scores,
        "tf32" => Group::Models,
        "top" | "report_classes" => Group::Lists,
        "burden_frequency" | "burden_max_frequency" => Group::Burden,
        // They refuse a run or add tables, and change no value of those that are compared.
        "haplotypes" | "explain" | "min_concordance" | "min_concordance_sites" => Group::Nothing,
        _ => Group::Unknown,
    }
}
