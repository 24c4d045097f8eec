//! Decoding alone: read, check against the reference, normalise, call matrix.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use varisk_core::{ContigSet, GenomeBuild, PloidyMap, RunLimits, SiteBatch};
use varisk_flow::{CancelToken, Executor};
use varisk_readers::{
    FileInput, RawBatch, RecordSource, RefMismatch, Regions, SiteDecoder, SiteDecoderSettings,
    SourceSettings,
};
use varisk_reference::Reference;

/// Hands every batch of a file, decoded, to `sink`.
pub(super) fn batches(
    vcf: &Path,
    reference: &Reference,
    threads: usize,
    mut sink: impl FnMut(SiteBatch) -> Result<()>,
) -> Result<()> {
    let contigs: Arc<ContigSet> = Arc::clone(reference.contigs());
    let mut file = FileInput::open(vcf)?;
    let samples: Vec<(String, usize)> = file.header().samples.iter().cloned().zip(0..).collect();
    file.assign(&samples)?;
    let files = vec![file];
    let ploidy = PloidyMap::new(&contigs, GenomeBuild::Other);
    let settings = Arc::new(SiteDecoderSettings::try_new(
        &files,
        samples.len(),
        &[],
        Arc::clone(&contigs),
        ploidy,
        RefMismatch::Refuse,
    )?);
    let limits = RunLimits {
        threads,
        ..RunLimits::default()
    };
    let mut source = RecordSource::try_new(
        files,
        &SourceSettings {
            contigs,
            regions: Regions::all(),
            limits,
        },
    )?;
    let mut workers = (0..threads)
        .map(|_| Ok(SiteDecoder::new(Arc::clone(&settings), reference.reader()?)))
        .collect::<Result<Vec<_>>>()?;
    let spare = source.spare();
    let mut pull = || -> Result<Option<RawBatch>> { Ok(source.next_batch()?) };
    let work = |decoder: &mut SiteDecoder, number: u64, raw: RawBatch| -> Result<SiteBatch> {
        let decoded = decoder.decode(number, &raw)?;
        spare.give_back(raw);
        Ok(decoded.batch)
    };
    let outcome = Executor::new(threads, CancelToken::default()).run(
        &mut pull,
        &mut workers,
        0,
        u64::MAX,
        work,
        &mut sink,
    );
    outcome.map(drop).map_err(|error| anyhow!("{error:?}"))
}

pub(super) fn decode(vcf: &Path, reference: &Path, threads: usize) -> Result<()> {
    let reference = Reference::open(reference)?;
    let (mut calls, mut alternates) = (0usize, 0u64);
    batches(vcf, &reference, threads, |batch| {
        calls += batch.calls().bytes();
        // A figure that depends on the calls, so that decoding cannot be left out.
        alternates += batch
            .calls()
            .row(0)
            .iter()
            .map(|code| u64::from(code & 1))
            .sum::<u64>();
        Ok(())
    })?;
    println!("{calls} calls, {alternates} alternates in the first rows");
    Ok(())
}
