//! The bases that an allele changes.

/// First and last base (1-based, both included) that a normalised allele changes: of a substitution
/// the bases substituted, of a deletion those deleted, of an insertion the two beside it.
///
/// `None` for an allele that is no sequence, or that equals REF.
#[must_use]
pub fn changed_span(position: u32, reference: &[u8], alternate: &[u8]) -> Option<(u32, u32)> {
    let is_sequence =
        |allele: &[u8]| !allele.is_empty() && allele.iter().all(u8::is_ascii_alphabetic);
    if !is_sequence(reference) || !is_sequence(alternate) {
        return None;
    }
    let same = |pair: &(&u8, &u8)| pair.0.eq_ignore_ascii_case(pair.1);
    let prefix = reference.iter().zip(alternate).take_while(same).count();
    let (reference, alternate) = (reference.get(prefix..)?, alternate.get(prefix..)?);
    let suffix = reference
        .iter()
        .rev()
        .zip(alternate.iter().rev())
        .take_while(same)
        .count();
    let changed = u32::try_from(reference.len() - suffix).ok()?;
    let start = position.checked_add(u32::try_from(prefix).ok()?)?;
    match (changed, alternate.len() - suffix) {
        (0, 0) => None,
        // In front of the first base of a contig there is nothing.
        (0, _) => Some((start.saturating_sub(1).max(1), start.max(1))),
        _ => Some((start, start.checked_add(changed - 1)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |position, reference: &str, alternate: &str, expected| {
            let span = changed_span(position, reference.as_bytes(), alternate.as_bytes());
            assert_eq!(span, expected, "{position} {reference}>{alternate}");
        };
        check(10, "A", "C", Some((10, 10)));
        check(10, "ACG", "TCA", Some((10, 12)));
        check(10, "ACG", "ATG", Some((11, 11)));
        check(10, "CAG", "C", Some((11, 12)));
        check(10, "C", "CAG", Some((10, 11)));
        check(10, "CAG", "CTTT", Some((11, 12)));
        // At the start of a contig the shared base stands behind.
        check(1, "C", "AC", Some((1, 1)));
        check(1, "AC", "C", Some((1, 1)));
        check(10, "a", "A", None);
        check(10, "A", "<DEL>", None);
        check(10, "A", "*", None);
        check(10, "A", "", None);
        check(u32::MAX, "CAG", "C", None);
    }
}
