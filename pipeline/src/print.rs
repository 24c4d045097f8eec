//! What was asked for, on standard output.

use std::io::{ErrorKind, Write};

/// Writes text. A reader that has seen enough, such as `head`, is no error; a full disk is.
pub(crate) fn print(text: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_ref())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output; free space"))
        }
        _ => Ok(()),
    }
}
