//! Reading scoring files, adding up one score and adding up many, each on one thread.
//!
//! Everything is made here from a fixed seed: a contig of random bases, 40,000 variants with the
//! frequencies of a population (most of them rare), 2,504 patients, 500 scores of 10,000 weights.
//! `cargo bench -p varisk-polygenic` prints a line for each part.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use varisk_core::{
    Analysis, CallCode, CallMatrix, ContigId, GenomeBuild, Haplotype, Position, Sex, SiteBatch,
    VariantKey, site_schema,
};
use varisk_polygenic::{FoldOptions, PlanOptions, PolygenicScores, ScorePlan, ScoreSource};
use varisk_reference::Reference;

const CONTIG: usize = 6_000_000;
const VARIANTS: usize = 40_000;
const PATIENTS: usize = 2_504;
const SCORES: usize = 500;
const WEIGHTS: usize = 10_000;
const BATCH: usize = 2_048;
const RUNS: usize = 3;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A generator whose stream never changes (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

struct Variant {
    position: u32,
    reference: u8,
    alternate: u8,
    frequency: f64,
}

fn variants(bases: &[u8], random: &mut Random) -> Vec<Variant> {
    let step = CONTIG / VARIANTS;
    (0..VARIANTS)
        .map(|number| {
            let offset = number * step + random.below(step);
            let reference = bases[offset];
            // A transition, which is no palindrome.
            let alternate = match reference {
                b'A' => b'G',
                b'C' => b'T',
                b'G' => b'A',
                _ => b'C',
            };
            // Frequencies from one copy in the cohort to one half, as many in each octave.
            let frequency = (1.0 / 5_008.0) * 2_504f64.powf(random.unit());
            Variant {
                position: u32::try_from(offset).unwrap_or(0) + 1,
                reference,
                alternate,
                frequency,
            }
        })
        .collect()
}

fn write_scores(
    folder: &Path,
    variants: &[Variant],
    random: &mut Random,
) -> Result<Vec<ScoreSource>> {
    let mut sources = Vec::new();
    let all = std::iter::once((VARIANTS, "ALL".to_owned()));
    let some = (0..SCORES).map(|number| (WEIGHTS, format!("S{number}")));
    for (weights, name) in all.chain(some) {
        let mut text = format!(
            "#format_version=2.0\n#pgs_id={name}\n#genome_build=GRCh38\n\
             rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
        );
        let mut left = weights;
        for (number, variant) in variants.iter().enumerate() {
            if random.below(variants.len() - number) >= left {
                continue;
            }
            left -= 1;
            let (mut effect, mut other) = (variant.alternate as char, variant.reference as char);
            if random.below(2) == 0 {
                (effect, other) = (other, effect);
            }
            writeln!(
                text,
                "rs{number}\t22\t{}\t{effect}\t{other}\t{:.12}",
                variant.position,
                random.unit() - 0.5
            )?;
        }
        let path = folder.join(format!("{name}.txt"));
        std::fs::write(&path, text)?;
        sources.push(ScoreSource::new(path));
    }
    Ok(sources)
}

fn batches(
    reference: &Reference,
    variants: &[Variant],
    random: &mut Random,
) -> Result<Vec<SiteBatch>> {
    use Haplotype::{Alternate, Reference as Ref};
    let mut batches = Vec::new();
    for (number, rows) in (0..).zip(variants.chunks(BATCH)) {
        let mut calls = CallMatrix::with_capacity(PATIENTS, rows.len());
        for variant in rows {
            let row = calls.push_row(CallCode::MISSING);
            for code in row {
                let mut one = || {
                    if random.unit() < variant.frequency {
                        Alternate
                    } else {
                        Ref
                    }
                };
                *code = CallCode::diploid(one(), one(), true).0;
            }
        }
        let text = |bytes: &dyn Fn(&Variant) -> u8| -> ArrayRef {
            let rows = rows.iter().map(|row| (bytes(row) as char).to_string());
            Arc::new(StringArray::from_iter_values(rows))
        };
        let positions: ArrayRef = Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|row| row.position),
        ));
        let key = |row: &Variant| {
            let position = Position(row.position);
            VariantKey::encode("22", position, &[row.reference], &[row.alternate]).map(|key| key.0)
        };
        let nulls: ArrayRef = Arc::new(StringArray::new_null(rows.len()));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values(
                rows.iter().map(|_| ContigId(0).0),
            )),
            Arc::clone(&positions),
            text(&|row| row.reference),
            text(&|row| row.alternate),
            Arc::new(rows.iter().map(key).collect::<UInt64Array>()),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "snv"))),
            positions,
            text(&|row| row.reference),
            text(&|row| row.alternate),
            Arc::new(UInt16Array::from_iter_values(rows.iter().map(|_| 1))),
            Arc::clone(&nulls),
            Arc::new(Float32Array::new_null(rows.len())),
            Arc::clone(&nulls),
            Arc::new(UInt8Array::from_iter_values(rows.iter().map(|_| 0))),
            nulls,
        ];
        let sites = RecordBatch::try_new(site_schema(&[]), columns)?;
        batches.push(SiteBatch::try_new(
            number,
            Arc::clone(reference.contigs()),
            sites,
            calls,
        )?);
    }
    Ok(batches)
}

/// The shortest of some runs.
fn shortest<T>(mut run: impl FnMut() -> Result<T>) -> Result<(Duration, T)> {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..RUNS {
        let start = Instant::now();
        let result = run()?;
        let taken = start.elapsed();
        if best.as_ref().is_none_or(|(time, _)| taken < *time) {
            best = Some((taken, result));
        }
    }
    best.ok_or_else(|| "no run".into())
}

fn add_up(plan: &Arc<ScorePlan>, batches: &[SiteBatch]) -> Result<f64> {
    let sexes = vec![Sex::Unknown; PATIENTS];
    let mut fold = PolygenicScores::new(Arc::clone(plan), sexes, FoldOptions::default())?;
    for batch in batches {
        fold.observe(batch)?;
    }
    Ok(fold.results().patient(0, 0).sum)
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut random = Random(22);
    let bases: Vec<u8> = (0..CONTIG).map(|_| b"ACGT"[random.below(4)]).collect();
    let fasta = folder.path().join("ref.fa");
    let mut text = b">22\n".to_vec();
    text.extend(&bases);
    text.push(b'\n');
    std::fs::write(&fasta, text)?;
    let index = format!("22\t{CONTIG}\t4\t{CONTIG}\t{}\n", CONTIG + 1);
    std::fs::write(folder.path().join("ref.fa.fai"), index)?;
    let reference = Reference::open(&fasta)?;
    let variants = variants(&bases, &mut random);
    let sources = write_scores(folder.path(), &variants, &mut random)?;
    let options = PlanOptions::new(GenomeBuild::Grch38);
    let plan_of = |sources: &[ScoreSource]| -> Result<Arc<ScorePlan>> {
        let plan = ScorePlan::build(sources, &options, &reference, None, None)?;
        Ok(Arc::new(plan))
    };
    drop(bases);
    let (time, one) = shortest(|| plan_of(&sources[..1]))?;
    println!("plan of one score, {VARIANTS} rows: {time:.2?}");
    // Once: two plans at a time would double the memory that is printed below.
    let start = Instant::now();
    let many = plan_of(&sources[1..])?;
    let time = start.elapsed();
    let rows = SCORES * WEIGHTS;
    println!(
        "plan of {SCORES} scores, {rows} rows: {time:.2?} ({:.0} ns a row)",
        time.as_nanos() as f64 / rows as f64
    );
    // Everything so far is small beside the plan.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("peak memory so far: {}", peak.unwrap_or("not known here"));
    let batches = batches(&reference, &variants, &mut random)?;
    let (time, sum) = shortest(|| add_up(&one, &batches))?;
    println!("{VARIANTS} variants x {PATIENTS} patients, one score: {time:.3?} (sum {sum:.6})");
    let (time, sum) = shortest(|| add_up(&many, &batches))?;
    println!(
        "{VARIANTS} variants x {PATIENTS} patients, {SCORES} scores: {time:.3?} (sum {sum:.6})"
    );
    Ok(())
}
