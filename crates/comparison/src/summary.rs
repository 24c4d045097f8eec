//! What a comparison found, in counts. No patient is named here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::table::cause_kinds;
use crate::{AlertRule, Category, Change, FileState, NamedDifference, RunDifferences};

/// Patients of both runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PatientCounts {
    /// In both.
    pub both: u64,
    /// In A only.
    pub only_a: u64,
    /// In B only.
    pub only_b: u64,
    /// With at least one change, those of one run included.
    pub changed: u64,
}

/// Changes of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CategoryCount {
    /// The category.
    pub category: Category,
    /// Its changes.
    pub changes: u64,
    /// Patients with such a change.
    pub patients: u64,
}

/// How often a rule fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertCount {
    /// Name of the rule.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Changes at which it fired.
    pub changes: u64,
    /// Patients of these.
    pub patients: u64,
}

/// Alleles that a source put from one class into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reclassification {
    /// Name of the source in B.
    pub source: String,
    /// Class in A; null where the source did not have the allele.
    pub from: Option<String>,
    /// Class in B; null where the source does not have the allele.
    pub to: Option<String>,
    /// Alleles of both variants tables, whoever carries them.
    pub alleles: u64,
}

/// What could not be compared. It is not the same as "nothing changed".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotComparable {
    /// What: a table, source or model.
    pub what: String,
    /// Why, in words.
    pub why: String,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What differs between the runs.
    pub runs: RunDifferences,
    /// The patients.
    pub patients: PatientCounts,
    /// Changes by category, in their order; categories without a change have 0.
    pub changes: Vec<CategoryCount>,
    /// Changes by the kinds of their possible causes.
    pub causes: BTreeMap<String, u64>,
    /// Classes of alleles, whoever carries them; empty where none changed, null where they could not
    /// be compared.
    pub reclassifications: Option<Vec<Reclassification>>,
    /// Alleles of the variants tables: in both.
    pub alleles_in_both: Option<u64>,
    /// The rules.
    pub alerts: Vec<AlertCount>,
    /// What could not be compared.
    pub not_comparable: Vec<NotComparable>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Summary {
    /// The summary as lines of text. They hold counts, and no patient.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.run_lines();
        let patients = &self.patients;
        lines.push(format!(
            "patients: {} in both runs, {} in A only, {} in B only; {} with a change",
            patients.both, patients.only_a, patients.only_b, patients.changed
        ));
        for own in self.changes.iter().filter(|own| own.changes > 0) {
            let (words, name) = (own.category.words(), own.category.name());
            lines.push(format!(
                "{words} ({name}): {} of {}",
                own.changes,
                patients_word(own.patients)
            ));
        }
        if self.changes.iter().all(|own| own.changes == 0) {
            lines.push("no change of a patient in what could be compared".to_owned());
        }
        for own in self.reclassifications.iter().flatten() {
            let class = |class: &Option<String>| {
                class
                    .clone()
                    .unwrap_or_else(|| format!("not in {}", own.source))
            };
            lines.push(format!(
                "{}: {} -> {}: {}, whoever carries them",
                own.source,
                class(&own.from),
                class(&own.to),
                counted(own.alleles, "allele", "alleles"),
            ));
        }
        for alert in &self.alerts {
            lines.push(format!(
                "alert '{}' ({}): {} of {}",
                alert.name,
                alert.kind,
                alert.changes,
                patients_word(alert.patients)
            ));
        }
        for own in &self.not_comparable {
            lines.push(format!("not comparable: {}: {}", own.what, own.why));
        }
        lines.extend(self.warnings.iter().map(|own| format!("warning: {own}")));
        lines
    }

    fn run_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let runs = &self.runs;
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        if let Some(own) = &runs.program {
            lines.push(format!(
                "varisk: {} -> {}",
                word(&own.before),
                word(&own.after)
            ));
        }
        if let Some(own) = &runs.runtime {
            let (before, after) = (word(&own.before), word(&own.after));
            lines.push(format!("ONNX Runtime: {before} -> {after}"));
        }
        for input in &runs.inputs {
            let state = match input.state {
                FileState::Changed => "other content",
                FileState::Unknown => "without a hash: cannot be told to be the same",
            };
            lines.push(format!("input {}: {state}", input.role));
        }
        lines.extend(runs.knowledge.iter().map(|own| difference("source", own)));
        lines.extend(runs.models.iter().map(|own| difference("model", own)));
        for own in &runs.parameters {
            lines.push(format!(
                "parameter {}: {} -> {}",
                own.name, own.before, own.after
            ));
        }
        if lines.is_empty() {
            lines.push(
                "the runs do not differ in program, inputs, knowledge, models or parameters"
                    .to_owned(),
            );
        }
        lines
    }
}

fn difference(what: &str, own: &NamedDifference) -> String {
    let name = format!("{what} {} ({})", own.name, own.kind);
    match (&own.before, &own.after) {
        (Some(before), Some(after)) if before.version != after.version => {
            format!("{name}: {} -> {}", before.version, after.version)
        }
        (Some(before), Some(_)) => {
            format!("{name}: {} with other content or device", before.version)
        }
        (Some(before), None) => format!("{name}: {} in A only", before.version),
        (None, Some(after)) => format!("{name}: {} in B only", after.version),
        (None, None) => name,
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn patients_word(count: u64) -> String {
    counted(count, "patient", "patients")
}

/// A change of class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClassChange {
    pub(crate) source: String,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

/// Changes of class of the alleles of both variants tables.
#[derive(Debug, Default)]
pub(crate) struct ClassCounts {
    /// Alleles in both tables.
    pub(crate) alleles: u64,
    pub(crate) changes: BTreeMap<ClassChange, u64>,
}

/// Counts changes as they come, patient by patient.
pub(crate) struct Counter {
    categories: Vec<CategoryCount>,
    alerts: Vec<AlertCount>,
    causes: BTreeMap<String, u64>,
    changed: u64,
}

impl Counter {
    pub(crate) fn new(rules: &[AlertRule]) -> Self {
        Self {
            categories: Category::ALL
                .map(|category| CategoryCount {
                    category,
                    changes: 0,
                    patients: 0,
                })
                .into(),
            alerts: rules
                .iter()
                .map(|rule| AlertCount {
                    name: rule.name().to_owned(),
                    kind: rule.kind(),
                    changes: 0,
                    patients: 0,
                })
                .collect(),
            causes: BTreeMap::new(),
            changed: 0,
        }
    }

    /// Counts all changes of one patient.
    pub(crate) fn count(&mut self, changes: &[Change]) {
        self.changed += u64::from(!changes.is_empty());
        for own in &mut self.categories {
            let of_it = changes.iter().filter(|it| it.category == own.category);
            let count = of_it.count() as u64;
            own.changes += count;
            own.patients += u64::from(count > 0);
        }
        for own in &mut self.alerts {
            let fired = changes.iter().filter(|it| it.alerts.contains(&own.name));
            let count = fired.count() as u64;
            own.changes += count;
            own.patients += u64::from(count > 0);
        }
        for change in changes {
            *self.causes.entry(cause_kinds(&change.causes)).or_default() += 1;
        }
    }

    pub(crate) fn summary(
        self,
        runs: RunDifferences,
        mut patients: PatientCounts,
        classes: Option<ClassCounts>,
        not_comparable: Vec<NotComparable>,
        warnings: BTreeSet<String>,
    ) -> Summary {
        patients.changed = self.changed;
        let row = |(change, alleles): (ClassChange, u64)| Reclassification {
            source: change.source,
            from: change.from,
            to: change.to,
            alleles,
        };
        let alleles = classes.as_ref().map(|own| own.alleles);
        Summary {
            runs,
            patients,
            changes: self.categories,
            causes: self.causes,
            reclassifications: classes.map(|own| own.changes.into_iter().map(row).collect()),
            alleles_in_both: alleles,
            alerts: self.alerts,
            not_comparable,
            warnings: warnings.into_iter().collect(),
        }
    }
}
