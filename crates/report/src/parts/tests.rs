//! Order and damage of parts.

use super::*;
use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};

fn rows(places: &[(u32, u32, &str)]) -> RecordBatch {
    let texts = |value: &dyn Fn(&(u32, u32, &str)) -> String| -> ArrayRef {
        Arc::new(
            places
                .iter()
                .map(|p| Some(value(p)))
                .collect::<StringArray>(),
        )
    };
    let numbers = |value: &dyn Fn(&(u32, u32, &str)) -> u32| -> ArrayRef {
        Arc::new(
            places
                .iter()
                .map(|p| Some(value(p)))
                .collect::<UInt32Array>(),
        )
    };
    let reason: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>; places.len()]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (c::CONTIG, numbers(&|p| p.0)),
        (c::POSITION, numbers(&|p| p.1)),
        (c::REFERENCE, texts(&|_| "A".to_owned())),
        (c::ALTERNATE, texts(&|p| p.2.to_owned())),
        (c::INPUT_POSITION, numbers(&|p| p.1)),
        (c::INPUT_REFERENCE, texts(&|_| "A".to_owned())),
        (c::INPUT_ALTERNATE, texts(&|p| p.2.to_owned())),
        (
            c::ALTERNATE_INDEX,
            Arc::new(places.iter().map(|_| Some(1)).collect::<UInt16Array>()),
        ),
        (c::REASON, reason),
    ];
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns
            .into_iter()
            .map(|(_, array)| array)
            .collect::<Vec<_>>(),
    )
    .unwrap()
}

/// Contig, position and ALT of a row.
type Place<'p> = (u32, u32, &'p str);

fn written(folder: &Path, stem: &str, batches: &[(&[Place<'_>], u32)]) -> Vec<PathBuf> {
    let ranks: Arc<[u32]> = vec![1, 0].into();
    let mut writer = PartWriter::new(folder, stem, rows(&[]).schema(), ranks);
    for (batch, first) in batches {
        let contig = batch.first().map_or(0, |row| row.0);
        writer.push(rows(batch), (contig, *first)).unwrap();
    }
    writer.finish().unwrap()
}

fn merged(files: &[PathBuf]) -> (Vec<(u32, u32, String)>, u64) {
    let mut merge = PartMerge::open(files, &rows(&[]).schema(), vec![1, 0].into()).unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = merge.next_rows().unwrap() {
        let keys = Keys::try_new(&batch).unwrap();
        seen.extend((0..batch.num_rows()).map(|i| {
            (
                keys.contig.value(i),
                keys.position.value(i),
                keys.alternate.value(i).to_owned(),
            )
        }));
    }
    (seen, merge.equal_alleles())
}

#[test]
fn rows_come_out_in_order_however_they_were_cut() {
    let folder = tempfile::tempdir().unwrap();
    let far = 3 * REORDER_WINDOW;
    // Contig 1 ranks before contig 0; the last row of the second batch moved far to the left.
    let one = written(
        folder.path(),
        "one",
        &[
            (&[(1, 5, "C"), (1, 3, "G")], 5),
            (&[(1, far, "T"), (1, 4, "C")], far),
            (&[(0, 9, "C")], 9),
            (&[(0, 8, "C"), (0, 9, "C")], 9),
        ],
    );
    assert_eq!(one.len(), 2, "a straggler goes to a file of its own");
    let expected: Vec<(u32, u32, String)> = [
        (1, 3, "G"),
        (1, 4, "C"),
        (1, 5, "C"),
        (1, far, "T"),
        (0, 8, "C"),
        (0, 9, "C"),
        (0, 9, "C"),
    ]
    .map(|(a, b, c)| (a, b, c.to_owned()))
    .into();
    assert_eq!(merged(&one), (expected.clone(), 1));

    let mut cut = written(folder.path(), "a", &[(&[(1, 5, "C"), (1, 3, "G")], 5)]);
    cut.extend(written(
        folder.path(),
        "b",
        &[(&[(1, far, "T"), (1, 4, "C")], far)],
    ));
    cut.extend(written(
        folder.path(),
        "c",
        &[(&[(0, 9, "C")], 9), (&[(0, 8, "C"), (0, 9, "C")], 9)],
    ));
    assert_eq!(merged(&cut), (expected, 1));
}

#[test]
fn a_damaged_part_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let files = written(folder.path(), "x", &[(&[(0, 1, "C")], 1)]);
    let bytes = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(
        PartMerge::open(&files, &rows(&[]).schema(), vec![1, 0].into()),
        Err(ReportError::Damaged { .. })
    ));
}
