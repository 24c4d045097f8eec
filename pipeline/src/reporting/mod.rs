//! Verbs that make something to read of finished runs.

mod clock;
pub(crate) mod diff;
pub(crate) mod report;
