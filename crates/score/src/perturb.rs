//! What a variant's score rests on: the score again after the bases around the allele have changed.
//!
//! In-silico mutagenesis puts each other base in the place of one base of the reference (Zhou and
//! Troyanskaya 2015, Nature Methods 12:931); occlusion puts N in the place of some bases side by side
//! (Zeiler and Fergus 2014, ECCV), which k-mer encoders make unknown tokens. Both change the sequence
//! that either allele stands in, and leave the allele itself alone, so they say what of its
//! surroundings its score needs. Whatever the model computes from the reference changes along: tokens,
//! one-hot channels, `context.*`.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::Schema;
use varisk_core::{ContigId, Reason, SiteBatch, columns};
use varisk_encode::{
    Bases, Encoder, GC_RADIUS, HOMOPOLYMER_RADIUS, Manifest, Overlay, Tensors, VariantEncoder,
    VariantScratch, flank,
};

use crate::{Model, ScoreError, check_graph};

/// A change of the reference around an allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perturbation {
    /// First changed base, 1-based.
    pub start: u32,
    /// Last changed base, 1-based.
    pub end: u32,
    /// What stands there instead; `None` for N in all of them.
    pub base: Option<u8>,
}

/// The score of an allele, and its scores with changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Perturbed {
    /// One score for each output of the manifest.
    pub scores: Vec<f64>,
    /// Changes, by position, with the scores that they give; `None` where there is none.
    pub changes: Vec<(Perturbation, Vec<Option<f64>>)>,
}

/// Which changes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerturbSettings {
    /// Bases to either side of the allele that are changed; `None` for all that the model sees.
    pub radius: Option<u32>,
    /// Bases that are occluded together; 0 for no occlusion.
    pub occluded: u32,
    /// Whether each base is changed into each other one.
    pub mutates: bool,
}

/// Explains the scores of one variant model.
pub struct PerturbExplainer {
    model: Arc<Model>,
    encoder: VariantEncoder,
    settings: PerturbSettings,
    /// Bases to the left and to the right of POS that the model sees.
    reach: (u32, u32),
}

/// Bases to either side of an allele that its context annotations are made of.
fn context_radius(manifest: &Manifest) -> u32 {
    let radius = |name: &str| match name {
        "context.gc_fraction" => GC_RADIUS,
        "context.homopolymer_run" => HOMOPOLYMER_RADIUS,
        "context.is_cpg" => 1,
        _ => 0,
    };
    let inputs = manifest
        .inputs
        .iter()
        .filter_map(|input| match &input.encoder {
            Encoder::Annotation(own) => own.features.iter().map(|own| radius(&own.name)).max(),
            _ => None,
        });
    u32::try_from(inputs.max().unwrap_or(0)).unwrap_or(0)
}

/// Buffers of one thread.
pub struct PerturbScratch {
    tensors: Tensors,
    scratch: VariantScratch,
}

impl PerturbExplainer {
    /// Plans a model against the columns of batches.
    ///
    /// # Errors
    /// A tensor cannot be built, or the model looks at no sequence.
    pub fn try_new(
        model: Arc<Model>,
        input: &Schema,
        settings: PerturbSettings,
    ) -> Result<Self, ScoreError> {
        let encoder = VariantEncoder::try_new(model.bundle(), input)?;
        check_graph(model.bundle(), encoder.tensors(), encoder.batch_size())?;
        let windows = model.bundle().manifest.inputs.iter();
        let windows = windows.filter_map(|input| match &input.encoder {
            Encoder::Kmer(own) => Some(own.window),
            Encoder::OneHot(own) => Some(own.window),
            _ => None,
        });
        let window = windows.max().ok_or_else(|| ScoreError::NoSequence {
            model: model.bundle().manifest.name.clone(),
        })?;
        let left = u32::try_from(flank(window as usize)).unwrap_or(0);
        let context = context_radius(&model.bundle().manifest);
        let reach = (left.max(context), (window - left - 1).max(context));
        let radius = settings
            .radius
            .unwrap_or(u32::MAX)
            .min(reach.0.max(reach.1));
        let changes_something = settings.mutates || settings.occluded > 0;
        if radius == 0 || !changes_something || settings.occluded > radius {
            return Err(ScoreError::NothingToChange {
                occluded: settings.occluded,
                radius,
            });
        }
        Ok(Self {
            model,
            encoder,
            settings,
            reach,
        })
    }

    /// Buffers for a thread.
    ///
    /// # Errors
    /// Never for a plan that [`Self::try_new`] made.
    pub fn scratch(&self) -> Result<PerturbScratch, ScoreError> {
        Ok(PerturbScratch {
            tensors: self.encoder.new_tensors()?,
            scratch: VariantScratch::default(),
        })
    }

    /// Names of the outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        let outputs = &self.model.bundle().manifest.outputs;
        outputs.iter().map(|own| own.name.as_str())
    }

    /// Explains the allele of a row.
    ///
    /// # Errors
    /// The reference cannot be read, or the runtime refuses. The inner error is why the allele has no
    /// score that could be explained.
    pub fn explain<B: Bases + ?Sized>(
        &self,
        batch: &SiteBatch,
        row: usize,
        bases: &mut B,
        own: &mut PerturbScratch,
    ) -> Result<Result<Perturbed, Reason>, ScoreError> {
        let contig = ContigId(batch.contig_column()?.value(row));
        let changes = self.changes(batch, row, contig, bases)?;
        let mut results: Vec<Vec<Option<f64>>> = Vec::with_capacity(changes.len() + 1);
        let mut slot = 0;
        let mut waiting: Vec<Option<usize>> = Vec::new();
        let all = std::iter::once(None).chain(changes.iter().map(Some));
        for change in all {
            let replaced = change.map_or_else(Vec::new, |change| {
                let length = (change.end - change.start + 1) as usize;
                vec![change.base.unwrap_or(b'N'); length]
            });
            let mut overlay = Overlay {
                below: &mut *bases,
                contig,
                start: change.map_or(0, |change| i64::from(change.start) - 1),
                bases: &replaced,
            };
            let next = self.encoder.encode_rows(
                batch,
                &[row],
                &mut overlay,
                &mut own.scratch,
                slot,
                &mut own.tensors,
            )?;
            if change.is_none()
                && let Some(Err(reason)) = own.scratch.outcomes().first()
            {
                return Ok(Err(*reason));
            }
            waiting.push((next > slot).then_some(slot));
            slot = next;
            if slot == self.encoder.batch_size() {
                self.run(&own.tensors, slot, &mut waiting, &mut results)?;
                slot = 0;
            }
        }
        self.run(&own.tensors, slot, &mut waiting, &mut results)?;
        let mut results = results.into_iter();
        let scores: Option<Vec<f64>> = results.next().unwrap_or_default().into_iter().collect();
        let Some(scores) = scores else {
            return Ok(Err(Reason::NonFiniteScore));
        };
        Ok(Ok(Perturbed {
            scores,
            changes: changes.into_iter().zip(results).collect(),
        }))
    }

    fn run(
        &self,
        tensors: &Tensors,
        slots: usize,
        waiting: &mut Vec<Option<usize>>,
        results: &mut Vec<Vec<Option<f64>>>,
    ) -> Result<(), ScoreError> {
        let outputs = self.model.bundle().manifest.outputs.len();
        let mut scores = vec![vec![None; outputs]; slots];
        if slots > 0 {
            self.model.run(tensors, |index, spec, width, elements| {
                for (own, raw) in scores.iter_mut().zip(elements.chunks_exact(width)) {
                    own[index] = spec.finish(raw).map(f64::from);
                }
            })?;
        }
        results.extend(waiting.drain(..).map(|slot| {
            let own = slot.and_then(|slot| scores.get(slot).cloned());
            own.unwrap_or_else(|| vec![None; outputs])
        }));
        Ok(())
    }

    /// The changes around an allele: bases of REF itself, and what is no base, stay.
    fn changes<B: Bases + ?Sized>(
        &self,
        batch: &SiteBatch,
        row: usize,
        contig: ContigId,
        bases: &mut B,
    ) -> Result<Vec<Perturbation>, ScoreError> {
        let position = batch.position_column()?.value(row);
        let reference = batch.text(columns::REFERENCE)?;
        let length = if reference.is_valid(row) {
            u32::try_from(reference.value(row).len()).unwrap_or(1)
        } else {
            1
        };
        let radius = |reach: u32| self.settings.radius.map_or(reach, |own| own.min(reach));
        let (left, right) = (radius(self.reach.0), radius(self.reach.1));
        let first = position.saturating_sub(left).max(1);
        let last = position
            .saturating_add(length - 1)
            .saturating_add(right)
            .min(batch.contigs().length(contig));
        let mut seen = vec![b'N'; (last + 1).saturating_sub(first) as usize];
        bases
            .fill(contig, i64::from(first) - 1, &mut seen)
            .map_err(varisk_encode::EncodeError::from)?;
        let is_changeable = |at: u32| {
            let base = seen.get((at - first) as usize);
            !(position..position + length).contains(&at)
                && base.is_some_and(|base| b"ACGT".contains(base))
        };
        let mut changes = Vec::new();
        for at in first..=last {
            if self.settings.mutates && is_changeable(at) {
                let own = seen[(at - first) as usize];
                for base in b"ACGT".iter().filter(|base| **base != own) {
                    changes.push(Perturbation {
                        start: at,
                        end: at,
                        base: Some(*base),
                    });
                }
            }
            let width = self.settings.occluded;
            let end = at.saturating_add(width);
            if width > 0 && end - 1 <= last && (at..end).all(is_changeable) {
                changes.push(Perturbation {
                    start: at,
                    end: end - 1,
                    base: None,
                });
            }
        }
        Ok(changes)
    }
}
