//! `varisk demo`: the main job on the bundled synthetic cohort.

mod models;

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use varisk_report::OutputFolder;

use crate::ancestry_command::build as build_ancestry;
use crate::arguments::{
    AncestryBuildArguments, AnnotationArguments, DemoArguments, EncryptionArguments,
    ReportArguments, ReportFormat, RunArguments, ScoreArguments, ScoringFileArguments,
};
use crate::exit::Refusal;
use crate::finish::NOTICE;
use crate::knowledge_command::build;
use crate::log::Log;
use crate::plan::Purpose;
use crate::print::print;
use crate::reporting::report;
use crate::run::execute;
use crate::settings::Settings;

/// Where packages put the demo's data, beside the folder that has the program.
const INSTALLED: &str = "share/varisk/demo";
/// Patients in the closing table.
const SHOWN: usize = 10;

pub(crate) fn command(arguments: &DemoArguments, log: &Log) -> anyhow::Result<()> {
    let data = &data_folder(arguments.data.as_deref())?;
    let knowledge = beside(&arguments.output, ".knowledge");
    let panel = beside(&arguments.output, ".panel");
    let learned = beside(&arguments.output, ".models");
    OutputFolder::check(&arguments.output, false)?;
    OutputFolder::check(&report::beside(&arguments.output), false)?;
    // That of a demo that came no farther serves again.
    if knowledge.symlink_metadata().is_err() {
        build(
            &data.join("knowledge/knowledge.toml"),
            &data.join("genome.fa"),
            &knowledge,
            log,
        )?;
    }
    let scores = ScoringFileArguments {
        scores: vec![data.join("scores")],
        score_build: Some("other".to_owned()),
        ..ScoringFileArguments::default()
    };
    if panel.symlink_metadata().is_err() {
        build_panel(data, &panel, &scores, log)?;
    }
    let cohort = RunArguments {
        vcf: Some(data.join("cohort.vcf.gz")),
        samplesheet: Some(data.join("samplesheet.csv")),
        reference: Some(data.join("genome.fa")),
        par: Some(data.join("par.bed")),
        build: Some("other".to_owned()),
        onnxruntime: arguments.onnxruntime.clone(),
        ..RunArguments::default()
    };
    let models = models::learn(data, &learned, &cohort, log)?;
    let run = RunArguments {
        models: vec![models.variant, models.patient],
        explain: true,
        output: Some(arguments.output.clone()),
        annotation: AnnotationArguments {
            knowledge: Some(knowledge.clone()),
            ..AnnotationArguments::default()
        },
        scores: ScoreArguments {
            files: scores,
            ancestry: Some(panel.clone()),
            absolute_risk: vec![data.join("absolute-risk/model.toml")],
            ..ScoreArguments::default()
        },
        ..cohort
    };
    let done = execute(&Settings::resolve(&run)?, Purpose::Run, log)?;
    let pages = report::beside(&arguments.output);
    let report = ReportArguments {
        run: arguments.output.clone(),
        output: Some(pages.clone()),
        formats: vec![ReportFormat::Html],
        patients: "all".to_owned(),
        fhir_patient_system: None,
        encryption: EncryptionArguments::default(),
    };
    report::write(&report, &pages, log)?;
    let mut text = format!("varisk demo: {done}\n\n");
    text += &highest(
        &arguments.output,
        "patient_model",
        "Patients at highest risk (the model was learned from these patients)",
    )?;
    text += &highest(
        &arguments.output,
        "absolute_risk",
        "\nHighest absolute risks, with the polygenic score in them",
    )?;
    text += &known(&arguments.output)?;
    text += &format!(
        "\nKnowledge bundle: {}\nReference panel: {}\nModels, learned here: {}\nTables:\n",
        knowledge.display(),
        panel.display(),
        learned.display()
    );
    let mut files: Vec<_> = std::fs::read_dir(&arguments.output)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    for path in files {
        text += &format!("  {}\n", path.display());
    }
    text += &format!(
        "Report, for a browser: {}\n",
        pages.join("index.html").display()
    );
    print(text + &format!("\nSynthetic patients. {NOTICE}\n"))
}

/// The folder that was named, else `testdata` in the working folder, as in a clone, else what packages
/// install beside the program.
fn data_folder(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let places = match named {
        Some(folder) => vec![folder.to_owned()],
        None => {
            // Through links: the data belong to the program and not to a link to it.
            let program = std::env::current_exe().and_then(|exe| exe.canonicalize());
            let prefix = program
                .as_deref()
                .ok()
                .and_then(|exe| exe.parent()?.parent());
            let installed = prefix.map(|prefix| prefix.join(INSTALLED));
            std::iter::once(PathBuf::from("testdata"))
                .chain(installed)
                .collect()
        }
    };
    let holds_data = |folder: &&PathBuf| folder.join("genome.fa").is_file();
    if let Some(folder) = places.iter().find(holds_data) {
        return Ok(folder.clone());
    }
    let places: Vec<String> = places
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    Err(Refusal::NoInput(format!(
        "the demo's data are not in {}; run in the source folder, or name its testdata with --data",
        places.join(" or ")
    ))
    .into())
}

/// A folder of what the demo is made with, beside its report.
fn beside(output: &Path, ending: &str) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The panel of the demo. Its sites lie within some hundred kilobases, so their window is small.
fn build_panel(
    data: &Path,
    output: &Path,
    scores: &ScoringFileArguments,
    log: &Log,
) -> anyhow::Result<()> {
    build_ancestry(
        &AncestryBuildArguments {
            vcf: data.join("panel/panel.vcf.gz"),
            labels: data.join("panel/labels.csv"),
            reference: data.join("genome.fa"),
            build: Some("other".to_owned()),
            par: Some(data.join("par.bed")),
            name: "toy".to_owned(),
            release: "1".to_owned(),
            licence: "MIT OR Apache-2.0".to_owned(),
            output: output.to_owned(),
            exclude: None,
            components: 10,
            min_maf: 0.05,
            max_r2: 0.2,
            window: 2_000,
            threads: None,
            scores: scores.clone(),
        },
        log,
    )
}

/// Alleles of patients that the bundle's ClinVar-like source calls pathogenic.
fn known(output: &Path) -> anyhow::Result<String> {
    let file = std::fs::File::open(output.join("known_variants.parquet"))?;
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        let batch = batch?;
        let columns = [
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
        for row in 0..batch.num_rows() {
            rows.push([0, 1, 2, 3].map(|at| text(at, row).unwrap_or_else(|| "-".to_owned())));
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
fn highest(output: &Path, kind: &str, title: &str) -> anyhow::Result<String> {
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
        let (Some(patients), Some(kinds), Some(items), Some(values), Some(coverage)) = (
            text("patient"),
            text("kind"),
            text("item"),
            number("value"),
            number("coverage"),
        ) else {
            continue;
        };
        let is_of_kind = |row: &usize| kinds.value(*row) == kind && values.is_valid(*row);
        for row in (0..batch.num_rows()).filter(is_of_kind) {
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
        "{title}:\n  {:<10} {:<32} {:>8} {:>10}\n",
        "patient", "item", "risk", "coverage"
    );
    for (patient, item, value, share) in rows.iter().take(SHOWN) {
        let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        text += &format!("  {patient:<10} {item:<32} {value:>8.3} {share:>10}\n");
    }
    Ok(text)
}
