//! The contract of an analysis: a mergeable fold over batches.
//!
//! One contract gives threads (a fold for each worker, then merged), clusters (a fold for each
//! shard, then `varisk merge`) and resume (a saved fold is a checkpoint).

use std::any::Any;

use arrow::record_batch::RecordBatch;

use crate::{BatchError, FeatureTable, Patient, SiteBatch};

/// Why a fold cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// A batch lacks what the analysis needs.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A saved fold cannot be read, or belongs to another plan.
    #[error("saved fold of {analysis} cannot be used: {detail}; run that shard again")]
    Saved {
        /// Name of the analysis.
        analysis: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Folds over groups of patients do not go together.
    #[error(
        "{analysis}: the groups of patients have not seen the same alleles; run all shards again, with the same files"
    )]
    Part {
        /// Name of the analysis.
        analysis: String,
    },
    /// The results cannot be laid out as a table.
    #[error("{analysis}: results cannot be laid out as a table")]
    Table {
        /// Name of the analysis.
        analysis: String,
        /// The cause.
        source: arrow::error::ArrowError,
    },
}

impl AnalysisError {
    /// A fold over some of the patients does not go together with another one.
    #[must_use]
    pub fn foreign_part(analysis: &str) -> Self {
        Self::Part {
            analysis: analysis.to_owned(),
        }
    }
}

/// A fold over some of the patients as what it is.
///
/// # Errors
/// It is a fold of another analysis.
pub fn part_of<'p, T: Analysis>(
    analysis: &str,
    part: &'p dyn Analysis,
) -> Result<&'p T, AnalysisError> {
    let part: &dyn Any = part;
    let part = part.downcast_ref::<T>();
    part.ok_or_else(|| AnalysisError::foreign_part(analysis))
}

/// Gives each patient of the whole what a part says of them.
///
/// # Errors
/// The part has another number of patients than `of`, or one of these is not there.
pub fn place_patients<T>(
    analysis: &str,
    whole: &mut [T],
    part: impl ExactSizeIterator<Item = T>,
    of: &[usize],
) -> Result<(), AnalysisError> {
    if part.len() != of.len() {
        return Err(AnalysisError::foreign_part(analysis));
    }
    for (own, at) in part.zip(of) {
        let place = whole.get_mut(*at);
        *place.ok_or_else(|| AnalysisError::foreign_part(analysis))? = own;
    }
    Ok(())
}

/// Takes over what all parts must agree in.
///
/// # Errors
/// A part before said something else.
pub fn agree<T: Clone + Default + PartialEq>(
    analysis: &str,
    whole: &mut T,
    part: &T,
) -> Result<(), AnalysisError> {
    if *whole == T::default() {
        whole.clone_from(part);
    }
    if whole == part {
        Ok(())
    } else {
        Err(AnalysisError::foreign_part(analysis))
    }
}

/// What a finished fold gives.
#[derive(Debug, Default)]
pub struct AnalysisOutput {
    /// Features for patient models.
    pub features: FeatureTable,
    /// Tables for the report, by published name; rows sorted by patient.
    pub tables: Vec<(&'static str, RecordBatch)>,
}

/// A fold over batches. `merge` is associative, commutative and exact: the result does not depend
/// on how the input was cut. (`Any`, so that the program finds an analysis whose results are more than
/// features and tables.)
pub trait Analysis: Any + Send + Sync {
    /// Name in saved folds and errors; unique in a run.
    fn name(&self) -> String;

    /// A fold of the same settings that has seen nothing.
    fn empty(&self) -> Box<dyn Analysis>;

    /// Takes in a batch.
    ///
    /// # Errors
    /// A column that the analysis needs is missing.
    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError>;

    /// The fold as bytes.
    ///
    /// # Errors
    /// The fold cannot be encoded.
    fn save(&self) -> Result<Vec<u8>, AnalysisError>;

    /// Adds a saved fold of the same settings.
    ///
    /// # Errors
    /// The bytes are not a fold of this analysis with these settings.
    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError>;

    /// Takes in a fold of the same settings over some of the patients, of whom patient `i` is patient
    /// `of[i]` here, that has seen all that there is to see. What counts alleles and not patients is
    /// taken from the first of such parts; the others must agree, for they have seen the same alleles.
    /// It is for a fold that has seen nothing itself, and not to be mixed with `merge`.
    ///
    /// # Errors
    /// The part is a fold of another analysis, has another number of patients than `of`, or has seen
    /// other alleles than the parts before.
    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError>;

    /// Turns the fold into results, one for each patient, in the order given.
    ///
    /// # Errors
    /// The results cannot be laid out as tables.
    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_placed_where_they_belong() {
        let mut whole = vec!['-'; 5];
        let mut place = |part: &str, of: &[usize]| {
            let part: Vec<char> = part.chars().collect();
            place_patients("x", &mut whole, part.into_iter(), of).map(|()| whole.iter().collect())
        };
        assert_eq!(place("ab", &[3, 0]).ok(), Some("b--a-".to_owned()));
        assert_eq!(place("cde", &[1, 2, 4]).ok(), Some("bcdae".to_owned()));
        assert!(place("ab", &[1]).is_err());
        assert!(place("a", &[5]).is_err());
    }

    #[test]
    fn parts_must_agree() {
        let mut whole = 0;
        assert!(agree("x", &mut whole, &7).is_ok());
        assert!(agree("x", &mut whole, &7).is_ok());
        let error = agree("x", &mut whole, &8).unwrap_err().to_string();
        assert!(error.contains("have not seen the same alleles"), "{error}");
        assert_eq!(whole, 7);
    }
}
