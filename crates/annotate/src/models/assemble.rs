//! Puts features together to transcripts.
//!
//! Children may stand before their parents (files are often sorted by position), so everything is
//! collected first. An identifier counts on its contig only: Ensembl repeats those of the
//! pseudoautosomal regions on X and Y.

use std::collections::HashMap;

use varisk_core::{ContigId, ContigSet};

use super::attributes::{Attributes, Dialect};
use super::summary::{ModelsSummary, SkipReason};
use crate::transcript::{Misfit, Parts, Span, Strand, Transcript, TranscriptFlags};

/// Parents of parents are followed no farther: no file nests deeper, and a circle must end.
const DEEPEST_NESTING: usize = 6;

/// One line that may matter.
pub(super) struct Feature<'a> {
    pub(super) contig: &'a str,
    pub(super) kind: &'a str,
    pub(super) span: Span,
    pub(super) strand: Option<Strand>,
    pub(super) phase: Option<u8>,
    pub(super) attributes: Attributes<'a>,
    pub(super) dialect: Dialect,
}

/// What the attributes of a gene, a transcript or (in GTF) an exon say.
#[derive(Default)]
struct Info {
    kind: Box<str>,
    parent: Option<Box<str>>,
    id: Option<Box<str>>,
    gene: Option<Box<str>>,
    gene_id: Option<Box<str>>,
    biotype: Option<Box<str>>,
    protein_id: Option<Box<str>>,
    ccds: Option<Box<str>>,
    support_level: Option<u8>,
    flags: TranscriptFlags,
    has_children: bool,
}

/// Exons and coding parts of one parent.
#[derive(Default)]
struct Children {
    exons: Vec<Span>,
    coding: Vec<(Span, Option<u8>)>,
    stops: Vec<Span>,
    strand: Option<Strand>,
    mixed: bool,
    features: u64,
    protein_id: Option<Box<str>>,
    ccds: Option<Box<str>>,
    selenocysteine: bool,
    /// GTF repeats the transcript's attributes on each line.
    info: Info,
}

type Key = (ContigId, Box<str>);

pub(super) struct Collector<'a> {
    contigs: &'a ContigSet,
    nodes: HashMap<Key, Info>,
    children: HashMap<Key, Children>,
    summary: ModelsSummary,
    last_contig: (String, Option<ContigId>),
}

impl<'a> Collector<'a> {
    pub(super) fn new(contigs: &'a ContigSet) -> Self {
        Self {
            contigs,
            nodes: HashMap::new(),
            children: HashMap::new(),
            summary: ModelsSummary::default(),
            last_contig: (String::new(), None),
        }
    }

    /// Whether features of a type can be part of a transcript or its parent.
    pub(super) fn wants(kind: &str) -> bool {
        !matches!(
            kind,
            "biological_region"
                | "chromosome"
                | "region"
                | "scaffold"
                | "supercontig"
                | "contig"
                | "five_prime_UTR"
                | "three_prime_UTR"
                | "five_prime_utr"
                | "three_prime_utr"
                | "UTR"
                | "start_codon"
                | "cDNA_match"
                | "match"
                | "match_part"
                | "sequence_feature"
                | "enhancer"
                | "silencer"
                | "promoter"
                | "intron"
        )
    }

    /// Takes in a feature.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn add(&mut self, feature: &Feature<'_>) -> Result<(), String> {
        if self.last_contig.0 != feature.contig {
            self.last_contig = (feature.contig.to_owned(), self.contigs.find(feature.contig));
        }
        let is_part = matches!(
            feature.kind,
            "exon"
                | "CDS"
                | "stop_codon"
                | "Selenocysteine"
                | "stop_codon_redefined_as_selenocysteine"
        );
        let parents = match feature.dialect {
            Dialect::Gtf if is_part || feature.kind == "transcript" => {
                feature.attributes.get("transcript_id")
            }
            Dialect::Gtf => None,
            Dialect::Gff3 => feature.attributes.get("Parent"),
        };
        if is_part && parents.is_none() {
            let name = match feature.dialect {
                Dialect::Gtf => "transcript_id",
                Dialect::Gff3 => "Parent",
            };
            return Err(format!(
                "{} has no {name}, so it belongs to no transcript; take the file from Ensembl, \
                 GENCODE or RefSeq, or add {name} to it",
                feature.kind
            ));
        }
        let Some(contig) = self.last_contig.1 else {
            self.summary.skip(SkipReason::UnknownContig);
            return Ok(());
        };
        if feature.span.end > self.contigs.length(contig) {
            self.summary.skip(SkipReason::BeyondContig);
            return Ok(());
        }
        match (is_part, parents) {
            (true, Some(parents)) => {
                for parent in parents.split(',') {
                    self.add_part(contig, parent, feature);
                }
            }
            (_, Some(parent)) if feature.dialect == Dialect::Gtf => {
                let children = self.children.entry((contig, parent.into())).or_default();
                children.info = info(feature, None);
            }
            (_, parent) => {
                let id = match feature.dialect {
                    Dialect::Gff3 => feature.attributes.get("ID"),
                    Dialect::Gtf => None,
                };
                if let Some(id) = id {
                    let parent =
                        parent.map(|parent| parent.split(',').next().unwrap_or_default().into());
                    self.nodes
                        .insert((contig, id.into()), info(feature, parent));
                }
            }
        }
        Ok(())
    }

    fn add_part(&mut self, contig: ContigId, parent: &str, feature: &Feature<'_>) {
        let children = self.children.entry((contig, parent.into())).or_default();
        children.features += 1;
        match (children.strand, feature.strand) {
            (None, Some(strand)) if children.features == 1 => children.strand = Some(strand),
            (Some(known), Some(strand)) if known == strand => {}
            _ => children.mixed = true,
        }
        if feature.dialect == Dialect::Gtf && children.info.id.is_none() {
            children.info = info(feature, None);
        }
        match feature.kind {
            "exon" => children.exons.push(feature.span),
            "CDS" => {
                children.coding.push((feature.span, feature.phase));
                let attributes = feature.attributes;
                if children.protein_id.is_none() {
                    children.protein_id = versioned(
                        attributes.get("protein_id").as_deref(),
                        attributes.get("protein_version").as_deref(),
                    );
                }
                if children.ccds.is_none() {
                    children.ccds = ccds(attributes);
                }
                children.selenocysteine |= attributes
                    .raw("transl_except")
                    .is_some_and(|exceptions| exceptions.contains("aa:Sec"));
            }
            "stop_codon" => children.stops.push(feature.span),
            _ => children.selenocysteine = true,
        }
    }

    /// The transcripts.
    pub(super) fn finish(mut self, dialect: Dialect) -> (Vec<Transcript>, ModelsSummary) {
        let mut transcripts = Vec::new();
        let children = std::mem::take(&mut self.children);
        for ((contig, parent), children) in children {
            let info = match dialect {
                Dialect::Gtf => None,
                Dialect::Gff3 => match self.inherited(contig, &parent) {
                    Some(info) => Some(info),
                    None => {
                        *self
                            .summary
                            .skipped
                            .entry(SkipReason::MissingParent)
                            .or_default() += children.features;
                        continue;
                    }
                },
            };
            match self.transcript(contig, &parent, children, info) {
                Ok(transcript) => {
                    let flags = transcript.flags;
                    let summary = &mut self.summary;
                    summary.transcripts += 1;
                    summary.coding += u64::from(transcript.coding.is_some());
                    summary.incomplete +=
                        u64::from(flags.cds_start_incomplete || flags.cds_end_incomplete);
                    summary.differs_from_reference += u64::from(flags.differs_from_reference);
                    transcripts.push(transcript);
                }
                Err(reason) => self.summary.skip(reason),
            }
        }
        let childless = self.nodes.values().filter(|node| {
            !node.has_children
                && (matches!(&*node.kind, "mRNA" | "transcript")
                    || node.kind.ends_with("RNA")
                    || node.kind.ends_with("_transcript"))
        });
        let childless = childless.count() as u64;
        if childless > 0 {
            *self.summary.skipped.entry(SkipReason::NoExons).or_default() += childless;
        }
        (transcripts, self.summary)
    }

    /// What a transcript and its parents say, nearest first.
    fn inherited(&mut self, contig: ContigId, id: &str) -> Option<Info> {
        let mut key = (contig, Box::from(id));
        let node = self.nodes.get_mut(&key)?;
        node.has_children = true;
        let mut merged = Info {
            kind: node.kind.clone(),
            id: node.id.clone(),
            gene: None,
            gene_id: None,
            biotype: node.biotype.clone(),
            protein_id: node.protein_id.clone(),
            ccds: node.ccds.clone(),
            support_level: node.support_level,
            flags: node.flags,
            parent: None,
            has_children: true,
        };
        for depth in 0..DEEPEST_NESTING {
            let Some(node) = self.nodes.get_mut(&key) else {
                break;
            };
            // A transcript's own `Name` is not its gene's.
            let is_gene = node.parent.is_none() || depth > 0;
            if is_gene {
                node.has_children = true;
                if merged.gene.is_none() {
                    merged.gene.clone_from(&node.gene);
                }
                merged.gene_id.clone_from(&node.gene_id);
                if merged.biotype.is_none() {
                    merged.biotype.clone_from(&node.biotype);
                }
            }
            match node.parent.clone() {
                Some(parent) => key.1 = parent,
                None => break,
            }
        }
        Some(merged)
    }

    fn transcript(
        &mut self,
        contig: ContigId,
        parent: &str,
        children: Children,
        info: Option<Info>,
    ) -> Result<Transcript, SkipReason> {
        let strand = match children.strand {
            Some(strand) if !children.mixed => strand,
            _ => return Err(SkipReason::MixedStrands),
        };
        let mut info = info.unwrap_or(children.info);
        info.flags.selenocysteine |= children.selenocysteine;
        let mut coding = children.coding;
        coding.sort_unstable();
        coding.dedup();
        let phase = self.first_phase(strand, &coding);
        let mut coding: Vec<Span> = coding.into_iter().map(|(span, _)| span).collect();
        merge_stops(&mut coding, &children.stops);
        let mut exons = children.exons;
        if exons.is_empty() && !coding.is_empty() {
            self.summary.exons_from_coding += 1;
            exons.clone_from(&coding);
        }
        let bare = |id: &str| -> Box<str> {
            ["transcript:", "rna-", "gene:", "gene-"]
                .iter()
                .find_map(|prefix| id.strip_prefix(prefix))
                .unwrap_or(id)
                .into()
        };
        Transcript::try_new(Parts {
            contig,
            strand,
            exons,
            coding,
            phase,
            flags: info.flags,
            support_level: info.support_level,
            id: info.id.unwrap_or_else(|| bare(parent)),
            gene: info.gene,
            gene_id: info.gene_id,
            biotype: info.biotype,
            protein_id: children.protein_id.or(info.protein_id),
            ccds: children.ccds.or(info.ccds),
        })
        .map_err(|misfit| match misfit {
            Misfit::NoExons => SkipReason::NoExons,
            Misfit::OverlappingExons => SkipReason::OverlappingExons,
            Misfit::CodingOutsideExons => SkipReason::CodingOutsideExons,
            Misfit::CodingNotContiguous => SkipReason::CodingNotContiguous,
        })
    }

    /// Phase of the first coding part in transcript direction; computed from the second one, else 0,
    /// where the file does not give it.
    fn first_phase(&mut self, strand: Strand, coding: &[(Span, Option<u8>)]) -> u8 {
        if coding.iter().any(|(_, phase)| phase.is_none()) {
            self.summary.phase_missing += 1;
        }
        let (first, second) = match strand {
            Strand::Forward => (coding.first(), coding.get(1)),
            Strand::Reverse => (
                coding.last(),
                coding.len().checked_sub(2).and_then(|at| coding.get(at)),
            ),
        };
        match (first, second) {
            (Some((_, Some(phase))), _) => *phase,
            (Some((span, None)), Some((_, Some(phase)))) => {
                // Bases of the first part that begin the codon which the second part ends.
                let tail = (3 - u32::from(*phase)) % 3;
                u8::try_from((span.length() + 3 - tail) % 3).unwrap_or(0)
            }
            _ => 0,
        }
    }
}

/// Adds the stop codon, which GTF leaves out of the coding parts.
fn merge_stops(coding: &mut Vec<Span>, stops: &[Span]) {
    if coding.is_empty() {
        return;
    }
    for stop in stops {
        let touching = coding.iter_mut().find(|part| {
            stop.start <= part.end.saturating_add(1) && part.start <= stop.end.saturating_add(1)
        });
        match touching {
            Some(part) => {
                part.start = part.start.min(stop.start);
                part.end = part.end.max(stop.end);
            }
            None => coding.push(*stop),
        }
    }
}

/// Reads the attributes of a gene, transcript or GTF line.
fn info(feature: &Feature<'_>, parent: Option<Box<str>>) -> Info {
    let attributes = feature.attributes;
    let get = |names: &[&str]| -> Option<Box<str>> {
        names
            .iter()
            .find_map(|name| attributes.get(name))
            .map(Into::into)
    };
    let is_gtf = feature.dialect == Dialect::Gtf;
    let id = get(&["transcript_id"]);
    let version = if is_gtf {
        "transcript_version"
    } else {
        "version"
    };
    let gene_number = dbxref(attributes, "GeneID:");
    let gene_id = gene_number.or_else(|| get(&["gene_id"])).or_else(|| {
        let id = get(&["ID"])?;
        Some(
            id.strip_prefix("gene:")
                .or_else(|| id.strip_prefix("gene-"))
                .unwrap_or(&id)
                .into(),
        )
    });
    let is_refseq_mrna = feature.kind == "mRNA" && get(&["gbkey"]).is_some();
    let biotype = get(&["transcript_biotype", "transcript_type", "biotype"])
        .or_else(|| is_refseq_mrna.then(|| "protein_coding".into()))
        .or_else(|| {
            let is_rna = parent.is_some() && feature.kind != "transcript";
            is_rna.then(|| feature.kind.into())
        })
        .or_else(|| get(&["gene_biotype", "gene_type"]));
    let tag = |tag| attributes.has_tag(tag);
    let incomplete =
        |raw: &str| attributes.raw("partial") == Some("true") && attributes.raw(raw).is_some();
    Info {
        kind: feature.kind.into(),
        parent,
        id: versioned(id.as_deref(), attributes.get(version).as_deref()),
        gene: get(&["gene_name", "gene"])
            .or_else(|| if is_gtf { None } else { get(&["Name"]) })
            .filter(|name| !name.is_empty()),
        gene_id: gene_id.map(|id| unversioned(&id).into()),
        biotype,
        protein_id: versioned(
            get(&["protein_id"]).as_deref(),
            attributes.get("protein_version").as_deref(),
        ),
        ccds: ccds(attributes),
        support_level: attributes
            .raw("transcript_support_level")
            .and_then(|level| level.get(..1)?.parse().ok()),
        flags: TranscriptFlags {
            mane_select: tag("MANE_Select") || tag("MANE Select"),
            mane_plus_clinical: tag("MANE_Plus_Clinical") || tag("MANE Plus Clinical"),
            canonical: tag("Ensembl_canonical") || tag("RefSeq Select"),
            cds_start_incomplete: tag("cds_start_NF") || incomplete("start_range"),
            cds_end_incomplete: tag("cds_end_NF") || incomplete("end_range"),
            selenocysteine: tag("seleno"),
            other_start: tag("non_ATG_start"),
            differs_from_reference: attributes.raw("exception").is_some()
                || attributes
                    .raw("Note")
                    .is_some_and(|note| note.contains("compared to this genomic sequence")),
        },
        has_children: false,
    }
}

fn ccds(attributes: Attributes<'_>) -> Option<Box<str>> {
    attributes
        .get("ccdsid")
        .or_else(|| attributes.get("ccds_id"))
        .map(Into::into)
        .or_else(|| dbxref(attributes, "CCDS:"))
}

fn dbxref(attributes: Attributes<'_>, prefix: &str) -> Option<Box<str>> {
    attributes
        .raw("Dbxref")?
        .split(',')
        .find_map(|reference| reference.strip_prefix(prefix))
        .map(Into::into)
}

/// An identifier with its version, if it lacks one and one is known.
fn versioned(id: Option<&str>, version: Option<&str>) -> Option<Box<str>> {
    let id = id?;
    Some(match version {
        Some(version) if !id.contains('.') => format!("{id}.{version}").into(),
        _ => id.into(),
    })
}

/// An Ensembl identifier without its version.
fn unversioned(id: &str) -> &str {
    match id.split_once('.') {
        Some((stem, _)) if stem.starts_with("ENS") => stem,
        _ => id,
    }
}
