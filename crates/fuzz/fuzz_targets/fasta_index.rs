//! The bytes of a `.fai` beside a small FASTA: opening refuses, or any stretch of every contig can be
//! asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;
use varisk_reference::Reference;

const FASTA: &[u8] = b">a x\nACGTACGTAC\nGTNNACGTAC\nACG\n>b\nTTTT\n>c\nGG\n";

struct Folder {
    _guard: tempfile::TempDir,
    fasta: PathBuf,
    index: PathBuf,
}

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    // In memory where there is such a folder: each run writes a file.
    let memory = std::path::Path::new("/dev/shm");
    let guard = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let guard = guard.expect("a temporary folder");
    let fasta = guard.path().join("x.fa");
    std::fs::write(&fasta, FASTA).expect("a temporary file");
    let index = guard.path().join("x.fa.fai");
    Folder {
        _guard: guard,
        fasta,
        index,
    }
});

fuzz_target!(|index: &[u8]| {
    std::fs::write(&FOLDER.index, index).expect("a temporary file");
    let Ok(reference) = Reference::open(&FOLDER.fasta) else {
        return;
    };
    let mut reader = reference.reader().expect("the FASTA opens again");
    let mut bases = [0; 64];
    for (contig, _, length) in reference.contigs().iter() {
        for start in [
            -5,
            0,
            1,
            i64::from(length) - 3,
            i64::from(u32::MAX),
            i64::MIN,
            i64::MAX,
        ] {
            let _ = reader.fill(contig, start, &mut bases);
        }
    }
});
