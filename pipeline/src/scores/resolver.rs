//! rsIDs of scoring files through a field of the knowledge bundle.

use std::collections::{HashMap, HashSet};

use varisk_core::ContigSet;
use varisk_knowledge::Bundle;
use varisk_polygenic::{IdentifiedAllele, RsidResolver};

/// Finds alleles by the identifiers that a text field of a bundle holds.
pub(crate) struct BundleResolver<'b> {
    pub(crate) bundle: &'b Bundle,
    pub(crate) field: &'b str,
    pub(crate) contigs: &'b ContigSet,
}

impl RsidResolver for BundleResolver<'_> {
    fn resolve(
        &self,
        ids: &HashSet<&str>,
    ) -> Result<HashMap<String, Vec<IdentifiedAllele>>, String> {
        let found = self
            .bundle
            .alleles_named(self.field, ids)
            .map_err(|error| error.to_string())?;
        let on_run = found.into_iter().map(|(id, alleles)| {
            let alleles = alleles.into_iter().filter_map(|allele| {
                Some((
                    self.contigs.find(&allele.contig)?,
                    allele.position,
                    allele.reference.into_bytes(),
                    allele.alternate.into_bytes(),
                ))
            });
            (id, alleles.collect())
        });
        Ok(on_run.collect())
    }
}
