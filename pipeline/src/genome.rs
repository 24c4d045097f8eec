//! The genome of a run: build, regions, ploidy.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varisk_core::{ContigSet, GenomeBuild, Interval, PloidyMap};
use varisk_encode::Bundle;
use varisk_readers::Regions;
use varisk_reference::{BuildEvidence, detect_build};

use crate::exit::Refusal;
use crate::inputs::Inputs;
use crate::settings::Settings;

pub(crate) fn find_build(
    settings: &Settings,
    inputs: &Inputs,
    contigs: &ContigSet,
    warnings: &mut Vec<String>,
) -> anyhow::Result<GenomeBuild> {
    let finding = detect_build(settings.build, contigs, &inputs.build_hints())
        .map_err(|error| {
            anyhow::Error::new(error).context(format!(
                "genome build of {} and {}",
                described(&inputs.paths),
                settings.reference.display()
            ))
        })
        .map_err(|error| {
            let cause = error.root_cause().to_string();
            anyhow::Error::new(Refusal::Data(format!(
                "{} and {}: {cause}",
                described(&inputs.paths),
                settings.reference.display()
            )))
        })?;
    if !finding.truncated_contigs.is_empty() {
        warnings.push(format!(
            "the reference holds only the beginning of contig {}",
            finding.truncated_contigs.join(", ")
        ));
    }
    if let Some((header, fasta)) = finding.mitochondria_differ {
        warnings.push(format!("the variants are on a mitochondrion of {header} bases, the reference has one of {fasta}: mitochondrial records are on another sequence"));
    }
    if finding.evidence == BuildEvidence::Nothing {
        warnings.push("nothing tells the genome build; it is taken as 'other' (no pseudoautosomal regions unless given with --par)".to_owned());
    }
    Ok(finding.build)
}

fn described(paths: &[PathBuf]) -> String {
    match paths {
        [] => "no file".to_owned(),
        [one] if one == Path::new("-") => "standard input".to_owned(),
        [one] => one.display().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
    }
}

pub(crate) fn refuse_other_builds(bundles: &[Bundle], build: GenomeBuild) -> anyhow::Result<()> {
    for bundle in bundles {
        let manifest = &bundle.manifest;
        if !manifest.genome_build.accepts(build) {
            return Err(Refusal::Data(format!("model '{}' is for another genome build than {build}, that of this run; use a model for {build}", manifest.name)).into());
        }
    }
    Ok(())
}

pub(crate) fn regions(settings: &Settings, contigs: &ContigSet) -> anyhow::Result<Regions> {
    let regions = if let Some(path) = &settings.regions_file {
        Regions::parse_bed(&read_text(path)?, &path.display().to_string(), contigs)?
    } else if settings.regions.is_empty() {
        Regions::all()
    } else {
        Regions::parse(&settings.regions, contigs)?
    };
    match &settings.shard {
        Some(choice) => choice.regions(&regions, contigs),
        None => Ok(regions),
    }
}

pub(crate) fn ploidy(
    settings: &Settings,
    contigs: &ContigSet,
    build: GenomeBuild,
) -> anyhow::Result<PloidyMap> {
    let Some(path) = &settings.par else {
        return Ok(PloidyMap::new(contigs, build));
    };
    Ok(PloidyMap::with_regions(
        contigs,
        pseudoautosomal(path, contigs)?,
    ))
}

/// Pseudoautosomal regions of a BED file.
pub(crate) fn pseudoautosomal(path: &Path, contigs: &ContigSet) -> anyhow::Result<Vec<Interval>> {
    let regions = Regions::parse_bed(&read_text(path)?, &path.display().to_string(), contigs)?;
    Ok(regions.intervals().unwrap_or_default().to_vec())
}

pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(path)
        .map_err(|error| Refusal::NoInput(format!("cannot open {}: {error}", path.display())))?)
}

/// The callable regions of each patient: those of the samplesheet, else those of all patients.
pub(crate) fn callable_regions(
    settings: &Settings,
    inputs: &Inputs,
    contigs: &ContigSet,
) -> anyhow::Result<Vec<Option<Arc<Regions>>>> {
    let mut read: HashMap<&Path, Arc<Regions>> = HashMap::new();
    let mut all = Vec::with_capacity(inputs.callable.len());
    for own in &inputs.callable {
        let path = own.as_deref().or(settings.evidence.callable.as_deref());
        let regions = match path {
            None => None,
            Some(path) => Some(match read.get(path) {
                Some(regions) => Arc::clone(regions),
                None => {
                    let text = read_text(path)?;
                    let regions = Regions::parse_bed(&text, &path.display().to_string(), contigs)?;
                    Arc::clone(read.entry(path).or_insert(Arc::new(regions)))
                }
            }),
        };
        all.push(regions);
    }
    Ok(all)
}
