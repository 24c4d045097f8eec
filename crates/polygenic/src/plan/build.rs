//! Second part of a plan: sites on the reference, weights sorted by allele and rounded.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use varisk_core::{ContigSet, SiteClass, VariantKey};
use varisk_reference::Reference;

use super::entries::{Entry, EntryKind, Special};
use super::finish::{Finisher, largest};
use super::locate::{Located, locate};
use super::read::{Rows, lose, read_all};
use super::{ScorePlan, Term};
use crate::file::{ScoringFile, file_stem, hexadecimal};
use crate::keys::{Primaries, position_of};
use crate::options::DuplicateRows;
use crate::sites::{AlleleTable, SiteTable};
use crate::{
    EffectType, PanelFrequencies, PlanOptions, PolygenicError, RowReason, RsidResolver, ScoreInfo,
    ScoreSource,
};

/// Sums of a score are kept below this, so that differences of two of them fit into an `i64` too.
const MAX_SUM: f64 = (1u64 << 61) as f64;
/// Largest factor by which a scaled term exceeds a plain one.
pub(crate) const MAX_SCALE: f64 = 1024.0;

/// The files by the name of their score, so that results do not depend on the order in which they are
/// given.
fn by_name(
    sources: &[ScoreSource],
    options: &PlanOptions,
) -> Result<Vec<ScoreSource>, PolygenicError> {
    let mut named = Vec::with_capacity(sources.len());
    for source in sources {
        let file = ScoringFile::open(source, options)?;
        let name = file.metadata().pgs_id.clone();
        named.push((name.unwrap_or_else(|| file_stem(file.path())), source));
    }
    named.sort_by(|a, b| (&a.0, &a.1.path).cmp(&(&b.0, &b.1.path)));
    Ok(named
        .into_iter()
        .map(|(_, source)| source.clone())
        .collect())
}

pub(super) fn build(
    sources: &[ScoreSource],
    options: &PlanOptions,
    reference: &Reference,
    resolver: Option<&dyn RsidResolver>,
    panel: Option<&PanelFrequencies>,
) -> Result<ScorePlan, PolygenicError> {
    let sources = &by_name(sources, options)?;
    let mut rows = read_all(sources, options, reference, resolver)?;
    let primaries = Primaries::new(reference.contigs());
    let interner = std::mem::take(&mut rows.interner);
    let (keys, long) = interner.into_parts();
    let Located {
        sites,
        ranks,
        alleles,
        shifts,
    } = locate(&keys, long, options, reference, &primaries)?;
    drop(keys);

    let mut finisher = Finisher {
        sites: &sites,
        ranks: &ranks,
        policy: options.ambiguous,
        specials: Vec::new(),
        special_weights: Vec::new(),
        groups: 0,
    };
    finisher.finish(&mut rows);
    let terms = finisher.terms(&mut rows, options, sources)?;
    let Finisher {
        mut specials,
        special_weights,
        ..
    } = finisher;
    drop(ranks);
    let mut entries = std::mem::take(&mut rows.entries);
    entries.sort_unstable();
    judge_duplicates(
        &mut entries,
        &specials,
        &special_weights,
        &mut rows.scores,
        options.duplicates,
        |allele| {
            let key = alleles.keys[allele as usize];
            let contig = primaries.contig(key).map(|id| reference.contigs().name(id));
            (contig.unwrap_or("?").to_owned(), position_of(key).0)
        },
    )?;
    count_resolved(&mut rows.scores, &entries, &specials, &terms);
    let exponents = quantise(
        &mut entries,
        &mut specials,
        &special_weights,
        &terms,
        &rows.scores,
        options.scaled,
    );
    let terms: Vec<Term> = terms
        .into_iter()
        .map(|(mut term, weight)| {
            term.weight = round(weight, exponents[term.score as usize]);
            term
        })
        .collect();
    let mut components: Vec<u32> = terms
        .iter()
        .flat_map(|term| term.groups.iter().flatten().map(|one| one.allele))
        .collect();
    components.sort_unstable();
    components.dedup();
    let starts = starts(&entries, alleles.keys.len());
    let panel_frequencies: Option<Vec<f64>> = panel.map(|panel| {
        let of = |key: &u64| panel.by_key(VariantKey(*key)).unwrap_or(f64::NAN);
        alleles.keys.iter().map(of).collect()
    });
    if let Some(frequencies) = &panel_frequencies {
        choose_for_panel(&entries, &mut specials, frequencies);
    }
    let needs_sex = needs_sex(
        &entries,
        &terms,
        &alleles,
        &primaries,
        reference.contigs(),
        options,
        rows.scores.len(),
    );
    let fingerprint = fingerprint(&rows, options, panel, reference, sources, &sites);
    Ok(ScorePlan {
        scores: rows.scores,
        exponents,
        alleles,
        starts,
        entries,
        specials,
        terms,
        components,
        sites,
        primaries,
        panel: panel_frequencies,
        sources: sources.to_vec(),
        first_scores: rows.first_scores,
        options: options.clone(),
        identifiers: rows.identifiers,
        contigs: reference.contigs().clone(),
        shifts,
        needs_sex,
        fingerprint,
    })
}

/// Decides which candidate of a row with a choice the panel's sums are about, as the data of a run
/// decide for the run's: the only one that the panel has, on the strand as written if it has one there.
fn choose_for_panel(entries: &[Entry], specials: &mut [Special], frequencies: &[f64]) {
    let mut candidates: Vec<(u32, bool, usize)> = Vec::new();
    for entry in entries {
        let Some(index) = entry.special() else {
            continue;
        };
        if frequencies[entry.allele as usize].is_nan() {
            continue;
        }
        match specials[index].group {
            Some(group) => {
                candidates.push((group, specials[index].match_type.is_flipped(), index));
            }
            None => specials[index].is_panel = true,
        }
    }
    candidates.sort_unstable();
    for same in candidates.chunk_by(|a, b| a.0 == b.0) {
        let best = same.chunk_by(|a, b| a.1 == b.1).next();
        if let Some([(_, _, index)]) = best {
            specials[*index].is_panel = true;
        }
    }
}

/// What an entry weighs, before weights are rounded.
fn weight_of(entry: Entry, special_weights: &[[f64; 3]]) -> f64 {
    match entry.special() {
        Some(index) => special_weights.get(index).copied().map_or(0.0, largest),
        None => f64::from_bits(entry.weight.cast_unsigned()).abs(),
    }
}

/// Several rows of a score for one allele, as the policy has it. Entries are sorted.
fn judge_duplicates(
    entries: &mut Vec<Entry>,
    specials: &[Special],
    special_weights: &[[f64; 3]],
    scores: &mut [ScoreInfo],
    policy: DuplicateRows,
    place: impl Fn(u32) -> (String, u32),
) -> Result<(), PolygenicError> {
    if policy == DuplicateRows::Sum {
        return Ok(());
    }
    let mut groups = HashSet::new();
    let mut found = false;
    let same = |a: &Entry, b: &Entry| a.allele == b.allele && a.score() == b.score();
    for run in entries.chunk_by_mut(same) {
        if run.len() < 2 {
            continue;
        }
        found = true;
        if policy == DuplicateRows::Refuse {
            let (contig, position) = place(run[0].allele);
            return Err(PolygenicError::DuplicateRows {
                score: scores[run[0].score() as usize].name.clone(),
                contig,
                position,
            });
        }
        for entry in run {
            let group = entry.special().and_then(|index| specials[index].group);
            if group.is_none_or(|group| groups.insert(group)) {
                let weight = weight_of(*entry, special_weights);
                let score = &mut scores[entry.score() as usize];
                lose(score, RowReason::DuplicateRow, weight);
            }
            if group.is_none() {
                entry.drop_it();
            }
        }
    }
    if found {
        // All candidates of a row go with it.
        entries.retain(|entry| {
            let group = entry.special().and_then(|index| specials[index].group);
            entry.kind() != EntryKind::Dropped && group.is_none_or(|one| !groups.contains(&one))
        });
    }
    Ok(())
}

fn count_resolved(
    scores: &mut [ScoreInfo],
    entries: &[Entry],
    specials: &[Special],
    terms: &[(Term, f64)],
) {
    for entry in entries {
        // A row is counted with its first candidate.
        let first = entry
            .special()
            .is_none_or(|index| specials[index].candidate == 0);
        scores[entry.score() as usize].resolved_rows += u64::from(first);
    }
    for (term, _) in terms {
        scores[term.score as usize].resolved_rows += 1;
    }
}

/// Rounds all weights and gives each score's exponent.
fn quantise(
    entries: &mut [Entry],
    specials: &mut [Special],
    special_weights: &[[f64; 3]],
    terms: &[(Term, f64)],
    scores: &[ScoreInfo],
    scaled: bool,
) -> Vec<i32> {
    let mut bounds = vec![0.0; scores.len()];
    for entry in entries.iter() {
        // Two copies at most; weights by dosage, dominant and recessive ones count once.
        bounds[entry.score() as usize] += 2.0 * weight_of(*entry, special_weights);
    }
    for (term, weight) in terms {
        let alleles = term.groups.iter().map(Vec::len).max().unwrap_or(1);
        let copies = match term.effect_type {
            EffectType::Interaction => 2f64.powi(i32::try_from(alleles).unwrap_or(i32::MAX)),
            _ => 2.0,
        };
        bounds[term.score as usize] += copies * weight.abs();
    }
    let exponents: Vec<i32> = bounds
        .into_iter()
        .map(|bound| exponent(bound, scaled))
        .collect();
    for entry in entries {
        let exponent = exponents[entry.score() as usize];
        match entry.special() {
            Some(index) => {
                specials[index].weights =
                    special_weights[index].map(|weight| round(weight, exponent));
            }
            None => {
                entry.weight = round(f64::from_bits(entry.weight.cast_unsigned()), exponent);
            }
        }
    }
    exponents
}

/// The largest power of two that keeps a sum of this bound below [`MAX_SUM`].
fn exponent(bound: f64, scaled: bool) -> i32 {
    let most = if scaled { MAX_SUM / MAX_SCALE } else { MAX_SUM };
    // Beyond these a power of two is no normal number.
    const LIMIT: i32 = 1000;
    if bound <= 0.0 || !bound.is_finite() {
        return if bound > 0.0 { -LIMIT } else { 0 };
    }
    #[expect(clippy::cast_possible_truncation, reason = "logarithms are small")]
    let mut exponent = (most / bound).log2().floor().clamp(-1000.0, 1000.0) as i32;
    while exponent > -LIMIT && bound * 2f64.powi(exponent) > most {
        exponent -= 1;
    }
    exponent.min(LIMIT)
}

#[expect(clippy::cast_possible_truncation, reason = "bounded by the exponent")]
fn round(weight: f64, exponent: i32) -> i64 {
    (weight * 2f64.powi(exponent)).round() as i64
}

fn starts(entries: &[Entry], alleles: usize) -> Vec<u32> {
    let mut starts = Vec::with_capacity(alleles + 1);
    let mut at = 0;
    for allele in 0..=alleles {
        while entries
            .get(at)
            .is_some_and(|entry| (entry.allele as usize) < allele)
        {
            at += 1;
        }
        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
    }
    starts
}

fn needs_sex(
    entries: &[Entry],
    terms: &[Term],
    alleles: &AlleleTable,
    primaries: &Primaries,
    contigs: &ContigSet,
    options: &PlanOptions,
    scores: usize,
) -> Vec<bool> {
    let map = options.ploidy(contigs);
    let is_sex = |allele: u32| {
        let key = alleles.keys[allele as usize];
        primaries.contig(key).is_some_and(|contig| {
            matches!(
                map.class(contig, position_of(key)),
                SiteClass::X | SiteClass::Y
            )
        })
    };
    let mut needs = vec![false; scores];
    for same in entries.chunk_by(|a, b| a.allele == b.allele) {
        if is_sex(same[0].allele) {
            for entry in same {
                needs[entry.score() as usize] = true;
            }
        }
    }
    for term in terms {
        if term.groups.iter().flatten().any(|one| is_sex(one.allele)) {
            needs[term.score as usize] = true;
        }
    }
    needs
}

fn fingerprint(
    rows: &Rows,
    options: &PlanOptions,
    panel: Option<&PanelFrequencies>,
    reference: &Reference,
    sources: &[ScoreSource],
    sites: &SiteTable,
) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(&format!("{options:?}"));
    for source in sources {
        add(&format!("{:?}", source.columns));
    }
    for score in &rows.scores {
        add(&score.name);
        add(&score.sha256);
        add(score.column.as_deref().unwrap_or_default());
    }
    for (_, name, length) in reference.contigs().iter() {
        add(name);
        add(&length.to_string());
    }
    if let Some(panel) = panel {
        add(panel.name());
        add(&panel.len().to_string());
    }
    // What identifiers and the reference's bases made of the rows.
    for (key, outcome) in sites.keys.iter().zip(&sites.outcomes) {
        hash.update(key.to_le_bytes());
        hash.update([*outcome]);
    }
    hexadecimal(&hash.finalize())
}
