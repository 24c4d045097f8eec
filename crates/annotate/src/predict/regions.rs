//! Which parts of a transcript an allele touches: exons, introns, splice sites, UTR, coding region.
//!
//! Regions are those of Ensembl's table and of VEP: donor and acceptor are the two outermost bases
//! of an intron; the splice region is 3 bases of exon and bases 3 to 8 of intron; the donor region
//! is bases +3 to +6; the polypyrimidine tract is bases -17 to -3.

use crate::allele::Allele;
use crate::term::{Term, TermSet};
use crate::transcript::{Place, Span, Strand, Transcript};

/// Introns of at most this many bases are artefacts by which gene builds mend the reference; VEP
/// gives them no splice site either.
const LONGEST_ARTEFACT_INTRON: u32 = 13;
/// Bases of exon beside an intron that belong to the splice region.
const EXON_SIDE: u32 = 3;

/// What an allele touches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Regions {
    /// Splice, intron and UTR terms.
    pub(crate) terms: TermSet,
    /// First and last exon touched, in transcript direction.
    pub(crate) exons: Option<(u32, u32)>,
    /// First and last intron touched, in transcript direction.
    pub(crate) introns: Option<(u32, u32)>,
    /// Touches bases of the coding region.
    pub(crate) coding: bool,
    /// Touches an artefact intron.
    pub(crate) artefact: bool,
    /// An insertion just between exon and intron.
    pub(crate) at_edge: bool,
}

fn widen(range: &mut Option<(u32, u32)>, number: u32) {
    *range = Some(match *range {
        None => (number, number),
        Some((first, last)) => (first.min(number), last.max(number)),
    });
}

/// What an allele that overlaps a transcript touches of it.
pub(crate) fn regions(transcript: &Transcript, allele: &Allele) -> Regions {
    let mut found = Regions::default();
    exons(transcript, allele, &mut found);
    introns(transcript, allele, &mut found);
    let terms = &mut found.terms;
    // The more telling term replaces the general one, as in VEP.
    if terms.contains(Term::SpliceDonor5thBase) {
        terms.remove(Term::SpliceDonorRegion);
    }
    let finer = [
        Term::SpliceDonor,
        Term::SpliceAcceptor,
        Term::SpliceDonor5thBase,
        Term::SpliceDonorRegion,
    ];
    if finer.iter().any(|term| terms.contains(*term)) {
        terms.remove(Term::SpliceRegion);
    }
    found
}

fn exons(transcript: &Transcript, allele: &Allele, found: &mut Regions) {
    let exons = &transcript.exons;
    let (start, end) = (allele.start, allele.end);
    let first = exons.partition_point(|exon| exon.end < allele.span().start);
    for (index, exon) in exons.iter().enumerate().skip(first) {
        if exon.start > allele.span().end {
            break;
        }
        // An insertion touches an exon that holds both its neighbours.
        if start > exon.end || end < exon.start {
            found.at_edge |= allele.is_insertion();
            if let (true, Some(coding)) = (allele.is_insertion(), transcript.coding) {
                let inner = if start > exon.end {
                    exon.end
                } else {
                    exon.start
                };
                found.coding |= coding.contains(inner);
            }
            continue;
        }
        widen(&mut found.exons, transcript.exon_number(index));
        let Some(coding) = transcript.coding else {
            continue;
        };
        let forward = transcript.strand == Strand::Forward;
        let (low, high) = if forward {
            (Term::FivePrimeUtr, Term::ThreePrimeUtr)
        } else {
            (Term::ThreePrimeUtr, Term::FivePrimeUtr)
        };
        if allele.is_insertion() {
            let inside = end >= coding.start && start <= coding.end;
            found.coding |= inside;
            found.terms.insert_if(start <= coding.start, low);
            found.terms.insert_if(end >= coding.end, high);
        } else {
            let part = Span {
                start: start.max(exon.start),
                end: end.min(exon.end),
            };
            found.coding |= part.overlaps(coding);
            found.terms.insert_if(part.start < coding.start, low);
            found.terms.insert_if(part.end > coding.end, high);
        }
    }
}

fn introns(transcript: &Transcript, allele: &Allele, found: &mut Regions) {
    let exons = &transcript.exons;
    let (start, end) = (allele.start, allele.end);
    let touches = |low: u32, high: u32| low <= high && start <= high && end >= low;
    let span = allele.span();
    let first = exons
        .partition_point(|exon| exon.end.saturating_add(EXON_SIDE) < span.start)
        .saturating_sub(1);
    for (index, pair) in exons.windows(2).enumerate().skip(first) {
        let (low, high) = (pair[0].end.saturating_add(1), pair[1].start - 1);
        if low.saturating_sub(EXON_SIDE) > span.end {
            break;
        }
        if low > high {
            continue;
        }
        if high - low < LONGEST_ARTEFACT_INTRON {
            found.artefact |= touches(low, high);
            continue;
        }
        let at = |edge: u32, other: u32| allele.is_insertion() && (start == edge || end == other);
        if touches(low, high) {
            widen(&mut found.introns, transcript.intron_number(index));
        }
        let forward = transcript.strand == Strand::Forward;
        let terms = &mut found.terms;
        let (low_site, high_site) = (touches(low, low + 1), touches(high - 1, high));
        let (donor, acceptor) = if forward {
            (low_site, high_site)
        } else {
            (high_site, low_site)
        };
        terms.insert_if(donor, Term::SpliceDonor);
        terms.insert_if(acceptor, Term::SpliceAcceptor);
        let between = at(low + 2, high - 2);
        terms.insert_if(touches(low + 2, high - 2) || between, Term::Intron);
        let region = touches(low.saturating_sub(EXON_SIDE), low - 1)
            || touches(high + 1, high.saturating_add(EXON_SIDE))
            || touches(low + 2, low + 7)
            || touches(high - 7, high - 2)
            || at(low, high)
            || between;
        terms.insert_if(region, Term::SpliceRegion);
        let (fifth, donor_region, tract) = if forward {
            (
                touches(low + 4, low + 4),
                touches(low + 2, low + 5),
                touches(high.saturating_sub(16), high - 2),
            )
        } else {
            (
                touches(high - 4, high - 4),
                touches(high - 5, high - 2),
                touches(low + 2, low.saturating_add(16)),
            )
        };
        terms.insert_if(fifth, Term::SpliceDonor5thBase);
        terms.insert_if(donor_region, Term::SpliceDonorRegion);
        terms.insert_if(tract, Term::SplicePolypyrimidineTract);
    }
}

/// Signed distance from the nearest splice junction to an allele, in bases and in transcript
/// direction: -1 is the last base before the junction, +1 the first after it, 0 an allele that
/// spans it. `None` for a transcript of one exon.
pub(super) fn splice_distance(transcript: &Transcript, allele: &Allele) -> Option<i32> {
    let span = allele.span();
    let exons = &transcript.exons;
    let near = match transcript.place(span.start) {
        Place::Exon(index) | Place::Intron(index) => index,
        Place::Outside => 0,
    };
    let mut best: Option<i64> = None;
    for index in near.saturating_sub(1)..exons.len().min(near + 2) {
        let (Some(exon), last) = (exons.get(index), index + 1 == exons.len()) else {
            continue;
        };
        // A junction lies between a position and the next one.
        let before = (index > 0).then(|| exon.start.saturating_sub(1));
        let after = (!last).then_some(exon.end);
        for junction in [before, after].into_iter().flatten() {
            let distance = if span.end <= junction {
                -(i64::from(junction - span.end) + 1)
            } else if span.start > junction {
                i64::from(span.start - junction)
            } else {
                0
            };
            if best.is_none_or(|best| distance.abs() < best.abs()) {
                best = Some(distance);
            }
        }
    }
    let best = i32::try_from(best?).ok()?;
    Some(match transcript.strand {
        Strand::Forward => best,
        Strand::Reverse => -best,
    })
}
