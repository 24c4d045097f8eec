//! A model opened on a device: a pool of sessions that threads borrow.
//!
//! ONNX Runtime's `Run` must not be shared between threads. On the processor there is a session of
//! one thread for each worker, sharing prepacked weights; on a card there is one session, and
//! workers wait for their turn with full batches. Every run has the same shape, so the result for a
//! row does not depend on how the input was cut (padding fills the last batch).

use std::path::Path;

use crossbeam_channel::{Receiver, Sender, unbounded};
use ort::session::builder::{PrepackedWeights, SessionBuilder};
use ort::session::{Session, SessionInputValue};
use ort::value::TensorRef;
use varisk_encode::{Bundle, OutputSpec, TensorData, Tensors};

use crate::error::{first_line, is_about_memory};
use crate::{Device, Provider, Runtime, ScoreError};

/// How a model is opened.
#[derive(Clone, Copy, Debug)]
pub struct ModelOptions {
    /// The device asked for.
    pub device: Device,
    /// Threads that will score at the same time.
    pub threads: usize,
    /// Whether CUDA may round 32-bit products to TF32: faster for some models, and with fewer digits in common with the
    /// processor.
    pub tf32: bool,
}

impl ModelOptions {
    /// The processor, with so many threads that score at the same time.
    #[must_use]
    pub fn on_processor(threads: usize) -> Self {
        Self {
            device: Device::Cpu,
            threads,
            tf32: false,
        }
    }
}

/// A model ready to run.
pub struct Model {
    bundle: Bundle,
    provider: Provider,
    idle: (Sender<Session>, Receiver<Session>),
}

impl Model {
    /// Opens the sessions of a bundle.
    ///
    /// # Errors
    /// The runtime refuses the model, or the device asked for is not there or does not take all of
    /// it.
    pub fn open(
        runtime: &Runtime,
        bundle: Bundle,
        options: ModelOptions,
    ) -> Result<Self, ScoreError> {
        let graph = Graph::of(&bundle)?;
        let cuda = match options.device {
            Device::Cpu => None,
            Device::Cuda => Some(open_cuda(runtime, &bundle, &graph, options.tf32)?),
            Device::Auto => open_cuda(runtime, &bundle, &graph, options.tf32).ok(),
        };
        let idle = unbounded();
        let provider = if let Some(session) = cuda {
            // The receiver is held beside the sender, so nothing is lost.
            let _ = idle.0.send(session);
            Provider::Cuda
        } else {
            let weights = PrepackedWeights::new();
            for _ in 0..options.threads.max(1) {
                let _ = idle.0.send(open_cpu(runtime, &bundle, &graph, &weights)?);
            }
            Provider::Cpu
        };
        Ok(Self {
            bundle,
            provider,
            idle,
        })
    }

    /// The bundle.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What it runs on.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// Runs one batch of the fixed shape and hands each output tensor of the manifest's outputs to
    /// `take` as (output index, elements of a row, elements).
    ///
    /// # Errors
    /// The runtime refuses, or an output has not the shape that the manifest needs.
    pub fn run(
        &self,
        tensors: &Tensors,
        mut take: impl FnMut(usize, &OutputSpec, usize, &[f32]),
    ) -> Result<(), ScoreError> {
        let name = &self.bundle.manifest.name;
        let failed = |detail: String| {
            let model = name.clone();
            if is_about_memory(&detail) {
                return no_memory(&self.bundle, self.provider, detail);
            }
            match self.provider {
                Provider::Cpu => ScoreError::Run { model, detail },
                Provider::Cuda => ScoreError::Card { model, detail },
            }
        };
        let inputs = tensors
            .iter()
            .map(|(name, data)| Ok((name, input(data)?)))
            .collect::<Result<Vec<_>, ort::Error>>();
        let inputs = inputs.map_err(|error| failed(first_line(&error)))?;
        // The pool holds its own sender, so it never closes.
        let mut session = self
            .idle
            .1
            .recv()
            .map_err(|_| failed("no session is left".to_owned()))?;
        let result = match session.run(inputs) {
            Err(error) => Err(failed(first_line(&error))),
            Ok(outputs) => self
                .bundle
                .manifest
                .outputs
                .iter()
                .enumerate()
                .try_for_each(|(index, spec)| {
                    let value = outputs
                        .get(&spec.tensor)
                        .ok_or_else(|| failed(format!("it gave no output '{}'", spec.tensor)))?;
                    let (shape, elements) = value
                        .try_extract_tensor::<f32>()
                        .map_err(|error| failed(first_line(&error)))?;
                    let width = elements.len() / tensors.batch_size();
                    let column = spec.column.unwrap_or(0) as usize;
                    let rows = shape
                        .first()
                        .copied()
                        .and_then(|rows| usize::try_from(rows).ok());
                    if rows != Some(tensors.batch_size())
                        || width * tensors.batch_size() != elements.len()
                        || column >= width
                        || (spec.column.is_none() && width != 1)
                    {
                        return Err(failed(format!(
                            "its output '{}' came with shape {shape:?}",
                            spec.tensor
                        )));
                    }
                    take(index, spec, width, elements);
                    Ok(())
                }),
        };
        let _ = self.idle.0.send(session);
        result
    }
}

/// How ONNX Runtime says that it would run a part of a model on the processor.
const LEFT_TO_PROCESSOR: &str = "fallback to CPU EP has been explicitly disabled";

fn no_memory(bundle: &Bundle, device: Provider, detail: String) -> ScoreError {
    ScoreError::Memory {
        model: bundle.manifest.name.clone(),
        device,
        rows: bundle.manifest.rows(),
        detail,
    }
}

fn input(data: &TensorData) -> Result<SessionInputValue<'_>, ort::Error> {
    Ok(match data {
        TensorData::F32(array) => TensorRef::from_array_view(array.view())?.into(),
        TensorData::I64(array) => TensorRef::from_array_view(array.view())?.into(),
        TensorData::I32(array) => TensorRef::from_array_view(array.view())?.into(),
    })
}

/// What the runtime opens.
enum Graph<'b> {
    /// The file as it is.
    File(&'b Path),
    /// The file's graph with tensors in the place of maps.
    Unzipped(Vec<u8>),
}

impl<'b> Graph<'b> {
    fn of(bundle: &'b Bundle) -> Result<Self, ScoreError> {
        let mut model = varisk_onnx::Model::read(&bundle.model_path)?;
        Ok(if model.unzip_maps() {
            Self::Unzipped(model.encode())
        } else {
            Self::File(&bundle.model_path)
        })
    }

    fn open(&self, mut builder: SessionBuilder) -> Result<Session, ort::Error> {
        match self {
            Self::File(path) => builder.commit_from_file(path),
            Self::Unzipped(bytes) => builder.commit_from_memory(bytes),
        }
    }
}

fn open_cpu(
    runtime: &Runtime,
    bundle: &Bundle,
    graph: &Graph<'_>,
    weights: &PrepackedWeights,
) -> Result<Session, ScoreError> {
    let open = || -> Result<Session, ort::Error> {
        let builder = Session::builder(&runtime.environment)?
            // Threads are the executor's; explicit counts also keep the runtime from setting
            // affinities that a scheduler's cpuset refuses.
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_prepacked_weights(weights)?;
        graph.open(builder)
    };
    open().map_err(|error| {
        let detail = first_line(&error);
        if is_about_memory(&detail) {
            return no_memory(bundle, Provider::Cpu, detail);
        }
        ScoreError::Session {
            model: bundle.manifest.name.clone(),
            path: bundle.model_path.clone(),
            detail,
        }
    })
}

fn open_cuda(
    runtime: &Runtime,
    bundle: &Bundle,
    graph: &Graph<'_>,
    tf32: bool,
) -> Result<Session, ScoreError> {
    let open = || -> Result<Session, ort::Error> {
        let cuda = ort::ep::CUDA::default()
            .with_tf32(tf32)
            // One algorithm for all convolutions. The exhaustive search times several and may choose others the next
            // time, with other last digits. The heuristic one chose algorithms that need 105 GB of workspace for
            // 1,024 rows of a wide model, and took 20 times as long for 256 (ONNX Runtime 1.31, H100).
            .with_conv_algorithm_search(ort::ep::cuda::ConvAlgorithmSearch::Default)
            .with_conv_max_workspace(false)
            .build()
            .error_on_failure();
        let builder = Session::builder(&runtime.environment)?
            .with_execution_providers([cuda])?
            .with_disable_cpu_fallback()?
            .with_intra_threads(1)?;
        graph.open(builder)
    };
    open().map_err(|error| {
        let (model, detail) = (bundle.manifest.name.clone(), first_line(&error));
        if is_about_memory(&detail) {
            no_memory(bundle, Provider::Cuda, detail)
        } else if detail.contains(LEFT_TO_PROCESSOR) {
            ScoreError::Kernel { model }
        } else {
            ScoreError::Device { model, detail }
        }
    })
}
