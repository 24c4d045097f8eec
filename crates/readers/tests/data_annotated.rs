//! Files written as BCF, against bcftools: what it reads in them is what it reads in the text that
//! would have been written instead.
#![cfg(test)]

mod common;

use std::io::Read;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use noodles::bgzf;
use varisk_readers::{AnnotatedWriter, WriteError, with_header_lines};

use common::{run, shared};

fn text(path: &Path) -> &str {
    path.to_str().expect("paths are text")
}

fn view(file: &Path) -> String {
    let lines = run("bcftools", &["view", "-H", text(file)]);
    String::from_utf8(lines).expect("text")
}

/// Where each record ends, which BCF states in a word of its own.
fn ends(file: &Path) -> Vec<u8> {
    run(
        "bcftools",
        &["query", "-f", "%CHROM\t%POS\t%END\n", text(file)],
    )
}

/// Header and records of a text file, packed or not.
fn parts(file: &Path) -> (String, Vec<String>) {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut content = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bgzf::io::Reader::new(bytes.as_slice())
            .read_to_string(&mut content)
            .expect("packed text");
    } else {
        content = String::from_utf8(bytes).expect("text");
    }
    let is_header = |line: &&str| line.starts_with('#');
    let header: String = content
        .lines()
        .take_while(is_header)
        .flat_map(|line| [line, "\n"])
        .collect();
    let lines = content.lines().skip_while(is_header);
    (header, lines.map(str::to_owned).collect())
}

/// Writes a file by its name's kind, with an INFO line more.
fn write(path: &Path, header: &str, lines: &[String]) -> Result<(), WriteError> {
    let added = "##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Format: A|B\">".to_owned();
    let header = with_header_lines(header, &[added]);
    let threads = NonZero::new(2).expect("two");
    let mut writer = AnnotatedWriter::create(path, &header, threads)?;
    for line in lines {
        writer.write_line(line.as_bytes())?;
    }
    writer.finish()
}

/// The number of records that are equal, or why the file cannot be written.
fn compare(file: &Path) -> Result<usize, WriteError> {
    let (header, lines) = parts(file);
    compare_parts(file, &header, &lines)
}

fn compare_parts(file: &Path, header: &str, lines: &[String]) -> Result<usize, WriteError> {
    let folder = tempfile::tempdir().unwrap();
    let (packed, binary) = (folder.path().join("x.vcf.gz"), folder.path().join("x.bcf"));
    write(&packed, header, lines)?;
    write(&binary, header, lines)?;
    let (expected, found) = (view(&packed), view(&binary));
    assert_eq!(expected.lines().count(), lines.len(), "{}", file.display());
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected, "{}", file.display());
    }
    assert_eq!(found.len(), expected.len());
    assert!(ends(&binary) == ends(&packed), "{}: ends", file.display());
    Ok(lines.len())
}

/// Files with genotypes of all kinds: blocks, many fields, thousands of samples.
#[test]
fn real_files_are_equal() {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cohort.vcf.gz");
    let files = [
        "cohort_vcf/nfcmgg_ajtrio/gvcfs/NA24143.g.vcf.gz",
        "pgx/pharmcat_tutorial/PharmCAT_tutorial_get-rm_wgs_30x_grch38_chr10.vcf.bgz",
        "cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz",
    ];
    for file in files
        .map(|file| shared().join(file))
        .iter()
        .chain([&bundled])
    {
        let records = compare(file).unwrap_or_else(|error| panic!("{error}"));
        println!("{}: {records} records", file.display());
        assert!(records > 500);
    }
}

/// A header line for what a refusal names.
fn definition(refusal: &str) -> Option<String> {
    let (before, _) = refusal.split_once("' is not defined in the header")?;
    let (before, name) = before.rsplit_once('\'')?;
    let column = before.trim_end().rsplit(' ').next()?;
    Some(match column {
        "contig" => format!("##contig=<ID={name}>"),
        "FILTER" => format!("##FILTER=<ID={name},Description=\"x\">"),
        _ => format!("##{column}=<ID={name},Number=1,Type=String,Description=\"x\">"),
    })
}

/// Like `compare`, with what the header lacks defined as bcftools defines it for itself: as text.
fn compare_with_definitions(file: &Path) -> Result<usize, String> {
    let (header, lines) = parts(file);
    let mut added = Vec::new();
    loop {
        let header = with_header_lines(&header, &added);
        let refusal = match compare_parts(file, &header, &lines) {
            Ok(records) => return Ok(records),
            Err(error) => error.to_string(),
        };
        match definition(&refusal).filter(|line| !added.contains(line)) {
            Some(line) => added.push(line),
            None => return Err(refusal),
        }
    }
}

/// Folders of valid files, and how many there are at least.
const FOLDERS: [(&str, usize); 3] = [
    ("hts-specs/test/vcf/4.1/passed", 20),
    ("hts-specs/test/vcf/4.2/passed", 20),
    ("bcftools/test", 300),
];

/// Files that are not written as BCF, with what is said of them.
const REFUSED: [(&str, &str); 13] = [
    // No VCF for this program either.
    ("convert.gs.noids.vcf", "the first line is not"),
    ("convert.gs.vcf", "the first line is not"),
    ("convert.gt.noHead.ids.vcf", "the first line is not"),
    ("convert.gt.noHead.vcf", "the first line is not"),
    ("norm.merge.3.vcf", "INFO 'F1' has no Number"),
    ("setGT.4.vcf", "4 sample columns where the header has 3"),
    // Blanks after the last number, which VCF forbids in INFO.
    (
        "query.filter.5.vcf",
        "INFO 'AD' holds a value that is no integer",
    ),
    (
        "query.func.1.vcf",
        "INFO 'AD' holds a value that is no integer",
    ),
    (
        "query.pbinom.1.vcf",
        "INFO 'AD' holds a value that is no integer",
    ),
    // Numbers of more than 32 bits, which bcftools itself reads and writes in VCF alone.
    (
        "view64bit.1.vcf",
        "INFO 'MPOS' holds an integer that needs more than 32 bits",
    ),
    (
        "view64bit.2.vcf",
        "INFO 'MPOS' holds an integer that needs more than 32 bits",
    ),
    (
        "view64bit.3.vcf",
        "POS is not an integer of at most 31 bits",
    ),
    (
        "view64bit.5.vcf",
        "INFO 'END' holds an integer that needs more than 32 bits",
    ),
];

/// Valid files of hts-specs, and those that bcftools is tested with.
#[test]
fn conformance_files_are_equal() {
    let mut refused = Vec::new();
    for (folder, least) in FOLDERS {
        let folder = shared().join("conformance").join(folder);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "vcf"))
            .collect();
        files.sort();
        let (mut equal, mut records) = (0, 0);
        for file in &files {
            match compare_with_definitions(file) {
                Ok(compared) => {
                    equal += 1;
                    records += compared;
                }
                Err(refusal) => {
                    let name = file.file_name().expect("a name").to_string_lossy();
                    refused.push((name.into_owned(), refusal));
                }
            }
        }
        println!("{}: {equal} files, {records} records", folder.display());
        assert!(equal >= least, "{}: {equal} files", folder.display());
    }
    for (name, refusal) in &refused {
        let expected = REFUSED.iter().find(|(file, _)| file == name);
        let (_, part) = expected.unwrap_or_else(|| panic!("{name}: {refusal}"));
        assert!(refusal.contains(part), "{name}: {refusal}");
    }
    assert_eq!(refused.len(), REFUSED.len());
}
