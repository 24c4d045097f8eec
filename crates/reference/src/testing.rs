//! FASTA files for tests.

use std::io::Write;
use std::path::{Path, PathBuf};

use noodles::bgzf;

/// Text of a FASTA with lines of `width` bases, and its `.fai`.
pub(crate) fn fasta(contigs: &[(&str, &str)], width: usize, line_end: &str) -> (String, String) {
    let (mut text, mut index) = (String::new(), String::new());
    for (name, bases) in contigs {
        text += &format!(">{name} some description{line_end}");
        index += &format!(
            "{name}\t{}\t{}\t{width}\t{}\n",
            bases.len(),
            text.len(),
            width + line_end.len()
        );
        for line in bases.as_bytes().chunks(width) {
            text += std::str::from_utf8(line).unwrap();
            text += line_end;
        }
    }
    (text, index)
}

/// Writes a plain FASTA with its index.
pub(crate) fn write_plain(folder: &Path, contigs: &[(&str, &str)], width: usize) -> PathBuf {
    let (text, index) = fasta(contigs, width, "\n");
    let path = folder.join("plain.fa");
    std::fs::write(&path, text).unwrap();
    std::fs::write(folder.join("plain.fa.fai"), index).unwrap();
    path
}

/// Writes a BGZF FASTA with both indexes, in blocks of `block` bytes.
pub(crate) fn write_bgzf(
    folder: &Path,
    contigs: &[(&str, &str)],
    width: usize,
    block: usize,
) -> PathBuf {
    let (text, index) = fasta(contigs, width, "\n");
    let path = folder.join("packed.fa.gz");
    let mut writer = bgzf::io::Writer::new(std::fs::File::create(&path).unwrap());
    let mut blocks: Vec<u64> = Vec::new();
    for (number, chunk) in text.as_bytes().chunks(block).enumerate() {
        if number > 0 {
            blocks.push(writer.virtual_position().compressed());
            blocks.push((number * block) as u64);
        }
        writer.write_all(chunk).unwrap();
        writer.flush().unwrap();
    }
    writer.finish().unwrap();
    let mut bytes = ((blocks.len() / 2) as u64).to_le_bytes().to_vec();
    bytes.extend(blocks.iter().flat_map(|word| word.to_le_bytes()));
    std::fs::write(folder.join("packed.fa.gz.fai"), index).unwrap();
    std::fs::write(folder.join("packed.fa.gz.gzi"), bytes).unwrap();
    path
}
