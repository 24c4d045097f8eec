//! An opened bundle: checked against its lock, listed, verified.

use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use varisk_core::GenomeBuild;

use crate::error::build_name;
use crate::table_file::{open, parquet_error};
use crate::{
    KnowledgeError, Lock, LockedSource, MatchKind, Progress, ProgressCallback, Step, hash,
};

/// Tables up to this size are hashed whole when a bundle is opened: that takes a fraction of a
/// second. Of larger ones the size and the footer are checked; `verify` hashes them too.
const HASHED_WHEN_OPENED: u64 = 64 << 20;

/// A knowledge bundle whose tables are those of its lock.
#[derive(Clone, Debug)]
pub struct Bundle {
    folder: PathBuf,
    lock: Lock,
}

impl Bundle {
    /// Opens a bundle and checks that its tables are those that were built: their size, their
    /// footer, and the whole of those up to 64 MiB.
    ///
    /// # Errors
    /// The folder holds no bundle, or a table is missing or has changed since the lock.
    pub fn open(folder: &Path) -> Result<Self, KnowledgeError> {
        let bundle = Self {
            lock: Lock::read(folder)?,
            folder: folder.to_owned(),
        };
        for source in &bundle.lock.sources {
            bundle.check(source)?;
            if source.table.bytes <= HASHED_WHEN_OPENED {
                bundle.check_whole(source, |_| ())?;
            }
        }
        Ok(bundle)
    }

    /// Hashes every table.
    ///
    /// # Errors
    /// A table has changed since the lock.
    pub fn verify(&self, progress: ProgressCallback<'_>) -> Result<(), KnowledgeError> {
        for source in &self.lock.sources {
            self.check(source)?;
            self.check_whole(source, |done| {
                progress(Progress {
                    source: &source.name,
                    step: Step::Verify,
                    done,
                    total: Some(source.table.bytes),
                });
            })?;
        }
        Ok(())
    }

    fn check(&self, source: &LockedSource) -> Result<(), KnowledgeError> {
        let path = self.table_path(source);
        let changed = |detail: String| KnowledgeError::Changed {
            path: path.clone(),
            detail,
        };
        let bytes = std::fs::metadata(&path)
            .map_err(|error| changed(format!("it cannot be read: {error}")))?
            .len();
        if bytes != source.table.bytes {
            return Err(changed(format!(
                "it has {bytes} bytes, the lock says {}",
                source.table.bytes
            )));
        }
        if hash::footer(&path)? != source.table.footer_sha256 {
            return Err(changed("its footer has another SHA-256".to_owned()));
        }
        Ok(())
    }

    fn check_whole(
        &self,
        source: &LockedSource,
        on_bytes: impl FnMut(u64),
    ) -> Result<(), KnowledgeError> {
        let path = self.table_path(source);
        let (sha256, _) = hash::file(&path, on_bytes)?;
        if sha256 != source.table.sha256 {
            return Err(KnowledgeError::Changed {
                path,
                detail: "it has another SHA-256".to_owned(),
            });
        }
        Ok(())
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its lock.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Its sources, in the order of the configuration.
    #[must_use]
    pub fn sources(&self) -> &[LockedSource] {
        &self.lock.sources
    }

    /// A source by name.
    ///
    /// # Errors
    /// The bundle does not have it.
    pub fn source(&self, name: &str) -> Result<&LockedSource, KnowledgeError> {
        self.lock
            .sources
            .iter()
            .find(|source| source.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.lock.sources.iter().map(|s| s.name.as_str()).collect();
                KnowledgeError::Absent {
                    path: self.folder.clone(),
                    wanted: format!("source '{name}'"),
                    available: listed("the sources", &names),
                }
            })
    }

    /// Genome build of the positional sources.
    #[must_use]
    pub fn genome_build(&self) -> GenomeBuild {
        self.lock.genome_build
    }

    /// Refuses a run of another build.
    ///
    /// # Errors
    /// The builds differ.
    pub fn check_build(&self, run: GenomeBuild) -> Result<(), KnowledgeError> {
        if run == self.lock.genome_build {
            return Ok(());
        }
        Err(KnowledgeError::BuildDiffers {
            path: self.folder.clone(),
            bundle: build_name(self.lock.genome_build),
            run: build_name(run),
        })
    }

    /// Checks that the bundle has what is asked for: sources (`gnomad`) or fields (`gnomad.af`).
    ///
    /// # Errors
    /// The first that it lacks, with what there is instead.
    pub fn require<S: AsRef<str>>(&self, wanted: &[S]) -> Result<(), KnowledgeError> {
        wanted
            .iter()
            .try_for_each(|name| self.resolve(name.as_ref()).map(|_| ()))
    }

    /// The source and field of a name; a source by its name alone is all its fields.
    pub(crate) fn resolve<'a>(
        &'a self,
        name: &'a str,
    ) -> Result<(&'a LockedSource, Option<&'a str>), KnowledgeError> {
        let (source, field) = match name.split_once('.') {
            Some((source, field)) => (source, Some(field)),
            None => (name, None),
        };
        let source = self.source(source)?;
        if let Some(field) = field {
            let known = source.columns.iter().any(|column| column.name == field);
            if !known {
                let names: Vec<&str> = source.columns.iter().map(|c| c.name.as_str()).collect();
                return Err(KnowledgeError::Absent {
                    path: self.folder.clone(),
                    wanted: format!("field '{field}' of source '{}'", source.name),
                    available: listed("the fields", &names),
                });
            }
        }
        Ok((source, field))
    }

    /// Reads a table that is kept whole, such as gene models.
    ///
    /// # Errors
    /// The bundle lacks the source, it is positional, or its table cannot be read.
    pub fn table(&self, name: &str) -> Result<Vec<RecordBatch>, KnowledgeError> {
        let source = self.source(name)?;
        if !matches!(
            source.matching,
            MatchKind::Whole | MatchKind::GeneSymbol | MatchKind::GeneId
        ) {
            return Err(KnowledgeError::Misuse {
                name: name.to_owned(),
                detail: "is positional and may be large; it is joined, not read whole".to_owned(),
            });
        }
        let path = self.table_path(source);
        let (file, metadata) = open(&path, false)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .build()
            .map_err(|error| parquet_error(&path, error))?;
        reader.map(|batch| Ok(batch?)).collect()
    }

    /// Path of a source's table.
    pub(crate) fn table_path(&self, source: &LockedSource) -> PathBuf {
        self.folder.join(&source.table.name)
    }
}

/// Names for a message.
fn listed(what: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    format!("{what} {}", names.join(", "))
}
