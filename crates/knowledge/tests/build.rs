//! Building bundles from sources of each kind.
#![cfg(test)]

mod common;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use common::{Place, bgzip, gzip, source, table_lines, vcf_text};
use parquet::arrow::ArrowWriter;
use varisk_knowledge::{BundleBuilder, FieldType, MatchKind, TableMeta};

const INFO: &str = "ID=AF,Number=A,Type=Float,Description=\"frequency\"
                    ID=AC,Number=R,Type=Integer,Description=\"count\"
                    ID=DB,Number=0,Type=Flag,Description=\"in dbSNP\"
                    ID=CSQ,Number=.,Type=String,Description=\"x\"";

#[test]
fn a_sites_vcf_is_split_normalised_and_sorted() {
    let place = Place::new();
    place.vcf(
        "s.vcf",
        INFO,
        "1 12 rs1 C A,T . PASS AF=0.25,1e-5;AC=9,5,1;DB
         1 18 . TTTA T 30.5 q AF=0.1;AC=1,2;CSQ=x|y,z
         chr10 4 . T C . . .
         10 18 . TTTA T,TTA . . AF=0.5,0.25
         10 25 . A <DEL> . . AF=0.5
         2 3 . G . . . AF=0.5
         M 1 . A G . . AF=.
         HLA*1 7 . A G . . AF=0.5",
    );
    let fields = "fields = { af = 'AF', ac = 'AC', db = 'DB', csq = 'CSQ', id = 'ID', filter = 'FILTER', qual = 'QUAL' }";
    let bundle = place
        .build("out", &source("s", "vcf", "s.vcf", fields))
        .unwrap();
    let without_key = |line: String| {
        let mut cells: Vec<&str> = line.split(' ').collect();
        assert!(cells.remove(2).parse::<u64>().is_ok());
        cells.join(" ")
    };
    let found: Vec<String> = table_lines(&bundle, "s")
        .into_iter()
        .map(without_key)
        .collect();
    assert_eq!(
        found,
        [
            // Fields by name: ac, af, csq, db, filter, id, qual.
            "1 12 C A 5 0.25 - true PASS rs1 -",
            "1 12 C T 1 0.00001 - true PASS rs1 -",
            "1 18 TTTA T 2 0.1 x|y,z false q - 30.5",
            "10 4 T C - - - false - - -",
            // One T less of TTTT is the same wherever it is taken: it stands leftmost, behind G.
            "10 17 GT G - 0.25 - false - - -",
            "10 18 TTTA T - 0.5 - false - - -",
            "MT 1 A G - - - false - - -",
        ]
    );
    let locked = &bundle.sources()[0];
    assert_eq!(locked.records, 8);
    let dropped: Vec<(&str, u64)> = locked
        .dropped
        .iter()
        .map(|(k, v)| (k.as_str(), *v))
        .collect();
    assert_eq!(
        dropped,
        [
            ("no_alternate_allele", 1),
            ("symbolic_allele", 1),
            ("unknown_contig", 1)
        ]
    );
    let types: Vec<FieldType> = locked
        .columns
        .iter()
        .map(|column| column.field_type)
        .collect();
    assert_eq!(
        types,
        [
            FieldType::Integer,
            FieldType::Float,
            FieldType::Text,
            FieldType::Flag,
            FieldType::Text,
            FieldType::Text,
            FieldType::Float
        ]
    );
    assert_eq!(locked.columns[1].meaning, "frequency");
}

#[test]
fn every_packing_reads_the_same() {
    let place = Place::new();
    let text = vcf_text(INFO, "1 12 . C A . . AF=0.25\n1 13 . G A . . AF=0.5");
    let mut tables = Vec::new();
    for (name, bytes) in [
        ("p.vcf", text.clone().into_bytes()),
        ("g.vcf.gz", gzip(text.as_bytes())),
        ("b.vcf.gz", bgzip(text.as_bytes())),
        ("c.vcf", text.replace('\n', "\r\n").into_bytes()),
    ] {
        place.write(name, bytes);
        let sources = source("s", "vcf", name, "fields.af = 'AF'");
        let bundle = place.build(&format!("out-{name}"), &sources).unwrap();
        tables.push(table_lines(&bundle, "s"));
    }
    assert_eq!(tables[0].len(), 2);
    assert!(tables.iter().all(|table| *table == tables[0]), "{tables:?}");
}

#[test]
fn repeated_alleles_are_kept_and_counted() {
    let place = Place::new();
    place.vcf(
        "s.vcf",
        INFO,
        "1 12 . C A . . AF=0.1\n1 12 . C A . . AF=0.2\n1 12 . CG AG . . AF=0.3\n1 12 . C T . . AF=0.4",
    );
    let bundle = place
        .build("out", &source("s", "vcf", "s.vcf", "fields.af = 'AF'"))
        .unwrap();
    let values: Vec<String> = table_lines(&bundle, "s")
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(values, ["0.1", "0.2", "0.3", "0.4"]);
    assert_eq!(bundle.sources()[0].duplicates, 2);
}

#[test]
fn clinvar_of_both_styles() {
    let place = Place::new();
    place.vcf(
        "old.vcf",
        "ID=CLNALLE,Number=.,Type=Integer,Description=\"x\"
         ID=CLNSIG,Number=.,Type=String,Description=\"x\"
         ID=CLNREVSTAT,Number=.,Type=String,Description=\"x\"
         ID=CLNDBN,Number=.,Type=String,Description=\"x\"
         ID=CLNACC,Number=.,Type=String,Description=\"x\"",
        "1 12 rs1 C A,T . . CLNALLE=2,1;CLNSIG=5|5,2;CLNREVSTAT=mult|single,no_criteria;CLNDBN=A|B,C;CLNACC=RCV1|RCV2,RCV3
         1 13 rs2 G A,C . . CLNALLE=1;CLNSIG=255;CLNREVSTAT=single;CLNDBN=D;CLNACC=RCV4",
    );
    place.vcf(
        "new.vcf",
        "ID=ALLELEID,Number=1,Type=Integer,Description=\"x\"
         ID=CLNSIG,Number=.,Type=String,Description=\"x\"
         ID=CLNREVSTAT,Number=.,Type=String,Description=\"x\"
         ID=CLNDN,Number=.,Type=String,Description=\"x\"
         ID=CLNHGVS,Number=.,Type=String,Description=\"x\"
         ID=GENEINFO,Number=1,Type=String,Description=\"genes\"",
        "1 12 4711 C A . . ALLELEID=9;CLNSIG=Pathogenic/Likely_pathogenic|other;CLNREVSTAT=criteria_provided,_multiple_submitters,_no_conflicts;CLNDN=Some_disease|not_provided;CLNHGVS=NC_000001.11:g.12C>A;GENEINFO=X:1",
    );
    let sources = source("old", "clinvar", "old.vcf", "")
        + &source(
            "new",
            "clinvar",
            "new.vcf",
            "fields = { gene = 'GENEINFO', allele_id = 'ALLELEID' }",
        );
    let bundle = place.build("out", &sources).unwrap();
    let names = |source: usize| -> Vec<&str> {
        let columns = &bundle.sources()[source].columns;
        columns.iter().map(|column| column.name.as_str()).collect()
    };
    let fields = |source: &str| -> Vec<String> {
        table_lines(&bundle, source)
            .iter()
            .map(|line| line.splitn(6, ' ').nth(5).unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(0),
        [
            "significance",
            "significance_raw",
            "stars",
            "review_status",
            "accession",
            "disease"
        ]
    );
    assert_eq!(
        fields("old"),
        [
            "benign 2 0 no_assertion_criteria_provided RCV3 C",
            "pathogenic 5|5 2 criteria_provided,_multiple_submitters,_no_conflicts RCV1|RCV2 A|B",
            "other 255 1 criteria_provided,_single_submitter RCV4 D",
            // CLNALLE says that nothing is about this allele.
            "- - - - - -",
        ]
    );
    assert_eq!(
        names(1),
        [
            "significance",
            "significance_raw",
            "stars",
            "review_status",
            "variation_id",
            "accession",
            "disease",
            "hgvs",
            "allele_id",
            "gene"
        ]
    );
    assert_eq!(
        fields("new"),
        [
            "pathogenic/likely_pathogenic Pathogenic/Likely_pathogenic|other 2 criteria_provided,_multiple_submitters,_no_conflicts 4711 VCV000004711 Some_disease|not_provided NC_000001.11:g.12C>A 9 X:1"
        ]
    );
}

#[test]
fn tables_of_all_habits() {
    let place = Place::new();
    let columns = "columns = { contig = 'Chrom', position = 'Pos', ref = 'Ref', alt = 'Alt' }\nfields.phred = { from = 'PHRED', type = 'float', meaning = 'x' }";
    // CADD: a licence line, then the names behind '#'; unsorted here.
    place.write(
        "cadd.tsv",
        "## CADD v1\n#Chrom\tPos\tRef\tAlt\tRawScore\tPHRED\n2\t12\tC\tT\t0.1\t3.5\n1\t13\tG\tA\t0.2\t.\n1\t12\tC\tT\t0.1\t12\n",
    );
    // REVEL: commas, quotes, and rows without a position in this build.
    place.write(
        "revel.csv",
        "chr,hg19_pos,grch38_pos,ref,alt,REVEL\r\n1,99,12,C,A,\"0.5\"\r\n1,98,.,C,T,0.6\r\nchrUn_x,1,1,A,C,0.1\r\n",
    );
    place.write("bare.tsv", "1\t11\tC\tA\t7\n1\t12\tG\tC\t8\n");
    let sources = source("cadd", "table", "cadd.tsv", columns)
        + &source(
            "revel",
            "table",
            "revel.csv",
            "columns = { contig = 'chr', position = 'grch38_pos', ref = 'ref', alt = 'alt' }\nfields.score = { from = 'REVEL', type = 'float' }",
        )
        + &source(
            "bare",
            "table",
            "bare.tsv",
            "columns = { contig = 1, position = 2, ref = 3, alt = 4, zero_based = true, header = false }\nfields.n = { from = 5, type = 'integer' }",
        )
        + &source(
            "placed",
            "table",
            "cadd.tsv",
            "match = 'position'\ncolumns = { contig = 'Chrom', position = 'Pos' }\nfields.phred = { from = 'PHRED', type = 'float' }",
        );
    let bundle = place.build("out", &sources).unwrap();
    let check = |source: &str, skipped: usize, expected: &[&str]| {
        let found: Vec<String> = table_lines(&bundle, source)
            .iter()
            .map(|line| {
                let cells: Vec<&str> = line.split(' ').collect();
                let (place, rest) = cells.split_at(2);
                [place, &rest[skipped..]].concat().join(" ")
            })
            .collect();
        assert_eq!(found, expected, "{source}");
    };
    check("cadd", 1, &["1 12 C T 12.0", "1 13 G A -", "2 12 C T 3.5"]);
    check("revel", 1, &["1 12 C A 0.5"]);
    check("bare", 1, &["1 12 C A 7", "1 13 G C 8"]);
    check("placed", 0, &["1 12 12 12.0", "1 13 13 -", "2 12 12 3.5"]);
    let dropped = &bundle.source("revel").unwrap().dropped;
    assert_eq!(dropped.get("no_position"), Some(&1));
    assert_eq!(dropped.get("unknown_contig"), Some(&1));
    assert_eq!(
        bundle.source("placed").unwrap().matching,
        MatchKind::Position
    );
}

#[test]
fn beds_count_from_zero() {
    let place = Place::new();
    place.table(
        "b.bed",
        "#x
         chr2 0 1 first 0.5
         1 10 20 second 1
         1 5 5 empty 1
         1 2 4000 third .
         other 1 2 x 1",
    );
    let sources = source("plain", "bed", "b.bed", "")
        + &source(
            "valued",
            "bed",
            "b.bed",
            "fields = { name = 'name', score = { from = 5, type = 'float' } }",
        );
    let bundle = place.build("out", &sources).unwrap();
    assert_eq!(
        table_lines(&bundle, "plain"),
        ["1 3 4000 true", "1 11 20 true", "2 1 1 true"]
    );
    assert_eq!(
        table_lines(&bundle, "valued"),
        ["1 3 4000 third -", "1 11 20 second 1.0", "2 1 1 first 0.5"]
    );
    let locked = bundle.source("plain").unwrap();
    assert_eq!(locked.longest_interval, Some(3998));
    assert_eq!(locked.dropped.get("empty_interval"), Some(&1));
    assert_eq!(locked.dropped.get("unknown_contig"), Some(&1));
}

#[test]
fn gene_tables_are_keyed_and_versions_ignored() {
    let place = Place::new();
    place.write(
        "validity.csv",
        "\"GENE VALIDITY\",\"\",\"\"\n\"GENE\",\"DISEASE, NAME\",\"CLASS\"\n\"+++\",\"+++\",\"+++\"\n\"B\",\"one, two\",\"Definitive\"\n\"A\",\"x\",\"Limited\"\n\"B\",\"y\",\"Moderate\"\n",
    );
    place.write(
        "constraint.tsv",
        "gene\tid\tcanonical\tloeuf\nA\tENSG1.5\tfalse\t0.75\nA\tENSG1.5\ttrue\t0.25\nB\tENSG2\ttrue\tNA\n",
    );
    let sources = source(
        "validity",
        "gene_table",
        "validity.csv",
        "key = { column = 'GENE', by = 'symbol' }\nfields = { disease = 'DISEASE, NAME', class = 'CLASS' }",
    ) + &source(
        "constraint",
        "gene_table",
        "constraint.tsv",
        "only = { canonical = 'true' }\nkey = { column = 'id', by = 'id' }\nfields.loeuf = { from = 'loeuf', type = 'float' }",
    );
    let bundle = place.build("out", &sources).unwrap();
    // Fields by name: class, disease.
    assert_eq!(
        table_lines(&bundle, "validity"),
        ["A Limited x", "B Definitive one, two", "B Moderate y"]
    );
    assert_eq!(
        table_lines(&bundle, "constraint"),
        ["ENSG1 0.25", "ENSG2 -"]
    );
    let locked = bundle.source("constraint").unwrap();
    assert_eq!(locked.dropped.get("not_selected"), Some(&1));
    assert_eq!(locked.only["canonical"], "true");
    let locked = bundle.source("validity").unwrap();
    assert_eq!(
        (locked.duplicates, locked.dropped.get("no_gene")),
        (1, Some(&1))
    );
}

/// A finished run with scores of one model.
fn write_run(place: &Place, build: &str) {
    std::fs::create_dir_all(place.path("run")).unwrap();
    place.write(
        "run/run.json",
        format!(
            "{{\"genome_build\": \"{build}\", \"models\": [{{\"name\": \"m\", \"sha256\": \"aa\", \"manifest_sha256\": \"bb\", \"version\": \"1\"}}], \"tables\": {{}}}}"
        ),
    );
    let fields = vec![
        Field::new("contig", DataType::Utf8, false),
        Field::new("position", DataType::UInt32, false),
        Field::new("ref", DataType::Utf8, false),
        Field::new("alt", DataType::Utf8, true),
        Field::new("score.m.risk", DataType::Float32, true),
        Field::new("reason.m", DataType::Utf8, true),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["chr2", "chr1", "chr1"])),
        Arc::new(UInt32Array::from(vec![12, 12, 13])),
        Arc::new(StringArray::from(vec!["C", "C", "G"])),
        Arc::new(StringArray::from(vec![Some("A"), Some("T"), None])),
        Arc::new(Float32Array::from(vec![Some(0.1), Some(0.7), None])),
        Arc::new(StringArray::from(vec![
            None,
            None,
            Some("no_alternate_allele"),
        ])),
    ];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let file = std::fs::File::create(place.path("run/variants.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn scores_of_an_earlier_run_keep_their_bits_and_their_model() {
    let place = Place::new();
    write_run(&place, "GRCh38");
    let bundle = place
        .build("out", &source("prior", "scores", "run", ""))
        .unwrap();
    let contigs = place.reference.contigs();
    let alleles = common::alleles("chr2:12 C>A\nchr1:12 C>A\nchr1:12 C>T");
    let joined = common::join(&bundle, &["prior.score.m.risk"], contigs, &[alleles]);
    assert_eq!(joined, ["0.1", "-", "0.7"]);
    let locked = bundle.source("prior").unwrap();
    assert_eq!(locked.models[0].manifest_sha256, "bb");
    assert_eq!(locked.columns[0].field_type, FieldType::Score);
    assert_eq!(locked.dropped.get("no_score"), Some(&1));

    write_run(&place, "GRCh37");
    let message = place.refused(&source("prior", "scores", "run", ""));
    assert!(
        message.contains("the run is of GRCh37, the bundle of GRCh38"),
        "{message}"
    );
}

#[test]
fn prepared_tables_are_kept_as_they_are() {
    let place = Place::new();
    place.write("genes.gff3", "x");
    let config = place.config("GRCh38", &source("genes", "gene_models", "genes.gff3", ""));
    let mut builder =
        BundleBuilder::try_new(&place.path("out"), common::BUILD, place.reference.clone()).unwrap();
    let error = builder.add(&config.sources[0], &mut |_| ()).unwrap_err();
    assert!(
        error.to_string().contains("added as a prepared table"),
        "{error}"
    );
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let batch = |from: i64| {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 5_000));
        RecordBatch::try_new(Arc::clone(&schema), vec![values]).unwrap()
    };
    let meta = TableMeta::of(&config.sources[0]);
    builder
        .add_table(
            &meta,
            Arc::clone(&schema),
            [batch(0), batch(5_000)],
            &mut |_| (),
        )
        .unwrap();
    let bundle = builder.finish().unwrap();
    let rows: usize = bundle
        .table("genes")
        .unwrap()
        .iter()
        .map(RecordBatch::num_rows)
        .sum();
    assert_eq!(rows, 10_000);
    assert_eq!(bundle.source("genes").unwrap().matching, MatchKind::Whole);
}

#[test]
fn building_twice_gives_the_same_bytes() {
    let place = Place::new();
    let records: String = (1..=300)
        .map(|i| format!("1 {} . ACGT A,C . . AF=0.{i},0.5\n", i * 10 + 1))
        .collect();
    place.vcf("s.vcf", INFO, &records);
    place.table("b.bed", "1 10 20\nchr2 1 2");
    let sources =
        source("s", "vcf", "s.vcf", "fields.af = 'AF'") + &source("b", "bed", "b.bed", "");
    let mut found = Vec::new();
    for output in ["one", "two"] {
        place.build(output, &sources).unwrap();
        let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(place.path(output))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, std::fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        found.push(files);
    }
    let names: Vec<&str> = found[0].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b.parquet", "knowledge.lock", "s.parquet"]);
    assert!(found[0] == found[1], "the bytes differ");
    let lock = String::from_utf8(found[0][1].1.clone()).unwrap();
    let folder = place.path("").display().to_string();
    assert!(
        !lock.contains(folder.trim_end_matches('/')),
        "a path in the lock"
    );
}
