//! What a run may use.

use serde::{Deserialize, Serialize};

/// Limits of a run; each has a default that suits one node and a flag that changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// Threads that read, work and score; at least 1.
    pub threads: usize,
    /// Input records in a batch, at most.
    pub batch_records: usize,
    /// Bytes of input text (or typed BCF) in a batch, at most; one record may exceed it.
    pub batch_bytes: usize,
    /// Records that may go to quarantine before the run is refused.
    pub max_bad_records: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            threads: 1,
            // 32 model batches of the default size: padding stays near 2 %, and the last batches of a
            // run do not leave threads idle for long.
            batch_records: 2_048,
            // Some 1,600 records of 2,504 samples: large enough to amortise a batch, small enough
            // that threads + 1 of them leave most of 512 MiB free.
            batch_bytes: 16 << 20,
            max_bad_records: 0,
        }
    }
}
