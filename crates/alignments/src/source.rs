//! A BAM or CRAM of the run: opened and checked once, shared by all threads.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use md5::{Digest, Md5};
use varisk_core::{ContigId, ContigSet};
use varisk_reference::{Reference, ReferenceError};

use crate::AlignmentError;
use crate::bam::{self, BamIndex};
use crate::door::{self, FileKind};
use crate::filters::AlignmentOptions;
use crate::header::AlignmentHeader;
use crate::reader::AlignmentReader;

/// The reference of the run and the MD5 checksums of its contigs, each computed when first needed
/// and then kept for all files.
#[derive(Clone, Debug)]
pub struct AlignmentReference(Arc<ReferenceInner>);

#[derive(Debug)]
struct ReferenceInner {
    reference: Reference,
    checksums: Mutex<HashMap<ContigId, String>>,
}

/// Bases that are hashed at a time.
const HASHED_BASES: u32 = 1 << 20;

impl AlignmentReference {
    /// Wraps the run's reference; one for the run, given to every [`AlignmentSource::open`].
    #[must_use]
    pub fn new(reference: Reference) -> Self {
        Self(Arc::new(ReferenceInner {
            reference,
            checksums: Mutex::new(HashMap::new()),
        }))
    }

    /// The reference itself.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.0.reference
    }

    /// The M5 checksum of a contig of the reference: of its bases in upper case, in hexadecimal.
    fn checksum(&self, contig: ContigId) -> Result<String, ReferenceError> {
        // Held while hashing, so that threads do not hash the same contig side by side.
        let mut known = self
            .0
            .checksums
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(checksum) = known.get(&contig) {
            return Ok(checksum.clone());
        }
        let mut reader = self.0.reference.reader()?;
        let length = self.0.reference.contigs().length(contig);
        let mut digest = Md5::new();
        let mut bases = vec![0; HASHED_BASES as usize];
        let mut start = 0;
        while start < length {
            let count = HASHED_BASES.min(length - start);
            let bases = &mut bases[..count as usize];
            reader.fill(contig, i64::from(start), bases)?;
            digest.update(&*bases);
            start += count;
        }
        let mut checksum = String::with_capacity(32);
        for byte in digest.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(checksum, "{byte:02x}");
        }
        known.insert(contig, checksum.clone());
        Ok(checksum)
    }
}

/// A BAM or CRAM of one patient. Immutable; a clone shares everything.
///
/// # Memory
/// Header and, of a BAM, index.
#[derive(Clone, Debug)]
pub struct AlignmentSource(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    header: AlignmentHeader,
    /// The file's contig for each of the run's.
    file_contigs: Vec<Option<usize>>,
    pub(crate) contigs: Arc<ContigSet>,
    pub(crate) options: AlignmentOptions,
    /// Read groups that count, where the file holds other samples too.
    pub(crate) groups: Option<HashSet<Vec<u8>>>,
    pub(crate) reference: Option<AlignmentReference>,
    checked: Mutex<HashSet<ContigId>>,
}

#[derive(Debug)]
pub(crate) enum Format {
    Bam(BamIndex),
    #[cfg(feature = "cram")]
    Cram {
        index: PathBuf,
        reference: PathBuf,
    },
}

impl AlignmentSource {
    /// Opens a file and checks it: complete, indexed, index not older than the file, contigs of the
    /// lengths of the run's, reads of one sample.
    ///
    /// `reference` is needed for CRAM and for indels. Contigs are found by any of their usual names.
    ///
    /// # Errors
    /// Any of that does not hold, or the file cannot be read.
    pub fn open(
        path: impl AsRef<Path>,
        reference: Option<&AlignmentReference>,
        contigs: &Arc<ContigSet>,
        options: &AlignmentOptions,
    ) -> Result<Self, AlignmentError> {
        let path = path.as_ref();
        let kind = door::check_file(path)?;
        let (format, header) = match kind {
            FileKind::Bam => {
                let index = door::find_index(path, kind)?;
                open_bam(path, &index)?
            }
            FileKind::Cram => open_cram(path, reference)?,
        };
        let groups = chosen_groups(path, &header, options.sample.as_deref())?;
        let file_contigs = match_contigs(path, &header, contigs)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            format,
            header,
            file_contigs,
            contigs: contigs.clone(),
            options: options.clone(),
            groups,
            reference: reference.cloned(),
            checked: Mutex::new(HashSet::new()),
        })))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Samples of the read groups, sorted; empty where no read group names one, so that nothing says
    /// whose reads these are. Not for messages or logs.
    #[must_use]
    pub fn samples(&self) -> Vec<String> {
        self.0.header.samples()
    }

    /// Whether the header has a read group.
    #[must_use]
    pub fn has_read_groups(&self) -> bool {
        !self.0.header.read_groups.is_empty()
    }

    /// How the file was opened.
    #[must_use]
    pub fn options(&self) -> &AlignmentOptions {
        &self.0.options
    }

    /// Whether the file has a contig of the run; reads say nothing about one that it lacks.
    #[must_use]
    pub fn has_contig(&self, contig: ContigId) -> bool {
        self.0.file_contig(contig).is_some()
    }

    /// A reader with a file handle and buffers of its own; one for each thread.
    ///
    /// # Errors
    /// The file cannot be opened (any more).
    pub fn reader(&self) -> Result<AlignmentReader, AlignmentError> {
        AlignmentReader::open(self.0.clone())
    }
}

impl Inner {
    pub(crate) fn file_contig(&self, contig: ContigId) -> Option<usize> {
        self.file_contigs.get(contig.0 as usize).copied().flatten()
    }

    /// Compares the M5 checksum of a contig with the reference, once for each contig.
    pub(crate) fn check_checksum(&self, contig: ContigId) -> Result<(), AlignmentError> {
        let is_bam = matches!(self.format, Format::Bam(_));
        if is_bam && !self.options.check_checksums {
            return Ok(());
        }
        let (Some(reference), Some(file_contig)) = (&self.reference, self.file_contig(contig))
        else {
            return Ok(());
        };
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if !checked.insert(contig) {
            return Ok(());
        }
        let expected = self
            .header
            .contigs
            .get(file_contig)
            .and_then(|contig| contig.checksum.as_deref());
        let name = self.contigs.name(contig);
        let own = reference.reference().contigs().find(name);
        if let (Some(expected), Some(own)) = (expected, own)
            && reference.checksum(own)? != expected
        {
            checked.remove(&contig);
            return Err(AlignmentError::OtherReference {
                path: self.path.clone(),
                contig: name.to_owned(),
            });
        }
        Ok(())
    }
}

fn open_bam(path: &Path, index: &Path) -> Result<(Format, AlignmentHeader), AlignmentError> {
    let header = bam::read_header(path).map_err(|error| AlignmentError::BadHeader {
        path: path.to_owned(),
        detail: error.to_string(),
    })?;
    let bad_index = |source| AlignmentError::BadIndex {
        path: path.to_owned(),
        index: index.to_owned(),
        source,
    };
    let parsed = BamIndex::read(index).map_err(bad_index)?;
    if parsed.contigs() != header.contigs.len() {
        let detail = "it is of a file with other contigs";
        return Err(bad_index(std::io::Error::other(detail)));
    }
    Ok((Format::Bam(parsed), header))
}

#[cfg(feature = "cram")]
fn open_cram(
    path: &Path,
    reference: Option<&AlignmentReference>,
) -> Result<(Format, AlignmentHeader), AlignmentError> {
    let Some(reference) = reference else {
        return Err(AlignmentError::NoReference {
            path: path.to_owned(),
            purpose: "CRAM keeps differences from it",
        });
    };
    let index = door::find_index(path, FileKind::Cram)?;
    let reference = reference.reference().path().to_owned();
    let header = crate::cram::read_header(path).map_err(|detail| AlignmentError::BadHeader {
        path: path.to_owned(),
        detail,
    })?;
    crate::cram::CramStream::open(path, &index, &reference).map_err(|source| {
        AlignmentError::BadIndex {
            path: path.to_owned(),
            index: index.clone(),
            source,
        }
    })?;
    Ok((Format::Cram { index, reference }, header))
}

#[cfg(not(feature = "cram"))]
fn open_cram(
    path: &Path,
    _: Option<&AlignmentReference>,
) -> Result<(Format, AlignmentHeader), AlignmentError> {
    Err(AlignmentError::CramNotBuilt {
        path: path.to_owned(),
    })
}

/// Read groups that count; `None` where all do.
fn chosen_groups(
    path: &Path,
    header: &AlignmentHeader,
    sample: Option<&str>,
) -> Result<Option<HashSet<Vec<u8>>>, AlignmentError> {
    let samples = header.samples();
    match sample {
        None if samples.len() > 1 => Err(AlignmentError::SeveralSamples {
            path: path.to_owned(),
            samples: samples.len(),
        }),
        None => Ok(None),
        Some(sample) => {
            let groups = header.groups_of(sample);
            if groups.is_empty() {
                return Err(AlignmentError::NoSuchSample {
                    path: path.to_owned(),
                });
            }
            // Reads without a read group count where there is no one else they could be of.
            Ok((samples.len() > 1).then_some(groups))
        }
    }
}

/// The file's contig for each of the run's, compared by length.
fn match_contigs(
    path: &Path,
    header: &AlignmentHeader,
    contigs: &ContigSet,
) -> Result<Vec<Option<usize>>, AlignmentError> {
    let mut matched: Vec<Option<usize>> = vec![None; contigs.len()];
    for (index, contig) in header.contigs.iter().enumerate() {
        let Some(id) = contigs.find(&contig.name) else {
            continue;
        };
        let is_exact = contigs.name(id) == contig.name;
        let Some(slot) = matched.get_mut(id.0 as usize) else {
            continue;
        };
        // The name as the run writes it wins over an alias.
        if slot.is_some() && !is_exact {
            continue;
        }
        let expected = contigs.length(id);
        if u64::from(expected) != contig.length {
            return Err(AlignmentError::OtherBuild {
                path: path.to_owned(),
                contig: contigs.name(id).to_owned(),
                found: contig.length,
                expected,
            });
        }
        *slot = Some(index);
    }
    if matched.iter().all(Option::is_none) {
        return Err(AlignmentError::NoSharedContig {
            path: path.to_owned(),
        });
    }
    Ok(matched)
}

#[cfg(test)]
mod tests;
