//! Tests that drive the real program on the bundled data, each in a folder of its own.
#![cfg(test)]

mod bad_input;
mod bad_models;
mod bad_output;
mod cli;
mod cuts;
mod resume;
mod schemas;
mod support;
mod truth;
