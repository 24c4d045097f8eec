//! Keys, pseudonyms, files' modes, the audit log, and the verbs that hand data on.

pub(crate) mod audit;
pub(crate) mod deidentify;
pub(crate) mod export;
mod keys;
mod pseudonyms;

use varisk_privacy::key::Key;

use crate::arguments::{FileAccess, KeyAction, KeyArguments};

pub(crate) use keys::{key_source, table_keys};
pub(crate) use pseudonyms::{PseudonymSettings, Pseudonyms};

/// Makes every file from here on as private as was asked.
pub(crate) fn restrict(access: FileAccess) {
    use rustix::fs::Mode;
    let withheld = match access {
        FileAccess::Private => Mode::RWXG | Mode::RWXO,
        FileAccess::Group => Mode::WGRP | Mode::RWXO,
        FileAccess::Umask => return,
    };
    rustix::process::umask(withheld);
}

/// `varisk key`.
pub(crate) fn key_command(arguments: &KeyArguments) -> anyhow::Result<()> {
    match &arguments.action {
        KeyAction::New { file } => Ok(Key::generate()?.write_new(file)?),
    }
}
