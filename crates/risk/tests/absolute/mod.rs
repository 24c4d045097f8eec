//! The documented example, as it is and with parts replaced, and patients for it.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::{Path, PathBuf};

use varisk_core::{Covariate, FeatureTable, Patient, Reason, Sex};
use varisk_risk::{AbsoluteRiskError, AbsoluteRiskModel};

pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/absolute/example")
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(example().join(name)).unwrap()
}

/// A folder with the example, some of it replaced.
pub(crate) struct Place(pub(crate) tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for name in ["model.toml", "incidence.csv", "mortality.csv"] {
            place.write(name, &read(name));
        }
        place
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    pub(crate) fn replace(&self, name: &str, from: &str, to: &str) {
        let path = self.0.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Takes a part of the model out, up to the line that begins the next one.
    pub(crate) fn remove(&self, from: &str, until: &str) {
        let text = std::fs::read_to_string(self.0.path().join("model.toml")).unwrap();
        let start = text.find(from).unwrap();
        let end = text[start..]
            .find(until)
            .map_or(text.len(), |end| start + end);
        self.write("model.toml", &(text[..start].to_owned() + &text[end..]));
    }

    pub(crate) fn model(&self) -> Result<AbsoluteRiskModel, AbsoluteRiskError> {
        AbsoluteRiskModel::read(&self.0.path().join("model.toml"))
    }

    /// The one sentence with which the model is refused.
    pub(crate) fn refused(&self) -> String {
        let message = self.model().unwrap_err().to_string();
        assert!(
            !message.contains('\n') && !message.ends_with('.'),
            "{message}"
        );
        message
    }
}

pub(crate) fn patient(sex: Sex, cells: &[(&str, &str)]) -> Patient {
    let cell = |(column, text): &(&str, &str)| {
        let value = match text.parse() {
            Ok(number) => Covariate::Number(number),
            Err(_) => Covariate::Text((*text).to_owned()),
        };
        ((*column).to_owned(), value)
    };
    Patient {
        id: "p".to_owned(),
        sex,
        covariates: cells.iter().map(cell).collect(),
    }
}

pub(crate) const CELLS: [(&str, &str); 4] = [
    ("age", "52.9"),
    ("family_history", "yes"),
    ("smoking", "never"),
    ("sbp", "140"),
];

/// The usual patient, with one cell replaced, or emptied.
pub(crate) fn with(column: &str, text: Option<&str>) -> Patient {
    let mut patient = patient(Sex::Male, &CELLS);
    patient.covariates.remove(column);
    if let Some(text) = text {
        let other = self::patient(Sex::Male, &[(column, text)]);
        patient.covariates.extend(other.covariates);
    }
    patient
}

pub(crate) fn scores(values: &[Result<f64, Reason>]) -> FeatureTable {
    let mut features = FeatureTable::default();
    features.insert("polygenic.demo.z".to_owned(), values.to_vec());
    features
}

pub(crate) const REFERENCE: &str =
    "\n[reference]\npath = 'reference.csv'\nsource = 'survey'\nweight = 'w'\nsex = 'sex'\n";
pub(crate) const ROWS: &str = "sex,w,family_history,smoking,systolic_pressure\n\
    female,1,no,never,120\nfemale,2,yes,former,140\nmale,1,no,current,150\nmale,0.5,yes,never,125\n";

/// The example with a dataset in place of shares and standard deviations.
pub(crate) fn with_reference(rows: &str) -> Place {
    let place = Place::new();
    let mut text = read("model.toml");
    for share in ["0.88", "0.12", "0.55", "0.27", "0.18"] {
        text = text.replacen(&format!("share = {share}, "), "", 1);
    }
    text = text.replace("mean = 128\nstandard_deviation = 17\n", "");
    place.write("model.toml", &(text + REFERENCE));
    place.write("reference.csv", rows);
    place
}
