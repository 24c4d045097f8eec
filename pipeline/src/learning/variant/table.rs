//! A table of labelled variants as VCF, so that it takes the way of every other variant.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use varisk_reference::Reference;
use varisk_train::{Label, LabelSpec};

use crate::exit::Refusal;

/// INFO field of the label.
const LABEL: &str = "LABEL";
/// INFO field that says whether a row has what is required.
const ACCEPTED: &str = "ACCEPTED";
/// INFO field of the gene.
const GENE: &str = "GENE";

/// How the labels of a converted table are read.
pub(super) fn converted(label: &LabelSpec) -> LabelSpec {
    LabelSpec {
        field: LABEL.to_owned(),
        pathogenic: vec!["pathogenic".to_owned()],
        benign: vec!["benign".to_owned()],
        separators: "|".to_owned(),
        require: [(ACCEPTED.to_owned(), vec!["yes".to_owned()])].into(),
        gene: label.gene.as_ref().map(|_| GENE.to_owned()),
    }
}

/// The table as text of a sorted VCF. Labels are settled here, since cells may hold what INFO cannot.
pub(super) fn vcf(path: &Path, label: &LabelSpec, reference: &Reference) -> anyhow::Result<String> {
    let contigs = reference.contigs();
    let mut bases = reference.reader()?;
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
    let mut lines: Vec<(u32, u32, usize, String)> = Vec::new();
    for (number, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|_| {
            refuse(format!(
                "row {number} has another number of cells than the header, or is no text; correct it"
            ))
        })?;
        let cell = |at: usize| record.get(at).unwrap_or_default().trim();
        let [contig, position, reference, alternate] = place.map(cell);
        let contig_id = contigs.find(contig).ok_or_else(|| {
            refuse(format!(
                "row {number} is on contig '{contig}', which the reference does not have; correct it, or give the right reference"
            ))
        })?;
        let position: Option<u32> = position.parse().ok().filter(|own| *own > 0);
        let position = position.ok_or_else(|| {
            refuse(format!(
                "row {number} has a position that is no whole number from 1 on; correct it"
            ))
        })?;
        let is_sequence =
            |own: &str| !own.is_empty() && own.bytes().all(|own| own.is_ascii_alphabetic());
        if !is_sequence(reference) || !is_sequence(alternate) {
            return Err(refuse(format!(
                "row {number} has an allele that is no sequence of bases; write REF and ALT as a VCF does"
            )));
        }
        let mut there = vec![0; reference.len()];
        bases.fill(contig_id, i64::from(position) - 1, &mut there)?;
        if !there.eq_ignore_ascii_case(reference.as_bytes()) {
            return Err(refuse(format!(
                "row {number} has a REF that is not what the reference has there; correct it, or give the reference that the table was made on"
            )));
        }
        let find = |name: &str| {
            let found = fields.iter().find(|(_, field)| field == name);
            found.map(|(at, _)| cell(*at))
        };
        let (own, accepted) = match label.read(find) {
            Label::Pathogenic => ("pathogenic", "yes"),
            Label::Benign => ("benign", "yes"),
            Label::Conflicting => ("pathogenic|benign", "yes"),
            Label::Other => ("other", "yes"),
            Label::NotAccepted => ("other", "no"),
        };
        let mut line = format!(
            "{}\t{position}\t.\t{reference}\t{alternate}\t.\t.\t{LABEL}={own};{ACCEPTED}={accepted}",
            contigs.name(contig_id)
        );
        let genes = label.gene.as_deref().and_then(find);
        let genes = genes.map_or_else(Vec::new, |cell| label.genes(cell));
        if !genes.is_empty() {
            let is_plain = |own: char| own.is_ascii_alphanumeric() || "-_.".contains(own);
            let plain = |gene: &String| -> String {
                let letters = gene.chars();
                letters
                    .map(|own| if is_plain(own) { own } else { '_' })
                    .collect()
            };
            let genes: Vec<String> = genes.iter().map(plain).collect();
            let _ = write!(line, ";{GENE}={}", genes.join("|"));
        }
        lines.push((contig_id.0, position, number, line));
    }
    // The order of rows at a place stays that of the table.
    lines.sort();
    let mut vcf = String::from("##fileformat=VCFv4.3\n");
    for field in [LABEL, ACCEPTED, GENE] {
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
