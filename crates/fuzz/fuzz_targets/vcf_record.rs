//! A line of VCF, as the header below describes it: parsing and decoding give a result or a defect,
//! and a record that is taken gives one call for each sample and alternate allele.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use varisk_readers::{GenotypeRow, Header, ParsedRecord, RecordFormat, RecordParser};

const HEADER: &str = "##fileformat=VCFv4.3\n\
##INFO=<ID=AF,Number=A,Type=Float,Description=\"\">\n\
##INFO=<ID=AD,Number=R,Type=Integer,Description=\"\">\n\
##INFO=<ID=DP,Number=1,Type=Integer,Description=\"\">\n\
##INFO=<ID=DB,Number=0,Type=Flag,Description=\"\">\n\
##INFO=<ID=X,Number=.,Type=Float,Description=\"\">\n\
##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\">\n\
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n";

static PARSER: LazyLock<RecordParser> = LazyLock::new(|| {
    let header = Header::parse(HEADER.as_bytes()).expect("the header is valid");
    let fields = ["AF", "AD", "DP", "DB", "X"].map(str::to_owned);
    RecordParser::try_new(RecordFormat::Vcf, header, &fields).expect("the fields are numbers")
});

fuzz_target!(|line: &[u8]| {
    let mut record = ParsedRecord::default();
    let mut row = GenotypeRow::default();
    if PARSER.parse(line, &mut record).is_err() {
        return;
    }
    assert!(record.alternate_count() > 0);
    if let Ok(true) = PARSER.decode_genotypes(line, &record, &mut row) {
        assert_eq!(row.samples(), 3);
        let mut calls = 0;
        row.codes(Some(1), &mut |_, _| calls += 1);
        assert_eq!(calls, 3);
    }
});
