//! Saved folds: what an analysis was set to and what it has seen, as bytes with a check.

use serde::{Serialize, de::DeserializeOwned};

use crate::AnalysisError;

/// The settings and the state of a fold.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved<S, T> {
    settings: S,
    state: T,
}

/// Encodes a fold.
///
/// # Errors
/// The state cannot be encoded.
pub fn save_fold<S: Serialize, T: Serialize>(
    analysis: &str,
    settings: &S,
    state: &T,
) -> Result<Vec<u8>, AnalysisError> {
    postcard::to_stdvec(&Saved { settings, state })
        .map_err(|error| unusable(analysis, &error.to_string()))
}

/// Decodes a fold that was saved under the same settings.
///
/// # Errors
/// The bytes are damaged, or the settings differ.
pub fn load_fold<S: DeserializeOwned + PartialEq, T: DeserializeOwned>(
    analysis: &str,
    settings: &S,
    bytes: &[u8],
) -> Result<T, AnalysisError> {
    let saved: Saved<S, T> =
        postcard::from_bytes(bytes).map_err(|error| unusable(analysis, &error.to_string()))?;
    if saved.settings != *settings {
        return Err(unusable(analysis, "it was made under other settings"));
    }
    Ok(saved.state)
}

fn unusable(analysis: &str, detail: &str) -> AnalysisError {
    AnalysisError::Saved {
        analysis: analysis.to_owned(),
        detail: detail.to_owned(),
    }
}
