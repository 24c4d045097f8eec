//! The one executor of varisk: it carries numbered batches from a source through workers to a sink,
//! in order, with bounded memory. It knows nothing about variants.
//!
//! Workers pull: whichever is free locks the source, takes the next batch, and works on it while
//! the next worker reads. There is no separate reader thread, so `threads` bounds everything that
//! computes. Each batch carries a receiver for its result; the receivers stand in a queue in the
//! order of the batches, so the sink sees results in submission order whatever finishes first.
//! A permit for each batch in flight bounds memory at `threads + 1` batches by construction.

mod cancel;
mod executor;

pub use cancel::CancelToken;
pub use executor::{Executor, FlowError, Outcome, Source};
