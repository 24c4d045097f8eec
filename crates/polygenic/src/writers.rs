//! Layouts of other programs: the `.sscore` of plink2 and the long table of pgsc_calc.

use std::io::{self, Write};

use crate::{PolygenicError, ScoreResults};

/// Writes one score as plink2 does with `--score ... cols=+scoresums`: `#IID`, `ALLELE_CT`,
/// `NAMED_ALLELE_DOSAGE_SUM`, `<score>_AVG`, `<score>_SUM`. Patients without a score have `NA`; so
/// has the sum of dosages where it was not added up.
///
/// # Errors
/// The output cannot be written.
pub fn write_sscore(
    results: &ScoreResults,
    score: usize,
    patients: &[&str],
    out: &mut dyn Write,
) -> Result<(), PolygenicError> {
    let name = &results.info(score).name;
    let mut write = || -> io::Result<()> {
        writeln!(
            out,
            "#IID\tALLELE_CT\tNAMED_ALLELE_DOSAGE_SUM\t{name}_AVG\t{name}_SUM"
        )?;
        for (patient, id) in patients.iter().enumerate() {
            let result = results.patient(score, patient);
            write!(out, "{id}\t{}", result.allele_count)?;
            match result.dosage_sum {
                Some(dosages) => write!(out, "\t{dosages}")?,
                None => write!(out, "\tNA")?,
            }
            if result.reason.is_some() {
                writeln!(out, "\tNA\tNA")?;
            } else {
                writeln!(out, "\t{}\t{}", result.average, result.sum)?;
            }
        }
        out.flush()
    };
    write().map_err(|source| PolygenicError::Write { source })
}

/// Writes all scores as the `aggregated_scores.txt` of pgsc_calc: `sampleset`, `IID`, `PGS`, `SUM`,
/// `DENOM` (copies), `AVG`; score by score, patients in order. Patients without a score have no row,
/// as there. Compression is the caller's.
///
/// # Errors
/// The output cannot be written.
pub fn write_aggregated(
    results: &ScoreResults,
    sampleset: &str,
    patients: &[&str],
    out: &mut dyn Write,
) -> Result<(), PolygenicError> {
    let mut write = || -> io::Result<()> {
        writeln!(out, "sampleset\tIID\tPGS\tSUM\tDENOM\tAVG")?;
        for score in 0..results.scores() {
            let name = &results.info(score).name;
            for (patient, id) in patients.iter().enumerate() {
                let result = results.patient(score, patient);
                if result.reason.is_none() {
                    writeln!(
                        out,
                        "{sampleset}\t{id}\t{name}\t{}\t{}\t{}",
                        result.sum, result.denominator, result.average
                    )?;
                }
            }
        }
        out.flush()
    };
    write().map_err(|source| PolygenicError::Write { source })
}
