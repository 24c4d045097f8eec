//! Which field of an entry means what, from the Description of the header line.

use crate::AnnotateError;

/// The INFO fields that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InfoKind {
    /// `CSQ`, as VEP writes it.
    Csq,
    /// `ANN`, as SnpEff writes it ("Variant annotations in VCF format", version 1.0).
    Ann,
    /// `BCSQ`, as `bcftools csq` writes it.
    Bcsq,
}

impl InfoKind {
    /// Name of the INFO field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Csq => "CSQ",
            Self::Ann => "ANN",
            Self::Bcsq => "BCSQ",
        }
    }
}

/// What a field of an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Allele,
    AlleleNumber,
    Consequence,
    Impact,
    Symbol,
    Gene,
    FeatureType,
    Feature,
    Biotype,
    Exon,
    Intron,
    /// SnpEff: rank of the exon or of the intron.
    Rank,
    HgvsC,
    HgvsP,
    HgvsG,
    Cdna,
    Cds,
    Protein,
    AminoAcids,
    /// bcftools: `361C>361Y`.
    AminoAcidChange,
    /// bcftools: `18826G>A`.
    DnaChange,
    Codons,
    Distance,
    Strand,
    Flags,
    Canonical,
    ManeSelect,
    Mane,
    ManePlusClinical,
    SupportLevel,
    Nmd,
}

/// The fields of an entry of `CSQ`, `ANN` or `BCSQ`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoFormat {
    kind: InfoKind,
    slots: Vec<Option<Slot>>,
}

impl InfoFormat {
    /// Reads the format from a header Description: `... Format: Allele|Consequence|...` of VEP,
    /// `... 'Allele | Annotation | ...'` of SnpEff, `... Format: '[*]consequence|gene|...'` of
    /// bcftools.
    ///
    /// # Errors
    /// No fields are named, or none for the consequence or (but for `BCSQ`) the allele.
    pub fn parse(kind: InfoKind, description: &str) -> Result<Self, AnnotateError> {
        let refuse = |detail: &str| AnnotateError::InfoFormat {
            field: kind.field(),
            detail: format!(
                "{detail}; annotate the file again, or let varisk compute consequences from gene \
                 models"
            ),
        };
        let names = fields(kind, description)
            .ok_or_else(|| refuse("the Description of its header line names no fields"))?;
        let slots: Vec<Option<Slot>> = names.map(|name| slot(kind, name)).collect();
        let format = Self { kind, slots };
        if format.position(Slot::Consequence).is_none() {
            return Err(refuse(
                "the Description of its header line names no field for the consequence",
            ));
        }
        let has_allele = format.position(Slot::Allele).is_some()
            || format.position(Slot::AlleleNumber).is_some();
        if kind != InfoKind::Bcsq && !has_allele {
            return Err(refuse(
                "the Description of its header line names no field for the allele",
            ));
        }
        Ok(format)
    }

    /// Which of the INFO fields it is.
    #[must_use]
    pub fn kind(&self) -> InfoKind {
        self.kind
    }

    pub(super) fn position(&self, slot: Slot) -> Option<usize> {
        self.slots.iter().position(|each| *each == Some(slot))
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.position(slot).is_some()
    }
}

/// Names of the fields.
fn fields(kind: InfoKind, description: &str) -> Option<impl Iterator<Item = &str>> {
    let list = match description.split_once("Format:") {
        Some((_, list)) => list.trim(),
        // SnpEff: "Functional annotations: 'Allele | Annotation | ...'".
        None if kind == InfoKind::Ann => description.split_once('\'')?.1,
        None => return None,
    };
    let list = list
        .trim_start_matches(['\'', '"', ' '])
        .trim_start_matches("[*]");
    // The list ends at a quote or at white space, but SnpEff puts spaces around its bars.
    let end = if kind == InfoKind::Ann {
        list.find(['\'', '"'])
    } else {
        list.find(['\'', '"', ' '])
    };
    let list = &list[..end.unwrap_or(list.len())];
    list.contains('|').then(|| {
        list.split('|')
            .map(|name| name.trim_matches([' ', '[', ']', '\'', '"']))
    })
}

fn slot(kind: InfoKind, name: &str) -> Option<Slot> {
    match kind {
        InfoKind::Csq => Some(match name {
            "Allele" => Slot::Allele,
            "ALLELE_NUM" => Slot::AlleleNumber,
            "Consequence" => Slot::Consequence,
            "IMPACT" => Slot::Impact,
            "SYMBOL" | "HGNC" => Slot::Symbol,
            "Gene" => Slot::Gene,
            "Feature_type" => Slot::FeatureType,
            "Feature" => Slot::Feature,
            "BIOTYPE" => Slot::Biotype,
            "EXON" => Slot::Exon,
            "INTRON" => Slot::Intron,
            "HGVSc" => Slot::HgvsC,
            "HGVSp" => Slot::HgvsP,
            "HGVSg" => Slot::HgvsG,
            "cDNA_position" => Slot::Cdna,
            "CDS_position" => Slot::Cds,
            "Protein_position" => Slot::Protein,
            "Amino_acids" => Slot::AminoAcids,
            "Codons" => Slot::Codons,
            "DISTANCE" => Slot::Distance,
            "STRAND" => Slot::Strand,
            "FLAGS" => Slot::Flags,
            "CANONICAL" => Slot::Canonical,
            "MANE_SELECT" => Slot::ManeSelect,
            "MANE" => Slot::Mane,
            "MANE_PLUS_CLINICAL" => Slot::ManePlusClinical,
            "TSL" => Slot::SupportLevel,
            "NMD" => Slot::Nmd,
            _ => return None,
        }),
        InfoKind::Ann => Some(match name {
            "Allele" => Slot::Allele,
            "Annotation" => Slot::Consequence,
            "Annotation_Impact" => Slot::Impact,
            "Gene_Name" => Slot::Symbol,
            "Gene_ID" => Slot::Gene,
            "Feature_Type" => Slot::FeatureType,
            "Feature_ID" => Slot::Feature,
            "Transcript_BioType" => Slot::Biotype,
            "Rank" => Slot::Rank,
            "HGVS.c" => Slot::HgvsC,
            "HGVS.p" => Slot::HgvsP,
            "cDNA.pos / cDNA.length" => Slot::Cdna,
            "CDS.pos / CDS.length" => Slot::Cds,
            "AA.pos / AA.length" => Slot::Protein,
            "Distance" => Slot::Distance,
            _ => return None,
        }),
        InfoKind::Bcsq => Some(match name.to_ascii_lowercase().as_str() {
            "consequence" => Slot::Consequence,
            "gene" => Slot::Symbol,
            "transcript" => Slot::Feature,
            "biotype" => Slot::Biotype,
            "strand" => Slot::Strand,
            "amino_acid_change" => Slot::AminoAcidChange,
            "dna_change" => Slot::DnaChange,
            _ => return None,
        }),
    }
}
