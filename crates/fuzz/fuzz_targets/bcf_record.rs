//! A binary record with its length words: parsing and decoding give a result or a defect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use varisk_readers::{GenotypeRow, Header, ParsedRecord, RecordFormat, RecordParser};

const HEADER: &str = "##fileformat=VCFv4.3\n\
##FILTER=<ID=PASS,Description=\"\",IDX=0>\n\
##INFO=<ID=AF,Number=A,Type=Float,Description=\"\",IDX=1>\n\
##INFO=<ID=DP,Number=1,Type=Integer,Description=\"\",IDX=2>\n\
##INFO=<ID=DB,Number=0,Type=Flag,Description=\"\",IDX=3>\n\
##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\",IDX=4>\n\
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"\",IDX=5>\n\
##contig=<ID=1,length=1000,IDX=0>\n\
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n";

static PARSER: LazyLock<RecordParser> = LazyLock::new(|| {
    let header = Header::parse(HEADER.as_bytes()).expect("the header is valid");
    let fields = ["AF", "DP", "DB"].map(str::to_owned);
    RecordParser::try_new(RecordFormat::Bcf, header, &fields).expect("the fields are numbers")
});

fuzz_target!(|bytes: &[u8]| {
    let mut record = ParsedRecord::default();
    let mut row = GenotypeRow::default();
    if PARSER.parse(bytes, &mut record).is_err() {
        return;
    }
    if let Ok(true) = PARSER.decode_genotypes(bytes, &record, &mut row) {
        assert_eq!(row.samples(), 2);
        let mut calls = 0;
        row.codes(Some(1), &mut |_, _| calls += 1);
        assert_eq!(calls, 2);
    }
});
