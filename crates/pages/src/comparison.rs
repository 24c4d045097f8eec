//! The page of what changed between two runs.

use std::path::Path;

use askama::Template;
use varisk_comparison::{Change, Comparison, ItemState, Subject};

use crate::PageError;
use crate::facts::Fact;
use crate::format::{count, counted, significant};
use crate::patient::Card;
use crate::words;
use crate::write::{STYLE, render};

/// A change as a row of a table.
struct ChangeRow {
    patient: String,
    subject: String,
    detail: String,
    before: String,
    after: String,
    causes: Vec<String>,
    note: String,
    alerts: String,
}

/// Changes of one category.
struct Section {
    anchor: String,
    title: String,
    rows: Vec<ChangeRow>,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct ComparisonPage<'c> {
    style: &'static str,
    made: &'c str,
    program: String,
    cards: Vec<Card>,
    not_comparable: Vec<Fact>,
    warnings: &'c [String],
    alerts: Vec<Fact>,
    sections: Vec<Section>,
    left_out: u64,
    reclassifications: Vec<[String; 4]>,
    runs: Vec<[String; 3]>,
}

/// Writes `index.html` into a folder. `made` is the day of making as it stands in the footer.
///
/// # Errors
/// The file cannot be written.
pub fn write_comparison(
    comparison: &Comparison,
    folder: &Path,
    made: &str,
) -> Result<(), PageError> {
    let summary = &comparison.summary;
    let page = ComparisonPage {
        style: STYLE,
        made,
        program: format!("varisk {}", env!("CARGO_PKG_VERSION")),
        cards: cards(comparison),
        not_comparable: summary
            .not_comparable
            .iter()
            .map(|own| Fact::new(own.what.clone(), own.why.clone(), ""))
            .collect(),
        warnings: &summary.warnings,
        alerts: summary
            .alerts
            .iter()
            .map(|own| {
                Fact::new(
                    own.name.clone(),
                    words::plain(own.kind),
                    fires(own.changes, own.patients),
                )
            })
            .collect(),
        sections: sections(&comparison.list),
        left_out: comparison.list_left_out,
        reclassifications: summary
            .reclassifications
            .iter()
            .flatten()
            .map(|own| {
                let class = |class: &Option<String>| match class {
                    Some(class) => words::plain(class),
                    None => "not in the source".to_owned(),
                };
                [
                    own.source.clone(),
                    class(&own.from),
                    class(&own.to),
                    count(own.alleles),
                ]
            })
            .collect(),
        runs: runs(comparison),
    };
    render(&page, &folder.join("index.html"))
}

fn fires(changes: u64, patients: u64) -> String {
    if changes == 0 {
        return "does not fire".to_owned();
    }
    format!(
        "{} of {}",
        counted(changes, "change", "changes"),
        counted(patients, "patient", "patients")
    )
}

fn cards(comparison: &Comparison) -> Vec<Card> {
    let summary = &comparison.summary;
    let fired: u64 = summary.alerts.iter().map(|own| own.changes).sum();
    let reclassified = summary
        .changes
        .iter()
        .find(|own| own.category.name() == "reclassified");
    let reclassified = reclassified.map_or((0, 0), |own| (own.changes, own.patients));
    let patients = &summary.patients;
    let mut cards = vec![
        Card {
            label: "Alerts",
            headline: if summary.alerts.is_empty() {
                "No rule".to_owned()
            } else if fired == 0 {
                "None".to_owned()
            } else {
                counted(fired, "change", "changes")
            },
            detail: format!(
                "by {}",
                counted(summary.alerts.len() as u64, "rule", "rules")
            ),
            tone: match (summary.alerts.is_empty(), fired) {
                (true, _) => "unknown",
                (false, 0) => "good",
                (false, _) => "alert",
            },
            target: "alerts",
        },
        Card {
            label: "Reclassified variants",
            headline: match &summary.reclassifications {
                Some(_) => counted(reclassified.0, "change", "changes"),
                None => "Not compared".to_owned(),
            },
            detail: match &summary.reclassifications {
                Some(_) => format!("of {}", counted(reclassified.1, "patient", "patients")),
                None => "A run lacks classes or alleles".to_owned(),
            },
            tone: match (&summary.reclassifications, reclassified.0) {
                (None, _) => "unknown",
                (Some(_), 0) => "good",
                (Some(_), _) => "alert",
            },
            target: "changes",
        },
        Card {
            label: "Patients with a change",
            headline: format!("{} of {}", count(patients.changed), count(patients.both)),
            detail: format!(
                "{} in A only, {} in B only",
                count(patients.only_a),
                count(patients.only_b)
            ),
            tone: "",
            target: "changes",
        },
    ];
    if !summary.not_comparable.is_empty() {
        cards.push(Card {
            label: "Not comparable",
            headline: counted(summary.not_comparable.len() as u64, "part", "parts"),
            detail: "One of the runs lacks what is needed".to_owned(),
            tone: "unknown",
            target: "not-comparable",
        });
    }
    cards
}

fn sections(list: &[Change]) -> Vec<Section> {
    list.chunk_by(|a, b| a.category == b.category)
        .filter_map(|changes| {
            let category = changes.first()?.category;
            Some(Section {
                anchor: category.name().replace('_', "-"),
                title: words::capital(category.words()),
                rows: changes.iter().map(row).collect(),
            })
        })
        .collect()
}

fn row(change: &Change) -> ChangeRow {
    let (subject, detail) = match &change.subject {
        Subject::Patient => ("the patient as a whole".to_owned(), String::new()),
        Subject::Item { item } => (item.clone(), String::new()),
        Subject::Allele {
            contig,
            position,
            reference,
            alternate,
            gene,
        } => (
            gene.clone().unwrap_or_else(|| "no gene".to_owned()),
            format!(
                "{contig}:{} {}\u{2009}>\u{2009}{}",
                position,
                words::shortened(reference),
                words::shortened(alternate)
            ),
        ),
    };
    let side = |text: &Option<String>, value: Option<f64>, percentile: Option<f64>| {
        let mut parts: Vec<String> = text.iter().map(|text| words::plain(text)).collect();
        // Words that are the number are not said twice.
        if let Some(value) = value.filter(|_| {
            text.as_ref()
                .is_none_or(|text| text.parse::<f64>().is_err())
        }) {
            parts.push(significant(value));
        }
        parts.extend(percentile.map(|own| format!("{} percentile", crate::format::ordinal(own))));
        if parts.is_empty() {
            "–".to_owned()
        } else {
            parts.join(", ")
        }
    };
    ChangeRow {
        patient: change.patient.clone(),
        subject,
        detail: match (&change.by, detail.is_empty()) {
            (Some(by), true) => by.clone(),
            (Some(by), false) => format!("{detail}; by {by}"),
            (None, _) => detail,
        },
        before: side(
            &change.before,
            change.before_value,
            change.before_percentile,
        ),
        after: side(&change.after, change.after_value, change.after_percentile),
        causes: change.causes.iter().map(ToString::to_string).collect(),
        note: change.note.unwrap_or_default().to_owned(),
        alerts: change.alerts.join(", "),
    }
}

/// What differs between the runs: what, before, after.
fn runs(comparison: &Comparison) -> Vec<[String; 3]> {
    let runs = &comparison.summary.runs;
    let mut rows = vec![[
        "Record (SHA-256 of run.json)".to_owned(),
        crate::format::short_hash(&runs.a.sha256),
        crate::format::short_hash(&runs.b.sha256),
    ]];
    let none = || "none".to_owned();
    let texts = [("Program", &runs.program), ("ONNX Runtime", &runs.runtime)];
    for (name, own) in texts
        .into_iter()
        .filter_map(|(name, own)| Some((name, own.as_ref()?)))
    {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(none);
        rows.push([name.to_owned(), side(&own.before), side(&own.after)]);
    }
    for own in runs.knowledge.iter().chain(&runs.models) {
        let side = |own: &Option<ItemState>| match own {
            Some(own) => format!(
                "{}, SHA-256 {}",
                own.version,
                crate::format::short_hash(&own.sha256)
            ),
            None => none(),
        };
        rows.push([
            format!("{} {}", words::plain(&own.kind), own.name),
            side(&own.before),
            side(&own.after),
        ]);
    }
    for own in &runs.inputs {
        let side = |hashes: &[Option<String>]| {
            let hashes = hashes.iter().map(|own| match own {
                Some(hash) => crate::format::short_hash(hash),
                None => "no hash".to_owned(),
            });
            hashes.collect::<Vec<_>>().join(", ")
        };
        rows.push([
            format!("Input {}", words::plain(&own.role)),
            side(&own.before),
            side(&own.after),
        ]);
    }
    for own in &runs.parameters {
        rows.push([
            format!("Setting {}", own.name),
            own.before.to_string(),
            own.after.to_string(),
        ]);
    }
    rows
}
