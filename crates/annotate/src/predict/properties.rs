//! Properties of names and terms on random alleles of the small genome.
//!
//! Names are read back by a reader of HGVS written for these tests alone, and applied to the
//! sequence: what comes out must be what the allele makes.

use proptest::prelude::*;

use crate::genetic_code::{GeneticCode, reverse_complement, three_letters};
use crate::term::Term;
use crate::testing::{Fixture, coding_positions, forward};

/// A random allele of contig `1`: position, REF, ALT with an anchor base where one is empty.
fn alleles() -> impl Strategy<Value = (u32, Vec<u8>, Vec<u8>)> {
    alleles_at((31u32..300).boxed())
}

/// Alleles whose bases lie in the coding region.
fn coding_alleles() -> impl Strategy<Value = (u32, Vec<u8>, Vec<u8>)> {
    let starts: Vec<u32> = coding_positions()
        .into_iter()
        .filter(|at| !matches!(at, 83..=90 | 183..=190 | 273..) && !matches!(at, 41 | 131 | 241))
        .chain(273..=280)
        .collect();
    alleles_at(proptest::sample::select(starts).boxed())
}

fn alleles_at(positions: BoxedStrategy<u32>) -> impl Strategy<Value = (u32, Vec<u8>, Vec<u8>)> {
    let added = proptest::collection::vec(proptest::sample::select(b"ACGT".to_vec()), 0..8);
    (positions, 0usize..8, added, any::<bool>()).prop_filter_map(
        "nothing changes",
        |(position, removed, added, repeats)| {
            let bases = forward();
            let at = position as usize - 1;
            // Repeats of what is there, so that shifts and duplications come up.
            let added = if repeats {
                bases[at..at + added.len()].to_vec()
            } else {
                added
            };
            let reference = &bases[at - 1..at + removed];
            let alternate = [&bases[at - 1..at], &added].concat();
            (reference != alternate).then(|| (position - 1, reference.to_vec(), alternate))
        },
    )
}

fn apply(bases: &[u8], position: u32, reference: &[u8], alternate: &[u8]) -> Vec<u8> {
    let at = position as usize - 1;
    [&bases[..at], alternate, &bases[at + reference.len()..]].concat()
}

/// Applies a `g.` name (without contig) to bases.
fn apply_genomic(bases: &[u8], name: &str) -> Vec<u8> {
    let split = name
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap();
    let (place, change) = name.split_at(split);
    let mut numbers = place
        .split('_')
        .map(|number| number.parse::<usize>().unwrap());
    let first = numbers.next().unwrap();
    let last = numbers.next().unwrap_or(first);
    let (before, within, after) = (&bases[..first - 1], &bases[first - 1..last], &bases[last..]);
    let middle = if let Some(added) = change.strip_prefix("delins") {
        added.as_bytes().to_vec()
    } else if change == "del" {
        Vec::new()
    } else if change == "dup" {
        [within, within].concat()
    } else if change == "inv" {
        let mut turned = within.to_vec();
        reverse_complement(&mut turned);
        turned
    } else if let Some(added) = change.strip_prefix("ins") {
        assert_eq!(last, first + 1);
        [&within[..1], added.as_bytes(), &within[1..]].concat()
    } else {
        let (old, new) = change.split_once('>').unwrap();
        assert_eq!(old.as_bytes(), within);
        new.as_bytes().to_vec()
    };
    [before, &middle, after].concat()
}

/// Protein of a sequence of codons, up to its first stop, the stop included.
fn translate(bases: &[u8]) -> Vec<u8> {
    let mut protein = Vec::new();
    for codon in bases.chunks_exact(3) {
        let residue = GeneticCode::Standard.translate([codon[0], codon[1], codon[2]]);
        protein.push(residue);
        if residue == b'*' {
            break;
        }
    }
    protein
}

fn one_letter(name: &str) -> u8 {
    *b"ARNDCEQGHILKMFPSTWYV*"
        .iter()
        .find(|letter| three_letters(**letter) == name)
        .unwrap()
}

/// Residues of a word such as `LysArg`.
fn residues(word: &str) -> Vec<u8> {
    word.as_bytes()
        .chunks(3)
        .map(|name| one_letter(std::str::from_utf8(name).unwrap()))
        .collect()
}

/// Applies a `p.` name to a protein; a frame shift is checked against the changed protein.
fn check_protein(name: &str, old: &[u8], new: &[u8]) {
    let name = name.strip_prefix("p.").unwrap();
    let place = |text: &str| -> (usize, usize) {
        let digits = text[3..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(text.len(), |at| at + 3);
        let number: usize = text[3..digits].parse().unwrap();
        assert_eq!(old[number - 1], one_letter(&text[..3]), "{name}");
        (number, digits)
    };
    let (first, length) = place(name);
    let mut rest = &name[length..];
    let mut last = first;
    if let Some(second) = rest.strip_prefix('_') {
        let (number, length) = place(second);
        last = number;
        rest = &second[length..];
    }
    let (before, within, after) = (&old[..first - 1], &old[first - 1..last], &old[last..]);
    if rest == "=" {
        assert_eq!(old, new, "{name}");
        return;
    }
    if let Some((residue, until)) = rest.split_once("fsTer") {
        assert_eq!(&new[..first - 1], before, "{name}");
        assert_eq!(new[first - 1], one_letter(residue), "{name}");
        match until.parse::<usize>() {
            Ok(until) => assert_eq!(new.len(), first - 1 + until, "{name}"),
            Err(_) => assert_ne!(new.last(), Some(&b'*'), "{name}"),
        }
        return;
    }
    if let Some((residue, until)) = rest.split_once("extTer") {
        assert_eq!(new[first - 1], one_letter(residue), "{name}");
        match until.parse::<usize>() {
            Ok(until) => assert_eq!(new.len(), old.len() + until, "{name}"),
            Err(_) => assert_ne!(new.last(), Some(&b'*'), "{name}"),
        }
        return;
    }
    let middle = if let Some(word) = rest.strip_prefix("delins") {
        residues(word)
    } else if rest == "del" {
        Vec::new()
    } else if rest == "dup" {
        [within, within].concat()
    } else if let Some(word) = rest.strip_prefix("ins") {
        [&within[..1], &residues(word), &within[1..]].concat()
    } else {
        residues(rest)
    };
    let mut made = [before, &middle, after].concat();
    if let Some(stop) = made.iter().position(|residue| *residue == b'*') {
        made.truncate(stop + 1);
    }
    assert_eq!(made, new, "{name}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn genomic_names_make_the_allele((position, reference, alternate) in alleles()) {
        let mut fixture = Fixture::new();
        let (_, name) = fixture.annotate("1", position, &reference, &alternate);
        let bases = forward();
        let name = name.strip_prefix("1:g.").unwrap();
        prop_assert_eq!(
            apply_genomic(&bases, name),
            apply(&bases, position, &reference, &alternate)
        );
    }

    /// The most severe line alone is the one that is chosen among all of them.
    #[test]
    fn the_line_alone_is_that_among_all((position, reference, alternate) in alleles()) {
        let mut fixture = Fixture::new();
        let (all, name) = fixture.annotate("1", position, &reference, &alternate);
        let chosen = crate::most_severe(&all, &fixture.models).map(|index| all[index].clone());
        fixture.only_most_severe();
        let (alone, same_name) = fixture.annotate("1", position, &reference, &alternate);
        prop_assert_eq!(alone, chosen.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(name, same_name);
    }

    /// On the mirrored gene the mirrored allele has the same names, wherever it is anchored.
    #[test]
    fn both_strands_give_the_same_names((position, reference, alternate) in alleles()) {
        let mut fixture = Fixture::new();
        let (on_forward, _) = fixture.annotate("1", position, &reference, &alternate);
        // Without the anchor, turned, with an anchor of the other side.
        let mirror = |bases: &[u8]| { let mut bases = bases.to_vec(); reverse_complement(&mut bases); bases };
        let contig = mirror(&forward());
        let end = position + u32::try_from(reference.len()).unwrap() - 1;
        let anchor = 360 - end;
        let base = contig[anchor as usize - 1];
        let old = [&[base], mirror(&reference[1..]).as_slice()].concat();
        let new = [&[base], mirror(&alternate[1..]).as_slice()].concat();
        let (on_reverse, _) = fixture.annotate("2", anchor, &old, &new);
        prop_assert_eq!(&on_forward[0].hgvsc, &on_reverse[0].hgvsc);
        // An allele that may lie on either side of the coding region's end has a name where it is
        // put inside.
        if !on_forward[0].hgvsp.is_empty() && !on_reverse[0].hgvsp.is_empty() {
            prop_assert_eq!(&on_forward[0].hgvsp, &on_reverse[0].hgvsp);
        }
        if reference.len() == alternate.len() {
            prop_assert_eq!(on_forward[0].terms, on_reverse[0].terms);
            prop_assert_eq!(&on_forward[0].codons, &on_reverse[0].codons);
        }
    }

    /// Inside the coding region, terms and `p.` say what translation of the edited sequence shows.
    #[test]
    fn proteins_are_those_of_the_edited_sequence((position, reference, alternate) in coding_alleles()) {
        let coding = coding_positions();
        let mut fixture = Fixture::new();
        let (found, _) = fixture.annotate("1", position, &reference, &alternate);
        let found = &found[0];
        let changed = position + 1..position + u32::try_from(reference.len()).unwrap();
        let inside = |at: u32| coding.binary_search(&at).is_ok();
        let same_exon = |low: u32, high: u32| (low..=high).all(inside);
        prop_assume!(same_exon(position, changed.end.max(position + 1)));
        let bases = forward();
        let utr: Vec<u32> = (281..=300).collect();
        let all: Vec<u32> = coding.iter().chain(&utr).copied().collect();
        let base = |at: &u32| bases[*at as usize - 1];
        let old: Vec<u8> = all.iter().map(base).collect();
        let new: Vec<u8> = all.iter().filter(|at| **at <= position).map(base)
            .chain(alternate[1..].iter().copied())
            .chain(all.iter().filter(|at| **at >= changed.end).map(base))
            .collect();
        let (old, new) = (translate(&old), translate(&new));
        let terms = found.terms;
        if terms.contains(Term::Synonymous) {
            prop_assert_eq!(&old, &new);
        }
        if terms.contains(Term::StopGained) {
            prop_assert!(new.len() < old.len() + alternate.len() / 3 + 1);
            prop_assert_eq!(new.last(), Some(&b'*'));
        }
        if terms.contains(Term::StopLost) {
            prop_assert!(new.len() > old.len() || new.last() != Some(&b'*') || new.len() + reference.len() / 3 + 1 > old.len());
        }
        if terms.contains(Term::Missense) {
            prop_assert_eq!(new.len(), old.len());
            prop_assert_ne!(&new, &old);
        }
        if old == new {
            prop_assert!(!terms.contains(Term::Missense) && !terms.contains(Term::StopGained) && !terms.contains(Term::StopLost), "{}", terms);
        }
        if let Some(name) = found.hgvsp.strip_prefix("P.2:")
            && name != "p.Met1?"
        {
            check_protein(name, &old, &new);
        }
    }
}
