//! Results of finished parts of a training, so that an interrupted one goes on where it stopped.

use std::fs;
use std::path::{Path, PathBuf};

use crate::TrainError;

/// A folder with a file for each finished part: numbers as little-endian 64-bit floats. Every part
/// is a function of configuration, data and seed alone, so a part that is read equals one that is
/// computed.
#[derive(Clone, Debug)]
pub struct Store {
    folder: Option<PathBuf>,
}

impl Store {
    /// Keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// Keeps parts in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self, TrainError> {
        fs::create_dir_all(folder).map_err(|source| TrainError::Open {
            path: folder.into(),
            source,
        })?;
        Ok(Self {
            folder: Some(folder.into()),
        })
    }

    /// A finished part of `count` numbers.
    pub(crate) fn get(&self, part: &str, count: usize) -> Option<Vec<f64>> {
        let bytes = fs::read(self.folder.as_ref()?.join(part)).ok()?;
        let numbers = bytes
            .chunks_exact(8)
            .filter_map(|own| Some(f64::from_le_bytes(own.try_into().ok()?)));
        let numbers: Vec<f64> = numbers.collect();
        (numbers.len() == count && bytes.len() == 8 * count).then_some(numbers)
    }

    /// Keeps a part. A file appears under its name only when it is whole.
    pub(crate) fn put(&self, part: &str, numbers: &[f64]) -> Result<(), TrainError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let path = folder.join(part);
        let partial = folder.join(format!("{part}.partial"));
        let bytes: Vec<u8> = numbers.iter().flat_map(|own| own.to_le_bytes()).collect();
        fs::write(&partial, bytes)
            .and_then(|()| fs::rename(&partial, &path))
            .map_err(|source| TrainError::Write { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(&folder.path().join("work")).unwrap();
        let numbers = [1.5, f64::NAN, -0.0];
        store.put("a", &numbers).unwrap();
        let bits = |own: &[f64]| own.iter().map(|own| own.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&store.get("a", 3).unwrap()), bits(&numbers));
        assert_eq!(store.get("a", 2), None);
        assert_eq!(store.get("b", 3), None);
        let path = folder.path().join("work/a");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..20]).unwrap();
        assert_eq!(store.get("a", 3), None);
        Store::none().put("a", &numbers).unwrap();
        assert_eq!(Store::none().get("a", 3), None);
    }
}
