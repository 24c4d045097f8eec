//! One row of a scoring file, as text.

use super::Layout;

/// A row; it borrows the line from the file.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(super) text: &'a [u8],
    pub(super) spans: &'a [(u32, u32)],
    pub(super) layout: &'a Layout,
    /// 1-based line of the file.
    pub(crate) line: u64,
    /// 1-based number among the rows.
    pub(crate) number: u64,
}

impl<'a> Row<'a> {
    /// A cell without surrounding blanks and quotes; empty where the row ends before it or there is
    /// no such column.
    pub(crate) fn cell(&self, column: Option<usize>) -> &'a [u8] {
        let Some((start, end)) = column.and_then(|column| self.spans.get(column)) else {
            return &[];
        };
        let cell = self
            .text
            .get(*start as usize..*end as usize)
            .unwrap_or_default()
            .trim_ascii();
        match cell {
            [b'"', inside @ .., b'"'] => inside,
            _ => cell,
        }
    }

    pub(crate) fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// A yes or no; empty is no.
    ///
    /// # Errors
    /// Something else, with the name of the column.
    pub(super) fn flag(&self, column: Option<usize>, name: &str) -> Result<bool, String> {
        match self.cell(column) {
            b"" | b"False" | b"FALSE" | b"false" | b"0" | b"NA" => Ok(false),
            b"True" | b"TRUE" | b"true" | b"1" => Ok(true),
            other => Err(format!(
                "{name} is '{}'; write TRUE or FALSE",
                String::from_utf8_lossy(other)
            )),
        }
    }

    /// A finite number; `None` where the cell is empty.
    ///
    /// # Errors
    /// Something else, with the name of the column.
    pub(super) fn number(&self, column: Option<usize>, name: &str) -> Result<Option<f64>, String> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Ok(None);
        }
        std::str::from_utf8(cell)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|number| number.is_finite())
            .map(Some)
            .ok_or_else(|| {
                format!(
                    "{name} is '{}', which is no finite number; correct or remove the row",
                    String::from_utf8_lossy(cell)
                )
            })
    }
}
