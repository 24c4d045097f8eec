//! Polygenic scores: scoring files, allele matching, exact sums over patients.
