//! What differs between two runs as a whole, from their `run.json`. Paths are left out: a file is
//! known by its content.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use varisk_dossier::RunFolder;
use varisk_report::{FileRecord, ModelRecord, RunRecord, SourceRecord};

use crate::ComparisonError;

/// Build name of genomes that varisk has no name for.
const OTHER_BUILD: &str = "other";
/// The file whose hash stands for the reference.
const REFERENCE_INDEX: &str = "reference_index";
/// Kind of the sources that have classes of alleles.
const CLINVAR: &str = "clinvar";

/// What a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunIdentity {
    /// SHA-256 of its `run.json`.
    pub sha256: String,
    /// Version of varisk.
    pub varisk: String,
    /// The verb.
    pub verb: String,
    /// Patients in its tables.
    pub patients: u64,
    /// Its tables.
    pub tables: BTreeSet<String>,
}

/// A text that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextDifference {
    /// In run A; none where there was none.
    pub before: Option<String>,
    /// In run B.
    pub after: Option<String>,
}

/// Whether files are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Other hashes, or another number of files.
    Changed,
    /// No hash, and size or path do not say that they are the same: a stream, a moved file of reads.
    Unknown,
}

/// Input files of a role that differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputDifference {
    /// The role.
    pub role: String,
    /// Whether it is known that they differ.
    pub state: FileState,
    /// Hashes of the files in A only; null for a file without one.
    pub before: Vec<Option<String>>,
    /// Hashes of the files in B only.
    pub after: Vec<Option<String>>,
}

/// What a source or model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemState {
    /// Release or version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// SHA-256 of a model's manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
    /// What ran a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// A source or model that differs, came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedDifference {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// In run A; none where it was not there.
    pub before: Option<ItemState>,
    /// In run B.
    pub after: Option<ItemState>,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterDifference {
    /// Its name.
    pub name: String,
    /// In run A; null too where the run does not know it.
    pub before: Value,
    /// In run B.
    pub after: Value,
}

/// A count that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountDifference {
    /// Its name.
    pub name: String,
    /// In run A; none where it was not counted.
    pub before: Option<u64>,
    /// In run B.
    pub after: Option<u64>,
}

/// A source of classes that both runs have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourcePair {
    /// Its name in run A.
    pub a: String,
    /// Its name in run B.
    pub b: String,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunDifferences {
    /// Run A.
    pub a: RunIdentity,
    /// Run B.
    pub b: RunIdentity,
    /// Build of both.
    pub genome_build: String,
    /// Versions of varisk, where they differ.
    pub program: Option<TextDifference>,
    /// Releases of ONNX Runtime, where they differ.
    pub runtime: Option<TextDifference>,
    /// Input files, by role.
    pub inputs: Vec<InputDifference>,
    /// Knowledge sources, by kind and name.
    pub knowledge: Vec<NamedDifference>,
    /// Models, by kind and name.
    pub models: Vec<NamedDifference>,
    /// Settings, by name.
    pub parameters: Vec<ParameterDifference>,
    /// Counts, by name.
    pub counts: Vec<CountDifference>,
    /// Sources of classes that can be compared.
    pub class_sources: Vec<SourcePair>,
}

impl RunDifferences {
    /// What differs between two runs.
    ///
    /// # Errors
    /// Their builds or the versions of their tables differ, so that nothing can be compared.
    pub fn of(a: &RunFolder, b: &RunFolder) -> Result<Self, ComparisonError> {
        let (identities, a, b) = ([identity(a), identity(b)], a.record(), b.record());
        if a.schema_version != b.schema_version {
            return Err(ComparisonError::SchemaVersions {
                a: a.schema_version,
                b: b.schema_version,
            });
        }
        if a.genome_build != b.genome_build {
            return Err(ComparisonError::Builds {
                a: a.genome_build.clone(),
                b: b.genome_build.clone(),
            });
        }
        let inputs = inputs(&a.inputs, &b.inputs);
        let differ = inputs
            .iter()
            .any(|input| input.role == REFERENCE_INDEX && input.state == FileState::Changed);
        if a.genome_build == OTHER_BUILD && differ {
            return Err(ComparisonError::References);
        }
        let [own, other] = identities;
        Ok(Self {
            a: own,
            b: other,
            genome_build: a.genome_build.clone(),
            program: text(Some(&a.varisk), Some(&b.varisk)),
            runtime: text(
                a.onnxruntime_version.as_ref(),
                b.onnxruntime_version.as_ref(),
            ),
            inputs,
            knowledge: named(sources(a), sources(b)),
            models: named(models(a), models(b)),
            parameters: parameters(a, b),
            counts: counts(a, b),
            class_sources: class_sources(a, b),
        })
    }

    /// Whether the references are known to be different files.
    pub(crate) fn has_other_reference(&self) -> bool {
        self.input(REFERENCE_INDEX)
            .is_some_and(|input| input.state == FileState::Changed)
    }

    pub(crate) fn input(&self, role: &str) -> Option<&InputDifference> {
        self.inputs.iter().find(|input| input.role == role)
    }
}

fn identity(run: &RunFolder) -> RunIdentity {
    let record = run.record();
    RunIdentity {
        sha256: run.sha256().to_owned(),
        varisk: record.varisk.clone(),
        verb: record.verb.clone(),
        patients: record.patients,
        tables: run.tables().into_iter().map(str::to_owned).collect(),
    }
}

fn text(before: Option<&String>, after: Option<&String>) -> Option<TextDifference> {
    (before != after).then(|| TextDifference {
        before: before.cloned(),
        after: after.cloned(),
    })
}

fn inputs(a: &[FileRecord], b: &[FileRecord]) -> Vec<InputDifference> {
    let roles: BTreeSet<&str> = a.iter().chain(b).map(|file| file.role.as_str()).collect();
    roles
        .into_iter()
        .filter_map(|role| {
            let of = |files: &'_ [FileRecord]| -> Vec<FileRecord> {
                let own = files.iter().filter(|file| file.role == role);
                own.cloned().collect()
            };
            let (mut before, mut after) = (of(a), of(b));
            // The order of files does not matter to a run; each file of A goes with one of B.
            before.retain(|file| {
                let same = after.iter().position(|other| is_same_file(file, other));
                same.inspect(|place| {
                    after.swap_remove(*place);
                })
                .is_none()
            });
            if before.is_empty() && after.is_empty() {
                return None;
            }
            let is_unknown = before.len() == after.len()
                && before
                    .iter()
                    .chain(&after)
                    .all(|file| file.sha256.is_none())
                && may_be_same(&before, &after);
            let hashes = |files: Vec<FileRecord>| {
                let mut hashes: Vec<_> = files.into_iter().map(|file| file.sha256).collect();
                hashes.sort();
                hashes
            };
            Some(InputDifference {
                role: role.to_owned(),
                state: if is_unknown {
                    FileState::Unknown
                } else {
                    FileState::Changed
                },
                before: hashes(before),
                after: hashes(after),
            })
        })
        .collect()
}

/// Files with the same hash; of those without one (the reference, files of reads) such of the same
/// size, and unless it is the reference the same path. A stream has neither hash nor size.
fn is_same_file(a: &FileRecord, b: &FileRecord) -> bool {
    match (&a.sha256, &b.sha256) {
        (Some(a), Some(b)) => a == b,
        // The reference has its index under a role of its own, which differs where it does.
        (None, None) => {
            a.bytes.is_some() && a.bytes == b.bytes && (a.role == "reference" || a.path == b.path)
        }
        _ => false,
    }
}

/// Whether files without hashes could be the same by their sizes.
fn may_be_same(a: &[FileRecord], b: &[FileRecord]) -> bool {
    let sizes = |files: &[FileRecord]| {
        let mut sizes: Vec<_> = files.iter().map(|file| file.bytes).collect();
        sizes.sort_unstable();
        sizes
    };
    sizes(a) == sizes(b)
}

type Named = BTreeMap<(String, String), ItemState>;

fn sources(run: &RunRecord) -> Named {
    let state = |source: &SourceRecord| ItemState {
        version: source.release.clone(),
        sha256: source.sha256.clone(),
        manifest_sha256: None,
        provider: None,
    };
    run.knowledge
        .iter()
        .map(|source| ((source.kind.clone(), source.name.clone()), state(source)))
        .collect()
}

fn models(run: &RunRecord) -> Named {
    let state = |model: &ModelRecord| ItemState {
        version: model.version.clone(),
        sha256: model.sha256.clone(),
        manifest_sha256: Some(model.manifest_sha256.clone()),
        provider: Some(model.provider.clone()),
    };
    run.models
        .iter()
        .map(|model| ((model.kind.clone(), model.name.clone()), state(model)))
        .collect()
}

fn named(mut a: Named, mut b: Named) -> Vec<NamedDifference> {
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).cloned().collect();
    keys.into_iter()
        .filter_map(|key| {
            let (before, after) = (a.remove(&key), b.remove(&key));
            (before != after).then_some(NamedDifference {
                kind: key.0,
                name: key.1,
                before,
                after,
            })
        })
        .collect()
}

fn parameters(a: &RunRecord, b: &RunRecord) -> Vec<ParameterDifference> {
    let names = |run: &RunRecord| -> BTreeSet<String> {
        let object = run.parameters.as_object();
        object
            .map(|own| own.keys().cloned().collect())
            .unwrap_or_default()
    };
    let all: BTreeSet<String> = names(a).union(&names(b)).cloned().collect();
    all.into_iter()
        .filter_map(|name| {
            let value = |run: &RunRecord| run.parameters.get(&name).cloned().unwrap_or_default();
            let (before, after) = (value(a), value(b));
            (before != after).then_some(ParameterDifference {
                name,
                before,
                after,
            })
        })
        .collect()
}

fn counts(a: &RunRecord, b: &RunRecord) -> Vec<CountDifference> {
    let names: BTreeSet<&String> = a.counts.keys().chain(b.counts.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let (before, after) = (a.counts.get(name).copied(), b.counts.get(name).copied());
            (before != after).then(|| CountDifference {
                name: name.clone(),
                before,
                after,
            })
        })
        .collect()
}

/// Sources of classes of the same name; if one is left over on each side, these two: bundles may
/// name them differently.
fn class_sources(a: &RunRecord, b: &RunRecord) -> Vec<SourcePair> {
    let names = |run: &RunRecord| -> BTreeSet<String> {
        let own = run.knowledge.iter().filter(|own| own.kind == CLINVAR);
        own.map(|source| source.name.clone()).collect()
    };
    let (a, b) = (names(a), names(b));
    let mut pairs: Vec<SourcePair> = a
        .intersection(&b)
        .map(|name| SourcePair {
            a: name.clone(),
            b: name.clone(),
        })
        .collect();
    let (left, right): (Vec<_>, Vec<_>) = (
        a.difference(&b).cloned().collect(),
        b.difference(&a).cloned().collect(),
    );
    if let ([a], [b]) = (left.as_slice(), right.as_slice()) {
        pairs.push(SourcePair {
            a: a.clone(),
            b: b.clone(),
        });
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(role: &str, path: &str, sha256: Option<&str>, bytes: Option<u64>) -> FileRecord {
        FileRecord {
            role: role.to_owned(),
            path: path.to_owned(),
            sha256: sha256.map(str::to_owned),
            bytes,
        }
    }

    #[test]
    fn files_are_known_by_their_content() {
        use FileState::{Changed, Unknown};
        let check = |a: &[FileRecord], b: &[FileRecord], expected: Option<FileState>| {
            let found = inputs(a, b);
            assert_eq!(
                found.first().map(|input| input.state),
                expected,
                "{a:?} {b:?}"
            );
        };
        let one = || file("variants", "a.vcf", Some("1"), Some(1));
        let two = || file("variants", "b.vcf", Some("2"), Some(1));
        check(&[one(), two()], &[two(), one()], None);
        let moved = file("variants", "elsewhere.vcf", Some("1"), Some(1));
        check(&[one()], &[moved], None);
        check(&[one()], &[two()], Some(Changed));
        check(&[one(), one()], &[one()], Some(Changed));
        check(&[one()], &[], Some(Changed));
        let stream = || file("variants", "-", None, None);
        check(&[stream()], &[stream()], Some(Unknown));
        check(&[one()], &[stream()], Some(Changed));
        let reads = |path, bytes| file("alignment", path, None, Some(bytes));
        check(&[reads("a.bam", 5)], &[reads("a.bam", 5)], None);
        check(&[reads("a.bam", 5)], &[reads("b.bam", 5)], Some(Unknown));
        check(&[reads("a.bam", 5)], &[reads("a.bam", 6)], Some(Changed));
        let genome = |path, bytes| file("reference", path, None, Some(bytes));
        check(&[genome("a.fa", 5)], &[genome("b.fa", 5)], None);
    }
}
