//! Writes the pages of a run into a folder, patient by patient.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use askama::Template;
use varisk_dossier::{Dossier, RunFolder};

use crate::PageError;
use crate::cohort::Cohort;
use crate::facts::RunFacts;
use crate::patient::{PatientPage, References};

/// The style sheet of all pages.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// Folder of the patients.
const PATIENTS: &str = "patients";
/// Name of every page.
const PAGE: &str = "index.html";

/// Folder of the patient with a number (from 1, in the order of identifiers) in that of a report. It is
/// a number, so that names of folders say nothing about anybody.
#[must_use]
pub fn patient_folder(number: u64) -> PathBuf {
    Path::new(PATIENTS).join(format!("{number:06}"))
}

/// Path of the page of a patient from that of the cohort.
pub(crate) fn page_path(number: u64) -> String {
    format!("{PATIENTS}/{number:06}/{PAGE}")
}

/// Writes pages: `index.html` of the cohort, `patients/000001/index.html` of a patient.
pub struct PageWriter<'r> {
    run: &'r RunFolder,
    folder: PathBuf,
    facts: RunFacts,
    references: References,
    cohort: Cohort,
    previous: Option<u64>,
    /// A page is held until the next one is known, which it links to.
    held: Option<(u64, Dossier)>,
    written: u64,
}

impl<'r> PageWriter<'r> {
    /// Starts pages in a folder that is there. `made` is the day of making as it stands in the footer,
    /// such as `2026-11-25`.
    ///
    /// # Errors
    /// The run cannot be read.
    pub fn new(run: &'r RunFolder, folder: &Path, made: &str) -> Result<Self, PageError> {
        Ok(Self {
            facts: RunFacts::new(run, made),
            references: run.score_references()?,
            cohort: Cohort::new(),
            folder: folder.to_owned(),
            previous: None,
            held: None,
            written: 0,
            run,
        })
    }

    /// Takes in the next patient. One with a page of their own has a folder, which is there.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn observe(&mut self, dossier: Dossier, has_page: bool) -> Result<(), PageError> {
        let number = self.cohort.observe(&dossier, has_page);
        if has_page {
            self.flush(Some(number))?;
            self.held = Some((number, dossier));
        }
        Ok(())
    }

    /// Writes what is held and the page of the cohort; returns the number of patients' pages.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self) -> Result<u64, PageError> {
        self.flush(None)?;
        let page = self.cohort.page(&self.facts, self.run)?;
        render(&page, &self.folder.join(PAGE))?;
        Ok(self.written)
    }

    fn flush(&mut self, next: Option<u64>) -> Result<(), PageError> {
        let Some((number, dossier)) = self.held.take() else {
            return Ok(());
        };
        let beside = |number: u64| format!("../{number:06}/{PAGE}");
        let mut page = PatientPage::new(&dossier, &self.facts, &self.references);
        page.previous = self.previous.map(beside);
        page.next = next.map(beside);
        let path = self.folder.join(patient_folder(number)).join(PAGE);
        render(&page, &path)?;
        self.previous = Some(number);
        self.written += 1;
        Ok(())
    }
}

pub(crate) fn render(page: &impl Template, path: &Path) -> Result<(), PageError> {
    let write = |source| PageError::Write {
        path: path.into(),
        source,
    };
    let mut file = BufWriter::new(File::create_new(path).map_err(write)?);
    Template::write_into(page, &mut file).map_err(write)?;
    file.flush().map_err(write)
}
