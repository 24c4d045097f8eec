//! The ordered, bounded executor.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::CancelToken;

/// Why a run stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum FlowError<E> {
    /// The source, a worker or the sink refused.
    #[error(transparent)]
    Failed(E),
    /// A worker panicked: a bug, turned into an error so that no half result is taken for a whole.
    #[error("internal error at batch {batch}: {message}; please report this")]
    Panicked {
        /// Number of the batch.
        batch: u64,
        /// What the panic said.
        message: String,
    },
}

/// Where batches come from.
pub trait Source<E>: Send {
    /// A batch of raw input.
    type Batch: Send;

    /// The next batch, or `None` at the end.
    ///
    /// # Errors
    /// The input cannot be read.
    fn next(&mut self) -> Result<Option<Self::Batch>, E>;
}

impl<E, B: Send, F: FnMut() -> Result<Option<B>, E> + Send> Source<E> for F {
    type Batch = B;

    fn next(&mut self) -> Result<Option<B>, E> {
        self()
    }
}

/// How a run without error ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source is exhausted.
    Finished,
    /// The run was cancelled, or its limit of batches reached; all batches taken were carried to
    /// the sink.
    Paused,
}

/// Runs batches through workers.
#[derive(Clone, Debug)]
pub struct Executor {
    threads: usize,
    cancel: CancelToken,
}

/// A result on its way to the sink.
type Reply<R, E> = Result<R, FlowError<E>>;

/// A batch with its number and where its result goes.
type Taken<B, R, E> = (u64, B, Sender<Reply<R, E>>);

/// What the pulling side shares under a lock.
struct Intake<'s, S> {
    source: &'s mut S,
    outcome: Outcome,
    next_number: u64,
    limit: u64,
}

impl Executor {
    /// An executor of a number of threads (at least 1).
    #[must_use]
    pub fn new(threads: usize, cancel: CancelToken) -> Self {
        Self {
            threads: threads.max(1),
            cancel,
        }
    }

    /// Number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Takes batches from `source`, numbered from `first_number`, at most `limit` of them; has
    /// `work` done on each by one of `workers`; gives the results to `sink` in order, on the calling
    /// thread. There are as many threads as workers, at most [`Executor::threads`].
    ///
    /// # Memory
    /// At most `threads + 1` batches (raw or worked) exist at any moment.
    ///
    /// # Errors
    /// The first error in batch order; later batches are dropped and all threads joined before it
    /// is returned.
    pub fn run<S, W, R, E>(
        &self,
        source: &mut S,
        workers: &mut [W],
        first_number: u64,
        limit: u64,
        work: impl Fn(&mut W, u64, S::Batch) -> Result<R, E> + Sync,
        mut sink: impl FnMut(R) -> Result<(), E>,
    ) -> Result<Outcome, FlowError<E>>
    where
        S: Source<E>,
        W: Send,
        R: Send,
        E: Send,
    {
        let threads = self.threads.min(workers.len()).max(1);
        let (permit_return, permits) = bounded::<()>(threads + 1);
        for _ in 0..=threads {
            // The channel has room for exactly these.
            let _ = permit_return.send(());
        }
        let (queue, in_order) = unbounded::<Receiver<Reply<R, E>>>();
        let intake = Mutex::new(Intake {
            source,
            outcome: Outcome::Finished,
            next_number: first_number,
            limit,
        });
        // Set once nothing more may be taken: the end, a pause, or a failure anywhere.
        let closed = AtomicBool::new(false);
        let (work, intake_ref, closed_ref) = (&work, &intake, &closed);

        let failure = std::thread::scope(|scope| {
            for worker in workers.iter_mut().take(threads) {
                let (queue, permits) = (queue.clone(), permits.clone());
                scope.spawn(move || {
                    self.pull(worker, intake_ref, closed_ref, &queue, &permits, work);
                });
            }
            drop(queue);
            drop(permits);
            let mut failure = None;
            for reply in in_order {
                // A worker always answers, a caught panic included.
                let Ok(result) = reply.recv() else { continue };
                if failure.is_none() {
                    failure = result
                        .and_then(|value| sink(value).map_err(FlowError::Failed))
                        .err();
                    if failure.is_some() {
                        closed_ref.store(true, Ordering::SeqCst);
                    }
                }
                let _ = permit_return.send(());
            }
            failure
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(lock(&intake).outcome),
        }
    }

    /// The life of one thread: take, work, answer, until there is nothing left.
    fn pull<S, W, R, E>(
        &self,
        worker: &mut W,
        intake: &Mutex<Intake<'_, S>>,
        closed: &AtomicBool,
        queue: &Sender<Receiver<Reply<R, E>>>,
        permits: &Receiver<()>,
        work: &(impl Fn(&mut W, u64, S::Batch) -> Result<R, E> + Sync),
    ) where
        S: Source<E>,
    {
        loop {
            let taken = {
                let mut intake = lock(intake);
                // Waiting for a permit under the lock keeps the order of permits that of batches.
                if permits.recv().is_err() {
                    return;
                }
                self.take(&mut intake, closed, queue)
            };
            let Some((number, batch, reply)) = taken else {
                return;
            };
            let result = match catch_unwind(AssertUnwindSafe(|| work(worker, number, batch))) {
                Ok(result) => result.map_err(FlowError::Failed),
                Err(panic) => Err(FlowError::Panicked {
                    batch: number,
                    message: panic_message(&*panic),
                }),
            };
            if result.is_err() {
                closed.store(true, Ordering::SeqCst);
            }
            let _ = reply.send(result);
        }
    }

    /// Takes the next batch and queues its place in the order; an error of the source is queued at
    /// its place too.
    fn take<S, R, E>(
        &self,
        intake: &mut Intake<'_, S>,
        closed: &AtomicBool,
        queue: &Sender<Receiver<Reply<R, E>>>,
    ) -> Option<Taken<S::Batch, R, E>>
    where
        S: Source<E>,
    {
        if closed.load(Ordering::SeqCst) {
            return None;
        }
        if intake.limit == 0 || self.cancel.is_cancelled() {
            closed.store(true, Ordering::SeqCst);
            intake.outcome = Outcome::Paused;
            return None;
        }
        let number = intake.next_number;
        let next = catch_unwind(AssertUnwindSafe(|| intake.source.next()));
        let (reply, receiver) = bounded(1);
        let failed = match next {
            Ok(Ok(Some(batch))) => {
                intake.next_number += 1;
                intake.limit -= 1;
                let _ = queue.send(receiver);
                return Some((number, batch, reply));
            }
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(FlowError::Failed(error)),
            Err(panic) => Some(FlowError::Panicked {
                batch: number,
                message: panic_message(&*panic),
            }),
        };
        closed.store(true, Ordering::SeqCst);
        if let Some(error) = failed {
            let _ = queue.send(receiver);
            let _ = reply.send(Err(error));
        }
        None
    }
}

/// A panic is caught before it can poison the lock in a bad state; the data stay valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a worker stopped without a message")
        .to_owned()
}
