//! Building a bundle, source by source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use tempfile::TempDir;
use varisk_core::GenomeBuild;
use varisk_reference::Reference;

use crate::contigs::ContigRanks;
use crate::rows::{OutputField, RowBuffer, RowKey};
use crate::sort::Sorter;
use crate::table_file::{PositionalWriter, TableCounts, TableWriter, table_schema};
use crate::{
    Bundle, FieldType, KnowledgeError, LOCK_FILE, LOCK_VERSION, Lock, LockedColumn, LockedFile,
    LockedModel, LockedSource, LockedTable, MatchKind, Progress, ProgressCallback, SourceConfig,
    SourceKind, Step, hash, sources,
};

/// Rows sorted in memory at once, and their bytes: bounds the memory of a build.
const PIECE_ROWS: usize = 1 << 19;
/// See [`PIECE_ROWS`].
const PIECE_BYTES: usize = 48 << 20;
/// Signs of life come at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Makes a bundle. The folder appears under its name only when [`BundleBuilder::finish`] has
/// written everything; dropped before, it leaves nothing.
///
/// # Memory
/// Some 200 MiB, whatever the size of the sources (gene tables apart, which are kept whole).
pub struct BundleBuilder {
    output: PathBuf,
    folder: TempDir,
    reference: Reference,
    ranks: ContigRanks,
    lock: Lock,
}

/// What the lock says of a table that another part prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableMeta {
    /// Name of the source.
    pub name: String,
    /// What it was made from.
    pub kind: SourceKind,
    /// Its release.
    pub release: String,
    /// Its licence.
    pub licence: String,
    /// The file that it was made from.
    pub input: PathBuf,
    /// Records or lines of that file.
    pub records: u64,
    /// What was left out, by reason.
    pub dropped: BTreeMap<String, u64>,
}

impl TableMeta {
    /// What a configured source says of itself.
    #[must_use]
    pub fn of(source: &SourceConfig) -> Self {
        Self {
            name: source.name.clone(),
            kind: source.kind,
            release: source.release.clone(),
            licence: source.licence.clone(),
            input: source.path.clone(),
            records: 0,
            dropped: BTreeMap::new(),
        }
    }
}

impl BundleBuilder {
    /// Starts a bundle in a new folder.
    ///
    /// # Errors
    /// The folder exists, or cannot be made.
    pub fn try_new(
        output: &Path,
        genome_build: GenomeBuild,
        reference: Reference,
    ) -> Result<Self, KnowledgeError> {
        let create = |source| KnowledgeError::Create {
            path: output.to_owned(),
            source,
        };
        let output = std::path::absolute(output).map_err(create)?;
        if output.symlink_metadata().is_ok() {
            return Err(KnowledgeError::Exists { path: output });
        }
        let parent = output.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(parent).map_err(create)?;
        let mut prefix = output.file_name().unwrap_or_default().to_owned();
        prefix.push(".partial-");
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent)
            .map_err(create)?;
        Ok(Self {
            ranks: ContigRanks::new(reference.contigs()),
            output,
            folder,
            reference,
            lock: Lock {
                schema_version: LOCK_VERSION,
                varisk: env!("CARGO_PKG_VERSION").to_owned(),
                genome_build,
                sources: Vec::new(),
            },
        })
    }

    /// Adds a source that this crate can read: any kind but `gene_models`.
    ///
    /// # Errors
    /// The source is not what its configuration says, is of another build, or cannot be read.
    pub fn add(
        &mut self,
        source: &SourceConfig,
        progress: ProgressCallback<'_>,
    ) -> Result<&LockedSource, KnowledgeError> {
        self.refuse_repeated(&source.name)?;
        if source.kind == SourceKind::GeneModels {
            return Err(KnowledgeError::Misuse {
                name: source.name.clone(),
                detail: "holds gene models, which are added as a prepared table".to_owned(),
            });
        }
        let path = sources::input_file(source);
        let mut input = hash_input(&source.name, &path, progress)?;
        if source.kind == SourceKind::Scores {
            // The name of the run's folder; the table in it has the same name in every run.
            input.name = file_name(&source.path);
        }
        let made = if source.kind == SourceKind::GeneTable {
            sources::gene_table::build(source, &self.table_path(&source.name))?
        } else {
            self.add_positional(source, progress)?
        };
        let table = self.lock_table(&source.name, made.counts.rows)?;
        self.push(LockedSource {
            name: source.name.clone(),
            kind: source.kind,
            release: source.release.clone(),
            licence: source.licence.clone(),
            matching: source.match_kind(),
            combine: (source.match_kind() == MatchKind::Position)
                .then(|| source.combine.unwrap_or_default()),
            input,
            table,
            columns: made.fields.into_iter().map(locked_column).collect(),
            records: made.tally.records,
            dropped: made.tally.dropped,
            duplicates: made.counts.duplicates,
            longest_interval: (source.match_kind() == MatchKind::Position)
                .then_some(made.counts.longest_interval),
            only: source.only.clone(),
            models: made.models,
        })
    }

    /// Adds a table that another part prepared, such as gene models. Its rows are kept as they come.
    ///
    /// # Errors
    /// The input cannot be hashed, a batch has another schema, or the table cannot be written.
    pub fn add_table(
        &mut self,
        meta: &TableMeta,
        schema: SchemaRef,
        batches: impl IntoIterator<Item = RecordBatch>,
        progress: ProgressCallback<'_>,
    ) -> Result<&LockedSource, KnowledgeError> {
        self.refuse_repeated(&meta.name)?;
        let input = hash_input(&meta.name, &meta.input, progress)?;
        let columns = schema
            .fields()
            .iter()
            .map(|field| LockedColumn {
                name: field.name().clone(),
                field_type: FieldType::of(field.data_type()),
                from: None,
                meaning: field.metadata().get("meaning").cloned().unwrap_or_default(),
            })
            .collect();
        let mut writer = TableWriter::create(&self.table_path(&meta.name), &meta.name, schema)?;
        let mut rows = 0;
        for batch in batches {
            rows += batch.num_rows() as u64;
            writer.write(batch)?;
        }
        writer.finish()?;
        let table = self.lock_table(&meta.name, rows)?;
        self.push(LockedSource {
            name: meta.name.clone(),
            kind: meta.kind,
            release: meta.release.clone(),
            licence: meta.licence.clone(),
            matching: MatchKind::Whole,
            combine: None,
            input,
            table,
            columns,
            records: meta.records,
            dropped: meta.dropped.clone(),
            duplicates: 0,
            longest_interval: None,
            only: BTreeMap::new(),
            models: Vec::new(),
        })
    }

    /// Writes the lock, gives the folder its name, and opens it.
    ///
    /// # Errors
    /// The lock or the folder cannot be written, or another folder took the name.
    pub fn finish(self) -> Result<Bundle, KnowledgeError> {
        let lock = self.folder.path().join(LOCK_FILE);
        let create = |source| KnowledgeError::Create {
            path: self.output.clone(),
            source,
        };
        std::fs::write(&lock, self.lock.to_text(&lock)?).map_err(create)?;
        if self.output.symlink_metadata().is_ok() {
            return Err(KnowledgeError::Exists { path: self.output });
        }
        open_to_others(self.folder.path()).map_err(create)?;
        std::fs::rename(self.folder.path(), &self.output).map_err(create)?;
        // The folder has moved: nothing is left to remove.
        let _ = self.folder.keep();
        Bundle::open(&self.output)
    }

    fn add_positional(
        &self,
        source: &SourceConfig,
        progress: ProgressCallback<'_>,
    ) -> Result<Made, KnowledgeError> {
        let path = self.table_path(&source.name);
        let spill = tempfile::Builder::new()
            .prefix("sort-")
            .tempdir_in(self.folder.path())
            .map_err(|error| KnowledgeError::Create {
                path: path.clone(),
                source: error,
            })?;
        let plan = sources::Plan::try_new(source)?;
        let buffer = RowBuffer::try_new(&plan.fields)?;
        let sorter = Sorter::new(SchemaRef::clone(buffer.schema()), spill.path());
        let mut sink = TableSink {
            source,
            buffer,
            sorter,
            tally: Tally::default(),
            ranks: &self.ranks,
            reference: &self.reference,
            genome_build: self.lock.genome_build,
            progress,
            last_sign: Instant::now(),
        };
        sources::read(&plan, &mut sink)?;
        let (sorter, tally, progress) = sink.finish()?;
        let schema = table_schema(source.match_kind(), &plan.fields)?;
        let table = TableWriter::create(&path, &source.name, schema)?;
        let mut writer = PositionalWriter::new(table, &self.ranks, source.match_kind());
        let mut merge = sorter.finish()?;
        let mut written = 0;
        while let Some(rows) = merge.next_batch()? {
            writer.write(&rows)?;
            written += rows.num_rows() as u64;
            progress(Progress {
                source: &source.name,
                step: Step::Write,
                done: written,
                total: Some(tally.kept),
            });
        }
        Ok(Made {
            counts: writer.finish()?,
            fields: plan.fields,
            tally,
            models: plan.models,
        })
    }

    fn table_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(table_name(name))
    }

    fn lock_table(&self, name: &str, rows: u64) -> Result<LockedTable, KnowledgeError> {
        let path = self.table_path(name);
        let (sha256, bytes) = hash::file(&path, |_| ())?;
        Ok(LockedTable {
            name: table_name(name),
            bytes,
            sha256,
            footer_sha256: hash::footer(&path)?,
            rows,
        })
    }

    fn refuse_repeated(&self, name: &str) -> Result<(), KnowledgeError> {
        if self.lock.sources.iter().any(|source| source.name == name) {
            return Err(KnowledgeError::Misuse {
                name: name.to_owned(),
                detail: "was added before; give each source a name of its own".to_owned(),
            });
        }
        Ok(())
    }

    fn push(&mut self, source: LockedSource) -> Result<&LockedSource, KnowledgeError> {
        self.lock.sources.push(source);
        self.lock
            .sources
            .last()
            .ok_or_else(|| KnowledgeError::Misuse {
                name: String::new(),
                detail: "was not kept; please report this".to_owned(),
            })
    }
}

/// What became of a source.
pub(crate) struct Made {
    pub(crate) counts: TableCounts,
    pub(crate) fields: Vec<OutputField>,
    pub(crate) tally: Tally,
    pub(crate) models: Vec<LockedModel>,
}

/// What is counted while a source is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Records or lines.
    pub(crate) records: u64,
    /// Rows kept.
    pub(crate) kept: u64,
    /// Rows left out, by reason.
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn drop_row(&mut self, reason: &str) {
        match self.dropped.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.dropped.insert(reason.to_owned(), 1);
            }
        }
    }

    pub(crate) fn dropped_for(&self, reason: &str) -> u64 {
        self.dropped.get(reason).copied().unwrap_or_default()
    }
}

/// Takes the rows of a source.
pub(crate) struct TableSink<'a, 'p> {
    pub(crate) source: &'a SourceConfig,
    buffer: RowBuffer,
    sorter: Sorter,
    pub(crate) tally: Tally,
    pub(crate) ranks: &'a ContigRanks,
    pub(crate) reference: &'a Reference,
    pub(crate) genome_build: GenomeBuild,
    progress: &'p mut dyn FnMut(Progress<'_>),
    last_sign: Instant,
}

impl<'p> TableSink<'_, 'p> {
    /// Adds a row; the caller then fills the fields of the buffer that comes back.
    pub(crate) fn push(&mut self, key: RowKey<'_>) -> Result<&mut RowBuffer, KnowledgeError> {
        if self.buffer.rows() >= PIECE_ROWS
            || (self.buffer.rows().is_multiple_of(1024) && self.buffer.bytes() >= PIECE_BYTES)
        {
            self.sorter.push(&self.buffer.take()?)?;
        }
        self.tally.kept += 1;
        self.buffer.push_key(key);
        Ok(&mut self.buffer)
    }

    /// Counts records read.
    pub(crate) fn count_records(&mut self, records: u64) {
        self.tally.records += records;
        if self.last_sign.elapsed() >= PROGRESS_EVERY {
            self.last_sign = Instant::now();
            (self.progress)(Progress {
                source: &self.source.name,
                step: Step::Read,
                done: self.tally.records,
                total: None,
            });
        }
    }

    fn finish(mut self) -> Result<Rest<'p>, KnowledgeError> {
        self.sorter.push(&self.buffer.take()?)?;
        Ok((self.sorter, self.tally, self.progress))
    }
}

/// What a sink leaves when all rows are in.
type Rest<'p> = (Sorter, Tally, &'p mut dyn FnMut(Progress<'_>));

fn hash_input(
    name: &str,
    path: &Path,
    progress: ProgressCallback<'_>,
) -> Result<LockedFile, KnowledgeError> {
    let total = std::fs::metadata(path).ok().map(|metadata| metadata.len());
    let mut last_sign = Instant::now();
    let (sha256, bytes) = hash::file(path, |done| {
        if last_sign.elapsed() >= PROGRESS_EVERY {
            last_sign = Instant::now();
            progress(Progress {
                source: name,
                step: Step::Hash,
                done,
                total,
            });
        }
    })?;
    Ok(LockedFile {
        name: file_name(path),
        bytes,
        sha256,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn table_name(source: &str) -> String {
    format!("{source}.parquet")
}

fn locked_column(field: OutputField) -> LockedColumn {
    LockedColumn {
        name: field.name,
        field_type: field.field_type,
        from: field.from,
        meaning: field.meaning,
    }
}

/// A temporary folder is its owner's alone; a bundle is shared as other folders are.
fn open_to_others(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The permissions that a new folder gets here, by the user's mask.
        let sample = folder.join("permissions");
        std::fs::create_dir(&sample)?;
        let mode = std::fs::metadata(&sample)?.permissions().mode();
        std::fs::remove_dir(&sample)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
