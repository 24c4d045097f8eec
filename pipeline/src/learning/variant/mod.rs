//! `varisk train` for variant models: from labelled variants to a tested bundle.

mod explain;
mod read;
mod table;
mod write;

pub(super) use self::explain::explain;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};
use varisk_encode::{Build, Bundle, Manifest};
use varisk_flow::CancelToken;
use varisk_report::OutputFolder;
use varisk_score::Runtime;
use varisk_train::{
    Store, TrainError, VariantConfig, VariantData, VariantRows, VariantTraining, variant_manifest,
};

use self::read::Labelled;
use super::work::{self, State};
use crate::arguments::{AnnotationArguments, RunArguments, TrainArguments};
use crate::exit::{INTERRUPTED, Refusal, exit_code};
use crate::hash;
use crate::log::Log;
use crate::plan::Plan;
use crate::print::print;
use crate::run::cancel_on_signal;
use crate::settings::Settings;

/// One of the data, opened.
pub(super) struct Source {
    pub(super) settings: Settings,
    pub(super) build: Build,
    /// Whether its alleles have consequences.
    pub(super) has_consequences: bool,
}

pub(super) fn train(
    arguments: &TrainArguments,
    config: &VariantConfig,
    log: &Log,
) -> anyhow::Result<()> {
    check(config, &arguments.config)?;
    let base = arguments.config.parent().unwrap_or_else(|| Path::new(""));
    if !arguments.dry_run {
        OutputFolder::check(&arguments.output, arguments.resume)?;
        // Its lack must not show at the end of a long training.
        Runtime::load(arguments.onnxruntime.as_deref())?;
    }
    let cancel = cancel_on_signal();
    // Tables become files that are read like any other.
    let scratch = tempfile::tempdir()?;
    let mut reading = Reading {
        arguments,
        config,
        base,
        scratch: scratch.path(),
        cancel: &cancel,
        log,
        rows: VariantRows::default(),
    };
    let mut sources = Vec::new();
    for (at, own) in config.data.iter().enumerate() {
        sources.push(reading.read(own, at)?);
    }
    let mut rows = reading.rows;
    let with = |source: &Source| source.has_consequences;
    if sources.iter().any(with) && !sources.iter().all(with) {
        return Err(Refusal::Usage("some of the data have consequences and some have none, which the baseline cannot compare; give gene models to all of them, or to none".to_owned()).into());
    }
    rows.settle();
    rows.check(&config.label.field, config.split.folds)?;
    let groups = rows.groups(config.split.by);
    let groups = groups.iter().max().map_or(0, |most| most + 1);
    if groups < config.split.folds {
        return Err(Refusal::Data(format!(
            "{} folds need as many groups by {}, and there are {groups}; use fewer folds, another split.by, or variants of more genes",
            config.split.folds,
            config.split.by.name()
        ))
        .into());
    }
    if arguments.dry_run {
        return print(plan(config, &rows));
    }
    let state = State {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.clone(),
        inputs: inputs(config, base)?,
    };
    let folder = work::open(&arguments.output, arguments.resume, &state)?;
    let store = Store::in_folder(&folder.partial().join(work::WORK))?;
    let started = Instant::now();
    let told = std::sync::Mutex::new(started);
    let training = VariantTraining {
        config,
        rows: &rows,
        threads: arguments.threads(),
        store: &store,
        progress: &|progress| {
            work::tell(log, progress, started, &told);
            !cancel.is_cancelled()
        },
    };
    let mut is_trained = false;
    let written = training
        .run()
        .map_err(anyhow::Error::from)
        .and_then(|tested| {
            is_trained = true;
            let trained = write::Trained {
                arguments,
                config,
                rows: &rows,
                tested: &tested,
                sources: &sources,
                state: &state,
            };
            trained.write(folder.partial(), &cancel, log)
        });
    match written {
        Ok(summary) => {
            let path = folder.complete(None)?;
            log.info(&format!("{summary}; written to {}", path.display()));
            Ok(())
        }
        // The parts stay where they are, to go on with.
        Err(error) if exit_code(&error) == INTERRUPTED => Err(work::unfinished(arguments)),
        Err(error) if is_trained => Err(work::kept(arguments, &folder, error)),
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

/// What makes no sense whatever the variants are.
fn check(config: &VariantConfig, path: &Path) -> anyhow::Result<()> {
    let refuse = |text: String| -> anyhow::Error { Refusal::Usage(text).into() };
    if config.data.is_empty() {
        return Err(refuse("no [[data]] is there; add one".to_owned()));
    }
    for (at, own) in (1..).zip(&config.data) {
        if own.vcf.is_some() == own.table.is_some() {
            return Err(refuse(format!(
                "data {at} needs a vcf or a table, and not both; name one"
            )));
        }
        if own.vcf.as_deref() == Some(Path::new("-")) {
            return Err(refuse(format!(
                "data {at} is standard input, and variants are read twice; write them to a file first"
            )));
        }
        if !own.regions.is_empty() && own.regions_file.is_some() {
            return Err(refuse(format!(
                "data {at} sets both regions and regions_file; leave one out"
            )));
        }
    }
    for (field, values) in [
        ("pathogenic", &config.label.pathogenic),
        ("benign", &config.label.benign),
    ] {
        if values.is_empty() {
            return Err(refuse(format!(
                "label.{field} is empty; name the values of '{}' that mean so",
                config.label.field
            )));
        }
    }
    if let Some(both) = config
        .label
        .pathogenic
        .iter()
        .find(|own| config.label.benign.contains(own))
    {
        return Err(refuse(format!(
            "label.pathogenic and label.benign both name '{both}'; take it out of one"
        )));
    }
    let split = &config.split;
    if !(2..=100).contains(&split.folds) {
        return Err(refuse(format!(
            "split.folds is {}; give 2 to 100",
            split.folds
        )));
    }
    if !(0.05..=0.5).contains(&split.stopping_share) {
        return Err(refuse(
            "split.stopping_share must lie between 0.05 and 0.5".to_owned(),
        ));
    }
    config.network.check().map_err(TrainError::from)?;
    // Everything else that a manifest must hold to, before anything is read.
    let manifest = variant_manifest(config, None, Build::Any, Map::new());
    Manifest::parse(&serde_json::to_string(&manifest)?, path).map_err(|error| {
        // The fields of the manifest come from those of the configuration.
        let text = error
            .to_string()
            .replace("inputs[2].params.features", "encoding.annotations")
            .replace("inputs[0].params", "encoding");
        refuse(text)
    })?;
    Ok(())
}

/// The name of a build in manifests.
fn manifest_build(build: varisk_core::GenomeBuild) -> Build {
    serde_json::from_value(Value::String(build.name().to_owned())).unwrap_or(Build::Any)
}

/// Reads variants, one of the data after the other.
struct Reading<'a> {
    arguments: &'a TrainArguments,
    config: &'a VariantConfig,
    /// Folder of the configuration.
    base: &'a Path,
    /// Folder for tables as VCF.
    scratch: &'a Path,
    cancel: &'a CancelToken,
    log: &'a Log,
    rows: VariantRows,
}

impl Reading<'_> {
    /// The first of the data on the same reference.
    fn first_with(&self, own: &VariantData) -> usize {
        let real = |own: &VariantData| {
            let path = self.base.join(&own.reference);
            path.canonicalize().unwrap_or(path)
        };
        let wanted = real(own);
        let first = self
            .config
            .data
            .iter()
            .position(|other| real(other) == wanted);
        first.unwrap_or_default()
    }

    fn read(&mut self, own: &VariantData, at: usize) -> anyhow::Result<Source> {
        let Self {
            arguments,
            config,
            base,
            ..
        } = *self;
        let reference = base.join(&own.reference);
        let (vcf, label) = match (&own.vcf, &own.table) {
            (Some(vcf), _) => (base.join(vcf), config.label.clone()),
            (None, Some(table)) => {
                let opened = varisk_reference::Reference::open(&reference)?;
                let text = table::vcf(&base.join(table), &config.label, &opened)?;
                let path = self.scratch.join(format!("table-{at}.vcf"));
                std::fs::write(&path, text)?;
                (path, table::converted(&config.label))
            }
            (None, None) => {
                return Err(Refusal::Usage("[[data]] needs a vcf or a table".to_owned()).into());
            }
        };
        let mut settings = Settings::resolve(&RunArguments {
            vcf: Some(vcf),
            reference: Some(reference),
            build: own.build.clone(),
            // Nothing is written there by the plan.
            output: Some(arguments.output.clone()),
            regions: own.regions.clone(),
            regions_file: own.regions_file.as_ref().map(|path| base.join(path)),
            threads: arguments.threads,
            annotation: AnnotationArguments {
                knowledge: own.knowledge.as_ref().map(|path| base.join(path)),
                gene_models: own.gene_models.as_ref().map(|path| base.join(path)),
                ..AnnotationArguments::default()
            },
            onnxruntime: arguments.onnxruntime.clone(),
            ..RunArguments::default()
        })?;
        // A field that holds the label must not find its way into the model unasked.
        settings.annotation.named_only = true;
        let draft = Bundle {
            manifest: variant_manifest(config, None, Build::Any, Map::new()),
            model_path: PathBuf::new(),
            folder: base.to_owned(),
            model_sha256: String::new(),
        };
        let plan = Plan::for_tensors(&settings, draft.clone(), &label.fields())?;
        plan.warnings
            .iter()
            .for_each(|warning| self.log.warn(warning));
        let build = manifest_build(plan.fold.build);
        let has_consequences = plan.schema.column_with_name(read::TERM).is_some();
        let labelled = Labelled {
            settings: &settings,
            draft: &draft,
            label: &label,
            source: at,
            reference: self.first_with(own),
        };
        read::read(plan, &labelled, self.cancel, self.log, &mut self.rows)?;
        Ok(Source {
            settings,
            build,
            has_consequences,
        })
    }
}

/// Files that decide the model, with their hashes; of the reference, which is large, a mark of its
/// size and ends beside the hash of its index.
fn inputs(config: &VariantConfig, base: &Path) -> anyhow::Result<Value> {
    let unreadable = |path: &Path, error: std::io::Error| -> anyhow::Error {
        Refusal::NoInput(format!(
            "{} cannot be read: {error}; check path and permissions",
            path.display()
        ))
        .into()
    };
    let mut all = Vec::new();
    for own in &config.data {
        let mut files = Map::new();
        let lock = own
            .knowledge
            .as_ref()
            .map(|path| path.join("knowledge.lock"));
        let mut index = own.reference.clone().into_os_string();
        index.push(".fai");
        let index = PathBuf::from(index);
        let paths = [
            ("variants", own.vcf.as_ref().or(own.table.as_ref())),
            ("regions", own.regions_file.as_ref()),
            ("gene_models", own.gene_models.as_ref()),
            ("knowledge_lock", lock.as_ref()),
            ("reference_index", Some(&index)),
        ];
        for (role, path) in paths {
            let Some(path) = path else {
                continue;
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let path = base.join(path);
            let sha256 = hash::file(&path).map_err(|error| unreadable(&path, error))?;
            files.insert(role.to_owned(), json!({"file": name, "sha256": sha256}));
        }
        let path = base.join(&own.reference);
        let mark = hash::fingerprint(&path).map_err(|error| unreadable(&path, error))?;
        files.insert("reference".to_owned(), json!({"mark": mark}));
        all.push(Value::Object(files));
    }
    Ok(Value::Array(all))
}

/// What a training would do, in words.
fn plan(config: &VariantConfig, rows: &VariantRows) -> String {
    let (pathogenic, benign) = rows.classes();
    let groups: std::collections::BTreeSet<String> =
        rows.group_names(config.split.by).into_iter().collect();
    let mut text = format!(
        "{pathogenic} pathogenic and {benign} benign variants in {} groups by {}, {} folds; windows of {} bases, {}-mers, {} annotations\n",
        groups.len(),
        config.split.by.name(),
        config.split.folds,
        config.encoding.window,
        config.encoding.k,
        config.encoding.annotations.len()
    );
    for (why, count) in &rows.left_out {
        text += &format!("  left out, {why}: {count}\n");
    }
    text
}
