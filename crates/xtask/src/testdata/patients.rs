//! The 48 patients, what is true of them, and the samplesheets.

use crate::random::Random;

/// Number of patients.
pub(crate) const PATIENTS: usize = 48;
/// Patients whose files of their own are written too.
pub(crate) const WITH_FILES: usize = 4;
/// The most liable patients are affected: one in three.
pub(crate) const AFFECTED: usize = PATIENTS / 3;

/// A patient. Liabilities are in thousandths of a unit, so that they are exact.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    pub(crate) male: bool,
    pub(crate) age: u64,
    /// In tenths of kg/m2.
    pub(crate) bmi_tenths: u64,
    pub(crate) smokes: bool,
    /// Which cells the samplesheet leaves empty.
    pub(crate) unknown: Unknown,
    /// Weight with which causal alleles fall on the patient.
    pub(crate) load: u64,
    noise: i64,
    /// Sum over causal alleles of dosage times effect.
    pub(crate) genetic: i64,
}

/// Cells that the samplesheet leaves empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unknown {
    pub(crate) age: bool,
    pub(crate) bmi: bool,
    pub(crate) smoker: bool,
}

impl Patient {
    /// Liability in thousandths: causal variants, covariates, noise.
    pub(crate) fn liability(&self) -> i64 {
        let age = 25 * (self.age as i64 - 55);
        let bmi = 4 * (self.bmi_tenths as i64 - 270);
        let smoker = if self.smokes { 500 } else { 0 };
        let male = if self.male { 200 } else { 0 };
        self.genetic + age + bmi + smoker + male + self.noise
    }
}

/// Patient identifier, from 1.
pub(crate) fn patient_id(index: usize) -> String {
    format!("P{:03}", index + 1)
}

/// Sample name, from 1.
pub(crate) fn sample_name(index: usize) -> String {
    format!("S{:03}", index + 1)
}

/// Makes the patients; their genetic part is added when the cohort is drawn.
pub(crate) fn draw(random: &mut Random) -> Vec<Patient> {
    let mut patients: Vec<Patient> = (0..PATIENTS)
        .map(|index| Patient {
            // Exactly half of each, mixed.
            male: matches!(index % 4, 0 | 3),
            age: random.between(30, 80),
            bmi_tenths: (270 + random.normal_thousandths() / 20).clamp(170, 450) as u64,
            smokes: random.chance(300),
            unknown: Unknown::default(),
            load: if random.chance(300) { 5 } else { 1 },
            noise: random.normal_thousandths() * 4 / 10,
            genetic: 0,
        })
        .collect();
    for (index, patient) in patients.iter_mut().enumerate() {
        patient.unknown = Unknown {
            age: matches!(index, 6 | 30),
            bmi: matches!(index, 10 | 29 | 30),
            smoker: matches!(index, 2 | 18 | 30),
        };
    }
    patients
}

/// Which patients are affected: those with the highest liability.
pub(crate) fn affected(patients: &[Patient]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..patients.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(patients[*index].liability()));
    let mut affected = vec![false; patients.len()];
    for index in order.into_iter().take(AFFECTED) {
        affected[index] = true;
    }
    affected
}

/// `samplesheet.csv`: one cohort file for all.
pub(crate) fn samplesheet(patients: &[Patient]) -> String {
    let mut text = String::from("patient,sample,sex,age,bmi,smoker\n");
    for (index, patient) in patients.iter().enumerate() {
        text.push_str(&format!(
            "{},{},{}\n",
            patient_id(index),
            sample_name(index),
            covariates(patient)
        ));
    }
    text
}

/// `samplesheet.files.csv`: a file for each of the first patients.
pub(crate) fn samplesheet_files(patients: &[Patient]) -> String {
    let mut text = String::from("patient,vcf,sample,sex,age,bmi,smoker\n");
    for (index, patient) in patients.iter().take(WITH_FILES).enumerate() {
        let sample = sample_name(index);
        text.push_str(&format!(
            "{},patients/{sample}.vcf.gz,{sample},{}\n",
            patient_id(index),
            covariates(patient)
        ));
    }
    text
}

fn covariates(patient: &Patient) -> String {
    let cell = |unknown: bool, text: String| if unknown { String::new() } else { text };
    [
        (if patient.male { "male" } else { "female" }).to_owned(),
        cell(patient.unknown.age, patient.age.to_string()),
        cell(patient.unknown.bmi, tenths(patient.bmi_tenths)),
        cell(
            patient.unknown.smoker,
            (if patient.smokes { "yes" } else { "no" }).to_owned(),
        ),
    ]
    .join(",")
}

fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// `truth.csv`.
pub(crate) fn truth(patients: &[Patient]) -> String {
    let mut text = String::from("patient,liability,affected\n");
    for (index, (patient, affected)) in patients.iter().zip(affected(patients)).enumerate() {
        let liability = patient.liability();
        let sign = if liability < 0 { "-" } else { "" };
        let size = liability.unsigned_abs();
        text.push_str(&format!(
            "{},{sign}{}.{:03},{}\n",
            patient_id(index),
            size / 1_000,
            size % 1_000,
            u8::from(affected)
        ));
    }
    text
}
