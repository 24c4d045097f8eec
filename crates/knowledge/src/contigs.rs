//! The order of contigs in tables: 1 to 22, X, Y, MT, then the others by name.

use varisk_core::{ContigId, ContigSet, canonical_name};

/// Number of primary contigs; the rank of the first of the others.
const PRIMARY: u32 = 25;

/// Ranks of the contigs of a reference, and the names that tables give them.
#[derive(Clone, Debug)]
pub(crate) struct ContigRanks {
    /// By contig of the reference.
    ranks: Vec<u32>,
    /// By rank, ascending.
    names: Vec<(u32, String)>,
}

impl ContigRanks {
    pub(crate) fn new(contigs: &ContigSet) -> Self {
        let mut others: Vec<&str> = contigs
            .iter()
            .map(|(_, name, _)| name)
            .filter(|name| primary_rank(canonical_name(name)).is_none())
            .collect();
        others.sort_unstable();
        let rank_of_other = |name: &str| {
            let at = others.binary_search(&name).unwrap_or_default();
            PRIMARY.saturating_add(u32::try_from(at).unwrap_or(u32::MAX))
        };
        let mut ranks = Vec::with_capacity(contigs.len());
        let mut names = Vec::with_capacity(contigs.len());
        for (_, name, _) in contigs.iter() {
            let canonical = canonical_name(name);
            // A reference with both `chr1` and `1` would put two contigs under one name; `find` gives
            // the contig that a canonical name stands for.
            let (rank, stored) = match primary_rank(canonical) {
                Some(rank) => (rank, canonical),
                None => (rank_of_other(name), name),
            };
            ranks.push(rank);
            names.push((rank, stored.to_owned()));
        }
        names.sort_unstable();
        names.dedup();
        Self { ranks, names }
    }

    pub(crate) fn rank(&self, contig: ContigId) -> u32 {
        self.ranks
            .get(contig.0 as usize)
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// Name of a rank in tables.
    pub(crate) fn name(&self, rank: u32) -> &str {
        self.names
            .binary_search_by_key(&rank, |(rank, _)| *rank)
            .ok()
            .and_then(|at| self.names.get(at))
            .map_or("?", |(_, name)| name)
    }
}

fn primary_rank(canonical: &str) -> Option<u32> {
    match canonical {
        "X" => Some(22),
        "Y" => Some(23),
        "MT" => Some(24),
        number => {
            let parsed = number.parse::<u32>().ok()?;
            ((1..=22).contains(&parsed) && !number.starts_with('0')).then(|| parsed - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_contigs_come_first_and_are_canonical() {
        let names = ["chrUn_b", "chr10", "chrX", "chrM", "chr2", "chrUn_a"];
        let set = ContigSet::new(names.map(|name| (name.to_owned(), 10)));
        let ranks = ContigRanks::new(&set);
        let mut order: Vec<(u32, &str)> = set
            .iter()
            .map(|(id, _, _)| (ranks.rank(id), ranks.name(ranks.rank(id))))
            .collect();
        order.sort_unstable();
        let stored: Vec<&str> = order.iter().map(|(_, name)| *name).collect();
        assert_eq!(stored, ["2", "10", "X", "MT", "chrUn_a", "chrUn_b"]);
    }
}
