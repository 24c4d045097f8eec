//! Variant files and patients of a run: who is in which column.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use varisk_core::{ContigSet, Patient};
use varisk_readers::{FileInput, SampleSheet, SheetRow, SiteAllele};
use varisk_reference::{HeaderContig, HeaderHints};

use crate::exit::Refusal;
use crate::settings::Settings;

/// Opened variant files with their patients assigned.
pub(crate) struct Inputs {
    pub(crate) files: Vec<FileInput>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) patients: Vec<Patient>,
    /// Covariate columns of the samplesheet.
    pub(crate) covariates: Vec<String>,
    /// Samples of the cohort file that are left out.
    pub(crate) unlisted: usize,
    /// Files with the reads of each patient.
    pub(crate) alignments: Vec<Option<PathBuf>>,
    /// Callable regions of each patient.
    pub(crate) callable: Vec<Option<PathBuf>>,
    /// How many of the last files hold sites that are asked for, and no patient.
    pub(crate) site_files: usize,
    /// What the whole run has, where only a group of its patients is kept.
    pub(crate) everyone: Option<Everyone>,
}

/// The patients of a whole run and the files that speak of them.
pub(crate) struct Everyone {
    patients: usize,
    callable: Vec<Option<PathBuf>>,
}

impl Inputs {
    /// Opens the files of a run over patients.
    pub(crate) fn of_patients(settings: &Settings) -> anyhow::Result<Self> {
        let path = settings.samplesheet.as_deref();
        let sheet = path.map(SampleSheet::read).transpose()?;
        let name = path.map_or_else(String::new, |path| path.display().to_string());
        match (sheet, &settings.vcf) {
            (None, None) => Err(Refusal::Usage(
                "no variants are given; name a file with --vcf, or files in a samplesheet"
                    .to_owned(),
            )
            .into()),
            (None, Some(vcf)) => Self::without_sheet(vcf),
            (Some(sheet), vcf) => {
                let per_patient = sheet.rows.iter().any(|row| row.vcf.is_some());
                match (per_patient, vcf) {
                    (true, Some(_)) => Err(Refusal::Usage("both --vcf and the samplesheet's column 'vcf' name variants; leave one out".to_owned()).into()),
                    (true, None) => Self::with_files(sheet, &name),
                    (false, Some(vcf)) => Self::with_cohort(sheet, &name, vcf, settings.ignore_unlisted_samples),
                    (false, None) => Err(Refusal::Usage("the samplesheet has no column 'vcf'; name the cohort file with --vcf".to_owned()).into()),
                }
            }
        }
    }

    /// Opens the file of a run without patients.
    pub(crate) fn of_sites(settings: &Settings) -> anyhow::Result<Self> {
        let vcf = settings.vcf.as_ref().ok_or_else(|| {
            Refusal::Usage("no variants are given; name a file with --vcf".to_owned())
        })?;
        if settings.samplesheet.is_some() {
            return Err(Refusal::Usage(
                "'score' scores variants without patients; leave --samplesheet out, or use 'run'"
                    .to_owned(),
            )
            .into());
        }
        Ok(Self {
            files: vec![FileInput::open(vcf)?],
            paths: vec![vcf.clone()],
            patients: Vec::new(),
            covariates: Vec::new(),
            unlisted: 0,
            alignments: Vec::new(),
            callable: Vec::new(),
            site_files: 0,
            everyone: None,
        })
    }

    /// Adds the file with sites that are needed in every patient. It has no patients of its own, so
    /// its alleles make rows of which only the patients' files speak.
    pub(crate) fn add_sites(&mut self, settings: &Settings) -> anyhow::Result<()> {
        if let Some(path) = &settings.evidence.sites {
            self.files.push(FileInput::open(path)?);
            self.site_files += 1;
        }
        Ok(())
    }

    /// Leaves a group of the patients. All files are read as before, so that the group sees the alleles
    /// of all; of the others no call is decoded.
    pub(crate) fn keep_patients(&mut self, range: &Range<usize>) {
        self.everyone = Some(Everyone {
            patients: self.patients.len(),
            callable: self.callable.clone(),
        });
        self.patients = self.patients[range.clone()].to_vec();
        self.alignments = self.alignments[range.clone()].to_vec();
        self.callable = self.callable[range.clone()].to_vec();
        for file in &mut self.files {
            file.keep_patients(range);
        }
    }

    /// Number of patients of the whole run.
    pub(crate) fn patients_of_the_run(&self) -> usize {
        let everyone = self.everyone.as_ref();
        everyone.map_or(self.patients.len(), |everyone| everyone.patients)
    }

    /// Files with callable regions of the patients of the whole run.
    pub(crate) fn callable_of_the_run(&self) -> impl Iterator<Item = &PathBuf> {
        let everyone = self.everyone.as_ref();
        let all = everyone.map_or(&self.callable, |everyone| &everyone.callable);
        all.iter().flatten()
    }

    /// The files without that of the sites.
    pub(crate) fn own_files(&self) -> &[FileInput] {
        &self.files[..self.files.len() - self.site_files]
    }

    /// Adds sites that scores need. Whether patients without a record are reference there is asked
    /// where there is evidence beside the records of a cohort: files of single patients, callable
    /// regions, reads, the assumption.
    pub(crate) fn add_score_sites(
        &mut self,
        settings: &Settings,
        contigs: &ContigSet,
        sites: impl FnOnce() -> Vec<SiteAllele>,
    ) -> anyhow::Result<()> {
        let evidence = &settings.evidence;
        let is_asked = self.files.len() > 1
            || self.patients_of_the_run() == 1
            || evidence.absent_as_reference
            || evidence.genotype_from_reads
            || evidence.callable.is_some()
            || self.callable_of_the_run().next().is_some();
        if is_asked {
            let file = FileInput::of_sites("the sites of the scores", contigs, sites())?;
            self.files.push(file);
            self.site_files += 1;
        }
        Ok(())
    }

    fn without_sheet(vcf: &Path) -> anyhow::Result<Self> {
        let mut file = FileInput::open(vcf)?;
        let samples = file.header().samples.clone();
        refuse_no_samples(&file)?;
        let columns: Vec<(String, usize)> = samples.iter().cloned().zip(0..).collect();
        file.assign(&columns)?;
        let patients: Vec<Patient> = samples
            .into_iter()
            .map(|id| Patient {
                id,
                ..Patient::default()
            })
            .collect();
        Ok(Self {
            alignments: vec![None; patients.len()],
            callable: vec![None; patients.len()],
            site_files: 0,
            everyone: None,
            files: vec![file],
            paths: vec![vcf.to_owned()],
            patients,
            covariates: Vec::new(),
            unlisted: 0,
        })
    }

    fn with_cohort(
        sheet: SampleSheet,
        sheet_name: &str,
        vcf: &Path,
        ignore_unlisted: bool,
    ) -> anyhow::Result<Self> {
        let mut file = FileInput::open(vcf)?;
        refuse_no_samples(&file)?;
        let columns = sample_columns(sheet_name, sheet.rows.iter().enumerate(), None)?;
        file.assign(&columns)?;
        let unlisted = file.header().samples.len() - columns.len();
        if unlisted > 0 && !ignore_unlisted {
            return Err(Refusal::Data(format!(
                "{}: {unlisted} of its samples are not in the samplesheet; list them, or leave them out with --ignore-unlisted-samples",
                file.name()
            ))
            .into());
        }
        let (alignments, callable) = evidence_files(&sheet);
        let patients = sheet.rows.into_iter().map(|row| row.patient).collect();
        Ok(Self {
            alignments,
            callable,
            site_files: 0,
            everyone: None,
            files: vec![file],
            paths: vec![vcf.to_owned()],
            patients,
            covariates: sheet.covariates,
            unlisted,
        })
    }

    fn with_files(sheet: SampleSheet, sheet_name: &str) -> anyhow::Result<Self> {
        let mut by_path: Vec<(PathBuf, Vec<usize>)> = Vec::new();
        let mut index: HashMap<PathBuf, usize> = HashMap::new();
        for (i, row) in sheet.rows.iter().enumerate() {
            let Some(path) = &row.vcf else { continue };
            let at = *index.entry(path.clone()).or_insert_with(|| {
                by_path.push((path.clone(), Vec::new()));
                by_path.len() - 1
            });
            by_path[at].1.push(i);
        }
        let mut files = Vec::with_capacity(by_path.len());
        let mut unlisted = 0;
        for (path, rows) in &by_path {
            let mut file = FileInput::open(path)?;
            refuse_no_samples(&file)?;
            let only = match file.header().samples.as_slice() {
                [only] if rows.len() == 1 => Some(only.clone()),
                _ => None,
            };
            let columns = sample_columns(
                sheet_name,
                rows.iter().map(|row| (*row, &sheet.rows[*row])),
                only.as_deref(),
            )?;
            file.assign(&columns)?;
            unlisted += file.header().samples.len() - columns.len();
            files.push(file);
        }
        let paths = by_path.into_iter().map(|(path, _)| path).collect();
        let (alignments, callable) = evidence_files(&sheet);
        let patients = sheet.rows.into_iter().map(|row| row.patient).collect();
        Ok(Self {
            alignments,
            callable,
            site_files: 0,
            everyone: None,
            files,
            paths,
            patients,
            covariates: sheet.covariates,
            unlisted,
        })
    }

    /// What the headers say of the genome build.
    pub(crate) fn build_hints(&self) -> HeaderHints {
        let mut hints = HeaderHints::default();
        for file in &self.files {
            let header = file.header();
            // PLINK 1.9 writes the place behind the last variant for the length of a contig.
            let is_plink = file
                .header_text()
                .lines()
                .any(|line| line.starts_with("##source=PLINKv1"));
            for contig in &header.contigs {
                let length = contig.length.filter(|_| !is_plink);
                let known = hints
                    .contigs
                    .iter()
                    .any(|own: &HeaderContig| own.name == contig.name && own.length == length);
                if !known {
                    hints.contigs.push(HeaderContig {
                        name: contig.name.clone(),
                        length,
                        assembly: contig.assembly.clone(),
                    });
                }
            }
            hints.reference = hints.reference.or_else(|| header.reference.clone());
            hints.assembly = hints.assembly.or_else(|| header.assembly.clone());
        }
        hints
    }
}

/// Files with reads and callable regions, by patient.
fn evidence_files(sheet: &SampleSheet) -> (Vec<Option<PathBuf>>, Vec<Option<PathBuf>>) {
    let rows = sheet.rows.iter();
    rows.map(|row| (row.alignment.clone(), row.callable.clone()))
        .unzip()
}

fn refuse_no_samples(file: &FileInput) -> anyhow::Result<()> {
    if file.header().samples.is_empty() {
        return Err(Refusal::Data(format!(
            "{} has no samples; use 'varisk score' for variants without patients",
            file.name()
        ))
        .into());
    }
    Ok(())
}

/// The sample of each row: the one named, else the file's only one, else that with the patient's
/// identifier.
fn sample_columns<'r>(
    sheet_name: &str,
    rows: impl Iterator<Item = (usize, &'r SheetRow)>,
    only: Option<&str>,
) -> anyhow::Result<Vec<(String, usize)>> {
    let mut columns: Vec<(String, usize)> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (patient, row) in rows {
        let sample = row
            .sample
            .as_deref()
            .or(only)
            .unwrap_or(&row.patient.id)
            .to_owned();
        if let Some(first) = seen.insert(sample.clone(), patient + 1) {
            return Err(Refusal::Data(format!("{sheet_name}: rows {first} and {} name the same sample; give each patient a sample of their own", patient + 1)).into());
        }
        columns.push((sample, patient));
    }
    Ok(columns)
}
