//! Scores, ancestry and absolute risk on real data, against plink2, pygscatalog and py-icare.
#![cfg(test)]

mod absolute;
mod ancestry;
mod dosages;
mod examples;
mod fasta;
mod genotypes;
mod matching;
mod matching_examples;
mod plink;
mod scorefile;
mod site_states;
mod sums;
#[path = "../support"]
mod support {
    #[expect(dead_code, reason = "each target uses a part")]
    pub(crate) mod oracle;
    #[expect(dead_code, reason = "each target uses a part")]
    pub(crate) mod program;
}
mod x_chromosome;

use std::path::Path;

use support::program::{Call, Table, text};

/// `varisk prs` that reports every score, whatever its coverage.
fn prs(vcf: &Path, fasta: &Path, build: &str, scores: &[&Path], output: &Path) -> Call {
    let call = Call::new("prs")
        .with("--vcf", text(vcf))
        .with("--reference", text(fasta))
        .with("--build", build)
        .with("--min-coverage", "0")
        .with("--ambiguous", "keep")
        .with("--threads", "2")
        .with("--output", text(output));
    scores
        .iter()
        .fold(call, |call, score| call.also("--score", text(score)))
}

/// A column of `scores.parquet` for one score, with the patients.
fn of_score<'t>(table: &'t Table, score: &str, column: &str) -> Vec<(&'t str, f64)> {
    let (names, patients) = (table.texts("score"), table.texts("patient"));
    let numbers = table.numbers(column);
    let rows = (0..table.len()).filter(|row| names[*row] == score);
    rows.map(|row| (patients[row], numbers[row].unwrap_or(f64::NAN)))
        .collect()
}

/// The largest difference, as a share of `scale` where the number is smaller than that.
#[derive(Debug, Default)]
struct Largest {
    relative: f64,
    compared: usize,
}

impl Largest {
    /// Notes a pair; numbers below `scale` are compared on that scale, for a sum of terms of that
    /// size may come near zero.
    fn note(&mut self, ours: f64, theirs: f64, scale: f64) {
        let relative = (ours - theirs).abs() / theirs.abs().max(scale);
        assert!(!relative.is_nan(), "{ours} and {theirs}");
        self.relative = self.relative.max(relative);
        self.compared += 1;
    }
}
