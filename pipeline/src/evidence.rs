//! `varisk evidence`: the state of each site in each patient, and what reads show there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float64Builder, RecordBatch, StringBuilder, UInt32Array, UInt32Builder,
};
use arrow::compute::concat_batches;
use varisk_core::{
    AlleleReads, CallCode, CallOrigin, ContigId, ContigSet, RunLimits, SiteBatch, columns as c,
};
use varisk_readers::{FileInput, RecordSource, Regions, SourceSettings};
use varisk_report::{Table, TableFolder, TableWriter};
use varisk_risk::genotype_text;

use crate::arguments::RunArguments;
use crate::exit::Refusal;
use crate::log::Log;
use crate::plan::Purpose;
use crate::run::execute;
use crate::settings::Settings;

pub(crate) fn command(arguments: &RunArguments, log: &Log) -> anyhow::Result<()> {
    let mut settings = Settings::resolve(arguments)?;
    if !arguments.models.is_empty() {
        return Err(Refusal::Usage(
            "'evidence' runs no models; leave --model out, or use 'run'".to_owned(),
        )
        .into());
    }
    // A settings file may serve 'run' too.
    settings.models.clear();
    if settings.shard.is_some() || settings.resume {
        return Err(Refusal::Usage("'evidence' writes its table as it goes, so neither --shard nor --resume goes with it; use --region for a part".to_owned()).into());
    }
    settings.checkpoint_seconds = 0.0;
    if settings.dry_run {
        return crate::run::dry_run(&settings, Purpose::Evidence, log);
    }
    log.info(&execute(&settings, Purpose::Evidence, log)?);
    Ok(())
}

/// The positions of a file with sites.
pub(crate) fn positions_of(path: &Path, contigs: &Arc<ContigSet>) -> anyhow::Result<Regions> {
    let settings = SourceSettings {
        contigs: Arc::clone(contigs),
        regions: Regions::all(),
        limits: RunLimits::default(),
    };
    let mut source = RecordSource::try_new(vec![FileInput::open(path)?], &settings)?;
    let mut places: BTreeSet<(ContigId, u32)> = BTreeSet::new();
    while let Some(batch) = source.next_batch()? {
        places.extend(
            batch
                .entries
                .iter()
                .map(|entry| (entry.contig, entry.position.0)),
        );
        source.spare().give_back(batch);
    }
    let bed = places
        .into_iter()
        .fold(String::new(), |mut bed, (contig, position)| {
            // Writing to a string cannot fail.
            let name = contigs.name(contig);
            let _ = writeln!(bed, "{name}\t{}\t{position}", position.saturating_sub(1));
            bed
        });
    Ok(Regions::parse_bed(
        &bed,
        &path.display().to_string(),
        contigs,
    )?)
}

/// Rows of a piece that is written at once: the bytes of a table depend on how it is cut.
const PIECE_ROWS: usize = 8_192;

/// The table in the making.
pub(crate) struct EvidenceTable {
    writer: TableWriter,
    kept: Vec<RecordBatch>,
    rows: usize,
}

impl EvidenceTable {
    pub(crate) fn create(folder: &TableFolder) -> anyhow::Result<Self> {
        let table = Table::EVIDENCE;
        Ok(Self {
            writer: TableWriter::create(folder, table.name, table.schema())?,
            kept: Vec::new(),
            rows: 0,
        })
    }

    pub(crate) fn write(&mut self, rows: RecordBatch) -> anyhow::Result<()> {
        self.rows += rows.num_rows();
        self.kept.push(rows);
        if self.rows < PIECE_ROWS {
            return Ok(());
        }
        let all = concat_batches(&Table::EVIDENCE.schema(), &self.kept)?;
        let whole = all.num_rows() / PIECE_ROWS * PIECE_ROWS;
        for start in (0..whole).step_by(PIECE_ROWS) {
            self.writer.write(all.slice(start, PIECE_ROWS))?;
        }
        self.kept = vec![all.slice(whole, all.num_rows() - whole)];
        self.rows -= whole;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let rest = concat_batches(&Table::EVIDENCE.schema(), &self.kept)?;
        self.writer.write(rest)?;
        self.writer.finish()?;
        Ok(())
    }
}

/// The rows of a batch: a row for each allele and patient, of whom the number and the name are given.
pub(crate) fn rows(batch: &SiteBatch, patients: &[(usize, String)]) -> anyhow::Result<RecordBatch> {
    let contigs = batch.contig_column()?;
    let positions = batch.position_column()?;
    let (references, alternates) = (batch.text(c::REFERENCE)?, batch.text(c::ALTERNATE)?);
    let ids = batch.text(c::ID)?;
    let input = batch
        .sites()
        .column_by_name(c::INPUT_POSITION)
        .and_then(|column| column.as_any().downcast_ref::<UInt32Array>())
        .ok_or_else(|| Refusal::Software("internal error: batch has no column 'input_position' of type UInt32; please report this".to_owned()))?;
    let mut text: [StringBuilder; 8] = Default::default();
    let mut places: [UInt32Builder; 2] = Default::default();
    let mut depths: [UInt32Builder; 7] = Default::default();
    let mut qualities: [Float64Builder; 2] = Default::default();
    let reasons = batch.text(c::REASON)?;
    // `<NON_REF>`, `*` and others that are no sequence have no state of their own.
    for row in (0..batch.len()).filter(|row| reasons.is_null(*row)) {
        let contig = batch.contigs().name(ContigId(contigs.value(row)));
        for (sample, patient) in patients {
            let sample = *sample;
            let code = batch.calls().row(row).get(sample).copied();
            let code = code.map_or(CallCode::NOT_ASSAYED, CallCode);
            let origin = code.origin();
            text[0].append_value(patient);
            text[1].append_value(contig);
            text[2].append_value(references.value(row));
            text[3].append_option(alternates.is_valid(row).then(|| alternates.value(row)));
            text[4].append_option(ids.is_valid(row).then(|| ids.value(row)));
            text[5].append_value(code.state().name());
            text[6].append_option(origin.map(CallOrigin::name));
            text[7].append_option(origin.map(|_| genotype_text(batch.calls(), row, sample)));
            places[0].append_value(positions.value(row));
            places[1].append_value(input.value(row));
            let reads = batch.evidence(row, sample);
            let counts: [Option<u32>; 7] = match reads {
                Some(reads) => [
                    reads.depth(),
                    reads.reference.depth(),
                    reads.alternate.depth(),
                    reads.other.depth(),
                    reads.alternate.forward,
                    reads.alternate.reverse,
                    reads.soft_clipped,
                ]
                .map(Some),
                None => [None; 7],
            };
            for (builder, count) in depths.iter_mut().zip(counts) {
                builder.append_option(count);
            }
            let mean = |sum: &dyn Fn(&AlleleReads) -> u64| {
                let alternate = &reads?.alternate;
                let depth = alternate.depth();
                (depth > 0).then(|| sum(alternate) as f64 / f64::from(depth))
            };
            qualities[0].append_option(mean(&|reads| reads.base_quality));
            qualities[1].append_option(mean(&|reads| reads.mapping_quality));
        }
    }
    let [
        patient,
        contig,
        reference,
        alternate,
        id,
        state,
        origin,
        genotype,
    ] = text.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
    let [position, input_position] =
        places.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
    let [
        depth,
        reference_depth,
        alternate_depth,
        other,
        forward,
        reverse,
        clipped,
    ] = depths.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
    let [base, mapping] = qualities.map(|mut builder| Arc::new(builder.finish()) as ArrayRef);
    Ok(RecordBatch::try_new(
        Table::EVIDENCE.schema(),
        vec![
            patient,
            contig,
            position,
            reference,
            alternate,
            input_position,
            id,
            state,
            origin,
            genotype,
            depth,
            reference_depth,
            alternate_depth,
            other,
            forward,
            reverse,
            base,
            mapping,
            clipped,
        ],
    )?)
}
