//! INFO fields kept as text, allele by allele.
#![cfg(test)]

mod common;

use common::{Options, Outcome, Place, header, records};

const META: &str = "INFO=<ID=A,Number=A,Type=String,Description=\"x\">\n\
                    INFO=<ID=R,Number=R,Type=String,Description=\"x\">\n\
                    INFO=<ID=CSQ,Number=.,Type=String,Description=\"Format: Allele|Gene\">\n\
                    INFO=<ID=DB,Number=0,Type=Flag,Description=\"x\">";

fn read(lines: &str, fields: &[&str]) -> Result<Outcome, varisk_readers::ReadError> {
    let place = Place::new();
    let options = Options {
        texts: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..Options::default()
    };
    let text = header(META, "") + &records(lines);
    place.read(&[place.write("x.vcf", text)], &options)
}

/// Texts of the rows of one record.
fn check(alternates: &str, info: &str, expected: &[&str]) {
    let line = format!("1 9 . T {alternates} . . {info}");
    let outcome = read(&line, &["A", "R", "CSQ", "DB"]).unwrap();
    assert_eq!(outcome.bad, [], "{info}");
    let found: Vec<&str> = outcome
        .rows
        .iter()
        .map(|row| {
            row.split("text=[")
                .nth(1)
                .unwrap()
                .split("] |")
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(found, expected, "{info}");
}

#[test]
fn each_row_has_the_text_of_its_allele() {
    check("G,A", "A=x,y;R=r,s,t", &["x s . .", "y t . ."]);
    check("G,A", "A=.,y;R=.", &[". . . .", "y . . ."]);
    check("G,A", "CSQ=G|B%2CC,A|.;DB", &[". . G|B%2CC,A|. 1"; 2]);
    check("G", "CSQ=.;DB=1", &[". . . 1"]);
    check("G", "DB=0", &[". . . ."]);
    check("G", ".", &[". . . ."]);
    check("G", "A=a=b;XA=z", &["a=b . . ."]);
    check(".", "A=x;R=r,s;CSQ=c", &[". . c ."]);
}

#[test]
fn a_number_that_lies_is_a_bad_record() {
    for (alternates, info, part) in [
        ("G,A", "A=x", "A has 1 values where 2 are due"),
        ("G", "R=a", "R has 1 values where 2 are due"),
        ("G", "R=a,b,c", "R has 3 values where 2 are due"),
        ("G", "A=x;A=y", "A stands there twice"),
        ("G", "CSQ", "CSQ has no value"),
        ("G", "DB=yes", "DB is a flag but has a value"),
    ] {
        let line = format!("1 9 . T {alternates} . . {info}");
        let outcome = read(&line, &["A", "R", "CSQ", "DB"]).unwrap();
        assert!(outcome.rows.is_empty(), "{info}");
        assert_eq!(outcome.bad[0].kind, "info");
        assert!(outcome.bad[0].detail.contains(part), "{:?}", outcome.bad);
    }
    // Nobody asked for the field: what it holds does no harm.
    assert_eq!(read("1 9 . T G . . R=a", &["A"]).unwrap().bad, []);
}

#[test]
fn a_field_that_the_header_lacks_is_refused_with_the_remedy() {
    let error = read("1 9 . T G . . .", &["ANN"]).unwrap_err().to_string();
    assert!(
        error.contains("x.vcf: its header does not define the INFO field ANN"),
        "{error}"
    );
    assert!(error.contains("annotate the file"), "{error}");
}

#[test]
fn the_schema_is_known_before_reading() {
    let schema = varisk_readers::decoded_schema(&["AF".to_owned()], &["CSQ".to_owned()]);
    let last: Vec<_> = schema
        .fields()
        .iter()
        .rev()
        .take(2)
        .map(|field| field.name())
        .collect();
    assert_eq!(last, ["text.CSQ", "info.AF"]);
}

#[test]
fn descriptions_are_read_from_the_header() {
    let header = varisk_readers::Header::parse(header(META, "").as_bytes()).unwrap();
    assert_eq!(header.info["CSQ"].description, "Format: Allele|Gene");
}
