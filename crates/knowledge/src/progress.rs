//! What a build or a verification is at.

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The source's file is hashed; counted in bytes.
    Hash,
    /// Its records are read; counted in records.
    Read,
    /// Its table is written; counted in rows.
    Write,
    /// A table is compared with the lock; counted in bytes.
    Verify,
}

/// A sign of life, given some times each second at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// What is being done.
    pub step: Step,
    /// How much is done.
    pub done: u64,
    /// Of how much, where that is known.
    pub total: Option<u64>,
}

/// What takes the signs of life.
pub type ProgressCallback<'a> = &'a mut dyn FnMut(Progress<'_>);
