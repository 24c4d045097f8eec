//! Conformance files of hts-specs: what is valid reads to the end, what is not is refused or stands
//! on a reviewed list with the reason why it is read. And every VCF and BCF file of the shared data
//! reads, or stands on a list.
//!
//! Records are taken apart and their genotypes decoded; every INFO field that the header defines as
//! a number for the record or for each allele is asked for. REF is not compared with a reference, since these files have none.
#![cfg(test)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use varisk_core::{ContigSet, RunLimits};
use varisk_readers::{
    FileInput, GenotypeRow, InfoNumber, ParsedRecord, RecordParser, RecordSource, Regions,
    SourceSettings,
};

use common::shared;

/// Reads a file to its end; the number of records, or the first thing that is wrong.
fn read(path: &Path, contigs: &Arc<ContigSet>) -> Result<u64, String> {
    let input = FileInput::open(path).map_err(|error| error.to_string())?;
    let header = input.header().clone();
    // Fields whose Number says which value belongs to which allele.
    let numeric = header
        .info
        .iter()
        .filter(|(_, info)| info.numeric && info.number != InfoNumber::Other);
    let mut fields: Vec<String> = numeric.map(|(name, _)| name.clone()).collect();
    fields.sort();
    let parser = RecordParser::try_new(input.format(), header, &fields)?;
    let settings = SourceSettings {
        contigs: Arc::clone(contigs),
        regions: Regions::all(),
        limits: RunLimits::default(),
    };
    let mut source =
        RecordSource::try_new(vec![input], &settings).map_err(|error| error.to_string())?;
    let mut record = ParsedRecord::default();
    let mut row = GenotypeRow::default();
    let mut count = 0;
    while let Some(batch) = source.next_batch().map_err(|error| error.to_string())? {
        for entry in &batch.entries {
            let bytes = &batch.bytes[entry.start..entry.end];
            parser
                .parse(bytes, &mut record)
                .and_then(|()| parser.decode_genotypes(bytes, &record, &mut row))
                .map_err(|defect| format!("record {}: {}", entry.record, defect.detail))?;
            count += 1;
        }
    }
    Ok(count)
}

/// A reference for files that come without one: the contigs that the header names, then those that
/// only records name, where that is a name.
fn contigs_for(path: &Path) -> Arc<ContigSet> {
    let mut names = Vec::new();
    if let Ok(input) = FileInput::open(path) {
        names.extend(
            input
                .header()
                .contigs
                .iter()
                .map(|contig| contig.name.clone()),
        );
    }
    let mut text = Vec::new();
    // BCF and files cut short name none; then reading says what is wrong.
    let _ = bgzf_or_plain(path).read_to_end(&mut text);
    for line in text
        .split(|b| *b == b'\n')
        .filter(|line| !line.starts_with(b"#"))
    {
        let name = line.split(|b| *b == b'\t').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        let inner = name
            .strip_prefix('<')
            .and_then(|name| name.strip_suffix('>'))
            .unwrap_or(&name);
        if !inner.is_empty() && !inner.contains([':', ',', '<', '>', ' ', '\r']) {
            names.push(name);
        }
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Arc::new(ContigSet::new(
        names.into_iter().map(|name| (name, u32::MAX)),
    ))
}

fn bgzf_or_plain(path: &Path) -> Box<dyn Read> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if bytes.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(Cursor::new(bytes)))
    } else {
        Box::new(Cursor::new(bytes))
    }
}

fn files(folder: &Path, is_wanted: &dyn Fn(&str) -> bool, found: &mut Vec<PathBuf>) {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            files(&path, is_wanted, found);
        } else if is_wanted(&path.to_string_lossy()) {
            found.push(path);
        }
    }
}

/// Names without a version stand for the file in every version that has it.
type Reviewed = &'static [(&'static str, &'static [&'static str])];

/// Invalid files that are read, by the reason why.
const ACCEPTED: Reviewed = &[
    (
        "IUPAC codes other than N: the allele is kept as a row with the reason ambiguous_base",
        &["body_alt_000", "body_ref_001"],
    ),
    (
        "the same record twice at one position: rows marked repeated_allele",
        &["body_duplicated_000"],
    ),
    (
        "one allele written in two ways at two positions: only normalisation can tell, and a stream does not look back",
        &[
            "body_duplicated_001",
            "body_duplicated_002",
            "body_duplicated_003",
        ],
    ),
    (
        "a FORMAT key with an underscore: tools write them, and no number hangs on it",
        &["body_format_003"],
    ),
    (
        "the header does not define the INFO field, so that no model can ask for its value",
        &[
            "body_info_000",
            "body_info_001",
            "body_info_002",
            "body_info_003",
            "body_info_004",
            "body_info_005",
            "body_info_006",
            "body_info_007",
            "body_info_008",
            "body_info_009",
            "body_info_010",
            "body_info_011",
            "body_info_012",
            "body_info_013",
            "body_info_014",
            "body_info_015",
            "body_info_016",
            "body_info_017",
            "body_info_018",
            "body_info_019",
            "body_info_020",
            "body_info_021",
            "body_info_022",
            "body_info_023",
            "body_info_024",
            "body_info_025",
            "body_info_026",
            "body_info_027",
            "body_info_036",
        ],
    ),
    (
        "a fraction in an INFO field of Type Integer: the number is plain all the same",
        &["4.1/body_info_034"],
    ),
    (
        "an INFO field of text is never read",
        &["4.1/body_info_035"],
    ),
    (
        "QUAL below zero: kept as written, and no number hangs on its sign",
        &["body_qual_001"],
    ),
    (
        "only GT is read of the sample columns",
        &[
            "body_sample_004",
            "body_sample_005",
            "body_sample_006",
            "body_sample_007",
            "body_sample_008",
            "body_sample_009",
            "body_sample_010",
            "body_samples_ploidy_000",
            "body_samples_ploidy_001",
            "body_samples_ploidy_002",
            "body_samples_ploidy_003",
        ],
    ),
    (
        "FORMAT without samples: the file has no patients, which a run refuses by itself",
        &["header_001"],
    ),
    (
        "a line of the header that does not decide how records are read",
        &[
            "meta_000",
            "meta_001",
            "meta_006",
            "meta_009",
            "meta_alt_000",
            "meta_alt_001",
            "meta_alt_002",
            "meta_alt_003",
            "meta_alt_004",
            "meta_alt_005",
            "meta_alt_006",
            "meta_alt_007",
            "meta_alt_008",
            "meta_alt_009",
            "meta_assembly_000",
            "meta_assembly_001",
            "meta_pedigree_000",
            "meta_pedigree_001",
            "meta_pedigreedb_000",
            "meta_pedigreedb_001",
            "meta_pedigreedb_002",
            "meta_sample_000",
            "meta_sample_001",
        ],
    ),
    (
        "a contig name with a space: no record can be on it",
        &["meta_contig_001"],
    ),
    (
        "Number and Type of FORMAT fields are not used; GT is read by the grammar of genotypes",
        &[
            "meta_format_000",
            "meta_format_001",
            "meta_format_002",
            "meta_format_003",
            "meta_format_004",
            "meta_format_005",
            "meta_format_006",
            "meta_format_007",
            "meta_format_008",
            "meta_format_009",
            "meta_format_010",
            "meta_format_011",
            "meta_format_012",
            "meta_format_013",
            "meta_format_014",
            "meta_format_015",
            "meta_format_016",
            "meta_format_017",
            "meta_format_018",
            "meta_format_019",
            "meta_format_020",
            "meta_format_021",
            "meta_format_022",
            "meta_format_023",
            "meta_format_024",
            "meta_format_025",
            "meta_format_026",
            "meta_format_027",
            "meta_format_028",
            "meta_format_029",
            "meta_format_030",
        ],
    ),
    (
        "an unquoted Description, or keys in another order: the meaning is plain",
        &["meta_info_002", "meta_info_003"],
    ),
    (
        "a reserved INFO field with another Number or Type than the specification's: values are read as the header says, and the record fits it",
        &[
            "meta_info_004",
            "meta_info_005",
            "meta_info_006",
            "meta_info_007",
            "meta_info_008",
            "meta_info_009",
            "meta_info_010",
            "meta_info_011",
            "meta_info_012",
            "4.1/meta_info_013",
            "4.2/meta_info_014",
            "meta_info_015",
            "meta_info_016",
            "meta_info_017",
            "meta_info_018",
            "meta_info_019",
            "meta_info_020",
            "meta_info_021",
            "meta_info_022",
            "meta_info_023",
            "meta_info_024",
            "meta_info_025",
            "4.1/meta_info_026",
            "meta_info_027",
            "meta_info_028",
            "meta_info_029",
            "meta_info_030",
            "meta_info_031",
            "meta_info_032",
            "meta_info_033",
            "meta_info_034",
            "meta_info_035",
            "meta_info_036",
            "meta_info_037",
        ],
    ),
];

/// Valid files that are refused, by the reason why: none.
const REFUSED: Reviewed = &[];

/// Files of the shared data that are refused, by the reason why.
const REFUSED_DATA: Reviewed = &[
    (
        "records are not sorted, or contigs come in another order than in the header",
        &[
            "patient_cases/scout/cancer_test.vcf.gz",
            "pgx/pharmcat_tests/haplotype/NamedAlleleMatcher-unknownAltMultisample.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/het3a.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/hom1s_het3a.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/s16s22.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/s1s1.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/s1s1s.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/s1ss1ss3.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/s3bs3c.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/unexpected.allele.vcf",
            "pgx/pharmcat_tests/haplotype/TPMT/unexpected.allele.with.s9.vcf",
            "pgx/pharmcat_tests/haplotype/VcfReaderTest-filters.vcf",
        ],
    ),
    (
        "a field of Number=A has not one value for each alternate allele; refused only where a model asks for it",
        &[
            "patient_cases/scout/643594.clinical.vcf.gz",
            "pgx/pharmcat_tests/haplotype/VcfReaderTest-AD-missing.vcf",
            "pgx/pharmcat_tests/haplotype/VcfReaderTest-AD-unknown.vcf",
            "pgx/pharmcat_tests/haplotype/VcfReaderTest-badAllele.vcf",
        ],
    ),
    (
        "two tabs stand side by side in a record made by hand: the columns after them cannot be trusted",
        &[
            "pgx/pharmcat_tests/haplotype/cyp2c19/s15s28.vcf",
            "pgx/pharmcat_tests/haplotype/cyp2c19/s1s35.vcf",
            "pgx/pharmcat_tests/haplotype/cyp2c19/s2s2.vcf",
            "pgx/pharmcat_tests/haplotype/cyp2c19/s2s3.vcf",
            "pgx/pharmcat_tests/haplotype/cyp2c19/sUnks17.vcf",
            "pgx/pharmcat_tests/haplotype/cyp2c9/s2s24.vcf",
        ],
    ),
];

/// Compares what was found with a reviewed list, both ways.
fn assert_reviewed(list: Reviewed, found: &BTreeMap<String, String>, all: &BTreeSet<String>) {
    let mut listed = BTreeSet::new();
    for name in list.iter().flat_map(|(_, names)| *names) {
        let matching: Vec<_> = ["", "4.1/", "4.2/"]
            .iter()
            .map(|version| format!("{version}{name}"))
            .filter(|name| all.contains(name))
            .collect();
        assert!(!matching.is_empty(), "{name} is listed but not there");
        listed.extend(matching);
    }
    let unlisted: Vec<_> = found
        .iter()
        .filter(|(name, _)| !listed.contains(*name))
        .collect();
    let gone: Vec<_> = listed
        .iter()
        .filter(|name| !found.contains_key(*name))
        .collect();
    assert!(
        unlisted.is_empty() && gone.is_empty(),
        "not on the list: {unlisted:#?}\non the list in vain: {gone:#?}"
    );
}

#[test]
fn hts_specs() {
    let root = shared().join("conformance/hts-specs/test/vcf");
    let mut valid = (BTreeSet::new(), BTreeMap::new());
    let mut invalid = (BTreeSet::new(), BTreeMap::new());
    let mut records = 0;
    for version in ["4.1", "4.2"] {
        let mut found = Vec::new();
        files(
            &root.join(version),
            &|name| name.ends_with(".vcf"),
            &mut found,
        );
        for path in found {
            let result = read(&path, &contigs_for(&path));
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            match stem.strip_prefix("failed_") {
                Some(stem) => {
                    let name = format!("{version}/{stem}");
                    invalid.0.insert(name.clone());
                    if let Ok(count) = result {
                        invalid.1.insert(name, format!("{count} records"));
                    }
                }
                None => {
                    let name = format!("{version}/{stem}");
                    valid.0.insert(name.clone());
                    match result {
                        Ok(count) => records += count,
                        Err(error) => {
                            valid.1.insert(name, error);
                        }
                    }
                }
            }
        }
    }
    assert!(
        valid.0.len() >= 50 && invalid.0.len() >= 370,
        "files are missing"
    );
    assert_reviewed(REFUSED, &valid.1, &valid.0);
    assert_reviewed(ACCEPTED, &invalid.1, &invalid.0);
    println!(
        "{} valid files, {} read with {records} records; {} invalid files, {} refused",
        valid.0.len(),
        valid.0.len() - valid.1.len(),
        invalid.0.len(),
        invalid.0.len() - invalid.1.len(),
    );
}

#[test]
fn shared_data() {
    let root = shared();
    let mut found = Vec::new();
    for folder in DATA_FOLDERS {
        let is_wanted = |name: &str| {
            [".vcf", ".vcf.gz", ".bcf", ".vcf.bgz"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        files(&root.join(folder), &is_wanted, &mut found);
    }
    let mut all = BTreeSet::new();
    let mut refused = BTreeMap::new();
    let mut records = 0;
    for path in found {
        let name = path
            .strip_prefix(&root)
            .unwrap_or(&path)
            .display()
            .to_string();
        all.insert(name.clone());
        match read(&path, &contigs_for(&path)) {
            Ok(count) => records += count,
            Err(error) => {
                refused.insert(name, error);
            }
        }
    }
    assert!(all.len() >= 160, "files are missing");
    assert_reviewed(REFUSED_DATA, &refused, &all);
    println!(
        "{} files, {} read with {records} records",
        all.len(),
        all.len() - refused.len()
    );
}

const DATA_FOLDERS: [&str; 7] = [
    "brca1_grch37_true_coords",
    "clinvar_gnomad",
    "cohort_vcf",
    "giab_truth",
    "patient_cases",
    "pgs",
    "pgx",
];
