use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;

use super::*;
use crate::PrivacyError;

const PEOPLE: [(&str, Option<&str>, Option<f64>); 7] = [
    ("p1", Some("female"), Some(41.0)),
    ("p2", Some("female"), Some(45.0)),
    ("p3", Some("female"), Some(49.9)),
    ("p4", Some("male"), Some(52.0)),
    ("p5", Some("male"), Some(58.0)),
    ("p6", None, Some(58.0)),
    ("p7", None, None),
];

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let columns = columns.into_iter().map(|(name, own)| (name, own, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn people(of: &[(&str, Option<&str>, Option<f64>)]) -> RecordBatch {
    batch(vec![
        (
            "patient",
            text(&of.iter().map(|own| Some(own.0)).collect::<Vec<_>>()),
        ),
        ("sex", text(&of.iter().map(|own| own.1).collect::<Vec<_>>())),
        (
            "age",
            Arc::new(Float64Array::from(
                of.iter().map(|own| own.2).collect::<Vec<_>>(),
            )),
        ),
    ])
}

fn risk() -> RecordBatch {
    batch(vec![
        (
            "patient",
            text(&[Some("p1"), Some("p4"), Some("p4"), Some("p7")]),
        ),
        ("item", text(&[Some("a"), Some("a"), Some("b"), Some("a")])),
        (
            "value",
            Arc::new(Float64Array::from(vec![0.123, 0.456, 0.5, 0.7])),
        ),
    ])
}

fn findings() -> RecordBatch {
    batch(vec![
        ("patient", text(&[Some("p1")])),
        ("contig", text(&[Some("1")])),
        ("dosage", Arc::new(UInt32Array::from(vec![1]))),
    ])
}

fn metrics() -> RecordBatch {
    batch(vec![
        ("metric", text(&[Some("auroc")])),
        ("position", text(&[Some("1")])),
    ])
}

fn tables() -> Vec<(&'static str, SchemaRef)> {
    vec![
        ("people", people(&PEOPLE).schema()),
        ("risk", risk().schema()),
        ("findings", findings().schema()),
        ("metrics", metrics().schema()),
    ]
}

fn planned(toml: &str) -> Result<Deidentifier, PrivacyError> {
    Deidentifier::try_new(&toml::from_str(toml).unwrap(), &tables())
}

const CLASSES: &str = r#"
    [k_anonymity]
    k = 2
    quasi_identifiers = ["people.sex", "people.age"]
    small_classes = "drop"
    [tables.people.columns]
    age = { kind = "bins", width = 10 }
"#;

fn names(schema: &Schema) -> Vec<&str> {
    schema
        .fields()
        .iter()
        .map(|own| own.name().as_str())
        .collect()
}

fn admitted(own: &Deidentifier, people: &[RecordBatch]) -> Result<Admission, PrivacyError> {
    let mut counter = own.class_counter().unwrap();
    for batch in people {
        counter.observe("people", batch).unwrap();
    }
    counter.finish()
}

#[test]
fn tables_and_columns_are_left_out_and_made_coarser() {
    let own = planned(
        r#"
        [tables."*"]
        drop_columns = ["item"]
        [tables."*".columns]
        value = { kind = "round", significant_digits = 1 }
        [tables.people]
        drop_columns = ["sex"]
        [tables.people.columns]
        age = { kind = "bins", width = 10, top = 50 }
        [tables.metrics]
        drop = true
        "#,
    )
    .unwrap();
    assert_eq!(own.dropped_tables(), ["findings", "metrics"]);
    assert!(own.table("metrics").is_none() && own.table("absent").is_none());
    let everybody = own.class_counter().unwrap().finish().unwrap();
    assert!(everybody.report().is_none());
    let plan = own.table("people").unwrap();
    assert_eq!(plan.dropped_columns(), ["sex"]);
    let coarse = plan.apply(&people(&PEOPLE), &everybody).unwrap();
    assert_eq!(coarse.schema(), *plan.schema());
    assert_eq!(names(plan.schema()), ["patient", "age"]);
    let ages: Vec<_> = coarse.column(1).as_string::<i32>().iter().collect();
    assert_eq!(
        ages[..4],
        [
            Some("40 to <50"),
            Some("40 to <50"),
            Some("40 to <50"),
            Some("50+")
        ]
    );
    assert_eq!(ages[6], None);
    let plan = own.table("risk").unwrap();
    let coarse = plan.apply(&risk(), &everybody).unwrap();
    assert_eq!(names(plan.schema()), ["patient", "value"]);
    let expected: ArrayRef = Arc::new(Float64Array::from(vec![0.1, 0.5, 0.5, 0.7]));
    assert_eq!(coarse.column(1), &expected);
    assert!(matches!(
        plan.apply(&metrics(), &everybody),
        Err(PrivacyError::Batch { .. })
    ));
}

#[test]
fn genotypes_stay_only_where_they_are_asked_for() {
    let own = planned("").unwrap();
    assert_eq!(own.dropped_tables(), ["findings"]);
    // A table without patients has no genotypes of theirs.
    assert_eq!(
        names(own.table("metrics").unwrap().schema()),
        ["metric", "position"]
    );
    let own = planned("keep_genotypes = true").unwrap();
    assert!(own.dropped_tables().is_empty());
    assert_eq!(
        names(own.table("findings").unwrap().schema()),
        ["patient", "contig", "dosage"]
    );
    let all = [
        "patient",
        "genotype",
        "dosage",
        "position",
        "ref",
        "alt",
        "id",
        "input_ref",
        "input_position",
        "variant_key",
        "score",
    ];
    let schema = Arc::new(Schema::new(
        all.map(|name| Field::new(name, DataType::Utf8, true))
            .to_vec(),
    ));
    let own = Deidentifier::try_new(&Config::default(), &[("calls", schema)]).unwrap();
    let plan = own.table("calls").unwrap();
    assert_eq!(names(plan.schema()), ["patient", "score"]);
    assert_eq!(plan.dropped_columns(), &all[1..10]);
}

#[test]
fn no_published_table_shows_genotypes() {
    let published: serde_json::Value =
        serde_json::from_str(include_str!("../../../../schemas/tables.json")).unwrap();
    let published = published["tables"]
        .as_array()
        .or(published.as_array())
        .unwrap();
    let mut tables = Vec::new();
    for table in published {
        let columns = table["columns"].as_array().unwrap().iter();
        let fields =
            columns.map(|own| Field::new(own["name"].as_str().unwrap(), DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        tables.push((table["table"].as_str().unwrap(), schema));
    }
    let own = Deidentifier::try_new(&Config::default(), &tables).unwrap();
    for table in [
        "variants",
        "findings",
        "evidence",
        "haplotype_consequences",
        "quarantine",
    ] {
        assert!(
            own.dropped_tables().iter().any(|own| own == table),
            "{table}"
        );
    }
    for table in ["risk", "qc", "features", "scores", "ancestry"] {
        let plan = own.table(table).unwrap();
        assert!(plan.dropped_columns().is_empty(), "{table}");
    }
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    for (toml, told) in [
        (
            "[tables.riks]\ndrop = true",
            "table 'riks', which is not there; there are: people, risk, findings, metrics",
        ),
        (
            "[tables.people]\ndrop_columns = ['ages']",
            "column 'ages' of table 'people', which is not there; there are: patient, sex, age",
        ),
        (
            "[tables.people.columns]\nages = { kind = 'date', to = 'year' }",
            "column 'ages'",
        ),
        (
            "[tables.'*']\ndrop_columns = ['ages']",
            "column 'ages' of table '*'",
        ),
        (
            "[tables.people.columns]\nsex = { kind = 'bins', width = 1 }",
            "'sex' of table 'people' is of type Utf8 and 'bins' takes whole numbers",
        ),
        (
            "[tables.people.columns]\nage = { kind = 'prefix', length = 1 }",
            "'prefix' takes text",
        ),
        (
            "[tables.findings.columns]\ndosage = { kind = 'bins', width = 1 }",
            "keep_genotypes = true",
        ),
        (
            "[tables.'*']\ndrop_columns = ['sex']\n[tables.people.columns]\nsex = { kind = 'prefix', length = 1 }",
            "'tables.people.columns.sex'",
        ),
        (
            "[tables.metrics]\ndrop_columns = ['metric', 'position']",
            "leaves no column",
        ),
        (
            "[k_anonymity]\nk = 2\nquasi_identifiers = ['person.sex']",
            "table 'person'",
        ),
        (
            "[k_anonymity]\nk = 2\nquasi_identifiers = ['people.gender']",
            "column 'gender'",
        ),
        (
            "[k_anonymity]\nk = 2\nquasi_identifiers = ['people.sex']\n[tables.people]\ndrop_columns = ['sex']",
            "left out of the output",
        ),
        (
            "[k_anonymity]\nk = 2\nquasi_identifiers = ['people.sex']\n[tables.people]\ndrop = true",
            "left out of the output",
        ),
        (
            "[k_anonymity]\nk = 2\nquasi_identifiers = ['findings.dosage']",
            "left out of the output",
        ),
        (
            "[k_anonymity]\nk = 2\nquasi_identifiers = ['metrics.metric']",
            "without a column 'patient'",
        ),
    ] {
        let error = planned(toml).unwrap_err().to_string();
        assert!(error.contains(told), "{toml}: {error}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let rule = |text: &str| format!("[tables.people.columns]\nage = {{ {text} }}");
    for (toml, told) in [
        (rule("kind = 'bins', width = 0"), "width"),
        (rule("kind = 'bins', width = nan"), "width"),
        (rule("kind = 'bins', width = 10, origin = inf"), "finite"),
        (rule("kind = 'bins', width = 10, top = 95"), "within an interval"),
        (rule("kind = 'bins', width = 10, bottom = 90, top = 90"), "bottom below its top"),
        (rule("kind = 'cuts', at = []"), "ascending"),
        (rule("kind = 'cuts', at = [1, 1]"), "ascending"),
        (rule("kind = 'cuts', at = [nan]"), "finite"),
        (rule("kind = 'limits'"), "a bottom or a top"),
        (rule("kind = 'limits', top = nan"), "finite"),
        (rule("kind = 'round', significant_digits = 0"), "1 to 15"),
        (rule("kind = 'round', significant_digits = 16"), "1 to 15"),
        (rule("kind = 'prefix', length = 0"), "at least 1"),
        (rule("kind = 'map', values = {}"), "values"),
        ("[tables.people.columns]\npatient = { kind = 'prefix', length = 1 }".into(), "pseudonyms"),
        ("[tables.people]\ndrop_columns = ['age']\n[tables.people.columns]\nage = { kind = 'date', to = 'year' }".into(), "dropped as well"),
        ("[tables.people]\ndrop = true\ndrop_columns = ['age']".into(), "is dropped and has rules"),
        ("[tables.'*']\ndrop = true".into(), "drops every table"),
        ("[k_anonymity]\nk = 1\nquasi_identifiers = ['people.sex']".into(), "at least 2"),
        ("[k_anonymity]\nk = 2\nquasi_identifiers = []".into(), "is empty"),
        ("[k_anonymity]\nk = 2\nquasi_identifiers = ['sex']".into(), "TABLE.COLUMN"),
        ("[k_anonymity]\nk = 2\nquasi_identifiers = ['people.']".into(), "TABLE.COLUMN"),
        ("[k_anonymity]\nk = 2\nquasi_identifiers = ['people.patient']".into(), "identifier itself"),
        ("[k_anonymity]\nk = 2\nquasi_identifiers = ['people.sex', 'people.sex']".into(), "stands twice"),
    ] {
        let error = planned(&toml).unwrap_err().to_string();
        assert!(error.contains(told), "{toml}: {error}");
    }
}

#[test]
fn files_are_read_and_their_mistakes_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deidentify.toml");
    std::fs::write(&path, CLASSES).unwrap();
    assert_eq!(
        Config::read(&path).unwrap(),
        toml::from_str(CLASSES).unwrap()
    );
    for (content, told) in [
        ("x = 1", "unknown field `x`"),
        ("[tables", "line 1"),
        (
            "[k_anonymity]\nk = 1\nquasi_identifiers = ['a.b']",
            "at least 2",
        ),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = Config::read(&path).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    assert!(matches!(
        Config::read(&folder.path().join("absent")),
        Err(PrivacyError::Io { .. })
    ));
}

#[test]
fn small_classes_are_counted_and_left_out_of_every_table() {
    let own = planned(CLASSES).unwrap();
    let all = people(&PEOPLE);
    let admission = admitted(&own, &[all.slice(0, 4), all.slice(4, 3)]).unwrap();
    // Three women in their forties, two men in their fifties, and two alone: missing is a value.
    let report = admission.report().unwrap();
    assert_eq!(report.sizes, BTreeMap::from([(1, 2), (2, 1), (3, 1)]));
    assert_eq!(
        (report.patients, report.smallest, report.in_small_classes),
        (7, Some(1), 2)
    );
    let left = own
        .table("people")
        .unwrap()
        .apply(&all, &admission)
        .unwrap();
    let left: Vec<_> = left
        .column(0)
        .as_string::<i32>()
        .iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    assert_eq!(left, ["p1", "p2", "p3", "p4", "p5"]);
    let left = own
        .table("risk")
        .unwrap()
        .apply(&risk(), &admission)
        .unwrap();
    assert_eq!(left.num_rows(), 3);
    assert_eq!(left.column(0).as_string::<i32>().value(2), "p4");
}

#[test]
fn small_classes_are_refused_without_a_value() {
    let own = planned(&CLASSES.replace("drop", "refuse")).unwrap();
    let mut counter = own.class_counter().unwrap();
    assert_eq!(counter.tables().collect::<Vec<_>>(), ["people"]);
    counter.observe("people", &people(&PEOPLE)).unwrap();
    assert_eq!(counter.report().unwrap().in_small_classes, 2);
    let error = counter.finish().unwrap_err();
    assert!(matches!(
        error,
        PrivacyError::SmallClasses {
            patients: 2,
            all: 7,
            k: 2,
            smallest: 1
        }
    ));
    let shown = format!("{error} {error:?}");
    for value in ["female", "p7", "58"] {
        assert!(!shown.contains(value), "{shown}");
    }
    let five = admitted(&own, &[people(&PEOPLE[..5])]).unwrap();
    assert_eq!(five.report().unwrap().in_small_classes, 0);
}

#[test]
fn classes_are_over_several_tables() {
    let toml = "[k_anonymity]\nk = 2\nquasi_identifiers = ['people.sex', 'places.town']\nsmall_classes = 'drop'";
    let places = |of: &[(&str, &str)]| {
        batch(vec![
            (
                "patient",
                text(&of.iter().map(|own| Some(own.0)).collect::<Vec<_>>()),
            ),
            (
                "town",
                text(&of.iter().map(|own| Some(own.1)).collect::<Vec<_>>()),
            ),
        ])
    };
    let towns = places(&[
        ("p3", "x"),
        ("p2", "y"),
        ("p1", "x"),
        ("p4", "x"),
        ("p9", "x"),
    ]);
    let mut tables = tables();
    tables.push(("places", towns.schema()));
    let own = Deidentifier::try_new(&toml::from_str(toml).unwrap(), &tables).unwrap();
    let mut counter = own.class_counter().unwrap();
    counter.observe("places", &towns).unwrap();
    counter.observe("risk", &risk()).unwrap();
    counter.observe("people", &people(&PEOPLE)).unwrap();
    // p1 and p3 are alike; p6 and p7 are, both without town and sex; p9 is in one table alone.
    let admission = counter.finish().unwrap();
    let report = admission.report().unwrap();
    assert_eq!((report.patients, report.in_small_classes), (8, 4));
    assert_eq!(report.sizes, BTreeMap::from([(1, 4), (2, 2)]));
}

#[test]
fn nobody_slips_through() {
    let own = planned(CLASSES).unwrap();
    let admission = admitted(&own, &[people(&PEOPLE[..5])]).unwrap();
    let plan = own.table("risk").unwrap();
    assert!(matches!(
        plan.apply(&risk(), &admission),
        Err(PrivacyError::UnclassifiedPatient { .. })
    ));
    let nameless = batch(vec![
        ("patient", text(&[None])),
        ("item", text(&[None])),
        ("value", Arc::new(Float64Array::from(vec![0.1]))),
    ]);
    assert!(matches!(
        plan.apply(&nameless, &admission),
        Err(PrivacyError::NoPatient { .. })
    ));
    assert!(matches!(
        admitted(&own, &[]),
        Err(PrivacyError::Unobserved { .. })
    ));
    for few in [0, 1] {
        let none = admitted(&own, &[people(&PEOPLE[..few])]);
        assert!(matches!(none, Err(PrivacyError::NobodyLeft { k: 2 })));
    }
    let mut counter = own.class_counter().unwrap();
    counter.observe("people", &people(&PEOPLE[..2])).unwrap();
    let error = counter
        .observe("people", &people(&PEOPLE[1..2]))
        .unwrap_err();
    assert!(matches!(error, PrivacyError::RepeatedPatient { .. }));
    assert!(!error.to_string().contains("p2"));
    let mut counter = own.class_counter().unwrap();
    assert!(matches!(
        counter.observe("people", &risk()),
        Err(PrivacyError::Batch { .. })
    ));
}

#[test]
fn patients_must_be_text_and_batches_without_rows_are_fine() {
    let numbers = batch(vec![("patient", Arc::new(UInt32Array::from(vec![1])))]);
    let refused = Deidentifier::try_new(&Config::default(), &[("x", numbers.schema())]);
    assert!(matches!(refused, Err(PrivacyError::ColumnType { .. })));
    let own = planned(CLASSES).unwrap();
    let all = people(&PEOPLE);
    let admission = admitted(&own, std::slice::from_ref(&all)).unwrap();
    let empty = own
        .table("people")
        .unwrap()
        .apply(&all.slice(0, 0), &admission)
        .unwrap();
    assert_eq!(empty.num_rows(), 0);
}

proptest! {
    /// Whatever the values, who is left has at least k - 1 others who look the same.
    #[test]
    fn who_is_left_is_never_alone(
        values in prop::collection::vec((0..3_usize, prop::option::of(0..100_u8)), 1..60),
        k in 2..6_u32,
    ) {
        let sexes = [None, Some("female"), Some("male")];
        let names: Vec<String> = (0..values.len()).map(|own| format!("p{own}")).collect();
        let of: Vec<_> = names
            .iter()
            .zip(&values)
            .map(|(name, (sex, age))| (name.as_str(), sexes[*sex], age.map(f64::from)))
            .collect();
        let own = planned(&CLASSES.replace("k = 2", &format!("k = {k}"))).unwrap();
        let all = people(&of);
        match admitted(&own, std::slice::from_ref(&all)) {
            Err(error) => {
                let nobody = matches!(error, PrivacyError::NobodyLeft { .. });
                prop_assert!(nobody, "{}", error);
            }
            Ok(admission) => {
                let left = own.table("people").unwrap().apply(&all, &admission).unwrap();
                let value = |at: usize, row: usize| {
                    let column = left.column(at).as_string::<i32>();
                    column.is_valid(row).then(|| column.value(row).to_owned())
                };
                let mut classes: BTreeMap<_, u32> = BTreeMap::new();
                for row in 0..left.num_rows() {
                    *classes.entry((value(1, row), value(2, row))).or_default() += 1;
                }
                prop_assert!(classes.values().all(|&size| size >= k));
                let report = admission.report().unwrap();
                prop_assert_eq!(report.patients - report.in_small_classes, left.num_rows());
            }
        }
    }
}
