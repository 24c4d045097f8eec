//! Lines written as records and read back as lines.

use proptest::prelude::*;

use super::{Dictionary, Encoder};
use crate::Header;

const HEADER: &str = "##fileformat=VCFv4.3\n##contig=<ID=1,length=1000>\n##contig=<ID=X>\n\
    ##FILTER=<ID=q10,Description=\"x\">\n##FILTER=<ID=s50,Description=\"x\">\n\
    ##INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n\
    ##INFO=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n\
    ##INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n\
    ##INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">\n\
    ##INFO=<ID=CSQ,Number=.,Type=String,Description=\"x\">\n\
    ##INFO=<ID=C,Number=2,Type=Character,Description=\"x\">\n\
    ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n\
    ##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n\
    ##FORMAT=<ID=GP,Number=G,Type=Float,Description=\"x\">\n\
    ##FORMAT=<ID=FT,Number=1,Type=String,Description=\"x\">\n\
    ##FORMAT=<ID=FF,Number=0,Type=Flag,Description=\"x\">\n\
    #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\n";

fn encoder() -> Encoder {
    Encoder::new(Dictionary::parse(HEADER).unwrap())
}

/// The line that is read back from a record of this one, both with spaces between columns.
fn read_back(line: &str) -> String {
    let header = Header::parse(HEADER.as_bytes()).unwrap();
    let mut encoder = encoder();
    let record = encoder
        .encode(line.replace(' ', "\t").as_bytes())
        .unwrap_or_else(|refusal| panic!("{line}: {refusal}"));
    let mut back = Vec::new();
    crate::bcf::to_line(record, &header, &mut back).expect("a sound record");
    String::from_utf8(back).unwrap().replace('\t', " ")
}

fn check(line: &str, expected: &str) {
    assert_eq!(read_back(line), expected);
}

/// A record with this INFO and these columns of samples.
fn with(info: &str, samples: &str) -> String {
    format!("1 5 . A C . . {info} {samples}")
}

#[test]
fn what_is_read_back_unchanged() {
    let long = "x".repeat(20);
    let wide = "A".repeat(70_000);
    let lines = [
        "1 5 . A C . . . . . . .".to_owned(),
        format!("X 0 rs1;{long} {wide} A,<DEL>,*,]1:7]{long} 0.25 q10;s50 . GT 0 0 0"),
        "1 2147483647 . N . 1e-7 PASS AD=1,.,70000;AF=.,0.5,inf,NaN;DB;CSQ=a|b,c;C=a,b . . . ."
            .to_owned(),
        with(&format!("CSQ={long}"), "GT 0/1 0|1 1/."),
        with("AD=.;AF=.;CSQ=.", "GT . ./. .|."),
        with("AD=-120,127", "GT 0 0/1 0|1/2"),
        with("AD=-121,128", "GT 62|63 1|1000000 0"),
        with(
            "AD=-2147483640,2147483647",
            "GT:AD:GP:FT 0/1:1,2:0.5,.:PASS .:.:.:. 1:3:1:q10;x",
        ),
        with("END=900", "AD:FT 300,.:a,b 1,2,3:. .:ccc"),
        with("DB", "FT . . ."),
    ];
    for line in &lines {
        check(line, line);
    }
}

#[test]
fn dropped_and_empty_values_are_missing() {
    check(
        &with(";AD=;;DB;", "GT:AD:FT 0/1 .:1 :2:x"),
        &with("AD=.;DB", "GT:AD:FT 0/1:.:. .:1:. .:2:x"),
    );
    // The presence of a flag is its value; a phase before the first allele is the rule of VCF 4.4.
    check(&with("DB=1", "GT |0|1 /1 |1"), &with("DB", "GT 0|1 1 1"));
}

/// The fixed part, and the haplotypes as they are stored.
#[test]
fn bytes_are_those_of_the_specification() {
    let mut encoder = encoder();
    let line = "X\t5\t.\tAC\tC,G\t.\tPASS\tEND=9;DB\tGT:FT\t.\t0|1:ab\t1";
    let record = encoder.encode(line.as_bytes()).unwrap();
    let shared = [
        &[1u8, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0][..],
        &[1, 0, 0x80, 0x7f, 2, 0, 3, 0, 3, 0, 0, 2],
        &[0x07, 0x27, b'A', b'C', 0x17, b'C', 0x17, b'G', 0x11, 0],
        &[0x11, 3, 0x11, 9, 0x11, 6, 0],
    ]
    .concat();
    let own = [
        &[0x11u8, 9, 0x21, 0, 0x81, 2, 5, 4, 0x81][..],
        &[0x11, 11, 0x27, b'.', 0, b'a', b'b', b'.', 0],
    ]
    .concat();
    let lengths = [shared.len() as u32, own.len() as u32].map(u32::to_le_bytes);
    assert_eq!(record, [lengths.concat(), shared, own].concat());
}

/// END before the record says nothing, and neither does one that is missing.
#[test]
fn the_length_is_that_of_the_reference_or_to_end() {
    let check = |info: &str, expected: i32| {
        let mut encoder = encoder();
        let line = format!("1\t5\t.\tACG\t<DEL>\t.\t.\t{info}\tGT\t0\t0\t0");
        let record = encoder.encode(line.as_bytes()).unwrap();
        assert_eq!(crate::bcf::stated_length(record), Some(expected), "{info}");
    };
    check(".", 3);
    check("END=5", 1);
    check("END=104", 100);
    check("END=4", 3);
    check("END=.", 3);
    check("END=-2147483640", 3);
}

#[test]
fn what_bcf_cannot_hold_is_refused_by_name() {
    let check = |line: &str, part: &str| {
        let line = line.replace(' ', "\t");
        let refusal = encoder().encode(line.as_bytes()).map(<[u8]>::len);
        let text = refusal.unwrap_err().to_string();
        assert!(text.contains(part), "{line}: {text}");
    };
    check("2 5 . A C . . . GT 0 0 0", "contig '2' is not defined");
    check("1 x . A C . . . GT 0 0 0", "POS is not an integer");
    check("1 -1 . A C . . . GT 0 0 0", "POS is not an integer");
    check("1 5 . A C x . . GT 0 0 0", "QUAL is not a number");
    check("1 5 . A C 1e40 . . GT 0 0 0", "QUAL is not a number");
    check("1 5 . A C,,G . . . GT 0 0 0", "ALT has an empty allele");
    check("1 5 . A C . AF . GT 0 0 0", "FILTER 'AF' is not defined");
    check("1 5 . A C . . q10 GT 0 0 0", "INFO 'q10' is not defined");
    check("1 5 . A C . . GT=1 GT 0 0 0", "INFO 'GT' is not defined");
    check(
        "1 5 . A C . . AF=x GT 0 0 0",
        "INFO 'AF' holds a value that is no number",
    );
    check(
        "1 5 . A C . . AF=1e99 GT 0 0 0",
        "INFO 'AF' holds a number too large",
    );
    check(
        "1 5 . A C . . AD=1,2.5 GT 0 0 0",
        "INFO 'AD' holds a value that is no integer",
    );
    check(
        "1 5 . A C . . AD=1,3000000000 GT 0 0 0",
        "INFO 'AD' holds an integer that needs more",
    );
    check("1 5 . A C . . . DP 0 0 0", "FORMAT 'DP' is not defined");
    check(
        "1 5 . A C . . . GT:AD 0:x 0 0",
        "FORMAT 'AD' holds a value that is no integer",
    );
    check(
        "1 5 . A C . . . GP . 2,y .",
        "FORMAT 'GP' holds a value that is no number",
    );
    check(
        "1 5 . A C . . . FF . . .",
        "FORMAT 'FF' is defined as a flag",
    );
    for genotype in ["0/", "/", "x", "0//1", "-1", "0/+1", "2147483647", "0\\1"] {
        let line = format!("1 5 . A C . . . GT 0 0 {genotype}");
        check(&line, "FORMAT 'GT' holds a value that is no genotype");
    }
    check(
        "1 5 . A C . . . GT 0 0:1 0",
        "sample column 2 has more values",
    );
    check(
        "1 5 . A C . . . GT 0 0",
        "2 sample columns where the header has 3",
    );
    check("1 5 . A C . . .", "0 sample columns where the header has 3");
    check("1 5 . A C . .", "fewer than eight columns");
    check("1 5 a\0b A C . . . GT 0 0 0", "zero byte");
}

/// After a record that is refused the next is as good as any.
#[test]
fn a_refusal_leaves_nothing_behind() {
    let mut encoder = encoder();
    let good = with("AD=1", "GT:FT 0/1:x . .").replace(' ', "\t");
    let expected = encoder.encode(good.as_bytes()).unwrap().to_vec();
    let bad = with("AD=1;CSQ=a;AF=x", "GT . . .").replace(' ', "\t");
    assert!(encoder.encode(bad.as_bytes()).is_err());
    assert_eq!(encoder.encode(good.as_bytes()).unwrap(), expected);
}

fn integers() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => (-2_147_483_640i32..).prop_map(|value| value.to_string()),
        3 => (-200i32..200).prop_map(|value| value.to_string()),
        1 => Just(".".to_owned())
    ];
    prop::collection::vec(value, 1..20).prop_map(|values| values.join(","))
}

fn genotype() -> impl Strategy<Value = String> {
    "(\\.|[0-9]{1,3})([/|](\\.|[1-9][0-9]?)){0,3}".prop_map(|text| {
        let first = text.split(['/', '|']).next().unwrap_or_default();
        let number = first.trim_start_matches('0');
        let plain = if number.is_empty() { "0" } else { number };
        format!("{plain}{}", &text[first.len()..])
    })
}

proptest! {
    #[test]
    fn fields_of_any_size_come_back(
        info in integers(), text in "[!-:<-~]{1,300}", filter in "(PASS|q10;s50)",
        calls in prop::collection::vec((genotype(), integers(), "[!-9;-~]{1,40}"), 3),
    ) {
        let columns: Vec<String> = calls.iter().map(|(a, b, c)| format!("{a}:{b}:{c}")).collect();
        let line = format!("1 7 . A C 5 {filter} AD={info};CSQ={text} GT:AD:FT {}", columns.join(" "));
        prop_assert_eq!(read_back(&line), line);
    }

    /// Whatever the line: no panic, and what is written can be read.
    #[test]
    fn any_line_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[\t:;,./|=0-9a-zA-Z\0é-]"), 0..6),
        cut in any::<prop::sample::Index>(), is_cut in any::<bool>(),
    ) {
        let mut line = with("END=7;AD=1,2;AF=0.5;DB;CSQ=a", "GT:AD:GP:FT 0|1:1,2:.:x .:.:.:. 1:5").replace(' ', "\t");
        for (at, text) in changes {
            let at = at.index(line.len());
            if line.is_char_boundary(at) && line.is_char_boundary(at + 1) {
                line.replace_range(at..=at, &text);
            }
        }
        let mut bytes = line.into_bytes();
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let header = Header::parse(HEADER.as_bytes()).unwrap();
        if let Ok(record) = encoder().encode(&bytes) {
            let is_text = std::str::from_utf8(&bytes).is_ok();
            let read = crate::bcf::to_line(record, &header, &mut Vec::new()).is_some();
            prop_assert!(read || !is_text);
        }
    }
}
