//! The committed test data: a toy genome, a cohort of 48 patients with a known truth, two models.
//!
//! Everything follows from [`SEED`] by integer arithmetic, so that it is the same on every machine.
//! Each part draws from a stream of its own: a change of one leaves the others alone.

mod evaluate;
mod genes;
mod genome;
mod genotypes;
mod knowledge;
mod normalise;
mod patients;
mod scores;
mod site;
mod sites;
mod vcf;

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::json;

use crate::models::patient_risk::PatientModel;
use crate::models::variant_kmer::VariantModel;
use crate::random::Random;
use crate::{bgzf, sequence};
use evaluate::Evaluation;
pub(crate) use genes::coding_sequence;
use genome::{CONTIGS, Genome};
use genotypes::Record;
use patients::Patient;

/// The seed of the committed files.
const SEED: u64 = 20_261_017;

/// The whole cohort.
struct Cohort {
    genome: Genome,
    patients: Vec<Patient>,
    records: Vec<Record>,
}

impl Cohort {
    fn new() -> Self {
        let genome = Genome::new(&mut Random::new(SEED, 1));
        let mut patients = patients::draw(&mut Random::new(SEED, 2));
        let sites = sites::draw(&mut Random::new(SEED, 3), &genome);
        let records = genotypes::draw(&mut Random::new(SEED, 4), sites, &mut patients);
        Self {
            genome,
            patients,
            records,
        }
    }

    fn evaluate(&self) -> Evaluation {
        evaluate::evaluate(&self.genome, &self.patients, &self.records)
    }
}

/// Writes all files below `folder`.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    let cohort = Cohort::new();
    let evaluation = cohort.evaluate();
    let put = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot make {}", parent.display()))?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };

    let masked = cohort.genome.masked_contigs();
    let names = CONTIGS.map(|(name, _)| name);
    let lengths = CONTIGS.map(|(_, length)| length);
    let contigs: Vec<_> = names
        .iter()
        .zip(&masked)
        .map(|(name, contig)| (*name, contig.as_slice()))
        .collect();
    let (fasta, fai) = sequence::fasta(&contigs);
    put("genome.fa", &fasta)?;
    put("genome.fa.fai", fai.as_bytes())?;
    put("par.bed", genome::par_bed().as_bytes())?;
    let gff3 = genes::gff3(&cohort.genome.genes, &names, &lengths);
    put("genes.gff3", gff3.as_bytes())?;

    let (genes, records) = (&cohort.genome.genes, &cohort.records);
    put(
        "knowledge/knowledge.toml",
        knowledge::CONFIGURATION.as_bytes(),
    )?;
    let clinvar = knowledge::clinvar(records);
    put(
        "knowledge/clinvar.vcf.gz",
        &bgzf::compress(clinvar.as_bytes())?,
    )?;
    let population = knowledge::population(&mut Random::new(SEED, 6), records);
    put(
        "knowledge/population.vcf.gz",
        &bgzf::compress(population.as_bytes())?,
    )?;
    put(
        "knowledge/genes.tsv",
        knowledge::gene_table(genes).as_bytes(),
    )?;
    put("knowledge/coding.bed", knowledge::coding(genes).as_bytes())?;

    let lines = vcf::lines(&mut Random::new(SEED, 5), &cohort.records);
    let text = vcf::cohort(&lines, cohort.patients.len());
    put("cohort.vcf.gz", &bgzf::compress(text.as_bytes())?)?;
    write_index(folder)?;
    for sample in 0..patients::WITH_FILES {
        let text = vcf::patient(&lines, sample);
        let name = format!("patients/{}.vcf.gz", patients::sample_name(sample));
        put(&name, &bgzf::compress(text.as_bytes())?)?;
    }
    let patients = &cohort.patients;
    put(
        "samplesheet.csv",
        patients::samplesheet(patients).as_bytes(),
    )?;
    put(
        "samplesheet.files.csv",
        patients::samplesheet_files(patients).as_bytes(),
    )?;
    put("truth.csv", patients::truth(patients).as_bytes())?;
    put("planted.csv", planted(&cohort.records).as_bytes())?;
    put(
        "expected/variant-scores.csv",
        evaluate::scores_csv(&evaluation).as_bytes(),
    )?;
    put("expected/risk.csv", risks(&evaluation).as_bytes())?;
    let scores = scores::draw(&mut Random::new(SEED, 7), &cohort.records);
    for score in &scores {
        let file = scores::scoring_file(score);
        put(&format!("scores/{}.txt", score.name), file.as_bytes())?;
    }
    let expected = scores::expected(&scores, &cohort.patients);
    put("expected/scores.csv", expected.as_bytes())?;
    let (panel, labels) = scores::panel(&mut Random::new(SEED, 8), &cohort.records);
    put("panel/panel.vcf.gz", &bgzf::compress(panel.as_bytes())?)?;
    put("panel/labels.csv", labels.as_bytes())?;
    put("absolute-risk/model.toml", scores::ABSOLUTE_RISK.as_bytes())?;
    put(
        "absolute-risk/incidence.csv",
        scores::incidence().as_bytes(),
    )?;
    put(
        "absolute-risk/mortality.csv",
        scores::mortality().as_bytes(),
    )?;
    write_models(folder, &evaluation)?;
    put("README.md", include_bytes!("README.md"))
}

fn write_index(folder: &Path) -> anyhow::Result<()> {
    use noodles::{tabix, vcf};
    let path = folder.join("cohort.vcf.gz");
    match vcf::fs::index(&path).with_context(|| format!("cannot index {}", path.display()))? {
        vcf::Index::Tabix(index) => tabix::fs::write(folder.join("cohort.vcf.gz.tbi"), &index)?,
        vcf::Index::Csi(_) => anyhow::bail!("a contig is too long for a tabix index"),
    }
    Ok(())
}

fn write_models(folder: &Path, evaluation: &Evaluation) -> anyhow::Result<()> {
    let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
    let metrics = json!({
        "data": "testdata, 48 synthetic patients",
        "share_of_causal_alleles_at_or_above_threshold": round(evaluation.causal_found),
        "share_of_other_alleles_at_or_above_threshold": round(evaluation.others_found)
    });
    let variant = VariantModel::new().bundle(&metrics)?;
    variant.write(&folder.join("models/variant-kmer"))?;
    let metrics = json!({
        "data": "testdata, 48 synthetic patients",
        "spearman_with_true_liability": round(evaluation.rank_correlation),
        "auc": round(evaluation.auc)
    });
    let patient = PatientModel::new().bundle(&evaluation.standardisation, &metrics)?;
    patient.write(&folder.join("models/patient-risk"))
}

/// `planted.csv`: which records are there for a reason.
fn planted(records: &[Record]) -> String {
    let mut text = String::from("contig,position,case,gene,consequence,effect\n");
    for record in records {
        let site = &record.site;
        let Some(case) = site.case else { continue };
        let causal = site.causal.as_ref().map_or(",,".to_owned(), |causal| {
            let effect = causal.effect;
            let (whole, part) = (effect / 1_000, effect % 1_000);
            format!("{},{},{whole}.{part:03}", causal.gene, causal.consequence)
        });
        text.push_str(&format!(
            "{},{},{case},{causal}\n",
            CONTIGS[site.contig].0,
            site.position + 1
        ));
    }
    text
}

/// `expected/risk.csv`: the patient model's answer when fed from `cohort.vcf.gz`.
fn risks(evaluation: &Evaluation) -> String {
    let mut text = String::from("patient,risk\n");
    for (index, risk) in evaluation.risks.iter().enumerate() {
        text.push_str(&format!("{},{risk:.3}\n", patients::patient_id(index)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn risk_follows_the_truth() {
        let evaluation = Cohort::new().evaluate();
        assert!(
            evaluation.rank_correlation > 0.6,
            "{}",
            evaluation.rank_correlation
        );
        assert!(evaluation.auc > 0.8, "{}", evaluation.auc);
        assert!(evaluation.causal_found > 0.9, "{}", evaluation.causal_found);
        assert!(evaluation.others_found < 0.1, "{}", evaluation.others_found);
    }

    #[test]
    fn every_reference_allele_is_that_of_the_genome() {
        let cohort = Cohort::new();
        for record in &cohort.records {
            let site = &record.site;
            assert_eq!(
                site.reference,
                cohort.genome.text(site.contig, site.range())
            );
        }
        assert!((2_400..2_700).contains(&cohort.records.len()));
    }

    #[test]
    fn pseudoautosomal_sequence_is_shared() {
        let genome = Cohort::new().genome;
        for (x, y) in [(0..20_000, 0..20_000), (95_000..100_000, 35_000..40_000)] {
            assert!(genome.contigs[genome::X][x] == genome.contigs[genome::Y][y]);
        }
    }
}
