//! What is the same on every page: what ran, on what, with which releases.

use varisk_dossier::RunFolder;

use crate::format::{count, short_hash};
use crate::words::plain;

/// A name with its value, and a second line where there is one.
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) detail: String,
}

impl Fact {
    pub(crate) fn new(
        name: impl Into<String>,
        value: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            detail: detail.into(),
        }
    }
}

/// A source, model or input with release and hash.
pub(crate) struct Origin {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) release: String,
    pub(crate) hash: String,
    pub(crate) full_hash: String,
}

/// The classes that are reported, where they are the usual ones in short.
fn classes_in_words(classes: &[String]) -> String {
    let has = |class: &str| classes.iter().any(|own| own == class);
    let is_usual = has("pathogenic") && has("likely pathogenic") && are_pathogenic(classes);
    // Runs without the setting had no table of known variants.
    if is_usual || classes.is_empty() {
        "pathogenic or likely pathogenic".to_owned()
    } else {
        classes.join(", ")
    }
}

/// Whether only pathogenic classes are reported.
fn are_pathogenic(classes: &[String]) -> bool {
    classes.iter().all(|class| {
        let class = class.trim_end_matches(" low penetrance");
        class == "pathogenic" || class == "likely pathogenic"
    })
}

/// Facts of a run.
pub(crate) struct RunFacts {
    pub(crate) notice: String,
    pub(crate) build: String,
    pub(crate) made: String,
    pub(crate) program: String,
    pub(crate) run_sha256: String,
    pub(crate) facts: Vec<Fact>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) warnings: Vec<String>,
    /// Sources of kind `clinvar` with their releases; empty where there is none.
    pub(crate) clinical_sources: Vec<(String, String)>,
    /// Whether the run wrote the table of known variants.
    pub(crate) has_known_variants: bool,
    pub(crate) has_quality: bool,
    /// What reported alleles are called.
    pub(crate) known_title: &'static str,
    /// Classes that are reported, in words.
    pub(crate) reported_classes: String,
    pub(crate) absent_as_reference: bool,
}

impl RunFacts {
    pub(crate) fn new(run: &RunFolder, made: &str) -> Self {
        let record = run.record();
        let parameter = |name: &str| record.parameters.get(name);
        let classes = parameter("report_classes").and_then(|classes| classes.as_array());
        let classes: Vec<String> = classes
            .into_iter()
            .flatten()
            .filter_map(|class| class.as_str().map(plain))
            .collect();
        let mut origins: Vec<Origin> = record
            .models
            .iter()
            .map(|model| Origin {
                kind: format!("{} model", plain(&model.kind)),
                name: model.name.clone(),
                release: model.version.clone(),
                hash: short_hash(&model.sha256),
                full_hash: model.sha256.clone(),
            })
            .collect();
        origins.extend(record.knowledge.iter().map(|source| Origin {
            kind: plain(&source.kind),
            name: source.name.clone(),
            release: source.release.clone(),
            hash: short_hash(&source.sha256),
            full_hash: source.sha256.clone(),
        }));
        // Paths may name patients; roles and hashes tell inputs apart without them.
        origins.extend(record.inputs.iter().filter_map(|input| {
            let sha256 = input.sha256.as_ref()?;
            Some(Origin {
                kind: "input".to_owned(),
                name: plain(&input.role),
                release: input
                    .bytes
                    .map(|bytes| format!("{} bytes", count(bytes)))
                    .unwrap_or_default(),
                hash: short_hash(sha256),
                full_hash: sha256.clone(),
            })
        }));
        let clinical_sources = record
            .knowledge
            .iter()
            .filter(|source| source.kind == "clinvar")
            .map(|source| (source.name.clone(), source.release.clone()))
            .collect();
        let facts = vec![
            Fact::new("Genome build", record.genome_build.clone(), ""),
            Fact::new(
                "Program",
                format!("varisk {}", record.varisk),
                format!("verb {}", record.verb),
            ),
            Fact::new(
                "ONNX Runtime",
                record
                    .onnxruntime_version
                    .clone()
                    .unwrap_or_else(|| "not used".to_owned()),
                "",
            ),
            Fact::new(
                "Plan",
                short_hash(&record.plan_sha256),
                "hash over everything that decides the tables",
            ),
            Fact::new(
                "Record of the run",
                short_hash(run.sha256()),
                "SHA-256 of run.json, which holds the hashes of all tables",
            ),
        ];
        Self {
            notice: record.notice.clone(),
            build: record.genome_build.clone(),
            made: made.to_owned(),
            program: format!("varisk {}", env!("CARGO_PKG_VERSION")),
            run_sha256: run.sha256().to_owned(),
            facts,
            origins,
            warnings: record.warnings_without_paths(),
            clinical_sources,
            has_known_variants: run.has_table("known_variants"),
            has_quality: run.has_table("qc"),
            known_title: if are_pathogenic(&classes) {
                "Known pathogenic variants"
            } else {
                "Known variants of the classes asked for"
            },
            reported_classes: classes_in_words(&classes),
            absent_as_reference: parameter("absent_as_reference")
                .and_then(serde_json::Value::as_bool)
                .unwrap_or(false),
        }
    }
}
