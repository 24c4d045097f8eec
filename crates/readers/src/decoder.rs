//! From raw records to batches of normalised biallelic alleles with calls.

mod allele;
mod group;
mod inference;
mod table;

use std::sync::Arc;

use varisk_core::{ContigSet, NO_DOSAGE, PloidyMap, SiteBatch};
use varisk_reference::{Normaliser, RefCheck, SequenceReader};

use self::group::Group;
use self::inference::Inference;
use self::table::SiteTable;
pub use self::table::decoded_schema;
use crate::dosage::decode_biallelic_with_dosage;
use crate::genotype::{decode_biallelic, decode_biallelic_typed};
use crate::record::GenotypeBytes;
use crate::source::FileInput;
use crate::wanted::single_base;
use crate::{
    BadRecord, DosageField, Entry, RawBatch, ReadError, RecordFormat, RecordParser,
    ReferenceEvidence, WantedSites,
};

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
    evidence: Option<ReferenceEvidence>,
    wanted: Option<Arc<WantedSites>>,
    dosages: Option<DosageField>,
}

/// How the records of one file are decoded.
struct FilePlan {
    name: String,
    format: RecordFormat,
    parser: RecordParser,
    /// (sample column, patient column).
    columns: Vec<(usize, usize)>,
    /// The samples are the patients, in order: a row is decoded in place.
    in_place: bool,
    /// Sites that are only asked for, in nobody's file.
    asked: bool,
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
            evidence: None,
            wanted: None,
            dosages: None,
        })
    }

    /// Also infers the state of each site where a patient's file has no record of the allele, and
    /// sets gVCF blocks aside whose END lies or that overlap. Batches must come from
    /// [`crate::RecordSource::with_context`].
    ///
    /// A row gets a call with the first of these that speaks: a record of its own; a variant of the
    /// patient that removes the site, or a record of its POS that speaks of any allele; blocks that
    /// cover the whole site; a callable region; the assumption. Rows with a reason and sites longer
    /// than [`crate::MAX_SITE`] are left as they are.
    #[must_use]
    pub fn with_reference_evidence(mut self, evidence: ReferenceEvidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Makes rows only where they are needed. All records of a position that is not wanted are passed
    /// over where each of them speaks of a single base: REF is one base, and each ALT is one base,
    /// `*`, `<NON_REF>`, `<*>` or `.`. An allele that normalisation could move to a wanted position is
    /// never passed over, nor is a record whose REF is not that of the reference, nor a block that is
    /// set aside. Sites in memory are records too: their positions must be among those wanted.
    ///
    /// What is passed over is not parsed beyond ALT, so damage behind it is not noticed. It stays
    /// evidence for the sites around it.
    #[must_use]
    pub fn with_wanted(mut self, wanted: Arc<WantedSites>) -> Self {
        self.wanted = Some(wanted);
        self
    }

    /// Also keeps the dosages that records state in a FORMAT field: for each row the copies of its
    /// alternate allele in each patient, see [`varisk_core::CallMatrix::dosages`]. A row whose record
    /// lacks the field has none, and a patient whose file has no record of the allele, or whose value
    /// is missing, has [`varisk_core::NO_DOSAGE`] there: then the calls count.
    ///
    /// A record whose values are not copies between 0 and 2 (DS), or not probabilities with the sum 1
    /// (GP), is set aside.
    #[must_use]
    pub fn with_dosages(mut self, field: DosageField) -> Self {
        self.dosages = Some(field);
        self
    }

    /// Whether batches must carry the records around them.
    #[must_use]
    pub fn needs_context(&self) -> bool {
        self.evidence.is_some()
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
            let mut parser = plan.parser.clone();
            if file.is_in_memory() {
                parser = parser.with_info(fields);
            }
            let parser = parser.with_text_fields(fields);
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
        let mut header = file.header().clone();
        if file.is_in_memory() {
            header = header.with_info(info_fields);
        }
        let parser =
            RecordParser::try_new(file.format(), header, info_fields).map_err(|detail| {
                ReadError::Unsupported {
                    file: file.name().to_owned(),
                    detail,
                }
            })?;
        let columns = file.columns().to_vec();
        let in_place = patients == samples
            && columns.len() == patients
            && columns.iter().all(|(sample, patient)| sample == patient);
        Ok(Self {
            name: file.name().to_owned(),
            format: file.format(),
            parser,
            columns,
            in_place,
            asked: file.is_asked(),
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
    /// Alternate alleles of the good records, over all files, each record without one counted once;
    /// those of records that were passed over do not count.
    pub alleles: u64,
    /// Input records that were passed over, see [`SiteDecoderSettings::with_wanted`].
    pub passed_over: u64,
    /// For each entry of the raw batch how many rows it made, in order: 0 for a bad record, for one
    /// that was passed over, and for one whose alleles all stand in rows of an earlier file's record.
    pub rows_per_record: Vec<u32>,
}

/// Decodes batches; one for each thread, with its own scratch and reference handle.
pub struct SiteDecoder {
    settings: Arc<SiteDecoderSettings>,
    normaliser: Normaliser,
    group: Group,
    inference: Inference,
}

impl SiteDecoder {
    /// A decoder with its own handle of the reference.
    #[must_use]
    pub fn new(settings: Arc<SiteDecoderSettings>, reader: SequenceReader) -> Self {
        Self {
            settings,
            normaliser: Normaliser::new(reader),
            group: Group::default(),
            inference: Inference::default(),
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
        if settings.evidence.is_some() {
            if !raw.has_context {
                return Err(ReadError::NoContext);
            }
            self.inference.index(&settings, raw);
        }
        let mut passed_over = 0;
        let mut rows_per_record = Vec::with_capacity(raw.entries.len());
        for entries in raw
            .entries
            .chunk_by(|a, b| (a.contig, a.position) == (b.contig, b.position))
        {
            if self.can_pass_over(&settings, raw, entries)? {
                passed_over += entries.len() as u64;
                rows_per_record.extend(entries.iter().map(|_| 0));
                continue;
            }
            self.group
                .fill(&settings, raw, entries, &self.inference, &mut bad);
            let before = table.owners.len();
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
            count_rows(entries, &table.owners[before..], &mut rows_per_record);
        }
        if let Some(evidence) = &settings.evidence {
            self.inference.fill(&settings, evidence, raw, &mut table);
            let normaliser = &mut self.normaliser;
            self.inference
                .give_way(&settings, raw, &mut table, normaliser);
        }
        let alleles = table.alleles;
        let batch = table.finish(number)?;
        Ok(Decoded {
            batch,
            bad,
            records: raw.entries.len() as u64,
            alleles,
            passed_over,
            rows_per_record,
        })
    }

    /// Whether the records of a position need no row.
    fn can_pass_over(
        &mut self,
        settings: &SiteDecoderSettings,
        raw: &RawBatch,
        entries: &[Entry],
    ) -> Result<bool, ReadError> {
        let (Some(wanted), [first, ..]) = (&settings.wanted, entries) else {
            return Ok(false);
        };
        if wanted.contains(first.contig, first.position) {
            return Ok(false);
        }
        for entry in entries {
            let plan = &settings.files[entry.file as usize];
            let Some(base) = single_base(plan.format, raw.record(entry)) else {
                return Ok(false);
            };
            // A file of another build must be refused even if its records are not needed.
            let checked = self
                .normaliser
                .check_reference(entry.contig, entry.position, &[base])?;
            if checked != RefCheck::Match || self.inference.defect(entry).is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// How many rows each record of a position made; `owners` are the files and record numbers of the
/// rows.
fn count_rows(entries: &[Entry], owners: &[(u32, u64)], out: &mut Vec<u32>) {
    out.extend(entries.iter().map(|entry| {
        let own = owners
            .iter()
            .filter(|owner| **owner == (entry.file, entry.record));
        u32::try_from(own.count()).unwrap_or(u32::MAX)
    }));
}

/// The common case without detours: one record at its position, one alternate allele, nothing but
/// GT, or GT and the field of the dosages that are wanted, all samples of the file in order. Says
/// whether it was that.
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
    if !plan.in_place || member.record.alternates.len() != 1 {
        return Ok(false);
    }
    let bytes = &raw.bytes[member.entry.start..member.entry.end];
    if bytes[member.record.alternates[0].clone()] == *b"." {
        return Ok(false);
    }
    let (samples, place) = match &member.record.genotypes {
        GenotypeBytes::Text { samples, place } if place.field == 0 => (samples, place),
        GenotypeBytes::Typed {
            width: 1,
            per_sample: 2,
            values,
        } if settings.dosages.is_none() => {
            let codes = table.calls.push_row(varisk_core::CallCode::MISSING);
            let values = bytes.get(values.clone()).unwrap_or_default();
            if !decode_biallelic_typed(values, codes) {
                table.calls.pop_row();
                return Ok(false);
            }
            table.push_site(plan, member, bytes, Some(0), None, normaliser)?;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    let text = &bytes[samples.clone()];
    let row = u32::try_from(table.calls.rows()).unwrap_or(u32::MAX);
    let codes = table.calls.push_row(varisk_core::CallCode::MISSING);
    let format = &bytes[member.record.format.clone()];
    let field = settings.dosages.filter(|field| begins_with(format, *field));
    let mut dosages = None;
    let decoded = if let Some(field) = field {
        let copies = dosages.insert(vec![NO_DOSAGE; settings.patients].into_boxed_slice());
        decode_biallelic_with_dosage(text, place.fields, field, codes, copies)
    } else {
        decode_biallelic(text, codes)
    };
    if !decoded {
        table.calls.pop_row();
        return Ok(false);
    }
    if let Some(dosages) = dosages {
        table.calls.set_dosages(row, dosages);
    }
    table.push_site(plan, member, bytes, Some(0), None, normaliser)?;
    Ok(true)
}

/// Whether FORMAT begins with GT and a field.
fn begins_with(format: &[u8], field: DosageField) -> bool {
    let rest = format.strip_prefix(b"GT:");
    let rest = rest.and_then(|rest| rest.strip_prefix(field.name().as_bytes()));
    matches!(rest, Some([] | [b':', ..]))
}
