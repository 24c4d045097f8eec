//! Inputs written to a temporary folder, and batches as lines of text to compare.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, UInt16Type, UInt32Type};
use noodles::bgzf;
use varisk_core::{
    CallCode, CallMatrix, CallOrigin, ContigId, GenomeBuild, Haplotype, PloidyMap, Position,
    RunLimits, SiteBatch, columns, dosage_of,
};
use varisk_readers::{
    BadRecord, DosageField, FileInput, ReadError, RecordSource, RefMismatch, ReferenceEvidence,
    Regions, SiteAllele, SiteDecoder, SiteDecoderSettings, SourceSettings, WantedSites,
};
use varisk_reference::Reference;

/// Bases of contig 1: `A` at 1, `C` at 2, `G` at 3, `T` at 4, and so on.
const PERIOD: &str = "ACGTACGTTT";

/// The fixed columns with FORMAT and some samples.
pub(crate) fn header(meta: &str, samples: &str) -> String {
    let columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    let samples = samples.replace(' ', "\t");
    let format = if samples.is_empty() { "" } else { "\tFORMAT\t" };
    let meta: String = meta.lines().map(|line| format!("##{line}\n")).collect();
    format!(
        "##fileformat=VCFv4.2\n##contig=<ID=1,length=200>\n##contig=<ID=2,length=100>\n##FILTER=<ID=q10,Description=\"x\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n{meta}{columns}{format}{samples}\n"
    )
}

/// Records written with spaces between columns.
pub(crate) fn records(lines: &str) -> String {
    lines
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join("\t") + "\n")
        .collect()
}

/// A folder with a FASTA of two contigs.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    reference: Reference,
}

/// What is read and how.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) regions: Vec<String>,
    pub(crate) shard: Option<String>,
    pub(crate) info: Vec<String>,
    pub(crate) texts: Vec<String>,
    pub(crate) ref_mismatch: RefMismatch,
    pub(crate) limits: RunLimits,
    pub(crate) skip: u64,
    pub(crate) evidence: Option<ReferenceEvidence>,
    /// For each file the samples and their patients; without it, all samples one after the other.
    pub(crate) samples: Option<Vec<Vec<(String, usize)>>>,
    /// Positions (contig by its place in the reference, 1-based position) that need rows.
    pub(crate) wanted: Option<Vec<(u32, u32)>>,
    /// Sites in memory, read after the files.
    pub(crate) sites: Option<Vec<SiteAllele>>,
    pub(crate) dosages: Option<DosageField>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            shard: None,
            info: Vec::new(),
            texts: Vec::new(),
            ref_mismatch: RefMismatch::Refuse,
            limits: RunLimits::default(),
            skip: 0,
            evidence: None,
            samples: None,
            wanted: None,
            sites: None,
            dosages: None,
        }
    }
}

/// All rows and bad records of a run.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<String>,
    pub(crate) bad: Vec<BadRecord>,
    pub(crate) records: u64,
    pub(crate) alleles: u64,
    pub(crate) passed_over: u64,
    /// Records in each batch.
    pub(crate) batches: Vec<usize>,
    /// Rows that each record made.
    pub(crate) rows_per_record: Vec<u32>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fasta = folder.path().join("ref.fa");
        let (one, two) = (PERIOD.repeat(20), PERIOD.repeat(10));
        std::fs::write(&fasta, format!(">1\n{one}\n>2\n{two}\n")).unwrap();
        let index = "1\t200\t3\t200\t201\n2\t100\t207\t100\t101\n";
        std::fs::write(folder.path().join("ref.fa.fai"), index).unwrap();
        let reference = Reference::open(&fasta).unwrap();
        Self { folder, reference }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn gzip(&self, name: &str, text: &str) -> PathBuf {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).unwrap();
        self.write(name, writer.finish().unwrap())
    }

    pub(crate) fn bgzip(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.write(name, bgzip(text.as_ref(), 60_000))
    }

    pub(crate) fn read(&self, files: &[PathBuf], options: &Options) -> Result<Outcome, ReadError> {
        read(&self.reference, files, options)
    }
}

/// Packs bytes in blocks of some size.
pub(crate) fn bgzip(bytes: &[u8], block: usize) -> Vec<u8> {
    let mut writer = bgzf::io::Writer::new(Vec::new());
    for chunk in bytes.chunks(block) {
        writer.write_all(chunk).unwrap();
        writer.flush().unwrap();
    }
    writer.finish().unwrap()
}

/// Reads files from end to end.
pub(crate) fn read(
    reference: &Reference,
    files: &[PathBuf],
    options: &Options,
) -> Result<Outcome, ReadError> {
    let mut outcome = Outcome::default();
    read_with(reference, files, options, |batch| {
        outcome.rows.extend(lines(batch));
    })
    .map(|totals| Outcome {
        rows: std::mem::take(&mut outcome.rows),
        ..totals
    })
}

/// Reads files from end to end and hands out each batch; the outcome has no rows.
pub(crate) fn read_with(
    reference: &Reference,
    files: &[PathBuf],
    options: &Options,
    mut take: impl FnMut(&SiteBatch),
) -> Result<Outcome, ReadError> {
    let contigs = Arc::clone(reference.contigs());
    let mut inputs = Vec::new();
    let mut patients = 0;
    for (i, path) in files.iter().enumerate() {
        let mut input = FileInput::open(path)?;
        let assigned = match &options.samples {
            Some(samples) => samples[i].clone(),
            None => input
                .header()
                .samples
                .iter()
                .cloned()
                .zip(patients..)
                .collect(),
        };
        input.assign(&assigned)?;
        patients += assigned.len();
        inputs.push(input);
    }
    if let Some(sites) = &options.sites {
        inputs.push(FileInput::of_sites("sites", &contigs, sites.clone())?);
    }
    let mut settings = SiteDecoderSettings::try_new(
        &inputs,
        patients,
        &options.info,
        Arc::clone(&contigs),
        PloidyMap::new(&contigs, GenomeBuild::Other),
        options.ref_mismatch,
    )?
    .with_text_fields(&inputs, &options.texts)?;
    if let Some(evidence) = &options.evidence {
        settings = settings.with_reference_evidence(evidence.clone());
    }
    if let Some(wanted) = &options.wanted {
        let wanted = wanted
            .iter()
            .map(|(contig, position)| (ContigId(*contig), Position(*position)));
        settings = settings.with_wanted(Arc::new(WantedSites::new(wanted)));
    }
    if let Some(field) = options.dosages {
        settings = settings.with_dosages(field);
    }
    let mut decoder = SiteDecoder::new(Arc::new(settings), reference.reader()?);
    let mut regions = match options.regions.as_slice() {
        [] => Regions::all(),
        texts => Regions::parse(texts, &contigs).unwrap(),
    };
    if let Some(shard) = &options.shard {
        regions = regions.shard(shard, &contigs).unwrap();
    }
    let settings = SourceSettings {
        contigs,
        regions,
        limits: options.limits.clone(),
    };
    let mut source = match options.evidence {
        None => RecordSource::try_new(inputs, &settings)?,
        Some(_) => RecordSource::with_context(inputs, &settings)?,
    };
    assert!(source.skip(options.skip)?, "the input ends before");
    let mut outcome = Outcome::default();
    while let Some(raw) = source.next_batch()? {
        let decoded = decoder.decode(outcome.batches.len() as u64, &raw)?;
        outcome.batches.push(raw.entries.len());
        outcome.records += decoded.records;
        outcome.alleles += decoded.alleles;
        outcome.passed_over += decoded.passed_over;
        let rows: u32 = decoded.rows_per_record.iter().sum();
        assert_eq!(rows as usize, decoded.batch.len());
        assert_eq!(decoded.rows_per_record.len(), raw.entries.len());
        outcome.rows_per_record.extend(decoded.rows_per_record);
        outcome.bad.extend(decoded.bad);
        take(&decoded.batch);
    }
    Ok(outcome)
}

/// Rows as `1:5 A>C in 1:5 A>C #1 id=rs1 qual=50 filter=PASS reason=x info=[0.1] | 0|1 ./. ds=1,.`;
/// the last where the record states dosages.
fn lines(batch: &SiteBatch) -> Vec<String> {
    let sites = batch.sites();
    let number = |name: &str, row: usize| {
        sites[name]
            .as_primitive::<UInt32Type>()
            .value(row)
            .to_string()
    };
    let text = |name: &str, row: usize| {
        let column = sites[name].as_string::<i32>();
        if column.is_null(row) {
            "."
        } else {
            column.value(row)
        }
        .to_owned()
    };
    let float = |column: &dyn Array, row: usize| {
        let column = column.as_primitive::<Float32Type>();
        if column.is_null(row) {
            ".".to_owned()
        } else {
            column.value(row).to_string()
        }
    };
    (0..batch.len())
        .map(|row| {
            let contig = sites[columns::CONTIG].as_primitive::<UInt32Type>().value(row);
            let contig = batch.contigs().name(varisk_core::ContigId(contig));
            let info: Vec<String> = sites
                .schema()
                .fields()
                .iter()
                .enumerate()
                .filter(|(_, field)| field.name().starts_with(columns::INFO_PREFIX))
                .map(|(i, _)| float(sites.column(i), row))
                .collect();
            let texts: Vec<String> = sites
                .schema()
                .fields()
                .iter()
                .filter(|field| field.name().starts_with(columns::TEXT_PREFIX))
                .map(|field| text(field.name(), row))
                .collect();
            let texts = if texts.is_empty() {
                String::new()
            } else {
                format!(" text=[{}]", texts.join(" "))
            };
            let calls: Vec<String> = (0..batch.calls().samples())
                .map(|sample| call(batch.calls(), row, sample))
                .collect();
            let dosages = batch.calls().dosages(row).map_or_else(String::new, |dosages| {
                let text = |copies| dosage_of(copies).map_or(".".to_owned(), |c| c.to_string());
                let texts: Vec<String> = dosages.iter().map(|copies| text(*copies)).collect();
                format!(" ds={}", texts.join(","))
            });
            format!(
                "{contig}:{} {}>{} in {contig}:{} {}>{} #{} id={} qual={} filter={} reason={} info=[{}]{texts} | {}{dosages}",
                number(columns::POSITION, row),
                text(columns::REFERENCE, row),
                text(columns::ALTERNATE, row),
                number(columns::INPUT_POSITION, row),
                text(columns::INPUT_REFERENCE, row),
                text(columns::INPUT_ALTERNATE, row),
                sites[columns::ALTERNATE_INDEX].as_primitive::<UInt16Type>().value(row),
                text(columns::ID, row),
                float(&sites[columns::QUALITY], row),
                text(columns::FILTER, row),
                text(columns::REASON, row),
                info.join(","),
                calls.join(" "),
            )
        })
        .collect()
}

/// A call as text: `o` for another alternate allele, `-` where nothing was assayed; what is inferred
/// begins with `b` for a block, `r` for a callable region and `a` for the assumption.
fn call(calls: &CallMatrix, row: usize, sample: usize) -> String {
    let code = CallCode(calls.row(row)[sample]);
    if code == CallCode::NOT_ASSAYED {
        return "-".to_owned();
    }
    let call = calls.call(row, sample).expect("assayed");
    if code.is_polyploid() {
        let phase = if call.phased { "|" } else { "/" };
        return format!(
            "{}a{}o{}m{phase}{}",
            call.alternate, call.other, call.missing, call.ploidy
        );
    }
    let letter = |haplotype| match haplotype {
        Haplotype::Reference => "0",
        Haplotype::Alternate => "1",
        Haplotype::Other => "o",
        Haplotype::Missing => ".",
        Haplotype::Absent => "",
    };
    let origin = match code.origin() {
        Some(CallOrigin::ReferenceBlock) => "b",
        Some(CallOrigin::CallableRegion) => "r",
        Some(CallOrigin::Assumption) => "a",
        _ => "",
    };
    let [first, second] = code.haplotypes().map(letter);
    if second.is_empty() {
        return format!("{origin}{first}");
    }
    format!(
        "{origin}{first}{}{second}",
        if call.phased { "|" } else { "/" }
    )
}

/// The rows' normalised alleles and calls alone: `1:5 A>C | 0|1`.
pub(crate) fn short(outcome: &Outcome) -> Vec<String> {
    outcome
        .rows
        .iter()
        .map(|row| {
            let (site, calls) = row.split_once(" | ").unwrap();
            let allele: Vec<&str> = site.split(' ').take(2).collect();
            format!("{} | {calls}", allele.join(" "))
        })
        .collect()
}

/// INFO fields of each kind of Number.
pub(crate) const META: &str = "INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n\
                    INFO=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n\
                    INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">";

/// All of them asked for.
pub(crate) fn info() -> Options {
    Options {
        info: ["AF", "AD", "DB"].map(str::to_owned).to_vec(),
        ..Options::default()
    }
}

/// Reads one file without bad records.
pub(crate) fn read_one(place: &Place, file: PathBuf, options: &Options) -> Outcome {
    let outcome = place
        .read(&[file], options)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.bad, []);
    outcome
}

/// The shared data folder.
pub(crate) fn shared() -> PathBuf {
    let folder = std::env::var_os("VARISK_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let data = folder.join("data");
    assert!(
        data.is_dir(),
        "{} is not there; set VARISK_SHARED to the folder that holds data/",
        data.display()
    );
    data
}

/// Runs a tool; its output.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> Vec<u8> {
    let output = std::process::Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{tool} cannot be run ({error}); install {tool}"));
    assert!(
        output.status.success(),
        "{tool} {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
