//! Runs the real program, each time in a folder of its own, and reads what it wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

/// The top folder of the project.
pub(crate) fn workspace() -> PathBuf {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    top.canonicalize().expect("the project's folder")
}

/// The bundled data.
pub(crate) fn testdata(name: &str) -> String {
    text(&workspace().join("testdata").join(name))
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("paths are text").to_owned()
}

/// ONNX Runtime as set-up brings it, or as the environment names it.
pub(crate) fn onnxruntime() -> PathBuf {
    let path = std::env::var_os("ORT_DYLIB_PATH")
        .map_or_else(|| workspace().join(".varisk/onnxruntime"), PathBuf::from);
    assert!(
        path.exists(),
        "{} is not there; run 'make setup' first",
        path.display()
    );
    path
}

/// A call of the program: a verb with options, each of which can be replaced.
#[derive(Clone)]
pub(crate) struct Call {
    pub(super) verb: &'static str,
    options: Vec<(String, String)>,
    pub(super) environment: Vec<(&'static str, String)>,
    stdin: Option<PathBuf>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Call {
    /// A verb without options.
    pub(crate) fn new(verb: &'static str) -> Self {
        Self {
            verb,
            options: Vec::new(),
            environment: vec![("ORT_DYLIB_PATH", text(&onnxruntime()))],
            stdin: None,
        }
    }

    /// Gives an option its value, instead of the one it has.
    pub(crate) fn with(self, option: &str, value: impl Into<String>) -> Self {
        let mut call = self.without(option);
        call.options.push((option.to_owned(), value.into()));
        call
    }

    /// Gives an option once more; without value where that is empty.
    pub(crate) fn also(mut self, option: &str, value: impl Into<String>) -> Self {
        self.options.push((option.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, option: &str) -> Self {
        self.options.retain(|(name, _)| name != option);
        self
    }

    /// Feeds a file to standard input.
    pub(crate) fn from(mut self, path: &Path) -> Self {
        self.stdin = Some(path.to_owned());
        self
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let options = self.options.iter();
        let options = options.flat_map(|(option, value)| [option.clone(), value.clone()]);
        let mut all: Vec<String> = self.verb.split(' ').map(str::to_owned).collect();
        all.extend(options.filter(|word| !word.is_empty()));
        all
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_varisk"));
        command.args(self.arguments());
        self.prepare(&mut command);
        command
    }

    /// Sets environment and standard input.
    pub(crate) fn prepare(&self, command: &mut Command) {
        for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH"] {
            command.env_remove(name);
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command.stdin(match &self.stdin {
            Some(path) => Stdio::from(std::fs::File::open(path).expect("a file for stdin")),
            None => Stdio::null(),
        });
    }

    pub(crate) fn run(&self) -> Outcome {
        outcome(&mut self.command())
    }

    /// Runs and expects success.
    pub(crate) fn succeed(&self) -> Outcome {
        let outcome = self.run();
        assert_eq!(
            outcome.code,
            Some(0),
            "{:?} failed: {}",
            self.arguments(),
            outcome.stderr
        );
        outcome
    }
}

pub(crate) fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes text");
    let outcome = Outcome {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    };
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    outcome
}

/// A table with every value as text; `None` for null.
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(super) rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// Reads `<folder>/<name>.parquet`.
    pub(crate) fn read(folder: &Path, name: &str) -> Self {
        Self::of(&folder.join(format!("{name}.parquet")))
    }

    /// Reads a file.
    pub(crate) fn of(path: &Path) -> Self {
        let file =
            std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
        let fields = builder.schema().fields().iter();
        let mut table = Self {
            names: fields.map(|field| field.name().clone()).collect(),
            rows: Vec::new(),
        };
        for batch in builder.build().expect("a reader") {
            table.take(&batch.expect("a batch"));
        }
        table
    }

    fn take(&mut self, batch: &RecordBatch) {
        let options = FormatOptions::default();
        let formatters: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options).expect("a formatter"))
            .collect();
        for row in 0..batch.num_rows() {
            let cells = formatters
                .iter()
                .zip(batch.columns())
                .map(|(shown, column)| column.is_valid(row).then(|| shown.value(row).to_string()));
            self.rows.push(cells.collect());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The values of a column.
    pub(crate) fn column(&self, name: &str) -> Vec<Option<&str>> {
        let at = self.names.iter().position(|own| own == name);
        let at = at.unwrap_or_else(|| panic!("no column '{name}' among {:?}", self.names));
        self.rows.iter().map(|row| row[at].as_deref()).collect()
    }

    /// The values of a column that has no nulls.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        let column = self.column(name).into_iter();
        column
            .map(|value| value.unwrap_or_else(|| panic!("a null in '{name}'")))
            .collect()
    }

    /// The numbers of a column.
    pub(crate) fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        let parse = |value: &str| value.parse().expect("a number");
        let column = self.column(name).into_iter();
        column.map(|value| value.map(parse)).collect()
    }

    /// A column of each patient.
    pub(crate) fn by_patient(&self, name: &str) -> BTreeMap<String, Option<f64>> {
        let patients = self.texts("patient").into_iter().map(str::to_owned);
        patients.zip(self.numbers(name)).collect()
    }
}

/// SHA-256 of every table of a report.
pub(crate) fn hashes(folder: &Path) -> BTreeMap<String, String> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let tables = names
        .map(|name| name.into_string().expect("names are text"))
        .filter(|name| name.ends_with(".parquet"));
    let hash = |name: &String| {
        let bytes = std::fs::read(folder.join(name)).expect("a table");
        let hex = Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        (name.clone(), hex)
    };
    let hashes: BTreeMap<String, String> = tables.collect::<Vec<_>>().iter().map(hash).collect();
    assert!(!hashes.is_empty(), "{} holds no table", folder.display());
    hashes
}

/// `run.json` of a report.
pub(crate) fn run_record(folder: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join("run.json")).expect("run.json is there");
    serde_json::from_str(&text).expect("run.json is JSON")
}
