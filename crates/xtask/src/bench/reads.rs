//! Evidence from reads: the benchmark of the alignments crate, which holds `samtools mpileup` beside
//! it, as a table.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Options;

/// Columns of what the benchmark prints.
const COLUMNS: [&str; 5] = ["distance", "sites", "varisk_s", "samtools_s", "ratio"];

pub(super) fn table(_: &Options) -> Result<String> {
    let output = Command::new("cargo")
        .args([
            "bench",
            "--quiet",
            "--package",
            "varisk-alignments",
            "--bench",
            "pileup",
        ])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!(
            "cargo bench -p varisk-alignments failed ({})",
            output.status
        );
    }
    rows(&String::from_utf8_lossy(&output.stdout))
}

fn rows(printed: &str) -> Result<String> {
    let mut lines = printed
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .skip_while(|fields| fields[..] != COLUMNS);
    lines.next().context("the benchmark printed no table")?;
    let mut table = String::from(
        "| bases from site to site | sites | varisk (s) | `samtools mpileup` (s) | sites per second | ratio to samtools |\n|---|---|---|---|---|---|\n",
    );
    let mut count = 0;
    for fields in lines {
        let [distance, sites, ours, theirs, ratio] = fields[..] else {
            bail!("the benchmark printed a row of {} columns", fields.len());
        };
        let per_second = sites.parse::<f64>()? / ours.parse::<f64>()?;
        let _ = writeln!(
            table,
            "| {distance} | {sites} | {ours} | {theirs} | {per_second:.0} | {ratio} |"
        );
        count += 1;
    }
    if count == 0 {
        bail!("the benchmark printed no row");
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn what_was_printed_becomes_rows() {
        let header = "running\ndistance\tsites\tvarisk_s\tsamtools_s\tratio\n";
        let table = rows(&format!("{header}30\t100\t0.500\t1.000\t2.00\n")).unwrap();
        assert!(
            table.ends_with("| 30 | 100 | 0.500 | 1.000 | 200 | 2.00 |\n"),
            "{table}"
        );
        for bad in ["", "distance\n", header, &format!("{header}30\t100\n")] {
            assert!(rows(bad).is_err(), "{bad}");
        }
    }
}
