//! Sums on set D (2,504 people of the 1000 Genomes, chromosome 22) equal those of plink2, and those
//! of the definition over genotypes that bcftools decodes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::genotypes::{Genotypes, MISSING};
use crate::plink::{Sscore, columns, six_digits};
use crate::scorefile::{self, Kind, Weight, weights, write_plink};
use crate::support::oracle::{shared, shell};
use crate::support::program::{Call, Table, text};
use crate::{Largest, of_score, prs};

pub(crate) const COHORT: &str =
    "cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz";
pub(crate) const FASTA: &str = "reference/grch37_chr22_1-22000000.fa.gz";
pub(crate) const CONTIG_22: &str = "##contig=<ID=22,length=51304566>";

/// GA here is deleted to G and inserted to GAA, which is G to GA: a row of GA and G matches both, and
/// is refused. plink2 goes by identifiers, which tell them apart.
const EITHER_WAY: u32 = 16_404_838;

/// The cohort with a score over an allele of every record, as three kinds of score.
struct World {
    folder: tempfile::TempDir,
    genotypes: Genotypes,
    /// Those that count.
    weights: Vec<Weight>,
    /// Rows of a scoring file.
    rows: usize,
    vcf: PathBuf,
    fasta: PathBuf,
    scores: Vec<PathBuf>,
    plink: PathBuf,
}

impl World {
    /// With `missing`, one call in 50 is taken away.
    fn new(missing: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let mut genotypes = Genotypes::of(&shared(COHORT));
        assert_eq!(genotypes.samples.len(), 2504);
        if missing {
            for (at, record) in genotypes.records.iter_mut().enumerate() {
                for (sample, call) in record.calls.iter_mut().enumerate() {
                    if (at * 7919 + sample * 104_729) % 50 == 0 {
                        *call = [MISSING; 2];
                    }
                }
            }
        }
        // Which of two records of an allele counts is not what is asked here.
        let mut seen = BTreeSet::new();
        let mut repeated = BTreeSet::new();
        for record in &genotypes.records {
            if !seen.insert(record.position) {
                repeated.insert(record.position);
            }
        }
        let is_wanted = |record: &crate::genotypes::Record| {
            record.is_sequence() && !repeated.contains(&record.position)
        };
        genotypes.records.retain(is_wanted);
        let mut weights = weights(&genotypes.records, |_| true);
        let vcf = at("cohort.vcf");
        genotypes.write(&vcf, CONTIG_22);
        let scores = Kind::ALL.map(|kind| {
            let records = &genotypes.records;
            scorefile::write(
                folder.path(),
                kind.name(),
                "GRCh37",
                kind,
                records,
                &weights,
            )
        });
        let rows = weights.len();
        weights.retain(|own| genotypes.records[own.record].position != EITHER_WAY);
        assert_eq!(weights.len() + 1, rows);
        let plink = at("plink.tsv");
        write_plink(&plink, &genotypes.records, &weights);
        Self {
            genotypes,
            weights,
            vcf,
            fasta: shared(FASTA),
            scores: scores.into(),
            plink,
            rows,
            folder,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self, output: &str) -> Call {
        let scores: Vec<&Path> = self.scores.iter().map(PathBuf::as_path).collect();
        prs(&self.vcf, &self.fasta, "GRCh37", &scores, &self.at(output))
            .with("--score-formats", "sscore")
    }

    /// Every row but one is scored, and as what it is.
    fn check_log(&self, output: &str) {
        let log = Table::read(&self.at(output), "score_variants");
        assert_eq!(log.len(), 3 * self.rows);
        let either = EITHER_WAY.to_string();
        let (positions, reasons) = (log.texts("position"), log.column("reason"));
        let kinds = log.column("match_type");
        let mut weights = self.weights.iter().cycle();
        for (position, (reason, kind)) in positions.into_iter().zip(reasons.into_iter().zip(kinds))
        {
            if position == either {
                assert_eq!(reason, Some("matches_two_alleles"));
                continue;
            }
            let own = weights.next().expect("a weight");
            let expected = if own.effect == 0 {
                "alt_ref"
            } else {
                "ref_alt"
            };
            assert_eq!((reason, kind), (None, Some(expected)), "{position}");
        }
    }

    /// Greatest possible size of a sum: what numbers near zero are compared on.
    fn scale(&self) -> f64 {
        let weights = self.weights.iter().map(|own| own.as_f64().abs());
        weights.sum::<f64>() / 100.0
    }

    /// What the definition says of each sample, with a mean for each missing call where `mean` gives
    /// the frequency of the effect allele.
    fn expected(&self, kind: Kind, mean: Option<&dyn Fn(&Weight) -> f64>) -> Vec<f64> {
        let mut sums = vec![0.0; self.genotypes.samples.len()];
        for own in &self.weights {
            let record = &self.genotypes.records[own.record];
            let weight = own.as_f64();
            let table = [0.0, 1.0, 2.0].map(|copies| weight * kind.counted(copies));
            let missing = mean.map_or(0.0, |mean| weight * kind.mean(mean(own)));
            for (sum, call) in sums.iter_mut().zip(&record.calls) {
                *sum += if call[0] == MISSING {
                    missing
                } else {
                    let [first, second] = call.map(|allele| usize::from(allele == own.effect));
                    table[first + second]
                };
            }
        }
        sums
    }

    /// Holds a run against the definition and against plink2's columns, which have six digits.
    fn compare(&self, output: &str, kind: Kind, theirs: &Sscore, expected: &[f64]) -> Largest {
        let table = Table::read(&self.at(output), "scores");
        let sums: BTreeMap<&str, f64> = of_score(&table, kind.name(), "sum").into_iter().collect();
        let averages: BTreeMap<&str, f64> = of_score(&table, kind.name(), "average")
            .into_iter()
            .collect();
        let file = format!("{output}/sscore/{}.sscore", kind.name());
        let ours = Sscore::read(&self.at(&file));
        assert_eq!(ours.samples.len(), self.genotypes.samples.len());
        let mut largest = Largest::default();
        let scale = self.scale();
        for (sample, expected) in self.genotypes.samples.iter().zip(expected) {
            let sum = sums[sample.as_str()];
            largest.note(sum, *expected, scale);
            for (name, own) in [
                ("ALLELE_CT", "ALLELE_CT"),
                ("NAMED_ALLELE_DOSAGE_SUM", "NAMED_ALLELE_DOSAGE_SUM"),
                ("weight_AVG", &format!("{}_AVG", kind.name())),
                ("weight_SUM", &format!("{}_SUM", kind.name())),
            ] {
                // plink2 sums what it makes of dominant and recessive copies, varisk the copies.
                if name == "NAMED_ALLELE_DOSAGE_SUM" && kind != Kind::Additive {
                    continue;
                }
                let (ours, theirs) = (ours.number(sample, own), theirs.number(sample, name));
                let is_near = (six_digits(ours) - theirs).abs() <= 1.01e-5 * theirs.abs().max(1e-3);
                assert!(is_near, "{sample} {own}: {ours}, {theirs} by plink2");
            }
            assert_eq!(ours.number(sample, &format!("{}_SUM", kind.name())), sum);
            let average = ours.number(sample, &format!("{}_AVG", kind.name()));
            assert_eq!(average, averages[sample.as_str()]);
        }
        largest
    }

    fn plink(&self, kind: Kind, extra: &str, modifiers: &str) -> Sscore {
        let genotypes = format!("--vcf {} {extra}", text(&self.vcf));
        let modifiers = format!("{} {modifiers}", kind.of_plink());
        let prefix = self.at("plink");
        Sscore::run(&genotypes, &self.plink, &modifiers, &columns(), &prefix)
    }

    /// Without imputation plink2's sums are known to the last digit.
    fn exact(&self, output: &str, kinds: &[Kind]) {
        self.call(output).succeed();
        self.check_log(output);
        let table = Table::read(&self.at(output), "scores");
        for kind in kinds.iter().copied() {
            let theirs = self.plink(kind, "", "no-mean-imputation");
            let expected = self.expected(kind, None);
            let definition = self.compare(output, kind, &theirs, &expected);
            let mut largest = Largest::default();
            for (sample, sum) in of_score(&table, kind.name(), "sum") {
                largest.note(sum, theirs.exact(sample) as f64 / 1e6, self.scale());
            }
            println!(
                "{output}, {}: {} weights, {} people, within {:.1e} of plink2 and {:.1e} of the definition",
                kind.name(),
                self.weights.len(),
                largest.compared,
                largest.relative,
                definition.relative
            );
            assert_eq!(largest.compared, 2504);
            assert!(largest.relative < 1e-11 && definition.relative < 1e-11);
        }
    }
}

#[test]
fn complete_calls() {
    World::new(false).exact("complete", &[Kind::Additive]);
}

#[test]
fn missing_calls() {
    let world = World::new(true);
    world.exact("missing", &Kind::ALL);

    // The mean of the cohort.
    world.call("cohort").with("--impute", "cohort").succeed();
    world.check_log("cohort");
    let frequency = |own: &Weight| world.genotypes.records[own.record].frequency(own.effect);
    let frequencies: BTreeMap<usize, f64> = world
        .weights
        .iter()
        .map(|own| (own.record, frequency(own)))
        .collect();
    for kind in Kind::ALL {
        let theirs = world.plink(kind, "", "");
        let expected = world.expected(kind, Some(&|own| frequencies[&own.record]));
        let largest = world.compare("cohort", kind, &theirs, &expected);
        println!(
            "--impute cohort, {}: within {:.1e} of the definition, 6 digits of plink2",
            kind.name(),
            largest.relative
        );
        assert!(largest.relative < 1e-9);
    }
    given_frequencies(&world);
}

/// The mean by a field of a bundle; plink2 reads the same numbers with `--read-freq`.
fn given_frequencies(world: &World) {
    let records = &world.genotypes.records;
    let known = |own: &Weight| -> f64 {
        // In 32 bits, as a bundle holds them.
        let number = 1 + (own.record * 37) % 998;
        format!("0.{number:03}")
            .parse::<f32>()
            .expect("a number")
            .into()
    };
    let mut sites = format!(
        "##fileformat=VCFv4.2\n{CONTIG_22}\n##INFO=<ID=AF,Number=A,Type=Float,Description=\"Frequency\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    );
    let mut afreq = String::from("#CHROM\tID\tREF\tALT\tALT_FREQS\tOBS_CT\n");
    for own in &world.weights {
        let record = &records[own.record];
        // The frequency of REF is that which the row's own ALT leaves: others must not have any.
        let named = own.effect.max(own.other);
        let all = (1..record.alleles.len()).map(|allele| {
            if allele == usize::from(named) {
                known(own).to_string()
            } else {
                "0".to_owned()
            }
        });
        let all = all.collect::<Vec<_>>().join(",");
        let (reference, alternates) = (&record.alleles[0], record.alleles[1..].join(","));
        sites += &format!(
            "22\t{}\t.\t{reference}\t{alternates}\t.\t.\tAF={all}\n",
            record.position
        );
        afreq += &format!(
            "22\t{}\t{reference}\t{alternates}\t{all}\t5008\n",
            record.id()
        );
    }
    let (vcf, frequencies) = (world.at("sites.vcf"), world.at("known.afreq"));
    std::fs::write(&vcf, sites).expect("a file");
    std::fs::write(&frequencies, afreq).expect("a file");
    shell(&format!("bgzip {0}; bcftools index {0}.gz", text(&vcf)));
    let config = world.at("knowledge.toml");
    std::fs::write(&config, format!("genome_build = \"GRCh37\"\n[[source]]\nname = \"known\"\nkind = \"vcf\"\npath = \"{}.gz\"\nrelease = \"1\"\nlicence = \"open\"\nfields = {{ af = \"AF\" }}\n", text(&vcf))).expect("a file");
    Call::new("knowledge build")
        .with("--config", text(&config))
        .with("--reference", text(&world.fasta))
        .with("--output", text(&world.at("bundle")))
        .succeed();
    world
        .call("frequencies")
        .with("--impute", "frequencies")
        .with("--frequencies", "known.af")
        .with("--knowledge", text(&world.at("bundle")))
        .succeed();
    let frequency = |own: &Weight| {
        if own.effect == 0 {
            1.0 - known(own)
        } else {
            known(own)
        }
    };
    for kind in Kind::ALL {
        let theirs = world.plink(kind, &format!("--read-freq {}", text(&frequencies)), "");
        let expected = world.expected(kind, Some(&frequency));
        let largest = world.compare("frequencies", kind, &theirs, &expected);
        println!(
            "--impute frequencies, {}: within {:.1e} of the definition, 6 digits of plink2",
            kind.name(),
            largest.relative
        );
        assert!(largest.relative < 1e-9);
    }
}

/// Centred and scaled dosages. At sites of several alleles plink2 scales in a way of its own; where a
/// call is missing it adds the mean before centring, unless told not to impute: a missing call is then
/// nothing, as the mean of centred dosages is.
#[test]
fn centred_and_scaled() {
    let mut world = World::new(true);
    let records = std::mem::take(&mut world.genotypes.records);
    // plink2 refuses to scale where nobody has the allele.
    world.weights.retain(|own| {
        let record = &records[own.record];
        record.alleles.len() == 2 && (1e-9..=1.0 - 1e-9).contains(&record.frequency(own.effect))
    });
    let score = scorefile::write(
        world.folder.path(),
        "STANDARD",
        "GRCh37",
        Kind::Additive,
        &records,
        &world.weights,
    );
    write_plink(&world.plink, &records, &world.weights);
    for (how, modifier) in [("centre", "center"), ("scale", "variance-standardize")] {
        let output = world.at(how);
        prs(&world.vcf, &world.fasta, "GRCh37", &[&score], &output)
            .with("--impute", "cohort")
            .with("--standardise", how)
            .succeed();
        let theirs = world.plink(
            Kind::Additive,
            "",
            &format!("{modifier} no-mean-imputation"),
        );
        let mut expected = vec![0.0; world.genotypes.samples.len()];
        for own in &world.weights {
            let record = &records[own.record];
            let frequency = record.frequency(own.effect);
            let deviation = (2.0 * frequency * (1.0 - frequency)).sqrt();
            let factor = if how == "scale" { deviation } else { 1.0 };
            for (sum, call) in expected.iter_mut().zip(&record.calls) {
                if call[0] != MISSING {
                    let copies = call.iter().filter(|allele| **allele == own.effect).count();
                    *sum += own.as_f64() * (copies as f64 - 2.0 * frequency) / factor;
                }
            }
        }
        let table = Table::read(&output, "scores");
        let sums: BTreeMap<&str, f64> = of_score(&table, "STANDARD", "sum").into_iter().collect();
        let mut largest = Largest::default();
        for (sample, expected) in world.genotypes.samples.iter().zip(&expected) {
            let own = sums[sample.as_str()];
            largest.note(own, *expected, world.scale());
            let theirs = theirs.number(sample, "weight_SUM");
            let is_near = (own - theirs).abs() <= 1.01e-5 * theirs.abs().max(1e-2);
            assert!(is_near, "{how} {sample}: {own}, {theirs} by plink2");
        }
        println!(
            "--standardise {how}: {} weights, within {:.1e} of the definition, 6 digits of plink2",
            world.weights.len(),
            largest.relative
        );
        assert!(largest.compared == 2504 && largest.relative < 1e-9);
    }
}
