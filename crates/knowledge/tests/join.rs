//! Joining: equal to a nested loop over all rows, however batches are cut.
#![cfg(test)]

mod common;

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use common::{Allele, Place, alleles, join, lines, run_stage, site_batch, source};
use proptest::prelude::*;
use varisk_core::{ContigSet, Stage};
use varisk_knowledge::{Bundle, GeneTableStage, KnowledgeStage};

const AF: &str = "ID=AF,Number=A,Type=Float,Description=\"x\"";

#[test]
fn alleles_match_exactly_and_the_first_row_wins() {
    let place = Place::new();
    let long = "C".to_owned() + &"A".repeat(20);
    place.vcf(
        "s.vcf",
        AF,
        &format!(
            "1 12 . C A,{long} . . AF=0.1,0.2\n1 12 . C A . . AF=0.3\n1 13 . G A . . AF=0.4\nscaffold_a 12 . C A . . AF=0.5\nscaffold_b 12 . C T . . AF=0.6"
        ),
    );
    let bundle = place
        .build("out", &source("s", "vcf", "s.vcf", "fields.af = 'AF'"))
        .unwrap();
    let contigs = place.reference.contigs();
    let other = "C".to_owned() + &"A".repeat(21);
    let wanted = alleles(&format!(
        "chr2:12 C>A
         chr1:12 C>A
         chr1:12 C>T
         chr1:12 C>.
         chr1:12 C><DEL>
         chr1:12 C>{long}
         chr1:12 C>{other}
         chr1:13 G>A
         chr1:11 A>C
         scaffold_b:12 C>A
         scaffold_a:12 C>A
         scaffold_b:12 C>T"
    ));
    let expected = [
        "-", "0.1", "-", "-", "-", "0.2", "-", "0.4", "-", "-", "0.5", "0.6",
    ];
    assert_eq!(
        join(&bundle, &["s.af"], contigs, std::slice::from_ref(&wanted)),
        expected
    );
    let cut: Vec<Vec<Allele>> = wanted.chunks(1).map(<[Allele]>::to_vec).collect();
    assert_eq!(join(&bundle, &["s"], contigs, &cut), expected);
    // The run may name its contigs in another way and order.
    let named =
        ContigSet::new(["1", "scaffold_a", "2", "scaffold_b"].map(|n| (n.to_owned(), 4000)));
    assert_eq!(
        join(&bundle, &["s.af"], &Arc::new(named), &[wanted]),
        expected
    );
}

#[test]
fn intervals_match_the_bases_that_change() {
    let place = Place::new();
    place.table(
        "b.bed",
        "1 10 12 x 1\n1 11 13 y 4\n1 20 30 z 2\n2 0 4000 w 9",
    );
    let more = |combine: &str| {
        format!(
            "combine = '{combine}'\nfields = {{ n = {{ from = 5, type = 'float' }}, name = 'name' }}"
        )
    };
    let sources = source("inside", "bed", "b.bed", "")
        + &source("max", "bed", "b.bed", &more("max"))
        + &source("min", "bed", "b.bed", &more("min"))
        + &source("mean", "bed", "b.bed", &more("mean"))
        + &source("first", "bed", "b.bed", &more("first"));
    let bundle = place.build("out", &sources).unwrap();
    let contigs = place.reference.contigs();
    let check = |allele: &str, expected: &str| {
        let wanted = ["inside", "max", "min.n", "mean.n", "first"];
        let found = join(&bundle, &wanted, contigs, &[alleles(allele)]);
        assert_eq!(found, [expected], "{allele}");
    };
    check("chr1:10 T>A", "false - - - - - -");
    check("chr1:11 A>C", "true 1.0 x 1.0 1.0 1.0 x");
    check("chr1:12 C>A", "true 4.0 x,y 1.0 2.5 1.0 x");
    check("chr1:13 G>A", "true 4.0 y 4.0 4.0 4.0 y");
    // Bases 11 and 12 of x, 12 and 13 of y.
    check("chr1:10 TACG>T", "true 4.0 x,y 1.0 2.5 1.0 x");
    // Base 11 of x twice covered, base 12 by both.
    check("chr1:10 TAC>T", "true 4.0 x,y 1.0 2.0 1.0 x");
    check("chr1:20 T>TA", "true 2.0 z 2.0 2.0 2.0 z");
    check("chr1:30 T>TA", "true 2.0 z 2.0 2.0 2.0 z");
    check("chr1:31 A>C", "false - - - - - -");
    check("chr1:25 A><DEL>", "- - - - - - -");
    check("chr1:25 A>.", "- - - - - - -");
    check("chr10:12 C>A", "false - - - - - -");
    check("chr2:2000 T>A", "true 9.0 w 9.0 9.0 9.0 w");
}

#[test]
fn positions_of_a_vcf_match_any_allele_there() {
    let place = Place::new();
    place.vcf(
        "s.vcf",
        AF,
        "1 12 . C A . . AF=0.1\n1 12 . C T . . AF=0.2\n1 30 . TACG T . . AF=0.3",
    );
    let bundle = place
        .build(
            "out",
            &source("s", "vcf", "s.vcf", "match = 'position'\nfields.af = 'AF'"),
        )
        .unwrap();
    let wanted = alleles("chr1:12 C>G\nchr1:13 G>A\nchr1:30 T>A\nchr1:31 A>C\nchr1:33 G>A");
    let found = join(&bundle, &["s"], place.reference.contigs(), &[wanted]);
    assert_eq!(found, ["0.2", "-", "-", "0.3", "0.3"]);
}

#[test]
fn genes_are_found_by_symbol_and_by_id() {
    let place = Place::new();
    place.write(
        "g.tsv",
        "gene\tid\tx\nA\tENSG1.2\t1\nB\tENSG2\t2\nB\tENSG3\t3\n",
    );
    let fields = "fields.x = { from = 'x', type = 'integer' }";
    let sources = source(
        "s",
        "gene_table",
        "g.tsv",
        &format!("{fields}\nkey = {{ column = 'gene', by = 'symbol' }}"),
    ) + &source(
        "i",
        "gene_table",
        "g.tsv",
        &format!("{fields}\nkey = {{ column = 'id', by = 'id' }}"),
    );
    let bundle = place.build("out", &sources).unwrap();
    let stage = GeneTableStage::try_new(&bundle, &["s.x", "i"]).unwrap();
    let contigs = place.reference.contigs();
    let batch = site_batch(
        contigs,
        &alleles("chr1:1 A>C\nchr1:2 C>A\nchr1:3 G>A\nchr1:4 T>A"),
        0,
    );
    let error = stage.output_schema(&batch.sites().schema()).unwrap_err();
    assert!(error.to_string().contains("genes"), "{error}");
    let genes: ArrayRef = Arc::new(StringArray::from(vec![
        Some("B"),
        Some("B"),
        None,
        Some("C"),
    ]));
    let ids: ArrayRef = Arc::new(StringArray::from(vec![
        Some("ENSG1"),
        Some("ENSG3.7"),
        Some("ENSG1.9"),
        None,
    ]));
    let batch = batch
        .with_columns([
            ("consequence.gene".to_owned(), genes),
            ("consequence.gene_id".to_owned(), ids),
        ])
        .unwrap();
    let expected = stage.output_schema(&batch.sites().schema()).unwrap();
    let joined = stage.worker().unwrap().process(batch).unwrap();
    assert_eq!(joined.sites().schema(), expected);
    let found = lines(joined.sites(), |name| name == "s.x" || name == "i.x");
    assert_eq!(found, ["2 1", "2 3", "- 1", "- -"]);
    let lacking = Schema::new(vec![Field::new("consequence.gene", DataType::Int64, true)]);
    assert!(stage.output_schema(&Arc::new(lacking)).is_err());
}

/// A bundle of many pages and row groups: alleles at dense places, intervals that overlap.
struct Large {
    place: Place,
    bundle: Bundle,
    rows: Vec<(Allele, String)>,
    intervals: Vec<(String, u32, u32, i64)>,
}

fn large() -> &'static Large {
    static LARGE: OnceLock<Large> = OnceLock::new();
    LARGE.get_or_init(|| {
        let place = Place::new();
        let (mut rows, mut intervals) = (Vec::new(), Vec::new());
        let (mut table, mut bed) = ("c\tp\tr\ta\tx\n".to_owned(), String::new());
        let mut state = 7u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for contig in ["chr10", "chr2", "scaffold_a"] {
            for number in 0..7_000 {
                let position = 1 + random(3_900);
                let base = common::PERIOD.as_bytes()[(position as usize - 1) % 10] as char;
                let alternate = ["A", "C", "G", "T"][random(4) as usize].to_owned();
                // Long insertions have hashed keys. Behind A this one would move left.
                let alternate = match random(8) {
                    0 if base != 'A' => format!("{base}{}", "GA".repeat(6 + random(3) as usize)),
                    _ if alternate == base.to_string() => continue,
                    _ => alternate,
                };
                table += &format!("{contig}\t{position}\t{base}\t{alternate}\t{number}\n");
                let allele = (contig.to_owned(), position, base.to_string(), alternate);
                rows.push((allele, number.to_string()));
            }
            for number in 0..5_000i64 {
                let start = random(3_900);
                let length = if random(50) == 0 { random(2_000) } else { random(6) };
                let end = (start + 1 + length).min(4_000);
                bed += &format!("{contig}\t{start}\t{end}\tn\t{number}\n");
                intervals.push((contig.to_owned(), start + 1, end, number));
            }
        }
        place.write("t.tsv", table);
        place.write("b.bed", bed);
        let sources = source(
            "t",
            "table",
            "t.tsv",
            "columns = { contig = 'c', position = 'p', ref = 'r', alt = 'a' }\nfields.x = { from = 'x', type = 'integer' }",
        ) + &source(
            "b",
            "bed",
            "b.bed",
            "fields.x = { from = 5, type = 'integer' }",
        );
        let bundle = place.build("out", &sources).unwrap_or_else(|error| panic!("{error}"));
        Large {
            place,
            bundle,
            rows,
            intervals,
        }
    })
}

/// Alleles near those of the table, nearly sorted.
fn queries() -> impl Strategy<Value = Vec<Allele>> {
    let contig = prop::sample::select(vec!["chr10", "chr2", "chr1", "scaffold_a"]);
    let change = prop::sample::select(vec![
        ("", "A"),
        ("", "C"),
        ("", "T"),
        ("", "+GAGAGAGAGAGA"),
        ("-", ""),
        ("", "<DEL>"),
    ]);
    let one =
        (contig, 1u32..3_900, change).prop_map(|(contig, position, (reference, alternate))| {
            let at = |offset: usize| {
                common::PERIOD.as_bytes()[(position as usize - 1 + offset) % 10] as char
            };
            let base = at(0).to_string();
            match (reference, alternate.strip_prefix('+')) {
                ("-", _) => (
                    contig.to_owned(),
                    position,
                    format!("{base}{}", at(1)),
                    base,
                ),
                (_, Some(inserted)) => {
                    let alternate = format!("{base}{inserted}");
                    (contig.to_owned(), position, base, alternate)
                }
                _ => (contig.to_owned(), position, base, alternate.to_owned()),
            }
        });
    prop::collection::vec(one, 1..80).prop_map(|mut all| {
        all.sort();
        // Left-alignment moves some alleles in front of their neighbours.
        for i in (3..all.len()).step_by(7) {
            all.swap(i - 1, i);
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60,
        failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equals_a_nested_loop_however_batches_are_cut(all in queries(), size in 1usize..60) {
        let large = large();
        let contigs = large.place.reference.contigs();
        let batches: Vec<Vec<Allele>> = all.chunks(size).map(<[Allele]>::to_vec).collect();
        let found = join(&large.bundle, &["t.x", "b"], contigs, &batches);
        let expected: Vec<String> = all
            .iter()
            .map(|allele| {
                let row = large.rows.iter().find(|(other, _)| other.1 == allele.1 && other == allele);
                let (contig, position, reference, alternate) = allele;
                let span = match (reference.len(), alternate.len()) {
                    _ if alternate.starts_with('<') || alternate == reference => None,
                    (2, 1) => Some((position + 1, position + 1)),
                    (1, 1) => Some((*position, *position)),
                    _ => Some((*position, position + 1)),
                };
                let most = span.and_then(|(first, last)| {
                    large
                        .intervals
                        .iter()
                        .filter(|(c, start, end, _)| *start <= last && *end >= first && c == contig)
                        .map(|(_, _, _, number)| *number)
                        .max()
                });
                format!(
                    "{} {}",
                    row.map_or("-", |(_, value)| value),
                    most.map_or("-".to_owned(), |number| number.to_string())
                )
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn large_tables_have_many_pages() {
    let large = large();
    let path = large.bundle.folder().join("t.parquet");
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::file::serialized_reader::SerializedFileReader::new(file).unwrap();
    let metadata = parquet::file::reader::FileReader::metadata(&reader);
    // A row group for each contig, each of several pages of 4,096 rows.
    assert_eq!(metadata.num_row_groups(), 3);
    assert!(
        metadata
            .row_groups()
            .iter()
            .all(|group| group.num_rows() > 4_096)
    );
}

#[test]
fn an_empty_batch_and_one_on_no_contig_of_the_source() {
    let large = large();
    let contigs = large.place.reference.contigs();
    let stage = KnowledgeStage::try_new(&large.bundle, &["t", "b"], contigs).unwrap();
    let found = run_stage(&stage, contigs, &[vec![], alleles("chrM:5 A>C")]);
    assert_eq!(found, ["- -"]);
}
