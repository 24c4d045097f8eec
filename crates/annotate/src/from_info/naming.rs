//! How entries name the alternate alleles of a record.
//!
//! SnpEff names an allele as it is written. VEP takes the first base off where all alleles of a
//! record share it and some differ in length, and with `--minimal` takes all off that an allele
//! shares with REF. Nothing in the file says which, so the names that stand there decide; where
//! they leave it open, an allele has no entries rather than those of another one.

use std::collections::BTreeSet;

use super::entry::AlleleMatch;
use crate::allele::Allele;
use crate::csq::vep_allele;

/// A way to name alleles.
#[derive(Clone, Copy)]
enum Naming {
    AsWritten,
    /// Without the first base where all alleles of the record share it.
    WithoutShared,
    /// Without the first base where the allele itself shares it, as varisk writes.
    WithoutFirst,
    Minimal,
}

const NAMINGS: [Naming; 4] = [
    Naming::AsWritten,
    Naming::WithoutShared,
    Naming::WithoutFirst,
    Naming::Minimal,
];

impl Naming {
    /// Upper-case name of one alternate.
    fn of(self, reference: &str, alternate: &str, alternates: &[&str]) -> String {
        let name = match self {
            Self::AsWritten => alternate.to_owned(),
            Self::WithoutShared => {
                let first = reference.get(..1);
                let sequences = alternates.iter().filter(|each| is_sequence(each));
                let shared = sequences.clone().all(|each| each.get(..1) == first);
                let differs = sequences.clone().any(|each| each.len() != reference.len());
                match alternate.get(1..) {
                    Some("") if shared && differs => "-".to_owned(),
                    Some(rest) if shared && differs => rest.to_owned(),
                    _ => alternate.to_owned(),
                }
            }
            Self::WithoutFirst => vep_allele(reference, alternate).to_owned(),
            Self::Minimal => match Allele::trimmed(1, reference.as_bytes(), alternate.as_bytes()) {
                Some(minimal) if minimal.alternate.is_empty() => "-".to_owned(),
                Some(minimal) => String::from_utf8_lossy(&minimal.alternate).into_owned(),
                None => alternate.to_owned(),
            },
        };
        name.to_ascii_uppercase()
    }
}

fn is_sequence(alternate: &str) -> bool {
    !alternate.is_empty() && alternate.bytes().all(|base| base.is_ascii_alphabetic())
}

/// The name of the row's allele among those that the entries use; `None` where none is, or where it
/// may be that of another allele.
pub(super) fn own_name(allele: &AlleleMatch<'_>, used: &BTreeSet<String>) -> Option<String> {
    if !is_sequence(allele.alternate) {
        let name = allele.alternate.to_ascii_uppercase();
        return used.contains(&name).then_some(name);
    }
    if allele.alternates.len() < 2 {
        // Entries of other alleles may stand here too: the record may have been split since.
        return NAMINGS
            .iter()
            .map(|naming| naming.of(allele.reference, allele.alternate, &[allele.alternate]))
            .find(|name| used.contains(name));
    }
    let names_of = |naming: &Naming| -> Vec<(String, bool)> {
        let sequences = allele.alternates.iter().filter(|each| is_sequence(each));
        sequences
            .map(|each| {
                let name = naming.of(allele.reference, each, allele.alternates);
                (name, *each == allele.alternate)
            })
            .collect()
    };
    let explains = |names: &[(String, bool)]| {
        used.iter()
            .filter(|name| is_sequence(name) || *name == "-")
            .all(|name| names.iter().any(|(own, _)| own == name))
    };
    let all_used = |names: &[(String, bool)]| names.iter().all(|(name, _)| used.contains(name));
    // VEP and SnpEff give every allele an entry, so a naming by which each has one comes first.
    for strict in [true, false] {
        let candidates: BTreeSet<Option<String>> = NAMINGS
            .iter()
            .map(names_of)
            .filter(|names| explains(names) && (!strict || all_used(names)))
            .map(|names| {
                let own = names.iter().find(|(_, is_own)| *is_own)?.0.clone();
                let is_alone = names.iter().filter(|(name, _)| *name == own).count() == 1;
                (is_alone && used.contains(&own)).then_some(own)
            })
            .collect();
        match candidates.len() {
            0 => {}
            1 => return candidates.into_iter().next().flatten(),
            // The namings that fit say different things.
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_and_doubt_gives_none() {
        let check =
            |reference: &str, alternates: &[&str], used: &[&str], expected: &[Option<&str>]| {
                let used: BTreeSet<String> = used.iter().map(|name| (*name).to_owned()).collect();
                let found: Vec<Option<String>> = (1..)
                    .zip(alternates)
                    .map(|(index, alternate)| {
                        let allele = AlleleMatch {
                            reference,
                            alternate,
                            index,
                            alternates,
                        };
                        own_name(&allele, &used)
                    })
                    .collect();
                let found: Vec<Option<&str>> = found.iter().map(Option::as_deref).collect();
                assert_eq!(found, expected, "{reference} {alternates:?} {used:?}");
            };
        check("A", &["C"], &["C"], &[Some("C")]);
        check("A", &["AT"], &["T"], &[Some("T")]);
        check("AT", &["A"], &["-", "G"], &[Some("-")]);
        check("A", &["C", "T"], &["C", "T"], &[Some("C"), Some("T")]);
        check("AG", &["A", "AT"], &["-", "T"], &[Some("-"), Some("T")]);
        check("TG", &["GG", "T"], &["G", "-"], &[Some("G"), Some("-")]);
        check("TC", &["T", "GC"], &["-", "G"], &[Some("-"), Some("G")]);
        check("C", &["CG", "G"], &["CG", "G"], &[Some("CG"), Some("G")]);
        // With `--minimal` both are `G`.
        check("C", &["CG", "G"], &["G"], &[None, None]);
        check("A", &["C", "*"], &["C", "*"], &[Some("C"), Some("*")]);
        check("A", &["C", "T"], &["G"], &[None, None]);
        check("A", &["C", "T"], &["C"], &[Some("C"), None]);
    }
}
