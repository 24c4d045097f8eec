//! A samplesheet: it is read or refused, and one that is read has patients with unique names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use std::path::Path;
use varisk_readers::SampleSheet;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(sheet) = SampleSheet::parse(bytes, "sheet.csv", Path::new("folder")) {
        assert!(!sheet.rows.is_empty());
        let names: HashSet<&str> = sheet
            .rows
            .iter()
            .map(|row| row.patient.id.as_str())
            .collect();
        assert_eq!(names.len(), sheet.rows.len());
    }
});
