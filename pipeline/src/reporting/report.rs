//! `varisk report`: pages and other forms of a finished run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use varisk_dossier::{Dossier, RunFolder};
use varisk_exchange::fhir::{FhirExport, FhirSettings};
use varisk_exchange::multiqc::{GENERAL_FILE, MultiqcWriter, QUALITY_FILE};
use varisk_exchange::{ExchangeError, json, tsv, vcf};
use varisk_pages::{PageWriter, patient_folder};
use varisk_report::{OutputFolder, ReportError};

use super::clock::Moment;
use crate::arguments::{ReportArguments, ReportFormat};
use crate::exit::Refusal;
use crate::log::Log;
use crate::privacy::audit::of_input;
use crate::privacy::table_keys;

/// Folder of the tables as text.
const TABLES: &str = "tables";
/// The alleles of the run.
const VCF: &str = "variants.vcf.gz";
/// All patients in one file each.
const ALL_JSON: &str = "dossiers.ndjson";
const ALL_FHIR: &str = "fhir.ndjson";
/// Files of one patient.
const ONE_JSON: &str = "dossier.json";
const ONE_FHIR: &str = "fhir.json";

pub(crate) fn command(arguments: &ReportArguments, log: &Log) -> anyhow::Result<()> {
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => beside(&arguments.run),
    };
    let done = write(arguments, &output, log)?;
    log.info(&done);
    Ok(())
}

/// Writes the report; returns one line on what was done.
pub(crate) fn write(
    arguments: &ReportArguments,
    output: &Path,
    log: &Log,
) -> anyhow::Result<String> {
    OutputFolder::check(output, false)?;
    let keys = table_keys(arguments.encryption.source())?;
    let run = RunFolder::open(&arguments.run)?.with_keys(keys);
    run.verify()?;
    log.audit(|event| of_input(event, &run));
    let work = Work {
        run: &run,
        formats: arguments.formats.iter().copied().collect(),
        who: Who::parse(&arguments.patients)?,
        moment: Moment::now()?,
        patient_system: arguments.fhir_patient_system.as_deref(),
    };
    let folder = OutputFolder::create(output)?;
    match work.write(folder.partial(), log) {
        Ok(done) => {
            let path = folder.complete(None)?;
            Ok(format!("{done}; written to {}", path.display()))
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

/// The folder beside a run where its report goes.
pub(crate) fn beside(run: &Path) -> PathBuf {
    let mut name = run.components().collect::<PathBuf>().into_os_string();
    name.push(".pages");
    name.into()
}

/// Which patients get files of their own.
enum Who {
    All,
    None,
    /// These, with their lines in the list.
    Listed {
        path: String,
        lines: BTreeMap<String, usize>,
    },
}

impl Who {
    fn parse(text: &str) -> anyhow::Result<Self> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let list = std::fs::read_to_string(text).map_err(|error| {
            Refusal::NoInput(format!(
                "cannot read {text} ({error}); give --patients 'all', 'none', or a file with one identifier on each line"
            ))
        })?;
        let lines: BTreeMap<String, usize> = list
            .lines()
            .zip(1..)
            .filter(|(name, _)| !name.trim().is_empty())
            .map(|(name, line)| (name.trim_end_matches('\r').to_owned(), line))
            .collect();
        if lines.is_empty() {
            return Err(Refusal::Data(format!(
                "{text} names no patient; write one identifier on each line, or give --patients none"
            ))
            .into());
        }
        Ok(Self::Listed {
            path: text.to_owned(),
            lines,
        })
    }

    fn has(&self, patient: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Listed { lines, .. } => lines.contains_key(patient),
        }
    }

    /// Refuses a list with somebody whom the run does not have; by line, for messages name nobody.
    fn refuse_unknown(&self, found: &BTreeSet<String>) -> anyhow::Result<()> {
        let Self::Listed { path, lines } = self else {
            return Ok(());
        };
        let unknown = lines.iter().filter(|(name, _)| !found.contains(*name));
        let unknown: Vec<usize> = unknown.map(|(_, line)| *line).collect();
        match unknown.iter().min() {
            None => Ok(()),
            Some(first) => Err(Refusal::Data(format!(
                "{path}: line {first}: the run has no such patient ({} of the list are not in it); correct the list",
                unknown.len()
            ))
            .into()),
        }
    }
}

struct Work<'w> {
    run: &'w RunFolder,
    formats: BTreeSet<ReportFormat>,
    who: Who,
    moment: Moment,
    patient_system: Option<&'w str>,
}

impl Work<'_> {
    fn write(&self, folder: &Path, log: &Log) -> anyhow::Result<String> {
        let has = |format| self.formats.contains(&format);
        let mut done = Vec::new();
        if has(ReportFormat::Tsv) {
            let tables = folder.join(TABLES);
            make_folder(&tables)?;
            for name in self.run.tables() {
                let path = tables.join(format!("{name}.tsv"));
                write_file(&path, |out| tsv::write_table(self.run, name, None, out))?;
            }
            done.push(format!("{} tables as text", self.run.tables().len()));
        }
        if has(ReportFormat::Vcf) {
            let path = folder.join(VCF);
            // A run does not record lengths of contigs, and a header may leave them out.
            write_file(&path, |out| vcf::write_vcf_bgzf(self.run, &[], out))?;
            done.push("alleles as VCF".to_owned());
        }
        let of_patients = [
            ReportFormat::Html,
            ReportFormat::Json,
            ReportFormat::Fhir,
            ReportFormat::Multiqc,
        ];
        if of_patients.into_iter().any(has) {
            done.push(self.write_patients(folder, log)?);
        }
        Ok(done.join(", "))
    }

    fn write_patients(&self, folder: &Path, log: &Log) -> anyhow::Result<String> {
        let has = |format| self.formats.contains(&format);
        let mut pages = match has(ReportFormat::Html) {
            true => Some(PageWriter::new(self.run, folder, &self.moment.day())?),
            false => None,
        };
        let together = matches!(self.who, Who::None);
        let open = |wanted: bool, name: &str| {
            let path = folder.join(name);
            wanted.then(|| create(&path)).transpose()
        };
        let mut all_json = open(together && has(ReportFormat::Json), ALL_JSON)?;
        let mut all_fhir = open(together && has(ReportFormat::Fhir), ALL_FHIR)?;
        let mut general = open(has(ReportFormat::Multiqc), GENERAL_FILE)?;
        let mut quality = open(has(ReportFormat::Multiqc), QUALITY_FILE)?;
        let mut multiqc = match (&mut general, &mut quality) {
            (Some(general), Some(quality)) => Some(MultiqcWriter::new(general, quality)?),
            _ => None,
        };
        let (record, sha256) = (self.run.record(), self.run.sha256());
        let settings = FhirSettings::try_new(&self.moment.instant(), self.patient_system)?;
        let fhir = FhirExport::new(record, sha256, settings);

        let mut found = BTreeSet::new();
        let mut progress = log.progress();
        let (mut number, mut own) = (0, 0u64);
        for dossier in self.run.dossiers()? {
            let dossier = dossier?;
            number += 1;
            let has_files = self.who.has(&dossier.patient);
            if has_files {
                own += 1;
                if matches!(self.who, Who::Listed { .. }) {
                    found.insert(dossier.patient.clone());
                }
                self.write_patient(&folder.join(patient_folder(number)), &dossier, &fhir)?;
            }
            if let Some(out) = &mut all_json {
                json::write_line(record, sha256, &dossier, out)?;
            }
            if let Some(out) = &mut all_fhir {
                fhir.write_line(&dossier, out)?;
            }
            if let Some(multiqc) = &mut multiqc {
                multiqc.add(&dossier)?;
            }
            // Last, for it keeps the patient until the next one is known.
            if let Some(pages) = &mut pages {
                pages.observe(dossier, has_files)?;
            }
            progress.update(number, "patients");
        }
        self.who.refuse_unknown(&found)?;
        if let Some(pages) = pages {
            pages.finish()?;
        }
        if let Some(multiqc) = multiqc {
            multiqc.finish()?;
        }
        for out in [all_json, all_fhir, general, quality].into_iter().flatten() {
            close(out, folder)?;
        }
        Ok(format!(
            "{number} patients, {own} of them with files of their own"
        ))
    }

    /// Files of one patient but the page, which is written when the next patient is known.
    fn write_patient(
        &self,
        folder: &Path,
        dossier: &Dossier,
        fhir: &FhirExport<'_>,
    ) -> anyhow::Result<()> {
        make_folder(folder)?;
        if self.formats.contains(&ReportFormat::Json) {
            let (record, sha256) = (self.run.record(), self.run.sha256());
            write_file(&folder.join(ONE_JSON), |out| {
                json::write_pretty(record, sha256, dossier, out)
            })?;
        }
        if self.formats.contains(&ReportFormat::Fhir) {
            let path = folder.join(ONE_FHIR);
            write_file(&path, |out| fhir.write_pretty(dossier, out))?;
        }
        Ok(())
    }
}

fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).map_err(|source| {
        ReportError::Create {
            path: path.to_owned(),
            source,
        }
        .into()
    })
}

fn create(path: &Path) -> Result<BufWriter<File>, ReportError> {
    let file = File::create_new(path).map_err(|source| ReportError::Create {
        path: path.to_owned(),
        source,
    })?;
    Ok(BufWriter::new(file))
}

fn close(mut out: BufWriter<File>, path: &Path) -> Result<(), ReportError> {
    out.flush().map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ExchangeError>,
) -> anyhow::Result<()> {
    let mut out = create(path)?;
    write(&mut out).map_err(|error| match error {
        // The writer does not know its file.
        ExchangeError::Write(source) => anyhow::Error::new(ReportError::Write {
            path: path.to_owned(),
            source,
        }),
        other => other.into(),
    })?;
    close(out, path)?;
    Ok(())
}
