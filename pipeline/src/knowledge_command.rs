//! `varisk knowledge build|list|verify`.

use std::fmt::Write as _;
use std::path::Path;

use varisk_annotate::{GeneModels, transcript_schema};
use varisk_core::GenomeBuild;
use varisk_knowledge::{
    Bundle, BundleBuilder, FieldType, KnowledgeConfig, Progress, SourceConfig, SourceKind, Step,
    TableMeta,
};
use varisk_reference::{Reference, detect_build};

use crate::arguments::{KnowledgeAction, KnowledgeArguments};
use crate::exit::Refusal;
use crate::log::Log;
use crate::print::print;

pub(crate) fn command(arguments: &KnowledgeArguments, log: &Log) -> anyhow::Result<()> {
    match &arguments.action {
        KnowledgeAction::Build {
            config,
            reference,
            output,
        } => build(config, reference, output, log),
        KnowledgeAction::List { bundle } => print(listing(&Bundle::open(bundle)?)?),
        KnowledgeAction::Verify { bundle } => {
            let opened = Bundle::open(bundle)?;
            show(log, |progress| Ok(opened.verify(progress)?))?;
            print(format!(
                "{}: {} tables are those of the lock\n",
                bundle.display(),
                opened.sources().len()
            ))
        }
    }
}

/// Runs something with a bar for what it says of its progress.
fn show<T>(
    log: &Log,
    work: impl FnOnce(&mut dyn FnMut(Progress<'_>)) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut bar = log.progress();
    work(&mut |progress: Progress<'_>| {
        let step = match progress.step {
            Step::Hash => "bytes hashed",
            Step::Read => "records read",
            Step::Write => "rows written",
            Step::Verify => "bytes compared",
        };
        let of = progress
            .total
            .map(|total| format!(" of {total}"))
            .unwrap_or_default();
        bar.update(progress.done, &format!("{}: {step}{of}", progress.source));
    })
}

/// Builds the bundle that a configuration describes.
pub(crate) fn build(
    config: &Path,
    reference: &Path,
    output: &Path,
    log: &Log,
) -> anyhow::Result<()> {
    let config = KnowledgeConfig::read(config)?;
    let reference = Reference::open(reference)?;
    refuse_other_build(config.genome_build, &reference)?;
    let mut builder = BundleBuilder::try_new(output, config.genome_build, reference.clone())?;
    for source in &config.sources {
        let locked = show(log, |progress| {
            if source.kind == SourceKind::GeneModels {
                add_gene_models(&mut builder, source, &reference, progress)
            } else {
                Ok(builder.add(source, progress).cloned()?)
            }
        })?;
        let left_out: Vec<String> = locked
            .dropped
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let left_out = if left_out.is_empty() {
            String::new()
        } else {
            format!("; left out: {}", left_out.join(", "))
        };
        log.info(&format!(
            "{}: {} rows of {} records{left_out}",
            locked.name, locked.table.rows, locked.records
        ));
    }
    let bundle = builder.finish()?;
    log.info(&format!(
        "{} sources; written to {}",
        bundle.sources().len(),
        output.display()
    ));
    Ok(())
}

fn refuse_other_build(build: GenomeBuild, reference: &Reference) -> anyhow::Result<()> {
    let stated = Some(build).filter(|build| *build != GenomeBuild::Other);
    let hints = varisk_reference::HeaderHints::default();
    detect_build(stated, reference.contigs(), &hints)
        .map_err(|error| Refusal::Data(format!("{}: {error}", reference.path().display())))?;
    Ok(())
}

fn add_gene_models(
    builder: &mut BundleBuilder,
    source: &SourceConfig,
    reference: &Reference,
    progress: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<varisk_knowledge::LockedSource> {
    let models = GeneModels::read(&source.path, reference.contigs())?;
    let summary = models.summary();
    let skipped = summary.skipped.iter();
    let meta = TableMeta {
        records: summary.transcripts + summary.skipped.values().sum::<u64>(),
        dropped: skipped
            .map(|(reason, count)| (reason.name().to_owned(), *count))
            .collect(),
        ..TableMeta::of(source)
    };
    let batches = models.to_batches(reference.contigs())?;
    Ok(builder
        .add_table(&meta, transcript_schema(), batches, progress)?
        .clone())
}

fn field_type(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Float | FieldType::Score => "float",
        FieldType::Integer => "integer",
        FieldType::Text => "text",
        FieldType::Flag => "flag",
        FieldType::Other => "other",
    }
}

fn listing(bundle: &Bundle) -> anyhow::Result<String> {
    let mut text = format!(
        "{}: {}, {} sources\n",
        bundle.folder().display(),
        bundle.genome_build(),
        bundle.sources().len()
    );
    for source in bundle.sources() {
        writeln!(
            text,
            "\n{}  ({}, release {}, {})\n  {} rows, from {} (sha256 {})",
            source.name,
            source.kind.name(),
            source.release,
            source.licence,
            source.table.rows,
            source.input.name,
            source.input.sha256
        )?;
        for (reason, count) in &source.dropped {
            writeln!(text, "  left out: {count} {reason}")?;
        }
        if source.kind == SourceKind::GeneModels {
            continue;
        }
        for column in &source.columns {
            let meaning = if column.meaning.is_empty() {
                String::new()
            } else {
                format!("  {}", column.meaning)
            };
            writeln!(
                text,
                "  {}.{}  {}{meaning}",
                source.name,
                column.name,
                field_type(column.field_type)
            )?;
        }
    }
    Ok(text)
}
