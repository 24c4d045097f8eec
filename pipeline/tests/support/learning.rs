//! A made-up cohort with outcomes, and trainings on it.

use std::fmt::Write as _;
use std::path::Path;

use super::program::{Call, text};

/// Numbers that are the same everywhere (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Even between 0 and 1.
    pub(crate) fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal, by the sum of twelve even ones.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

/// Patients of whom age, smoking and sex decide a disease and its time; some cells are empty.
pub(crate) fn table(rows: usize) -> String {
    let mut random = Random(7);
    let mut table =
        String::from("patient,sex,age,bmi,smoker,centre,noise,disease,stage,time,event\n");
    for row in 0..rows {
        let is_male = random.even() < 0.5;
        let age = 55.0 + 10.0 * random.normal();
        let bmi = 27.0 + 4.0 * random.normal();
        let smokes = random.even() < 0.3;
        let centre = ["north", "south", "west"][(random.even() * 3.0) as usize];
        let noise = random.normal();
        let risk = 0.12 * (age - 55.0)
            + 1.3 * f64::from(u8::from(smokes))
            + 0.8 * f64::from(u8::from(is_male))
            - 1.0;
        let happens = random.even() < 1.0 / (1.0 + (-risk).exp());
        let stage = match risk + random.normal() {
            own if own < -1.0 => "none",
            own if own < 0.7 => "early",
            _ => "late",
        };
        let time = -(random.even().max(1e-9)).ln() * 10.0 / (0.6 * risk).exp();
        let censored = random.even() * 20.0 + 0.5;
        let bmi = if random.even() < 0.1 {
            String::new()
        } else {
            format!("{bmi:.1}")
        };
        let smoker = match (random.even() < 0.05, smokes) {
            (true, _) => "",
            (_, true) => "yes",
            _ => "no",
        };
        let _ = writeln!(
            table,
            "P{row:04},{},{age:.1},{bmi},{smoker},{centre},{noise:.3},{},{stage},{:.3},{}",
            if is_male { "male" } else { "female" },
            u8::from(happens),
            time.min(censored).max(0.01),
            u8::from(time <= censored)
        );
    }
    table
}

/// A binary outcome, with `more` at the end.
pub(crate) fn config(more: &str) -> String {
    format!(
        r#"name = "made-up"
version = "1.0.0"
licence = "CC0-1.0"
intended_use = "tests"
training_data = "made up"

[data]
table = "cohort.csv"

[outcome]
kind = "binary"
column = "disease"
positive = [1]
negative = [0]

[predictors]
columns = ["sex", "age", "bmi", "smoker", "noise"]

[validation]
outer_folds = 3
inner_folds = 3
bootstrap = 50
groups = ["sex", "centre"]

{more}"#
    )
}

/// The outcome of [`config`].
pub(crate) const BINARY: &str =
    "kind = \"binary\"\ncolumn = \"disease\"\npositive = [1]\nnegative = [0]";

/// Another one: classes.
pub(crate) const CLASSES: &str = "kind = \"classes\"\ncolumn = \"stage\"";

/// Another one: times to an event.
pub(crate) const TIMES: &str =
    "kind = \"survival\"\ntime = \"time\"\nevent = \"event\"\nhappened = [1]\nhorizons = [2, 5]";

/// A family of times that learns in no time.
pub(crate) const COX: &str = "[[family]]\nkind = \"cox\"\nlambda = [0.01]\nl1_ratio = [0.0]\n";

/// A family that learns in no time.
pub(crate) const LOGISTIC: &str =
    "[[family]]\nkind = \"logistic\"\nlambda = [0.01]\nl1_ratio = [0.0]\n";

/// Three families, small ones.
pub(crate) const THREE: &str = r#"[[family]]
kind = "logistic"
lambda = [0.1, 0.01]
l1_ratio = [0.5]

[[family]]
kind = "network"
hidden = [[8]]
dropout = [0.1]
learning_rate = [0.01]
[family.settings]
epochs = 15
batch_size = 32

[[family]]
kind = "boosted"
depth = [2]
[family.settings]
rounds = 40
"#;

/// Writes table and configuration and trains.
pub(crate) fn train(folder: &Path, config: &str, output: &Path) -> Call {
    let path = folder.join("cohort.csv");
    if !path.exists() {
        std::fs::write(&path, table(400)).expect("a table");
    }
    let path = folder.join("train.toml");
    std::fs::write(&path, config).expect("a configuration");
    Call::new("train")
        .with("--config", text(&path))
        .with("--output", text(output))
}
