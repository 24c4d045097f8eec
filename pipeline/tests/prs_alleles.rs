//! Scores of insertions, deletions, alleles with more bases than they need, and sites of several
//! alleles.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::cohort::{Allele, Vcf};
use crate::support::genome::Genome;
use crate::support::program::Table;
use crate::support::refusal::write;
use crate::support::scores::{
    COLUMNS, assert_close, number, patients, prs_of, scoring_file, transition,
};

/// An allele of the cohort: where it stands, whether the effect allele is ALT, and the weight.
struct Wanted {
    allele: Allele,
    record: usize,
    index: usize,
    is_alternate: bool,
    weight: f64,
}

/// Every allele of the autosomes that is written in bases, but for single bases of ambiguous strand.
fn wanted(vcf: &Vcf) -> Vec<Wanted> {
    let alleles = vcf.alleles().into_iter().filter(|(allele, ..)| {
        let pair = format!("{}{}", allele.reference, allele.alternate);
        let is_ambiguous = ["AT", "TA", "CG", "GC"].contains(&pair.as_str());
        ["chr1", "chr2"].contains(&allele.contig.as_str())
            && allele.is_sequence()
            && !pair.contains('N')
            && !is_ambiguous
    });
    alleles
        .zip(1u16..)
        .map(|((allele, record, index), number)| Wanted {
            allele,
            record,
            index,
            is_alternate: number % 2 == 0,
            weight: f64::from(number) / 8.0,
        })
        .collect()
}

/// The rows, each with some bases of the reference before its alleles.
fn file(folder: &Path, wanted: &[Wanted], more: usize) -> String {
    let genome = Genome::read();
    let folder = folder.join(format!("more-{more}"));
    std::fs::create_dir(&folder).expect("a folder");
    let rows = wanted.iter().map(|own| {
        let allele = &own.allele;
        let position = allele.position as usize;
        let added = more.min(position - 1);
        let before = if added == 0 {
            ""
        } else {
            genome.bases(&allele.contig, position - added, added)
        };
        // Unknown bases are no bases of an allele.
        let before = if before.contains('N') { "" } else { before };
        let reference = format!("{before}{}", allele.reference);
        let alternate = format!("{before}{}", allele.alternate);
        let (effect, other) = if own.is_alternate {
            (alternate, reference)
        } else {
            (reference, alternate)
        };
        let contig = &allele.contig[3..];
        let position = position - before.len();
        format!("{contig}\t{position}\t{effect}\t{other}\t{}", own.weight)
    });
    scoring_file(&folder, "ALLELES", COLUMNS, rows)
}

#[test]
fn every_kind_of_allele() {
    let folder = tempfile::tempdir().expect("a folder");
    let vcf = Vcf::bundled();
    let wanted = wanted(&vcf);
    let tables = [0, 1, 7].map(|more| {
        let score = file(folder.path(), &wanted, more);
        let output = folder.path().join(format!("report-{more}"));
        prs_of(&output, &score)
            .with("--duplicates", "sum")
            .succeed();
        ["scores", "score_variants"].map(|name| Table::read(&output, name))
    });
    let [scores, log] = &tables[0];
    // Which of an insertion and a deletion of the same bases is meant cannot be known.
    let reasons = log.column("reason");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons.iter().flatten() {
        *counts.entry(reason).or_default() += 1;
    }
    counts.remove("matches_two_alleles");
    assert_eq!(counts, BTreeMap::new());
    let scored = reasons.iter().filter(|reason| reason.is_none()).count();
    assert!(
        scored * 50 > wanted.len() * 49,
        "{scored} of {}",
        wanted.len()
    );
    for (sample, (patient, _)) in patients().iter().enumerate() {
        let mut sum = 0.0;
        let mut called = 0;
        for (own, reason) in wanted.iter().zip(&reasons) {
            let genotype = vcf.genotype(own.record, sample, own.index);
            if reason.is_some() || !genotype.is_complete() {
                continue;
            }
            called += 1;
            let copies = if own.is_alternate {
                genotype.copies()
            } else {
                genotype
                    .haplotypes
                    .iter()
                    .filter(|it| **it == Some(0))
                    .count()
            };
            sum += own.weight * copies as f64;
        }
        assert_close(number(scores, patient, "ALLELES", "sum"), sum, patient);
        let found = number(scores, patient, "ALLELES", "alleles_called");
        assert_eq!(found, Some(f64::from(called)), "{patient}");
    }
    // However the alleles are written they are the same ones.
    for [other, other_log] in &tables[1..] {
        for column in &scores.names {
            assert_eq!(other.column(column), scores.column(column), "{column}");
        }
        for column in [
            "matched_position",
            "matched_ref",
            "matched_alt",
            "reason",
            "match_type",
        ] {
            assert_eq!(other_log.column(column), log.column(column), "{column}");
        }
    }
}

/// An allele in two records, differently written: nobody can know which of them counts.
#[test]
fn an_allele_in_two_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut vcf = Vcf::bundled();
    let at = vcf
        .records
        .iter()
        .position(|record| record[..2] == ["chr1", "1998"])
        .expect("the record");
    // The same record again counts once.
    let twin = vcf.records[at].clone();
    vcf.records.insert(at, twin);
    let rows = ["1\t1998\tG\tA\t1", "1\t1760\tA\tG\t2"].map(str::to_owned);
    let score = scoring_file(folder.path(), "TWICE", COLUMNS, rows);
    let run = |name: &str, vcf: &Vcf| {
        let output = folder.path().join(name);
        let path = write(folder.path(), &format!("{name}.vcf"), vcf.text());
        prs_of(&output, &score).with("--vcf", path).succeed();
        Table::read(&output, "scores")
    };
    let [plain, repeated] = [run("plain", &Vcf::bundled()), run("repeated", &vcf)];
    for column in &plain.names {
        assert_eq!(plain.column(column), repeated.column(column), "{column}");
    }
    // With a base more before it, it is the same allele.
    let genome = Genome::read();
    let before = genome.bases("chr1", 1997, 1);
    vcf.records[at][1] = "1997".to_owned();
    vcf.records[at][3] = format!("{before}A");
    vcf.records[at][4] = format!("{before}G");
    let table = run("twice", &vcf);
    assert_eq!(table.texts("state"), ["not_computed"; 48]);
    assert_eq!(table.texts("reason"), ["ambiguous_score_match"; 48]);
    let log = Table::read(&folder.path().join("twice"), "score_variants");
    assert_eq!(log.column("reason"), [Some("matches_two_alleles"), None]);
}

/// Without an other allele the data choose, where they have one that fits.
#[test]
fn rows_without_an_other_allele() {
    let folder = tempfile::tempdir().expect("a folder");
    let columns = "chr_name\tchr_position\teffect_allele\teffect_weight";
    let rows = ["1\t1998\tG\t1", "1\t1760\tG\t2", "1\t5893\tT\t4"].map(str::to_owned);
    let without = scoring_file(folder.path(), "OTHER", columns, rows);
    let inner = folder.path().join("with");
    std::fs::create_dir(&inner).expect("a folder");
    let rows = ["1\t1998\tG\tA\t1", "1\t1760\tG\tA\t2", "1\t5893\tT\tC\t4"].map(str::to_owned);
    let with = scoring_file(&inner, "OTHER", COLUMNS, rows);
    let tables = [("with", with), ("without", without)].map(|(name, score)| {
        let output = folder.path().join(format!("report-{name}"));
        prs_of(&output, &score).succeed();
        ["scores", "score_variants"].map(|name| Table::read(&output, name))
    });
    let [[scores, log], [other, other_log]] = &tables;
    for column in &scores.names {
        assert_eq!(scores.column(column), other.column(column), "{column}");
    }
    assert_eq!(log.texts("match_type"), ["ref_alt", "alt_ref", "ref_alt"]);
    let found = ["no_other_alt", "no_other_ref", "no_other_alt"];
    assert_eq!(other_log.texts("match_type"), found);
}

/// One patient of a cohort file, the others left out: what the patient has among them.
#[test]
fn others_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let genome = Genome::read();
    let absent = genome.bases("chr1", 1003, 1);
    let rows = [
        "1\t1998\tG\tA\t4".to_owned(),
        "1\t1760\tA\tG\t2".to_owned(),
        format!("1\t1003\t{}\t{absent}\t1", transition(absent)),
    ];
    let score = scoring_file(folder.path(), "SOME", COLUMNS, rows);
    let whole = folder.path().join("whole");
    prs_of(&whole, &score).succeed();
    let sheet = std::fs::read_to_string(crate::support::program::testdata("samplesheet.csv"));
    let sheet = sheet.expect("the samplesheet");
    let lines: Vec<&str> = sheet.lines().collect();
    let whole = ["risk", "scores"].map(|name| Table::read(&whole, name));
    for patient in [1, 2, 30] {
        let output = folder.path().join(format!("report-{patient}"));
        let sheet = format!("{}\n{}\n", lines[0], lines[patient]);
        let sheet = write(folder.path(), &format!("{patient}.csv"), sheet);
        prs_of(&output, &score)
            .with("--samplesheet", sheet)
            .also("--ignore-unlisted-samples", "")
            .succeed();
        let id = &patients()[patient - 1].0;
        for (name, whole) in ["risk", "scores"].iter().zip(&whole) {
            let own = Table::read(&output, name);
            let [own, among] =
                [&own, whole].map(|table| crate::support::scores::rows_of(table, id));
            assert_eq!(own, among, "{id} {name}");
        }
    }
    // Regions that show the reference speak of patients of a cohort file too.
    let output = folder.path().join("callable");
    let bed = write(folder.path(), "all.bed", "chr1\t0\t200000\n");
    prs_of(&output, &score).with("--callable", bed).succeed();
    let table = Table::read(&output, "scores");
    let log = Table::read(&output, "score_variants");
    assert_eq!(log.column("patients_called")[2], Some("48"));
    let coverage = table.numbers("coverage").into_iter().flatten();
    assert!(coverage.clone().all(|share| share >= 1.0 / 7.0));
    assert!(coverage.filter(|share| *share == 1.0).count() > 24);
}

/// A caller writes a deletion and a SNV behind its first base in one record. The site that the score
/// asks for, since the patient has a file of their own, is the same allele and must not count twice.
#[test]
fn an_allele_behind_the_base_of_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let genome = Genome::read();
    let place = (2_000..)
        .find(|place| {
            let bases = genome.bases("chr1", *place, 3);
            !bases.contains('N') && bases[..1] != bases[1..2] && bases[1..2] != bases[2..3]
        })
        .expect("a place");
    let bases = genome.bases("chr1", place, 2);
    let alternate = transition(&bases[1..]);
    let [first, second] = [&bases[..1], &bases[1..]];
    let far = place + 500;
    let far_base = genome.bases("chr1", far, 1);
    let records = |samples: usize| {
        let one = ["0/2", "1/2", "2/2"].iter().cycle().take(samples);
        let genotypes: Vec<&str> = one.copied().collect();
        let names: Vec<String> = (1..=samples).map(|at| format!("A{at}")).collect();
        format!(
            "##fileformat=VCFv4.3\n##contig=<ID=chr1,length=200000>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\nchr1\t{place}\t.\t{bases}\t{first},{first}{alternate}\t.\t.\t.\tGT\t{}\nchr1\t{far}\t.\t{far_base}\t{}\t.\t.\t.\tGT\t{}\n",
            names.join("\t"),
            genotypes.join("\t"),
            transition(far_base),
            vec!["0/1"; samples].join("\t"),
        )
    };
    let rows = [
        format!("1\t{}\t{alternate}\t{second}\t1", place + 1),
        format!("1\t{far}\t{}\t{far_base}\t4", transition(far_base)),
    ];
    let score = scoring_file(folder.path(), "BEHIND", COLUMNS, rows);
    for (samples, first_sum) in [(1, 5.0), (3, 5.0)] {
        for (more, batch) in [("", "2048"), ("", "1"), ("--absent-as-reference", "1")] {
            let vcf = write(folder.path(), "own.vcf", records(samples));
            let output = folder
                .path()
                .join(format!("report-{samples}-{batch}{more}"));
            let mut call = prs_of(&output, &score)
                .with("--vcf", vcf)
                .without("--samplesheet")
                .with("--batch-size", batch);
            if !more.is_empty() {
                call = call.also(more, "");
            }
            call.succeed();
            let scores = Table::read(&output, "scores");
            let sum = number(&scores, "A1", "BEHIND", "sum");
            assert_eq!(sum, Some(first_sum), "{samples} {batch} {more}");
            let value = number(&scores, "A1", "BEHIND", "rescaled_sum");
            assert_eq!(value, Some(first_sum), "{samples} {batch} {more}");
            let log = Table::read(&output, "score_variants");
            assert_eq!(log.column("reason"), [None, None]);
            assert_eq!(log.texts("patients_called")[0], samples.to_string());
        }
    }
}
