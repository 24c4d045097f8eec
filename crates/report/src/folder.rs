//! The output folder: written under another name beside the final one, renamed when complete.
//!
//! Only what every shared file system gives is relied on: a folder is made by one process alone, a
//! rename within a folder is one step, and what was synced is there after it. Locks of files, which
//! some mounts do not have, keep a second process out where they work; nothing is mapped into memory.

mod files;
mod lock;
#[cfg(test)]
mod tests;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::ReportError;
use files::{absent, absolute, copy_folder, creating, entries, shift, sync, sync_folder, writing};
use lock::{Kind, LOCK, Lock};

/// What comes from a scratch disk, until all of it is there.
const INCOMING: &str = ".incoming";
/// What was there before: while it is moved away, and when all of it is.
const REPLACING: &str = ".replacing";
const REPLACED: &str = ".replaced";

/// An output folder in the making. The final name appears only when everything is in it.
#[derive(Debug)]
pub struct OutputFolder {
    final_path: PathBuf,
    /// Beside the final path; there as long as the output is unfinished.
    partial: PathBuf,
    /// Where it is written meanwhile, on a disk of this node.
    scratch: Option<PathBuf>,
    lock: Option<Lock>,
    /// Parents that were made for it, the innermost first.
    parents: Vec<PathBuf>,
}

impl OutputFolder {
    /// Paths of an output folder; nothing is touched.
    fn paths(output: &Path) -> Result<Self, ReportError> {
        let final_path = absolute(output)?;
        let mut name = final_path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        Ok(Self {
            scratch: None,
            partial: final_path.with_file_name(name),
            final_path,
            lock: None,
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
        if !resumes
            && folder.partial.symlink_metadata().is_ok()
            && !Lock::is_leftover(&folder.partial)
        {
            return Err(ReportError::Unfinished {
                path: folder.partial,
            });
        }
        Ok(())
    }

    /// Starts a new output that cannot be taken up later. What a killed attempt at such a one has left in
    /// its place is removed.
    ///
    /// # Errors
    /// The output exists, an unfinished run stands in its place, another process writes it, or the folder
    /// cannot be created.
    pub fn create(output: &Path) -> Result<Self, ReportError> {
        Self::create_on(output, None)
    }

    /// The same, written in a folder of `scratch`, a disk of this node, until it is complete.
    ///
    /// # Errors
    /// As [`Self::create`]; the scratch folder lies in the output's place.
    pub fn create_on(output: &Path, scratch: Option<&Path>) -> Result<Self, ReportError> {
        Self::start(output, scratch, false)
    }

    /// Starts a new output that [`Self::reopen_on`] takes up if it stays unfinished.
    ///
    /// # Errors
    /// As [`Self::create_on`].
    pub fn create_resumable(output: &Path, scratch: Option<&Path>) -> Result<Self, ReportError> {
        Self::start(output, scratch, true)
    }

    fn start(
        output: &Path,
        scratch: Option<&Path>,
        is_resumable: bool,
    ) -> Result<Self, ReportError> {
        Self::check(output, false)?;
        let mut folder = Self::paths(output)?;
        folder.refuse_scratch_within(scratch)?;
        if let Some(parent) = folder.final_path.parent() {
            let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
            let parents = parent.ancestors().take_while(missing);
            folder.parents = parents.map(Path::to_path_buf).collect();
            std::fs::create_dir_all(parent).map_err(creating(parent))?;
        }
        // Of two processes one alone makes it.
        let made = std::fs::create_dir(&folder.partial);
        let is_new = made.is_ok();
        if let Err(error) = made
            && !Lock::is_leftover(&folder.partial)
        {
            return Err(creating(&folder.partial)(error));
        }
        let kind = if is_resumable {
            Kind::Resumable
        } else {
            Kind::Anew
        };
        if let Err(error) = folder.lock(kind, true) {
            if is_new && !matches!(error, ReportError::InUse { .. }) {
                // A disk without room for a line.
                folder.discard();
            }
            return Err(error);
        }
        if !is_new {
            folder.empty_partial()?;
        }
        if let Some(scratch) = scratch
            && let Err(error) = folder.make_scratch(scratch)
        {
            folder.discard();
            return Err(error);
        }
        Ok(folder)
    }

    /// Takes up an unfinished output; `None` where there is none.
    ///
    /// # Errors
    /// The output exists already, or another process writes it.
    pub fn reopen(output: &Path) -> Result<Option<Self>, ReportError> {
        Self::reopen_on(output, None, &|_| 0)
    }

    /// Takes up an unfinished output, to be written in a folder of `scratch`. A state that an attempt
    /// has left there goes on if it is farther than what lies beside the output; `progress` says how
    /// far a folder is, 0 where nothing in it can be used.
    ///
    /// # Errors
    /// As [`Self::reopen`]; what lies beside the output cannot be copied.
    pub fn reopen_on(
        output: &Path,
        scratch: Option<&Path>,
        progress: &dyn Fn(&Path) -> u64,
    ) -> Result<Option<Self>, ReportError> {
        let mut folder = Self::paths(output)?;
        folder.refuse_existing()?;
        folder.refuse_scratch_within(scratch)?;
        if !folder.partial.is_dir() {
            return Ok(None);
        }
        folder.lock(Kind::Resumable, false)?;
        folder.settle()?;
        let Some(scratch) = scratch else {
            return Ok(Some(folder));
        };
        let before = folder.scratch_path(scratch)?;
        let owner = |path: &Path| path.symlink_metadata().map(|own| (own.is_dir(), own.uid()));
        let is_ours = owner(&before).is_ok_and(|(is_dir, user)| {
            is_dir && owner(&folder.partial).is_ok_and(|(_, own)| own == user)
        });
        if is_ours && progress(&before) >= progress(&folder.partial) {
            folder.scratch = Some(before);
            return Ok(Some(folder));
        }
        if is_ours {
            let _ = std::fs::remove_dir_all(&before);
        }
        folder.make_scratch(scratch)?;
        copy_folder(&folder.partial, folder.partial(), None)?;
        Ok(Some(folder))
    }

    fn refuse_existing(&self) -> Result<(), ReportError> {
        if self.final_path.symlink_metadata().is_ok() {
            return Err(ReportError::Exists {
                path: self.final_path.clone(),
            });
        }
        Ok(())
    }

    fn refuse_scratch_within(&self, scratch: Option<&Path>) -> Result<(), ReportError> {
        let Some(scratch) = scratch else {
            return Ok(());
        };
        let path = absolute(scratch)?;
        if path.starts_with(&self.final_path) || path.starts_with(&self.partial) {
            let source = io::Error::other("the scratch folder lies in the place of the output");
            return Err(creating(&path)(source));
        }
        Ok(())
    }

    /// The folder on a disk of this node. Its name is this output's alone, and nobody can guess it.
    fn scratch_path(&self, scratch: &Path) -> Result<PathBuf, ReportError> {
        Ok(absolute(scratch)?.join(Lock::scratch_name(&self.partial)?))
    }

    fn lock(&mut self, kind: Kind, is_begun: bool) -> Result<(), ReportError> {
        let check = || self.refuse_existing();
        self.lock = Some(Lock::take(&self.partial, kind, is_begun, check)?);
        Ok(())
    }

    fn make_scratch(&mut self, scratch: &Path) -> Result<(), ReportError> {
        std::fs::create_dir_all(scratch).map_err(creating(scratch))?;
        let path = self.scratch_path(scratch)?;
        // Whoever else may write to that disk does not read what is of patients.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(creating(&path))?;
        self.scratch = Some(path);
        Ok(())
    }

    /// Where to write now.
    #[must_use]
    pub fn partial(&self) -> &Path {
        self.scratch.as_deref().unwrap_or(&self.partial)
    }

    /// Where what is unfinished lies once this process has ended.
    #[must_use]
    pub fn kept(&self) -> &Path {
        &self.partial
    }

    /// Whether an entry of the folder is its own and no part of the output.
    #[must_use]
    pub fn is_own(entry: &Path) -> bool {
        let name = entry.file_name();
        [LOCK, INCOMING, REPLACING, REPLACED]
            .iter()
            .any(|own| name.is_some_and(|name| name == *own))
    }

    /// Where the output will be.
    #[must_use]
    pub fn final_path(&self) -> &Path {
        &self.final_path
    }

    /// Removes what was written.
    pub fn discard(self) {
        // Nothing more can be done about a folder that cannot be removed; it is not the final one.
        if let Some(scratch) = &self.scratch {
            let _ = std::fs::remove_dir_all(scratch);
        }
        let _ = std::fs::remove_dir_all(&self.partial);
        for parent in &self.parents {
            // Kept where something else has come into it.
            let _ = std::fs::remove_dir(parent);
        }
    }

    /// Leaves what was written for a later attempt, on whatever node.
    ///
    /// # Errors
    /// It cannot be brought from the disk of this node: it stays there, and what was kept before stays
    /// too.
    pub fn keep(self) -> Result<(), ReportError> {
        if let Some(scratch) = &self.scratch {
            self.bring(scratch, None)?;
            let _ = std::fs::remove_dir_all(scratch);
        }
        Ok(())
    }

    /// Gives the folder its final name. `leaves_out` is an entry that is no part of the output; it is
    /// there as long as something can go wrong.
    ///
    /// # Errors
    /// The final name has appeared meanwhile, or the folder cannot be brought to its place: then what was
    /// written stays where it is.
    pub fn complete(mut self, leaves_out: Option<&str>) -> Result<PathBuf, ReportError> {
        self.refuse_existing()?;
        if let Some(scratch) = &self.scratch {
            self.bring(scratch, leaves_out)?;
        } else {
            sync_folder(&self.partial).map_err(writing(&self.partial))?;
            if let Some(name) = leaves_out {
                let path = self.partial.join(name);
                let removed = std::fs::remove_dir_all(&path);
                removed.or_else(absent).map_err(writing(&path))?;
            }
        }
        // Nobody else comes in before it has its name.
        std::fs::rename(&self.partial, &self.final_path).map_err(writing(&self.final_path))?;
        drop(self.lock.take());
        let _ = std::fs::remove_file(self.final_path.join(LOCK));
        let parent = self.final_path.parent().unwrap_or(&self.final_path);
        sync(&self.final_path)
            .and_then(|()| sync(parent))
            .map_err(writing(&self.final_path))?;
        if let Some(scratch) = &self.scratch {
            let _ = std::fs::remove_dir_all(scratch);
        }
        Ok(self.final_path)
    }

    /// Brings what lies on the scratch disk into the folder beside the output, in place of what is there.
    /// What was there before goes only when all has come.
    fn bring(&self, scratch: &Path, leaves_out: Option<&str>) -> Result<(), ReportError> {
        self.settle()?;
        let [incoming, replacing, replaced] =
            [INCOMING, REPLACING, REPLACED].map(|name| self.partial.join(name));
        if let Err(error) = copy_folder(scratch, &incoming, leaves_out) {
            let _ = std::fs::remove_dir_all(&incoming);
            return Err(error);
        }
        std::fs::create_dir(&replacing).map_err(creating(&replacing))?;
        shift(&self.partial, &replacing)?;
        // From here on it goes forward, whoever does it.
        std::fs::rename(&replacing, &replaced).map_err(writing(&replaced))?;
        self.settle()?;
        sync(&self.partial).map_err(writing(&self.partial))
    }

    /// Finishes a [`Self::bring`] that stopped on its way, or undoes it where not all was moved away.
    fn settle(&self) -> Result<(), ReportError> {
        let [incoming, replacing, replaced] =
            [INCOMING, REPLACING, REPLACED].map(|name| self.partial.join(name));
        if replacing.is_dir() {
            shift(&replacing, &self.partial)?;
        }
        if replaced.is_dir() && incoming.is_dir() {
            shift(&incoming, &self.partial)?;
        }
        for path in [&incoming, &replacing, &replaced] {
            let removed = std::fs::remove_dir_all(path);
            removed.or_else(absent).map_err(writing(path))?;
        }
        Ok(())
    }

    /// Removes all but its own entries from the folder beside the output.
    fn empty_partial(&self) -> Result<(), ReportError> {
        for entry in entries(&self.partial)? {
            let removed = if entry.is_dir() {
                std::fs::remove_dir_all(&entry)
            } else {
                std::fs::remove_file(&entry)
            };
            removed.map_err(writing(&entry))?;
        }
        Ok(())
    }
}
