//! Run folders made by hand.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use varisk_comparison::{Change, Comparison, ComparisonError, Settings, compare};
use varisk_dossier::RunFolder;
use varisk_report::{Table, TableFolder, write_table};

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    Null,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::from)
    }
}

impl From<Option<f64>> for Cell {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

pub(crate) type Row = Vec<Cell>;

/// What a run has; a table that is none is not written.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) record: Value,
    /// patient, item, kind, state, reason, value, percentile, model, model_version, model_sha256
    pub(crate) risk: Option<Vec<Row>>,
    /// patient, contig, position, ref, alt, genotype, source, significance, gene
    pub(crate) known: Option<Vec<Row>>,
    /// patient, model, output, rank, contig, position, ref, alt, genotype, score, class, term
    pub(crate) findings: Option<Vec<Row>>,
    /// contig, position, ref, alt, class, score, gene
    pub(crate) variants: Option<Vec<Row>>,
    /// patient, feature, value
    pub(crate) features: Option<Vec<Row>>,
    pub(crate) patients: Vec<&'static str>,
    /// Name of the source of classes.
    pub(crate) source: &'static str,
}

/// A row of cells.
#[macro_export]
macro_rules! row {
    ($($cell:expr),* $(,)?) => { vec![$($crate::folders::Cell::from($cell)),*] };
}

pub(crate) const RISK: [&str; 10] = [
    "patient",
    "item",
    "kind",
    "state",
    "reason",
    "value",
    "percentile",
    "model",
    "model_version",
    "model_sha256",
];

fn source(name: &str, kind: &str, release: &str) -> Value {
    json!({"name": name, "kind": kind, "release": release, "licence": "CC0", "sha256": format!("{name}-{release}")})
}

fn model(name: &str, kind: &str) -> Value {
    json!({
        "name": name, "version": "1", "kind": kind, "sha256": "m1", "manifest_sha256": "f1",
        "provider": "CPUExecutionProvider", "batch_size": 64,
    })
}

/// A run of three patients with something in every table.
pub(crate) fn run() -> Run {
    let record = json!({
        "schema_version": 1, "notice": "", "varisk": "1.0.0", "verb": "run",
        "genome_build": "GRCh38", "onnxruntime": null, "onnxruntime_version": "1.20",
        "inputs": [
            {"role": "variants", "path": "a.vcf", "sha256": "v1", "bytes": 9},
            {"role": "samplesheet", "path": "a.csv", "sha256": "s1", "bytes": 9},
            {"role": "reference", "path": "g.fa", "sha256": null, "bytes": 99},
            {"role": "reference_index", "path": "g.fa.fai", "sha256": "i1", "bytes": 9},
        ],
        "models": [model("kmer", "variant"), model("heart", "patient")],
        "knowledge": [
            source("clinvar", "clinvar", "2025-11"), source("gnomad", "vcf", "4.1"),
            source("genes", "gene_models", "110"), source("panel", "ancestry_panel", "1"),
        ],
        "parameters": {"top": 10, "min_coverage": 0.75}, "plan_sha256": "", "patients": 3,
        "counts": {"rows": 5}, "warnings": [], "timings": [], "wall_seconds": 1.0,
    });
    let mut risk = Vec::new();
    let mut findings = Vec::new();
    let mut features = Vec::new();
    for patient in ["P1", "P2", "P3"] {
        risk.push(row![
            patient,
            "heart.risk",
            "patient_model",
            "ok",
            None::<&str>,
            0.1,
            None::<f64>,
            "heart",
            "1",
            "m1"
        ]);
        risk.push(row![
            patient,
            "polygenic.S",
            "polygenic_score",
            "ok",
            None::<&str>,
            1.5,
            40.0,
            "S",
            "",
            "s1"
        ]);
        findings.push(row![
            patient,
            "kmer",
            "score",
            1.0,
            "chr1",
            100.0,
            "A",
            "C",
            "0/1",
            0.5,
            "uncertain_significance",
            "missense_variant"
        ]);
        features.push(row![patient, "burden.kmer.score.sum", 0.5]);
    }
    let known = vec![
        row![
            "P1",
            "chr2",
            50.0,
            "G",
            "T",
            "0/1",
            "clinvar",
            "pathogenic",
            "BRCA2"
        ],
        row![
            "P2",
            "chr2",
            70.0,
            "G",
            "GA",
            "1/1",
            "clinvar",
            "likely_pathogenic",
            "TP53"
        ],
    ];
    let variants = vec![
        row![
            "chr1",
            100.0,
            "A",
            "C",
            "uncertain_significance",
            0.5,
            "GENE1"
        ],
        row!["chr1", 200.0, "T", "C", "benign", 0.4, "GENE1"],
        row!["chr1", 300.0, "T", "TA", None::<&str>, 0.3, "GENE1"],
        row!["chr2", 50.0, "G", "T", "pathogenic", 0.2, "BRCA2"],
        row!["chr2", 70.0, "G", "GA", "likely_pathogenic", 0.1, "TP53"],
    ];
    Run {
        record,
        risk: Some(risk),
        known: Some(known),
        findings: Some(findings),
        variants: Some(variants),
        features: Some(features),
        patients: vec!["P1", "P2", "P3"],
        source: "clinvar",
    }
}

impl Run {
    /// Sets a value of run.json.
    pub(crate) fn set(&mut self, pointer: &str, value: Value) -> &mut Self {
        *self.record.pointer_mut(pointer).unwrap() = value;
        self
    }

    /// A newer release of ClinVar.
    pub(crate) fn newer_clinvar(&mut self) -> &mut Self {
        let name = self.source;
        self.set("/knowledge/0", source(name, "clinvar", "2026-11"))
    }

    /// Writes its folder.
    pub(crate) fn write(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let class = format!("{}.significance", self.source);
        if let Some(rows) = &self.risk {
            table(path, Table::RISK, &RISK, rows, &[]);
        }
        if let Some(rows) = &self.findings {
            let columns = [
                "patient",
                "model",
                "output",
                "rank",
                "contig",
                "position",
                "ref",
                "alt",
                "genotype",
                "score",
                &class,
                "consequence.term",
            ];
            table(path, Table::FINDINGS, &columns, rows, &columns[10..]);
        }
        if let Some(rows) = &self.features {
            table(
                path,
                Table::FEATURES,
                &["patient", "feature", "value"],
                rows,
                &[],
            );
        }
        if let Some(rows) = &self.variants {
            let columns = [
                "contig",
                "position",
                "ref",
                "alt",
                &class,
                "score.kmer.score",
                "consequence.gene",
            ];
            table(path, Table::VARIANTS, &columns, rows, &columns[4..]);
        }
        if let Some(rows) = &self.known {
            let columns = [
                "patient",
                "contig",
                "position",
                "ref",
                "alt",
                "genotype",
                "source",
                "significance",
                "consequence.gene",
            ];
            table(path, Table::KNOWN_VARIANTS, &columns, rows, &columns[8..]);
        }
        let quality: Vec<Row> = self.patients.iter().map(|own| row![*own]).collect();
        table(path, Table::QC, &["patient"], &quality, &[]);
        let mut record = self.record.clone();
        record["patients"] = self.patients.len().into();
        let mut tables = serde_json::Map::new();
        for entry in std::fs::read_dir(path).unwrap() {
            let file = entry.unwrap().path();
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let hash = Sha256::digest(std::fs::read(&file).unwrap());
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            tables.insert(name, hash.into());
        }
        record["tables"] = tables.into();
        std::fs::write(path.join("run.json"), record.to_string()).unwrap();
        folder
    }
}

/// Writes a table: its own columns, those not given null or empty, and added ones behind them.
fn table(folder: &Path, table: Table, columns: &[&str], rows: &[Row], added: &[&str]) {
    let is_text = |place: usize| !rows.iter().any(|row| matches!(row[place], Cell::Number(_)));
    let given = |name: &str, kind: Option<&DataType>| -> Option<ArrayRef> {
        let place = columns.iter().position(|own| *own == name)?;
        let texts = kind.map_or_else(
            || is_text(place) && !name.starts_with("score."),
            |kind| kind == &DataType::Utf8,
        );
        Some(if texts {
            Arc::new(
                rows.iter()
                    .map(|row| match &row[place] {
                        Cell::Text(text) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect::<StringArray>(),
            )
        } else {
            let numbers: ArrayRef = Arc::new(
                rows.iter()
                    .map(|row| match row[place] {
                        Cell::Number(number) => Some(number),
                        _ => None,
                    })
                    .collect::<Float64Array>(),
            );
            kind.map_or_else(
                || Arc::clone(&numbers),
                |kind| cast(&numbers, kind).unwrap(),
            )
        })
    };
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for field in table.schema().fields() {
        let kind = field.data_type();
        let array = given(field.name(), Some(kind)).unwrap_or_else(|| {
            if field.is_nullable() {
                new_null_array(kind, rows.len())
            } else if kind == &DataType::Utf8 {
                Arc::new(StringArray::from(vec!["x"; rows.len()]))
            } else {
                let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0; rows.len()]));
                cast(&zeros, kind).unwrap()
            }
        });
        fields.push(Field::new(field.name(), kind.clone(), true));
        arrays.push(array);
    }
    for name in added {
        let array = given(name, None).unwrap();
        fields.push(Field::new(*name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    write_table(&TableFolder::plain(folder), table.name, batch).unwrap();
}

/// Compares two runs, with the table of changes read back beside the result.
pub(crate) fn compared(
    a: &Run,
    b: &Run,
    settings: &Settings,
) -> Result<(Comparison, RecordBatch), ComparisonError> {
    let (a, b) = (a.write(), b.write());
    let (a, b) = (
        RunFolder::open(a.path()).unwrap(),
        RunFolder::open(b.path()).unwrap(),
    );
    let output = tempfile::tempdir().unwrap();
    let comparison = compare(
        &a,
        &b,
        settings,
        &TableFolder::plain(output.path()),
        &|| false,
    )?;
    let table = read(&output.path().join("changes.parquet"));
    assert_eq!(
        table.schema().fields(),
        varisk_report::Table::CHANGES.schema().fields()
    );
    assert_eq!(
        table.num_rows() as u64,
        comparison.list.len() as u64 + comparison.list_left_out
    );
    Ok((comparison, table))
}

pub(crate) fn read(path: &Path) -> RecordBatch {
    let file = std::fs::File::open(path).unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// A column of texts.
pub(crate) fn texts(table: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = table.column_by_name(name).unwrap().as_string::<i32>();
    column
        .iter()
        .map(|value| value.map(str::to_owned))
        .collect()
}

/// A change in short: category, patient, what, before, after, kinds of causes, alerts.
pub(crate) fn short(change: &Change) -> String {
    use varisk_comparison::Subject;
    let subject = match &change.subject {
        Subject::Patient => "-".to_owned(),
        Subject::Item { item } => item.clone(),
        Subject::Allele {
            contig,
            position,
            reference,
            alternate,
            ..
        } => {
            format!("{contig}:{position}{reference}>{alternate}")
        }
    };
    let causes: Vec<String> = change
        .causes
        .iter()
        .map(|own| format!("{} {}", own.kind.name(), own.name))
        .collect();
    format!(
        "{} {} {subject} [{}] [{}] ({}) {{{}}}",
        change.category.name(),
        change.patient,
        change.before.as_deref().unwrap_or_default(),
        change.after.as_deref().unwrap_or_default(),
        causes.join(", "),
        change.alerts.join(", ")
    )
}

/// The changes of two runs in short.
pub(crate) fn changes(a: &Run, b: &Run) -> Vec<String> {
    let (comparison, _) = compared(a, b, &Settings::default()).unwrap();
    comparison.list.iter().map(short).collect()
}

/// Compares a run with a changed one.
pub(crate) fn check(change: impl FnOnce(&mut Run), expected: &[&str]) {
    let (a, mut b) = (run(), run());
    change(&mut b);
    assert_eq!(changes(&a, &b), expected);
}
