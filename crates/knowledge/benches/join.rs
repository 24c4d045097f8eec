//! Time and memory of a join: a million alleles against a frequency table of two million rows and a
//! table of text of a tenth of that. Prints seconds and peak memory; writes to a temporary folder.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops where its own data are wrong"
)]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Float32Array, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::record_batch::RecordBatch;
use varisk_core::{
    CallMatrix, ContigSet, Position, SiteBatch, Stage as _, VariantKey, site_schema,
};
use varisk_knowledge::{BundleBuilder, KnowledgeConfig, KnowledgeStage};
use varisk_reference::Reference;

/// Bases of the contig.
const LENGTH: u32 = 6_000_000;
/// Rows of a batch.
const BATCH: usize = 4_096;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let bases = "ACGT".repeat(LENGTH as usize / 4);
    let fasta = folder.path().join("ref.fa");
    std::fs::write(&fasta, format!(">chr1\n{bases}\n")).unwrap();
    let index = format!("chr1\t{LENGTH}\t6\t{LENGTH}\t{}\n", LENGTH + 1);
    std::fs::write(folder.path().join("ref.fa.fai"), index).unwrap();
    write_sources(folder.path());
    let reference = Reference::open(&fasta).unwrap();
    let config = KnowledgeConfig::read(&folder.path().join("knowledge.toml")).unwrap();
    let start = Instant::now();
    let mut builder = BundleBuilder::try_new(
        &folder.path().join("bundle"),
        config.genome_build,
        reference.clone(),
    )
    .unwrap();
    for source in &config.sources {
        let locked = builder.add(source, &mut |_| ()).unwrap();
        println!(
            "{}: {} rows, {} bytes",
            locked.name, locked.table.rows, locked.table.bytes
        );
    }
    let bundle = builder.finish().unwrap();
    println!(
        "build: {:.2} s, peak {} MiB",
        start.elapsed().as_secs_f64(),
        peak()
    );

    let contigs = Arc::clone(reference.contigs());
    let batches: Vec<SiteBatch> = queries()
        .chunks(BATCH)
        .map(|rows| batch(&contigs, rows))
        .collect();
    println!("batches ready: peak {} MiB", peak());
    for wanted in [&["freq"][..], &["words"], &["freq", "words"]] {
        let stage = KnowledgeStage::try_new(&bundle, wanted, &contigs).unwrap();
        let mut worker = stage.worker().unwrap();
        let (start, busy, mut found) = (Instant::now(), busy_seconds(), 0);
        for batch in &batches {
            let joined = worker.process(batch.clone()).unwrap();
            let last = joined.sites().columns().last().unwrap();
            found += last.len() - last.null_count();
        }
        println!(
            "join {wanted:?}: {:.2} s ({:.2} s of a processor), {found} matches, peak {} MiB",
            start.elapsed().as_secs_f64(),
            busy_seconds() - busy,
            peak()
        );
    }
}

fn write_sources(folder: &Path) {
    let create =
        |name: &str| std::io::BufWriter::new(std::fs::File::create(folder.join(name)).unwrap());
    let (mut freq, mut words) = (create("freq.tsv"), create("words.tsv"));
    writeln!(freq, "c\tp\tr\ta\taf\tan").unwrap();
    writeln!(words, "c\tp\tr\ta\tsig\tdis\tacc").unwrap();
    for number in 0..2_000_000u32 {
        let position = number * 3 + 1;
        let reference = base(position);
        let alternate = base(position + 1 + number % 3);
        writeln!(
            freq,
            "1\t{position}\t{reference}\t{alternate}\t{}\t{}",
            f64::from(number % 99_991) / 99_991.0,
            number % 5_000
        )
        .unwrap();
        if number % 10 == 0 {
            writeln!(
                words,
                "1\t{position}\t{reference}\t{alternate}\tpathogenic\tdisease_{}\tVCV{number}",
                number % 9_973
            )
            .unwrap();
        }
    }
    let source = |name: &str, fields: &str| {
        format!(
            "[[source]]\nname = '{name}'\nkind = 'table'\npath = '{name}.tsv'\nrelease = '1'\nlicence = 'x'\ncolumns = {{ contig = 'c', position = 'p', ref = 'r', alt = 'a' }}\nfields = {{ {fields} }}\n"
        )
    };
    let text = "genome_build = 'GRCh38'\n".to_owned()
        + &source(
            "freq",
            "af = { from = 'af', type = 'float' }, an = { from = 'an', type = 'integer' }",
        )
        + &source("words", "sig = 'sig', dis = 'dis', acc = 'acc'");
    std::fs::write(folder.join("knowledge.toml"), text).unwrap();
}

fn base(position: u32) -> &'static str {
    ["A", "C", "G", "T"][(position as usize - 1) % 4]
}

/// A million alleles, two of three of them in the table.
fn queries() -> Vec<(u32, &'static str, &'static str)> {
    (0..1_000_000u32)
        .map(|number| {
            let at = number * 2;
            let position = at * 3 + 1;
            let alternate = if number % 3 == 0 { at % 3 + 1 } else { at % 3 };
            let alternate = base(position + 1 + alternate % 3);
            (position, base(position), alternate)
        })
        .collect()
}

fn batch(contigs: &Arc<ContigSet>, rows: &[(u32, &str, &str)]) -> SiteBatch {
    let count = rows.len();
    let positions = UInt32Array::from_iter_values(rows.iter().map(|row| row.0));
    let references = StringArray::from_iter_values(rows.iter().map(|row| row.1));
    let alternates = StringArray::from_iter_values(rows.iter().map(|row| row.2));
    let key = |row: &(u32, &str, &str)| {
        VariantKey::encode("1", Position(row.0), row.1.as_bytes(), row.2.as_bytes())
            .map(|key| key.0)
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(vec![0; count])),
        Arc::new(positions.clone()),
        Arc::new(references.clone()),
        Arc::new(alternates.clone()),
        Arc::new(rows.iter().map(key).collect::<UInt64Array>()),
        Arc::new(StringArray::from(vec!["snv"; count])),
        Arc::new(positions),
        Arc::new(references),
        Arc::new(alternates),
        Arc::new(UInt16Array::from(vec![1; count])),
        Arc::new(StringArray::new_null(count)),
        Arc::new(Float32Array::new_null(count)),
        Arc::new(StringArray::new_null(count)),
        Arc::new(UInt8Array::from(vec![0; count])),
        Arc::new(StringArray::new_null(count)),
    ];
    let sites = RecordBatch::try_new(site_schema(&[]), columns).unwrap();
    SiteBatch::try_new(
        0,
        Arc::clone(contigs),
        sites,
        CallMatrix::with_capacity(0, 0),
    )
    .unwrap()
}

/// Processor time of the process so far, in steps of a hundredth of a second; 0 where the system
/// does not say.
fn busy_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |at: usize| -> f64 {
        let field = fields.split_whitespace().nth(at);
        field.and_then(|field| field.parse().ok()).unwrap_or(0.0)
    };
    // utime and stime, which follow the name and eleven other fields.
    (ticks(11) + ticks(12)) / 100.0
}

/// Peak memory of the process so far, in MiB; 0 where the system does not say.
fn peak() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(0, |kib| kib / 1024)
}
