//! What `samtools mpileup` prints, taken apart.

use std::collections::HashMap;
use std::path::Path;

use crate::support::run;

/// Reads at one position: (letter, forward) with `*` for a deletion, and sums.
#[derive(Debug, Default)]
pub(crate) struct Column {
    pub(crate) shown: Vec<(u8, bool)>,
    pub(crate) mapping_quality: u64,
    /// `None` where a quality is beyond what the format can print.
    pub(crate) base_quality: Option<u64>,
}

impl Column {
    /// Reads that show a letter, on both strands.
    pub(crate) fn count(&self, letter: u8) -> [u32; 2] {
        let strand = |forward| {
            let equal = |shown: &&(u8, bool)| **shown == (letter, forward);
            u32::try_from(self.shown.iter().filter(equal).count()).unwrap()
        };
        [strand(true), strand(false)]
    }
}

/// Runs `samtools mpileup` without base alignment quality, on all pairs and at any depth.
pub(crate) fn mpileup(
    bam: &Path,
    region: &str,
    min_mapq: u8,
    min_baseq: u8,
) -> HashMap<u32, Column> {
    let text = run(
        "samtools",
        &[
            "mpileup",
            "-B",
            "-A",
            "-d",
            "0",
            "-s",
            "--reverse-del",
            "-r",
            region,
            "-q",
            &min_mapq.to_string(),
            "-Q",
            &min_baseq.to_string(),
            bam.to_str().unwrap(),
        ],
    );
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            (fields[1].parse().unwrap(), column(&fields))
        })
        .collect()
}

fn column(fields: &[&str]) -> Column {
    let mut shown = Vec::new();
    let mut letters = fields[4].bytes().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // A read begins: its mapping quality follows.
            b'^' => {
                letters.next();
            }
            b'$' => {}
            b'+' | b'-' => {
                let mut length = 0;
                while let Some(digit) = letters.next_if(u8::is_ascii_digit) {
                    length = length * 10 + usize::from(digit - b'0');
                }
                letters.by_ref().take(length).for_each(drop);
            }
            b'*' => shown.push((b'*', true)),
            b'#' => shown.push((b'*', false)),
            _ => shown.push((letter.to_ascii_uppercase(), letter.is_ascii_uppercase())),
        }
    }
    if fields[3] == "0" {
        return Column::default();
    }
    let sum = |text: &str| text.bytes().map(|letter| u64::from(letter - b'!')).sum();
    assert_eq!(shown.len().to_string(), fields[3], "position {}", fields[1]);
    Column {
        shown,
        base_quality: (!fields[5].contains('~')).then(|| sum(fields[5])),
        mapping_quality: sum(fields[6]),
    }
}
