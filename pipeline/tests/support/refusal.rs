//! Runs that must be refused: the exit code, one sentence that names what is wrong and what to do,
//! and nothing left behind.

use std::path::Path;

use super::cohort::Vcf;
use super::demo::run;
use super::planted::names_somebody;
use super::program::{Call, Outcome, outcome, testdata, text};
use super::scores::prs;

/// A name that must never be seen outside the tables of patients.
pub(crate) const SECRET_SAMPLE: &str = "SECRETSAMPLE";
/// The same, of a patient.
pub(crate) const SECRET_PATIENT: &str = "SECRETPATIENT";

/// How a refusal is provoked: from a sound run, with a folder for whatever files it needs.
pub(crate) type Change<'c> = &'c dyn Fn(&Path, Call) -> Call;

/// Name, exit code, change, and parts of the sentence.
pub(crate) type Case<'c> = (&'c str, i32, Change<'c>, &'c [&'c str]);

/// The bundled cohort under names that must not be told.
pub(crate) fn secret_cohort() -> Vcf {
    let mut vcf = Vcf::bundled();
    vcf.samples[0] = SECRET_SAMPLE.to_owned();
    vcf
}

/// Its samplesheet.
pub(crate) fn secret_sheet() -> String {
    let sheet = std::fs::read_to_string(testdata("samplesheet.csv")).expect("the samplesheet");
    sheet.replace("P001,S001", &format!("{SECRET_PATIENT},{SECRET_SAMPLE}"))
}

/// Writes a file of a case and returns its path.
pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file of the case");
    text(&path)
}

/// A file with a key of 32 bytes that its owner alone may read, as keys must be.
pub(crate) fn secret(folder: &Path, name: &str, digit: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let path = write(folder, name, digit.repeat(64));
    let own = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, own).expect("permissions");
    path
}

/// A sound run on the secret cohort.
pub(crate) fn secret_run(inputs: &Path, output: &Path) -> Call {
    run(output)
        .with("--vcf", write(inputs, "cohort.vcf", secret_cohort().text()))
        .with("--samplesheet", write(inputs, "sheet.csv", secret_sheet()))
}

/// A sound run of scores on the secret cohort.
pub(crate) fn secret_prs(inputs: &Path, output: &Path) -> Call {
    prs(output)
        .with("--vcf", write(inputs, "cohort.vcf", secret_cohort().text()))
        .with("--samplesheet", write(inputs, "sheet.csv", secret_sheet()))
}

/// Runs all cases from a sound run.
pub(crate) fn check(cases: &[Case<'_>]) {
    check_from(secret_run, cases);
}

/// Runs all cases from a sound call, which is made for a folder of inputs and an output.
pub(crate) fn check_from(sound: impl Fn(&Path, &Path) -> Call, cases: &[Case<'_>]) {
    for (name, code, change, parts) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let (inputs, outputs) = (folder.path().join("inputs"), folder.path().join("outputs"));
        for path in [&inputs, &outputs] {
            std::fs::create_dir(path).expect("a folder");
        }
        let call = sound(&inputs, &outputs.join("new/report"));
        let refused = outcome(&mut change(&inputs, call).command());
        assert_refused(name, &refused, *code, parts);
        let left = std::fs::read_dir(&outputs).expect("the folder").count();
        assert_eq!(left, 0, "{name}: something is left behind");
    }
}

/// One sentence with the remedy, and the exit code.
pub(crate) fn assert_refused(name: &str, refused: &Outcome, code: i32, parts: &[&str]) {
    let message = &refused.stderr;
    assert_eq!(refused.code, Some(code), "{name}: {message}");
    let lines: Vec<&str> = message
        .lines()
        .filter(|line| !line.starts_with("varisk: warning: "))
        .collect();
    let [sentence] = lines[..] else {
        panic!("{name}: not one sentence: {message}");
    };
    assert!(sentence.starts_with("varisk: error: "), "{name}: {message}");
    assert!(!sentence.ends_with('.'), "{name}: {message}");
    for part in parts {
        assert!(
            sentence.contains(part),
            "{name}: '{part}' is not in: {message}"
        );
    }
    for secret in [SECRET_SAMPLE, SECRET_PATIENT] {
        assert!(!message.contains(secret), "{name}: {message}");
        assert!(!refused.stdout.contains(secret), "{name}");
    }
    for said in [message, &refused.stdout] {
        assert!(!names_somebody(said.as_bytes()), "{name}: {message}");
    }
}
