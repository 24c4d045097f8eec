//! A variants table as VCF.

use std::io::Read;

use varisk_dossier::RunFolder;

use super::*;
use crate::testing::variants_run;

fn text(run: &RunFolder) -> String {
    let mut out = Vec::new();
    let lengths = [ContigLength {
        name: "chr1".to_owned(),
        length: 1_000,
    }];
    write_vcf(run, &lengths, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn records_and_header() {
    let (_folder, run) = variants_run(["chr1", "chrUn"], 7);
    let text = text(&run);
    let records: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        records[0],
        "chr1\t5\trs1;x%20y\tA\tG\t30.5\tq10;a_b\t\
         VARISK_variant_key=18446744073709551615;VARISK_allele_class=x;\
         VARISK_input_position=0;VARISK_input_ref=x;VARISK_alt_index=0;\
         VARISK_s.text=a%3Bb%3Dc%2Cd%25e%20f%0A;VARISK_s.flag=1;VARISK_s.count=7;\
         VARISK_consequence.all=a%7Cb|X:p.Ala1%3D,c|;\
         VARISK_score.m_1.out=0.1;VARISK_score.m_1.out_2=0.1"
    );
    assert!(records[1].starts_with("chrUn\t7\t.\tC\t.\t.\tPASS\tVARISK_allele_class=x;"));
    assert!(
        records[1].ends_with("VARISK_reason=no_alternate_allele;VARISK_s.flag=0;VARISK_s.count=3")
    );
    for line in [
        "##fileformat=VCFv4.3",
        "##contig=<ID=chr1,length=1000>",
        "##contig=<ID=chrUn>",
        "##FILTER=<ID=a_b,Description=\"FILTER of the input record\">",
        "##INFO=<ID=VARISK_variant_key,Number=1,Type=String,Description=\"column variant_key of variants.parquet\">",
        "##INFO=<ID=VARISK_s.count,Number=1,Type=Integer,Description=\"column s.count of variants.parquet\">",
        "##INFO=<ID=VARISK_consequence.all,Number=.,Type=String,Description=\"column consequence.all of variants.parquet. Format: Consequence|hgvsp\">",
        "##INFO=<ID=VARISK_score.m_1.out_2,Number=1,Type=Float,Description=\"column score.m_1.out of variants.parquet\">",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}\n{text}");
    }
    // Every key of a record is declared.
    for record in records {
        for entry in record.split('\t').nth(7).unwrap().split(';') {
            let key = entry.split('=').next().unwrap();
            assert!(text.contains(&format!("##INFO=<ID={key},")), "{key}");
        }
    }
}

#[test]
fn integers_that_vcf_cannot_hold_are_text() {
    for (long, kind) in [
        (2_147_483_647, "Integer"),
        (2_147_483_648, "String"),
        (-2_147_483_640, "Integer"),
        (-2_147_483_641, "String"),
    ] {
        let (_folder, run) = variants_run(["chr1", "chr1"], long);
        let declared = format!("##INFO=<ID=VARISK_s.count,Number=1,Type={kind},");
        assert!(text(&run).contains(&declared), "{long}");
        assert!(text(&run).contains(&format!("VARISK_s.count={long};")));
    }
}

#[test]
fn compressed_it_is_the_same() {
    let (_folder, run) = variants_run(["chr1", "chr1"], 7);
    let mut out = Vec::new();
    write_vcf_bgzf(&run, &[], &mut out).unwrap();
    let mut plain = Vec::new();
    write_vcf(&run, &[], &mut plain).unwrap();
    let mut read = Vec::new();
    bgzf::io::Reader::new(&out[..])
        .read_to_end(&mut read)
        .unwrap();
    assert_eq!(read, plain);
}

#[test]
fn contigs_that_cannot_stand_in_a_vcf() {
    for name in ["a b", "a,b", "<a>", "*a", "", "a\tb", "é"] {
        let (_folder, run) = variants_run(["chr1", name], 7);
        let error = write_vcf(&run, &[], &mut Vec::new()).unwrap_err();
        assert!(
            matches!(error, ExchangeError::Contig { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_run_without_variants() {
    let (_folder, run) = crate::testing::run();
    let error = write_vcf(&run, &[], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ExchangeError::NoTable { .. }), "{error}");
}

#[test]
fn alleles_out_of_order_are_refused() {
    let (folder, _) = variants_run(["chr1", "chr2"], 7);
    let part = |name: &str| {
        folder
            .path()
            .join("variants")
            .join(name)
            .join("part-0.parquet")
    };
    for name in ["k=a", "k=b"] {
        std::fs::create_dir_all(part(name).parent().unwrap()).unwrap();
        std::fs::copy(folder.path().join("variants.parquet"), part(name)).unwrap();
    }
    std::fs::remove_file(folder.path().join("variants.parquet")).unwrap();
    let mut record = crate::testing::record();
    for name in ["variants/k=a/part-0.parquet", "variants/k=b/part-0.parquet"] {
        record.tables.insert(name.to_owned(), String::new());
    }
    let json = serde_json::to_string(&record).unwrap();
    std::fs::write(folder.path().join("run.json"), json).unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    let error = write_vcf(&run, &[], &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ExchangeError::Order { .. }), "{error}");
}
