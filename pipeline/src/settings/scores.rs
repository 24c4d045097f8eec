//! Settings of polygenic scores, ancestry and absolute risk.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use varisk_core::GenomeBuild;

use super::{ConfigFile, genome_build};
use crate::arguments::{
    AmbiguousChoice, DosageChoice, DuplicatesChoice, ImputeChoice, LowCoverageChoice,
    ScoreArguments, ScoreFormatChoice, StandardiseChoice, UnsupportedChoice,
};
use crate::exit::Refusal;

/// Polygenic scores and what is made of them. It travels with shards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScoreSettings {
    /// Scoring files; folders are replaced by the files in them.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) columns: Option<String>,
    pub(crate) build: Option<GenomeBuild>,
    /// Pseudoautosomal regions, as those of the run.
    pub(crate) par: Option<PathBuf>,
    pub(crate) ambiguous: AmbiguousChoice,
    pub(crate) duplicates: DuplicatesChoice,
    pub(crate) unsupported_rows: UnsupportedChoice,
    pub(crate) impute: ImputeChoice,
    pub(crate) standardise: StandardiseChoice,
    pub(crate) frequencies: Option<String>,
    pub(crate) rsids: Option<String>,
    pub(crate) dosages: DosageChoice,
    pub(crate) min_coverage: f64,
    pub(crate) low_coverage: LowCoverageChoice,
    pub(crate) ancestry: Option<PathBuf>,
    pub(crate) absolute_risk: Vec<PathBuf>,
    pub(crate) formats: Vec<ScoreFormatChoice>,
    pub(crate) sampleset: String,
}

impl ScoreSettings {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.ancestry.is_none() && self.absolute_risk.is_empty()
    }

    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.files
            .iter_mut()
            .chain(&mut self.par)
            .chain(&mut self.ancestry)
            .chain(&mut self.absolute_risk)
    }

    /// Takes the paths out: another node may mount the files elsewhere.
    pub(crate) fn clear_paths(&mut self) {
        self.paths().for_each(PathBuf::clear);
    }

    /// Makes the paths absolute, so that `merge` finds the files from anywhere.
    pub(crate) fn make_absolute(&mut self) {
        self.paths().for_each(|path| {
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        });
    }
}

/// Bytes of records in a batch where scores alone are computed.
pub(super) const SCORE_BATCH_BYTES: usize = 4 << 20;

/// Share of a score's weight that must be called unless set.
const DEFAULT_MIN_COVERAGE: f64 = 0.75;

pub(super) fn scores(
    flags: &ScoreArguments,
    file: &mut ConfigFile,
    folder: &Path,
) -> anyhow::Result<ScoreSettings> {
    let paths = |flags: &[PathBuf], own: Vec<PathBuf>| -> Vec<PathBuf> {
        if flags.is_empty() {
            own.iter().map(|path| folder.join(path)).collect()
        } else {
            flags.to_vec()
        }
    };
    let min_coverage = flags
        .min_coverage
        .or(file.min_coverage)
        .unwrap_or(DEFAULT_MIN_COVERAGE);
    if !(0.0..=1.0).contains(&min_coverage) {
        return Err(
            Refusal::Usage("min_coverage must be from 0 to 1; correct it".to_owned()).into(),
        );
    }
    let sampleset = flags.sampleset.clone().or(file.sampleset.take());
    let sampleset = sampleset.unwrap_or_else(|| "varisk".to_owned());
    // It becomes part of the names of files.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if sampleset.is_empty() || sampleset.starts_with('.') || !sampleset.chars().all(is_plain) {
        return Err(Refusal::Usage(
            "--sampleset must be of letters, digits, '_', '-' and '.', and not begin with '.'; correct it"
                .to_owned(),
        )
        .into());
    }
    let own_scores = std::mem::take(&mut file.scores);
    let own_risk = std::mem::take(&mut file.absolute_risk);
    Ok(ScoreSettings {
        files: scoring_files(paths(&flags.files.scores, own_scores))?,
        columns: flags
            .files
            .score_columns
            .clone()
            .or(file.score_columns.take()),
        par: None,
        build: genome_build(flags.files.score_build.clone().or(file.score_build.take()))?,
        ambiguous: flags
            .files
            .ambiguous
            .or(file.ambiguous)
            .unwrap_or(AmbiguousChoice::Drop),
        duplicates: flags
            .files
            .duplicates
            .or(file.duplicates)
            .unwrap_or(DuplicatesChoice::Drop),
        unsupported_rows: flags
            .files
            .unsupported_rows
            .or(file.unsupported_rows)
            .unwrap_or(UnsupportedChoice::Refuse),
        impute: flags.impute.or(file.impute).unwrap_or(ImputeChoice::None),
        standardise: flags
            .standardise
            .or(file.standardise)
            .unwrap_or(StandardiseChoice::None),
        frequencies: flags.frequencies.clone().or(file.frequencies.take()),
        rsids: flags.rsids.clone().or(file.rsids.take()),
        dosages: flags.dosages.or(file.dosages).unwrap_or(DosageChoice::Gt),
        min_coverage,
        low_coverage: flags
            .low_coverage
            .or(file.low_coverage)
            .unwrap_or(LowCoverageChoice::Refuse),
        ancestry: flags
            .ancestry
            .clone()
            .or_else(|| file.ancestry.take().map(|path| folder.join(path))),
        absolute_risk: paths(&flags.absolute_risk, own_risk),
        formats: if flags.score_formats.is_empty() {
            std::mem::take(&mut file.score_formats)
        } else {
            flags.score_formats.clone()
        },
        sampleset,
    })
}

/// Replaces folders by the files in them, by name.
fn scoring_files(paths: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        if !path.is_dir() {
            files.push(path);
            continue;
        }
        let unreadable =
            |error| Refusal::NoInput(format!("cannot open {}: {error}", path.display()));
        let mut own = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            let is_hidden = file
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if file.is_file() && !is_hidden {
                own.push(file);
            }
        }
        if own.is_empty() {
            return Err(Refusal::NoInput(format!(
                "{} holds no scoring file; name a folder that does, or the files",
                path.display()
            ))
            .into());
        }
        own.sort();
        files.extend(own);
    }
    Ok(files)
}
