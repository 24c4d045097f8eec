//! A small genome, sources written to a temporary folder, and batches as lines of text to compare.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use varisk_core::{
    AlleleClass, CallMatrix, ContigSet, GenomeBuild, Position, SiteBatch, Stage, VariantKey,
    site_schema,
};
use varisk_knowledge::{Bundle, BundleBuilder, KnowledgeConfig, KnowledgeError, KnowledgeStage};
use varisk_reference::Reference;

/// Bases of every contig: `A` at 1, `C` at 2, `G` at 3, `T` at 4, and so on.
pub(crate) const PERIOD: &str = "ACGTACGTTT";
/// Bases of a contig.
pub(crate) const LENGTH: usize = 4_000;

/// A folder with a FASTA of the contigs chr2, chr10, chr1, chrM and two others.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) reference: Reference,
}

/// The contigs, in an order that is neither that of tables nor of names.
const CONTIGS: [&str; 6] = ["chr2", "chr10", "chr1", "chrM", "scaffold_b", "scaffold_a"];

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fasta = folder.path().join("ref.fa");
        let bases = PERIOD.repeat(LENGTH / PERIOD.len());
        let (mut text, mut index) = (String::new(), String::new());
        for name in CONTIGS {
            text += &format!(">{name}\n");
            index += &format!(
                "{name}\t{LENGTH}\t{}\t{LENGTH}\t{}\n",
                text.len(),
                LENGTH + 1
            );
            text += &format!("{bases}\n");
        }
        std::fs::write(&fasta, text).unwrap();
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

    /// Writes lines whose columns are parted by blanks.
    pub(crate) fn table(&self, name: &str, lines: &str) -> PathBuf {
        self.write(name, tabs(lines))
    }

    /// Writes a sites VCF: definitions of INFO, then records whose columns are parted by blanks.
    pub(crate) fn vcf(&self, name: &str, info: &str, records: &str) -> PathBuf {
        self.write(name, vcf_text(info, records))
    }

    pub(crate) fn config(&self, build: &str, sources: &str) -> KnowledgeConfig {
        let path = self.write(
            "knowledge.toml",
            format!("genome_build = '{build}'\n{sources}"),
        );
        KnowledgeConfig::read(&path).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Builds a bundle of sources (text of `[[source]]` tables) under a name.
    pub(crate) fn build(&self, output: &str, sources: &str) -> Result<Bundle, KnowledgeError> {
        let config = self.config("GRCh38", sources);
        let mut builder = BundleBuilder::try_new(
            &self.path(output),
            config.genome_build,
            self.reference.clone(),
        )?;
        for source in &config.sources {
            builder.add(source, &mut |_| ())?;
        }
        builder.finish()
    }

    /// Message of a build that is refused; nothing must be left of it.
    pub(crate) fn refused(&self, sources: &str) -> String {
        let error = self.build("refused", sources).unwrap_err();
        let left = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("refused"));
        assert_eq!(left.count(), 0, "a refused build leaves nothing");
        error.to_string()
    }
}

/// Text of a sites VCF.
pub(crate) fn vcf_text(info: &str, records: &str) -> String {
    let meta: String = info
        .lines()
        .map(|l| format!("##INFO=<{}>\n", l.trim()))
        .collect();
    let records = tabs(records);
    format!("##fileformat=VCFv4.2\n{meta}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{records}")
}

/// Lines with tabs for blanks.
pub(crate) fn tabs(lines: &str) -> String {
    lines
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join("\t"))
        .filter(|line| !line.is_empty())
        .map(|line| line + "\n")
        .collect()
}

/// A `[[source]]` with a release and a licence.
pub(crate) fn source(name: &str, kind: &str, path: &str, more: &str) -> String {
    format!(
        "[[source]]\nname = '{name}'\nkind = '{kind}'\npath = '{path}'\nrelease = 'r1'\nlicence = 'CC0'\n{more}\n"
    )
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn bgzip(text: &[u8]) -> Vec<u8> {
    let mut writer = noodles::bgzf::io::Writer::new(Vec::new());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

/// A table of a bundle as lines: columns parted by blanks, nulls as `-`.
pub(crate) fn table_lines(bundle: &Bundle, source: &str) -> Vec<String> {
    let path = bundle.folder().join(format!("{source}.parquet"));
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1000);
    reader
        .unwrap()
        .flat_map(|batch| lines(&batch.unwrap(), |_| true))
        .collect()
}

/// Rows of a batch as lines.
pub(crate) fn lines(batch: &RecordBatch, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let schema = batch.schema();
    let columns: Vec<ArrayFormatter<'_>> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| is_wanted(field.name()))
        .map(|(_, array)| ArrayFormatter::try_new(array, &options).unwrap())
        .collect();
    (0..batch.num_rows())
        .map(|row| {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            cells.join(" ")
        })
        .collect()
}

/// A normalised allele of a batch: contig, position, REF, ALT.
pub(crate) type Allele = (String, u32, String, String);

/// Alleles written as `chr1:5 A>C`, parted by line ends; `chr1:5 A>.` has no alternate.
pub(crate) fn alleles(text: &str) -> Vec<Allele> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (place, change) = line.split_once(' ').unwrap();
            let (contig, position) = place.split_once(':').unwrap();
            let (reference, alternate) = change.split_once('>').unwrap();
            (
                contig.to_owned(),
                position.parse().unwrap(),
                reference.to_owned(),
                alternate.to_owned(),
            )
        })
        .collect()
}

/// A batch of alleles without calls.
pub(crate) fn site_batch(contigs: &Arc<ContigSet>, alleles: &[Allele], number: u64) -> SiteBatch {
    let rows = alleles.len();
    let ids: Vec<u32> = alleles
        .iter()
        .map(|(contig, ..)| contigs.find(contig).expect("a contig of the run").0)
        .collect();
    let alternates: Vec<Option<&str>> = alleles
        .iter()
        .map(|(_, _, _, alternate)| (alternate != ".").then_some(alternate.as_str()))
        .collect();
    let key = |(contig, position, reference, alternate): &Allele| {
        AlleleClass::of(reference.as_bytes(), alternate.as_bytes())
            .is_sequence()
            .then(|| {
                VariantKey::encode(
                    contig,
                    Position(*position),
                    reference.as_bytes(),
                    alternate.as_bytes(),
                )
            })
            .flatten()
            .map(|key| key.0)
    };
    let positions: UInt32Array = alleles
        .iter()
        .map(|(_, position, ..)| *position)
        .collect::<Vec<_>>()
        .into();
    let references: StringArray = alleles.iter().map(|a| Some(a.2.as_str())).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(ids)),
        Arc::new(positions.clone()),
        Arc::new(references.clone()),
        Arc::new(StringArray::from(alternates.clone())),
        Arc::new(alleles.iter().map(key).collect::<UInt64Array>()),
        Arc::new(StringArray::from(vec!["snv"; rows])),
        Arc::new(positions),
        Arc::new(references),
        Arc::new(StringArray::from(alternates)),
        Arc::new(UInt16Array::from(vec![1; rows])),
        Arc::new(StringArray::new_null(rows)),
        Arc::new(Float32Array::new_null(rows)),
        Arc::new(StringArray::new_null(rows)),
        Arc::new(UInt8Array::from(vec![0; rows])),
        Arc::new(StringArray::new_null(rows)),
    ];
    let sites = RecordBatch::try_new(site_schema(&[]), columns).unwrap();
    SiteBatch::try_new(
        number,
        Arc::clone(contigs),
        sites,
        CallMatrix::with_capacity(0, 0),
    )
    .unwrap()
}

/// Joins fields onto alleles that were cut into batches; the added columns as lines.
pub(crate) fn join(
    bundle: &Bundle,
    wanted: &[&str],
    contigs: &Arc<ContigSet>,
    batches: &[Vec<Allele>],
) -> Vec<String> {
    let stage =
        KnowledgeStage::try_new(bundle, wanted, contigs).unwrap_or_else(|error| panic!("{error}"));
    run_stage(&stage, contigs, batches)
}

/// Runs a stage over batches; the columns that it adds as lines.
pub(crate) fn run_stage(
    stage: &dyn Stage,
    contigs: &Arc<ContigSet>,
    batches: &[Vec<Allele>],
) -> Vec<String> {
    let mut worker = stage.worker().unwrap();
    let mut found = Vec::new();
    for (number, alleles) in (0..).zip(batches) {
        let batch = site_batch(contigs, alleles, number);
        let before = batch.sites().schema();
        let expected: Arc<Schema> = stage.output_schema(&before).unwrap();
        let joined = worker.process(batch).unwrap();
        assert_eq!(joined.sites().schema(), expected, "the declared schema");
        found.extend(lines(joined.sites(), |name| {
            before.field_with_name(name).is_err()
        }));
    }
    found
}

/// The build of the small genome, as far as tests say one.
pub(crate) const BUILD: GenomeBuild = GenomeBuild::Grch38;

/// Whether a file is there.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
