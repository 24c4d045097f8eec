//! What the header says about contigs and fields, as BCF refers to them: by number.

use std::collections::HashMap;

use crate::Header;
use crate::header::{field, structured};

/// The samples of a record are counted in 24 bits.
const MAX_SAMPLES: usize = (1 << 24) - 1;

/// Type of an INFO or FORMAT field, as in its header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldType {
    Integer,
    Float,
    /// `String` and `Character`: both are stored as the text that they are.
    Text,
    Flag,
}

impl FieldType {
    /// By the name in the header. One that is unknown or lacks is text, which loses nothing.
    fn of(name: Option<&str>) -> Self {
        match name {
            Some("Integer") => Self::Integer,
            Some("Float") => Self::Float,
            Some("Flag") => Self::Flag,
            _ => Self::Text,
        }
    }
}

/// A name of the dictionary of strings, which FILTER, INFO and FORMAT share.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    pub(super) index: i32,
    pub(super) is_filter: bool,
    pub(super) info: Option<FieldType>,
    pub(super) format: Option<FieldType>,
}

/// Numbers of contigs and names, and the number of samples.
#[derive(Debug)]
pub(in crate::annotated) struct Dictionary {
    contigs: HashMap<String, i32>,
    strings: HashMap<String, Entry>,
    pub(super) samples: usize,
}

impl Dictionary {
    /// From the text of a header. Numbers are those that readers give: `PASS` first, then in order of
    /// appearance, or by `IDX`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the header.
    pub(in crate::annotated) fn parse(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("it holds a zero byte".to_owned());
        }
        let header = Header::parse(text.as_bytes())?;
        if header.samples.len() > MAX_SAMPLES {
            return Err(format!("it has more than {MAX_SAMPLES} samples"));
        }
        let mut strings: HashMap<String, Entry> = numbered(header.strings)
            .map(|(index, name)| {
                let is_filter = name == "PASS";
                let entry = Entry {
                    index,
                    is_filter,
                    ..Entry::default()
                };
                (name, entry)
            })
            .collect();
        for line in text.lines() {
            let Some((column, value)) = line.strip_prefix("##").and_then(|l| l.split_once('='))
            else {
                continue;
            };
            if !matches!(column, "FILTER" | "INFO" | "FORMAT") {
                continue;
            }
            let Some(fields) = structured(value) else {
                continue;
            };
            let Some(entry) = field(&fields, "ID").and_then(|id| strings.get_mut(id)) else {
                continue;
            };
            let kind = FieldType::of(field(&fields, "Type"));
            // Of lines that define a field again, readers keep the first.
            match column {
                "FILTER" => entry.is_filter = true,
                "INFO" => _ = entry.info.get_or_insert(kind),
                _ => _ = entry.format.get_or_insert(kind),
            }
        }
        Ok(Self {
            contigs: numbered(header.contig_dictionary)
                .map(|(index, name)| (name, index))
                .collect(),
            strings,
            samples: header.samples.len(),
        })
    }

    pub(super) fn contig(&self, name: &[u8]) -> Option<i32> {
        self.contigs.get(std::str::from_utf8(name).ok()?).copied()
    }

    pub(super) fn entry(&self, name: &[u8]) -> Option<Entry> {
        self.strings.get(std::str::from_utf8(name).ok()?).copied()
    }
}

/// Names with their numbers, without the gaps that explicit numbers may leave.
fn numbered(names: Vec<String>) -> impl Iterator<Item = (i32, String)> {
    (0..).zip(names).filter(|(_, name)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &str = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\n";

    fn dictionary(lines: &str) -> Dictionary {
        Dictionary::parse(&format!("##fileformat=VCFv4.3\n{lines}\n{COLUMNS}")).unwrap()
    }

    #[test]
    fn numbers_are_in_order_of_appearance_after_pass() {
        let own = dictionary(
            "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Type=Float,x\">\n##contig=<ID=2>\n\
             ##FILTER=<ID=q10,Description=\"x\">\n##FILTER=<ID=PASS,Description=\"x\">\n\
             ##FORMAT=<ID=DP,Number=1,Type=Float,Description=\"x\">\n\
             ##FORMAT=<ID=GT,Number=1,Description=\"x\">\n##contig=<ID=1>",
        );
        let index = |name: &str| own.entry(name.as_bytes()).map(|entry| entry.index);
        assert_eq!(
            ["PASS", "DP", "q10", "GT", "x"].map(index),
            [Some(0), Some(1), Some(2), Some(3), None]
        );
        assert_eq!((own.contig(b"2"), own.contig(b"1")), (Some(0), Some(1)));
        let depth = own.entry(b"DP").unwrap();
        assert_eq!(depth.info, Some(FieldType::Integer));
        assert_eq!(depth.format, Some(FieldType::Float));
        assert!(!depth.is_filter);
        assert_eq!(own.entry(b"GT").unwrap().format, Some(FieldType::Text));
        assert!(own.entry(b"PASS").unwrap().is_filter);
        assert_eq!(own.samples, 1);
    }

    #[test]
    fn explicit_numbers_are_kept() {
        let own = dictionary(
            "##contig=<ID=1,IDX=4>\n##INFO=<ID=DP,Number=1,Type=Integer,Description=\"x\",IDX=3>",
        );
        assert_eq!(own.contig(b"1"), Some(4));
        assert_eq!(own.entry(b"DP").unwrap().index, 3);
        assert!(own.entry(b"").is_none() && own.contig(b"").is_none());
    }

    #[test]
    fn a_header_that_does_not_serve_is_refused() {
        assert!(Dictionary::parse("#CHROM").is_err());
        assert!(Dictionary::parse(&format!("##fileformat=VCFv4.3\n##x=\0\n{COLUMNS}")).is_err());
    }
}
