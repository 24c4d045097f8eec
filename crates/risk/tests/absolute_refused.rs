//! Models, tables and datasets that are refused, each with one sentence; the schema has the keys that
//! the parser knows.
#![cfg(test)]

mod absolute;

use std::collections::BTreeSet;
use std::path::Path;

use absolute::{Place, REFERENCE, ROWS, read, with_reference};
use serde_json::Value;
use varisk_risk::AbsoluteRiskError;

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

#[test]
fn datasets_that_are_refused() {
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
