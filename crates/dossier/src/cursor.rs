//! The rows of one file, handed out patient by patient.

use std::collections::VecDeque;

use crate::DossierError;
use crate::rows::PatientRow;
use crate::source::TableRows;

/// Goes through a file whose rows are sorted by patient.
pub(crate) struct Cursor<R> {
    source: TableRows,
    rows: VecDeque<R>,
}

impl<R: PatientRow> Cursor<R> {
    pub(crate) fn new(source: TableRows) -> Self {
        Self {
            source,
            rows: VecDeque::new(),
        }
    }

    /// The next patient that the file has rows of.
    pub(crate) fn peek(&mut self) -> Result<Option<&str>, DossierError> {
        if self.rows.is_empty()
            && let Some(batch) = self.source.next_batch()?
        {
            self.rows = R::read(&batch, &self.source)?.into();
        }
        Ok(self.rows.front().map(PatientRow::patient))
    }

    /// Takes the rows of a patient, if the next ones are the patient's. Patients are asked for in
    /// order.
    pub(crate) fn take(&mut self, patient: &str, into: &mut Vec<R>) -> Result<(), DossierError> {
        while self.peek()? == Some(patient) {
            into.extend(self.rows.pop_front());
        }
        // A patient who comes back later would get two dossiers, each with a part.
        if self.peek()?.is_some_and(|next| next < patient) {
            let detail = "rows are not sorted by patient".to_owned();
            return Err(self.source.damaged(detail));
        }
        Ok(())
    }
}
