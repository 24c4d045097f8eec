//! The page of the cohort.

use askama::Template;
use varisk_dossier::RunFolder;

use super::Cohort;
use super::data::{DataColumn, Linked, Values, data};
use super::item::{FLAGGED, Item, NO_VALUE, OK, Shown, title};
use super::outliers::{NOTE, Quality, outliers};
use crate::PageError;
use crate::facts::{Fact, RunFacts};
use crate::format::{count, counted, percent, significant};
use crate::patient::{Card, without_known};
use crate::svg::{Histogram, histogram};
use crate::words;
use crate::write::{STYLE, page_path};

/// Patients of the table that stands in the page itself, for those who read it without scripts.
const STATIC_ROWS: usize = 100;
/// Items that have a column and a distribution; all have a row in the table of coverage.
const MOST_COLUMNS: usize = 40;
/// Outliers that are listed.
const MOST_OUTLIERS: usize = 50;

pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) detail: String,
    pub(crate) is_number: bool,
}

pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) is_number: bool,
}

pub(crate) struct PatientRow {
    pub(crate) patient: String,
    pub(crate) page: String,
    pub(crate) cells: Vec<Cell>,
}

pub(crate) struct Distribution {
    pub(crate) name: String,
    pub(crate) plot: String,
    pub(crate) note: String,
}

pub(crate) struct ItemRow {
    pub(crate) name: String,
    pub(crate) meaning: String,
    pub(crate) ok: String,
    pub(crate) flagged: String,
    pub(crate) without: String,
    pub(crate) median_coverage: String,
    pub(crate) least_coverage: String,
}

pub(crate) struct OutlierRow {
    pub(crate) patient: String,
    pub(crate) page: String,
    pub(crate) what: String,
}

pub(crate) struct DriftRow {
    pub(crate) model: String,
    pub(crate) predictor: String,
    pub(crate) missing: String,
    pub(crate) outside: String,
    pub(crate) index: String,
}

/// The page of the cohort.
#[derive(Template)]
#[template(path = "cohort.html")]
pub(crate) struct CohortPage<'f> {
    style: &'static str,
    script: &'static str,
    facts: &'f RunFacts,
    patients: String,
    rows_in_all: usize,
    cards: Vec<Card>,
    table_note: String,
    columns: Vec<Column>,
    rows: Vec<PatientRow>,
    distributions: Vec<Distribution>,
    items: Vec<ItemRow>,
    reasons: Vec<Fact>,
    outliers: Vec<OutlierRow>,
    outliers_left: usize,
    outlier_note: &'static str,
    counts: Vec<Fact>,
    drift: Vec<DriftRow>,
    timings: Vec<Fact>,
    data: String,
}

impl<'f> CohortPage<'f> {
    pub(super) fn new(
        mut cohort: Cohort,
        facts: &'f RunFacts,
        run: &RunFolder,
    ) -> Result<Self, PageError> {
        let number = cohort.patients.len();
        for item in cohort.items.values_mut() {
            item.pad(number);
        }
        let attention = outliers(&cohort.quality);
        let call_rates: Vec<f32> = cohort.quality.iter().map(Quality::called).collect();
        let mut ordered: Vec<(&String, &Item)> = cohort.items.iter().collect();
        ordered.sort_by_key(|(_, item)| item.order());
        let left_out = ordered.len().saturating_sub(MOST_COLUMNS);
        ordered.truncate(MOST_COLUMNS);
        let columns = table_columns(&cohort, facts, &ordered, &attention, &call_rates);
        let all_linked = cohort.linked.len() == number;
        let linked = if all_linked {
            Linked::All
        } else {
            Linked::Some(&cohort.linked)
        };
        let page = |row: usize| {
            let number = u32::try_from(row).unwrap_or(u32::MAX);
            let is_linked = all_linked || cohort.linked.binary_search(&number).is_ok();
            if is_linked {
                page_path(row as u64 + 1)
            } else {
                String::new()
            }
        };
        let rows = (0..number.min(STATIC_ROWS))
            .map(|row| PatientRow {
                patient: cohort.patients[row].clone(),
                page: page(row),
                cells: columns.iter().map(|column| cell(column, row)).collect(),
            })
            .collect();
        let mut table_note = if number > STATIC_ROWS {
            format!(
                "The first {STATIC_ROWS} of {}, by name; with scripts allowed all of them can be sorted and searched here. All stand in risk.parquet.",
                counted(number as u64, "patient", "patients")
            )
        } else {
            "All patients, by name. A mark ⚠ stands beside a value to take with care.".to_owned()
        };
        if left_out > 0 {
            table_note.push_str(&format!(" {left_out} further risk items have no column here; they stand in risk.parquet and on the patients' pages."));
        }
        let heads = std::iter::once(Column {
            name: "Patient".to_owned(),
            detail: String::new(),
            is_number: false,
        });
        let heads = heads.chain(columns.iter().map(|column| Column {
            name: column.name.clone(),
            detail: column.detail.clone(),
            is_number: !matches!(column.values, Values::Texts(..)),
        }));
        let outlier_rows = attention
            .iter()
            .take(MOST_OUTLIERS)
            .map(|(row, what)| OutlierRow {
                patient: cohort.patients[*row as usize].clone(),
                page: page(*row as usize),
                what: what.clone(),
            });
        Ok(Self {
            style: STYLE,
            script: include_str!("../../templates/cohort.js"),
            facts,
            patients: counted(number as u64, "patient", "patients"),
            rows_in_all: number + 1,
            cards: cards(&cohort, facts, attention.len()),
            table_note,
            columns: heads.collect(),
            rows,
            distributions: distributions(&ordered),
            items: cohort
                .items
                .iter()
                .map(|(name, item)| item_row(name, item))
                .collect(),
            reasons: reasons(&cohort),
            outliers: outlier_rows.collect(),
            outliers_left: attention.len().saturating_sub(MOST_OUTLIERS),
            outlier_note: NOTE,
            counts: counts(run),
            drift: drift(run),
            timings: timings(run),
            data: data(
                &cohort.patients,
                &linked,
                &columns,
                &cohort.genes,
                &attention,
            )?,
        })
    }
}

fn table_columns<'c>(
    cohort: &'c Cohort,
    facts: &RunFacts,
    items: &[(&'c String, &'c Item)],
    attention: &'c [(u32, String)],
    call_rates: &'c [f32],
) -> Vec<DataColumn<'c>> {
    let mut columns = Vec::new();
    if facts.has_known_variants {
        columns.push(DataColumn {
            name: "Known".to_owned(),
            detail: "variants".to_owned(),
            values: Values::Counts(&cohort.known),
        });
        columns.push(DataColumn {
            name: "Genes".to_owned(),
            detail: "of these".to_owned(),
            values: Values::Texts("genes", &cohort.genes),
        });
    }
    columns.extend(items.iter().map(|(name, item)| {
        let (values, shown) = item.shown();
        DataColumn {
            name: words::capital(&title(name)),
            detail: item.detail().to_owned(),
            values: Values::Numbers(values, Some(&item.states), shown),
        }
    }));
    if facts.has_quality {
        columns.push(DataColumn {
            name: "Called".to_owned(),
            detail: "of all alleles".to_owned(),
            values: Values::Numbers(call_rates, None, Shown::Share),
        });
        columns.push(DataColumn {
            name: "Look at".to_owned(),
            detail: "quality".to_owned(),
            values: Values::Texts("attention", attention),
        });
    }
    columns
}

fn cell(column: &DataColumn<'_>, row: usize) -> Cell {
    let text = match &column.values {
        Values::Counts(counts) => count(u64::from(counts[row])),
        Values::Texts(_, texts) => {
            let place = texts.binary_search_by_key(&row, |(row, _)| *row as usize);
            place.map_or_else(|_| "–".to_owned(), |place| texts[place].1.clone())
        }
        Values::Numbers(values, states, shown) => {
            let state = states.map_or(OK, |states| states[row]);
            let value = f64::from(values[row]);
            let mut text = match shown {
                _ if !value.is_finite() && state == NO_VALUE => "no value".to_owned(),
                _ if !value.is_finite() => "–".to_owned(),
                Shown::Share => percent(value),
                Shown::Percentile if value < 0.5 => "<\u{2009}1".to_owned(),
                Shown::Percentile if value >= 99.5 => ">\u{2009}99".to_owned(),
                Shown::Percentile => format!("{value:.0}"),
                Shown::Number => significant(value),
            };
            if state == FLAGGED && value.is_finite() {
                text.push_str(" ⚠");
            }
            text
        }
    };
    Cell {
        text,
        is_number: !matches!(column.values, Values::Texts(..)),
    }
}

fn cards(cohort: &Cohort, facts: &RunFacts, attention: usize) -> Vec<Card> {
    let patients = cohort.patients.len() as u64;
    let carriers = cohort.known.iter().filter(|number| **number > 0).count() as u64;
    let sources: Vec<String> = facts
        .clinical_sources
        .iter()
        .map(|(name, release)| format!("{name} {release}"))
        .collect();
    let known = if facts.has_known_variants {
        Card {
            label: facts.known_title,
            headline: format!("{} of {}", count(carriers), count(patients)),
            detail: format!(
                "{}, by {}",
                words::capital(&facts.reported_classes),
                sources.join(", ")
            ),
            tone: match (carriers, cohort.unchecked) {
                (0, 0) => "good",
                (0, _) => "unknown",
                _ => "alert",
            },
            target: "list",
        }
    } else {
        Card {
            label: facts.known_title,
            headline: "Not looked up".to_owned(),
            detail: without_known(facts),
            tone: "unknown",
            target: "list",
        }
    };
    let states = cohort.items.values().flat_map(|item| &item.states);
    let (mut without, mut flagged, mut all) = (0u64, 0u64, 0u64);
    for state in states {
        all += 1;
        without += u64::from(*state == NO_VALUE);
        flagged += u64::from(*state == FLAGGED);
    }
    let items = Card {
        label: "Values of risk items",
        headline: format!("{} of {}", count(all - without), count(all)),
        detail: format!(
            "{}; {} without a value, {} to take with care",
            counted(cohort.items.len() as u64, "item", "items"),
            count(without),
            count(flagged)
        ),
        tone: if without + flagged > 0 {
            "unknown"
        } else {
            "good"
        },
        target: "coverage",
    };
    let mut cards = vec![known, items];
    if facts.has_quality {
        cards.push(Card {
            label: "Quality outliers",
            headline: counted(attention as u64, "patient", "patients"),
            detail: "By sex, call rate, ratios, reads, training range".to_owned(),
            tone: if attention > 0 { "unknown" } else { "good" },
            target: "quality",
        });
    }
    cards.push(Card {
        label: "Cohort",
        headline: counted(patients, "patient", "patients"),
        detail: format!("Genome build {}", facts.build),
        tone: "",
        target: "origin",
    });
    cards
}

fn distributions(items: &[(&String, &Item)]) -> Vec<Distribution> {
    items
        .iter()
        .filter_map(|(name, item)| {
            let (values, shown) = item.shown();
            let own = Histogram::new(values.to_vec())?;
            let is_share = shown == Shown::Share;
            let text = |value: f64| {
                if is_share {
                    percent(value)
                } else {
                    significant(value)
                }
            };
            let what = match shown {
                Shown::Percentile => "Percentiles in the most similar population of the panel",
                Shown::Share => "Risk",
                Shown::Number => "Value",
            };
            Some(Distribution {
                name: words::capital(&title(name)),
                plot: histogram(&own, is_share),
                note: format!(
                    "{what} of {}; half of them between {} and {}.",
                    counted(own.number, "patient", "patients"),
                    text(own.quartiles.0),
                    text(own.quartiles.1)
                ),
            })
        })
        .collect()
}

fn item_row(name: &str, item: &Item) -> ItemRow {
    let with = |state: u8| item.states.iter().filter(|own| **own == state).count() as u64;
    let mut coverage: Vec<f32> = item
        .coverage
        .iter()
        .copied()
        .filter(|own| own.is_finite())
        .collect();
    coverage.sort_unstable_by(f32::total_cmp);
    let share =
        |value: Option<&f32>| value.map_or_else(|| "–".to_owned(), |own| percent(f64::from(*own)));
    ItemRow {
        name: name.to_owned(),
        meaning: item.meaning.clone(),
        ok: count(with(OK)),
        flagged: count(with(FLAGGED)),
        without: count(with(NO_VALUE)),
        median_coverage: share(coverage.get(coverage.len() / 2)),
        least_coverage: share(coverage.first()),
    }
}

fn reasons(cohort: &Cohort) -> Vec<Fact> {
    cohort
        .reasons
        .iter()
        .map(|((item, reason), number)| {
            Fact::new(
                item.clone(),
                format!("{} ({reason})", words::capital(&words::reason(reason))),
                count(*number),
            )
        })
        .collect()
}

fn counts(run: &RunFolder) -> Vec<Fact> {
    // What came in, what was scored, what was not and why, then kinds of alleles.
    let order = |name: &str| match name.split_once('=') {
        None => u8::from(name.starts_with("score.")),
        Some((what, _)) => 2 + u8::from(!what.starts_with("reason")),
    };
    let mut counts: Vec<(&String, &u64)> = run.record().counts.iter().collect();
    counts.sort_by_key(|(name, _)| order(name));
    counts
        .into_iter()
        .map(|(name, number)| {
            let (what, detail) = match name.split_once('=') {
                Some((what, value)) if what.starts_with("reason") => {
                    let model = what.strip_prefix("reason.");
                    let title = match model {
                        Some(model) => format!("Without a score of {model}"),
                        None => "Cannot be scored".to_owned(),
                    };
                    (format!("{title}: {}", words::reason(value)), name.clone())
                }
                Some((_, class)) => (format!("Class {}", words::plain(class)), String::new()),
                None => match name.strip_prefix("score.") {
                    Some(output) => (format!("Scored by {output}"), String::new()),
                    None => (words::capital(&words::plain(name)), String::new()),
                },
            };
            Fact::new(what, count(*number), detail)
        })
        .collect()
}

fn drift(run: &RunFolder) -> Vec<DriftRow> {
    let models = run.record().drift.iter();
    models
        .flat_map(|model| {
            model.predictors.iter().map(|own| DriftRow {
                model: model.model.clone(),
                predictor: own.name.clone(),
                missing: percent(own.missing),
                outside: count(own.outside),
                index: own
                    .stability_index
                    .map_or_else(|| "–".to_owned(), significant),
            })
        })
        .collect()
}

fn timings(run: &RunFolder) -> Vec<Fact> {
    let record = run.record();
    let seconds = |value: f64| format!("{}\u{a0}s", significant(value));
    let mut facts = vec![Fact::new("Wall time", seconds(record.wall_seconds), "")];
    let mut stages: Vec<_> = record.timings.iter().collect();
    stages.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    facts.extend(stages.into_iter().map(|own| {
        Fact::new(
            words::capital(&words::plain(&own.stage)),
            seconds(own.seconds),
            "",
        )
    }));
    facts
}
