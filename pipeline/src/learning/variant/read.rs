//! Labelled variants through the stages of a run: tensors, labels, genes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, StringArray};
use varisk_core::{ContigId, Position, Reason, SiteBatch, Worker, columns as c};
use varisk_encode::{Bundle, TensorData, Tensors, VariantEncoder, VariantScratch};
use varisk_flow::{CancelToken, Executor, Outcome};
use varisk_readers::{RawBatch, ReadError, SiteDecoder};
use varisk_reference::SequenceReader;
use varisk_train::{Label, LabelSpec, Place, VariantRow, VariantRows};

use crate::log::Log;
use crate::plan::Plan;
use crate::run::{cause, interrupted};
use crate::settings::Settings;

/// Column of the gene of the chosen consequence.
const GENE: &str = "consequence.gene";
/// Column of its term.
pub(super) const TERM: &str = "consequence.term";

/// Takes an allele that stands in a file once more for an allele like the first, since its label may
/// be another one.
fn with_repeats(batch: SiteBatch) -> anyhow::Result<SiteBatch> {
    let reasons = batch.text(c::REASON)?;
    let others = reasons
        .iter()
        .map(|own| own.filter(|own| *own != Reason::RepeatedAllele.name()));
    let others: StringArray = others.collect();
    Ok(batch.with_column_replaced(c::REASON, Arc::new(others))?)
}

/// How variants are read.
pub(super) struct Reader<'a> {
    pub(super) settings: &'a Settings,
    /// Whether an allele that stands in a file once more is read like the first.
    pub(super) keeps_repeats: bool,
    pub(super) cancel: &'a CancelToken,
    pub(super) log: &'a Log,
}

impl Reader<'_> {
    /// Reads all variants of a plan, batch by batch in order.
    pub(super) fn each_batch<W: Send, T: Send>(
        &self,
        plan: &mut Plan,
        worker: impl Fn() -> anyhow::Result<W>,
        work: impl Fn(&mut W, &SiteBatch) -> anyhow::Result<T> + Sync,
        mut sink: impl FnMut(T) -> anyhow::Result<()> + Send,
    ) -> anyhow::Result<()> {
        struct Own<W> {
            decoder: SiteDecoder,
            stages: Vec<(String, Box<dyn Worker>)>,
            own: W,
        }
        let keeps_repeats = self.keeps_repeats;
        let mut source = plan.source(self.settings)?;
        let executor = Executor::new(self.settings.limits.threads, self.cancel.clone());
        let mut workers = (0..executor.threads())
            .map(|_| {
                Ok(Own {
                    decoder: SiteDecoder::new(Arc::clone(&plan.decoder), plan.reference.reader()?),
                    stages: plan.workers()?,
                    own: worker()?,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut progress = self.log.progress();
        let mut records = 0;
        let spare = source.spare();
        let mut pull = || -> anyhow::Result<Option<RawBatch>> { Ok(source.next_batch()?) };
        let outcome = executor.run(
            &mut pull,
            &mut workers,
            0,
            u64::MAX,
            |worker, number, raw| {
                let decoded = worker.decoder.decode(number, &raw)?;
                let last = raw.entries.last().map(|own| (own.contig, own.position));
                spare.give_back(raw);
                if let Some(bad) = decoded.bad.into_iter().next() {
                    return Err(ReadError::TooManyBadRecords { bad }.into());
                }
                let mut batch = decoded.batch;
                if keeps_repeats {
                    batch = with_repeats(batch)?;
                }
                for (_, stage) in &mut worker.stages {
                    batch = stage.process(batch)?;
                }
                Ok((work(&mut worker.own, &batch)?, decoded.records, last))
            },
            |(done, own, last): (T, u64, Option<(ContigId, Position)>)| {
                records += own;
                if let Some((contig, position)) = last {
                    let contig = plan.reference.contigs().name(contig);
                    progress.update(records, &format!("{contig}:{position}"));
                }
                sink(done)
            },
        );
        match outcome {
            Ok(Outcome::Finished) => Ok(()),
            Ok(_) => Err(interrupted()),
            Err(error) => Err(cause(error)),
        }
    }
}

/// Where a row of a batch lies; `None` where it has no alternate allele.
pub(super) struct Places<'a> {
    batch: &'a SiteBatch,
    reference: &'a StringArray,
    alternate: &'a StringArray,
}

impl<'a> Places<'a> {
    pub(super) fn of(batch: &'a SiteBatch) -> anyhow::Result<Self> {
        Ok(Self {
            batch,
            reference: batch.text(c::REFERENCE)?,
            alternate: batch.text(c::ALTERNATE)?,
        })
    }

    pub(super) fn get(&self, row: usize) -> anyhow::Result<Option<Place>> {
        if self.alternate.is_null(row) {
            return Ok(None);
        }
        let contig = ContigId(self.batch.contig_column()?.value(row));
        Ok(Some(Place {
            contig: self.batch.contigs().name(contig).to_owned(),
            position: self.batch.position_column()?.value(row),
            reference: self.reference.value(row).to_owned(),
            alternate: self.alternate.value(row).to_owned(),
        }))
    }
}

/// What one thread encodes with.
struct EncodeWorker {
    bases: SequenceReader,
    tensors: Tensors,
    scratch: VariantScratch,
}

/// Labelled variants to be read.
pub(super) struct Labelled<'a> {
    pub(super) settings: &'a Settings,
    /// A model of which there is the manifest alone.
    pub(super) draft: &'a Bundle,
    pub(super) label: &'a LabelSpec,
    /// Number of the data.
    pub(super) source: usize,
    /// Number of the first data with the same reference.
    pub(super) reference: usize,
}

/// Reads labelled variants and adds them to `rows`.
pub(super) fn read(
    mut plan: Plan,
    labelled: &Labelled<'_>,
    cancel: &CancelToken,
    log: &Log,
    rows: &mut VariantRows,
) -> anyhow::Result<()> {
    let encoder = VariantEncoder::try_new(labelled.draft, &plan.schema)?;
    let reference = plan.reference.clone();
    let worker = || {
        Ok(EncodeWorker {
            bases: reference.reader()?,
            tensors: encoder.new_tensors()?,
            scratch: VariantScratch::default(),
        })
    };
    let reader = Reader {
        settings: labelled.settings,
        keeps_repeats: true,
        cancel,
        log,
    };
    reader.each_batch(
        &mut plan,
        worker,
        |worker, batch| encode(worker, &encoder, batch, labelled),
        |own: VariantRows| {
            rows.rows.extend(own.rows);
            for (why, count) in own.left_out {
                rows.leave_out(&why, count);
            }
            Ok(())
        },
    )
}

fn encode(
    worker: &mut EncodeWorker,
    encoder: &VariantEncoder,
    batch: &SiteBatch,
    own: &Labelled<'_>,
) -> anyhow::Result<VariantRows> {
    let label = own.label;
    let texts: HashMap<String, &StringArray> = label
        .fields()
        .into_iter()
        .map(|field| {
            let column = batch.text(&format!("{}{field}", c::TEXT_PREFIX))?;
            Ok((field, column))
        })
        .collect::<anyhow::Result<_>>()?;
    let text = |name: &str| batch.sites().column_by_name(name);
    let text = |name: &str| text(name).and_then(|own| own.as_string_opt::<i32>());
    let (genes, terms) = (text(GENE), text(TERM));
    let classes = batch.text(c::ALLELE_CLASS)?;
    let places = Places::of(batch)?;
    let mut found = VariantRows::default();
    let mut labelled = Vec::new();
    for row in 0..batch.len() {
        let cell = |own: &StringArray| own.is_valid(row).then(|| own.value(row).to_owned());
        let cells: HashMap<&str, String> = texts
            .iter()
            .filter_map(|(field, own)| Some((field.as_str(), cell(own)?)))
            .collect();
        let is_pathogenic = match label.read(|field| cells.get(field).map(String::as_str)) {
            Label::Pathogenic => true,
            Label::Benign => false,
            other => {
                found.leave_out_label(other);
                continue;
            }
        };
        let Some(place) = places.get(row)? else {
            found.leave_out("no alternate allele", 1);
            continue;
        };
        let named = label.gene.as_deref().and_then(|field| cells.get(field));
        let mut names = named.map_or_else(Vec::new, |text| label.genes(text));
        // Beside the file's own name that of the consequence: a variant that has none in the file is
        // never parted from its gene.
        if let Some(gene) = genes.and_then(cell)
            && !names.contains(&gene)
        {
            names.push(gene);
        }
        labelled.push((
            row,
            VariantRow {
                source: own.source,
                reference: own.reference,
                place,
                is_pathogenic,
                genes: names,
                term: match terms {
                    Some(terms) => cell(terms),
                    None => cell(classes),
                },
                reference_tokens: Vec::new(),
                alternate_tokens: Vec::new(),
                annotation: Vec::new(),
            },
        ));
    }
    let numbers: Vec<usize> = labelled.iter().map(|(row, _)| *row).collect();
    let mut left = labelled.into_iter();
    let mut rest = numbers.as_slice();
    while !rest.is_empty() {
        encoder.encode_rows(
            batch,
            rest,
            &mut worker.bases,
            &mut worker.scratch,
            0,
            &mut worker.tensors,
        )?;
        let outcomes = worker.scratch.outcomes();
        let mut slot = 0;
        for outcome in outcomes {
            let Some((_, mut row)) = left.next() else {
                break;
            };
            match outcome {
                Ok(()) => {
                    fill(&mut row, &worker.tensors, slot);
                    slot += 1;
                    found.rows.push(row);
                }
                Err(reason) => found.leave_out(reason.name(), 1),
            }
        }
        if outcomes.is_empty() {
            break;
        }
        rest = &rest[outcomes.len()..];
    }
    Ok(found)
}

/// Copies the tensors of a slot: both windows, then annotations.
fn fill(row: &mut VariantRow, tensors: &Tensors, slot: usize) {
    fn of<T: Copy>(array: &ndarray::ArrayD<T>, slot: usize, slots: usize) -> Vec<T> {
        let width = array.len() / slots.max(1);
        let own = array.as_slice().unwrap_or_default();
        own.get(slot * width..(slot + 1) * width)
            .unwrap_or_default()
            .to_vec()
    }
    let slots = tensors.batch_size();
    for (at, (_, data)) in tensors.iter().enumerate() {
        match (at, data) {
            (0, TensorData::I64(own)) => row.reference_tokens = of(own, slot, slots),
            (1, TensorData::I64(own)) => row.alternate_tokens = of(own, slot, slots),
            (_, TensorData::F32(own)) => row.annotation = of(own, slot, slots),
            _ => {}
        }
    }
}

/// Scores of a run by variant.
pub(super) fn scores(
    plan: &mut Plan,
    settings: &Settings,
    column: &str,
    cancel: &CancelToken,
    log: &Log,
) -> anyhow::Result<HashMap<Place, f32>> {
    let mut scores = HashMap::new();
    let reader = Reader {
        settings,
        keeps_repeats: false,
        cancel,
        log,
    };
    reader.each_batch(
        plan,
        || Ok(()),
        |(), batch| {
            let values = batch.floats(column)?;
            let places = Places::of(batch)?;
            let mut own = Vec::new();
            for row in (0..batch.len()).filter(|row| values.is_valid(*row)) {
                if let Some(place) = places.get(row)? {
                    own.push((place, values.value(row)));
                }
            }
            Ok(own)
        },
        |own: Vec<(Place, f32)>| {
            // Of alleles that are equal after normalisation the first is the one that was learned.
            for (place, score) in own {
                scores.entry(place).or_insert(score);
            }
            Ok(())
        },
    )?;
    Ok(scores)
}
