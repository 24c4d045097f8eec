//! Header lines of scoring files: `#key=value` of format 2, `# Key = value` of format 1.

/// What the header of a scoring file says about its score; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScoreMetadata {
    /// Identifier (`pgs_id`, `omicspred_id` or `score_id`).
    pub pgs_id: Option<String>,
    /// Name of the score.
    pub pgs_name: Option<String>,
    /// Trait as the authors call it.
    pub trait_reported: Option<String>,
    /// Trait in the words of an ontology; several are separated by `|`.
    pub trait_mapped: Option<String>,
    /// Ontology terms (EFO, MONDO, HP ...); several are separated by `|`.
    pub trait_efo: Option<String>,
    /// What the weights are, such as `beta`; `NR` where nobody says.
    pub weight_type: Option<String>,
    /// Build of the original positions, as written; `NR` where nobody says.
    pub genome_build: Option<String>,
    /// Build that the harmonised positions are on.
    pub harmonised_build: Option<String>,
    /// Number of variants that the file says it has.
    pub variants_number: Option<u64>,
    /// Publication in the PGS Catalog.
    pub pgp_id: Option<String>,
    /// Citation of the publication.
    pub citation: Option<String>,
    /// Licence, where it is not that of the PGS Catalog.
    pub license: Option<String>,
}

/// Reads one line that starts with `#`; lines without `=` and unknown keys are comments.
pub(super) fn parse_header_line(line: &[u8], metadata: &mut ScoreMetadata) {
    let text = String::from_utf8_lossy(line);
    // Values hold `=` themselves (licences, links): only the first one separates.
    let Some((key, value)) = text.trim_start_matches('#').split_once('=') else {
        return;
    };
    let (key, value) = (key.trim(), value.trim());
    if value.is_empty() {
        return;
    }
    let field = match key {
        "pgs_id" | "omicspred_id" | "score_id" | "PGS ID" => &mut metadata.pgs_id,
        "pgs_name" | "PGS Name" => &mut metadata.pgs_name,
        "trait_reported" | "Reported Trait" => &mut metadata.trait_reported,
        "trait_mapped" | "Mapped Trait" => &mut metadata.trait_mapped,
        "trait_efo" | "Mapped Trait(s) (EFO)" => &mut metadata.trait_efo,
        "weight_type" | "Type of Weight" => &mut metadata.weight_type,
        "genome_build" | "Original Genome Build" => &mut metadata.genome_build,
        "HmPOS_build" => &mut metadata.harmonised_build,
        "pgp_id" | "PGP ID" => &mut metadata.pgp_id,
        "citation" | "Citation" => &mut metadata.citation,
        "license" | "LICENSE" | "License" => &mut metadata.license,
        "variants_number" | "Number of Variants" => {
            metadata.variants_number = value.parse().ok();
            return;
        }
        _ => return,
    };
    *field = Some(value.to_owned());
}
