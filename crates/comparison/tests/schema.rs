//! `schemas/alerts.schema.json` takes what the parser takes, and refuses what it refuses.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use varisk_comparison::{PATHOGENIC, Rules, Tolerance};

    const SCHEMA: &str = include_str!("../../../schemas/alerts.schema.json");

    /// Every kind of rule with every field.
    fn full() -> Value {
        json!({
            "tolerance": {"absolute": 0.0, "relative": 0.01, "percentile": 1.0},
            "alert": [
                {"kind": "risk_crosses", "name": "a", "item": "x.*", "threshold": 0.2, "direction": "both", "on": "value"},
                {"kind": "new_pathogenic", "name": "b", "classes": ["pathogenic"], "genes": ["BRCA1"]},
                {"kind": "reclassified", "name": "c", "from": ["none"], "to": ["benign"], "genes": ["BRCA1"]},
                {"kind": "state_changed", "name": "d", "item": "*"},
                {"kind": "patient_missing", "name": "e"},
            ],
        })
    }

    fn is_taken(rules: &Value) -> bool {
        Rules::parse(&toml::to_string(rules).unwrap()).is_ok()
    }

    fn is_valid(rules: &Value) -> bool {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::draft202012::new(&schema)
            .unwrap()
            .is_valid(rules)
    }

    /// The rules with the value at a JSON pointer set, or removed for `None`.
    fn changed(pointer: &str, value: Option<Value>) -> Value {
        let mut rules = full();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let object = rules.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => {
                object.insert(key.to_owned(), value);
            }
            None => {
                object.remove(key).unwrap();
            }
        }
        rules
    }

    fn objects() -> Vec<String> {
        let rules = (0..5).map(|place| format!("/alert/{place}"));
        ["", "/tolerance"]
            .map(str::to_owned)
            .into_iter()
            .chain(rules)
            .collect()
    }

    #[test]
    fn sound_rules_pass_both_and_survive_writing() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        for rules in [full(), json!({}), json!({"alert": []})] {
            assert!(is_taken(&rules) && is_valid(&rules), "{rules}");
            let parsed = Rules::parse(&toml::to_string(&rules).unwrap()).unwrap();
            let written = serde_json::to_value(&parsed).unwrap();
            assert!(is_valid(&written), "{written}");
            assert_eq!(
                Rules::parse(&toml::to_string(&written).unwrap()).unwrap(),
                parsed
            );
        }
    }

    #[test]
    fn each_field_is_needed_by_both_or_by_neither_and_no_other_is_taken() {
        for object in objects() {
            let full = full();
            for key in full.pointer(&object).unwrap().as_object().unwrap().keys() {
                let pointer = format!("{object}/{key}");
                let without = changed(&pointer, None);
                assert_eq!(is_taken(&without), is_valid(&without), "{pointer}");
            }
            let with = changed(&format!("{object}/unknown"), Some(json!(1)));
            assert!(!is_taken(&with) && !is_valid(&with), "{object}");
        }
    }

    #[test]
    fn schema_and_parser_know_the_same_keys_and_defaults() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let rules = full();
        assert_eq!(keys(&schema["properties"]), keys(&rules));
        let tolerance = &schema["properties"]["tolerance"]["properties"];
        let defaults = serde_json::to_value(Tolerance::default()).unwrap();
        assert_eq!(keys(tolerance), keys(&defaults));
        for (key, property) in tolerance.as_object().unwrap() {
            assert_eq!(property["default"], defaults[key], "{key}");
        }
        let kinds = schema["$defs"]["alert"]["oneOf"].as_array().unwrap();
        for (kind, rule) in kinds.iter().zip(rules["alert"].as_array().unwrap()) {
            assert_eq!(kind["properties"]["kind"]["const"], rule["kind"]);
            assert_eq!(keys(&kind["properties"]), keys(rule));
        }
        assert_eq!(
            kinds[1]["properties"]["classes"]["default"],
            json!(PATHOGENIC)
        );
        let least = json!({"alert": [
            {"kind": "risk_crosses", "name": "a", "item": "x", "threshold": 1.0},
            {"kind": "state_changed", "name": "b"},
        ]});
        let parsed = Rules::parse(&toml::to_string(&least).unwrap()).unwrap();
        let written = serde_json::to_value(parsed).unwrap();
        for (place, rule, field) in [(0, 0, "direction"), (0, 0, "on"), (3, 1, "item")] {
            assert_eq!(
                kinds[place]["properties"][field]["default"],
                written["alert"][rule][field]
            );
        }
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_both() {
        for (pointer, value) in [
            ("/tolerance/relative", json!(-0.1)),
            ("/tolerance/absolute", json!("none")),
            ("/alert/0/kind", json!("other")),
            ("/alert/0/name", json!(" ")),
            ("/alert/0/name", json!("a;b")),
            ("/alert/0/item", json!("")),
            ("/alert/0/threshold", json!("high")),
            ("/alert/0/direction", json!("sideways")),
            ("/alert/0/on", json!("z")),
            ("/alert/1/classes", json!([])),
            ("/alert/1/genes", json!([])),
            ("/alert/2/from", json!([])),
            ("/alert/2/to", json!([])),
            ("/alert/2/genes", json!("BRCA1")),
            ("/alert/3/item", json!("")),
            ("/alert/4/item", json!("*")),
        ] {
            let rules = changed(pointer, Some(value.clone()));
            assert!(!is_taken(&rules), "{pointer} = {value}");
            assert!(!is_valid(&rules), "{pointer} = {value}");
        }
        for (on, threshold) in [
            ("percentile", 101.0),
            ("percentile", -1.0),
            ("absolute_change", 0.0),
        ] {
            let mut rules = changed("/alert/0/on", Some(json!(on)));
            rules["alert"][0]["threshold"] = json!(threshold);
            assert!(!is_taken(&rules) && !is_valid(&rules), "{on} {threshold}");
        }
    }
}
