//! `varisk export`: a folder packed and encrypted to those who may open it.

use varisk_privacy::audit::Input;
use varisk_privacy::export::{Recipients, export};

use crate::arguments::ExportArguments;
use crate::log::Log;

pub(crate) fn command(arguments: &ExportArguments, log: &Log) -> anyhow::Result<()> {
    let recipients = match &arguments.passphrase_file {
        Some(file) => Recipients::passphrase(file)?,
        None => Recipients::keys(&arguments.recipients, &arguments.recipient_files)?,
    };
    let done = export(&arguments.folder, &arguments.output, &recipients)?;
    log.audit(|event| {
        event.outputs_sha256.push(done.sha256.clone());
        // The folder of a run is known by its record.
        let record = crate::hash::file(&arguments.folder.join("run.json"));
        if let Ok(Some(sha256)) = record {
            let role = "run".to_owned();
            event.inputs.push(Input { role, sha256 });
        }
    });
    log.info(&format!(
        "{} files, {} bytes, encrypted; written to {}",
        done.files,
        done.bytes,
        arguments.output.display()
    ));
    Ok(())
}
