//! Published token cases: every case of the shared `data/tokens/kmer_tokens.json`, exactly.

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};
    use varisk_encode::{KmerParams, Tokenizer};

    /// The cases, from the shared folder: `VARISK_SHARED` (relative to the workspace root), else
    /// `../shared`.
    fn cases_file() -> Value {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let shared = std::env::var_os("VARISK_SHARED").unwrap_or_else(|| "../shared".into());
        let path = root.join(shared).join("data/tokens/kmer_tokens.json");
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).unwrap(),
            Err(error) => panic!(
                "{} cannot be read ({error}); set VARISK_SHARED to the shared folder",
                path.display()
            ),
        }
    }

    #[test]
    fn published_cases_are_reproduced() {
        let file = cases_file();
        let cases = file["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let sequence = case["sequence"].as_str().unwrap();
            let params: KmerParams = serde_json::from_value(json!({
                "k": case["k"],
                "window": sequence.len(),
                "allele": "ref",
                "length": sequence.len() + 2,
                "vocabulary": {"preset": case["scheme"]},
            }))
            .unwrap();
            let tokenizer = Tokenizer::try_new(&params, Path::new("."), "tokens").unwrap();
            let mut ids = Vec::new();
            tokenizer.tokens(sequence.as_bytes(), &mut ids);
            assert_eq!(json!(ids), case["ids"], "{case}");
            let names = tokenizer.token_strings(sequence.as_bytes());
            assert_eq!(json!(names), case["tokens"], "{case}");
        }
    }

    #[test]
    fn published_sizes_are_reproduced() {
        let file = cases_file();
        let size = |preset: &str, k: u64| {
            let params: KmerParams = serde_json::from_value(json!({
                "k": k, "window": 6, "allele": "ref", "length": 8,
                "vocabulary": {"preset": preset},
            }))
            .unwrap();
            let tokenizer = Tokenizer::try_new(&params, Path::new("."), "tokens").unwrap();
            tokenizer.vocabulary().len()
        };
        let nt = &file["nucleotide-transformer"]["size"];
        assert_eq!(json!(size("nucleotide-transformer", 6)), *nt);
        for (k, expected) in file["dnabert"]["size"].as_object().unwrap() {
            assert_eq!(json!(size("dnabert", k.parse().unwrap())), *expected);
        }
    }
}
