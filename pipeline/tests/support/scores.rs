//! Runs of polygenic scores on the bundled cohort, scoring files, and what a score comes to by plain
//! arithmetic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::cohort::{Genotype, Place, Vcf, csv, place};
use super::program::{Call, Table, testdata, text};
use super::refusal::write;

/// The bundled scores on the bundled cohort.
pub(crate) fn prs(output: &Path) -> Call {
    prs_without_scores(output)
        .with("--score", testdata("scores"))
        .with("--score-build", "other")
}

/// The bundled cohort without any score.
pub(crate) fn prs_without_scores(output: &Path) -> Call {
    Call::new("prs")
        .with("--vcf", testdata("cohort.vcf.gz"))
        .with("--samplesheet", testdata("samplesheet.csv"))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--par", testdata("par.bed"))
        .with("--output", text(output))
        .with("--threads", "2")
        .with("--checkpoint-seconds", "0")
}

/// One scoring file on the bundled cohort.
pub(crate) fn prs_of(output: &Path, score: &str) -> Call {
    prs_without_scores(output)
        .with("--score", score)
        .with("--score-build", "other")
}

/// Building the bundled panel, with the bundled scores in it.
pub(crate) fn panel_build(output: &Path) -> Call {
    Call::new("ancestry build")
        .with("--vcf", testdata("panel/panel.vcf.gz"))
        .with("--labels", testdata("panel/labels.csv"))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--par", testdata("par.bed"))
        .with("--name", "toy")
        .with("--release", "1")
        .with("--licence", "CC0-1.0")
        .with("--max-r2", "0.2")
        .with("--window", "2000")
        .with("--score", testdata("scores"))
        .with("--score-build", "other")
        .with("--output", text(output))
        .with("--threads", "2")
}

/// The bundled panel.
pub(crate) fn panel(folder: &Path) -> PathBuf {
    let output = folder.join("panel");
    panel_build(&output).succeed();
    output
}

/// With everything that can be made of scores.
pub(crate) fn with_all(call: Call, panel: &Path) -> Call {
    call.with("--ancestry", text(panel))
        .with("--absolute-risk", testdata("absolute-risk/model.toml"))
        .with("--score-formats", "sscore,pgsc-calc")
}

/// Every file of a report but `run.json`, by its path in the folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(inner) = folders.pop() {
        let path = folder.join(&inner);
        let entries =
            std::fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for entry in entries.flatten() {
            let name = inner.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(name);
            } else if name != Path::new("run.json") {
                all.insert(text(&name), std::fs::read(entry.path()).expect("a file"));
            }
        }
    }
    all
}

/// Fails with the names of the files that differ.
pub(crate) fn assert_same_files(folder: &Path, expected: &BTreeMap<String, Vec<u8>>, what: &str) {
    let found = files(folder);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(expected), "{what}");
    let differ: Vec<&String> = found
        .iter()
        .filter(|(name, bytes)| expected[*name] != **bytes)
        .map(|(name, _)| name)
        .collect();
    assert!(differ.is_empty(), "{what}: {differ:?} differ");
}

/// The base that a transition makes of a base: the two never are complements of each other.
pub(crate) fn transition(base: &str) -> &'static str {
    match base {
        "A" => "G",
        "C" => "T",
        "G" => "A",
        "T" => "C",
        base => panic!("'{base}' is no base"),
    }
}

/// A row of a scoring file as it stands there, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// The rows of a scoring file.
pub(crate) fn rows(path: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.next().expect("names").split('\t').collect();
    lines
        .map(|line| {
            let cells = line.split('\t').map(str::to_owned);
            names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(cells)
                .collect()
        })
        .collect()
}

/// A scoring file of the run's build: `columns` and rows with tabs.
pub(crate) fn scoring_file(
    folder: &Path,
    name: &str,
    columns: &str,
    rows: impl IntoIterator<Item = String>,
) -> String {
    let mut text = format!("#pgs_id={name}\n#genome_build=NR\n{columns}\n");
    for row in rows {
        let _ = writeln!(text, "{row}");
    }
    write(folder, &format!("{name}.txt"), text)
}

/// The usual columns.
pub(crate) const COLUMNS: &str =
    "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight";

fn complement(allele: &str) -> String {
    let letters = allele.chars().rev().map(|letter| match letter {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        'T' => 'A',
        other => other,
    });
    letters.collect()
}

/// A row of a scoring file found in a cohort.
pub(crate) struct Found {
    /// Number of the record.
    pub(crate) record: usize,
    /// Index of the alternate allele in it.
    pub(crate) index: usize,
    /// Whether the effect allele is ALT.
    pub(crate) is_alternate: bool,
}

/// Finds a row of single bases: as written, else on the other strand.
pub(crate) fn find(vcf: &Vcf, row: &Row) -> Option<Found> {
    let contig = format!("chr{}", row["chr_name"]);
    let (effect, other) = (row["effect_allele"].clone(), row["other_allele"].clone());
    let flipped = (complement(&effect), complement(&other));
    let mut best = None;
    for (rank, (effect, other)) in [(effect, other), flipped].into_iter().enumerate() {
        for (record, columns) in vcf.records.iter().enumerate() {
            if columns[0] != contig || columns[1] != row["chr_position"] {
                continue;
            }
            for (at, alternate) in columns[4].split(',').enumerate() {
                let is_alternate = *alternate == effect && columns[3] == other;
                let is_reference = *alternate == other && columns[3] == effect;
                if (is_alternate || is_reference) && best.is_none() {
                    best = Some(Found {
                        record,
                        index: at + 1,
                        is_alternate,
                    });
                }
            }
        }
        if best.is_some() || rank == 1 {
            break;
        }
    }
    best
}

/// Whether the two strands read the same.
pub(crate) fn is_ambiguous(row: &Row) -> bool {
    row["effect_allele"] == complement(&row["other_allele"])
}

/// Copies of a row's effect allele and copies that are expected, of a patient of a sex; `None` where
/// the call is not complete or does not count.
pub(crate) fn copies(
    found: &Found,
    place: Place,
    genotype: &Genotype,
    is_male: bool,
) -> Option<(f64, f64)> {
    if !genotype.is_complete() {
        return None;
    }
    let own = genotype.copies() as f64;
    let called = genotype.haplotypes.len() as f64;
    let expected = match place {
        Place::Autosomal => 2.0,
        Place::X if is_male => 1.0,
        Place::X => 2.0,
        Place::Y if is_male => 1.0,
        Place::Y => return None,
        Place::Mitochondrial => 1.0,
    };
    // A call of two where one copy is expected counts once, with the alternate allele if it is there.
    let alternates = if called > expected {
        f64::from(own > 0.0)
    } else {
        own
    };
    let copies = if found.is_alternate {
        alternates
    } else {
        expected - alternates
    };
    Some((copies, expected))
}

/// What a score of single bases comes to in a patient.
#[derive(Default, Debug)]
pub(crate) struct Expected {
    pub(crate) sum: f64,
    pub(crate) called: usize,
    pub(crate) scorable: usize,
    pub(crate) total: usize,
    pub(crate) weight_called: f64,
    pub(crate) weight_scorable: f64,
    pub(crate) weight_total: f64,
    pub(crate) weight_not_counted: f64,
    pub(crate) copies: f64,
    pub(crate) dosage: f64,
    pub(crate) expected_copies: f64,
}

/// Scores a sample by plain arithmetic.
pub(crate) fn expected(
    vcf: &Vcf,
    sample: usize,
    is_male: bool,
    rows: &[Row],
    keeps_ambiguous: bool,
) -> Expected {
    let mut sums = Expected::default();
    for row in rows {
        let weight: f64 = row["effect_weight"].parse().expect("a number");
        sums.total += 1;
        sums.weight_total += weight.abs();
        if is_ambiguous(row) && !keeps_ambiguous {
            continue;
        }
        let Some(found) = find(vcf, row) else {
            continue;
        };
        let columns = &vcf.records[found.record];
        let place = place(&columns[0], columns[1].parse().expect("a position"));
        sums.scorable += 1;
        sums.weight_scorable += weight.abs();
        let one = match place {
            Place::X if is_male => 1.0,
            Place::Y if is_male => 1.0,
            Place::Y => {
                sums.weight_not_counted += weight.abs();
                continue;
            }
            Place::Mitochondrial => 1.0,
            Place::Autosomal | Place::X => 2.0,
        };
        sums.expected_copies += one;
        let genotype = vcf.genotype(found.record, sample, found.index);
        let Some((copies, expected)) = copies(&found, place, &genotype, is_male) else {
            continue;
        };
        let flag = |name: &str| row.get(name).is_some_and(|flag| flag == "True");
        let counted = if flag("is_dominant") {
            f64::from(copies > 0.0)
        } else if flag("is_recessive") {
            f64::from(copies == expected)
        } else {
            copies
        };
        sums.called += 1;
        sums.weight_called += weight.abs();
        sums.copies += expected;
        sums.dosage += copies;
        sums.sum += weight * counted;
    }
    sums
}

/// Patients of the bundled samplesheet: identifier and whether male, in the order of the samples.
pub(crate) fn patients() -> Vec<(String, bool)> {
    let rows = csv(&testdata("samplesheet.csv"));
    rows.into_iter()
        .map(|row| (row["patient"].clone(), row["sex"] == "male"))
        .collect()
}

/// Every cell of a table's rows of one patient, by column.
pub(crate) fn rows_of(table: &Table, patient: &str) -> Vec<(String, Vec<Option<String>>)> {
    let own: Vec<usize> = (0..table.len())
        .filter(|row| table.texts("patient")[*row] == patient)
        .collect();
    assert!(!own.is_empty(), "{patient} is not there");
    let column = |name: &String| {
        let cells = table.column(name);
        let cells = own.iter().map(|row| cells[*row].map(str::to_owned));
        (name.clone(), cells.collect())
    };
    table.names.iter().map(column).collect()
}

/// The numbers of a list as a table shows it.
pub(crate) fn numbers(list: &str) -> Vec<f64> {
    let inner = list
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'));
    let inner = inner.unwrap_or_else(|| panic!("no list: {list}"));
    let parse = |number: &str| number.trim().parse().expect("a number");
    inner.split(',').map(parse).collect()
}

/// A number of a patient and score.
pub(crate) fn number(table: &Table, patient: &str, score: &str, column: &str) -> Option<f64> {
    cell(table, patient, score, column).map(|text| text.parse().expect("a number"))
}

/// A cell of a patient and score.
pub(crate) fn cell<'t>(
    table: &'t Table,
    patient: &str,
    score: &str,
    column: &str,
) -> Option<&'t str> {
    let rows = table.texts("patient").into_iter().zip(table.texts("score"));
    let at = rows
        .enumerate()
        .find(|(_, own)| *own == (patient, score))
        .map(|(at, _)| at)
        .unwrap_or_else(|| panic!("no row of {patient} and {score}"));
    table.column(column)[at]
}

/// Equal but for rounding.
pub(crate) fn assert_close(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what} is null"));
    let limit = 1e-9 * expected.abs().max(1.0);
    assert!(
        (found - expected).abs() <= limit,
        "{what}: {found}, not {expected}"
    );
}
