//! Consequences of alleles on transcripts, from gene models or from INFO.
