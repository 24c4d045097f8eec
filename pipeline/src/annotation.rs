//! The stages before the models: reads, knowledge sources, consequences, gene tables; and what
//! `run.json` says of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use varisk_alignments::{
    AlignmentFilters, AlignmentOptions, AlignmentReference, AlignmentSource, ReadsOptions,
    ReadsStage,
};
use varisk_annotate::{
    ConsequenceOptions, ConsequenceStage, FromInfoStage, GeneModels, InfoKind, Lines,
};
use varisk_core::{GenomeBuild, Stage, columns as c};
use varisk_encode::{Bundle as ModelBundle, NeededSources};
use varisk_knowledge::{
    Bundle, GeneTableStage, KnowledgeStage, LockedSource, MatchKind, SourceKind,
};
use varisk_readers::FileInput;
use varisk_reference::Reference;
use varisk_report::SourceRecord;
use varisk_risk::KnownSelection;
use varisk_score::ScoreStage;

use crate::arguments::{ConsequenceChoice, LinesChoice};
use crate::exit::Refusal;
use crate::hash;
use crate::plan::manifest_sha256;
use crate::settings::{AnnotationSettings, EvidenceSettings};

/// A stage with its label in timings.
pub(crate) type LabelledStage = (String, Box<dyn Stage>);

/// Key of the field metadata that name source and release of a column.
const SOURCE_METADATA: &str = "source";

/// What is added to alleles before models see them.
pub(crate) struct Annotation {
    pub(crate) stages: Vec<LabelledStage>,
    /// Schema after the stages.
    pub(crate) schema: SchemaRef,
    /// Sources that were used.
    pub(crate) sources: Vec<SourceRecord>,
    pub(crate) warnings: Vec<String>,
    /// Genes by symbol, or by identifier where they have none, as consequences name them; `None` where they come from
    /// INFO or are not there.
    pub(crate) genes: Option<BTreeSet<String>>,
    pub(crate) has_consequences: bool,
    /// The gene models that consequences come from.
    pub(crate) models: Option<Arc<GeneModels>>,
    bundle: Option<Bundle>,
    prescored: BTreeMap<String, Vec<String>>,
}

/// What annotation is made of.
pub(crate) struct Ingredients<'p> {
    pub(crate) settings: &'p AnnotationSettings,
    pub(crate) reference: &'p Reference,
    pub(crate) build: GenomeBuild,
    /// Files with the variants; their headers say what their INFO holds.
    pub(crate) files: &'p [FileInput],
    pub(crate) models: &'p [ModelBundle],
    /// Columns with frequencies that folds need.
    pub(crate) columns: Vec<&'p str>,
    /// The opened bundle of `settings.knowledge`.
    pub(crate) bundle: Option<Bundle>,
    pub(crate) reads: Option<ReadsStage>,
}

/// INFO fields that hold consequences, in the order of preference.
const INFO_CONSEQUENCES: [InfoKind; 3] = [InfoKind::Csq, InfoKind::Ann, InfoKind::Bcsq];

/// The INFO field with consequences that the files define, and its description.
pub(crate) fn consequence_field(files: &[FileInput]) -> anyhow::Result<(InfoKind, String)> {
    let of_file = |file: &FileInput| {
        INFO_CONSEQUENCES.into_iter().find_map(|format| {
            let definition = file.header().info.get(format.field())?;
            Some((format, definition.description.clone()))
        })
    };
    let mut found: Option<(InfoKind, String)> = None;
    for file in files {
        let own = of_file(file).ok_or_else(|| {
            Refusal::Data(format!(
                "{}: its header defines none of the INFO fields CSQ, ANN and BCSQ; annotate the file first, or give gene models instead of --consequences from-info",
                file.name()
            ))
        })?;
        if found.as_ref().is_some_and(|found| *found != own) {
            return Err(Refusal::Data(format!(
                "{}: its consequences are written in another form than those of the first file; annotate all files alike",
                file.name()
            ))
            .into());
        }
        found = Some(own);
    }
    found.ok_or_else(|| {
        Refusal::Usage("--consequences from-info needs a variant file".to_owned()).into()
    })
}

impl Annotation {
    /// Opens and checks everything, and folds the schema through the stages.
    pub(crate) fn try_new(
        mut ingredients: Ingredients<'_>,
        schema: SchemaRef,
    ) -> anyhow::Result<Self> {
        let settings = ingredients.settings;
        let bundle = ingredients.bundle.take();
        if let Some(bundle) = &bundle {
            bundle.check_build(ingredients.build)?;
        } else if !settings.sources.is_empty() {
            return Err(Refusal::Usage(
                "--sources names fields of a bundle, and there is none; name it with --knowledge"
                    .to_owned(),
            )
            .into());
        }
        let mut annotation = Self {
            stages: Vec::new(),
            schema,
            sources: Vec::new(),
            warnings: Vec::new(),
            genes: None,
            has_consequences: false,
            models: None,
            bundle,
            prescored: BTreeMap::new(),
        };
        annotation.plan(ingredients)?;
        annotation.name_releases();
        Ok(annotation)
    }

    fn plan(&mut self, mut ingredients: Ingredients<'_>) -> anyhow::Result<()> {
        if let Some(reads) = ingredients.reads.take() {
            self.push("reads", Box::new(reads))?;
        }
        let wanted = self.wanted(&ingredients)?;
        let scores = self.plan_prescored(ingredients.models);
        self.refuse_scores(&ingredients)?;
        let positional = |kind: MatchKind| matches!(kind, MatchKind::Allele | MatchKind::Position);
        let contigs = Arc::clone(ingredients.reference.contigs());
        if let Some(bundle) = self.bundle.clone() {
            let mut fields = self.fields_of(&wanted, |source| {
                positional(source.matching) && source.kind != SourceKind::Scores
            });
            fields.extend(scores);
            if !fields.is_empty() {
                let stage = KnowledgeStage::try_new(&bundle, &fields, &contigs)?;
                self.push("knowledge", Box::new(stage))?;
            }
        }
        self.plan_consequences(&ingredients)?;
        let by_gene = |source: &LockedSource| {
            matches!(source.matching, MatchKind::GeneSymbol | MatchKind::GeneId)
        };
        let gene_fields = self.fields_of(&wanted, by_gene);
        let asked = asked_for(&ingredients);
        if let Some(bundle) = self.bundle.clone().filter(|_| !gene_fields.is_empty()) {
            if self.has_consequences {
                let stage = GeneTableStage::try_new(&bundle, &gene_fields)?;
                self.push("gene tables", Box::new(stage))?;
            } else if let Some(field) = gene_fields
                .iter()
                .find(|field| is_asked(&asked, field.as_str()))
            {
                return Err(Refusal::Usage(format!("'{field}' is known by gene, and nothing says which gene an allele is in; give gene models (--gene-models, or a bundle that has them) or --consequences from-info")).into());
            } else {
                self.warnings.push("the bundle's gene tables are left out, since nothing says which gene an allele is in; give gene models or --consequences from-info".to_owned());
                self.sources.retain(|used| {
                    let source = bundle.source(&used.name);
                    !source.is_ok_and(by_gene)
                });
            }
        }
        Ok(())
    }

    fn push(&mut self, label: &str, stage: Box<dyn Stage>) -> anyhow::Result<()> {
        self.schema = stage.output_schema(&self.schema)?;
        self.stages.push((label.to_owned(), stage));
        Ok(())
    }

    /// Names of sources and fields that are asked for: by the user, by models, by the burden of
    /// genes. Without the user's word all sources are.
    fn wanted(&self, ingredients: &Ingredients<'_>) -> anyhow::Result<BTreeSet<String>> {
        let asked = &ingredients.settings.sources;
        let mut wanted: BTreeSet<String> = asked.iter().cloned().collect();
        if let Some(bundle) = &self.bundle {
            bundle.require(asked)?;
            if asked.is_empty() && !ingredients.settings.named_only {
                wanted.extend(bundle.sources().iter().map(|source| source.name.clone()));
            }
        }
        for model in ingredients.models {
            let needs: NeededSources = model.manifest.needed_sources();
            for (source, field) in needs.knowledge {
                let name = format!("{source}.{field}");
                // Where there is no bundle the encoder says what it misses.
                if let Some(bundle) = &self.bundle {
                    bundle.require(&[&name]).map_err(|error| {
                        let lacks = format!("model '{}' cannot run: {error}", model.manifest.name);
                        anyhow::Error::new(error).context(Refusal::Data(lacks))
                    })?;
                    wanted.insert(name);
                }
            }
        }
        for name in &ingredients.columns {
            match &self.bundle {
                Some(bundle) => bundle.require(&[name])?,
                None => {
                    return Err(Refusal::Usage(format!("'{name}' is a field of a bundle, and there is none; name it with --knowledge")).into());
                }
            }
            wanted.insert((*name).to_owned());
        }
        Ok(wanted)
    }

    /// Full names of the wanted fields of sources of some kind, each once; the sources are noted as
    /// used.
    fn fields_of(
        &mut self,
        wanted: &BTreeSet<String>,
        is_of_kind: impl Fn(&LockedSource) -> bool,
    ) -> Vec<String> {
        let Some(bundle) = &self.bundle else {
            return Vec::new();
        };
        let mut fields = Vec::new();
        for source in bundle.sources().iter().filter(|source| is_of_kind(source)) {
            let own: Vec<String> = source
                .columns
                .iter()
                .map(|column| format!("{}.{}", source.name, column.name))
                .filter(|name| wanted.contains(&source.name) || wanted.contains(name))
                .collect();
            if !own.is_empty() {
                self.sources.push(record_of(source));
            }
            fields.extend(own);
        }
        fields
    }

    /// Scores of earlier runs that stand for computing them: of the same model, byte for byte, whose
    /// scores depend on the allele alone.
    fn plan_prescored(&mut self, models: &[ModelBundle]) -> Vec<String> {
        let Some(bundle) = &self.bundle else {
            return Vec::new();
        };
        let mut fields = Vec::new();
        for model in models {
            let (name, manifest) = (&model.manifest.name, &model.manifest);
            let hash = manifest_sha256(model);
            let made_by = |source: &&LockedSource| {
                source.kind == SourceKind::Scores
                    && source.models.iter().any(|made| {
                        made.name == *name
                            && made.sha256 == model.model_sha256
                            && made.manifest_sha256 == hash
                    })
            };
            let Some(source) = bundle.sources().iter().find(made_by) else {
                continue;
            };
            if !manifest.depends_on_allele_alone() {
                self.warnings.push(format!("scores of '{}' stand in the bundle but are computed anew, since the model looks at more than the allele", manifest.name));
                continue;
            }
            let columns: Vec<String> = manifest
                .outputs
                .iter()
                .map(|output| {
                    let column = ScoreStage::score_column(name, &output.name);
                    format!("{}.{column}", source.name)
                })
                .collect();
            fields.extend(columns.iter().cloned());
            if !self.sources.iter().any(|used| used.name == source.name) {
                self.sources.push(record_of(source));
            }
            self.prescored.insert(name.clone(), columns);
        }
        fields
    }

    /// Scores serve models, which find theirs by themselves.
    fn refuse_scores(&self, ingredients: &Ingredients<'_>) -> anyhow::Result<()> {
        let Some(bundle) = &self.bundle else {
            return Ok(());
        };
        for name in &ingredients.settings.sources {
            let source = name.split('.').next().unwrap_or(name);
            let is_scores = bundle.source(source)?.kind == SourceKind::Scores;
            if is_scores && !self.sources.iter().any(|used| used.name == source) {
                return Err(Refusal::Usage(format!("source '{source}' holds scores of an earlier run, and no model of this run is the one that made them; leave it out of --sources")).into());
            }
        }
        Ok(())
    }

    fn plan_consequences(&mut self, ingredients: &Ingredients<'_>) -> anyhow::Result<()> {
        let settings = ingredients.settings;
        match settings.consequences {
            Some(ConsequenceChoice::None) => return Ok(()),
            Some(ConsequenceChoice::FromInfo) => {
                if settings.gene_models.is_some() {
                    return Err(Refusal::Usage("--consequences from-info and --gene-models exclude each other; leave one out".to_owned()).into());
                }
                let (format, description) = consequence_field(ingredients.files)?;
                let stage = FromInfoStage::try_new(format, &description)?;
                self.has_consequences = true;
                return self.push("consequences", Box::new(stage));
            }
            Some(ConsequenceChoice::GeneModels) | None => {}
        }
        let contigs = ingredients.reference.contigs();
        let models = if let Some(path) = &settings.gene_models {
            let models = GeneModels::read(path, contigs)?;
            self.sources.push(record_of_file(path)?);
            Some((models, path.display().to_string()))
        } else {
            match &self.bundle {
                Some(bundle) => match models_of_bundle(bundle, ingredients.reference)? {
                    Some((models, source)) => {
                        let origin = format!("{} ({})", bundle.folder().display(), source.name);
                        self.sources.push(source);
                        Some((models, origin))
                    }
                    None => None,
                },
                None => None,
            }
        };
        let Some((models, origin)) = models else {
            if settings.consequences == Some(ConsequenceChoice::GeneModels) {
                return Err(Refusal::Usage("--consequences gene-models needs gene models; name a GFF3 or GTF with --gene-models, or a bundle that has them with --knowledge".to_owned()).into());
            }
            return Ok(());
        };
        if !models.summary().skipped.is_empty() {
            self.warnings
                .push(format!("{origin}: {}", models.summary()));
        }
        let genes = models
            .transcripts()
            .iter()
            .filter_map(|transcript| transcript.gene().or(transcript.gene_id()));
        self.genes = Some(genes.map(str::to_owned).collect());
        self.has_consequences = true;
        let models = Arc::new(models);
        self.models = Some(Arc::clone(&models));
        let options = ConsequenceOptions {
            lines: match settings.consequence_lines {
                LinesChoice::All => Lines::All,
                LinesChoice::MostSevere => Lines::MostSevere,
            },
            flank: settings.flank,
        };
        let mut stage = ConsequenceStage::try_new(models, ingredients.reference.clone(), options)?;
        if settings.csq_text {
            stage = stage.with_csq_text();
        }
        self.push("consequences", Box::new(stage))
    }

    /// Sources of kind clinvar whose classes of significance are joined.
    pub(crate) fn clinical_sources(&self) -> Vec<String> {
        let sources = self.bundle.iter().flat_map(Bundle::sources);
        sources
            .filter(|source| source.kind == SourceKind::Clinvar)
            .map(|source| source.name.clone())
            .filter(|name| {
                let column = KnownSelection::column(name);
                self.schema.field_with_name(&column).is_ok()
            })
            .collect()
    }

    /// Whether a column holds nothing but what an earlier run scored.
    pub(crate) fn is_prescored(&self, column: &str) -> bool {
        self.prescored.values().flatten().any(|own| own == column)
    }

    /// Whether a column is of a table by gene.
    pub(crate) fn is_by_gene(&self, column: &str) -> bool {
        let source = column.split('.').next().unwrap_or(column);
        self.bundle
            .as_ref()
            .and_then(|bundle| bundle.source(source).ok())
            .is_some_and(|source| {
                matches!(source.matching, MatchKind::GeneSymbol | MatchKind::GeneId)
            })
    }

    /// Columns with scores of an earlier run of a model, by its outputs.
    pub(crate) fn prescored(&self, model: &str) -> Option<Vec<String>> {
        self.prescored.get(model).cloned()
    }

    /// Writes source and release into the metadata of every column that a source gave.
    fn name_releases(&mut self) {
        let release = |column: &str| {
            let prefix = column.split_once('.').map(|(prefix, _)| prefix)?;
            self.sources
                .iter()
                .find(|source| {
                    source.name == prefix
                        || prefix == "consequence" && source.kind == SourceKind::GeneModels.name()
                })
                .map(|source| format!("{} {}", source.name, source.release))
        };
        let fields: Vec<Arc<Field>> = self
            .schema
            .fields()
            .iter()
            .map(|field| match release(field.name()) {
                Some(release) => {
                    let metadata = HashMap::from([(SOURCE_METADATA.to_owned(), release)]);
                    Arc::new(field.as_ref().clone().with_metadata(metadata))
                }
                None => Arc::clone(field),
            })
            .collect();
        self.schema = Arc::new(Schema::new(fields));
    }
}

/// The gene models of a bundle, if it has some, and their record.
pub(crate) fn models_of_bundle(
    bundle: &Bundle,
    reference: &Reference,
) -> anyhow::Result<Option<(GeneModels, SourceRecord)>> {
    let mut sources = bundle
        .sources()
        .iter()
        .filter(|source| source.kind == SourceKind::GeneModels);
    let Some(source) = sources.next() else {
        return Ok(None);
    };
    if sources.next().is_some() {
        return Err(Refusal::Usage(format!("{}: the bundle has several gene models; name one file with --gene-models, or build a bundle with one", bundle.folder().display())).into());
    }
    let batches = bundle.table(&source.name)?;
    let models = GeneModels::from_batches(&batches, reference.contigs())?;
    Ok(Some((models, record_of(source))))
}

pub(crate) fn record_of(source: &LockedSource) -> SourceRecord {
    SourceRecord {
        name: source.name.clone(),
        kind: source.kind.name().to_owned(),
        release: source.release.clone(),
        licence: source.licence.clone(),
        sha256: source.table.sha256.clone(),
    }
}

/// Gene models that no bundle holds: their file is their release.
fn record_of_file(path: &Path) -> anyhow::Result<SourceRecord> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(SourceRecord {
        name: "gene_models".to_owned(),
        kind: SourceKind::GeneModels.name().to_owned(),
        release: format!("file {name}"),
        licence: "not stated".to_owned(),
        sha256: hash::file(path)?.unwrap_or_default(),
    })
}

/// Fields that the user or a model names.
fn asked_for(ingredients: &Ingredients<'_>) -> BTreeSet<String> {
    let of_models = ingredients.models.iter().flat_map(|model| {
        let knowledge = model.manifest.needed_sources().knowledge;
        knowledge
            .into_iter()
            .map(|(source, field)| format!("{source}.{field}"))
    });
    let of_user = ingredients.settings.sources.iter().cloned();
    of_user.chain(of_models).collect()
}

/// Whether a field is asked for by its name or that of its source.
fn is_asked(asked: &BTreeSet<String>, field: &str) -> bool {
    let source = field.split('.').next().unwrap_or(field);
    asked.contains(field) || asked.contains(source)
}

/// Opens the reads of patients, by patient; `None` where nobody has any.
pub(crate) fn reads_stage(
    alignments: &[Option<std::path::PathBuf>],
    settings: &EvidenceSettings,
    reference: &Reference,
    everything: bool,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Option<ReadsStage>> {
    if alignments.iter().all(Option::is_none) {
        if settings.genotype_from_reads {
            return Err(Refusal::Usage("--genotype-from-reads needs reads; name a BAM or CRAM for patients in the samplesheet's column 'alignment'".to_owned()).into());
        }
        return Ok(None);
    }
    let options = AlignmentOptions {
        filters: AlignmentFilters {
            min_mapping_quality: settings.min_mapq,
            min_base_quality: settings.min_baseq,
        },
        ..AlignmentOptions::default()
    };
    let shared = AlignmentReference::new(reference.clone());
    let mut sources = Vec::with_capacity(alignments.len());
    let mut without_groups = 0u64;
    for path in alignments {
        let source = match path {
            Some(path) => {
                let source =
                    AlignmentSource::open(path, Some(&shared), reference.contigs(), &options)?;
                without_groups += u64::from(!source.has_read_groups());
                Some(source)
            }
            None => None,
        };
        sources.push(source);
    }
    if without_groups > 0 {
        warnings.push(format!("{without_groups} files with reads have no read group (@RG): nothing in them says whose reads they are but the comparison with the calls"));
    }
    let options = ReadsOptions {
        fill: settings.genotype_from_reads,
        everything,
        ..ReadsOptions::default()
    };
    Ok(Some(ReadsStage::new(sources, options)))
}

/// The columns of a batch that stages added, score and reason columns of models left out.
pub(crate) fn is_annotation(column: &str) -> bool {
    column.contains('.')
        && ![
            c::INFO_PREFIX,
            c::TEXT_PREFIX,
            c::SCORE_PREFIX,
            c::REASON_PREFIX,
        ]
        .iter()
        .any(|prefix| column.starts_with(prefix))
}
