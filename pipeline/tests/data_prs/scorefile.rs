//! Scores made of a cohort's alleles, as files of the PGS Catalog and of plink2.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::genotypes::Record;

/// How copies make a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Additive,
    Dominant,
    Recessive,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Additive, Self::Dominant, Self::Recessive];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Dominant => "dominant",
            Self::Recessive => "recessive",
        }
    }

    /// The modifier of `plink2 --score`.
    pub(crate) fn of_plink(self) -> &'static str {
        match self {
            Self::Additive => "",
            Self::Dominant => "dominant",
            Self::Recessive => "recessive",
        }
    }

    /// What a number of copies (of two) counts.
    pub(crate) fn counted(self, copies: f64) -> f64 {
        match self {
            Self::Additive => copies,
            Self::Dominant => copies.min(1.0),
            Self::Recessive => (copies - 1.0).max(0.0),
        }
    }

    /// What plink2 adds for a missing call, with a frequency of the effect allele.
    pub(crate) fn mean(self, frequency: f64) -> f64 {
        match self {
            Self::Additive => 2.0 * frequency,
            Self::Dominant | Self::Recessive => frequency,
        }
    }
}

/// A weight of an allele of a record.
#[derive(Clone, Copy)]
pub(crate) struct Weight {
    /// Index of the record.
    pub(crate) record: usize,
    /// Index of the allele in it.
    pub(crate) effect: u8,
    pub(crate) other: u8,
    /// In millionths.
    pub(crate) weight: i64,
}

impl Weight {
    pub(crate) fn as_f64(self) -> f64 {
        self.decimal().parse().expect("a number")
    }

    fn decimal(self) -> String {
        let sign = if self.weight < 0 { "-" } else { "" };
        let weight = self.weight.abs();
        format!("{sign}{}.{:06}", weight / 1_000_000, weight % 1_000_000)
    }
}

/// Digits of a weight in millionths, each of which plink2 sums exactly in a column of its own.
pub(crate) const DIGITS: usize = 6;

/// A weight for one allele of each record, REF and ALT alike.
pub(crate) fn weights(records: &[Record], is_wanted: impl Fn(&Record) -> bool) -> Vec<Weight> {
    let wanted = records
        .iter()
        .enumerate()
        .filter(|(_, record)| is_wanted(record));
    let weight = |(at, record): (usize, &Record)| {
        // A linear congruence: any numbers do.
        let random = (at as u64 + 1).wrapping_mul(6_364_136_223_846_793_005) >> 33;
        let alternate = 1 + (random % (record.alleles.len() as u64 - 1)) as u8;
        let is_reference = random.is_multiple_of(3);
        let (effect, other) = if is_reference {
            (0, alternate)
        } else {
            (alternate, 0)
        };
        Weight {
            record: at,
            effect,
            other,
            weight: (random / 7 % 1_999_999) as i64 - 999_999,
        }
    };
    wanted.map(weight).filter(|own| own.weight != 0).collect()
}

/// Writes the file that varisk reads.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    build: &str,
    kind: Kind,
    records: &[Record],
    weights: &[Weight],
) -> PathBuf {
    let mut out = format!(
        "#pgs_id={name}\n#genome_build={build}\nchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tis_dominant\tis_recessive\n"
    );
    let (dominant, recessive) = (kind == Kind::Dominant, kind == Kind::Recessive);
    for own in weights {
        let record = &records[own.record];
        let _ = writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}\t{dominant}\t{recessive}",
            record.contig,
            record.position,
            record.alleles[usize::from(own.effect)],
            record.alleles[usize::from(own.other)],
            own.decimal(),
        );
    }
    let path = folder.join(format!("{name}.txt"));
    std::fs::write(&path, out).expect("a file");
    path
}

/// Writes the file that plink2 reads: the weight, then its digits, which have its sign.
pub(crate) fn write_plink(path: &Path, records: &[Record], weights: &[Weight]) {
    let mut out = String::from("ID\tallele\tweight");
    for digit in 0..DIGITS {
        let _ = write!(out, "\td{digit}");
    }
    for own in weights {
        let record = &records[own.record];
        let allele = &record.alleles[usize::from(own.effect)];
        let _ = write!(out, "\n{}\t{allele}\t{}", record.id(), own.decimal());
        let mut rest = own.weight;
        for _ in 0..DIGITS {
            let _ = write!(out, "\t{}", rest % 10);
            rest /= 10;
        }
    }
    out.push('\n');
    std::fs::write(path, out).expect("a file");
}
