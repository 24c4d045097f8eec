//! Models, libraries and devices that cannot be used.

use std::path::{Path, PathBuf};
use std::process::Command;

use varisk_onnx::Model;
use varisk_onnx::proto::StringStringEntryProto;

use crate::bad_output::under;
use crate::support::demo;
use crate::support::program::{Call, Outcome, outcome, testdata, text, workspace};
use crate::support::refusal::{Case, assert_refused, check, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const UNAVAILABLE: i32 = 69;

/// A copy of a bundled model.
pub(crate) fn copy(folder: &Path, model: &str, name: &str) -> PathBuf {
    let target = folder.join(name);
    std::fs::create_dir(&target).expect("a folder");
    for file in ["manifest.json", "model.onnx"] {
        let source = testdata(&format!("models/{model}/{file}"));
        std::fs::write(target.join(file), std::fs::read(source).expect("a file")).expect("a file");
    }
    target
}

/// A copy whose manifest has another value at a place, given as a JSON pointer.
pub(crate) fn edited(
    folder: &Path,
    model: &str,
    name: &str,
    at: &str,
    value: impl Into<serde_json::Value>,
) -> PathBuf {
    let bundle = copy(folder, model, name);
    let path = bundle.join("manifest.json");
    let text = std::fs::read_to_string(&path).expect("the manifest");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    *manifest
        .pointer_mut(at)
        .unwrap_or_else(|| panic!("no {at}")) = value.into();
    std::fs::write(&path, manifest.to_string()).expect("a file");
    bundle
}

/// A run with one variant model only.
fn with_model(call: Call, model: &Path) -> Call {
    call.with("--model", text(model))
}

/// Moves the first weights of a model to a file beside it, as exporters do on request.
fn move_weights(bundle: &Path) {
    let path = bundle.join("model.onnx");
    let mut model = Model::read(&path).expect("the model").into_proto();
    let graph = model.graph.as_mut().expect("a graph");
    let tensor = graph.initializer.first_mut().expect("weights");
    write(bundle, "weights.bin", std::mem::take(&mut tensor.raw_data));
    tensor.data_location = 1;
    tensor.external_data = vec![StringStringEntryProto {
        key: "location".to_owned(),
        value: "weights.bin".to_owned(),
    }];
    let model = Model::from_proto(model).expect("a model");
    model.write(&path).expect("a file");
}

const KMER: &str = "variant-kmer";

#[test]
fn models() {
    let with = |at: &'static str, value: serde_json::Value| {
        move |inputs: &Path, call: Call| {
            with_model(call, &edited(inputs, KMER, "edited", at, value.clone()))
        }
    };
    let cases: [Case<'_>; 17] = [
        (
            "no model",
            USAGE,
            &|_, call| call.without("--model"),
            &["--model"],
        ),
        (
            "model is not there",
            NO_INPUT,
            &|inputs, call| with_model(call, &inputs.join("none")),
            &["none", "manifest.json"],
        ),
        (
            "model.onnx is not there",
            NO_INPUT,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                std::fs::remove_file(bundle.join("model.onnx")).expect("a file");
                with_model(call, &bundle)
            },
            &["model.onnx"],
        ),
        (
            "model.onnx is cut short",
            DATA,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                let bytes = std::fs::read(bundle.join("model.onnx")).expect("the model");
                write(&bundle, "model.onnx", &bytes[..bytes.len() / 2]);
                with_model(call, &bundle)
            },
            &["model.onnx", "again"],
        ),
        (
            "model.onnx is prose",
            DATA,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                write(&bundle, "model.onnx", "once upon a time");
                with_model(call, &bundle)
            },
            &["model.onnx", "again"],
        ),
        (
            "weights in another file",
            DATA,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                move_weights(&bundle);
                with_model(call, &bundle)
            },
            &["model.onnx", "weights.bin", "SHA-256", "one file"],
        ),
        (
            "manifest is no JSON",
            DATA,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                write(&bundle, "manifest.json", "{\"name\": ");
                with_model(call, &bundle)
            },
            &["manifest.json", "model-manifest.schema.json"],
        ),
        (
            "manifest with an unknown key",
            DATA,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                let text =
                    std::fs::read_to_string(bundle.join("manifest.json")).expect("the manifest");
                write(
                    &bundle,
                    "manifest.json",
                    text.replacen("\"kind\"", "\"sort\"", 1),
                );
                with_model(call, &bundle)
            },
            &["manifest.json", "sort"],
        ),
        (
            "manifest of another file",
            DATA,
            &|inputs, call| {
                let bundle = copy(inputs, KMER, "bundle");
                let text =
                    std::fs::read_to_string(bundle.join("manifest.json")).expect("the manifest");
                let sha = "0".repeat(64);
                write(
                    &bundle,
                    "manifest.json",
                    text.replacen("\"kind\"", &format!("\"sha256\": \"{sha}\", \"kind\""), 1),
                );
                with_model(call, &bundle)
            },
            &["model.onnx", "SHA-256"],
        ),
        (
            "window of another shape",
            DATA,
            &with("/inputs/0/params/window", 61.into()),
            &["model.onnx", "ref_tokens", "shape"],
        ),
        (
            "input that the graph lacks",
            DATA,
            &with("/inputs/0/tensor", "tokens".into()),
            &["model.onnx", "'ref_tokens'"],
        ),
        (
            "output that the graph lacks",
            DATA,
            &with("/outputs/0/tensor", "logits".into()),
            &["model.onnx", "'logits'"],
        ),
        (
            "column that the output lacks",
            DATA,
            &with("/outputs/0/column", 7.into()),
            &["model.onnx", "column 7"],
        ),
        (
            "annotation that does not exist",
            DATA,
            &with("/inputs/2/params/features/0/name", "allele.colour".into()),
            &["allele.colour"],
        ),
        (
            "another genome build",
            DATA,
            &with("/genome_build", "GRCh38".into()),
            &["demo-variant-kmer", "genome build"],
        ),
        (
            "two models of one name",
            USAGE,
            &|_, call| {
                let model = testdata("models/variant-kmer");
                call.also("--model", model)
            },
            &["demo-variant-kmer", "name"],
        ),
        (
            "feature that no model gives",
            DATA,
            &|_, call| call.with("--model", testdata("models/patient-risk")),
            &[
                "demo-patient-risk",
                "burden.demo-variant-kmer.pathogenicity.sum",
            ],
        ),
    ];
    check(&cases);
}

#[test]
fn patient_models_score_no_variants() {
    let folder = tempfile::tempdir().expect("a folder");
    let call =
        demo::score(&folder.path().join("out")).also("--model", testdata("models/patient-risk"));
    assert_refused(
        "score",
        &call.run(),
        USAGE,
        &["demo-patient-risk", "'score'"],
    );
    let call =
        demo::score(&folder.path().join("out")).with("--samplesheet", testdata("samplesheet.csv"));
    assert_refused("sheet", &call.run(), USAGE, &["--samplesheet"]);
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        0
    );
}

/// Path of the C library that this process runs on: a library that is not ONNX Runtime.
fn c_library() -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the maps of this process");
    let path = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5));
    let library = path.filter(|path| path.contains("libc.so") || path.contains("libc-"));
    library.map(str::to_owned).next().expect("the C library")
}

/// A library with the entry point of ONNX Runtime that knows no interface newer than that of 1.10.
fn old_runtime(folder: &Path) -> String {
    let source = write(
        folder,
        "old.c",
        r#"
        typedef struct { const void *(*get)(unsigned); const char *(*version)(void); } Base;
        static const void *get(unsigned version) { (void)version; return 0; }
        static const char *version(void) { return "1.10.0"; }
        static const Base base = { get, version };
        const Base *OrtGetApiBase(void) { return &base; }
    "#,
    );
    let library = text(&folder.join("libonnxruntime.so.1.10.0"));
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", &library, &source])
        .status();
    assert!(
        status
            .expect("a C compiler, which Rust needs too")
            .success()
    );
    library
}

#[test]
fn libraries_and_devices() {
    let cases: [Case<'_>; 7] = [
        (
            "no library",
            UNAVAILABLE,
            &|inputs, call| call.with("--onnxruntime", text(&inputs.join("none.so"))),
            &["none.so", "pip install onnxruntime", "--onnxruntime"],
        ),
        (
            "an empty folder",
            UNAVAILABLE,
            &|inputs, call| {
                let folder = inputs.join("empty");
                std::fs::create_dir(&folder).expect("a folder");
                call.with("--onnxruntime", text(&folder))
            },
            &["empty", "pip install onnxruntime"],
        ),
        (
            "prose",
            UNAVAILABLE,
            &|inputs, call| {
                call.with(
                    "--onnxruntime",
                    write(inputs, "prose.so", "once upon a time"),
                )
            },
            &["prose.so", "1.17"],
        ),
        (
            "another library",
            UNAVAILABLE,
            &|_, call| call.with("--onnxruntime", c_library()),
            &["libc", "1.17"],
        ),
        (
            "too old",
            UNAVAILABLE,
            &|inputs, call| call.with("--onnxruntime", old_runtime(inputs)),
            &["1.10.0", "1.17"],
        ),
        (
            "no card",
            UNAVAILABLE,
            &|_, call| call.with("--device", "cuda"),
            &["'cuda'", "demo-", "--device cpu"],
        ),
        (
            "no library of the settings file",
            UNAVAILABLE,
            &|inputs, call| {
                call.with(
                    "--config",
                    write(inputs, "varisk.toml", "onnxruntime = 'here/none.so'"),
                )
            },
            &["here/none.so"],
        ),
    ];
    check(&cases);
}

/// A batch that memory has no room for is a matter of the batch, not of the data.
#[test]
fn too_little_memory_for_a_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = edited(folder.path(), KMER, "bundle", "/batch_size", 65_536);
    let output = folder.path().join("report");
    let call = demo::score(&output)
        .with("--model", text(&model))
        .with("--threads", "1");
    // What else the program needs differs from machine to machine: less and less, until it is too little.
    let refused = (4..=20).rev().find_map(|hundreds| {
        let outcome = outcome(&mut under(
            &call,
            &format!("ulimit -v {}", hundreds * 100_000),
        ));
        if outcome.code == Some(0) {
            std::fs::remove_dir_all(&output).expect("the report");
        }
        (outcome.code != Some(0)).then_some(outcome)
    });
    let refused = refused.expect("400 MB are too little");
    let parts = ["processor", "65536 rows", "--threads", "batch_size"];
    assert_refused("too little memory", &refused, UNAVAILABLE, &parts);
    assert!(!output.exists());
}

/// Patient models run on the processor, so a check on a card would say nothing.
#[test]
fn patient_models_are_not_for_cards() {
    let model = testdata("models/patient-risk");
    let check = |device: &str| {
        let call = Call::new("model check").with("--device", device);
        call.also(&model, "").run()
    };
    let parts = ["patient-risk", "processor", "--device"];
    assert_refused("model check", &check("cuda"), USAGE, &parts);
    let auto = check("auto");
    assert_eq!(auto.code, Some(0), "{}", auto.stderr);
    assert!(
        auto.stdout.contains("CPUExecutionProvider"),
        "{}",
        auto.stdout
    );
}

/// `doctor` says what is missing and how to get it, and that it is missing.
#[test]
fn doctor_without_a_library() {
    let Outcome {
        code,
        stdout,
        stderr,
    } = Call::new("doctor")
        .with("--onnxruntime", "/nowhere/x.so")
        .run();
    assert_eq!(code, Some(UNAVAILABLE));
    assert!(
        stdout.contains("threads") && stdout.contains("/nowhere/x.so"),
        "{stdout}"
    );
    assert!(stderr.contains("pip install onnxruntime"), "{stderr}");
}

#[test]
fn model_check_refuses_what_run_refuses() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = edited(folder.path(), KMER, "edited", "/inputs/0/params/window", 61);
    let call = Call::new("model check").also(&text(&bundle), "");
    assert_refused("check", &call.run(), DATA, &["model.onnx", "ref_tokens"]);
    let call = Call::new("model inspect").also(&text(&workspace().join("docs")), "");
    assert_refused("inspect", &call.run(), NO_INPUT, &["docs", "manifest.json"]);
}
