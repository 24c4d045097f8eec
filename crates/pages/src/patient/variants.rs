//! Reported alleles as rows of a table.

use std::collections::BTreeSet;

use varisk_dossier::{AnnotationValue, Dossier, Finding};

use crate::facts::{Fact, RunFacts};
use crate::format;
use crate::words::{self, shortened};

/// Rows that are shown at once; the others open on request.
const SHOWN: usize = 100;

/// One allele.
pub(crate) struct VariantRow {
    pub(crate) gene: String,
    /// Shortest name of the change: protein, else coding, else genomic.
    pub(crate) change: String,
    pub(crate) place: String,
    pub(crate) consequence: String,
    pub(crate) classification: String,
    pub(crate) review: String,
    pub(crate) disease: String,
    /// `alert`, `good` or nothing, after the classification.
    pub(crate) tone: &'static str,
    pub(crate) frequency: String,
    pub(crate) frequency_source: String,
    pub(crate) genotype: String,
    pub(crate) evidence: String,
    pub(crate) score: String,
    pub(crate) contribution: String,
    pub(crate) annotations: Vec<Fact>,
}

/// Alleles of one kind.
pub(crate) struct VariantGroup {
    pub(crate) title: String,
    pub(crate) note: String,
    pub(crate) has_score: bool,
    pub(crate) shown: Vec<VariantRow>,
    pub(crate) others: Vec<VariantRow>,
}

impl VariantGroup {
    fn new(title: String, note: String, mut rows: Vec<VariantRow>) -> Self {
        let others = rows.split_off(rows.len().min(SHOWN));
        Self {
            title,
            note,
            has_score: rows.iter().any(|row| !row.score.is_empty()),
            shown: rows,
            others,
        }
    }

    pub(crate) fn number(&self) -> usize {
        self.shown.len() + self.others.len()
    }

    /// Alleles, each once, whichever sources report them.
    pub(crate) fn alleles(&self) -> usize {
        let rows = self.shown.iter().chain(&self.others);
        rows.map(|row| row.place.as_str())
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// Genes in order, each once.
    pub(crate) fn genes(&self) -> Vec<&str> {
        let mut genes: Vec<&str> = Vec::new();
        for row in self.shown.iter().chain(&self.others) {
            if !row.gene.is_empty() && !genes.contains(&row.gene.as_str()) {
                genes.push(&row.gene);
            }
        }
        genes
    }
}

/// Carried alleles that a source calls pathogenic, the surest first.
pub(crate) fn known(dossier: &Dossier, facts: &RunFacts) -> VariantGroup {
    let mut findings: Vec<&Finding> = dossier.known_variants.iter().collect();
    findings.sort_by_key(|finding| {
        let class = finding.significance.as_deref().unwrap_or_default();
        let stars = stars(finding, facts).unwrap_or(0.0) as i64;
        (class != "pathogenic", class.starts_with("likely"), -stars)
    });
    let rows = findings
        .into_iter()
        .map(|finding| {
            // What a model says of the same allele is beside it.
            let scored = dossier
                .findings
                .iter()
                .find(|other| other.is_same_allele(finding));
            let mut row = row(finding, facts);
            if let Some(scored) = scored {
                row.score = scored.score.map(format::significant).unwrap_or_default();
            }
            row
        })
        .collect();
    VariantGroup::new("Known pathogenic variants".to_owned(), String::new(), rows)
}

/// The top alleles of each variant model.
pub(crate) fn by_model(dossier: &Dossier, facts: &RunFacts) -> Vec<VariantGroup> {
    let same = |a: &Finding, b: &Finding| a.model == b.model && a.output == b.output;
    dossier
        .findings
        .chunk_by(same)
        .filter_map(|findings| {
            let first = findings.first()?;
            let name = |text: &Option<String>| text.clone().unwrap_or_default();
            let rows: Vec<VariantRow> =
                findings.iter().map(|finding| row(finding, facts)).collect();
            let note = format!(
                "The {} carried alleles that the model scores highest. A score is an estimate, not a classification.",
                rows.len()
            );
            let title = format!("{}: {}", name(&first.model), words::plain(&name(&first.output)));
            Some(VariantGroup::new(title, note, rows))
        })
        .collect()
}

/// The sources whose word counts for an allele: the one that reports it, or all.
fn sources<'f>(finding: &'f Finding, facts: &'f RunFacts) -> impl Iterator<Item = &'f str> {
    let names = facts.clinical_sources.iter().map(|(name, _)| name.as_str());
    names.filter(|name| finding.source.as_deref().is_none_or(|own| own == *name))
}

fn stars(finding: &Finding, facts: &RunFacts) -> Option<f64> {
    sources(finding, facts).find_map(|name| finding.annotations.number(&format!("{name}.stars")))
}

fn row(finding: &Finding, facts: &RunFacts) -> VariantRow {
    let known = &finding.annotations;
    let text = |name: &str| known.text(name).unwrap_or_default();
    let genomic = format!(
        "{}:{} {}\u{2009}>\u{2009}{}",
        finding.contig,
        finding.position,
        shortened(&finding.reference),
        shortened(&finding.alternate)
    );
    let (protein, coding) = (text("consequence.hgvsp"), text("consequence.hgvsc"));
    let change = [protein, coding]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or(&genomic)
        .to_owned();
    let from_source = |field: &str| {
        let mut names = sources(finding, facts);
        let text = names.find_map(|name| known.text(&format!("{name}.{field}")));
        text.unwrap_or_default().to_owned()
    };
    let class = finding
        .significance
        .clone()
        .unwrap_or_else(|| from_source("significance"));
    let (source, frequency) = match known.frequency() {
        Some((column, frequency)) => (column.to_owned(), format::frequency(frequency)),
        None => (String::new(), String::new()),
    };
    let evidence = match (finding.depth, finding.alternate_depth) {
        (Some(depth), Some(own)) => format!("{own} of {depth} reads"),
        _ if finding.origin == "reads" => "from reads".to_owned(),
        _ => String::new(),
    };
    VariantRow {
        gene: text("consequence.gene").to_owned(),
        change,
        place: genomic,
        consequence: words::plain(text("consequence.term")),
        tone: tone(&class),
        classification: if class.is_empty() {
            class
        } else {
            words::significance(&class)
        },
        review: [
            stars(finding, facts).map(words::stars),
            finding.source.clone(),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", "),
        disease: words::plain(&from_source("disease")),
        frequency,
        frequency_source: source,
        genotype: words::genotype(finding),
        evidence,
        score: finding.score.map(format::significant).unwrap_or_default(),
        contribution: finding
            .contribution
            .map(format::significant)
            .unwrap_or_default(),
        annotations: annotations(finding),
    }
}

fn tone(class: &str) -> &'static str {
    if class.contains("conflicting") {
        ""
    } else if class.contains("pathogenic") {
        "alert"
    } else if class.contains("benign") {
        "good"
    } else {
        ""
    }
}

/// All that is known of the allele, for those who look closer.
fn annotations(finding: &Finding) -> Vec<Fact> {
    let mut facts: Vec<Fact> = vec![
        Fact::new(
            "input record",
            format!(
                "{}:{} {}>{}",
                finding.contig,
                finding.input_position,
                shortened(&finding.input_reference),
                shortened(&finding.input_alternate)
            ),
            "",
        ),
        Fact::new(
            "filter",
            finding.filter.clone().unwrap_or_else(|| ".".to_owned()),
            "",
        ),
    ];
    if let Some(id) = &finding.id {
        facts.push(Fact::new("id", id.clone(), ""));
    }
    facts.extend(finding.annotations.iter().map(|(name, value)| {
        let value = match value {
            AnnotationValue::Text(text) => text.clone(),
            AnnotationValue::Number(number) => number.to_string(),
            AnnotationValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        };
        Fact::new(name, value, "")
    }));
    facts
}
