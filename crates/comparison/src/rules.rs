//! The rules by which a change raises an alert, and what counts as a change of a number.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ComparisonError;
use crate::significance::{PATHOGENIC, is_among};

/// Alert rules and tolerances, as a TOML file has them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What counts as a change of a number.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// The rules. Left out, those of [`AlertRule::defaults`]; an empty list is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Vec<AlertRule>>,
}

/// A number has changed if it differs by more than `absolute` and by more than `relative` times the
/// greater of both magnitudes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tolerance {
    /// Of values and scores, in their own unit.
    pub absolute: f64,
    /// Of values and scores, as a share.
    pub relative: f64,
    /// Of percentiles, in points of 0 to 100.
    pub percentile: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            absolute: 1e-9,
            // Models compute in 32 bits, and another device or library rounds differently.
            relative: 1e-5,
            percentile: 1e-6,
        }
    }
}

impl Tolerance {
    /// Whether two values differ.
    #[must_use]
    pub fn differ(&self, before: f64, after: f64) -> bool {
        if before.is_nan() || after.is_nan() {
            return before.is_nan() != after.is_nan();
        }
        let difference = (after - before).abs();
        difference > self.absolute && difference > self.relative * before.abs().max(after.abs())
    }

    /// Whether two percentiles differ.
    #[must_use]
    pub fn percentiles_differ(&self, before: f64, after: f64) -> bool {
        (after - before).abs() > self.percentile
    }
}

/// Which way a number goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From below the threshold to it or above.
    #[default]
    Up,
    /// From the threshold or above to below it.
    Down,
    /// Either way.
    Both,
}

/// Which number of a risk item is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The item's value.
    #[default]
    Value,
    /// Its percentile, 0 to 100.
    Percentile,
    /// The value in B less that in A, which is to reach the threshold in magnitude.
    AbsoluteChange,
}

/// When a change raises an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AlertRule {
    /// A risk item crosses a threshold. No number in A counts as below it, so that what could not be
    /// computed before and is high now is not passed over.
    RiskCrosses {
        /// Name of the rule.
        name: String,
        /// Risk items, `*` for any text and `?` for any character.
        item: String,
        /// The threshold.
        threshold: f64,
        /// Which way.
        #[serde(default)]
        direction: Direction,
        /// Which number.
        #[serde(default)]
        on: Measure,
    },
    /// An allele of these classes is reported for a patient in B, and was not in A: the patient's data
    /// show it now, or the source classifies it so now.
    NewPathogenic {
        /// Name of the rule.
        name: String,
        /// Classes of B.
        #[serde(default = "pathogenic")]
        classes: Vec<String>,
        /// Genes; left out, all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        genes: Option<BTreeSet<String>>,
    },
    /// A source puts a reported allele of a patient into another class. An allele that it does not
    /// have is in no class, for which the word is `none`.
    Reclassified {
        /// Name of the rule.
        name: String,
        /// Classes of A; left out, all that are not among `to`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Vec<String>>,
        /// Classes of B; left out, all that are not among `from`. With both left out: into or out of
        /// the pathogenic classes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Vec<String>>,
        /// Genes; left out, all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        genes: Option<BTreeSet<String>>,
    },
    /// The state of a risk item changes.
    StateChanged {
        /// Name of the rule.
        name: String,
        /// Risk items, with `*` and `?`.
        #[serde(default = "any")]
        item: String,
    },
    /// A patient of A is not in B.
    PatientMissing {
        /// Name of the rule.
        name: String,
    },
}

fn pathogenic() -> Vec<String> {
    PATHOGENIC.map(str::to_owned).to_vec()
}

fn any() -> String {
    "*".to_owned()
}

impl Rules {
    /// Rules from the text of a TOML file.
    ///
    /// # Errors
    /// It is no TOML, has an unknown or missing key, or a rule makes no sense.
    pub fn parse(text: &str) -> Result<Self, ComparisonError> {
        let rules: Self = toml::from_str(text).map_err(|error| ComparisonError::Rules {
            // Without the excerpt, which is of several lines: a message is one.
            detail: error.message().trim_end().replace('\n', " "),
        })?;
        rules.check()?;
        Ok(rules)
    }

    /// Whether the rules make sense.
    ///
    /// # Errors
    /// A name is empty or there twice, a list is empty, or a number is out of its range.
    pub fn check(&self) -> Result<(), ComparisonError> {
        let tolerance = &self.tolerance;
        for (setting, value) in [
            ("absolute", tolerance.absolute),
            ("relative", tolerance.relative),
            ("percentile", tolerance.percentile),
        ] {
            if !value.is_finite() || value < 0.0 {
                return Err(ComparisonError::Tolerance { setting, value });
            }
        }
        let mut names = BTreeSet::new();
        for rule in self.alert.iter().flatten() {
            let wrong = rule.wrong().or_else(|| {
                (!names.insert(rule.name()))
                    .then_some("the name is there twice; names tell alerts apart in the table")
            });
            if let Some(detail) = wrong {
                return Err(ComparisonError::Rule {
                    rule: rule.name().to_owned(),
                    detail: detail.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The rules in force.
    #[must_use]
    pub fn in_force(&self) -> Vec<AlertRule> {
        self.alert.clone().unwrap_or_else(AlertRule::defaults)
    }
}

impl AlertRule {
    /// The rules where none are given: new pathogenic alleles, and alleles that came into the
    /// pathogenic classes or left them.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::Reclassified {
                name: "reclassified_up".to_owned(),
                from: None,
                to: Some(pathogenic()),
                genes: None,
            },
            Self::Reclassified {
                name: "reclassified_down".to_owned(),
                from: Some(pathogenic()),
                to: None,
                genes: None,
            },
            Self::NewPathogenic {
                name: "new_pathogenic".to_owned(),
                classes: pathogenic(),
                genes: None,
            },
        ]
    }

    /// Name of the rule.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::RiskCrosses { name, .. }
            | Self::NewPathogenic { name, .. }
            | Self::Reclassified { name, .. }
            | Self::StateChanged { name, .. }
            | Self::PatientMissing { name } => name,
        }
    }

    /// Its kind, as the file has it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RiskCrosses { .. } => "risk_crosses",
            Self::NewPathogenic { .. } => "new_pathogenic",
            Self::Reclassified { .. } => "reclassified",
            Self::StateChanged { .. } => "state_changed",
            Self::PatientMissing { .. } => "patient_missing",
        }
    }

    /// Pattern of the risk items that the rule is about.
    #[must_use]
    pub fn item(&self) -> Option<&str> {
        match self {
            Self::RiskCrosses { item, .. } | Self::StateChanged { item, .. } => Some(item),
            _ => None,
        }
    }

    /// Genes that the rule is limited to.
    #[must_use]
    pub fn genes(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::NewPathogenic { genes, .. } | Self::Reclassified { genes, .. } => genes.as_ref(),
            _ => None,
        }
    }

    fn wrong(&self) -> Option<&'static str> {
        // The table joins names by semicolons.
        if self.name().trim().is_empty() || self.name().contains(';') {
            return Some("give it a name without semicolon");
        }
        if self.item() == Some("") {
            return Some("item is empty; name risk items, or * for all");
        }
        if self.genes().is_some_and(BTreeSet::is_empty) {
            return Some("genes is empty; name some, or leave it out for all");
        }
        match self {
            Self::RiskCrosses { threshold, .. } if !threshold.is_finite() => {
                Some("threshold is not finite; give a number")
            }
            Self::RiskCrosses {
                threshold,
                on: Measure::Percentile,
                ..
            } if !(0.0..=100.0).contains(threshold) => {
                Some("threshold is no percentile; give a number from 0 to 100")
            }
            Self::RiskCrosses {
                threshold,
                on: Measure::AbsoluteChange,
                ..
            } if *threshold <= 0.0 => {
                Some("threshold of a change is a magnitude; give a number above 0 and a direction")
            }
            Self::NewPathogenic { classes, .. } if classes.is_empty() => {
                Some("classes is empty; name some, or leave it out")
            }
            Self::Reclassified { from, to, .. }
                if [from, to].into_iter().flatten().any(Vec::is_empty) =>
            {
                Some("from or to is empty; name classes, or leave it out")
            }
            _ => None,
        }
    }

    /// Whether an allele of a patient is new among the classes of the rule.
    pub(crate) fn is_newly_among(&self, before: Option<&str>, after: Option<&str>) -> bool {
        let Self::NewPathogenic { classes, .. } = self else {
            return false;
        };
        let is_among = |class: Option<&str>| class.is_some_and(|class| is_among(class, classes));
        is_among(after) && !is_among(before)
    }

    /// Whether a change of class fires the rule; none is an allele that the source does not have.
    pub(crate) fn fires_on_classes(&self, before: Option<&str>, after: Option<&str>) -> bool {
        let Self::Reclassified { from, to, .. } = self else {
            return false;
        };
        let (before, after) = (before.unwrap_or(NO_CLASS), after.unwrap_or(NO_CLASS));
        if before == after {
            return false;
        }
        match (from, to) {
            (None, None) => is_among(before, &PATHOGENIC) != is_among(after, &PATHOGENIC),
            (Some(from), None) => is_among(before, from) && !is_among(after, from),
            (None, Some(to)) => !is_among(before, to) && is_among(after, to),
            (Some(from), Some(to)) => is_among(before, from) && is_among(after, to),
        }
    }
}

/// The word for the class of an allele that a source does not have.
pub(crate) const NO_CLASS: &str = "none";

impl Direction {
    /// Whether a number crosses a threshold this way.
    pub(crate) fn is_crossed(
        self,
        before: Option<f64>,
        after: Option<f64>,
        threshold: f64,
    ) -> bool {
        let up = after.is_some_and(|after| after >= threshold)
            && before.is_none_or(|before| before < threshold);
        let down = matches!((before, after), (Some(before), Some(after)) if before >= threshold && after < threshold);
        match self {
            Self::Up => up,
            Self::Down => down,
            Self::Both => up || down,
        }
    }

    /// Whether a change reaches a magnitude this way.
    pub(crate) fn is_reached(self, before: Option<f64>, after: Option<f64>, least: f64) -> bool {
        let (Some(before), Some(after)) = (before, after) else {
            return false;
        };
        let change = after - before;
        match self {
            Self::Up => change >= least,
            Self::Down => -change >= least,
            Self::Both => change.abs() >= least,
        }
    }
}

#[cfg(test)]
mod tests;
