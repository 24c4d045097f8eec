//! What a run leaves on disk: table schemas, Parquet, unfinished parts, `run.json`, the output
//! folder.

mod column;
mod error;
mod folder;
mod parquet_file;
mod parts;
mod run_record;
mod tables;

pub use column::{Column, Kind};
pub use error::ReportError;
pub use folder::OutputFolder;
pub use parquet_file::{TableWriter, write_table};
pub use parts::{PartMerge, PartWriter, REORDER_WINDOW};
pub use run_record::{
    DriftRecord, FileRecord, ModelRecord, PredictorDrift, RunRecord, SourceRecord, StageTime,
};
pub use tables::{SCHEMA_VERSION, Table, variant_schema};
