//! The table of patients as data for the page's script.

use std::fmt::Write as _;

use serde::Serialize;

use super::item::{OK, Shown};

/// A column of the table.
pub(super) struct DataColumn<'c> {
    pub(super) name: String,
    pub(super) detail: String,
    pub(super) values: Values<'c>,
}

/// Its values.
pub(super) enum Values<'c> {
    /// Numbers by row, with their states.
    Numbers(&'c [f32], Option<&'c [u8]>, Shown),
    /// Counts by row.
    Counts(&'c [u32]),
    /// Texts of some rows: `genes` or `attention`.
    Texts(&'c str, &'c [(u32, String)]),
}

/// Which patients have a page.
pub(super) enum Linked<'c> {
    All,
    Some(&'c [u32]),
}

/// The data as JSON that may stand in a `script` element. It is written piece by piece: of 100,000
/// patients with 20 items a tree of values would take more memory than the whole rest.
pub(super) fn data(
    patients: &[String],
    linked: &Linked<'_>,
    columns: &[DataColumn<'_>],
    genes: &[(u32, String)],
    attention: &[(u32, String)],
) -> Result<String, serde_json::Error> {
    let mut data = String::new();
    data.push_str("{\"patients\":");
    data.push_str(&safe(patients)?);
    data.push_str(",\"linked\":");
    match linked {
        Linked::All => data.push_str("true"),
        Linked::Some(rows) => data.push_str(&safe(rows)?),
    }
    data.push_str(",\"columns\":[");
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            data.push(',');
        }
        column_of(&mut data, column)?;
    }
    data.push_str("],\"genes\":");
    data.push_str(&safe(genes)?);
    data.push_str(",\"attention\":");
    data.push_str(&safe(attention)?);
    data.push('}');
    Ok(data)
}

/// A value as JSON in which nothing looks like the end of a script element, or the start of a comment.
fn safe<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

fn column_of(data: &mut String, column: &DataColumn<'_>) -> Result<(), serde_json::Error> {
    let (name, kind) = match &column.values {
        Values::Numbers(_, _, Shown::Share) => (column.name.as_str(), "share"),
        Values::Numbers(_, _, Shown::Percentile) => (column.name.as_str(), "percentile"),
        Values::Numbers(_, _, Shown::Number) | Values::Counts(_) => {
            (column.name.as_str(), "number")
        }
        Values::Texts(name, _) => (*name, "text"),
    };
    data.push_str("{\"name\":");
    data.push_str(&safe(name)?);
    data.push_str(",\"kind\":\"");
    data.push_str(kind);
    data.push('"');
    match &column.values {
        Values::Numbers(values, states, _) => {
            data.push_str(",\"values\":");
            numbers(data, values);
            if let Some(states) = states.filter(|states| states.iter().any(|state| *state != OK)) {
                data.push_str(",\"states\":");
                data.push_str(&safe(states)?);
            }
        }
        Values::Counts(counts) => {
            data.push_str(",\"values\":");
            data.push_str(&safe(*counts)?);
        }
        Values::Texts(..) => {}
    }
    data.push('}');
    Ok(())
}

/// Numbers with five digits, which is more than the table shows; NaN is null.
fn numbers(data: &mut String, values: &[f32]) {
    data.push('[');
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            data.push(',');
        }
        // Writing to a string cannot fail.
        let _ = if value.is_finite() {
            write!(data, "{}", rounded(*value))
        } else {
            write!(data, "null")
        };
    }
    data.push(']');
}

/// To five digits. The shortest way to write the result is that of a 32-bit number.
fn rounded(value: f32) -> f32 {
    if value == 0.0 {
        return 0.0;
    }
    let digits = 4 - f64::from(value.abs()).log10().floor() as i32;
    let scale = 10f64.powi(digits);
    let rounded = ((f64::from(value) * scale).round() / scale) as f32;
    // What is not whole must not become whole.
    if value < 1.0 && rounded >= 1.0 {
        return value;
    }
    rounded
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn five_digits_are_kept() {
        for (value, expected) in [
            (0.195_174_13, "0.19517"),
            (65.789_47, "65.789"),
            (123_456.7, "123460"),
            (-0.000_012_345_67, "-0.000012346"),
            (0.0, "0"),
            (0.999_998, "0.999998"),
        ] {
            assert_eq!(rounded(value).to_string(), expected);
        }
        for value in [f32::MAX, f32::MIN_POSITIVE, 1e-40] {
            assert!((rounded(value) / value - 1.0).abs() < 1e-3, "{value}");
        }
    }

    #[test]
    fn hostile_names_stay_data() {
        let patients = vec!["</script><!--\u{2028}\"".to_owned()];
        let column = DataColumn {
            name: "x".to_owned(),
            detail: String::new(),
            values: Values::Numbers(&[f32::NAN], Some(&[2]), Shown::Share),
        };
        let text = data(&patients, &Linked::All, &[column], &[], &[]).unwrap();
        assert!(!text.contains('<'));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["patients"][0], patients[0].as_str());
        assert_eq!(back["columns"][0]["values"][0], Value::Null);
        assert_eq!(back["columns"][0]["states"][0], 2);
    }
}
