//! The models of the demo: learned from its own labels and patients, by the trainer.

use std::path::{Path, PathBuf};

use crate::arguments::{AnnotationArguments, RunArguments, TrainArguments};
use crate::exit::Refusal;
use crate::learning::train;
use crate::log::Log;
use crate::plan::Purpose;
use crate::run::execute;
use crate::settings::Settings;

/// The trained models.
pub(super) struct Models {
    /// From alleles that the ClinVar-like file labels.
    pub(super) variant: PathBuf,
    /// From patients, some of whom are affected, and the burden that the variant model gives them.
    pub(super) patient: PathBuf,
}

/// Trains what is not there yet, in `folder`; `run` is the run that the features come from.
pub(super) fn learn(
    data: &Path,
    folder: &Path,
    run: &RunArguments,
    log: &Log,
) -> anyhow::Result<Models> {
    std::fs::create_dir_all(folder)?;
    let path = |name: &str| folder.join(name);
    let models = Models {
        variant: path("demo-pathogenicity"),
        patient: path("demo-risk"),
    };
    let data = std::path::absolute(data)?;
    let quoted = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
    let fit = |config: &Path, output: &Path| {
        train::command(
            &TrainArguments {
                config: config.to_owned(),
                output: output.to_owned(),
                // What an earlier demo left unfinished.
                resume: true,
                threads: run.threads,
                dry_run: false,
                onnxruntime: run.onnxruntime.clone(),
            },
            log,
        )
    };
    if models.variant.symlink_metadata().is_err() {
        let config = path("variants.toml");
        let text = VARIANTS
            .replace("{vcf}", &quoted(&data.join("knowledge/clinvar.vcf.gz")))
            .replace("{reference}", &quoted(&data.join("genome.fa")))
            .replace("{genes}", &quoted(&data.join("genes.gff3")));
        std::fs::write(&config, text)?;
        fit(&config, &models.variant)?;
        // What was made with another one.
        for made in [path("features"), models.patient.clone()] {
            if made.symlink_metadata().is_ok() {
                std::fs::remove_dir_all(made)?;
            }
        }
    }
    if models.patient.symlink_metadata().is_err() {
        let features = path("features");
        if features.symlink_metadata().is_err() {
            let run = RunArguments {
                models: vec![models.variant.clone()],
                output: Some(features),
                resume: true,
                annotation: AnnotationArguments {
                    gene_models: Some(data.join("genes.gff3")),
                    ..AnnotationArguments::default()
                },
                ..run.clone()
            };
            execute(&Settings::resolve(&run)?, Purpose::Run, log)?;
        }
        std::fs::write(path("patients.csv"), patients(&data)?)?;
        std::fs::write(path("risk.toml"), RISK)?;
        fit(&path("risk.toml"), &models.patient)?;
    }
    Ok(models)
}

/// Covariates of the samplesheet, and who is affected.
fn patients(data: &Path) -> anyhow::Result<String> {
    let read = |name: &str| {
        let path = data.join(name);
        std::fs::read_to_string(&path).map_err(|error| {
            Refusal::NoInput(format!(
                "{} cannot be read: {error}; name the testdata of the source folder with --data",
                path.display()
            ))
        })
    };
    let (sheet, truth) = (read("samplesheet.csv")?, read("truth.csv")?);
    let affected: std::collections::HashMap<&str, &str> = truth
        .lines()
        .filter_map(|line| Some((line.split(',').next()?, line.rsplit(',').next()?)))
        .collect();
    let lines = sheet.lines().map(|line| {
        let patient = line.split(',').next().unwrap_or_default();
        format!(
            "{line},{}\n",
            affected.get(patient).copied().unwrap_or_default()
        )
    });
    Ok(lines.collect())
}

/// Labels of a file made of labels; few variants, so a small network.
const VARIANTS: &str = r#"kind = "variant"
name = "demo-pathogenicity"
version = "1.0.0"
licence = "MIT OR Apache-2.0"
intended_use = "The demo, on synthetic data, and nothing else."
training_data = "Alleles of the toy genome that the demo's ClinVar-like file calls pathogenic or benign; all of it is made up."

[[data]]
vcf = {vcf}
reference = {reference}
build = "other"
gene_models = {genes}

[label]
field = "CLNSIG"
pathogenic = ["Pathogenic"]
benign = ["Benign"]

[encoding]
annotations = ["allele.is_snv", "allele.length_change", "consequence.impact", "consequence.missense"]

[split]
folds = 3
bootstrap = 200

[network]
embedding = 4
filters = 8
hidden = [8]
learning_rate = 0.01
epochs = 40
"#;

const RISK: &str = r#"name = "demo-risk"
version = "1.0.0"
licence = "MIT OR Apache-2.0"
intended_use = "The demo, on synthetic data, and nothing else."
training_data = "The 48 synthetic patients of the demo, who are also those that it reports on."

[data]
table = "patients.csv"
run = "features"

[outcome]
kind = "binary"
column = "affected"
positive = [1]

[predictors]
columns = ["sex", "age", "bmi", "smoker"]
features = ["burden.demo-pathogenicity.pathogenicity.sum"]

[validation]
bootstrap = 200

[[family]]
kind = "logistic"
"#;
