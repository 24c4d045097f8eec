//! BGZF writing.

use std::io::{self, Write};

/// Opens a BGZF writer. One thread and the default level: equal input gives equal bytes.
pub(crate) fn writer<W: Write>(inner: W) -> noodles_bgzf::io::Writer<W> {
    noodles_bgzf::io::Writer::new(inner)
}

/// Compresses a whole file, with the end marker.
pub(crate) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = writer(Vec::new());
    writer.write_all(bytes)?;
    writer.finish()
}
