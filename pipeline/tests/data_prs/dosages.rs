//! Dosages of imputation: DS and GP, against `plink2 --vcf dosage=DS` and `dosage=GP`.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::genotypes::Genotypes;
use crate::plink::Sscore;
use crate::scorefile::{self, Kind, Weight, weights, write_plink};
use crate::sums::{COHORT, CONTIG_22, FASTA};
use crate::support::oracle::{shared, shell};
use crate::support::program::{Table, text};
use crate::{Largest, of_score, prs};

const SAMPLES: usize = 500;
const RECORDS: usize = 400;
/// plink2 keeps dosages as multiples of this.
const STEP: f64 = 1.0 / 16_384.0;

/// A dosage of ALT with the probabilities of 0, 1 and 2 copies.
struct Dosage {
    probabilities: [f64; 3],
}

impl Dosage {
    /// In 32nds, which every format writes exactly, or in steps of 0.001.
    fn new(number: usize, is_exact: bool) -> Self {
        let (one, two) = (number % 17, number / 17 % 16);
        let unit = if is_exact { 32.0 } else { 1000.0 / 29.0 };
        let (one, two) = (one as f64 / unit, two as f64 / unit);
        let thousandth = |value: f64| {
            if is_exact {
                value
            } else {
                (value * 1000.0).round() / 1000.0
            }
        };
        let (one, two) = (thousandth(one), thousandth(two));
        Self {
            probabilities: [1.0 - one - two, one, two],
        }
    }

    fn alternate(&self) -> f64 {
        self.probabilities[1] + 2.0 * self.probabilities[2]
    }
}

struct World {
    folder: tempfile::TempDir,
    genotypes: Genotypes,
    weights: Vec<Weight>,
    scores: Vec<PathBuf>,
    is_exact: bool,
}

impl World {
    fn new(is_exact: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut genotypes = Genotypes::of(&shared(COHORT));
        genotypes.samples.truncate(SAMPLES);
        let mut last = 0;
        genotypes.records.retain(|record| {
            let is_new = record.position != last;
            last = record.position;
            let is_substitution = record.alleles.iter().all(|allele| allele.len() == 1);
            is_new && is_substitution && record.is_sequence() && record.alleles.len() == 2
        });
        genotypes.records.truncate(RECORDS);
        let weights = weights(&genotypes.records, |_| true);
        let scores = Kind::ALL.map(|kind| {
            let (name, records) = (kind.name(), &genotypes.records);
            scorefile::write(folder.path(), name, "GRCh37", kind, records, &weights)
        });
        write_plink(
            &folder.path().join("plink.tsv"),
            &genotypes.records,
            &weights,
        );
        Self {
            folder,
            genotypes,
            weights,
            scores: scores.into(),
            is_exact,
        }
    }

    fn dosage(&self, record: usize, sample: usize) -> Dosage {
        Dosage::new(
            record * 7919 + sample * 31 + record * sample % 11,
            self.is_exact,
        )
    }

    /// Writes GT (always 0/0, so that it cannot be what counts) and a field of dosages.
    fn write(&self, field: &str) -> PathBuf {
        let number = if field == "DS" { "A" } else { "G" };
        let mut out = format!(
            "##fileformat=VCFv4.2\n{CONTIG_22}\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n##FORMAT=<ID={field},Number={number},Type=Float,Description=\"Dosage\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\n",
            self.genotypes.samples.join("\t")
        );
        for (at, record) in self.genotypes.records.iter().enumerate() {
            let (reference, alternate) = (&record.alleles[0], &record.alleles[1]);
            let _ = write!(
                out,
                "22\t{}\t{}\t{reference}\t{alternate}\t.\t.\t.\tGT:{field}",
                record.position,
                record.id()
            );
            for sample in 0..SAMPLES {
                let dosage = self.dosage(at, sample);
                let [none, one, two] = dosage.probabilities;
                let _ = if field == "DS" {
                    write!(out, "\t0/0:{}", shown(dosage.alternate()))
                } else {
                    write!(out, "\t0/0:{},{},{}", shown(none), shown(one), shown(two))
                };
            }
            out.push('\n');
        }
        let path = self.folder.path().join(format!("{field}.vcf"));
        std::fs::write(&path, out).expect("a file");
        path
    }

    fn check(&self, field: &str, of_plink: &str) {
        let at = |name: &str| self.folder.path().join(name);
        let vcf = self.write(field);
        let scores: Vec<_> = self.scores.iter().map(PathBuf::as_path).collect();
        let output = at(&format!("report-{field}"));
        prs(&vcf, &shared(FASTA), "GRCh37", &scores, &output)
            .with("--dosages", field.to_lowercase())
            .with("--score-formats", "sscore")
            .succeed();
        let table = Table::read(&output, "scores");
        // From BCF, where numbers have 32 bits, the same.
        let bcf = at(&format!("{field}.bcf"));
        shell(&format!(
            "bcftools view -Ob -o {} {}",
            text(&bcf),
            text(&vcf)
        ));
        let from_bcf = at(&format!("bcf-{field}"));
        prs(&bcf, &shared(FASTA), "GRCh37", &scores, &from_bcf)
            .with("--dosages", field.to_lowercase())
            .succeed();
        let from_bcf = Table::read(&from_bcf, "scores");
        let whole: f64 = self.weights.iter().map(|own| own.as_f64().abs()).sum();
        for kind in Kind::ALL {
            let genotypes = format!("--vcf {} dosage={of_plink}", text(&vcf));
            let modifiers = format!("{} no-mean-imputation", kind.of_plink());
            let theirs = Sscore::run(&genotypes, &at("plink.tsv"), &modifiers, "3", &at("plink"));
            let (mut definition, mut of_theirs, mut bcf) =
                (Largest::default(), Largest::default(), Largest::default());
            let ours = of_score(&table, kind.name(), "sum");
            let other = of_score(&from_bcf, kind.name(), "sum");
            for (sample, ((name, sum), (_, other))) in ours.into_iter().zip(other).enumerate() {
                let at = self.genotypes.samples.iter().position(|own| own == name);
                assert_eq!(at, Some(sample));
                let terms = self.weights.iter().map(|own| {
                    let alternate = self.dosage(own.record, sample).alternate();
                    let copies = if own.effect == 0 {
                        2.0 - alternate
                    } else {
                        alternate
                    };
                    own.as_f64() * kind.counted(copies)
                });
                definition.note(sum, terms.sum(), whole);
                of_theirs.note(sum, theirs.number(name, "weight_SUM"), whole);
                bcf.note(sum, other, whole);
            }
            println!(
                "{field}, {}, {}: {} people; shares of the summed weights: {:.1e} from the definition, {:.1e} from plink2, {:.1e} from BCF",
                if self.is_exact {
                    "32nds"
                } else {
                    "thousandths"
                },
                kind.name(),
                definition.compared,
                definition.relative,
                of_theirs.relative,
                bcf.relative
            );
            // varisk keeps dosages as multiples of 2^-24.
            let own = if self.is_exact {
                1e-12
            } else {
                2.0_f64.powi(-24)
            };
            assert!(definition.relative <= own, "{}", definition.relative);
            assert!(bcf.relative <= if self.is_exact { 1e-12 } else { 1e-6 });
            // Half a step for each dosage, and the sixth digit of the sum.
            let step = if self.is_exact { 0.0 } else { STEP / 2.0 };
            assert!(of_theirs.relative <= step + 1e-6, "{}", of_theirs.relative);
        }
    }
}

/// A number without the noise of binary fractions.
fn shown(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[test]
fn stated_dosages() {
    for is_exact in [true, false] {
        let world = World::new(is_exact);
        world.check("DS", "DS");
        world.check("GP", "GP");
    }
}
