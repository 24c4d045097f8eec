//! The bundled cohort under names that are found again wherever they turn up, and the search for them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::bundle::bundle;
use super::cohort::Vcf;
use super::demo::run;
use super::program::{Call, Outcome, Table, testdata, text};
use super::refusal::write;
use super::scores::{panel, with_all};

impl Call {
    pub(crate) fn own_verb(&self) -> &'static str {
        self.verb
    }

    /// Another verb with the same options.
    pub(crate) fn verb(mut self, verb: &'static str) -> Self {
        self.verb = verb;
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.retain(|(own, _)| *own != name);
        self.environment.push((name, value.into()));
        self
    }
}

impl Table {
    /// All cells, a row on each line.
    pub(crate) fn text(&self) -> String {
        let rows = self.rows.iter();
        rows.map(|row| row.iter().flatten().cloned().collect::<Vec<_>>())
            .map(|row| row.join("\t") + "\n")
            .collect()
    }

    /// The rows.
    pub(crate) fn rows(&self) -> &[Vec<Option<String>>] {
        &self.rows
    }
}

/// What patients are called, before their number.
pub(crate) const PATIENT: &str = "PLANTED-JANE-DOE-0";
/// What their samples are called.
pub(crate) const SAMPLE: &str = "PLANTED-JOHN-ROE-0";
/// A part of each name, in small letters.
const PARTS: [&str; 2] = ["jane-doe", "john-roe"];
/// Keys in hexadecimal digits, of 32 and of 16 bytes.
pub(crate) const PSEUDONYM_KEY: &str =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
pub(crate) const TABLE_KEY: &str = "30313233343536373839616263646566";
/// The time at which all pages are made.
const EPOCH: &str = "1764000000";

/// Inputs that all tests share.
pub(crate) struct Planted {
    /// Cohort, samplesheets, files of single patients, keys.
    pub(crate) inputs: PathBuf,
    knowledge: PathBuf,
    panel: PathBuf,
}

/// The shared inputs. They lie in the folder of the build, for nobody removes what a static holds; those
/// of test programs that have ended are removed here.
pub(crate) static PLANTED: LazyLock<Planted> = LazyLock::new(|| {
    let top = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for entry in std::fs::read_dir(top).expect("the folder").flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let process = name.strip_prefix("planted-");
        if process.is_some_and(|own| !Path::new("/proc").join(own).exists()) {
            // Another program may be removing it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Planted::new(&top.join(format!("planted-{}", std::process::id())))
});

/// A file that its owner alone may read.
pub(crate) fn write_secret(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = file.open(&path).expect("a file");
    file.write_all(content.as_bytes()).expect("a file");
    text(&path)
}

impl Planted {
    fn new(folder: &Path) -> Self {
        let inputs = folder.join("inputs");
        std::fs::create_dir_all(inputs.join("single")).expect("a folder");
        let mut cohort = Vcf::bundled();
        for sample in &mut cohort.samples {
            *sample = sample.replace('S', SAMPLE);
        }
        write(&inputs, "cohort.vcf", cohort.text());
        let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("a samplesheet");
        let mut lines = sheet.lines();
        let mut renamed = format!("{}\n", lines.next().expect("a header"));
        for line in lines {
            let cells: Vec<&str> = line.splitn(3, ',').collect();
            let patient = cells[0].replace('P', PATIENT);
            let sample = cells[1].replace('S', SAMPLE);
            renamed += &format!("{patient},{sample},{}\n", cells[2]);
        }
        write(&inputs, "sheet.csv", renamed);
        // Files of single patients are named after them, as they often are.
        let mut files = "patient,vcf,callable,sex,age,bmi,smoker\n".to_owned();
        for (number, sex) in [(1, "male"), (2, "female"), (3, "female"), (4, "male")] {
            let mut own = Vcf::read(Path::new(&testdata(&format!(
                "patients/S00{number}.vcf.gz"
            ))));
            own.samples = vec![format!("{SAMPLE}00{number}")];
            let name = format!("{PATIENT}00{number}");
            write(&inputs.join("single"), &format!("{name}.vcf"), own.text());
            let bed = "chr1\t0\t40000\nchr2\t100\t30000\n";
            write(&inputs.join("single"), &format!("{name}.bed"), bed);
            files +=
                &format!("{name},single/{name}.vcf,single/{name}.bed,{sex},6{number},31.5,no\n");
        }
        write(&inputs, "files.csv", files);
        write_secret(&inputs, "pseudonym.key", PSEUDONYM_KEY);
        write_secret(&inputs, "table.key", TABLE_KEY);
        write_secret(&inputs, "audit.key", &"5a".repeat(32));
        Self {
            knowledge: bundle(folder),
            panel: panel(folder),
            inputs,
        }
    }

    pub(crate) fn input(&self, name: &str) -> String {
        text(&self.inputs.join(name))
    }

    /// Everything that a run can make, under the planted names.
    pub(crate) fn full_run(&self, output: &Path) -> Call {
        with_all(self.run(output), &self.panel)
            .with("--score", testdata("scores"))
            .with("--score-build", "other")
            .with("--haplotypes", "as-written")
            .also("--explain", "")
    }

    /// Models and knowledge, under the planted names.
    pub(crate) fn run(&self, output: &Path) -> Call {
        run(output)
            .with("--vcf", self.input("cohort.vcf"))
            .with("--samplesheet", self.input("sheet.csv"))
            .with("--knowledge", text(&self.knowledge))
            .set("SOURCE_DATE_EPOCH", EPOCH)
    }

    /// The files of single patients.
    pub(crate) fn run_files(&self, output: &Path) -> Call {
        self.run(output)
            .without("--vcf")
            .with("--samplesheet", self.input("files.csv"))
    }

    /// Scores alone: the quickest run there is.
    pub(crate) fn prs(&self, output: &Path) -> Call {
        Call::new("prs")
            .with("--vcf", self.input("cohort.vcf"))
            .with("--samplesheet", self.input("sheet.csv"))
            .with("--reference", testdata("genome.fa"))
            .with("--build", "other")
            .with("--par", testdata("par.bed"))
            .with("--score", testdata("scores/TOY1.txt"))
            .with("--score-build", "other")
            .with("--output", text(output))
            .with("--threads", "2")
            .with("--checkpoint-seconds", "0")
    }

    pub(crate) fn pseudonymous(&self, call: Call) -> Call {
        call.with("--pseudonym-key-file", self.input("pseudonym.key"))
    }

    pub(crate) fn encrypted(&self, call: Call) -> Call {
        call.with("--encryption-key-file", self.input("table.key"))
    }
}

/// A report of a run.
pub(crate) fn report(run: &Path, output: &Path, formats: &str) -> Call {
    Call::new("report")
        .also(&text(run), "")
        .with("--format", formats)
        .with("--output", text(output))
        .set("SOURCE_DATE_EPOCH", EPOCH)
}

/// Every planted name and its SHA-256: a hash without key is as good as the name.
static NEEDLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let numbers = 1..=48;
    let names = numbers.flat_map(|number| [PATIENT, SAMPLE].map(|own| format!("{own}{number:03}")));
    let hex = |name: String| {
        let digest = Sha256::digest(name.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let parts = PARTS.map(str::to_owned).into_iter();
    parts.chain(names.map(hex)).collect()
});

/// Whether a planted name is in it, in whatever case.
pub(crate) fn names_somebody(bytes: &[u8]) -> bool {
    let lower = bytes.to_ascii_lowercase();
    let lower = String::from_utf8_lossy(&lower);
    NEEDLES.iter().any(|needle| lower.contains(needle.as_str()))
}

/// Every file and folder below a folder, by path.
pub(crate) fn walk(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        // What is being written may be gone again.
        for entry in std::fs::read_dir(&path).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
            all.insert(entry.path());
        }
    }
    all
}

/// What a file says: its bytes and, of compressed ones, what is in them.
pub(crate) fn content(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).expect("a file");
    match path.extension().and_then(|own| own.to_str()) {
        Some("gz") => {
            let mut plain = Vec::new();
            let mut reader = MultiGzDecoder::new(bytes.as_slice());
            reader.read_to_end(&mut plain).expect("gzip");
            bytes = plain;
        }
        // An encrypted one has no cells to be read.
        Some("parquet") if bytes.starts_with(b"PAR1") => {
            bytes.extend(Table::of(path).text().into_bytes());
        }
        _ => {}
    }
    bytes
}

/// Files and folders below a folder that name somebody, in their names or contents.
pub(crate) fn traces(folder: &Path) -> Vec<String> {
    let of = |path: &PathBuf| {
        let name = text(path.strip_prefix(folder).expect("a path below"));
        let is_named = names_somebody(name.as_bytes());
        (is_named || path.is_file() && names_somebody(&content(path))).then_some(name)
    };
    walk(folder).iter().filter_map(of).collect()
}

/// Genotypes as VCF writes them, standing by themselves.
pub(crate) fn genotypes(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let is_allele = |letter: char| letter.is_ascii_digit() || letter == '.';
    let stands_alone =
        |at: Option<&char>| at.is_none_or(|own| !own.is_alphanumeric() && !"/|._-".contains(*own));
    let mut found = Vec::new();
    for at in 0..letters.len().saturating_sub(2) {
        let own = &letters[at..at + 3];
        if is_allele(own[0])
            && "/|".contains(own[1])
            && is_allele(own[2])
            && stands_alone(at.checked_sub(1).and_then(|before| letters.get(before)))
            && stands_alone(letters.get(at + 3))
        {
            found.push(own.iter().collect());
        }
    }
    found
}

/// Runs a call under an eye: what appears meanwhile in the folder for temporary files and below a folder
/// must be named after nobody. What stays in the former, and what the program says, names nobody either.
pub(crate) fn watched(call: Call, folder: &Path) -> Outcome {
    let temporary = tempfile::tempdir().expect("a folder");
    let call = call.set("TMPDIR", text(temporary.path()));
    let mut command = call.command();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    let ending = std::thread::spawn(move || child.wait_with_output().expect("it ends"));
    let mut seen = BTreeSet::new();
    while !ending.is_finished() {
        seen.extend(walk(temporary.path()));
        seen.extend(walk(folder));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = ending.join().expect("it ends");
    let string = |bytes| String::from_utf8(bytes).expect("the program writes text");
    let outcome = Outcome {
        code: output.status.code(),
        stdout: string(output.stdout),
        stderr: string(output.stderr),
    };
    for path in seen {
        let name = text(&path);
        assert!(!names_somebody(name.as_bytes()), "{name} appears");
    }
    // ONNX Runtime leaves a file with the time and a random number in it.
    assert_eq!(traces(temporary.path()), Vec::<String>::new());
    for said in [&outcome.stdout, &outcome.stderr] {
        assert!(!said.contains("panicked"), "{said}");
        assert!(!names_somebody(said.as_bytes()), "{said}");
        assert_eq!(genotypes(said), Vec::<String>::new(), "{said}");
    }
    outcome
}

/// Pseudonyms by patient, as a key table has them.
pub(crate) fn key_table(path: &Path) -> BTreeMap<String, String> {
    let table = std::fs::read_to_string(path).expect("a key table");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("pseudonym,patient"));
    lines
        .map(|line| line.split_once(',').expect("two columns"))
        .map(|(pseudonym, patient)| (patient.to_owned(), pseudonym.to_owned()))
        .collect()
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("a file");
    metadata.permissions().mode() & 0o777
}
