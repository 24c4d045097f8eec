//! VCF text of the cohort and of single patients.

use super::genome::CONTIGS;
use super::genotypes::{Call, Record};
use super::patients::sample_name;
use super::site::Layout;
use crate::random::Random;

/// One record as text: the fixed columns and the column of each sample.
pub(crate) struct Line {
    fixed: String,
    samples: Vec<String>,
    carriers: Vec<bool>,
}

/// Writes all records as text. Depths and qualities are drawn here.
pub(crate) fn lines(random: &mut Random, records: &[Record]) -> Vec<Line> {
    records
        .iter()
        .enumerate()
        .map(|(number, record)| line(random, number, record))
        .collect()
}

fn line(random: &mut Random, number: usize, record: &Record) -> Line {
    let site = &record.site;
    let mut total_depth = 0;
    let mut samples = Vec::new();
    for call in &record.calls {
        let genotype = call.text(record.phased);
        let missing = call.is_missing();
        let (depth, quality) = if missing {
            (random.between(0, 3), None)
        } else {
            (random.between(9, 60), Some(random.between(20, 99)))
        };
        total_depth += depth;
        let quality = quality.map_or(".".to_owned(), |quality| quality.to_string());
        samples.push(match site.layout {
            Layout::Trailing if missing => genotype,
            Layout::Usual | Layout::Trailing => format!("{genotype}:{depth}:{quality}"),
            Layout::Reordered => format!("{genotype}:{quality}:{depth}"),
            Layout::GenotypeOnly => genotype,
        });
    }
    let format = match site.layout {
        Layout::Usual | Layout::Trailing => "GT:DP:GQ",
        Layout::Reordered => "GT:GQ:DP",
        Layout::GenotypeOnly => "GT",
    };
    let id = if random.chance(700) {
        format!("toy{}", number + 1)
    } else {
        ".".to_owned()
    };
    let quality = if random.chance(20) {
        ".".to_owned()
    } else {
        format!("{}.{}", random.between(30, 999), random.below(10))
    };
    // A causal variant is never filtered: the truth should be in reach.
    let filter = match random.below(100) {
        _ if site.causal.is_some() => "PASS",
        0..=3 => "LowQual",
        4 => "LowQual;LowDepth",
        5 => ".",
        _ => "PASS",
    };
    let alternates: Vec<&str> = site.alternates.iter().map(|a| a.text.as_str()).collect();
    let alternate_text = if alternates.is_empty() {
        ".".to_owned()
    } else {
        alternates.join(",")
    };
    let mut info = Vec::new();
    if record.has_frequency && !alternates.is_empty() {
        let frequencies: Vec<String> = (0..alternates.len())
            .map(|index| record.frequency_text(index))
            .collect();
        info.push(format!("AF={}", frequencies.join(",")));
    }
    info.push(format!("DP={total_depth}"));
    info.extend(site.info.clone());
    let fixed = [
        CONTIGS[site.contig].0,
        &(site.position + 1).to_string(),
        &id,
        &site.reference,
        &alternate_text,
        &quality,
        filter,
        &info.join(";"),
        format,
    ]
    .join("\t");
    Line {
        fixed,
        samples,
        carriers: record.calls.iter().map(Call::is_carrier).collect(),
    }
}

/// The file of all samples.
pub(crate) fn cohort(lines: &[Line], samples: usize) -> String {
    let names: Vec<String> = (0..samples).map(sample_name).collect();
    let mut text = header(&names);
    for line in lines {
        text.push_str(&format!("{}\t{}\n", line.fixed, line.samples.join("\t")));
    }
    text
}

/// The file of one sample: the records in which it carries an alternate allele.
pub(crate) fn patient(lines: &[Line], sample: usize) -> String {
    let mut text = header(&[sample_name(sample)]);
    for line in lines.iter().filter(|line| line.carriers[sample]) {
        text.push_str(&format!("{}\t{}\n", line.fixed, line.samples[sample]));
    }
    text
}

fn header(samples: &[String]) -> String {
    let mut text = String::from("##fileformat=VCFv4.3\n##source=varisk-xtask\n");
    for (name, length) in CONTIGS {
        text.push_str(&format!("##contig=<ID={name},length={length}>\n"));
    }
    for line in [
        "FILTER=<ID=PASS,Description=\"All filters passed\">",
        "FILTER=<ID=LowQual,Description=\"Low quality\">",
        "FILTER=<ID=LowDepth,Description=\"Low depth\">",
        "ALT=<ID=DEL,Description=\"Deletion\">",
        "INFO=<ID=AF,Number=A,Type=Float,Description=\"Frequency of each alternate allele in the cohort\">",
        "INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth over all samples\">",
        "INFO=<ID=END,Number=1,Type=Integer,Description=\"Last position of the variant\">",
        "INFO=<ID=SVLEN,Number=.,Type=Integer,Description=\"Change of length\">",
        "INFO=<ID=SVTYPE,Number=1,Type=String,Description=\"Kind of structural variant\">",
        "FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">",
        "FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">",
        "FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype quality\">",
    ] {
        text.push_str(&format!("##{line}\n"));
    }
    text.push_str("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t");
    text.push_str(&samples.join("\t"));
    text.push('\n');
    text
}
