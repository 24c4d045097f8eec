//! Tables of scores, written patient by patient: thousands of scores of thousands of patients never
//! stand in memory at once.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Float64Builder, ListBuilder, RecordBatch, StringArray, UInt64Array,
};
use varisk_ancestry::{Placement, ScoreReference, ancestry_table};
use varisk_core::{FeatureTable, GenomeBuild, Patient, Reason};
use varisk_report::{Table, TableFolder, TableWriter, write_table};
use varisk_risk::{
    AbsoluteRiskAssessor, AbsoluteRiskItem, AbsoluteRiskModel, RiskItem, RiskKind, RiskValue,
    risk_table,
};

use super::outcome::{JudgedScore, Outcome};

/// Rows that are made at once, about.
const PIECE_ROWS: usize = 8_192;

/// Patients by identifier, in pieces that make a bounded number of rows.
fn pieces(patients: &[Patient], rows_each: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..patients.len()).collect();
    order.sort_by_key(|patient| &patients[*patient].id);
    let size = (PIECE_ROWS / rows_each.max(1)).max(1);
    order.chunks(size).map(<[usize]>::to_vec).collect()
}

/// `risk.parquet`: patient models, scores and absolute risks.
pub(crate) fn write_risk(
    folder: &TableFolder,
    patients: &[Patient],
    models: &[RiskItem],
    outcome: Option<&Outcome<'_>>,
    features: &FeatureTable,
    build: GenomeBuild,
) -> anyhow::Result<()> {
    // Curves of all patients do not stand in memory at once, so each piece is assessed by itself.
    let mut absolute: Vec<(AbsoluteRiskAssessor<'_>, &AbsoluteRiskModel, &str)> = Vec::new();
    let models_of = outcome.iter().flat_map(|outcome| &outcome.context.absolute);
    for (model, sha256) in models_of {
        absolute.push((model.assessor(patients, features)?, model, sha256));
    }
    let risks: usize = absolute
        .iter()
        .map(|(_, model, _)| model.items().len())
        .sum();
    let scores = outcome.map_or(0, Outcome::scores);
    let mut writer = TableWriter::create(folder, Table::RISK.name, Table::RISK.schema())?;
    for piece in pieces(patients, models.len() + scores + risks) {
        let own: Vec<Patient> = piece.iter().map(|at| patients[*at].clone()).collect();
        let mut items: Vec<RiskItem> = models
            .iter()
            .map(|item| RiskItem {
                values: piece.iter().map(|at| item.values[*at].clone()).collect(),
                ..item.clone()
            })
            .collect();
        if let Some(outcome) = outcome {
            items.extend((0..scores).filter_map(|score| score_item(outcome, score, &piece)));
        }
        if let Some(outcome) = outcome {
            for (assessor, model, sha256) in &mut absolute {
                let own = assessor.assess(piece.iter().map(|at| (*at, &patients[*at])));
                let own = own.into_iter();
                items.extend(own.map(|item| absolute_item(outcome, item, model, sha256, &piece)));
            }
        }
        writer.write(risk_table(&own, &items, build)?)?;
    }
    writer.finish()?;
    Ok(())
}

fn score_item(outcome: &Outcome<'_>, score: usize, piece: &[usize]) -> Option<RiskItem> {
    let info = outcome.context.plan.as_ref()?.scores().get(score)?;
    let values = piece.iter().filter_map(|patient| {
        let judged = outcome.judged(score, *patient)?;
        Some(RiskValue {
            flag: judged.flag,
            percentile: judged.adjusted.percentile,
            population: outcome.population(judged.population),
            coverage: Some(judged.score.weight_called),
            assumed: Some(judged.score.weight_assumed),
            ..RiskValue::new(judged.value)
        })
    });
    let trait_reported = info
        .metadata
        .trait_reported
        .as_deref()
        .unwrap_or("not stated");
    Some(RiskItem {
        item: format!("polygenic.{}", info.name),
        kind: RiskKind::PolygenicScore,
        meaning: format!("polygenic score; trait: {trait_reported}"),
        model: info.name.clone(),
        version: info.metadata.pgs_name.clone().unwrap_or_default(),
        sha256: info.sha256.clone(),
        values: values.collect(),
    })
}

fn absolute_item(
    outcome: &Outcome<'_>,
    item: AbsoluteRiskItem,
    model: &AbsoluteRiskModel,
    sha256: &str,
    piece: &[usize],
) -> RiskItem {
    let features = model.features();
    let values = piece.iter().zip(item.outcomes).map(|(patient, own)| {
        let mut value = RiskValue::new(own.risk.as_ref().map(|risk| risk.risk).map_err(|r| *r));
        if let Ok(risk) = &own.risk {
            value.interval = risk.interval.map(|[lower, upper]| (lower, upper));
            value.population_value = Some(risk.population_risk);
            value.ages = Some((f64::from(risk.age_start), f64::from(risk.age_end)));
        }
        value.curve = own.curve;
        value.missing_factors = own.missing_factors;
        let caveats = outcome.caveats(&features, *patient);
        value.flag = caveats.flag;
        value.coverage = caveats.coverage;
        value.assumed = caveats.assumed;
        value
    });
    RiskItem {
        values: values.collect(),
        item: item.item,
        kind: RiskKind::AbsoluteRisk,
        meaning: format!("{}; rates of: {}", item.meaning, model.population()),
        model: item.model,
        version: item.version,
        sha256: sha256.to_owned(),
    }
}

/// `score_references.parquet`: what the panel's people have of each score.
fn write_references(
    folder: &TableFolder,
    outcome: &Outcome<'_>,
    order: &[usize],
) -> anyhow::Result<()> {
    let (Some(plan), Some(panel)) = (&outcome.context.plan, &outcome.context.panel) else {
        return Ok(());
    };
    let (table, populations) = (Table::SCORE_REFERENCES, panel.populations());
    let release = [panel.name(), panel.release()].join(" ");
    let release = release.trim();
    let mut writer = TableWriter::create(folder, table.name, table.schema())?;
    for piece in order.chunks((PIECE_ROWS / populations.len().max(1)).max(1)) {
        let mut rows: Vec<(&str, &str, ScoreReference)> = Vec::new();
        for score in piece {
            let adjuster = outcome.context.adjusters.get(*score);
            let Some(Ok(adjuster)) = adjuster.filter(|_| outcome.is_in_panel(*score)) else {
                continue;
            };
            let mut own: Vec<ScoreReference> = adjuster.references().collect();
            own.sort_by_key(|reference| &populations[reference.population]);
            let score = plan.scores()[*score].name.as_str();
            let own = own.into_iter();
            rows.extend(own.map(|row| (score, populations[row.population].as_str(), row)));
        }
        let mut quantiles = ListBuilder::new(Float64Builder::new());
        for (.., row) in &rows {
            quantiles.append_value(row.quantiles.iter().copied().map(Some));
        }
        let text = |text: &dyn Fn(&(&str, &str, ScoreReference)) -> String| -> ArrayRef {
            let texts = rows.iter().map(|row| Some(text(row)));
            Arc::new(texts.collect::<StringArray>())
        };
        let number = |number: &dyn Fn(&ScoreReference) -> f64| -> ArrayRef {
            let numbers = rows.iter().map(|(.., row)| Some(number(row)));
            Arc::new(numbers.collect::<Float64Array>())
        };
        let people = rows.iter().map(|(.., row)| Some(row.people as u64));
        let columns: Vec<ArrayRef> = vec![
            text(&|(score, ..)| (*score).to_owned()),
            text(&|(_, population, _)| (*population).to_owned()),
            Arc::new(people.collect::<UInt64Array>()),
            number(&|row| row.mean),
            number(&|row| row.deviation),
            Arc::new(quantiles.finish()),
            text(&|_| release.to_owned()),
        ];
        writer.write(RecordBatch::try_new(table.schema(), columns)?)?;
    }
    writer.finish()?;
    Ok(())
}

/// `scores.parquet`, and what scores are compared with.
pub(crate) fn write_scores(
    folder: &TableFolder,
    patients: &[Patient],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    let Some(plan) = &outcome.context.plan else {
        return Ok(());
    };
    // By name, as in the risk table.
    let mut order: Vec<usize> = (0..plan.scores().len()).collect();
    order.sort_by_key(|score| &plan.scores()[*score].name);
    write_references(folder, outcome, &order)?;
    let mut writer = TableWriter::create(folder, Table::SCORES.name, Table::SCORES.schema())?;
    for piece in pieces(patients, order.len()) {
        let rows: Vec<(usize, usize, JudgedScore)> = piece
            .iter()
            .flat_map(|patient| order.iter().map(move |score| (*patient, *score)))
            .filter_map(|(patient, score)| Some((patient, score, outcome.judged(score, patient)?)))
            .collect();
        writer.write(scores_rows(patients, outcome, &rows)?)?;
    }
    writer.finish()?;
    Ok(())
}

fn scores_rows(
    patients: &[Patient],
    outcome: &Outcome<'_>,
    rows: &[(usize, usize, JudgedScore)],
) -> anyhow::Result<RecordBatch> {
    let infos = outcome.context.plan.as_ref().map(|plan| plan.scores());
    let infos = infos.unwrap_or_default();
    let text = |text: &dyn Fn(usize, usize, &JudgedScore) -> Option<String>| -> ArrayRef {
        let texts = rows
            .iter()
            .map(|(patient, score, judged)| text(*patient, *score, judged));
        Arc::new(texts.collect::<StringArray>())
    };
    let number = |number: &dyn Fn(&JudgedScore) -> Option<f64>| -> ArrayRef {
        let numbers = rows.iter().map(|(_, _, judged)| number(judged));
        Arc::new(numbers.collect::<Float64Array>())
    };
    let count = |count: &dyn Fn(usize, &JudgedScore) -> u64| -> ArrayRef {
        let counts = rows.iter().map(|(_, score, judged)| count(*score, judged));
        Arc::new(counts.map(Some).collect::<UInt64Array>())
    };
    let panel_weights: Vec<Option<f64>> = match &outcome.results {
        Some(results) => (0..infos.len())
            .map(|score| results.summary(score).panel_weight)
            .collect(),
        None => vec![None; infos.len()],
    };
    let share = |shares: &[Option<f64>]| -> ArrayRef {
        let shares = rows.iter().map(|(_, score, _)| shares[*score]);
        Arc::new(shares.collect::<Float64Array>())
    };
    let state = |judged: &JudgedScore| match (judged.value, judged.flag) {
        (Err(_), _) => "not_computed",
        (Ok(_), Some(_)) => "flagged",
        (Ok(_), None) => "ok",
    };
    let name = |reason: Option<Reason>| Some(reason?.name().to_owned());
    let columns = vec![
        text(&|patient, _, _| Some(patients[patient].id.clone())),
        text(&|_, score, _| Some(infos[score].name.clone())),
        text(&|_, _, judged| Some(state(judged).to_owned())),
        text(&|_, _, judged| name(judged.value.err().or(judged.flag))),
        number(&|judged| judged.value.ok().map(|_| judged.score.sum)),
        number(&|judged| judged.value.ok()),
        number(&|judged| judged.value.ok().map(|_| judged.score.average)),
        count(&|score, _| infos[score].rows),
        count(&|score, _| infos[score].resolved_rows),
        count(&|_, judged| judged.score.called),
        count(&|_, judged| judged.score.assumed),
        count(&|_, judged| judged.score.missing),
        number(&|judged| Some(judged.score.weight_called)),
        number(&|judged| Some(judged.score.weight_assumed)),
        number(&|judged| Some(judged.score.weight_missing)),
        number(&|judged| Some(judged.score.weight_not_counted)),
        number(&|judged| Some(judged.score.weight_lost)),
        count(&|_, judged| judged.score.allele_count),
        number(&|judged| judged.value.ok().and(judged.score.dosage_sum)),
        number(&|judged| judged.value.ok().and(judged.score.panel_sum)),
        share(&panel_weights),
        text(&|_, _, judged| outcome.population(judged.population)),
        number(&|judged| judged.adjusted.percentile),
        number(&|judged| judged.adjusted.z_most_similar),
        number(&|judged| judged.adjusted.z_norm1),
        number(&|judged| judged.adjusted.z_norm2),
        text(&|_, _, judged| name(judged.adjustment_reason)),
    ];
    Ok(RecordBatch::try_new(Table::SCORES.schema(), columns)?)
}

/// `score_variants.parquet`: the scoring files are read once more.
pub(crate) fn write_log(folder: &TableFolder, outcome: &Outcome<'_>) -> anyhow::Result<()> {
    let Some(log) = outcome.log() else {
        return Ok(());
    };
    let table = Table::SCORE_VARIANTS;
    let mut writer = TableWriter::create(folder, table.name, table.schema())?;
    for rows in log {
        writer.write(rows?)?;
    }
    writer.finish()?;
    Ok(())
}

/// `ancestry.parquet`.
pub(crate) fn write_ancestry(
    folder: &TableFolder,
    patients: &[Patient],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    if let (Some(panel), Some(placements)) = (&outcome.context.panel, &outcome.placements) {
        let mut order: Vec<usize> = (0..patients.len()).collect();
        order.sort_by_key(|patient| &patients[*patient].id);
        let patients: Vec<Patient> = order.iter().map(|at| patients[*at].clone()).collect();
        let placements: Vec<Placement> = order.iter().map(|at| placements[*at].clone()).collect();
        let rows = ancestry_table(panel, &patients, &placements)?;
        write_table(folder, Table::ANCESTRY.name, rows)?;
    }
    Ok(())
}
