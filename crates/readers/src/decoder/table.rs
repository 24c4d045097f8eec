//! The columns of a batch in the making.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Builder, StringBuilder, UInt8Builder, UInt16Builder, UInt32Builder,
    UInt64Builder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use varisk_core::{
    AlleleClass, CallMatrix, ContigId, Position, Reason, SiteBatch, SiteClass, VariantKey, columns,
    site_schema,
};
use varisk_reference::{NormaliseError, Normaliser};

use super::group::Member;
use super::inference::RowSite;
use super::{FilePlan, RefMismatch, SiteDecoderSettings};
use crate::{Entry, MAX_SHIFT, MAX_SITE, ReadError, Site};

/// Schema of the batches that a decoder gives: [`site_schema`] of the numeric INFO fields, then one
/// nullable `Utf8` column `text.<FIELD>` for each field kept as text.
#[must_use]
pub fn decoded_schema(info_fields: &[String], text_fields: &[String]) -> SchemaRef {
    let sites = site_schema(info_fields);
    let texts = text_fields.iter().map(|name| {
        let name = format!("{}{name}", columns::TEXT_PREFIX);
        Arc::new(Field::new(name, DataType::Utf8, true))
    });
    let fields: Vec<_> = sites.fields().iter().cloned().chain(texts).collect();
    Arc::new(Schema::new(fields))
}

/// Column builders, in the order of [`decoded_schema`], and the call matrix.
pub(super) struct SiteTable<'s> {
    settings: &'s SiteDecoderSettings,
    pub(super) calls: CallMatrix,
    /// Alternate alleles of the input, over all files.
    pub(super) alleles: u64,
    /// File and record number of the record that made each row.
    pub(super) owners: Vec<(u32, u64)>,
    /// For each row its site where states are inferred.
    pub(super) row_sites: Vec<Option<RowSite>>,
    contig: UInt32Builder,
    position: UInt32Builder,
    reference: StringBuilder,
    alternate: StringBuilder,
    variant_key: UInt64Builder,
    allele_class: StringBuilder,
    input_position: UInt32Builder,
    input_reference: StringBuilder,
    input_alternate: StringBuilder,
    alternate_index: UInt16Builder,
    id: StringBuilder,
    quality: Float32Builder,
    filter: StringBuilder,
    site_class: UInt8Builder,
    reason: StringBuilder,
    info: Vec<Float32Builder>,
    texts: Vec<StringBuilder>,
}

/// An allele after normalisation, or as it was where that is impossible.
struct Place {
    position: Position,
    class: AlleleClass,
    reason: Option<Reason>,
}

impl<'s> SiteTable<'s> {
    pub(super) fn new(settings: &'s SiteDecoderSettings, rows: usize) -> Self {
        Self {
            settings,
            calls: CallMatrix::with_capacity(settings.patients, rows),
            alleles: 0,
            owners: Vec::with_capacity(rows),
            row_sites: Vec::new(),
            contig: UInt32Builder::new(),
            position: UInt32Builder::new(),
            reference: StringBuilder::new(),
            alternate: StringBuilder::new(),
            variant_key: UInt64Builder::new(),
            allele_class: StringBuilder::new(),
            input_position: UInt32Builder::new(),
            input_reference: StringBuilder::new(),
            input_alternate: StringBuilder::new(),
            alternate_index: UInt16Builder::new(),
            id: StringBuilder::new(),
            quality: Float32Builder::new(),
            filter: StringBuilder::new(),
            site_class: UInt8Builder::new(),
            reason: StringBuilder::new(),
            info: settings
                .info_fields
                .iter()
                .map(|_| Float32Builder::new())
                .collect(),
            texts: settings
                .text_fields
                .iter()
                .map(|_| StringBuilder::new())
                .collect(),
        }
    }

    /// Adds the site columns of one allele; its calls are added apart.
    pub(super) fn push_site(
        &mut self,
        plan: &FilePlan,
        member: &Member,
        bytes: &[u8],
        alternate: Option<usize>,
        reason: Option<Reason>,
        normaliser: &mut Normaliser,
    ) -> Result<(), ReadError> {
        let text = |range: &std::ops::Range<usize>| String::from_utf8_lossy(&bytes[range.clone()]);
        let entry = &member.entry;
        let record = &member.record;
        let input_reference = text(&record.reference);
        let input_alternate = alternate
            .and_then(|index| record.alternates.get(index))
            .map(text);

        let place = self.normalise(
            plan,
            member,
            input_reference.as_bytes(),
            input_alternate.as_deref(),
            normaliser,
        )?;
        let contig_name = self.settings.contigs.name(entry.contig);
        let site_class = self.settings.ploidy.class(entry.contig, place.position);
        if place.class.is_sequence() && place.reason.is_none() {
            let key = VariantKey::encode(
                contig_name,
                place.position,
                self.reference_bytes(),
                self.alternate_bytes(),
            );
            self.variant_key.append_option(key.map(|key| key.0));
        } else {
            self.variant_key.append_null();
        }
        self.alleles += 1;
        self.owners.push((entry.file, entry.record));
        if self.settings.evidence.is_some() {
            let can_infer = reason.or(place.reason).is_none() && place.class.is_sequence();
            let site = if can_infer {
                let bases = input_reference.len();
                self.row_site(entry, place.position, bases, site_class, normaliser)?
            } else {
                None
            };
            self.row_sites.push(site);
        }
        self.contig.append_value(entry.contig.0);
        self.position.append_value(place.position.0);
        self.allele_class.append_value(place.class.name());
        self.input_position.append_value(entry.position.0);
        self.input_reference.append_value(&input_reference);
        self.input_alternate
            .append_option(input_alternate.as_deref());
        self.alternate_index.append_value(
            alternate.map_or(0, |index| u16::try_from(index + 1).unwrap_or(u16::MAX)),
        );
        self.id.append_option(record.id.as_ref().map(text));
        self.quality.append_option(record.quality);
        self.filter
            .append_option(Some(&record.filter).filter(|filter| !filter.is_empty()));
        self.site_class.append_value(site_class as u8);
        self.reason
            .append_option(reason.or(place.reason).map(Reason::name));
        for (field, builder) in self.info.iter_mut().enumerate() {
            builder.append_option(plan.parser.info_value(record, field, alternate));
        }
        for (field, builder) in self.texts.iter_mut().enumerate() {
            builder.append_option(plan.parser.text_value(record, field, alternate));
        }
        Ok(())
    }

    /// The site of the row in the making; `None` where it is too long to be inferred. That of an
    /// insertion or deletion is the whole stretch in which it can be written: a record of the same
    /// allele elsewhere in a repeat is no reference.
    fn row_site(
        &self,
        entry: &Entry,
        position: Position,
        input_bases: usize,
        class: SiteClass,
        normaliser: &mut Normaliser,
    ) -> Result<Option<RowSite>, ReadError> {
        let last = |position: Position, bases: usize| {
            let more = u32::try_from(bases).unwrap_or(u32::MAX).saturating_sub(1);
            Position(position.0.saturating_add(more))
        };
        let (reference, alternate) = (self.reference_bytes(), self.alternate_bytes());
        let adds_bases = alternate.len() > reference.len();
        let most = MAX_SHIFT + 1;
        let shift = normaliser.right_shift(entry.contig, position, reference, alternate, most)?;
        if shift > MAX_SHIFT {
            return Ok(None);
        }
        let own = last(position, reference.len()).0.saturating_add(shift);
        let mut end = last(entry.position, input_bases).max(Position(own));
        if adds_bases {
            // The bases go in before this one; at the end of a contig there is none.
            let length = self.settings.contigs.length(entry.contig);
            end = Position(end.0.saturating_add(1).min(length));
        }
        let start = position.min(entry.position);
        let site = RowSite {
            contig: entry.contig,
            input_position: entry.position,
            class,
            site: Site {
                start,
                end,
                adds_bases,
            },
        };
        Ok((end.0.saturating_sub(start.0) < MAX_SITE).then_some(site))
    }

    /// Appends the normalised REF and ALT and says where and what the allele is.
    fn normalise(
        &mut self,
        plan: &FilePlan,
        member: &Member,
        reference: &[u8],
        alternate: Option<&str>,
        normaliser: &mut Normaliser,
    ) -> Result<Place, ReadError> {
        let entry = &member.entry;
        let alternate_bytes = alternate.unwrap_or(".").as_bytes();
        match normaliser.normalise(entry.contig, entry.position, reference, alternate_bytes) {
            Ok(allele) => {
                self.reference
                    .append_value(String::from_utf8_lossy(allele.reference));
                self.alternate
                    .append_option(alternate.map(|_| String::from_utf8_lossy(allele.alternate)));
                Ok(Place {
                    position: allele.position,
                    class: allele.class,
                    reason: allele.reason,
                })
            }
            Err(NormaliseError::ReferenceMismatch {
                found, expected, ..
            }) => match self.settings.ref_mismatch {
                RefMismatch::Refuse => Err(ReadError::ReferenceMismatch {
                    file: plan.name.clone(),
                    record: entry.record,
                    place: self.show(entry.contig, entry.position),
                    found: abridged(&found),
                    expected: if expected.is_empty() {
                        "no base (the contig ends before)".to_owned()
                    } else {
                        abridged(&expected)
                    },
                }),
                RefMismatch::Quarantine => {
                    self.reference
                        .append_value(String::from_utf8_lossy(reference));
                    self.alternate.append_option(alternate);
                    let class = AlleleClass::of(reference, alternate_bytes);
                    Ok(Place {
                        position: entry.position,
                        class,
                        reason: Some(Reason::ReferenceMismatch),
                    })
                }
            },
            Err(NormaliseError::Reference(error)) => Err(error.into()),
        }
    }

    fn show(&self, contig: ContigId, position: Position) -> String {
        format!("{}:{position}", self.settings.contigs.name(contig))
    }

    fn reference_bytes(&self) -> &[u8] {
        last_value(&self.reference)
    }

    fn alternate_bytes(&self) -> &[u8] {
        last_value(&self.alternate)
    }

    /// Position, REF and ALT of a row as they are normalised.
    pub(super) fn allele(&self, row: usize) -> Option<(Position, Vec<u8>, Vec<u8>)> {
        let position = self.position.values_slice().get(row)?;
        let text = |builder: &StringBuilder| {
            let offsets = builder.offsets_slice();
            let start = usize::try_from(*offsets.get(row)?).ok()?;
            let end = usize::try_from(*offsets.get(row + 1)?).ok()?;
            Some(builder.values_slice().get(start..end)?.to_vec())
        };
        let (reference, alternate) = (text(&self.reference)?, text(&self.alternate)?);
        Some((Position(*position), reference, alternate))
    }

    /// Sets rows aside that give way to a record elsewhere.
    pub(super) fn set_found_elsewhere(&mut self, rows: &[usize]) {
        if rows.is_empty() {
            return;
        }
        let reasons = self.reason.finish();
        for (row, reason) in reasons.iter().enumerate() {
            let found = rows.binary_search(&row).is_ok();
            self.reason.append_option(if found {
                Some(Reason::FoundElsewhere.name())
            } else {
                reason
            });
        }
    }

    pub(super) fn finish(mut self, number: u64) -> Result<SiteBatch, ReadError> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.contig.finish()),
            Arc::new(self.position.finish()),
            Arc::new(self.reference.finish()),
            Arc::new(self.alternate.finish()),
            Arc::new(self.variant_key.finish()),
            Arc::new(self.allele_class.finish()),
            Arc::new(self.input_position.finish()),
            Arc::new(self.input_reference.finish()),
            Arc::new(self.input_alternate.finish()),
            Arc::new(self.alternate_index.finish()),
            Arc::new(self.id.finish()),
            Arc::new(self.quality.finish()),
            Arc::new(self.filter.finish()),
            Arc::new(self.site_class.finish()),
            Arc::new(self.reason.finish()),
        ];
        columns.extend(
            self.info
                .iter_mut()
                .map(|builder| Arc::new(builder.finish()) as ArrayRef),
        );
        columns.extend(
            self.texts
                .iter_mut()
                .map(|builder| Arc::new(builder.finish()) as ArrayRef),
        );
        let schema = decoded_schema(&self.settings.info_fields, &self.settings.text_fields);
        let sites = RecordBatch::try_new(schema, columns).map_err(varisk_core::BatchError::from)?;
        Ok(SiteBatch::try_new(
            number,
            Arc::clone(&self.settings.contigs),
            sites,
            self.calls,
        )?)
    }
}

/// Bytes of the value appended last.
fn last_value(builder: &StringBuilder) -> &[u8] {
    let offsets = builder.offsets_slice();
    match offsets {
        [.., start, end] => builder
            .values_slice()
            .get(usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0))
            .unwrap_or(&[]),
        _ => &[],
    }
}

/// An allele short enough for a message.
fn abridged(allele: &[u8]) -> String {
    const SHOWN: usize = 20;
    let text = String::from_utf8_lossy(allele);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}
