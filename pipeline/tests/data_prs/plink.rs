//! `plink2 --score`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::scorefile::DIGITS;
use crate::support::oracle::shell;
use crate::support::program::text;

/// What plink2 says of a sample: columns by name.
pub(crate) type Sample = BTreeMap<String, String>;

/// A table of `plink2 --score`.
pub(crate) struct Sscore {
    pub(crate) samples: BTreeMap<String, Sample>,
}

impl Sscore {
    /// Reads a file in its layout, which varisk writes too.
    pub(crate) fn read(path: &Path) -> Self {
        let content = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = content.lines();
        let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
        let id = header
            .iter()
            .position(|name| name.trim_start_matches('#') == "IID");
        let id = id.expect("a column of identifiers");
        let row = |line: &str| {
            let cells: Vec<&str> = line.split('\t').collect();
            let columns = header.iter().zip(&cells);
            let columns = columns.map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned()));
            (cells[id].to_owned(), columns.collect())
        };
        Self {
            samples: lines.map(row).collect(),
        }
    }

    /// Runs plink2 on genotypes (`--vcf FILE` and the like) and a file of [`write_plink`], or one
    /// like it with as many columns of weights as `columns` names.
    ///
    /// [`write_plink`]: crate::scorefile::write_plink
    pub(crate) fn run(
        genotypes: &str,
        score: &Path,
        modifiers: &str,
        columns: &str,
        prefix: &Path,
    ) -> Self {
        let (score, prefix) = (text(score), text(prefix));
        shell(&format!(
            "plink2 {genotypes} --threads 2 --memory 2000 --score {score} 1 2 header-read {modifiers} cols=nallele,dosagesum,scoreavgs,scoresums --score-col-nums {columns} --out {prefix} >&2"
        ));
        Self::read(Path::new(&format!("{prefix}.sscore")))
    }

    pub(crate) fn number(&self, sample: &str, column: &str) -> f64 {
        self.samples[sample][column].parse().expect("a number")
    }

    /// The sum without rounding, in millionths, of columns that hold a digit each.
    pub(crate) fn exact(&self, sample: &str) -> i64 {
        let digits = (0..DIGITS).map(|digit| {
            let text = &self.samples[sample][&format!("d{digit}_SUM")];
            let sum: f64 = text.parse().expect("a number");
            // With six digits plink2 prints such a number as it is.
            assert!(sum.fract() == 0.0 && sum.abs() < 999_999.0, "{text}");
            sum as i64 * 10_i64.pow(digit as u32)
        });
        digits.sum()
    }
}

/// A number in six digits, as plink2 prints it.
pub(crate) fn six_digits(value: f64) -> f64 {
    format!("{value:.5e}").parse().expect("a number")
}

/// Columns with weights in a file of `write_plink`.
pub(crate) fn columns() -> String {
    format!("3-{}", 3 + DIGITS)
}
