//! Writes lines of VCF as VCF, BGZF-packed VCF or BCF.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use noodles::bgzf;

use super::bcf;

/// Bytes of text that are written at once: the system's work for a write hardly grows with its size.
const BUFFER_BYTES: usize = 1 << 20;

/// Why an annotated file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The name says no format.
    #[error("{}: the name ends neither with .vcf, .vcf.gz, .vcf.bgz nor .bcf; name the output so, or use - for VCF text on standard output", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("cannot create {}: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Writing failed.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The header does not serve for BCF.
    #[error("{}: the header cannot be written as BCF: {detail}; write VCF instead, or correct the input's header with 'bcftools reheader'", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A record does not fit the header, which BCF needs, or holds what BCF cannot.
    #[error("{}: record {line} cannot be written as BCF: {source}; write VCF instead, or correct the input (its header with 'bcftools reheader')", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// 1-based number of the record.
        line: u64,
        /// The cause.
        source: io::Error,
    },
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// Text.
    Vcf,
    /// Text in BGZF.
    VcfBgzf,
    /// BCF version 2 in BGZF.
    Bcf,
}

impl OutputKind {
    /// The kind that a file name says; `-` (standard output) is text.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        Some(match name {
            "-" => Self::Vcf,
            _ if name.ends_with(".vcf") => Self::Vcf,
            _ if name.ends_with(".vcf.gz") || name.ends_with(".vcf.bgz") => Self::VcfBgzf,
            _ if name.ends_with(".bcf") => Self::Bcf,
            _ => return None,
        })
    }
}

/// Writes lines in order under a temporary name beside the target, which gets its own name when all
/// is written. Dropped before, it leaves nothing behind.
pub struct AnnotatedWriter {
    sink: Sink,
    path: PathBuf,
    /// The temporary file; `None` for standard output, and once the file has its name.
    partial: Option<PathBuf>,
    lines: u64,
}

enum Sink {
    Stdout(BufWriter<io::Stdout>),
    Text(BufWriter<File>),
    Bgzf(bgzf::io::MultithreadedWriter<File>),
    Bcf(Box<BcfSink>),
}

struct BcfSink {
    writer: bgzf::io::MultithreadedWriter<File>,
    encoder: bcf::Encoder,
}

impl AnnotatedWriter {
    /// Starts a file, `-` for standard output, with the text of its header; `threads` pack blocks.
    ///
    /// # Errors
    /// The name says no format, the file cannot be made, or the header does not serve for BCF.
    pub fn create(path: &Path, header: &str, threads: NonZero<usize>) -> Result<Self, WriteError> {
        let kind = OutputKind::of(path).ok_or_else(|| WriteError::Kind { path: path.into() })?;
        // Before a file is made: a header that does not serve leaves nothing behind.
        let encoder = match kind {
            OutputKind::Bcf => Some(encoder(path, header)?),
            _ => None,
        };
        let partial = (path != Path::new("-")).then(|| partial_name(path));
        let mut preamble = Vec::new();
        let sink = match &partial {
            None => Sink::Stdout(BufWriter::new(io::stdout())),
            Some(partial) => {
                let file = File::create(partial).map_err(|source| WriteError::Create {
                    path: path.into(),
                    source,
                })?;
                let bgzf = |file| bgzf::io::MultithreadedWriter::with_worker_count(threads, file);
                match (kind, encoder) {
                    (OutputKind::Bcf, Some((encoder, start))) => {
                        preamble = start;
                        Sink::Bcf(Box::new(BcfSink {
                            writer: bgzf(file),
                            encoder,
                        }))
                    }
                    (OutputKind::VcfBgzf, _) => Sink::Bgzf(bgzf(file)),
                    _ => Sink::Text(BufWriter::with_capacity(BUFFER_BYTES, file)),
                }
            }
        };
        let mut writer = Self {
            sink,
            path: path.into(),
            partial,
            lines: 0,
        };
        let written = match &mut writer.sink {
            Sink::Stdout(sink) => sink.write_all(header.as_bytes()),
            Sink::Text(sink) => sink.write_all(header.as_bytes()),
            Sink::Bgzf(sink) => sink.write_all(header.as_bytes()),
            Sink::Bcf(sink) => sink.writer.write_all(&preamble),
        };
        written.map_err(|source| writer.failed(source))?;
        Ok(writer)
    }

    /// Writes a line of VCF, given without line end.
    ///
    /// # Errors
    /// It cannot be written, or does not fit the header of a BCF file.
    pub fn write_line(&mut self, line: &[u8]) -> Result<(), WriteError> {
        self.lines += 1;
        let written = match &mut self.sink {
            Sink::Stdout(sink) => write_text(sink, line),
            Sink::Text(sink) => write_text(sink, line),
            Sink::Bgzf(sink) => write_text(sink, line),
            Sink::Bcf(sink) => {
                let record = sink
                    .encoder
                    .encode(line)
                    .map_err(|refusal| WriteError::Record {
                        path: self.path.clone(),
                        line: self.lines,
                        source: io::Error::new(io::ErrorKind::InvalidData, refusal),
                    })?;
                sink.writer.write_all(record)
            }
        };
        written.map_err(|source| self.failed(source))
    }

    /// Writes lines of VCF, each given with its line end.
    ///
    /// # Errors
    /// As [`AnnotatedWriter::write_line`].
    pub fn write_lines(&mut self, lines: &[u8]) -> Result<(), WriteError> {
        let written = match &mut self.sink {
            Sink::Stdout(sink) => sink.write_all(lines),
            Sink::Text(sink) => sink.write_all(lines),
            Sink::Bgzf(sink) => sink.write_all(lines),
            Sink::Bcf(_) => {
                return lines
                    .split_inclusive(|byte| *byte == b'\n')
                    .try_for_each(|line| {
                        self.write_line(line.strip_suffix(b"\n").unwrap_or(line))
                    });
            }
        };
        written.map_err(|source| self.failed(source))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// What was kept back cannot be written, or the file cannot be renamed.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let finished = match &mut self.sink {
            Sink::Stdout(sink) => sink.flush(),
            Sink::Text(sink) => sink.flush().and_then(|()| sink.get_ref().sync_all()),
            Sink::Bgzf(sink) => sink.finish().and_then(|file| file.sync_all()),
            Sink::Bcf(sink) => sink.writer.finish().and_then(|file| file.sync_all()),
        };
        finished.map_err(|source| self.failed(source))?;
        if let Some(partial) = &self.partial {
            std::fs::rename(partial, &self.path).map_err(|source| self.failed(source))?;
        }
        self.partial = None;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for AnnotatedWriter {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // Nobody can be told here; a file left over is recognised by its name.
            drop(std::fs::remove_file(partial));
        }
    }
}

fn write_text(sink: &mut impl Write, line: &[u8]) -> io::Result<()> {
    sink.write_all(line)?;
    sink.write_all(b"\n")
}

/// What makes the records of a BCF file, and the bytes before the first.
fn encoder(path: &Path, header: &str) -> Result<(bcf::Encoder, Vec<u8>), WriteError> {
    let refused = |detail| WriteError::Header {
        path: path.into(),
        detail,
    };
    let dictionary = bcf::Dictionary::parse(header).map_err(refused)?;
    let preamble = bcf::preamble(header).map_err(refused)?;
    Ok((bcf::Encoder::new(dictionary), preamble))
}

/// A name beside the target that no other run uses.
fn partial_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".partial-{}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "##fileformat=VCFv4.3\n##contig=<ID=1,length=100>\n\
        ##INFO=<ID=CSQ,Number=.,Type=String,Description=\"x\">\n\
        ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n\
        #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n";
    const LINE: &str = "1\t5\t.\tA\tC\t.\t.\tCSQ=a|b\tGT\t0|1";

    fn one() -> NonZero<usize> {
        NonZero::<usize>::MIN
    }

    fn write(path: &Path, lines: &[&str]) -> Result<(), WriteError> {
        let mut writer = AnnotatedWriter::create(path, HEADER, one())?;
        for line in lines {
            writer.write_line(line.as_bytes())?;
        }
        writer.finish()
    }

    #[test]
    fn every_kind_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.vcf", "x.vcf.gz", "x.vcf.bgz", "x.bcf"] {
            let path = folder.path().join(name);
            write(&path, &[LINE, LINE]).unwrap();
            let file = crate::FileInput::open(&path).unwrap();
            let text = crate::RecordText::new(&file);
            assert_eq!(file.header().samples, ["a"]);
            assert!(file.header().info.contains_key("CSQ"));
            let contigs = varisk_core::ContigSet::new([("1".to_owned(), 100)]);
            let settings = crate::SourceSettings {
                contigs: contigs.into(),
                regions: crate::Regions::all(),
                limits: varisk_core::RunLimits::default(),
            };
            let mut source = crate::RecordSource::try_new(vec![file], &settings).unwrap();
            let batch = source.next_batch().unwrap().unwrap();
            assert_eq!(batch.entries.len(), 2);
            for entry in &batch.entries {
                let mut scratch = Vec::new();
                let line = text.line(batch.record(entry), &mut scratch).unwrap();
                assert_eq!(String::from_utf8_lossy(line), LINE, "{name}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[test]
    fn nothing_is_left_of_a_file_that_is_not_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.vcf.gz");
        let mut writer = AnnotatedWriter::create(&path, HEADER, one()).unwrap();
        writer.write_line(LINE.as_bytes()).unwrap();
        assert!(!path.exists());
        drop(writer);
        let bad = "2\t5\t.\tA\tC\t.\t.\t.\tGT\t0|1";
        let error = write(&folder.path().join("x.bcf"), &[LINE, bad]).unwrap_err();
        assert!(
            matches!(error, WriteError::Record { line: 2, .. }),
            "{error}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_said_before_anything_is() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str, header: &str, part: &str| {
            let made = AnnotatedWriter::create(&folder.path().join(name), header, one());
            let error = made.map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        };
        check("x.txt", HEADER, "ends neither with .vcf");
        check("x.bcf", "#CHROM", "cannot be written as BCF");
        check("no/x.vcf", HEADER, "cannot create");
    }
}
