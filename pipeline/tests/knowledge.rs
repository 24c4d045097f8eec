//! Knowledge bundles: built, listed, verified, and refused where they do not fit.

use std::path::{Path, PathBuf};

use crate::bad_models::edited;
use crate::support::bundle::{annotated, build, bundle, bytes, configuration, copied};
use crate::support::demo::score;
use crate::support::program::{Call, testdata, text};
use crate::support::refusal::{assert_refused, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const CANNOT_CREATE: i32 = 73;

const LOCK: &str = "knowledge.lock";

fn on(action: &'static str, bundle: &Path) -> Call {
    Call::new(action).also(&text(bundle), "")
}

#[test]
fn built_twice_listed_and_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = bundle(folder.path());
    let second = folder.path().join("second");
    build(&testdata("knowledge/knowledge.toml"), &second).succeed();
    let files = bytes(&first);
    let tables = ["clinvar", "coding", "gene", "genes", "population"];
    let mut names: Vec<String> = tables.map(|name| format!("{name}.parquet")).into();
    names.push(LOCK.to_owned());
    names.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), names);
    assert!(files == bytes(&second), "building twice gives other bytes");

    let listed = on("knowledge list", &first).succeed();
    assert_eq!(listed.stderr, "");
    for part in [
        "other, 5 sources",
        "clinvar  (clinvar, release synthetic-1, MIT OR Apache-2.0)",
        "307 rows, from clinvar.vcf.gz",
        "clinvar.significance  text",
        "population.af  float  allele frequency in a synthetic population",
        "population.ac  integer",
        "gene.loeuf  float",
        "coding.inside  flag",
        "genes  (gene_models,",
    ] {
        assert!(listed.stdout.contains(part), "'{part}': {}", listed.stdout);
    }
    let verified = on("knowledge verify", &first).succeed();
    assert!(
        verified.stdout.contains("5 tables are those of the lock"),
        "{}",
        verified.stdout
    );
}

/// Paths of the configuration hold from its folder, not from where the program runs.
#[test]
fn absolute_and_relative_paths_are_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let relative = bundle(folder.path());
    let absolute = folder.path().join("absolute");
    build(&write(folder.path(), "k.toml", configuration()), &absolute).succeed();
    assert!(bytes(&relative) == bytes(&absolute));
}

/// A single changed byte anywhere in a table.
#[test]
fn a_changed_byte_is_refused_by_verify_and_by_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = bundle(folder.path());
    for (name, whole) in bytes(&sound) {
        if name == LOCK {
            continue;
        }
        // Magic bytes, the first page, the middle, the footer, the last byte.
        let last = whole.len() - 1;
        for at in [0, 40, last / 2, last - 20, last] {
            let place = tempfile::tempdir().expect("a folder");
            let changed = copied(&sound, place.path(), |target| {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                std::fs::write(target.join(&name), bytes).expect("a file");
            });
            let output = place.path().join("report");
            for call in [
                on("knowledge verify", &changed),
                annotated(&output, &changed),
            ] {
                let parts = [name.as_str(), "lock", "build the bundle again"];
                assert_refused(&format!("{name} byte {at}"), &call.run(), DATA, &parts);
            }
            assert_eq!(left(place.path()), 1, "something is left behind");
        }
    }
}

/// Entries of a folder.
fn left(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("the folder").count()
}

/// A change of a bundle's lock.
fn with_lock(edit: impl Fn(String) -> String) -> impl Fn(&Path) {
    move |target: &Path| {
        let lock = std::fs::read_to_string(target.join(LOCK)).expect("the lock");
        let changed = edit(lock.clone());
        assert_ne!(lock, changed);
        std::fs::write(target.join(LOCK), changed).expect("a file");
    }
}

#[test]
fn bundles_that_cannot_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let sound = bundle(folder.path());
    let remove = |name: &'static str| {
        move |target: &Path| std::fs::remove_file(target.join(name)).expect("a file")
    };
    let build_38 = |lock: String| {
        lock.replace(
            "\"genome_build\": \"other\"",
            "\"genome_build\": \"GRCh38\"",
        )
    };
    let halved = |lock: String| lock[..lock.len() / 2].to_owned();
    let later = |lock: String| lock.replace("\"schema_version\": 1", "\"schema_version\": 99");
    type Case<'c> = (&'c str, i32, &'c dyn Fn(&Path), &'c [&'c str]);
    let cases: [Case<'_>; 6] = [
        (
            "other build",
            DATA,
            &with_lock(build_38),
            &["GRCh38", "other"],
        ),
        ("half a lock", DATA, &with_lock(halved), &[LOCK]),
        (
            "lock of a later release",
            DATA,
            &with_lock(later),
            &[LOCK, "schema_version"],
        ),
        (
            "no lock",
            NO_INPUT,
            &remove(LOCK),
            &[LOCK, "varisk knowledge build"],
        ),
        (
            "no table",
            DATA,
            &remove("population.parquet"),
            &["population.parquet"],
        ),
        (
            "a table of another source",
            DATA,
            &|target| {
                let copy = std::fs::copy(
                    target.join("coding.parquet"),
                    target.join("clinvar.parquet"),
                );
                copy.expect("a copy");
            },
            &["clinvar.parquet"],
        ),
    ];
    for (name, code, change, parts) in cases {
        let place = tempfile::tempdir().expect("a folder");
        let changed = copied(&sound, place.path(), change);
        let output = place.path().join("report");
        assert_refused(name, &annotated(&output, &changed).run(), code, parts);
        assert_eq!(left(place.path()), 1, "{name}: something is left behind");
    }
    let output = folder.path().join("report");
    let nowhere = folder.path().join("nowhere");
    let refused = annotated(&output, &nowhere).run();
    assert_refused(
        "no folder",
        &refused,
        NO_INPUT,
        &["nowhere", "knowledge build"],
    );
}

/// What cannot be built: nothing stays under the final name or beside it.
#[test]
fn builds_that_are_refused() {
    let without = |line: &str| configuration().replace(line, "");
    let with = |line: &str, other: &str| {
        let (sound, changed) = (configuration(), configuration().replace(line, other));
        assert_ne!(sound, changed, "{line}");
        changed
    };
    let release = "release = \"synthetic-1\"\n";
    let cases: [(&str, i32, String, &[&str]); 9] = [
        ("no TOML", USAGE, "once upon".to_owned(), &["k.toml"]),
        (
            "unknown key",
            USAGE,
            with("kind = \"bed\"", "kind = \"bed\"\nkid = 1"),
            &["k.toml", "kid"],
        ),
        (
            "no release",
            USAGE,
            without(release),
            &["k.toml", "release"],
        ),
        (
            "unknown kind",
            USAGE,
            with("kind = \"bed\"", "kind = \"bad\""),
            &["k.toml", "bad"],
        ),
        (
            "a name twice",
            USAGE,
            with("name = \"coding\"", "name = \"clinvar\""),
            &["k.toml", "clinvar"],
        ),
        (
            "no file",
            NO_INPUT,
            with("population.vcf.gz", "nowhere.vcf.gz"),
            &["nowhere.vcf.gz"],
        ),
        (
            "INFO field that is not there",
            DATA,
            with("\"AF\"", "\"AFF\""),
            &["population", "AFF"],
        ),
        (
            "column that is not there",
            DATA,
            with("from = \"loeuf\"", "from = \"pli\""),
            &["pli"],
        ),
        (
            "a BED for a VCF",
            DATA,
            with("population.vcf.gz", "coding.bed"),
            &["coding.bed"],
        ),
    ];
    for (name, code, config, parts) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let (inputs, outputs) = (folder.path().join("in"), folder.path().join("out"));
        for path in [&inputs, &outputs] {
            std::fs::create_dir(path).expect("a folder");
        }
        let call = build(&write(&inputs, "k.toml", config), &outputs.join("bundle"));
        assert_refused_build(name, &call, code, parts);
        assert_eq!(left(&outputs), 0, "{name}: something is left behind");
    }

    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("bundle");
    let sound = testdata("knowledge/knowledge.toml");
    let nowhere = text(&folder.path().join("nowhere"));
    let call = build(&sound, &output).with("--reference", nowhere.clone());
    assert_refused_build("no reference", &call, NO_INPUT, &["nowhere"]);
    assert_refused_build(
        "no configuration",
        &build(&nowhere, &output),
        NO_INPUT,
        &["nowhere"],
    );
    assert_eq!(left(folder.path()), 0);
    std::fs::create_dir(&output).expect("a folder");
    assert_refused_build(
        "output exists",
        &build(&sound, &output),
        CANNOT_CREATE,
        &["bundle"],
    );
    assert_eq!(left(&output), 0);
}

/// Lines on sources that were built before the refusal are no part of it.
fn assert_refused_build(name: &str, call: &Call, code: i32, parts: &[&str]) {
    let mut refused = call.run();
    let lines = refused.stderr.lines();
    let errors = lines.filter(|line| line.starts_with("varisk: error: "));
    refused.stderr = errors.collect::<Vec<_>>().join("\n");
    assert_refused(name, &refused, code, parts);
}

/// The variant model with a field of a source that the bundled sources do not have.
fn asks_for_gnomad(folder: &Path) -> PathBuf {
    let at = "/inputs/2/params/features/3/name";
    edited(folder, "variant-kmer", "asks", at, "gnomad.af")
}

#[test]
fn models_that_ask_for_what_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let model = text(&asks_for_gnomad(folder.path()));
    let output = folder.path().join("report");
    let without = score(&output).with("--model", model.clone());
    let parts = ["gnomad", "--knowledge"];
    assert_refused("no bundle", &without.run(), DATA, &parts);
    let with = without.with("--knowledge", text(&bundle));
    let parts = ["demo-variant-kmer", "gnomad", "build the bundle again"];
    assert_refused("no such source", &with.run(), DATA, &parts);
    assert!(!output.exists());

    let check = Call::new("model check").also(&model, "");
    let sound = check.succeed();
    assert!(sound.stdout.contains("gnomad.af"), "{}", sound.stdout);
    let check = check.with("--knowledge", text(&bundle));
    assert_refused("model check", &check.run(), DATA, &["lacks", "gnomad.af"]);

    let at = "/inputs/2/params/features/3/name";
    let has = edited(folder.path(), "variant-kmer", "has", at, "population.af");
    let check = Call::new("model check")
        .also(&text(&has), "")
        .with("--knowledge", text(&bundle));
    let sound = check.succeed();
    assert!(sound.stdout.contains("population.af"), "{}", sound.stdout);
}

#[test]
fn sources_that_are_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let output = folder.path().join("report");
    let call = |sources: &str| annotated(&output, &bundle).with("--sources", sources);
    let parts = ["no source 'gnomad'", "population"];
    assert_refused("source", &call("gnomad").run(), DATA, &parts);
    let parts = ["no field 'aff'", "population"];
    assert_refused("field", &call("clinvar,population.aff").run(), DATA, &parts);
    let alone = call("population.af").without("--knowledge");
    assert_refused("no bundle", &alone.run(), USAGE, &["--knowledge"]);
    let burden = annotated(&output, &bundle).with("--burden-max-frequency", "0.01");
    let other = burden.clone().with("--burden-frequency", "gnomad.af");
    assert_refused("burden", &other.run(), DATA, &["gnomad"]);
    let text = burden
        .clone()
        .with("--burden-frequency", "clinvar.significance");
    assert_refused(
        "burden by text",
        &text.run(),
        USAGE,
        &["clinvar.significance"],
    );
    assert_eq!(burden.run().code, Some(USAGE));
    assert!(!output.exists());
}
