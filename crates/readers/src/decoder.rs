//! From raw records to batches of normalised biallelic alleles with calls.

mod group;
mod table;

use std::sync::Arc;

use varisk_core::{ContigSet, PloidyMap, SiteBatch};
use varisk_reference::{Normaliser, SequenceReader};

use self::group::Group;
use self::table::SiteTable;
use crate::genotype::decode_biallelic;
use crate::record::{GenotypeBytes, WantedInfo};
use crate::source::FileInput;
use crate::{BadRecord, Defect, Header, InfoNumber, RawBatch, ReadError, RecordFormat, bcf, vcf};

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
    contigs: Arc<ContigSet>,
    ploidy: PloidyMap,
    ref_mismatch: RefMismatch,
}

/// How the records of one file are decoded.
struct FilePlan {
    name: String,
    format: RecordFormat,
    header: Header,
    wanted: Vec<WantedInfo>,
    genotype_key: Option<usize>,
    /// (sample column, patient column).
    columns: Vec<(usize, usize)>,
    /// The samples are the patients, in order: a row is decoded in place.
    in_place: bool,
}

impl SiteDecoderSettings {
    /// Plans the decoding of files.
    ///
    /// # Errors
    /// An INFO field is asked for that no file defines, or that is not numeric.
    pub fn try_new(
        files: &[FileInput],
        patients: usize,
        info_fields: &[String],
        contigs: Arc<ContigSet>,
        ploidy: PloidyMap,
        ref_mismatch: RefMismatch,
    ) -> Result<Self, ReadError> {
        let plans = files
            .iter()
            .map(|file| FilePlan::try_new(file, patients, info_fields))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            files: plans,
            patients,
            info_fields: info_fields.to_vec(),
            contigs,
            ploidy,
            ref_mismatch,
        })
    }
}

impl FilePlan {
    fn try_new(
        file: &FileInput,
        patients: usize,
        info_fields: &[String],
    ) -> Result<Self, ReadError> {
        let header = file.header().clone();
        let position = |name: &str| header.strings.iter().position(|string| string == name);
        let wanted = info_fields.iter().map(|name| {
            let refuse = |detail: &str| ReadError::Unsupported {
                file: file.name().to_owned(),
                detail: format!("{detail} the INFO field {name} that a model needs; annotate the file with it, or use another model"),
            };
            let definition = header.info.get(name).ok_or_else(|| refuse("its header does not define"))?;
            if !definition.numeric {
                return Err(refuse("its header defines as text"));
            }
            Ok(WantedInfo { name: name.clone(), number: definition.number, dictionary_index: position(name) })
        });
        let columns = file.columns().to_vec();
        let in_place = patients == header.samples.len()
            && columns.len() == patients
            && columns.iter().all(|(sample, patient)| sample == patient);
        Ok(Self {
            name: file.name().to_owned(),
            format: file.format(),
            wanted: wanted.collect::<Result<_, _>>()?,
            genotype_key: position("GT"),
            columns,
            in_place,
            header,
        })
    }
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
    let GenotypeBytes::Text { samples, field: 0 } = &member.record.genotypes else {
        return Ok(false);
    };
    if !plan.in_place || member.record.alternates.len() != 1 {
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

impl FilePlan {
    fn parse(&self, bytes: &[u8], record: &mut crate::ParsedRecord) -> Result<(), Defect> {
        match self.format {
            RecordFormat::Vcf => {
                vcf::parse_line(bytes, self.header.samples.len(), &self.wanted, record)
            }
            RecordFormat::Bcf => {
                bcf::parse(bytes, &self.header, self.genotype_key, &self.wanted, record)
            }
        }
    }

    /// Value of a wanted INFO field for one alternate allele (0-based).
    fn info_value(
        &self,
        record: &crate::ParsedRecord,
        field: usize,
        alternate: Option<usize>,
    ) -> Option<f32> {
        let values = record.info.get(field)?;
        let index = match (self.wanted.get(field)?.number, alternate) {
            (InfoNumber::Alternate, Some(alternate)) => alternate,
            (InfoNumber::Allele, Some(alternate)) => alternate + 1,
            (InfoNumber::Alternate | InfoNumber::Allele, None) => return None,
            _ => 0,
        };
        values.get(index).copied().flatten()
    }
}
