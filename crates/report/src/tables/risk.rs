//! Tables of risk: risk items, polygenic scores and ancestry.

use super::Table;
use crate::column::Kind::{F64, F64List, Text, U32, U64};
use crate::column::{optional, required};

impl Table {
    /// Risk items of patients.
    pub const RISK: Self = Self {
        name: "risk",
        meaning: "a row for each patient and risk item (an output of a patient model, a polygenic score, an absolute risk); sorted by patient, then item",
        columns: &[
            required(
                "patient",
                Text,
                "patient identifier of the samplesheet, or sample name",
            ),
            required(
                "item",
                Text,
                "risk item: model.output of a patient model, polygenic.SCORE, or absolute.MODEL.AGES",
            ),
            required(
                "kind",
                Text,
                "patient_model, polygenic_score or absolute_risk",
            ),
            optional(
                "value",
                F64,
                "the model's output after activation and calibration; the sum of the score, rescaled to all its scorable alleles where calls are missing and nothing is imputed; or the absolute risk (0 to 1). Null where state is 'not_computed'",
            ),
            optional(
                "lower",
                F64,
                "lower end of the 95 % interval of an absolute risk",
            ),
            optional("upper", F64, "upper end of that interval"),
            required(
                "state",
                Text,
                "'ok'; 'flagged' where there is a value and a reason not to trust it; 'not_computed' with the reason",
            ),
            optional(
                "reason",
                Text,
                "why there is no value, or why it is flagged (vocabulary in docs/outputs.md)",
            ),
            required(
                "meaning",
                Text,
                "what the value says, from the model's manifest, the scoring file or the absolute risk model",
            ),
            optional(
                "percentile",
                F64,
                "of a score: its percentile among the panel's people of the most similar population (of equal scores the mean rank); null without --ancestry",
            ),
            optional(
                "population",
                Text,
                "the most similar population of the panel; null without --ancestry or where the patient cannot be placed",
            ),
            optional(
                "population_value",
                F64,
                "of an absolute risk: the average risk of people of the same sex between the same ages",
            ),
            optional(
                "age_start",
                F64,
                "of an absolute risk: age at its beginning, in years",
            ),
            optional(
                "age_end",
                F64,
                "of an absolute risk: age at its end, in years",
            ),
            optional(
                "curve_ages",
                F64List,
                "of an absolute risk: ages in years, at most 21, from age_start to age_end in whole steps, both ends among them",
            ),
            optional(
                "curve",
                F64List,
                "of an absolute risk: the patient's risk from age_start to each of these ages: 0 at the first, value at the last",
            ),
            optional(
                "population_curve",
                F64List,
                "the same of the average risk: 0 at the first age, population_value at the last",
            ),
            optional(
                "missing_factors",
                Text,
                "of an absolute risk: factors that the patient has no value of, joined by ';'; the risk is averaged over them",
            ),
            optional(
                "coverage",
                F64,
                "of a score: share (0 to 1) of its summed absolute weight that is called in the patient; of an absolute risk the least of the scores in it; of a patient model: share of the alleles scored by the run's variant models at which the patient has a complete call (Y of females left out); null without variant models",
            ),
            optional(
                "assumed_reference",
                F64,
                "share (0 to 1) of the same weight or alleles that was taken for reference on the user's word (--absent-as-reference); of an absolute risk the greatest of the scores in it, of a patient model the greatest over the variant models",
            ),
            optional(
                "contributions",
                Text,
                "of a patient model with --explain: the five predictors that move the result most from the mean of the run's patients, with their Shapley values in the scale of explanations.parquet, such as 'age +0.412; bmi -0.103'; null otherwise",
            ),
            required(
                "model",
                Text,
                "name of the patient model, score or absolute risk model",
            ),
            required(
                "model_version",
                Text,
                "its version; of a score the name that its developers gave it, if they gave one, else empty",
            ),
            required(
                "model_sha256",
                Text,
                "SHA-256 of its ONNX file, scoring file or TOML file",
            ),
            required("genome_build", Text, "genome build of the run"),
        ],
    };

    /// Polygenic scores of patients.
    pub const SCORES: Self = Self {
        name: "scores",
        meaning: "a row for each patient and polygenic score; sorted by patient, then score. Written where scores are asked for",
        columns: &[
            required("patient", Text, "patient identifier"),
            required("score", Text, "name of the score"),
            required(
                "state",
                Text,
                "'ok', 'flagged' or 'not_computed', as in risk.parquet",
            ),
            optional("reason", Text, "why it is flagged or not computed"),
            optional(
                "sum",
                F64,
                "sum over matched alleles of weight times copies of the effect allele, with what was imputed",
            ),
            optional(
                "rescaled_sum",
                F64,
                "the sum times the copies that all scorable rows would have over those that were counted: what stands in risk.parquet. Rows that no record of the data has count as missing too. It is the sum where everything is called or imputed",
            ),
            optional(
                "average",
                F64,
                "sum over counted copies: SCORE_AVG of plink2",
            ),
            required("alleles_total", U64, "rows of the scoring file"),
            required(
                "alleles_scorable",
                U64,
                "of these, rows that name an allele of the reference and that the policies on strands and repeated rows leave in: what could be scored, whatever the data have. score_variants.parquet says what became of the others",
            ),
            required(
                "alleles_called",
                U64,
                "of these, rows at which the patient has a complete call (or dosage)",
            ),
            required(
                "alleles_assumed",
                U64,
                "of these, rows taken for reference on the user's word",
            ),
            required(
                "alleles_missing",
                U64,
                "of these, rows without a complete call, those that no record of the data has included",
            ),
            optional(
                "coverage",
                F64,
                "share (0 to 1) of the file's summed absolute weight that is called in the patient; rows that were lost on the way count as not called",
            ),
            optional(
                "assumed_reference",
                F64,
                "share that was taken for reference on the user's word",
            ),
            optional(
                "missing",
                F64,
                "share that could be scored and is not called in the patient, in the data or not",
            ),
            optional(
                "not_counted",
                F64,
                "share of rows of which the patient has no copy: Y of a female",
            ),
            optional(
                "not_scorable",
                F64,
                "share of rows that cannot be scored whatever the data have. The five shares add up to 1",
            ),
            required(
                "allele_count",
                U64,
                "copies that were counted, imputed ones left out: ALLELE_CT of plink2",
            ),
            optional(
                "dosage_sum",
                F64,
                "copies of effect alleles among them: NAMED_ALLELE_DOSAGE_SUM of plink2",
            ),
            optional(
                "panel_sum",
                F64,
                "sum over the alleles that the panel has, with the panel's mean where the patient has no call: what the next columns compare with the panel",
            ),
            optional(
                "panel_coverage",
                F64,
                "share of the file's summed absolute weight that the panel has, and so the panel sum; below --min-coverage there is neither percentile nor Z",
            ),
            optional(
                "population",
                Text,
                "the most similar population of the panel",
            ),
            optional("percentile", F64, "percentile_MostSimilarPop of pgsc_calc"),
            optional(
                "z_most_similar_population",
                F64,
                "Z_MostSimilarPop of pgsc_calc: distance from that population's mean in its standard deviations",
            ),
            optional(
                "z_norm1",
                F64,
                "Z_norm1 of pgsc_calc: mean adjusted by principal components",
            ),
            optional(
                "z_norm2",
                F64,
                "Z_norm2 of pgsc_calc: mean and variance adjusted by principal components",
            ),
            optional(
                "adjustment_reason",
                Text,
                "why there is no percentile and no Z; null where there are, or without --ancestry",
            ),
        ],
    };

    /// What scores are compared with.
    pub const SCORE_REFERENCES: Self = Self {
        name: "score_references",
        meaning: "a row for each polygenic score that is compared with the panel and each population of the panel with people for it: the sums that the percentile and z_most_similar_population of scores.parquet compare panel_sum with; sorted by score, then population. Written under --ancestry where scores are asked for",
        columns: &[
            required("score", Text, "name of the score"),
            required("population", Text, "population of the panel"),
            required(
                "people",
                U64,
                "unrelated people of the population whose sums these are",
            ),
            required("mean", F64, "mean of their sums"),
            required(
                "standard_deviation",
                F64,
                "standard deviation of their sums (dividing by their number)",
            ),
            required(
                "quantiles",
                F64List,
                "the 0th, 1st, ..., 100th percentile of their sums (101 numbers), by linear interpolation between ordered sums",
            ),
            required("panel", Text, "name and release of the panel"),
        ],
    };

    /// What became of each row of the scoring files.
    pub const SCORE_VARIANTS: Self = Self {
        name: "score_variants",
        meaning: "a row for each row of each scoring file, with what became of it; by scoring file in the order of its score's name, then row (of a file with several columns of weights a row for each). Written where scores are asked for",
        columns: &[
            required("score", Text, "name of the score"),
            required(
                "row",
                U32,
                "number of the row in the scoring file, from 1, the header left out",
            ),
            optional("rsid", Text, "rsID of the row"),
            optional(
                "contig",
                Text,
                "contig as the file names it (harmonised where that is used)",
            ),
            optional(
                "position",
                U32,
                "position in the file on the run's build, 1-based",
            ),
            optional("effect_allele", Text, "effect allele as written"),
            optional(
                "other_allele",
                Text,
                "other allele as written (harmonised where the file leaves it out and that is given)",
            ),
            optional(
                "weight",
                F64,
                "effect weight; null for rows with weights by dosage",
            ),
            required(
                "effect_type",
                Text,
                "additive, dominant, recessive, dosage_weights, interaction, haplotype or diplotype",
            ),
            optional(
                "match_type",
                Text,
                "ref_alt (the effect allele is ALT), alt_ref (it is REF), the same with _flipped on the other strand, and no_other_alt, no_other_ref (and _flipped) without the other allele; null where no allele fits the reference",
            ),
            optional(
                "matched_position",
                U32,
                "position of the normalised allele, 1-based",
            ),
            optional("matched_ref", Text, "its REF"),
            optional("matched_alt", Text, "its ALT"),
            optional(
                "reason",
                Text,
                "why the row is not scored; null where it is",
            ),
            required(
                "patients_called",
                U32,
                "patients with a complete call (or dosage) of the allele",
            ),
            required(
                "patients_assumed",
                U32,
                "patients taken for reference on the user's word",
            ),
            required(
                "patients_missing",
                U32,
                "patients whose call is missing or partial",
            ),
            required(
                "patients_not_assayed",
                U32,
                "patients whose file has no record of the site; all of them where the row is matched to nothing",
            ),
        ],
    };

    /// Where patients lie in the panel.
    pub const ANCESTRY: Self = Self {
        name: "ancestry",
        meaning: "a row for each patient; sorted by patient. Written under --ancestry",
        columns: &[
            required("patient", Text, "patient identifier"),
            optional(
                "population",
                Text,
                "the most similar population of the panel; null where the patient cannot be placed",
            ),
            optional(
                "probability",
                F64,
                "its probability among the panel's populations",
            ),
            required(
                "state",
                Text,
                "'ok', 'low_confidence' (placed, but no population is clearly the most similar one) or 'not_computed'",
            ),
            optional(
                "reason",
                Text,
                "why confidence is low, or why the patient is not placed",
            ),
            required(
                "sites",
                U64,
                "sites of the panel that are called in the patient",
            ),
            required(
                "sites_assumed",
                U64,
                "sites taken for reference on the user's word: they place nobody",
            ),
            required("share_of_sites", F64, "of all sites of the panel"),
            optional(
                "mahalanobis_p",
                F64,
                "chi-squared probability of a squared Mahalanobis distance as large as that from a population's centre (n - 1 degrees of freedom for n components, as pgscatalog has it), the greatest over the populations: below 0.001 the patient is off the panel",
            ),
            optional(
                "components",
                F64List,
                "coordinates on the panel's principal components, corrected for shrinkage; null where they cannot be computed",
            ),
            required("panel", Text, "name and release of the panel"),
        ],
    };
}
