//! Regions by an index against regions by reading all of a file.
#![cfg(test)]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};

use noodles::core::Position;
use noodles::csi::binning_index::index::{Header, header::Builder, reference_sequence::bin::Chunk};
use noodles::{bgzf, tabix};
use proptest::prelude::*;
use varisk_core::Interval;
use varisk_readers::FileInput;
use varisk_reference::Reference;

use common::{Options, read};

/// Lengths of the contigs: several of tabix' 16-kb bins.
const LENGTHS: [usize; 2] = [100_000, 50_000];

/// A record: contig, POS and how many bases it covers.
type Record = (usize, usize, usize);

struct World {
    folder: tempfile::TempDir,
    reference: Reference,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fasta = folder.path().join("r.fa");
        let mut text = String::new();
        let mut index = String::new();
        for (name, length) in ["1", "2"].iter().zip(LENGTHS) {
            text += &format!(">{name}\n");
            index += &format!(
                "{name}\t{length}\t{}\t{length}\t{}\n",
                text.len(),
                length + 1
            );
            text += &"A".repeat(length);
            text += "\n";
        }
        std::fs::write(&fasta, text).unwrap();
        std::fs::write(folder.path().join("r.fa.fai"), index).unwrap();
        let reference = Reference::open(&fasta).unwrap();
        Self { folder, reference }
    }

    /// Writes records as they come, with an index and as a copy without.
    fn write(&self, names: [&str; 2], records: &[Record]) -> [PathBuf; 2] {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        let mut indexer = tabix::index::Indexer::default();
        let header: Header = Builder::vcf().build();
        indexer.set_header(header);
        let head = "##fileformat=VCFv4.2\n##contig=<ID=1>\n##contig=<ID=2>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n";
        writer.write_all(head.as_bytes()).unwrap();
        for (number, (contig, position, length)) in records.iter().enumerate() {
            let alternate = if *length > 1 { "<DEL>" } else { "C" };
            let line = format!(
                "{}\t{position}\tr{number}\tA\t{alternate}\t.\t.\tEND={}\tGT\t0/1\n",
                names[*contig],
                position + length - 1
            );
            let start = writer.virtual_position();
            writer.write_all(line.as_bytes()).unwrap();
            // Blocks of a few records, so that seeking has somewhere to go.
            if number % 5 == 4 {
                writer.flush().unwrap();
            }
            let chunk = Chunk::new(start, writer.virtual_position());
            let at = |position: usize| Position::try_from(position.max(1)).unwrap();
            indexer
                .add_record(
                    names[*contig],
                    at(*position),
                    at(position + length - 1),
                    chunk,
                )
                .unwrap();
        }
        let bytes = writer.finish().unwrap();
        let [indexed, plain] = ["indexed.vcf.gz", "plain.vcf.gz"].map(|name| self.path(name));
        std::fs::write(&indexed, &bytes).unwrap();
        std::fs::write(&plain, &bytes).unwrap();
        tabix::fs::write(self.path("indexed.vcf.gz.tbi"), &indexer.build()).unwrap();
        [indexed, plain]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Identifiers of the records in regions or a shard.
    fn ids(&self, file: &Path, options: &Options) -> Result<Vec<String>, String> {
        let outcome = read(&self.reference, &[file.to_owned()], options);
        let outcome = outcome.map_err(|error| error.to_string())?;
        assert_eq!(outcome.bad, []);
        let id = |row: &String| {
            let id = row
                .split(" id=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            id.unwrap_or_default().to_owned()
        };
        Ok(outcome.rows.iter().map(id).collect())
    }
}

fn regions(texts: &[String]) -> Options {
    Options {
        regions: texts.to_vec(),
        ..Options::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Each record inside is read once, whatever the regions overlap, and none is left out.
    #[test]
    fn index_equals_scan(
        mut records in prop::collection::vec((0usize..2, 0usize..50_000, prop_oneof![3 => Just(1usize), 1 => 2usize..40_000]), 0..60),
        asked in prop::collection::vec((0usize..2, 0usize..55_000, 0usize..30_000), 1..6),
        shard in prop_oneof![Just(None), (1usize..5).prop_map(|k| Some(format!("{k}/4")))],
    ) {
        records.sort_unstable();
        let world = World::new();
        let [indexed, plain] = world.write(["1", "2"], &records);
        let texts: Vec<String> = asked
            .iter()
            .map(|(contig, start, length)| format!("{}:{start}-{}", contig + 1, start + length))
            .collect();
        let options = Options { shard, ..regions(&texts) };
        let by_index = world.ids(&indexed, &options).unwrap();
        let by_scan = world.ids(&plain, &options).unwrap();
        prop_assert_eq!(&by_index, &by_scan);
        if options.shard.is_none() {
            let inside = |(contig, position, _): &Record| {
                asked.iter().any(|(c, start, length)| c == contig && (*start..=start + length).contains(position))
            };
            let expected: Vec<String> = records
                .iter()
                .enumerate()
                .filter(|(_, record)| inside(record))
                .map(|(number, _)| format!("r{number}"))
                .collect();
            prop_assert_eq!(by_index, expected);
        }
    }
}

/// Makes an index seem an hour older than its file.
fn age(index: &Path) {
    let file = std::fs::File::options().append(true).open(index).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    file.set_modified(old).unwrap();
}

/// Clocks of nodes differ and files are staged in any order, so that times alone say nothing: an index
/// that seems older is taken where its last record is in the last block of its file.
#[test]
fn an_index_that_seems_older() {
    let records: Vec<Record> = (0..23)
        .map(|at| (at / 12, 10 + 100 * (at % 12), 1))
        .collect();
    let all = regions(&["1".to_owned(), "2".to_owned()]);
    // An index without records says nothing of where the file ends.
    let world = World::new();
    let [indexed, _] = world.write(["1", "2"], &[]);
    age(&world.path("indexed.vcf.gz.tbi"));
    assert!(
        world
            .ids(&indexed, &all)
            .unwrap_err()
            .contains("is older than")
    );
    for count in [1, 4, 5, 23] {
        let world = World::new();
        let [indexed, _] = world.write(["1", "2"], &records[..count]);
        let index = world.path("indexed.vcf.gz.tbi");
        age(&index);
        assert_eq!(world.ids(&indexed, &all).unwrap().len(), count);
        // The index of a file with other records.
        let kept = std::fs::read(&index).unwrap();
        for other in [count + 5, count.saturating_sub(5)] {
            if other == count || other > records.len() {
                continue;
            }
            world.write(["1", "2"], &records[..other]);
            std::fs::write(&index, &kept).unwrap();
            age(&index);
            let refused = world.ids(&indexed, &all).unwrap_err();
            for part in ["indexed.vcf.gz.tbi", "is older than", "bcftools index"] {
                assert!(refused.contains(part), "{count} and {other}: {refused}");
            }
        }
    }
}

/// The bytes of all windows are those of the records, and lie where these do.
#[test]
fn bytes_by_window() {
    let world = World::new();
    // All records of contig 1 in its last fifth, as many on contig 2 at its beginning.
    let records: Vec<Record> = (0..400)
        .map(|at| match at {
            0..200 => (0, 80_000 + 90 * at, 1),
            _ => (1, 1 + 40 * (at - 200), 1),
        })
        .collect();
    let [indexed, plain] = world.write(["1", "2"], &records);
    let contigs = world.reference.contigs();
    let windows: Vec<Interval> = contigs
        .iter()
        .flat_map(|(contig, _, length)| {
            (0..length).step_by(20_000).map(move |start| Interval {
                contig,
                start: varisk_core::Position(start),
                end: varisk_core::Position(start + 19_999),
            })
        })
        .collect();
    let file = FileInput::open(&indexed).unwrap();
    let weights = file.index_weights(contigs, &windows).unwrap().unwrap();
    let size = std::fs::metadata(&indexed).unwrap().len() as f64;
    let whole: f64 = weights.bytes.iter().sum();
    assert!(whole > 0.9 * size && whole < size, "{whole} of {size}");
    let filled: Vec<usize> = (0..windows.len())
        .filter(|at| weights.bytes[*at] > 0.0)
        .collect();
    // Bins of 16,384 bases begin before the windows.
    assert!(filled.iter().all(|at| [3, 4, 5].contains(at)), "{filled:?}");
    let on_first: f64 = weights.bytes[..5].iter().sum();
    assert!(
        (on_first / whole - 0.5).abs() < 0.1,
        "{on_first} of {whole}"
    );
    assert_eq!(weights.records, Some(400));
    let file = FileInput::open(&plain).unwrap();
    assert!(file.index_weights(contigs, &windows).unwrap().is_none());
}

/// Contig 2 stands first in the file: reading contig 1 ends at the end of the file, and contig 2 was
/// never read.
#[test]
fn the_contig_that_ends_the_file_does_not_end_the_regions() {
    let world = World::new();
    let [indexed, plain] = world.write(["1", "2"], &[(1, 10, 1), (1, 20, 1), (0, 10, 1)]);
    let both = regions(&["1".to_owned(), "2".to_owned()]);
    assert_eq!(world.ids(&indexed, &both).unwrap(), ["r2", "r0", "r1"]);
    assert!(
        world
            .ids(&plain, &both)
            .unwrap_err()
            .contains("bcftools sort")
    );
    let first = regions(&["2:1-10".to_owned(), "1".to_owned()]);
    assert_eq!(world.ids(&indexed, &first).unwrap(), ["r2", "r0"]);
}

/// Seeking passed over records on contigs that the reference lacks, in every shard.
#[test]
fn shards_of_an_indexed_file_refuse_unknown_contigs() {
    let world = World::new();
    let [indexed, _] = world.write(["1", "7"], &[(0, 10, 1), (1, 10, 1)]);
    for shard in ["1/2", "2/2"] {
        let options = Options {
            shard: Some(shard.to_owned()),
            ..Options::default()
        };
        let error = world.ids(&indexed, &options).unwrap_err();
        assert!(
            error.contains("contig '7', which the reference lacks"),
            "{error}"
        );
    }
    assert_eq!(
        world.ids(&indexed, &regions(&["1".to_owned()])).unwrap(),
        ["r0"]
    );
}

#[test]
fn one_contig_under_two_names_is_refused() {
    let world = World::new();
    let [indexed, _] = world.write(["1", "chr1"], &[(0, 10, 1), (1, 20, 1)]);
    let error = world
        .ids(&indexed, &regions(&["1".to_owned()]))
        .unwrap_err();
    assert!(error.contains("under two names"), "{error}");
}
