//! From settings to a plan in which everything has been opened and checked, before a record is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use varisk_core::{ContigSet, GenomeBuild, Interval, PloidyMap, Stage, site_schema};
use varisk_encode::{
    Bundle, EncodeError, Encoder, ModelKind, PatientEncoder, RiskDirection, VariantEncoder,
    VocabularySpec,
};
use varisk_readers::{FileInput, RefMismatch, Regions, SiteDecoderSettings};
use varisk_reference::{BuildEvidence, Reference, detect_build};
use varisk_report::ModelRecord;
use varisk_risk::ScoreOutput;
use varisk_score::{Device, Model, ModelOptions, Runtime, ScoreStage, check_graph, open_bundle};

use crate::arguments::{DeviceChoice, RefMismatchChoice};
use crate::exit::Refusal;
use crate::fold_plan::{FoldPlan, FoldedOutput, PatientModel, REFERENCE, VARIANTS};
use crate::hash;
use crate::inputs::Inputs;
use crate::settings::Settings;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Patients and everything.
    Run,
    /// Variants alone.
    Score,
}

/// A run ready to go.
pub(crate) struct Plan {
    pub(crate) fold: FoldPlan,
    pub(crate) files: Vec<FileInput>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) regions: Regions,
    pub(crate) reference: Reference,
    pub(crate) decoder: Arc<SiteDecoderSettings>,
    pub(crate) stages: Vec<Box<dyn Stage>>,
    /// Schema of the batches that leave the last stage.
    pub(crate) schema: SchemaRef,
    pub(crate) patient_models: Vec<Model>,
    pub(crate) model_records: Vec<ModelRecord>,
    pub(crate) runtime: Runtime,
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn device(choice: DeviceChoice) -> Device {
    match choice {
        DeviceChoice::Cpu => Device::Cpu,
        DeviceChoice::Cuda => Device::Cuda,
        DeviceChoice::Auto => Device::Auto,
    }
}

pub(crate) fn model_record(model: &Model) -> ModelRecord {
    let bundle = model.bundle();
    ModelRecord {
        name: bundle.manifest.name.clone(),
        version: bundle.manifest.version.clone(),
        kind: bundle.manifest.kind.name().to_owned(),
        sha256: bundle.model_sha256.clone(),
        manifest_sha256: manifest_sha256(bundle),
        provider: model.provider().name().to_owned(),
        batch_size: bundle.manifest.rows(),
    }
}

/// SHA-256 of a manifest with its vocabulary files.
pub(crate) fn manifest_sha256(bundle: &Bundle) -> String {
    let mut bytes = serde_json::to_vec(&bundle.manifest).unwrap_or_default();
    for input in &bundle.manifest.inputs {
        if let Encoder::Kmer(params) = &input.encoder
            && let VocabularySpec::File { file } = &params.vocabulary
        {
            // The encoder refuses a file that it cannot read.
            bytes.extend(std::fs::read(bundle.folder.join(file)).unwrap_or_default());
        }
    }
    hash::bytes(&bytes)
}

impl Plan {
    pub(crate) fn try_new(settings: &Settings, purpose: Purpose) -> anyhow::Result<Self> {
        let bundles = open_bundles(settings, purpose)?;
        let inputs = match purpose {
            Purpose::Run => Inputs::of_patients(settings)?,
            Purpose::Score => Inputs::of_sites(settings)?,
        };
        let reference = Reference::open(&settings.reference)?;
        let contigs = Arc::clone(reference.contigs());
        let mut warnings = Vec::new();
        let build = find_build(settings, &inputs, &contigs, &mut warnings)?;
        refuse_other_builds(&bundles, build)?;
        if inputs.unlisted > 0 {
            warnings.push(format!(
                "{} samples of the variant files belong to no patient and are left out",
                inputs.unlisted
            ));
        }

        let (regions, ploidy) = (
            regions(settings, &contigs)?,
            ploidy(settings, &contigs, build)?,
        );
        let (variant, patient): (Vec<Bundle>, Vec<Bundle>) = bundles
            .into_iter()
            .partition(|bundle| bundle.manifest.kind == ModelKind::Variant);
        let mut info_fields: Vec<String> = variant
            .iter()
            .flat_map(|bundle| VariantEncoder::info_fields(&bundle.manifest))
            .collect();
        info_fields.sort();
        info_fields.dedup();
        let ref_mismatch = match settings.ref_mismatch {
            RefMismatchChoice::Refuse => RefMismatch::Refuse,
            RefMismatchChoice::Quarantine => RefMismatch::Quarantine,
        };
        let decoder = SiteDecoderSettings::try_new(
            &inputs.files,
            inputs.patients.len(),
            &info_fields,
            Arc::clone(&contigs),
            ploidy,
            ref_mismatch,
        )?;

        let options = ModelOptions {
            device: device(settings.device),
            threads: settings.limits.threads,
            tf32: settings.tf32,
        };
        let fold = FoldPlan {
            varisk: env!("CARGO_PKG_VERSION").to_owned(),
            verb: if purpose == Purpose::Run {
                "run"
            } else {
                "score"
            }
            .to_owned(),
            build,
            patients: inputs.patients.clone(),
            contigs: contigs
                .iter()
                .map(|(_, name, length)| (name.to_owned(), length))
                .collect(),
            contig_ranks: Vec::new(),
            outputs: variant.iter().flat_map(folded_outputs).collect(),
            patient_models: patient
                .iter()
                .zip(patient_paths(settings, &patient))
                .map(|(bundle, path)| PatientModel {
                    path,
                    sha256: bundle.model_sha256.clone(),
                    manifest_sha256: manifest_sha256(bundle),
                })
                .collect(),
            top: settings.top,
            fingerprints: fingerprints(settings, &inputs.paths)?,
            parameters: parameters(settings, &regions),
            variant_models: Vec::new(),
        };
        if fold.streams() && (settings.shard.is_some() || settings.resume) {
            return Err(Refusal::Usage("variants from a pipe cannot be read again, so neither --shard nor --resume goes with them; write them to a file first".to_owned()).into());
        }
        let sheet = settings.samplesheet.as_deref();
        check_patient_models(&patient, &fold, &inputs.covariates, sheet, &mut warnings)?;
        warnings.extend(
            variant
                .iter()
                .filter_map(|bundle| cohort_warning(bundle, &inputs)),
        );
        // Manifest and graph are compared before the runtime is asked, whose words are harder.
        for bundle in &variant {
            let encoder = VariantEncoder::try_new(bundle, &site_schema(&info_fields))?;
            check_graph(bundle, encoder.tensors(), encoder.batch_size())?;
        }
        let runtime = Runtime::load(settings.onnxruntime.as_deref())?;
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        let mut schema = site_schema(&info_fields);
        let mut model_records = Vec::new();
        for bundle in variant {
            let model = Arc::new(Model::open(&runtime, bundle, options)?);
            model_records.push(model_record(&model));
            let stage = ScoreStage::try_new(model, reference.clone(), &schema)?;
            schema = stage.output_schema(&schema)?;
            stages.push(Box::new(stage));
        }
        let fold = FoldPlan {
            variant_models: model_records.clone(),
            ..fold
        };
        let single = ModelOptions {
            threads: 1,
            ..options
        };
        let patient_models = patient
            .into_iter()
            .map(|bundle| Model::open(&runtime, bundle, single))
            .collect::<Result<Vec<_>, _>>()?;
        model_records.extend(patient_models.iter().map(model_record));
        Ok(Self {
            fold,
            files: inputs.files,
            paths: inputs.paths,
            regions,
            reference,
            decoder: Arc::new(decoder),
            stages,
            schema,
            patient_models,
            model_records,
            runtime,
            warnings,
        })
    }
}

fn open_bundles(settings: &Settings, purpose: Purpose) -> anyhow::Result<Vec<Bundle>> {
    let mut bundles: Vec<Bundle> = Vec::new();
    for path in &settings.models {
        let bundle = open_bundle(path)?;
        if bundles
            .iter()
            .any(|other| other.manifest.name == bundle.manifest.name)
        {
            return Err(Refusal::Usage(format!(
                "two models are named '{}'; give each bundle a name of its own",
                bundle.manifest.name
            ))
            .into());
        }
        if purpose == Purpose::Score && bundle.manifest.kind == ModelKind::Patient {
            return Err(Refusal::Usage(format!(
                "model '{}' is a patient model; 'score' takes variant models only",
                bundle.manifest.name
            ))
            .into());
        }
        bundles.push(bundle);
    }
    Ok(bundles)
}

/// Paths of the patient models, absolute, so that `merge` finds them from anywhere.
fn patient_paths(settings: &Settings, patient: &[Bundle]) -> Vec<PathBuf> {
    let is_of = |path: &Path, bundle: &Bundle| path == bundle.folder || path == bundle.model_path;
    let path = |bundle: &Bundle| {
        settings
            .models
            .iter()
            .find(|path| is_of(path, bundle))
            .map_or_else(
                || bundle.folder.clone(),
                |path| std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            )
    };
    patient.iter().map(path).collect()
}

fn folded_outputs(bundle: &Bundle) -> Vec<FoldedOutput> {
    let manifest = &bundle.manifest;
    let folded = manifest.outputs.iter().map(|output| FoldedOutput {
        output: ScoreOutput {
            model: manifest.name.clone(),
            output: output.name.clone(),
            lower_is_riskier: output.higher_is == Some(RiskDirection::Safer),
        },
        threshold: output.threshold,
    });
    folded.collect()
}

fn find_build(
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

fn refuse_other_builds(bundles: &[Bundle], build: GenomeBuild) -> anyhow::Result<()> {
    for bundle in bundles {
        let manifest = &bundle.manifest;
        if !manifest.genome_build.accepts(build) {
            return Err(Refusal::Data(format!("model '{}' is for another genome build than {build}, that of this run; use a model for {build}", manifest.name)).into());
        }
    }
    Ok(())
}

fn regions(settings: &Settings, contigs: &ContigSet) -> anyhow::Result<Regions> {
    let regions = if let Some(path) = &settings.regions_file {
        Regions::parse_bed(&read_text(path)?, &path.display().to_string(), contigs)?
    } else if settings.regions.is_empty() {
        Regions::all()
    } else {
        Regions::parse(&settings.regions, contigs)?
    };
    Ok(match &settings.shard {
        Some(shard) => regions.shard(shard, contigs)?,
        None => regions,
    })
}

fn ploidy(
    settings: &Settings,
    contigs: &ContigSet,
    build: GenomeBuild,
) -> anyhow::Result<PloidyMap> {
    let Some(path) = &settings.par else {
        return Ok(PloidyMap::new(contigs, build));
    };
    let regions = Regions::parse_bed(&read_text(path)?, &path.display().to_string(), contigs)?;
    let intervals: Vec<Interval> = regions.intervals().unwrap_or_default().to_vec();
    Ok(PloidyMap::with_regions(contigs, intervals))
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(path)
        .map_err(|error| Refusal::NoInput(format!("cannot open {}: {error}", path.display())))?)
}

/// Marks of all inputs that decide the tables.
fn fingerprints(
    settings: &Settings,
    variants: &[PathBuf],
) -> anyhow::Result<Vec<(String, PathBuf, String)>> {
    let index = PathBuf::from(format!("{}.fai", settings.reference.display()));
    let mut files: Vec<(&str, &Path)> = variants
        .iter()
        .map(|path| (VARIANTS, path.as_path()))
        .collect();
    files.push((REFERENCE, &settings.reference));
    files.push(("reference_index", &index));
    files.extend(
        settings
            .samplesheet
            .as_deref()
            .map(|path| ("samplesheet", path)),
    );
    files.extend(settings.par.as_deref().map(|path| ("par", path)));
    files.extend(
        settings
            .regions_file
            .as_deref()
            .map(|path| ("regions", path)),
    );
    let mark = |(role, path): (&str, &Path)| {
        let fingerprint = if path == Path::new("-") {
            hash::STREAM.to_owned()
        } else {
            hash::fingerprint(path).map_err(|error| {
                Refusal::NoInput(format!("cannot open {}: {error}", path.display()))
            })?
        };
        Ok((role.to_owned(), path.to_owned(), fingerprint))
    };
    files.into_iter().map(mark).collect()
}

/// Settings that decide the tables, as they stand in `run.json`.
fn parameters(settings: &Settings, regions: &Regions) -> serde_json::Value {
    serde_json::json!({
        "regions": settings.regions,
        "regions_file": settings.regions_file.is_some(),
        "whole_genome": regions.intervals().is_none() || settings.shard.is_some() && settings.regions.is_empty() && settings.regions_file.is_none(),
        "ref_mismatch": settings.ref_mismatch,
        "max_bad_records": settings.limits.max_bad_records,
        "tf32": settings.tf32,
        "top": settings.top,
        "ignore_unlisted_samples": settings.ignore_unlisted_samples,
    })
}

/// Plans patient models against what the folds will give, so that a missing covariate or feature is
/// known before hours of reading.
fn check_patient_models(
    bundles: &[Bundle],
    fold: &FoldPlan,
    covariates: &[String],
    sheet: Option<&Path>,
    warnings: &mut Vec<String>,
) -> anyhow::Result<()> {
    let sheet = sheet.map_or_else(
        || "no samplesheet".to_owned(),
        |path| path.display().to_string(),
    );
    let mut names: Vec<String> = Vec::new();
    for analysis in fold.analyses() {
        let output = analysis.finish(&fold.patients)?;
        names.extend(output.features.iter().map(|(name, _)| name.to_owned()));
    }
    for bundle in bundles {
        for input in &bundle.manifest.inputs {
            let Encoder::Covariate(params) = &input.encoder else {
                continue;
            };
            for column in &params.columns {
                if column.name != "sex" && !covariates.contains(&column.name) {
                    return Err(Refusal::Data(format!("{sheet}: model '{}' needs the covariate '{}'; add that column (cells may be empty where the model imputes)", bundle.manifest.name, column.name)).into());
                }
            }
        }
        let encoder = PatientEncoder::try_new(bundle, &fold.patients, &names);
        let encoder = encoder.map_err(|error| {
            let place = match &error {
                EncodeError::TextInNumberColumn { .. } => sheet.clone(),
                _ => format!("model '{}'", bundle.manifest.name),
            };
            Refusal::Data(format!("{place}: {error}"))
        })?;
        let empty = encoder.columns_without_values().iter();
        warnings.extend(empty.map(|column| format!("no patient has a value of '{column}': model '{}' does with what its manifest says for missing ones", bundle.manifest.name)));
        check_graph(bundle, encoder.tensors(), encoder.batch_size())?;
    }
    Ok(())
}

/// Frequencies in the cohort mean another thing, or nothing, where there is no cohort file.
fn cohort_warning(bundle: &Bundle, inputs: &Inputs) -> Option<String> {
    let name = &bundle.manifest.name;
    let mut encoders = bundle.manifest.inputs.iter().map(|input| &input.encoder);
    let reads_cohort = encoders.any(|encoder| {
        matches!(encoder, Encoder::Annotation(params)
            if params.features.iter().any(|feature| feature.name.starts_with("cohort.")))
    });
    if !reads_cohort {
        None
    } else if inputs.patients.is_empty() {
        Some(format!(
            "model '{name}' uses frequencies in the cohort, and there are no patients here: what its manifest says for missing ones stands in their place, so scores differ from those of 'run'"
        ))
    } else if inputs.files.len() > 1 {
        Some(format!(
            "model '{name}' uses frequencies in the cohort, and these are over the patients whose files have a record at the site: higher than in a cohort file, where files leave out the reference"
        ))
    } else {
        None
    }
}
