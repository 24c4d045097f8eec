//! The page of outputs and the published schema say the same, word for word.
#![cfg(test)]

/// The tables of `docs/outputs.md` say what `schemas/tables.json` says, word for word.
#[test]
fn documentation_names_every_column() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let page = read("docs/outputs.md");
    let schema: serde_json::Value = serde_json::from_str(&read("schemas/tables.json")).unwrap();
    let text = |value: &serde_json::Value| {
        value
            .as_str()
            .unwrap()
            .replace('|', "\\|")
            .replace('<', "\\<")
    };
    for table in schema["tables"].as_array().unwrap() {
        let heading = format!("\n### {}.parquet\n\n", text(&table["table"]));
        let section = page
            .split_once(&heading)
            .unwrap_or_else(|| panic!("no section {heading}"))
            .1;
        let meaning = text(&table["meaning"]);
        assert!(
            section.get(1..meaning.len()) == meaning.get(1..),
            "docs/outputs.md: {meaning}"
        );
        let mut rows = section
            .lines()
            .skip_while(|line| !line.starts_with("|---"))
            .skip(1);
        for column in table["columns"].as_array().unwrap() {
            let null = if column["nullable"] == true {
                "yes"
            } else {
                "no"
            };
            let expected = format!(
                "| `{}` | {} | {null} | {} |",
                text(&column["name"]),
                text(&column["type"]),
                text(&column["meaning"])
            );
            assert_eq!(
                rows.next(),
                Some(expected.as_str()),
                "docs/outputs.md, {heading}"
            );
        }
        assert_eq!(
            rows.next().map(str::trim),
            Some(""),
            "docs/outputs.md has more columns: {heading}"
        );
    }
    for reason in varisk_core::Reason::ALL {
        assert!(
            page.contains(&format!("\n| `{reason}` | ")),
            "docs/outputs.md lacks {reason}"
        );
    }
}
