//! Sites on the reference: each is resolved once, in the order of the reference.

use std::collections::HashMap;

use varisk_core::{ContigId, Position};
use varisk_reference::{Normaliser, Reference};

use crate::keys::{Primaries, alleles_of, is_hashed, key_of, position_of};
use crate::resolve::{Found, Resolver};
use crate::sites::{AlleleTable, Candidate, LongSites, SiteTable};
use crate::{MatchType, PlanOptions, PolygenicError, RowReason};

/// How far right of its normalised position an insertion or deletion in a repeat is looked for.
const MAX_SHIFT: u32 = 200;

/// All sites, and the alleles that they can mean.
pub(super) struct Located {
    pub(super) sites: SiteTable,
    /// Place of each site in the sorted table.
    pub(super) ranks: Vec<u32>,
    pub(super) alleles: AlleleTable,
    /// How far right each allele can be written too.
    pub(super) shifts: Vec<(u64, u32)>,
}

/// What a site is, before its candidates have numbers.
enum Outcome {
    Lost(RowReason),
    /// So many of the candidates listed.
    Candidates(u8),
}

/// Resolves sites, given by key in any order.
pub(super) fn locate(
    keys: &[u64],
    long: LongSites,
    options: &PlanOptions,
    reference: &Reference,
    primaries: &Primaries,
) -> Result<Located, PolygenicError> {
    #[expect(clippy::cast_possible_truncation, reason = "sites are numbered by u32")]
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_unstable_by_key(|site| (keys[*site as usize], *site));
    let texts: HashMap<u32, &[u8]> = long
        .iter()
        .map(|((_, text), site)| (*site, text.as_ref()))
        .collect();
    let mut locator = Locator {
        resolver: Resolver::new(Normaliser::new(reference.reader()?), options.ambiguous),
        alleles: AlleleTable::default(),
        shifts: Vec::new(),
        candidates: Vec::new(),
    };
    // Numbers of alleles are known when all alleles are.
    let mut outcomes = Vec::with_capacity(keys.len());
    for site in &order {
        let key = keys[*site as usize];
        let (effect, other) = match texts.get(site) {
            Some(text) => {
                let at = memchr::memchr(b'/', text).unwrap_or(text.len());
                (
                    text[..at].to_vec(),
                    text.get(at + 1..).unwrap_or_default().to_vec(),
                )
            }
            None => alleles_of(key),
        };
        outcomes.push(match primaries.contig(key) {
            Some(contig) => locator.locate(contig, key, &effect, &other)?,
            None => Outcome::Lost(RowReason::UnknownContig),
        });
    }
    let Locator {
        mut alleles,
        mut shifts,
        candidates,
        ..
    } = locator;
    alleles.keys.sort_unstable();
    alleles.keys.dedup();
    alleles.keys.shrink_to_fit();
    shifts.sort_unstable();
    shifts.dedup();

    let mut sites = SiteTable::default();
    sites.outcomes.reserve_exact(order.len());
    sites.values.reserve_exact(order.len());
    let mut rest = candidates.into_iter();
    for outcome in outcomes {
        match outcome {
            Outcome::Lost(reason) => sites.push_lost(reason),
            Outcome::Candidates(count) => {
                let of_site: Vec<Candidate> = rest
                    .by_ref()
                    .take(usize::from(count))
                    .filter_map(|(key, match_type, is_ambiguous)| {
                        Some(Candidate {
                            allele: alleles.find(key)?,
                            match_type,
                            is_ambiguous,
                        })
                    })
                    .collect();
                match of_site.as_slice() {
                    [] => sites.push_lost(RowReason::AllelesNotInReference),
                    [one] => sites.push_one(*one),
                    _ => sites.push_choice(of_site),
                }
            }
        }
    }
    let mut ranks = vec![0; order.len()];
    for (rank, site) in (0..).zip(&order) {
        ranks[*site as usize] = rank;
    }
    sites.keys = order.iter().map(|site| keys[*site as usize]).collect();
    sites.long = long
        .into_iter()
        .map(|(text, site)| (text, ranks[site as usize]))
        .collect();
    Ok(Located {
        sites,
        ranks,
        alleles,
        shifts,
    })
}

struct Locator {
    resolver: Resolver,
    alleles: AlleleTable,
    shifts: Vec<(u64, u32)>,
    /// Candidates of all sites, one after the other.
    candidates: Vec<(u64, MatchType, bool)>,
}

impl Locator {
    fn locate(
        &mut self,
        contig: ContigId,
        key: u64,
        effect: &[u8],
        other: &[u8],
    ) -> Result<Outcome, PolygenicError> {
        let found = self
            .resolver
            .resolve(contig, position_of(key).0, effect, other)?;
        let found = match found {
            Ok(found) => found,
            Err(reason) => return Ok(Outcome::Lost(reason)),
        };
        let bits = key >> 59 << 59;
        let mut count = 0;
        for one in &found {
            let Some(key) = admit(&mut self.alleles, bits, one) else {
                continue;
            };
            count += 1;
            self.candidates
                .push((key, one.match_type, one.is_ambiguous));
            if one.reference.len() + one.alternate.len() > 2 {
                let shift = self.resolver.normaliser().right_shift(
                    contig,
                    Position(one.position),
                    &one.reference,
                    &one.alternate,
                    MAX_SHIFT,
                )?;
                if shift > 0 {
                    self.shifts.push((key, shift));
                }
            }
        }
        Ok(Outcome::Candidates(count))
    }
}

/// Adds an allele; `None` where its key already stands for another one, which a hash can.
fn admit(alleles: &mut AlleleTable, bits: u64, found: &Found) -> Option<u64> {
    let key = key_of(bits, found.position, &found.reference, &found.alternate)?;
    if is_hashed(key) {
        let text = (
            found.reference.clone().into_boxed_slice(),
            found.alternate.clone().into_boxed_slice(),
        );
        if *alleles.texts.entry(key).or_insert_with(|| text.clone()) != text {
            return None;
        }
    }
    if alleles.keys.last() != Some(&key) {
        alleles.keys.push(key);
    }
    Some(key)
}
