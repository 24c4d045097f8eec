//! `varisk diff`: what changed for whom between two runs.

use std::path::Path;

use varisk_comparison::{Comparison, ComparisonError, Rules, Settings, compare};
use varisk_dossier::RunFolder;
use varisk_pages::write_comparison;
use varisk_report::{OutputFolder, ReportError, TableFolder, TableLayout};

use super::clock::Moment;
use crate::arguments::DiffArguments;
use crate::exit::{ALERTS, Refusal};
use crate::hash;
use crate::log::Log;
use crate::print::print;
use crate::privacy::audit::of_input;
use crate::privacy::table_keys;
use crate::run::cancel_on_signal;
use crate::settings::ConfigFile;

/// Keys of the settings file that are rules.
const RULES: [&str; 2] = ["alert", "tolerance"];
/// The summary, for programs.
const SUMMARY: &str = "diff.json";

/// Compares two runs; the code is that of alerts where a rule fires, else 0.
pub(crate) fn command(arguments: &DiffArguments, log: &Log) -> anyhow::Result<u8> {
    let cancel = cancel_on_signal();
    OutputFolder::check(&arguments.output, false)?;
    let keys = table_keys(arguments.encryption.source())?;
    let settings = Settings {
        rules: rules(arguments.config.as_deref())?,
        ..Settings::default()
    };
    let open = |path: &Path, run: char| {
        let opened = RunFolder::open(path).map(|own| own.with_keys(keys.clone()));
        let verified = opened.and_then(|own| own.verify().map(|()| own));
        verified.map_err(|source| ComparisonError::Run { run, source })
    };
    let (before, after) = (open(&arguments.before, 'A')?, open(&arguments.after, 'B')?);
    log.audit(|event| {
        of_input(event, &before);
        of_input(event, &after);
        // Two runs have two plans; their records name them.
        event.plan_sha256 = None;
    });
    let folder = OutputFolder::create(&arguments.output)?;
    let tables = TableFolder {
        path: folder.partial().to_owned(),
        layout: TableLayout {
            partition_by: Vec::new(),
            encryption: keys.clone(),
        },
    };
    let is_interrupted = || cancel.is_cancelled();
    let compared = compare(&before, &after, &settings, &tables, &is_interrupted);
    let done = compared
        .map_err(anyhow::Error::from)
        .and_then(|comparison| write(&comparison, folder.partial(), keys.is_some(), log));
    match done {
        Ok(alerts) => {
            let path = folder.complete(None)?;
            log.info(&format!("written to {}", path.display()));
            Ok(if alerts { ALERTS } else { 0 })
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

/// Writes summary and page, prints the summary, and says whether a rule fires.
fn write(
    comparison: &Comparison,
    folder: &Path,
    is_encrypted: bool,
    log: &Log,
) -> anyhow::Result<bool> {
    let path = folder.join(SUMMARY);
    let json = serde_json::to_vec_pretty(&comparison.summary)?;
    log.audit(|event| event.outputs_sha256.push(hash::bytes(&json)));
    std::fs::write(&path, json).map_err(|source| ReportError::Write { path, source })?;
    if is_encrypted {
        log.info("no page is written, for the tables are encrypted and a page would not be");
    } else {
        write_comparison(comparison, folder, &Moment::now()?.day())?;
    }
    print(comparison.summary.lines().join("\n") + "\n")?;
    Ok(comparison.summary.alerts.iter().any(|own| own.changes > 0))
}

/// Rules of a file of their own, or of the settings of a run.
fn rules(path: Option<&Path>) -> anyhow::Result<Rules> {
    let Some(path) = path else {
        return Ok(Rules::default());
    };
    let wrong = |detail: &str| Refusal::Usage(format!("{}: {detail}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| Refusal::NoInput(format!("cannot open {}: {error}", path.display())))?;
    let unread = |error: toml::de::Error| {
        let message = error.message().trim_end().replace('\n', " ");
        wrong(&format!("{message}; correct it"))
    };
    let mut all: toml::Table = toml::from_str(&text).map_err(unread)?;
    let mut own = toml::Table::new();
    for key in RULES {
        own.extend(all.remove_entry(key));
    }
    // What is no rule must be a setting of a run, or a misspelt rule would be passed over.
    ConfigFile::parse(&toml::to_string(&all)?).map_err(unread)?;
    Ok(Rules::parse(&toml::to_string(&own)?).map_err(|error| wrong(&error.to_string()))?)
}
