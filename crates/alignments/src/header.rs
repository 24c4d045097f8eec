//! The text header: contigs with their checksums, read groups and samples.
//!
//! Read leniently: lines and tags that are not needed here are not looked at.

use std::collections::{BTreeSet, HashSet};

/// A contig of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileContig {
    pub(crate) name: String,
    /// Length in bases.
    pub(crate) length: u64,
    /// `M5`, lower case.
    pub(crate) checksum: Option<String>,
}

/// What the header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlignmentHeader {
    pub(crate) contigs: Vec<FileContig>,
    /// (`ID`, `SM`) of each `@RG`.
    pub(crate) read_groups: Vec<(String, Option<String>)>,
}

impl AlignmentHeader {
    /// Parses the text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(text);
        let mut header = Self::default();
        for (number, line) in (1..).zip(text.trim_end_matches('\0').lines()) {
            let mut fields = line.split('\t');
            let kind = fields.next().unwrap_or_default();
            let tag = |name: &str| {
                line.split('\t').skip(1).find_map(|field| {
                    let (tag, value) = field.split_once(':')?;
                    (tag == name).then(|| value.to_owned())
                })
            };
            match kind {
                "@SQ" => {
                    let name = tag("SN").ok_or(format!("line {number} (@SQ) has no SN"))?;
                    let length = tag("LN")
                        .and_then(|length| length.parse().ok())
                        .ok_or(format!("line {number} (@SQ) has no length"))?;
                    header.contigs.push(FileContig {
                        name,
                        length,
                        checksum: tag("M5").map(|sum| sum.to_ascii_lowercase()),
                    });
                }
                "@RG" => {
                    let id = tag("ID").ok_or(format!("line {number} (@RG) has no ID"))?;
                    header.read_groups.push((id, tag("SM")));
                }
                _ => {}
            }
        }
        Ok(header)
    }

    /// Distinct samples.
    pub(crate) fn samples(&self) -> Vec<String> {
        let samples: BTreeSet<&String> = self
            .read_groups
            .iter()
            .filter_map(|(_, sample)| sample.as_ref())
            .collect();
        samples.into_iter().cloned().collect()
    }

    /// Read groups of a sample, as bytes of the `RG` tag.
    pub(crate) fn groups_of(&self, sample: &str) -> HashSet<Vec<u8>> {
        self.read_groups
            .iter()
            .filter(|(_, own)| own.as_deref() == Some(sample))
            .map(|(id, _)| id.clone().into_bytes())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contigs_and_samples() {
        let text = b"@HD\tVN:1.6\n@SQ\tSN:1\tLN:10\tM5:ABC\n@SQ\tLN:5\tSN:2\n\
            @RG\tID:a\tSM:s\n@RG\tID:b\tSM:t\n@RG\tID:c\n@CO\tanything\tat all\0";
        let header = AlignmentHeader::parse(text).unwrap();
        assert_eq!(header.contigs[0].checksum.as_deref(), Some("abc"));
        assert_eq!(
            (header.contigs[1].name.as_str(), header.contigs[1].length),
            ("2", 5)
        );
        assert_eq!(header.samples(), ["s", "t"]);
        assert_eq!(header.groups_of("t"), HashSet::from([b"b".to_vec()]));
    }

    #[test]
    fn lines_that_lack_what_is_needed_are_named() {
        let check = |text: &[u8], expected: &str| {
            let error = AlignmentHeader::parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(b"@HD\tVN:1.6\n@SQ\tLN:10\n", "line 2 (@SQ) has no SN");
        check(b"@SQ\tSN:1\tLN:x\n", "no length");
        check(b"@RG\tSM:1\n", "no ID");
    }
}
