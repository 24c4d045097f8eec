//! The published JSON Schema and the code agree on what a manifest is.

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};
    use varisk_encode::Manifest;

    const SCHEMA: &str = include_str!("../../../schemas/model-manifest.schema.json");

    /// A variant model with every encoder of its kind and every optional field.
    fn variant() -> Value {
        json!({
            "schema_version": 1,
            "name": "demo-pathogenicity",
            "version": "1.0.0",
            "licence": "CC0-1.0",
            "intended_use": "tests",
            "training_data": "none",
            "metrics": {"auroc": 0.9, "by_class": {"snv": 0.91}},
            "genome_build": "GRCh38",
            "kind": "variant",
            "model": "demo.onnx",
            "sha256": "ab".repeat(32),
            "batch_size": 128,
            "inputs": [
                {"tensor": "ids", "encoder": "kmer", "params": {
                    "k": 3, "stride": 1, "window": 41, "allele": "alt",
                    "vocabulary": {"preset": "dnabert"}, "n_policy": "unknown",
                    "unknown": "[UNK]", "prefix": ["[CLS]"], "suffix": ["[SEP]"],
                    "length": 64, "pad": "[PAD]", "part": "attention_mask", "dtype": "i32"}},
                {"tensor": "nt", "encoder": "kmer", "params": {
                    "window": 12, "allele": "ref", "length": 13,
                    "vocabulary": {"preset": "nucleotide-transformer"}}},
                {"tensor": "own", "encoder": "kmer", "params": {
                    "k": 2, "stride": 2, "window": 12, "allele": "alt", "n_policy": "unknown",
                    "unknown": "?", "vocabulary": {"alphabet": "ATCG", "specials": ["?"],
                    "singles": ["N"], "trailing": []}}},
                {"tensor": "file", "encoder": "kmer", "params": {
                    "k": 2, "stride": 1, "window": 12, "allele": "alt", "n_policy": "unknown",
                    "unknown": "?", "vocabulary": {"file": "vocab.txt"}}},
                {"tensor": "hot", "encoder": "onehot", "params": {
                    "window": 101, "allele": "alt", "channels": "TGCA", "layout": "NLC",
                    "strand": "-", "n": "uniform"}},
                {"tensor": "site", "encoder": "annotation", "params": {"features": [
                    {"name": "allele.is_snv"},
                    {"name": "info.AF", "fill": 0.0, "mean": 0.1, "std": 2,
                     "missing_flag": true}]}}
            ],
            "outputs": [
                {"tensor": "score", "name": "pathogenicity", "meaning": "a test", "column": 1,
                 "activation": "softmax",
                 "calibration": {"method": "platt", "slope": 1.5, "intercept": -0.5},
                 "threshold": 0.5, "higher_is": "riskier"},
                {"tensor": "other", "name": "raw_2", "meaning": "a test", "calibration": null}
            ]
        })
    }

    fn patient() -> Value {
        json!({
            "schema_version": 1,
            "name": "demo-risk",
            "version": "1",
            "licence": "CC0-1.0",
            "intended_use": "tests",
            "training_data": "none",
            "genome_build": "any",
            "kind": "patient",
            "inputs": [
                {"tensor": "covariates", "encoder": "covariate", "params": {"columns": [
                    {"name": "age", "impute": null, "mean": 50, "std": 10},
                    {"name": "bmi", "impute": 25, "missing_flag": true},
                    {"name": "sex", "categories": ["female", "male"]},
                    {"name": "smoker", "categories": ["no", "yes"], "impute": "no",
                     "missing_flag": true}]}},
                {"tensor": "features", "encoder": "feature", "params": {"features": [
                    {"name": "burden.demo-pathogenicity.pathogenicity.sum", "impute": 0}]}}
            ],
            "outputs": [{"tensor": "risk", "name": "risk", "meaning": "a test",
                         "activation": "sigmoid"}],
            "training": {"patients": 100, "predictors": [
                {"name": "age", "missing": 0, "shares": [0.5, 0.3, 0.2],
                 "quantiles": [1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4]},
                {"name": "smoker", "missing": 0.1, "categories": {"no": 0.7, "yes": 0.3}}]}
        })
    }

    /// What the code says, and what the schema says.
    fn verdicts(manifest: &Value) -> (Result<Manifest, String>, bool) {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let parsed = Manifest::parse(&manifest.to_string(), Path::new("manifest.json"));
        (
            parsed.map_err(|error| error.to_string()),
            validator.is_valid(manifest),
        )
    }

    /// A manifest with the value at a JSON pointer set, or removed for `None`.
    fn changed(mut manifest: Value, pointer: &str, value: Option<Value>) -> Value {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = manifest.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Object(object), Some(value)) => {
                object.insert(key.to_owned(), value);
            }
            (Value::Object(object), None) => {
                object.remove(key).unwrap();
            }
            (Value::Array(array), Some(value)) => array[key.parse::<usize>().unwrap()] = value,
            other => panic!("{pointer}: {other:?}"),
        }
        manifest
    }

    #[test]
    fn the_schema_is_a_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
    }

    #[test]
    fn valid_manifests_pass_both_and_survive_writing() {
        let check = |manifest: Value| {
            let (parsed, valid) = verdicts(&manifest);
            let parsed = parsed.unwrap();
            assert!(valid, "{manifest}");
            let written = serde_json::to_value(&parsed).unwrap();
            let (again, valid) = verdicts(&written);
            assert_eq!(again.unwrap(), parsed);
            assert!(valid, "{written}");
        };
        check(variant());
        check(patient());
        for optional in ["metrics", "model", "sha256", "batch_size"] {
            check(changed(variant(), &format!("/{optional}"), None));
        }
        check(changed(variant(), "/sha256", Some(Value::Null)));
        check(changed(patient(), "/training", None));
        check(changed(
            variant(),
            "/inputs/0/params/length",
            Some(Value::Null),
        ));
        check(changed(
            variant(),
            "/outputs/0/threshold",
            Some(Value::Null),
        ));
        check(changed(
            variant(),
            "/outputs/0/higher_is",
            Some(Value::Null),
        ));
    }

    #[test]
    fn invalid_manifests_fail_both() {
        let check = |manifest: Value, pointer: &str, value: Option<Value>| {
            let (parsed, valid) = verdicts(&changed(manifest, pointer, value.clone()));
            assert!(parsed.is_err(), "code takes {pointer} = {value:?}");
            assert!(!valid, "schema takes {pointer} = {value:?}");
        };
        let v = |pointer, value| check(variant(), pointer, Some(value));
        v("/schema_version", json!(2));
        v("/surprise", json!(1));
        let training = |pointer: &str, value| {
            check(patient(), &format!("/training/{pointer}"), Some(value));
        };
        training("surprise", json!(1));
        training("patients", json!(-1));
        training("predictors/0/missing", json!(1.5));
        training("predictors/0/quantiles", json!([1, 2]));
        training("predictors/0/shares", json!([0.5]));
        training("predictors/0/shares", json!([0.5, 0.6, 1.1]));
        training("predictors/0/categories", json!({"a": 1}));
        training("predictors/1/categories", json!({"a": 2}));
        check(patient(), "/training/predictors/0/shares", None);
        check(patient(), "/training/predictors/1/categories", None);
        v("/name", json!("demo.1"));
        v("/name", json!(""));
        v("/licence", json!(" "));
        v("/genome_build", json!("hg19"));
        v("/kind", json!("patient"));
        v("/model", json!("../model.onnx"));
        v("/model", json!(".."));
        v("/sha256", json!("abc"));
        v("/batch_size", json!(0));
        v("/batch_size", json!(65_537));
        v("/batch_size", json!(null));
        v("/metrics", json!([]));
        v("/inputs", json!([]));
        v("/outputs", json!([]));
        v("/inputs/0/surprise", json!(1));
        v("/inputs/0/encoder", json!("text"));
        v("/inputs/0/params", json!({}));
        v("/inputs/0/params/surprise", json!(1));
        v("/inputs/0/params/k", json!(9));
        v("/inputs/0/params/window", json!(0));
        v("/inputs/0/params/window", json!(65_537));
        v("/inputs/0/params/allele", json!("other"));
        v("/inputs/0/params/part", json!("mask"));
        v("/inputs/0/params/dtype", json!("f64"));
        v("/inputs/0/params/n_policy", json!("skip"));
        v("/inputs/0/params/vocabulary", json!({"preset": "bert"}));
        v("/inputs/0/params/vocabulary", json!({}));
        v(
            "/inputs/0/params/vocabulary",
            json!({"preset": "dnabert", "specials": []}),
        );
        v("/inputs/2/params/vocabulary/alphabet", json!("ACGG"));
        v("/inputs/2/params/vocabulary/alphabet", json!("ACG"));
        v("/inputs/2/params/unknown", json!(null));
        check(variant(), "/inputs/2/params/k", None);
        check(variant(), "/inputs/2/params/stride", None);
        check(variant(), "/inputs/2/params/n_policy", None);
        v("/inputs/3/params/vocabulary/file", json!("a/vocab.txt"));
        v("/inputs/4/params/channels", json!("ACGN"));
        v("/inputs/4/params/layout", json!("NHWC"));
        v("/inputs/4/params/strand", json!("reverse"));
        v("/inputs/5/params/features", json!([]));
        v("/inputs/5/params/features/1/std", json!(0));
        v("/inputs/5/params/features/1/std", json!(-1));
        v("/inputs/5/params/features/1/fill", json!(null));
        v("/inputs/5/params/features/1/name", json!(""));
        v("/outputs/0/name", json!("a.b"));
        v("/outputs/0/activation", json!("relu"));
        v("/outputs/0/column", json!(null));
        v("/outputs/0/column", json!(-1));
        v("/outputs/0/calibration/method", json!("isotonic"));
        v("/outputs/0/calibration/slope", json!(0));
        v("/outputs/0/calibration/surprise", json!(0));
        v("/outputs/0/higher_is", json!("better"));
        for required in [
            "name",
            "kind",
            "inputs",
            "outputs",
            "licence",
            "genome_build",
        ] {
            check(variant(), &format!("/{required}"), None);
        }
        let p = |pointer, value| check(patient(), pointer, Some(value));
        p("/kind", json!("variant"));
        p("/inputs/0/params/columns/0/impute", json!("fifty"));
        p("/inputs/0/params/columns/0/missing_flag", json!(true));
        p(
            "/inputs/0/params/columns/2/categories",
            json!(["male", "male"]),
        );
        p("/inputs/0/params/columns/2/categories", json!([]));
        p("/inputs/0/params/columns/2/categories", json!(null));
        p("/inputs/0/params/columns/3/impute", json!(0));
        p("/inputs/0/params/columns/3/mean", json!(1));
        p("/inputs/1/params/features/0/std", json!(0));
        p("/inputs/1/params/features/0/surprise", json!(0));
    }

    #[test]
    fn rules_between_fields_are_the_codes_own() {
        let check = |manifest: Value, pointer: &str, value: Value, part: &str| {
            let (parsed, valid) = verdicts(&changed(manifest, pointer, Some(value)));
            let error = parsed.unwrap_err();
            assert!(error.contains(part), "{error}");
            assert!(
                valid,
                "the schema can say that {pointer} is wrong: move the case"
            );
        };
        let v = |pointer, value, part| check(variant(), pointer, value, part);
        v("/inputs/1/tensor", json!("ids"), "inputs repeats the name");
        v(
            "/inputs/0/params/stride",
            json!(2),
            "inputs[0].params.stride is 2",
        );
        v("/inputs/0/params/k", json!(2), "inputs[0].params.k is 2");
        v("/inputs/0/params/length", json!(10), "params.length is 10");
        v("/inputs/1/params/length", json!(12), "can give 13 tokens");
        v(
            "/inputs/5/params/features/1/name",
            json!("allele.is_snv"),
            "repeats the name",
        );
        v(
            "/outputs/1/name",
            json!("pathogenicity"),
            "outputs repeats the name",
        );
        let p = |pointer, value, part| check(patient(), pointer, value, part);
        p(
            "/inputs/0/params/columns/3/impute",
            json!("maybe"),
            "not one of the categories",
        );
        p(
            "/inputs/0/params/columns/3/categories",
            json!(["no", "1", "1.0"]),
            "repeats",
        );
        p(
            "/inputs/0/params/columns/1/name",
            json!("age"),
            "repeats the name",
        );
    }

    #[test]
    fn messages_name_file_and_field() {
        let check = |manifest: Value, part: &str| {
            let error = verdicts(&manifest).0.unwrap_err();
            assert!(
                error.starts_with("manifest.json: ") && error.contains(part),
                "{error}"
            );
        };
        check(
            changed(variant(), "/inputs/4/params/surprise", Some(json!(1))),
            "params of tensor 'hot': unknown field `surprise`",
        );
        check(
            changed(patient(), "/kind", Some(json!("variant"))),
            "inputs[0].encoder 'covariate' of tensor 'covariates' is for models of kind 'patient'",
        );
        check(json!({}), "missing field `schema_version`");
    }

    #[test]
    fn info_fields_are_known_before_reading() {
        let (parsed, _) = verdicts(&variant());
        assert_eq!(parsed.unwrap().info_fields(), ["AF"]);
    }
}
