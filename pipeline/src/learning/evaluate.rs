//! `varisk evaluate`: how good predictions are, overall and by group.

use ndarray::Array2;
use serde_json::json;
use varisk_evaluation::Horizon;
use varisk_report::OutputFolder;

use super::measures::{self, Measured, Measuring, Observed};
use super::observed::{Pairs, pairs};
use super::train::group_columns;
use crate::arguments::EvaluateArguments;
use crate::exit::Refusal;
use crate::log::Log;
use crate::settings::available_threads;

/// Items of classes are named `MODEL.class_NAME`.
const CLASS: &str = "class_";

pub(crate) fn command(arguments: &EvaluateArguments, log: &Log) -> anyhow::Result<()> {
    OutputFolder::check(&arguments.output, false)?;
    let pairs = pairs(&arguments.observed, log)?;
    let observed = observed(arguments, &pairs)?;
    let groups = group_columns(&arguments.groups, &pairs.cohort, &pairs.rows)?;
    let measured = Measured::of(
        &observed,
        &groups,
        &Measuring {
            threshold: arguments.threshold,
            bootstrap: arguments.bootstrap,
            seed: arguments.seed,
            threads: available_threads(),
        },
    )?;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let page = measured.page(
        &pairs.items.join(", "),
        &[
            fact("Outcome", pairs.outcome.clone()),
            fact("Patients", pairs.rows.len().to_string()),
            fact(
                "Intervals",
                format!("{} resamples of patients", arguments.bootstrap),
            ),
        ],
    );
    let record = json!({
        "schema_version": 1,
        "varisk_version": env!("CARGO_PKG_VERSION"),
        "statement": crate::finish::NOTICE,
        "items": pairs.items,
        "outcome": pairs.outcome,
        "positive": arguments.observed.positive,
        "time": arguments.time,
        "horizons": arguments.horizons,
        "threshold": arguments.threshold,
        "bootstrap": arguments.bootstrap,
        "seed": arguments.seed,
        "patients": pairs.rows.len(),
        "metrics": measured.all().into_iter().map(measures::json).collect::<Vec<_>>(),
    });
    let folder = OutputFolder::create(&arguments.output)?;
    let write = || -> anyhow::Result<()> {
        measured.write(folder.partial())?;
        std::fs::write(folder.partial().join("evaluation.html"), page)?;
        let text = serde_json::to_string_pretty(&record)? + "\n";
        std::fs::write(folder.partial().join("evaluation.json"), text)?;
        Ok(())
    };
    if let Err(error) = write() {
        folder.discard();
        return Err(error);
    }
    let path = folder.complete()?;
    log.info(&format!(
        "{} patients, {}; written to {}",
        pairs.rows.len(),
        measures::headline(&measured),
        path.display()
    ));
    Ok(())
}

fn observed(arguments: &EvaluateArguments, pairs: &Pairs) -> anyhow::Result<Observed> {
    let several = pairs.values.len() > 1;
    if let Some(time) = &arguments.time {
        if several {
            return Err(Refusal::Usage(
                "with --time a single --item is judged, a log hazard or another risk score"
                    .to_owned(),
            )
            .into());
        }
        return Ok(Observed::Survival {
            scores: pairs.values[0].clone(),
            times: pairs.numbers(time)?,
            events: pairs.happened(&arguments.observed.positive)?,
            horizons: arguments
                .horizons
                .iter()
                .map(|time| Horizon {
                    time: *time,
                    survival: None,
                })
                .collect(),
        });
    }
    if !arguments.horizons.is_empty() {
        return Err(
            Refusal::Usage("--horizons needs --time, the column of times".to_owned()).into(),
        );
    }
    if !several {
        return Ok(Observed::Binary {
            probabilities: pairs.values[0].clone(),
            outcomes: pairs.happened(&arguments.observed.positive)?,
        });
    }
    let names: Vec<String> = pairs
        .items
        .iter()
        .map(|item| {
            let last = item
                .rsplit_once(CLASS)
                .map_or(item.as_str(), |(_, name)| name);
            last.to_owned()
        })
        .collect();
    let label = |row: &usize| -> anyhow::Result<usize> {
        let own = measures::text(&pairs.cohort, *row, &pairs.outcome).unwrap_or_default();
        let own = varisk_train::class_output(&own);
        let own = own.strip_prefix(CLASS).unwrap_or(&own);
        names.iter().position(|name| name == own).ok_or_else(|| {
            Refusal::Data(format!(
                "the outcome '{}' has a value in row {} that none of the items is of ({}); name an item for each class",
                pairs.outcome,
                row + 1,
                names.join(", ")
            ))
            .into()
        })
    };
    let labels = pairs.rows.iter().map(label).collect::<Result<_, _>>()?;
    let shape = (pairs.rows.len(), pairs.values.len());
    let mut probabilities = Array2::zeros(shape);
    for (class, values) in pairs.values.iter().enumerate() {
        for (row, value) in values.iter().enumerate() {
            probabilities[[row, class]] = *value;
        }
    }
    // Each was rounded to 32 bits.
    for mut row in probabilities.rows_mut() {
        let sum: f64 = row.sum();
        if (sum - 1.0).abs() < 1e-4 {
            row /= sum;
        }
    }
    Ok(Observed::Classes {
        probabilities,
        labels,
        names,
    })
}
