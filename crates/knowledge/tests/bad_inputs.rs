//! What is refused, with a sentence that names file, record and remedy.
#![cfg(test)]

mod common;

use common::{Place, bgzip, exists, gzip, source, vcf_text};
use varisk_core::GenomeBuild;
use varisk_knowledge::{Bundle, BundleBuilder, KnowledgeStage};

const AF: &str = "ID=AF,Number=A,Type=Float,Description=\"x\"";

fn check(place: &Place, sources: &str, expected: &[&str]) {
    let message = place.refused(sources);
    for part in expected {
        assert!(message.contains(part), "{message}\nlacks: {part}");
    }
}

fn check_vcf(info: &str, records: &str, fields: &str, expected: &[&str]) {
    let place = Place::new();
    place.vcf("s.vcf", info, records);
    check(&place, &source("s", "vcf", "s.vcf", fields), expected);
}

#[test]
fn vcf_out_of_order() {
    let expected = [
        "source 's'",
        "s.vcf",
        "record 3",
        "chr1:12",
        "chr1:15",
        "bcftools sort",
    ];
    check_vcf(
        AF,
        "1 12 . C A . . .\n1 15 . A C . . .\n1 12 . C T . . .",
        "fields.af = 'AF'",
        &expected,
    );
    check_vcf(
        AF,
        "1 12 . C A . . .\n2 15 . A C . . .\n1 14 . T C . . .",
        "fields.af = 'AF'",
        &["record 3", "chr1:14", "chr2:15"],
    );
}

#[test]
fn vcf_of_another_build() {
    check_vcf(
        AF,
        "1 12 . C A . . .\n1 15 . G C . . .\n1 16 . T A . . .",
        "fields.af = 'AF'",
        &[
            "source 's'",
            "2 of 3 alleles",
            "another genome build",
            "GRCh38",
        ],
    );
}

#[test]
fn few_mismatches_are_counted() {
    let place = Place::new();
    let mut records: String = (1..=150)
        .map(|i| format!("1 {} . A C . . .\n", i * 10 + 1))
        .collect();
    records += "1 2001 . G C . . .";
    place.vcf("s.vcf", AF, &records);
    let bundle = place
        .build("out", &source("s", "vcf", "s.vcf", "fields.af = 'AF'"))
        .unwrap();
    assert_eq!(
        bundle.sources()[0].dropped.get("reference_mismatch"),
        Some(&1)
    );
    assert_eq!(bundle.sources()[0].table.rows, 150);
}

#[test]
fn vcf_of_other_contigs() {
    check_vcf(
        AF,
        "NC_999999.1 12 . C A . . .\nX 15 . G C . . .",
        "fields.af = 'AF'",
        &["none of its 2 records", "2 unknown_contig", "contigs"],
    );
}

#[test]
fn info_that_is_absent_or_lies() {
    check_vcf(
        AF,
        "1 12 . C A . . .",
        "fields.popmax = 'AF_popmax'",
        &[
            "source 's'",
            "INFO field AF_popmax",
            "'popmax'",
            "it has AF",
            "correct 'from'",
        ],
    );
    check_vcf(
        AF,
        "1 12 . C A,T . . AF=0.5",
        "fields.af = 'AF'",
        &["source 's'", "s.vcf", "record 1", "chr1:12", "AF"],
    );
    check_vcf(
        AF,
        "1 11 . A C . . AF=0.5\n1 12 . C A . . AF=often",
        "fields.af = 'AF'",
        &["chr1:12", "'af'", "'often' is no number"],
    );
    check_vcf(
        "ID=AF,Number=.,Type=Float,Description=\"x\"",
        "1 12 . C A . . AF=0.5",
        "fields.af = 'AF'",
        &["INFO AF may have any number of values", "type = \"text\""],
    );
    check_vcf(
        "ID=AN,Number=1,Type=Integer,Description=\"x\"",
        "1 12 . C A . . AN=5",
        "match = 'position'\ncombine = 'mean'\nfields.an = 'AN'",
        &["'an' is an integer, whose mean is none"],
    );
    check_vcf(
        AF,
        "1 12x . C A . . AF=0.5",
        "fields.af = 'AF'",
        &["record 1", "no POS"],
    );
}

#[test]
fn cut_files() {
    let place = Place::new();
    let text = vcf_text(AF, &"1 12 . C A . . AF=0.25\n".repeat(2_000));
    let (packed, blocks) = (gzip(text.as_bytes()), bgzip(text.as_bytes()));
    place.write("g.vcf.gz", &packed[..packed.len() / 2]);
    place.write("b.vcf.gz", &blocks[..blocks.len() - 28]);
    let sources = |name| source("s", "vcf", name, "fields.af = 'AF'");
    check(
        &place,
        &sources("g.vcf.gz"),
        &["g.vcf.gz", "cut short", "fetch it again"],
    );
    check(
        &place,
        &sources("b.vcf.gz"),
        &["b.vcf.gz", "end-of-file block"],
    );
    let rows = "chrom\tpos\tx\n".to_owned() + &"1\t12\t5\n".repeat(20_000);
    let packed = gzip(rows.as_bytes());
    place.write("t.tsv.gz", &packed[..packed.len() / 2]);
    let table = source(
        "t",
        "table",
        "t.tsv.gz",
        "match = 'position'\nfields.x = 'x'\ncolumns = { contig = 'chrom', position = 'pos' }",
    );
    check(
        &place,
        &table,
        &["t.tsv.gz", "after line", "fetch it again"],
    );
    check(&place, &sources("absent.vcf"), &["absent.vcf"]);
}

#[test]
fn malformed_lines_are_named() {
    let columns = "columns = { contig = 'c', position = 'p', ref = 'r', alt = 'a' }\nfields.x = { from = 'x', type = 'float' }";
    let check_table = |text: &str, expected: &[&str]| {
        let place = Place::new();
        place.write("t.tsv", text);
        check(&place, &source("t", "table", "t.tsv", columns), expected);
    };
    let head = "## x\n#c\tp\tr\ta\tx\n1\t12\tC\tA\t1\n";
    check_table(
        &format!("{head}1\t12\tC\tA\n"),
        &["source 't'", "t.tsv", "line 4", "4 columns where 5"],
    );
    check_table(&format!("{head}1\tx\tC\tA\t1\n"), &["line 4", "position"]);
    check_table(&format!("{head}1\t0\tC\tA\t1\n"), &["line 4", "position"]);
    check_table(
        &format!("{head}1\t12\tC\tA\tmany\n"),
        &["line 4", "'x'", "'many' is no number"],
    );
    check_table(
        "c\tp\tr\ta\ty\n1\t12\tC\tA\t1\n",
        &["names the columns", "c, p, r, a, y"],
    );
    check_table(
        "#c\tp\tr\ta\tx\n1\t12\tG\tA\t1\n",
        &["REF differs", "1 of 1"],
    );

    let check_bed = |text: &str, expected: &[&str]| {
        let place = Place::new();
        place.table("b.bed", text);
        check(&place, &source("b", "bed", "b.bed", ""), expected);
    };
    check_bed(
        "1 10 20\n1 30 20",
        &["b.bed", "line 2", "start 30 is behind"],
    );
    check_bed("1 10", &["line 1", "fewer than three"]);
    check_bed(
        "1 10 5000",
        &["line 1", "beyond contig chr1", "another build"],
    );
    check_bed("", &["none of its 0 records", "empty"]);

    let place = Place::new();
    place.write(
        "x.bw",
        b"not a bigWig at all, but long enough to hold a header".repeat(10),
    );
    check(
        &place,
        &source("x", "bigwig", "x.bw", ""),
        &["x.bw", "bigWig"],
    );
}

#[test]
fn existing_outputs_and_repeated_sources() {
    let place = Place::new();
    place.table("b.bed", "1 10 20");
    let sources = source("b", "bed", "b.bed", "");
    place.build("out", &sources).unwrap();
    let again = place.build("out", &sources).unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");

    let config = place.config("GRCh38", &sources);
    let mut builder =
        BundleBuilder::try_new(&place.path("other"), common::BUILD, place.reference.clone())
            .unwrap();
    builder.add(&config.sources[0], &mut |_| ()).unwrap();
    let error = builder.add(&config.sources[0], &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("was added before"), "{error}");
    drop(builder);
    assert!(!exists(&place.path("other")));
}

#[test]
fn bundles_that_changed() {
    let place = Place::new();
    place.table("b.bed", "1 10 20\n2 30 40");
    let sources = source("b", "bed", "b.bed", "");
    let fresh = |name: &str| {
        place.build(name, &sources).unwrap();
        place.path(name)
    };
    let check = |folder: &std::path::Path, expected: &[&str]| {
        let message = Bundle::open(folder).unwrap_err().to_string();
        for part in expected {
            assert!(message.contains(part), "{message}\nlacks: {part}");
        }
    };
    let bundle = fresh("longer");
    let table = bundle.join("b.parquet");
    let good = std::fs::read(&table).unwrap();
    std::fs::write(&table, [good.as_slice(), b"x"].concat()).unwrap();
    check(&bundle, &["b.parquet", "changed since the lock", "bytes"]);

    let bundle = fresh("flipped");
    let mut bytes = good.clone();
    bytes[6] ^= 1;
    std::fs::write(bundle.join("b.parquet"), &bytes).unwrap();
    check(
        &bundle,
        &[
            "changed since the lock",
            "SHA-256",
            "build the bundle again",
        ],
    );

    let bundle = fresh("footer");
    let mut bytes = good.clone();
    let at = bytes.len() - 12;
    bytes[at] ^= 1;
    std::fs::write(bundle.join("b.parquet"), &bytes).unwrap();
    check(&bundle, &["changed since the lock", "footer"]);

    let bundle = fresh("removed");
    std::fs::remove_file(bundle.join("b.parquet")).unwrap();
    check(&bundle, &["b.parquet", "changed since the lock"]);

    let bundle = fresh("lockless");
    std::fs::remove_file(bundle.join("knowledge.lock")).unwrap();
    check(&bundle, &["knowledge.lock", "varisk knowledge build"]);

    let bundle = fresh("version");
    let lock = std::fs::read_to_string(bundle.join("knowledge.lock")).unwrap();
    let newer = lock.replace("\"schema_version\": 1", "\"schema_version\": 99");
    std::fs::write(bundle.join("knowledge.lock"), newer).unwrap();
    check(&bundle, &["schema_version"]);

    let bundle = fresh("outside");
    let elsewhere = lock.replace("\"b.parquet\"", "\"../longer/b.parquet\"");
    std::fs::write(bundle.join("knowledge.lock"), elsewhere).unwrap();
    check(&bundle, &["not a file of the folder"]);

    // What opening does not see in a large table, verifying does.
    let bundle = Bundle::open(&fresh("verified")).unwrap();
    bundle.verify(&mut |_| ()).unwrap();
    let mut bytes = good;
    bytes[6] ^= 1;
    std::fs::write(bundle.folder().join("b.parquet"), &bytes).unwrap();
    assert!(bundle.verify(&mut |_| ()).is_err());
}

#[test]
fn what_a_run_asks_for_must_be_there() {
    let place = Place::new();
    place.table("b.bed", "1 10 20");
    place.write("g.tsv", "gene\tx\nA\t1\n");
    let sources = source("b", "bed", "b.bed", "")
        + &source(
            "g",
            "gene_table",
            "g.tsv",
            "fields.x = 'x'\nkey = { column = 'gene', by = 'symbol' }",
        );
    let bundle = place.build("out", &sources).unwrap();
    bundle.require(&["b", "b.value", "g.x"]).unwrap();
    let check = |wanted: &str, expected: &[&str]| {
        let message = bundle.require(&[wanted]).unwrap_err().to_string();
        for part in expected {
            assert!(message.contains(part), "{message}\nlacks: {part}");
        }
    };
    check("gnomad.af", &["no source 'gnomad'", "the sources b, g"]);
    check(
        "b.depth",
        &["no field 'depth' of source 'b'", "the fields value"],
    );

    bundle.check_build(GenomeBuild::Grch38).unwrap();
    let message = bundle
        .check_build(GenomeBuild::Grch37)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("is of GRCh38, but the run is of GRCh37"),
        "{message}"
    );

    let other = varisk_core::ContigSet::new([("X".to_owned(), 100), ("Y".to_owned(), 100)]);
    let join = |wanted: &str, contigs| match KnowledgeStage::try_new(&bundle, &[wanted], contigs) {
        Ok(_) => panic!("{wanted} is joined"),
        Err(error) => error.to_string(),
    };
    let message = join("b", &other);
    assert!(
        message.contains("none of the run's contigs (it has 1)"),
        "{message}"
    );
    let message = join("g", place.reference.contigs());
    assert!(message.contains("not positional"), "{message}");
    let message = bundle.table("b").unwrap_err().to_string();
    assert!(message.contains("is positional"), "{message}");
}
