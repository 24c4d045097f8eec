//! Labelled variants as a model sees them.

use std::collections::{BTreeMap, HashMap};

use super::config::SplitBy;
use super::label::Label;
use crate::TrainError;

/// Where a variant lies, as normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Contig.
    pub contig: String,
    /// Position, 1-based.
    pub position: u32,
    /// REF.
    pub reference: String,
    /// ALT.
    pub alternate: String,
}

/// One variant with its tensors, annotations not standardised.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantRow {
    /// Which of the data it comes from; variants of different references are different ones.
    pub source: usize,
    /// Where it lies.
    pub place: Place,
    /// Pathogenic, or benign.
    pub is_pathogenic: bool,
    /// Its gene.
    pub gene: Option<String>,
    /// What the baseline knows of it: its consequence, or its class where there are no consequences.
    pub term: Option<String>,
    /// Tokens of the reference window.
    pub reference_tokens: Vec<i64>,
    /// Tokens of the alternate window.
    pub alternate_tokens: Vec<i64>,
    /// Annotations, as the encoder gives them with a mean of 0 and a standard deviation of 1.
    pub annotation: Vec<f32>,
}

/// Labelled variants, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantRows {
    /// The variants, in the order of the data.
    pub rows: Vec<VariantRow>,
    /// Variants that were left out, by why.
    pub left_out: BTreeMap<String, u64>,
}

impl VariantRows {
    /// Counts a variant that is left out.
    pub fn leave_out(&mut self, why: &str, count: u64) {
        if count > 0 {
            *self.left_out.entry(why.to_owned()).or_default() += count;
        }
    }

    /// Counts a label that does not make a row.
    pub fn leave_out_label(&mut self, label: Label) {
        let why = match label {
            Label::Conflicting => "conflicting labels",
            Label::Other => "another label, or none",
            Label::NotAccepted => "not of a required value",
            Label::Pathogenic | Label::Benign => return,
        };
        self.leave_out(why, 1);
    }

    /// Keeps each variant once, and none that has both labels.
    pub fn settle(&mut self) {
        let mut seen: HashMap<(usize, Place), (usize, bool)> = HashMap::new();
        let mut keep = vec![true; self.rows.len()];
        let (mut repeated, mut conflicting) = (0, 0);
        for (at, row) in self.rows.iter().enumerate() {
            let key = (row.source, row.place.clone());
            match seen.get_mut(&key) {
                None => {
                    seen.insert(key, (at, true));
                }
                Some((first, agrees)) => {
                    keep[at] = false;
                    if self.rows[*first].is_pathogenic == row.is_pathogenic {
                        repeated += u64::from(*agrees);
                        conflicting += u64::from(!*agrees);
                    } else {
                        // The first one goes too, once.
                        conflicting += 1 + u64::from(*agrees);
                        *agrees = false;
                        keep[*first] = false;
                    }
                }
            }
        }
        let mut kept = keep.into_iter();
        self.rows.retain(|_| kept.next().unwrap_or(false));
        self.leave_out("the same variant once more", repeated);
        self.leave_out("conflicting labels", conflicting);
    }

    /// Number of pathogenic and of benign variants.
    #[must_use]
    pub fn classes(&self) -> (usize, usize) {
        let pathogenic = self.rows.iter().filter(|row| row.is_pathogenic).count();
        (pathogenic, self.rows.len() - pathogenic)
    }

    /// The name of the group of each row.
    #[must_use]
    pub fn group_names(&self, by: SplitBy) -> Vec<String> {
        let of = |(at, row): (usize, &VariantRow)| match by {
            SplitBy::Gene => row
                .gene
                .clone()
                .unwrap_or_else(|| format!("no gene on {}", row.place.contig)),
            SplitBy::Contig => row.place.contig.clone(),
            SplitBy::Random => at.to_string(),
        };
        self.rows.iter().enumerate().map(of).collect()
    }

    /// The same as numbers.
    #[must_use]
    pub fn groups(&self, by: SplitBy) -> Vec<usize> {
        let names = self.group_names(by);
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let of = |name| {
            let next = numbers.len();
            *numbers.entry(name).or_insert(next)
        };
        names.iter().map(String::as_str).map(of).collect()
    }

    /// Refuses what nothing can be learned from.
    ///
    /// # Errors
    /// A class has fewer than two variants.
    pub fn check(&self, field: &str) -> Result<(), TrainError> {
        let (pathogenic, benign) = self.classes();
        if pathogenic < 2 || benign < 2 {
            let left_out: Vec<String> = self
                .left_out
                .iter()
                .map(|(why, count)| format!("{why}: {count}"))
                .collect();
            return Err(TrainError::Outcome {
                column: field.to_owned(),
                detail: format!(
                    "gives {pathogenic} pathogenic and {benign} benign variants, and both classes need two or more (left out: {}); correct the values of label.pathogenic and label.benign, or the regions",
                    if left_out.is_empty() {
                        "none".to_owned()
                    } else {
                        left_out.join(", ")
                    }
                ),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(position: u32, is_pathogenic: bool) -> VariantRow {
        VariantRow {
            source: 0,
            place: Place {
                contig: "1".to_owned(),
                position,
                reference: "A".to_owned(),
                alternate: "C".to_owned(),
            },
            is_pathogenic,
            gene: (position > 5).then(|| "G".to_owned()),
            term: None,
            reference_tokens: Vec::new(),
            alternate_tokens: Vec::new(),
            annotation: Vec::new(),
        }
    }

    #[test]
    fn each_variant_once_and_none_in_conflict() {
        let mut rows = VariantRows {
            rows: vec![
                row(1, true),
                row(2, false),
                row(1, true),
                row(2, true),
                row(2, false),
                row(6, false),
                VariantRow {
                    source: 1,
                    ..row(1, false)
                },
            ],
            ..VariantRows::default()
        };
        rows.settle();
        let kept: Vec<u32> = rows.rows.iter().map(|row| row.place.position).collect();
        assert_eq!(kept, [1, 6, 1]);
        assert_eq!(rows.left_out["the same variant once more"], 1);
        assert_eq!(rows.left_out["conflicting labels"], 3);
        assert_eq!(rows.groups(SplitBy::Gene), [0, 1, 0]);
        assert_eq!(rows.groups(SplitBy::Random), [0, 1, 2]);
        assert_eq!(rows.groups(SplitBy::Contig), [0, 0, 0]);
        assert!(rows.check("CLNSIG").is_err());
    }
}
