//! Records of one file taken apart, VCF text and BCF alike, without a reference.

use crate::dosage::{self, DosageField, DosageRow};
use crate::genotype::{GenotypeRow, MAX_ALLELE, decode_text, decode_typed};
use crate::info_text::WantedText;
use crate::record::GenotypeBytes;
use crate::{Defect, Header, InfoNumber, ParsedRecord, RecordFormat, WantedInfo, bcf, vcf};

/// FORMAT fields that say how sure a reference call is: GATK, DeepVariant and bcftools; Illumina;
/// GATK's GenotypeGVCFs at sites without a variant.
const GQ_FIELDS: [&str; 3] = ["GQ", "GQX", "RGQ"];
/// FORMAT fields of depth; the lowest of a block where it is stated.
const DEPTH_FIELDS: [&str; 2] = ["MIN_DP", "DP"];

/// Takes the records of a file apart as its header says.
#[derive(Clone, Debug)]
pub struct RecordParser {
    format: RecordFormat,
    header: Header,
    wanted: Vec<WantedInfo>,
    texts: Vec<WantedText>,
    /// Index of GT in the BCF dictionary.
    genotype_key: Option<usize>,
}

impl RecordParser {
    /// A parser that reads some INFO fields as numbers.
    ///
    /// # Errors
    /// A clause and the remedy: the header does not define a field, or not as a number.
    pub fn try_new(
        format: RecordFormat,
        header: Header,
        info_fields: &[String],
    ) -> Result<Self, String> {
        let position = |name: &str| header.strings.iter().position(|string| string == name);
        let wanted = info_fields
            .iter()
            .map(|name| {
                let refuse = |detail: &str| format!("{detail} the INFO field {name} that a model needs; annotate the file with it, or use another model");
                let definition = header
                    .info
                    .get(name)
                    .ok_or_else(|| refuse("its header does not define"))?;
                if !definition.numeric {
                    return Err(refuse("its header does not define as a number"));
                }
                Ok(WantedInfo {
                    name: name.clone(),
                    number: definition.number,
                    dictionary_index: position(name),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            format,
            wanted,
            texts: Vec::new(),
            genotype_key: position("GT"),
            header,
        })
    }

    /// Also keeps some INFO fields as text, see [`RecordParser::text_value`].
    ///
    /// # Errors
    /// A clause and the remedy: the header does not define a field.
    pub fn with_text_fields(mut self, fields: &[String]) -> Result<Self, String> {
        self.texts = fields
            .iter()
            .map(|name| WantedText::find(&self.header, name))
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// For records that have no INFO: fields that the header lacks are missing, not refused.
    pub(crate) fn with_info(mut self, fields: &[String]) -> Self {
        self.header = self.header.with_info(fields);
        self
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Takes a record apart.
    ///
    /// # Errors
    /// The record is not what VCF allows; it can be set aside.
    pub fn parse(&self, bytes: &[u8], record: &mut ParsedRecord) -> Result<(), Defect> {
        match self.format {
            RecordFormat::Vcf => {
                let samples = self.header.samples.len();
                vcf::parse(bytes, samples, &self.wanted, &self.texts, record)
            }
            RecordFormat::Bcf => bcf::parse(
                bytes,
                &self.header,
                self.genotype_key,
                &self.wanted,
                &self.texts,
                record,
            ),
        }
    }

    /// Decodes the genotypes of a record that [`RecordParser::parse`] took apart from the same
    /// bytes; `false` where it has none.
    ///
    /// # Errors
    /// They are not one genotype of the record's alleles for each sample.
    pub fn decode_genotypes(
        &self,
        bytes: &[u8],
        record: &ParsedRecord,
        row: &mut GenotypeRow,
    ) -> Result<bool, Defect> {
        let samples = self.header.samples.len();
        let named = record
            .alternates
            .iter()
            .filter(|range| bytes.get((*range).clone()) != Some(b"."))
            .count();
        // VCF allows a call of an alternate that the record leaves unnamed (ALT '.'): it counts as
        // another allele, neither reference nor missing. Where alternates are named, all are.
        let alternates = if named == 0 {
            MAX_ALLELE as usize
        } else {
            named
        };
        match &record.genotypes {
            GenotypeBytes::None => return Ok(false),
            GenotypeBytes::Text {
                samples: range,
                place,
            } => {
                let text = bytes.get(range.clone()).unwrap_or_default();
                decode_text(text, *place, samples, alternates, row)?;
            }
            GenotypeBytes::Typed {
                width,
                per_sample,
                values,
            } => {
                decode_typed(
                    bytes,
                    values.clone(),
                    *width,
                    *per_sample,
                    samples,
                    alternates,
                    row,
                )?;
            }
        }
        Ok(true)
    }

    /// Decodes the dosages of a record whose genotypes, where it has any, were found sound; `false`
    /// where it states none.
    pub(crate) fn decode_dosages(
        &self,
        bytes: &[u8],
        record: &ParsedRecord,
        field: DosageField,
        row: &mut DosageRow,
    ) -> Result<bool, Defect> {
        let name = field.name();
        let alternates = match record.alternates.as_slice() {
            [only] if bytes.get(only.clone()) == Some(b".") => 0,
            all => all.len(),
        };
        let format = bytes.get(record.format.clone()).unwrap_or_default();
        let place = format
            .split(|b| *b == b':')
            .position(|key| key == name.as_bytes());
        let is_it = |key: usize| self.header.strings.get(key).is_some_and(|key| key == name);
        let typed = record.format_fields.iter().find(|(key, _)| is_it(*key));
        if alternates == 0 || place.is_none() && typed.is_none() {
            return Ok(false);
        }
        let number = self.header.format_numbers.get(name).map(String::as_str);
        if field == DosageField::Ds && alternates > 1 && number == Some("1") {
            return Err(Defect::new(
                "dosage",
                format!(
                    "the header defines DS with Number=1, which does not say which of the record's {alternates} alternate alleles it counts; write it with Number=A"
                ),
            ));
        }
        if let Some((_, values)) = typed {
            let samples = self.header.samples.len();
            let numbers =
                |sample, out: &mut Vec<_>| bcf::sample_numbers(bytes, values, sample, out);
            dosage::decode_numbers(samples, numbers, field, alternates, row)?;
        } else if let Some(place) = place {
            let text = bytes.get(record.format.end + 1..).unwrap_or_default();
            dosage::decode_text(text, place, field, alternates, row)?;
        }
        Ok(true)
    }

    /// For each sample genotype quality (phred) and depth, as they say how sure a reference call is;
    /// `None` where the record does not state them.
    pub(crate) fn reference_quality(
        &self,
        bytes: &[u8],
        record: &ParsedRecord,
        samples: usize,
    ) -> (Vec<Option<u32>>, Vec<Option<u32>>) {
        (
            self.format_numbers(bytes, record, &GQ_FIELDS, samples),
            self.format_numbers(bytes, record, &DEPTH_FIELDS, samples),
        )
    }

    /// For each sample the first value of the first of some FORMAT fields that has a number, rounded
    /// down; `None` where none has.
    fn format_numbers(
        &self,
        bytes: &[u8],
        record: &ParsedRecord,
        fields: &[&str],
        samples: usize,
    ) -> Vec<Option<u32>> {
        let mut found = vec![None; samples];
        for field in fields {
            let numbers = match &record.genotypes {
                GenotypeBytes::Text { samples: range, .. } => {
                    let format = bytes.get(record.format.clone()).unwrap_or_default();
                    let text = bytes.get(range.clone()).unwrap_or_default();
                    vcf::first_numbers(format, text, field)
                }
                _ => record
                    .format_fields
                    .iter()
                    .find(|(key, _)| self.header.strings.get(*key).is_some_and(|k| k == field))
                    .map(|(_, values)| bcf::first_numbers(bytes, values, samples))
                    .unwrap_or_default(),
            };
            for (old, number) in found.iter_mut().zip(numbers) {
                *old = old.or_else(|| number.and_then(whole));
            }
        }
        found
    }

    /// Text of an INFO field asked for with [`RecordParser::with_text_fields`] (by its place there)
    /// for one alternate allele (0-based), percent-encoding as written: a field of Number=A or R
    /// gives the allele's own value, any other its whole text, a flag `1`. `None` where the record
    /// has no value for the allele.
    #[must_use]
    pub fn text_value<'r>(
        &self,
        record: &'r ParsedRecord,
        field: usize,
        alternate: Option<usize>,
    ) -> Option<&'r str> {
        self.texts
            .get(field)?
            .value(record.texts.get(field)?, alternate)
    }

    /// Value of a wanted INFO field for one alternate allele (0-based).
    pub(crate) fn info_value(
        &self,
        record: &ParsedRecord,
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

/// A quality or depth as whole number; `None` for what is neither.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of a number that is not negative saturates"
)]
fn whole(number: f32) -> Option<u32> {
    (number >= 0.0).then_some(number as u32)
}
