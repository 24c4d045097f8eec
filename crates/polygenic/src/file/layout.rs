//! Columns of a scoring file: which cell says what, and which positions count on the run's build.

use varisk_core::GenomeBuild;

use super::ScoreMetadata;
use crate::{PlanOptions, ScoreSource};

/// What separates the cells of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Tab,
    Comma,
    Blanks,
}

/// Where a row's position comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Positions {
    /// The columns of contig and position.
    Columns,
    /// The harmonised columns, which can be empty where harmonisation failed.
    Harmonised,
    /// `ID` of the form `contig:position:allele:allele`.
    PlinkId,
    /// An identifier that must be looked up.
    Identifier,
}

/// Columns by what they say.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    separator: Separator,
    columns: usize,
    /// Cells that a row must have.
    needed: usize,
    pub(crate) positions: Positions,
    pub(crate) contig: Option<usize>,
    pub(crate) position: Option<usize>,
    pub(crate) effect: Option<usize>,
    pub(crate) other: Option<usize>,
    pub(crate) inferred_other: Option<usize>,
    pub(crate) rsid: Option<usize>,
    /// Column and name of each score's weights; empty where only weights by dosage are given.
    pub(crate) weights: Vec<(usize, String)>,
    pub(crate) dosage_weights: Option<[usize; 3]>,
    pub(crate) frequency: Option<usize>,
    pub(crate) source: Option<usize>,
    pub(crate) dominant: Option<usize>,
    pub(crate) recessive: Option<usize>,
    pub(crate) interaction: Option<usize>,
    pub(crate) haplotype: Option<usize>,
    pub(crate) diplotype: Option<usize>,
    pub(crate) effect_type: Option<usize>,
    pub(crate) variant_type: Option<usize>,
    pub(crate) locus: Option<usize>,
}

/// Most scores in one file.
const MAX_WEIGHT_COLUMNS: usize = 1 << 16;

impl Layout {
    /// Reads the line of column names.
    ///
    /// # Errors
    /// The part of a sentence that follows the file's name.
    pub(super) fn of(
        line: &[u8],
        metadata: &ScoreMetadata,
        source: &ScoreSource,
        options: &PlanOptions,
    ) -> Result<Self, String> {
        let separator = separator_of(line, source);
        let mut spans = Vec::new();
        split(line, separator, &mut spans);
        let names: Vec<String> = spans
            .iter()
            .map(|(start, end)| {
                let name = String::from_utf8_lossy(&line[*start as usize..*end as usize]);
                name.trim().trim_matches('"').to_owned()
            })
            .collect();
        let find = |name: &str| names.iter().position(|column| column == name);
        let any = |options: &[&str]| options.iter().find_map(|name| find(name));
        let chosen = |given: &Option<String>, usual: &[&str]| match given {
            Some(name) => find(name)
                .map(Some)
                .ok_or_else(|| format!("has no column {name}; its columns are {}", shown(&names))),
            None => Ok(any(usual)),
        };
        let columns = &source.columns;
        let effect = chosen(&columns.effect_allele, &["effect_allele", "A1"])?;
        let plink_id =
            any(&["ID", "#ID"]).filter(|_| columns.contig.is_none() && find("chr_name").is_none());
        if effect.is_none() {
            return Err(if names.len() < 2 {
                "has no line of column names with several columns; separate them with tabs"
                    .to_owned()
            } else {
                format!(
                    "has no column effect_allele; its columns are {}, name the right one if it is \
                     called otherwise",
                    shown(&names)
                )
            });
        }
        for (index, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..index].contains(name) {
                return Err(format!(
                    "has column {name} twice; remove one of the columns"
                ));
            }
        }
        if find("accession").is_some() && find("row_nr").is_some() {
            return Err(
                "is the combined file of several scores that pgscatalog-combine writes; give the \
                 scoring files that it was made of"
                    .to_owned(),
            );
        }
        let mut layout = Self {
            separator,
            columns: names.len(),
            needed: 0,
            positions: Positions::Columns,
            contig: chosen(&columns.contig, &["chr_name"])?,
            position: chosen(&columns.position, &["chr_position"])?,
            effect,
            other: chosen(&columns.other_allele, &["other_allele", "reference_allele"])?,
            inferred_other: None,
            rsid: chosen(&columns.rsid, &["rsID", "rsid"])?,
            weights: Vec::new(),
            dosage_weights: None,
            frequency: chosen(&columns.frequency, &["allelefrequency_effect"])?,
            source: None,
            dominant: find("is_dominant"),
            recessive: find("is_recessive"),
            interaction: find("is_interaction"),
            haplotype: find("is_haplotype"),
            diplotype: find("is_diplotype"),
            effect_type: find("effect_type"),
            variant_type: find("variant_type"),
            locus: find("locus_name"),
        };
        layout.find_weights(&names, columns.weights.as_slice(), plink_id)?;
        layout.choose_positions(&names, plink_id, metadata, options)?;
        let needed = [
            layout.effect,
            layout.weights.iter().map(|(at, _)| *at).max(),
        ];
        layout.needed = needed
            .into_iter()
            .flatten()
            .max()
            .map_or(0, |last| last + 1);
        Ok(layout)
    }

    fn find_weights(
        &mut self,
        names: &[String],
        given: &[String],
        plink_id: Option<usize>,
    ) -> Result<(), String> {
        let find = |name: &str| names.iter().position(|column| column == name);
        for name in given {
            let Some(at) = find(name) else {
                return Err(format!(
                    "has no column {name}; its columns are {}",
                    shown(names)
                ));
            };
            self.weights.push((at, name.clone()));
        }
        if self.weights.is_empty()
            && let Some(at) = find("effect_weight")
        {
            self.weights.push((at, "effect_weight".to_owned()));
        }
        let dosages = ["dosage_0_weight", "dosage_1_weight", "dosage_2_weight"].map(find);
        if let [Some(none), Some(one), Some(two)] = dosages {
            self.dosage_weights = Some([none, one, two]);
        } else if dosages.iter().any(Option::is_some) {
            return Err(
                "has some of the columns dosage_0_weight, dosage_1_weight and dosage_2_weight, and \
                 not all three; add the missing ones"
                    .to_owned(),
            );
        }
        if self.weights.is_empty() && self.dosage_weights.is_none() && plink_id.is_some() {
            self.weights = (0..names.len())
                .filter(|at| Some(*at) != plink_id && Some(*at) != self.effect)
                .filter(|at| Some(*at) != self.other)
                .map(|at| (at, names[at].clone()))
                .collect();
        }
        if self.weights.is_empty() && self.dosage_weights.is_none() {
            return Err(if find("OR").or(find("HR")).is_some() {
                "has no column effect_weight; OR and HR are no weights, take their natural \
                 logarithm into a column effect_weight"
                    .to_owned()
            } else {
                format!(
                    "has no column effect_weight; its columns are {}, name the right one if it is \
                     called otherwise",
                    shown(names)
                )
            });
        }
        if self.weights.len() > MAX_WEIGHT_COLUMNS {
            return Err(format!(
                "has more than {MAX_WEIGHT_COLUMNS} columns of weights; split it"
            ));
        }
        Ok(())
    }

    /// Which positions are on the run's build.
    fn choose_positions(
        &mut self,
        names: &[String],
        plink_id: Option<usize>,
        metadata: &ScoreMetadata,
        options: &PlanOptions,
    ) -> Result<(), String> {
        let find = |name: &str| names.iter().position(|column| column == name);
        let build = options.build;
        let is_run = |text: &Option<String>| {
            text.as_deref().and_then(GenomeBuild::parse) == Some(build)
                && build != GenomeBuild::Other
        };
        let harmonised = (find("hm_chr"), find("hm_pos"));
        if is_run(&metadata.harmonised_build)
            && let (Some(contig), Some(position)) = harmonised
        {
            self.positions = Positions::Harmonised;
            self.contig = Some(contig);
            self.position = Some(position);
            self.inferred_other = find("hm_inferOtherAllele");
            self.source = find("hm_source");
            return Ok(());
        }
        let has_positions = self.contig.is_some() && self.position.is_some();
        if !has_positions && plink_id.is_none() {
            if self.rsid.is_none() {
                return Err(format!(
                    "has neither positions (chr_name, chr_position) nor identifiers (rsID); its \
                     columns are {}",
                    shown(names)
                ));
            }
            self.positions = Positions::Identifier;
            return Ok(());
        }
        if !has_positions {
            self.positions = Positions::PlinkId;
            self.rsid = plink_id;
        }
        if is_run(&metadata.genome_build) {
            return Ok(());
        }
        let remedy = format!(
            "take the file that the PGS Catalog harmonised to {}",
            build.name()
        );
        // "other" names no assembly either.
        let is_named = |text: &&str| GenomeBuild::parse(text) != Some(GenomeBuild::Other);
        match metadata.genome_build.as_deref().filter(is_named) {
            None | Some("NR" | "NA" | "") if options.assume_build => Ok(()),
            None | Some("NR" | "NA" | "") => Err(match &metadata.harmonised_build {
                Some(other) => format!(
                    "does not say which build its positions are on and is harmonised to {other}, \
                     but the run is on {}; {remedy}",
                    build.name()
                ),
                None => format!(
                    "does not say which build its positions are on; {remedy}, or say with \
                     `--score-build {}` that they are on it",
                    build.name()
                ),
            }),
            Some(other) => Err(match &metadata.harmonised_build {
                Some(harmonised) => format!(
                    "is on {other} and harmonised to {harmonised}, but the run is on {}; {remedy}",
                    build.name()
                ),
                None => format!(
                    "is on {other}, but the run is on {}; {remedy}",
                    build.name()
                ),
            }),
        }
    }

    /// Finds the cells of a line.
    ///
    /// # Errors
    /// The line has too many or too few of them.
    pub(super) fn split(&self, line: &[u8], spans: &mut Vec<(u32, u32)>) -> Result<(), String> {
        split(line, self.separator, spans);
        let many = spans.len() > self.columns
            && spans[self.columns..].iter().any(|(start, end)| start < end);
        // Between blanks an empty cell cannot be seen: the others would take its place.
        let few = match self.separator {
            Separator::Blanks => spans.len() < self.columns,
            _ => spans.len() < self.needed,
        };
        if many || few {
            return Err(format!(
                "it has {} cells where the line of column names has {}; separate all lines by the \
                 same character",
                spans.len(),
                self.columns
            ));
        }
        Ok(())
    }
}

/// Column names for a message; long lists are cut.
fn shown(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text += ", ...";
    }
    text
}

fn separator_of(line: &[u8], source: &ScoreSource) -> Separator {
    if line.contains(&b'\t') {
        return Separator::Tab;
    }
    let name = source.path.to_string_lossy().to_ascii_lowercase();
    let is_csv = [".csv", ".csv.gz", ".csv.bgz"]
        .iter()
        .any(|end| name.ends_with(end));
    if line.contains(&b',') && (is_csv || !line.contains(&b' ')) {
        Separator::Comma
    } else {
        Separator::Blanks
    }
}

/// Start and end of each cell.
fn split(line: &[u8], separator: Separator, spans: &mut Vec<(u32, u32)>) {
    #[expect(clippy::cast_possible_truncation, reason = "lines are at most 1 MiB")]
    let span = |start: usize, end: usize| (start as u32, end as u32);
    spans.clear();
    match separator {
        Separator::Tab => {
            let mut start = 0;
            for end in memchr::memchr_iter(b'\t', line) {
                spans.push(span(start, end));
                start = end + 1;
            }
            spans.push(span(start, line.len()));
        }
        Separator::Comma => {
            let (mut start, mut quoted) = (0, false);
            for (at, byte) in line.iter().enumerate() {
                match byte {
                    b'"' => quoted = !quoted,
                    b',' if !quoted => {
                        spans.push(span(start, at));
                        start = at + 1;
                    }
                    _ => {}
                }
            }
            spans.push(span(start, line.len()));
        }
        Separator::Blanks => {
            let mut start = None;
            for (at, byte) in line.iter().enumerate() {
                if byte.is_ascii_whitespace() {
                    if let Some(start) = start.take() {
                        spans.push(span(start, at));
                    }
                } else if start.is_none() {
                    start = Some(at);
                }
            }
            if let Some(start) = start {
                spans.push(span(start, line.len()));
            }
        }
    }
}
