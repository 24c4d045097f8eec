//! What the tests of the program share.

pub(crate) mod bam;
pub(crate) mod bundle;
pub(crate) mod cohort;
pub(crate) mod demo;
pub(crate) mod genome;
pub(crate) mod learning;
pub(crate) mod planted;
pub(crate) mod program;
pub(crate) mod refusal;
pub(crate) mod scores;
