//! Rows of `ancestry.parquet`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Float64Builder, ListBuilder, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use varisk_core::Patient;

use crate::{Panel, Placement};

/// Columns of the table, a row for each patient: `patient`; `population`, the most similar one, null
/// where none is given; `probability` of it; `state` (`ok`, `low_confidence`, `not_computed`);
/// `reason`; `sites` with a call; `sites_assumed`; `share_of_sites`; `mahalanobis_p`, the greatest
/// over populations; `components`, null where the patient is not placed; `panel`, name and release.
#[must_use]
pub fn ancestry_schema() -> SchemaRef {
    let components = DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)));
    Arc::new(Schema::new(vec![
        Field::new("patient", DataType::Utf8, false),
        Field::new("population", DataType::Utf8, true),
        Field::new("probability", DataType::Float64, true),
        Field::new("state", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, true),
        Field::new("sites", DataType::UInt64, false),
        Field::new("sites_assumed", DataType::UInt64, false),
        Field::new("share_of_sites", DataType::Float64, false),
        Field::new("mahalanobis_p", DataType::Float64, true),
        Field::new("components", components, true),
        Field::new("panel", DataType::Utf8, false),
    ]))
}

/// The table of placed patients, in the order given.
///
/// # Errors
/// There are not as many placements as patients.
pub fn ancestry_table(
    panel: &Panel,
    patients: &[Patient],
    placements: &[Placement],
) -> Result<RecordBatch, ArrowError> {
    let population = |placement: &Placement| {
        let label = panel.populations().get(placement.population?)?;
        Some(label.as_str())
    };
    let mut components = ListBuilder::new(Float64Builder::new());
    for placement in placements {
        if let Some(values) = &placement.components {
            components.values().append_slice(values);
        }
        components.append(placement.components.is_some());
    }
    let text = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let number = |value: &dyn Fn(&Placement) -> Option<f64>| {
        let values = placements.iter().map(value);
        Arc::new(values.collect::<Float64Array>()) as ArrayRef
    };
    let count = |value: &dyn Fn(&Placement) -> u64| {
        let values = placements.iter().map(value);
        Arc::new(UInt64Array::from_iter_values(values)) as ArrayRef
    };
    let release = [panel.name(), panel.release()].join(" ");
    let release = release.trim();
    RecordBatch::try_new(
        ancestry_schema(),
        vec![
            text(patients.iter().map(|p| Some(p.id.as_str())).collect()),
            text(placements.iter().map(population).collect()),
            number(&|placement| placement.probability),
            text(placements.iter().map(|p| Some(p.state())).collect()),
            text(
                placements
                    .iter()
                    .map(|p| p.reason.map(varisk_core::Reason::name))
                    .collect(),
            ),
            count(&|placement| placement.sites),
            count(&|placement| placement.assumed),
            number(&|placement| Some(placement.share)),
            number(&|placement| placement.mahalanobis_p),
            Arc::new(components.finish()),
            text(vec![Some(release); patients.len()]),
        ],
    )
}
