//! Which line stands for the allele.
//!
//! The order: rank of the worst term, then MANE Select, then canonical, then protein-coding, then
//! transcript support level, then the longer coding sequence, then the identifier.

use std::cmp::Reverse;

use crate::models::GeneModels;
use crate::predict::Consequence;
use crate::transcript::Transcript;

/// Index of the chosen consequence; `None` where there is none.
#[must_use]
pub fn most_severe(consequences: &[Consequence], models: &GeneModels) -> Option<usize> {
    let key = |consequence: &Consequence| {
        let place = consequence.transcript.map(|index| models.preference(index));
        (consequence.terms.worst(), place)
    };
    consequences
        .iter()
        .enumerate()
        .min_by_key(|(_, consequence)| key(consequence))
        .map(|(index, _)| index)
}

/// For each transcript its place when all are sorted by preference, all but the consequence: it is
/// compared for every line, so it is sorted once.
pub(crate) fn preferences(transcripts: &[Transcript]) -> Vec<u32> {
    let key = |transcript: &Transcript| {
        let flags = transcript.flags();
        (
            !flags.mane_select,
            !flags.canonical,
            transcript.biotype() != Some("protein_coding"),
            transcript.support_level().unwrap_or(u8::MAX),
            Reverse(transcript.coding_length()),
        )
    };
    let mut order: Vec<(usize, &Transcript)> = transcripts.iter().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| key(a).cmp(&key(b)).then_with(|| a.id().cmp(b.id())));
    let mut places = vec![u32::MAX; transcripts.len()];
    for (place, (index, _)) in (0..).zip(order) {
        if let Some(own) = places.get_mut(index) {
            *own = place;
        }
    }
    places
}
