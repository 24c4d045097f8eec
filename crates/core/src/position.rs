//! Coordinates: one base for the whole program, written into the type.

use crate::ContigId;

/// A position on a contig, **1-based**, as in VCF. `0` is the telomere position that VCF allows
/// before the first base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u32);

impl Position {
    /// The position as a **0-based** offset into the contig's bases; `None` for the telomere.
    #[must_use]
    pub fn offset(self) -> Option<u32> {
        self.0.checked_sub(1)
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A stretch of a contig: **1-based, both ends inclusive**.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// The contig.
    pub contig: ContigId,
    /// First position, inclusive.
    pub start: Position,
    /// Last position, inclusive.
    pub end: Position,
}

impl Interval {
    /// Whether a position on a contig lies inside.
    #[must_use]
    pub fn contains(&self, contig: ContigId, position: Position) -> bool {
        self.contig == contig && self.start <= position && position <= self.end
    }
}
