//! BCF, written by hand after the specification: what is equal to VCF, and what is damaged.
#![cfg(test)]

mod common;

use common::{META, Options, Place, header, info, read_one as read, records};

/// A BCF record by hand, after the specification.
mod bcf {
    fn text(text: &str) -> Vec<u8> {
        let mut bytes = match u8::try_from(text.len()) {
            Ok(length @ 0..15) => vec![length << 4 | 7],
            Ok(length) => vec![0xf7, 0x11, length],
            Err(_) => panic!("too long"),
        };
        bytes.extend(text.as_bytes());
        bytes
    }

    pub(super) struct Record<'a> {
        pub(super) contig: i32,
        pub(super) position: i32,
        pub(super) quality: f32,
        pub(super) id: &'a str,
        pub(super) alleles: &'a [&'a str],
        /// Typed FILTER vector.
        pub(super) filter: &'a [u8],
        /// Typed keys and values.
        pub(super) info: &'a [(u8, Vec<u8>)],
        /// Typed keys, descriptors and values.
        pub(super) format: &'a [(u8, Vec<u8>)],
        pub(super) samples: u32,
    }

    impl Record<'_> {
        pub(super) fn bytes(&self) -> Vec<u8> {
            let mut shared = Vec::new();
            shared.extend(self.contig.to_le_bytes());
            shared.extend((self.position - 1).to_le_bytes());
            shared.extend(1i32.to_le_bytes());
            shared.extend(self.quality.to_le_bytes());
            let counts = (self.alleles.len() as u32) << 16 | self.info.len() as u32;
            shared.extend(counts.to_le_bytes());
            shared.extend(((self.format.len() as u32) << 24 | self.samples).to_le_bytes());
            shared.extend(text(self.id));
            self.alleles
                .iter()
                .for_each(|allele| shared.extend(text(allele)));
            shared.extend(self.filter);
            let mut own = Vec::new();
            for (into, fields) in [(&mut shared, self.info), (&mut own, self.format)] {
                for (key, value) in fields {
                    into.extend([0x11, *key]);
                    into.extend(value);
                }
            }
            let mut bytes = (shared.len() as u32).to_le_bytes().to_vec();
            bytes.extend((own.len() as u32).to_le_bytes());
            bytes.extend(shared);
            bytes.extend(own);
            bytes
        }
    }

    pub(super) fn missing() -> f32 {
        f32::from_bits(0x7f80_0001)
    }

    pub(super) fn file(header: &str, records: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"BCF\x02\x02".to_vec();
        bytes.extend((header.len() as u32 + 1).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.push(0);
        bytes.extend(records.concat());
        bytes
    }
}

#[test]
fn bcf_equals_vcf() {
    let place = Place::new();
    // Dictionary: PASS 0, q10 1, GT 2, DP 3, AF 4, AD 5, DB 6.
    let text = header(META, "a b c");
    let lines = "1 5 rs1 A C 50 PASS AF=0.25;DB GT 0|1 1|1 0|0\n\
                 1 9 . T G,A . q10 AF=0.5,.;AD=1,2,300 DP:GT 5:1/2 6:2 7:./.\n\
                 1 11 . A . . . . GT 0/0 0/0 .\n\
                 1 18 . TTT T,TT . . . GT 0/1/2 0 0|1|.\n\
                 2 5 . A C . . . DP 1 2 3";
    let vcf = place.write("x.vcf", text.clone() + &records(lines));
    let float = |values: &[f32]| {
        let mut bytes = vec![(values.len() as u8) << 4 | 5];
        values
            .iter()
            .for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes
    };
    let plain = bcf::Record {
        contig: 0,
        position: 5,
        quality: bcf::missing(),
        id: ".",
        alleles: &["A", "C"],
        filter: &[0x00],
        info: &[],
        format: &[],
        samples: 3,
    };
    let file = bcf::file(
        &text,
        &[
            bcf::Record {
                quality: 50.0,
                id: "rs1",
                filter: &[0x11, 0],
                info: &[(4, float(&[0.25])), (6, vec![0x00])],
                format: &[(2, vec![0x21, 2, 5, 4, 5, 2, 3])],
                ..plain
            }
            .bytes(),
            bcf::Record {
                position: 9,
                alleles: &["T", "G", "A"],
                filter: &[0x11, 1],
                info: &[
                    (4, float(&[0.5, bcf::missing()])),
                    (5, vec![0x32, 1, 0, 2, 0, 44, 1]),
                ],
                format: &[
                    (3, vec![0x11, 5, 6, 7]),
                    (2, vec![0x21, 4, 6, 6, 0x81, 0, 0]),
                ],
                ..plain
            }
            .bytes(),
            bcf::Record {
                position: 11,
                alleles: &["A"],
                format: &[(2, vec![0x22, 2, 0, 2, 0, 2, 0, 2, 0, 0, 0, 1, 0x80])],
                ..plain
            }
            .bytes(),
            bcf::Record {
                position: 18,
                alleles: &["TTT", "T", "TT"],
                format: &[(2, vec![0x31, 2, 4, 6, 2, 0x81, 0x81, 2, 5, 1])],
                ..plain
            }
            .bytes(),
            bcf::Record {
                contig: 1,
                format: &[(3, vec![0x11, 1, 2, 3])],
                ..plain
            }
            .bytes(),
        ],
    );
    let options = Options {
        texts: ["AD", "DB", "AF"].map(str::to_owned).to_vec(),
        ..info()
    };
    let expected = read(&place, vcf.clone(), &options);
    let check = |file| assert_eq!(read(&place, file, &options), expected);
    check(place.write("plain.bcf", &file));
    check(place.bgzip("x.bcf", &file));
    let needed = Options {
        wanted: Some(vec![(0, 9)]),
        ..options
    };
    let outcome = read(&place, place.path("plain.bcf"), &needed);
    assert_eq!(outcome, read(&place, vcf, &needed));
    assert_eq!(outcome.rows_per_record, [0, 2, 0, 2, 0]);
    assert_eq!(outcome.passed_over, 3);
    assert_eq!(expected.rows.len(), 7);
    assert!(expected.rows[0].contains("text=[. 1 0.25]"));
    assert!(expected.rows[2].contains("text=[300 . .]"));
}

/// Damage in a binary record is named, and never taken for genotypes.
#[test]
fn damaged_bcf_records_are_set_aside() {
    let place = Place::new();
    let text = header(META, "a");
    let good = || bcf::Record {
        contig: 0,
        position: 5,
        quality: 1.0,
        id: "",
        alleles: &["A", "C"],
        filter: &[0x00],
        info: &[],
        format: &[],
        samples: 1,
    };
    let gt = |bytes: &[u8]| vec![(2u8, bytes.to_vec())];
    let check = |record: bcf::Record<'_>, kind: &str| {
        let file = place.bgzip("x.bcf", bcf::file(&text, &[record.bytes()]));
        let outcome = place.read(&[file], &info()).unwrap();
        let kinds: Vec<_> = outcome.bad.iter().map(|bad| bad.kind).collect();
        assert_eq!(kinds, [kind], "{:?}", outcome.bad);
        assert!(outcome.rows.is_empty());
    };
    // GT as floats and as text, twice, of an allele that is not there, with a value in reserve.
    check(
        bcf::Record {
            format: &gt(&[0x15, 0, 0, 0, 0]),
            ..good()
        },
        "format",
    );
    check(
        bcf::Record {
            format: &gt(&[0x37, b'0', b'/', b'1']),
            ..good()
        },
        "format",
    );
    let twice = [gt(&[0x21, 2, 4]), gt(&[0x21, 2, 4])].concat();
    check(
        bcf::Record {
            format: &twice,
            ..good()
        },
        "format",
    );
    check(
        bcf::Record {
            format: &gt(&[0x21, 2, 6]),
            ..good()
        },
        "genotype",
    );
    check(
        bcf::Record {
            format: &gt(&[0x21, 2, 0x82]),
            ..good()
        },
        "genotype",
    );
    check(
        bcf::Record {
            samples: 2,
            format: &gt(&[0x21, 2, 4, 2, 4]),
            ..good()
        },
        "columns",
    );
    check(
        bcf::Record {
            alleles: &["A", "C", "C"],
            ..good()
        },
        "alt",
    );
    check(
        bcf::Record {
            alleles: &["A", ""],
            ..good()
        },
        "alt",
    );
    // A FILTER that the header lacks, a key that takes more than there is, bytes left over.
    check(
        bcf::Record {
            filter: &[0x11, 99],
            ..good()
        },
        "layout",
    );
    check(
        bcf::Record {
            info: &[(4, vec![0xf5, 0x13, 255, 255, 255, 127])],
            ..good()
        },
        "layout",
    );
    check(
        bcf::Record {
            filter: &[0x00, 0x00],
            ..good()
        },
        "layout",
    );
    check(
        bcf::Record {
            format: &gt(&[0x21, 2, 4, 9]),
            ..good()
        },
        "layout",
    );
    let af = |values: &[u8]| (4u8, values.to_vec());
    check(
        bcf::Record {
            info: &[af(&[0x11, 1]), af(&[0x11, 1])],
            ..good()
        },
        "info",
    );
    check(
        bcf::Record {
            info: &[af(&[0x21, 1, 1])],
            ..good()
        },
        "info",
    );
    check(
        bcf::Record {
            info: &[af(&[0x17, b'x'])],
            ..good()
        },
        "info",
    );
}

/// A value that is missing in BCF is not the flag's 1.
#[test]
fn a_missing_value_in_bcf_is_no_number() {
    let place = Place::new();
    let record = bcf::Record {
        contig: 0,
        position: 5,
        quality: 1.0,
        id: "",
        alleles: &["A", "C"],
        filter: &[0x00],
        info: &[(4, vec![0x00]), (6, vec![0x11, 1])],
        format: &[],
        samples: 0,
    };
    let file = place.bgzip("x.bcf", bcf::file(&header(META, ""), &[record.bytes()]));
    let outcome = read(&place, file, &info());
    assert!(
        outcome.rows[0].contains("info=[.,.,1]"),
        "{}",
        outcome.rows[0]
    );
}
