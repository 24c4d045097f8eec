//! From settings to a plan in which everything has been opened and checked, before a record is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use varisk_core::{ContigSet, GenomeBuild, Stage, Worker};
use varisk_encode::{Bundle, Encoder, ModelKind, RiskDirection, VariantEncoder, VocabularySpec};
use varisk_knowledge::Bundle as KnowledgeBundle;
use varisk_readers::{
    DosageField, FileInput, RecordSource, RefMismatch, ReferenceEvidence, Regions,
    SiteDecoderSettings, SourceSettings, WantedSites, decoded_schema,
};
use varisk_reference::Reference;
use varisk_report::{ModelRecord, SourceRecord, variant_schema};
use varisk_risk::ScoreOutput;
use varisk_score::{Device, Model, ModelOptions, Runtime, ScoreStage, check_graph, open_bundle};

use crate::annotation::{
    Annotation, Ingredients, LabelledStage, consequence_field, reads_stage, record_of,
};
use crate::arguments::{ConsequenceChoice, DeviceChoice, DosageChoice, RefMismatchChoice};
use crate::checks::{
    check_patient_models, cohort_warning, flags_without_effect, frequency_columns, gene_burden,
    known_selection, reads_cohort, refuse_idle_flags, refuse_no_dosages, refuse_no_frequency,
};
use crate::evidence::positions_of;
use crate::exit::Refusal;
use crate::fold_plan::{
    FoldContext, FoldPlan, FoldedOutput, PRS, PatientModel, RowsSchema, part_schema,
};
use crate::genome::{callable_regions, find_build, ploidy, refuse_other_builds, regions};
use crate::hash;
use crate::inputs::Inputs;
use crate::marks::{fingerprints, parameters};
use crate::privacy::Pseudonyms;
use crate::scores::ScoreContext;
use crate::settings::Settings;
use crate::shards::{ShardChoice, other_run};

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Patients and everything.
    Run,
    /// Variants alone.
    Score,
    /// Variants with what is known of them, without models.
    Annotate,
    /// States of sites in patients, without models.
    Evidence,
    /// Scores of patients, without rows of alleles.
    Prs,
    /// Genotypes of a reference panel.
    Panel,
    /// Tensors of variants, to learn from or to explain with.
    Tensors,
}

impl Purpose {
    fn verb(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Score => "score",
            Self::Annotate => "annotate",
            Self::Evidence => "evidence",
            Self::Prs => PRS,
            Self::Panel => "ancestry",
            Self::Tensors => "train",
        }
    }
}

/// A run ready to go.
pub(crate) struct Plan {
    pub(crate) purpose: Purpose,
    pub(crate) fold: FoldPlan,
    /// Variant models whose input at an allele depends on who is in the run.
    pub(crate) reads_patients: Vec<String>,
    /// Whether the rows of alleles are kept.
    pub(crate) writes_rows: bool,
    pub(crate) files: Vec<FileInput>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) regions: Regions,
    pub(crate) reference: Reference,
    pub(crate) decoder: Arc<SiteDecoderSettings>,
    pub(crate) stages: Vec<LabelledStage>,
    /// Schema of the batches that leave the last stage.
    pub(crate) schema: SchemaRef,
    pub(crate) patient_models: Vec<Model>,
    pub(crate) model_records: Vec<ModelRecord>,
    /// ONNX Runtime, where there are models.
    pub(crate) runtime: Option<Runtime>,
    pub(crate) warnings: Vec<String>,
    /// Seconds that opening the scores took.
    pub(crate) scores_seconds: f64,
    /// Pseudonyms of the patients, where they are named by them.
    pub(crate) pseudonyms: Option<Pseudonyms>,
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
        Self::with_models(settings, purpose, bundles, &[])
    }

    /// A plan that makes what a variant model needs which is not there yet; `text_fields` are INFO
    /// fields that are kept as written.
    pub(crate) fn for_tensors(
        settings: &Settings,
        draft: Bundle,
        text_fields: &[String],
    ) -> anyhow::Result<Self> {
        Self::with_models(settings, Purpose::Tensors, vec![draft], text_fields)
    }

    fn with_models(
        settings: &Settings,
        purpose: Purpose,
        bundles: Vec<Bundle>,
        kept_fields: &[String],
    ) -> anyhow::Result<Self> {
        let mut inputs = match purpose {
            Purpose::Run | Purpose::Evidence | Purpose::Prs | Purpose::Panel => {
                Inputs::of_patients(settings)?
            }
            Purpose::Score | Purpose::Annotate | Purpose::Tensors => Inputs::of_sites(settings)?,
        };
        refuse_idle_flags(settings, purpose)?;
        // From here on patients have no other names; their samples are found by now.
        let pseudonyms = match &settings.pseudonyms {
            Some(naming) => Some(naming.of(inputs.patients.iter().map(|own| own.id.as_str()))?),
            None => None,
        };
        if let Some(pseudonyms) = &pseudonyms {
            pseudonyms.apply(&mut inputs.patients)?;
        }
        if let Some(group) = settings.shard.as_ref().and_then(ShardChoice::group) {
            if group.range().end > inputs.patients.len() {
                return Err(other_run().into());
            }
            inputs.keep_patients(&group.range());
        }
        inputs.add_sites(settings)?;
        let everyone = inputs.patients_of_the_run();
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
        let mut regions = regions(settings, &contigs)?;
        if let (Purpose::Evidence, Some(sites), None) =
            (purpose, &settings.evidence.sites, regions.intervals())
        {
            regions = positions_of(sites, &contigs)?;
        }
        let (variant, patient): (Vec<Bundle>, Vec<Bundle>) = bundles
            .into_iter()
            .partition(|bundle| bundle.manifest.kind == ModelKind::Variant);
        let mut text_fields = match settings.annotation.consequences {
            Some(ConsequenceChoice::FromInfo) => {
                vec![consequence_field(inputs.own_files())?.0.field().to_owned()]
            }
            _ => Vec::new(),
        };
        text_fields.extend_from_slice(kept_fields);
        let bundle = settings.annotation.knowledge.as_deref();
        let bundle = bundle.map(KnowledgeBundle::open).transpose()?;
        let bundle_of_rsids = bundle.clone();
        let started = std::time::Instant::now();
        let scores = if settings.scores.is_empty() {
            None
        } else {
            let context = ScoreContext::open(
                &settings.scores,
                build,
                &inputs.patients,
                &reference,
                bundle.as_ref(),
            )?;
            inputs.add_score_sites(settings, &contigs, || context.sites(&contigs))?;
            warnings.extend(context.warnings.iter().cloned());
            Some(Arc::new(context))
        };
        let scores_seconds = started.elapsed().as_secs_f64();
        let info_fields = info_fields(&variant);
        let mut decoder = decoder(
            settings,
            &inputs,
            &contigs,
            build,
            &info_fields,
            &text_fields,
        )?;
        refuse_no_dosages(settings, &inputs)?;
        if let (Purpose::Prs, Some(context)) = (purpose, &scores) {
            let wanted = WantedSites::new(context.wanted(&contigs));
            decoder = decoder.with_wanted(Arc::new(wanted));
        }
        let reads = reads_stage(
            &inputs.alignments,
            &settings.evidence,
            &reference,
            purpose == Purpose::Evidence,
            &mut warnings,
        )?;
        warnings.extend(flags_without_effect(settings, &inputs));
        let annotation = Annotation::try_new(
            Ingredients {
                settings: &settings.annotation,
                reference: &reference,
                build,
                files: inputs.own_files(),
                models: &variant,
                columns: frequency_columns(settings),
                bundle,
                reads,
            },
            decoded_schema(&info_fields, &text_fields),
        )?;
        warnings.extend(annotation.warnings.iter().cloned());

        let options = ModelOptions {
            device: device(settings.device),
            threads: settings.limits.threads,
            tf32: settings.tf32,
        };
        let burden = gene_burden(settings, &annotation, &patient, &inputs, &mut warnings)?;
        let known = known_selection(settings, &annotation, &inputs)?;
        let haplotypes = match (settings.haplotypes, &annotation.models) {
            (None, _) => None,
            (Some(_), Some(models)) => Some((Arc::clone(models), reference.clone())),
            (Some(_), None) => {
                return Err(Refusal::Usage("--haplotypes needs gene models; name a GFF3 or GTF with --gene-models, or a bundle that has them with --knowledge".to_owned()).into());
            }
        };
        let mut sources = annotation.sources.clone();
        let mut risk_tables = Vec::new();
        if let Some(context) = &scores {
            refuse_no_frequency(settings, &annotation.schema)?;
            sources.extend(context.sources()?);
            sources.extend(rsid_source(settings, bundle_of_rsids.as_ref())?);
            risk_tables = context.risk_tables();
        }
        let fold = FoldPlan {
            varisk: env!("CARGO_PKG_VERSION").to_owned(),
            verb: purpose.verb().to_owned(),
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
            fingerprints: fingerprints(settings, &inputs, &risk_tables)?,
            parameters: parameters(settings, &regions),
            variant_models: Vec::new(),
            sources,
            alignments: inputs.alignments.clone(),
            known,
            burden,
            haplotypes: settings.haplotypes,
            explain: settings.explain,
            scores: scores.is_some().then(|| {
                let mut scores = settings.scores.clone();
                scores.make_absolute();
                scores
            }),
            rows: RowsSchema::default(),
            started_in: std::env::current_dir().unwrap_or_default(),
            context: FoldContext { haplotypes, scores },
        };
        if fold.streams() && (settings.shard.is_some() || settings.resume) {
            return Err(Refusal::Usage("variants from a pipe cannot be read again, so neither --shard nor --resume goes with them; write them to a file first".to_owned()).into());
        }
        if settings.explain && patient.is_empty() {
            return Err(Refusal::Usage("--explain explains the results of patient models, and none is given; name one with --model, or leave --explain out".to_owned()).into());
        }
        if settings.explain && everyone < 2 {
            return Err(Refusal::Usage("--explain compares the patients of the run with each other, and there is one alone; leave it out, and use 'varisk explain --background' with other patients".to_owned()).into());
        }
        let sheet = settings.samplesheet.as_deref();
        check_patient_models(&patient, &fold, &inputs.covariates, sheet, &mut warnings)?;
        if settings.device == DeviceChoice::Cuda && variant.is_empty() {
            warnings.push(
                "nothing runs on the card: --device is for variant models, and there is none"
                    .to_owned(),
            );
        }
        warnings.extend(
            variant
                .iter()
                .filter_map(|bundle| cohort_warning(bundle, &inputs)),
        );
        // Manifest and graph are compared before the runtime is asked, whose words are harder.
        for bundle in &variant {
            let encoder = VariantEncoder::try_new(bundle, &annotation.schema)?;
            if purpose != Purpose::Tensors {
                check_graph(bundle, encoder.tensors(), encoder.batch_size())?;
            }
        }
        let is_without_models = variant.is_empty() && patient.is_empty();
        let runtime = if is_without_models || purpose == Purpose::Tensors {
            None
        } else {
            Some(Runtime::load(settings.onnxruntime.as_deref())?)
        };
        let writes_rows = settings.shard.as_ref().is_none_or(ShardChoice::writes_rows);
        let reads_patients = variant.iter().filter(|bundle| reads_cohort(bundle));
        let mut plan = Self {
            purpose,
            reads_patients: reads_patients
                .map(|bundle| bundle.manifest.name.clone())
                .collect(),
            writes_rows: fold.writes_variants() && writes_rows,
            fold,
            files: inputs.files,
            paths: inputs.paths,
            regions,
            reference,
            decoder: Arc::new(decoder),
            stages: Vec::new(),
            schema: Arc::clone(&annotation.schema),
            patient_models: Vec::new(),
            model_records: Vec::new(),
            runtime,
            warnings,
            scores_seconds,
            pseudonyms,
        };
        plan.open_models(variant, patient, options, annotation)?;
        Ok(plan)
    }

    /// Starts reading. The files are taken out of the plan.
    pub(crate) fn source(&mut self, settings: &Settings) -> anyhow::Result<RecordSource> {
        let source = SourceSettings {
            contigs: Arc::clone(self.reference.contigs()),
            regions: self.regions.clone(),
            limits: self.limits(settings),
        };
        let files = std::mem::take(&mut self.files);
        Ok(if self.decoder.needs_context() {
            RecordSource::with_context(files, &source)?
        } else {
            RecordSource::try_new(files, &source)?
        })
    }

    /// A worker of each stage, with its label, for one thread.
    pub(crate) fn workers(&self) -> anyhow::Result<Vec<(String, Box<dyn Worker>)>> {
        let workers = self
            .stages
            .iter()
            .map(|(label, stage)| Ok((label.clone(), stage.worker()?)));
        workers.collect()
    }

    /// Opens the models in the runtime and adds their stages after those of annotation.
    fn open_models(
        &mut self,
        variant: Vec<Bundle>,
        patient: Vec<Bundle>,
        options: ModelOptions,
        mut annotation: Annotation,
    ) -> anyhow::Result<()> {
        self.stages = std::mem::take(&mut annotation.stages);
        if let Some(runtime) = &self.runtime {
            for bundle in variant {
                let name = bundle.manifest.name.clone();
                let model = Arc::new(Model::open(runtime, bundle, options)?);
                self.model_records.push(model_record(&model));
                let mut stage = ScoreStage::try_new(model, self.reference.clone(), &self.schema)?;
                if let Some(columns) = annotation.prescored(&name) {
                    stage = stage.with_prescored(columns);
                }
                self.schema = stage.output_schema(&self.schema)?;
                self.stages.push((format!("score {name}"), Box::new(stage)));
            }
            self.fold.variant_models = self.model_records.clone();
            let on_processor = ModelOptions::on_processor(1);
            self.patient_models = patient
                .into_iter()
                .map(|bundle| Model::open(runtime, bundle, on_processor))
                .collect::<Result<_, _>>()?;
            self.model_records
                .extend(self.patient_models.iter().map(model_record));
        }
        let rows = without(&variant_schema(&self.schema), |column| {
            annotation.is_prescored(column)
        });
        self.fold.rows = RowsSchema::try_new(&part_schema(&rows))?;
        Ok(())
    }
}

/// A schema without some columns.
fn without(schema: &Schema, is_left_out: impl Fn(&str) -> bool) -> Schema {
    let fields = schema.fields().iter();
    Schema::new(
        fields
            .filter(|field| !is_left_out(field.name()))
            .cloned()
            .collect::<Vec<_>>(),
    )
}

/// The source that scoring files' rsIDs are found in.
fn rsid_source(
    settings: &Settings,
    bundle: Option<&KnowledgeBundle>,
) -> anyhow::Result<Option<SourceRecord>> {
    let (Some(field), Some(bundle)) = (&settings.scores.rsids, bundle) else {
        return Ok(None);
    };
    let name = field.split('.').next().unwrap_or(field);
    Ok(Some(record_of(bundle.source(name)?)))
}

/// INFO fields that models ask for as numbers, each once.
fn info_fields(variant: &[Bundle]) -> Vec<String> {
    let mut fields: Vec<String> = variant
        .iter()
        .flat_map(|bundle| VariantEncoder::info_fields(&bundle.manifest))
        .collect();
    fields.sort();
    fields.dedup();
    fields
}

fn decoder(
    settings: &Settings,
    inputs: &Inputs,
    contigs: &Arc<ContigSet>,
    build: GenomeBuild,
    info_fields: &[String],
    text_fields: &[String],
) -> anyhow::Result<SiteDecoderSettings> {
    let ref_mismatch = match settings.ref_mismatch {
        RefMismatchChoice::Refuse => RefMismatch::Refuse,
        RefMismatchChoice::Quarantine => RefMismatch::Quarantine,
    };
    let mut decoder = SiteDecoderSettings::try_new(
        &inputs.files,
        inputs.patients.len(),
        info_fields,
        Arc::clone(contigs),
        ploidy(settings, contigs, build)?,
        ref_mismatch,
    )?
    .with_text_fields(&inputs.files, text_fields)?;
    decoder = match settings.scores.dosages {
        DosageChoice::Gt => decoder,
        DosageChoice::Ds => decoder.with_dosages(DosageField::Ds),
        DosageChoice::Gp => decoder.with_dosages(DosageField::Gp),
    };
    // In a single cohort file every patient has a record wherever there is a row.
    if inputs.files.len() < 2 || inputs.patients.is_empty() {
        return Ok(decoder);
    }
    let evidence = &settings.evidence;
    Ok(decoder.with_reference_evidence(ReferenceEvidence {
        min_gq: evidence.min_reference_gq,
        min_depth: evidence.min_reference_depth,
        callable: callable_regions(settings, inputs, contigs)?,
        absent_as_reference: evidence.absent_as_reference,
        sexes: inputs.patients.iter().map(|patient| patient.sex).collect(),
    }))
}

fn open_bundles(settings: &Settings, purpose: Purpose) -> anyhow::Result<Vec<Bundle>> {
    if settings.models.is_empty() {
        let nothing = match purpose {
            Purpose::Run => settings.annotation.is_empty() && settings.scores.is_empty(),
            Purpose::Score => true,
            Purpose::Annotate
            | Purpose::Evidence
            | Purpose::Prs
            | Purpose::Panel
            | Purpose::Tensors => false,
        };
        if nothing {
            return Err(Refusal::Usage(
                "no model is given; name at least one bundle with --model".to_owned(),
            )
            .into());
        }
    }
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
