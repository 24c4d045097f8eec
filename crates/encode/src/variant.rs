//! The plan of a variant model against a run, and the rows it writes.

use arrow::array::{Array, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Schema};
use varisk_core::{ContigId, Reason, SiteBatch, columns};

use crate::annotation::{AnnotationPlan, AnnotationTensor, ContextScratch, SiteColumns};
use crate::bases::is_plain;
use crate::manifest::{Allele, Encoder, Layout, ModelKind, Part};
use crate::onehot::OneHot;
use crate::window::{Site, Windows, room};
use crate::{
    Bases, Bundle, ElementType, EncodeError, KmerParams, Manifest, OneHotParams, TensorSpec,
    Tensors, Tokenizer,
};

/// Builds the input tensors of one variant model from batches of alleles. Immutable: threads share
/// it, each with its own [`VariantScratch`] and [`Tensors`].
#[derive(Clone, Debug)]
pub struct VariantEncoder {
    specs: Vec<TensorSpec>,
    plans: Vec<Plan>,
    /// Distinct window lengths.
    windows: Vec<usize>,
    /// Longest allele that every window shows whole.
    longest_allele: usize,
    annotations: AnnotationPlan,
    batch_size: usize,
}

/// How one tensor is made.
#[derive(Clone, Debug)]
enum Plan {
    Kmer {
        window: usize,
        allele: Allele,
        part: Part,
        tokenizer: Box<Tokenizer>,
    },
    OneHot {
        window: usize,
        allele: Allele,
        encoder: OneHot,
    },
    Annotation(AnnotationTensor),
}

/// Buffers of one thread, kept from row to row so that a row allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct VariantScratch {
    windows: Vec<Windows>,
    tokens: Vec<i64>,
    context: ContextScratch,
    outcomes: Vec<Result<(), Reason>>,
}

impl VariantScratch {
    /// What became of the rows of the last call of [`VariantEncoder::encode_rows`], in their order:
    /// each that is `Ok` took the next slot, the others took none. May be shorter than the rows
    /// given: then the slots were full, and the rest is to be given again.
    pub fn outcomes(&self) -> &[Result<(), Reason>] {
        &self.outcomes
    }
}

/// The columns of a batch that a call reads.
struct Columns<'a> {
    contig: &'a UInt32Array,
    position: &'a UInt32Array,
    reference: &'a StringArray,
    alternate: &'a StringArray,
    reason: &'a StringArray,
    annotations: SiteColumns<'a>,
}

impl VariantEncoder {
    /// INFO fields that a model needs, to be asked for before reading begins.
    #[must_use]
    pub fn info_fields(manifest: &Manifest) -> Vec<String> {
        manifest.info_fields()
    }

    /// Plans a model against the columns that its stage will receive.
    ///
    /// # Errors
    /// The model is not of kind `variant`, a vocabulary cannot be used, an annotation is unknown, or
    /// a column is missing or of another type.
    pub fn try_new(bundle: &Bundle, input_schema: &Schema) -> Result<Self, EncodeError> {
        let manifest = &bundle.manifest;
        if manifest.kind != ModelKind::Variant {
            return Err(EncodeError::Kind {
                model: manifest.name.clone(),
                found: manifest.kind.name(),
                expected: ModelKind::Variant.name(),
            });
        }
        let mut encoder = Self {
            specs: Vec::new(),
            plans: Vec::new(),
            windows: Vec::new(),
            longest_allele: usize::MAX,
            annotations: AnnotationPlan::default(),
            batch_size: manifest.rows(),
        };
        for input in &manifest.inputs {
            let (element, shape, plan) = match &input.encoder {
                Encoder::Kmer(params) => encoder.plan_kmer(params, bundle, &input.tensor)?,
                Encoder::OneHot(params) => encoder.plan_one_hot(params),
                Encoder::Annotation(params) => {
                    let tensor = encoder
                        .annotations
                        .tensor(&input.tensor, params, input_schema)?;
                    encoder.check_columns(&input.tensor, input_schema)?;
                    (
                        ElementType::F32,
                        vec![tensor.width()],
                        Plan::Annotation(tensor),
                    )
                }
                Encoder::Covariate(_) | Encoder::Feature(_) => {
                    return Err(EncodeError::Internal(
                        "a patient encoder is in a variant model",
                    ));
                }
            };
            let spec = TensorSpec {
                name: input.tensor.clone(),
                element,
                shape,
            };
            spec.check_size(encoder.batch_size)?;
            if let Some((column, expected)) = missing_site_column(input_schema) {
                return Err(EncodeError::MissingColumn {
                    tensor: spec.name,
                    column: column.to_owned(),
                    expected,
                });
            }
            encoder.specs.push(spec);
            encoder.plans.push(plan);
        }
        Ok(encoder)
    }

    fn plan_kmer(
        &mut self,
        params: &KmerParams,
        bundle: &Bundle,
        tensor: &str,
    ) -> Result<(ElementType, Vec<usize>, Plan), EncodeError> {
        let tokenizer = Box::new(Tokenizer::try_new(params, &bundle.folder, tensor)?);
        Ok((
            params.dtype,
            vec![tokenizer.length()],
            Plan::Kmer {
                window: self.window(params.window),
                allele: params.allele,
                part: params.part,
                tokenizer,
            },
        ))
    }

    fn plan_one_hot(&mut self, params: &OneHotParams) -> (ElementType, Vec<usize>, Plan) {
        let length = params.window as usize;
        let shape = match params.layout {
            Layout::ChannelsFirst => vec![4, length],
            Layout::ChannelsLast => vec![length, 4],
        };
        let plan = Plan::OneHot {
            window: self.window(params.window),
            allele: params.allele,
            encoder: OneHot::new(params),
        };
        (ElementType::F32, shape, plan)
    }

    /// Index of a window length, which tensors share.
    fn window(&mut self, length: u32) -> usize {
        let length = length as usize;
        self.longest_allele = self.longest_allele.min(room(length));
        let known = self.windows.iter().position(|own| *own == length);
        known.unwrap_or_else(|| {
            self.windows.push(length);
            self.windows.len() - 1
        })
    }

    fn check_columns(&self, tensor: &str, schema: &Schema) -> Result<(), EncodeError> {
        let plan = &self.annotations;
        let quality = plan.needs_quality.then_some(columns::QUALITY);
        let filter = plan.needs_filter.then_some(columns::FILTER);
        let floats = plan.info_columns.iter().map(String::as_str).chain(quality);
        let needed = floats
            .map(|name| (name, DataType::Float32, "Float32"))
            .chain(filter.map(|name| (name, DataType::Utf8, "Utf8")));
        for (name, data_type, expected) in needed {
            if !has_column(schema, name, &data_type) {
                return Err(EncodeError::MissingColumn {
                    tensor: tensor.to_owned(),
                    column: name.to_owned(),
                    expected,
                });
            }
        }
        Ok(())
    }

    /// The tensors, in the order of the manifest's inputs.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.specs
    }

    /// Rows of a batch of the model.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Buffers of one batch, every slot neutral.
    ///
    /// # Errors
    /// Never for a plan that [`Self::try_new`] made.
    pub fn new_tensors(&self) -> Result<Tensors, EncodeError> {
        let mut out = Tensors::new(&self.specs, self.batch_size);
        self.pad(0, &mut out)?;
        Ok(out)
    }

    /// Writes rows of a batch into the slots from `slot` on, and makes all slots after them neutral
    /// (pad tokens, zeros). A row that cannot be encoded takes no slot. Returns the next free slot;
    /// [`VariantScratch::outcomes`] says what became of each row. Stops when the slots are full.
    ///
    /// A row that the batch already gives a reason keeps it. Else the reasons are: telomere
    /// position, no alternate allele, an ambiguous base, an allele that a window would cut, a
    /// required annotation that is missing.
    ///
    /// # Errors
    /// The reference cannot be read, or batch or buffers are not those of the plan.
    pub fn encode_rows<B: Bases + ?Sized>(
        &self,
        batch: &SiteBatch,
        rows: &[usize],
        bases: &mut B,
        scratch: &mut VariantScratch,
        slot: usize,
        out: &mut Tensors,
    ) -> Result<usize, EncodeError> {
        scratch.outcomes.clear();
        scratch
            .windows
            .resize_with(self.windows.len(), Windows::default);
        let columns = self.columns(batch)?;
        let mut next = slot;
        for row in rows {
            if next >= self.batch_size {
                break;
            }
            if *row >= batch.len() {
                return Err(EncodeError::Internal("a row is beyond its batch"));
            }
            let outcome = match self.site(&columns, *row)? {
                Ok(site) => {
                    // Before the row is written: one that fails halfway leaves its slot dirty.
                    out.used = out.used.max(next + 1);
                    self.write(&columns, *row, &site, bases, scratch, next, out)?
                }
                Err(reason) => Err(reason),
            };
            next += usize::from(outcome.is_ok());
            scratch.outcomes.push(outcome);
        }
        self.pad(next, out)?;
        Ok(next)
    }

    fn columns<'a>(&'a self, batch: &'a SiteBatch) -> Result<Columns<'a>, EncodeError> {
        let plan = &self.annotations;
        let quality = plan.needs_quality.then(|| batch.floats(columns::QUALITY));
        let filter = plan.needs_filter.then(|| batch.text(columns::FILTER));
        let classes = plan.needs_cohort.then(|| batch.site_class_column());
        let info = plan.info_columns.iter().map(|name| batch.floats(name));
        Ok(Columns {
            contig: batch.contig_column()?,
            position: batch.position_column()?,
            reference: batch.text(columns::REFERENCE)?,
            alternate: batch.text(columns::ALTERNATE)?,
            reason: batch.text(columns::REASON)?,
            annotations: SiteColumns {
                quality: quality.transpose()?,
                filter: filter.transpose()?,
                info: info.collect::<Result<_, _>>()?,
                joined: plan.joined(batch)?,
                batch,
                classes: classes.transpose()?,
            },
        })
    }

    /// The allele of a row, or why no tensor can be made of it.
    fn site<'a>(
        &self,
        columns: &Columns<'a>,
        row: usize,
    ) -> Result<Result<Site<'a>, Reason>, EncodeError> {
        if !columns.reason.is_null(row) {
            let reason = Reason::parse(columns.reason.value(row));
            return reason.map(Err).ok_or(EncodeError::Internal(
                "the batch gives a reason that is not in the vocabulary",
            ));
        }
        if columns.alternate.is_null(row) {
            return Ok(Err(Reason::NoAlternateAllele));
        }
        let site = Site {
            contig: ContigId(columns.contig.value(row)),
            position: columns.position.value(row),
            reference: columns.reference.value(row).as_bytes(),
            alternate: columns.alternate.value(row).as_bytes(),
        };
        let longer = site.reference.len().max(site.alternate.len());
        Ok(if site.position == 0 {
            Err(Reason::TelomerePosition)
        } else if !is_plain(site.reference) || !is_plain(site.alternate) {
            Err(Reason::AmbiguousBase)
        } else if longer > self.longest_allele {
            Err(Reason::AlleleExceedsWindow)
        } else {
            Ok(site)
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the inner half of encode_rows")]
    fn write<B: Bases + ?Sized>(
        &self,
        columns: &Columns<'_>,
        row: usize,
        site: &Site<'_>,
        bases: &mut B,
        scratch: &mut VariantScratch,
        slot: usize,
        out: &mut Tensors,
    ) -> Result<Result<(), Reason>, EncodeError> {
        let VariantScratch {
            windows,
            tokens,
            context,
            ..
        } = scratch;
        for (length, window) in self.windows.iter().zip(windows.iter_mut()) {
            window.build(*length, site, bases)?;
        }
        let facts = self
            .annotations
            .gather(site, row, &columns.annotations, bases, context)?;
        let sequence = |window: usize, allele: Allele| {
            let window = windows.get(window);
            window.map_or(&[][..], |window| match allele {
                Allele::Ref => &window.reference,
                Allele::Alt => &window.alternate,
            })
        };
        for ((plan, spec), data) in self.plans.iter().zip(&self.specs).zip(&mut out.data) {
            let target = data.row_mut(slot, spec.row_len())?;
            match plan {
                Plan::Kmer {
                    window,
                    allele,
                    part,
                    tokenizer,
                } => tokenizer.write(*part, sequence(*window, *allele), tokens, target),
                Plan::OneHot {
                    window,
                    allele,
                    encoder,
                } => encoder.write(sequence(*window, *allele), target.floats()?),
                Plan::Annotation(tensor) => {
                    if tensor.write(&facts, target.floats()?).is_none() {
                        return Ok(Err(Reason::AnnotationMissing));
                    }
                }
            }
        }
        Ok(Ok(()))
    }

    /// Makes the slots from `slot` on neutral.
    fn pad(&self, slot: usize, out: &mut Tensors) -> Result<(), EncodeError> {
        if out.data.len() != self.plans.len() || out.batch_size() != self.batch_size {
            return Err(EncodeError::Internal("tensors were made for another model"));
        }
        for ((plan, spec), data) in self.plans.iter().zip(&self.specs).zip(&mut out.data) {
            for slot in slot..out.used {
                let row = data.row_mut(slot, spec.row_len())?;
                match plan {
                    Plan::Kmer {
                        part, tokenizer, ..
                    } => tokenizer.write_neutral(*part, row),
                    Plan::OneHot { .. } | Plan::Annotation(_) => row.floats()?.fill(0.0),
                }
            }
        }
        out.used = out.used.min(slot);
        Ok(())
    }
}

fn has_column(schema: &Schema, name: &str, data_type: &DataType) -> bool {
    schema
        .field_with_name(name)
        .is_ok_and(|field| field.data_type() == data_type)
}

/// A column that every row needs and the schema lacks.
fn missing_site_column(schema: &Schema) -> Option<(&'static str, &'static str)> {
    [
        (columns::CONTIG, DataType::UInt32, "UInt32"),
        (columns::POSITION, DataType::UInt32, "UInt32"),
        (columns::REFERENCE, DataType::Utf8, "Utf8"),
        (columns::ALTERNATE, DataType::Utf8, "Utf8"),
        (columns::REASON, DataType::Utf8, "Utf8"),
    ]
    .into_iter()
    .find(|(name, data_type, _)| !has_column(schema, name, data_type))
    .map(|(name, _, expected)| (name, expected))
}

#[cfg(test)]
mod tests;
