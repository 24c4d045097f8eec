//! What decides the tables: marks of the input files and the settings, as they stand in `run.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use varisk_alignments::{
    MIN_CONCORDANCE, MIN_CONCORDANCE_SITES, MIN_READ_GENOTYPE_DEPTH, MIN_READ_GENOTYPE_QUALITY,
};
use varisk_ancestry::PANEL_FILE;
use varisk_knowledge::LOCK_FILE;
use varisk_readers::Regions;
use varisk_risk::ClinicalClass;

use crate::exit::Refusal;
use crate::fold_plan::{
    ABSOLUTE_RISK, ALIGNMENT, ANCESTRY, GENE_MODELS, KNOWLEDGE_LOCK, PAR, REFERENCE,
    REFERENCE_INDEX, RISK_TABLE, SCORING_FILE, VARIANTS,
};
use crate::hash;
use crate::inputs::Inputs;
use crate::settings::Settings;

/// Marks of all inputs that decide the tables.
pub(crate) fn fingerprints(
    settings: &Settings,
    inputs: &Inputs,
    risk_tables: &[PathBuf],
) -> anyhow::Result<Vec<(String, PathBuf, String)>> {
    let index = PathBuf::from(format!("{}.fai", settings.reference.display()));
    let lock = settings
        .annotation
        .knowledge
        .as_ref()
        .map(|folder| folder.join(LOCK_FILE));
    let mut files: Vec<(&str, &Path)> = inputs
        .paths
        .iter()
        .map(|path| (VARIANTS, path.as_path()))
        .collect();
    let (annotation, evidence) = (&settings.annotation, &settings.evidence);
    files.push((REFERENCE, &settings.reference));
    files.push((REFERENCE_INDEX, &index));
    let single = [
        ("samplesheet", &settings.samplesheet),
        (PAR, &settings.par),
        ("regions", &settings.regions_file),
        (KNOWLEDGE_LOCK, &lock),
        (GENE_MODELS, &annotation.gene_models),
        ("sites", &evidence.sites),
        ("callable", &evidence.callable),
    ];
    files.extend(
        single
            .iter()
            .filter_map(|(role, path)| Some((*role, path.as_deref()?))),
    );
    let scores = &settings.scores;
    files.extend(
        scores
            .files
            .iter()
            .map(|path| (SCORING_FILE, path.as_path())),
    );
    let panel = scores
        .ancestry
        .as_ref()
        .map(|folder| folder.join(PANEL_FILE));
    files.extend(panel.as_deref().map(|path| (ANCESTRY, path)));
    files.extend(
        scores
            .absolute_risk
            .iter()
            .map(|path| (ABSOLUTE_RISK, path.as_path())),
    );
    files.extend(risk_tables.iter().map(|path| (RISK_TABLE, path.as_path())));
    let callable = inputs.callable_of_the_run();
    files.extend(callable.map(|path| ("callable", path.as_path())));
    let alignments = inputs.alignments.iter().flatten();
    files.extend(alignments.map(|path| (ALIGNMENT, path.as_path())));
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(*file));
    let mark = |(role, path): (&str, &Path)| -> anyhow::Result<_> {
        let fingerprint = if path == Path::new("-") {
            hash::STREAM.to_owned()
        } else {
            hash::fingerprint(path).map_err(|error| {
                Refusal::NoInput(format!("cannot open {}: {error}", path.display()))
            })?
        };
        let reopened = (settings.haplotypes.is_some() || !settings.scores.is_empty())
            && ![VARIANTS, ALIGNMENT].contains(&role);
        // 'merge' opens these again, perhaps in another folder.
        let path = match std::path::absolute(path) {
            Ok(absolute) if reopened => absolute,
            _ => path.to_owned(),
        };
        Ok((role.to_owned(), path, fingerprint))
    };
    files.into_iter().map(mark).collect()
}

/// Settings that decide the tables, as they stand in `run.json`.
pub(crate) fn parameters(settings: &Settings, regions: &Regions) -> serde_json::Value {
    serde_json::json!({
        "regions": settings.regions,
        "regions_file": settings.regions_file.is_some(),
        "whole_genome": regions.intervals().is_none() || settings.shard.is_some() && settings.regions.is_empty() && settings.regions_file.is_none(),
        "ref_mismatch": settings.ref_mismatch,
        "max_bad_records": settings.limits.max_bad_records,
        "tf32": settings.tf32,
        "top": settings.top,
        "pseudonyms": settings.pseudonyms.is_some(),
        "report_classes": settings.report_classes.as_deref().unwrap_or(&ClinicalClass::REPORTED),
        "ignore_unlisted_samples": settings.ignore_unlisted_samples,
        "sources": settings.annotation.sources,
        "consequences": settings.annotation.consequences,
        "consequence_lines": settings.annotation.consequence_lines,
        "flank": settings.annotation.flank,
        "haplotypes": settings.haplotypes,
        "explain": settings.explain,
        "absent_as_reference": settings.evidence.absent_as_reference,
        "min_reference_gq": settings.evidence.min_reference_gq,
        "min_reference_depth": settings.evidence.min_reference_depth,
        "genotype_from_reads": settings.evidence.genotype_from_reads,
        "min_mapq": settings.evidence.min_mapq,
        "min_baseq": settings.evidence.min_baseq,
        "min_read_genotype_depth": MIN_READ_GENOTYPE_DEPTH,
        "min_read_genotype_quality": MIN_READ_GENOTYPE_QUALITY,
        "min_concordance": MIN_CONCORDANCE,
        "min_concordance_sites": MIN_CONCORDANCE_SITES,
        "burden_frequency": settings.burden.as_ref().map(|(column, _)| column),
        "burden_max_frequency": settings.burden.as_ref().map(|(_, limit)| limit),
        "score_columns": settings.scores.columns,
        "score_build": settings.scores.build,
        "ambiguous": settings.scores.ambiguous,
        "duplicates": settings.scores.duplicates,
        "unsupported_rows": settings.scores.unsupported_rows,
        "impute": settings.scores.impute,
        "standardise": settings.scores.standardise,
        "frequencies": settings.scores.frequencies,
        "rsids": settings.scores.rsids,
        "dosages": settings.scores.dosages,
        "min_coverage": settings.scores.min_coverage,
        "low_coverage": settings.scores.low_coverage,
    })
}
