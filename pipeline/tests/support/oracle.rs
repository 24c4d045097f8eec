//! What outside tools make of the same files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::{text, workspace};

/// The folder with real data.
pub(crate) fn shared(name: &str) -> PathBuf {
    let folder = std::env::var_os("VARISK_SHARED")
        .map_or_else(|| workspace().join("../shared"), PathBuf::from);
    let path = folder.join("data").join(name);
    assert!(
        path.exists(),
        "{} is not there; set VARISK_SHARED to the folder that holds data/",
        path.display()
    );
    path
}

/// Runs a line of shell, in which a failure anywhere counts; its output.
pub(crate) fn shell(line: &str) -> String {
    let output = Command::new("bash")
        .args(["-c", &format!("set -euo pipefail; {line}")])
        .output()
        .expect("bash runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{line} failed: {messages}; 'make oracles' brings the tools"
    );
    String::from_utf8(output.stdout).expect("the tool writes text")
}

/// Python with pyarrow, as set-up brings it.
pub(crate) fn python(script: &str, arguments: &[&Path]) -> String {
    let python = workspace().join(".varisk/oracles/bin/python3");
    assert!(
        python.exists(),
        "{} is not there; run 'make oracles' first",
        python.display()
    );
    let output = Command::new(python)
        .arg("-c")
        .arg(script)
        .args(arguments)
        .output();
    let output = output.expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("python writes text")
}

/// Contig, position, REF and ALT after normalisation.
pub(crate) type Key = (String, String, String, String);

/// An allele with the copies of every sample in the order of the file; `None` where the call is not
/// complete.
pub(crate) struct Row {
    pub(crate) key: Key,
    pub(crate) copies: Vec<Option<u8>>,
}

/// All alleles by `bcftools norm`, decoded by `bcftools query`, in the order of the file's samples.
pub(crate) struct Decoded {
    pub(crate) samples: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

impl Decoded {
    /// `check` is that of `bcftools norm`: what becomes of a REF that is not the FASTA's.
    pub(crate) fn of(vcf: &Path, fasta: &Path, check: &str) -> Self {
        let (vcf, fasta) = (text(vcf), text(fasta));
        let samples = shell(&format!("bcftools query -l {vcf}"));
        let format = "%CHROM\\t%POS\\t%REF\\t%ALT[\\t%GT]\\n";
        let lines = shell(&format!(
            "bcftools norm -m -any -c {check} -f {fasta} {vcf} | bcftools query -f '{format}'"
        ));
        Self {
            samples: samples.lines().map(str::to_owned).collect(),
            rows: lines.lines().map(row).collect(),
        }
    }

    /// Alleles, each as often as it is there.
    pub(crate) fn keys(&self) -> BTreeMap<&Key, usize> {
        let mut keys = BTreeMap::new();
        for row in &self.rows {
            *keys.entry(&row.key).or_default() += 1;
        }
        keys
    }
}

fn row(line: &str) -> Row {
    let mut columns = line.split('\t');
    let mut next = || columns.next().expect("four columns").to_owned();
    Row {
        key: (next(), next(), next(), next()),
        copies: columns.map(copies).collect(),
    }
}

/// Copies in a genotype of the first alternate allele.
fn copies(genotype: &str) -> Option<u8> {
    let bytes = genotype.as_bytes();
    let haplotypes = bytes.iter().filter(|byte| !matches!(byte, b'/' | b'|'));
    let mut copies = 0;
    for haplotype in haplotypes {
        match haplotype {
            b'.' => return None,
            b'1' => copies += 1,
            _ => {}
        }
    }
    Some(copies)
}
