use super::*;

fn parsed(text: &str) -> Result<Vec<AlertRule>, String> {
    Rules::parse(text)
        .map(|rules| rules.in_force())
        .map_err(|error| error.to_string())
}

#[test]
fn no_rules_are_the_default_ones() {
    assert_eq!(parsed("").unwrap(), AlertRule::defaults());
    assert_eq!(parsed("alert = []").unwrap(), []);
    let rules = Rules {
        alert: Some(AlertRule::defaults()),
        ..Rules::default()
    };
    rules.check().unwrap();
}

#[test]
fn rules_that_make_no_sense() {
    let rule = |rest: &str| format!("[[alert]]\nname = \"a\"\n{rest}");
    for (text, expected) in [
        (rule("kind = \"risk\""), "unknown variant"),
        (
            rule("kind = \"patient_missing\"\ngenes = []"),
            "unknown field",
        ),
        (rule("kind = \"risk_crosses\"\nitem = \"*\""), "threshold"),
        (
            rule("kind = \"risk_crosses\"\nitem = \"\"\nthreshold = 1"),
            "item is empty",
        ),
        (
            rule("kind = \"risk_crosses\"\nitem = \"*\"\nthreshold = nan"),
            "not finite",
        ),
        (
            rule("kind = \"risk_crosses\"\nitem = \"*\"\nthreshold = 101\non = \"percentile\""),
            "no percentile",
        ),
        (
            rule("kind = \"risk_crosses\"\nitem = \"*\"\nthreshold = -1\non = \"absolute_change\""),
            "magnitude",
        ),
        (
            rule("kind = \"new_pathogenic\"\nclasses = []"),
            "classes is empty",
        ),
        (
            rule("kind = \"new_pathogenic\"\ngenes = []"),
            "genes is empty",
        ),
        (rule("kind = \"reclassified\"\nto = []"), "from or to"),
        (
            rule("kind = \"patient_missing\"\n[[alert]]\nname = \"a\"\nkind = \"state_changed\""),
            "twice",
        ),
        (
            "[[alert]]\nname = \" \"\nkind = \"patient_missing\"".to_owned(),
            "name",
        ),
        (
            "[tolerance]\nrelative = -1".to_owned(),
            "tolerance 'relative'",
        ),
        ("[tolerance]\nother = 1".to_owned(), "unknown field"),
        ("alerts = 1".to_owned(), "unknown field"),
    ] {
        let error = parsed(&text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn classes_fire_at_the_border() {
    let [up, down, _] = AlertRule::defaults().try_into().unwrap();
    let either = parsed("[[alert]]\nname = \"e\"\nkind = \"reclassified\"")
        .unwrap()
        .remove(0);
    let both = parsed(
        "[[alert]]\nname = \"b\"\nkind = \"reclassified\"\nfrom = [\"benign\", \"none\"]\nto = [\"uncertain_significance\"]",
    )
    .unwrap()
    .remove(0);
    for (before, after, expected) in [
        (
            Some("uncertain_significance"),
            Some("pathogenic"),
            [true, false, true, false],
        ),
        (None, Some("likely_pathogenic"), [true, false, true, false]),
        (Some("pathogenic"), None, [false, true, true, false]),
        (
            Some("pathogenic"),
            Some("benign"),
            [false, true, true, false],
        ),
        (
            Some("pathogenic"),
            Some("pathogenic/likely_pathogenic"),
            [false; 4],
        ),
        (
            Some("benign"),
            Some("uncertain_significance"),
            [false, false, false, true],
        ),
        (
            None,
            Some("uncertain_significance"),
            [false, false, false, true],
        ),
        (Some("benign"), Some("benign"), [false; 4]),
    ] {
        let fired = [&up, &down, &either, &both].map(|rule| rule.fires_on_classes(before, after));
        assert_eq!(fired, expected, "{before:?} {after:?}");
    }
}

#[test]
fn thresholds() {
    let t = 0.2;
    for (before, after, up, down) in [
        (Some(0.1), Some(0.2), true, false),
        (Some(0.2), Some(0.3), false, false),
        (Some(0.2), Some(0.1), false, true),
        (None, Some(0.3), true, false),
        (None, Some(0.1), false, false),
        (Some(0.3), None, false, false),
        (None, None, false, false),
    ] {
        assert_eq!(Direction::Up.is_crossed(before, after, t), up);
        assert_eq!(Direction::Down.is_crossed(before, after, t), down);
        assert_eq!(Direction::Both.is_crossed(before, after, t), up || down);
    }
    assert!(Direction::Up.is_reached(Some(1.0), Some(1.5), 0.5));
    assert!(!Direction::Down.is_reached(Some(1.0), Some(1.5), 0.5));
    assert!(Direction::Both.is_reached(Some(1.5), Some(1.0), 0.5));
    assert!(!Direction::Both.is_reached(None, Some(1.0), 0.5));
}

#[test]
fn numbers_within_the_tolerance() {
    let tolerance = Tolerance::default();
    assert!(!tolerance.differ(1.0, 1.0 + 9e-6));
    assert!(tolerance.differ(1.0, 1.0 + 2e-5));
    assert!(!tolerance.differ(0.0, 1e-10));
    assert!(tolerance.differ(0.0, 1e-8));
    assert!(!tolerance.differ(f64::NAN, f64::NAN));
    assert!(tolerance.differ(f64::NAN, 0.0));
    assert!(tolerance.percentiles_differ(50.0, 50.1));
}
