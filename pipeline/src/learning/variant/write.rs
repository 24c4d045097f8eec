//! A trained variant model into its folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use serde_json::json;
use varisk_encode::{Build, Manifest};
use varisk_flow::CancelToken;
use varisk_report::{Table, TableFolder, write_table};
use varisk_score::ScoreStage;
use varisk_train::{
    PATHOGENICITY, SplitBy, VariantCardFacts, VariantConfig, VariantRow, VariantRows,
    VariantTested, variant_card, variant_graph, variant_manifest,
};

use super::super::measures::{self, Clusters, Measured, Measuring, Observed, numbers, texts};
use super::super::work::{RUNTIME_TOLERANCE, State, WORK};
use super::{Source, read};
use crate::arguments::TrainArguments;
use crate::exit::Refusal;
use crate::hash;
use crate::log::Log;
use crate::plan::{Plan, Purpose};
use crate::settings::Settings;

/// Variants that a gene must have, and of each class, to be measured alone.
const LEAST_OF_GENE: (usize, usize) = (30, 5);

/// What is written.
pub(super) struct Trained<'a> {
    pub(super) arguments: &'a TrainArguments,
    pub(super) config: &'a VariantConfig,
    pub(super) rows: &'a VariantRows,
    pub(super) tested: &'a VariantTested,
    pub(super) sources: &'a [Source],
    pub(super) state: &'a State<VariantConfig>,
}

impl Trained<'_> {
    /// Writes the bundle and everything beside it.
    pub(super) fn write(
        &self,
        folder: &Path,
        cancel: &CancelToken,
        log: &Log,
    ) -> anyhow::Result<String> {
        let (config, tested) = (self.config, self.tested);
        let probabilities = &tested.probabilities;
        // Variants of a gene are no independent draws.
        let groups = self.rows.groups(config.split.by);
        let clusters = (config.split.by != SplitBy::Random).then_some(groups.as_slice());
        let mut measured = self.measure(probabilities, &self.all(), clusters)?;
        let baseline = self.measure(&tested.baseline, &self.all(), clusters)?;
        let curve = tested.model.network.curve().iter();
        measured.learning(vec![(
            "siamese".to_owned(),
            curve.map(|own| (own.training, own.stopping)).collect(),
        )]);
        measured.write(folder)?;
        let table = Table::VARIANT_PREDICTIONS;
        write_table(
            &TableFolder::plain(folder),
            table.name,
            self.predictions(probabilities)?,
        )?;

        let onnx = variant_graph(config, &tested.model)?.encode();
        let write = |file: &str, bytes: &[u8]| {
            let path = folder.join(file);
            std::fs::write(&path, bytes)
                .with_context(|| format!("{} cannot be written; check the disk", path.display()))
        };
        write("model.onnx", &onnx)?;
        let mut metrics = measures::summary(&measured);
        metrics.insert(
            "baseline".to_owned(),
            serde_json::Value::Object(measures::summary(&baseline)),
        );
        metrics.insert("split".to_owned(), json!(config.split.by.name()));
        let mut manifest = variant_manifest(config, Some(&tested.model), self.build(), metrics);
        manifest.sha256 = Some(hash::bytes(&onnx));
        let json = serde_json::to_string_pretty(&manifest)?;
        // What nobody could open must not be written.
        Manifest::parse(&json, &folder.join("manifest.json"))?;
        write("manifest.json", format!("{json}\n").as_bytes())?;
        let lines = both(&measured, &baseline);
        let within = self.within_genes(probabilities)?;
        let facts = VariantCardFacts {
            rows: self.rows,
            baseline: self.baseline_name(),
            metrics: &lines,
            within: &within,
        };
        write("MODEL_CARD.md", variant_card(config, &facts).as_bytes())?;
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let (pathogenic, benign) = self.rows.classes();
        let page = measured.page(
            &format!("{} {}", config.name, config.version),
            &[
                fact(
                    "Variants",
                    format!("{pathogenic} pathogenic, {benign} benign"),
                ),
                fact(
                    "Split",
                    format!(
                        "by {}, {} folds",
                        config.split.by.name(),
                        config.split.folds
                    ),
                ),
                fact(
                    "Baseline",
                    format!(
                        "by {}: {}",
                        self.baseline_name(),
                        measures::headline(&baseline)
                    ),
                ),
                fact(
                    "Intervals",
                    format!(
                        "{} resamples of {}",
                        config.split.bootstrap,
                        config.split.by.units()
                    ),
                ),
            ],
        );
        write("evaluation.html", page.as_bytes())?;
        let record = json!({
            "schema_version": 1,
            "varisk_version": self.state.version,
            "statement": crate::finish::NOTICE,
            "config": config,
            "inputs": self.state.inputs,
            "pathogenic": pathogenic,
            "benign": benign,
            "left_out": self.rows.left_out,
            "best_epoch": tested.model.network.best_epoch(),
            "baseline": self.baseline_name(),
            "baseline_metrics": measures::json_rows(&baseline),
        });
        write(
            "metrics.json",
            measures::metrics_json(&measured)?.as_bytes(),
        )?;
        let record = serde_json::to_string_pretty(&record)?;
        write("training.json", format!("{record}\n").as_bytes())?;
        let largest = self.same_in_runtime(folder, cancel, log)?;
        std::fs::remove_dir_all(folder.join(WORK))?;
        Ok(format!(
            "{pathogenic} pathogenic and {benign} benign variants, {}; by {} alone {}; ONNX Runtime agrees within {largest:.0e}",
            measures::headline(&measured),
            self.baseline_name(),
            measures::headline(&baseline)
        ))
    }

    fn all(&self) -> Vec<usize> {
        (0..self.rows.rows.len()).collect()
    }

    /// Measures some variants; `clusters` are resampled as a whole.
    fn measure(
        &self,
        probabilities: &[f64],
        rows: &[usize],
        clusters: Option<&[usize]>,
    ) -> anyhow::Result<Measured> {
        let observed = Observed::Binary {
            probabilities: rows.iter().map(|row| probabilities[*row]).collect(),
            outcomes: rows
                .iter()
                .map(|row| self.rows.rows[*row].is_pathogenic)
                .collect(),
        };
        Measured::of(
            &observed,
            &[],
            &Measuring {
                threshold: 0.5,
                bootstrap: self.config.split.bootstrap,
                seed: self.config.seed,
                threads: self.arguments.threads(),
                clusters: clusters.map(|own| Clusters {
                    column: self.config.split.by.name().to_owned(),
                    of_row: rows.iter().map(|row| own[*row]).collect(),
                }),
            },
        )
    }

    /// Whether the baseline goes by consequences.
    fn baseline_name(&self) -> &'static str {
        let has_consequences = self.sources.iter().all(|source| source.has_consequences);
        if has_consequences {
            "consequence"
        } else {
            "allele class"
        }
    }

    /// The build that all data have.
    fn build(&self) -> Build {
        let mut builds = self.sources.iter().map(|source| source.build);
        let first = builds.next().unwrap_or(Build::Any);
        if builds.all(|own| own == first) {
            first
        } else {
            Build::Any
        }
    }

    /// AUROC in each gene with variants enough.
    fn within_genes(&self, probabilities: &[f64]) -> anyhow::Result<Vec<[String; 4]>> {
        // With a random split the model has seen variants of every gene.
        if self.config.split.by == SplitBy::Random {
            return Ok(Vec::new());
        }
        let mut genes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, row) in self.rows.rows.iter().enumerate() {
            for gene in &row.genes {
                genes.entry(gene).or_default().push(at);
            }
        }
        let mut lines = Vec::new();
        for (gene, rows) in genes {
            let pathogenic = rows
                .iter()
                .filter(|row| self.rows.rows[**row].is_pathogenic);
            let pathogenic = pathogenic.count();
            let least = pathogenic.min(rows.len() - pathogenic);
            if rows.len() < LEAST_OF_GENE.0 || least < LEAST_OF_GENE.1 {
                continue;
            }
            let own = self.measure(probabilities, &rows, None)?;
            let baseline = self.measure(&self.tested.baseline, &rows, None)?;
            lines.push([
                gene.to_owned(),
                rows.len().to_string(),
                measures::headline(&own),
                measures::headline(&baseline),
            ]);
        }
        Ok(lines)
    }

    fn predictions(&self, probabilities: &[f64]) -> anyhow::Result<RecordBatch> {
        let rows: Vec<(usize, &VariantRow)> = self.rows.rows.iter().enumerate().collect();
        let text = |of: &dyn Fn(&VariantRow) -> Option<String>| texts(&rows, &|(_, own)| of(own));
        let number = |values: &[f64]| numbers(&rows, &|(at, _): &(usize, _)| Some(values[*at]));
        let position: UInt32Array = rows
            .iter()
            .map(|(_, own)| Some(own.place.position))
            .collect();
        let folds: UInt32Array = rows
            .iter()
            .map(|(at, _)| u32::try_from(self.tested.fold[*at]).ok())
            .collect();
        let outcome: BooleanArray = rows
            .iter()
            .map(|(_, own)| Some(own.is_pathogenic))
            .collect();
        let columns: Vec<ArrayRef> = vec![
            text(&|own| Some(own.place.contig.clone())),
            Arc::new(position),
            text(&|own| Some(own.place.reference.clone())),
            text(&|own| Some(own.place.alternate.clone())),
            text(&|own| (!own.genes.is_empty()).then(|| own.genes.join(";"))),
            text(&|own| own.term.clone()),
            Arc::new(folds),
            number(probabilities),
            number(&self.tested.baseline),
            Arc::new(outcome),
        ];
        let schema = Table::VARIANT_PREDICTIONS.schema();
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    /// Scores the variants with the bundle as `varisk score` would and compares with the trainer: a
    /// model that says something else there is not given out.
    fn same_in_runtime(
        &self,
        bundle: &Path,
        cancel: &CancelToken,
        log: &Log,
    ) -> anyhow::Result<f64> {
        let column = ScoreStage::score_column(&self.config.name, PATHOGENICITY);
        let expected = self
            .tested
            .model
            .probabilities(&self.rows.rows, &self.all())?;
        let mut largest = 0.0_f64;
        for (at, source) in self.sources.iter().enumerate() {
            let settings = Settings {
                models: vec![bundle.to_owned()],
                ..source.settings.clone()
            };
            let mut plan = Plan::try_new(&settings, Purpose::Score)?;
            let scores = read::scores(&mut plan, &settings, &column, cancel, log)?;
            for (row, expected) in self.rows.rows.iter().zip(&expected) {
                if row.source != at {
                    continue;
                }
                let found = scores.get(&row.place).ok_or_else(|| {
                    Refusal::Software(
                        "internal error: the trained model has no score of a variant that it was trained on; please report this".to_owned(),
                    )
                })?;
                largest = largest.max((f64::from(*found) - expected).abs());
            }
        }
        if largest > RUNTIME_TOLERANCE {
            return Err(Refusal::Software(format!(
                "internal error: ONNX Runtime and the trainer differ by {largest:.1e}; please report this"
            ))
            .into());
        }
        Ok(largest)
    }
}

/// Metrics of the model beside those of the baseline.
fn both(model: &Measured, baseline: &Measured) -> Vec<[String; 5]> {
    let other: BTreeMap<String, [String; 2]> = measures::lines(baseline)
        .into_iter()
        .map(|[name, value, interval]| (name, [value, interval]))
        .collect();
    let own = measures::lines(model).into_iter();
    own.map(|[name, value, interval]| {
        let [baseline, other] = other.get(&name).cloned().unwrap_or_default();
        [name, value, interval, baseline, other]
    })
    .collect()
}
