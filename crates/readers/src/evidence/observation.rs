//! What one record shows of each of its patients, seen from sites that are not its own.

use varisk_core::{AlleleClass, CallCode, Haplotype, Position, SiteState};

use super::blocks::{Block, BlockCall};
use super::span::{DeclaredEnd, record_span};
use crate::genotype::GenotypeRow;
use crate::{ParsedRecord, RecordFormat, RecordParser};

/// A call with an alternate allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VariantCall {
    /// The call with its alternates as "other"; not assayed where that cannot be said.
    pub(crate) code: CallCode,
    /// POS of the record.
    pub(crate) position: Position,
    /// The record speaks of any allele (`<NON_REF>`, `<*>`).
    pub(crate) any_allele: bool,
    /// Bases (first and last) that every carried alternate allele removes.
    pub(crate) removed: Option<(Position, Position)>,
}

/// What is seen of one patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A reference call or none.
    Block(BlockCall),
    /// Something else than the reference.
    Variant(VariantCall),
}

/// One patient in one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) seen: Seen,
}

impl Observation {
    pub(crate) fn block(&self) -> Option<Block> {
        match self.seen {
            Seen::Block(call) => Some(Block {
                start: self.start,
                end: self.end,
                call,
            }),
            Seen::Variant(_) => None,
        }
    }
}

/// Observations of the samples at some columns, in their order; none where the record is not one
/// that can be read.
pub(crate) fn observe(
    parser: &RecordParser,
    format: RecordFormat,
    bytes: &[u8],
    position: Position,
    columns: &[(usize, usize)],
    record: &mut ParsedRecord,
    genotypes: &mut GenotypeRow,
) -> Option<Vec<Observation>> {
    parser.parse(bytes, record).ok()?;
    let has_genotypes = parser.decode_genotypes(bytes, record, genotypes).ok()?;
    let span = record_span(format, bytes, position);
    let reference = bytes.get(record.reference.clone())?;
    let alternates: Vec<&[u8]> = record
        .alternates
        .iter()
        .filter_map(|range| bytes.get(range.clone()))
        .collect();
    let any_allele = alternates
        .iter()
        .any(|alternate| AlleleClass::of(reference, alternate) == AlleleClass::NonRef);
    let declared = match span.declared {
        DeclaredEnd::At(end) => Some(end),
        DeclaredEnd::None | DeclaredEnd::Invalid => None,
    };
    let block_end = if span.block {
        // A block whose END lies is set aside by itself and shows nothing.
        if span.declared == DeclaredEnd::Invalid {
            return None;
        }
        declared.unwrap_or(span.reference_end)
    } else {
        span.reference_end
    };
    if !has_genotypes {
        let none = Observation {
            start: position,
            end: block_end,
            seen: Seen::Block(BlockCall::NoCall),
        };
        return Some(vec![none; columns.len()]);
    }
    let samples = genotypes.samples();
    let (quality, depth) = parser.reference_quality(bytes, record, samples);
    let mut codes = vec![CallCode::NOT_ASSAYED; samples];
    genotypes.codes(None, &mut |sample, code| {
        if let Some(old) = codes.get_mut(sample) {
            *old = code;
        }
    });
    let alleles = Alleles {
        position,
        reference,
        alternates: &alternates,
        declared,
        any_allele,
    };
    let of_sample = |(column, _): &(usize, usize)| {
        let code = codes.get(*column).copied().unwrap_or(CallCode::MISSING);
        let carries_other = !code.is_polyploid() && code.haplotypes().contains(&Haplotype::Other);
        match code.state() {
            // A polyploid call is no reference block, whatever it holds.
            SiteState::Called => alleles.variant(code, genotypes.haplotypes(*column)),
            SiteState::NoCall if carries_other => {
                alleles.variant(CallCode::NOT_ASSAYED, genotypes.haplotypes(*column))
            }
            SiteState::NoCall | SiteState::NotAssayed => Observation {
                start: position,
                end: block_end,
                seen: Seen::Block(BlockCall::NoCall),
            },
            SiteState::CalledReference | SiteState::AssumedReference => Observation {
                start: position,
                end: block_end,
                seen: Seen::Block(BlockCall::Reference {
                    gq: quality.get(*column).copied().flatten(),
                    depth: depth.get(*column).copied().flatten(),
                    any_allele,
                    haploid: code.haplotypes()[1] == Haplotype::Absent,
                }),
            },
        }
    };
    Some(columns.iter().map(of_sample).collect())
}

/// Alleles of a record.
struct Alleles<'a> {
    position: Position,
    reference: &'a [u8],
    alternates: &'a [&'a [u8]],
    declared: Option<Position>,
    any_allele: bool,
}

impl Alleles<'_> {
    /// A call with at least one alternate; `carried` are its allele indices.
    fn variant(&self, code: CallCode, carried: [u8; 2]) -> Observation {
        let code = if code.is_polyploid() {
            CallCode::NOT_ASSAYED
        } else {
            code
        };
        let mut end = self.last(self.reference.len());
        let mut removed: Option<Option<(Position, Position)>> = None;
        // A polyploid call carries what its record has.
        let all = code == CallCode::NOT_ASSAYED;
        for (alternate, index) in self.alternates.iter().zip(1u8..) {
            if !all && !carried.contains(&index) {
                continue;
            }
            let (reach, own) = self.removed(alternate);
            end = end.max(reach);
            removed = Some(match removed {
                None => own,
                Some(known) => known.zip(own).and_then(|(a, b)| {
                    let both = (a.0.max(b.0), a.1.min(b.1));
                    (both.0 <= both.1).then_some(both)
                }),
            });
        }
        Observation {
            start: self.position,
            end,
            seen: Seen::Variant(VariantCall {
                code,
                position: self.position,
                any_allele: self.any_allele,
                removed: removed.flatten().filter(|_| !all),
            }),
        }
    }

    /// Last of some bases from POS on.
    fn last(&self, bases: usize) -> Position {
        let more = u32::try_from(bases.saturating_sub(1)).unwrap_or(u32::MAX);
        Position(self.position.0.saturating_add(more))
    }

    /// How far an alternate allele reaches, and the bases that it removes.
    fn removed(&self, alternate: &[u8]) -> (Position, Option<(Position, Position)>) {
        let end = self.last(self.reference.len());
        match AlleleClass::of(self.reference, alternate) {
            // What stands in place of the bases of any other change may be the row's own allele.
            AlleleClass::Deletion => {
                let (first, last) = changed(self.reference, alternate);
                let at = |offset: usize| self.last(offset.saturating_add(1));
                (end, (first <= last).then(|| (at(first), at(last))))
            }
            AlleleClass::Symbolic => {
                // A deletion or another number of copies takes bases away up to END; where bases are
                // added, turned or joined elsewhere, those of the reference are still there.
                let reach = self.declared.unwrap_or(end);
                if alternate.starts_with(b"<DEL") {
                    let after = Position(self.position.0.saturating_add(1));
                    (reach, (after <= reach).then_some((after, reach)))
                } else if alternate.starts_with(b"<CN") {
                    (reach, None)
                } else {
                    (end, None)
                }
            }
            _ => (end, None),
        }
    }
}

/// First and last 0-based offsets of the bases of REF that an allele does not keep.
fn changed(reference: &[u8], alternate: &[u8]) -> (usize, usize) {
    let equal = |(r, a): &(&u8, &u8)| r.eq_ignore_ascii_case(a);
    let prefix = reference.iter().zip(alternate).take_while(equal).count();
    let (rest, other) = (&reference[prefix..], &alternate[prefix..]);
    let suffix = rest
        .iter()
        .rev()
        .zip(other.iter().rev())
        .take_while(equal)
        .count();
    (
        prefix,
        (reference.len() - suffix).saturating_sub(1).max(prefix),
    )
}
