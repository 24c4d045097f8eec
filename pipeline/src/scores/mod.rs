//! Polygenic scores, ancestry and absolute risk of a run: what is opened before the first record, and
//! what is made of the folds at the end.

mod context;
mod formats;
mod outcome;
mod resolver;
mod tables;

pub(crate) use context::{ScoreContext, matching_settings};
pub(crate) use formats::write_formats;
pub(crate) use outcome::{Outcome, find};
pub(crate) use tables::{write_ancestry, write_log, write_risk, write_scores};
