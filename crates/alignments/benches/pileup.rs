//! Sites per second beside `samtools mpileup -l` on the same BAM, one thread each.
//!
//! The BAM is made here: one contig of random bases, pairs of 150 bases at depth 30 with an error in
//! a thousand bases, in qualities and order as a sequencer gives them. `cargo bench -p
//! varisk-alignments` prints a line for each density of sites; samtools must be installed.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use varisk_alignments::{AlignmentOptions, AlignmentSource, SiteQuery};
use varisk_core::{ContigId, ContigSet, Position};

const CONTIG: usize = 4_000_000;
const READ: usize = 150;
const DEPTH: usize = 30;
/// Bases from one site to the next: all bases, a dense panel, the variants of a cohort's file, those
/// of one person.
const DISTANCES: [usize; 4] = [1, 30, 300, 1_000];
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

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn main() -> Result<()> {
    // `cargo test --all-targets` runs this too, without `--bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut random = Random(3);
    let bases: Vec<u8> = (0..CONTIG).map(|_| b"ACGT"[random.below(4)]).collect();
    let bam = write_bam(folder.path(), &bases, &mut random)?;
    println!("distance\tsites\tvarisk_s\tsamtools_s\tratio");
    for distance in DISTANCES {
        let positions: Vec<usize> = (1..=CONTIG).step_by(distance).collect();
        let list = folder.path().join("sites.bed");
        let mut text = String::new();
        for position in &positions {
            writeln!(text, "1\t{}\t{position}", position - 1)?;
        }
        std::fs::write(&list, text)?;
        let ours = best(|| ask(&bam, &bases, &positions))?;
        let theirs = best(|| mpileup(&bam, &list))?;
        println!(
            "{distance}\t{}\t{:.3}\t{:.3}\t{:.2}",
            positions.len(),
            ours.as_secs_f64(),
            theirs.as_secs_f64(),
            theirs.as_secs_f64() / ours.as_secs_f64()
        );
    }
    Ok(())
}

/// The best of several runs.
fn best(mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        least = least.min(start.elapsed());
    }
    Ok(least)
}

fn ask(bam: &Path, bases: &[u8], positions: &[usize]) -> Result<()> {
    let contigs = Arc::new(ContigSet::new([("1".to_owned(), u32::try_from(CONTIG)?)]));
    let source = AlignmentSource::open(bam, None, &contigs, &AlignmentOptions::default())?;
    let mut sites = Vec::with_capacity(positions.len());
    for position in positions {
        let reference = &bases[position - 1..*position];
        sites.push(SiteQuery {
            position: Position(u32::try_from(*position)?),
            reference,
            alternate: if reference == b"A" { b"C" } else { b"A" },
        });
    }
    let mut found = Vec::new();
    source.reader()?.evidence(ContigId(0), &sites, &mut found)?;
    let reads: u64 = found
        .iter()
        .map(|site| u64::from(site.evidence.depth()))
        .sum();
    if reads < 20 * found.len() as u64 {
        return Err("too few reads were counted".into());
    }
    Ok(())
}

fn mpileup(bam: &Path, list: &Path) -> Result<()> {
    let status = Command::new("samtools")
        .args([
            "mpileup", "-B", "-A", "-d", "0", "-q", "20", "-Q", "13", "-l",
        ])
        .arg(list)
        .arg(bam)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("samtools mpileup failed".into());
    }
    Ok(())
}

/// Writes SAM to samtools, which sorts, packs and indexes it.
fn write_bam(folder: &Path, bases: &[u8], random: &mut Random) -> Result<PathBuf> {
    let bam = folder.join("reads.bam");
    let mut sort = Command::new("samtools")
        .args(["sort", "-o"])
        .arg(&bam)
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut sam = std::io::BufWriter::new(sort.stdin.take().ok_or("no pipe")?);
    writeln!(sam, "@HD\tVN:1.6\tSO:unsorted\n@SQ\tSN:1\tLN:{CONTIG}")?;
    writeln!(sam, "@RG\tID:g\tSM:s")?;
    for pair in 0..CONTIG * DEPTH / READ / 2 {
        let insert = READ + random.below(2 * READ) + READ / 2;
        let start = random.below(CONTIG - insert);
        let mate = start + insert - READ;
        for (flags, own, other, length) in [
            (99, start, mate, insert as i64),
            (147, mate, start, -(insert as i64)),
        ] {
            let mut read = bases[own..own + READ].to_vec();
            let mut qualities = Vec::with_capacity(READ);
            for base in &mut read {
                if random.below(1_000) == 0 {
                    *base = b"ACGT"[random.below(4)];
                }
                qualities.push(b"FFFFFFFF:,"[random.below(10)]);
            }
            write!(
                sam,
                "pair:{pair}\t{flags}\t1\t{}\t60\t{READ}M\t=\t{}\t{length}\t",
                own + 1,
                other + 1
            )?;
            sam.write_all(&read)?;
            sam.write_all(b"\t")?;
            sam.write_all(&qualities)?;
            sam.write_all(b"\tNM:i:0\tRG:Z:g\n")?;
        }
    }
    drop(sam);
    let packed = sort.wait()?.success();
    let indexed = Command::new("samtools").arg("index").arg(&bam).status()?;
    if !packed || !indexed.success() {
        return Err("samtools could not write the reads".into());
    }
    Ok(bam)
}
