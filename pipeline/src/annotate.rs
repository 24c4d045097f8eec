//! `varisk annotate`: a VCF or BCF with consequences and fields of knowledge sources.

mod info;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use varisk_core::{ContigSet, Position, SiteBatch, Worker};
use varisk_flow::{CancelToken, Executor, Outcome};
use varisk_readers::{
    AnnotatedWriter, OutputKind, RawBatch, ReadError, RecordText, SiteDecoder, append_info,
    with_header_lines,
};
use varisk_report::{ReportError, TableFolder, TableWriter};

use self::info::InfoColumns;
use crate::arguments::{AnnotateArguments, RunArguments};
use crate::exit::Refusal;
use crate::log::Log;
use crate::plan::{Plan, Purpose};
use crate::rows::{NamedRows, project};
use crate::run::{cancel_on_signal, cause, interrupted};
use crate::settings::Settings;

pub(crate) fn command(arguments: &AnnotateArguments, log: &Log) -> anyhow::Result<()> {
    let mut settings = Settings::resolve(&RunArguments {
        vcf: Some(arguments.vcf.clone()),
        reference: Some(arguments.reference.clone()),
        build: arguments.build.clone(),
        output: Some(arguments.output.clone()),
        regions: arguments.regions.clone(),
        regions_file: arguments.regions_file.clone(),
        threads: arguments.threads,
        batch_size: arguments.batch_size,
        ref_mismatch: arguments.ref_mismatch,
        annotation: arguments.annotation.clone(),
        ..RunArguments::default()
    })?;
    if settings.annotation.is_empty() {
        return Err(Refusal::Usage("nothing is given to annotate with; name a bundle (--knowledge), gene models (--gene-models), or --consequences from-info".to_owned()).into());
    }
    let target = Target::of(&settings.output)?;
    settings.annotation.csq_text = target == Target::Vcf;
    let cancel = cancel_on_signal();
    let mut plan = Plan::try_new(&settings, Purpose::Annotate)?;
    plan.warnings.iter().for_each(|warning| log.warn(warning));
    let Some(file) = plan.files.first() else {
        return Err(Refusal::Software(
            "internal error: no variant file is open; please report this".to_owned(),
        )
        .into());
    };
    let text = Arc::new(RecordText::new(file));
    let mut output = match target {
        Target::Vcf => {
            let columns = InfoColumns::try_new(&plan.schema)?;
            let lines = columns.header_lines(&plan.fold.sources);
            let header = with_header_lines(file.header_text(), &lines);
            let threads = NonZero::new(settings.limits.threads).unwrap_or(NonZero::<usize>::MIN);
            Output::Vcf(Box::new(AnnotatedWriter::create(
                &settings.output,
                &header,
                threads,
            )?))
        }
        Target::Parquet => Output::Parquet(Box::new(ParquetFile::create(&settings.output, &plan)?)),
    };
    let source = plan.source(&settings)?;
    let counts = copy(&plan, source, &text, &settings, &cancel, &mut output, log)?;
    output.finish()?;
    let place = if settings.output == Path::new("-") {
        String::new()
    } else {
        format!("; written to {}", settings.output.display())
    };
    log.info(&format!(
        "{} records, {} alleles{place}",
        counts.records, counts.alleles
    ));
    Ok(())
}

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Vcf,
    Parquet,
}

impl Target {
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path != Path::new("-") && path.symlink_metadata().is_ok() {
            return Err(ReportError::Exists { path: path.into() }.into());
        }
        if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            return Ok(Self::Parquet);
        }
        if OutputKind::of(path).is_some() {
            return Ok(Self::Vcf);
        }
        Err(Refusal::Usage(format!("{}: the name ends neither with .vcf, .vcf.gz, .bcf nor .parquet; name the output so, or use - for VCF on standard output", path.display())).into())
    }
}

#[derive(Default)]
struct Counts {
    records: u64,
    alleles: u64,
}

/// What a batch becomes.
enum Piece {
    /// Lines with their line ends.
    Lines(Vec<u8>),
    Rows(RecordBatch),
}

struct Done {
    piece: Piece,
    records: u64,
    alleles: u64,
    last: String,
}

/// What one thread has of its own.
struct AnnotateWorker {
    decoder: SiteDecoder,
    stages: Vec<(String, Box<dyn Worker>)>,
    text: Arc<RecordText>,
    columns: Option<InfoColumns>,
    rows: SchemaRef,
    named: Arc<NamedRows>,
    contigs: Arc<ContigSet>,
}

impl AnnotateWorker {
    fn work(&mut self, number: u64, raw: &RawBatch) -> anyhow::Result<Done> {
        let decoded = self.decoder.decode(number, raw)?;
        if let Some(bad) = decoded.bad.into_iter().next() {
            return Err(ReadError::TooManyBadRecords { bad }.into());
        }
        let mut batch = decoded.batch;
        for (_, stage) in &mut self.stages {
            batch = stage.process(batch)?;
        }
        let last = raw.entries.last();
        let last = last.map_or_else(String::new, |entry| {
            format!(
                "{}:{}",
                self.contigs.name(entry.contig),
                Position(entry.position.0)
            )
        });
        let piece = match &self.columns {
            Some(columns) => Piece::Lines(lines(
                &self.text,
                columns,
                raw,
                &batch,
                &decoded.rows_per_record,
            )?),
            None => Piece::Rows(self.named.named(&project(batch.sites(), &self.rows)?)?),
        };
        Ok(Done {
            piece,
            records: decoded.records,
            alleles: decoded.alleles,
            last,
        })
    }
}

/// The records of a batch with what was added to their INFO.
fn lines(
    text: &RecordText,
    columns: &InfoColumns,
    raw: &RawBatch,
    batch: &SiteBatch,
    rows_per_record: &[u32],
) -> anyhow::Result<Vec<u8>> {
    let mut values = columns.values(batch)?;
    let mut out = Vec::with_capacity(raw.bytes.len() * 2);
    let mut scratch = Vec::new();
    let mut row = 0;
    for (entry, rows) in raw.entries.iter().zip(rows_per_record) {
        let rows = row..row + *rows as usize;
        row = rows.end;
        let record = raw.bytes.get(entry.start..entry.end).unwrap_or_default();
        let line = text.line(record, &mut scratch).map_err(|defect| {
            Refusal::Data(format!("record {}: {}", entry.record, defect.detail))
        })?;
        let addition = values.of_record(rows)?;
        append_info(line, &addition, &mut out).map_err(|defect| {
            Refusal::Data(format!("record {}: {}", entry.record, defect.detail))
        })?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Where pieces go.
enum Output {
    Vcf(Box<AnnotatedWriter>),
    Parquet(Box<ParquetFile>),
}

impl Output {
    fn write(&mut self, piece: Piece) -> anyhow::Result<()> {
        match (self, piece) {
            (Self::Vcf(writer), Piece::Lines(lines)) => writer.write_lines(&lines)?,
            (Self::Parquet(file), Piece::Rows(rows)) => file.writer.write(rows)?,
            _ => {
                return Err(Refusal::Software(
                    "internal error: a piece does not fit its output; please report this"
                        .to_owned(),
                )
                .into());
            }
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Vcf(writer) => Ok(writer.finish()?),
            Self::Parquet(file) => file.finish(),
        }
    }
}

/// A table under a temporary name until it is complete.
struct ParquetFile {
    writer: TableWriter,
    folder: tempfile::TempDir,
    target: PathBuf,
}

const TABLE: &str = "variants";

impl ParquetFile {
    fn create(target: &Path, plan: &Plan) -> anyhow::Result<Self> {
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(".varisk-")
            .tempdir_in(parent)
            .map_err(|source| ReportError::Create {
                path: target.into(),
                source,
            })?;
        let schema = Arc::clone(NamedRows::try_new(&plan.fold)?.schema());
        Ok(Self {
            writer: TableWriter::create(&TableFolder::plain(folder.path()), TABLE, schema)?,
            folder,
            target: target.to_owned(),
        })
    }

    fn finish(self) -> anyhow::Result<()> {
        self.writer.finish()?;
        let written = self.folder.path().join(format!("{TABLE}.parquet"));
        std::fs::rename(written, &self.target).map_err(|source| ReportError::Write {
            path: self.target,
            source,
        })?;
        Ok(())
    }
}

fn copy(
    plan: &Plan,
    mut source: varisk_readers::RecordSource,
    text: &Arc<RecordText>,
    settings: &Settings,
    cancel: &CancelToken,
    output: &mut Output,
    log: &Log,
) -> anyhow::Result<Counts> {
    let executor = Executor::new(settings.limits.threads, cancel.clone());
    let rows = plan.fold.rows.schema()?;
    let named = Arc::new(NamedRows::try_new(&plan.fold)?);
    let is_vcf = matches!(output, Output::Vcf(_));
    let mut workers = (0..executor.threads())
        .map(|_| {
            Ok(AnnotateWorker {
                decoder: SiteDecoder::new(Arc::clone(&plan.decoder), plan.reference.reader()?),
                stages: plan.workers()?,
                text: Arc::clone(text),
                columns: is_vcf.then(|| InfoColumns::of(&plan.schema)),
                rows: Arc::clone(&rows),
                named: Arc::clone(&named),
                contigs: Arc::clone(plan.reference.contigs()),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut counts = Counts::default();
    let mut progress = log.progress();
    let spare = source.spare();
    let mut pull = || -> anyhow::Result<Option<RawBatch>> { Ok(source.next_batch()?) };
    let outcome = executor.run(
        &mut pull,
        &mut workers,
        0,
        u64::MAX,
        |worker, number, raw| {
            let done = worker.work(number, &raw);
            spare.give_back(raw);
            done
        },
        |done: Done| {
            output.write(done.piece)?;
            counts.records += done.records;
            counts.alleles += done.alleles;
            progress.update(counts.records, &done.last);
            Ok(())
        },
    );
    match outcome {
        Ok(Outcome::Finished) => Ok(counts),
        Ok(_) => Err(interrupted()),
        Err(error) => Err(cause(error)),
    }
}
