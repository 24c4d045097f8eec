//! Does a premature stop lead to nonsense-mediated decay?
//!
//! Rule: Nagy E, Maquat LE. "A rule for termination-codon position within intron-containing genes:
//! when nonsense affects RNA abundance." Trends Biochem Sci 23:198-199 (1998): a stop more than 50
//! to 55 bases upstream of the last exon-exon junction triggers decay. Stops near the start codon
//! and long exons, which escape too, are not looked at.

use super::frame::Edited;
use crate::transcript::Transcript;

/// A premature stop that ends more than this many bases before the last exon-exon junction triggers
/// decay: the lower bound of the rule's 50 to 55, as VEP's NMD plugin takes it.
pub const NMD_JUNCTION_BASES: u32 = 50;

/// What a premature stop leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NmdPrediction {
    /// Nonsense-mediated decay.
    Triggers,
    /// A shorter protein: the stop lies in the last exon or close before the last junction, or the
    /// transcript has one exon.
    Escapes,
}

impl NmdPrediction {
    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Triggers => "triggers",
            Self::Escapes => "escapes",
        }
    }
}

/// Predicts from the codon of a premature stop, numbered from 0 in the changed frame.
pub(super) fn predict(transcript: &Transcript, edited: &Edited<'_>, stop: u32) -> NmdPrediction {
    let Some(junction) = transcript.last_junction() else {
        return NmdPrediction::Escapes;
    };
    let edit = edited.frame.cdna(edited.first);
    let mut junction = i64::from(junction);
    if i64::from(edit) < junction {
        junction += i64::from(edited.added_length()) - i64::from(edited.removed);
    }
    let end = i64::from(edited.frame.cdna(stop.saturating_mul(3).saturating_add(3)));
    if junction - end > i64::from(NMD_JUNCTION_BASES) {
        NmdPrediction::Triggers
    } else {
        NmdPrediction::Escapes
    }
}
