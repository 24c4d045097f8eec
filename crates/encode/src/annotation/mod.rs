//! Annotations: numbers about the allele and its site, in the order a model declares.

mod cohort;
mod context;
mod joined;

use arrow::array::{Array, Float32Array, StringArray, UInt8Array};
use arrow::datatypes::Schema;
use varisk_core::{AlleleClass, SiteBatch, SiteClass, columns};

use crate::bases::is_acgt;
use crate::manifest::{AnnotationFeature, AnnotationParams};
use crate::standardise::Standardise;
use crate::window::Site;
use crate::{Bases, EncodeError};
use cohort::CohortCounts;
pub(crate) use context::ContextScratch;
pub use context::{GC_RADIUS, HOMOPOLYMER_RADIUS};
pub use joined::NeededSources;
use joined::{Joined, JoinedArray};

/// Every annotation that a batch has by itself, but `info.<FIELD>`, which there is for each INFO
/// field. Other stages add `consequence.*`, `reads.*` and `<SOURCE>.<FIELD>` of knowledge sources.
///
/// * `allele.*`: of the normalised allele; `is_*` are 0 or 1, lengths are in bases,
///   `length_change` is ALT length minus REF length; transitions and transversions are SNVs.
/// * `context.gc_fraction`: G and C among the A, C, G, T within [`GC_RADIUS`] bases of POS.
/// * `context.is_cpg`: 1 if the reference base at POS belongs to a CG.
/// * `context.homopolymer_run`: bases of the run of one base around POS in the reference, counted
///   up to [`HOMOPOLYMER_RADIUS`] bases to either side.
/// * `site.qual`: QUAL. `site.filter_pass`: 1 for `PASS`, 0 for other filters, missing for `.`.
/// * `cohort.*`: over the samples of the input. `alternate_count` counts copies of this allele,
///   `alternate_frequency` divides it by the called haplotypes (missing ones count nowhere),
///   `call_rate` is called haplotypes among those of samples that were assayed. Without a called
///   haplotype, count and frequency are missing.
pub const KNOWN_ANNOTATIONS: &[&str] = &[
    "allele.is_snv",
    "allele.is_mnv",
    "allele.is_insertion",
    "allele.is_deletion",
    "allele.is_complex",
    "allele.is_transition",
    "allele.is_transversion",
    "allele.ref_length",
    "allele.alt_length",
    "allele.length_change",
    "context.gc_fraction",
    "context.is_cpg",
    "context.homopolymer_run",
    "site.qual",
    "site.filter_pass",
    "cohort.alternate_frequency",
    "cohort.call_rate",
    "cohort.alternate_count",
];

/// What an annotation is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Class(AlleleClass),
    Transition,
    Transversion,
    ReferenceLength,
    AlternateLength,
    LengthChange,
    GcFraction,
    Cpg,
    HomopolymerRun,
    Quality,
    FilterPass,
    /// Index into the INFO columns of the plan.
    Info(usize),
    /// Index into the columns of other stages.
    Joined(usize),
    AlternateFrequency,
    CallRate,
    AlternateCount,
}

impl Source {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "allele.is_snv" => Self::Class(AlleleClass::Snv),
            "allele.is_mnv" => Self::Class(AlleleClass::Mnv),
            "allele.is_insertion" => Self::Class(AlleleClass::Insertion),
            "allele.is_deletion" => Self::Class(AlleleClass::Deletion),
            "allele.is_complex" => Self::Class(AlleleClass::Complex),
            "allele.is_transition" => Self::Transition,
            "allele.is_transversion" => Self::Transversion,
            "allele.ref_length" => Self::ReferenceLength,
            "allele.alt_length" => Self::AlternateLength,
            "allele.length_change" => Self::LengthChange,
            "context.gc_fraction" => Self::GcFraction,
            "context.is_cpg" => Self::Cpg,
            "context.homopolymer_run" => Self::HomopolymerRun,
            "site.qual" => Self::Quality,
            "site.filter_pass" => Self::FilterPass,
            "cohort.alternate_frequency" => Self::AlternateFrequency,
            "cohort.call_rate" => Self::CallRate,
            "cohort.alternate_count" => Self::AlternateCount,
            _ => return None,
        })
    }
}

/// Columns of a batch that annotations are taken from.
pub(crate) struct SiteColumns<'a> {
    pub(crate) quality: Option<&'a Float32Array>,
    pub(crate) filter: Option<&'a StringArray>,
    /// In the order of [`AnnotationPlan::info_columns`].
    pub(crate) info: Vec<&'a Float32Array>,
    /// In the order of [`AnnotationPlan::joined`], each with its rule.
    pub(crate) joined: Vec<(&'a Joined, JoinedArray<'a>)>,
    pub(crate) batch: &'a SiteBatch,
    /// Site classes, where cohort counts are needed.
    pub(crate) classes: Option<&'a UInt8Array>,
}

/// What all annotation tensors of a model need.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnnotationPlan {
    /// Full names of the INFO columns, each once.
    pub(crate) info_columns: Vec<String>,
    /// Columns of other stages.
    joined: Vec<Joined>,
    pub(crate) needs_quality: bool,
    pub(crate) needs_filter: bool,
    needs_context: bool,
    pub(crate) needs_cohort: bool,
}

impl AnnotationPlan {
    /// Plans one tensor.
    pub(crate) fn tensor(
        &mut self,
        tensor: &str,
        params: &AnnotationParams,
        schema: &Schema,
    ) -> Result<AnnotationTensor, EncodeError> {
        let features = params
            .features
            .iter()
            .map(|feature| {
                let rule = Standardise {
                    fill: feature.fill,
                    mean: feature.mean,
                    std: feature.std,
                    missing_flag: feature.missing_flag,
                };
                Ok((self.source(tensor, feature, schema)?, rule))
            })
            .collect::<Result<Vec<_>, EncodeError>>()?;
        Ok(AnnotationTensor { features })
    }

    fn source(
        &mut self,
        tensor: &str,
        feature: &AnnotationFeature,
        schema: &Schema,
    ) -> Result<Source, EncodeError> {
        let name = feature.name.as_str();
        if feature.values.is_none()
            && let Some(source) = self.own_source(name)
        {
            return Ok(source);
        }
        if let Some(joined) = Joined::plan(tensor, feature, schema) {
            self.joined.push(joined?);
            return Ok(Source::Joined(self.joined.len() - 1));
        }
        Err(EncodeError::UnknownAnnotation {
            tensor: tensor.to_owned(),
            name: name.to_owned(),
            known: format!(
                "{}, info.<FIELD>, consequence.<TERM>, reads.<FIELD>, <SOURCE>.<FIELD>",
                KNOWN_ANNOTATIONS.join(", ")
            ),
        })
    }

    /// A source that needs no other stage.
    fn own_source(&mut self, name: &str) -> Option<Source> {
        if name.starts_with(columns::INFO_PREFIX) && name.len() > columns::INFO_PREFIX.len() {
            let known = self.info_columns.iter().position(|own| own == name);
            let index = known.unwrap_or(self.info_columns.len());
            if known.is_none() {
                self.info_columns.push(name.to_owned());
            }
            return Some(Source::Info(index));
        }
        let source = Source::parse(name)?;
        match source {
            Source::Quality => self.needs_quality = true,
            Source::FilterPass => self.needs_filter = true,
            Source::GcFraction | Source::Cpg | Source::HomopolymerRun => self.needs_context = true,
            Source::AlternateFrequency | Source::CallRate | Source::AlternateCount => {
                self.needs_cohort = true;
            }
            _ => {}
        }
        Some(source)
    }

    /// The columns of other stages in a batch.
    pub(crate) fn joined<'a>(
        &'a self,
        batch: &'a SiteBatch,
    ) -> Result<Vec<(&'a Joined, JoinedArray<'a>)>, EncodeError> {
        let columns = self.joined.iter();
        columns
            .map(|joined| Ok((joined, joined.array(batch)?)))
            .collect()
    }

    /// Gathers what the annotations of one row are taken from.
    pub(crate) fn gather<'a, B: Bases + ?Sized>(
        &self,
        site: &Site<'a>,
        row: usize,
        columns: &'a SiteColumns<'a>,
        bases: &mut B,
        scratch: &'a mut ContextScratch,
    ) -> Result<RowFacts<'a>, EncodeError> {
        if self.needs_context {
            scratch.load(site, bases)?;
        }
        Ok(RowFacts {
            class: AlleleClass::of(site.reference, site.alternate),
            site: *site,
            row,
            columns,
            context: scratch,
            cohort: columns
                .classes
                .map_or_else(CohortCounts::default, |classes| {
                    let class = SiteClass::from_number(classes.value(row));
                    CohortCounts::of(columns.batch, row, class)
                }),
        })
    }
}

/// What the annotations of one row are taken from.
pub(crate) struct RowFacts<'a> {
    class: AlleleClass,
    site: Site<'a>,
    row: usize,
    columns: &'a SiteColumns<'a>,
    context: &'a ContextScratch,
    cohort: CohortCounts,
}

impl RowFacts<'_> {
    fn value(&self, source: Source) -> Option<f64> {
        let indicator = |fact: bool| Some(f64::from(u8::from(fact)));
        let length = |bases: &[u8]| bases.len() as f64;
        match source {
            Source::Class(class) => indicator(self.class == class),
            Source::Transition => self
                .substitution()
                .map(|transition| f64::from(u8::from(transition == Some(true)))),
            Source::Transversion => self
                .substitution()
                .map(|transition| f64::from(u8::from(transition == Some(false)))),
            Source::ReferenceLength => Some(length(self.site.reference)),
            Source::AlternateLength => Some(length(self.site.alternate)),
            Source::LengthChange => Some(length(self.site.alternate) - length(self.site.reference)),
            Source::GcFraction => self.context.gc_fraction(),
            Source::Cpg => indicator(self.context.is_cpg()?),
            Source::HomopolymerRun => self.context.homopolymer_run().map(f64::from),
            Source::Quality => number(self.columns.quality, self.row),
            Source::FilterPass => {
                let filter = self.columns.filter?;
                if filter.is_null(self.row) {
                    return None;
                }
                indicator(filter.value(self.row) == "PASS")
            }
            Source::Info(index) => number(self.columns.info.get(index).copied(), self.row),
            Source::Joined(index) => {
                let (joined, array) = self.columns.joined.get(index)?;
                joined.value(array, self.row)
            }
            Source::AlternateFrequency => self.cohort.alternate_frequency(),
            Source::CallRate => self.cohort.call_rate(),
            Source::AlternateCount => self.cohort.alternate_count(),
        }
    }

    /// For an SNV whether it is a transition, `Some(None)` for any other allele; `None` where a
    /// base is not known.
    fn substitution(&self) -> Option<Option<bool>> {
        let ([from], [to]) = (self.site.reference, self.site.alternate) else {
            return Some(None);
        };
        let (from, to) = (from.to_ascii_uppercase(), to.to_ascii_uppercase());
        if !is_acgt(from) || !is_acgt(to) {
            return None;
        }
        let purine = |base| matches!(base, b'A' | b'G');
        Some(Some(purine(from) == purine(to)))
    }
}

fn number(column: Option<&Float32Array>, row: usize) -> Option<f64> {
    let column = column?;
    (!column.is_null(row)).then(|| f64::from(column.value(row)))
}

/// One annotation tensor; shape (features, each followed by its missing flag where declared).
#[derive(Clone, Debug)]
pub(crate) struct AnnotationTensor {
    features: Vec<(Source, Standardise)>,
}

impl AnnotationTensor {
    /// Elements of a row.
    pub(crate) fn width(&self) -> usize {
        self.features.iter().map(|(_, rule)| rule.width()).sum()
    }

    /// Writes a row; `None` where a required annotation is missing.
    pub(crate) fn write(&self, facts: &RowFacts<'_>, row: &mut [f32]) -> Option<()> {
        let mut rest = row;
        for (source, rule) in &self.features {
            let (own, after) = rest.split_at_mut_checked(rule.width())?;
            rule.write(facts.value(*source), own)?;
            rest = after;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_name_is_known_and_no_other() {
        for name in KNOWN_ANNOTATIONS {
            assert!(Source::parse(name).is_some(), "{name}");
        }
        let check = |name: &str, part: &str| {
            let feature = AnnotationFeature {
                name: name.to_owned(),
                fill: None,
                mean: 0.0,
                std: 1.0,
                missing_flag: false,
                values: None,
            };
            let error = AnnotationPlan::default()
                .source("x", &feature, &Schema::empty())
                .unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        };
        check("allele.is_snp", "the known ones are allele.is_snv, ");
        check("info.", "info.<FIELD>");
        check("gnomad.af", "knowledge source 'gnomad'");
    }
}
