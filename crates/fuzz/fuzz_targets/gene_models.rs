//! GFF3 and GTF: they become gene models or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use varisk_annotate::GeneModels;
use varisk_core::ContigSet;

fuzz_target!(|bytes: &[u8]| {
    let contigs = ContigSet::new([("chr1".to_owned(), 200_000), ("chrM".to_owned(), 16_569)]);
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let path = folder.path().join("genes.gff3");
    if std::fs::write(&path, bytes).is_err() {
        return;
    }
    match GeneModels::read(&path, &contigs) {
        Ok(models) => {
            // What was read can be kept and read again.
            let batches = models.to_batches(&contigs).expect("models are laid out");
            GeneModels::from_batches(&batches, &contigs).expect("and read back");
        }
        Err(error) => drop(error.to_string()),
    }
});
