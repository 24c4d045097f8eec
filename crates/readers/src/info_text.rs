//! INFO fields kept as text: what a record holds of them and which part belongs to an allele.

use crate::record::Defect;
use crate::vcf::wrong_count;
use crate::{Header, InfoNumber};

/// An INFO field that is wanted as the text of each alternate allele.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WantedText {
    /// Name of the field.
    pub(crate) name: String,
    /// How many values it has.
    pub(crate) number: InfoNumber,
    /// Index in the BCF dictionary, if the header defines it.
    pub(crate) dictionary_index: Option<usize>,
}

/// Text of one field of a record; its memory is reused from record to record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InfoText {
    present: bool,
    text: String,
}

impl InfoText {
    pub(crate) fn clear(&mut self) {
        self.present = false;
        self.text.clear();
    }

    /// Whether the record has the field, even if only as `.`.
    pub(crate) fn is_present(&self) -> bool {
        self.present
    }

    pub(crate) fn set(&mut self, text: &str) {
        self.start().push_str(text);
    }

    /// Marks the field as present and gives the text to append to.
    pub(crate) fn start(&mut self) -> &mut String {
        self.present = true;
        &mut self.text
    }
}

impl WantedText {
    /// Finds a field in a header.
    ///
    /// # Errors
    /// A clause and the remedy: the header does not define the field.
    pub(crate) fn find(header: &Header, name: &str) -> Result<Self, String> {
        let definition = header.info.get(name).ok_or_else(|| {
            format!(
                "its header does not define the INFO field {name} that is asked for; annotate the file with it, or do not ask for it"
            )
        })?;
        Ok(Self {
            name: name.to_owned(),
            number: definition.number,
            dictionary_index: header.strings.iter().position(|string| string == name),
        })
    }

    /// Whether a field with a value for each allele has as many as the record's alleles.
    pub(crate) fn check(&self, text: &InfoText, alternates: usize) -> Result<(), Defect> {
        let expected = match self.number {
            InfoNumber::Alternate => alternates,
            InfoNumber::Allele => alternates + 1,
            InfoNumber::Flag | InfoNumber::One | InfoNumber::Other => return Ok(()),
        };
        // Without an alternate allele there is none to give a value to: what stands there is not read.
        if alternates == 0 || is_missing(&text.text) {
            return Ok(());
        }
        let found = text.text.split(',').count();
        if found == expected {
            return Ok(());
        }
        Err(wrong_count(&self.name, found, expected))
    }

    /// The text of one alternate allele (0-based), as written; `None` where it has none.
    pub(crate) fn value<'t>(
        &self,
        text: &'t InfoText,
        alternate: Option<usize>,
    ) -> Option<&'t str> {
        let whole = Some(text.text.as_str()).filter(|text| !is_missing(text))?;
        let value = match (self.number, alternate) {
            (InfoNumber::Alternate, Some(alternate)) => whole.split(',').nth(alternate)?,
            (InfoNumber::Allele, Some(alternate)) => whole.split(',').nth(alternate + 1)?,
            (InfoNumber::Alternate | InfoNumber::Allele, None) => return None,
            _ => whole,
        };
        Some(value).filter(|value| !is_missing(value))
    }
}

fn is_missing(text: &str) -> bool {
    matches!(text, "" | ".")
}
