//! `varisk demo`: the main job on the bundled synthetic cohort.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use varisk_report::OutputFolder;

use crate::arguments::{AnnotationArguments, DemoArguments, RunArguments};
use crate::exit::Refusal;
use crate::finish::NOTICE;
use crate::knowledge_command::build;
use crate::log::Log;
use crate::plan::Purpose;
use crate::print::print;
use crate::run::execute;
use crate::settings::Settings;

/// Patients in the closing table.
const SHOWN: usize = 10;

pub(crate) fn command(arguments: &DemoArguments, log: &Log) -> anyhow::Result<()> {
    let data = &arguments.data;
    if !data.join("genome.fa").is_file() {
        return Err(Refusal::NoInput(format!("{} does not hold the demo's data; run in the source folder, or name its testdata with --data", data.display())).into());
    }
    let knowledge = beside(&arguments.output);
    OutputFolder::check(&arguments.output, false)?;
    // That of a demo that came no farther serves again.
    if knowledge.symlink_metadata().is_err() {
        build(
            &data.join("knowledge/knowledge.toml"),
            &data.join("genome.fa"),
            &knowledge,
            log,
        )?;
    }
    let run = RunArguments {
        vcf: Some(data.join("cohort.vcf.gz")),
        samplesheet: Some(data.join("samplesheet.csv")),
        reference: Some(data.join("genome.fa")),
        par: Some(data.join("par.bed")),
        build: Some("other".to_owned()),
        models: vec![
            data.join("models/variant-kmer"),
            data.join("models/patient-risk"),
        ],
        output: Some(arguments.output.clone()),
        onnxruntime: arguments.onnxruntime.clone(),
        annotation: AnnotationArguments {
            knowledge: Some(knowledge.clone()),
            ..AnnotationArguments::default()
        },
        ..RunArguments::default()
    };
    let done = execute(&Settings::resolve(&run)?, Purpose::Run, log)?;
    let mut text = format!("varisk demo: {done}\n\n");
    text += &highest(&arguments.output)?;
    text += &known(&arguments.output)?;
    text += &format!("\nKnowledge bundle: {}\nTables:\n", knowledge.display());
    let mut files: Vec<_> = std::fs::read_dir(&arguments.output)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for path in files {
        text += &format!("  {}\n", path.display());
    }
    print(text + &format!("\nSynthetic patients. {NOTICE}\n"))
}

/// The folder of the demo's bundle.
fn beside(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".knowledge");
    PathBuf::from(name)
}

/// Reported alleles that the bundle's ClinVar-like source calls pathogenic.
fn known(output: &Path) -> anyhow::Result<String> {
    let file = std::fs::File::open(output.join("findings.parquet"))?;
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        let batch = batch?;
        let columns = [
            "clinvar.significance",
            "patient",
            "consequence.gene",
            "consequence.hgvsp",
            "consequence.term",
        ]
        .map(|name| {
            batch
                .column_by_name(name)
                .map(|column| column.as_string::<i32>().clone())
        });
        let text = |at: usize, row: usize| {
            let column = columns[at].as_ref()?;
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        for row in
            (0..batch.num_rows()).filter(|row| text(0, *row).as_deref() == Some("pathogenic"))
        {
            rows.push([1, 2, 3, 4].map(|at| text(at, row).unwrap_or_else(|| "-".to_owned())));
        }
    }
    let mut text = format!(
        "\nPathogenic alleles found ({}):\n  {:<10} {:<8} {:<28} {}\n",
        rows.len(),
        "patient",
        "gene",
        "protein",
        "consequence"
    );
    for [patient, gene, protein, term] in rows.iter().take(SHOWN) {
        text += &format!("  {patient:<10} {gene:<8} {protein:<28} {term}\n");
    }
    Ok(text)
}

/// Patients at highest risk, from the table that was just written.
fn highest(output: &Path) -> anyhow::Result<String> {
    let file = std::fs::File::open(output.join("risk.parquet"))?;
    let mut rows: Vec<(String, String, f64, Option<f64>)> = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        let batch = batch?;
        let text = |name: &str| {
            batch
                .column_by_name(name)
                .map(|column| column.as_string::<i32>().clone())
        };
        let number = |name: &str| {
            batch
                .column_by_name(name)
                .map(|column| column.as_primitive::<Float64Type>().clone())
        };
        let (Some(patients), Some(items), Some(values), Some(coverage)) = (
            text("patient"),
            text("item"),
            number("value"),
            number("coverage"),
        ) else {
            continue;
        };
        for row in (0..batch.num_rows()).filter(|row| values.is_valid(*row)) {
            let share = coverage.is_valid(row).then(|| coverage.value(row));
            rows.push((
                patients.value(row).to_owned(),
                items.value(row).to_owned(),
                values.value(row),
                share,
            ));
        }
    }
    rows.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    let mut text = format!(
        "Patients at highest risk:\n  {:<10} {:<28} {:>8} {:>10}\n",
        "patient", "item", "risk", "coverage"
    );
    for (patient, item, value, share) in rows.iter().take(SHOWN) {
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        text += &format!("  {patient:<10} {item:<28} {value:>8.3} {share:>10}\n");
    }
    Ok(text)
}
