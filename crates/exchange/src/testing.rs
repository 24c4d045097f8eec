//! Dossiers and run folders for tests, with names that try to break out of every form.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use sha2::{Digest, Sha256};
use varisk_dossier::{
    Ancestry, AnnotationValue, Annotations, Burden, Dossier, Explanation, Feature, Finding,
    Quality, Risk, RiskCurve, RunFolder, Score, State,
};
use varisk_report::{RunRecord, Table, TableFolder, write_table};

/// Names of patients in the order of their bytes.
pub(crate) const NAMES: [&str; 6] = [
    "\"><script>alert(1)</script>",
    "=HYPERLINK(\"x\")",
    "A;B,C=D%E",
    "a\tb\nc",
    "a\u{202e}b",
    "患者 <&'é>",
];

pub(crate) fn record() -> RunRecord {
    serde_json::from_value(serde_json::json!({
        "schema_version": 1, "notice": "Research output, not a diagnosis.", "varisk": "9.9.9",
        "verb": "run", "genome_build": "GRCh38", "onnxruntime": null,
        "onnxruntime_version": null,
        "inputs": [
            {"role": "variants", "path": "/home/Jane Doe/cohort.vcf.gz", "sha256": "ab", "bytes": 1},
            {"role": "reference", "path": "/x.fa", "sha256": null, "bytes": 2},
        ],
        "models": [{
            "name": "toy", "version": "1.0", "kind": "variant", "sha256": "cd",
            "manifest_sha256": "ef", "provider": "CPUExecutionProvider", "batch_size": 8,
        }],
        "knowledge": [
            {"name": "clinvar", "kind": "clinvar", "release": "2026-11", "licence": "x", "sha256": "01"},
        ],
        "parameters": {}, "plan_sha256": "0123", "patients": 6, "counts": {},
        "warnings": ["a \"warning\"\u{7}"], "tables": {}, "timings": [], "wall_seconds": 1.0,
    }))
    .unwrap()
}

pub(crate) fn finding() -> Finding {
    let text = |name: &str, value: &str| -> (Arc<str>, AnnotationValue) {
        (name.into(), AnnotationValue::Text(value.to_owned()))
    };
    let number = |name: &str, value| -> (Arc<str>, AnnotationValue) {
        (name.into(), AnnotationValue::Number(value))
    };
    Finding {
        patient: "A".to_owned(),
        model: Some("toy".to_owned()),
        output: Some("out".to_owned()),
        rank: Some(1),
        source: None,
        significance: None,
        contig: "chr7".to_owned(),
        position: 140_753_336,
        reference: "A".to_owned(),
        alternate: "T".to_owned(),
        input_position: 140_753_336,
        input_reference: "A".to_owned(),
        input_alternate: "T".to_owned(),
        id: Some("rs113488022;x".to_owned()),
        filter: Some("PASS".to_owned()),
        genotype: "0/1".to_owned(),
        dosage: Some(1),
        origin: "record".to_owned(),
        depth: Some(40),
        reference_depth: Some(20),
        alternate_depth: Some(20),
        score: Some(f64::from(0.1_f32)),
        contribution: Some(0.1),
        annotations: Annotations::from_pairs(vec![
            text("consequence.term", "missense_variant"),
            text(
                "consequence.terms",
                "missense_variant&splice_region_variant",
            ),
            text("consequence.gene", "BRAF"),
            text("consequence.gene_id", "HGNC:1097"),
            text("consequence.transcript", "NM_004333.6"),
            text("consequence.hgvsc", "NM_004333.6:c.1799T>A"),
            text("consequence.hgvsp", "NP_004324.2:p.Val600Glu"),
            text("consequence.hgvsg", "chr7:g.140753336A>T"),
            text("clinvar.significance", "likely_pathogenic"),
            text("clinvar.variation_id", "13961"),
            text("clinvar.disease", "Melanoma"),
            text(
                "clinvar.review_status",
                "criteria_provided,_single_submitter",
            ),
            number("clinvar.stars", 1.0),
            number("gnomad.af", 0.000_01),
            (Arc::from("coding.inside"), AnnotationValue::Flag(true)),
        ]),
        releases: Some("clinvar=2026-11; gnomad=4.1".to_owned()),
    }
}

pub(crate) fn risk(item: &str, kind: &str, value: Option<f64>) -> Risk {
    Risk {
        patient: "A".to_owned(),
        item: item.to_owned(),
        kind: kind.to_owned(),
        value,
        lower: value.map(|_| 0.041),
        upper: value.map(|_| 0.066),
        state: if value.is_some() {
            State::Ok
        } else {
            State::NotComputed
        },
        reason: value.is_none().then(|| "covariate_missing".to_owned()),
        meaning: format!("meaning of {item}"),
        percentile: None,
        population: None,
        population_value: value.map(|value| value / 2.0),
        age_start: Some(50.0),
        age_end: Some(60.0),
        missing_factors: vec!["bmi".to_owned()],
        coverage: Some(0.9),
        assumed_reference: Some(0.0),
        contributions: Some("age +0.4".to_owned()),
        curve: value.map(|value| RiskCurve {
            ages: vec![50.0, 60.0],
            risk: vec![0.0, value],
            population: vec![0.0, value / 2.0],
        }),
        model: "m".to_owned(),
        model_version: "1".to_owned(),
        model_sha256: "99".to_owned(),
    }
}

fn score() -> Score {
    Score {
        patient: "A".to_owned(),
        score: "PGS1".to_owned(),
        state: State::Flagged,
        reason: Some("low_coverage".to_owned()),
        sum: Some(-1.5),
        alleles_total: 10,
        alleles_scorable: 9,
        alleles_called: 8,
        alleles_assumed: 0,
        alleles_missing: 1,
        coverage: Some(0.8),
        assumed_reference: Some(0.0),
        missing: Some(0.1),
        not_counted: Some(0.0),
        not_scorable: Some(0.1),
        panel_sum: Some(-1.4),
        population: Some("EUR".to_owned()),
        percentile: None,
        z_most_similar_population: None,
        z_norm1: None,
        z_norm2: None,
        adjustment_reason: Some("score_not_in_panel".to_owned()),
    }
}

/// A dossier with everything in it.
pub(crate) fn dossier(patient: &str) -> Dossier {
    let mut deletion = finding();
    deletion.position = 1_000;
    deletion.input_position = 1_001;
    deletion.reference = "ATT".to_owned();
    deletion.alternate = "A".to_owned();
    deletion.genotype = "./1".to_owned();
    deletion.filter = Some("q10;\"<&".to_owned());
    deletion.id = None;
    deletion.alternate_depth = None;
    deletion.annotations = Annotations::default();
    let mut known = finding();
    known.model = None;
    known.output = None;
    known.rank = None;
    known.score = None;
    known.contribution = None;
    known.source = Some("clinvar".to_owned());
    known.significance = Some("pathogenic/likely_pathogenic".to_owned());
    known.position = 5_000;
    Dossier {
        patient: patient.to_owned(),
        risks: vec![
            risk("absolute.m.10y", "absolute_risk", Some(0.05)),
            risk("absolute.m.5y", "absolute_risk", None),
            risk("m.risk", "patient_model", Some(-2.5)),
            risk("polygenic.PGS1", "polygenic_score", Some(-1.6)),
        ],
        scores: vec![score()],
        ancestry: Some(Ancestry {
            patient: patient.to_owned(),
            population: Some("EUR".to_owned()),
            probability: Some(0.7),
            state: State::Flagged,
            reason: Some("low_confidence_population".to_owned()),
            sites: 500,
            share_of_sites: 0.99,
            panel: "toy 1".to_owned(),
        }),
        findings: vec![finding(), deletion],
        known_variants: vec![known],
        quality: Some(Quality {
            patient: patient.to_owned(),
            recorded_sex: Some("female".to_owned()),
            inferred_sex: Some("male".to_owned()),
            sex_mismatch: true,
            alleles: 100,
            called: 98,
            partial: 1,
            missing: 1,
            not_assayed: 0,
            call_rate: Some(0.98),
            het_hom_ratio: None,
            ti_tv_ratio: Some(2.1),
            assumed_reference: 0,
            reads_mean_depth: Some(31.5),
            reads_concordance: Some(0.99),
            outside_training: vec!["m:age".to_owned()],
            known_variants_uncalled: Some(2),
        }),
        explanations: vec![Explanation {
            patient: patient.to_owned(),
            output: "m.risk".to_owned(),
            rank: 1,
            predictor: "age".to_owned(),
            value: Some("50".to_owned()),
            contribution: 0.4,
            base: 0.1,
            prediction: 0.5,
            scale: "log odds".to_owned(),
        }],
        burden: vec![Burden {
            patient: patient.to_owned(),
            gene: "BRAF".to_owned(),
            class: "missense".to_owned(),
            alleles: 1,
            copies: 1,
            uncalled: 0,
        }],
        features: vec![Feature {
            patient: patient.to_owned(),
            feature: "x.y".to_owned(),
            value: None,
            reason: Some("no_informative_calls".to_owned()),
        }],
    }
}

/// A table with the given columns; others are null, or empty where they may not be.
pub(crate) fn table(table: Table, rows: usize, given: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let schema = table.schema();
    for field in schema.fields() {
        let own = given.iter().find(|(name, _)| *name == field.name());
        columns.push(match own {
            Some((_, column)) => Arc::clone(column),
            None if field.is_nullable() => new_null_array(field.data_type(), rows),
            None if field.data_type() == &DataType::Utf8 => texts(&vec!["x"; rows]),
            None => {
                let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0; rows]));
                arrow::compute::cast(&zeros, field.data_type()).unwrap()
            }
        });
        fields.push(Arc::clone(field));
    }
    for (name, column) in given {
        if schema.column_with_name(name).is_none() {
            fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
            columns.push(column);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

pub(crate) fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Writes `run.json` for the tables of a folder.
pub(crate) fn finish(folder: &Path) -> RunFolder {
    let mut record = record();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let hash = Sha256::digest(std::fs::read(&path).unwrap());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        record.tables.insert(name, hash);
    }
    let json = serde_json::to_string(&record).unwrap();
    std::fs::write(folder.join("run.json"), json).unwrap();
    RunFolder::open(folder).unwrap()
}

/// A run of [`NAMES`].
pub(crate) fn run() -> (tempfile::TempDir, RunFolder) {
    let folder = tempfile::tempdir().unwrap();
    let rows = NAMES.len();
    let values: Vec<Option<f64>> = (0..rows).map(|row| (row > 0).then_some(-0.25)).collect();
    let mut states = vec!["ok"; rows];
    states[0] = "not_computed";
    let values: ArrayRef = Arc::new(Float64Array::from(values));
    let risk = table(
        Table::RISK,
        rows,
        vec![
            ("patient", texts(&NAMES)),
            ("state", texts(&states)),
            ("value", values),
        ],
    );
    write_table(&TableFolder::plain(folder.path()), "risk", risk).unwrap();
    let quality = table(Table::QC, rows, vec![("patient", texts(&NAMES))]);
    write_table(&TableFolder::plain(folder.path()), "qc", quality).unwrap();
    let run = finish(folder.path());
    (folder, run)
}

fn perhaps(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A list of structs with the fields `terms` and `hgvsp`: two lines for the first row, none after.
fn lines() -> ArrayRef {
    let fields = vec![
        Field::new("terms", DataType::Utf8, true),
        Field::new("hgvsp", DataType::Utf8, true),
    ];
    let parts = StructArray::new(
        fields.into(),
        vec![
            perhaps(&[Some("a|b"), Some("c")]),
            perhaps(&[Some("X:p.Ala1="), None]),
        ],
        None,
    );
    let item = Arc::new(Field::new("item", parts.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([2, 0]);
    Arc::new(ListArray::new(item, offsets, Arc::new(parts), None))
}

/// A run with a variants table of two rows: texts that VCF reserves, columns whose keys would be the
/// same, an integer of the given size.
pub(crate) fn variants_run(contigs: [&str; 2], long: i64) -> (tempfile::TempDir, RunFolder) {
    let folder = tempfile::tempdir().unwrap();
    let positions: ArrayRef = Arc::new(UInt32Array::from(vec![5, 7]));
    let keys: ArrayRef = Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]));
    let scores: ArrayRef = Arc::new(Float32Array::from(vec![Some(0.1), None]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false)]));
    let counts: ArrayRef = Arc::new(Int64Array::from(vec![Some(long), Some(3)]));
    let quality: ArrayRef = Arc::new(Float32Array::from(vec![Some(30.5), None]));
    let table = table(
        Table::VARIANTS,
        2,
        vec![
            ("contig", texts(&contigs)),
            ("position", positions),
            ("ref", texts(&["A", "C"])),
            ("alt", perhaps(&[Some("G"), None])),
            ("variant_key", keys),
            ("id", perhaps(&[Some("rs1;x y"), None])),
            ("qual", quality),
            ("filter", perhaps(&[Some("q10;a,b"), Some("PASS")])),
            ("reason", perhaps(&[None, Some("no_alternate_allele")])),
            ("s.text", perhaps(&[Some("a;b=c,d%e f\n"), Some("")])),
            ("s.flag", flags),
            ("s.count", counts),
            ("consequence.all", lines()),
            ("score.m-1.out", Arc::clone(&scores)),
            ("score.m_1.out", scores),
        ],
    );
    write_table(&TableFolder::plain(folder.path()), "variants", table).unwrap();
    let run = finish(folder.path());
    (folder, run)
}
