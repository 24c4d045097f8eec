//! The state of an unfinished run, and of a shard: folds, part files and how far it got.
//!
//! One form serves three ends: it is what `--resume` continues from, what a shard leaves behind, and
//! what the end of every run is computed from.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use varisk_core::Analysis;
use varisk_readers::BadRecord;
use varisk_report::{OutputFolder, ReportError};
use varisk_risk::SiteTally;

use crate::build_info::VERSION;
use crate::exit::Refusal;
use crate::fold_plan::FoldPlan;
use crate::hash;
use crate::shards::Shard;

/// Name of the state file.
const STATE_FILE: &str = "state.json";

/// A record that was set aside, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetAside {
    pub(crate) file: String,
    pub(crate) contig: String,
    pub(crate) position: u32,
    pub(crate) kind: String,
    pub(crate) detail: String,
}

impl From<BadRecord> for SetAside {
    fn from(bad: BadRecord) -> Self {
        Self {
            file: bad.file,
            contig: bad.contig,
            position: bad.position,
            kind: bad.kind.to_owned(),
            detail: bad.detail,
        }
    }
}

/// The state on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) plan: FoldPlan,
    pub(crate) plan_sha256: String,
    /// Which part of the run it is, where it is one.
    pub(crate) shard: Option<Shard>,
    /// Input records done, in the order of the source.
    pub(crate) records: u64,
    /// Batches done.
    pub(crate) batches: u64,
    /// Part files in order: name and SHA-256.
    pub(crate) parts: Vec<(String, String)>,
    /// File of the folds, and its SHA-256.
    pub(crate) folds: Option<(String, String)>,
    pub(crate) tally: SiteTally,
    pub(crate) set_aside: Vec<SetAside>,
    pub(crate) timings: BTreeMap<String, f64>,
    pub(crate) wall_seconds: f64,
    /// What the plan of the run warned of.
    pub(crate) warnings: Vec<String>,
    /// Nothing is left to read.
    pub(crate) complete: bool,
    /// SHA-256 over all of the above: counts that were edited would pass for true ones.
    pub(crate) sha256: String,
}

/// By which release a state was made.
#[derive(Deserialize)]
struct Made {
    plan: MadeBy,
}

#[derive(Deserialize)]
struct MadeBy {
    varisk: String,
}

impl Checkpoint {
    /// Nothing done yet.
    fn of(plan: FoldPlan, shard: Option<Shard>) -> anyhow::Result<Self> {
        Ok(Self {
            plan_sha256: plan.sha256()?,
            plan,
            shard,
            records: 0,
            batches: 0,
            parts: Vec::new(),
            folds: None,
            tally: SiteTally::default(),
            set_aside: Vec::new(),
            timings: BTreeMap::new(),
            wall_seconds: 0.0,
            warnings: Vec::new(),
            complete: false,
            sha256: String::new(),
        })
    }

    /// Reads `state.json` of a folder; its other files are not looked at.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(STATE_FILE);
        let text = reread(|| std::fs::read(&path)).map_err(|error| {
            Refusal::NoInput(format!(
                "{} holds no saved state ({error}); start the run anew",
                folder.display()
            ))
        })?;
        let unreadable = || damaged(&path, "it cannot be read");
        // Another release may have written another form.
        let made: Made = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        let varisk = made.plan.varisk;
        if varisk != VERSION {
            return Err(Refusal::Data(format!(
                "{} was made by varisk {varisk}, and this is {VERSION}; go on with that release, or start it anew",
                folder.display()
            ))
            .into());
        }
        let checkpoint: Self = serde_json::from_slice(&text).map_err(|_| unreadable())?;
        if checkpoint.seal()? != checkpoint.sha256
            || checkpoint.plan.sha256()? != checkpoint.plan_sha256
        {
            return Err(damaged(&path, "it was changed").into());
        }
        Ok(checkpoint)
    }

    /// Compares the part files with their hashes.
    fn check_files(&self, folder: &Path) -> anyhow::Result<()> {
        for (name, sha256) in &self.parts {
            let path = folder.join(name);
            match reread(|| hash::file(&path)) {
                Ok(found) if found.as_ref() == Some(sha256) => {}
                Ok(_) => return Err(damaged(&path, "its hash differs").into()),
                Err(error) => return Err(damaged(&path, &error.to_string()).into()),
            }
        }
        Ok(())
    }

    /// Part files in order.
    pub(crate) fn part_files(&self, folder: &Path) -> Vec<PathBuf> {
        let parts = self.parts.iter();
        parts.map(|(name, _)| folder.join(name)).collect()
    }

    /// Adds the saved folds to others of the same plan.
    fn add_folds(&self, folder: &Path, analyses: &mut [Box<dyn Analysis>]) -> anyhow::Result<()> {
        let Some((name, sha256)) = &self.folds else {
            return Ok(());
        };
        let path = folder.join(name);
        let bytes = reread(|| std::fs::read(&path));
        let bytes = bytes.map_err(|error| damaged(&path, &error.to_string()))?;
        if hash::bytes(&bytes) != *sha256 {
            return Err(damaged(&path, "its hash differs").into());
        }
        let saved: BTreeMap<String, Vec<u8>> =
            varisk_core::load_fold("folds", &self.plan_sha256, &bytes)?;
        drop(bytes);
        for analysis in analyses {
            let fold = saved
                .get(&analysis.name())
                .ok_or_else(|| damaged(&path, "a fold is missing"))?;
            analysis.merge(fold)?;
        }
        Ok(())
    }

    fn add_times(&mut self, timings: BTreeMap<String, f64>, wall_seconds: f64) {
        for (stage, seconds) in timings {
            *self.timings.entry(stage).or_default() += seconds;
        }
        self.wall_seconds += wall_seconds;
    }

    /// Adds warnings of another part of the run, each once.
    fn add_warnings(&mut self, others: Vec<String>) {
        for warning in others {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn seal(&self) -> anyhow::Result<String> {
        let mut open = self.clone();
        open.sha256.clear();
        Ok(hash::bytes(&serde_json::to_vec(&open)?))
    }
}

/// The state of a run in memory.
pub(crate) struct RunState {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) analyses: Vec<Box<dyn Analysis>>,
    folder: PathBuf,
    attempt: String,
    /// Up to when `wall_seconds` counts.
    counted: Instant,
}

impl RunState {
    /// A run that has done nothing yet, to be kept in a folder.
    pub(crate) fn new(plan: FoldPlan, shard: Option<Shard>, folder: &Path) -> anyhow::Result<Self> {
        let create = |source| ReportError::Create {
            path: folder.into(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(create)?;
        let analyses = plan.analyses();
        Ok(Self {
            checkpoint: Checkpoint::of(plan, shard)?,
            analyses,
            folder: folder.to_owned(),
            attempt: new_attempt(),
            counted: Instant::now(),
        })
    }

    /// Whether a folder holds a saved state.
    pub(crate) fn is_saved(folder: &Path) -> bool {
        folder.join(STATE_FILE).is_file()
    }

    /// Records that the state in a folder has done, and one more; 0 where there is none, or none that is
    /// whole.
    pub(crate) fn records_kept(folder: &Path) -> u64 {
        let checkpoint = Checkpoint::read(folder);
        let whole = checkpoint.and_then(|checkpoint| {
            checkpoint.check_files(folder)?;
            Ok(checkpoint.records + 1)
        });
        whole.unwrap_or(0)
    }

    /// Reads a saved state.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        Self::open(Checkpoint::read(folder)?, folder)
    }

    /// A state of which `state.json` has been read.
    pub(crate) fn open(mut checkpoint: Checkpoint, folder: &Path) -> anyhow::Result<Self> {
        checkpoint.plan.relocate();
        checkpoint.plan.open_context()?;
        let mut state = Self {
            analyses: checkpoint.plan.analyses(),
            checkpoint,
            folder: folder.to_owned(),
            attempt: new_attempt(),
            counted: Instant::now(),
        };
        state.checkpoint.check_files(folder)?;
        let (checkpoint, analyses) = (&state.checkpoint, &mut state.analyses);
        checkpoint.add_folds(folder, analyses)?;
        Ok(state)
    }

    /// Adds another shard of the same plan. Its folds are added as they lie there, so that no more than
    /// one shard is in memory beside the sum.
    pub(crate) fn add(&mut self, other: Checkpoint, folder: &Path) -> anyhow::Result<()> {
        other.check_files(folder)?;
        other.add_folds(folder, &mut self.analyses)?;
        let own = &mut self.checkpoint;
        own.plan.note_providers(&other.plan.variant_models);
        own.records += other.records;
        own.batches += other.batches;
        own.tally.merge(&other.tally);
        own.set_aside.extend(other.set_aside);
        own.add_times(other.timings, other.wall_seconds);
        own.add_warnings(other.warnings);
        Ok(())
    }

    /// A run of all patients, from the plans of its groups in order; their states are placed in it.
    pub(crate) fn of_groups(plans: Vec<FoldPlan>) -> anyhow::Result<Self> {
        let mut plans = plans.into_iter();
        let mut plan = plans.next().ok_or_else(no_run)?;
        for other in plans {
            plan.patients.extend(other.patients);
            plan.alignments.extend(other.alignments);
        }
        plan.relocate();
        plan.open_context()?;
        let analyses = plan.analyses();
        Ok(Self {
            checkpoint: Checkpoint::of(plan, None)?,
            analyses,
            folder: PathBuf::new(),
            attempt: new_attempt(),
            counted: Instant::now(),
        })
    }

    /// Places a group of patients, which has read everything; the first one comes first.
    pub(crate) fn place(&mut self, part: Self) -> anyhow::Result<()> {
        let other = part.checkpoint;
        let group = other.shard.as_ref().and_then(|shard| shard.group.clone());
        let group = group.ok_or_else(no_run)?;
        if group.range().end > self.checkpoint.plan.patients.len() {
            return Err(no_run().into());
        }
        let of: Vec<usize> = group.range().collect();
        for (own, part) in self.analyses.iter_mut().zip(&part.analyses) {
            own.take_patients(part.as_ref(), &of)?;
        }
        let own = &mut self.checkpoint;
        own.plan.note_providers(&other.plan.variant_models);
        own.add_times(other.timings, other.wall_seconds);
        if group.number == 1 {
            own.records = other.records;
            own.batches = other.batches;
            own.tally = other.tally;
            own.warnings = other.warnings;
            return Ok(());
        }
        if own.tally != other.tally || own.records != other.records {
            return Err(Refusal::Data(format!(
                "the shards of patient group {} have not read the same alleles as those of group 1; run all shards again, with the same files",
                group.number
            ))
            .into());
        }
        // What is said of all patients holds where it holds for each group of them.
        own.warnings
            .retain(|warning| other.warnings.contains(warning));
        Ok(())
    }

    /// Brings records that were set aside by shards into the order in which one run meets them.
    pub(crate) fn order_set_aside(&mut self) {
        let plan = &self.checkpoint.plan;
        let ranks: HashMap<&str, u32> = plan
            .contigs
            .iter()
            .zip(&plan.contig_ranks)
            .map(|((name, _), rank)| (name.as_str(), *rank))
            .collect();
        let rows = &mut self.checkpoint.set_aside;
        rows.sort_by_key(|row| {
            let rank = ranks.get(row.contig.as_str()).copied();
            (rank.unwrap_or(u32::MAX), row.position)
        });
    }

    /// Part files in order.
    pub(crate) fn part_files(&self) -> Vec<PathBuf> {
        self.checkpoint.part_files(&self.folder)
    }

    /// Stands in the names of the files that this process writes. A name is never used twice: other nodes
    /// of a shared file system may hold what was under it before, for a while.
    pub(crate) fn attempt(&self) -> &str {
        &self.attempt
    }

    /// Adds the part files of a stretch.
    pub(crate) fn add_parts(&mut self, files: &[PathBuf]) -> anyhow::Result<()> {
        for path in files {
            let sha256 = hash::file(path)
                .and_then(|sha256| sha256.ok_or_else(|| std::io::ErrorKind::NotFound.into()))
                .map_err(|source| ReportError::Write {
                    path: path.clone(),
                    source,
                })?;
            let name = path.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            self.checkpoint.parts.push((name, sha256));
        }
        Ok(())
    }

    /// Removes what an interrupted stretch has left beside the state.
    pub(crate) fn tidy(&self) {
        let known = |name: &str| {
            name == STATE_FILE
                || OutputFolder::is_own(Path::new(name))
                || self.checkpoint.parts.iter().any(|(part, _)| part == name)
                || self.checkpoint.folds.iter().any(|(folds, _)| folds == name)
        };
        for entry in std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            if !known(&entry.file_name().to_string_lossy()) {
                // A leftover costs space, nothing else.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Counts the wall time up to now.
    pub(crate) fn count_time(&mut self) {
        self.checkpoint.wall_seconds += self.counted.elapsed().as_secs_f64();
        self.counted = Instant::now();
    }

    /// Saves the state: the folds first, then, by one rename, the file that makes it valid.
    pub(crate) fn save(&mut self) -> anyhow::Result<()> {
        let saved: BTreeMap<String, Vec<u8>> = self
            .analyses
            .iter()
            .map(|analysis| Ok((analysis.name(), analysis.save()?)))
            .collect::<Result<_, varisk_core::AnalysisError>>()?;
        let bytes = varisk_core::save_fold("folds", &self.checkpoint.plan_sha256, &saved)?;
        let name = format!("folds-{:06}-{}.bin", self.checkpoint.batches, self.attempt);
        write_synced(&self.folder.join(&name), &bytes)?;
        let before = self
            .checkpoint
            .folds
            .replace((name.clone(), hash::bytes(&bytes)));
        self.count_time();
        self.checkpoint.sha256 = self.checkpoint.seal()?;
        let temporary = self.folder.join(format!("{STATE_FILE}.new"));
        write_synced(&temporary, &serde_json::to_vec_pretty(&self.checkpoint)?)?;
        let path = self.folder.join(STATE_FILE);
        std::fs::rename(&temporary, &path).map_err(|source| ReportError::Write { path, source })?;
        if let Some((old, _)) = before.filter(|(old, _)| *old != name) {
            // A leftover costs space, nothing else.
            let _ = std::fs::remove_file(self.folder.join(old));
        }
        Ok(())
    }
}

/// Reads what another node may just have replaced: for a second or so a shared file system may still give
/// the handle of the file that was there before, and says that it is stale.
fn reread<T>(read: impl Fn() -> std::io::Result<T>) -> std::io::Result<T> {
    for _ in 0..STALE_TRIES {
        match read() {
            Err(error) if error.kind() == std::io::ErrorKind::StaleNetworkFileHandle => {
                std::thread::sleep(Duration::from_secs(1));
            }
            done => return done,
        }
    }
    read()
}

/// How often a stale file is looked for again, a second apart.
const STALE_TRIES: u32 = 5;

fn damaged(path: &Path, detail: &str) -> ReportError {
    ReportError::Damaged {
        path: path.into(),
        detail: detail.to_owned(),
    }
}

/// What is said of groups that do not make up a run.
fn no_run() -> Refusal {
    Refusal::Data("the groups of patients do not make up the run; run all shards again".to_owned())
}

/// A name for this process's files.
fn new_attempt() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    // The clock may have been set back since the attempt before; the number of the process differs then.
    format!("{nanos:x}-{:x}", std::process::id())
}

fn write_synced(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || {
        let mut file = std::fs::File::create(path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    };
    Ok(write().map_err(|source| ReportError::Write {
        path: path.into(),
        source,
    })?)
}
