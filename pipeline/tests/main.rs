//! Tests that drive the real program on the bundled data, each in a folder of its own.
#![cfg(test)]

mod ancestry;
mod annotate;
mod bad_input;
mod bad_models;
mod bad_output;
mod cli;
mod cuts;
mod drift;
mod foreign;
mod joined;
mod joined_cuts;
mod knowledge;
mod known;
mod learning;
mod learning_bad_input;
mod learning_judging;
mod prs;
mod prs_alleles;
mod prs_bad_files;
mod prs_bad_input;
mod prs_bad_panels;
mod prs_complex;
mod prs_cuts;
mod prs_frequencies;
mod prs_layouts;
mod prs_options;
mod prs_states;
mod reads;
mod resume;
mod schemas;
mod site_states;
mod support;
mod truth;
mod variant_models;
