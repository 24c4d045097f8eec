//! What the page of a large cohort takes: `varisk report --patients none` of made-up runs.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array, new_null_array};
use varisk_dossier::testing::TestRun;
use varisk_report::{Kind, Table, TableFolder, TableWriter};

use super::process::{self, best_of, measure};
use super::{Options, text};
use crate::random::Random;

/// Patients of the runs: the second shows what memory grows with.
const COHORTS: [u32; 2] = [100_000, 200_000];
/// Risk items of each patient: some absolute risks, the others scores with percentiles.
const ITEMS: u32 = 20;
const ABSOLUTE: u32 = 4;
/// Stream of the generator.
const PURPOSE: u64 = 8;
/// Patients of a batch.
const AT_ONCE: u32 = 400;

pub(super) fn table(options: &Options) -> Result<String> {
    let program = process::program_path()?;
    let mut lines = String::from(
        "| patients x items | wall time (s) | peak memory (MiB) | page (MB) | risk.parquet (MB) |\n|---|---|---|---|---|\n",
    );
    for patients in COHORTS {
        let run = options.data.join(format!("run-{patients}"));
        if !run.join("run.json").is_file() {
            prepare(&run, patients)?;
        }
        let report = options.data.join(format!("run-{patients}.pages"));
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            if report.exists() {
                std::fs::remove_dir_all(&report)?;
            }
            let arguments = [
                "report",
                text(&run),
                "--patients",
                "none",
                "--output",
                text(&report),
            ];
            rounds.push(vec![measure(&program, &arguments)?]);
        }
        let best = best_of(&rounds);
        let own = best.first().context("a round was measured")?;
        let megabytes =
            |path: &Path| -> Result<f64> { Ok(std::fs::metadata(path)?.len() as f64 / 1e6) };
        let _ = writeln!(
            lines,
            "| {patients} x {ITEMS} | {:.1} | {} | {:.1} | {:.1} |",
            own.seconds,
            own.peak_mib,
            megabytes(&report.join("index.html"))?,
            megabytes(&run.join("risk.parquet"))?,
        );
    }
    Ok(lines)
}

/// A run of made-up patients: risk items and quality.
fn prepare(folder: &Path, patients: u32) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let tables = TableFolder::plain(folder);
    let mut random = Random::new(1, PURPOSE);
    let mut risk = TableWriter::create(&tables, Table::RISK.name, Table::RISK.schema())?;
    let mut quality = TableWriter::create(&tables, Table::QC.name, Table::QC.schema())?;
    for first in (0..patients).step_by(AT_ONCE as usize) {
        let some = first..patients.min(first + AT_ONCE);
        let rows: Vec<(u32, u32)> = some
            .clone()
            .flat_map(|patient| (0..ITEMS).map(move |item| (patient, item)))
            .collect();
        risk.write(filled(Table::RISK, &rows, &mut random)?)?;
        let rows: Vec<(u32, u32)> = some.map(|patient| (patient, 0)).collect();
        quality.write(filled(Table::QC, &rows, &mut random)?)?;
    }
    risk.finish()?;
    quality.finish()?;
    let mut run = TestRun::default();
    run.record().patients = u64::from(patients);
    Ok(run.finish(folder)?)
}

/// Rows of patients and items; what is not told apart here is null, or nothing.
fn filled(table: Table, rows: &[(u32, u32)], random: &mut Random) -> Result<RecordBatch> {
    let texts = |of: &dyn Fn(u32, u32) -> String| -> ArrayRef {
        let texts = rows.iter().map(|(patient, item)| Some(of(*patient, *item)));
        Arc::new(texts.collect::<StringArray>())
    };
    let mut columns: Vec<ArrayRef> = Vec::new();
    for column in table.columns {
        let mut share = |scale: f64| -> ArrayRef {
            let numbers = rows
                .iter()
                .map(|_| Some(random.below(1 << 30) as f64 / f64::from(1 << 30) * scale));
            Arc::new(numbers.collect::<Float64Array>())
        };
        let is_absolute = |item: u32| item < ABSOLUTE;
        columns.push(match (column.name, column.kind) {
            ("patient", _) => texts(&|patient, _| format!("PATIENT{patient:08}")),
            ("item", _) => texts(&|_, item| match is_absolute(item) {
                true => format!("absolute.disease_{item:02}.10y"),
                false => format!("polygenic.PGS{item:06}"),
            }),
            ("kind", _) => texts(&|_, item| {
                let kind = if is_absolute(item) {
                    "absolute_risk"
                } else {
                    "polygenic_score"
                };
                kind.to_owned()
            }),
            ("state", _) => texts(&|_, _| "ok".to_owned()),
            ("percentile", _) => {
                let all = share(100.0);
                let numbers =
                    arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&all);
                let of_scores = rows
                    .iter()
                    .zip(numbers.values())
                    .map(|((_, item), value)| (!is_absolute(*item)).then_some(*value));
                Arc::new(of_scores.collect::<Float64Array>())
            }
            ("value" | "coverage" | "call_rate" | "het_hom_ratio" | "ti_tv_ratio", _) => share(1.0),
            (_, kind) if column.nullable => new_null_array(&kind.data_type(), rows.len()),
            (name, Kind::Text) => texts(&|_, item| format!("{name} of item {item:02}")),
            (_, kind) => {
                let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![1; rows.len()]));
                arrow::compute::cast(&numbers, &kind.data_type())?
            }
        });
    }
    Ok(RecordBatch::try_new(table.schema(), columns)?)
}
