//! The order of rows that tables declare in their footers. Readers merge and search by it, so a table
//! whose rows break it is not written.

use arrow::array::{ArrayRef, RecordBatch, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use parquet::file::metadata::SortingColumn;
use parquet::schema::types::SchemaDescriptor;

use crate::{ReportError, Table};

/// Tables in the order of their patients, with the columns of the order.
const SORTED: [(&str, &[&str]); 10] = [
    (Table::RISK.name, &["patient", "item"]),
    (Table::SCORES.name, &["patient", "score"]),
    (Table::ANCESTRY.name, &["patient"]),
    (
        Table::FINDINGS.name,
        &["patient", "model", "output", "rank"],
    ),
    // Its contigs follow the order of the input.
    (Table::KNOWN_VARIANTS.name, &["patient"]),
    (Table::FEATURES.name, &["patient", "feature"]),
    (Table::QC.name, &["patient"]),
    (Table::BURDEN.name, &["patient", "gene", "class"]),
    (Table::PREDICTIONS.name, &["patient", "output"]),
    (Table::EXPLANATIONS.name, &["patient", "output", "rank"]),
];

/// Columns that the rows of a table are sorted by, with nulls last; empty where it declares no order.
#[must_use]
pub fn order_of(table: &str, schema: &SchemaRef) -> Vec<usize> {
    let names = SORTED.iter().find(|(name, _)| *name == table);
    let places: Option<Vec<usize>> = names.map_or(Some(Vec::new()), |(_, names)| {
        names
            .iter()
            .map(|name| schema.index_of(name).ok())
            .collect()
    });
    places.unwrap_or_default()
}

/// The order as the footer has it; columns are counted by their leaves.
pub(crate) fn sorting_columns(order: &[String], leaves: &SchemaDescriptor) -> Vec<SortingColumn> {
    let place = |name: &String| {
        let paths = leaves.columns().iter();
        paths
            .map(|leaf| leaf.path().string())
            .position(|path| path == *name)
    };
    order
        .iter()
        .map_while(|name| i32::try_from(place(name)?).ok())
        .map(|column_idx| SortingColumn {
            column_idx,
            descending: false,
            nulls_first: false,
        })
        .collect()
}

/// Sees to it that rows come in order.
pub(crate) struct OrderCheck {
    table: String,
    columns: Vec<usize>,
    names: Vec<String>,
    last: Option<Vec<ArrayRef>>,
}

impl OrderCheck {
    pub(crate) fn new(table: &str, schema: &SchemaRef) -> Self {
        let columns = order_of(table, schema);
        Self {
            names: columns
                .iter()
                .map(|at| schema.field(*at).name().clone())
                .collect(),
            table: table.to_owned(),
            columns,
            last: None,
        }
    }

    /// Names of the columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Looks at the next rows.
    pub(crate) fn observe(&mut self, batch: &RecordBatch) -> Result<(), ReportError> {
        let Some(end) = batch.num_rows().checked_sub(1) else {
            return Ok(());
        };
        if self.columns.is_empty() {
            return Ok(());
        }
        let keys: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|at| batch.column(*at).clone())
            .collect();
        let is_sorted = self.follows(&keys, &keys, |row| (row, row + 1), end)?
            && match &self.last {
                Some(last) => self.follows(last, &keys, |_| (0, 0), 1)?,
                None => true,
            };
        if !is_sorted {
            return Err(ReportError::Order {
                table: self.table.clone(),
                by: self.names.join(", "),
            });
        }
        self.last = Some(keys.iter().map(|key| key.slice(end, 1)).collect());
        Ok(())
    }

    /// Whether each pair of rows is in order.
    fn follows(
        &self,
        left: &[ArrayRef],
        right: &[ArrayRef],
        pair: impl Fn(usize) -> (usize, usize),
        pairs: usize,
    ) -> Result<bool, ReportError> {
        let options = SortOptions {
            descending: false,
            nulls_first: false,
        };
        let comparators = left
            .iter()
            .zip(right)
            .map(|(left, right)| make_comparator(left, right, options))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((0..pairs).all(|row| {
            let (left, right) = pair(row);
            let mut orders = comparators.iter().map(|compare| compare(left, right));
            orders
                .find(|order| order.is_ne())
                .is_none_or(std::cmp::Ordering::is_lt)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, UInt32Array};

    use super::*;

    #[test]
    fn the_declared_order_is_that_of_the_documentation() {
        for (name, columns) in SORTED {
            let table = Table::ALL
                .into_iter()
                .find(|table| table.name == name)
                .unwrap();
            let meaning = table.meaning.replace(", then ", ", ");
            let stated = format!("sorted by {}", columns.join(", "));
            assert!(meaning.contains(&stated), "{name}: {meaning}");
            assert_eq!(order_of(name, &table.schema()).len(), columns.len());
        }
    }

    #[test]
    fn rows_out_of_order_are_refused() {
        let batch = |patients: Vec<&str>, ranks: Vec<u32>| {
            let patients: ArrayRef = Arc::new(StringArray::from(patients));
            let columns = [
                ("patient", Arc::clone(&patients)),
                ("output", patients),
                ("rank", Arc::new(UInt32Array::from(ranks)) as ArrayRef),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let first = batch(vec!["a", "a", "b"], vec![1, 2, 1]);
        let new = || OrderCheck::new("explanations", &first.schema());
        let mut check = new();
        check.observe(&first).unwrap();
        check.observe(&first.slice(0, 0)).unwrap();
        check.observe(&batch(vec!["b"], vec![1])).unwrap();
        let refused = check.observe(&batch(vec!["a"], vec![9])).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("not sorted by patient, output, rank")
        );
        assert!(new().observe(&batch(vec!["a", "a"], vec![2, 1])).is_err());
        assert!(new().observe(&batch(vec!["b", "a"], vec![1, 1])).is_err());
        assert!(
            OrderCheck::new("quarantine", &first.schema())
                .names()
                .is_empty()
        );
    }
}
