//! Dosages of all patients at one allele.

use varisk_core::{CallMatrix, DosageTable, Sex, SiteClass};

/// Tables of every site class and sex.
pub(crate) struct Dosages {
    sexes: Vec<Sex>,
    tables: Vec<[DosageTable; 3]>,
    row: Vec<u8>,
}

const SEXES: [Sex; 3] = [Sex::Female, Sex::Male, Sex::Unknown];

fn index(sex: Sex) -> usize {
    match sex {
        Sex::Female => 0,
        Sex::Male => 1,
        Sex::Unknown => 2,
    }
}

impl Dosages {
    pub(crate) fn new(sexes: &[Sex]) -> Self {
        let tables = SiteClass::ALL
            .iter()
            .map(|class| SEXES.map(|sex| DosageTable::new(*class, sex)))
            .collect();
        Self {
            sexes: sexes.to_vec(),
            tables,
            row: Vec::new(),
        }
    }

    /// Copies that count for each patient at a row, [`DosageTable::NONE`] where there are none to
    /// count.
    pub(crate) fn of(&mut self, calls: &CallMatrix, row: usize, class: SiteClass) -> &[u8] {
        let codes = calls.row(row);
        let tables = &self.tables[class as usize];
        self.row.clear();
        if class == SiteClass::Autosomal {
            self.row
                .extend(codes.iter().map(|code| tables[0].of(*code)));
        } else {
            self.row.extend(
                codes
                    .iter()
                    .zip(&self.sexes)
                    .map(|(code, sex)| tables[index(*sex)].of(*code)),
            );
        }
        for call in calls.polyploid(row) {
            let sample = call.sample as usize;
            if let Some(dosage) = self.row.get_mut(sample).filter(|_| call.call.is_complete()) {
                *dosage = call.call.alternate;
            }
        }
        &self.row
    }
}
