//! A table of labelled variants as VCF, so that it takes the way of every other variant.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use varisk_core::ContigSet;
use varisk_train::{Label, LabelSpec};

use crate::exit::Refusal;

/// INFO field of the label.
const LABEL: &str = "LABEL";
/// INFO field of the gene.
const GENE: &str = "GENE";

/// How the labels of a converted table are read.
pub(super) fn converted(label: &LabelSpec) -> LabelSpec {
    LabelSpec {
        field: LABEL.to_owned(),
        pathogenic: vec!["pathogenic".to_owned()],
        benign: vec!["benign".to_owned()],
        separators: "|".to_owned(),
        require: std::collections::BTreeMap::new(),
        gene: label.gene.as_ref().map(|_| GENE.to_owned()),
    }
}

/// The table as text of a sorted VCF. Labels are settled here, since cells may hold what INFO cannot.
pub(super) fn vcf(path: &Path, label: &LabelSpec, contigs: &ContigSet) -> anyhow::Result<String> {
    let refuse = |detail: String| -> anyhow::Error {
        Refusal::Data(format!("{}: {detail}", path.display())).into()
    };
    let unreadable = |error: &dyn std::fmt::Display| -> anyhow::Error {
        Refusal::NoInput(format!(
            "{} cannot be read: {error}; check path and permissions",
            path.display()
        ))
        .into()
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    let mut text = String::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text)
    } else {
        bytes.as_slice().read_to_string(&mut text)
    };
    read.map_err(|error| unreadable(&error))?;
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains('\t') { b'\t' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let names = reader
        .headers()
        .map_err(|error| refuse(format!("{error}; correct it")))?
        .clone();
    let column = |name: &str| {
        names.iter().position(|own| own == name).ok_or_else(|| {
            refuse(format!(
                "it has no column '{name}'; add it, or correct the name"
            ))
        })
    };
    let place = [
        column("contig")?,
        column("position")?,
        column("ref")?,
        column("alt")?,
    ];
    let fields = label
        .fields()
        .into_iter()
        .map(|field| Ok((column(&field)?, field)))
        .collect::<anyhow::Result<Vec<(usize, String)>>>()?;
    let mut lines: Vec<(u32, u32, String)> = Vec::new();
    for (number, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|error| refuse(format!("{error}; correct it")))?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let [contig, position, reference, alternate] = place.map(cell);
        let contig_id = contigs.find(contig).ok_or_else(|| {
            refuse(format!(
                "row {number} is on contig '{contig}', which the reference does not have; correct it, or give the right reference"
            ))
        })?;
        let position: u32 = position.parse().map_err(|_| {
            refuse(format!(
                "row {number} has the position '{position}'; write a whole number, 1-based"
            ))
        })?;
        let is_sequence =
            |own: &str| !own.is_empty() && own.bytes().all(|own| own.is_ascii_alphabetic());
        if !is_sequence(reference) || !is_sequence(alternate) {
            return Err(refuse(format!(
                "row {number} has an allele that is no sequence of bases; write REF and ALT as a VCF does"
            )));
        }
        let find = |name: &str| {
            let found = fields.iter().find(|(_, field)| field == name);
            found.map(|(at, _)| cell(*at))
        };
        let own = match label.read(find) {
            Label::Pathogenic => "pathogenic",
            Label::Benign => "benign",
            Label::Conflicting => "pathogenic|benign",
            Label::Other | Label::NotAccepted => "other",
        };
        let mut line = format!(
            "{}\t{position}\t.\t{reference}\t{alternate}\t.\t.\t{LABEL}={own}",
            contigs.name(contig_id)
        );
        let gene = label.gene.as_deref().and_then(find).unwrap_or_default();
        if !gene.is_empty() {
            let is_plain = |own: char| own.is_ascii_alphanumeric() || "-_.".contains(own);
            let gene: String = gene
                .chars()
                .map(|own| if is_plain(own) { own } else { '_' })
                .collect();
            let _ = write!(line, ";{GENE}={gene}");
        }
        lines.push((contig_id.0, position, line));
    }
    lines.sort();
    let mut vcf = String::from("##fileformat=VCFv4.3\n");
    for field in [LABEL, GENE] {
        let _ = writeln!(
            vcf,
            "##INFO=<ID={field},Number=1,Type=String,Description=\"of the table\">"
        );
    }
    vcf += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    for (.., line) in lines {
        vcf += &line;
        vcf.push('\n');
    }
    Ok(vcf)
}
