//! Changes of the alleles that the runs report for a patient.

use std::collections::BTreeSet;

use varisk_dossier::Dossier;

use crate::allele::{Allele, Listed, Reported, reported};
use crate::attribution::{Attribution, each_once};
use crate::rules::{AlertRule, Tolerance};
use crate::survey::WantedAlleles;
use crate::{Category, Change, SourcePair, Subject};

/// The patient's call in the run that does not report the allele is nowhere recorded.
const CALL_UNKNOWN: &str = "whether the patient carried the allele in the run that does not report it is not recorded, and its input or settings differ";

/// What can be compared of alleles.
#[derive(Clone, Debug)]
pub(crate) struct Comparable {
    /// Sources of classes.
    pub(crate) pairs: Vec<SourcePair>,
    /// Both runs have `known_variants`.
    pub(crate) known: bool,
    /// Both runs have `variants`, so that alleles can be looked up.
    pub(crate) variants: bool,
    /// Both runs have consequences.
    pub(crate) consequences: bool,
    /// Models and outputs that both runs have, in the order in which scores are looked up.
    pub(crate) outputs: Vec<(String, String)>,
}

/// Compares the reported alleles of a patient.
pub(crate) struct AlleleComparison<'c> {
    pub(crate) attribution: &'c Attribution,
    pub(crate) rules: &'c [AlertRule],
    pub(crate) tolerance: Tolerance,
    pub(crate) comparable: &'c Comparable,
    pub(crate) wanted: &'c WantedAlleles,
    /// Names of the sources in A and in B.
    pub(crate) sources: [Vec<String>; 2],
}

/// Class of an allele in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class<'d> {
    /// The input has the allele; none where the source does not have it.
    Known(Option<&'d str>),
    /// The input does not have the allele.
    NotInInput,
    /// There is no table to look it up in.
    Unknown,
}

/// One allele in both runs.
struct Sides<'d> {
    allele: &'d Allele,
    own: [Option<&'d Reported<'d>>; 2],
    gene: Option<&'d str>,
}

/// A and B in messages.
const RUNS: [&str; 2] = ["A", "B"];

impl AlleleComparison<'_> {
    pub(crate) fn changes(&self, a: &Dossier, b: &Dossier, into: &mut Vec<Change>) {
        let (before, after) = (reported(a), reported(b));
        let alleles: BTreeSet<&Allele> = before.keys().chain(after.keys()).collect();
        for allele in alleles {
            let own = [before.get(allele), after.get(allele)];
            let sides = Sides {
                allele,
                own,
                gene: self.gene(allele, own),
            };
            for pair in 0..self.comparable.pairs.len() {
                into.extend(self.class_change(&a.patient, &sides, pair));
            }
            if let [Some(before), Some(after)] = own {
                into.extend(self.genotype_change(&a.patient, &sides, before, after));
                into.extend(self.consequence_change(&a.patient, &sides, before, after));
            }
            self.score_changes(&a.patient, &sides, into);
        }
    }

    fn gene<'d>(&'d self, allele: &Allele, own: [Option<&'d Reported<'d>>; 2]) -> Option<&'d str> {
        [1, 0].into_iter().find_map(|run| {
            own[run]
                .and_then(|own| own.gene(&self.sources[run]))
                .or_else(|| self.wanted.found(run, allele)?.gene.as_deref())
        })
    }

    /// The class of an allele by a source in a run.
    fn class<'d>(&'d self, sides: &Sides<'d>, run: usize, pair: usize) -> Class<'d> {
        if let Some(own) = sides.own[run] {
            return Class::Known(own.class(&self.sources[run][pair]));
        }
        if !self.comparable.variants {
            return Class::Unknown;
        }
        match self.wanted.found(run, sides.allele) {
            Some(row) => Class::Known(row.classes.get(pair).and_then(Option::as_deref)),
            None => Class::NotInInput,
        }
    }

    fn class_change(&self, patient: &str, sides: &Sides<'_>, pair: usize) -> Option<Change> {
        let names = [0, 1].map(|run| self.sources[run][pair].as_str());
        let classes = [0, 1].map(|run| self.class(sides, run, pair));
        let subject = || Subject::allele(sides.allele, sides.gene);
        if let [Class::Known(before), Class::Known(after)] = classes {
            if before == after {
                return self.reported_change(patient, sides, pair, classes);
            }
            let mut change = Change::new(patient, Category::Reclassified, subject());
            let word = |class: Option<&str>, run: usize| {
                class.map_or_else(
                    || format!("not in {} of {}", names[run], RUNS[run]),
                    str::to_owned,
                )
            };
            change.by = Some(names[1].to_owned());
            change.before = Some(word(before, 0));
            change.after = Some(word(after, 1));
            change.causes = self.attribution.class(pair);
            let is_reported_once = sides.own.iter().any(Option::is_none);
            if is_reported_once && !self.attribution.calls().is_empty() {
                change.note = Some(CALL_UNKNOWN);
            }
            let is_in_b = sides.own[1].is_some();
            let fires = |rule: &&AlertRule| {
                let is_new = is_in_b && rule.is_newly_among(before, after);
                (is_new || rule.fires_on_classes(before, after)) && is_of_gene(rule, sides.gene)
            };
            change.alerts = self.names(&fires);
            return Some(change);
        }
        self.reported_change(patient, sides, pair, classes)
    }

    /// A source reports the allele in one run only, and not for its class.
    fn reported_change(
        &self,
        patient: &str,
        sides: &Sides<'_>,
        pair: usize,
        classes: [Class<'_>; 2],
    ) -> Option<Change> {
        if !self.comparable.known {
            return None;
        }
        let known = [0, 1].map(|run| {
            let own = sides.own[run]?;
            own.known.get(self.sources[run][pair].as_str()).copied()
        });
        let (category, other) = match known {
            [None, Some(_)] => (Category::NewPathogenic, 0),
            [Some(_), None] => (Category::PathogenicGone, 1),
            _ => return None,
        };
        let subject = Subject::allele(sides.allele, sides.gene);
        let mut change = Change::new(patient, category, subject);
        let run = RUNS[other];
        let words = match classes[other] {
            Class::NotInInput => format!("not in the input of {run}"),
            Class::Unknown => format!("not reported in {run}, class there unknown"),
            Class::Known(_) if sides.own[other].is_some() => {
                format!("carried in {run}, not among its reported classes")
            }
            Class::Known(class) => format!(
                "not reported in {run}, where it is {}: not carried, not called, or not among its reported classes",
                class.unwrap_or("in no class")
            ),
        };
        let own = known[1 - other].map(|class| {
            let genotype = sides.own[1 - other].map(Reported::genotype);
            format!("{class}, genotype {}", genotype.unwrap_or_default())
        });
        let (before, after) = if other == 0 {
            (Some(words), own)
        } else {
            (own, Some(words))
        };
        (change.before, change.after) = (before, after);
        change.by = Some(self.sources[1][pair].clone());
        change.causes = self.attribution.reported();
        if classes[other] == Class::Unknown {
            let mut causes = self.attribution.class(pair);
            causes.append(&mut change.causes);
            change.causes = each_once(causes);
        }
        if let (Category::NewPathogenic, Some(class)) = (category, known[1]) {
            let fires = |rule: &&AlertRule| {
                rule.is_newly_among(None, Some(class)) && is_of_gene(rule, sides.gene)
            };
            change.alerts = self.names(&fires);
        }
        Some(change)
    }

    fn genotype_change(
        &self,
        patient: &str,
        sides: &Sides<'_>,
        before: &Reported<'_>,
        after: &Reported<'_>,
    ) -> Option<Change> {
        if before.genotypes == after.genotypes {
            return None;
        }
        let subject = Subject::allele(sides.allele, sides.gene);
        let mut change = Change::new(patient, Category::GenotypeChanged, subject);
        change.before = Some(before.genotype());
        change.after = Some(after.genotype());
        change.causes = self.attribution.calls();
        Some(change)
    }

    fn consequence_change(
        &self,
        patient: &str,
        sides: &Sides<'_>,
        before: &Reported<'_>,
        after: &Reported<'_>,
    ) -> Option<Change> {
        let words = [before, after].map(Reported::consequence);
        if !self.comparable.consequences || words[0] == words[1] {
            return None;
        }
        let subject = Subject::allele(sides.allele, sides.gene);
        let mut change = Change::new(patient, Category::ConsequenceChanged, subject);
        let [before, after] = words.map(|own| own.unwrap_or_else(|| "none".to_owned()));
        (change.before, change.after) = (Some(before), Some(after));
        change.causes = self.attribution.consequence();
        Some(change)
    }

    fn score_changes(&self, patient: &str, sides: &Sides<'_>, into: &mut Vec<Change>) {
        let same_annotations = match sides.own {
            [Some(before), Some(after)] => before.annotations() == after.annotations(),
            _ => false,
        };
        for (place, (model, output)) in self.comparable.outputs.iter().enumerate() {
            let listed = sides.own.map(|own| {
                own.and_then(|own| own.listed.get(&(model.as_str(), output.as_str())).copied())
            });
            let category = match listed {
                [Some(before), Some(after)] if scores_differ(self.tolerance, before, after) => {
                    Category::ScoreChanged
                }
                [None, Some(_)] => Category::FindingNew,
                [Some(_), None] => Category::FindingGone,
                _ => continue,
            };
            let subject = Subject::allele(sides.allele, sides.gene);
            let mut change = Change::new(patient, category, subject);
            change.by = Some(format!("{model}.{output}"));
            let described = [0, 1].map(|run| self.listed_words(sides, run, place, listed[run]));
            let [
                (before, before_value, is_in_a),
                (after, after_value, is_in_b),
            ] = described;
            (change.before, change.after) = (Some(before), Some(after));
            (change.before_value, change.after_value) = (before_value, after_value);
            change.causes = if category == Category::ScoreChanged {
                self.attribution.score(model, same_annotations)
            } else if is_in_a && is_in_b {
                self.attribution.listed(model)
            } else {
                // What the input does not have cannot be listed, whatever a model would say.
                self.attribution.calls()
            };
            into.push(change);
        }
    }

    /// Place, score, and whether the input may have the allele.
    fn listed_words(
        &self,
        sides: &Sides<'_>,
        run: usize,
        place: usize,
        listed: Option<Listed>,
    ) -> (String, Option<f64>, bool) {
        if let Some(Listed { rank, score }) = listed {
            let rank = rank.map_or_else(String::new, |rank| format!("rank {rank}"));
            return (rank, score, true);
        }
        let name = RUNS[run];
        let not_listed = format!("not among the top alleles of {name}");
        if !self.comparable.variants {
            return (not_listed, None, true);
        }
        match self.wanted.found(run, sides.allele) {
            Some(row) => {
                let score = row.scores.get(place).copied().flatten();
                let words = if score.is_some() {
                    not_listed
                } else {
                    format!("without a score in {name}")
                };
                (words, score, true)
            }
            None if sides.own[run].is_some() => (not_listed, None, true),
            None => (format!("not in the input of {name}"), None, false),
        }
    }

    fn names(&self, fires: &dyn Fn(&&AlertRule) -> bool) -> Vec<String> {
        let fired = self.rules.iter().filter(fires);
        fired.map(|rule| rule.name().to_owned()).collect()
    }
}

fn scores_differ(tolerance: Tolerance, before: Listed, after: Listed) -> bool {
    match (before.score, after.score) {
        (Some(before), Some(after)) => tolerance.differ(before, after),
        (before, after) => before.is_some() != after.is_some(),
    }
}

/// Whether an allele is in one of the genes of a rule. One whose gene is not known is in none.
fn is_of_gene(rule: &AlertRule, gene: Option<&str>) -> bool {
    rule.genes()
        .is_none_or(|genes| gene.is_some_and(|gene| genes.contains(gene)))
}
