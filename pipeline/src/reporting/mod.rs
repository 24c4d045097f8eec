//! Verbs that make something to read of a finished run.

pub(crate) mod report;
