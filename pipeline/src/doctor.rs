//! `varisk doctor`: what is there, what is missing, and how to get it.

use varisk_score::{Runtime, candidates};

use crate::arguments::DoctorArguments;
use crate::build_info::{VERSION, lines};
use crate::print::print;
use crate::settings::available_threads;

/// What onnxruntime-gpu has beside the library, and onnxruntime not.
const CUDA_PROVIDER: &str = "libonnxruntime_providers_cuda.so";

pub(crate) fn command(arguments: &DoctorArguments) -> anyhow::Result<()> {
    let memory = match memory() {
        Some((total, limit)) => {
            let limit = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{limit} MiB"));
            format!("{total} MiB in the machine, {limit} for this process")
        }
        None => "not known on this system".to_owned(),
    };
    let mut text = format!("{:13} {VERSION}\n", "varisk");
    for (word, value) in lines() {
        text += &format!("{word:13} {value}\n");
    }
    print(text)?;
    print(format!(
        "threads       {} granted to this process\nmemory        {memory}\nonnxruntime   looked for in this order:\n",
        available_threads()
    ))?;
    for candidate in candidates(arguments.onnxruntime.as_deref()) {
        let path = candidate.path.as_deref();
        let found = path.map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        print(format!("{:14}  {:<60} {found}\n", "", candidate.origin))?;
    }
    let runtime = Runtime::load(arguments.onnxruntime.as_deref())?;
    let provider = runtime.library().with_file_name(CUDA_PROVIDER);
    let cuda = if runtime.has_cuda() {
        "CUDAExecutionProvider (in the library; 'varisk model check --device cuda BUNDLE' tells whether a card takes a variant model)"
    } else if provider.is_file() {
        "no CUDA in this library, though its provider stands beside it: onnxruntime was installed over onnxruntime-gpu; see 'NVIDIA cards' in docs/install.md"
    } else {
        "no CUDA in this library; for an NVIDIA card install onnxruntime-gpu and name its library with --onnxruntime"
    };
    print(format!(
        "{:14}release {} from {}\nproviders     CPUExecutionProvider\n{:14}{cuda}\n",
        "",
        runtime.version(),
        runtime.library().display(),
        ""
    ))
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
