//! The shard table: which part of the genome each shard reads, and what it is expected to take.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use varisk_core::{ContigSet, Interval};
use varisk_readers::Regions;

use super::{Group, MAX_SHARDS, other_run};
use crate::arguments::BalanceChoice;
use crate::exit::Refusal;
use crate::fold_plan::FoldPlan;
use crate::hash;

/// The form of the table; another one has another number.
const FORM: &str = "varisk shards 1";

/// Names of the two files of a table.
pub(super) const JSON_FILE: &str = "shards.json";
pub(super) const TSV_FILE: &str = "shards.tsv";

/// How a run is cut. Its seal covers all but what is expected, which users may raise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardTable {
    form: String,
    /// Release of varisk that made it.
    varisk: String,
    /// Verb of the run.
    verb: String,
    /// SHA-256 of the plan of the run that is cut.
    plan_sha256: String,
    balance: BalanceChoice,
    /// Groups of patients, each with the plan of its shards; one alone where patients are not cut.
    groups: Vec<GroupRow>,
    shards: Vec<ShardRow>,
    /// SHA-256 over all of the above, expectations left out.
    pub(super) sha256: String,
}

/// A group of patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupRow {
    group: Group,
    /// SHA-256 of the plan of the run of the group.
    plan_sha256: String,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardRow {
    /// From 1.
    pub(super) shard: u32,
    /// Patient group, from 1.
    pub(super) group: u32,
    /// Stretches of the genome (CONTIG, CONTIG:START or CONTIG:START-END; inclusive, from 0, the
    /// telomere). Those of all shards of a group are the genome, whatever regions the run has.
    pub(super) regions: Vec<String>,
    #[serde(default)]
    pub(super) expected: Expected,
}

/// What a shard is expected to take; empty where nothing tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// Compressed bytes of the variant files.
    pub(super) bytes: Option<u64>,
    pub(super) records: Option<u64>,
    /// Wall time with `threads`.
    pub(super) seconds: Option<u64>,
    /// Peak memory.
    pub(super) memory_mib: Option<u64>,
    pub(super) threads: u32,
}

impl ShardRow {
    /// The part of a run's regions that the shard reads.
    pub(super) fn regions(&self, whole: &Regions, contigs: &ContigSet) -> anyhow::Result<Regions> {
        let own = Regions::parse(&self.regions, contigs)?;
        Ok(whole.within(own.intervals().unwrap_or_default()))
    }
}

impl ShardTable {
    pub(super) fn new(
        plan: &FoldPlan,
        balance: BalanceChoice,
        groups: Vec<Group>,
        shards: Vec<ShardRow>,
    ) -> anyhow::Result<Self> {
        let groups = groups.into_iter().map(|group| {
            Ok(GroupRow {
                plan_sha256: identity(&plan.of_patients(group.range()))?,
                group,
            })
        });
        let mut table = Self {
            form: FORM.to_owned(),
            varisk: plan.varisk.clone(),
            verb: plan.verb.clone(),
            plan_sha256: identity(plan)?,
            balance,
            groups: groups.collect::<anyhow::Result<_>>()?,
            shards,
            sha256: String::new(),
        };
        table.sha256 = table.seal()?;
        Ok(table)
    }

    fn seal(&self) -> anyhow::Result<String> {
        let mut open = self.clone();
        open.sha256.clear();
        for row in &mut open.shards {
            row.expected = Expected::default();
        }
        Ok(hash::bytes(&serde_json::to_vec(&open)?))
    }

    /// Reads a table.
    ///
    /// # Errors
    /// It is not there, was edited, or was made by another release.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).map_err(|error| {
            Refusal::NoInput(format!(
                "cannot open {}: {error}; name {JSON_FILE} in the folder that 'varisk plan' made",
                path.display()
            ))
        })?;
        let refuse = |detail: &str| {
            Refusal::Data(format!(
                "{}: {detail}; make the table again with 'varisk plan'",
                path.display()
            ))
        };
        let json: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|_| refuse(&format!("is no shard table; name {JSON_FILE} of a plan")))?;
        let varisk = json["varisk"].as_str().unwrap_or_default();
        if json["form"].is_string() && varisk != env!("CARGO_PKG_VERSION") {
            return Err(refuse(&format!(
                "was made by varisk {varisk}, and this is {}",
                env!("CARGO_PKG_VERSION")
            ))
            .into());
        }
        let table: Self = serde_json::from_value(json)
            .map_err(|error| refuse(&format!("is no shard table ({error})")))?;
        if table.form != FORM || table.seal()? != table.sha256 {
            return Err(refuse("was edited (only what is 'expected' may be changed)").into());
        }
        let are_numbered = (1..)
            .zip(&table.shards)
            .all(|(number, row)| row.shard == number && table.group_row(row).is_some());
        if !are_numbered || table.shards.is_empty() || table.shards.len() > MAX_SHARDS as usize {
            return Err(refuse("does not number its shards from 1").into());
        }
        Ok(table)
    }

    /// Number of shards.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.shards.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn row(&self, number: u32) -> Option<&ShardRow> {
        self.shards.get((number as usize).checked_sub(1)?)
    }

    fn group_row(&self, row: &ShardRow) -> Option<&GroupRow> {
        self.groups.get((row.group as usize).checked_sub(1)?)
    }

    /// The patients of a shard; `None` where patients are not cut.
    pub(super) fn group(&self, number: u32) -> Option<&Group> {
        let group = &self.group_row(self.row(number)?)?.group;
        (group.count > 1).then_some(group)
    }

    /// Refuses a plan that is not the one of a shard of the table.
    pub(super) fn refuse_other_run(&self, number: u32, plan: &FoldPlan) -> anyhow::Result<()> {
        if self.verb != plan.verb {
            return Err(Refusal::Data(format!(
                "the shard table is of 'varisk {}', and this is 'varisk {}'; use the verb of the table, or plan again",
                self.verb, plan.verb
            ))
            .into());
        }
        let group = self.row(number).and_then(|row| self.group_row(row));
        if group.map(|group| group.plan_sha256.as_str()) != Some(identity(plan)?.as_str()) {
            return Err(other_run().into());
        }
        Ok(())
    }

    /// The table as text parted by tabs, for schedulers.
    pub(super) fn tsv(&self) -> String {
        let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
        let mut text = String::from(
            "shard\tshards\tgroup\tregions\tbytes\trecords\tseconds\tmemory_mib\tthreads\n",
        );
        for row in &self.shards {
            let expected = &row.expected;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                row.shard,
                self.count(),
                row.group,
                row.regions.join(";"),
                number(expected.bytes),
                number(expected.records),
                number(expected.seconds),
                number(expected.memory_mib),
                expected.threads,
            );
        }
        text
    }
}

/// What decides a run before its files are read: the order of contigs comes with reading.
fn identity(plan: &FoldPlan) -> anyhow::Result<String> {
    FoldPlan {
        contig_ranks: Vec::new(),
        ..plan.clone()
    }
    .sha256()
}

/// Stretches of the genome as a table says them.
pub(super) fn region_texts(stretches: &[Interval], contigs: &ContigSet) -> Vec<String> {
    let text = |stretch: &Interval| {
        let name = contigs.name(stretch.contig);
        match (stretch.start.0, stretch.end.0) {
            (0, u32::MAX) => name.to_owned(),
            (start, u32::MAX) => format!("{name}:{start}"),
            (start, end) => format!("{name}:{start}-{end}"),
        }
    };
    stretches.iter().map(text).collect()
}
