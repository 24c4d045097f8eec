//! Why pages cannot be written.

use std::path::PathBuf;

use varisk_dossier::DossierError;

/// Why pages cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The run cannot be read.
    #[error(transparent)]
    Run(#[from] DossierError),
    /// A file cannot be written.
    #[error("cannot write {}: {source}; free space or name another folder", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The data of the table cannot be written as JSON: our bug.
    #[error("internal error: the table cannot be made ({0}); please report this")]
    Json(#[from] serde_json::Error),
}
