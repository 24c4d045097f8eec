//! Frequencies of a reference panel, by allele.

use std::collections::HashMap;

use varisk_core::{Position, VariantKey};

/// ALT frequencies of a panel by normalised allele. Alleles are told apart by their 64-bit key.
///
/// # Memory
/// About 20 bytes an allele.
#[derive(Clone, Debug, Default)]
pub struct PanelFrequencies {
    name: String,
    frequencies: HashMap<u64, f64>,
}

impl PanelFrequencies {
    /// An empty panel; `name` tells it from others (name and hash of its file) and becomes part of the
    /// plan's fingerprint.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            frequencies: HashMap::new(),
        }
    }

    /// Adds a normalised allele with its ALT frequency; `false` (and nothing happens) where the
    /// contig is no primary one or the frequency is outside 0 to 1.
    pub fn insert(
        &mut self,
        contig: &str,
        position: Position,
        reference: &[u8],
        alternate: &[u8],
        frequency: f64,
    ) -> bool {
        let key = VariantKey::encode(contig, position, reference, alternate);
        match key {
            Some(key) if (0.0..=1.0).contains(&frequency) => {
                self.frequencies.insert(key.0, frequency);
                true
            }
            _ => false,
        }
    }

    /// ALT frequency by key.
    #[must_use]
    pub fn by_key(&self, key: VariantKey) -> Option<f64> {
        self.frequencies.get(&key.0).copied()
    }

    /// Number of alleles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frequencies.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frequencies.is_empty()
    }

    /// What tells the panel from others.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
