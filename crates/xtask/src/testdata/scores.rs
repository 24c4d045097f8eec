//! Scoring files, what they give for the cohort, a small reference panel and an absolute risk model.

use super::genome::{CONTIGS, M, X, Y, is_pseudoautosomal};
use super::genotypes::Record;
use super::patients::{Patient, patient_id};
use crate::random::Random;

/// An allele that a score weighs: a SNV record of the cohort with one alternate.
pub(crate) struct Weighed<'r> {
    record: &'r Record,
    /// In millionths.
    weight: i64,
    effect_is_alternate: bool,
    /// Written on the other strand.
    flipped: bool,
    model: Model,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    Additive,
    Dominant,
    Recessive,
}

/// A score of the test data.
pub(crate) struct Score<'r> {
    pub(crate) name: &'static str,
    trait_reported: &'static str,
    rows: Vec<Weighed<'r>>,
    /// Has the columns is_dominant and is_recessive.
    has_models: bool,
}

/// Records that scores and panel are made of.
fn common(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| {
        let site = &record.site;
        let is_snv = site.reference.len() == 1
            && site.alternates.len() == 1
            && site.alternates[0].text.len() == 1
            && "ACGT".contains(&site.alternates[0].text);
        let planted = site.case.is_some() || site.causal.is_some();
        is_snv && !planted && (0.06..0.94).contains(&record.frequency(0))
    })
}

fn complement(base: &str) -> &'static str {
    match base {
        "A" => "T",
        "C" => "G",
        "G" => "C",
        _ => "A",
    }
}

impl Weighed<'_> {
    /// A/T and C/G read the same on both strands.
    fn is_ambiguous(&self) -> bool {
        let site = &self.record.site;
        complement(&site.reference) == site.alternates[0].text
    }

    fn alleles(&self) -> (String, String) {
        let site = &self.record.site;
        let (reference, alternate) = (site.reference.clone(), site.alternates[0].text.clone());
        let (effect, other) = if self.effect_is_alternate {
            (alternate, reference)
        } else {
            (reference, alternate)
        };
        if self.flipped {
            (
                complement(&effect).to_owned(),
                complement(&other).to_owned(),
            )
        } else {
            (effect, other)
        }
    }

    /// What the row adds to a patient's sum, in millionths; nothing where the call is not complete.
    fn term(&self, patient: &Patient, index: usize) -> i64 {
        let call = &self.record.calls[index];
        let alleles: Option<Vec<u8>> = call.alleles().iter().copied().collect();
        let Some(alleles) = alleles.filter(|alleles| !alleles.is_empty()) else {
            return 0;
        };
        let site = &self.record.site;
        let counts_once =
            site.contig == X && patient.male && !is_pseudoautosomal(site.contig, site.position);
        let carries = |allele: &u8| (*allele > 0) == self.effect_is_alternate;
        let (copies, all) = if counts_once {
            // A heterozygous call of one copy counts as the alternate allele.
            let has_alternate = alleles.iter().any(|allele| *allele > 0);
            (usize::from(has_alternate == self.effect_is_alternate), 1)
        } else {
            (
                alleles.iter().filter(|allele| carries(allele)).count(),
                alleles.len(),
            )
        };
        match self.model {
            Model::Additive => self.weight * copies as i64,
            Model::Dominant => self.weight * i64::from(copies > 0),
            Model::Recessive => self.weight * i64::from(copies == all),
        }
    }
}

/// A number in millionths as text.
fn decimal(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let size = millionths.unsigned_abs();
    format!("{sign}{}.{:06}", size / 1_000_000, size % 1_000_000)
}

/// Draws the scores.
pub(crate) fn draw<'r>(random: &mut Random, records: &'r [Record]) -> Vec<Score<'r>> {
    let usable: Vec<&Record> = common(records)
        .filter(|record| !matches!(record.site.contig, Y | M))
        .collect();
    let weigh = |random: &mut Random, record: &'r Record, model: Model| {
        let mut row = Weighed {
            record,
            weight: random.between(1, 200_000) as i64 - 60_000,
            effect_is_alternate: random.chance(600),
            flipped: false,
            model,
        };
        row.flipped = !row.is_ambiguous() && random.chance(100);
        row
    };
    let mut additive = Vec::new();
    for record in &usable {
        if random.chance(400) {
            additive.push(weigh(random, record, Model::Additive));
        }
    }
    let mut mixed = Vec::new();
    for record in usable.iter().filter(|record| record.site.contig < X) {
        let model = random.pick(&[Model::Additive, Model::Dominant, Model::Recessive]);
        if random.chance(250) {
            mixed.push(weigh(random, record, model));
        }
    }
    vec![
        Score {
            name: "TOY1",
            trait_reported: "Toy trait",
            rows: additive,
            has_models: false,
        },
        Score {
            name: "TOY2",
            trait_reported: "Toy trait, dominant and recessive alleles",
            rows: mixed,
            has_models: true,
        },
    ]
}

/// A scoring file in the form of the PGS Catalog.
pub(crate) fn scoring_file(score: &Score<'_>) -> String {
    // Two rows have no place in the cohort: one that is at no record, one on a contig nobody has.
    let mut text = format!(
        "###PGS CATALOG SCORING FILE - made by a generator, about nobody\n\
         #format_version=2.0\n\
         #pgs_id={}\n\
         #pgs_name={}_synthetic\n\
         #trait_reported={}\n\
         #weight_type=beta\n\
         #genome_build=NR\n\
         #variants_number={}\n",
        score.name,
        score.name.to_ascii_lowercase(),
        score.trait_reported,
        score.rows.len() + 2
    );
    let models = if score.has_models {
        "\tis_dominant\tis_recessive"
    } else {
        ""
    };
    text += &format!(
        "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight{models}\n"
    );
    let empty = if score.has_models {
        "\tFalse\tFalse"
    } else {
        ""
    };
    for row in &score.rows {
        let site = &row.record.site;
        let (effect, other) = row.alleles();
        let flags = match (score.has_models, row.model) {
            (false, _) => String::new(),
            (true, model) => {
                let flag = |is: bool| if is { "True" } else { "False" };
                format!(
                    "\t{}\t{}",
                    flag(model == Model::Dominant),
                    flag(model == Model::Recessive)
                )
            }
        };
        text += &format!(
            "\t{}\t{}\t{effect}\t{other}\t{}{flags}\n",
            CONTIGS[site.contig].0.trim_start_matches("chr"),
            site.position + 1,
            decimal(row.weight)
        );
    }
    text += &format!("rs99\t1\t150\tA\tG\t0.010000{empty}\n");
    text += &format!("rs98\t21\t1000\tA\tG\t0.010000{empty}\n");
    text
}

/// `expected/scores.csv`: sums over complete calls, ambiguous rows left out.
pub(crate) fn expected(scores: &[Score<'_>], patients: &[Patient]) -> String {
    let mut text = String::from("patient,score,sum\n");
    for (index, patient) in patients.iter().enumerate() {
        for score in scores {
            let rows = score.rows.iter().filter(|row| !row.is_ambiguous());
            let sum = rows.map(|row| row.term(patient, index)).sum();
            text += &format!("{},{},{}\n", patient_id(index), score.name, decimal(sum));
        }
    }
    text
}

/// Populations of the panel; the first has the frequencies of the cohort.
const POPULATIONS: [&str; 3] = ["NEAR", "EAST", "WEST"];
/// People of each population.
const PEOPLE: usize = 40;

/// A panel of three populations at the common sites of chr1, chr2 and chrX, and its labels. The last two
/// people of each population are children of the first two, so not unrelated.
pub(crate) fn panel(random: &mut Random, records: &[Record]) -> (String, String) {
    let mut labels = String::from("patient,population,unrelated,sex\n");
    let mut header = String::from("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
    for (at, population) in POPULATIONS.iter().enumerate() {
        for person in 0..PEOPLE {
            let name = format!("PANEL{:03}", at * PEOPLE + person + 1);
            let unrelated = person < PEOPLE - 2;
            let sex = if person % 2 == 0 { "female" } else { "male" };
            labels += &format!("{name},{population},{unrelated},{sex}\n");
            header += &format!("\t{name}");
        }
    }
    let mut text = String::from("##fileformat=VCFv4.3\n");
    for (name, length) in CONTIGS {
        text += &format!("##contig=<ID={name},length={length}>\n");
    }
    text += "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n";
    text += &header;
    text += "\n";
    for record in common(records).filter(|record| !matches!(record.site.contig, Y | M)) {
        let site = &record.site;
        let of_x = site.contig == X && !is_pseudoautosomal(site.contig, site.position);
        text += &format!(
            "{}\t{}\t.\t{}\t{}\t.\tPASS\t.\tGT",
            CONTIGS[site.contig].0,
            site.position + 1,
            site.reference,
            site.alternates[0].text
        );
        // Per mille; the others drift away from the first.
        let near = (record.frequency(0) * 1_000.0).round() as i64;
        for at in 0..POPULATIONS.len() {
            let drift = if at == 0 {
                0
            } else {
                random.normal_thousandths() * 3 / 10
            };
            let frequency = (near + drift).clamp(10, 990) as u64;
            let mut people: Vec<[u8; 2]> = Vec::with_capacity(PEOPLE);
            for person in 0..PEOPLE {
                let genotype = if person < PEOPLE - 2 {
                    [0, 1].map(|_| u8::from(random.chance(frequency)))
                } else {
                    [people[0], people[1]].map(|parent| random.pick(&parent))
                };
                people.push(genotype);
                let is_missing = random.chance(5);
                if of_x && person % 2 == 1 {
                    text += &if is_missing {
                        "\t.".to_owned()
                    } else {
                        format!("\t{}", genotype[0])
                    };
                } else if is_missing {
                    text += "\t./.";
                } else {
                    text += &format!("\t{}|{}", genotype[0], genotype[1]);
                }
            }
        }
        text += "\n";
    }
    (text, labels)
}

/// The absolute risk model of the demo.
pub(crate) const ABSOLUTE_RISK: &str = r#"# A synthetic absolute risk model: every number is invented.
name = "toy_disease"
version = "1.0"
outcome = "toy disease"
population = "synthetic"
source = "made by the generator of the test data"
year = 2026
age_column = "age"
horizons = [10]
lifetime = true

[incidence]
path = "incidence.csv"
source = "synthetic incidence"
year = 2026

[mortality]
path = "mortality.csv"
source = "synthetic mortality of other causes"
year = 2026

[[factor]]
name = "polygenic score"
feature = "polygenic.TOY1.z"
hazard_ratio_per_sd = 1.6
interval = [1.4, 1.8]

[[factor]]
name = "smoking"
covariate = "smoker"
categories = [
    { value = "no", share = 0.7, hazard_ratio = 1.0 },
    { value = "yes", share = 0.3, hazard_ratio = 1.9, interval = [1.5, 2.4] },
]

[[factor]]
name = "body mass index"
covariate = "bmi"
hazard_ratio_per_unit = 1.04
interval = [1.02, 1.06]
mean = 27.0
standard_deviation = 5.0
range = [12.0, 60.0]
"#;

/// Yearly rates by age and sex, rising by a fixed share each year.
fn rates(first: f64, growth: f64, female: f64) -> String {
    let mut text = String::from("age,sex,rate\n");
    let mut rate = first;
    for age in 20..90 {
        text += &format!("{age},female,{:.6}\n{age},male,{rate:.6}\n", rate * female);
        rate *= growth;
    }
    text
}

/// `absolute-risk/incidence.csv`.
pub(crate) fn incidence() -> String {
    rates(0.000_2, 1.06, 0.8)
}

/// `absolute-risk/mortality.csv`.
pub(crate) fn mortality() -> String {
    rates(0.000_5, 1.085, 0.65)
}
