//! The table of patients as data for the page's script.

use serde_json::{Value, json};

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

/// The data as JSON that may stand in a `script` element.
pub(super) fn data(
    patients: &[String],
    linked: &Linked<'_>,
    columns: &[DataColumn<'_>],
    genes: &[(u32, String)],
    attention: &[(u32, String)],
) -> Result<String, serde_json::Error> {
    let columns: Vec<Value> = columns
        .iter()
        .map(|column| match &column.values {
            Values::Numbers(values, states, shown) => {
                let kind = match shown {
                    Shown::Share => "share",
                    Shown::Percentile => "percentile",
                    Shown::Number => "number",
                };
                let states = states.filter(|states| states.iter().any(|state| *state != OK));
                json!({"name": column.name, "kind": kind, "values": numbers(values), "states": states})
            }
            Values::Counts(counts) => {
                json!({"name": column.name, "kind": "number", "values": counts, "states": null})
            }
            Values::Texts(name, _) => json!({"name": name, "kind": "text"}),
        })
        .collect();
    let linked = match linked {
        Linked::All => json!(true),
        Linked::Some(rows) => json!(rows),
    };
    let data = json!({
        "patients": patients,
        "linked": linked,
        "columns": columns,
        "genes": genes,
        "attention": attention,
    });
    // Nothing in a script element may look like its end, or the start of a comment.
    Ok(serde_json::to_string(&data)?.replace('<', "\\u003c"))
}

/// Numbers with five digits, which is more than the table shows; NaN is null.
fn numbers(values: &[f32]) -> Vec<Value> {
    values
        .iter()
        .map(|value| {
            if !value.is_finite() {
                return Value::Null;
            }
            let rounded: f64 = format!("{value:.4e}").parse().unwrap_or(f64::from(*value));
            json!(rounded)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
