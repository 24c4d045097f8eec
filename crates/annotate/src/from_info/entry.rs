//! One entry of an INFO field as a line.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::format::{InfoFormat, InfoKind, Slot};
use super::naming;
use crate::line::Line;
use crate::models::percent_decode;
use crate::term::{Term, TermSet};

/// The row's allele, and how entries are known to be its own.
pub(super) struct AlleleMatch<'a> {
    pub(super) reference: &'a str,
    pub(super) alternate: &'a str,
    /// 1-based index among the record's alternates.
    pub(super) index: u16,
    /// All alternates of the record, this one too.
    pub(super) alternates: &'a [&'a str],
}

/// One entry, decoded.
pub(super) struct Entry<'a> {
    format: &'a InfoFormat,
    fields: Vec<Cow<'a, str>>,
    /// Terms in the names of the Sequence Ontology where they are known.
    terms: String,
    worst: Option<Term>,
    first: usize,
    hgvsc: String,
    amino_acids: String,
    residue: Option<u32>,
}

/// The entries of one allele. bcftools names no allele: its entries count for a record of one
/// alternate, or where they name the change of bases.
pub(super) fn of_allele<'a>(
    format: &'a InfoFormat,
    text: &'a str,
    allele: &AlleleMatch<'_>,
) -> Vec<Entry<'a>> {
    let entries: Vec<Vec<&str>> = text
        .split(',')
        .filter(|entry| !entry.is_empty() && *entry != ".")
        .map(|entry| entry.split('|').map(str::trim).collect())
        .collect();
    let at = |slot| format.position(slot);
    let field = |entry: &[&'a str], slot| -> &'a str {
        at(slot)
            .and_then(|at| entry.get(at))
            .copied()
            .unwrap_or_default()
    };
    let keep = |test: &dyn Fn(&[&'a str]) -> bool| -> Vec<Entry<'a>> {
        entries
            .iter()
            .filter(|entry| test(entry))
            .map(|entry| Entry::new(format, entry))
            .collect()
    };
    if format.kind() == InfoKind::Bcsq {
        let own = format!(
            "{}>{}",
            allele.reference.to_ascii_uppercase(),
            allele.alternate.to_ascii_uppercase()
        );
        return keep(&|entry| {
            // `@123` points to the record that holds the consequence.
            !field(entry, Slot::Consequence).starts_with('@')
                && (allele.alternates.len() < 2
                    || field(entry, Slot::DnaChange).split('+').any(|change| {
                        change.trim_start_matches(|c: char| c.is_ascii_digit()) == own
                    }))
        });
    }
    if at(Slot::AlleleNumber).is_some() {
        let own = allele.index.to_string();
        return keep(&|entry| field(entry, Slot::AlleleNumber) == own);
    }
    let used: BTreeSet<String> = entries
        .iter()
        .map(|entry| field(entry, Slot::Allele).to_ascii_uppercase())
        .collect();
    match naming::own_name(allele, &used) {
        Some(own) => keep(&|entry| field(entry, Slot::Allele).eq_ignore_ascii_case(&own)),
        None => Vec::new(),
    }
}

impl<'a> Entry<'a> {
    fn new(format: &'a InfoFormat, fields: &[&'a str]) -> Self {
        let fields: Vec<Cow<'a, str>> = fields.iter().map(|field| percent_decode(field)).collect();
        let mut entry = Self {
            format,
            fields,
            terms: String::new(),
            worst: None,
            first: 0,
            hgvsc: String::new(),
            amino_acids: String::new(),
            residue: None,
        };
        entry.read_terms();
        if format.kind() == InfoKind::Ann
            && let (Some(name), Some(transcript)) = (entry.get(Slot::HgvsC), entry.transcript())
        {
            entry.hgvsc = format!("{transcript}:{name}");
        }
        if let Some(change) = entry.get(Slot::AminoAcidChange) {
            let residue = number(change);
            let bare = |text: &str| {
                text.trim_start_matches(|c: char| c.is_ascii_digit())
                    .to_owned()
            };
            let amino_acids = match change.split_once('>') {
                Some((old, new)) => format!("{}/{}", bare(old), bare(new)),
                None => bare(change),
            };
            entry.residue = residue;
            entry.amino_acids = amino_acids;
        }
        entry
    }

    fn read_terms(&mut self) {
        let text = self.get(Slot::Consequence).unwrap_or_default().to_owned();
        let is_bcsq = self.format.kind() == InfoKind::Bcsq;
        let mut known = TermSet::default();
        for name in text.split('&').filter(|name| !name.is_empty()) {
            let name = if is_bcsq {
                name.trim_start_matches('*')
            } else {
                name
            };
            let term = if is_bcsq {
                bcftools_term(name)
            } else {
                Term::from_name(name)
            };
            if !self.terms.is_empty() {
                self.terms.push('&');
            }
            self.terms.push_str(match term {
                Some(term) => term.name(),
                None => name,
            });
            if let Some(term) = term {
                known.insert(term);
            }
        }
        self.worst = known.worst();
        self.first = self.terms.find('&').unwrap_or(self.terms.len());
    }

    fn get(&self, slot: Slot) -> Option<&str> {
        let field = self.fields.get(self.format.position(slot)?)?;
        Some(field.as_ref()).filter(|field| !matches!(*field, "" | "." | "-"))
    }

    fn transcript(&self) -> Option<&str> {
        let is_transcript = self
            .get(Slot::FeatureType)
            .is_none_or(|kind| kind.eq_ignore_ascii_case("transcript"));
        self.get(Slot::Feature).filter(|_| is_transcript)
    }

    pub(super) fn hgvsg(&self) -> Option<&str> {
        self.get(Slot::HgvsG)
    }

    pub(super) fn line(&self) -> Line<'_> {
        let text = |value: &'_ str| -> bool { !value.is_empty() };
        // SnpEff counts exons and introns in one field.
        let is_intronic = ["intron", "splice_donor_variant", "splice_acceptor_variant"]
            .iter()
            .any(|name| self.terms.contains(name));
        let rank = self.get(Slot::Rank);
        let exon = self.get(Slot::Exon).or(rank.filter(|_| !is_intronic));
        let intron = self.get(Slot::Intron).or(rank.filter(|_| is_intronic));
        let flag = |slot: Slot, is: &dyn Fn(&str) -> bool| {
            self.format
                .has(slot)
                .then(|| self.get(slot).is_some_and(is))
        };
        let mane = flag(Slot::ManeSelect, &|_| true)
            .or_else(|| flag(Slot::Mane, &|value| value.contains("MANE_Select")));
        let plus = flag(Slot::ManePlusClinical, &|_| true)
            .or_else(|| flag(Slot::Mane, &|value| value.contains("MANE_Plus_Clinical")));
        Line {
            term: self
                .worst
                .map(Term::name)
                .or_else(|| self.terms.get(..self.first).filter(|term| text(term))),
            terms: Some(self.terms.as_str()).filter(|terms| text(terms)),
            rank: self.worst.map(Term::rank),
            impact: self
                .get(Slot::Impact)
                .or_else(|| self.worst.map(|term| term.impact().name())),
            gene: self.get(Slot::Symbol),
            gene_id: self.get(Slot::Gene),
            transcript: self.transcript(),
            biotype: self.get(Slot::Biotype),
            mane,
            mane_plus_clinical: plus,
            canonical: flag(Slot::Canonical, &|value| value == "YES"),
            support_level: self
                .get(Slot::SupportLevel)
                .and_then(number)
                .and_then(|level| u8::try_from(level).ok()),
            flags: self.get(Slot::Flags),
            strand: self.get(Slot::Strand).and_then(|strand| match strand {
                "1" | "+" => Some(1),
                "-1" => Some(-1),
                _ => None,
            }),
            exon,
            intron,
            hgvsc: Some(self.hgvsc.as_str())
                .filter(|name| text(name))
                .or_else(|| self.get(Slot::HgvsC)),
            hgvsp: self.get(Slot::HgvsP),
            cdna: self.get(Slot::Cdna),
            cds: self.get(Slot::Cds),
            protein: self.get(Slot::Protein),
            cds_position: self.get(Slot::Cds).and_then(number),
            protein_position: self.get(Slot::Protein).and_then(number).or(self.residue),
            amino_acids: Some(self.amino_acids.as_str())
                .filter(|change| text(change))
                .or_else(|| self.get(Slot::AminoAcids)),
            codons: self.get(Slot::Codons),
            nmd: self.get(Slot::Nmd).and_then(|value| match value {
                "triggers" => Some("triggers"),
                "escapes" | "NMD_escaping_variant" => Some("escapes"),
                _ => None,
            }),
            last_exon: exon.and_then(is_last),
            splice_distance: None,
            distance: self.get(Slot::Distance).and_then(number),
        }
    }
}

/// First number of `76`, `76-78`, `?-78`, `76/1200`.
fn number(text: &str) -> Option<u32> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[start..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Whether `3/12` or `3-4/12` is the last exon.
fn is_last(exon: &str) -> Option<bool> {
    let (number, of) = exon.split_once('/')?;
    let last = number.rsplit('-').next()?;
    let (last, of): (u32, u32) = (last.trim().parse().ok()?, of.trim().parse().ok()?);
    Some(last == of)
}

/// The term of a name that `bcftools csq` writes.
fn bcftools_term(name: &str) -> Option<Term> {
    Some(match name {
        "synonymous" => Term::Synonymous,
        "missense" => Term::Missense,
        "stop_lost" => Term::StopLost,
        "stop_gained" => Term::StopGained,
        "inframe_deletion" => Term::InframeDeletion,
        "inframe_insertion" => Term::InframeInsertion,
        "inframe_altering" => Term::ProteinAltering,
        "frameshift" => Term::Frameshift,
        "splice_acceptor" => Term::SpliceAcceptor,
        "splice_donor" => Term::SpliceDonor,
        "start_lost" => Term::StartLost,
        "start_retained" => Term::StartRetained,
        "stop_retained" => Term::StopRetained,
        "splice_region" => Term::SpliceRegion,
        "5_prime_utr" => Term::FivePrimeUtr,
        "3_prime_utr" => Term::ThreePrimeUtr,
        "non_coding" => Term::NonCodingTranscript,
        "intron" => Term::Intron,
        "intergenic" => Term::Intergenic,
        "coding_sequence" => Term::CodingSequence,
        "feature_elongation" => Term::FeatureElongation,
        "feature_truncation" => Term::FeatureTruncation,
        "NMD_transcript" => Term::NmdTranscript,
        _ => return None,
    })
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entry(")?;
        f.write_str(&self.terms)?;
        f.write_char(')')
    }
}
