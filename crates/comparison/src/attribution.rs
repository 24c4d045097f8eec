//! Which differences between two runs a change may come from.
//!
//! Each kind of change depends on some files, sources, models and settings and on no others. Those of
//! them that differ between the runs are its possible causes; what the patient's records rule out is
//! left out. One cause alone is the cause; of several none is preferred.

mod settings;

use std::sync::Arc;

use varisk_dossier::Risk;

use crate::runs::{FileState, InputDifference, ItemState, NamedDifference, RunDifferences};
use crate::{Cause, CauseKind};
use settings::{Group, group};

/// Roles of the files that say which sites are looked at and what patients have there.
const PATIENT_ROLES: [&str; 7] = [
    "variants",
    "samplesheet",
    "alignment",
    "callable",
    "sites",
    "regions",
    "par",
];
/// The file with covariates.
const SAMPLESHEET: &str = "samplesheet";
/// Roles of the reference.
const REFERENCE_ROLES: [&str; 2] = ["reference", "reference_index"];
/// Sources of kinds that no run joins onto alleles or genes.
const PANEL: &str = "ancestry_panel";
const GENE_MODELS: &str = "gene_models";
const RISK_TABLES: [&str; 4] = ["log_relative_risks", "incidence", "mortality", "reference"];

/// The word of the setting `consequences` for those of the variant file.
const FROM_INFO: &str = "from-info";

type Causes = Vec<Arc<Cause>>;

/// What the records say of a risk item of a patient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RiskFacts {
    /// The patient's features are the same in both runs: only covariates and the model itself are left.
    pub(crate) same_features: bool,
    /// What the panel says differs too, or may.
    pub(crate) with_panel: bool,
    /// Each run has the item for somebody, so that its file did not come or go.
    pub(crate) is_item_of_both: bool,
}

/// The differences between two runs as causes.
pub(crate) struct Attribution {
    knowledge: Vec<(String, Arc<Cause>)>,
    variant_models: Causes,
    patient_models: Causes,
    inputs: Causes,
    parameters: Vec<(Group, Arc<Cause>)>,
    runtime: Causes,
    program: Option<Arc<Cause>>,
    /// Names of the paired class sources, in A and in B, with what differs.
    classes: Vec<Option<Arc<Cause>>>,
    /// Scores look something up in the sources.
    scores_use_knowledge: bool,
    /// A run read its consequences from INFO of the variant file.
    consequences_from_info: bool,
}

impl Attribution {
    /// `settings` are the parameters of both runs, whether they differ or not.
    pub(crate) fn new(runs: &RunDifferences, settings: [&serde_json::Value; 2]) -> Self {
        let knowledge =
            |own: &NamedDifference| (own.kind.clone(), cause(CauseKind::Knowledge, own));
        let of_kind = |kind: &str| -> Causes {
            let own = runs.models.iter().filter(|model| model.kind == kind);
            own.filter(|own| is_other_model(own))
                .map(|own| cause(CauseKind::Model, own))
                .collect()
        };
        let mut runtime: Causes = Vec::new();
        if let Some(versions) = &runs.runtime {
            runtime.push(Arc::new(Cause {
                kind: CauseKind::Runtime,
                name: "onnxruntime".to_owned(),
                before: versions.before.clone(),
                after: versions.after.clone(),
            }));
        }
        for model in &runs.models {
            let provider = |state: &Option<ItemState>| state.as_ref()?.provider.clone();
            let (before, after) = (provider(&model.before), provider(&model.after));
            if before.is_some() && after.is_some() && before != after {
                runtime.push(Arc::new(Cause {
                    kind: CauseKind::Runtime,
                    name: format!("provider of {}", model.name),
                    before,
                    after,
                }));
            }
        }
        let parameters = runs.parameters.iter().map(|own| {
            let cause = Cause {
                kind: CauseKind::Parameter,
                name: own.name.clone(),
                before: Some(own.before.to_string()),
                after: Some(own.after.to_string()),
            };
            (group(&own.name), Arc::new(cause))
        });
        let classes = runs
            .class_sources
            .iter()
            .map(|pair| class_cause(runs, pair));
        let looks_up = |name: &str| settings.iter().any(|own| own[name].is_string());
        Self {
            knowledge: runs.knowledge.iter().map(knowledge).collect(),
            variant_models: of_kind("variant"),
            patient_models: of_kind("patient"),
            inputs: runs.inputs.iter().map(input_cause).collect(),
            parameters: parameters.collect(),
            runtime,
            program: runs.program.as_ref().map(|versions| {
                Arc::new(Cause {
                    kind: CauseKind::Program,
                    name: "varisk".to_owned(),
                    before: versions.before.clone(),
                    after: versions.after.clone(),
                })
            }),
            classes: classes.collect(),
            consequences_from_info: settings
                .iter()
                .any(|own| own["consequences"].as_str() == Some(FROM_INFO)),
            scores_use_knowledge: looks_up("rsids") || looks_up("frequencies"),
        }
    }

    /// Another class of an allele by the source of a pair: the source, or how it is read.
    pub(crate) fn class(&self, pair: usize) -> Causes {
        let source = self.classes.get(pair).cloned().flatten();
        let mut causes: Causes = source.into_iter().collect();
        self.program(&mut causes);
        causes
    }

    /// Another call, or a patient or an allele that is there in one run only.
    pub(crate) fn calls(&self) -> Causes {
        let mut causes = Vec::new();
        self.inputs(&mut causes, &PATIENT_ROLES);
        self.inputs(&mut causes, &REFERENCE_ROLES);
        self.parameters(&mut causes, &[Group::Calls]);
        self.program(&mut causes);
        causes
    }

    /// An allele that a source reports in one run only, though its class is the same.
    pub(crate) fn reported(&self) -> Causes {
        let mut causes = Vec::new();
        self.inputs(&mut causes, &PATIENT_ROLES);
        self.inputs(&mut causes, &REFERENCE_ROLES);
        self.parameters(&mut causes, &[Group::Calls, Group::Lists]);
        self.program(&mut causes);
        causes
    }

    /// Another consequence of an allele.
    pub(crate) fn consequence(&self) -> Causes {
        let mut causes = Vec::new();
        self.knowledge(&mut causes, &|kind, _| kind == GENE_MODELS);
        self.inputs(&mut causes, &["gene_models"]);
        if self.consequences_from_info {
            self.inputs(&mut causes, &["variants"]);
        }
        self.inputs(&mut causes, &REFERENCE_ROLES);
        self.parameters(&mut causes, &[Group::Consequences]);
        self.program(&mut causes);
        // The file of --gene-models is recorded as a source too.
        if causes
            .iter()
            .any(|cause| cause.kind == CauseKind::Knowledge)
        {
            causes.retain(|cause| cause.name != "gene_models" || cause.kind != CauseKind::Input);
        }
        causes
    }

    /// Another score of an allele. `same_annotations` where all that is known of the allele beside the
    /// scores is the same in both runs: then a source cannot have changed the score.
    pub(crate) fn score(&self, model: &str, same_annotations: bool) -> Causes {
        let mut causes: Causes = self.model(&self.variant_models, model);
        self.runtime(&mut causes, model);
        if !same_annotations {
            self.knowledge(&mut causes, &|kind, _| is_joined(kind));
            self.parameters(&mut causes, &[Group::Consequences]);
        }
        // Models may read INFO and what reads say.
        self.inputs(&mut causes, &["variants", "alignment"]);
        self.inputs(&mut causes, &REFERENCE_ROLES);
        self.parameters(&mut causes, &[Group::Models]);
        self.program(&mut causes);
        causes
    }

    /// An allele that is among the top of a model in one run only: its own score, or those of the
    /// patient's other alleles, or the calls.
    pub(crate) fn listed(&self, model: &str) -> Causes {
        let mut causes = self.score(model, false);
        causes.extend(self.reported());
        each_once(causes)
    }

    /// Another result of a risk item, or an item in one run only.
    pub(crate) fn risk(
        &self,
        (before, after): (Option<&Risk>, Option<&Risk>),
        known: RiskFacts,
    ) -> Causes {
        let Some(risk) = after.or(before) else {
            return Vec::new();
        };
        let mut causes = Vec::new();
        let own_file = scoring_file(before, after)
            .filter(|_| !known.is_item_of_both || (before.is_some() && after.is_some()));
        match risk.kind.as_str() {
            "polygenic_score" => {
                causes.extend(own_file);
                self.polygenic(&mut causes, known.with_panel);
                self.all_calls(&mut causes);
            }
            "absolute_risk" => {
                causes.extend(own_file);
                let own = format!("{}: ", risk.model);
                self.knowledge(&mut causes, &|kind, name| {
                    RISK_TABLES.contains(&kind) && name.starts_with(&own)
                });
                if known.same_features {
                    self.inputs(&mut causes, &[SAMPLESHEET]);
                    self.unknown_parameters(&mut causes);
                } else {
                    self.inputs(&mut causes, &["scoring_file"]);
                    self.polygenic(&mut causes, true);
                    self.burdens(&mut causes);
                    self.all_calls(&mut causes);
                }
            }
            _ => {
                causes.extend(self.model(&self.patient_models, &risk.model));
                self.runtime(&mut causes, &risk.model);
                if known.same_features {
                    self.inputs(&mut causes, &[SAMPLESHEET]);
                    self.parameters(&mut causes, &[Group::Models]);
                } else {
                    self.inputs(&mut causes, &["scoring_file"]);
                    self.polygenic(&mut causes, true);
                    self.burdens(&mut causes);
                    self.all_calls(&mut causes);
                }
            }
        }
        self.program(&mut causes);
        each_once(causes)
    }

    /// What polygenic scores rest on beside their own files and calls.
    fn polygenic(&self, causes: &mut Causes, with_panel: bool) {
        let use_knowledge = self.scores_use_knowledge;
        self.knowledge(causes, &|kind, _| {
            (kind == PANEL && (with_panel || use_knowledge)) || (use_knowledge && is_joined(kind))
        });
        self.parameters(causes, &[Group::Scores]);
    }

    /// What burdens of genes and variant models rest on beside calls.
    fn burdens(&self, causes: &mut Causes) {
        causes.extend(self.variant_models.iter().cloned());
        causes.extend(self.runtime.iter().cloned());
        self.knowledge(causes, &|kind, _| is_joined(kind) || kind == PANEL);
        let groups = [Group::Consequences, Group::Burden, Group::Models];
        self.parameters(causes, &groups);
    }

    fn all_calls(&self, causes: &mut Causes) {
        self.inputs(causes, &PATIENT_ROLES);
        self.inputs(causes, &REFERENCE_ROLES);
        self.parameters(causes, &[Group::Calls]);
    }

    fn model(&self, models: &Causes, name: &str) -> Causes {
        let own = models.iter().filter(|model| model.name == name);
        own.cloned().collect()
    }

    fn runtime(&self, causes: &mut Causes, model: &str) {
        let provider = format!("provider of {model}");
        let own = self.runtime.iter();
        causes.extend(
            own.filter(|cause| cause.name == "onnxruntime" || cause.name == provider)
                .cloned(),
        );
    }

    fn knowledge(&self, causes: &mut Causes, is_wanted: &dyn Fn(&str, &str) -> bool) {
        for (kind, cause) in &self.knowledge {
            if is_wanted(kind, &cause.name) {
                causes.push(Arc::clone(cause));
            }
        }
    }

    fn inputs(&self, causes: &mut Causes, roles: &[&str]) {
        let own = self.inputs.iter();
        causes.extend(
            own.filter(|own| roles.contains(&own.name.as_str()))
                .cloned(),
        );
    }

    fn parameters(&self, causes: &mut Causes, groups: &[Group]) {
        for (group, cause) in &self.parameters {
            if groups.contains(group) {
                causes.push(Arc::clone(cause));
            }
        }
        self.unknown_parameters(causes);
    }

    fn unknown_parameters(&self, causes: &mut Causes) {
        for (group, cause) in &self.parameters {
            if *group == Group::Unknown && !causes.contains(cause) {
                causes.push(Arc::clone(cause));
            }
        }
    }

    fn program(&self, causes: &mut Causes) {
        causes.extend(self.program.iter().cloned());
    }
}

/// The causes without repeats.
pub(crate) fn each_once(causes: Causes) -> Causes {
    let mut once: Causes = Vec::new();
    for cause in causes {
        if !once.contains(&cause) {
            once.push(cause);
        }
    }
    once
}

/// Sources that are joined onto alleles, positions or genes.
fn is_joined(kind: &str) -> bool {
    kind != PANEL && !RISK_TABLES.contains(&kind)
}

/// Whether the model itself differs, and not only what ran it.
fn is_other_model(model: &NamedDifference) -> bool {
    let own = |state: &Option<ItemState>| {
        let state = state.as_ref()?;
        Some((
            state.version.clone(),
            state.sha256.clone(),
            state.manifest_sha256.clone(),
        ))
    };
    own(&model.before) != own(&model.after)
}

fn cause(kind: CauseKind, own: &NamedDifference) -> Arc<Cause> {
    let (before, after) = versions(own.before.as_ref(), own.after.as_ref());
    Arc::new(Cause {
        kind,
        name: own.name.clone(),
        before,
        after,
    })
}

/// Versions in words; with the hashes where the words are the same.
fn versions(
    before: Option<&ItemState>,
    after: Option<&ItemState>,
) -> (Option<String>, Option<String>) {
    let are_same = before.map(|own| &own.version) == after.map(|own| &own.version);
    let word = |state: &ItemState| {
        // Scoring files may have no version.
        if state.version.is_empty() {
            return format!("sha256 {}", short(&state.sha256));
        }
        if !are_same {
            return state.version.clone();
        }
        let manifest = state.manifest_sha256.as_deref().map(short);
        let manifest = manifest.map(|own| format!(", manifest {own}"));
        format!(
            "{} (sha256 {}{})",
            state.version,
            short(&state.sha256),
            manifest.unwrap_or_default()
        )
    };
    (before.map(word), after.map(word))
}

/// Enough of a hash to tell two apart by eye.
fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

fn input_cause(input: &InputDifference) -> Arc<Cause> {
    // Hashes of many files say nothing in a sentence.
    let words = |hashes: &[Option<String>]| match hashes {
        [Some(one)] => Some(short(one).to_owned()),
        _ => None,
    };
    let (before, after) = (words(&input.before), words(&input.after));
    let is_unknown = input.state == FileState::Unknown;
    Arc::new(Cause {
        kind: CauseKind::Input,
        name: input.role.clone(),
        before: if is_unknown {
            Some("not hashed".to_owned())
        } else {
            before
        },
        after: if is_unknown {
            Some("not hashed".to_owned())
        } else {
            after
        },
    })
}

fn class_cause(runs: &RunDifferences, pair: &crate::SourcePair) -> Option<Arc<Cause>> {
    let find = |name: &str| {
        let mut own = runs.knowledge.iter();
        own.find(|own| own.kind == "clinvar" && own.name == name)
    };
    if pair.a == pair.b {
        return find(&pair.b).map(|own| cause(CauseKind::Knowledge, own));
    }
    // Of other names, each is there in one run only.
    let before = find(&pair.a).and_then(|own| own.before.as_ref());
    let after = find(&pair.b).and_then(|own| own.after.as_ref());
    let is_same = before.map(|own| &own.sha256) == after.map(|own| &own.sha256);
    let (before, after) = versions(before, after);
    (!is_same).then(|| {
        Arc::new(Cause {
            kind: CauseKind::Knowledge,
            name: format!("{} / {}", pair.a, pair.b),
            before,
            after,
        })
    })
}

/// The scoring file or absolute risk model of an item, if it is another one.
fn scoring_file(before: Option<&Risk>, after: Option<&Risk>) -> Option<Arc<Cause>> {
    let state = |risk: &Risk| ItemState {
        version: risk.model_version.clone(),
        sha256: risk.model_sha256.clone(),
        manifest_sha256: None,
        provider: None,
    };
    let name = &after.or(before)?.model;
    let (before, after) = (before.map(state), after.map(state));
    if before == after {
        return None;
    }
    let (before, after) = versions(before.as_ref(), after.as_ref());
    Some(Arc::new(Cause {
        kind: CauseKind::Model,
        name: name.clone(),
        before,
        after,
    }))
}
