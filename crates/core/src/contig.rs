//! Contigs of a run and the one alias table for their names.

use std::collections::HashMap;

/// Index of a contig in the run's [`ContigSet`]; order is that of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContigId(pub u32);

/// The contigs of the run's reference, in its order, found by any of their usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContigSet {
    names: Vec<String>,
    lengths: Vec<u32>,
    by_name: HashMap<String, ContigId>,
    by_canonical: HashMap<String, ContigId>,
}

impl ContigSet {
    /// Builds the set from (name, length in bases) in reference order.
    #[must_use]
    pub fn new(contigs: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut set = Self::default();
        for (name, length) in contigs {
            let Ok(index) = u32::try_from(set.names.len()) else {
                break;
            };
            let id = ContigId(index);
            set.by_name.entry(name.clone()).or_insert(id);
            set.by_canonical
                .entry(canonical_name(&name).to_owned())
                .or_insert(id);
            set.names.push(name);
            set.lengths.push(length);
        }
        set
    }

    /// Finds a contig by its own name, or by an alias of it (`chr1`/`1`, `chrM`/`MT`, RefSeq
    /// accessions of the primary contigs).
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ContigId> {
        self.by_name
            .get(name)
            .or_else(|| self.by_canonical.get(canonical_name(name)))
            .copied()
    }

    /// The name the reference uses.
    #[must_use]
    pub fn name(&self, id: ContigId) -> &str {
        self.names.get(id.0 as usize).map_or("?", String::as_str)
    }

    /// Length in bases.
    #[must_use]
    pub fn length(&self, id: ContigId) -> u32 {
        self.lengths.get(id.0 as usize).copied().unwrap_or(0)
    }

    /// Number of contigs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All contigs in order, as (id, name, length in bases).
    pub fn iter(&self) -> impl Iterator<Item = (ContigId, &str, u32)> {
        (0..)
            .map(ContigId)
            .zip(self.names.iter().zip(&self.lengths))
            .map(|(id, (name, length))| (id, name.as_str(), *length))
    }
}

/// Canonical name of a primary contig (`1` to `22`, `X`, `Y`, `MT`), whatever convention it is
/// written in; any other name is returned as it is.
#[must_use]
pub fn canonical_name(name: &str) -> &str {
    let stem = match name.get(..3) {
        Some(prefix) if prefix.eq_ignore_ascii_case("chr") => &name[3..],
        _ => name,
    };
    match stem {
        "M" | "MT" | "NC_012920.1" => return "MT",
        "23" if stem.len() < name.len() => return name,
        _ => {}
    }
    if let Some(canonical) = refseq_chromosome(stem) {
        return canonical;
    }
    let is_primary = matches!(stem, "X" | "Y")
        || (!stem.starts_with('0') && stem.parse::<u8>().is_ok_and(|n| (1..=22).contains(&n)));
    if is_primary { stem } else { name }
}

/// RefSeq accessions `NC_000001.N` to `NC_000024.N` (GRCh37, GRCh38) and `NC_060925.1` to
/// `NC_060948.1` (T2T-CHM13v2.0), as canonical names.
fn refseq_chromosome(name: &str) -> Option<&'static str> {
    const CHROMOSOMES: [&str; 24] = [
        "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
        "17", "18", "19", "20", "21", "22", "X", "Y",
    ];
    let (accession, version) = name.strip_prefix("NC_")?.split_once('.')?;
    version.parse::<u8>().ok()?;
    let number: usize = accession.parse().ok()?;
    let index = match number {
        1..=24 => number - 1,
        60_925..=60_948 => number - 60_925,
        _ => return None,
    };
    CHROMOSOMES.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases() {
        let check = |name, expected| assert_eq!(canonical_name(name), expected, "{name}");
        check("chr1", "1");
        check("1", "1");
        check("Chr22", "22");
        check("chrX", "X");
        check("chrM", "MT");
        check("M", "MT");
        check("NC_000023.11", "X");
        check("NC_060948.1", "Y");
        check("chr01", "chr01");
        check("chrUn_KI270302v1", "chrUn_KI270302v1");
        check("23", "23");
        check("é1", "é1");
        check("", "");
    }

    #[test]
    fn exact_name_wins_over_alias() {
        let set = ContigSet::new([("chr1".to_owned(), 10), ("1".to_owned(), 20)]);
        assert_eq!(set.find("1"), Some(ContigId(1)));
        assert_eq!(set.find("chr1"), Some(ContigId(0)));
        assert_eq!(set.find("NC_000001.10"), Some(ContigId(0)));
        assert_eq!(set.find("2"), None);
    }
}
