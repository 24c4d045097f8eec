//! The two demo models in plain Rust: what they say of the cohort, to standardise features, to
//! record metrics, and as the expectation the ONNX files are compared with.

use super::genome::{CONTIGS, Genome, M, X, Y, is_pseudoautosomal};
use super::genotypes::{Call, Record};
use super::normalise::Allele;
use super::patients::{Patient, affected};
use super::site::Site;
use crate::models::patient_risk::{self, PatientModel, Standardisation};
use crate::models::tokens::tokens;
use crate::models::variant_kmer::{Annotation, K, LEFT_FLANK, THRESHOLD, VariantModel, WINDOW};

/// Scores alleles with the variant model.
pub(crate) struct Scorer<'a> {
    genome: &'a Genome,
    model: VariantModel,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(genome: &'a Genome) -> Self {
        Self {
            genome,
            model: VariantModel::new(),
        }
    }

    /// The first alternate allele of a site, at a frequency.
    pub(crate) fn score_text(&self, site: &Site, frequency: f32) -> Option<f32> {
        let alternate = &site.alternates.first()?.text;
        let allele = Allele::normal(
            self.genome,
            site.contig,
            site.position,
            &site.reference,
            alternate,
        )?;
        self.score(&allele, frequency, frequency)
    }

    /// An allele; `None` if the window cannot show it whole.
    pub(crate) fn score(&self, allele: &Allele, info: f32, cohort: f32) -> Option<f32> {
        let longest = allele.reference.len().max(allele.alternate.len());
        if longest > WINDOW - LEFT_FLANK {
            return None;
        }
        let window =
            |middle: &[u8]| tokens(&allele.window(self.genome, middle, LEFT_FLANK, WINDOW), K);
        let annotation = Annotation {
            length_change: allele.alternate.len() as f32 - allele.reference.len() as f32,
            info_frequency: info,
            cohort_frequency: cohort,
        };
        Some(self.model.score(
            &window(&allele.reference),
            &window(&allele.alternate),
            annotation,
        ))
    }
}

/// What the fold gives a patient.
#[derive(Clone, Copy, Debug, Default)]
struct Burden {
    sum: f64,
    maximum: f64,
    above: f64,
    called: f64,
    assayed: f64,
}

impl Burden {
    fn features(&self) -> [f64; patient_risk::FEATURES] {
        let rate = if self.assayed == 0.0 {
            0.0
        } else {
            self.called / self.assayed
        };
        [self.sum, self.maximum, self.above, rate]
    }
}

/// One scored allele.
pub(crate) struct ScoredAllele {
    pub(crate) allele: Allele,
    pub(crate) score: f32,
}

/// What the models say of the cohort.
pub(crate) struct Evaluation {
    /// Distinct alleles in order; the first record's frequency counts.
    pub(crate) alleles: Vec<ScoredAllele>,
    pub(crate) standardisation: Standardisation,
    pub(crate) risks: Vec<f32>,
    /// Rank correlation of risk and true liability.
    pub(crate) rank_correlation: f64,
    /// Probability that an affected patient has a higher risk than another.
    pub(crate) auc: f64,
    /// Share of the causal alleles at or above the threshold.
    pub(crate) causal_found: f64,
    /// Share of the other alleles at or above the threshold.
    pub(crate) others_found: f64,
}

/// Evaluates both models.
pub(crate) fn evaluate(genome: &Genome, patients: &[Patient], records: &[Record]) -> Evaluation {
    let scorer = Scorer::new(genome);
    let mut burdens = vec![Burden::default(); patients.len()];
    let mut alleles = Vec::new();
    // Causal and other alleles: (at or above the threshold, all).
    let mut found = [(0.0, 0.0); 2];
    for record in records {
        let site = &record.site;
        for (index, alternate) in site.alternates.iter().enumerate() {
            let number = index as u8 + 1;
            let score = Allele::normal(
                genome,
                site.contig,
                site.position,
                &site.reference,
                &alternate.text,
            )
            .and_then(|allele| {
                let info = record.written_frequency(index) as f32;
                let score = scorer.score(&allele, info, record.frequency(index) as f32)?;
                alleles.push(ScoredAllele { allele, score });
                Some(score)
            });
            if let Some(score) = score {
                let counts = &mut found[usize::from(site.causal.is_none())];
                counts.0 += f64::from(u8::from(score >= THRESHOLD));
                counts.1 += 1.0;
            }
            for (patient, (call, burden)) in record.calls.iter().zip(&mut burdens).enumerate() {
                let male = patients[patient].male;
                if site.contig == Y && !male {
                    continue;
                }
                burden.assayed += 1.0;
                let Some(copies) = dosage(call, number, is_haploid(site, male)) else {
                    continue;
                };
                burden.called += 1.0;
                let Some(score) = score else { continue };
                burden.sum += f64::from(score) * f64::from(copies);
                if copies > 0 {
                    burden.maximum = burden.maximum.max(f64::from(score));
                    if score >= THRESHOLD {
                        burden.above += f64::from(copies);
                    }
                }
            }
        }
    }

    let features: Vec<_> = burdens.iter().map(Burden::features).collect();
    let standardisation: Standardisation = std::array::from_fn(|index| {
        let values: Vec<f64> = features.iter().map(|row| row[index]).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Two or four places are enough, and hide the last bit of the platform's exponential.
        let places = if index == 3 { 10_000.0 } else { 100.0 };
        let round = |value: f64| (value * places).round() / places;
        (
            round(mean),
            round((squares / values.len() as f64).sqrt()).max(1.0 / places),
        )
    });
    let model = PatientModel::new();
    let risks: Vec<f32> = patients
        .iter()
        .zip(&features)
        .map(|(patient, row)| {
            let standardised = std::array::from_fn(|index| {
                let (mean, std) = standardisation[index];
                ((row[index] - mean) / std) as f32
            });
            model.risk(covariates(patient), standardised)
        })
        .collect();
    let share = |(part, all): (f64, f64)| part / all;
    Evaluation {
        alleles,
        standardisation,
        rank_correlation: rank_correlation(patients, &risks),
        auc: auc(patients, &risks),
        risks,
        causal_found: share(found[0]),
        others_found: share(found[1]),
    }
}

/// Whether one copy is expected.
fn is_haploid(site: &Site, male: bool) -> bool {
    site.contig == M
        || (male && matches!(site.contig, X | Y) && !is_pseudoautosomal(site.contig, site.position))
}

/// Copies of an allele; `None` for a missing or partial call. A diploid call counts once where one
/// copy is expected.
fn dosage(call: &Call, allele: u8, haploid: bool) -> Option<u8> {
    let mut copies = 0;
    for carried in call.alleles() {
        copies += u8::from((*carried)? == allele);
    }
    if call.alleles().is_empty() {
        return None;
    }
    Some(if haploid { copies.min(1) } else { copies })
}

fn covariates(patient: &Patient) -> [f32; patient_risk::COVARIATES] {
    let number = |known: bool, value: f64, (mean, std): (f64, f64)| {
        if known {
            ((value - mean) / std) as f32
        } else {
            0.0
        }
    };
    let smokes = patient.smokes && !patient.unknown.smoker;
    let one_hot = |yes: bool| if yes { [0.0, 1.0] } else { [1.0, 0.0] };
    let [female, male] = one_hot(patient.male);
    let [no, yes] = one_hot(smokes);
    [
        number(!patient.unknown.age, patient.age as f64, patient_risk::AGE),
        number(
            !patient.unknown.bmi,
            patient.bmi_tenths as f64 / 10.0,
            patient_risk::BMI,
        ),
        female,
        male,
        no,
        yes,
    ]
}

/// Spearman's rank correlation; ties are so unlikely that ranks are taken as they come.
fn rank_correlation(patients: &[Patient], risks: &[f32]) -> f64 {
    let ranks = |order: &dyn Fn(usize, usize) -> std::cmp::Ordering| {
        let mut indices: Vec<usize> = (0..risks.len()).collect();
        indices.sort_by(|a, b| order(*a, *b));
        let mut ranks = vec![0_i64; risks.len()];
        for (rank, index) in indices.into_iter().enumerate() {
            ranks[index] = rank as i64;
        }
        ranks
    };
    let by_risk = ranks(&|a, b| risks[a].total_cmp(&risks[b]));
    let by_truth = ranks(&|a, b| patients[a].liability().cmp(&patients[b].liability()));
    let squares: i64 = by_risk
        .iter()
        .zip(&by_truth)
        .map(|(a, b)| (a - b).pow(2))
        .sum();
    let n = risks.len() as f64;
    1.0 - 6.0 * squares as f64 / (n * (n * n - 1.0))
}

fn auc(patients: &[Patient], risks: &[f32]) -> f64 {
    let affected = affected(patients);
    let (mut pairs, mut right) = (0.0, 0.0);
    for (ill, _) in affected.iter().enumerate().filter(|(_, ill)| **ill) {
        for (well, _) in affected.iter().enumerate().filter(|(_, ill)| !**ill) {
            pairs += 1.0;
            right += f64::from(u8::from(risks[ill] > risks[well]));
        }
    }
    right / pairs
}

/// `expected/variant-scores.csv`: the score of every distinct allele in its normal form.
pub(crate) fn scores_csv(evaluation: &Evaluation) -> String {
    let mut text = String::from("contig,position,ref,alt,score\n");
    let mut rows: Vec<_> = evaluation.alleles.iter().collect();
    rows.sort_by(|a, b| a.allele.cmp(&b.allele));
    rows.dedup_by(|a, b| a.allele == b.allele);
    for ScoredAllele { allele, score } in rows {
        let bases = |bases: &[u8]| String::from_utf8_lossy(bases).into_owned();
        text.push_str(&format!(
            "{},{},{},{},{score:.4}\n",
            CONTIGS[allele.contig].0,
            allele.position + 1,
            bases(&allele.reference),
            bases(&allele.alternate),
        ));
    }
    text
}
