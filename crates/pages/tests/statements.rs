//! What pages state is true of what the run says, and no more than that.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use varisk_dossier::RunFolder;
use varisk_dossier::testing::{TestRun, Values};
use varisk_pages::{PageWriter, patient_folder};
use varisk_report::{Table, TableFolder};

/// The page of the cohort and that of its one patient.
fn pages(run: &tempfile::TempDir) -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::open(run.path()).unwrap();
    let own = folder.path().join(patient_folder(1));
    std::fs::create_dir_all(&own).unwrap();
    let mut pages = PageWriter::new(&run, folder.path(), "2026-01-01").unwrap();
    for dossier in run.dossiers().unwrap() {
        pages.observe(dossier.unwrap(), true).unwrap();
    }
    pages.finish().unwrap();
    let paths = [folder.path().join("index.html"), own.join("index.html")];
    paths.map(|path| std::fs::read_to_string(path).unwrap())
}

/// Called alleles of a hundred, and known alleles that could not be checked.
struct Data {
    called: f64,
    uncalled: Option<f64>,
    classes: Vec<&'static str>,
    /// Position, source, class and stars of known alleles.
    known: Vec<(f64, &'static str, &'static str, f64)>,
}

impl Data {
    fn pages(&self) -> [String; 2] {
        let folder = tempfile::tempdir().unwrap();
        let tables = TableFolder::plain(folder.path());
        let mut run = TestRun::default();
        run.source("clinvar", "clinvar", "2026-01")
            .source("local", "clinvar", "7");
        run.record().parameters = serde_json::json!({"report_classes": self.classes});
        let quality = [
            ("patient", Values::texts(["A"])),
            ("alleles", Values::numbers([100.0])),
            ("called", Values::numbers([self.called])),
            ("not_assayed", Values::numbers([100.0 - self.called])),
            ("call_rate", Values::numbers([1.0])),
            (
                "known_variants_uncalled",
                Values::Numbers(vec![self.uncalled]),
            ),
        ];
        run.table(&tables, Table::QC, &quality).unwrap();
        let rows = self.known.len();
        let known = &self.known;
        let stars = |source: &str| {
            let own = known
                .iter()
                .map(|row| if row.1 == source { row.3 } else { 4.0 });
            Values::numbers(own)
        };
        let known = [
            ("patient", Values::texts(vec!["A"; rows])),
            ("position", Values::numbers(known.iter().map(|row| row.0))),
            ("source", Values::texts(known.iter().map(|row| row.1))),
            ("significance", Values::texts(known.iter().map(|row| row.2))),
            ("clinvar.stars", stars("clinvar")),
            ("local.stars", stars("local")),
        ];
        run.table(&tables, Table::KNOWN_VARIANTS, &known).unwrap();
        run.finish(folder.path()).unwrap();
        pages(&folder)
    }
}

const USUAL: [&str; 2] = ["pathogenic", "likely_pathogenic"];

#[test]
fn what_was_not_assayed_is_not_called() {
    let data = Data {
        called: 50.0,
        uncalled: Some(0.0),
        classes: USUAL.to_vec(),
        known: Vec::new(),
    };
    let [_, patient] = data.pages();
    assert!(patient.contains("50.0\u{a0}% called"), "the card");
    assert!(
        patient.contains("Only 50.0\u{a0}% of the alleles"),
        "the caution"
    );
    assert!(!patient.contains("every risk item has a value"));
}

#[test]
fn none_is_said_where_all_could_be_checked() {
    let page = |uncalled: Option<f64>| {
        let data = Data {
            called: 100.0,
            uncalled,
            classes: USUAL.to_vec(),
            known: Vec::new(),
        };
        data.pages()
    };
    let good = "<li class=\"card good\"><span class=\"label\">Known pathogenic variants";
    let of_cohort = "<li class=\"card good\"><span class=\"label\">Known pathogenic variants</span><a class=\"headline\" href=\"#list\">0 of 1";
    let [cohort, patient] = page(Some(0.0));
    assert!(
        patient.contains(good) && cohort.contains(of_cohort),
        "{cohort}"
    );
    for uncalled in [Some(3.0), None] {
        let [cohort, patient] = page(uncalled);
        assert!(!patient.contains(good), "{uncalled:?}");
        assert!(!cohort.contains(of_cohort), "{uncalled:?}");
    }
    assert!(page(Some(3.0))[1].contains("3\u{a0}such alleles of the data could not be checked"));
}

#[test]
fn an_allele_of_two_sources_is_one_and_each_source_has_its_own_stars() {
    let data = Data {
        called: 100.0,
        uncalled: Some(0.0),
        classes: USUAL.to_vec(),
        known: vec![
            (5.0, "clinvar", "pathogenic", 1.0),
            (5.0, "local", "pathogenic", 3.0),
        ],
    };
    let [cohort, patient] = data.pages();
    assert!(
        patient.contains("1\u{a0}variant<"),
        "the card counts alleles"
    );
    assert!(patient.contains("1 star, clinvar") && patient.contains("3 stars, local"));
    assert!(!patient.contains("4 stars"));
    // Without gene models a carrier has no gene, and is found all the same.
    assert!(cohort.contains("\"genes\":[[0,\"no gene named\"]]"));
}

#[test]
fn classes_are_those_that_were_asked_for() {
    let page = |classes: &[&'static str]| {
        let data = Data {
            called: 100.0,
            uncalled: Some(0.0),
            classes: classes.to_vec(),
            known: Vec::new(),
        };
        let [_, patient] = data.pages();
        patient
    };
    assert!(page(&USUAL).contains("pathogenic or likely pathogenic"));
    let one = page(&["pathogenic", "pathogenic_low_penetrance"]);
    assert!(one.contains("Classes looked for: pathogenic, pathogenic low penetrance"));
    assert!(!one.contains("likely pathogenic"));
    let other = page(&["uncertain_significance"]);
    assert!(other.contains("Known variants of the classes asked for"));
    assert!(!other.contains("Known pathogenic variants"));
}
