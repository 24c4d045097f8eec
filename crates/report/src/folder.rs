//! The output folder: written under another name beside the final one, renamed when complete.
//!
//! Only what every shared file system gives is relied on: a folder is made by one process alone, a
//! rename within a folder is one step, and what was synced is there after it. Locks of files, which
//! some mounts do not have, keep a second process out where they work; nothing is mapped into memory.

use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::ReportError;

/// File whose lock says that a process writes the output.
const LOCK: &str = ".lock";

/// An output folder in the making. The final name appears only when everything is in it.
#[derive(Debug)]
pub struct OutputFolder {
    final_path: PathBuf,
    /// Beside the final path; there as long as the output is unfinished.
    partial: PathBuf,
    /// Where it is written meanwhile, on a disk of this node.
    scratch: Option<PathBuf>,
    lock: Option<File>,
    /// Parents that were made for it, the innermost first.
    parents: Vec<PathBuf>,
}

impl OutputFolder {
    /// Paths of an output folder; nothing is touched.
    fn paths(output: &Path, scratch: Option<&Path>) -> Result<Self, ReportError> {
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|source| ReportError::Create {
                path: path.into(),
                source,
            })
        };
        let final_path = absolute(output)?;
        let mut name = final_path.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        // The same for every attempt at this output, so that a retry on the node finds the state.
        let of_output = |folder: &Path| -> Result<PathBuf, ReportError> {
            let mut hasher = DefaultHasher::new();
            final_path.hash(&mut hasher);
            Ok(absolute(folder)?.join(format!("varisk-{:016x}", hasher.finish())))
        };
        Ok(Self {
            scratch: scratch.map(of_output).transpose()?,
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
        let folder = Self::paths(output, None)?;
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
        Self::create_on(output, None)
    }

    /// Starts a new output that is written in a folder of `scratch`, a disk of this node, until it is
    /// complete.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_on(output: &Path, scratch: Option<&Path>) -> Result<Self, ReportError> {
        Self::check(output, false)?;
        let mut folder = Self::paths(output, scratch)?;
        let create = |path: &Path| std::fs::create_dir_all(path).map_err(creating(path));
        if let Some(parent) = folder.final_path.parent() {
            let missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
            let parents = parent.ancestors().take_while(missing);
            folder.parents = parents.map(Path::to_path_buf).collect();
            create(parent)?;
        }
        // Of two processes one alone makes it.
        std::fs::create_dir(&folder.partial).map_err(creating(&folder.partial))?;
        if let Some(scratch) = &folder.scratch {
            // What a killed attempt has left there belongs to nothing.
            let _ = std::fs::remove_dir_all(scratch);
            if let Err(error) = create(scratch) {
                folder.discard();
                return Err(error);
            }
        }
        folder.lock()?;
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
    /// far a folder is.
    ///
    /// # Errors
    /// As [`Self::reopen`]; what lies beside the output cannot be copied.
    pub fn reopen_on(
        output: &Path,
        scratch: Option<&Path>,
        progress: &dyn Fn(&Path) -> u64,
    ) -> Result<Option<Self>, ReportError> {
        let mut folder = Self::paths(output, scratch)?;
        folder.refuse_existing()?;
        if !folder.partial.is_dir() {
            return Ok(None);
        }
        folder.lock()?;
        if let Some(scratch) = &folder.scratch
            && (!scratch.is_dir() || progress(scratch) < progress(&folder.partial))
        {
            let _ = std::fs::remove_dir_all(scratch);
            copy_folder(&folder.partial, scratch)?;
        }
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

    /// Keeps other processes out: a job that a scheduler has given up may still be alive when its
    /// successor starts.
    fn lock(&mut self) -> Result<(), ReportError> {
        let path = self.partial.join(LOCK);
        let file = File::create(&path).map_err(creating(&path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(ReportError::InUse {
                path: self.partial.clone(),
            }),
            Ok(()) => {
                self.lock = Some(file);
                Ok(())
            }
            // A file system without locks.
            Err(TryLockError::Error(_)) => Ok(()),
        }
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
        entry.file_name().is_some_and(|name| name == LOCK)
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
    /// It cannot be copied from the disk of this node; it stays there.
    pub fn keep(self) -> Result<(), ReportError> {
        if let Some(scratch) = &self.scratch {
            self.empty_partial()?;
            copy_folder(scratch, &self.partial)?;
            let _ = std::fs::remove_dir_all(scratch);
        }
        Ok(())
    }

    /// Gives the folder its final name.
    ///
    /// # Errors
    /// The rename fails, for instance because the final name has appeared meanwhile.
    pub fn complete(mut self) -> Result<PathBuf, ReportError> {
        self.refuse_existing()?;
        if let Some(scratch) = &self.scratch {
            self.empty_partial()?;
            copy_folder(scratch, &self.partial)?;
        }
        drop(self.lock.take());
        let _ = std::fs::remove_file(self.partial.join(LOCK));
        sync_folder(&self.partial)
            .and_then(|()| std::fs::rename(&self.partial, &self.final_path))
            .and_then(|()| sync(self.final_path.parent().unwrap_or(&self.final_path)))
            .map_err(writing(&self.final_path))?;
        if let Some(scratch) = &self.scratch {
            let _ = std::fs::remove_dir_all(scratch);
        }
        Ok(self.final_path)
    }

    /// Removes all but the lock from the folder beside the output.
    fn empty_partial(&self) -> Result<(), ReportError> {
        let path = &self.partial;
        for entry in std::fs::read_dir(path).map_err(writing(path))? {
            let entry = entry.map_err(writing(path))?.path();
            if Self::is_own(&entry) {
                continue;
            }
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

fn creating(path: &Path) -> impl Fn(io::Error) -> ReportError {
    move |source| ReportError::Create {
        path: path.into(),
        source,
    }
}

fn writing(path: &Path) -> impl Fn(io::Error) -> ReportError {
    move |source| ReportError::Write {
        path: path.into(),
        source,
    }
}

/// Copies a folder with all that is in it; files that say what is whole, which are JSON, come last.
fn copy_folder(from: &Path, to: &Path) -> Result<(), ReportError> {
    std::fs::create_dir_all(to).map_err(creating(to))?;
    let entries = std::fs::read_dir(from).map_err(writing(from))?;
    let entries: Result<Vec<PathBuf>, _> = entries.map(|own| own.map(|own| own.path())).collect();
    let mut entries = entries.map_err(writing(from))?;
    entries.retain(|entry| !OutputFolder::is_own(entry));
    entries.sort_by_key(|entry| {
        (
            entry.extension().is_some_and(|own| own == "json"),
            entry.clone(),
        )
    });
    for entry in entries {
        let target = to.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() {
            copy_folder(&entry, &target)?;
        } else {
            std::fs::copy(&entry, &target).map_err(writing(&target))?;
            sync(&target).map_err(writing(&target))?;
        }
    }
    Ok(())
}

/// Brings a folder and all that is in it to the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_folder(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // Some file systems have no such thing for a file that was opened to be read, or a folder.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) || error.raw_os_error() == Some(EBADF) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// The file is not open for writing.
const EBADF: i32 = 9;

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

    #[test]
    fn two_processes_do_not_write_one_output() {
        let parent = tempfile::tempdir().unwrap();
        let output = parent.path().join("report");
        let first = OutputFolder::create(&output).unwrap();
        assert!(matches!(
            OutputFolder::reopen(&output),
            Err(ReportError::InUse { .. })
        ));
        // A process that has ended holds no lock, however it has ended.
        drop(first);
        assert!(OutputFolder::reopen(&output).unwrap().is_some());
    }

    fn progress(folder: &Path) -> u64 {
        let text = std::fs::read_to_string(folder.join("state.json"));
        text.map_or(0, |text| text.parse().unwrap())
    }

    #[test]
    fn scratch_is_left_empty() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let output = parent.path().join("report");
        let on = Some(scratch.path());
        let is_empty = |folder: &Path| std::fs::read_dir(folder).unwrap().next().is_none();

        let folder = OutputFolder::create_on(&output, on).unwrap();
        assert!(folder.partial().starts_with(scratch.path()));
        std::fs::create_dir(folder.partial().join("item=a")).unwrap();
        std::fs::write(folder.partial().join("item=a/x"), "1").unwrap();
        assert!(!output.exists());
        folder.complete().unwrap();
        assert_eq!(
            std::fs::read_to_string(output.join("item=a/x")).unwrap(),
            "1"
        );
        assert_eq!(std::fs::read_dir(&output).unwrap().count(), 1);
        assert!(is_empty(scratch.path()));

        let other = parent.path().join("other");
        OutputFolder::create_on(&other, on).unwrap().discard();
        assert!(is_empty(scratch.path()));
    }

    #[test]
    fn what_is_kept_goes_on_on_any_node() {
        let parent = tempfile::tempdir().unwrap();
        let nodes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let output = parent.path().join("report");
        let on = |node: usize| Some(nodes[node].path());
        let write = |folder: &OutputFolder, state: &str| {
            std::fs::write(folder.partial().join("state.json"), state).unwrap();
        };
        let reopen = |node: usize| {
            OutputFolder::reopen_on(&output, on(node), &progress)
                .unwrap()
                .unwrap()
        };
        let folder = OutputFolder::create_on(&output, on(0)).unwrap();
        write(&folder, "3");
        folder.keep().unwrap();
        let folder = reopen(1);
        assert_eq!(progress(folder.partial()), 3);
        // Killed on node 1 when it was farther: a retry there goes on from its disk, one elsewhere from
        // what was kept.
        write(&folder, "7");
        drop(folder);
        assert_eq!(progress(reopen(0).partial()), 3);
        let folder = reopen(1);
        assert_eq!(progress(folder.partial()), 7);
        folder.complete().unwrap();
        assert_eq!(progress(&output), 7);
    }
}
