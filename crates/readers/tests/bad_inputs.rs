//! Every kind of bad input, with the message that it gives.
#![cfg(test)]

mod common;

use std::time::Duration;

use common::{Options, Place, bgzip, header, records};
use varisk_readers::{RefMismatch, Regions, SampleSheet};

/// A small valid cohort of two samples.
fn cohort() -> String {
    header("", "a b")
        + &records(
            "1 5 . A C . PASS . GT 0/1 1/1\n\
             1 9 . T G . PASS . GT 0/0 0/1\n\
             2 5 . A C . PASS . GT 0/1 1/1",
        )
}

/// Asserts that reading a file is refused with a message that has these parts and no sample name.
fn check(place: &Place, file: std::path::PathBuf, options: &Options, parts: &[&str]) {
    let error = place
        .read(&[file], options)
        .expect_err("refused")
        .to_string();
    for part in parts {
        assert!(error.contains(part), "'{part}' is not in: {error}");
    }
    assert_silent(place, &error);
}

/// A message holds no sample name and no genotype. The name of the temporary folder is any text.
fn assert_silent(place: &Place, message: &str) {
    let message = message.replace(&place.path("").display().to_string(), "");
    assert!(
        !message.contains("SECRET") && !message.contains("0/"),
        "{message}"
    );
}

fn regions(texts: &[&str]) -> Options {
    Options {
        regions: texts.iter().map(|text| (*text).to_owned()).collect(),
        ..Options::default()
    }
}

#[test]
fn files_cut_short() {
    let place = Place::new();
    let all = Options::default();
    let whole = bgzip(cohort().as_bytes(), 100);
    // 28 bytes of end marker; the block before it ends there.
    let no_marker = &whole[..whole.len() - 28];
    let in_block = &whole[..whole.len() - 40];
    let in_marker = &whole[..whole.len() - 5];
    for (name, bytes) in [
        ("border", no_marker),
        ("block", in_block),
        ("marker", in_marker),
    ] {
        let file = place.write(&format!("{name}.vcf.gz"), bytes);
        let parts = [name, "is cut short", "end-of-file block", "bgzip"];
        check(&place, file, &all, &parts);
    }
    // The blocks cannot be unpacked although the marker is there.
    let mut damaged = whole.clone();
    let middle = whole.len() - 60;
    damaged[middle] ^= 0xff;
    let file = place.write("damaged.vcf.gz", damaged);
    check(
        &place,
        file,
        &all,
        &[
            "damaged.vcf.gz",
            "cannot be read after record",
            "fetch it again",
        ],
    );

    let gzip = place.gzip("whole.vcf.gz", &cohort());
    let bytes = std::fs::read(gzip).unwrap();
    let file = place.write("gzip.vcf.gz", &bytes[..bytes.len() - 12]);
    check(&place, file, &all, &["gzip.vcf.gz", "damaged or cut short"]);

    check(
        &place,
        place.write("empty.vcf", ""),
        &all,
        &["empty.vcf: the file is empty"],
    );
    check(
        &place,
        place.path("none.vcf"),
        &all,
        &["cannot open", "none.vcf"],
    );
    check(&place, place.path("."), &all, &["it is a folder"]);
}

/// A named pipe is read like standard input: nothing can be looked up at its end beforehand.
#[test]
#[cfg(target_os = "linux")]
fn pipes_cut_short() {
    let place = Place::new();
    let whole = bgzip(cohort().as_bytes(), 100);
    let through = |bytes: &[u8]| {
        let pipe = place.path("pipe");
        let _ = std::fs::remove_file(&pipe);
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        let (writer, bytes) = (pipe.clone(), bytes.to_vec());
        let thread = std::thread::spawn(move || {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .open(writer)
                .unwrap();
            // The first byte alone: BGZF must be known for what it is all the same.
            let _ = file.write_all(&bytes[..1]);
            std::thread::sleep(Duration::from_millis(20));
            let _ = file.write_all(&bytes[1..]);
        });
        let outcome = place.read(&[pipe], &Options::default());
        thread.join().unwrap();
        outcome
    };
    assert_eq!(through(&whole).unwrap().records, 3);
    assert_eq!(through(cohort().as_bytes()).unwrap().records, 3);
    for cut in [5, 28, 40, 70, 150] {
        let error = through(&whole[..whole.len() - cut])
            .expect_err("refused")
            .to_string();
        let fits = error.contains("cut short");
        assert!(fits, "{cut}: {error}");
    }
}

/// What is left of the last line could read like another genotype: `0/1` cut to `0`.
#[test]
#[cfg(target_os = "linux")]
fn the_cut_line_of_a_pipe_is_no_record() {
    let place = Place::new();
    let text = header("", "SECRET") + "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1";
    let whole = bgzip(text.as_bytes(), text.len() - 2);
    let first_block = u16::from_le_bytes([whole[16], whole[17]]) as usize + 1;
    let pipe = place.path("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let writer = pipe.clone();
    let thread = std::thread::spawn(move || std::fs::write(writer, &whole[..first_block]).unwrap());
    check(&place, pipe, &Options::default(), &["damaged or cut short"]);
    thread.join().unwrap();
}

#[test]
fn regions_need_bgzf_and_a_fitting_index() {
    let place = Place::new();
    let file = place.gzip("x.vcf.gz", &cohort());
    check(
        &place,
        file,
        &regions(&["1:1-5"]),
        &["x.vcf.gz", "gzip but not BGZF", "bgzip"],
    );

    let file = place.bgzip("y.vcf.gz", cohort());
    place.write("y.vcf.gz.tbi", "no index");
    check(
        &place,
        file.clone(),
        &regions(&["1:1-5"]),
        &["y.vcf.gz.tbi", "bcftools index"],
    );
    // Without regions no index is needed.
    assert_eq!(place.read(&[file], &Options::default()).unwrap().records, 3);
}

#[test]
fn records_out_of_place() {
    let place = Place::new();
    let all = Options::default();
    let file = |name: &str, lines: &str| place.write(name, header("", "a") + &records(lines));
    check(
        &place,
        file(
            "unsorted.vcf",
            "1 9 . T G . . . GT 0/1\n1 5 . A C . . . GT 0/1",
        ),
        &all,
        &[
            "unsorted.vcf: record 2 (1:5) comes after 1:9",
            "bcftools sort",
        ],
    );
    check(
        &place,
        file(
            "contigs.vcf",
            "2 5 . A C . . . GT 0/1\n1 5 . A C . . . GT 0/1",
        ),
        &all,
        &["record 2 (1:5) comes after 2:5"],
    );
    let unknown = "1 5 . A C . . . GT 0/1\n7 5 . A C . . . GT 0/1";
    let parts = [
        "unknown.vcf: record 2 is on contig '7'",
        "reference lacks",
        "FASTA",
    ];
    check(&place, file("unknown.vcf", unknown), &all, &parts);
    // Regions leave other contigs out on purpose; shards leave nothing out.
    let chosen = place
        .read(&[file("unknown.vcf", unknown)], &regions(&["1"]))
        .unwrap();
    assert_eq!(chosen.records, 1);
    let refusals = ["1/2", "2/2"]
        .iter()
        .filter(|shard| {
            let options = Options {
                shard: Some((**shard).to_owned()),
                ..Options::default()
            };
            place
                .read(&[file("unknown.vcf", unknown)], &options)
                .is_err()
        })
        .count();
    assert!(refusals > 0, "no shard sees the record on contig 7");
    for (line, part) in [
        ("1", "not parted by tabs"),
        ("1 5", "columns are missing"),
        ("1 x . A C . . . GT 0/1", "POS is not a position"),
        ("1 -5 . A C . . . GT 0/1", "POS is not a position"),
        ("1 +5 . A C . . . GT 0/1", "POS is not a position"),
        ("1 4294967296 . A C . . . GT 0/1", "POS is not a position"),
    ] {
        check(
            &place,
            file("place.vcf", line),
            &all,
            &["place.vcf: record 1", part, "correct"],
        );
    }
}

#[test]
fn headers() {
    let place = Place::new();
    let all = Options::default();
    let columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    for (text, part) in [
        (
            header("", "SECRET x SECRET"),
            "sample column 3 repeats the name of an earlier one",
        ),
        (
            format!("##fileformat=VCFv4.2\n{columns}\tFORMAT\ta\t\n"),
            "sample column 2 has no name",
        ),
        (format!("##fileformat=VCFv3.3\n{columns}\n"), "VCFv4.x"),
        (format!("{columns}\n"), "first line"),
        (
            "##fileformat=VCFv4.2\n1\t5\t.\n".to_owned(),
            "'#CHROM POS ID ...' is missing",
        ),
        (
            "##fileformat=VCFv4.2\n#CHROM POS\n".to_owned(),
            "parted by tabs",
        ),
        (
            format!(
                "##fileformat=VCFv4.2\n##INFO=<ID=A,Number=1,Type=Float>\n##INFO=<ID=A,Number=A,Type=Float>\n{columns}\n"
            ),
            "INFO 'A' is defined twice",
        ),
        (
            format!(
                "##fileformat=VCFv4.2\n##contig=<ID=1,length=5>\n##contig=<ID=1,length=6>\n{columns}\n"
            ),
            "contig '1' is given twice",
        ),
    ] {
        check(
            &place,
            place.write("h.vcf", text),
            &all,
            &["h.vcf", part, "bcftools reheader"],
        );
    }
}

#[test]
fn samples_that_are_not_there_or_claimed_twice() {
    let place = Place::new();
    let file = place.write("s.vcf", header("", "SECRET1 SECRET2"));
    let other = place.write("o.vcf", header("", "SECRET1"));
    let given = |samples: &[(&str, usize)]| -> Vec<(String, usize)> {
        samples
            .iter()
            .map(|(name, patient)| ((*name).to_owned(), *patient))
            .collect()
    };
    let options = |samples| Options {
        samples: Some(samples),
        ..Options::default()
    };
    let one = |samples| options(vec![given(samples)]);
    check(
        &place,
        file.clone(),
        &one(&[("SECRET3", 0)]),
        &["s.vcf", "lacks a sample"],
    );
    check(
        &place,
        file.clone(),
        &one(&[("SECRET1", 0), ("SECRET1", 1)]),
        &["s.vcf: its sample column 1 is given to two patients"],
    );
    check(
        &place,
        file.clone(),
        &one(&[("SECRET1", 0), ("SECRET2", 0)]),
        &["s.vcf: its sample column 2 is given to a patient who has another"],
    );
    let two = options(vec![given(&[("SECRET1", 0)]), given(&[("SECRET1", 0)])]);
    let error = place.read(&[file, other], &two).unwrap_err().to_string();
    assert!(
        error.contains("o.vcf: its sample column 1 is given to a patient"),
        "{error}"
    );
}

#[test]
fn reference_mismatch() {
    let place = Place::new();
    let lines = "1 5 . G C . . . GT 0/1\n1 199 . TTT T . . . GT 0/1\n2 5 . A C . . . GT 0/1";
    let file = place.write("m.vcf", header("", "a") + &records(lines));
    let parts = [
        "m.vcf: record 1 (1:5): REF is G but the reference has A",
        "--ref-mismatch quarantine",
    ];
    check(&place, file.clone(), &Options::default(), &parts);
    let quarantine = Options {
        ref_mismatch: RefMismatch::Quarantine,
        ..Options::default()
    };
    let outcome = place.read(&[file], &quarantine).unwrap();
    let reasons: Vec<bool> = outcome
        .rows
        .iter()
        .map(|row| row.contains("reason=reference_mismatch"))
        .collect();
    assert_eq!(reasons, [true, true, false]);
    assert!(
        outcome.rows[0].starts_with("1:5 G>C in 1:5 G>C #1"),
        "{}",
        outcome.rows[0]
    );
}

#[test]
fn info_fields_that_cannot_be_read() {
    let place = Place::new();
    let meta = "INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n\
                INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">\n\
                INFO=<ID=X,Number=.,Type=Float,Description=\"x\">\n\
                INFO=<ID=S,Number=1,Type=String,Description=\"x\">";
    let wants = |name: &str| Options {
        info: vec![name.to_owned()],
        ..Options::default()
    };
    let file = place.write("i.vcf", header(meta, "a"));
    check(
        &place,
        file.clone(),
        &wants("Q"),
        &["i.vcf", "does not define", "INFO field Q"],
    );
    check(
        &place,
        file,
        &wants("S"),
        &["i.vcf", "not define as a number", "INFO field S"],
    );
    for (field, info, expected) in [
        ("AF", "AF=0.1", "INFO field AF has 1 values where 2 are due"),
        (
            "AF",
            "AF=0.1,0.2,0.3",
            "INFO field AF has 3 values where 2 are due",
        ),
        ("AF", "AF=0.1,x", "INFO field AF is not a number"),
        ("AF", "AF", "INFO field AF has no value"),
        (
            "AF",
            "AF=0.1,0.2;AF=0.3,0.4",
            "INFO field AF stands there twice",
        ),
        ("DB", "DB=7", "INFO field DB is a flag but has a value"),
        ("X", "X=1,2", "INFO field X has 2 values where 1 are due"),
    ] {
        let line = format!("1 5 . A C,G . . {info} GT 0/1");
        let file = place.write("i.vcf", header(meta, "a") + &records(&line));
        let outcome = place.read(&[file], &wants(field)).unwrap();
        let found: Vec<_> = outcome
            .bad
            .iter()
            .map(|bad| (bad.kind, bad.detail.as_str()))
            .collect();
        assert_eq!(found, [("info", expected)], "{info}");
    }
}

#[test]
fn bad_records_are_set_aside_with_their_kind() {
    let place = Place::new();
    for (line, kind, detail) in [
        (
            "1 5 . A C . .",
            "columns",
            "the column INFO is missing or empty",
        ),
        (
            "1 5 . A C . . .",
            "columns",
            "the header has 2 samples but the record has none",
        ),
        (
            "1 5 . A C . . . GT",
            "columns",
            "the record has FORMAT but no sample",
        ),
        (
            "1 5 . A C . . . GT 0/1",
            "genotype",
            "has 1 sample columns where the header has 2",
        ),
        (
            "1 5 . A C . . . GT 0/1 0/1 0/1",
            "genotype",
            "has 3 sample columns where the header has 2",
        ),
        (
            "1 5 . A C . . . DP 1",
            "genotype",
            "has 1 sample columns where the header has 2",
        ),
        (
            "1 5 . A C . . . GT 0/1 SECRET",
            "genotype",
            "sample column 2 is malformed",
        ),
        (
            "1 5 . A C . . . GT 0/2 0/1",
            "genotype",
            "sample column 1 names an allele that the record lacks",
        ),
        (
            "1 5 . A C . . . GT 0/1 0/1:5",
            "genotype",
            "sample column 2 is empty or has more fields",
        ),
        (
            "1 5 . A- C . . . GT 0/1 0/1",
            "ref",
            "REF is not a sequence of bases",
        ),
        ("1 5 . A C,C . . . GT 0/1 0/2", "alt", "stands there twice"),
        ("1 5 . A C,c . . . GT 0/1 0/2", "alt", "stands there twice"),
        ("1 5 . A C,. . . . GT 0/1 0/1", "alt", "'.' stands beside"),
        ("1 5 . A AG>C . . . GT 0/1 0/1", "alt", "ALT is neither"),
        (
            "1 5 . A C high . . GT 0/1 0/1",
            "qual",
            "QUAL is not a number",
        ),
        ("1 5 . A C . q10;q10 . GT 0/1 0/1", "filter", "a name twice"),
        (
            "1 5 . A C . . =5 GT 0/1 0/1",
            "info",
            "a value without a key",
        ),
        (
            "1 5 . A C . . . GT:GT 0/1:0/1 0/1",
            "format",
            "FORMAT holds a key twice",
        ),
        (
            "1 5 . A C . . . GT: 0/1 0/1",
            "format",
            "empty or malformed key",
        ),
        (
            "1 5 a;; A C . . . GT 0/1 0/1",
            "id",
            "ID holds an empty name",
        ),
    ] {
        let good = "1 9 . T G . . . GT 0/1 1/1";
        let file = place.write(
            "bad.vcf",
            header("", "a b") + &records(&format!("1 2 . C . . . . GT 0/0 0/0\n{line}\n{good}")),
        );
        let outcome = place.read(&[file], &Options::default()).unwrap();
        assert_eq!(outcome.records, 3, "{line}");
        assert_eq!(outcome.rows.len(), 2, "{line}: the good records stay");
        let [bad] = outcome.bad.as_slice() else {
            panic!("{line}: {:?}", outcome.bad);
        };
        assert_eq!(
            (bad.kind, bad.record, bad.contig.as_str(), bad.position),
            (kind, 2, "1", 5)
        );
        let message = bad.to_string();
        assert!(message.contains(detail), "{line}: {message}");
        assert!(message.contains("bad.vcf: record 2 (1:5): "), "{message}");
        assert_silent(&place, &message);
    }
}

#[test]
fn regions_and_sheets_say_what_is_wrong() {
    let contigs = varisk_core::ContigSet::new([("1".to_owned(), 200)]);
    let error = Regions::parse(&["9:1-2".to_owned()], &contigs)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("'9'") && error.contains("it has 1"),
        "{error}"
    );
    let error = Regions::parse_bed("1\t1\n", "x.bed", &contigs)
        .unwrap_err()
        .to_string();
    assert!(error.contains("x.bed: line 1"), "{error}");
    let error = SampleSheet::parse(b"patient\nSECRET\nSECRET\n", "s.csv", "".as_ref())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("s.csv: row 2 repeats") && !error.contains("SECRET"),
        "{error}"
    );
}
