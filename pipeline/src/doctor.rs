//! `varisk doctor`: what is there, what is missing, and how to get it.
#![expect(clippy::print_stdout, reason = "the findings are what was asked for")]

use varisk_score::{Runtime, candidates};

use crate::arguments::DoctorArguments;
use crate::settings::available_threads;

pub(crate) fn command(arguments: &DoctorArguments) -> anyhow::Result<()> {
    println!("varisk        {}", env!("CARGO_PKG_VERSION"));
    println!(
        "threads       {} granted to this process",
        available_threads()
    );
    match memory() {
        Some((total, limit)) => println!(
            "memory        {total} MiB in the machine, {} for this process",
            limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{limit} MiB"))
        ),
        None => println!("memory        not known on this system"),
    }
    println!("onnxruntime   looked for in this order:");
    for candidate in candidates(arguments.onnxruntime.as_deref()) {
        let found = candidate
            .path
            .map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        println!("                {:<60} {found}", candidate.origin);
    }
    let runtime = Runtime::load(arguments.onnxruntime.as_deref())?;
    println!(
        "              release {} from {}",
        runtime.version(),
        runtime.library().display()
    );
    println!("providers     CPUExecutionProvider");
    if runtime.has_cuda() {
        println!(
            "              CUDAExecutionProvider (in the library; 'varisk model check --device cuda BUNDLE' tells whether a card takes a model)"
        );
    } else {
        println!(
            "              no CUDA in this library; for an NVIDIA card install onnxruntime-gpu and name its library with --onnxruntime"
        );
    }
    Ok(())
}

/// Memory of the machine and the limit of the control group, in MiB.
fn memory() -> Option<(u64, Option<u64>)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| {
        line.strip_prefix("MemTotal:")?
            .trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<u64>()
            .ok()
    })?;
    let limits = [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ];
    let limit = limits.iter().find_map(|path| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<u64>()
            .ok()
    });
    Some((
        total / 1024,
        limit
            .map(|bytes| bytes >> 20)
            .filter(|limit| *limit < total / 1024),
    ))
}
