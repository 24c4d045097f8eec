//! ClinVar's words for clinical significance and review status.
//!
//! Sources: "Clinical significance on ClinVar submitted records" and "Review status" of ClinVar's
//! documentation (ncbi.nlm.nih.gov/clinvar/docs); codes of CLNSIG and CLNREVSTAT from the headers of
//! ClinVar's VCF until 2017.

/// What ClinVar adds behind the main word.
const ADDED: [&str; 8] = [
    "other",
    "risk_factor",
    "drug_response",
    "association",
    "protective",
    "affects",
    "confers_sensitivity",
    "association_not_found",
];

/// Significance of the codes of one allele, such as `5|5`.
pub(super) fn of_codes(codes: &str) -> String {
    let mut classes = Classes::default();
    let mut unknown = Vec::new();
    for code in codes.split(['|', '/']).map(str::trim) {
        match code {
            "0" => classes.uncertain = true,
            "1" => classes.not_provided = true,
            "2" => classes.benign = true,
            "3" => classes.likely_benign = true,
            "4" => classes.likely_pathogenic = true,
            "5" => classes.pathogenic = true,
            "6" => classes.drug_response = true,
            // Histocompatibility, and ClinVar's own "other".
            "7" | "255" => classes.other = true,
            _ => unknown.push(code),
        }
    }
    if !unknown.is_empty() {
        return codes.to_ascii_lowercase();
    }
    classes.word().to_owned()
}

/// Classes of several submissions.
#[derive(Default)]
struct Classes {
    pathogenic: bool,
    likely_pathogenic: bool,
    uncertain: bool,
    likely_benign: bool,
    benign: bool,
    drug_response: bool,
    other: bool,
    not_provided: bool,
}

impl Classes {
    /// ClinVar's aggregate: only the five classes conflict with each other, and a submission without
    /// a class or with another one says nothing against them.
    fn word(&self) -> &'static str {
        let is_pathogenic = self.pathogenic || self.likely_pathogenic;
        let is_benign = self.benign || self.likely_benign;
        let groups = [is_pathogenic, self.uncertain, is_benign];
        if groups.iter().filter(|group| **group).count() > 1 {
            return "conflicting";
        }
        match (self.pathogenic, self.likely_pathogenic) {
            (true, true) => return "pathogenic/likely_pathogenic",
            (true, false) => return "pathogenic",
            (false, true) => return "likely_pathogenic",
            (false, false) => {}
        }
        match (self.benign, self.likely_benign) {
            (true, true) => return "benign/likely_benign",
            (true, false) => return "benign",
            (false, true) => return "likely_benign",
            (false, false) => {}
        }
        if self.uncertain {
            "uncertain_significance"
        } else if self.drug_response {
            "drug_response"
        } else if self.other {
            "other"
        } else {
            "not_provided"
        }
    }
}

/// Significance of ClinVar's words, such as `Pathogenic/Likely_pathogenic|risk_factor`: the main
/// word, without what is added behind it.
pub(super) fn of_words(words: &str) -> String {
    let lower = words.to_ascii_lowercase().replace(' ', "_");
    let mut parts = lower
        .split('|')
        .flat_map(|part| part.split(",_"))
        .map(|part| part.trim_matches('_'));
    let main = parts.next().unwrap_or_default();
    // `Pathogenic,_low_penetrance` is a class of its own and stays as it is.
    if parts.any(|part| !ADDED.contains(&part)) {
        return lower;
    }
    match main {
        "conflicting_interpretations_of_pathogenicity"
        | "conflicting_classifications_of_pathogenicity"
        | "conflicting_data_from_submitters" => "conflicting".to_owned(),
        "uncertain_significance" | "uncertain" => "uncertain_significance".to_owned(),
        "no_classification_provided" | "no_interpretation_provided" => "not_provided".to_owned(),
        _ => main.to_owned(),
    }
}

/// Review status in ClinVar's words, with underscores; the highest where submissions differ.
pub(super) fn review_status(text: &str) -> String {
    text.split('|')
        .map(|status| (stars(status), in_words(status)))
        .max_by_key(|(stars, _)| *stars)
        .map_or_else(String::new, |(_, words)| words)
}

/// Stars of a review status, the most where submissions differ; `None` for words that ClinVar's
/// table does not have.
pub(super) fn stars(text: &str) -> Option<u8> {
    text.split('|').filter_map(stars_of_one).max()
}

fn stars_of_one(status: &str) -> Option<u8> {
    match in_words(status).as_str() {
        "practice_guideline" => Some(4),
        "reviewed_by_expert_panel" => Some(3),
        "criteria_provided,_multiple_submitters,_no_conflicts"
        | "criteria_provided,_multiple_submitters" => Some(2),
        "criteria_provided,_single_submitter"
        | "criteria_provided,_conflicting_interpretations"
        | "criteria_provided,_conflicting_classifications" => Some(1),
        "no_assertion_criteria_provided"
        | "no_assertion_provided"
        | "no_classification_provided"
        | "no_classification_for_the_single_variant"
        | "no_classification_for_the_individual_variant"
        | "no_classifications_from_unflagged_records"
        | "no_interpretation_for_the_single_variant"
        | "no_assertion_for_the_individual_variant"
        | "flagged_submission" => Some(0),
        _ => None,
    }
}

/// The words of a status; the files until 2017 had codes.
fn in_words(status: &str) -> String {
    let lower = status.trim().to_ascii_lowercase().replace(' ', "_");
    match lower.as_str() {
        "guideline" => "practice_guideline",
        "exp" => "reviewed_by_expert_panel",
        "mult" => "criteria_provided,_multiple_submitters,_no_conflicts",
        "single" => "criteria_provided,_single_submitter",
        "conf" => "criteria_provided,_conflicting_interpretations",
        "no_criteria" => "no_assertion_criteria_provided",
        "no_assertion" | "not" => "no_assertion_provided",
        _ => return lower,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let check = |codes, expected| assert_eq!(of_codes(codes), expected, "{codes}");
        check("5", "pathogenic");
        check("5|5|1", "pathogenic");
        check("5|4", "pathogenic/likely_pathogenic");
        check("2|3", "benign/likely_benign");
        check("255|4", "likely_pathogenic");
        check("5|0", "conflicting");
        check("0|2", "conflicting");
        check("5|3", "conflicting");
        check("0", "uncertain_significance");
        check("6|1", "drug_response");
        check("255", "other");
        check("7", "other");
        check("1", "not_provided");
        check("12", "12");
    }

    #[test]
    fn words() {
        let check = |words, expected| assert_eq!(of_words(words), expected, "{words}");
        check("Pathogenic", "pathogenic");
        check(
            "Pathogenic/Likely_pathogenic",
            "pathogenic/likely_pathogenic",
        );
        check(
            "Conflicting_classifications_of_pathogenicity|other",
            "conflicting",
        );
        check(
            "Conflicting_interpretations_of_pathogenicity,_risk_factor",
            "conflicting",
        );
        check("Benign,_other", "benign");
        check("Pathogenic,_low_penetrance", "pathogenic,_low_penetrance");
        check(
            "Pathogenic/Likely_pathogenic/Pathogenic,_low_penetrance|other",
            "pathogenic/likely_pathogenic/pathogenic,_low_penetrance|other",
        );
        check("drug_response", "drug_response");
        check("Uncertain_significance", "uncertain_significance");
        check("Uncertain significance", "uncertain_significance");
        check("Affects", "affects");
        check("not_provided", "not_provided");
        check("Likely_risk_allele", "likely_risk_allele");
    }

    #[test]
    fn stars_of_review_statuses() {
        let check = |text, expected| assert_eq!(stars(text), expected, "{text}");
        check("practice_guideline", Some(4));
        check("reviewed_by_expert_panel", Some(3));
        check(
            "criteria_provided,_multiple_submitters,_no_conflicts",
            Some(2),
        );
        check("criteria_provided,_conflicting_classifications", Some(1));
        check("criteria_provided,_single_submitter", Some(1));
        check("no_assertion_criteria_provided", Some(0));
        check("mult|single", Some(2));
        check("no_criteria", Some(0));
        check("something new", None);
        assert_eq!(review_status("single|exp"), "reviewed_by_expert_panel");
    }
}
