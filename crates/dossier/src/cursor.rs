//! The rows of one file, handed out patient by patient.

use std::collections::VecDeque;

use crate::DossierError;
use crate::rows::PatientRow;
use crate::source::TableRows;

/// Goes through a file whose rows are sorted by patient.
pub(crate) struct Cursor<R> {
    source: TableRows,
    rows: VecDeque<R>,
    last: String,
}

impl<R: PatientRow> Cursor<R> {
    pub(crate) fn new(source: TableRows) -> Self {
        Self {
            source,
            rows: VecDeque::new(),
            last: String::new(),
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

    /// Takes the rows of a patient, if the next ones are the patient's.
    pub(crate) fn take(&mut self, patient: &str, into: &mut Vec<R>) -> Result<(), DossierError> {
        while self.peek()? == Some(patient) {
            into.extend(self.rows.pop_front());
        }
        let next = self.peek()?.map(str::to_owned);
        // A patient who comes back later would get two dossiers, each with a part.
        if next
            .as_deref()
            .is_some_and(|next| next < self.last.as_str())
        {
            return Err(self
                .source
                .damaged("rows are not sorted by patient".to_owned()));
        }
        if let Some(next) = next {
            self.last = next;
        }
        Ok(())
    }
}
