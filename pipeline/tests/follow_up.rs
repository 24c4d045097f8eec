//! Two runs with two releases of a source: what changed for whom, against what was planted in the
//! second release and the text of the cohort.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::known::{carried, without_models};
use crate::support::bundle::{annotated, bundle, bundle_of, configuration};
use crate::support::cohort::{Allele, Vcf, csv};
use crate::support::program::{Call, Outcome, Table, testdata, text, workspace};
use crate::support::refusal::write;
use crate::truth::{input_alleles, patients};

/// Contig, position, REF, ALT, and the source's word in the first and in the second release; none
/// where the release does not have the allele.
type Planted = (
    &'static str,
    u32,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const PATHOGENIC: &str = "Pathogenic";
const LIKELY: &str = "Likely_pathogenic";
const BOTH: &str = "Pathogenic/Likely_pathogenic";
const UNCERTAIN: &str = "Uncertain_significance";
const BENIGN: &str = "Benign";

/// All that the second release says otherwise.
const PLANTED: [Planted; 13] = [
    ("chr1", 1001, "A", "G", Some(BENIGN), Some(LIKELY)),
    ("chr1", 1045, "A", "C", None, Some(PATHOGENIC)),
    // Into no class that is reported.
    ("chr1", 3296, "G", "A", Some(UNCERTAIN), Some(BENIGN)),
    ("chr1", 8127, "T", "TA", Some(PATHOGENIC), Some(BENIGN)),
    ("chr1", 8657, "A", "ATT", Some(PATHOGENIC), None),
    // Reported by both releases.
    ("chr1", 9221, "G", "T", Some(PATHOGENIC), Some(LIKELY)),
    ("chr1", 9837, "T", "A", Some(UNCERTAIN), Some(PATHOGENIC)),
    // Nobody carries it.
    ("chr1", 192_731, "A", "G", Some(BENIGN), Some(PATHOGENIC)),
    ("chr2", 9085, "A", "T", Some(PATHOGENIC), Some(BOTH)),
    ("chrX", 10136, "A", "T", Some(PATHOGENIC), Some(UNCERTAIN)),
    ("chrX", 25990, "T", "C", Some(UNCERTAIN), Some(PATHOGENIC)),
    ("chrY", 21209, "C", "A", Some(UNCERTAIN), Some(PATHOGENIC)),
    ("chrM", 13027, "A", "G", Some(UNCERTAIN), Some(BOTH)),
];
/// A pathogenic allele of patients, of which another number of submitters is known.
const OTHER_STARS: (&str, u32) = ("chr1", 9289);
/// An allele beside it that no input has.
const NOT_IN_COHORT: Planted = ("chr1", 9289, "C", "G", None, Some(PATHOGENIC));

/// The bundled source as a second release.
fn second_release() -> String {
    let bytes = std::fs::read(testdata("knowledge/clinvar.vcf.gz")).expect("the source");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("text");
    let (header, records): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let contigs = ["chr1", "chr2", "chrX", "chrY", "chrM"];
    let rank = |contig: &str| contigs.iter().position(|own| *own == contig);
    let mut lines: Vec<((Option<usize>, u32), String)> = Vec::new();
    let mut planted: BTreeSet<Planted> = PLANTED.into();
    let (mut stars, given) = (0, records.len());
    for record in records {
        let cells: Vec<&str> = record.split('\t').collect();
        let position: u32 = cells[1].parse().expect("a number");
        let place = (rank(cells[0]), position);
        let own = planted
            .iter()
            .find(|own| (own.0, own.1, own.2, own.3) == (cells[0], position, cells[3], cells[4]));
        let Some(own) = own.copied() else {
            let mut line = record.to_owned();
            if (cells[0], position) == OTHER_STARS {
                line = line.replace("multiple_submitters,_no_conflicts", "single_submitter");
                stars += usize::from(line != record);
            }
            lines.push((place, line));
            continue;
        };
        planted.remove(&own);
        let word = format!("CLNSIG={}", own.4.expect("the source has it"));
        assert!(record.ends_with(&word), "{record}");
        if let Some(after) = own.5 {
            lines.push((place, record.replace(&word, &format!("CLNSIG={after}"))));
        }
    }
    assert_eq!(stars, 1);
    for own in planted.into_iter().chain([NOT_IN_COHORT]) {
        assert_eq!(own.4, None, "{own:?}");
        let (contig, position, reference, alternate, ..) = own;
        let line = format!(
            "{contig}\t{position}\t999\t{reference}\t{alternate}\t.\t.\tALLELEID=1;CLNDN=Toy_disease;CLNREVSTAT=no_assertion_criteria_provided;CLNSIG={}",
            own.5.expect("a word")
        );
        lines.push(((rank(contig), position), line));
    }
    // One was taken out, two came in.
    assert_eq!(lines.len(), given + 1);
    lines.sort();
    let lines = lines.iter().map(|(_, line)| line.as_str());
    let all: Vec<&str> = header.into_iter().chain(lines).collect();
    all.join("\n") + "\n"
}

/// Bundles with the first and with the second release.
pub(crate) fn releases(folder: &Path) -> [PathBuf; 2] {
    let changed = write(folder, "clinvar-2.vcf", second_release());
    let config = configuration()
        .replace(&testdata("knowledge/clinvar.vcf.gz"), &changed)
        .replacen("synthetic-1", "synthetic-2", 1);
    [bundle(folder), bundle_of(folder, "second", &config)]
}

/// The comparison of two runs.
pub(crate) fn diff(before: &Path, after: &Path) -> Call {
    Call::new("diff")
        .also(&text(before), "")
        .also(&text(after), "")
}

/// Runs a comparison into a folder that must end with a code, and checks that nothing but tables and page tells who
/// the patients are.
pub(crate) fn compared(call: &Call, output: &Path, code: i32) -> Outcome {
    let call = call.clone().with("--output", text(output));
    let done = call.run();
    assert_eq!(done.code, Some(code), "{}", done.stderr);
    let summary = std::fs::read_to_string(output.join("diff.json")).expect("a summary");
    for row in csv(&testdata("samplesheet.csv")) {
        for name in [&row["patient"], &row["sample"]] {
            for text in [&done.stdout, &done.stderr, &summary] {
                assert!(!text.contains(name), "{name}: {text}");
            }
        }
    }
    done
}

/// An allele as tables have it, after normalisation.
type Key = (String, String, String, String);

fn keys(table: &Table) -> Vec<Option<Key>> {
    let [contigs, positions, references, alternates] =
        ["contig", "position", "ref", "alt"].map(|name| table.column(name));
    let key = |row: usize| {
        let own = |column: &[Option<&str>]| column[row].map(str::to_owned);
        Some((
            own(&contigs)?,
            own(&positions)?,
            own(&references)?,
            own(&alternates)?,
        ))
    };
    (0..table.len()).map(key).collect()
}

/// Patient, allele, before, after, alerts.
type Row = (String, Key, String, String, Option<String>);

/// The rows that are about reclassified alleles, all of which have the releases as their only cause.
fn reclassified(table: &Table, versions: &str) -> Vec<Row> {
    let names = ["category", "patient", "before", "after", "by", "causes"];
    let [categories, patients, before, after, by, causes] = names.map(|name| table.texts(name));
    let [alerts, notes, details] =
        ["alerts", "note", "cause_detail"].map(|name| table.column(name));
    let mut rows = Vec::new();
    for (row, key) in keys(table).into_iter().enumerate() {
        assert_eq!(categories[row], "reclassified", "row {row}");
        assert_eq!((by[row], causes[row]), ("clinvar", "knowledge"));
        let detail = format!("knowledge clinvar: {versions}");
        assert_eq!(details[row], Some(detail.as_str()));
        assert_eq!(notes[row], None);
        let owned = |text: &str| text.to_owned();
        rows.push((
            owned(patients[row]),
            key.expect("an allele"),
            owned(before[row]),
            owned(after[row]),
            alerts[row].map(owned),
        ));
    }
    rows
}

/// What was planted: alleles as in the tables, with the words of both releases.
fn planted(variants: &Table) -> BTreeMap<Key, (Allele, [Option<String>; 2])> {
    let normalised: BTreeMap<Allele, Key> = input_alleles(variants)
        .into_iter()
        .zip(keys(variants))
        .filter_map(|(allele, key)| Some((allele, key?)))
        .collect();
    let own = PLANTED.into_iter().map(|own| {
        let allele = Allele {
            contig: own.0.to_owned(),
            position: own.1,
            reference: own.2.to_owned(),
            alternate: own.3.to_owned(),
        };
        let words = [own.4, own.5].map(|word| word.map(str::to_lowercase));
        (normalised[&allele].clone(), (allele, words))
    });
    own.collect()
}

/// Changes of the patients who carry planted alleles, where a release or, with models, the findings
/// report them.
fn expected(
    planted: &BTreeMap<Key, (Allele, [Option<String>; 2])>,
    listed: &BTreeSet<(String, Key)>,
) -> BTreeSet<Row> {
    let vcf = Vcf::bundled();
    let place: BTreeMap<Allele, (usize, usize)> = vcf
        .alleles()
        .into_iter()
        .map(|(allele, record, index)| (allele, (record, index)))
        .collect();
    let mut rows = BTreeSet::new();
    for patient in patients(&vcf) {
        for (key, (allele, words)) in planted {
            let (record, index) = place[allele];
            let copies = carried(&vcf, &patient, allele, record, index);
            let is_carrier = copies.is_some_and(|(_, copies)| copies > 0);
            let is_reported = |word: &Option<String>| {
                word.as_ref()
                    .is_some_and(|word| word.contains("pathogenic"))
            };
            let reported = [0, 1].map(|run: usize| is_reported(&words[run]));
            let is_listed = listed.contains(&(patient.id.clone(), key.clone()));
            assert!(is_carrier || !is_listed, "{key:?}");
            if !is_carrier || (reported == [false, false] && !is_listed) {
                continue;
            }
            let alerts = match reported {
                [false, true] => Some("reclassified_up;new_pathogenic"),
                [true, false] => Some("reclassified_down"),
                _ => None,
            };
            let word = |run: usize| {
                let absent = || format!("not in clinvar of {}", ["A", "B"][run]);
                words[run].clone().unwrap_or_else(absent)
            };
            rows.insert((
                patient.id.clone(),
                key.clone(),
                word(0),
                word(1),
                alerts.map(str::to_owned),
            ));
        }
    }
    rows
}

/// `reclassifications.parquet` has what was planted, whoever carries it, and nothing else.
fn check_all_alleles(
    output: &Path,
    planted: &BTreeMap<Key, (Allele, [Option<String>; 2])>,
    swapped: bool,
) {
    let table = Table::read(output, "reclassifications");
    assert_eq!(table.len(), PLANTED.len());
    let (before, after) = (table.column("before"), table.column("after"));
    let found = keys(&table).into_iter().enumerate();
    let found: BTreeMap<Key, [Option<String>; 2]> = found
        .map(|(row, key)| {
            let words = [before[row], after[row]].map(|word| word.map(str::to_owned));
            (key.expect("an allele"), words)
        })
        .collect();
    let expected: BTreeMap<Key, [Option<String>; 2]> = planted
        .iter()
        .map(|(key, (_, [first, second]))| {
            let mut words = [first.clone(), second.clone()];
            if swapped {
                words.reverse();
            }
            (key.clone(), words)
        })
        .collect();
    assert_eq!(found, expected);
    for (source, causes) in table.texts("source").into_iter().zip(table.texts("causes")) {
        assert_eq!((source, causes), ("clinvar", "knowledge"));
    }
}

/// The columns are the published ones.
fn check_columns(output: &Path, name: &str) {
    let path = workspace().join("schemas/tables.json");
    let text = std::fs::read_to_string(path).expect("the schema");
    let published: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let tables = published["tables"].as_array().expect("tables");
    let own = tables.iter().find(|own| own["table"] == name);
    let columns = own.expect("a published table")["columns"].as_array();
    let columns = columns.expect("columns").iter();
    let names: Vec<&str> = columns.filter_map(|own| own["name"].as_str()).collect();
    assert_eq!(Table::read(output, name).names, names);
}

fn set(rows: Vec<Row>) -> BTreeSet<Row> {
    let count = rows.len();
    let set: BTreeSet<Row> = rows.into_iter().collect();
    assert_eq!(set.len(), count, "a change is there twice");
    set
}

#[test]
fn planted_changes_and_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundles = releases(folder.path());
    let at = |name: &str| folder.path().join(name);
    without_models(&at("a"), &bundles[0]).succeed();
    without_models(&at("b"), &bundles[1]).succeed();

    let done = compared(&diff(&at("a"), &at("b")), &at("changes"), 3);
    let planted = planted(&Table::read(&at("b"), "variants"));
    assert_eq!(planted.len(), PLANTED.len());
    let expected = expected(&planted, &BTreeSet::new());
    let table = Table::read(&at("changes"), "changes");
    let rows = reclassified(&table, "synthetic-1 -> synthetic-2");
    assert!(rows.is_sorted_by_key(|row| row.0.clone()));
    assert_eq!(set(rows), expected);
    // Of all planted alleles but the two that no patient is told of.
    let alleles: BTreeSet<&Key> = expected.iter().map(|row| &row.1).collect();
    assert_eq!(alleles.len(), PLANTED.len() - 2);
    check_all_alleles(&at("changes"), &planted, false);
    let count = |alerts: &str| {
        let fired = expected
            .iter()
            .filter(|row| row.4.as_deref() == Some(alerts));
        fired.count()
    };
    check_summary(&done, &at("changes"), &expected, count("reclassified_down"));
    check_page(&at("changes"), &expected);
    for name in ["changes", "reclassifications"] {
        check_columns(&at("changes"), name);
    }

    // The other way round each is undone.
    let done = compared(&diff(&at("b"), &at("a")), &at("mirrored"), 3);
    let rows = reclassified(
        &Table::read(&at("mirrored"), "changes"),
        "synthetic-2 -> synthetic-1",
    );
    let mirrored = rows
        .into_iter()
        .map(|(patient, key, before, after, alerts)| {
            let turn = |word: String, from: &str, to: &str| {
                word.replace(&format!("clinvar of {from}"), &format!("clinvar of {to}"))
            };
            let alerts = alerts.map(|own| match own.as_str() {
                "reclassified_down" => "reclassified_up;new_pathogenic".to_owned(),
                "reclassified_up;new_pathogenic" => "reclassified_down".to_owned(),
                _ => own,
            });
            (
                patient,
                key,
                turn(after, "B", "A"),
                turn(before, "A", "B"),
                alerts,
            )
        });
    assert_eq!(set(mirrored.collect()), expected);
    check_all_alleles(&at("mirrored"), &planted, true);
    assert!(
        done.stdout
            .contains("source clinvar (clinvar): synthetic-2 -> synthetic-1"),
        "{}",
        done.stdout
    );

    // With itself there is nothing.
    let done = compared(&diff(&at("b"), &at("b")), &at("same"), 0);
    for name in ["changes", "reclassifications"] {
        assert_eq!(Table::read(&at("same"), name).len(), 0, "{name}");
    }
    assert!(!done.stdout.contains("not comparable"), "{}", done.stdout);
    assert!(done.stdout.contains("do not differ"), "{}", done.stdout);
}

/// The counts on the screen and in `diff.json`.
fn check_summary(done: &Outcome, output: &Path, expected: &BTreeSet<Row>, down: usize) {
    let affected: BTreeSet<&str> = expected.iter().map(|row| row.0.as_str()).collect();
    for line in [
        "source clinvar (clinvar): synthetic-1 -> synthetic-2".to_owned(),
        format!(
            "patients: 48 in both runs, 0 in A only, 0 in B only; {} with a change",
            affected.len()
        ),
        format!(
            "reported alleles in another class (reclassified): {} of {} patients",
            expected.len(),
            affected.len()
        ),
        "clinvar: uncertain_significance -> pathogenic: 3 alleles, whoever carries them".to_owned(),
        "clinvar: not in clinvar -> pathogenic: 1 allele, whoever carries them".to_owned(),
        "clinvar: pathogenic -> not in clinvar: 1 allele, whoever carries them".to_owned(),
    ] {
        let lines: Vec<&str> = done.stdout.lines().collect();
        assert!(lines.contains(&line.as_str()), "{line}: {}", done.stdout);
    }
    let text = std::fs::read_to_string(output.join("diff.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        summary["causes"],
        serde_json::json!({"knowledge": expected.len()})
    );
    assert_eq!(summary["not_comparable"], serde_json::json!([]));
    let alerts = summary["alerts"].as_array().expect("alerts");
    let fired: Vec<_> = alerts
        .iter()
        .map(|own| (own["name"].as_str(), own["changes"].as_u64()))
        .collect();
    let up = expected
        .iter()
        .filter(|row| row.4.as_deref().is_some_and(|own| own.contains("_up")));
    let (up, down) = (Some(up.count() as u64), Some(down as u64));
    assert_eq!(
        fired,
        [
            (Some("reclassified_up"), up),
            (Some("reclassified_down"), down),
            (Some("new_pathogenic"), up)
        ]
    );
}

/// The page has a row for each change, and no other.
fn check_page(output: &Path, expected: &BTreeSet<Row>) {
    let page = std::fs::read_to_string(output.join("index.html")).expect("a page");
    assert!(page.contains("Research output, not a diagnosis"));
    // Thin spaces group the digits of positions.
    let page = page.replace('\u{2009}', "");
    let is_change = |line: &&str| line.contains("<th scope=\"row\">P0");
    let lines: Vec<&str> = page.lines().filter(is_change).collect();
    assert_eq!(lines.len(), expected.len());
    for (patient, (contig, position, ..), ..) in expected {
        let (patient, place) = (format!(">{patient}<"), format!(">{contig}:{position} "));
        let is_own = |line: &&&str| line.contains(&patient) && line.contains(&place);
        assert_eq!(lines.iter().filter(is_own).count(), 1, "{patient} {place}");
    }
}

/// With models the alleles that these list are told of too, whatever their class.
#[test]
fn alleles_among_the_findings() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundles = releases(folder.path());
    let at = |name: &str| folder.path().join(name);
    for (name, bundle) in ["a", "b"].into_iter().zip(&bundles) {
        annotated(&at(name), bundle).with("--top", "40").succeed();
    }
    compared(&diff(&at("a"), &at("b")), &at("changes"), 3);
    let planted = planted(&Table::read(&at("b"), "variants"));
    let findings = Table::read(&at("b"), "findings");
    let owners = findings.texts("patient").into_iter().map(str::to_owned);
    let listed: BTreeSet<(String, Key)> = owners
        .zip(keys(&findings))
        .filter_map(|(patient, key)| Some((patient, key?)))
        .collect();
    let own = expected(&planted, &listed);
    let table = Table::read(&at("changes"), "changes");
    assert_eq!(set(reclassified(&table, "synthetic-1 -> synthetic-2")), own);
    // More than without, or the findings were passed over.
    assert!(own.len() > expected(&planted, &BTreeSet::new()).len());
    check_all_alleles(&at("changes"), &planted, false);

    // With other covariates too: the risk comes last, though the patient is the first of all.
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    let sheet = sheet.replace("P001,S001,male,61,37.1,", "P001,S001,male,61,20.0,");
    annotated(&at("c"), &bundles[1])
        .with("--top", "40")
        .with("--samplesheet", write(folder.path(), "sheet.csv", sheet))
        .succeed();
    compared(&diff(&at("a"), &at("c")), &at("both"), 3);
    let table = Table::read(&at("both"), "changes");
    let [categories, owners, causes] =
        ["category", "patient", "causes"].map(|name| table.texts(name));
    let mut order = vec![("reclassified", "knowledge"); own.len()];
    order.push(("risk_changed", "input"));
    let found: Vec<(&str, &str)> = categories.into_iter().zip(causes).collect();
    assert_eq!(found, order);
    assert_eq!(owners.last(), Some(&"P001"));
    // Who is reported once, without being listed, may be another in the other file.
    let alleles = keys(&table).into_iter();
    let notes = table.column("note");
    let alerts = table.column("alerts");
    for (row, key) in alleles.enumerate().take(own.len()) {
        let own = (owners[row].to_owned(), key.expect("an allele"));
        let is_reported_once = alerts[row].is_some() && !listed.contains(&own);
        assert_eq!(notes[row].is_some(), is_reported_once, "{own:?}");
    }
    assert!(notes.iter().any(Option::is_some));
}
