//! `schemas/train.schema.json` takes what the parser takes, and refuses what the program refuses.

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use ndarray::array;
    use serde_json::{Value, json};
    use varisk_train::{Candidate, Config, FamilySpec, network};

    const SCHEMA: &str = include_str!("../../../schemas/train.schema.json");

    /// A configuration with every field but those of outcomes and families of another kind.
    fn full() -> Value {
        json!({
            "kind": "patient",
            "name": "toy-risk",
            "version": "1.0.0",
            "licence": "CC0-1.0",
            "intended_use": "tests",
            "training_data": "made up",
            "seed": 3,
            "combine": "stack",
            "calibration": "platt",
            "data": {"table": "cohort.csv", "patient": "id", "run": "report", "group": "family"},
            "outcome": {
                "kind": "binary", "column": "disease", "positive": [1, "yes", true], "negative": [0.0]
            },
            "predictors": {
                "columns": ["age"], "features": ["burden.*"], "exclude": ["x"],
                "categorical": ["stage"], "trusted": ["marker"], "clip": 0.01
            },
            "validation": {
                "outer_folds": 4, "inner_folds": 3, "stopping_share": 0.2, "bootstrap": 100,
                "groups": ["sex"]
            },
            "family": [
                {"kind": "logistic", "lambda": [0.1, 0.0], "l1_ratio": [0.0, 1.0]},
                {"kind": "cox", "lambda": [0.1], "l1_ratio": [0.5]},
                {
                    "kind": "network", "hidden": [[], [8, 4]], "dropout": [0.0, 0.99],
                    "learning_rate": [0.01],
                    "settings": {
                        "activation": "relu", "weight_decay": 0.0, "batch_size": 1, "epochs": 1,
                        "patience": 1, "class_weights": "balanced"
                    }
                },
                {
                    "kind": "boosted", "learning_rate": [1.0], "depth": [1, 16],
                    "settings": {
                        "rounds": 1, "min_child_weight": 0.0, "l2": 0.0, "subsample": 1.0,
                        "column_subsample": 1.0, "bins": 2, "early_stopping_rounds": 0
                    }
                }
            ]
        })
    }

    fn classes() -> Value {
        json!({"kind": "classes", "column": "stage", "classes": ["early", "late"]})
    }

    fn survival() -> Value {
        json!({
            "kind": "survival", "time": "years", "event": "died", "happened": [1],
            "horizons": [2, 5.5]
        })
    }

    /// The fields that must be there, and no others.
    fn least() -> Value {
        json!({
            "name": "a", "version": "1", "licence": "x", "intended_use": "x", "training_data": "x",
            "data": {"table": "cohort.csv"},
            "outcome": {"kind": "binary", "column": "disease", "positive": [1]},
            "family": [{"kind": "logistic"}, {"kind": "cox"}, {"kind": "network"}, {"kind": "boosted"}]
        })
    }

    /// What the parser says of a configuration, written as TOML.
    fn parsed(config: &Value) -> Result<Config, String> {
        let text = toml::to_string(config).unwrap();
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    fn is_valid(config: &Value) -> bool {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        validator.is_valid(config)
    }

    /// A configuration with the value at a JSON pointer set, or removed for `None`.
    fn changed(mut config: Value, pointer: &str, value: Option<Value>) -> Value {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match (config.pointer_mut(parent).unwrap(), value) {
            (Value::Object(object), Some(value)) => {
                object.insert(key.to_owned(), value);
            }
            (Value::Object(object), None) => {
                object.remove(key).unwrap();
            }
            other => panic!("{pointer}: {other:?}"),
        }
        config
    }

    /// Pointers to every object, with that of the whole in front.
    fn objects(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.push(at.to_owned());
                for (key, own) in object {
                    objects(&format!("{at}/{key}"), own, found);
                }
            }
            Value::Array(array) => {
                for (place, own) in array.iter().enumerate() {
                    objects(&format!("{at}/{place}"), own, found);
                }
            }
            _ => {}
        }
    }

    fn all() -> [Value; 3] {
        let with = |outcome| changed(full(), "/outcome", Some(outcome));
        [full(), with(classes()), with(survival())]
    }

    #[test]
    fn the_schema_is_a_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
    }

    #[test]
    fn sound_configurations_pass_both_and_survive_writing() {
        for config in all().into_iter().chain([least()]) {
            let own = parsed(&config).unwrap();
            assert!(is_valid(&config), "{config}");
            let written = serde_json::to_value(&own).unwrap();
            assert!(is_valid(&written), "{written}");
            assert_eq!(parsed(&written).unwrap(), own);
        }
    }

    #[test]
    fn each_field_is_needed_by_both_or_by_neither() {
        for config in all() {
            let mut found = Vec::new();
            objects("", &config, &mut found);
            for object in found {
                for key in config.pointer(&object).unwrap().as_object().unwrap().keys() {
                    let pointer = format!("{object}/{key}");
                    let without = changed(config.clone(), &pointer, None);
                    assert_eq!(parsed(&without).is_ok(), is_valid(&without), "{pointer}");
                }
            }
        }
    }

    #[test]
    fn unknown_fields_are_refused_everywhere() {
        for config in all() {
            let mut found = Vec::new();
            objects("", &config, &mut found);
            for object in found {
                let pointer = format!("{object}/unknown");
                let with = changed(config.clone(), &pointer, Some(json!(1)));
                let error = parsed(&with).unwrap_err();
                assert!(error.contains("unknown field"), "{pointer}: {error}");
                assert!(!is_valid(&with), "{pointer}");
            }
        }
    }

    #[test]
    fn schema_and_parser_know_the_same_keys() {
        let mut found = Vec::new();
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let check = |properties: &Value, written: &Value, what: &str| {
            let keys = |value: &Value| -> Vec<String> {
                let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(keys(properties), keys(written), "{what}");
        };
        // Every field is there in `full`, so what the parser writes has all keys that it knows.
        for config in all() {
            let written = serde_json::to_value(parsed(&config).unwrap()).unwrap();
            check(&schema["properties"], &written, "train.toml");
            for part in ["data", "predictors", "validation"] {
                let own = &schema["properties"][part]["properties"];
                check(own, &written[part], part);
            }
            let families = schema["$defs"]["family"]["oneOf"].as_array().unwrap();
            let outcomes = schema["properties"]["outcome"]["oneOf"].as_array().unwrap();
            let of = |kinds: &[Value], kind: &Value| -> Value {
                let mut own = kinds.iter().map(|own| &own["properties"]);
                own.find(|own| own["kind"]["const"] == *kind)
                    .unwrap()
                    .clone()
            };
            let outcome = &written["outcome"];
            check(&of(outcomes, &outcome["kind"]), outcome, "outcome");
            found.push(outcome["kind"].clone());
            for own in written["family"].as_array().unwrap() {
                let known = of(families, &own["kind"]);
                check(&known, own, "family");
                if own["settings"].is_object() {
                    check(
                        &known["settings"]["properties"],
                        &own["settings"],
                        "settings",
                    );
                }
            }
            assert_eq!(families.len(), written["family"].as_array().unwrap().len());
        }
        assert_eq!(found, ["binary", "classes", "survival"]);
    }

    #[test]
    fn defaults_are_those_of_the_parser() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let written = serde_json::to_value(parsed(&least()).unwrap()).unwrap();
        let mut checked = 0;
        let mut check = |properties: &Value, written: &Value| {
            for (key, property) in properties.as_object().unwrap() {
                if let Some(default) = property.get("default") {
                    assert_eq!(default, &written[key], "{key}");
                    checked += 1;
                }
            }
        };
        check(&schema["properties"], &written);
        for part in ["data", "predictors", "validation"] {
            check(&schema["properties"][part]["properties"], &written[part]);
        }
        let families = schema["$defs"]["family"]["oneOf"].as_array().unwrap();
        for (schema, written) in families.iter().zip(written["family"].as_array().unwrap()) {
            assert_eq!(schema["properties"]["kind"]["const"], written["kind"]);
            check(&schema["properties"], written);
            if written["settings"].is_object() {
                let settings = &schema["properties"]["settings"]["properties"];
                check(settings, &written["settings"]);
            }
        }
        assert_eq!(checked, 35);
    }

    #[test]
    fn values_of_another_type_or_word_are_refused_by_both() {
        for (pointer, value) in [
            ("/name", json!(1)),
            ("/seed", json!(-1)),
            ("/seed", json!("one")),
            ("/combine", json!("vote")),
            ("/calibration", json!("sigmoid")),
            ("/data/table", json!(["a"])),
            ("/outcome/kind", json!("regression")),
            ("/outcome/positive", json!(1)),
            ("/outcome/positive", json!([[1]])),
            ("/predictors/columns", json!("age")),
            ("/predictors/clip", json!("none")),
            ("/validation/outer_folds", json!(2.5)),
            ("/validation/bootstrap", json!(-1)),
            ("/family", json!({"kind": "logistic"})),
            ("/family/0/kind", json!("forest")),
            ("/family/0/lambda", json!(0.1)),
            ("/family/2/hidden", json!([8, 4])),
            ("/family/2/settings/activation", json!("tanh")),
            ("/family/2/settings/class_weights", json!("inverse")),
            ("/family/3/settings/bins", json!(-1)),
            ("/family/2/settings/hidden", json!([8])),
            ("/family/2/settings/dropout", json!(0.1)),
            ("/family/2/settings/learning_rate", json!(0.1)),
            ("/family/2/settings/seed", json!(1)),
            ("/family/2/settings/threads", json!(1)),
            ("/family/3/settings/learning_rate", json!(0.1)),
            ("/family/3/settings/depth", json!(2)),
            ("/family/3/settings/seed", json!(1)),
            ("/family/3/settings/threads", json!(1)),
        ] {
            let config = changed(full(), pointer, Some(value.clone()));
            assert!(parsed(&config).is_err(), "{pointer} = {value}");
            assert!(!is_valid(&config), "{pointer} = {value}");
        }
    }

    /// What the fit of a candidate says of its settings, on two rows.
    fn refuses(candidate: &Candidate) -> bool {
        match candidate {
            Candidate::Logistic(own) | Candidate::Cox(own) => own.validate().is_err(),
            Candidate::Boosted(own) => own.check().is_err(),
            Candidate::Network(own) => {
                let features = array![[0.0_f32], [1.0]];
                let rows = network::Rows {
                    features: features.view(),
                    target: network::Target::Binary(&[false, true]),
                    weights: None,
                };
                let fitted =
                    network::fit(rows, None, own, &mut |_| ControlFlow::Continue(()), None);
                matches!(fitted, Err(network::NetworkError::Setting { .. }))
            }
        }
    }

    #[test]
    fn ranges_are_those_that_a_fit_checks() {
        let refused = |config: &Value| {
            let families = parsed(config).unwrap().families;
            let mut candidates = families.iter().flat_map(FamilySpec::candidates);
            let by_fit = candidates.any(|own| refuses(&own));
            let before = families.iter().any(|own| own.check().is_err());
            assert_eq!(before, by_fit);
            by_fit
        };
        assert!(!refused(&full()));
        for (pointer, value) in [
            ("/family/0/lambda", json!([-0.1])),
            ("/family/0/l1_ratio", json!([-0.1])),
            ("/family/1/l1_ratio", json!([1.1])),
            ("/family/2/hidden", json!([[0]])),
            ("/family/2/hidden", json!([[65537]])),
            ("/family/2/hidden", json!([vec![1; 17]])),
            ("/family/2/dropout", json!([-0.1])),
            ("/family/2/dropout", json!([1.0])),
            ("/family/2/learning_rate", json!([0.0])),
            ("/family/2/settings/weight_decay", json!(-1.0)),
            ("/family/2/settings/batch_size", json!(0)),
            ("/family/2/settings/epochs", json!(0)),
            ("/family/2/settings/patience", json!(0)),
            ("/family/3/learning_rate", json!([0.0])),
            ("/family/3/learning_rate", json!([1.1])),
            ("/family/3/depth", json!([0])),
            ("/family/3/depth", json!([17])),
            ("/family/3/settings/rounds", json!(0)),
            ("/family/3/settings/min_child_weight", json!(-1.0)),
            ("/family/3/settings/l2", json!(-1.0)),
            ("/family/3/settings/subsample", json!(0.0)),
            ("/family/3/settings/column_subsample", json!(1.1)),
            ("/family/3/settings/bins", json!(1)),
            ("/family/3/settings/bins", json!(256)),
        ] {
            let config = changed(full(), pointer, Some(value.clone()));
            assert!(refused(&config), "{pointer} = {value}");
            assert!(!is_valid(&config), "{pointer} = {value}");
        }
    }

    /// What the parser takes and the program refuses: see `pipeline/tests/learning_bad_input.rs`, the tests
    /// of outcomes, and for what must not be empty those of the manifest.
    #[test]
    fn what_the_program_refuses_later_the_schema_refuses_too() {
        for (pointer, value) in [
            ("/name", json!("")),
            ("/name", json!("a name")),
            ("/version", json!("")),
            ("/licence", json!(" ")),
            ("/intended_use", json!("")),
            ("/training_data", json!("")),
            ("/outcome/positive", json!([])),
            ("/predictors/clip", json!(0.3)),
            ("/validation/outer_folds", json!(1)),
            ("/validation/inner_folds", json!(101)),
            ("/validation/stopping_share", json!(0.6)),
            ("/family", json!([])),
            ("/family/0/lambda", json!([])),
            ("/family/3/depth", json!([])),
        ] {
            let config = changed(full(), pointer, Some(value.clone()));
            assert!(parsed(&config).is_ok(), "{pointer} = {value}");
            assert!(!is_valid(&config), "{pointer} = {value}");
        }
        for horizons in [json!([]), json!([0]), json!([-1.0])] {
            let mut outcome = survival();
            outcome["horizons"] = horizons;
            assert!(!is_valid(&changed(full(), "/outcome", Some(outcome))));
        }
    }
}
