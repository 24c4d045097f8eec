//! The page of one patient.

mod glance;
mod quality;
mod risks;
mod variants;

use std::collections::BTreeMap;

use askama::Template;
use varisk_dossier::{Dossier, ScoreReference};

use crate::facts::{Fact, RunFacts};
use crate::svg::{Bar, contributions};
use crate::words;

use glance::Views;
pub(crate) use glance::{Card, without_known};
pub(crate) use quality::called_share;
pub(crate) use risks::{AbsoluteView, ModelView, NoValue, ScoreView};
pub(crate) use variants::VariantGroup;

/// Predictors of an explanation that are drawn; the others stand in the table.
const BARS: usize = 8;

/// How to read a distribution: by score and population.
pub(crate) type References = BTreeMap<(String, String), ScoreReference>;

/// What moves a result.
pub(crate) struct ExplanationView {
    pub(crate) item: String,
    pub(crate) plot: String,
    pub(crate) scale: String,
    pub(crate) base: String,
    pub(crate) rows: Vec<Fact>,
}

/// A gene of which the patient carries alleles that count.
pub(crate) struct BurdenRow {
    pub(crate) gene: String,
    pub(crate) alleles: u32,
    pub(crate) copies: u32,
    pub(crate) uncalled: u32,
}

/// The page of one patient.
#[derive(Template)]
#[template(path = "patient.html")]
pub(crate) struct PatientPage<'a> {
    pub(crate) style: &'static str,
    pub(crate) patient: &'a str,
    pub(crate) facts: &'a RunFacts,
    pub(crate) person: Vec<Fact>,
    pub(crate) cards: Vec<Card>,
    pub(crate) cautions: Vec<String>,
    pub(crate) known: Option<VariantGroup>,
    pub(crate) known_uncalled: u64,
    pub(crate) absolute: Vec<AbsoluteView>,
    pub(crate) scores: Vec<ScoreView>,
    pub(crate) models: Vec<ModelView>,
    pub(crate) not_computed: Vec<NoValue>,
    pub(crate) explanations: Vec<ExplanationView>,
    pub(crate) groups: Vec<VariantGroup>,
    pub(crate) burden: Vec<BurdenRow>,
    pub(crate) quality: Vec<Fact>,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

impl<'a> PatientPage<'a> {
    pub(crate) fn new(dossier: &'a Dossier, facts: &'a RunFacts, references: &References) -> Self {
        let known = facts
            .has_known_variants
            .then(|| variants::known(dossier, facts));
        let absolute = risks::absolute(dossier);
        let scores = risks::scores(dossier, references);
        let models = risks::models(dossier);
        let not_computed = risks::not_computed(dossier);
        let cautions = quality::cautions(dossier, facts);
        let known_uncalled = dossier
            .quality
            .as_ref()
            .and_then(|quality| quality.known_variants_uncalled)
            .unwrap_or(0);
        Self {
            style: crate::write::STYLE,
            patient: &dossier.patient,
            person: quality::person(dossier),
            cards: glance::cards(
                dossier,
                facts,
                &Views {
                    known: known.as_ref(),
                    absolute: &absolute,
                    scores: &scores,
                    models: &models,
                    not_computed: &not_computed,
                },
            ),
            cautions,
            known,
            known_uncalled,
            absolute,
            scores,
            models,
            not_computed,
            explanations: explanations(dossier),
            groups: variants::by_model(dossier, facts),
            burden: burden(dossier),
            quality: quality::facts(dossier),
            previous: None,
            next: None,
            facts,
        }
    }

    /// Whether the patient has items of a kind without a value.
    fn lacks(&self, kind: &str) -> bool {
        self.not_computed.iter().any(|item| item.kind == kind)
    }
}

fn explanations(dossier: &Dossier) -> Vec<ExplanationView> {
    let mut views: Vec<ExplanationView> = Vec::new();
    let rows = &dossier.explanations;
    for own in rows.chunk_by(|a, b| a.output == b.output) {
        let Some(first) = own.first() else { continue };
        let name = |predictor: &str, value: &Option<String>| match value {
            Some(value) => format!("{predictor} = {}", rounded(value)),
            None => format!("{predictor} (missing)"),
        };
        let bars: Vec<Bar> = own
            .iter()
            .take(BARS)
            .map(|row| Bar {
                name: name(&row.predictor, &row.value),
                contribution: row.contribution,
            })
            .collect();
        views.push(ExplanationView {
            item: first.output.clone(),
            plot: contributions(&bars),
            scale: words::plain(&first.scale),
            base: crate::format::significant(first.base),
            rows: own
                .iter()
                .map(|row| {
                    Fact::new(
                        row.predictor.clone(),
                        row.value
                            .as_deref()
                            .map_or_else(|| "missing".to_owned(), rounded),
                        crate::format::significant(row.contribution),
                    )
                })
                .collect(),
        });
    }
    views
}

/// A number among texts with three digits, other texts as they are.
fn rounded(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if text.len() > 6 => crate::format::significant(number),
        _ => text.to_owned(),
    }
}

fn burden(dossier: &Dossier) -> Vec<BurdenRow> {
    let counted = dossier.burden.iter().filter(|row| row.class == "lof");
    counted
        .map(|row| BurdenRow {
            gene: row.gene.clone(),
            alleles: row.alleles,
            copies: row.copies,
            uncalled: row.uncalled,
        })
        .collect()
}
