//! Numbers: intervals, limits, fewer digits.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Float32Array, Float64Array, Int64Array,
    StringArray,
};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use super::Refusal;
use crate::deidentify::Written;

/// Whole numbers up to here are held exactly by a number of 64 bits with a point: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// Intervals from the origin up to which the edges of fractional widths are told apart for sure.
const MOST_INTERVALS: f64 = 1e9;
const TAKES: &str = "whole numbers and numbers with a point";

/// Whether the rules for numbers take a type.
pub(super) fn check(input: &DataType) -> Result<(), Refusal> {
    let takes = is_whole(input) || matches!(input, DataType::Float32 | DataType::Float64);
    if takes {
        Ok(())
    } else {
        Err(Refusal::Type(TAKES))
    }
}

fn is_whole(input: &DataType) -> bool {
    input.is_integer()
}

/// The type of numbers that are written so.
pub(super) fn written_type(write: Written) -> DataType {
    match write {
        Written::Label => DataType::Utf8,
        Written::Number => DataType::Float64,
    }
}

/// The type of rounded numbers.
pub(super) fn rounded_type(input: &DataType) -> Result<DataType, Refusal> {
    check(input)?;
    Ok(match input {
        DataType::Float32 | DataType::Float64 => input.clone(),
        // Rounding up may leave the range of a shorter type.
        _ => DataType::Int64,
    })
}

/// The values of a column, exactly.
fn values(column: &dyn Array) -> Result<Vec<Option<f64>>, Refusal> {
    fn whole<T: ArrowPrimitiveType>(column: &dyn Array) -> Result<Vec<Option<f64>>, Refusal>
    where
        T::Native: Into<i128>,
    {
        let exact = |(row, value): (usize, Option<T::Native>)| {
            let value = value.map(|value| value.into() as f64);
            match value {
                Some(value) if value.abs() >= EXACT => Err(Refusal::Value(
                    row,
                    "the number is too large to be coarsened exactly; drop the column",
                )),
                _ => Ok(value),
            }
        };
        column
            .as_primitive::<T>()
            .iter()
            .enumerate()
            .map(exact)
            .collect()
    }
    match column.data_type() {
        DataType::Int8 => whole::<Int8Type>(column),
        DataType::Int16 => whole::<Int16Type>(column),
        DataType::Int32 => whole::<Int32Type>(column),
        DataType::Int64 => whole::<Int64Type>(column),
        DataType::UInt8 => whole::<UInt8Type>(column),
        DataType::UInt16 => whole::<UInt16Type>(column),
        DataType::UInt32 => whole::<UInt32Type>(column),
        DataType::UInt64 => whole::<UInt64Type>(column),
        // By its shortest decimal: 0.3 of 32 bits is meant as 0.3 and is not 0.30000001192.
        DataType::Float32 => Ok(column
            .as_primitive::<Float32Type>()
            .iter()
            .map(|value| value.map(|value| value.to_string().parse().unwrap_or(f64::from(value))))
            .collect()),
        DataType::Float64 => Ok(column.as_primitive::<Float64Type>().iter().collect()),
        _ => Err(Refusal::Type(TAKES)),
    }
}

/// A number without the sign of a zero.
fn shown(value: f64) -> String {
    (value + 0.0).to_string()
}

/// An interval from `low` up to, without it, `high`.
fn interval(low: f64, high: f64, whole: bool) -> String {
    if !whole {
        return format!("{} to <{}", shown(low), shown(high));
    }
    let last = high - 1.0;
    if last == low {
        shown(low)
    } else if low < 0.0 {
        // A hyphen would look like a sign.
        format!("{} to {}", shown(low), shown(last))
    } else {
        format!("{}-{}", shown(low), shown(last))
    }
}

fn below(limit: f64) -> String {
    format!("<{}", shown(limit))
}

fn from(limit: f64) -> String {
    format!("{}+", shown(limit))
}

/// Intervals of one width.
pub(super) struct Bins {
    width: f64,
    origin: f64,
    bottom: Option<f64>,
    top: Option<f64>,
    /// Width and origin are whole, so every edge is.
    whole: bool,
}

impl Bins {
    /// Intervals as configured.
    pub(super) fn new(width: f64, origin: f64, bottom: Option<f64>, top: Option<f64>) -> Self {
        Self {
            width,
            origin,
            bottom,
            top,
            whole: width.fract() == 0.0 && origin.fract() == 0.0,
        }
    }

    /// Where an interval begins. Of a fractional width it is the decimal that one would write, so that
    /// 0.3 lies at the edge of intervals of 0.1 although 3 * 0.1 is a little more.
    fn edge(&self, interval: f64) -> f64 {
        let edge = self.origin + interval * self.width;
        if self.whole {
            return edge;
        }
        format!("{edge:.11e}").parse().unwrap_or(edge)
    }

    /// The edges of the interval of a finite value.
    fn of(&self, value: f64) -> Option<(f64, f64)> {
        let interval = ((value - self.origin) / self.width).floor();
        if !self.whole && interval.abs() > MOST_INTERVALS {
            return None;
        }
        let holds =
            |interval: &f64| self.edge(*interval) <= value && value < self.edge(interval + 1.0);
        let own = [interval, interval - 1.0, interval + 1.0]
            .into_iter()
            .find(holds)?;
        Some((self.edge(own), self.edge(own + 1.0)))
    }
}

/// Numbers as intervals of one width.
pub(super) fn bins(column: &dyn Array, bins: &Bins, write: Written) -> Result<ArrayRef, Refusal> {
    let whole = is_whole(column.data_type()) && bins.whole;
    let mut labels = Vec::new();
    let mut numbers = Vec::new();
    for (row, value) in values(column)?.into_iter().enumerate() {
        let Some(value) = value else {
            labels.push(None);
            numbers.push(None);
            continue;
        };
        let (label, number) = if let Some(limit) = bins.bottom.filter(|&limit| value < limit) {
            (below(limit), limit)
        } else if let Some(limit) = bins.top.filter(|&limit| value >= limit) {
            (from(limit), limit)
        } else if !value.is_finite() {
            (shown(value), value)
        } else {
            let Some((low, high)) = bins.of(value) else {
                return Err(Refusal::Value(
                    row,
                    "the number is too far from the origin for intervals this narrow; make them wider or set limits",
                ));
            };
            (interval(low, high, whole), low + 0.0)
        };
        labels.push(Some(label));
        numbers.push(Some(number));
    }
    Ok(written(labels, numbers, write))
}

fn written(labels: Vec<Option<String>>, numbers: Vec<Option<f64>>, write: Written) -> ArrayRef {
    match write {
        Written::Label => Arc::new(StringArray::from(labels)),
        Written::Number => Arc::new(Float64Array::from(numbers)),
    }
}

/// Numbers as intervals between cut points.
pub(super) fn cuts(column: &dyn Array, at: &[f64]) -> Result<ArrayRef, Refusal> {
    let whole = is_whole(column.data_type()) && at.iter().all(|cut| cut.fract() == 0.0);
    let label = |value: f64| {
        if value.is_nan() {
            return shown(value);
        }
        let after = at.partition_point(|&cut| cut <= value);
        let low = after.checked_sub(1).and_then(|before| at.get(before));
        match (low, at.get(after)) {
            (Some(&low), Some(&high)) => interval(low, high, whole),
            (None, Some(&high)) => below(high),
            (Some(&low), None) => from(low),
            // There is always a cut.
            (None, None) => String::new(),
        }
    };
    let labels = values(column)?.into_iter().map(|value| value.map(label));
    Ok(Arc::new(labels.collect::<StringArray>()))
}

/// Numbers with what lies beyond limits made one.
pub(super) fn limits(
    column: &dyn Array,
    bottom: Option<f64>,
    top: Option<f64>,
    write: Written,
) -> Result<ArrayRef, Refusal> {
    let limited = |value: f64| {
        if let Some(limit) = bottom.filter(|&limit| value < limit) {
            (below(limit), limit)
        } else if let Some(limit) = top.filter(|&limit| value >= limit) {
            (from(limit), limit)
        } else {
            (shown(value), value)
        }
    };
    let (labels, numbers) = values(column)?
        .into_iter()
        .map(|value| value.map(limited).unzip())
        .unzip();
    Ok(written(labels, numbers, write))
}

/// Numbers with fewer digits.
pub(super) fn round(column: &dyn Array, digits: u8) -> Result<ArrayRef, Refusal> {
    // Decimal digits of the exact value; halves go to the even digit, as everywhere in IEEE 754.
    let rounded = |value: f64| format!("{value:.*e}", usize::from(digits).saturating_sub(1));
    Ok(match column.data_type() {
        DataType::Float32 => {
            let own = |value: Option<f32>| {
                value.map(|value| {
                    let decimal = value.to_string().parse().unwrap_or(f64::from(value));
                    rounded(decimal).parse().unwrap_or(value)
                })
            };
            let values = column.as_primitive::<Float32Type>().iter();
            Arc::new(values.map(own).collect::<Float32Array>())
        }
        DataType::Float64 => {
            let own =
                |value: Option<f64>| value.map(|value| rounded(value).parse().unwrap_or(value));
            let values = column.as_primitive::<Float64Type>().iter();
            Arc::new(values.map(own).collect::<Float64Array>())
        }
        _ => {
            // At most 2^53 rounded up, which 64 bits hold.
            let own = |value: Option<f64>| {
                value.map(|value| rounded(value).parse().unwrap_or(value) as i64)
            };
            Arc::new(values(column)?.into_iter().map(own).collect::<Int64Array>())
        }
    })
}
