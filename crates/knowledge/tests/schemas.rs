//! The published schemas name the keys that the code reads and writes.
#![cfg(test)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Place, source};
use serde_json::Value;
use varisk_knowledge::{KnowledgeConfig, SourceKind};

fn schema(name: &str) -> Value {
    let path = format!(
        "{}/../../schemas/{name}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// Keys that the parser says it knows when it meets one that it does not.
fn parsed(text: &str) -> BTreeSet<String> {
    let error = KnowledgeConfig::parse(text, Path::new("k.toml"))
        .unwrap_err()
        .to_string();
    let (_, expected) = error
        .split_once("expected")
        .unwrap_or_else(|| panic!("{error}"));
    expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn configuration() {
    let schema = schema("knowledge-config");
    let source = "[[source]]\nname = 'a'\nkind = 'bed'\npath = 'p'\nrelease = '1'\nlicence = 'x'\n";
    let head = format!("genome_build = 'GRCh38'\n{source}");
    let definition = |name: &str| keys(&schema["$defs"][name]["properties"]);
    assert_eq!(keys(&schema["properties"]), parsed("unknown = 1"));
    assert_eq!(definition("source"), parsed(&format!("{head}unknown = 1")));
    assert_eq!(
        definition("columns"),
        parsed(&format!("{head}columns = {{ unknown = 1 }}"))
    );
    assert_eq!(
        definition("key"),
        parsed(&format!("{head}key = {{ unknown = 1 }}"))
    );
    let kinds: Vec<SourceKind> =
        serde_json::from_value(schema["$defs"]["source"]["properties"]["kind"]["enum"].clone())
            .unwrap();
    assert_eq!(
        kinds.len(),
        parsed(&head.replace("'bed'", "'unknown'")).len()
    );
    assert!(kinds.iter().all(|kind| {
        let name = serde_json::to_value(kind).unwrap();
        name == kind.name()
    }));
}

#[test]
fn lock() {
    let schema = schema("knowledge-lock");
    let place = Place::new();
    place.table("b.bed", "1 10 20\nother 1 2");
    let bundle = place
        .build("out", &source("b", "bed", "b.bed", ""))
        .unwrap();
    let lock: Value = serde_json::to_value(bundle.lock()).unwrap();
    assert_eq!(keys(&schema["properties"]), keys(&lock));
    let source = &lock["sources"][0];
    let definition = |name: &str| keys(&schema["$defs"][name]["properties"]);
    let mut written = keys(source);
    // Only sources of scores have models, and only tables a selection.
    written.extend(["models".to_owned(), "only".to_owned()]);
    assert_eq!(definition("source"), written);
    let required: BTreeSet<String> =
        serde_json::from_value(schema["$defs"]["source"]["required"].clone()).unwrap();
    assert_eq!(required, keys(source));
    assert_eq!(definition("input"), keys(&source["input"]));
    assert_eq!(definition("table"), keys(&source["table"]));
    assert_eq!(definition("column"), keys(&source["columns"][0]));
    assert_eq!(source["dropped"]["unknown_contig"], 1);
}
