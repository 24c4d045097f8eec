//! Where and how tables are written.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Kind, ReportError, Table, TableKeys};

/// Extension of a table file.
pub(crate) const EXTENSION: &str = "parquet";
/// Why a column cannot partition.
const NAMES_PATIENTS: &str = "names of folders would tell who the patients are";
const IN_NO_TABLE: &str =
    "no table has a column of that name with texts, whole numbers or booleans";
const HAS_OWN_KEY: &str = "it has a key of its own, and names of folders would tell what it holds";
const TWICE: &str = "it is named twice";

/// How tables are laid out; the same for all tables of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableLayout {
    /// Columns whose values name folders, the outer first. A table is partitioned by those of them that
    /// it has.
    pub partition_by: Vec<String>,
    /// Keys to encrypt with. Names of folders are not encrypted.
    pub encryption: Option<TableKeys>,
}

impl TableLayout {
    /// Refuses what makes no sense for any table.
    ///
    /// # Errors
    /// A column of the partitioning is in no table, names patients, has a key of its own or is named
    /// twice; a key is for a column that no table has.
    pub fn check(&self) -> Result<(), ReportError> {
        let own_keys: Vec<&str> = self
            .encryption
            .iter()
            .flat_map(TableKeys::columns)
            .collect();
        for (place, column) in self.partition_by.iter().enumerate() {
            let why = if column == "patient" {
                NAMES_PATIENTS
            } else if tables_partitioned_by(column).is_empty() {
                IN_NO_TABLE
            } else if own_keys.contains(&column.as_str()) {
                HAS_OWN_KEY
            } else if self.partition_by[..place].contains(column) {
                TWICE
            } else {
                continue;
            };
            return Err(ReportError::PartitionColumn {
                column: column.clone(),
                why,
            });
        }
        let known = |column: &str| {
            let mut columns = Table::ALL.iter().flat_map(|table| table.columns);
            columns.any(|own| own.name == column)
        };
        match own_keys.into_iter().find(|column| !known(column)) {
            Some(column) => Err(ReportError::KeyColumn {
                column: column.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// Names of the tables that a column partitions: those that have it, with values that can name folders.
#[must_use]
pub fn tables_partitioned_by(column: &str) -> Vec<&'static str> {
    let can = |kind: Kind| {
        matches!(
            kind,
            Kind::Text | Kind::Bool | Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64
        )
    };
    let has = |table: &&Table| {
        let mut columns = table.columns.iter();
        columns.any(|own| own.name == column && can(own.kind))
    };
    Table::ALL
        .iter()
        .filter(has)
        .map(|table| table.name)
        .collect()
}

/// A folder that tables are written into, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFolder {
    /// The folder.
    pub path: PathBuf,
    /// How.
    pub layout: TableLayout,
}

impl TableFolder {
    /// A folder of plain tables, one file each.
    pub fn plain(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            layout: TableLayout::default(),
        }
    }
}

/// The files of the tables in a folder, each with its name: that of the table, or of a file of a
/// partitioned table its path in the folder. Sorted by name.
///
/// # Errors
/// A folder cannot be read.
pub fn table_files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if Table::ALL.iter().any(|table| table.name == name) {
                add_partitions(&path, &name, &mut found)?;
            }
        } else if let Some(table) = name.strip_suffix(".parquet") {
            found.push((table.to_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

fn add_partitions(folder: &Path, name: &str, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            add_partitions(&entry.path(), &name, found)?;
        } else {
            found.push((name, entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let keys = |column: &str| {
            let columns = BTreeMap::from([(column.to_owned(), vec![1; 16])]);
            Some(TableKeys::try_new(vec![2; 16], columns).unwrap())
        };
        let check = |columns: &[&str], encryption: Option<TableKeys>| {
            let layout = TableLayout {
                partition_by: columns.iter().map(|column| (*column).to_owned()).collect(),
                encryption,
            };
            layout.check().map_err(|refused| refused.to_string())
        };
        assert_eq!(check(&[], None), Ok(()));
        assert_eq!(check(&["item"], keys("patient")), Ok(()));
        assert_eq!(check(&["item", "kind"], None), Ok(()));
        let refused = |columns: &[&str], encryption, part: &str| {
            let message = check(columns, encryption).unwrap_err();
            assert!(message.contains(part), "{message}");
        };
        refused(&["itme"], None, "by 'itme': no table has");
        refused(&["lower"], None, "by 'lower': no table has");
        refused(&["patient"], None, "who the patients are");
        refused(&["item", "item"], None, "twice");
        refused(&["gene"], keys("gene"), "key of its own");
        refused(&[], keys("patent"), "column 'patent', which no table has");
    }

    #[test]
    fn the_tables_of_a_column_are_those_that_have_it() {
        assert!(tables_partitioned_by("item").contains(&"risk"));
        assert!(tables_partitioned_by("contig").contains(&"variants"));
        assert_eq!(tables_partitioned_by("nothing"), Vec::<&str>::new());
    }
}
