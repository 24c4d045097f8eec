//! The output folder: written under another name beside the final one, renamed when complete.
//!
//! Only what every shared file system gives is relied on: a folder is made by one process alone, a
//! rename within a folder is one step, and what was synced is there after it. Locks of files, which
//! some mounts do not have, keep a second process out where they work; nothing is mapped into memory.

use std::fs::{DirBuilder, File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::ReportError;

/// File whose lock says that a process writes the output. It says whether what it is of can be taken up,
/// and the name of the scratch folder.
const LOCK: &str = ".lock";
/// What comes from a scratch disk, until all of it is there.
const INCOMING: &str = ".incoming";
/// What was there before: while it is moved away, and when all of it is.
const REPLACING: &str = ".replacing";
const REPLACED: &str = ".replaced";
/// First line of the lock of an output that can be taken up, and of one that is begun anew.
const RESUMABLE: &str = "resumable";
const ANEW: &str = "anew";

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
        if !resumes && folder.partial.symlink_metadata().is_ok() && !folder.is_leftover() {
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
            && !folder.is_leftover()
        {
            return Err(creating(&folder.partial)(error));
        }
        let kind = if is_resumable { RESUMABLE } else { ANEW };
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
        folder.lock(RESUMABLE, false)?;
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

    /// Whether what stands in the output's place was made by an attempt that cannot be taken up and has
    /// ended.
    fn is_leftover(&self) -> bool {
        let is_free = |file: &File| !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
        let Ok(mut file) = File::open(self.partial.join(LOCK)) else {
            return false;
        };
        let mut text = String::new();
        is_free(&file) && file.read_to_string(&mut text).is_ok() && text.starts_with(ANEW)
    }

    /// Keeps other processes out: a job that a scheduler has given up may still be alive when its
    /// successor starts.
    fn lock(&mut self, kind: &str, is_begun: bool) -> Result<(), ReportError> {
        let path = self.partial.join(LOCK);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(creating(&path))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(ReportError::InUse {
                path: self.partial.clone(),
            });
        }
        // The process before may have ended its work between the two calls.
        self.refuse_existing()?;
        let is_same = path
            .metadata()
            .and_then(|named| Ok((named.dev(), named.ino()) == inode(&file)?));
        if !is_same.unwrap_or(false) {
            return Err(ReportError::InUse {
                path: self.partial.clone(),
            });
        }
        let mut write = || {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            // What is begun has nothing to do with what a killed attempt had there.
            if !is_begun && text.lines().next() == Some(kind) && text.lines().count() == 2 {
                return Ok(());
            }
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{kind}\n{}\n", token())
        };
        write().map_err(writing(&path))?;
        self.lock = Some(file);
        Ok(())
    }

    /// The folder on a disk of this node. Its name is this output's alone, and nobody can guess it.
    fn scratch_path(&self, scratch: &Path) -> Result<PathBuf, ReportError> {
        let path = self.partial.join(LOCK);
        let text = std::fs::read_to_string(&path).map_err(writing(&path))?;
        let token = text.lines().nth(1).unwrap_or_default();
        Ok(absolute(scratch)?.join(format!("varisk-{token}")))
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

fn absolute(path: &Path) -> Result<PathBuf, ReportError> {
    std::path::absolute(path).map_err(creating(path))
}

fn inode(file: &File) -> io::Result<(u64, u64)> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// What nobody can guess, from the random keys of the standard library's hash maps.
fn token() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

fn absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
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

/// What is in a folder, its own entries left out; those that say what is whole, which are JSON, last.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let entries = std::fs::read_dir(folder).map_err(writing(folder))?;
    let entries: Result<Vec<PathBuf>, _> = entries.map(|own| own.map(|own| own.path())).collect();
    let mut entries = entries.map_err(writing(folder))?;
    entries.retain(|entry| !OutputFolder::is_own(entry));
    let is_json = |entry: &PathBuf| entry.extension().is_some_and(|own| own == "json");
    entries.sort_by_key(|entry| (is_json(entry), entry.clone()));
    Ok(entries)
}

/// Moves what is in a folder to another one.
fn shift(from: &Path, to: &Path) -> Result<(), ReportError> {
    for entry in entries(from)? {
        let target = to.join(entry.file_name().unwrap_or_default());
        std::fs::rename(&entry, &target).map_err(writing(&target))?;
    }
    Ok(())
}

/// Copies a folder with all that is in it, but for an entry that is left out, and syncs it.
fn copy_folder(from: &Path, to: &Path, leaves_out: Option<&str>) -> Result<(), ReportError> {
    std::fs::create_dir_all(to).map_err(creating(to))?;
    for entry in entries(from)? {
        let name = entry.file_name().unwrap_or_default();
        if leaves_out.is_some_and(|left_out| name == left_out) {
            continue;
        }
        let target = to.join(name);
        if entry.is_dir() {
            copy_folder(&entry, &target, None)?;
        } else {
            std::fs::copy(&entry, &target).map_err(writing(&target))?;
            sync(&target).map_err(writing(&target))?;
        }
    }
    sync(to).map_err(writing(to))
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
        let left: Vec<_> = std::fs::read_dir(folder.partial()).unwrap().collect();
        assert_eq!(left.len(), 2);
        assert_eq!(folder.complete(None).unwrap(), output);
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
        let first = OutputFolder::create_resumable(&output, None).unwrap();
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
        folder.complete(None).unwrap();
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
        let folder = OutputFolder::create_resumable(&output, on(0)).unwrap();
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
        folder.complete(None).unwrap();
        assert_eq!(progress(&output), 7);
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What a killed attempt has left where nothing can be taken up is no obstacle; a run is.
    #[test]
    fn leftovers_are_replaced_and_runs_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let output = parent.path().join("report");
        let folder = OutputFolder::create(&output).unwrap();
        std::fs::write(folder.partial().join("half"), "1").unwrap();
        assert!(
            OutputFolder::check(&output, false).is_err(),
            "it is being written"
        );
        drop(folder);
        OutputFolder::check(&output, false).unwrap();
        let folder = OutputFolder::create(&output).unwrap();
        assert_eq!(names(folder.partial()), [LOCK]);
        folder.discard();
        drop(OutputFolder::create_resumable(&output, None).unwrap());
        assert!(matches!(
            OutputFolder::create(&output),
            Err(ReportError::Unfinished { .. })
        ));
        // A run in the place of a leftover is a run.
        let taken = parent.path().join("taken");
        drop(OutputFolder::create(&taken).unwrap());
        drop(OutputFolder::create_resumable(&taken, None).unwrap());
        assert!(OutputFolder::check(&taken, false).is_err());
        let resumed = parent.path().join("resumed");
        drop(OutputFolder::create(&resumed).unwrap());
        drop(OutputFolder::reopen(&resumed).unwrap().unwrap());
        assert!(OutputFolder::check(&resumed, false).is_err());
        // A folder of somebody else's.
        let other = parent.path().join("other");
        std::fs::create_dir(parent.path().join("other.partial")).unwrap();
        assert!(OutputFolder::create(&other).is_err());
    }

    /// The lock holds until the output has its name, and what is left out is not in it.
    #[test]
    fn nobody_comes_in_while_it_gets_its_name() {
        let parent = tempfile::tempdir().unwrap();
        for scratch in [None, Some(parent.path().join("node"))] {
            let output = parent
                .path()
                .join(if scratch.is_some() { "a" } else { "b" });
            let folder = OutputFolder::create_resumable(&output, scratch.as_deref()).unwrap();
            std::fs::create_dir(folder.partial().join("work")).unwrap();
            std::fs::write(folder.partial().join("x"), "1").unwrap();
            folder.complete(Some("work")).unwrap();
            assert_eq!(names(&output), ["x"]);
        }
        assert!(names(&parent.path().join("node")).is_empty());
    }

    /// What was kept stays whole where its successor cannot be brought, and half a step is undone.
    #[test]
    fn what_was_kept_stays_until_all_has_come() {
        let parent = tempfile::tempdir().unwrap();
        let node = tempfile::tempdir().unwrap();
        let output = parent.path().join("report");
        let on = Some(node.path());
        let folder = OutputFolder::create_resumable(&output, on).unwrap();
        std::fs::write(folder.partial().join("state.json"), "3").unwrap();
        std::fs::write(folder.partial().join("part"), "old").unwrap();
        folder.keep().unwrap();
        let partial = parent.path().join("report.partial");
        assert_eq!(names(&partial), [LOCK, "part", "state.json"]);
        // A file stands where a folder is to come.
        let folder = OutputFolder::reopen_on(&output, on, &progress)
            .unwrap()
            .unwrap();
        std::fs::write(folder.partial().join("state.json"), "5").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.partial().join("broken")).unwrap();
        let scratch = folder.partial().to_owned();
        folder.keep().unwrap_err();
        assert_eq!(names(&partial), [LOCK, "part", "state.json"]);
        assert_eq!(progress(&partial), 3);
        assert_eq!(progress(&scratch), 5);
        // Killed while the old was moved away: it is taken back.
        let at = |name: &str| partial.join(name);
        std::fs::create_dir(at(INCOMING)).unwrap();
        std::fs::write(at(INCOMING).join("part-new"), "new").unwrap();
        std::fs::create_dir(at(REPLACING)).unwrap();
        std::fs::rename(at("part"), at(REPLACING).join("part")).unwrap();
        drop(OutputFolder::reopen(&output).unwrap());
        assert_eq!(names(&partial), [LOCK, "part", "state.json"]);
        // Killed while the new was moved in: the rest follows.
        std::fs::create_dir(at(INCOMING)).unwrap();
        std::fs::write(at(INCOMING).join("state.json"), "9").unwrap();
        std::fs::create_dir(at(REPLACED)).unwrap();
        for name in ["part", "state.json"] {
            std::fs::rename(at(name), at(REPLACED).join(name)).unwrap();
        }
        std::fs::write(at("part-new"), "new").unwrap();
        drop(OutputFolder::reopen(&output).unwrap());
        assert_eq!(names(&partial), [LOCK, "part-new", "state.json"]);
        assert_eq!(progress(&partial), 9);
    }

    /// A scratch folder is private, and one that lies in the output's place is refused.
    #[test]
    fn scratch_folders_are_nobody_elses() {
        let parent = tempfile::tempdir().unwrap();
        let output = parent.path().join("report");
        let node = parent.path().join("node");
        let folder = OutputFolder::create_on(&output, Some(&node)).unwrap();
        let mode = folder.partial().metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o700);
        let first = folder.partial().to_owned();
        folder.discard();
        let folder = OutputFolder::create_on(&output, Some(&node)).unwrap();
        assert_ne!(folder.partial(), first);
        folder.discard();
        for within in ["report", "report.partial", "report/deeper"] {
            let refused = OutputFolder::create_on(&output, Some(&parent.path().join(within)));
            assert!(
                refused
                    .unwrap_err()
                    .to_string()
                    .contains("in the place of the output")
            );
            assert!(!output.exists() && !parent.path().join("report.partial").exists());
        }
    }
}
