//! A run in parts, on many machines: cuts, the table that says them, and the way back to one report.

mod command;
mod cut;
pub(crate) mod merge;
mod probe;
mod table;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use varisk_core::ContigSet;
use varisk_readers::Regions;

use crate::exit::Refusal;
use crate::fold_plan::FoldPlan;

pub(crate) use self::command::command;
use self::table::{ShardRow, ShardTable};

/// Which part of a run this is, as its state says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shard {
    /// From 1 to `count`.
    pub(crate) number: u32,
    pub(crate) count: u32,
    /// Seal of the table that cuts the run; `None` for equal stretches of the genome.
    pub(crate) table: Option<String>,
    /// The patients that it is of, where these are cut too.
    pub(crate) group: Option<Group>,
}

/// A group of the patients of a run, who stand one after the other in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    /// From 1 to `count`.
    pub(crate) number: u32,
    pub(crate) count: u32,
    /// Number of the first patient, from 0 in the order of the run.
    pub(crate) first: usize,
    /// Patients of the group.
    pub(crate) patients: usize,
}

impl Group {
    /// Cuts patients into groups of the same size.
    fn cut(patients: usize, count: u32) -> Vec<Self> {
        let at = |number: u32| (patients as u64 * u64::from(number) / u64::from(count)) as usize;
        let group = |number: u32| Self {
            number,
            count,
            first: at(number - 1),
            patients: at(number) - at(number - 1),
        };
        (1..=count).map(group).collect()
    }

    /// Numbers of its patients in the run, from 0.
    pub(crate) fn range(&self) -> Range<usize> {
        self.first..self.first + self.patients
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

/// The part of a run that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct ShardChoice {
    pub(crate) shard: Shard,
    /// The table, where there is one.
    table: Option<Arc<ShardTable>>,
}

impl Serialize for ShardChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.shard)
    }
}

impl ShardChoice {
    /// Reads `--shard` (`K/N`, or `K` where a table says N) and `--shard-table`.
    pub(crate) fn resolve(
        text: Option<&str>,
        table: Option<&Path>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(text) = text else {
            return match table {
                None => Ok(None),
                Some(_) => Err(Refusal::Usage(
                    "--shard-table says how the run is cut; say with --shard which part to run"
                        .to_owned(),
                )
                .into()),
            };
        };
        let form = if table.is_some() {
            "K or K/N"
        } else {
            "K/N (or K beside --shard-table)"
        };
        let malformed = || {
            Refusal::Usage(format!(
                "shard '{text}' is not of the form {form} with K from 1 to N"
            ))
        };
        let table = table.map(ShardTable::read).transpose()?.map(Arc::new);
        let (number, count) = match (text.split_once('/'), &table) {
            (Some((number, count)), _) => (number, count.parse().map_err(|_| malformed())?),
            (None, Some(table)) => (text, table.count()),
            (None, None) => return Err(malformed().into()),
        };
        let number: u32 = number.parse().map_err(|_| malformed())?;
        if let Some(table) = &table
            && table.count() != count
        {
            return Err(Refusal::Usage(format!(
                "shard '{text}' is one of {count}, and the shard table has {}; give the number alone",
                table.count()
            ))
            .into());
        }
        if count > MAX_SHARDS {
            return Err(malformed().into());
        }
        if number == 0 || number > count {
            return Err(Refusal::Usage(format!(
                "there is no shard '{text}': they are numbered from 1 to {count}"
            ))
            .into());
        }
        Ok(Some(Self {
            shard: Shard {
                number,
                count,
                table: table.as_ref().map(|table| table.sha256.clone()),
                group: table
                    .as_ref()
                    .and_then(|table| table.group(number))
                    .cloned(),
            },
            table,
        }))
    }

    /// All of the genome for a group of patients.
    fn of_group(group: Group) -> Self {
        Self {
            shard: Shard {
                number: 1,
                count: 1,
                table: None,
                group: Some(group),
            },
            table: None,
        }
    }

    fn row(&self) -> Option<&ShardRow> {
        self.table.as_ref()?.row(self.shard.number)
    }

    /// The part of a run's regions that this shard reads.
    pub(crate) fn regions(&self, whole: &Regions, contigs: &ContigSet) -> anyhow::Result<Regions> {
        match self.row() {
            Some(row) => row.regions(whole, contigs),
            None => Ok(whole.shard(&self.shard.to_string(), contigs)?),
        }
    }

    /// Refuses a plan that is not the one that the table cuts.
    pub(crate) fn refuse_other_run(&self, plan: &FoldPlan) -> anyhow::Result<()> {
        match &self.table {
            Some(table) => table.refuse_other_run(self.shard.number, plan),
            None => Ok(()),
        }
    }

    /// The group of patients, where these are cut too.
    pub(crate) fn group(&self) -> Option<&Group> {
        self.shard.group.as_ref()
    }

    /// Whether the shard keeps the rows of its alleles: those of the other groups are the same.
    pub(crate) fn writes_rows(&self) -> bool {
        self.group().is_none_or(|group| group.number == 1)
    }
}

/// What is said of a table that cuts something else.
pub(crate) fn other_run() -> Refusal {
    Refusal::Data("the shard table is of another run (inputs, models or settings differ); give the flags and the files that 'varisk plan' was given, or plan again".to_owned())
}

/// More shards than that are a mistake.
const MAX_SHARDS: u32 = 1_000_000;
