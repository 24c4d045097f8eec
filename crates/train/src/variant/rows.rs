//! Labelled variants as a model sees them.

use std::collections::{BTreeMap, HashMap};

use varisk_core::canonical_name;

use super::config::SplitBy;
use super::label::Label;
use crate::TrainError;

/// Fewest variants of a class, however few folds there are.
const LEAST_OF_CLASS: usize = 10;

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
    /// Which of the data it comes from.
    pub source: usize,
    /// The first of the data on the same reference: variants of different references are different
    /// ones.
    pub reference: usize,
    /// Where it lies.
    pub place: Place,
    /// Pathogenic, or benign.
    pub is_pathogenic: bool,
    /// Its genes: of the label's field, and of the chosen consequence. Variants that share one are
    /// never parted.
    pub genes: Vec<String>,
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
            let key = (row.reference, row.place.clone());
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

    /// The name of the group of each row: its gene, or the commonest of the genes that are linked by
    /// variants which belong to several; its contig; or its number.
    #[must_use]
    pub fn group_names(&self, by: SplitBy) -> Vec<String> {
        let contig = |row: &VariantRow| canonical_name(&row.place.contig).to_owned();
        match by {
            SplitBy::Contig => self.rows.iter().map(contig).collect(),
            SplitBy::Random => (0..self.rows.len()).map(|at| at.to_string()).collect(),
            SplitBy::Gene => {
                let names = linked(self.rows.iter().map(|row| row.genes.as_slice()));
                let named = self.rows.iter().zip(names);
                named
                    .map(|(row, name)| {
                        name.unwrap_or_else(|| format!("no gene on {}", contig(row)))
                    })
                    .collect()
            }
        }
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
    /// A class has fewer than twice as many variants as there are folds, or fewer than ten.
    pub fn check(&self, field: &str, folds: usize) -> Result<(), TrainError> {
        let (pathogenic, benign) = self.classes();
        let least = LEAST_OF_CLASS.max(2 * folds);
        if pathogenic < least || benign < least {
            let left_out: Vec<String> = self
                .left_out
                .iter()
                .map(|(why, count)| format!("{why}: {count}"))
                .collect();
            return Err(TrainError::Outcome {
                column: field.to_owned(),
                detail: format!(
                    "gives {pathogenic} pathogenic and {benign} benign variants, and {folds} folds need {least} or more of each (left out: {}); correct the values of label.pathogenic and label.benign, or give more variants",
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

/// For each list of genes the commonest gene of those that it is linked with, through lists that share
/// a gene; `None` for an empty list.
fn linked<'a>(lists: impl Iterator<Item = &'a [String]> + Clone) -> Vec<Option<String>> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut parents: Vec<usize> = Vec::new();
    fn root(parents: &mut [usize], mut at: usize) -> usize {
        while parents[at] != at {
            parents[at] = parents[parents[at]];
            at = parents[at];
        }
        at
    }
    for genes in lists.clone() {
        let mut first = None;
        for gene in genes {
            let number = *numbers.entry(gene).or_insert_with(|| {
                names.push(gene);
                counts.push(0);
                parents.push(parents.len());
                names.len() - 1
            });
            counts[number] += 1;
            match first {
                None => first = Some(number),
                Some(first) => {
                    let (a, b) = (root(&mut parents, first), root(&mut parents, number));
                    parents[a.max(b)] = a.min(b);
                }
            }
        }
    }
    let mut commonest: HashMap<usize, usize> = HashMap::new();
    for gene in 0..names.len() {
        let best = commonest.entry(root(&mut parents, gene)).or_insert(gene);
        // Of equally common ones the first by name, whatever the order of the variants.
        let is_better = (counts[gene], std::cmp::Reverse(names[gene]))
            > (counts[*best], std::cmp::Reverse(names[*best]));
        if is_better {
            *best = gene;
        }
    }
    let name = |genes: &[String]| {
        let number = *numbers.get(genes.first()?.as_str())?;
        let best = commonest.get(&root(&mut parents, number))?;
        Some(names[*best].to_owned())
    };
    lists.map(name).collect()
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(in crate::variant) fn row(position: u32, is_pathogenic: bool) -> VariantRow {
        VariantRow {
            source: 0,
            reference: 0,
            place: Place {
                contig: "1".to_owned(),
                position,
                reference: "A".to_owned(),
                alternate: "C".to_owned(),
            },
            is_pathogenic,
            genes: if position > 5 {
                vec!["G".to_owned()]
            } else {
                Vec::new()
            },
            term: None,
            reference_tokens: Vec::new(),
            alternate_tokens: Vec::new(),
            annotation: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::row;
    use super::*;

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
                    reference: 1,
                    ..row(1, false)
                },
                // The same reference in another of the data.
                VariantRow {
                    source: 2,
                    ..row(1, true)
                },
            ],
            ..VariantRows::default()
        };
        rows.settle();
        let kept: Vec<u32> = rows.rows.iter().map(|row| row.place.position).collect();
        assert_eq!(kept, [1, 6, 1]);
        assert_eq!(rows.left_out["the same variant once more"], 2);
        assert_eq!(rows.left_out["conflicting labels"], 3);
        assert_eq!(rows.groups(SplitBy::Gene), [0, 1, 0]);
        assert_eq!(rows.groups(SplitBy::Random), [0, 1, 2]);
        assert_eq!(rows.groups(SplitBy::Contig), [0, 0, 0]);
        assert!(rows.check("CLNSIG", 5).is_err());
    }

    #[test]
    fn genes_that_variants_link_are_one_group() {
        let of = |genes: &[&str]| VariantRow {
            genes: genes.iter().map(|own| (*own).to_owned()).collect(),
            ..row(1, true)
        };
        let rows = VariantRows {
            rows: vec![
                of(&["A"]),
                of(&["B"]),
                of(&["C"]),
                of(&[]),
                of(&["C", "A"]),
                of(&["C"]),
            ],
            ..VariantRows::default()
        };
        let names = rows.group_names(SplitBy::Gene);
        assert_eq!(names, ["C", "B", "C", "no gene on 1", "C", "C"]);
        let contig = |name: &str| {
            let mut own = row(1, true);
            own.place.contig = name.to_owned();
            own
        };
        let rows = VariantRows {
            rows: vec![contig("22"), contig("chr22"), contig("21")],
            ..VariantRows::default()
        };
        assert_eq!(rows.groups(SplitBy::Contig), [0, 0, 1]);
    }
}
