//! The JSON of a model manifest: it is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use varisk_encode::Manifest;

fuzz_target!(|json: &str| {
    if let Err(error) = Manifest::parse(json, Path::new("model.json")) {
        let _ = error.to_string();
    }
});
