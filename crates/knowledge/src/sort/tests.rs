//! Sorted rows equal a sort in memory, whatever the pieces and the fan-in.

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, UInt32Type};
use proptest::prelude::*;

use super::*;
use crate::FieldType;
use crate::rows::{OutputField, RowBuffer, RowKey};

type Row = (u32, u32, u64, String, String);

fn sorted(rows: &[Row], piece: usize, fan_in: usize) -> (Vec<(Row, i64)>, usize) {
    let fields = [OutputField {
        name: "n".to_owned(),
        field_type: FieldType::Integer,
        from: None,
        meaning: String::new(),
    }];
    let folder = tempfile::tempdir().unwrap();
    let mut buffer = RowBuffer::try_new(&fields).unwrap();
    let schema = SchemaRef::clone(buffer.schema());
    let mut sorter = Sorter::new(schema, folder.path()).with_fan_in(fan_in);
    for (number, (rank, start, second, reference, alternate)) in rows.iter().enumerate() {
        buffer.push_key(RowKey {
            rank: *rank,
            start: *start,
            second: *second,
            reference,
            alternate,
        });
        buffer.fields[0].push_integer(Some(i64::try_from(number).unwrap()));
        if buffer.rows() == piece {
            sorter.push(&buffer.take().unwrap()).unwrap();
        }
    }
    sorter.push(&buffer.take().unwrap()).unwrap();
    let runs = sorter.runs.len() + usize::from(sorter.open.is_some());
    let mut merge = sorter.finish().unwrap();
    let mut found = Vec::new();
    while let Some(batch) = merge.next_batch().unwrap() {
        let keys = Keys::try_new(&batch).unwrap();
        let numbers = batch.column(5).as_primitive::<Int64Type>();
        assert_eq!(
            batch.column(0).as_primitive::<UInt32Type>().len(),
            keys.len()
        );
        for row in 0..batch.num_rows() {
            let key = (
                keys.rank.value(row),
                keys.start.value(row),
                keys.second.value(row),
                keys.reference.value(row).to_owned(),
                keys.alternate.value(row).to_owned(),
            );
            found.push((key, numbers.value(row)));
        }
    }
    (found, runs)
}

proptest! {
    #[test]
    fn equals_a_stable_sort_in_memory(
        rows in prop::collection::vec((0u32..3, 0u32..20, 0u64..4, "[AC]{1,2}", "[GT]{1,2}"), 0..200),
        piece in 1usize..40,
        fan_in in 2usize..5,
    ) {
        let mut expected: Vec<(Row, i64)> = rows.iter().cloned().zip(0..).collect();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(sorted(&rows, piece, fan_in).0, expected);
    }
}

#[test]
fn sorted_input_is_one_run() {
    let rows: Vec<Row> = (0..100)
        .map(|start| (0, start / 2, 0, String::new(), String::new()))
        .collect();
    let (found, runs) = sorted(&rows, 7, 2);
    assert_eq!(runs, 1);
    assert_eq!(found.len(), 100);
}
