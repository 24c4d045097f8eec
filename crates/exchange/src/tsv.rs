//! A table of the run as tab-separated text.
//!
//! One line names the columns, as in `schemas/tables.json`; each row is a line. Null is an empty cell.
//! In texts, a tab is `\t`, a line end `\n` or `\r`, a backslash `\\`, so that a line is always a row
//! and a tab always a border. Lists and structs are JSON.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and a sample's name
//! may be one. Texts that begin so, or with an apostrophe, get an apostrophe in front: taking one
//! leading apostrophe away gives the text back. Numbers keep their sign.

use std::borrow::Cow;
use std::io::Write;

use arrow::array::{Array, AsArray, RecordBatch};
use varisk_dossier::{RunFolder, TableRows};

use crate::ExchangeError;
use crate::cell::{Cell, cell};

/// Writes a table of the run, all its files in their order, of all patients or of one.
///
/// A patient that the table does not know gives the header alone.
///
/// # Errors
/// The run has no such table, the table is damaged, or the writer fails.
///
/// # Memory
/// One batch.
pub fn write_table(
    run: &RunFolder,
    table: &str,
    patient: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    let mut sources = run.rows(table)?;
    let schema = sources
        .first()
        .map(TableRows::schema)
        .ok_or_else(|| ExchangeError::NoTable {
            name: table.to_owned(),
        })?;
    let names: Vec<Cow<'_, str>> = schema
        .fields()
        .iter()
        .map(|field| escaped(field.name()))
        .collect();
    writeln!(out, "{}", names.join("\t"))?;
    for source in &mut sources {
        if source.schema().fields() != schema.fields() {
            return Err(ExchangeError::Columns {
                path: source.path().to_owned(),
            });
        }
        while let Some(batch) = source.next_batch()? {
            write_rows(&batch, source, patient, out)?;
        }
    }
    Ok(())
}

fn write_rows(
    batch: &RecordBatch,
    source: &TableRows,
    patient: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ExchangeError> {
    let patients = batch
        .column_by_name("patient")
        .and_then(|column| column.as_string_opt::<i32>());
    if patient.is_some() && patients.is_none() {
        return Err(ExchangeError::Missing {
            path: source.path().to_owned(),
            column: "patient".to_owned(),
        });
    }
    let mut line = String::new();
    for row in 0..batch.num_rows() {
        if let (Some(wanted), Some(patients)) = (patient, patients)
            && (patients.is_null(row) || patients.value(row) != wanted)
        {
            continue;
        }
        line.clear();
        for (index, column) in batch.columns().iter().enumerate() {
            if index > 0 {
                line.push('\t');
            }
            let cell = cell(column, row).ok_or_else(|| ExchangeError::Kind {
                path: source.path().to_owned(),
                column: batch.schema().field(index).name().clone(),
                kind: column.data_type().to_string(),
            })?;
            push(&mut line, &cell);
        }
        line.push('\n');
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

fn push(line: &mut String, cell: &Cell<'_>) {
    match cell {
        Cell::Null => {}
        Cell::Text(text) => line.push_str(&escaped(text)),
        Cell::Integer(integer) => line.push_str(&integer.to_string()),
        Cell::Float(digits) => line.push_str(digits),
        Cell::Flag(flag) => line.push_str(if *flag { "true" } else { "false" }),
        Cell::Nested(value) => line.push_str(&escaped(&value.to_string())),
    }
}

/// A text that is one cell and no formula.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\'']);
    let must_escape = |c: char| matches!(c, '\t' | '\n' | '\r' | '\\');
    if !is_formula && !text.contains(must_escape) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 4);
    if is_formula {
        safe.push('\'');
    }
    for c in text.chars() {
        match c {
            '\t' => safe.push_str("\\t"),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\\' => safe.push_str("\\\\"),
            _ => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn cells() {
        let check = |text, expected| assert_eq!(escaped(text), expected);
        check("plain \"quoted\" <b> é", "plain \"quoted\" <b> é");
        check("a\tb\r\nc\\d", "a\\tb\\r\\nc\\\\d");
        check("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")");
        check("+1", "'+1");
        check("-1", "'-1");
        check("@SUM(A1)", "'@SUM(A1)");
        check("'=1", "''=1");
        // A leading tab is taken for a border by some; escaped, it begins with a backslash.
        check("\t=1", "\\t=1");
        check("", "");
    }

    #[test]
    fn every_row_is_a_line_and_comes_back() {
        let (_folder, run) = testing::run();
        let mut out = Vec::new();
        write_table(&run, "risk", None, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split('\t').collect()).collect();
        let header = &lines[0];
        assert!(lines.iter().all(|line| line.len() == header.len()));
        assert_eq!(lines.len() - 1, testing::NAMES.len());
        let patient = header.iter().position(|name| *name == "patient").unwrap();
        let unescaped: Vec<String> = lines[1..]
            .iter()
            .map(|line| {
                let cell = line[patient];
                let cell = cell.strip_prefix('\'').unwrap_or(cell);
                cell.replace("\\t", "\t").replace("\\n", "\n")
            })
            .collect();
        assert_eq!(unescaped, testing::NAMES);
        let value = header.iter().position(|name| *name == "value").unwrap();
        assert_eq!(lines[1][value], "");
        assert_eq!(lines[2][value], "-0.25");
    }

    #[test]
    fn one_patient_alone() {
        let (_folder, run) = testing::run();
        let mut out = Vec::new();
        write_table(&run, "risk", Some(testing::NAMES[1]), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 2);
        let mut out = Vec::new();
        write_table(&run, "risk", Some("nobody"), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1);
    }

    #[test]
    fn a_table_that_is_not_there() {
        let (_folder, run) = testing::run();
        let error = write_table(&run, "none", None, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, ExchangeError::NoTable { .. }), "{error}");
    }
}
