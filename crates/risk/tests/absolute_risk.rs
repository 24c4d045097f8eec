//! Models of absolute risk as files: the documented example, what is refused, and reasons.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use varisk_core::{Covariate, FeatureTable, Patient, Reason, Sex};
use varisk_risk::{AbsoluteRiskError, AbsoluteRiskItem, AbsoluteRiskModel};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/absolute/example")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(example().join(name)).unwrap()
}

/// A folder with the example, some of it replaced.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for name in ["model.toml", "incidence.csv", "mortality.csv"] {
            place.write(name, &read(name));
        }
        place
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let path = self.0.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Takes a part of the model out, up to the line that begins the next one.
    fn remove(&self, from: &str, until: &str) {
        let text = std::fs::read_to_string(self.0.path().join("model.toml")).unwrap();
        let start = text.find(from).unwrap();
        let end = text[start..]
            .find(until)
            .map_or(text.len(), |end| start + end);
        self.write("model.toml", &(text[..start].to_owned() + &text[end..]));
    }

    fn model(&self) -> Result<AbsoluteRiskModel, AbsoluteRiskError> {
        AbsoluteRiskModel::read(&self.0.path().join("model.toml"))
    }

    /// The one sentence with which the model is refused.
    fn refused(&self) -> String {
        let message = self.model().unwrap_err().to_string();
        assert!(
            !message.contains('\n') && !message.ends_with('.'),
            "{message}"
        );
        message
    }
}

fn patient(sex: Sex, cells: &[(&str, &str)]) -> Patient {
    let cell = |(column, text): &(&str, &str)| {
        let value = match text.parse() {
            Ok(number) => Covariate::Number(number),
            Err(_) => Covariate::Text((*text).to_owned()),
        };
        ((*column).to_owned(), value)
    };
    Patient {
        id: "p".to_owned(),
        sex,
        covariates: cells.iter().map(cell).collect(),
    }
}

const CELLS: [(&str, &str); 4] = [
    ("age", "52.9"),
    ("family_history", "yes"),
    ("smoking", "never"),
    ("sbp", "140"),
];

/// The usual patient, with one cell replaced, or emptied.
fn with(column: &str, text: Option<&str>) -> Patient {
    let mut patient = patient(Sex::Male, &CELLS);
    patient.covariates.remove(column);
    if let Some(text) = text {
        let other = self::patient(Sex::Male, &[(column, text)]);
        patient.covariates.extend(other.covariates);
    }
    patient
}

fn scores(values: &[Result<f64, Reason>]) -> FeatureTable {
    let mut features = FeatureTable::default();
    features.insert("polygenic.demo.z".to_owned(), values.to_vec());
    features
}

fn assess(patients: &[Patient], values: &[Result<f64, Reason>]) -> Vec<AbsoluteRiskItem> {
    let model = Place::new().model().unwrap();
    model.assess(patients, &scores(values)).unwrap()
}

#[test]
fn the_example() {
    let model = Place::new().model().unwrap();
    assert_eq!(model.name(), "coronary");
    assert_eq!(model.features(), ["polygenic.demo.z"]);
    assert_eq!(
        model.covariates(),
        ["age", "family_history", "sbp", "smoking"]
    );
    let roles: Vec<&str> = model.sources().iter().map(|source| source.role).collect();
    assert_eq!(roles, ["log_relative_risks", "incidence", "mortality"]);
    assert_eq!(model.sources()[1].year, Some(2022));
    // Factors are independent there, which is said.
    assert_eq!(model.warnings().len(), 1);

    let items = assess(&[patient(Sex::Male, &CELLS)], &[Ok(1.0)]);
    let names: Vec<&str> = items.iter().map(|item| item.item.as_str()).collect();
    let expected =
        ["50-60", "50-80", "5y", "10y", "lifetime"].map(|end| format!("absolute.coronary.{end}"));
    assert_eq!(names, expected);
    assert_eq!(model.items(), expected);
    let ages: Vec<(u16, u16)> = items
        .iter()
        .map(|item| item.outcomes[0].risk.unwrap())
        .map(|risk| (risk.age_start, risk.age_end))
        .collect();
    assert_eq!(ages, [(50, 60), (50, 80), (52, 57), (52, 62), (52, 90)]);
    for item in &items {
        let risk = item.outcomes[0].risk.unwrap();
        let [lower, upper] = risk.interval.unwrap();
        assert!(0.0 < lower && lower < risk.risk && risk.risk < upper && upper < 1.0);
        assert!(risk.population_risk < risk.risk);
        assert!(item.outcomes[0].missing_factors.is_empty());
        assert!(item.meaning.contains("coronary artery disease"));
    }
}

/// A patient gets the same bytes alone and among others, in any order.
#[test]
fn alone_and_among_others() {
    let patients = [
        patient(Sex::Male, &CELLS),
        with("smoking", None),
        with("family_history", None),
        patient(Sex::Female, &CELLS[..2]),
        patient(Sex::Female, &[("sbp", "120"), ("age", "40")]),
    ];
    let values = [
        Ok(0.3),
        Err(Reason::LowCoverage),
        Ok(-1.0),
        Ok(0.0),
        Err(Reason::LowCoverage),
    ];
    let all = assess(&patients, &values);
    for (place, patient) in patients.iter().enumerate() {
        let alone = assess(std::slice::from_ref(patient), &values[place..=place]);
        for (own, item) in alone.iter().zip(&all) {
            assert_eq!(own.outcomes[0], item.outcomes[place]);
        }
    }
    let mut reversed = patients.to_vec();
    reversed.reverse();
    let mut reversed_values = values.to_vec();
    reversed_values.reverse();
    for (own, item) in assess(&reversed, &reversed_values).iter().zip(&all) {
        assert!(own.outcomes.iter().rev().eq(&item.outcomes));
    }
}

#[test]
fn missing_factors_are_named() {
    let one = |patient: Patient, score| assess(&[patient], &[score])[0].outcomes[0].clone();
    let low = Err(Reason::LowCoverage);
    let own = one(with("smoking", None), low);
    assert_eq!(own.missing_factors, ["score", "smoking"]);
    assert!(own.risk.is_ok());
    // What is averaged over lies between its extremes.
    let risk = |patient, score| one(patient, score).risk.unwrap().risk;
    let missing = risk(with("smoking", None), Ok(1.0));
    assert!(risk(with("smoking", Some("never")), Ok(1.0)) < missing);
    assert!(missing < risk(with("smoking", Some("current")), Ok(1.0)));
}

#[test]
fn reasons() {
    let reason = |patient: Patient, score, item: usize| {
        assess(&[patient], &[score])[item].outcomes[0]
            .risk
            .unwrap_err()
    };
    let usual = || patient(Sex::Male, &CELLS);
    let (ages, years, lifetime) = (0, 3, 4);
    for (patient, item, expected) in [
        (with("sbp", Some("300")), ages, Reason::CovariateOutOfRange),
        (with("sbp", None), ages, Reason::CovariateMissing),
        (
            with("smoking", Some("daily")),
            ages,
            Reason::CovariateUnknownCategory,
        ),
        (
            with("smoking", Some("3")),
            ages,
            Reason::CovariateUnknownCategory,
        ),
        (with("age", None), years, Reason::CovariateMissing),
        (with("age", Some("29.9")), years, Reason::AgeOutOfTable),
        (with("age", Some("81")), years, Reason::AgeOutOfTable),
        (with("age", Some("-1")), lifetime, Reason::AgeOutOfTable),
        (with("age", Some("1e300")), lifetime, Reason::AgeOutOfTable),
        (with("age", Some("90")), lifetime, Reason::AgeOutOfTable),
        (patient(Sex::Unknown, &CELLS), ages, Reason::SexUnknown),
    ] {
        assert_eq!(reason(patient, Ok(0.0), item), expected);
    }
    assert_eq!(reason(usual(), Ok(1e300), ages), Reason::NonFiniteScore);
    // Ten years from 80 on end where the table does.
    assert!(
        assess(&[with("age", Some("80.9"))], &[Ok(0.0)])[years].outcomes[0]
            .risk
            .is_ok()
    );
    // Ages of the file hold whatever the patient's own.
    assert!(
        assess(&[with("age", None)], &[Ok(0.0)])[0].outcomes[0]
            .risk
            .is_ok()
    );

    let place = Place::new();
    place.replace(
        "model.toml",
        "name = \"score\"",
        "name = \"score\"\nrequired = true",
    );
    let items = place
        .model()
        .unwrap()
        .assess(&[usual()], &scores(&[Err(Reason::LowCoverage)]));
    assert_eq!(
        items.unwrap()[0].outcomes[0].risk,
        Err(Reason::ScoreNotComputed)
    );

    // Tables of one sex alone.
    let place = Place::new();
    let rates = read("incidence.csv");
    let female: String = rates
        .lines()
        .filter(|line| !line.contains(",male"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    place.write("incidence.csv", &female);
    let items = place
        .model()
        .unwrap()
        .assess(&[usual()], &scores(&[Ok(0.0)]))
        .unwrap();
    assert_eq!(
        items[0].outcomes[0].risk,
        Err(Reason::CovariateUnknownCategory)
    );
}

#[test]
fn what_the_run_lacks() {
    let model = Place::new().model().unwrap();
    let usual = [patient(Sex::Male, &CELLS)];
    let missing = model.assess(&usual, &FeatureTable::default()).unwrap_err();
    assert!(
        missing.to_string().contains("'polygenic.demo.z'"),
        "{missing}"
    );
    for column in ["sbp", "age"] {
        let text = [with(column, Some("high"))];
        let error = model
            .check(&text, &["polygenic.demo.z".to_owned()])
            .unwrap_err();
        assert!(
            error.to_string().contains(&format!("'{column}'")),
            "{error}"
        );
        assert!(!error.to_string().contains("high"));
    }
}

#[test]
fn tables_that_are_refused() {
    let row = "40,45,female,0.000201";
    for (to, parts) in [
        ("", &["line 4", "ages 40 to 44", "'female'", "no rate"][..]),
        ("40,46,female,0.0002", &["line 5", "age 45", "already"]),
        (
            "45,40,female,0.0002",
            &["line 4", "45 to 40", "above the start"],
        ),
        ("40,45,female,-0.1", &["line 4", "'-0.1'", "from 0 to 1"]),
        ("40,45,female,1.1", &["line 4", "from 0 to 1"]),
        ("40,45,female,nan", &["line 4", "from 0 to 1"]),
        ("40,45,female,inf", &["line 4", "from 0 to 1"]),
        ("40,45,female,", &["line 4", "from 0 to 1"]),
        ("40.5,45,female,0.1", &["line 4", "whole number"]),
        ("40,450,female,0.1", &["line 4", "whole number"]),
        ("40,45,woman,0.1", &["line 4", "'woman'"]),
        ("40,45,both,0.1", &["beside rows of one sex"]),
        ("40,45,female", &["line 4", "3 cells"]),
    ] {
        let place = Place::new();
        let from = if to.is_empty() {
            format!("{row}\n")
        } else {
            row.to_owned()
        };
        place.replace("incidence.csv", &from, to);
        let message = place.refused();
        for part in [&["incidence.csv"], parts].concat() {
            assert!(message.contains(part), "{message} has no {part}");
        }
    }
    for (header, part) in [
        ("age_start,sex,age_to,rate", "'age_to'"),
        ("age,age_end,sex,rate", "one column 'age'"),
        ("age_start,age_end,sex,sex", "twice"),
        ("age_start,age_end,sex,age", "'rate'"),
    ] {
        let place = Place::new();
        place.replace("incidence.csv", "age_start,age_end,sex,rate", header);
        let message = place.refused();
        assert!(message.contains(part), "{message}");
    }
    for (name, text, part) in [
        ("incidence.csv", "age,rate\n", "no rows"),
        ("incidence.csv", "age,rate\n1,\u{fffd}\n", "from 0 to 1"),
        (
            "mortality.csv",
            "age,rate\n30,0.1\n31,0.1\n",
            "covers ages 30 to 31",
        ),
        (
            "mortality.csv",
            "age_start,age_end,sex,rate\n0,100,male,0.01\n",
            "no rates of female",
        ),
    ] {
        let place = Place::new();
        place.write(name, text);
        let message = place.refused();
        assert!(message.contains(part), "{message}");
    }
    let place = Place::new();
    std::fs::remove_file(place.0.path().join("mortality.csv")).unwrap();
    assert!(matches!(place.model(), Err(AbsoluteRiskError::Read { .. })));
}

#[test]
fn models_that_are_refused() {
    for (from, to, part) in [
        (
            "name = \"coronary\"",
            "name = \"Coronary disease\"",
            "name 'Coronary disease'",
        ),
        (
            "outcome = \"coronary artery disease\"",
            "outcome = \" \"",
            "outcome is empty",
        ),
        (
            "lifetime = true",
            "life_time = true",
            "unknown field `life_time`",
        ),
        ("lifetime = true", "integration = \"monthly\"", "`monthly`"),
        (
            "[[50, 60], [50, 80]]",
            "[[60, 50]]",
            "[60, 50] are not in ascending order",
        ),
        ("[[50, 60], [50, 80]]", "[[20, 60]]", "covers [30, 90]"),
        ("[[50, 60], [50, 80]]", "[[50, 91]]", "covers [30, 90]"),
        ("[[50, 60], [50, 80]]", "[[50, 60], [50, 60]]", "twice"),
        ("[5, 10]", "[0]", "0 years"),
        ("age_column = \"age\"", "", "age_column"),
        (
            "interval = [1.5, 1.7]",
            "interval = [1.7, 1.5]",
            "lower bound above its upper",
        ),
        (
            "interval = [1.5, 1.7]",
            "interval = [0.4, 0.6]",
            "does not hold its estimate",
        ),
        (
            "interval = [1.5, 1.7]",
            "interval = [1.5, 1.7]\nrange = [-3, 3]",
            "a score has no range",
        ),
        ("feature = \"polygenic.demo.z\"", "", "one of feature"),
        (
            "family_history = \"family_history\"",
            "family_history = \"smoking\"",
            "two categories",
        ),
        (
            "family_history = \"family_history\"",
            "family_history = \"other\"",
            "no factor",
        ),
        (
            "family_history = \"family_history\"",
            "family_history = \"systolic_pressure\"",
            "no categories",
        ),
        ("share = 0.12", "share = 0.2", "sum to 1.08"),
        ("share = 0.12, ", "", "its share of the population"),
        ("share = 0.12", "share = 0.0", "above 0"),
        ("value = \"yes\"", "value = \"no\"", "'no' is there twice"),
        ("range = [70, 250]", "", "no range"),
        ("range = [70, 250]", "range = [250, 70]", "ascending"),
        ("mean = 128\n", "", "give both"),
        (
            "mean = 128\nstandard_deviation = 17\n",
            "",
            "must be declared",
        ),
        (
            "name = \"smoking\"",
            "name = \"score\"",
            "two factors are named 'score'",
        ),
        (
            "log_relative_risk_per_unit = 0.015",
            "log_relative_risk_per_unit = 40.0",
            "too large",
        ),
        (
            "hazard_ratio = 1.3, interval = [1.2, 1.41]",
            "hazard_ratio = 1e300",
            "too large",
        ),
    ] {
        let place = Place::new();
        place.replace("model.toml", from, to);
        let message = place.refused();
        assert!(
            message.contains("model.toml") && message.contains(part),
            "{message} has no {part}"
        );
    }
}

/// Without a table of deaths, or without standard errors, the model says so.
#[test]
fn warnings() {
    let place = Place::new();
    place.remove("[mortality]", "# A polygenic");
    place.replace("model.toml", "interval = [1.5, 1.7]", "");
    let model = place.model().unwrap();
    let warnings = model.warnings();
    assert!(warnings[0].contains("no mortality table"));
    assert!(warnings[1].contains("no standard error"));
    let items = model
        .assess(&[patient(Sex::Male, &CELLS)], &scores(&[Ok(0.0)]))
        .unwrap();
    let risk = items[1].outcomes[0].risk.unwrap();
    assert_eq!(risk.interval, None);
    assert!(
        risk.risk
            > assess(&[patient(Sex::Male, &CELLS)], &[Ok(0.0)])[1].outcomes[0]
                .risk
                .unwrap()
                .risk
    );
    assert!(items[0].meaning.contains("if nobody died"));
}

const REFERENCE: &str =
    "\n[reference]\npath = 'reference.csv'\nsource = 'survey'\nweight = 'w'\nsex = 'sex'\n";
const ROWS: &str = "sex,w,family_history,smoking,systolic_pressure\n\
    female,1,no,never,120\nfemale,2,yes,former,140\nmale,1,no,current,150\nmale,0.5,yes,never,125\n";

/// The example with a dataset in place of shares and standard deviations.
fn with_reference(rows: &str) -> Place {
    let place = Place::new();
    let mut text = read("model.toml");
    for share in ["0.88", "0.12", "0.55", "0.27", "0.18"] {
        text = text.replacen(&format!("share = {share}, "), "", 1);
    }
    text = text.replace("mean = 128\nstandard_deviation = 17\n", "");
    place.write("model.toml", &(text + REFERENCE));
    place.write("reference.csv", rows);
    place
}

#[test]
fn reference_datasets() {
    let model = with_reference(ROWS).model().unwrap();
    assert_eq!(model.sources().last().unwrap().role, "reference");
    assert!(model.warnings().is_empty());
    let patients = [
        patient(Sex::Male, &CELLS),
        with("smoking", None),
        with("family_history", None),
    ];
    let values = [Ok(1.0), Err(Reason::LowCoverage), Ok(0.0)];
    for item in model.assess(&patients, &scores(&values)).unwrap() {
        for outcome in item.outcomes {
            assert!(outcome.risk.unwrap().interval.is_some());
        }
    }
    for (from, to, part) in [
        (
            "female,1,no,never,120",
            "female,-1,no,never,120",
            "line 2: its weight",
        ),
        (
            "female,1,no,never,120",
            "female,1,no,never,",
            "'systolic_pressure' is empty",
        ),
        (
            "female,1,no,never,120",
            "female,1,no,never,20",
            "'systolic_pressure'",
        ),
        (
            "female,1,no,never,120",
            "female,1,no,rarely,120",
            "'smoking'",
        ),
        (
            "female,1,no,never,120",
            "other,1,no,never,120",
            "line 2: its sex",
        ),
        (
            "male,1,no,current,150\nmale,0.5",
            "male,0,no,current,150\nmale,0",
            "no person of male",
        ),
        ("sex,w,family", "sex,weight,family", "no column 'w'"),
        (
            "sex,w,family_history",
            "sex,w,history",
            "no column 'family_history'",
        ),
        (
            "sex,w,family_history,smoking,systolic_pressure\nfemale,1",
            "sex,w,family_history,smoking,systolic_pressure\n1",
            "line 2: it has 4 cells",
        ),
    ] {
        assert!(ROWS.contains(from));
        let message = with_reference(&ROWS.replacen(from, to, 1)).refused();
        assert!(message.contains(part), "{message} has no {part}");
    }
    let rows = ROWS.replace(",systolic_pressure\n", ",systolic_pressure,score\n");
    let rows = rows.replace("120\n", "120,1\n").replace("140\n", "140,0\n");
    let rows = rows
        .replace("150\n", "150,2\n")
        .replace("125\n", "125,-1\n");
    let place = with_reference(&rows);
    assert!(
        place
            .refused()
            .contains("remove the factor's family_history")
    );
    place.replace("model.toml", "family_history = \"family_history\"\n", "");
    place.model().unwrap();
    let place = Place::new();
    place.write("model.toml", &(read("model.toml") + REFERENCE));
    place.write("reference.csv", ROWS);
    assert!(place.refused().contains("remove share"));
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// Keys that the parser says it knows when it meets one that it does not.
fn parsed(from: &str) -> BTreeSet<String> {
    let place = Place::new();
    place.replace("model.toml", from, &format!("{from}\nunknown = 1\n"));
    expected(&place.refused())
}

fn expected(message: &str) -> BTreeSet<String> {
    let (_, expected) = message.split_once("expected").unwrap();
    let names = expected.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn the_schema_has_the_keys_of_the_parser() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/absolute-risk.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let definition = |name: &str| keys(&schema["$defs"][name]["properties"]);
    assert_eq!(keys(&schema["properties"]), parsed("version = \"1\""));
    assert_eq!(definition("table"), parsed("path = \"incidence.csv\""));
    assert_eq!(definition("factor"), parsed("covariate = \"sbp\""));
    let place = Place::new();
    place.replace(
        "model.toml",
        "value = \"no\"",
        "unknown = 1, value = \"no\"",
    );
    assert_eq!(definition("category"), expected(&place.refused()));
    let place = with_reference(ROWS);
    place.replace("model.toml", "weight = 'w'", "unknown = 1");
    assert_eq!(definition("reference"), expected(&place.refused()));
    let place = Place::new();
    place.replace("model.toml", "lifetime = true", "integration = \"unknown\"");
    let rules: BTreeSet<String> =
        serde_json::from_value(schema["properties"]["integration"]["enum"].clone()).unwrap();
    assert_eq!(rules, expected(&place.refused()));
}
