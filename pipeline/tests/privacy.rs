//! Who patients are is told nowhere but in the key table, and who may read what is written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::cohort::Vcf;
use crate::support::planted::{
    PATIENT, PLANTED, content, genotypes, key_table, mode, names_somebody, report, traces, walk,
    watched,
};
use crate::support::program::{Call, Table, hashes, run_record, text};
use crate::support::refusal::write;

/// All forms of a report.
pub(crate) const FORMATS: &str = "html,json,fhir,tsv,vcf,multiqc";

/// What may be given out of a run, with sexes in classes.
const RULES: &str = "[k_anonymity]\nk = 2\nquasi_identifiers = ['qc.recorded_sex']\n";

/// Calls whose every word is kept, with an audit log, and in turns with causes and as JSON.
struct Watch {
    folder: PathBuf,
    calls: usize,
}

impl Watch {
    fn run(&mut self, call: Call) {
        self.calls += 1;
        let manner = if self.calls.is_multiple_of(2) {
            "-v"
        } else {
            "--json-log"
        };
        let call = call
            .also("--audit-log", text(&self.folder.join("audit.log")))
            .also(manner, "");
        let arguments = call.arguments();
        let outcome = watched(call, &self.folder);
        assert!(
            matches!(outcome.code, Some(0 | 3)),
            "{arguments:?}: {}",
            outcome.stderr
        );
    }
}

/// `run.json` and logs hold no genotype.
fn assert_no_genotypes(folder: &Path) {
    let files = walk(folder).into_iter();
    let files: Vec<PathBuf> = files
        .filter(|path| path.ends_with("run.json") || path.ends_with("audit.log"))
        .collect();
    assert!(files.len() > 2);
    for path in files {
        let text = String::from_utf8(content(&path)).expect("text");
        assert_eq!(genotypes(&text), Vec::<String>::new(), "{}", path.display());
    }
}

/// Rows of patients come in the order of their pseudonyms, or their places would tell who they are.
fn assert_sorted(folder: &Path) {
    let tables = walk(folder).into_iter();
    let tables = tables.filter(|path| path.extension().is_some_and(|own| own == "parquet"));
    let mut found = 0;
    for path in tables {
        let table = Table::of(&path);
        if !table.names.iter().any(|name| name == "patient") {
            continue;
        }
        found += 1;
        let patients = table.texts("patient");
        // Site states are sorted by allele first, which all patients have rows of.
        let run = if path.ends_with("evidence.parquet") {
            let all: BTreeSet<&&str> = patients.iter().collect();
            all.len()
        } else {
            patients.len()
        };
        for rows in patients.chunks(run.max(1)) {
            assert!(rows.is_sorted(), "{}: {rows:?}", path.display());
        }
    }
    assert!(found > 0, "{} has no patients", folder.display());
}

/// Lines of a text table by patient, with a header.
fn assert_text_sorted(path: &Path) {
    let text = String::from_utf8(content(path)).expect("text");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let at = header
        .iter()
        .position(|own| own.contains("IID") || *own == "sampleid");
    let at = at.unwrap_or_else(|| panic!("{}: {header:?}", path.display()));
    let patients: Vec<&str> = lines
        .map(|line| line.split('\t').nth(at).expect("a cell"))
        .collect();
    // Of several scores each begins anew.
    let falls = patients.windows(2).filter(|pair| pair[0] > pair[1]).count();
    let all: BTreeSet<&&str> = patients.iter().collect();
    assert!(falls < patients.len() / all.len(), "{}", path.display());
}

#[test]
fn nobody_is_named_but_in_the_key_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path().join("written");
    std::fs::create_dir(&top).expect("a folder");
    let at = |name: &str| top.join(name);
    let keys = folder.path().join("who.csv");
    let named = |call: Call| {
        PLANTED
            .pseudonymous(call)
            .with("--pseudonym-table", text(&keys))
    };
    let mut watch = Watch {
        folder: top.clone(),
        calls: 0,
    };
    watch.run(named(PLANTED.full_run(&at("run"))));
    watch.run(named(PLANTED.full_run(&at("dry"))).also("--dry-run", ""));
    watch.run(named(PLANTED.run(&at("other"))).with("--top", "2"));
    watch.run(report(&at("run"), &at("pages"), FORMATS));
    watch.run(report(&at("run"), &at("together"), FORMATS).with("--patients", "none"));
    watch.run(
        Call::new("diff")
            .also(&text(&at("run")), "")
            .also(&text(&at("other")), "")
            .with("--output", text(&at("diff"))),
    );
    let deidentify = Call::new("deidentify")
        .also(&text(&at("run")), "")
        .with("--config", write(folder.path(), "rules.toml", RULES));
    watch.run(deidentify.clone().with("--output", text(&at("given-out"))));
    watch.run(
        deidentify
            .with("--output", text(&at("none")))
            .also("--dry-run", ""),
    );
    watch.run(report(
        &at("given-out"),
        &at("given-out-pages"),
        "html,json,fhir,tsv,multiqc",
    ));

    assert_eq!(traces(&top), Vec::<String>::new());
    assert_no_genotypes(&top);
    for run in ["run", "other", "given-out"] {
        assert_sorted(&at(run));
    }
    let texts: Vec<PathBuf> = walk(&at("run"))
        .into_iter()
        .filter(|path| {
            let name = text(path);
            name.ends_with(".sscore") || name.ends_with(".txt.gz")
        })
        .collect();
    assert!(texts.len() > 3, "{texts:?}");
    texts.iter().for_each(|path| assert_text_sorted(path));

    // The search finds them where they are.
    assert!(names_somebody(&content(&keys)));
    let table = key_table(&keys);
    assert_eq!(table.len(), 48);
    assert!(table.keys().all(|patient| patient.starts_with(PATIENT)));
    assert_eq!(mode(&keys), 0o600);
    let plain = folder.path().join("plain");
    PLANTED.run(&plain).succeed();
    let found = traces(&plain);
    for table in ["findings.parquet", "qc.parquet", "risk.parquet", "run.json"] {
        // The record names the files, and those of a cohort are named after nobody.
        let is_there = found.contains(&table.to_owned());
        assert_eq!(is_there, table != "run.json", "{table}: {found:?}");
    }
}

/// Names of files are names of patients here: variants, callable regions, a record that is set aside.
#[test]
fn nobody_is_named_where_files_are_named_after_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path().join("written");
    std::fs::create_dir(&top).expect("a folder");
    let at = |name: &str| top.join(name);
    let bad = format!("single/{PATIENT}002.bad.vcf");
    let source = PLANTED.input(&format!("single/{PATIENT}002.vcf"));
    let mut vcf = Vcf::parse(&std::fs::read_to_string(source).expect("a file"));
    vcf.records[5][9] = "0/7".to_owned();
    write(&PLANTED.inputs, &bad, vcf.text());
    let sheet = std::fs::read_to_string(PLANTED.input("files.csv")).expect("a samplesheet");
    let sheet = sheet.replace(&format!("single/{PATIENT}002.vcf"), &bad);
    let sheet = write(&PLANTED.inputs, "bad-files.csv", sheet);
    let mut watch = Watch {
        folder: top.clone(),
        calls: 0,
    };
    let named = |call: Call| {
        PLANTED
            .pseudonymous(call)
            .with("--pseudonym-table", text(&folder.path().join("who.csv")))
            .with("--samplesheet", sheet.clone())
            .with("--max-bad-records", "1")
    };
    watch.run(named(PLANTED.run_files(&at("run"))));
    watch.run(
        named(PLANTED.run_files(&at("evidence")))
            .without("--model")
            .verb("evidence"),
    );
    watch.run(report(&at("run"), &at("pages"), FORMATS));
    assert_eq!(traces(&top), Vec::<String>::new());
    assert_no_genotypes(&top);
    assert_sorted(&at("run"));
    assert_sorted(&at("evidence"));
    assert_eq!(Table::read(&at("run"), "quarantine").len(), 1);

    // Without pseudonyms the files are named, so the search would have found them.
    let plain = folder.path().join("plain");
    PLANTED.run_files(&plain).succeed();
    assert!(traces(&plain).contains(&"run.json".to_owned()));
    // As after a file was changed while it was read.
    let record = plain.join("run.json");
    let mut told = run_record(&plain);
    let path = told["inputs"][0]["path"]
        .as_str()
        .expect("a path")
        .to_owned();
    told["warnings"] = serde_json::json!([format!("{path} is not there any more as it was read")]);
    std::fs::write(&record, told.to_string()).expect("a record");
    // What is made of that run for others names nobody again, its files not either.
    let given_out = at("given-out");
    watch.run(
        PLANTED.pseudonymous(
            Call::new("deidentify")
                .also(&text(&plain), "")
                .with("--config", write(folder.path(), "rules.toml", RULES))
                .with("--output", text(&given_out)),
        ),
    );
    assert_eq!(traces(&given_out), Vec::<String>::new());
    let warnings = run_record(&given_out)["warnings"].to_string();
    assert!(warnings.contains("\"variants-1 is not there"), "{warnings}");

    // A shard is opened by 'merge', which reads the files again: their paths stand in its state alone.
    let shard = folder.path().join("shard");
    named(PLANTED.run_files(&shard))
        .with("--shard", "1/1")
        .succeed();
    assert_eq!(traces(&shard), ["state.json"]);
    watch.run(
        Call::new("merge")
            .also(&text(&shard), "")
            .with("--output", text(&at("merged"))),
    );
    assert_eq!(traces(&at("merged")), Vec::<String>::new());
    assert_eq!(hashes(&at("merged")), hashes(&at("run")));
}

#[test]
fn encrypted_tables_name_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    PLANTED.encrypted(PLANTED.run(&at("run"))).succeed();
    PLANTED
        .encrypted(PLANTED.run(&at("parts")))
        .with("--partition-by", "item,contig")
        .succeed();
    for run in ["run", "parts"] {
        assert_eq!(traces(&at(run)), Vec::<String>::new(), "{run}");
        let tables: Vec<PathBuf> = walk(&at(run))
            .into_iter()
            .filter(|path| path.extension().is_some_and(|own| own == "parquet"))
            .collect();
        assert!(tables.len() > 5, "{tables:?}");
        for path in tables {
            let bytes = std::fs::read(&path).expect("a table");
            assert!(bytes.starts_with(b"PARE"), "{}", path.display());
        }
        let call = report(&at(run), &at(&format!("{run}-pages")), "html");
        let refused = call.run();
        assert_eq!(refused.code, Some(64), "{}", refused.stderr);
        PLANTED.encrypted(call).succeed();
    }
    // Whoever has the key reads everybody.
    let found = traces(&at("run-pages"));
    assert!(found.len() > 48, "{found:?}");
    // What changed is laid out as the runs are, and no page is made of it.
    let diff = Call::new("diff")
        .also(&text(&at("run")), "")
        .also(&text(&at("parts")), "")
        .with("--output", text(&at("diff")));
    PLANTED.encrypted(diff).succeed();
    assert_eq!(traces(&at("diff")), Vec::<String>::new());
    assert!(!at("diff").join("index.html").exists());
    // Tables with less in them stay encrypted.
    let deidentify = Call::new("deidentify")
        .also(&text(&at("run")), "")
        .with("--config", write(folder.path(), "rules.toml", RULES))
        .with("--output", text(&at("given-out")));
    let deidentify = PLANTED.pseudonymous(PLANTED.encrypted(deidentify));
    // The run's key must not go with what is given out.
    assert_eq!(deidentify.run().code, Some(64));
    assert!(!at("given-out").exists());
    let other = at("other.key");
    Call::new("key new").also(&text(&other), "").succeed();
    deidentify
        .with("--output-encryption-key-file", text(&other))
        .succeed();
    let pages = report(&at("given-out"), &at("given-out-pages"), "html");
    assert_eq!(PLANTED.encrypted(pages.clone()).run().code, Some(64));
    pages.with("--encryption-key-file", text(&other)).succeed();
    assert_eq!(traces(&at("given-out")), Vec::<String>::new());
    let bytes = std::fs::read(at("given-out").join("qc.parquet")).expect("a table");
    assert!(bytes.starts_with(b"PARE"));
    assert_eq!(run_record(&at("given-out"))["verb"], "deidentify");
}

/// The folder itself and all that is in it.
fn assert_modes(folder: &Path, of_files: u32, of_folders: u32) {
    let mut all = walk(folder);
    all.insert(folder.to_owned());
    assert!(all.len() > 3);
    for path in all {
        let wanted = if path.is_dir() { of_folders } else { of_files };
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
}

#[test]
fn who_may_read_what_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    // Under a mask of the system that lets everybody read, and one that lets nobody write.
    let under = |mask: &str, call: &Call| {
        let mut command = std::process::Command::new("sh");
        command.args([
            "-c",
            &format!("umask {mask}; exec \"$@\""),
            "sh",
            env!("CARGO_BIN_EXE_varisk"),
        ]);
        command.args(call.arguments());
        call.prepare(&mut command);
        let outcome = crate::support::program::outcome(&mut command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    };
    type Case = (
        &'static str,
        &'static str,
        Option<&'static str>,
        Option<&'static str>,
        u32,
        u32,
    );
    let cases: [Case; 6] = [
        ("default", "022", None, None, 0o600, 0o700),
        (
            "private",
            "000",
            Some("private"),
            Some("umask"),
            0o600,
            0o700,
        ),
        ("group", "022", Some("group"), None, 0o640, 0o750),
        ("group-env", "077", None, Some("group"), 0o640, 0o750),
        ("umask", "022", Some("umask"), None, 0o644, 0o755),
        ("umask-env", "027", None, Some("umask"), 0o640, 0o750),
    ];
    for (name, mask, flag, variable, of_files, of_folders) in cases {
        let at = |part: &str| folder.path().join(format!("{name}-{part}"));
        let guarded = |mut call: Call| {
            if let Some(flag) = flag {
                call = call.with("--file-access", flag);
            }
            if let Some(variable) = variable {
                call = call.set("VARISK_FILE_ACCESS", variable);
            }
            call
        };
        let run = PLANTED.prs(&at("run")).with("--partition-by", "item");
        let run = PLANTED
            .pseudonymous(run)
            .with("--score-formats", "sscore")
            .with("--pseudonym-table", text(&at("who.csv")))
            .with("--audit-log", text(&at("audit.log")));
        under(mask, &guarded(run));
        under(mask, &guarded(report(&at("run"), &at("pages"), "html,tsv")));
        assert_modes(&at("run"), of_files, of_folders);
        assert_modes(&at("pages"), of_files, of_folders);
        // Whatever others may read, these they may not.
        assert_eq!(mode(&at("who.csv")), 0o600, "{name}");
        assert_eq!(mode(&at("audit.log")), 0o600, "{name}");
    }
    let refused = PLANTED
        .prs(&folder.path().join("x"))
        .with("--file-access", "everybody")
        .run();
    assert_eq!(refused.code, Some(64), "{}", refused.stderr);
}
