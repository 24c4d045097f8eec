//! The configuration of a knowledge bundle: it is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use varisk_knowledge::KnowledgeConfig;

fuzz_target!(|text: &str| {
    if let Err(error) = KnowledgeConfig::parse(text, Path::new("knowledge.toml")) {
        let _ = error.to_string();
    }
});
