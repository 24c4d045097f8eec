//! `schemas/train-variant.schema.json` takes what the parser takes.

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use varisk_train::VariantConfig;

    const SCHEMA: &str = include_str!("../../../schemas/train-variant.schema.json");

    /// Every field.
    fn full() -> Value {
        json!({
            "kind": "variant", "name": "a-b", "version": "1", "licence": "x", "intended_use": "x",
            "training_data": "x", "seed": 2, "class_weights": "none", "calibration": "beta",
            "data": [
                {"vcf": "a.vcf", "reference": "g.fa", "build": "GRCh38", "regions": ["1:1-2"],
                 "regions_file": "r.bed", "gene_models": "g.gff3", "knowledge": "k"},
                {"table": "t.csv", "reference": "g.fa"}
            ],
            "label": {
                "field": "SIG", "pathogenic": ["5"], "benign": ["2"], "separators": "|",
                "require": {"STARS": ["2", "3"]}, "gene": "GENE"
            },
            "encoding": {"window": 21, "k": 4, "annotations": [
                "allele.is_snv",
                {"name": "consequence.term", "values": {"a": 1.0}, "fill": 0.0, "missing_flag": true}
            ]},
            "split": {"by": "contig", "folds": 3, "stopping_share": 0.2, "bootstrap": 10},
            "network": {
                "embedding": 4, "kernel": 3, "filters": 4, "convolutions": 2, "hidden": [8, 4],
                "dropout": 0.0, "l2": 0.1, "learning_rate": 0.01, "batch_size": 8, "epochs": 2,
                "patience": 1
            }
        })
    }

    fn least() -> Value {
        json!({
            "kind": "variant", "name": "a", "version": "1", "licence": "x", "intended_use": "x",
            "training_data": "x", "data": [{"vcf": "a.vcf", "reference": "g.fa"}],
            "label": {"field": "SIG", "pathogenic": ["5"], "benign": ["2"]}
        })
    }

    fn parsed(config: &Value) -> Result<VariantConfig, String> {
        let text = toml::to_string(config).unwrap();
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    fn validator() -> jsonschema::Validator {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        jsonschema::draft202012::new(&schema).unwrap()
    }

    #[test]
    fn sound_configurations_pass_both_and_survive_writing() {
        for config in [full(), least()] {
            let own = parsed(&config).unwrap();
            assert!(validator().is_valid(&config));
            let written = serde_json::to_value(&own).unwrap();
            assert!(validator().is_valid(&written), "{written}");
            assert_eq!(parsed(&written).unwrap(), own);
        }
    }

    /// Every object of the schema has the keys of the parser: what is written by serde is complete.
    #[test]
    fn the_schema_has_the_keys_of_the_parser() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let written = serde_json::to_value(parsed(&full()).unwrap()).unwrap();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let same = |properties: &str, own: &str| {
            let (schema, own) = (schema.pointer(properties), written.pointer(own));
            assert_eq!(keys(schema.unwrap()), keys(own.unwrap()), "{properties}");
        };
        same("/properties", "");
        for object in ["label", "encoding", "split", "network"] {
            same(
                &format!("/properties/{object}/properties"),
                &format!("/{object}"),
            );
        }
        let mut data = keys(&written["data"][0]);
        data.push("table".to_owned());
        data.sort();
        assert_eq!(
            keys(&schema["properties"]["data"]["items"]["properties"]),
            data
        );
    }

    #[test]
    fn what_is_unknown_or_missing_fails_both() {
        let changed = |pointer: &str, value: Option<Value>| {
            let mut config = full();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let object = config.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            match value {
                Some(value) => object.insert(key.to_owned(), value),
                None => object.remove(key),
            };
            config
        };
        let mut wrong = Vec::new();
        for object in ["", "/data/0", "/label", "/encoding", "/split", "/network"] {
            wrong.push(changed(&format!("{object}/surprise"), Some(json!(1))));
        }
        for field in ["kind", "name", "data", "label"] {
            wrong.push(changed(&format!("/{field}"), None));
        }
        wrong.push(changed("/label/field", None));
        wrong.push(changed("/kind", Some(json!("patient"))));
        wrong.push(changed("/split/by", Some(json!("exon"))));
        wrong.push(changed("/class_weights", Some(json!("some"))));
        wrong.push(changed(
            "/encoding/annotations",
            Some(json!([{"fill": 0.0}])),
        ));
        for config in wrong {
            assert!(parsed(&config).is_err(), "{config}");
            assert!(!validator().is_valid(&config), "{config}");
        }
    }
}
