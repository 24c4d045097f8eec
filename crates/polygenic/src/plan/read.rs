//! First part of a plan: rows of all files, with their sites by number.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use varisk_reference::Reference;

use super::entries::{Entry, EntryKind, MAX_SCORES};
use super::identify::identified;
use super::{Lost, ScoreInfo};
use crate::file::{Meaning, Row, ScoringFile, SiteText, Subject, Weights, file_stem, interpret};
use crate::keys::Keyer;
use crate::options::{AmbiguousStrand, IdentifiedAllele, UnsupportedRows};
use crate::sites::SiteInterner;
use crate::{EffectType, PlanOptions, PolygenicError, RowReason, RsidResolver, ScoreSource, Side};

/// A row whose weight does not fit into an entry.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    pub(super) effect_type: EffectType,
    pub(super) weights: [f64; 3],
    pub(super) frequency: f64,
}

/// A row over several alleles; sites by number.
pub(super) struct PendingTerm {
    pub(super) score: u32,
    pub(super) effect_type: EffectType,
    pub(super) weight: f64,
    pub(super) groups: Vec<Vec<u32>>,
    pub(super) is_apoe: bool,
    pub(super) source: u32,
    pub(super) row: u64,
    pub(super) line: u64,
}

/// Everything that the files say.
pub(super) struct Rows {
    pub(super) scores: Vec<ScoreInfo>,
    pub(super) first_scores: Vec<u32>,
    pub(super) interner: SiteInterner,
    /// `allele` is the number of a site, `weight` holds the bits of an `f64` or the index of a
    /// pending row.
    pub(super) entries: Vec<Entry>,
    pub(super) pending: Vec<Pending>,
    pub(super) terms: Vec<PendingTerm>,
    pub(super) identifiers: HashMap<String, Vec<IdentifiedAllele>>,
}

/// Reads all files.
pub(super) fn read_all(
    sources: &[ScoreSource],
    options: &PlanOptions,
    reference: &Reference,
    resolver: Option<&dyn RsidResolver>,
) -> Result<Rows, PolygenicError> {
    if sources.is_empty() {
        return Err(PolygenicError::NoScores);
    }
    let mut rows = Rows {
        scores: Vec::new(),
        first_scores: Vec::new(),
        interner: SiteInterner::default(),
        entries: Vec::new(),
        pending: Vec::new(),
        terms: Vec::new(),
        identifiers: HashMap::new(),
    };
    let mut keyer = Keyer::new(reference.contigs());
    for source in sources {
        rows.read(source, options, &mut keyer, resolver)?;
    }
    Ok(rows)
}

/// Why a row of this reason makes its file unusable, for a message.
pub(crate) fn unsupported_detail(reason: RowReason) -> &'static str {
    match reason {
        RowReason::HlaAllele => {
            "the row is about an HLA allele, and HLA is not typed from variant calls"
        }
        RowReason::UnsupportedInteraction => {
            "the row is an interaction whose positions and alleles are not given one by one"
        }
        RowReason::UnsupportedHaplotype => {
            "the row is a haplotype or diplotype whose positions and alleles are not given one by one"
        }
        _ => "the row is about a complex allele whose positions and bases are not given",
    }
}

impl Rows {
    fn read(
        &mut self,
        source: &ScoreSource,
        options: &PlanOptions,
        keyer: &mut Keyer,
        resolver: Option<&dyn RsidResolver>,
    ) -> Result<(), PolygenicError> {
        self.resolve_identifiers(source, options, resolver)?;
        let mut file = ScoringFile::open(source, options)?;
        let first = self.add_scores(source, &file)?;
        let (source_number, scores) = (self.first_scores.len(), self.scores.len() - first);
        self.first_scores
            .push(u32::try_from(first).unwrap_or(u32::MAX));
        let mut reader = RowReader {
            rows: self,
            options,
            keyer,
            source: u32::try_from(source_number).unwrap_or(u32::MAX),
            first,
            weights: Vec::with_capacity(scores),
            totals: vec![0.0; scores],
            path: source.path.as_path(),
        };
        let mut count = 0;
        while let Some(row) = file.next_row()? {
            count += 1;
            reader.add(&row)?;
        }
        let totals = reader.totals;
        if count == 0 {
            return Err(PolygenicError::File {
                path: source.path.clone(),
                detail: "has no rows; download it again".to_owned(),
            });
        }
        let sha256 = file.finish()?;
        let nowhere = self.scores[first].lost.get(&RowReason::NoPosition);
        if nowhere.is_some_and(|lost| lost.rows == count) {
            return Err(PolygenicError::File {
                path: source.path.clone(),
                detail: format!(
                    "has neither a position nor an identifier in any row; take the file that the \
                     PGS Catalog harmonised to {}",
                    options.build.name()
                ),
            });
        }
        for (score, total) in self.scores[first..].iter_mut().zip(totals) {
            score.rows = count;
            score.total_weight = total;
            sha256.clone_into(&mut score.sha256);
        }
        Ok(())
    }

    /// Names the scores of a file.
    fn add_scores(
        &mut self,
        source: &ScoreSource,
        file: &ScoringFile,
    ) -> Result<usize, PolygenicError> {
        let first = self.scores.len();
        let columns = &file.layout().weights;
        let metadata = file.metadata();
        let base = match &metadata.pgs_id {
            Some(id) if is_name(id) => id.clone(),
            Some(id) => {
                return Err(PolygenicError::File {
                    path: source.path.clone(),
                    detail: format!(
                        "has the pgs_id '{id}', which cannot be part of a name; write it with \
                         letters, digits, '_' and '-'"
                    ),
                });
            }
            None => name_of(&file_stem(file.path())),
        };
        let several = columns.len() > 1;
        for at in 0..columns.len().max(1) {
            let column = columns.get(at).map(|(_, name)| name);
            let name = match column {
                Some(column) if several => {
                    if metadata.pgs_id.is_some() || !is_plink(file) {
                        format!("{base}_{}", name_of(column))
                    } else {
                        name_of(column)
                    }
                }
                _ => base.clone(),
            };
            if let Some(known) = self.scores.iter().find(|score| score.name == name) {
                return Err(PolygenicError::RepeatedName {
                    name,
                    first: known.path.clone(),
                    second: source.path.clone(),
                });
            }
            self.scores.push(ScoreInfo {
                name,
                metadata: metadata.clone(),
                path: source.path.clone(),
                sha256: String::new(),
                column: column.filter(|_| several).cloned(),
                rows: 0,
                resolved_rows: 0,
                lost: BTreeMap::new(),
                total_weight: 0.0,
            });
        }
        if self.scores.len() >= MAX_SCORES as usize {
            return Err(PolygenicError::TooMany {
                what: "scores",
                limit: u64::from(MAX_SCORES),
            });
        }
        Ok(first)
    }

    /// Looks the identifiers of a file up, where its rows have nothing else.
    fn resolve_identifiers(
        &mut self,
        source: &ScoreSource,
        options: &PlanOptions,
        resolver: Option<&dyn RsidResolver>,
    ) -> Result<(), PolygenicError> {
        use crate::file::Positions;
        let mut file = ScoringFile::open(source, options)?;
        if !matches!(
            file.layout().positions,
            Positions::Identifier | Positions::PlinkId
        ) {
            return Ok(());
        }
        let mut identifiers = HashSet::new();
        let mut weights = Vec::new();
        while let Some(row) = file.next_row()? {
            // What is wrong with a row is said when it is read for good.
            if let Ok(Meaning {
                subject: Subject::Identifier(identifier, _),
                ..
            }) = interpret(&row, options.build, &mut weights)
                && !self.identifiers.contains_key(identifier)
            {
                identifiers.insert(identifier.to_owned());
            }
        }
        if identifiers.is_empty() {
            return Ok(());
        }
        let Some(resolver) = resolver else {
            let build = options.build.name();
            let what = match &file.metadata().harmonised_build {
                Some(other) => format!("has positions on {other} only, but the run is on {build}"),
                None => "names variants by identifier only".to_owned(),
            };
            return Err(PolygenicError::File {
                path: source.path.clone(),
                detail: format!(
                    "{what}; take the file that the PGS Catalog harmonised to {build}, or add a \
                     source of identifiers (dbSNP) to the knowledge bundle and name its field with \
                     `--rsids`"
                ),
            });
        };
        let wanted = identifiers.iter().map(String::as_str).collect();
        let found = resolver
            .resolve(&wanted)
            .map_err(|detail| PolygenicError::Identifiers {
                path: source.path.clone(),
                detail,
            })?;
        self.identifiers.extend(found);
        Ok(())
    }
}

fn is_plink(file: &ScoringFile) -> bool {
    file.layout().positions == crate::file::Positions::PlinkId
}

/// Whether a text can be part of a feature's name.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')
}

/// A name made of any text: what cannot stand in one becomes `_`.
fn name_of(text: &str) -> String {
    let name: String = text
        .bytes()
        .map(|byte| {
            if is_name_byte(byte) {
                byte as char
            } else {
                '_'
            }
        })
        .collect();
    if name.is_empty() {
        "score".to_owned()
    } else {
        name
    }
}

/// Reads the rows of one file into the common lists.
struct RowReader<'a, 'k> {
    rows: &'a mut Rows,
    options: &'a PlanOptions,
    keyer: &'a mut Keyer<'k>,
    source: u32,
    first: usize,
    weights: Vec<f64>,
    totals: Vec<f64>,
    path: &'a Path,
}

impl RowReader<'_, '_> {
    fn add(&mut self, row: &Row) -> Result<(), PolygenicError> {
        let mut weights = std::mem::take(&mut self.weights);
        let result = self.add_with(row, &mut weights);
        self.weights = weights;
        result
    }

    fn add_with(&mut self, row: &Row, weights: &mut Vec<f64>) -> Result<(), PolygenicError> {
        let meaning =
            interpret(row, self.options.build, weights).map_err(|detail| PolygenicError::Line {
                path: self.path.to_owned(),
                line: row.line,
                detail,
            })?;
        for (total, weight) in self.totals.iter_mut().zip(weights.iter()) {
            *total += weight.abs();
        }
        match &meaning.subject {
            Subject::Lost(reason) => self.lose(*reason, row.line, weights),
            Subject::Site(site) => match self.site(site) {
                Ok(number) => self.add_entries(number, &meaning, weights, site),
                Err(reason) => self.lose(reason, row.line, weights),
            },
            Subject::Identifier(identifier, site) => {
                match identified(&self.rows.identifiers, identifier, site) {
                    Ok((contig, position)) => {
                        let number = self.keyer.bits(contig).and_then(|bits| {
                            self.rows
                                .interner
                                .intern(bits, position, site.effect, site.other)
                        });
                        match number {
                            Some(number) => self.add_entries(number, &meaning, weights, site),
                            None => self.lose(RowReason::UnknownContig, row.line, weights),
                        }
                    }
                    Err(reason) => self.lose(reason, row.line, weights),
                }
            }
            Subject::Together { groups, is_apoe } => {
                let mut numbers = Vec::new();
                for group in groups {
                    let sites: Result<Vec<u32>, RowReason> =
                        group.iter().map(|site| self.site(site)).collect();
                    match sites {
                        Ok(sites) => numbers.push(sites),
                        Err(reason) => return self.lose(reason, row.line, weights),
                    }
                }
                for (at, weight) in weights.iter().enumerate() {
                    self.rows.terms.push(PendingTerm {
                        score: self.score(at),
                        effect_type: meaning.effect_type,
                        weight: *weight,
                        groups: numbers.clone(),
                        is_apoe: *is_apoe,
                        source: self.source,
                        row: row.number,
                        line: row.line,
                    });
                }
                Ok(())
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "fewer than 2^29 scores")]
    fn score(&self, at: usize) -> u32 {
        (self.first + at) as u32
    }

    fn site(&mut self, site: &SiteText) -> Result<u32, RowReason> {
        let (_, bits) = self
            .keyer
            .contig(site.contig)
            .ok_or(RowReason::UnknownContig)?;
        self.rows
            .interner
            .intern(bits, site.position, site.effect, site.other)
            .ok_or(RowReason::AllelesNotInReference)
    }

    /// Counts a row that is not scored, or refuses the file.
    fn lose(
        &mut self,
        reason: RowReason,
        line: u64,
        weights: &[f64],
    ) -> Result<(), PolygenicError> {
        if reason.is_unsupported() && self.options.unsupported == UnsupportedRows::Refuse {
            return Err(PolygenicError::UnsupportedRow {
                path: self.path.to_owned(),
                line,
                detail: unsupported_detail(reason).to_owned(),
            });
        }
        for (score, weight) in self.rows.scores[self.first..].iter_mut().zip(weights) {
            lose(score, reason, weight.abs());
        }
        Ok(())
    }

    fn add_entries(
        &mut self,
        number: u32,
        meaning: &Meaning,
        weights: &[f64],
        site: &SiteText,
    ) -> Result<(), PolygenicError> {
        // Only single bases read the same on both strands.
        let needs_frequency = self.options.ambiguous == AmbiguousStrand::ByFrequency
            && site.effect.len() == 1
            && site.other.len() <= 1;
        for (at, weight) in weights.iter().enumerate() {
            let score = self.score(at);
            let pending = match meaning.weights {
                Weights::ByDosage(weights) => Some(weights),
                Weights::Single if needs_frequency => Some([*weight, 0.0, 0.0]),
                Weights::Single => None,
            };
            let entry = match pending {
                None => {
                    let kind = EntryKind::Plain(meaning.effect_type, Side::Alternate);
                    Entry::new(number, score, kind, weight.to_bits().cast_signed())
                }
                Some(weights) => {
                    let index = i64::try_from(self.rows.pending.len()).unwrap_or(i64::MAX);
                    self.rows.pending.push(Pending {
                        effect_type: meaning.effect_type,
                        weights,
                        frequency: meaning.frequency.unwrap_or(f64::NAN),
                    });
                    Entry::new(number, score, EntryKind::Special, index)
                }
            };
            self.rows.entries.push(entry);
        }
        let limit = u32::MAX as usize;
        if self.rows.entries.len() >= limit {
            return Err(PolygenicError::TooMany {
                what: "weights",
                limit: limit as u64,
            });
        }
        Ok(())
    }
}

/// Counts a row of a score that is not scored.
pub(super) fn lose(score: &mut ScoreInfo, reason: RowReason, weight: f64) {
    let lost: &mut Lost = score.lost.entry(reason).or_default();
    lost.rows += 1;
    lost.weight += weight;
}
