//! The output folder: written under another name beside the final one, renamed when complete.

use std::path::{Path, PathBuf};

use crate::ReportError;

/// An output folder in the making. The final name appears only when everything is in it.
#[derive(Debug)]
pub struct OutputFolder {
    final_path: PathBuf,
    partial: PathBuf,
    /// Parents that were made for it, the innermost first.
    parents: Vec<PathBuf>,
}

impl OutputFolder {
    /// Paths of an output folder; nothing is touched.
    fn paths(output: &Path) -> Result<Self, ReportError> {
        let final_path = std::path::absolute(output).map_err(|source| ReportError::Create {
            path: output.into(),
            source,
        })?;
        let mut name = final_path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        Ok(Self {
            partial: final_path.with_file_name(name),
            final_path,
            parents: Vec::new(),
        })
    }

    /// Whether an output may be started or, with `resumes`, taken up; nothing is touched.
    ///
    /// # Errors
    /// The output exists, or an unfinished run stands in its place and is not to be taken up.
    pub fn check(output: &Path, resumes: bool) -> Result<(), ReportError> {
        let folder = Self::paths(output)?;
        folder.refuse_existing()?;
        if !resumes && folder.partial.symlink_metadata().is_ok() {
            return Err(ReportError::Unfinished {
                path: folder.partial,
            });
        }
        Ok(())
    }

    /// Starts a new output.
    ///
    /// # Errors
    /// The output exists, an unfinished run stands in its place, or the folder cannot be created.
    pub fn create(output: &Path) -> Result<Self, ReportError> {
        Self::check(output, false)?;
        let mut folder = Self::paths(output)?;
        let create = |path: &Path| {
            std::fs::create_dir_all(path).map_err(|source| ReportError::Create {
                path: path.into(),
                source,
            })
        };
        if let Some(parent) = folder.final_path.parent() {
            let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
            let parents = parent.ancestors().take_while(missing);
            folder.parents = parents.map(Path::to_path_buf).collect();
            create(parent)?;
        }
        std::fs::create_dir(&folder.partial).map_err(|source| ReportError::Create {
            path: folder.partial.clone(),
            source,
        })?;
        Ok(folder)
    }

    /// Takes up an unfinished output; `None` where there is none.
    ///
    /// # Errors
    /// The output exists already.
    pub fn reopen(output: &Path) -> Result<Option<Self>, ReportError> {
        let folder = Self::paths(output)?;
        folder.refuse_existing()?;
        Ok(folder.partial.is_dir().then_some(folder))
    }

    fn refuse_existing(&self) -> Result<(), ReportError> {
        if self.final_path.symlink_metadata().is_ok() {
            return Err(ReportError::Exists {
                path: self.final_path.clone(),
            });
        }
        Ok(())
    }

    /// Where to write now.
    #[must_use]
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Where the output will be.
    #[must_use]
    pub fn final_path(&self) -> &Path {
        &self.final_path
    }

    /// Removes what was written.
    pub fn discard(self) {
        // Nothing more can be done about a folder that cannot be removed; it is not the final one.
        let _ = std::fs::remove_dir_all(&self.partial);
        for parent in &self.parents {
            // Kept where something else has come into it.
            let _ = std::fs::remove_dir(parent);
        }
    }

    /// Gives the folder its final name.
    ///
    /// # Errors
    /// The rename fails, for instance because the final name has appeared meanwhile.
    pub fn complete(self) -> Result<PathBuf, ReportError> {
        self.refuse_existing()?;
        let sync = || std::fs::File::open(&self.partial).and_then(|folder| folder.sync_all());
        sync()
            .and_then(|()| std::fs::rename(&self.partial, &self.final_path))
            .map_err(|source| ReportError::Write {
                path: self.final_path.clone(),
                source,
            })?;
        Ok(self.final_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_discarded_leaves_no_parents() {
        let parent = tempfile::tempdir().unwrap();
        let output = parent.path().join("a/b/report");
        OutputFolder::create(&output).unwrap().discard();
        assert!(!parent.path().join("a").exists());
        assert!(parent.path().exists());
    }

    #[test]
    fn the_final_name_appears_only_when_complete() {
        let parent = tempfile::tempdir().unwrap();
        let output = parent.path().join("new/report");
        let folder = OutputFolder::create(&output).unwrap();
        std::fs::write(folder.partial().join("x"), "1").unwrap();
        assert!(!output.exists());
        assert!(matches!(
            OutputFolder::create(&output),
            Err(ReportError::Unfinished { .. })
        ));
        assert_eq!(folder.complete().unwrap(), output);
        assert!(output.join("x").exists());
        assert!(matches!(
            OutputFolder::create(&output),
            Err(ReportError::Exists { .. })
        ));
    }
}
