//! What a run leaves on disk: table schemas, Parquet, unfinished parts, `run.json`, the output
//! folder.

mod column;
mod error;
mod folder;
mod keys;
mod layout;
mod open_table;
mod parquet_file;
mod partitions;
mod parts;
mod pieces;
mod row_order;
mod run_record;
mod table_writer;
mod tables;

pub use column::{Column, Kind};
pub use error::ReportError;
pub use folder::OutputFolder;
pub use keys::TableKeys;
pub use layout::{TableFolder, TableLayout, table_files, tables_partitioned_by};
pub use open_table::{TableReader, open_table};
pub use partitions::MOST_PARTITIONS;
pub use parts::{PartMerge, PartWriter, REORDER_WINDOW};
pub use row_order::order_of;
pub use run_record::{
    DriftRecord, FileRecord, ModelRecord, PredictorDrift, RunRecord, SourceRecord, StageTime,
    numbered,
};
pub use table_writer::{TableWriter, write_table};
pub use tables::{SCHEMA_VERSION, Table, variant_schema};
