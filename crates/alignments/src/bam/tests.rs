//! Damaged files are refused or read, never a panic.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use proptest::prelude::*;
use varisk_core::ContigId;

use super::*;
use crate::testing::{BASES, contigs, header, indexed_bam, reference, sam, site};
use crate::{AlignmentOptions, AlignmentSource};

/// A small file with clips, gaps and a pair, taken out of its packing.
fn plain(folder: &Path) -> (PathBuf, Vec<u8>) {
    let pair = |flags: u16, start: usize, mate: usize| {
        let text = sam("pair", flags, start, "20M", &BASES[start - 1..start + 19]);
        text.replace("*\t0\t0", &format!("=\t{mate}\t25"))
    };
    let gap = BASES[..10].to_owned() + &BASES[12..32];
    let reads = sam("g", 0, 1, "5S5M2D20M", &gap) + &pair(0x63, 1, 6) + &pair(0x93, 6, 1);
    let path = indexed_bam(folder, "reads.bam", &(header() + &reads));
    let mut bytes = Vec::new();
    bgzf::io::Reader::new(File::open(&path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    (path, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_bytes_do_not_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut bytes) = plain(folder.path());
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        let mut writer = bgzf::io::Writer::new(File::create(&path).unwrap());
        writer.write_all(&bytes).unwrap();
        writer.finish().unwrap();
        let reference = reference(folder.path(), &[("1", BASES)]);
        let options = AlignmentOptions::default();
        let source = AlignmentSource::open(&path, Some(&reference), &contigs(), &options);
        let Ok(source) = source else {
            return Ok(());
        };
        let sites = [site(3, "T", "A"), site(11, "CT", "GG"), site(20, "C", "CA")];
        let mut out = Vec::new();
        // An error or an answer, both are fine.
        let _ = source.reader().unwrap().evidence(ContigId(0), &sites, &mut out);
    }
}
