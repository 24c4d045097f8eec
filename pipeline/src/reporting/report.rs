//! `varisk report`: pages and other forms of a finished run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use varisk_dossier::RunFolder;
use varisk_pages::{PageOptions, PatientPages, write_pages};
use varisk_report::OutputFolder;

use crate::arguments::{ReportArguments, ReportFormat};
use crate::exit::Refusal;
use crate::log::Log;
use crate::privacy::audit::of_input;
use crate::privacy::table_keys;

pub(crate) fn command(arguments: &ReportArguments, log: &Log) -> anyhow::Result<()> {
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None => beside(&arguments.run),
    };
    OutputFolder::check(&output, false)?;
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
    let keys = table_keys(&arguments.encryption)?;
    let run = RunFolder::open(&arguments.run)?.with_keys(keys);
    run.verify()?;
    log.audit(|event| of_input(event, &run));
    let patients = patients(&arguments.patients)?;
    let folder = OutputFolder::create(output)?;
    match write_into(&run, folder.partial(), arguments, patients, log) {
        Ok(done) => {
            let path = folder.complete()?;
            Ok(format!("{done}; written to {}", path.display()))
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

fn write_into(
    run: &RunFolder,
    folder: &Path,
    arguments: &ReportArguments,
    patients: PatientPages,
    log: &Log,
) -> anyhow::Result<String> {
    let mut done = Vec::new();
    if arguments.formats.contains(&ReportFormat::Html) {
        let options = PageOptions {
            made: today()?,
            patients,
        };
        let mut progress = log.progress();
        let written = write_pages(run, folder, &options, |number| {
            progress.update(number, "pages");
        })?;
        done.push(format!(
            "pages of {} patients and of the cohort of {}",
            written.pages, written.patients
        ));
    }
    Ok(done.join(", "))
}

/// The folder beside a run where its report goes.
pub(crate) fn beside(run: &Path) -> PathBuf {
    let mut name = run.components().collect::<PathBuf>().into_os_string();
    name.push(".pages");
    name.into()
}

fn patients(who: &str) -> anyhow::Result<PatientPages> {
    match who {
        "all" => return Ok(PatientPages::All),
        "none" => return Ok(PatientPages::None),
        _ => {}
    }
    let text = std::fs::read_to_string(who).map_err(|error| {
        Refusal::NoInput(format!(
            "cannot read {who} ({error}); give --patients 'all', 'none', or a file with one identifier on each line"
        ))
    })?;
    let listed: BTreeMap<String, usize> = text
        .lines()
        .enumerate()
        .map(|(line, name)| (name.trim_end_matches('\r').to_owned(), line + 1))
        .filter(|(name, _)| !name.trim().is_empty())
        .collect();
    if listed.is_empty() {
        return Err(Refusal::Data(format!(
            "{who} names no patient; write one identifier on each line, or give --patients none"
        ))
        .into());
    }
    Ok(PatientPages::Listed(listed))
}

/// The day in UTC. SOURCE_DATE_EPOCH (seconds since 1970) stands in for the clock, so that a report can
/// be made twice the same.
fn today() -> anyhow::Result<String> {
    let now = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => {
            let seconds = text.parse().map_err(|_| {
                Refusal::Usage(format!(
                    "SOURCE_DATE_EPOCH is '{text}', not a number of seconds; correct it or unset it"
                ))
            })?;
            UNIX_EPOCH
                .checked_add(Duration::from_secs(seconds))
                .unwrap_or(UNIX_EPOCH)
        }
        Err(_) => SystemTime::now(),
    };
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let day = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .unwrap_or_default();
    Ok(day.format("%Y-%m-%d").to_string())
}
