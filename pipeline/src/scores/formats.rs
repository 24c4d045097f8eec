//! Scores in the layouts of other programs: `plink2 --score` and pgsc_calc.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use varisk_core::Patient;
use varisk_report::ReportError;

use super::outcome::Outcome;
use crate::arguments::ScoreFormatChoice;

/// Folder of the files in plink2's layout, one for each score: what is counted differs by score.
const SSCORE_FOLDER: &str = "sscore";

/// Writes the scores in the layouts that were asked for, of the patients with these numbers in their
/// order.
pub(crate) fn write_formats(
    folder: &Path,
    patients: &[Patient],
    order: &[usize],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    // Each patient with the number that results are asked for by.
    let patients: Vec<(usize, &Patient)> = order.iter().map(|at| (*at, &patients[*at])).collect();
    let patients = patients.as_slice();
    if outcome.scores() == 0 {
        return Ok(());
    }
    for format in &outcome.settings.formats {
        match format {
            ScoreFormatChoice::Sscore => sscore(folder, patients, outcome)?,
            ScoreFormatChoice::PgscCalc => {
                aggregated(folder, patients, outcome)?;
                if outcome.placements.is_some() {
                    adjusted(folder, patients, outcome)?;
                    similarity(folder, patients, outcome)?;
                }
            }
        }
    }
    Ok(())
}

/// Writes a file, plain or gzip by its name.
fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let failed = |source| ReportError::Write {
        path: path.to_owned(),
        source,
    };
    let mut file = BufWriter::new(File::create_new(path).map_err(failed)?);
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut gzip = GzEncoder::new(file, Compression::default());
        fill(&mut gzip)?;
        gzip.finish()
            .and_then(|mut file| file.flush())
            .map_err(failed)?;
    } else {
        fill(&mut file)?;
        file.flush().map_err(failed)?;
    }
    Ok(())
}

fn sscore(
    folder: &Path,
    patients: &[(usize, &Patient)],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    let Some(plan) = &outcome.context.plan else {
        return Ok(());
    };
    let folder = folder.join(SSCORE_FOLDER);
    std::fs::create_dir(&folder).map_err(|source| ReportError::Create {
        path: folder.clone(),
        source,
    })?;
    for (score, info) in plan.scores().iter().enumerate() {
        write(&folder.join(format!("{}.sscore", info.name)), |out| {
            let name = &info.name;
            writeln!(
                out,
                "#IID\tALLELE_CT\tNAMED_ALLELE_DOSAGE_SUM\t{name}_AVG\t{name}_SUM"
            )?;
            for (patient, own) in patients {
                let Some(judged) = outcome.judged(score, *patient) else {
                    continue;
                };
                let is_computed = judged.value.is_ok();
                let or_none = |value: Option<f64>| match value.filter(|_| is_computed) {
                    Some(value) => value.to_string(),
                    None => "NA".to_owned(),
                };
                writeln!(
                    out,
                    "{}\t{}\t{}\t{}\t{}",
                    own.id,
                    judged.score.allele_count,
                    or_none(judged.score.dosage_sum),
                    or_none(Some(judged.score.average)),
                    or_none(Some(judged.score.sum)),
                )?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A number as other programs read it; nothing where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn aggregated(
    folder: &Path,
    patients: &[(usize, &Patient)],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    let set = &outcome.settings.sampleset;
    write(&folder.join("aggregated_scores.txt.gz"), |out| {
        writeln!(out, "sampleset\tIID\tPGS\tSUM\tDENOM\tAVG")?;
        for (id, name, score, patient) in rows(patients, outcome) {
            let Some(judged) = outcome.judged(score, patient) else {
                continue;
            };
            let has_value = judged.value.is_ok();
            writeln!(
                out,
                "{set}\t{id}\t{name}\t{}\t{}\t{}",
                number(has_value.then_some(judged.score.sum)),
                judged.score.denominator,
                number(has_value.then_some(judged.score.average)),
            )?;
        }
        Ok(())
    })
}

fn adjusted(
    folder: &Path,
    patients: &[(usize, &Patient)],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    let set = &outcome.settings.sampleset;
    write(&folder.join(format!("{set}_pgs.txt.gz")), |out| {
        writeln!(
            out,
            "sampleset\tIID\tPGS\tSUM\tZ_MostSimilarPop\tZ_norm1\tZ_norm2\tpercentile_MostSimilarPop"
        )?;
        for (id, name, score, patient) in rows(patients, outcome) {
            let Some(judged) = outcome.judged(score, patient) else {
                continue;
            };
            let own = &judged.adjusted;
            writeln!(
                out,
                "{set}\t{id}\t{name}\t{}\t{}\t{}\t{}\t{}",
                number(judged.score.panel_sum.filter(|_| judged.value.is_ok())),
                number(own.z_most_similar),
                number(own.z_norm1),
                number(own.z_norm2),
                number(own.percentile),
            )?;
        }
        Ok(())
    })
}

fn similarity(
    folder: &Path,
    patients: &[(usize, &Patient)],
    outcome: &Outcome<'_>,
) -> anyhow::Result<()> {
    let (Some(panel), Some(placements)) = (&outcome.context.panel, &outcome.placements) else {
        return Ok(());
    };
    let set = &outcome.settings.sampleset;
    write(&folder.join(format!("{set}_popsimilarity.txt.gz")), |out| {
        write!(out, "sampleset\tIID")?;
        for component in 1..=panel.components() {
            write!(out, "\tPC{component}")?;
        }
        writeln!(out, "\tMostSimilarPop\tMostSimilarPop_LowConfidence")?;
        for (patient, own) in patients {
            let Some(placement) = placements.get(*patient) else {
                continue;
            };
            write!(out, "{set}\t{}", own.id)?;
            for component in 0..panel.components() {
                let value = placement.components.as_ref();
                let value = value.and_then(|values| values.get(component).copied());
                write!(out, "\t{}", number(value))?;
            }
            let population = outcome.population(placement.population);
            writeln!(
                out,
                "\t{}\t{}",
                population.unwrap_or_default(),
                if placement.reason.is_some() {
                    "True"
                } else {
                    "False"
                }
            )?;
        }
        Ok(())
    })
}

/// Every patient and score: identifier, name of the score, and both as numbers.
fn rows<'o>(
    patients: &'o [(usize, &'o Patient)],
    outcome: &'o Outcome<'_>,
) -> impl Iterator<Item = (&'o str, &'o str, usize, usize)> {
    let infos = outcome.context.plan.iter().flat_map(|plan| plan.scores());
    infos.enumerate().flat_map(move |(score, info)| {
        patients
            .iter()
            .map(move |(patient, own)| (own.id.as_str(), info.name.as_str(), score, *patient))
    })
}
