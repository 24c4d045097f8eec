//! Features of patients: what analyses give to patient models.

use std::collections::BTreeMap;

use crate::Reason;

/// A finite value, or the reason why there is none.
pub type FeatureValue = Result<f64, Reason>;

/// Features of all patients: for each name one value for each patient, in the run's patient order.
/// Names are dotted paths such as `burden.demo.pathogenicity.sum`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureTable(BTreeMap<String, Vec<FeatureValue>>);

impl FeatureTable {
    /// Adds a feature; a value that is not finite becomes [`Reason::NonFiniteScore`].
    pub fn insert(&mut self, name: String, values: Vec<FeatureValue>) {
        let finite = |value: FeatureValue| {
            value.and_then(|v| {
                if v.is_finite() {
                    Ok(v)
                } else {
                    Err(Reason::NonFiniteScore)
                }
            })
        };
        self.0
            .insert(name, values.into_iter().map(finite).collect());
    }

    /// Values of a feature, one for each patient.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[FeatureValue]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// All features, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[FeatureValue])> {
        self.0
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }
}
