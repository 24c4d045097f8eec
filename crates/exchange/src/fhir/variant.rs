//! An allele as an observation of the profile `variant`.

use serde_json::{Value, json};
use varisk_core::GenomeBuild;
use varisk_dossier::Finding;

use super::FhirExport;
use super::accession::accession;
use super::allele::{Allele, Zygosity, zygosity};
use super::code::{self, Code};
use super::element::{
    COUNT, Element, SHARE, Unit, absent, coded, component, component_in_words, measure, quantity,
    remark, string, words,
};

impl FhirExport<'_> {
    pub(super) fn variant(&self, allele: &Allele<'_>) -> Element {
        let row = allele.row;
        let mut parts = Vec::new();
        parts.extend(gene(row));
        parts.extend(self.place(row));
        parts.extend(names(row, self.build()));
        parts.push(component(
            code::SOURCE_CLASS,
            "valueCodeableConcept",
            code::GERMLINE.concept(),
        ));
        parts.extend(call(row));
        parts.extend(known(allele));
        parts.extend(allele.reported.iter().map(|row| self.score(row)));
        let element = Element::resource("Observation", Some(code::guide("variant")))
            .with("status", "preliminary")
            .with("category", code::categories())
            .with("code", code::VARIANT.concept());
        // The tables hold alleles that are carried; one that the call does not show is not claimed.
        let is_carried = row.genotype.split(['/', '|']).any(|call| call == "1");
        let element = if is_carried {
            element.with("valueCodeableConcept", code::PRESENT.concept())
        } else {
            element.with("dataAbsentReason", absent("unknown", None))
        };
        element.list("component", parts)
    }

    /// Where the allele lies.
    fn place(&self, row: &Finding) -> Vec<Value> {
        let build = match self.build() {
            GenomeBuild::Grch37 => code::GRCH37.concept(),
            GenomeBuild::Grch38 => code::GRCH38.concept(),
            GenomeBuild::T2tChm13 => words("T2T-CHM13v2.0"),
            GenomeBuild::Other => words("a reference of the user, none of the known assemblies"),
        };
        let sequence = accession(self.build(), &row.contig)
            .and_then(|name| coded(code::REFSEQ, &name, None))
            .map(|mut concept| {
                concept["text"] = words(&row.contig)["text"].clone();
                concept
            })
            .unwrap_or_else(|| words(&row.contig));
        let length = u32::try_from(row.reference.len()).unwrap_or(u32::MAX);
        let last = row.position.saturating_add(length.saturating_sub(1));
        let mut range = json!({"low": {"value": row.position}});
        if last > row.position {
            range["high"] = json!({"value": last});
        }
        let mut parts = vec![
            component(code::ASSEMBLY, "valueCodeableConcept", build),
            component(code::GENOMIC_SEQUENCE, "valueCodeableConcept", sequence),
            component(
                code::COORDINATES,
                "valueCodeableConcept",
                code::ONE_BASED.concept(),
            ),
            component(code::START_END, "valueRange", range),
        ];
        for (code, text) in [
            (code::REFERENCE_ALLELE, &row.reference),
            (code::ALTERNATE_ALLELE, &row.alternate),
        ] {
            parts.extend(string(text).map(|text| component(code, "valueString", text)));
        }
        parts
    }

    /// The score of a model, which no coding system has a code for.
    fn score(&self, row: &Finding) -> Value {
        let name = row.model.as_deref().unwrap_or_default();
        let version = self
            .record
            .models
            .iter()
            .find(|model| model.name == name)
            .map_or("", |model| model.version.as_str());
        let output = row.output.as_deref().unwrap_or_default();
        let rank = row.rank.map_or(String::new(), |rank| {
            format!(", rank {rank} among the patient's alleles")
        });
        let text = format!("score of the model {name} {version}, output {output}{rank}");
        measure(&text, row.score.map(single), Unit::None, None)
    }
}

/// A score with the digits of its own precision: tables keep scores in 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is compared with the original"
)]
pub(super) fn single(value: f64) -> f64 {
    let short = value as f32;
    if f64::from(short) == value {
        short.to_string().parse().unwrap_or(value)
    } else {
        value
    }
}

/// The gene, with its HGNC identifier where the run has one.
pub(super) fn gene(row: &Finding) -> Option<Value> {
    let symbol = row.annotations.text("consequence.gene");
    let is_hgnc = |text: &&str| {
        text.strip_prefix("HGNC:")
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let identifier = row.annotations.iter().find_map(|(name, _)| {
        let is_named = name == "consequence.gene_id" || name.ends_with(".hgnc_id");
        row.annotations
            .text(name)
            .filter(|_| is_named)
            .filter(is_hgnc)
    });
    let value = match identifier {
        Some(identifier) => coded(code::HGNC, identifier, symbol),
        None => symbol.map(words),
    };
    value.map(|value| component(code::GENE, "valueCodeableConcept", value))
}

/// The reference transcript of a `c.` name, as code or words.
pub(super) fn transcript(row: &Finding) -> Option<Value> {
    let name = row.annotations.text("consequence.transcript")?;
    let is_refseq = ["NM_", "NR_", "XM_", "XR_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    let value = is_refseq
        .then(|| coded(code::REFSEQ, name, None))
        .flatten()
        .unwrap_or_else(|| words(name));
    Some(component(code::TRANSCRIPT, "valueCodeableConcept", value))
}

/// An HGVS name of a kind (`c`, `p`, `g`) as a component; none for other kinds and for what is no name.
pub(super) fn hgvs(code: Code, name: &str, kind: char) -> Option<Value> {
    let (sequence, change) = name.split_once(':')?;
    let is_kind = change
        .strip_prefix(kind)
        .is_some_and(|rest| rest.starts_with('.') && rest.len() > 1);
    if sequence.is_empty() || !is_kind {
        return None;
    }
    let value = coded(code::HGVS, name, Some(name))?;
    Some(component(code, "valueCodeableConcept", value))
}

/// HGVS names. The genomic one only where its sequence has an accession: `chr1:g.` names nothing
/// outside the run.
fn names(row: &Finding, build: GenomeBuild) -> Vec<Value> {
    let mut parts = Vec::new();
    if let Some((sequence, change)) = row
        .annotations
        .text("consequence.hgvsg")
        .and_then(|name| name.split_once(':'))
        && let Some(accession) = accession(build, sequence)
    {
        let kind = if accession == "NC_012920.1" { 'm' } else { 'g' };
        let name = format!("{accession}:{change}");
        parts.extend(hgvs(code::GENOMIC_HGVS, &name, kind));
    }
    let text = |column| row.annotations.text(column);
    if let Some(name) = text("consequence.hgvsc") {
        parts.extend(hgvs(code::CODING_HGVS, name, 'c'));
        parts.extend(transcript(row));
    }
    if let Some(name) = text("consequence.hgvsp") {
        parts.extend(hgvs(code::PROTEIN_HGVS, name, 'p'));
    }
    parts
}

/// The patient's call.
fn call(row: &Finding) -> Vec<Value> {
    let mut parts = Vec::new();
    let state = match zygosity(row) {
        Zygosity::Heterozygous => Some(code::HETEROZYGOUS.concept()),
        Zygosity::Homozygous => Some(code::HOMOZYGOUS.concept()),
        Zygosity::Hemizygous => Some(words("Hemizygous")),
        Zygosity::Unknown => None,
    };
    parts.extend(state.map(|state| component(code::ALLELIC_STATE, "valueCodeableConcept", state)));
    parts.extend(remark(
        "genotype (0 reference, 1 this allele, 2 another alternate allele, . not called)",
        Some(&row.genotype),
    ));
    parts.extend(remark("what the call rests on", Some(&row.origin)));
    if let Some(depth) = row
        .alternate_depth
        .and_then(|depth| quantity(f64::from(depth), COUNT))
    {
        parts.push(
            Element::new()
                .with(
                    "code",
                    code::READ_DEPTH.concept_with("reads with the allele, after the run's filters"),
                )
                .with("valueQuantity", depth)
                .build(),
        );
    }
    if let Some(depth) = row.depth {
        parts.push(measure(
            "reads at the site, after the run's filters",
            Some(f64::from(depth)),
            COUNT,
            None,
        ));
    }
    let filter = row.filter.as_deref().filter(|filter| *filter != "PASS");
    parts.extend(remark("FILTER of the input record", filter));
    parts
}

/// What is known of the allele wherever it occurs.
fn known(allele: &Allele<'_>) -> Vec<Value> {
    let row = allele.row;
    let mut parts = Vec::new();
    for assertion in &allele.assertions {
        let column = format!("{}.variation_id", assertion.source);
        let identifier = row.annotations.text(&column);
        let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        parts.extend(
            identifier
                .filter(is_number)
                .and_then(|identifier| coded(code::CLINVAR, identifier, None))
                .map(|value| component(code::VARIATION, "valueCodeableConcept", value)),
        );
    }
    for identifier in row.id.as_deref().unwrap_or_default().split(';') {
        let is_rs = identifier
            .strip_prefix("rs")
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
        if let Some(value) = coded(code::DBSNP, identifier, None).filter(|_| is_rs) {
            parts.push(component(code::VARIATION, "valueCodeableConcept", value));
        }
    }
    let frequency = match row.annotations.frequency() {
        Some((column, value)) => {
            let text =
                format!("population allele frequency, the greatest that the run has: {column}");
            quantity(single(value), SHARE).map(|value| {
                Element::new()
                    .with("code", code::POPULATION_FREQUENCY.concept_with(&text))
                    .with("valueQuantity", value)
                    .build()
            })
        }
        None => Some(component(
            code::POPULATION_FREQUENCY,
            "dataAbsentReason",
            absent("unknown", Some("no source of the run has a frequency")),
        )),
    };
    parts.extend(frequency);
    if let Some(releases) = row.releases.as_deref().and_then(string) {
        parts.push(component_in_words(
            "releases of the sources behind what is known",
            "valueString",
            releases,
        ));
    }
    parts
}
