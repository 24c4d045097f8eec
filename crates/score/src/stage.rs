//! The stage that scores alleles: it adds a column for each output of a variant model, and one with
//! the reason where there is no score.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float32Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use varisk_core::{Reason, SiteBatch, Stage, StageError, Worker, columns, quantise};
use varisk_encode::{Tensors, VariantEncoder, VariantScratch};
use varisk_reference::{Reference, SequenceReader};

use crate::{Model, ScoreError, check_graph};

const NAME: &str = "score";

/// Scores every allele that the model can take.
pub struct ScoreStage {
    model: Arc<Model>,
    encoder: Arc<VariantEncoder>,
    reference: Reference,
    /// Columns with scores of an earlier run, in the order of the outputs; empty without them.
    prescored: Arc<[String]>,
}

impl ScoreStage {
    /// Plans a model against the columns that will reach it.
    ///
    /// # Errors
    /// A tensor cannot be built, or the graph does not take what the manifest builds.
    pub fn try_new(
        model: Arc<Model>,
        reference: Reference,
        input: &Schema,
    ) -> Result<Self, ScoreError> {
        let encoder = VariantEncoder::try_new(model.bundle(), input)?;
        check_graph(model.bundle(), encoder.tensors(), encoder.batch_size())?;
        Ok(Self {
            model,
            encoder: Arc::new(encoder),
            reference,
            prescored: Arc::new([]),
        })
    }

    /// Looks scores up in columns of the batch, one of 32-bit floats for each output in the order of
    /// the manifest, and computes the alleles only that have none there. The scores must be those of
    /// the same model on the same allele.
    #[must_use]
    pub fn with_prescored(mut self, columns: Vec<String>) -> Self {
        self.prescored = columns.into();
        self
    }

    /// Column of an output.
    #[must_use]
    pub fn score_column(model: &str, output: &str) -> String {
        format!("{}{model}.{output}", columns::SCORE_PREFIX)
    }

    /// Column of the model's reasons.
    #[must_use]
    pub fn reason_column(model: &str) -> String {
        format!("{}{model}", columns::REASON_PREFIX)
    }
}

impl Stage for ScoreStage {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError> {
        let manifest = &self.model.bundle().manifest;
        let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
        for output in &manifest.outputs {
            fields.push(Arc::new(Field::new(
                Self::score_column(&manifest.name, &output.name),
                DataType::Float32,
                true,
            )));
        }
        fields.push(Arc::new(Field::new(
            Self::reason_column(&manifest.name),
            DataType::Utf8,
            true,
        )));
        Ok(Arc::new(Schema::new(fields)))
    }

    fn worker(&self) -> Result<Box<dyn Worker>, StageError> {
        let bases = self
            .reference
            .reader()
            .map_err(|error| StageError::new(NAME, error))?;
        let tensors = self
            .encoder
            .new_tensors()
            .map_err(|error| StageError::new(NAME, error))?;
        Ok(Box::new(ScoreWorker {
            model: Arc::clone(&self.model),
            encoder: Arc::clone(&self.encoder),
            prescored: Arc::clone(&self.prescored),
            bases,
            tensors,
            scratch: VariantScratch::default(),
        }))
    }
}

/// One thread's buffers.
struct ScoreWorker {
    model: Arc<Model>,
    encoder: Arc<VariantEncoder>,
    prescored: Arc<[String]>,
    bases: SequenceReader,
    tensors: Tensors,
    scratch: VariantScratch,
}

/// What becomes of a batch: for each output a score for each row, and for each row a reason.
struct Scores {
    values: Vec<Vec<Option<f32>>>,
    reasons: Vec<Option<Reason>>,
}

impl Worker for ScoreWorker {
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError> {
        let scores = self
            .score(&batch)
            .map_err(|error| StageError::new(NAME, error))?;
        let manifest = &self.model.bundle().manifest;
        let mut added: Vec<(String, ArrayRef)> = Vec::with_capacity(scores.values.len() + 1);
        for (output, values) in manifest.outputs.iter().zip(scores.values) {
            let mut builder = Float32Builder::with_capacity(values.len());
            values
                .into_iter()
                .for_each(|value| builder.append_option(value));
            added.push((
                ScoreStage::score_column(&manifest.name, &output.name),
                Arc::new(builder.finish()),
            ));
        }
        let mut reasons = StringBuilder::new();
        scores
            .reasons
            .iter()
            .for_each(|reason| reasons.append_option(reason.map(Reason::name)));
        added.push((
            ScoreStage::reason_column(&manifest.name),
            Arc::new(reasons.finish()),
        ));
        Ok(batch.with_columns(added)?)
    }
}

impl ScoreWorker {
    fn score(&mut self, batch: &SiteBatch) -> Result<Scores, ScoreError> {
        let outputs = self.model.bundle().manifest.outputs.len();
        let mut scores = Scores {
            values: vec![vec![None; batch.len()]; outputs],
            reasons: vec![None; batch.len()],
        };
        let rows = self.look_up(batch, &mut scores)?;
        let mut filled: Vec<usize> = Vec::with_capacity(self.encoder.batch_size());
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let slot = filled.len();
            let next = self.encoder.encode_rows(
                batch,
                rest,
                &mut self.bases,
                &mut self.scratch,
                slot,
                &mut self.tensors,
            )?;
            let outcomes = self.scratch.outcomes();
            for (row, outcome) in rest.iter().zip(outcomes) {
                match outcome {
                    Ok(()) => filled.push(*row),
                    Err(reason) => scores.reasons[*row] = Some(*reason),
                }
            }
            rest = &rest[outcomes.len()..];
            if next == self.encoder.batch_size() || (rest.is_empty() && !filled.is_empty()) {
                run(&self.model, &self.tensors, &filled, &mut scores)?;
                filled.clear();
            }
        }
        Ok(scores)
    }
}

impl ScoreWorker {
    /// Takes what an earlier run has scored; returns the rows that are left.
    fn look_up(&self, batch: &SiteBatch, scores: &mut Scores) -> Result<Vec<usize>, ScoreError> {
        if self.prescored.is_empty() {
            return Ok((0..batch.len()).collect());
        }
        let scores_of = self
            .prescored
            .iter()
            .map(|name| batch.floats(name))
            .collect::<Result<Vec<_>, _>>()?;
        let reasons = batch.text(columns::REASON)?;
        let mut left = Vec::new();
        for row in 0..batch.len() {
            // A row with a reason, such as a record that stands twice, has no score here either.
            if reasons.is_valid(row) || scores_of.iter().any(|column| column.is_null(row)) {
                left.push(row);
                continue;
            }
            for (values, column) in scores.values.iter_mut().zip(&scores_of) {
                values[row] = Some(column.value(row));
            }
        }
        Ok(left)
    }
}

/// Runs a batch and puts each slot's results to its row.
fn run(
    model: &Model,
    tensors: &Tensors,
    filled: &[usize],
    scores: &mut Scores,
) -> Result<(), ScoreError> {
    let Scores { values, reasons } = scores;
    model.run(tensors, |index, spec, width, elements| {
        for (row, raw) in filled.iter().zip(elements.chunks_exact(width)) {
            match spec.finish(raw) {
                None => reasons[*row] = Some(Reason::NonFiniteScore),
                Some(score) if quantise(f64::from(score)).is_none() => {
                    reasons[*row] = Some(Reason::ScoreOutOfRange);
                }
                Some(score) => values[index][*row] = Some(score),
            }
        }
    })?;
    // A row of which one output is no number has no score at all: half a result is not a result.
    for row in filled.iter().filter(|row| reasons[**row].is_some()) {
        values.iter_mut().for_each(|output| output[*row] = None);
    }
    Ok(())
}
