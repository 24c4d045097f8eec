//! From raw records to batches of normalised biallelic alleles with calls.

mod group;
mod table;

use std::sync::Arc;

use varisk_core::{ContigSet, PloidyMap, SiteBatch};
use varisk_reference::{Normaliser, SequenceReader};

use self::group::Group;
use self::table::SiteTable;
pub use self::table::decoded_schema;
use crate::genotype::decode_biallelic;
use crate::record::GenotypeBytes;
use crate::source::FileInput;
use crate::{BadRecord, RawBatch, ReadError, RecordParser};

/// What happens when REF is not what the reference has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefMismatch {
    /// The run stops.
    #[default]
    Refuse,
    /// The record's alleles are kept as rows with a reason.
    Quarantine,
}

/// What all decoders of a run share.
pub struct SiteDecoderSettings {
    files: Vec<FilePlan>,
    patients: usize,
    info_fields: Vec<String>,
    text_fields: Vec<String>,
    contigs: Arc<ContigSet>,
    ploidy: PloidyMap,
    ref_mismatch: RefMismatch,
}

/// How the records of one file are decoded.
struct FilePlan {
    name: String,
    parser: RecordParser,
    /// (sample column, patient column).
    columns: Vec<(usize, usize)>,
    /// The samples are the patients, in order: a row is decoded in place.
    in_place: bool,
}

impl SiteDecoderSettings {
    /// Plans the decoding of files.
    ///
    /// # Errors
    /// An INFO field is asked for that a file does not define, or that is not numeric; or two samples
    /// would fill the calls of one patient.
    pub fn try_new(
        files: &[FileInput],
        patients: usize,
        info_fields: &[String],
        contigs: Arc<ContigSet>,
        ploidy: PloidyMap,
        ref_mismatch: RefMismatch,
    ) -> Result<Self, ReadError> {
        check_columns(files, patients)?;
        let plans = files
            .iter()
            .map(|file| FilePlan::try_new(file, patients, info_fields))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            files: plans,
            patients,
            info_fields: info_fields.to_vec(),
            text_fields: Vec::new(),
            contigs,
            ploidy,
            ref_mismatch,
        })
    }

    /// Also keeps INFO fields as text: each batch then has a column `text.<FIELD>` for each, after
    /// the numeric ones, with the raw text of the row's allele. `files` are those that the settings
    /// were made for.
    ///
    /// # Errors
    /// A file's header does not define a field.
    pub fn with_text_fields(
        mut self,
        files: &[FileInput],
        fields: &[String],
    ) -> Result<Self, ReadError> {
        for (plan, file) in self.files.iter_mut().zip(files) {
            let parser = plan.parser.clone().with_text_fields(fields);
            plan.parser = parser.map_err(|detail| ReadError::Unsupported {
                file: file.name().to_owned(),
                detail,
            })?;
        }
        self.text_fields = fields.to_vec();
        Ok(self)
    }
}

impl FilePlan {
    fn try_new(
        file: &FileInput,
        patients: usize,
        info_fields: &[String],
    ) -> Result<Self, ReadError> {
        let samples = file.header().samples.len();
        let parser = RecordParser::try_new(file.format(), file.header().clone(), info_fields)
            .map_err(|detail| ReadError::Unsupported {
                file: file.name().to_owned(),
                detail,
            })?;
        let columns = file.columns().to_vec();
        let in_place = patients == samples
            && columns.len() == patients
            && columns.iter().all(|(sample, patient)| sample == patient);
        Ok(Self {
            name: file.name().to_owned(),
            parser,
            columns,
            in_place,
        })
    }
}

/// Each patient's calls come from one sample of one file: of two, the later one would win in silence.
fn check_columns(files: &[FileInput], patients: usize) -> Result<(), ReadError> {
    let mut filled = vec![false; patients];
    for file in files {
        for (sample, patient) in file.columns() {
            let refuse = |detail: String| ReadError::Sample {
                file: file.name().to_owned(),
                detail,
            };
            let patient = filled.get_mut(*patient).ok_or_else(|| {
                refuse(
                    "internal error: a sample is given to no patient; please report this"
                        .to_owned(),
                )
            })?;
            if std::mem::replace(patient, true) {
                return Err(refuse(format!(
                    "its sample column {} is given to a patient who has another sample already; name one sample for each patient",
                    sample + 1
                )));
            }
        }
    }
    Ok(())
}

/// What a decoder makes of a raw batch.
#[derive(Debug)]
pub struct Decoded {
    /// The alleles and calls.
    pub batch: SiteBatch,
    /// Records that were set aside.
    pub bad: Vec<BadRecord>,
    /// Input records, the bad ones included.
    pub records: u64,
    /// Alternate alleles of the good records, over all files, each record without one counted once.
    pub alleles: u64,
}

/// Decodes batches; one for each thread, with its own scratch and reference handle.
pub struct SiteDecoder {
    settings: Arc<SiteDecoderSettings>,
    normaliser: Normaliser,
    group: Group,
}

impl SiteDecoder {
    /// A decoder with its own handle of the reference.
    #[must_use]
    pub fn new(settings: Arc<SiteDecoderSettings>, reader: SequenceReader) -> Self {
        Self {
            settings,
            normaliser: Normaliser::new(reader),
            group: Group::default(),
        }
    }

    /// Decodes a batch.
    ///
    /// # Errors
    /// REF differs from the reference and that is refused, or the reference cannot be read.
    pub fn decode(&mut self, number: u64, raw: &RawBatch) -> Result<Decoded, ReadError> {
        let settings = Arc::clone(&self.settings);
        let mut table = SiteTable::new(&settings, raw.entries.len());
        let mut bad = Vec::new();
        for entries in raw
            .entries
            .chunk_by(|a, b| (a.contig, a.position) == (b.contig, b.position))
        {
            self.group.fill(&settings, raw, entries, &mut bad);
            if !decode_in_place(
                &settings,
                raw,
                &self.group,
                &mut table,
                &mut self.normaliser,
            )? {
                self.group
                    .decode(&settings, raw, &mut table, &mut self.normaliser, &mut bad)?;
            }
        }
        let alleles = table.alleles;
        let batch = table.finish(number)?;
        Ok(Decoded {
            batch,
            bad,
            records: raw.entries.len() as u64,
            alleles,
        })
    }
}

/// The common case without detours: one record at its position, one alternate allele, nothing but
/// GT, all samples of the file in order. Says whether it was that.
fn decode_in_place(
    settings: &SiteDecoderSettings,
    raw: &RawBatch,
    group: &Group,
    table: &mut SiteTable<'_>,
    normaliser: &mut Normaliser,
) -> Result<bool, ReadError> {
    let [member] = group.members() else {
        return Ok(false);
    };
    let plan = &settings.files[member.entry.file as usize];
    let GenotypeBytes::Text { samples, place } = &member.record.genotypes else {
        return Ok(false);
    };
    if !plan.in_place || place.field != 0 || member.record.alternates.len() != 1 {
        return Ok(false);
    }
    let bytes = &raw.bytes[member.entry.start..member.entry.end];
    if bytes[member.record.alternates[0].clone()] == *b"." {
        return Ok(false);
    }
    let row = table.calls.push_row(varisk_core::CallCode::MISSING);
    if !decode_biallelic(&bytes[samples.clone()], row) {
        table.calls.pop_row();
        return Ok(false);
    }
    table.push_site(plan, member, bytes, Some(0), None, normaliser)?;
    Ok(true)
}
