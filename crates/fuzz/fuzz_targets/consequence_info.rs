//! Descriptions of CSQ, ANN and BCSQ: the format is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use varisk_annotate::{FromInfoStage, InfoKind};

fuzz_target!(|text: &str| {
    for kind in [InfoKind::Csq, InfoKind::Ann, InfoKind::Bcsq] {
        if let Err(error) = FromInfoStage::try_new(kind, text) {
            let _ = error.to_string();
        }
    }
});
