//! Time of an epoch of the default network, for comparison with `network_peer.py`.
//!
//! `cargo bench -p varisk-train --bench network -- ROWS FEATURES BATCH EPOCHS THREADS`

use std::error::Error;
use std::io::Write;
use std::ops::ControlFlow;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use varisk_train::network::{Rows, Settings, Target, fit};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench` to the arguments.
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let mut next = |default| numbers.next().unwrap_or(default);
    let (rows, columns, batch_size) = (next(100_000), next(200), next(256));
    let (epochs, threads) = (next(3), next(2));
    let mut random = ChaCha8Rng::from_seed([1; 32]);
    // Uniform with a standard deviation of 1.
    let features = Array2::from_shape_simple_fn((rows, columns), || {
        ((random.next_u32() >> 8) as f32 / (1_u32 << 24) as f32 - 0.5) * 12_f32.sqrt()
    });
    let outcomes: Vec<bool> = features
        .rows()
        .into_iter()
        .map(|row| row[0] + row[1] * row[2] > 0.0)
        .collect();
    let data = Rows {
        features: features.view(),
        target: Target::Binary(&outcomes),
        weights: None,
    };
    let settings = Settings {
        batch_size,
        epochs,
        threads,
        ..Settings::default()
    };
    let mut out = std::io::stdout().lock();
    let mut lines = Vec::new();
    fit(
        data,
        None,
        &settings,
        &mut |report| {
            lines.push((report.record.seconds, report.record.training_loss));
            ControlFlow::Continue(())
        },
        None,
    )?;
    for (seconds, loss) in lines {
        writeln!(out, "seconds {seconds:.4} loss {loss:.5}")?;
    }
    Ok(())
}
