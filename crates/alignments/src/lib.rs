//! Evidence from BAM and CRAM at sites that matter.
