//! Writes all pages of a run into a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use askama::Template;
use varisk_dossier::{Dossier, RunFolder};

use crate::PageError;
use crate::cohort::Cohort;
use crate::facts::RunFacts;
use crate::patient::{PatientPage, References};

/// The style sheet of all pages.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// Folder of the patients' pages.
const PATIENTS: &str = "patients";

/// Which patients get a page of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatientPages {
    /// All.
    All,
    /// None: only the page of the cohort.
    None,
    /// These, by identifier, with their places in the list that they come from (from 1).
    Listed(BTreeMap<String, usize>),
}

/// How pages are written.
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// Day of making, as it stands in the footer, such as `2026-11-25`.
    pub made: String,
    /// Who gets a page.
    pub patients: PatientPages,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Patients in the run.
    pub patients: u64,
    /// Pages of patients.
    pub pages: u64,
}

/// Writes `index.html` and `patients/000001.html`, ... into a folder, which is there and empty. Pages
/// are numbered in the order of the patients' identifiers, so that names of files say nothing about
/// anybody. `on_patient` is called after each patient, with the number so far.
///
/// # Errors
/// The run cannot be read, a listed patient is not in it, or a file cannot be written.
pub fn write_pages(
    run: &RunFolder,
    folder: &Path,
    options: &PageOptions,
    mut on_patient: impl FnMut(u64),
) -> Result<Written, PageError> {
    let facts = RunFacts::new(run, &options.made);
    let references = run.score_references()?;
    let mut dossiers = run.dossiers()?;
    let pages = folder.join(PATIENTS);
    if options.patients != PatientPages::None {
        std::fs::create_dir(&pages).map_err(|source| PageError::Write {
            path: pages.clone(),
            source,
        })?;
    }
    let mut cohort = Cohort::new(&facts);
    let mut writer = PageWriter {
        folder: &pages,
        facts: &facts,
        references: &references,
        previous: None,
        held: None,
        written: 0,
    };
    let mut found = BTreeSet::new();
    let mut number = 0;
    while let Some(dossier) = dossiers.next_dossier()? {
        number += 1;
        let has_page = match &options.patients {
            PatientPages::All => true,
            PatientPages::None => false,
            PatientPages::Listed(wanted) => wanted.contains_key(&dossier.patient),
        };
        cohort.observe(&dossier, has_page);
        if has_page {
            if matches!(options.patients, PatientPages::Listed(_)) {
                found.insert(dossier.patient.clone());
            }
            writer.push(number, dossier)?;
        }
        on_patient(number);
    }
    writer.flush(None)?;
    if let PatientPages::Listed(wanted) = &options.patients {
        let unknown = wanted.iter().filter(|(name, _)| !found.contains(*name));
        let lines: Vec<usize> = unknown.map(|(_, line)| *line).collect();
        if let Some(line) = lines.iter().min() {
            return Err(PageError::UnknownPatients {
                count: lines.len(),
                line: *line,
            });
        }
    }
    let written = writer.written;
    let page = cohort.page(run)?;
    render(&page, &folder.join("index.html"))?;
    Ok(Written {
        patients: number,
        pages: written,
    })
}

/// Name of the page of the patient with a number (from 1).
pub(crate) fn page_name(number: u64) -> String {
    format!("{number:06}.html")
}

/// Path of that page from the page of the cohort.
pub(crate) fn page_path(number: u64) -> String {
    format!("{PATIENTS}/{}", page_name(number))
}

/// Writes pages of patients; each is held until the next one is known, which it links to.
struct PageWriter<'w> {
    folder: &'w Path,
    facts: &'w RunFacts,
    references: &'w References,
    previous: Option<u64>,
    held: Option<(u64, Dossier)>,
    written: u64,
}

impl PageWriter<'_> {
    fn push(&mut self, number: u64, dossier: Dossier) -> Result<(), PageError> {
        self.flush(Some(number))?;
        self.held = Some((number, dossier));
        Ok(())
    }

    fn flush(&mut self, next: Option<u64>) -> Result<(), PageError> {
        let Some((number, dossier)) = self.held.take() else {
            return Ok(());
        };
        let mut page = PatientPage::new(&dossier, self.facts, self.references);
        page.previous = self.previous.map(page_name);
        page.next = next.map(page_name);
        render(&page, &self.folder.join(page_name(number)))?;
        self.previous = Some(number);
        self.written += 1;
        Ok(())
    }
}

fn render(page: &impl Template, path: &Path) -> Result<(), PageError> {
    let write = |source| PageError::Write {
        path: path.into(),
        source,
    };
    let mut file = BufWriter::new(File::create_new(path).map_err(write)?);
    let html = page.render()?;
    file.write_all(html.as_bytes()).map_err(write)?;
    file.into_inner()
        .map_err(|error| write(error.into_error()))?
        .sync_data()
        .map_err(write)
}
