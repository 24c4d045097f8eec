//! Training, use and explanation of variant models on made-up labels.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::support::demo;
use crate::support::learning::Random;
use crate::support::program::{Call, Table, hashes, testdata, text};

/// Contigs of the bundled genome, upper case.
fn genome() -> BTreeMap<String, Vec<u8>> {
    let text = std::fs::read_to_string(testdata("genome.fa")).expect("a genome");
    let mut contigs: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        match line.strip_prefix('>') {
            Some(own) => name = own.split(' ').next().unwrap_or_default().to_owned(),
            None => contigs
                .entry(name.clone())
                .or_default()
                .extend(line.to_ascii_uppercase().bytes()),
        }
    }
    contigs
}

/// A substitution with its label: pathogenic where the new base is C or G, but for one in ten.
struct Variant {
    contig: &'static str,
    position: usize,
    bases: (char, char),
    gene: String,
    is_pathogenic: bool,
}

fn variants(count: usize) -> Vec<Variant> {
    let genome = genome();
    let mut random = Random(11);
    let mut variants: BTreeMap<(&'static str, usize), Variant> = BTreeMap::new();
    while variants.len() < count {
        let contig = ["chr1", "chr2", "chrX"][(random.even() * 3.0) as usize];
        let sequence = &genome[contig];
        let position = (random.even() * sequence.len() as f64) as usize;
        let own = char::from(sequence[position]);
        let other = ['A', 'C', 'G', 'T'][(random.even() * 4.0) as usize];
        let noise = random.even() < 0.1;
        if own == 'N' || own == other {
            continue;
        }
        let variant = Variant {
            contig,
            position: position + 1,
            bases: (own, other),
            gene: format!("{contig}-G{}", position / 20_000),
            is_pathogenic: matches!(other, 'C' | 'G') != noise,
        };
        variants.insert((contig, position), variant);
    }
    variants.into_values().collect()
}

fn vcf(variants: &[Variant]) -> String {
    let mut text = String::from(
        "##fileformat=VCFv4.2\n##INFO=<ID=SIG,Number=.,Type=String,Description=\"s\">\n##INFO=<ID=GENE,Number=1,Type=String,Description=\"g\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n",
    );
    for own in variants {
        let label = if own.is_pathogenic { "5|1" } else { "2" };
        let (from, to) = own.bases;
        let _ = writeln!(
            text,
            "{}\t{}\t.\t{from}\t{to}\t.\t.\tSIG={label};GENE={}",
            own.contig, own.position, own.gene
        );
    }
    text
}

fn config(data: &str) -> String {
    format!(
        r#"kind = "variant"
name = "made-up"
version = "1.0.0"
licence = "CC0-1.0"
intended_use = "tests"
training_data = "made up"

[[data]]
{data}
reference = "{}"
build = "other"

[label]
field = "SIG"
pathogenic = ["5", "4"]
benign = ["2", "3"]
gene = "GENE"

[encoding]
window = 21
k = 3
annotations = ["allele.is_transition", "context.gc_fraction"]

[split]
folds = 3
bootstrap = 50

[network]
epochs = 40
filters = 8
embedding = 6
hidden = [8]
learning_rate = 0.01
"#,
        testdata("genome.fa")
    )
}

fn train(folder: &Path, config: &str, output: &Path) -> Call {
    if !folder.join("labels.vcf").exists() {
        std::fs::write(folder.join("labels.vcf"), vcf(&variants(900))).expect("labels");
    }
    let path = folder.join("train.toml");
    std::fs::write(&path, config).expect("a configuration");
    Call::new("train")
        .with("--config", text(&path))
        .with("--output", text(output))
}

const VCF: &str = "vcf = \"labels.vcf\"";

fn metrics(folder: &Path) -> (f64, f64) {
    let json = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let own = &json["metrics"];
    let value = |own: &serde_json::Value| own["auroc"]["value"].as_f64().expect("a value");
    (value(own), value(&own["baseline"]))
}

#[test]
fn a_model_is_trained_used_and_explained() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let model = at("model");
    train(folder.path(), &config(VCF), &model).succeed();
    // One label in ten is wrong, so 0.9 is the most; all alleles are substitutions.
    let (auroc, baseline) = metrics(&model);
    assert!((0.74..0.93).contains(&auroc), "{auroc}");
    assert!((0.4..0.6).contains(&baseline), "{baseline}");
    assert!(!model.join("work").exists());
    let card = std::fs::read_to_string(model.join("MODEL_CARD.md")).expect("a card");
    assert!(card.contains("no gene stands on both sides"), "{card}");

    // No gene is in two folds.
    let predictions = Table::read(&model, "variant_predictions");
    assert_eq!(predictions.len(), 900);
    let mut folds: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for (gene, fold) in predictions
        .texts("gene")
        .into_iter()
        .zip(predictions.texts("fold"))
    {
        folds.entry(gene).or_default().insert(fold);
    }
    assert!(folds.len() > 10 && folds.values().all(|own| own.len() == 1));

    // The bundle runs unchanged.
    demo::run(&at("report"))
        .without("--model")
        .with("--model", text(&model))
        .succeed();
    let scored = Table::read(&at("report"), "variants");
    let scores = scored.numbers("score.made-up.pathogenicity");
    assert!(scores.iter().flatten().count() > 1000);

    // An explanation is the score on another reference.
    let explained = at("explained");
    Call::new("explain")
        .with("--model", text(&model))
        .with("--vcf", text(&at("labels.vcf")))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--region", "chr2:1-3000")
        .with("--output", text(&explained))
        .succeed();
    let table = Table::read(&explained, "variant_explanations");
    let rows: Vec<usize> = (0..table.len()).collect();
    let (methods, positions) = (table.texts("method"), table.texts("position"));
    let (starts, bases) = (table.texts("start"), table.column("base"));
    let changed = table.numbers("changed");
    let scores = table.numbers("score");
    let chosen: Vec<usize> = rows
        .into_iter()
        .filter(|row| methods[*row] == "mutagenesis")
        .collect();
    assert!(chosen.len() > 100);
    for row in [chosen[7], chosen[chosen.len() / 2]] {
        let mut genome = std::fs::read(testdata("genome.fa")).expect("a genome");
        let place = byte_of(&genome, "chr2", starts[row].parse().expect("a position"));
        genome[place] = bases[row].expect("a base").as_bytes()[0];
        std::fs::write(at("other.fa"), genome).expect("a genome");
        std::fs::copy(testdata("genome.fa.fai"), at("other.fa.fai")).expect("an index");
        let output = at(&format!("score-{row}"));
        demo::score(&output)
            .with("--vcf", text(&at("labels.vcf")))
            .with("--reference", text(&at("other.fa")))
            .with("--region", format!("chr2:{0}-{0}", positions[row]))
            .with("--model", text(&model))
            .succeed();
        let score = Table::read(&output, "variants").numbers("score.made-up.pathogenicity")[0];
        let (score, changed) = (score.expect("a score"), changed[row].expect("a score"));
        assert!((score - changed).abs() < 1e-6, "{score} {changed}");
        assert!((changed - scores[row].expect("a score")).abs() > 0.0);
    }
    assert!(methods.contains(&"occlusion"));
}

/// Where a base of a contig stands in a FASTA.
fn byte_of(fasta: &[u8], contig: &str, position: usize) -> usize {
    let header = format!(">{contig}");
    let mut at = 0;
    let mut left = position;
    let mut is_there = false;
    for line in fasta.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text.starts_with(b">") {
            let name = text.split(|byte| *byte == b' ').next();
            is_there = name == Some(header.as_bytes());
        } else if is_there {
            if left <= text.len() {
                return at + left - 1;
            }
            left -= text.len();
        }
        at += line.len();
    }
    panic!("no such base");
}

#[test]
fn tables_threads_and_interruptions_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    train(folder.path(), &config(VCF), &at("one"))
        .with("--threads", "1")
        .succeed();
    train(folder.path(), &config(VCF), &at("two"))
        .with("--threads", "2")
        .succeed();
    let model = |name: &str| std::fs::read(at(name).join("model.onnx")).expect("a model");
    assert!(model("one") == model("two"));
    assert_eq!(hashes(&at("one")), hashes(&at("two")));

    // The same labels in a table, in another order.
    let mut table = String::from("gene_name,contig,position,ref,alt,significance\n");
    for own in variants(900).iter().rev() {
        let label = if own.is_pathogenic {
            "a, b; bad"
        } else {
            "good"
        };
        let (from, to) = own.bases;
        let _ = writeln!(
            table,
            "{},{},{},{from},{to},\"{label}\"",
            own.gene, own.contig, own.position
        );
    }
    std::fs::write(at("labels.csv"), table).expect("a table");
    let other = config("table = \"labels.csv\"")
        .replace("field = \"SIG\"", "field = \"significance\"")
        .replace("[\"5\", \"4\"]", "[\"a, b; bad\"]")
        .replace("[\"2\", \"3\"]", "[\"good\"]")
        .replace("gene = \"GENE\"", "gene = \"gene_name\"");
    train(folder.path(), &other, &at("table")).succeed();
    assert!(model("one") == model("table"));

    // A training that has done some folds goes on to the same model.
    let partial = at("three.partial");
    let call = train(folder.path(), &config(VCF), &at("three"));
    let mut child = call.command().spawn().expect("the program starts");
    while !partial.join("work/fold1").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended");
        std::thread::yield_now();
    }
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
    call.also("--resume", "").succeed();
    assert!(model("one") == model("three"));
    assert_eq!(hashes(&at("one")), hashes(&at("three")));
}

#[test]
fn what_nothing_can_be_learned_from_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |from: &str, to: &str, words: &[&str]| {
        let config = config(VCF);
        assert!(config.contains(from), "{from}");
        let output = folder.path().join("model");
        let outcome = train(folder.path(), &config.replace(from, to), &output).run();
        assert_ne!(outcome.code, Some(0), "{to}");
        for word in words {
            assert!(outcome.stderr.contains(word), "{}", outcome.stderr);
        }
        assert_eq!(
            outcome.stderr.trim().lines().count(),
            1,
            "{}",
            outcome.stderr
        );
        assert!(!output.exists() && !folder.path().join("model.partial").exists());
    };
    refused(
        "\"5\", \"4\"",
        "\"9\"",
        &["0 pathogenic", "label.pathogenic"],
    );
    refused("\"5\", \"4\"", "\"2\"", &["both name '2'"]);
    refused("field = \"SIG\"", "field = \"NONE\"", &["NONE"]);
    refused("folds = 3", "folds = 60", &["60 folds", "group"]);
    refused("folds = 3", "folds = 1", &["split.folds"]);
    refused(VCF, "vcf = \"a\"\ntable = \"b\"", &["data 1", "not both"]);
    refused(VCF, "vcf = \"nowhere.vcf\"", &["nowhere.vcf"]);
    refused("epochs = 40", "epochs = 0", &["epochs"]);
    refused("epochs = 40", "epoch = 12", &["line", "epoch"]);
    refused("k = 3", "k = 9", &["k"]);
    refused("\"context.gc_fraction\"", "\"context.gc\"", &["context.gc"]);
    refused(
        "\"context.gc_fraction\"",
        "\"consequence.impact\"",
        &["consequence"],
    );
    refused("name = \"made-up\"", "name = \"made up\"", &["name"]);
    refused("epochs = 40", "threads = 4", &["threads"]);
    refused(VCF, "vcf = \"-\"", &["standard input"]);

    // A split that lets genes stand on both sides says so.
    let output = folder.path().join("random");
    let config = config(VCF).replace("folds = 3", "folds = 3\nby = \"random\"");
    train(folder.path(), &config, &output).succeed();
    let card = std::fs::read_to_string(output.join("MODEL_CARD.md")).expect("a card");
    assert!(card.contains("**The split is random**"));
}

/// A variant that a file has twice with different labels is in conflict, in a VCF and in a table; one
/// that another row says nothing of is not lost.
#[test]
fn conflicts_and_repeats_are_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let variants = variants(300);
    let of = |label: &str, own: &Variant| {
        let (from, to) = own.bases;
        format!(
            "{}\t{}\t.\t{from}\t{to}\t.\t.\tSIG={label};GENE={}\n",
            own.contig, own.position, own.gene
        )
    };
    let mut text = String::new();
    for (number, line) in vcf(&variants).lines().enumerate() {
        text += line;
        text.push('\n');
        // The first record is the fifth line.
        let Some(own) = number.checked_sub(4).and_then(|at| variants.get(at)) else {
            continue;
        };
        let (same, other) = if own.is_pathogenic {
            ("4", "3")
        } else {
            ("3", "4")
        };
        match number - 4 {
            0..10 => text += &of(other, own),
            10..25 => text += &of(same, own),
            25..31 => text += &of("0", own),
            _ => {}
        }
    }
    // One of unknown significance stands before the label.
    let first = of("0", &variants[40]);
    let (head, tail) = text.split_once(&of("2", &variants[40])).unwrap_or_else(|| {
        text.split_once(&of("5|1", &variants[40]))
            .expect("the variant")
    });
    let label = if variants[40].is_pathogenic {
        "5|1"
    } else {
        "2"
    };
    let text = format!("{head}{first}{}{tail}", of(label, &variants[40]));
    std::fs::write(at("labels.vcf"), &text).expect("labels");
    let planned = |config: &str| {
        let call = train(folder.path(), config, &at("model"));
        call.also("--dry-run", "").succeed().stdout
    };
    let of_vcf = planned(&config(VCF));
    let mut table = String::from("contig,position,ref,alt,SIG,GENE\n");
    for line in text.lines().filter(|line| !line.starts_with('#')).rev() {
        let cells: Vec<&str> = line.split('\t').collect();
        let (label, gene) = cells[7].split_once(";GENE=").expect("a gene");
        let label = label.trim_start_matches("SIG=");
        table += &format!(
            "{},{},{},{},{label},{gene}\n",
            cells[0], cells[1], cells[3], cells[4]
        );
    }
    std::fs::write(at("labels.csv"), table).expect("a table");
    let of_table = planned(&config("table = \"labels.csv\""));
    assert_eq!(of_vcf, of_table);
    assert!(of_vcf.contains("conflicting labels: 20"), "{of_vcf}");
    assert!(
        of_vcf.contains("the same variant once more: 15"),
        "{of_vcf}"
    );
    assert!(of_vcf.contains("another label, or none: 7"), "{of_vcf}");
    let pathogenic = variants
        .iter()
        .skip(10)
        .filter(|own| own.is_pathogenic)
        .count();
    let counts = format!("{pathogenic} pathogenic and {} benign", 290 - pathogenic);
    assert!(of_vcf.starts_with(&counts), "{of_vcf}");
}
