//! ClinVar's VCF in both of its INFO styles, as fields with the same names and words.
//!
//! Until 2017 significance was a number for each submission (`CLNSIG=5|5`), and `CLNALLE` said which
//! allele a value belongs to. Since then it is a word for each record. Numbers of several
//! submissions are put together by ClinVar's own rule: pathogenic, uncertain and benign beside each
//! other conflict.

mod significance;

use arrow::array::{Array, StringArray, UInt16Array};
use varisk_core::{SiteBatch, columns};
use varisk_readers::{Header, InfoNumber};

use self::significance::{of_codes, of_words, review_status, stars};
use super::vcf::{info_types, push_rows, read_alleles, read_header, text_column};
use super::{defect, output_field};
use crate::build::TableSink;
use crate::rows::{OutputField, RowBuffer};
use crate::{FieldType, KnowledgeError, SourceConfig};

/// A ClinVar file whose header was read.
pub(super) struct ClinvarPlan {
    /// INFO fields kept as text.
    texts: Vec<String>,
    /// What each output field is made of.
    makers: Vec<Maker>,
    fields: Vec<OutputField>,
    style: Style,
    /// Whether the header says that values stand in the order of the alternates.
    per_alternate: bool,
}

/// The two styles of INFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Codes and `CLNALLE`, until 2017.
    Codes,
    /// Words.
    Words,
}

/// How an output field is made.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Maker {
    Significance,
    SignificanceRaw,
    Stars,
    ReviewStatus,
    VariationId,
    Accession,
    Disease,
    Hgvs,
    /// An INFO field that the configuration adds.
    Info(String),
}

impl ClinvarPlan {
    pub(super) fn try_new(
        source: &SourceConfig,
    ) -> Result<(Vec<OutputField>, Self), KnowledgeError> {
        let header = read_header(source)?;
        let has = |name: &str| header.info.contains_key(name);
        if !has("CLNSIG") {
            return Err(defect(
                source,
                "its header does not define CLNSIG, so it is no VCF of ClinVar; take clinvar.vcf.gz, or kind = \"vcf\"",
            ));
        }
        let is_old = has("CLNALLE") || has("CLNDBN") || has("CLNACC");
        let style = if is_old { Style::Codes } else { Style::Words };
        let standard = standard_fields(&header, style);
        let mut texts: Vec<String> = Vec::new();
        let mut want = |name: &str| {
            if has(name) && !texts.iter().any(|text| text == name) {
                texts.push(name.to_owned());
            }
        };
        for name in [
            "CLNSIG",
            "CLNREVSTAT",
            "CLNALLE",
            "CLNACC",
            "CLNDBN",
            "CLNDN",
            "CLNHGVS",
        ] {
            want(name);
        }
        let types = info_types(source)?;
        let (mut fields, mut makers): (Vec<_>, Vec<_>) = standard.into_iter().unzip();
        for (name, spec) in &source.fields {
            let field = output_field(name, spec, FieldType::Text);
            let from = field.from.clone().unwrap_or_default();
            if fields.iter().any(|other: &OutputField| other.name == *name) {
                return Err(defect(
                    source,
                    format!(
                        "the field '{name}' is one of ClinVar's standard fields; remove it, or rename it"
                    ),
                ));
            }
            let definition = header.info.get(&from).ok_or_else(|| {
                defect(
                    source,
                    format!("its header does not define the INFO field {from} that the field '{name}' comes from; correct 'from'"),
                )
            })?;
            want(&from);
            fields.push(OutputField {
                field_type: spec
                    .field_type()
                    .or_else(|| types.get(&from).copied())
                    .unwrap_or(FieldType::Text),
                meaning: if field.meaning.is_empty() {
                    definition.description.clone()
                } else {
                    field.meaning
                },
                ..field
            });
            makers.push(Maker::Info(from));
        }
        let per_alternate = header
            .info
            .get("CLNSIG")
            .is_some_and(|definition| definition.number == InfoNumber::Alternate);
        let plan = Self {
            texts,
            makers,
            fields: fields.clone(),
            style,
            per_alternate,
        };
        Ok((fields, plan))
    }

    pub(super) fn read(&self, sink: &mut TableSink<'_, '_>) -> Result<(), KnowledgeError> {
        read_alleles(sink, &self.texts, |batch, sink| {
            let record = Records::try_new(self, batch)?;
            let source = sink.source;
            push_rows(batch, sink, |row, buffer| {
                record
                    .fill(row, buffer)
                    .map_err(|detail| defect(source, detail))
            })
        })
    }
}

/// The standard fields that the file can fill, and how.
fn standard_fields(header: &Header, style: Style) -> Vec<(OutputField, Maker)> {
    let has = |name: &str| header.info.contains_key(name);
    let disease = if has("CLNDN") { "CLNDN" } else { "CLNDBN" };
    let accession = if style == Style::Codes {
        "CLNACC"
    } else {
        "ID"
    };
    let fields = [
        (
            Maker::Significance,
            FieldType::Text,
            "CLNSIG",
            has("CLNSIG"),
            "clinical significance: pathogenic, likely_pathogenic, pathogenic/likely_pathogenic, uncertain_significance, likely_benign, benign, benign/likely_benign, conflicting, drug_response, risk_factor, association, protective, affects, other, not_provided; other words of ClinVar in lower case",
        ),
        (
            Maker::SignificanceRaw,
            FieldType::Text,
            "CLNSIG",
            has("CLNSIG"),
            "clinical significance as ClinVar's file has it",
        ),
        (
            Maker::Stars,
            FieldType::Integer,
            "CLNREVSTAT",
            has("CLNREVSTAT"),
            "review status in stars, 0 to 4, by ClinVar's table",
        ),
        (
            Maker::ReviewStatus,
            FieldType::Text,
            "CLNREVSTAT",
            has("CLNREVSTAT"),
            "review status in ClinVar's words",
        ),
        (
            Maker::VariationId,
            FieldType::Text,
            "ID",
            style == Style::Words,
            "ClinVar variation identifier",
        ),
        (
            Maker::Accession,
            FieldType::Text,
            accession,
            style == Style::Words || has("CLNACC"),
            "ClinVar accession: VCV of the variation, or RCV where the file has those",
        ),
        (
            Maker::Disease,
            FieldType::Text,
            disease,
            has(disease),
            "ClinVar's disease names, as the file has them",
        ),
        (
            Maker::Hgvs,
            FieldType::Text,
            "CLNHGVS",
            has("CLNHGVS"),
            "genomic HGVS name by ClinVar",
        ),
    ];
    fields
        .into_iter()
        .filter(|(_, _, _, there, _)| *there)
        .map(|(maker, field_type, from, _, meaning)| {
            let field = OutputField {
                name: maker.name().to_owned(),
                field_type,
                from: Some(from.to_owned()),
                meaning: meaning.to_owned(),
            };
            (field, maker)
        })
        .collect()
}

impl Maker {
    fn name(&self) -> &str {
        match self {
            Self::Significance => "significance",
            Self::SignificanceRaw => "significance_raw",
            Self::Stars => "stars",
            Self::ReviewStatus => "review_status",
            Self::VariationId => "variation_id",
            Self::Accession => "accession",
            Self::Disease => "disease",
            Self::Hgvs => "hgvs",
            Self::Info(name) => name,
        }
    }
}

/// The columns of a batch that fields are made of.
struct Records<'a> {
    plan: &'a ClinvarPlan,
    texts: Vec<(&'a str, &'a StringArray)>,
    ids: &'a StringArray,
    alternates: &'a UInt16Array,
}

impl<'a> Records<'a> {
    fn try_new(plan: &'a ClinvarPlan, batch: &'a SiteBatch) -> Result<Self, KnowledgeError> {
        let column = |name: &'a String| Ok((name.as_str(), text_column(batch, name)?));
        let texts: Result<_, KnowledgeError> = plan.texts.iter().map(column).collect();
        Ok(Self {
            plan,
            texts: texts?,
            ids: batch.text(columns::ID)?,
            alternates: batch.numbers(columns::ALTERNATE_INDEX)?,
        })
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        let (_, column) = self.texts.iter().find(|(other, _)| *other == name)?;
        column.is_valid(row).then(|| column.value(row))
    }

    /// A value of ClinVar's own fields for the allele of a row.
    fn own(&self, name: &str, row: usize) -> Option<&'a str> {
        let text = self.text(name, row)?;
        if self.plan.style == Style::Words || self.plan.per_alternate {
            return Some(text);
        }
        let alternate = self.alternates.value(row);
        match self.text("CLNALLE", row) {
            // 0 is REF, -1 an allele that the record does not have.
            Some(alleles) => {
                let place = alleles
                    .split(',')
                    .position(|allele| allele.trim().parse() == Ok(i32::from(alternate)))?;
                text.split(',').nth(place)
            }
            None if text.contains(',') => {
                text.split(',').nth(usize::from(alternate).checked_sub(1)?)
            }
            None => Some(text),
        }
        .filter(|value| !matches!(*value, "" | "."))
    }

    fn fill(&self, row: usize, buffer: &mut RowBuffer) -> Result<(), String> {
        let plan = self.plan;
        for ((maker, field), builder) in
            plan.makers.iter().zip(&plan.fields).zip(&mut buffer.fields)
        {
            if let Maker::Stars = maker {
                let status = self.own("CLNREVSTAT", row);
                builder.push_integer(status.and_then(stars).map(i64::from));
                continue;
            }
            let id = || self.ids.is_valid(row).then(|| self.ids.value(row));
            let text = match maker {
                Maker::Significance => self.own("CLNSIG", row).map(|raw| match plan.style {
                    Style::Codes => of_codes(raw),
                    Style::Words => of_words(raw),
                }),
                Maker::SignificanceRaw => self.own("CLNSIG", row).map(str::to_owned),
                Maker::ReviewStatus => self.own("CLNREVSTAT", row).map(review_status),
                Maker::VariationId => id().map(str::to_owned),
                Maker::Accession => match plan.style {
                    Style::Codes => self.own("CLNACC", row).map(str::to_owned),
                    Style::Words => id().and_then(accession),
                },
                Maker::Disease => self
                    .own("CLNDN", row)
                    .or_else(|| self.own("CLNDBN", row))
                    .map(str::to_owned),
                Maker::Hgvs => self.own("CLNHGVS", row).map(str::to_owned),
                Maker::Info(name) => self.text(name, row).map(str::to_owned),
                Maker::Stars => None,
            };
            match text {
                Some(text) => builder
                    .push_text(&text)
                    .map_err(|detail| format!("field '{}': {detail}", field.name))?,
                None if field.field_type == FieldType::Flag => builder.push_flag(false),
                None => builder.push_null(),
            }
        }
        Ok(())
    }
}

/// Accession of a variation: `VCV` and its identifier in nine digits.
fn accession(id: &str) -> Option<String> {
    let number: u64 = id.parse().ok()?;
    Some(format!("VCV{number:09}"))
}
