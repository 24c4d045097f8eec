//! Bytes, row groups, partitions and encryption of written tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, ListArray, StringArray, UInt32Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, UInt32Type};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;
use crate::{MOST_PARTITIONS, TableKeys, TableLayout, open_table, table_files};

/// Texts that a search finds in a file that holds them in clear.
const PATIENT: &str = "patient-in-clear";
const ITEM: &str = "item-in-clear";
const LIST: u32 = 0x4b4c_4d4e;

/// Rows like those of `risk`: so many patients with so many items each.
fn rows(patients: u32, items: u32) -> RecordBatch {
    let all = || (0..patients).flat_map(|patient| (0..items).map(move |item| (patient, item)));
    let text = |text: &dyn Fn(u32, u32) -> Option<String>| -> ArrayRef {
        Arc::new(
            all()
                .map(|(patient, item)| text(patient, item))
                .collect::<StringArray>(),
        )
    };
    let lists =
        all().map(|(patient, item)| (item % 3 != 0).then(|| vec![Some(LIST), Some(patient), None]));
    let columns: [(&str, ArrayRef); 5] = [
        (
            "patient",
            text(&|patient, _| Some(format!("{PATIENT}-{patient:07}"))),
        ),
        ("item", text(&|_, item| Some(format!("{ITEM}-{item:04}")))),
        (
            "kind",
            text(&|_, item| (item % 2 == 0).then(|| "a b/c=d%é".to_owned())),
        ),
        (
            "value",
            Arc::new(
                all()
                    .map(|(patient, item)| f64::from(patient) / f64::from(item + 1))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "places",
            Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(lists)),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, values)| (name, values, name != "patient" && name != "item")),
    )
    .unwrap()
}

fn layout(columns: &[&str], encryption: Option<TableKeys>) -> TableLayout {
    TableLayout {
        partition_by: columns.iter().map(|column| (*column).to_owned()).collect(),
        encryption,
    }
}

fn write_in(
    folder: &Path,
    layout: TableLayout,
    name: &str,
    rows: &RecordBatch,
    step: usize,
) -> Result<u64, ReportError> {
    let folder = TableFolder {
        path: folder.to_owned(),
        layout,
    };
    let mut writer = TableWriter::create(&folder, name, rows.schema())?;
    for start in (0..rows.num_rows()).step_by(step) {
        writer.write(rows.slice(start, step.min(rows.num_rows() - start)))?;
    }
    writer.finish()
}

/// Bytes of all files of a folder, by name.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = table_files(folder).unwrap();
    files
        .into_iter()
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

fn read(path: &Path, keys: Option<&TableKeys>) -> RecordBatch {
    let reader = open_table(path, keys, None).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn key(byte: u8, length: usize) -> Vec<u8> {
    vec![byte; length]
}

fn keys(columns: &[&str]) -> TableKeys {
    let columns = columns
        .iter()
        .zip(100..)
        .map(|(column, byte)| ((*column).to_owned(), key(byte, 16)));
    TableKeys::try_new(key(1, 32), columns.collect()).unwrap()
}

/// The metadata of a plain file.
fn metadata(path: &Path) -> parquet::file::metadata::ParquetMetaData {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    reader.metadata().clone()
}

#[test]
fn bytes_do_not_depend_on_how_rows_arrive() {
    let rows = rows(2_000, 20);
    for columns in [&[][..], &["kind"], &["item", "kind"]] {
        let mut first = None;
        for step in [40_000, 8_192, 1_777, 20] {
            let folder = tempfile::tempdir().unwrap();
            let written = write_in(folder.path(), layout(columns, None), "risk", &rows, step);
            assert_eq!(written.unwrap(), 40_000);
            let bytes = bytes(folder.path());
            assert_eq!(bytes.len(), [1, 2, 20][columns.len()]);
            assert_eq!(
                *first.get_or_insert_with(|| bytes.clone()),
                bytes,
                "{columns:?} by {step}"
            );
        }
    }
}

#[test]
fn row_groups_are_bounded_in_rows_and_in_bytes() {
    let short: ArrayRef = Arc::new((0..300_000).collect::<UInt32Array>());
    let short = RecordBatch::try_from_iter([("number", short)]).unwrap();
    let text = "ACGT".repeat(50_000);
    let long: ArrayRef = Arc::new(StringArray::from_iter_values((0..700).map(|_| &text)));
    let long = RecordBatch::try_from_iter([("alt", long)]).unwrap();
    let groups = |rows: &RecordBatch, step: usize| {
        let folder = tempfile::tempdir().unwrap();
        write_in(folder.path(), TableLayout::default(), "any", rows, step).unwrap();
        let file = metadata(&folder.path().join("any.parquet"));
        let rows = file
            .row_groups()
            .iter()
            .map(parquet::file::metadata::RowGroupMetaData::num_rows);
        (rows.collect::<Vec<_>>(), bytes(folder.path()))
    };
    assert_eq!(groups(&short, 300_000).0, [131_072, 131_072, 37_856]);
    // Pieces of 21 rows make 4 MiB, 16 of them 64 MiB.
    let (rows, bytes) = groups(&long, 700);
    assert_eq!(rows, [336, 336, 28]);
    assert_eq!(groups(&long, 13), (rows, bytes));
}

#[test]
fn the_footer_says_what_helps_to_find_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(500, 20);
    write_in(folder.path(), layout(&["kind"], None), "risk", &rows, 999).unwrap();
    write_in(folder.path(), layout(&["item"], None), "scored", &rows, 999).unwrap();
    write_in(folder.path(), TableLayout::default(), "risk", &rows, 999).unwrap();
    let sorted = |path: PathBuf| {
        let file = metadata(&path);
        let group = file.row_group(0);
        let patient = group.column(0);
        assert!(patient.bloom_filter_offset().is_some());
        assert!(patient.column_index_offset().is_some());
        assert!(patient.statistics().unwrap().max_bytes_opt().is_some());
        assert!(group.column(2).bloom_filter_offset().is_none());
        let order = group.sorting_columns();
        order.map(|order| {
            order
                .iter()
                .map(|column| column.column_idx)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(sorted(folder.path().join("risk.parquet")), Some(vec![0, 1]));
    let of_kind = folder
        .path()
        .join("risk/kind=__HIVE_DEFAULT_PARTITION__/part-0.parquet");
    assert_eq!(sorted(of_kind), Some(vec![0, 1]));
    // A table that declares no order has none.
    let of_item = folder
        .path()
        .join(format!("scored/item={ITEM}-0000/part-0.parquet"));
    assert_eq!(sorted(of_item), None);
}

#[test]
fn partitions_hold_all_rows_in_order_without_the_column() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(400, 6);
    write_in(
        folder.path(),
        layout(&["kind", "item"], None),
        "risk",
        &rows,
        100,
    )
    .unwrap();
    let files = table_files(folder.path()).unwrap();
    assert_eq!(files.len(), 6);
    for (name, path) in files {
        let part = read(&path, None);
        assert_eq!(part.num_rows(), 400);
        let schema = part.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        assert_eq!(names, ["patient", "value", "places"]);
        let item: u32 = name.split(&format!("{ITEM}-")).nth(1).unwrap()[..4]
            .parse()
            .unwrap();
        let kind = if item.is_multiple_of(2) {
            "a%20b%2Fc%3Dd%25é"
        } else {
            "__HIVE_DEFAULT_PARTITION__"
        };
        assert_eq!(
            name,
            format!("risk/kind={kind}/item={ITEM}-{item:04}/part-0.parquet")
        );
        for (patient, value) in part
            .column(1)
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .enumerate()
        {
            assert_eq!(*value, patient as f64 / f64::from(item + 1));
        }
    }
}

#[test]
fn a_table_without_the_column_is_one_file_and_one_without_rows_keeps_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(3, 2);
    write_in(folder.path(), layout(&["gene"], None), "risk", &rows, 9).unwrap();
    write_in(folder.path(), layout(&["value"], None), "floats", &rows, 9).unwrap();
    let empty = rows.slice(0, 0);
    write_in(
        folder.path(),
        layout(&["item", "kind"], None),
        "risk",
        &empty,
        9,
    )
    .unwrap();
    let files = table_files(folder.path()).unwrap();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let none = "__HIVE_DEFAULT_PARTITION__";
    assert_eq!(
        names,
        [
            "floats",
            "risk",
            &format!("risk/item={none}/kind={none}/part-0.parquet")
        ]
    );
    let part = read(&files[2].1, None);
    assert_eq!((part.num_rows(), part.num_columns()), (0, 3));
}

#[test]
fn too_many_partitions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let most = MOST_PARTITIONS as u32;
    let column = |values: u32| {
        let values: ArrayRef = Arc::new((0..values).collect::<UInt32Array>());
        RecordBatch::try_from_iter([("position", Arc::clone(&values)), ("other", values)]).unwrap()
    };
    let by = layout(&["position"], None);
    let refused = write_in(folder.path(), by, "b", &column(most + 1), 1_000).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("'b' would have more than 4096 partitions")
    );
}

#[test]
fn rows_that_break_the_declared_order_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(4, 2);
    let mut writer =
        TableWriter::create(&TableFolder::plain(folder.path()), "risk", rows.schema()).unwrap();
    writer.write(rows.slice(4, 4)).unwrap();
    assert!(matches!(
        writer.write(rows.slice(0, 4)),
        Err(ReportError::Order { .. })
    ));
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[test]
fn an_encrypted_file_holds_nothing_in_clear() {
    let rows = rows(50, 6);
    let needles: [&[u8]; 8] = [
        PATIENT.as_bytes(),
        ITEM.as_bytes(),
        "a b/c=d%é".as_bytes(),
        &LIST.to_le_bytes(),
        // Names of columns, of the table, of the Arrow schema.
        b"places",
        b"varisk",
        b"ARROW:schema",
        b"\x00\x00\x00\x00\x00\x80\x48\x40",
    ];
    // The last one is 49.0, the greatest value, as statistics have it.
    for (encryption, is_clear) in [
        (None, true),
        (Some(keys(&[])), false),
        (Some(keys(&["patient"])), false),
        (Some(keys(&["places", "value", "absent"])), false),
    ] {
        for columns in [&[][..], &["kind"]] {
            let folder = tempfile::tempdir().unwrap();
            // Not compressed away: few rows, and each needle is searched in the plain file as well.
            write_in(
                folder.path(),
                layout(columns, encryption.clone()),
                "risk",
                &rows,
                7,
            )
            .unwrap();
            let all = bytes(folder.path());
            let all: Vec<u8> = all.into_values().flatten().collect();
            for needle in needles {
                let of_kind = needle == "a b/c=d%é".as_bytes() && !columns.is_empty();
                let expected = is_clear && !of_kind;
                assert_eq!(
                    holds(&all, needle),
                    expected,
                    "{needle:?} {encryption:?} {columns:?}"
                );
            }
        }
    }
}

#[test]
fn a_bloom_filter_does_not_tell_who_is_in_an_encrypted_file() {
    let folder = tempfile::tempdir().unwrap();
    write_in(
        folder.path(),
        layout(&[], Some(keys(&[]))),
        "risk",
        &rows(50, 6),
        99,
    )
    .unwrap();
    let file = File::open(folder.path().join("risk.parquet")).unwrap();
    let decryption = crate::keys::Keyring::new(keys(&[])).decryption().unwrap();
    let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new()
        .with_file_decryption_properties(decryption);
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new_with_options(
            file, options,
        )
        .unwrap();
    for column in reader.metadata().row_group(0).columns() {
        assert!(column.bloom_filter_offset().is_none());
        assert!(column.crypto_metadata().is_some());
    }
}

#[test]
fn an_encrypted_table_comes_back_with_its_keys_only() {
    let rows = rows(700, 6);
    for own in [&[][..], &["patient"], &["places", "value"]] {
        let folder = tempfile::tempdir().unwrap();
        write_in(
            folder.path(),
            layout(&[], Some(keys(own))),
            "risk",
            &rows,
            99,
        )
        .unwrap();
        let path = folder.path().join("risk.parquet");
        assert_eq!(read(&path, Some(&keys(own))), rows);
        let refused = |keys: Option<&TableKeys>, columns: Option<&[&str]>| {
            let opened = open_table(&path, keys, columns);
            let failed =
                opened.and_then(|mut reader| reader.find_map(Result::err).map_or(Ok(()), Err));
            failed.unwrap_err()
        };
        assert!(matches!(
            refused(None, None),
            ReportError::KeyMissing { .. }
        ));
        for wrong in [key(2, 32), key(1, 16)] {
            let wrong = TableKeys::try_new(wrong, BTreeMap::new()).unwrap();
            assert!(matches!(
                refused(Some(&wrong), None),
                ReportError::KeyWrong { .. }
            ));
        }
        let absent = refused(Some(&keys(own)), Some(&["nothing"]));
        assert!(absent.to_string().contains("no column 'nothing'"));
        let Some(column) = own.first() else { continue };
        let footer = keys(&[]);
        let missing = refused(Some(&footer), Some(&[column]));
        assert!(
            matches!(missing, ReportError::ColumnKeyMissing { column: of, .. } if of == *column)
        );
        // What the key of the footer opens can be read without the others.
        let items = open_table(&path, Some(&footer), Some(&["item"])).unwrap();
        assert_eq!(
            items.map(|rows| rows.unwrap().num_rows()).sum::<usize>(),
            4_200
        );
        let other = own.iter().map(|column| ((*column).to_owned(), key(9, 16)));
        let wrong = TableKeys::try_new(key(1, 32), other.collect()).unwrap();
        assert!(matches!(
            refused(Some(&wrong), None),
            ReportError::KeyWrong { .. }
        ));
    }
}

#[test]
fn columns_are_read_alone_and_keys_are_not_asked_of_a_plain_file() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(20, 3);
    write_in(folder.path(), TableLayout::default(), "risk", &rows, 7).unwrap();
    let path = folder.path().join("risk.parquet");
    let reader = open_table(&path, Some(&keys(&[])), Some(&["value", "item"])).unwrap();
    let read: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let read = concat_batches(&read[0].schema(), &read).unwrap();
    assert_eq!(read, rows.project(&[1, 3]).unwrap());
}

#[test]
fn damage_is_told_and_never_read_as_other_rows() {
    let rows = rows(60, 3);
    let folder = tempfile::tempdir().unwrap();
    let keys = keys(&["value"]);
    let outcome =
        |path: &Path, keys: Option<&TableKeys>| -> Result<Vec<RecordBatch>, ReportError> {
            open_table(path, keys, None)?.collect()
        };
    let damaged = folder.path().join("damaged.parquet");
    for (name, encryption) in [("plain", None), ("secret", Some(keys.clone()))] {
        write_in(
            folder.path(),
            layout(&[], encryption.clone()),
            name,
            &rows,
            99,
        )
        .unwrap();
        let whole = std::fs::read(folder.path().join(format!("{name}.parquet"))).unwrap();
        for length in [0, 3, 11, 12, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&damaged, &whole[..length]).unwrap();
            let refused = outcome(&damaged, Some(&keys)).unwrap_err();
            assert!(
                matches!(refused, ReportError::Unreadable { .. }),
                "{length}: {refused}"
            );
            assert!(
                refused
                    .to_string()
                    .contains("damaged.parquet is no Parquet file, or cut short")
            );
        }
        // The middle is gone, the ends are there.
        let mut short = whole[..whole.len() / 3].to_vec();
        short.extend(&whole[whole.len() - 300..]);
        std::fs::write(&damaged, &short).unwrap();
        assert!(outcome(&damaged, Some(&keys)).is_err());
        if encryption.is_none() {
            continue;
        }
        // Every byte is under a seal but the nonces' lengths and the key names: none changes a row.
        for at in (0..whole.len())
            .step_by(23)
            .chain(whole.len() - 40..whole.len())
        {
            for bit in [0x01, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                std::fs::write(&damaged, &bytes).unwrap();
                if let Ok(batches) = outcome(&damaged, Some(&keys)) {
                    assert_eq!(
                        concat_batches(&rows.schema(), &batches).unwrap(),
                        rows,
                        "byte {at}"
                    );
                }
            }
        }
    }
    let absent = outcome(&folder.path().join("absent.parquet"), None).unwrap_err();
    assert!(matches!(absent, ReportError::Open { .. }));
    std::fs::write(&damaged, "patient,item,value\na,b,c\n").unwrap();
    assert!(matches!(
        outcome(&damaged, None),
        Err(ReportError::Unreadable { .. })
    ));
}
