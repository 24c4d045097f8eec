use std::fs;

use varisk_core::ContigId;

use super::*;
use crate::testing::{fasta, write_bgzf, write_plain};

const CONTIGS: [(&str, &str); 3] = [
    ("one", "acgtNNRYACGTacgtTTGA"),
    ("empty", ""),
    ("two", "GGGCC"),
];

fn message(path: &Path) -> String {
    let error = Reference::open(path).unwrap_err();
    let text = error.to_string();
    assert!(!text.ends_with('.'), "{text}");
    text
}

fn bases(reader: &mut SequenceReader, contig: u32, start: i64, length: usize) -> String {
    let mut out = vec![b'?'; length];
    reader.fill(ContigId(contig), start, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn bases_are_upper_case_and_n_outside() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        write_plain(folder.path(), &CONTIGS, 7),
        write_bgzf(folder.path(), &CONTIGS, 7, 11),
    ];
    let sizes = [(1, 1), (3, 2), (7, 1), (1 << 16, 8)];
    for path in paths {
        let reference = Reference::open(&path).unwrap();
        assert_eq!(reference.contigs().len(), 3);
        assert_eq!(reference.contigs().length(ContigId(0)), 20);
        for (bases_each, count) in sizes {
            let size = WindowSize {
                bases: bases_each,
                count,
            };
            let mut reader = reference.reader_with(size).unwrap();
            let mut check = |contig, start, length, expected: &str| {
                let found = bases(&mut reader, contig, start, length);
                assert_eq!(
                    found, expected,
                    "{contig}:{start}+{length} {size:?} {path:?}"
                );
            };
            check(0, 0, 20, "ACGTNNRYACGTACGTTTGA");
            check(0, -3, 5, "NNNAC");
            check(0, 18, 4, "GANN");
            check(2, 0, 5, "GGGCC");
            check(0, 6, 2, "RY");
            check(0, -3, 30, "NNNACGTNNRYACGTACGTTTGANNNNNNN");
            check(1, -1, 3, "NNN");
            check(0, 20, 2, "NN");
            check(0, i64::MAX, 2, "NN");
            check(0, i64::MIN, 2, "NN");
            check(2, 4, 0, "");
        }
        let mut reader = reference.reader().unwrap();
        let error = reader.fill(ContigId(3), 0, &mut [0]).unwrap_err();
        assert!(matches!(error, ReferenceError::UnknownContig { .. }));
    }
}

#[test]
fn windows_line_ends_and_a_missing_last_one_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crlf.fa");
    let (text, index) = fasta(&CONTIGS, 7, "\r\n");
    fs::write(&path, text.trim_end()).unwrap();
    fs::write(folder.path().join("crlf.fa.fai"), index).unwrap();
    let mut reader = Reference::open(&path).unwrap().reader().unwrap();
    assert_eq!(bases(&mut reader, 0, 0, 20), "ACGTNNRYACGTACGTTTGA");
    assert_eq!(bases(&mut reader, 2, 0, 6), "GGGCCN");
}

#[test]
fn missing_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(message(&folder.path().join("none.fa")).contains("none.fa cannot be opened"));

    let path = write_bgzf(folder.path(), &CONTIGS, 7, 11);
    fs::remove_file(folder.path().join("packed.fa.gz.gzi")).unwrap();
    let text = message(&path);
    assert!(text.contains("packed.fa.gz.gzi is missing"), "{text}");
    assert!(text.contains("samtools faidx"), "{text}");
    fs::remove_file(folder.path().join("packed.fa.gz.fai")).unwrap();
    assert!(message(&path).contains("packed.fa.gz.fai is missing"));
}

#[test]
fn plain_gzip_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.fa.gz");
    let file = File::create(&path).unwrap();
    let mut writer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    io::Write::write_all(&mut writer, b">a\nACGT\n").unwrap();
    writer.finish().unwrap();
    let text = message(&path);
    assert!(
        text.contains("not BGZF") && text.contains("bgzip"),
        "{text}"
    );
}

#[test]
fn bgzf_cut_at_a_block_boundary_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_bgzf(folder.path(), &CONTIGS, 7, 11);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - BGZF_EOF.len()]).unwrap();
    assert!(message(&path).contains("end-of-file block"));
}

#[test]
fn an_index_of_another_file_is_refused() {
    let check = |contigs: &[(&str, &str)], width, part: &str| {
        for packed in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = if packed {
                write_bgzf(folder.path(), contigs, width, 11)
            } else {
                write_plain(folder.path(), contigs, width)
            };
            let mut index = path.clone().into_os_string();
            index.push(".fai");
            fs::write(index, fasta(&CONTIGS, 7, "\n").1).unwrap();
            let text = message(&path);
            assert!(text.contains(part), "{text}");
            assert!(text.contains("samtools faidx"), "{text}");
        }
    };
    let [one, empty, two] = CONTIGS;
    check(&[("uno", one.1), empty, two], 7, "names uno");
    check(&[one, empty, ("two", "GGGCCA")], 7, "more bases");
    check(&[one, empty, ("two", "GGGC")], 7, "is none");
    check(&[one, empty], 7, "cannot be read");
    check(&[("one", "acgt"), empty, two], 7, "at contig one");
    check(&CONTIGS, 20, "at contig one");
}

#[test]
fn damage_between_the_ends_is_noticed_when_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_plain(folder.path(), &CONTIGS, 7);
    let mut text = fs::read(&path).unwrap();
    // The second line of `one` starts after 22 bytes of header, 7 bases and a line end.
    text[30] = b'\n';
    fs::write(&path, &text).unwrap();
    let mut reader = Reference::open(&path).unwrap().reader().unwrap();
    let error = reader.fill(ContigId(0), 0, &mut [0]).unwrap_err();
    assert!(
        matches!(error, ReferenceError::NotSequence { position: 8, .. }),
        "{error}"
    );
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_plain(folder.path(), &CONTIGS, 7);
    let mut reader = Reference::open(&path).unwrap().reader().unwrap();
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..30]).unwrap();
    let error = reader.fill(ContigId(0), 0, &mut [0]).unwrap_err();
    assert!(error.to_string().contains("one:1"), "{error}");
    // The failed read left no window behind.
    assert!(reader.fill(ContigId(0), 0, &mut [0]).is_err());
}

#[test]
fn a_damaged_block_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_bgzf(folder.path(), &[("one", &"ACGT".repeat(50))], 50, 40);
    let reference = Reference::open(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 8] {
        *byte ^= 0x55;
    }
    fs::write(&path, bytes).unwrap();
    let error = reference.reader().unwrap().fill(ContigId(0), 0, &mut [0]);
    assert!(matches!(error, Err(ReferenceError::Read { .. })));
}

#[test]
fn a_reader_can_move_to_a_thread() {
    fn check<T: Send>() {}
    fn shared<T: Send + Sync + Clone>() {}
    check::<SequenceReader>();
    shared::<Reference>();
}
