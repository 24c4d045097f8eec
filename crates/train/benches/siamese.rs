//! Time of an epoch of the default network for variants.
//!
//! `cargo bench -p varisk-train --bench siamese -- ROWS TOKENS VOCABULARY EPOCHS THREADS`

use std::error::Error;
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Instant;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use varisk_train::siamese::{Rows, Settings, Task, fit};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench` to the arguments.
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let mut next = |default| numbers.next().unwrap_or(default);
    let (rows, tokens, vocabulary) = (next(5000), next(36), next(1030));
    let (epochs, threads) = (next(5), next(1));
    let mut random = ChaCha8Rng::from_seed([1; 32]);
    let mut token = || i64::from(random.next_u32()) % vocabulary as i64;
    let reference = Array2::from_shape_simple_fn((rows, tokens), &mut token);
    let mut alternate = reference.clone();
    for mut window in alternate.rows_mut() {
        // A single-nucleotide allele is in 5 tokens of 5 bases.
        for value in window.iter_mut().skip(tokens / 2).take(5) {
            *value = token();
        }
    }
    let annotation = Array2::zeros((rows, 20));
    let labels: Vec<bool> = (0..rows).map(|row| row % 2 == 0).collect();
    let task = Task {
        rows: Rows {
            reference: reference.view(),
            alternate: alternate.view(),
            annotation: annotation.view(),
        },
        labels: &labels,
        weights: &vec![1.0; rows],
    };
    let settings = Settings {
        epochs,
        threads,
        ..Settings::default()
    };
    let mut out = std::io::stdout().lock();
    let mut started = Instant::now();
    let mut lines = Vec::new();
    let network = fit(&task, None, vocabulary, &settings, 1, &mut |losses| {
        lines.push((started.elapsed().as_secs_f64(), losses.training));
        started = Instant::now();
        ControlFlow::Continue(())
    })?;
    for (seconds, loss) in lines {
        writeln!(out, "seconds {seconds:.4} loss {loss:.5}")?;
    }
    started = Instant::now();
    network.logits(&task.rows)?;
    writeln!(out, "prediction {:.4}", started.elapsed().as_secs_f64())?;
    Ok(())
}
