//! Where an identifier's alleles are.

use std::collections::HashMap;

use varisk_core::ContigId;

use crate::RowReason;
use crate::file::SiteText;
use crate::options::IdentifiedAllele;

/// Contig and position of an identifier's alleles, by those that the row can be about.
pub(crate) fn identified(
    known: &HashMap<String, Vec<IdentifiedAllele>>,
    identifier: &str,
    site: &SiteText,
) -> Result<(ContigId, u32), RowReason> {
    let alleles = known
        .get(identifier)
        .filter(|alleles| !alleles.is_empty())
        .ok_or(RowReason::UnknownRsid)?;
    let is_one_of = |text: &[u8], (_, _, reference, alternate): &&IdentifiedAllele| {
        text.is_empty()
            || text.eq_ignore_ascii_case(reference)
            || text.eq_ignore_ascii_case(alternate)
    };
    let mut places: Vec<_> = alleles
        .iter()
        .filter(|allele| is_one_of(site.effect, allele) && is_one_of(site.other, allele))
        .map(|(contig, position, ..)| (*contig, position.0))
        .collect();
    if places.is_empty() {
        // On the other strand perhaps: that is judged against the reference.
        places = alleles
            .iter()
            .map(|(contig, position, ..)| (*contig, position.0))
            .collect();
    }
    places.sort_unstable();
    places.dedup();
    match places.as_slice() {
        [place] => Ok(*place),
        _ => Err(RowReason::SeveralAlleles),
    }
}
