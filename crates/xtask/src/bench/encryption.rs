//! What encryption costs: a table of risks, written and read plain and encrypted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, new_null_array};
use varisk_report::{Kind, Table, TableFolder, TableKeys, TableLayout, TableWriter, open_table};

use super::process::{self, best_of, measure};
use super::{Options, text};
use crate::random::Random;

/// Rows of the table: 100,000 patients with 20 items each.
const PATIENTS: u32 = 100_000;
const ITEMS: u32 = 20;
/// Stream of the generator.
const PURPOSE: u64 = 7;
/// Patients of a batch: some 8,000 rows.
const PATIENTS_AT_ONCE: u32 = 400;

pub(super) fn table(options: &Options) -> Result<String> {
    let folder = options.data.join("encryption");
    let own = process::own_path()?;
    let path = |name: &str| folder.join(name);
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut round = Vec::new();
        for name in ["plain", "encrypted"] {
            let folder = path(name);
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            std::fs::create_dir_all(&folder)?;
            let mut arguments = vec!["bench-child", "table", text(&folder)];
            arguments.extend((name == "encrypted").then_some("--encrypted"));
            round.push(measure(&own, &arguments)?);
            arguments.push("--read");
            round.push(measure(&own, &arguments)?);
        }
        rounds.push(round);
    }
    let seconds = |measured: &process::Measured| measured.stdout.trim().parse::<f64>();
    // By what the work took, not the process, which makes the rows as well.
    for round in &mut rounds {
        for measured in round {
            measured.seconds = seconds(measured)?;
        }
    }
    let best = best_of(&rounds);
    let size = |name: &str| -> Result<f64> {
        Ok(std::fs::metadata(path(name).join("risk.parquet"))?.len() as f64 / 1e6)
    };
    let [plain, secret] = [size("plain")?, size("encrypted")?];
    let mut lines = String::from("| what | plain | encrypted | ratio |\n|---|---|---|---|\n");
    for (what, plain, secret) in [
        ("write (s)", best[0].seconds, best[2].seconds),
        ("read (s)", best[1].seconds, best[3].seconds),
        ("size (MB)", plain, secret),
    ] {
        let ratio = secret / plain;
        let _ = writeln!(lines, "| {what} | {plain:.2} | {secret:.2} | {ratio:.2} |");
    }
    for (what, plain, secret) in [
        ("peak memory, writing (MiB)", &best[0], &best[2]),
        ("peak memory, reading (MiB)", &best[1], &best[3]),
    ] {
        let ratio = secret.peak_mib as f64 / plain.peak_mib as f64;
        let _ = writeln!(
            lines,
            "| {what} | {} | {} | {ratio:.2} |",
            plain.peak_mib, secret.peak_mib
        );
    }
    Ok(lines)
}

/// Writes or reads the table and prints the seconds.
pub(super) fn work(folder: &Path, read: bool, encrypted: bool) -> Result<()> {
    let keys = encrypted
        .then(|| TableKeys::try_new(b"key-of-benchmark".to_vec(), BTreeMap::new()))
        .transpose()?;
    let took = if read {
        let started = Instant::now();
        let mut rows = 0;
        for batch in open_table(&folder.join("risk.parquet"), keys.as_ref(), None)? {
            rows += batch?.num_rows();
        }
        if rows != (PATIENTS * ITEMS) as usize {
            bail!("{rows} rows came back");
        }
        started.elapsed()
    } else {
        write(folder, keys)?
    };
    println!("{}", took.as_secs_f64());
    Ok(())
}

fn write(folder: &Path, encryption: Option<TableKeys>) -> Result<Duration> {
    let folder = TableFolder {
        path: folder.to_owned(),
        layout: TableLayout {
            encryption,
            ..TableLayout::default()
        },
    };
    let mut random = Random::new(1, PURPOSE);
    let mut writer = TableWriter::create(&folder, Table::RISK.name, Table::RISK.schema())?;
    let mut took = Duration::ZERO;
    for first in (0..PATIENTS).step_by(PATIENTS_AT_ONCE as usize) {
        let rows = rows(first, &mut random)?;
        let started = Instant::now();
        writer.write(rows)?;
        took += started.elapsed();
    }
    let started = Instant::now();
    writer.finish()?;
    Ok(took + started.elapsed())
}

/// Rows of some patients: identifiers, items with what goes with each, random numbers.
fn rows(first: u32, random: &mut Random) -> Result<RecordBatch> {
    let of = || {
        let patients = first..first + PATIENTS_AT_ONCE;
        patients.flat_map(|patient| (0..ITEMS).map(move |item| (patient, item)))
    };
    let columns = Table::RISK.columns.iter().map(|column| -> ArrayRef {
        match (column.kind, column.name) {
            (Kind::Text, "patient") => {
                let names = of().map(|(patient, _)| Some(format!("PATIENT{patient:08}")));
                Arc::new(names.collect::<StringArray>())
            }
            (Kind::Text, "reason" | "missing_factors") => {
                new_null_array(&column.kind.data_type(), of().count())
            }
            (Kind::Text, name) => {
                let texts = of().map(|(_, item)| Some(format!("{name} of item {item:02}")));
                Arc::new(texts.collect::<StringArray>())
            }
            (Kind::F64, _) => {
                let numbers = of().map(|_| Some(random.below(1 << 53) as f64));
                Arc::new(numbers.collect::<Float64Array>())
            }
            (kind, _) => new_null_array(&kind.data_type(), of().count()),
        }
    });
    Ok(RecordBatch::try_new(
        Table::RISK.schema(),
        columns.collect(),
    )?)
}
