//! What a reader sees first: three or four answers.

use varisk_dossier::Dossier;

use super::quality::{LEAST_CALLED, called_share};
use super::risks::{AbsoluteView, ModelView, NoValue, ScoreView};
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

/// What the sections of the page show, which the cards sum up.
pub(super) struct Views<'v> {
    pub(super) known: Option<&'v VariantGroup>,
    pub(super) absolute: &'v [AbsoluteView],
    pub(super) scores: &'v [ScoreView],
    pub(super) models: &'v [ModelView],
    pub(super) not_computed: &'v [NoValue],
}

pub(super) fn cards(dossier: &Dossier, facts: &RunFacts, views: &Views<'_>) -> Vec<Card> {
    let mut cards = vec![pathogenic(dossier, facts, views.known)];
    cards.extend(highest_risk(views));
    cards.extend(polygenic(views.scores));
    cards.extend(quality(dossier, views.not_computed));
    cards
}

fn pathogenic(dossier: &Dossier, facts: &RunFacts, known: Option<&VariantGroup>) -> Card {
    let label = facts.known_title;
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
    let quality = dossier.quality.as_ref();
    let uncalled = quality.and_then(|quality| quality.known_variants_uncalled);
    let unchecked = match uncalled {
        Some(0) => String::new(),
        Some(uncalled) => format!(
            "; {} of the data could not be checked",
            counted(uncalled, "such allele", "such alleles")
        ),
        None => "; how many could not be checked is not recorded".to_owned(),
    };
    if known.alleles() == 0 {
        return Card {
            label,
            headline: "None reported".to_owned(),
            detail: format!(
                "Classes looked for: {}, by {sources}{unchecked}",
                facts.reported_classes
            ),
            tone: if uncalled == Some(0) {
                "good"
            } else {
                "unknown"
            },
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
        headline: counted(known.alleles() as u64, "variant", "variants"),
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

fn highest_risk(views: &Views<'_>) -> Option<Card> {
    if let Some(first) = views.absolute.first() {
        let average = if first.average.is_empty() {
            String::new()
        } else {
            format!(" (average {})", first.average)
        };
        return Some(Card {
            label: if first.ratio_number > 1.0 {
                "Risk farthest above average"
            } else {
                "Risk beside the average"
            },
            headline: if first.ratio.is_empty() {
                first.value.clone()
            } else {
                format!("{}, {}", first.value, first.ratio)
            },
            detail: with_caution(format!("{}{average}", first.title), &first.caution),
            tone: if first.ratio_number >= 2.0 {
                "alert"
            } else {
                ""
            },
            target: "absolute",
        });
    }
    // Results of models are compared only where all of them are probabilities.
    let shares = views.models.iter().filter(|model| model.is_share);
    let highest = shares.max_by(|a, b| a.number.total_cmp(&b.number))?;
    Some(Card {
        label: "Highest probability of a model",
        headline: highest.value.clone(),
        detail: with_caution(
            format!("{}: {}", highest.name, highest.meaning),
            &highest.caution,
        ),
        tone: "",
        target: "models",
    })
}

fn polygenic(scores: &[ScoreView]) -> Option<Card> {
    let highest = scores.first()?;
    let percentile = highest.percentile_number?;
    Some(Card {
        label: "Highest polygenic score",
        headline: format!("{} percentile", format::ordinal(percentile)),
        detail: with_caution(
            format!(
                "{}, among people of the panel's population {}",
                highest.name, highest.population
            ),
            &highest.caution,
        ),
        tone: if percentile >= 95.0 { "alert" } else { "" },
        target: "scores",
    })
}

/// What a reader must know before using the value.
fn with_caution(detail: String, caution: &str) -> String {
    if caution.is_empty() {
        detail
    } else {
        format!("{detail}. Take with care: {caution}")
    }
}

fn quality(dossier: &Dossier, not_computed: &[NoValue]) -> Option<Card> {
    let quality = dossier.quality.as_ref();
    let missing = not_computed.len() as u64;
    let called = quality.map(called_share);
    let headline = match called {
        Some(share) => format!("{} called", percent(share)),
        None if missing > 0 => counted(missing, "item without a value", "items without a value"),
        None => return None,
    };
    let mut details = Vec::new();
    if quality.is_some_and(|quality| quality.sex_mismatch) {
        details.push("recorded and inferred sex disagree".to_owned());
    }
    if let Some(number) = quality.map(|own| own.not_assayed).filter(|own| *own > 0) {
        details.push(counted(
            number,
            "allele is not assayed",
            "alleles are not assayed",
        ));
    }
    if missing > 0 && called.is_some() {
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
    let poor = called.is_some_and(|share| share < LEAST_CALLED);
    let tone = if poor || missing > 0 || !details.is_empty() {
        "unknown"
    } else {
        "good"
    };
    if missing == 0 && details.is_empty() && !dossier.risks.is_empty() {
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
