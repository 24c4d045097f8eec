//! How good predictions are, as tables: what `varisk train` and `varisk evaluate` share.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use ndarray::Array2;
use serde_json::{Map, Value, json};
use varisk_core::{Covariate, Sex};
use varisk_evaluation::{
    BinarySample, BinarySettings, Binning, BootstrapSettings, ConfusionTable, CurveRow,
    CurveSettings, EvaluationPage, GapRow, GroupResults, GroupSettings, Horizon, LearningPoint,
    Metric, MetricRow, MulticlassSample, Named, Plot, Sample, SurvivalSample, by_group,
    calibration_plot, decision_plot, kaplan_meier, learning_plot, metric_rows,
    precision_recall_plot, roc_plot, survival_plot, survival_rows,
};
use varisk_report::{Table, TableFolder, write_table};
use varisk_train::Cohort;

/// Folder of the plots.
const PLOTS: &str = "plots";
/// Bins of a calibration curve.
const BINS: usize = 10;
/// Level of intervals.
const LEVEL: f64 = 0.95;

/// Predictions of patients, and what happened to them.
pub(crate) enum Observed {
    /// It happens or not.
    Binary {
        probabilities: Vec<f64>,
        outcomes: Vec<bool>,
    },
    /// One of several classes; shape (patients, classes).
    Classes {
        probabilities: Array2<f64>,
        labels: Vec<usize>,
        names: Vec<String>,
    },
    /// Time to an event.
    Survival {
        scores: Vec<f64>,
        times: Vec<f64>,
        events: Vec<bool>,
        horizons: Vec<Horizon>,
    },
}

/// A column of groups: name, and the value of each patient.
pub(crate) type Group = (String, Vec<Option<String>>);

/// How to measure.
pub(crate) struct Measuring {
    pub(crate) threshold: f64,
    pub(crate) bootstrap: usize,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    /// What is resampled as a whole; `None` where patients are resampled one by one.
    pub(crate) clusters: Option<Clusters>,
}

/// Patients who are no independent draws.
pub(crate) struct Clusters {
    /// The column that says so.
    pub(crate) column: String,
    /// The cluster of each patient.
    pub(crate) of_row: Vec<usize>,
}

impl Clusters {
    /// Those of a column. A patient without a value is one of its own.
    pub(crate) fn of_column(cohort: &Cohort, rows: &[usize], column: &str) -> Self {
        let mut numbers = BTreeMap::new();
        let number = |(at, row): (usize, &usize)| match text(cohort, *row, column) {
            Some(name) => {
                let next = numbers.len();
                *numbers.entry(name).or_insert(next)
            }
            None => rows.len() + at,
        };
        Self {
            column: column.to_owned(),
            of_row: rows.iter().enumerate().map(number).collect(),
        }
    }
}

impl Measuring {
    /// What intervals come from, in words.
    pub(crate) fn intervals(&self) -> String {
        match &self.clusters {
            None => format!("{} resamples of patients", self.bootstrap),
            Some(own) => format!(
                "{} resamples of the values of '{}', each with all of its patients",
                self.bootstrap, own.column
            ),
        }
    }
}

/// Losses of a family by epoch or round: of training rows, and of those that say when to stop.
pub(crate) type LearningCurve = (String, varisk_train::LearningCurve);

/// Metrics, of all and by group, and curves.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) metrics: Vec<MetricRow>,
    groups: Vec<GroupResults>,
    curves: Vec<CurveRow>,
    learning: Vec<LearningCurve>,
    plots: Vec<Plot>,
    confusion: Option<ConfusionTable>,
}

impl Measured {
    /// Measures predictions.
    pub(crate) fn of(
        observed: &Observed,
        groups: &[Group],
        measuring: &Measuring,
    ) -> anyhow::Result<Self> {
        let mut measured = Self::default();
        match observed {
            Observed::Binary {
                probabilities,
                outcomes,
            } => {
                let settings = BinarySettings {
                    threshold: measuring.threshold,
                    ..BinarySettings::default()
                };
                let sample = BinarySample::try_new(probabilities, outcomes, settings)?;
                measured.sample(&sample, groups, measuring)?;
                measured.confusion = Some(sample.confusion().into());
                measured.binary_curves(&[("Model".to_owned(), None, sample)])?;
            }
            Observed::Classes {
                probabilities,
                labels,
                names,
            } => {
                let sample = MulticlassSample::try_new(probabilities, labels, names)?;
                measured.sample(&sample, groups, measuring)?;
                measured.confusion = Some(ConfusionTable {
                    names: names.clone(),
                    counts: sample.confusion(),
                });
                let mut each = Vec::new();
                for (class, name) in names.iter().enumerate() {
                    let outcomes: Vec<bool> = labels.iter().map(|own| *own == class).collect();
                    let own = probabilities.column(class).to_vec();
                    let own = BinarySample::try_new(&own, &outcomes, BinarySettings::default())?;
                    each.push((name.clone(), Some(name.clone()), own));
                }
                measured.binary_curves(&each)?;
            }
            Observed::Survival {
                scores,
                times,
                events,
                horizons,
            } => {
                let sample = SurvivalSample::try_new(scores, times, events, horizons.clone())?;
                measured.sample(&sample, groups, measuring)?;
                measured.survival_curves(scores, times, events)?;
            }
        }
        Ok(measured)
    }

    fn sample<S: Sample>(
        &mut self,
        sample: &S,
        groups: &[Group],
        measuring: &Measuring,
    ) -> anyhow::Result<()> {
        let resampling = BootstrapSettings {
            resamples: measuring.bootstrap,
            seed: measuring.seed,
            threads: NonZeroUsize::new(measuring.threads).unwrap_or(NonZeroUsize::MIN),
            level: LEVEL,
            clusters: measuring.clusters.as_ref().map(|own| own.of_row.as_slice()),
        };
        self.metrics = metric_rows(sample, &resampling)?;
        for (column, values) in groups {
            let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
            self.groups.push(by_group(
                sample,
                column,
                &values,
                &GroupSettings::default(),
                &resampling,
            )?);
        }
        Ok(())
    }

    /// Curves and plots of outcomes that happen or not; those that are undefined have no points.
    fn binary_curves(
        &mut self,
        samples: &[(String, Option<String>, BinarySample)],
    ) -> anyhow::Result<()> {
        let (mut roc, mut recall, mut bins, mut decisions) = (vec![], vec![], vec![], vec![]);
        let settings = CurveSettings {
            bins: BINS,
            ..CurveSettings::default()
        };
        for (_, class, sample) in samples {
            let rows = sample.curve_rows(&settings)?.into_iter();
            self.curves.extend(rows.map(|own| CurveRow {
                class: class.clone(),
                ..own
            }));
            roc.push(sample.roc_curve().unwrap_or_default());
            recall.push(sample.precision_recall_curve().unwrap_or_default());
            bins.push(sample.calibration_curve(Binning::EqualCount(BINS))?);
            decisions.push(sample.decision_curve(&settings.thresholds)?);
        }
        let names = || samples.iter().map(|(name, ..)| name.as_str());
        let event_rate = match samples {
            [_] => self
                .metrics
                .iter()
                .find(|own| own.key.metric == Metric::EventRate)
                .and_then(|own| own.value),
            _ => None,
        };
        self.plots.extend([
            roc_plot(&named(names(), &roc)),
            precision_recall_plot(&named(names(), &recall), event_rate),
            calibration_plot(&named(names(), &bins)),
            decision_plot(&named(names(), &decisions)),
        ]);
        Ok(())
    }

    /// Survival of thirds by predicted risk.
    fn survival_curves(
        &mut self,
        scores: &[f64],
        times: &[f64],
        events: &[bool],
    ) -> anyhow::Result<()> {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let names = ["lowest third", "middle third", "highest third"];
        let mut curves = Vec::new();
        for (third, name) in names.iter().enumerate() {
            let own = &order[third * order.len() / 3..(third + 1) * order.len() / 3];
            let own_times: Vec<f64> = own.iter().map(|row| times[*row]).collect();
            let own_events: Vec<bool> = own.iter().map(|row| events[*row]).collect();
            let points = kaplan_meier(&own_times, &own_events)?;
            self.curves
                .extend(survival_rows(&points).into_iter().map(|own| CurveRow {
                    class: Some((*name).to_owned()),
                    ..own
                }));
            curves.push(points);
        }
        self.plots
            .push(survival_plot("Time", &named(names.into_iter(), &curves)));
        Ok(())
    }

    /// Adds the losses of families by epoch or round.
    pub(crate) fn learning(&mut self, curves: Vec<LearningCurve>) {
        let mut names = Vec::new();
        let mut points: Vec<Vec<LearningPoint>> = Vec::new();
        for (family, curve) in &curves {
            let of = |losses: Vec<Option<f64>>| {
                let all = losses.into_iter().enumerate();
                all.filter_map(|(step, loss)| {
                    Some(LearningPoint {
                        x: (step + 1) as f64,
                        value: loss?,
                        interval: None,
                    })
                })
                .collect()
            };
            names.extend([format!("{family}, training"), format!("{family}, stopping")]);
            points.push(of(curve.iter().map(|own| Some(own.0)).collect()));
            points.push(of(curve.iter().map(|own| own.1).collect()));
        }
        if !curves.is_empty() {
            let names = names.iter().map(String::as_str);
            self.plots.push(learning_plot(
                "Epoch or round",
                "Loss",
                &named(names, &points),
            ));
        }
        self.learning = curves;
    }

    /// The page.
    pub(crate) fn page(&self, title: &str, facts: &[(String, String)]) -> String {
        EvaluationPage {
            title,
            facts,
            metrics: &self.metrics,
            groups: &self.groups,
            confusion: self.confusion.as_ref(),
            plots: &self.plots,
            level: LEVEL,
        }
        .to_html()
    }

    /// Metrics of all patients and of groups.
    pub(crate) fn all(&self) -> Vec<&MetricRow> {
        let groups = self.groups.iter().flat_map(|own| &own.metrics);
        self.metrics.iter().chain(groups).collect()
    }

    /// Writes `metrics`, `gaps` and `curves`, and each plot as SVG.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let plots = folder.join(PLOTS);
        std::fs::create_dir_all(&plots)
            .with_context(|| format!("{} cannot be made; check the disk", plots.display()))?;
        for plot in &self.plots {
            let name = slug(&plot.title);
            let path = plots.join(format!("{name}.svg"));
            std::fs::write(&path, plot.to_svg(&name))
                .with_context(|| format!("{} cannot be written; check the disk", path.display()))?;
        }
        let tables = TableFolder::plain(folder);
        write_table(&tables, Table::METRICS.name, self.metrics_table()?)?;
        write_table(&tables, Table::GAPS.name, self.gaps_table()?)?;
        write_table(&tables, Table::CURVES.name, self.curves_table()?)?;
        Ok(())
    }

    fn metrics_table(&self) -> anyhow::Result<RecordBatch> {
        let rows = &self.all();
        let text =
            |of: &dyn Fn(&MetricRow) -> Option<String>| texts(rows, &|own: &&MetricRow| of(own));
        let number =
            |of: &dyn Fn(&MetricRow) -> Option<f64>| numbers(rows, &|own: &&MetricRow| of(own));
        let count = |of: &dyn Fn(&MetricRow) -> Option<usize>| {
            counts(rows, &|own: &&MetricRow| of(own).map(|own| own as u64))
        };
        let bins = rows
            .iter()
            .map(|own| own.key.bins.and_then(|own| u32::try_from(own).ok()));
        let columns = vec![
            text(&|own| Some(own.key.metric.as_str().to_owned())),
            text(&|own| own.key.class.clone()),
            number(&|own| own.key.time),
            number(&|own| own.key.threshold),
            Arc::new(bins.collect::<UInt32Array>()) as ArrayRef,
            text(&|own| own.group_column.clone()),
            text(&|own| own.group.clone()),
            number(&|own| own.value),
            number(&|own| own.lower),
            number(&|own| own.upper),
            count(&|own| Some(own.patients)),
            count(&|own| own.events),
            count(&|own| Some(own.undefined_resamples)),
            text(&|own| Some(own.reason?.as_str().to_owned())),
        ];
        Ok(RecordBatch::try_new(Table::METRICS.schema(), columns)?)
    }

    fn gaps_table(&self) -> anyhow::Result<RecordBatch> {
        let rows: Vec<&GapRow> = self.groups.iter().flat_map(|own| &own.gaps).collect();
        let text = |of: &dyn Fn(&GapRow) -> Option<String>| texts(&rows, &|own: &&GapRow| of(own));
        let number = |of: &dyn Fn(&GapRow) -> Option<f64>| numbers(&rows, &|own: &&GapRow| of(own));
        let columns = vec![
            text(&|own| Some(own.key.metric.as_str().to_owned())),
            text(&|own| own.key.class.clone()),
            number(&|own| own.key.time),
            text(&|own| Some(own.group_column.clone())),
            text(&|own| own.group.clone()),
            text(&|own| own.reference.clone()),
            number(&|own| own.value),
            number(&|own| own.lower),
            number(&|own| own.upper),
            text(&|own| Some(own.reason?.as_str().to_owned())),
        ];
        Ok(RecordBatch::try_new(Table::GAPS.schema(), columns)?)
    }

    fn curves_table(&self) -> anyhow::Result<RecordBatch> {
        struct Point {
            curve: &'static str,
            series: Option<String>,
            at: [f64; 2],
            interval: [Option<f64>; 2],
            threshold: Option<f64>,
            counts: [Option<u64>; 2],
        }
        let mut rows: Vec<Point> = Vec::new();
        rows.extend(self.curves.iter().map(|own| Point {
            curve: own.curve.as_str(),
            series: own.class.clone(),
            at: [own.x, own.y],
            interval: [own.lower, own.upper],
            threshold: own.threshold.filter(|own| own.is_finite()),
            counts: [own.patients, own.events],
        }));
        for (family, curve) in &self.learning {
            for (step, (training, stopping)) in curve.iter().enumerate() {
                let both = [
                    ("learning_training", Some(*training)),
                    ("learning_stopping", *stopping),
                ];
                rows.extend(both.into_iter().filter_map(|(curve, loss)| {
                    Some(Point {
                        curve,
                        series: Some(family.clone()),
                        at: [(step + 1) as f64, loss?],
                        interval: [None; 2],
                        threshold: None,
                        counts: [None; 2],
                    })
                }));
            }
        }
        let number = |of: &dyn Fn(&Point) -> Option<f64>| numbers(&rows, of);
        let columns = vec![
            texts(&rows, &|own: &Point| Some(own.curve.to_owned())),
            texts(&rows, &|own: &Point| own.series.clone()),
            number(&|own| Some(own.at[0])),
            number(&|own| Some(own.at[1])),
            number(&|own| own.interval[0]),
            number(&|own| own.interval[1]),
            number(&|own| own.threshold),
            counts(&rows, &|own: &Point| own.counts[0]),
            counts(&rows, &|own: &Point| own.counts[1]),
        ];
        Ok(RecordBatch::try_new(Table::CURVES.schema(), columns)?)
    }
}

/// Curves with their names.
fn named<'a, T>(names: impl Iterator<Item = &'a str>, curves: &'a [Vec<T>]) -> Vec<Named<'a, T>> {
    let both = names.zip(curves);
    both.map(|(name, points)| Named { name, points }).collect()
}

pub(crate) fn texts<T>(rows: &[T], of: &dyn Fn(&T) -> Option<String>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

pub(crate) fn numbers<T>(rows: &[T], of: &dyn Fn(&T) -> Option<f64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Float64Array>())
}

fn counts<T>(rows: &[T], of: &dyn Fn(&T) -> Option<u64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<UInt64Array>())
}

/// A cell as text; the sex as it is recorded.
pub(crate) fn text(cohort: &Cohort, patient: usize, column: &str) -> Option<String> {
    if column == "sex" {
        return match cohort.patients.get(patient)?.sex {
            Sex::Unknown => None,
            sex => Some(sex.name().to_owned()),
        };
    }
    cohort.cell(patient, column).map(|cell| match cell {
        Covariate::Number(number) => number.to_string(),
        Covariate::Text(text) => text.clone(),
    })
}

/// A metric as JSON.
pub(crate) fn json(row: &MetricRow) -> Value {
    json!({
        "metric": row.key.metric.as_str(),
        "class": row.key.class,
        "time": row.key.time,
        "group_column": row.group_column,
        "group": row.group,
        "value": row.value,
        "lower": row.lower,
        "upper": row.upper,
        "patients": row.patients,
        "events": row.events,
        "reason": row.reason.map(varisk_evaluation::Undefined::as_str),
    })
}

/// A title as the name of a file.
fn slug(title: &str) -> String {
    let words = title.split(|own: char| !own.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|own| !own.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

/// All metrics, each as an object.
pub(crate) fn json_rows(measured: &Measured) -> Vec<Value> {
    measured.all().into_iter().map(json).collect()
}

/// All metrics, as `metrics.json` has them.
pub(crate) fn metrics_json(measured: &Measured) -> anyhow::Result<String> {
    let record = json!({"schema_version": 1, "metrics": json_rows(measured)});
    Ok(serde_json::to_string_pretty(&record)? + "\n")
}

/// Metrics of all patients that a manifest carries: value and interval by name.
pub(crate) fn summary(measured: &Measured) -> Map<String, Value> {
    let all = measured.metrics.iter();
    all.map(|own| {
        (
            name(own),
            json!({"value": own.value, "lower": own.lower, "upper": own.upper}),
        )
    })
    .collect()
}

/// Metric, class and time in one name.
fn name(row: &MetricRow) -> String {
    let mut name = row.key.metric.as_str().to_owned();
    if let Some(class) = &row.key.class {
        name += &format!(".{class}");
    }
    if let Some(time) = row.key.time {
        name += &format!(".{time}");
    }
    name
}

/// Metrics of all patients as lines of a card: name, value, interval.
pub(crate) fn lines(measured: &Measured) -> Vec<[String; 3]> {
    let all = measured.metrics.iter();
    all.map(|own| {
        let mut label = own.key.metric.label().to_owned();
        if let Some(class) = &own.key.class {
            label += &format!(", {class}");
        }
        if let Some(time) = own.key.time {
            label += &format!(", at {time}");
        }
        let value = match (own.value, own.reason) {
            (Some(value), _) => format!("{value:.3}"),
            (None, reason) => reason.map_or_else(String::new, |own| own.describe().to_owned()),
        };
        let interval = match (own.lower, own.upper) {
            (Some(lower), Some(upper)) => format!("{lower:.3} to {upper:.3}"),
            _ => String::new(),
        };
        [label, value, interval]
    })
    .collect()
}

/// What a message says of it all.
pub(crate) fn headline(measured: &Measured) -> String {
    let first = [Metric::Auroc, Metric::MacroAuroc, Metric::Concordance]
        .into_iter()
        .find_map(|metric| {
            // That of a single class says little of the model.
            let is_overall = |own: &&MetricRow| own.key.metric == metric && own.key.class.is_none();
            measured.metrics.iter().find(is_overall)
        });
    match first {
        Some(row) => match (row.value, row.lower, row.upper) {
            (Some(value), Some(lower), Some(upper)) => format!(
                "{} {value:.3} ({lower:.3} to {upper:.3})",
                row.key.metric.label()
            ),
            (Some(value), ..) => format!("{} {value:.3}", row.key.metric.label()),
            _ => format!("{} is undefined", row.key.metric.label()),
        },
        None => "no metric".to_owned(),
    }
}
