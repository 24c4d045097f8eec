//! Timing of processes.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a process took.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// Processor time of the process and its children, to 10 ms.
    pub(super) cpu_seconds: f64,
    /// Peak resident memory, read every few milliseconds while it ran.
    pub(super) peak_mib: u64,
    /// What it printed, if little.
    pub(super) stdout: String,
}

/// Runs a program; its output is read and dropped as a pipe's reader would, but for the last line.
pub(super) fn measure(program: &str, arguments: &[&str]) -> Result<Measured> {
    let keeps = arguments.first() == Some(&"bench-child");
    let cpu_before = children_cpu_seconds().unwrap_or(0.0);
    let started = Instant::now();
    let stdout = if keeps { Stdio::piped() } else { Stdio::null() };
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak.max(high_water_mark(&status_file).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        let last = said.lines().last().unwrap_or("without a message");
        bail!(
            "{program} {} failed ({status}): {last}",
            arguments.join(" ")
        );
    }
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut text)?;
    }
    Ok(Measured {
        seconds,
        cpu_seconds: children_cpu_seconds().unwrap_or(0.0) - cpu_before,
        peak_mib: peak / 1024,
        stdout: text,
    })
}

/// The fastest of each column.
pub(super) fn best_of(rounds: &[Vec<Measured>]) -> Vec<Measured> {
    let columns = rounds.first().map_or(0, Vec::len);
    let best = |column: usize| {
        rounds
            .iter()
            .map(|round| &round[column])
            .min_by(|a, b| a.seconds.total_cmp(&b.seconds))
            .cloned()
    };
    (0..columns).filter_map(best).collect()
}

/// Processor time of the children that have ended, user and system.
fn children_cpu_seconds() -> Option<f64> {
    /// Linux counts in hundredths of a second wherever it shows ticks to programs.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold spaces; `cutime` and `cstime` are fields 16 and 17.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut ticks = rest.split(' ').skip(13).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS_PER_SECOND)
}

fn high_water_mark(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse()
            .ok()
    })
}

/// Path of this program.
pub(super) fn own_path() -> Result<String> {
    Ok(std::env::current_exe()?.display().to_string())
}

/// Path of the release program beside this one.
pub(super) fn program_path() -> Result<String> {
    Ok(std::env::current_exe()?
        .with_file_name("varisk")
        .display()
        .to_string())
}

/// Builds the release program.
pub(super) fn build_program() -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", "varisk"])
        .status()?;
    if status.success() {
        Ok(())
    } else {
        bail!("the release program does not build")
    }
}
