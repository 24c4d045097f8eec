//! Passing the records of a file through with more INFO: records as lines of VCF, header lines and
//! INFO fields that are added to them, and a writer of VCF and BCF.

mod bcf;
mod header;
mod info;
mod writer;

pub use self::header::with_header_lines;
pub use self::info::{append_info, escape_info_value};
pub use self::writer::{AnnotatedWriter, OutputKind, WriteError};
use crate::{Defect, FileInput, Header, RecordFormat};

/// Gives the records of one file as lines of VCF.
#[derive(Clone, Debug)]
pub struct RecordText {
    format: RecordFormat,
    header: Header,
}

impl RecordText {
    /// For the records of a file.
    #[must_use]
    pub fn new(file: &FileInput) -> Self {
        Self {
            format: file.format(),
            header: file.header().clone(),
        }
    }

    /// A record as a line of VCF without line end: VCF as it is written, BCF converted into
    /// `scratch`.
    ///
    /// # Errors
    /// A BCF record is damaged or names what the header lacks.
    pub fn line<'a>(&self, record: &'a [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], Defect> {
        match self.format {
            RecordFormat::Vcf => Ok(record),
            RecordFormat::Bcf => {
                scratch.clear();
                crate::bcf::to_line(record, &self.header, scratch)
                    .ok_or_else(|| Defect::new("layout", "the binary record is damaged"))?;
                Ok(scratch)
            }
        }
    }
}
