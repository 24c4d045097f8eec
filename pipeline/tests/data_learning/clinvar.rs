//! A variant model of ClinVar, tested on genes that it has not seen, and its use in a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use crate::support::oracle::shared;
use crate::support::program::{Call, Table, text, workspace};

fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn genes_that_the_model_has_not_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let clinvar = shared("clinvar_gnomad");
    let data = clinvar.ancestors().nth(2).expect("the folder above data/");
    let python = workspace().join(".varisk/oracles/bin/python3");
    let written = Command::new(python)
        .arg(workspace().join("pipeline/tests/data_learning/clinvar.py"))
        .args([data, folder.path()])
        .status();
    assert!(written.expect("python runs; run 'make oracles'").success());
    let model = folder.path().join("model");
    Call::new("train")
        .with("--config", text(&folder.path().join("train.toml")))
        .with("--output", text(&model))
        .succeed();

    // No gene is on both sides.
    let predictions = Table::read(&model, "variant_predictions");
    let genes = predictions.column("gene");
    let contigs = predictions.texts("contig");
    let folds = predictions.texts("fold");
    let mut of: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for ((genes, contig), fold) in genes.into_iter().zip(contigs).zip(folds) {
        // Those without a gene are kept together by contig.
        let contig = if genes.is_some() { "" } else { contig };
        for gene in genes.unwrap_or_default().split(';') {
            of.entry((contig, gene)).or_default().insert(fold);
        }
    }
    assert!(of.len() > 20);
    assert!(of.values().all(|folds| folds.len() == 1));

    // Not better than the consequence alone over all genes, and far from perfect: 27 genes are few,
    // and most of them mitochondrial.
    let metrics = json(&model.join("manifest.json"))["metrics"].clone();
    let value = |own: &serde_json::Value, name: &str, what: &str| {
        own[name][what].as_f64().expect("a number")
    };
    for name in ["auroc", "average_precision"] {
        let own = value(&metrics, name, "value");
        let baseline = value(&metrics["baseline"], name, "value");
        assert!((0.6..0.85).contains(&own), "{name}: {own}");
        assert!((0.6..0.85).contains(&baseline), "{name}: {baseline}");
        assert!(value(&metrics, name, "lower") < own && own < value(&metrics, name, "upper"));
    }
    let card = std::fs::read_to_string(model.join("MODEL_CARD.md")).expect("a card");
    assert!(card.contains("There are only 27 groups."), "{card}");
    // In BRCA1, learned from other genes alone, both tell well.
    let line = card
        .lines()
        .find(|line| line.starts_with("| BRCA1 | 1404 |"));
    let line = line.expect("BRCA1 within the genes");
    let areas: Vec<f64> = line
        .split("AUROC ")
        .skip(1)
        .filter_map(|own| own.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(areas.len(), 2, "{line}");
    assert!(areas.iter().all(|own| (0.78..0.95).contains(own)), "{line}");
    assert!(card.contains("conflicting labels | 5"));

    // Three people of the 1000 Genomes Project, whose variants of BRCA1 get scores.
    let brca1 = shared("brca1_grch37_true_coords");
    let report = folder.path().join("report");
    Call::new("run")
        .with("--vcf", text(&brca1.join("brca1_1kg_3samples.vcf.gz")))
        .with("--reference", text(&brca1.join("chr17_brca1_sparse.fa.gz")))
        .with("--build", "GRCh37")
        .with(
            "--gene-models",
            text(&brca1.join("brca1_gencode19.gff3.gz")),
        )
        .with("--model", text(&model))
        .with("--output", text(&report))
        .succeed();
    let variants = Table::read(&report, "variants");
    let scores = variants.numbers("score.clinvar-2016.pathogenicity");
    let scored = scores.iter().flatten().count();
    assert!(scored * 100 > variants.len() * 95, "{scored}");
    assert!(scores.iter().flatten().all(|own| (0.0..=1.0).contains(own)));
    // Almost all that people without a diagnosis carry is benign.
    let high = scores.iter().flatten().filter(|own| **own > 0.9).count();
    assert!(high * 50 < scored, "{high} of {scored}");

    // What the scores rest on.
    let explained = folder.path().join("explained");
    Call::new("explain")
        .with("--model", text(&model))
        .with("--vcf", text(&brca1.join("brca1_1kg_3samples.vcf.gz")))
        .with("--reference", text(&brca1.join("chr17_brca1_sparse.fa.gz")))
        .with("--build", "GRCh37")
        .with(
            "--gene-models",
            text(&brca1.join("brca1_gencode19.gff3.gz")),
        )
        .with("--region", "17:41243000-41244000")
        .with("--output", text(&explained))
        .succeed();
    let table = Table::read(&explained, "variant_explanations");
    assert!(table.len() > 1000);
    assert!(
        table
            .numbers("change")
            .iter()
            .flatten()
            .any(|own| own.abs() > 1e-4)
    );
}
