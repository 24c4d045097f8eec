//! The loaded runtime and the devices it has.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::ep::ExecutionProvider as _;
use serde::{Deserialize, Serialize};

use crate::library::candidates;
use crate::{ScoreError, error::first_line};

/// The device that a user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA card; an error where there is none.
    Cuda,
    /// CUDA where it is there and takes the model, else the processor. What was taken stands in
    /// `run.json`.
    Auto,
}

/// What a model really runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Provider {
    /// ONNX Runtime's processor kernels.
    #[serde(rename = "CPUExecutionProvider")]
    Cpu,
    /// CUDA; no node of the model falls back to the processor.
    #[serde(rename = "CUDAExecutionProvider")]
    Cuda,
}

impl std::fmt::Display for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Cpu => "processor",
            Self::Cuda => "card",
        })
    }
}

impl Provider {
    /// ONNX Runtime's own name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPUExecutionProvider",
            Self::Cuda => "CUDAExecutionProvider",
        }
    }
}

/// The library that this process has loaded: it can do so once.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The library, loaded once for the process.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) environment: ort::environment::Environment,
    library: PathBuf,
}

impl Runtime {
    /// Finds and loads the library, or takes the one that is loaded.
    ///
    /// # Errors
    /// None is found, or what is found is no ONNX Runtime, too old, for another machine, or another
    /// one than the process has loaded.
    pub fn load(explicit: Option<&Path>) -> Result<Self, ScoreError> {
        let places = candidates(explicit);
        let Some(library) = places.iter().find_map(|candidate| candidate.path.clone()) else {
            let looked = places
                .into_iter()
                .map(|candidate| candidate.origin)
                .collect::<Vec<_>>()
                .join(", ");
            return Err(ScoreError::LibraryMissing { looked });
        };
        let unusable = |detail: String| ScoreError::LibraryUnusable {
            path: library.clone(),
            detail,
        };
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = loaded.as_ref() {
            if own.library == library {
                return Ok(own.clone());
            }
            return Err(unusable(format!(
                "this process has loaded {}",
                own.library.display()
            )));
        }
        let builder = ort::init_from(&library).map_err(|error| unusable(first_line(&error)))?;
        let environment = builder
            .with_name("varisk")
            .with_telemetry(false)
            .build()
            .map_err(|error| unusable(first_line(&error)))?;
        environment.set_log_level(ort::logging::LogLevel::Fatal);
        let runtime = Self {
            environment,
            library,
        };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The library's path.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// What the library says about its build, version included.
    #[must_use]
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    /// Release of the library, such as `1.31.1`, as far as its build information or name tells.
    #[must_use]
    pub fn version(&self) -> String {
        let name = self
            .library
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let named = name
            .split_once(".so.")
            .map(|(_, version)| version.to_owned());
        let branch = self
            .build_info()
            .split("git-branch=rel-")
            .nth(1)
            .and_then(|rest| rest.split(',').next());
        named
            .or_else(|| branch.map(str::to_owned))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// Whether the library was built with CUDA; whether a card is there shows only when a model is
    /// opened.
    #[must_use]
    pub fn has_cuda(&self) -> bool {
        ort::ep::CUDA::is_available().unwrap_or(false)
    }
}
