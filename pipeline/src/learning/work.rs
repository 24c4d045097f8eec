//! What all trainings share: reading `train.toml`, the folder of an unfinished training, progress.

use std::path::Path;

use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use varisk_report::OutputFolder;
use varisk_train::Progress;

use crate::arguments::TrainArguments;
use crate::exit::Refusal;
use crate::log::Log;
use crate::run::interrupted;

/// Finished parts of an unfinished training, inside its folder.
pub(super) const WORK: &str = "work";
/// What the finished parts were made from.
const STATE: &str = "state.json";
/// Greatest difference between the trainer's numbers and those of the runtime, relative where a number
/// is greater than 1.
pub(super) const RUNTIME_TOLERANCE: f64 = 1e-5;

/// What decides the parts of a training.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State<C> {
    pub(super) version: String,
    pub(super) config: C,
    pub(super) inputs: Value,
}

/// The text of a configuration.
pub(super) fn read_config(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Refusal::NoInput(format!(
            "{} cannot be read: {error}; check path and permissions",
            path.display()
        ))
        .into()
    })
}

/// Whether a configuration is of a variant model.
pub(super) fn is_of_variants(text: &str, path: &Path) -> anyhow::Result<bool> {
    let table: toml::Table = parse_config(text, path)?;
    match table.get("kind").map(|own| own.as_str()) {
        Some(Some("variant")) => Ok(true),
        Some(Some("patient")) | None => Ok(false),
        Some(_) => Err(Refusal::Usage(format!(
            "{}: kind is neither \"patient\" nor \"variant\"; write one of them",
            path.display()
        ))
        .into()),
    }
}

/// A configuration from its text.
pub(super) fn parse_config<C: DeserializeOwned>(text: &str, path: &Path) -> anyhow::Result<C> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| {
            let line = text
                .get(..span.start)
                .map_or(0, |before| before.lines().count().max(1));
            format!(" line {line}")
        });
        Refusal::Usage(format!(
            "{}{place}: {}; correct the configuration",
            path.display(),
            error.message().lines().next().unwrap_or_default()
        ))
        .into()
    })
}

/// An interrupted training, and how to go on with it.
pub(super) fn unfinished(arguments: &TrainArguments) -> anyhow::Error {
    interrupted().context(format!(
        "the training is unfinished; go on with 'varisk train --resume --config {} --output {}'",
        arguments.config.display(),
        arguments.output.display()
    ))
}

/// A training that is done and could not be written: its parts stay, to go on with.
pub(super) fn kept(
    arguments: &TrainArguments,
    folder: &OutputFolder,
    error: anyhow::Error,
) -> anyhow::Error {
    let text = format!(
        "{error}; what is learned so far is kept in {}, go on with 'varisk train --resume --config {} --output {}'",
        folder.partial().display(),
        arguments.config.display(),
        arguments.output.display()
    );
    error.context(text)
}

/// The folder of the training, new or taken up.
pub(super) fn open<C: PartialEq + Serialize + DeserializeOwned>(
    output: &Path,
    resumes: bool,
    state: &State<C>,
) -> anyhow::Result<OutputFolder> {
    let reopened = if resumes {
        OutputFolder::reopen(output)?
    } else {
        None
    };
    let folder = match reopened {
        Some(folder) => {
            let path = folder.partial().join(WORK).join(STATE);
            let before = std::fs::read_to_string(&path)
                .ok()
                .and_then(|text| serde_json::from_str::<State<C>>(&text).ok());
            match before {
                Some(before) if before == *state => {}
                Some(_) => {
                    return Err(Refusal::Usage(format!(
                        "{} was begun with another configuration, table or version; give the same, or remove it to start anew",
                        folder.partial().display()
                    ))
                    .into());
                }
                None => {
                    return Err(Refusal::Data(format!(
                        "{} is not an unfinished training; remove it to start anew",
                        folder.partial().display()
                    ))
                    .into());
                }
            }
            // What was written of the end, when it was interrupted there, is written again.
            for entry in std::fs::read_dir(folder.partial())?.flatten() {
                let path = entry.path();
                if entry.file_name() != WORK && path.is_file() && !OutputFolder::is_own(&path) {
                    std::fs::remove_file(path)?;
                }
            }
            folder
        }
        None => {
            let folder = OutputFolder::create_resumable(output, None)?;
            let work = folder.partial().join(WORK);
            let made = std::fs::create_dir_all(&work)
                .and_then(|()| std::fs::write(work.join(STATE), serde_json::to_string(state)?));
            if let Err(error) = made {
                let path = work.display().to_string();
                folder.discard();
                return Err(anyhow::Error::new(error).context(format!("{path} cannot be written")));
            }
            folder
        }
    };
    Ok(folder)
}

/// Says how far a training is, every few seconds.
pub(super) fn tell(
    log: &Log,
    progress: &Progress,
    started: Instant,
    told: &std::sync::Mutex<Instant>,
) {
    let Ok(mut last) = told.lock() else {
        return;
    };
    let is_last = progress.done == progress.total;
    if last.elapsed().as_secs_f64() < 5.0 && !is_last {
        return;
    }
    *last = Instant::now();
    if progress.done == 0 {
        // Nothing to go by yet.
        log.info(&format!(
            "0 of {} parts ({})",
            progress.total, progress.part
        ));
        return;
    }
    let elapsed = started.elapsed().as_secs_f64();
    let left = elapsed / progress.done as f64 * progress.total.saturating_sub(progress.done) as f64;
    log.info(&format!(
        "{} of {} parts, {elapsed:.0} s, about {left:.0} s to go ({})",
        progress.done, progress.total, progress.part
    ));
}
