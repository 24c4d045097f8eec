//! What packages rely on: the program finds ONNX Runtime and the demo's data where they install them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program::{
    Call, Outcome, hashes, onnxruntime, outcome, testdata, text, workspace,
};

/// An environment as packages lay it out: the program in `bin`, its data in `share`, ONNX Runtime
/// among the packages of a Python.
struct Environment {
    folder: tempfile::TempDir,
}

impl Environment {
    fn new() -> Self {
        // Beside the program that was built, for a link cannot leave its disk.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let environment = Self { folder };
        for name in ["bin", "empty", "lib/python3.12/site-packages/onnxruntime"] {
            std::fs::create_dir_all(environment.path(name)).expect("a folder");
        }
        std::fs::hard_link(env!("CARGO_BIN_EXE_varisk"), environment.path("bin/varisk"))
            .expect("a link");
        environment
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn with_onnxruntime(self) -> Self {
        let library = std::path::absolute(onnxruntime()).expect("a path");
        let folder = match library.parent() {
            Some(folder) if library.is_file() => folder.to_owned(),
            _ => library,
        };
        let capi = self.path("lib/python3.12/site-packages/onnxruntime/capi");
        std::os::unix::fs::symlink(folder, capi).expect("a link");
        self
    }

    fn with_data(self) -> Self {
        let script = workspace().join("pipeline/packages/demo-data");
        let done = Command::new(script)
            .arg(self.path("share/varisk/demo"))
            .status();
        assert!(done.expect("the script starts").success());
        self
    }

    /// Runs a program in an empty folder, with nothing in the environment that says where things are.
    fn run(&self, program: &Path, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path("empty"));
        for name in [
            "ORT_DYLIB_PATH",
            "VIRTUAL_ENV",
            "CONDA_PREFIX",
            "LD_LIBRARY_PATH",
        ] {
            command.env_remove(name);
        }
        outcome(&mut command)
    }

    fn varisk(&self, arguments: &[&str]) -> Outcome {
        self.run(&self.path("bin/varisk"), arguments)
    }
}

/// Installed, called by its path, from an empty folder: what a new user does first.
#[test]
fn an_installed_program_finds_what_is_installed_with_it() {
    let environment = Environment::new().with_onnxruntime().with_data();
    let done = environment.varisk(&["demo"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // It is the demo of a clone, to the last byte.
    let named = environment.varisk(&["demo", "--data", &testdata(""), "--output", "named"]);
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    let [installed, named] =
        ["demo-report", "named"].map(|name| hashes(&environment.path("empty").join(name)));
    assert_eq!(installed, named);
    // A link to it finds the same, and doctor says where.
    let link = environment.path("linked");
    std::os::unix::fs::symlink(environment.path("bin/varisk"), &link).expect("a link");
    let doctor = environment.run(&link, &["doctor"]);
    assert_eq!(doctor.code, Some(0), "{}", doctor.stderr);
    assert!(
        doctor.stdout.contains("environment of the program"),
        "{}",
        doctor.stdout
    );
}

/// A clone's own data go before those of the installed program.
#[test]
fn the_demo_prefers_what_is_here() {
    let environment = Environment::new().with_data();
    let here = environment.path("empty/testdata");
    std::fs::create_dir(&here).expect("a folder");
    std::fs::write(here.join("genome.fa"), ">chr1\n").expect("a file");
    let refused = environment.varisk(&["demo"]);
    assert!(
        refused.stderr.contains("testdata/genome.fa.fai")
            || refused.stderr.contains("testdata/knowledge"),
        "{}",
        refused.stderr
    );
}

#[test]
fn without_data_the_demo_says_where_it_looked() {
    let environment = Environment::new();
    let refused = environment.varisk(&["demo"]);
    let installed = environment.path("share/varisk/demo");
    assert_eq!(refused.code, Some(66), "{}", refused.stderr);
    for part in ["testdata or ", text(&installed).as_str(), "--data"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
}

/// Scripts read one line; whoever reports a bug gives all of them.
#[test]
fn versions_short_and_long() {
    let varisk = |arguments: &[&str]| {
        let shown = outcome(Command::new(env!("CARGO_BIN_EXE_varisk")).args(arguments));
        assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
        shown.stdout
    };
    let short = concat!("varisk ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(varisk(&["-V"]), short);
    let long = varisk(&["--version"]);
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let cram = if cfg!(feature = "cram") {
        " CRAM"
    } else {
        "no CRAM"
    };
    let doctor = Call::new("doctor").succeed().stdout;
    for part in [
        std::env::consts::ARCH,
        profile,
        cram,
        "or better",
        "ONNX Runtime 1.17",
    ] {
        assert!(long.contains(part), "{part}: {long}");
        assert!(doctor.contains(part), "{part}: {doctor}");
    }
    assert!(long.starts_with(short), "{long}");
}
