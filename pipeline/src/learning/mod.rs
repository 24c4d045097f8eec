//! Learning: the verbs `train`, `evaluate`, `calibrate` and `explain`.

pub(crate) mod calibrate;
mod data;
pub(crate) mod evaluate;
pub(crate) mod explain;
mod measures;
mod observed;
pub(crate) mod train;
mod variant;
mod work;
