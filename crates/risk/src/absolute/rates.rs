//! Tables of yearly rates by age and sex.

use std::path::Path;

use varisk_core::Sex;

use super::AbsoluteRiskError;

/// No table goes beyond this age; a larger one is a slip of the keyboard.
const LAST_AGE: u16 = 150;

/// Rates of one sex, or of both, without gaps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rates {
    /// First age, in completed years.
    pub(super) first: u16,
    /// Events per person and year, one for each age from the first on.
    pub(super) yearly: Vec<f64>,
}

impl Rates {
    /// The age at which the table ends: its last age, plus one.
    pub(super) fn end(&self) -> u16 {
        let years = u16::try_from(self.yearly.len()).unwrap_or(u16::MAX);
        self.first.saturating_add(years)
    }
}

/// A table, by sex or not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RateTable {
    /// Rows of `both`, or no column of sexes.
    Both(Rates),
    /// At least one of the two.
    BySex {
        female: Option<Rates>,
        male: Option<Rates>,
    },
}

/// Which persons a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Persons {
    Both,
    Female,
    Male,
}

impl Persons {
    fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// A row: the ages `start <= age < end`.
#[derive(Clone, Copy, Debug)]
struct Row {
    start: u16,
    end: u16,
    persons: Persons,
    rate: f64,
    line: u64,
}

impl RateTable {
    /// Reads a CSV with the columns `rate`, either `age` or `age_start` and `age_end` (years, the
    /// end not included), and, where rates differ by sex, `sex` (`female`, `male` or `both`).
    ///
    /// # Errors
    /// The file cannot be read, a row is malformed, or ages have a gap or overlap.
    pub(super) fn read(path: &Path) -> Result<Self, AbsoluteRiskError> {
        let rows = read_rows(path)?;
        let table = |detail: String| AbsoluteRiskError::Table {
            path: path.to_owned(),
            detail,
        };
        let together = rows.iter().any(|row| row.persons == Persons::Both);
        if together && rows.iter().any(|row| row.persons != Persons::Both) {
            return Err(table(
                "it has rows of both sexes together beside rows of one sex; keep one or the other"
                    .to_owned(),
            ));
        }
        let of = |persons: Persons| {
            let own = rows.iter().copied();
            join(path, own.filter(|row| row.persons == persons).collect())
        };
        match (of(Persons::Both)?, of(Persons::Female)?, of(Persons::Male)?) {
            (Some(rates), _, _) => Ok(Self::Both(rates)),
            (None, None, None) => Err(table("it has no rows; add the rates".to_owned())),
            (None, female, male) => Ok(Self::BySex { female, male }),
        }
    }

    /// Whether rates differ by sex.
    pub(super) fn by_sex(&self) -> bool {
        matches!(self, Self::BySex { .. })
    }

    /// Rates of a sex; `None` where the table has none.
    pub(super) fn of(&self, sex: Sex) -> Option<&Rates> {
        match (self, sex) {
            (Self::Both(rates), _) => Some(rates),
            (Self::BySex { female, .. }, Sex::Female) => female.as_ref(),
            (Self::BySex { male, .. }, Sex::Male) => male.as_ref(),
            (Self::BySex { .. }, Sex::Unknown) => None,
        }
    }
}

/// Opens a CSV whose rows have one length, and gives its header.
pub(super) fn open_csv(
    path: &Path,
) -> Result<(csv::Reader<std::fs::File>, Vec<String>), AbsoluteRiskError> {
    let file = std::fs::File::open(path).map_err(|source| AbsoluteRiskError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let names: Vec<String> = reader
        .headers()
        .map_err(|error| csv_error(path, error))?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    if let Some(name) = names
        .iter()
        .enumerate()
        .find_map(|(place, name)| names[..place].contains(name).then_some(name))
    {
        return Err(AbsoluteRiskError::Line {
            path: path.to_owned(),
            line: 1,
            detail: format!("column '{name}' is there twice; remove one"),
        });
    }
    Ok((reader, names))
}

/// A fault of the CSV itself, in our words: the text of a cell may not be repeated.
pub(super) fn csv_error(path: &Path, error: csv::Error) -> AbsoluteRiskError {
    let line = error.position().map_or(0, csv::Position::line);
    let detail = match error.into_kind() {
        csv::ErrorKind::Io(source) => {
            return AbsoluteRiskError::Read {
                path: path.to_owned(),
                source,
            };
        }
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} cells where the header has {expected_len}; correct it"),
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8; save the file as UTF-8".to_owned(),
        _ => "it is not CSV; correct it".to_owned(),
    };
    AbsoluteRiskError::Line {
        path: path.to_owned(),
        line,
        detail,
    }
}

/// Places of the columns.
struct Columns {
    /// Of `age`, or of `age_start`.
    start: usize,
    /// Of `age_end`.
    end: Option<usize>,
    sex: Option<usize>,
    rate: usize,
}

impl Columns {
    fn find(names: &[String]) -> Result<Self, String> {
        let place = |name: &str| names.iter().position(|own| own == name);
        let known = ["age", "age_start", "age_end", "sex", "rate"];
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "column '{name}' is not one of age, age_start, age_end, sex and rate; remove it or rename it"
            ));
        }
        let rate =
            place("rate").ok_or("it has no column 'rate'; name the column of yearly rates so")?;
        let (start, end) = match (place("age"), place("age_start"), place("age_end")) {
            (Some(age), None, None) => (age, None),
            (None, Some(start), Some(end)) => (start, Some(end)),
            _ => {
                return Err(
                    "its ages must stand in one column 'age', or in two, 'age_start' and 'age_end'; rename the columns"
                        .to_owned(),
                );
            }
        };
        Ok(Self {
            start,
            end,
            sex: place("sex"),
            rate,
        })
    }

    fn row(&self, record: &csv::StringRecord, line: u64) -> Result<Row, String> {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let age = |place: usize| -> Result<u16, String> {
            let text = cell(place);
            text.parse()
                .ok()
                .filter(|age| *age <= LAST_AGE)
                .ok_or_else(|| {
                    format!("age '{text}' is not a whole number from 0 to {LAST_AGE}; correct it")
                })
        };
        let start = age(self.start)?;
        let end = self.end.map_or(Ok(start + 1), age)?;
        if end <= start {
            return Err(format!(
                "its ages go from {start} to {end}; the end is not included and must be above the start"
            ));
        }
        let persons = match self.sex.map(cell) {
            None | Some("both") => Persons::Both,
            Some("female") => Persons::Female,
            Some("male") => Persons::Male,
            Some(text) => {
                return Err(format!(
                    "sex '{text}' is not female, male or both; correct it"
                ));
            }
        };
        let text = cell(self.rate);
        let rate = text
            .parse::<f64>()
            .ok()
            .filter(|rate| (0.0..=1.0).contains(rate))
            .ok_or_else(|| {
                format!(
                    "rate '{text}' is not a number from 0 to 1; give events per person and year"
                )
            })?;
        Ok(Row {
            start,
            end,
            persons,
            rate,
            line,
        })
    }
}

fn read_rows(path: &Path) -> Result<Vec<Row>, AbsoluteRiskError> {
    let fault = |line: u64, detail: String| AbsoluteRiskError::Line {
        path: path.to_owned(),
        line,
        detail,
    };
    let (mut reader, names) = open_csv(path)?;
    let columns = Columns::find(&names).map_err(|detail| fault(1, detail))?;
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| csv_error(path, error))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(
            columns
                .row(&record, line)
                .map_err(|detail| fault(line, detail))?,
        );
    }
    Ok(rows)
}

/// The rows of one sex as rates of consecutive ages.
fn join(path: &Path, mut rows: Vec<Row>) -> Result<Option<Rates>, AbsoluteRiskError> {
    rows.sort_by_key(|row| (row.start, row.line));
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let mut rates = Rates {
        first: first.start,
        yearly: Vec::new(),
    };
    for row in &rows {
        let end = rates.end();
        let persons = row.persons.name();
        let fault = |detail: String| AbsoluteRiskError::Line {
            path: path.to_owned(),
            line: row.line,
            detail,
        };
        if row.start < end {
            return Err(fault(format!(
                "age {} of sex '{persons}' has a rate already; remove one of the two rows",
                row.start
            )));
        }
        if row.start > end {
            return Err(fault(format!(
                "ages {end} to {} of sex '{persons}' before it have no rate; add their rows",
                row.start - 1
            )));
        }
        rates.yearly.extend((row.start..row.end).map(|_| row.rate));
    }
    Ok(Some(rates))
}
