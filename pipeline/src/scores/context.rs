//! What scores, ancestry and absolute risk need, opened and checked before the first record.

use std::path::PathBuf;
use std::sync::Arc;

use varisk_ancestry::{Panel, Projection, ProjectionOptions, ScoreAdjuster};
use varisk_core::{Analysis, ContigId, ContigSet, GenomeBuild, Patient, Position, Reason, Sex};
use varisk_knowledge::Bundle;
use varisk_polygenic::{
    AmbiguousStrand, ColumnNames, DuplicateRows, FoldOptions, MIN_COHORT, MissingPolicy,
    PanelFrequencies, PlanOptions, PolygenicError, PolygenicScores, RsidResolver, ScorePlan,
    ScoreSource, Standardisation, UnsupportedRows,
};
use varisk_readers::SiteAllele;
use varisk_reference::Reference;
use varisk_report::SourceRecord;
use varisk_risk::AbsoluteRiskModel;

use super::resolver::BundleResolver;
use crate::arguments::{
    AmbiguousChoice, DuplicatesChoice, ImputeChoice, ScoreFormatChoice, StandardiseChoice,
    UnsupportedChoice,
};
use crate::exit::Refusal;
use crate::genome::pseudoautosomal;
use crate::settings::ScoreSettings;

/// Principal components by which scores are adjusted, as pgsc_calc has them.
const ADJUSTING_COMPONENTS: usize = 4;

/// Everything that is opened.
pub(crate) struct ScoreContext {
    /// The scores, if any are asked for.
    pub(crate) plan: Option<Arc<ScorePlan>>,
    /// The panel, if one is given.
    pub(crate) panel: Option<Arc<Panel>>,
    /// For each score how it is compared with the panel, or why it is not.
    pub(crate) adjusters: Vec<Result<ScoreAdjuster, Reason>>,
    /// Absolute risk models, each with the SHA-256 of its file.
    pub(crate) absolute: Vec<(AbsoluteRiskModel, String)>,
    /// Folds that have seen nothing.
    prototypes: Vec<Box<dyn Analysis>>,
    pub(crate) warnings: Vec<String>,
}

impl ScoreContext {
    /// Opens everything.
    pub(crate) fn open(
        settings: &ScoreSettings,
        build: GenomeBuild,
        patients: &[Patient],
        reference: &Reference,
        bundle: Option<&Bundle>,
    ) -> anyhow::Result<Self> {
        refuse_idle_flags(settings, bundle)?;
        let mut warnings = Vec::new();
        let panel = match &settings.ancestry {
            None => None,
            Some(folder) => {
                let panel = Panel::open(folder)?;
                if panel.genome_build() != build.name() {
                    return Err(Refusal::Data(format!(
                        "{}: the panel is on {}, the run on {build}; use a panel on {build}",
                        folder.display(),
                        panel.genome_build()
                    ))
                    .into());
                }
                Some(Arc::new(panel))
            }
        };
        let plan = if settings.files.is_empty() {
            None
        } else {
            let frequencies = panel
                .as_deref()
                .filter(|panel| !panel.frequencies().is_empty())
                .map(panel_frequencies);
            Some(Arc::new(score_plan(
                settings,
                build,
                reference,
                bundle,
                frequencies.as_ref(),
            )?))
        };
        let mut absolute: Vec<(AbsoluteRiskModel, String)> = Vec::new();
        for path in &settings.absolute_risk {
            let model = AbsoluteRiskModel::read(path)?;
            if absolute
                .iter()
                .any(|(other, _)| other.name() == model.name())
            {
                return Err(Refusal::Usage(format!(
                    "two absolute risk models are named '{}'; give each a name of its own",
                    model.name()
                ))
                .into());
            }
            warnings.extend(model.warnings().iter().cloned());
            absolute.push((model, crate::hash::file(path)?.unwrap_or_default()));
        }
        let sexes: Vec<Sex> = patients.iter().map(|patient| patient.sex).collect();
        let mut prototypes: Vec<Box<dyn Analysis>> = Vec::new();
        if let Some(plan) = &plan {
            refuse_unknown_sex(plan, &sexes)?;
            prototypes.push(Box::new(PolygenicScores::new(
                Arc::clone(plan),
                sexes,
                fold_options(settings, patients.len())?,
            )?));
        }
        if let Some(panel) = &panel {
            prototypes.push(Box::new(Projection::new(
                Arc::clone(panel),
                reference.contigs(),
                patients.len(),
                ProjectionOptions::default(),
            )?));
        }
        let adjusters = adjusters(settings, plan.as_deref(), panel.as_deref(), &mut warnings);
        Ok(Self {
            plan,
            panel,
            adjusters,
            absolute,
            prototypes,
            warnings,
        })
    }

    /// The folds, empty.
    pub(crate) fn analyses(&self) -> impl Iterator<Item = Box<dyn Analysis>> {
        self.prototypes.iter().map(|fold| fold.empty())
    }

    /// Positions at which scores or the panel need calls.
    pub(crate) fn wanted(&self, contigs: &ContigSet) -> Vec<(ContigId, Position)> {
        let scores = self.plan.iter().flat_map(|plan| plan.wanted());
        let panel = self.panel.iter().flat_map(|panel| panel.sites());
        let panel = panel.filter_map(|site| Some((contigs.find(&site.contig)?, site.position)));
        scores.chain(panel).collect()
    }

    /// The alleles of scores and panel.
    pub(crate) fn sites(&self, contigs: &ContigSet) -> Vec<SiteAllele> {
        let mut sites: Vec<SiteAllele> = Vec::new();
        if let Some(plan) = &self.plan {
            sites.extend(plan.sites().map(|site| SiteAllele {
                contig: site.contig,
                position: site.position,
                reference: site.reference,
                alternate: site.alternate,
            }));
        }
        if let Some(panel) = &self.panel {
            sites.extend(panel.sites().iter().filter_map(|site| {
                Some(SiteAllele {
                    contig: contigs.find(&site.contig)?,
                    position: site.position,
                    reference: vec![site.reference],
                    alternate: vec![site.alternate],
                })
            }));
        }
        sites
    }

    /// Tables that absolute risk models name.
    pub(crate) fn risk_tables(&self) -> Vec<PathBuf> {
        let sources = self.absolute.iter().flat_map(|(model, _)| model.sources());
        // The model itself is an input of its own.
        let sources = sources.filter(|source| source.role != "log_relative_risks");
        let mut paths: Vec<PathBuf> = sources.map(|source| source.path.clone()).collect();
        paths.sort();
        paths.dedup();
        paths.retain(|path| path.is_file());
        paths
    }

    /// What `run.json` says of panel and tables.
    pub(crate) fn sources(&self) -> anyhow::Result<Vec<SourceRecord>> {
        let mut records = Vec::new();
        if let Some(panel) = &self.panel {
            records.push(SourceRecord {
                name: panel.name().to_owned(),
                kind: "ancestry_panel".to_owned(),
                release: panel.release().to_owned(),
                licence: panel.licence().to_owned(),
                sha256: panel.fingerprint().to_owned(),
            });
        }
        for (model, _) in &self.absolute {
            for source in model.sources() {
                let year = source
                    .year
                    .map_or_else(String::new, |year| year.to_string());
                records.push(SourceRecord {
                    name: format!("{}: {}", model.name(), source.source),
                    kind: source.role.to_owned(),
                    release: year,
                    licence: String::new(),
                    sha256: crate::hash::file(&source.path)?.unwrap_or_default(),
                });
            }
        }
        Ok(records)
    }
}

fn refuse_idle_flags(settings: &ScoreSettings, bundle: Option<&Bundle>) -> anyhow::Result<()> {
    let refuse = |message: &str| Err(Refusal::Usage(message.to_owned()).into());
    if settings.impute == ImputeChoice::Frequencies && settings.frequencies.is_none() {
        return refuse(
            "--impute frequencies needs the field that holds them; name it with --frequencies, such as gnomad.af",
        );
    }
    if settings.impute == ImputeChoice::Panel && settings.ancestry.is_none() {
        return refuse("--impute panel needs a panel; name it with --ancestry");
    }
    for (flag, field) in [
        ("--frequencies", &settings.frequencies),
        ("--rsids", &settings.rsids),
    ] {
        match (field, bundle) {
            (Some(field), None) => {
                return refuse(&format!(
                    "{flag} {field} is a field of a bundle, and there is none; name it with --knowledge"
                ));
            }
            (Some(field), Some(bundle)) => bundle.require(&[field])?,
            (None, _) => {}
        }
    }
    Ok(())
}

/// A score on X counts a male once: that needs to know who is male.
fn refuse_unknown_sex(plan: &ScorePlan, sexes: &[Sex]) -> anyhow::Result<()> {
    let unknown = sexes.iter().filter(|sex| **sex == Sex::Unknown).count();
    match plan.needs_sex().first() {
        Some(score) if unknown > 0 => Err(Refusal::Data(format!(
            "score '{score}' has alleles on X or Y outside the pseudoautosomal regions, and the sex of {unknown} patients is not recorded; add the column 'sex' to the samplesheet (or to the labels of a panel)"
        ))
        .into()),
        _ => Ok(()),
    }
}

fn fold_options(settings: &ScoreSettings, patients: usize) -> anyhow::Result<FoldOptions> {
    let missing = match (settings.impute, &settings.frequencies) {
        (ImputeChoice::Cohort, _) if patients < MIN_COHORT as usize => {
            return Err(Refusal::Usage(format!(
                "the mean that stands for missing calls is taken over at least {MIN_COHORT} people, and there are {patients}; in a run take --impute frequencies or panel or leave it out, in a panel give more people or leave --score out"
            ))
            .into());
        }
        (ImputeChoice::Cohort, _) => MissingPolicy::Cohort,
        (ImputeChoice::Panel, _) => MissingPolicy::Panel,
        (ImputeChoice::Frequencies, Some(column)) => MissingPolicy::Frequencies {
            column: column.clone(),
        },
        _ => MissingPolicy::None,
    };
    let standardisation = match settings.standardise {
        StandardiseChoice::None => Standardisation::None,
        _ if missing == MissingPolicy::None => {
            return Err(Refusal::Usage("--standardise needs frequencies; say with --impute where they come from: cohort, frequencies or panel".to_owned()).into());
        }
        StandardiseChoice::Centre => Standardisation::Centre,
        StandardiseChoice::Scale => Standardisation::Scale,
    };
    Ok(FoldOptions {
        missing,
        standardisation,
        frequency_column: settings.frequencies.clone(),
        dosage_sums: settings.formats.contains(&ScoreFormatChoice::Sscore),
    })
}

fn panel_frequencies(panel: &Panel) -> PanelFrequencies {
    let mut frequencies =
        PanelFrequencies::new(format!("{} {}", panel.name(), panel.fingerprint()));
    for allele in panel.frequencies() {
        frequencies.insert(
            &allele.contig,
            allele.position,
            allele.reference.as_bytes(),
            allele.alternate.as_bytes(),
            allele.frequency,
        );
    }
    frequencies
}

/// Columns by the names that the user gives: `effect_allele=A1,effect_weight=W1+W2`.
fn column_names(map: &str) -> anyhow::Result<ColumnNames> {
    let mut names = ColumnNames::default();
    for pair in map.split(',') {
        let refuse = |detail: &str| Refusal::Usage(format!("--score-columns: '{pair}' {detail}"));
        let (name, column) = pair
            .split_once('=')
            .ok_or_else(|| refuse("is not NAME=COLUMN; write it so"))?;
        let column = column.trim().to_owned();
        match name.trim() {
            "chr_name" => names.contig = Some(column),
            "chr_position" => names.position = Some(column),
            "effect_allele" => names.effect_allele = Some(column),
            "other_allele" => names.other_allele = Some(column),
            "rsID" | "rsid" => names.rsid = Some(column),
            "allelefrequency_effect" => names.frequency = Some(column),
            "effect_weight" => names.weights = column.split('+').map(str::to_owned).collect(),
            _ => return Err(refuse("names no column of scoring files; use chr_name, chr_position, effect_allele, other_allele, effect_weight, rsID or allelefrequency_effect").into()),
        }
    }
    Ok(names)
}

fn score_plan(
    settings: &ScoreSettings,
    build: GenomeBuild,
    reference: &Reference,
    bundle: Option<&Bundle>,
    frequencies: Option<&PanelFrequencies>,
) -> anyhow::Result<ScorePlan> {
    let columns = settings.columns.as_deref().map(column_names).transpose()?;
    let columns = columns.unwrap_or_default();
    let sources: Vec<ScoreSource> = settings
        .files
        .iter()
        .map(|path| ScoreSource {
            path: path.clone(),
            columns: columns.clone(),
        })
        .collect();
    if let Some(claimed) = settings.build.filter(|claimed| *claimed != build) {
        return Err(Refusal::Usage(format!("--score-build {claimed} differs from the run's build {build}, and positions are not lifted over; use scoring files harmonised to {build}")).into());
    }
    let options = PlanOptions {
        build,
        assume_build: settings.build.is_some(),
        ambiguous: match settings.ambiguous {
            AmbiguousChoice::Drop => AmbiguousStrand::Drop,
            AmbiguousChoice::Keep => AmbiguousStrand::Keep,
            AmbiguousChoice::ByFrequency => AmbiguousStrand::ByFrequency,
        },
        duplicates: match settings.duplicates {
            DuplicatesChoice::Refuse => DuplicateRows::Refuse,
            DuplicatesChoice::Sum => DuplicateRows::Sum,
            DuplicatesChoice::Drop => DuplicateRows::Drop,
        },
        unsupported: match settings.unsupported_rows {
            UnsupportedChoice::Refuse => UnsupportedRows::Refuse,
            UnsupportedChoice::Drop => UnsupportedRows::Drop,
        },
        scaled: settings.standardise == StandardiseChoice::Scale,
        pseudoautosomal: match &settings.par {
            Some(path) => Some(pseudoautosomal(path, reference.contigs())?),
            None => None,
        },
    };
    let resolver = match (bundle, &settings.rsids) {
        (Some(bundle), Some(field)) => Some(BundleResolver {
            bundle,
            field,
            contigs: reference.contigs(),
        }),
        _ => None,
    };
    let resolver = resolver
        .as_ref()
        .map(|resolver| resolver as &dyn RsidResolver);
    let plan = ScorePlan::build(&sources, &options, reference, resolver, frequencies);
    plan.map_err(|error| match error {
        PolygenicError::Identifiers { .. } if resolver.is_none() => Refusal::Data(format!(
            "{error}; name the field that holds them with --rsids, such as dbsnp.id"
        ))
        .into(),
        error => error.into(),
    })
}

/// Settings that decide which alleles of a score count, and how: a patient's score and that of the
/// panel must have the same.
pub(crate) fn matching_settings(settings: &ScoreSettings) -> String {
    let par = settings.par.as_deref();
    let par = par.and_then(|path| crate::hash::file(path).ok().flatten());
    format!(
        "columns={} par={} ambiguous={:?} duplicates={:?} unsupported_rows={:?}",
        settings.columns.as_deref().unwrap_or("-"),
        par.as_deref().unwrap_or("-"),
        settings.ambiguous,
        settings.duplicates,
        settings.unsupported_rows
    )
}

fn adjusters(
    settings: &ScoreSettings,
    plan: Option<&ScorePlan>,
    panel: Option<&Panel>,
    warnings: &mut Vec<String>,
) -> Vec<Result<ScoreAdjuster, Reason>> {
    let (Some(plan), Some(panel)) = (plan, panel) else {
        return Vec::new();
    };
    let wanted = matching_settings(settings);
    let mut absent = 0;
    let adjusters = plan.scores().iter().map(|score| {
        let known = panel
            .score(&score.name)
            .filter(|known| known.sha256 == score.sha256 && known.settings == wanted);
        let adjuster = match known {
            Some(_) => ScoreAdjuster::new(panel, &score.name, ADJUSTING_COMPONENTS),
            None => Err(Reason::ScoreNotInPanel),
        };
        absent += usize::from(adjuster.is_err());
        adjuster
    });
    let adjusters = adjusters.collect();
    if absent > 0 {
        warnings.push(format!(
            "{absent} of {} scores have no distribution in the panel (of the same scoring file and settings), so they get neither percentile nor Z; build the panel with --score for them",
            plan.scores().len()
        ));
    }
    adjusters
}
