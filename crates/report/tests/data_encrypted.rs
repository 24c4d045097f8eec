//! DuckDB, pyarrow and polars read our tables as they are meant: plain, partitioned, encrypted.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, ListArray, RecordBatch, StringArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Float64Type, UInt32Type};
use varisk_report::{Column, Kind, Table, TableFolder, TableKeys, TableLayout, write_table};

/// Rows of each table; two row groups and a rest for the one that is searched.
const ROWS: u32 = 3_000;
const ROWS_OF_EVIDENCE: u32 = 300_000;

/// The folder of readers, as set-up brings it.
fn python() -> PathBuf {
    let folder = std::env::var_os("VARISK_TABLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.varisk/tables"),
        PathBuf::from,
    );
    let python = folder.join("bin/python");
    assert!(
        python.exists(),
        "{} is not there; run 'make oracles' first",
        python.display()
    );
    python
}

/// Values of a column, which the script makes once more.
fn values(table: Table, column: &Column, rows: u32) -> ArrayRef {
    let number = |row: u32| {
        let is_null = column.nullable && row % 4 == 3;
        (!is_null).then_some(row)
    };
    let text = |row: u32| match (table.name, column.name) {
        // Scattered, so that only a Bloom filter tells where one is; all other tables are sorted.
        ("evidence", "patient") => {
            format!("patient-{:07}", u64::from(row) * 7_919 % u64::from(rows))
        }
        (_, "patient") => format!("patient-{row:07}"),
        (_, "item") => format!("absolute.bréast/{}=5%", row % 5),
        (_, "contig") => format!("{:02}", row % 3),
        _ => format!("text-{}", row % 7),
    };
    let all = || (0..rows).map(number);
    match column.kind {
        Kind::Text => Arc::new(all().map(|row| row.map(text)).collect::<StringArray>()),
        Kind::Bool => Arc::new(
            all()
                .map(|row| row.map(|row| row % 2 == 0))
                .collect::<BooleanArray>(),
        ),
        Kind::U8 => Arc::new(
            all()
                .map(|row| row.map(|row| row as u8))
                .collect::<UInt8Array>(),
        ),
        Kind::U16 => Arc::new(
            all()
                .map(|row| row.map(|row| row as u16))
                .collect::<UInt16Array>(),
        ),
        Kind::U32 => Arc::new(all().collect::<UInt32Array>()),
        Kind::U64 => Arc::new(all().map(|row| row.map(u64::from)).collect::<UInt64Array>()),
        Kind::F32 => Arc::new(
            all()
                .map(|row| row.map(|row| row as f32))
                .collect::<Float32Array>(),
        ),
        Kind::F64 => Arc::new(
            all()
                .map(|row| row.map(f64::from))
                .collect::<Float64Array>(),
        ),
        Kind::U32List => Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(
            all().map(|row| row.map(|row| vec![Some(row), Some(7)])),
        )),
        Kind::F64List => Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(
            all().map(|row| row.map(|row| vec![Some(f64::from(row)), Some(0.5)])),
        )),
    }
}

fn write_all(path: &Path, layout: &TableLayout) {
    layout.check().unwrap();
    std::fs::create_dir(path).unwrap();
    let folder = TableFolder {
        path: path.to_owned(),
        layout: layout.clone(),
    };
    for table in Table::ALL {
        let rows = if table.name == "evidence" {
            ROWS_OF_EVIDENCE
        } else {
            ROWS
        };
        let columns = table
            .columns
            .iter()
            .map(|column| values(table, column, rows));
        let batch = RecordBatch::try_new(table.schema(), columns.collect()).unwrap();
        assert_eq!(
            write_table(&folder, table.name, batch).unwrap(),
            u64::from(rows)
        );
    }
}

fn run(script: &str, folder: &Path) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/tables.json");
    let output = Command::new(python())
        .arg("-c")
        .arg(script)
        .arg(folder)
        .arg(schema)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

#[test]
fn readers_see_plain_and_partitioned_tables_as_published() {
    let folder = tempfile::tempdir().unwrap();
    write_all(&folder.path().join("plain"), &TableLayout::default());
    let layout = TableLayout {
        partition_by: vec!["item".to_owned(), "contig".to_owned()],
        ..TableLayout::default()
    };
    write_all(&folder.path().join("partitioned"), &layout);
    run(include_str!("encrypted/tables.py"), folder.path());
}

#[test]
fn readers_open_encrypted_tables_with_the_key_only() {
    let folder = tempfile::tempdir().unwrap();
    let key = |byte: u8, length: usize| vec![byte; length];
    for (name, footer, columns, partition_by) in [
        ("short", key(b'k', 16), BTreeMap::new(), vec![]),
        ("long", key(b'K', 32), BTreeMap::new(), vec![]),
        (
            "parts",
            key(b'k', 16),
            BTreeMap::new(),
            vec!["item".to_owned()],
        ),
        (
            "columns",
            key(b'k', 16),
            BTreeMap::from([("patient".to_owned(), key(b'p', 16))]),
            vec![],
        ),
    ] {
        let layout = TableLayout {
            partition_by,
            encryption: Some(TableKeys::try_new(footer, columns).unwrap()),
        };
        write_all(&folder.path().join(name), &layout);
    }
    run(include_str!("encrypted/encrypted.py"), folder.path());
}

#[test]
fn the_documented_commands_run_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let keys = |columns: BTreeMap<String, Vec<u8>>| {
        Some(TableKeys::try_new(b"0123456789abcdef".to_vec(), columns).unwrap())
    };
    let patient = BTreeMap::from([("patient".to_owned(), b"fedcba9876543210".to_vec())]);
    let by_item = || vec!["item".to_owned()];
    for (name, partition_by, encryption) in [
        ("plain", vec![], None),
        ("partitioned", by_item(), None),
        ("secret", vec![], keys(BTreeMap::new())),
        ("secret-parts", by_item(), keys(BTreeMap::new())),
        ("columns", vec![], keys(patient)),
    ] {
        let layout = TableLayout {
            partition_by,
            encryption,
        };
        write_all(&folder.path().join(name), &layout);
    }
    run(include_str!("encrypted/documented.py"), folder.path());
}
