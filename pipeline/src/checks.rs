//! What is checked of a plan before a record is read: flags that have no effect, features and
//! covariates that models ask for.

use std::path::Path;

use arrow::datatypes::{DataType, Schema};
use varisk_encode::{Bundle, EncodeError, Encoder, Manifest, PatientEncoder};
use varisk_risk::{ClinicalClass, KnownSelection, parse_burden_feature};
use varisk_score::check_graph;

use crate::annotation::Annotation;
use crate::arguments::{DosageChoice, LinesChoice};
use crate::exit::Refusal;
use crate::fold_plan::{FoldPlan, GeneBurdenPlan};
use crate::inputs::Inputs;
use crate::plan::Purpose;
use crate::settings::Settings;

/// What the burden of genes folds over, where there are consequences and patients.
pub(crate) fn gene_burden(
    settings: &Settings,
    annotation: &Annotation,
    patient: &[Bundle],
    inputs: &Inputs,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Option<GeneBurdenPlan>> {
    if !annotation.has_consequences {
        if settings.burden.is_some() {
            return Err(Refusal::Usage("--burden-frequency is for the burden of genes, which needs consequences; give gene models or --consequences from-info".to_owned()).into());
        }
        return Ok(None);
    }
    let names: Vec<String> = patient
        .iter()
        .flat_map(|bundle| &bundle.manifest.inputs)
        .filter_map(|input| match &input.encoder {
            Encoder::Feature(params) => Some(&params.features),
            _ => None,
        })
        .flatten()
        .map(|feature| feature.name.clone())
        .collect();
    if let Some((column, _)) = &settings.burden {
        let by_gene = annotation.is_by_gene(column);
        let field = annotation.schema.field_with_name(column);
        if by_gene || !field.is_ok_and(|field| *field.data_type() == DataType::Float64) {
            return Err(Refusal::Usage(format!("--burden-frequency {column} is no number of an allele or a position; name a field that holds a frequency")).into());
        }
    }
    let is_most_severe = settings.annotation.consequence_lines == LinesChoice::MostSevere;
    let asked = names
        .iter()
        .find(|name| parse_burden_feature(name).is_some());
    if let Some(name) = asked.filter(|_| is_most_severe) {
        return Err(Refusal::Usage(format!("a model needs '{name}', and with --consequence-lines most-severe an allele in several genes burdens only one of them; leave that flag out")).into());
    }
    if let Some(name) = asked.filter(|_| annotation.genes.is_none()) {
        warnings.push(format!("a model needs '{name}'; consequences that come from INFO do not say which genes there are, so a gene that is named nowhere has a burden of 0"));
    }
    if let Some(genes) = &annotation.genes {
        // A gene that no transcript names would have a burden of 0 in everybody.
        for name in &names {
            if let Some((gene, _)) = parse_burden_feature(name)
                && !genes.contains(&gene)
            {
                return Err(Refusal::Data(format!("feature '{name}' needs gene '{gene}', which the gene models do not have; use other gene models or another model")).into());
            }
        }
    }
    if !inputs.patients.is_empty()
        && settings.annotation.consequence_lines == LinesChoice::MostSevere
    {
        warnings.push("with --consequence-lines most-severe an allele in several genes burdens only that of its most severe line".to_owned());
    }
    Ok(Some(GeneBurdenPlan {
        frequency: settings.burden.clone(),
        features: names,
    }))
}

/// Which known alleles are reported, where there are patients and a source that knows any.
pub(crate) fn known_selection(
    settings: &Settings,
    annotation: &Annotation,
    inputs: &Inputs,
) -> anyhow::Result<Option<KnownSelection>> {
    let asked = settings.report_classes.as_deref();
    let classes = asked.unwrap_or(&ClinicalClass::REPORTED).to_vec();
    if classes.is_empty() || inputs.patients.is_empty() {
        return Ok(None);
    }
    let sources = annotation.clinical_sources();
    match (sources.is_empty(), asked) {
        (false, _) => Ok(Some(KnownSelection { sources, classes })),
        (true, None) => Ok(None),
        (true, Some(_)) => Err(Refusal::Usage("--report-classes is for alleles that a source of kind clinvar knows, and none is joined; name a bundle that has one with --knowledge, and leave its field 'significance' in --sources".to_owned()).into()),
    }
}

/// Columns with frequencies that folds need.
pub(crate) fn frequency_columns(settings: &Settings) -> Vec<&str> {
    let burden = settings.burden.iter().map(|(column, _)| column.as_str());
    let scores = settings.scores.frequencies.as_deref();
    burden.chain(scores).collect()
}

/// Dosages that no file has would be called genotypes in silence.
pub(crate) fn refuse_no_dosages(settings: &Settings, inputs: &Inputs) -> anyhow::Result<()> {
    let field = match settings.scores.dosages {
        DosageChoice::Gt => return Ok(()),
        DosageChoice::Ds => "DS",
        DosageChoice::Gp => "GP",
    };
    let files = inputs.own_files();
    if files.iter().any(|file| file.header().defines_format(field)) {
        return Ok(());
    }
    Err(Refusal::Data(format!(
        "no variant file defines the FORMAT field {field} that --dosages asks for; leave --dosages out, or give files with it"
    ))
    .into())
}

/// What is taken for a frequency must be a number.
pub(crate) fn refuse_no_frequency(settings: &Settings, schema: &Schema) -> anyhow::Result<()> {
    if let Some(column) = &settings.scores.frequencies {
        let field = schema.field_with_name(column);
        if !field.is_ok_and(|field| *field.data_type() == DataType::Float64) {
            return Err(Refusal::Usage(format!("--frequencies {column} is no number of an allele or a position; name a field that holds a frequency")).into());
        }
    }
    Ok(())
}

/// What speaks of patients has no place where there are none.
pub(crate) fn refuse_idle_flags(settings: &Settings, purpose: Purpose) -> anyhow::Result<()> {
    if purpose != Purpose::Score {
        if purpose == Purpose::Evidence && !settings.scores.is_empty() {
            return Err(Refusal::Usage("--score, --ancestry and --absolute-risk are for 'run' and 'prs'; leave them out of 'evidence'".to_owned()).into());
        }
        return Ok(());
    }
    let evidence = &settings.evidence;
    let idle = [
        ("--score", !settings.scores.files.is_empty()),
        ("--ancestry", settings.scores.ancestry.is_some()),
        ("--absolute-risk", !settings.scores.absolute_risk.is_empty()),
        ("--haplotypes", settings.haplotypes.is_some()),
        ("--burden-frequency", settings.burden.is_some()),
        ("--report-classes", settings.report_classes.is_some()),
        ("--absent-as-reference", evidence.absent_as_reference),
        ("--genotype-from-reads", evidence.genotype_from_reads),
        ("--callable", evidence.callable.is_some()),
    ];
    match idle.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Refusal::Usage(format!(
            "{flag} is about patients and 'score' has none; leave it out, or use 'run'"
        ))
        .into()),
        None => Ok(()),
    }
}

/// Flags about sites without a record, where every site has one.
pub(crate) fn flags_without_effect(settings: &Settings, inputs: &Inputs) -> Option<String> {
    let evidence = &settings.evidence;
    let asked = evidence.absent_as_reference || inputs.callable_of_the_run().next().is_some();
    let idle = inputs.files.len() < 2 || inputs.patients.is_empty();
    (idle && (asked || evidence.callable.is_some())).then(|| {
        "callable regions and --absent-as-reference have no effect here: every patient has a record at every site of a single file; they are for files of single patients, or for --sites".to_owned()
    })
}

/// Plans patient models against what the folds will give, so that a missing covariate or feature is
/// known before hours of reading.
pub(crate) fn check_patient_models(
    bundles: &[Bundle],
    fold: &FoldPlan,
    covariates: &[String],
    sheet: Option<&Path>,
    warnings: &mut Vec<String>,
) -> anyhow::Result<()> {
    let sheet = sheet.map_or_else(
        || "no samplesheet".to_owned(),
        |path| path.display().to_string(),
    );
    let mut names: Vec<String> = Vec::new();
    for analysis in fold.analyses() {
        let output = analysis.finish(&fold.patients)?;
        names.extend(output.features.iter().map(|(name, _)| name.to_owned()));
    }
    if let Some(context) = &fold.context.scores {
        names.extend(context.feature_names());
        if let Some((model, feature)) = context.lacks_panel() {
            return Err(Refusal::Data(format!("absolute risk model '{model}' needs '{feature}', which compares patients with a panel that the model needs; name one with --ancestry")).into());
        }
        for (model, _) in &context.absolute {
            for column in model.covariates() {
                if column != "sex" && !covariates.iter().any(|known| known == column) {
                    return Err(Refusal::Data(format!("{sheet}: absolute risk model '{}' needs the covariate '{column}'; add that column (cells may be empty where the factor is not required)", model.name())).into());
                }
            }
            model.check(&fold.patients, &names)?;
        }
    }
    for bundle in bundles {
        // Every samplesheet has the recorded sex, if only as unknown.
        let is_there = |name: &str| name == "sex" || covariates.iter().any(|own| own == name);
        refuse_missing_columns(&bundle.manifest, &sheet, is_there)?;
        let encoder = PatientEncoder::try_new(bundle, &fold.patients, &names);
        let encoder = encoder.map_err(|error| {
            let place = match &error {
                EncodeError::TextInNumberColumn { .. } => sheet.clone(),
                _ => format!("model '{}'", bundle.manifest.name),
            };
            Refusal::Data(format!("{place}: {error}"))
        })?;
        let empty = encoder.columns_without_values().iter();
        warnings.extend(empty.map(|column| format!("no patient has a value of '{column}': model '{}' does with what its manifest says for missing ones", bundle.manifest.name)));
        check_graph(bundle, encoder.tensors(), encoder.batch_size())?;
    }
    Ok(())
}

/// Refuses patients without a column that a model needs: what the manifest says for empty cells must
/// not stand for a column that was forgotten.
pub(crate) fn refuse_missing_columns(
    manifest: &Manifest,
    place: &str,
    is_there: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    for input in &manifest.inputs {
        let Encoder::Covariate(params) = &input.encoder else {
            continue;
        };
        if let Some(column) = params.columns.iter().find(|own| !is_there(&own.name)) {
            return Err(Refusal::Data(format!("{place}: model '{}' needs the covariate '{}'; add that column (cells may be empty where the model imputes)", manifest.name, column.name)).into());
        }
    }
    Ok(())
}

/// Whether a model takes frequencies in the cohort.
pub(crate) fn reads_cohort(bundle: &Bundle) -> bool {
    let mut encoders = bundle.manifest.inputs.iter().map(|input| &input.encoder);
    encoders.any(|encoder| {
        matches!(encoder, Encoder::Annotation(params)
            if params.features.iter().any(|feature| feature.name.starts_with("cohort.")))
    })
}

/// Frequencies in the cohort mean another thing, or nothing, where there is no cohort file.
pub(crate) fn cohort_warning(bundle: &Bundle, inputs: &Inputs) -> Option<String> {
    let name = &bundle.manifest.name;
    if !reads_cohort(bundle) {
        None
    } else if inputs.patients.is_empty() {
        Some(format!(
            "model '{name}' uses frequencies in the cohort, and there are no patients here: what its manifest says for missing ones stands in their place, so scores differ from those of 'run'"
        ))
    } else if inputs.files.len() > 1 {
        Some(format!(
            "model '{name}' uses frequencies in the cohort, and these are over the patients whose files have a record at the site: higher than in a cohort file, where files leave out the reference"
        ))
    } else {
        None
    }
}
