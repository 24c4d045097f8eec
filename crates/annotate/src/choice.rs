//! Which line stands for the allele.
//!
//! The order: rank of the worst term, then MANE Select, then canonical, then protein-coding, then
//! transcript support level, then the longer coding sequence, then the identifier.

use std::cmp::Reverse;

use crate::models::GeneModels;
use crate::predict::Consequence;
use crate::term::Term;

/// Index of the chosen consequence; `None` where there is none.
#[must_use]
pub fn most_severe(consequences: &[Consequence], models: &GeneModels) -> Option<usize> {
    let key = |consequence: &Consequence| {
        let rank = consequence.terms.worst().map_or(u8::MAX, Term::rank);
        let transcript = consequence
            .transcript
            .and_then(|index| models.transcripts().get(index));
        let preference = transcript.map(|transcript| {
            let flags = transcript.flags();
            (
                !flags.mane_select,
                !flags.canonical,
                transcript.biotype() != Some("protein_coding"),
                transcript.support_level().unwrap_or(u8::MAX),
                Reverse(transcript.coding_length()),
                transcript.id().to_owned(),
            )
        });
        (rank, preference)
    };
    // Most alleles have one worst line: keys of the others are never made.
    let worst = consequences
        .iter()
        .filter_map(|consequence| consequence.terms.worst())
        .min()?;
    let mut candidates = (0..consequences.len()).filter(|index| {
        consequences
            .get(*index)
            .is_some_and(|consequence| consequence.terms.worst() == Some(worst))
    });
    let first = candidates.next()?;
    Some(candidates.fold(first, |best, next| {
        match (consequences.get(best), consequences.get(next)) {
            (Some(held), Some(other)) if key(other) < key(held) => next,
            _ => best,
        }
    }))
}
