//! `schemas/deidentify.schema.json` takes what the parser and its checks take, and refuses the rest.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use varisk_privacy::deidentify::Config;

    const SCHEMA: &str = include_str!("../../../schemas/deidentify.schema.json");

    /// A configuration with every field.
    fn full() -> Value {
        json!({
            "keep_genotypes": true,
            "k_anonymity": {
                "k": 5, "quasi_identifiers": ["qc.recorded_sex", "people.a.b"], "small_classes": "drop"
            },
            "tables": {
                "*": {"drop": false, "drop_columns": ["model"], "columns": {"x": {"kind": "prefix", "length": 3}}},
                "risk": {"drop": false, "drop_columns": ["item"], "columns": {
                    "a": {"kind": "bins", "width": 10.0, "origin": 0.0, "bottom": 20.0, "top": 90.0, "write": "number"},
                    "b": {"kind": "cuts", "at": [18.0, 65.5]},
                    "c": {"kind": "limits", "bottom": 18.0, "top": 90.0, "write": "label"},
                    "d": {"kind": "round", "significant_digits": 15},
                    "e": {"kind": "date", "to": "month"},
                    "g": {"kind": "map", "values": {"x": "y"}, "other": "z"}
                }},
                "qc": {"drop": true}
            }
        })
    }

    /// What the parser says of a configuration, written as TOML.
    fn parsed(config: &Value) -> Result<Config, String> {
        let text = toml::to_string(config).map_err(|error| error.to_string())?;
        let config: Config = toml::from_str(&text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    fn is_valid(config: &Value) -> bool {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        jsonschema::draft202012::new(&schema)
            .unwrap()
            .is_valid(config)
    }

    /// A configuration with the value at a JSON pointer set, or removed for `None`.
    fn changed(mut config: Value, pointer: &str, value: Option<Value>) -> Value {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let object = config.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => object.insert(key.to_owned(), value),
            None => object.remove(key),
        };
        config
    }

    /// Pointers to every object whose keys are fields.
    fn objects(at: &str, value: &Value, found: &mut Vec<String>) {
        let Value::Object(object) = value else { return };
        let names = ["/tables", "/columns", "/values"]
            .iter()
            .any(|own| at.ends_with(own));
        if !names {
            found.push(at.to_owned());
        }
        for (key, own) in object {
            objects(&format!("{at}/{key}"), own, found);
        }
    }

    #[test]
    fn the_schema_is_a_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
    }

    #[test]
    fn sound_configurations_pass_both_and_survive_writing() {
        for config in [full(), json!({}), json!({"tables": {"a": {}}})] {
            let own = parsed(&config).unwrap();
            assert!(is_valid(&config), "{config}");
            let written = serde_json::to_value(&own).unwrap();
            assert!(is_valid(&written), "{written}");
            assert_eq!(parsed(&written).unwrap(), own);
        }
    }

    #[test]
    fn each_field_is_needed_by_both_or_by_neither() {
        let mut found = Vec::new();
        objects("", &full(), &mut found);
        let mut needed = 0;
        for object in found {
            for key in full().pointer(&object).unwrap().as_object().unwrap().keys() {
                let pointer = format!("{object}/{key}");
                let without = changed(full(), &pointer, None);
                assert_eq!(parsed(&without).is_ok(), is_valid(&without), "{pointer}");
                needed += usize::from(!is_valid(&without));
            }
        }
        // k and quasi_identifiers; kind of seven rules, and one more field of six of them.
        assert_eq!(needed, 15);
    }

    #[test]
    fn unknown_fields_are_refused_everywhere() {
        let mut found = Vec::new();
        objects("", &full(), &mut found);
        assert_eq!(found.len(), 12);
        for object in found {
            let with = changed(full(), &format!("{object}/unknown"), Some(json!(1)));
            let error = parsed(&with).unwrap_err();
            assert!(error.contains("unknown field"), "{object}: {error}");
            assert!(!is_valid(&with), "{object}");
        }
    }

    #[test]
    fn schema_and_parser_know_the_same_keys() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let written = serde_json::to_value(parsed(&full()).unwrap()).unwrap();
        let keys = |value: &Value| {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&schema["properties"]), keys(&written));
        let own = &schema["properties"]["k_anonymity"]["properties"];
        assert_eq!(keys(own), keys(&written["k_anonymity"]));
        assert_eq!(
            keys(&schema["$defs"]["rules"]["properties"]),
            keys(&written["tables"]["risk"])
        );
        let kinds = schema["$defs"]["coarsening"]["oneOf"].as_array().unwrap();
        let mut rules: Vec<&Value> = Vec::new();
        for table in ["*", "risk"] {
            rules.extend(
                written["tables"][table]["columns"]
                    .as_object()
                    .unwrap()
                    .values(),
            );
        }
        assert_eq!(rules.len(), kinds.len());
        for rule in rules {
            let kind = kinds
                .iter()
                .find(|own| own["properties"]["kind"]["const"] == rule["kind"]);
            assert_eq!(keys(&kind.unwrap()["properties"]), keys(rule));
        }
    }

    #[test]
    fn defaults_are_those_of_the_parser() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let least = json!({
            "k_anonymity": {"k": 2, "quasi_identifiers": ["a.b"]},
            "tables": {"a": {"columns": {
                "x": {"kind": "bins", "width": 1.0}, "y": {"kind": "limits", "top": 1.0}
            }}}
        });
        let written = serde_json::to_value(parsed(&least).unwrap()).unwrap();
        let empty = serde_json::to_value(parsed(&json!({"tables": {"a": {}}})).unwrap()).unwrap();
        let rules = &schema["$defs"]["rules"]["properties"];
        let table = &empty["tables"]["a"];
        let bins = &schema["$defs"]["coarsening"]["oneOf"][0]["properties"];
        let x = &written["tables"]["a"]["columns"]["x"];
        let y = &written["tables"]["a"]["columns"]["y"];
        let own = &schema["properties"]["k_anonymity"]["properties"]["small_classes"];
        for (property, value) in [
            (
                &schema["properties"]["keep_genotypes"],
                &written["keep_genotypes"],
            ),
            (own, &written["k_anonymity"]["small_classes"]),
            (&rules["drop"], &table["drop"]),
            (&rules["drop_columns"], &table["drop_columns"]),
            (&rules["columns"], &table["columns"]),
            (&bins["origin"], &x["origin"]),
            (&schema["$defs"]["write"], &x["write"]),
            (&schema["$defs"]["write"], &y["write"]),
        ] {
            assert_eq!(&property["default"], value);
        }
        assert_eq!(SCHEMA.matches("\"default\"").count(), 8);
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_both() {
        let column = "/tables/risk/columns";
        for (pointer, value) in [
            ("/keep_genotypes", json!("yes")),
            ("/k_anonymity/k", json!(1)),
            ("/k_anonymity/k", json!(-1)),
            ("/k_anonymity/k", json!(2.5)),
            ("/k_anonymity/k", json!(4_294_967_296_u64)),
            ("/k_anonymity/quasi_identifiers", json!([])),
            ("/k_anonymity/quasi_identifiers", json!("a.b")),
            ("/k_anonymity/quasi_identifiers", json!(["a"])),
            ("/k_anonymity/quasi_identifiers", json!(["a."])),
            ("/k_anonymity/quasi_identifiers", json!([".a"])),
            ("/k_anonymity/quasi_identifiers", json!(["a.patient"])),
            ("/k_anonymity/quasi_identifiers", json!(["a.b", "a.b"])),
            ("/k_anonymity/small_classes", json!("keep")),
            ("/tables", json!([])),
            ("/tables/*/drop", json!(true)),
            ("/tables/qc/drop", json!(1)),
            ("/tables/qc/drop_columns", json!(["a"])),
            (
                "/tables/qc/columns",
                json!({"a": {"kind": "date", "to": "year"}}),
            ),
            ("/tables/risk/drop_columns", json!("a")),
            (
                "/tables/risk/columns/patient",
                json!({"kind": "prefix", "length": 1}),
            ),
            (&format!("{column}/a/kind"), json!("noise")),
            (&format!("{column}/a/width"), json!(0)),
            (&format!("{column}/a/width"), json!(-1.5)),
            (&format!("{column}/a/width"), json!("10")),
            (&format!("{column}/a/write"), json!("text")),
            (&format!("{column}/b/at"), json!([])),
            (&format!("{column}/b/at"), json!([1, 1])),
            (&format!("{column}/b/at"), json!(1)),
            (&format!("{column}/c"), json!({"kind": "limits"})),
            (&format!("{column}/d/significant_digits"), json!(0)),
            (&format!("{column}/d/significant_digits"), json!(16)),
            (&format!("{column}/e/to"), json!("day")),
            ("/tables/*/columns/x/length", json!(0)),
            (&format!("{column}/g/values"), json!({})),
            (&format!("{column}/g/values"), json!({"a": 1})),
            (&format!("{column}/g/other"), json!(1)),
        ] {
            let config = changed(full(), pointer, Some(value.clone()));
            assert!(parsed(&config).is_err(), "{pointer} = {value}");
            assert!(!is_valid(&config), "{pointer} = {value}");
        }
    }

    /// What compares two numbers no JSON Schema can say.
    #[test]
    fn what_the_parser_refuses_beyond_the_schema() {
        let column = "/tables/risk/columns";
        for (pointer, value) in [
            (format!("{column}/a/bottom"), json!(90)),
            (format!("{column}/a/top"), json!(95)),
            (format!("{column}/b/at"), json!([2, 1])),
            (format!("{column}/c/top"), json!(1)),
            ("/tables/risk/drop_columns".into(), json!(["a"])),
        ] {
            let config = changed(full(), &pointer, Some(value.clone()));
            assert!(parsed(&config).is_err(), "{pointer} = {value}");
            assert!(is_valid(&config), "{pointer} = {value}");
        }
    }
}
