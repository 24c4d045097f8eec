//! Where a key comes from.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use zeroize::Zeroizing;

use crate::{PrivacyError, key::Key, private_file};

/// Where a key, or a set of keys, comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file that only its owner may read.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A command line for `sh -c`, such as a password manager's, whose standard output is the key.
    Shell(String),
    /// A program and its arguments, run without a shell, whose standard output is the key.
    Program(Vec<String>),
}

impl fmt::Display for KeySource {
    /// Names the source without arguments of a command, which might be secret themselves.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(formatter, "{}", path.display()),
            Self::Variable(name) => write!(formatter, "environment variable {name}"),
            Self::Shell(_) => write!(formatter, "the key command"),
            Self::Program(words) => match words.first() {
                Some(program) => write!(formatter, "the key command '{program}'"),
                None => write!(formatter, "the key command"),
            },
        }
    }
}

impl KeySource {
    /// The key.
    ///
    /// # Errors
    /// The source cannot be read, or what it holds is no key.
    pub fn read(&self) -> Result<Key, PrivacyError> {
        Key::from_text(&self.text()?, &self.to_string())
    }

    /// The text of the source.
    pub(super) fn text(&self) -> Result<Zeroizing<String>, PrivacyError> {
        match self {
            Self::File(path) => private_file::read_secret(path),
            Self::Variable(name) => match std::env::var(name) {
                Ok(text) => Ok(Zeroizing::new(text)),
                Err(_) => Err(PrivacyError::Variable { name: name.clone() }),
            },
            Self::Shell(line) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(line);
                self.output(command)
            }
            Self::Program(words) => {
                let Some((program, arguments)) = words.split_first() else {
                    return Err(self.failed("it names no program"));
                };
                let mut command = Command::new(program);
                command.args(arguments);
                self.output(command)
            }
        }
    }

    /// What a command prints. What it says on its standard error goes to that of this program.
    fn output(&self, mut command: Command) -> Result<Zeroizing<String>, PrivacyError> {
        let spawned = command
            // The standard input may be the data.
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let mut child = spawned.map_err(|error| self.failed(&error.to_string()))?;
        let text = child.stdout.take().map(private_file::read_secret_text);
        // The pipe is closed by now, so a command that prints without end is stopped by it.
        let status = child
            .wait()
            .map_err(|error| self.failed(&error.to_string()))?;
        match text {
            Some(Ok(text)) if status.success() => Ok(text),
            Some(Err(error)) => Err(self.failed(&error.to_string())),
            _ => Err(self.failed(&status.to_string())),
        }
    }

    fn failed(&self, detail: &str) -> PrivacyError {
        PrivacyError::KeyCommand {
            origin: self.to_string(),
            detail: detail.into(),
        }
    }
}
