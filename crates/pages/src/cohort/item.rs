//! One risk item over all patients.

use varisk_dossier::{Risk, State};

use crate::words;

/// States as the page's script knows them.
pub(super) const OK: u8 = 0;
pub(super) const FLAGGED: u8 = 1;
pub(super) const NO_VALUE: u8 = 2;

/// Values of an item, by row; what a patient does not have is NaN.
pub(super) struct Item {
    pub(super) kind: String,
    pub(super) meaning: String,
    pub(super) values: Vec<f32>,
    pub(super) percentiles: Vec<f32>,
    pub(super) coverage: Vec<f32>,
    pub(super) states: Vec<u8>,
}

impl Item {
    pub(super) fn new(risk: &Risk) -> Self {
        Self {
            kind: risk.kind.clone(),
            meaning: risk.meaning.clone(),
            values: Vec::new(),
            percentiles: Vec::new(),
            coverage: Vec::new(),
            states: Vec::new(),
        }
    }

    pub(super) fn observe(&mut self, row: usize, risk: &Risk) {
        self.pad(row);
        let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        let has_value = risk.state != State::NotComputed;
        self.values.push(number(risk.value.filter(|_| has_value)));
        self.percentiles
            .push(number(risk.percentile.filter(|_| has_value)));
        self.coverage.push(number(risk.coverage));
        self.states.push(match risk.state {
            State::Ok => OK,
            State::Flagged => FLAGGED,
            State::NotComputed => NO_VALUE,
        });
    }

    /// Fills up to a row, for patients without the item.
    pub(super) fn pad(&mut self, rows: usize) {
        for column in [&mut self.values, &mut self.percentiles, &mut self.coverage] {
            column.resize(rows, f32::NAN);
        }
        self.states.resize(rows, NO_VALUE);
    }

    /// What a table shows: percentiles where there are some, for a score says nothing by itself.
    pub(super) fn shown(&self) -> (&[f32], Shown) {
        if self.percentiles.iter().any(|value| value.is_finite()) {
            (&self.percentiles, Shown::Percentile)
        } else if self.is_share() {
            (&self.values, Shown::Share)
        } else {
            (&self.values, Shown::Number)
        }
    }

    pub(super) fn is_share(&self) -> bool {
        self.kind == "absolute_risk"
            || (self.kind == "patient_model" && self.meaning.contains("probability"))
    }

    /// Place among the columns: what says most first.
    pub(super) fn order(&self) -> u8 {
        match self.kind.as_str() {
            "absolute_risk" => 0,
            "patient_model" => 1,
            _ => 2,
        }
    }

    /// What the column says.
    pub(super) fn detail(&self) -> &'static str {
        match (self.kind.as_str(), self.shown().1) {
            (_, Shown::Percentile) => "percentile",
            ("absolute_risk", _) => "risk",
            ("polygenic_score", _) => "score",
            (_, Shown::Share) => "probability",
            _ => "result",
        }
    }
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Share,
    Percentile,
    Number,
}

/// A name for a heading: without the prefix of its kind.
pub(super) fn title(item: &str) -> String {
    if let Some(absolute) = item.strip_prefix("absolute.") {
        return words::plain(&absolute.replace('.', ", "));
    }
    words::plain(item.strip_prefix("polygenic.").unwrap_or(item))
}
