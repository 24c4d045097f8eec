//! What a row says: its sites, its weights and how they apply.
//!
//! Complex rows follow the PGS Catalog's description of its columns: entries of an interaction are
//! separated by `_x_`, constituents of a haplotype by `;`, the two haplotypes of a diplotype by `/`.
//! APOE alleles are haplotypes of rs429358 and rs7412.

use varisk_core::GenomeBuild;

use super::{Positions, Row};
use crate::{EffectType, RowReason};

/// A site as the file writes it; alleles as written, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SiteText<'a> {
    pub(crate) contig: &'a [u8],
    /// 1-based.
    pub(crate) position: u32,
    pub(crate) effect: &'a [u8],
    /// Empty where the file names none, or more than one.
    pub(crate) other: &'a [u8],
}

/// Weights of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weights {
    /// One for each score of the file: see the buffer given to [`interpret`].
    Single,
    /// Of none, one and two copies.
    ByDosage([f64; 3]),
}

/// Where a row's effect is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject<'a> {
    Site(SiteText<'a>),
    /// To be looked up; the site lacks contig and position.
    Identifier(&'a str, SiteText<'a>),
    /// Alleles that act together: those of an interaction or haplotype, or of two haplotypes.
    Together {
        groups: Vec<Vec<SiteText<'a>>>,
        is_apoe: bool,
    },
    Lost(RowReason),
}

/// What a row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meaning<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) effect_type: EffectType,
    pub(crate) weights: Weights,
    /// The file's frequency of the effect allele.
    pub(crate) frequency: Option<f64>,
}

/// Reads a row; `weights` gets one for each column of weights.
///
/// # Errors
/// A sentence about what is wrong with the line.
pub(crate) fn interpret<'a>(
    row: &Row<'a>,
    build: GenomeBuild,
    weights: &mut Vec<f64>,
) -> Result<Meaning<'a>, String> {
    let layout = row.layout();
    let (kind, effect_type) = effect_type(row)?;
    weights.clear();
    let mut by_dosage = layout.weights.is_empty();
    for (column, name) in &layout.weights {
        match row.number(Some(*column), name)? {
            Some(weight) => weights.push(weight),
            None if layout.dosage_weights.is_some() => by_dosage = true,
            None => return Err(format!("{name} is empty; correct or remove the row")),
        }
    }
    if by_dosage && layout.weights.len() > 1 {
        return Err(
            "it leaves one of several weights empty and has weights by dosage, which would be those \
             of all scores; give each score a file of its own"
                .to_owned(),
        );
    }
    let weights = match layout.dosage_weights {
        Some(columns) if by_dosage => {
            let mut by_copies = [0.0; 3];
            for ((copies, column), weight) in columns.into_iter().enumerate().zip(&mut by_copies) {
                let name = format!("dosage_{copies}_weight");
                *weight = row
                    .number(Some(column), &name)?
                    .ok_or_else(|| format!("{name} is empty; correct or remove the row"))?;
            }
            weights.clear();
            weights.push(largest(by_copies));
            Weights::ByDosage(by_copies)
        }
        _ => Weights::Single,
    };
    let effect_type = match (weights, effect_type) {
        (Weights::ByDosage(_), EffectType::Additive | EffectType::Nonadditive)
            if kind == Kind::Plain =>
        {
            EffectType::Nonadditive
        }
        (Weights::ByDosage(_), _) => {
            return Err("it has weights by dosage and another effect type; keep one".to_owned());
        }
        (Weights::Single, EffectType::Nonadditive) => {
            return Err(
                "its effect_type is nonadditive and it has no weights by dosage".to_owned(),
            );
        }
        (Weights::Single, other) => other,
    };
    let frequency = row
        .cell(layout.frequency)
        .first()
        .and_then(|_| {
            std::str::from_utf8(row.cell(layout.frequency))
                .ok()?
                .parse()
                .ok()
        })
        .filter(|frequency| (0.0..=1.0).contains(frequency));
    Ok(Meaning {
        subject: subject(row, kind, build)?,
        effect_type,
        weights,
        frequency,
    })
}

fn largest(weights: [f64; 3]) -> f64 {
    weights.into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// Whether a row is about one allele or about several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Interaction,
    Haplotype,
    Diplotype,
}

fn effect_type(row: &Row) -> Result<(Kind, EffectType), String> {
    let layout = row.layout();
    let dominant = row.flag(layout.dominant, "is_dominant")?;
    let recessive = row.flag(layout.recessive, "is_recessive")?;
    let kind = match (
        row.flag(layout.interaction, "is_interaction")?,
        row.flag(layout.haplotype, "is_haplotype")?,
        row.flag(layout.diplotype, "is_diplotype")?,
    ) {
        (true, _, _) => Kind::Interaction,
        (_, _, true) => Kind::Diplotype,
        (_, true, _) => Kind::Haplotype,
        _ => Kind::Plain,
    };
    let stated = match row.cell(layout.effect_type) {
        b"" | b"additive" => EffectType::Additive,
        b"dominant" => EffectType::Dominant,
        b"recessive" => EffectType::Recessive,
        b"nonadditive" => EffectType::Nonadditive,
        other => {
            return Err(format!(
                "effect_type is '{}'; write additive, dominant, recessive or nonadditive",
                String::from_utf8_lossy(other)
            ));
        }
    };
    let is_stated_otherwise = match stated {
        EffectType::Dominant => recessive,
        EffectType::Recessive => dominant,
        _ => false,
    };
    if is_stated_otherwise {
        return Err(
            "its effect_type contradicts is_dominant or is_recessive; correct or remove the row"
                .to_owned(),
        );
    }
    let effect = match (dominant, recessive, kind) {
        (true, true, _) => {
            return Err("it is both dominant and recessive; correct or remove the row".to_owned());
        }
        (true, _, Kind::Plain) => EffectType::Dominant,
        (_, true, Kind::Plain) => EffectType::Recessive,
        (true, ..) | (_, true, _) => {
            return Err(
                "it is about several alleles and dominant or recessive, which nobody defines; \
                 correct or remove the row"
                    .to_owned(),
            );
        }
        (_, _, Kind::Plain) => stated,
        (_, _, Kind::Interaction) => EffectType::Interaction,
        (_, _, Kind::Haplotype) => EffectType::Haplotype,
        (_, _, Kind::Diplotype) => EffectType::Diplotype,
    };
    Ok((kind, effect))
}

fn subject<'a>(row: &Row<'a>, kind: Kind, build: GenomeBuild) -> Result<Subject<'a>, String> {
    let layout = row.layout();
    let effect = row.cell(layout.effect);
    let variant_type = row.cell(layout.variant_type);
    let locus = row.cell(layout.locus);
    if kind != Kind::Interaction && !is_bases(effect) {
        if variant_type.starts_with(b"HLA") || effect.starts_with(b"HLA") {
            return Ok(Subject::Lost(RowReason::HlaAllele));
        }
        if variant_type == b"APOE_allele" || (locus == b"APOE" && kind != Kind::Plain) {
            return Ok(apoe(effect, kind, build));
        }
    }
    match kind {
        Kind::Plain => {}
        Kind::Interaction => {
            return Ok(together(
                row,
                b"_x_",
                kind,
                RowReason::UnsupportedInteraction,
            ));
        }
        Kind::Haplotype | Kind::Diplotype => {
            return Ok(together(row, b";", kind, RowReason::UnsupportedHaplotype));
        }
    }
    if !is_bases(effect) {
        return Ok(Subject::Lost(match effect {
            _ if !variant_type.is_empty() => RowReason::UnsupportedVariantType,
            // Presence and absence of an HLA allele, as SNP2HLA writes them.
            b"P" | b"+" => RowReason::HlaAllele,
            b"N" if locus.starts_with(b"HLA") => RowReason::HlaAllele,
            _ => RowReason::AlleleNotBases,
        }));
    }
    let mut other = row.cell(layout.other);
    if other.is_empty() {
        other = row.cell(layout.inferred_other);
    }
    match layout.positions {
        Positions::PlinkId => Ok(plink_id(row.cell(layout.rsid), effect, other)?),
        Positions::Identifier => {
            let site = site(b"", 1, effect, other)?;
            let identifier = std::str::from_utf8(row.cell(layout.rsid)).unwrap_or_default();
            Ok(match (identifier, site) {
                ("" | ".", _) => Subject::Lost(RowReason::NoPosition),
                (identifier, Ok(site)) => Subject::Identifier(identifier, site),
                (_, Err(reason)) => Subject::Lost(reason),
            })
        }
        Positions::Columns | Positions::Harmonised => {
            let (contig, position) = (row.cell(layout.contig), row.cell(layout.position));
            if layout.positions == Positions::Harmonised
                && (contig.is_empty()
                    || position.is_empty()
                    || row.cell(layout.source) == b"Unknown")
            {
                // What is wrong with the alleles is wrong all the same.
                let _ = site(b"", 1, effect, other)?;
                return Ok(Subject::Lost(RowReason::NotHarmonised));
            }
            if contig.is_empty() || position.is_empty() {
                return Ok(Subject::Lost(RowReason::NoPosition));
            }
            let position = whole_position(position)?;
            Ok(match site(contig, position, effect, other)? {
                Ok(site) => Subject::Site(site),
                Err(reason) => Subject::Lost(reason),
            })
        }
    }
}

/// A site with its alleles checked.
fn site<'a>(
    contig: &'a [u8],
    position: u32,
    effect: &'a [u8],
    other: &'a [u8],
) -> Result<Result<SiteText<'a>, RowReason>, String> {
    if effect.eq_ignore_ascii_case(other) {
        return Err(format!(
            "effect allele and other allele are both {}; correct or remove the row",
            String::from_utf8_lossy(effect)
        ));
    }
    // Several other alleles say as little as none (`A/C`, `A,C`).
    let several = other.iter().any(|byte| matches!(byte, b'/' | b',' | b'|'));
    let other = match other {
        _ if several => b"".as_slice(),
        b"." | b"NA" => b"",
        other => other,
    };
    if !is_bases(effect) || !(other.is_empty() || is_bases(other)) {
        return Ok(Err(RowReason::AlleleNotBases));
    }
    Ok(Ok(SiteText {
        contig,
        position,
        effect,
        other,
    }))
}

/// `contig:position:allele:allele`; anything else is an identifier.
fn plink_id<'a>(id: &'a [u8], effect: &'a [u8], other: &'a [u8]) -> Result<Subject<'a>, String> {
    let mut parts = id.split(|byte| *byte == b':');
    let four = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(contig), Some(position), Some(first), Some(second)) = four else {
        let identifier = std::str::from_utf8(id).unwrap_or_default();
        return Ok(match (identifier, site(b"", 1, effect, other)?) {
            ("" | ".", _) => Subject::Lost(RowReason::NoPosition),
            (identifier, Ok(site)) => Subject::Identifier(identifier, site),
            (_, Err(reason)) => Subject::Lost(reason),
        });
    };
    let position = whole_position(position)?;
    let other = if first.eq_ignore_ascii_case(effect) {
        second
    } else if second.eq_ignore_ascii_case(effect) {
        first
    } else {
        return Err(format!(
            "effect allele {} is none of the alleles of {}; correct or remove the row",
            String::from_utf8_lossy(effect),
            String::from_utf8_lossy(id)
        ));
    };
    Ok(match site(contig, position, effect, other)? {
        Ok(site) => Subject::Site(site),
        Err(reason) => Subject::Lost(reason),
    })
}

fn whole_position(cell: &[u8]) -> Result<u32, String> {
    std::str::from_utf8(cell)
        .ok()
        .and_then(|text| text.parse::<u32>().ok())
        .filter(|position| *position > 0)
        .ok_or_else(|| {
            format!(
                "position is '{}', which is no whole number from 1 on; correct or remove the row",
                String::from_utf8_lossy(cell)
            )
        })
}

/// Several alleles; each cell lists one entry for each, or one entry that holds for all.
fn together<'a>(
    row: &Row<'a>,
    separator: &'static [u8],
    kind: Kind,
    reason: RowReason,
) -> Subject<'a> {
    let layout = row.layout();
    if !matches!(layout.positions, Positions::Columns | Positions::Harmonised) {
        return Subject::Lost(reason);
    }
    let parts = |cell: &'a [u8]| split_by(cell, separator);
    let contigs = parts(row.cell(layout.contig));
    let positions = parts(row.cell(layout.position));
    let others = parts(row.cell(layout.other));
    let haplotypes = match kind {
        Kind::Diplotype => split_by(row.cell(layout.effect), b"/"),
        _ => vec![row.cell(layout.effect)],
    };
    if kind == Kind::Diplotype && haplotypes.len() != 2 {
        return Subject::Lost(reason);
    }
    if layout.positions == Positions::Harmonised && positions.iter().any(|cell| cell.is_empty()) {
        return Subject::Lost(RowReason::NotHarmonised);
    }
    let mut groups = Vec::new();
    for haplotype in haplotypes {
        let effects = parts(haplotype);
        let entry = |cells: &[&'a [u8]], index: usize| -> Option<&'a [u8]> {
            match cells {
                [one] => Some(one),
                _ if cells.len() == effects.len() => cells.get(index).copied(),
                _ => None,
            }
        };
        if effects.len() < 2 || positions.len() != effects.len() {
            return Subject::Lost(reason);
        }
        let mut group = Vec::new();
        for (index, effect) in effects.iter().enumerate() {
            let place = (entry(&contigs, index), whole_position(positions[index]));
            let (Some(contig), Ok(position)) = place else {
                return Subject::Lost(reason);
            };
            let other = match others.as_slice() {
                [[]] => b"".as_slice(),
                _ if others.len() == effects.len() => others[index],
                _ => return Subject::Lost(reason),
            };
            // The other haplotype of a diplotype names the other allele.
            match site(
                contig,
                position,
                effect,
                if effect == &other { b"" } else { other },
            ) {
                Ok(Ok(site)) => group.push(site),
                _ => return Subject::Lost(reason),
            }
        }
        groups.push(group);
    }
    if let [first, second] = groups.as_mut_slice() {
        for (one, two) in first.iter_mut().zip(second) {
            if one.effect != two.effect {
                if one.other.is_empty() {
                    one.other = two.effect;
                }
                if two.other.is_empty() {
                    two.other = one.effect;
                }
            }
        }
    }
    Subject::Together {
        groups,
        is_apoe: false,
    }
}

fn split_by<'a>(cell: &'a [u8], separator: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = cell;
    while let Some(at) = memchr::memmem::find(rest, separator) {
        parts.push(rest[..at].trim_ascii());
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest.trim_ascii());
    parts
}

/// Positions of rs429358 and rs7412 on chromosome 19 (dbSNP); both are T>C and C>T on the forward
/// strand, in that order.
fn apoe_positions(build: GenomeBuild) -> Option<[u32; 2]> {
    match build {
        GenomeBuild::Grch37 => Some([45_411_941, 45_412_079]),
        GenomeBuild::Grch38 => Some([44_908_684, 44_908_822]),
        GenomeBuild::T2tChm13 | GenomeBuild::Other => None,
    }
}

/// `APOE_e4`, `e4`, `APOE e2/e4` and the like.
fn apoe<'a>(effect: &[u8], kind: Kind, build: GenomeBuild) -> Subject<'a> {
    let text = String::from_utf8_lossy(effect)
        .replace('ε', "e")
        .to_ascii_lowercase();
    let alleles: Vec<&str> = text.split('/').collect();
    let expected = if kind == Kind::Diplotype { 2 } else { 1 };
    let Some(positions) = apoe_positions(build).filter(|_| alleles.len() == expected) else {
        return Subject::Lost(RowReason::UnsupportedHaplotype);
    };
    let mut groups = Vec::new();
    for allele in alleles {
        let name = allele
            .trim()
            .trim_start_matches("apoe")
            .trim_start_matches(['_', '-', ' ', '*']);
        // Bases of rs429358 and rs7412.
        let bases: [&'static [u8]; 2] = match name {
            "e1" => [b"C", b"T"],
            "e2" => [b"T", b"T"],
            "e3" => [b"T", b"C"],
            "e4" => [b"C", b"C"],
            _ => return Subject::Lost(RowReason::UnsupportedHaplotype),
        };
        let sites = bases
            .into_iter()
            .zip(positions)
            .map(|(effect, position)| SiteText {
                contig: b"19",
                position,
                effect,
                other: if effect == b"C" { b"T" } else { b"C" },
            });
        groups.push(sites.collect());
    }
    Subject::Together {
        groups,
        is_apoe: true,
    }
}

/// Whether an allele is written in A, C, G and T alone, in either case.
fn is_bases(allele: &[u8]) -> bool {
    !allele.is_empty()
        && allele
            .iter()
            .all(|base| matches!(base, b'A' | b'C' | b'G' | b'T' | b'a' | b'c' | b'g' | b't'))
}
