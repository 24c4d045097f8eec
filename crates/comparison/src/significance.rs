//! Words for clinical significance, as `clinvar` sources have them.

/// Classes that say pathogenic, those of low penetrance included: what runs report in
/// `known_variants` unless something else is asked for.
pub const PATHOGENIC: [&str; 4] = [
    "pathogenic",
    "pathogenic_low_penetrance",
    "likely_pathogenic",
    "likely_pathogenic_low_penetrance",
];

/// Whether a value of a source's column `significance` has any of the given classes. ClinVar joins the
/// classes of several submissions, and adds others behind them: `pathogenic/likely_pathogenic` is
/// among `pathogenic`. Values are taken apart as those of `known_variants` are.
pub(crate) fn is_among<T: AsRef<str>>(value: &str, classes: &[T]) -> bool {
    // The comma of a low penetrance belongs to the class; others stand between classes.
    let whole = |text: &str| text.replace(",_low_penetrance", "_low_penetrance");
    let value = whole(value);
    let mut words = value
        .split(['/', '|', ','])
        .map(|word| word.trim_matches('_'));
    classes.iter().any(|class| value == whole(class.as_ref()))
        || words.any(|word| classes.iter().any(|class| word == whole(class.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_classes() {
        for (value, expected) in [
            ("pathogenic", true),
            ("pathogenic/likely_pathogenic", true),
            ("likely_pathogenic|risk_factor", true),
            ("benign|pathogenic,_low_penetrance|other", true),
            ("likely_pathogenic,_low_penetrance,_risk_factor", true),
            ("pathogenic_low_penetrance", true),
            ("conflicting", false),
            ("uncertain_significance", false),
            ("benign/likely_benign", false),
            ("", false),
        ] {
            assert_eq!(is_among(value, &PATHOGENIC), expected, "{value}");
        }
        assert!(!is_among("pathogenic,_low_penetrance", &["pathogenic"]));
        assert!(is_among(
            "pathogenic_low_penetrance",
            &["pathogenic,_low_penetrance"]
        ));
        assert!(is_among(
            "pathogenic/likely_pathogenic",
            &["pathogenic/likely_pathogenic"]
        ));
    }
}
