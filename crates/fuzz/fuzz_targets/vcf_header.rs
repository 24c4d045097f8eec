//! The text of a VCF header: it is read or refused, and what is read can be planned with.
#![no_main]

use libfuzzer_sys::fuzz_target;
use varisk_readers::{Header, RecordFormat, RecordParser};

fuzz_target!(|text: &[u8]| {
    if let Ok(header) = Header::parse(text) {
        let numeric = header.info.iter().filter(|(_, info)| info.numeric);
        let fields: Vec<String> = numeric.map(|(name, _)| name.clone()).collect();
        RecordParser::try_new(RecordFormat::Bcf, header, &fields).expect("numeric fields are read");
    }
});
