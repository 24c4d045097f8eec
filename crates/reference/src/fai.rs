//! The `.fai` index: where each contig's bases lie in the (uncompressed) FASTA.
//!
//! Read here rather than through noodles so that an error names the line, and so that a contig
//! without bases (whose line width samtools writes as 0) is accepted.

use std::collections::HashSet;
use std::path::Path;

use crate::ReferenceError;

/// Where one contig's bases lie. Offsets are bytes of uncompressed FASTA, 0-based.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContigLayout {
    pub(crate) name: String,
    /// Length in bases.
    pub(crate) length: u32,
    /// Offset of the first base.
    pub(crate) start: u64,
    /// Bases on a full line; at least 1.
    pub(crate) line_bases: u64,
    /// Bytes of a full line with its line end; more than `line_bases` unless there is one line.
    pub(crate) line_width: u64,
}

impl ContigLayout {
    /// File offset of the base at a 0-based offset within the contig.
    pub(crate) fn file_offset(&self, base: u64) -> u64 {
        self.start
            .saturating_add((base / self.line_bases).saturating_mul(self.line_width))
            .saturating_add(base % self.line_bases)
    }

    /// File offset just after the last base.
    pub(crate) fn end(&self) -> u64 {
        match u64::from(self.length).checked_sub(1) {
            Some(last) => self.file_offset(last).saturating_add(1),
            None => self.start,
        }
    }
}

/// Parses the text of a `.fai`.
pub(crate) fn parse(
    path: &Path,
    index: &Path,
    text: &str,
) -> Result<Vec<ContigLayout>, ReferenceError> {
    let bad = |detail: String| ReferenceError::BadIndex {
        path: path.to_owned(),
        index: index.to_owned(),
        detail,
    };
    let mut seen = HashSet::new();
    let mut layouts = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let layout = parse_line(line).map_err(|detail| bad(format!("line {number}: {detail}")))?;
        if !seen.insert(layout.name.clone()) {
            return Err(ReferenceError::DuplicateContig {
                path: path.to_owned(),
                contig: layout.name,
            });
        }
        layouts.push(layout);
    }
    if layouts.is_empty() {
        return Err(bad("it lists no contig".to_owned()));
    }
    Ok(layouts)
}

fn parse_line(line: &str) -> Result<ContigLayout, String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, length, start, line_bases, line_width] = fields[..] else {
        return Err(format!("{} columns instead of 5", fields.len()));
    };
    if name.is_empty() {
        return Err("the contig has no name".to_owned());
    }
    let number = |text: &str, what: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("{what} `{text}` is not a number"))
    };
    let length = u32::try_from(number(length, "length")?)
        .map_err(|_| "the contig is longer than VCF positions can say".to_owned())?;
    let start = number(start, "offset")?;
    let line_bases = number(line_bases, "bases per line")?;
    let line_width = number(line_width, "bytes per line")?;
    let one_line = u64::from(length) <= line_bases;
    if length > 0 && (line_bases == 0 || line_width < line_bases) {
        return Err(format!(
            "{line_bases} bases do not fit lines of {line_width} bytes"
        ));
    }
    // A wider gap than CR LF is no FASTA line end; no gap at all only works for a single line.
    let gap = line_width.saturating_sub(line_bases);
    if length > 0 && (gap > 2 || (gap == 0 && !one_line)) {
        return Err(format!(
            "lines of {line_width} bytes with {line_bases} bases have no line end"
        ));
    }
    Ok(ContigLayout {
        name: name.to_owned(),
        length,
        start,
        line_bases: line_bases.max(1),
        line_width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ContigLayout>, String> {
        parse(Path::new("x.fa"), Path::new("x.fa.fai"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn offsets_follow_the_lines() {
        let layouts = read("c\t20\t8\t16\t17\ne\t0\t33\t0\t0\nd\t5\t36\t5\t6\n").unwrap();
        let check = |contig: usize, base, expected| {
            assert_eq!(layouts[contig].file_offset(base), expected, "{base}");
        };
        check(0, 0, 8);
        check(0, 15, 23);
        check(0, 16, 25);
        assert_eq!(layouts[0].end(), 29);
        assert_eq!(layouts[1].end(), 33);
        assert_eq!(layouts[2].end(), 41);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let check = |text: &str, part: &str| {
            let message = read(text).unwrap_err();
            assert!(message.contains(part), "{message}");
            assert!(message.contains("samtools faidx"), "{message}");
        };
        check("", "it lists no contig");
        check("c\t20\t8\t16\n", "line 1: 4 columns instead of 5");
        check("c\t20\t8\t16\t17\t3\n", "line 1: 6 columns instead of 5");
        check(
            "a\t1\t3\t1\t2\nc\tx\t8\t16\t17\n",
            "line 2: length `x` is not a number",
        );
        check("c\t20\t8\t0\t0\n", "0 bases do not fit lines of 0 bytes");
        check("c\t20\t8\t16\t16\n", "have no line end");
        check("c\t5000000000\t8\t16\t17\n", "longer than VCF positions");
        check("a\t1\t3\t1\t2\na\t1\t7\t1\t2\n", "holds contig a twice");
    }
}
