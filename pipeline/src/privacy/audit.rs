//! The audit log: a line when a command begins, one when it ends.

use std::path::PathBuf;

use varisk_dossier::RunFolder;
use varisk_privacy::audit::{Event, ExitState, Head, Input, append, verify};
use varisk_privacy::key::{Key, KeySource};
use varisk_report::RunRecord;

use crate::arguments::{AuditAction, AuditArguments, GuardArguments};
use crate::exit::{INTERRUPTED, Refusal};
use crate::print::print;

/// The log of this command, where one is kept.
pub(crate) struct AuditTrail {
    path: PathBuf,
    key: Option<Key>,
    event: Event,
}

impl AuditTrail {
    /// Notes that a command begins. What cannot be noted is not begun.
    pub(crate) fn begin(guard: &GuardArguments, verb: &str) -> anyhow::Result<Option<Self>> {
        let Some(path) = guard.audit_log.clone() else {
            return Ok(None);
        };
        let trail = Self {
            path,
            key: key(guard)?,
            event: Event::here(verb, env!("CARGO_PKG_VERSION"), ExitState::Started),
        };
        append(&trail.path, &trail.event, trail.key.as_ref())?;
        Ok(Some(trail))
    }

    /// What is noted at the end.
    pub(crate) fn event(&mut self) -> &mut Event {
        &mut self.event
    }

    /// Notes how the command ended.
    pub(crate) fn end(mut self, code: u8, has_failed: bool) -> anyhow::Result<()> {
        self.event.exit = match (has_failed, code) {
            (false, _) => ExitState::Completed,
            (true, INTERRUPTED) => ExitState::Interrupted,
            (true, _) => ExitState::Failed,
        };
        append(&self.path, &self.event, self.key.as_ref())?;
        Ok(())
    }
}

/// Notes what a run rests on and what it wrote.
pub(crate) fn of_record(event: &mut Event, record: &RunRecord, record_sha256: String) {
    event.plan_sha256 = Some(record.plan_sha256.clone());
    event.inputs = record
        .inputs
        .iter()
        .filter_map(|input| {
            Some(Input {
                role: input.role.clone(),
                sha256: input.sha256.clone()?,
            })
        })
        .collect();
    event.outputs_sha256.push(record_sha256);
}

/// Notes a run that is read.
pub(crate) fn of_input(event: &mut Event, run: &RunFolder) {
    event.plan_sha256 = Some(run.record().plan_sha256.clone());
    event.inputs.push(Input {
        role: "run".to_owned(),
        sha256: run.sha256().to_owned(),
    });
}

fn key(guard: &GuardArguments) -> anyhow::Result<Option<Key>> {
    let file = guard.audit_key_file.clone();
    Ok(file.map(|file| KeySource::File(file).read()).transpose()?)
}

/// `varisk audit`.
pub(crate) fn command(arguments: &AuditArguments, guard: &GuardArguments) -> anyhow::Result<()> {
    let AuditAction::Verify { log, head } = &arguments.action;
    let expected = head.as_deref().map(parse_head).transpose()?;
    let found = verify(log, key(guard)?.as_ref(), expected.as_ref())?;
    print(format!(
        "{}: {} lines, unbroken. Head, to be noted elsewhere: {}:{}\n",
        log.display(),
        found.lines,
        found.lines,
        found.sha256
    ))
}

fn parse_head(text: &str) -> anyhow::Result<Head> {
    let parsed = text.split_once(':').and_then(|(lines, sha256)| {
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Head {
            lines: lines.parse().ok()?,
            sha256: is_hash.then(|| sha256.to_ascii_lowercase())?,
        })
    });
    parsed.ok_or_else(|| {
        Refusal::Usage(format!(
            "'{text}' is no head of an audit log; give LINES:SHA256 as 'varisk audit verify' printed it"
        ))
        .into()
    })
}
