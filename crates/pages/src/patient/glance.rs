//! What a reader sees first: three or four answers.

use varisk_dossier::Dossier;

use super::risks;
use super::variants::VariantGroup;
use crate::facts::RunFacts;
use crate::format::{self, counted, percent};

/// One answer.
pub(crate) struct Card {
    pub(crate) label: &'static str,
    pub(crate) headline: String,
    pub(crate) detail: String,
    /// `alert`, `good`, `unknown` or nothing; the words say it too.
    pub(crate) tone: &'static str,
    /// Section of the page.
    pub(crate) target: &'static str,
}

/// Genes that a card names.
const MOST_GENES: usize = 4;

pub(crate) fn cards(
    dossier: &Dossier,
    facts: &RunFacts,
    known: Option<&VariantGroup>,
) -> Vec<Card> {
    let mut cards = vec![pathogenic(dossier, facts, known)];
    cards.extend(highest_risk(dossier));
    cards.extend(polygenic(dossier));
    cards.extend(quality(dossier));
    cards
}

fn pathogenic(dossier: &Dossier, facts: &RunFacts, known: Option<&VariantGroup>) -> Card {
    let label = "Known pathogenic variants";
    let target = "known";
    let Some(known) = known else {
        return Card {
            label,
            headline: "Not looked up".to_owned(),
            detail: without_known(facts),
            tone: "unknown",
            target,
        };
    };
    let sources: Vec<String> = facts
        .clinical_sources
        .iter()
        .map(|(name, release)| format!("{name} {release}"))
        .collect();
    let sources = sources.join(", ");
    let uncalled = dossier
        .quality
        .as_ref()
        .and_then(|quality| quality.known_variants_uncalled)
        .unwrap_or(0);
    let unchecked = if uncalled > 0 {
        format!(
            "; {} of the data could not be checked",
            counted(uncalled, "such allele", "such alleles")
        )
    } else {
        String::new()
    };
    if known.number() == 0 {
        return Card {
            label,
            headline: "None reported".to_owned(),
            detail: format!(
                "Classes looked for: {}, by {sources}{unchecked}",
                facts.reported_classes
            ),
            tone: if uncalled > 0 { "unknown" } else { "good" },
            target,
        };
    }
    let genes = known.genes();
    let mut names = genes[..genes.len().min(MOST_GENES)].join(", ");
    if genes.len() > MOST_GENES {
        names.push_str(&format!(" and {} more", genes.len() - MOST_GENES));
    }
    Card {
        label,
        headline: counted(known.number() as u64, "variant", "variants"),
        detail: format!(
            "{}by {sources}{unchecked}",
            if names.is_empty() {
                String::new()
            } else {
                format!("In {names}; ")
            }
        ),
        tone: "alert",
        target,
    }
}

fn highest_risk(dossier: &Dossier) -> Option<Card> {
    let absolute = risks::absolute(dossier);
    if let Some(first) = absolute.first() {
        let average = if first.average.is_empty() {
            String::new()
        } else {
            format!(" (average {})", first.average)
        };
        return Some(Card {
            label: "Risk farthest above average",
            headline: if first.ratio.is_empty() {
                first.value.clone()
            } else {
                format!("{}, {}", first.value, first.ratio)
            },
            detail: format!("{}{average}", first.title),
            tone: if first.ratio_number >= 2.0 {
                "alert"
            } else {
                ""
            },
            target: "absolute",
        });
    }
    let models = risks::models(dossier);
    let highest = models.iter().max_by(|a, b| a.number.total_cmp(&b.number))?;
    Some(Card {
        label: "Highest result of a model",
        headline: highest.value.clone(),
        detail: format!("{}: {}", highest.name, highest.meaning),
        tone: "",
        target: "models",
    })
}

fn polygenic(dossier: &Dossier) -> Option<Card> {
    let placed = dossier
        .risks
        .iter()
        .filter_map(|risk| Some((risk, risk.percentile?)));
    let (risk, percentile) = placed.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let name = risk.item.strip_prefix("polygenic.").unwrap_or(&risk.item);
    let population = risk.population.as_deref().unwrap_or("the panel");
    Some(Card {
        label: "Highest polygenic score",
        headline: format!("{} percentile", format::ordinal(percentile)),
        detail: format!("{name}, among people of the panel's population {population}"),
        tone: if percentile >= 95.0 { "alert" } else { "" },
        target: "scores",
    })
}

fn quality(dossier: &Dossier) -> Option<Card> {
    let quality = dossier.quality.as_ref();
    let missing = risks::not_computed(dossier).len() as u64;
    let call_rate = quality.and_then(|quality| quality.call_rate);
    let headline = match call_rate {
        Some(rate) => format!("{} called", percent(rate)),
        None if missing > 0 => counted(missing, "item without a value", "items without a value"),
        None => return None,
    };
    let mut details = Vec::new();
    if quality.is_some_and(|quality| quality.sex_mismatch) {
        details.push("recorded and inferred sex disagree".to_owned());
    }
    if missing > 0 && call_rate.is_some() {
        details.push(counted(
            missing,
            "risk item has no value",
            "risk items have no value",
        ));
    }
    let flagged = dossier
        .risks
        .iter()
        .filter(|risk| risk.state == varisk_dossier::State::Flagged)
        .count() as u64;
    if flagged > 0 {
        details.push(counted(
            flagged,
            "value to take with care",
            "values to take with care",
        ));
    }
    let poor = call_rate.is_some_and(|rate| rate < 0.95);
    let tone = if poor || !details.is_empty() {
        "unknown"
    } else {
        "good"
    };
    if details.is_empty() {
        details.push("every risk item has a value".to_owned());
    }
    Some(Card {
        label: "Completeness",
        headline,
        detail: crate::words::capital(&details.join("; ")),
        tone,
        target: "quality",
    })
}

/// Why known variants were not looked up.
pub(crate) fn without_known(facts: &RunFacts) -> String {
    if facts.clinical_sources.is_empty() {
        "The run had no source of clinical classifications".to_owned()
    } else {
        "The run did not list them".to_owned()
    }
}
